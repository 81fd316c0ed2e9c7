//! A room with honest players, those who break its rules, and several hosts: rounds until it got over
//! it, and what must be true then.

use baton::Reject;
use baton::frame::Entry;

use super::brittle::{Brittle, BrittleAction, BrittleConfig, act};
use super::host::{Host, Landing};
use super::{Client, FRAME_MS, LEASE_MS, Raw, World};

/// Between two requests of anybody.
pub const PACE_MS: u64 = 40;

/// Numbers and bodies.
pub type Actions = Vec<(u64, Vec<u8>)>;

/// A room with honest players, those who break it, and several hosts.
pub struct Scene {
    pub world: World<Brittle>,
    pub host: Host,
    pub honest: Vec<Client<Brittle>>,
    /// Devices and the actions that they send until they have a verdict for each.
    pub breaking: Vec<(Raw, Actions)>,
    turn: usize,
}

impl Scene {
    pub fn new(instances: usize, honest: usize) -> Self {
        Self::with(instances, honest, BrittleConfig::default())
    }

    pub fn with(instances: usize, honest: usize, config: BrittleConfig) -> Self {
        let mut world = World::with(instances, |_| {}, config);
        let mut all = Vec::new();
        for number in 0..honest {
            let mut client = Client::new(&format!("honest{number}"));
            world.join(number % instances, &mut client);
            all.push(client);
        }
        Self {
            world,
            host: Host::default(),
            honest: all,
            breaking: Vec::new(),
            turn: 0,
        }
    }

    /// A device joins; from now on it sends these, numbered from 1, until each has a verdict.
    pub fn break_with(&mut self, user: &str, actions: &[BrittleAction]) {
        let raw = Raw::joined(&mut self.world, 0, user);
        let bodies = actions.iter().map(|action| act(action.clone()));
        self.breaking.push((raw, (1..).zip(bodies).collect()));
    }

    /// Everybody asks once, each by another host than the last; the honest add 1.
    pub fn round(&mut self, adds: bool) {
        for index in 0..self.honest.len() {
            self.world.pass(PACE_MS);
            self.turn += 1;
            let instance = self.turn % self.world.instances.len();
            let now_ms = self.world.now_ms;
            let client = &mut self.honest[index];
            if adds {
                // While hosts die the queue may be full.
                let since_ms = self.world.since_ms();
                let _ = client.replica.act(&BrittleAction::Add(1), since_ms);
            }
            let arrival = client.arrival(now_ms);
            let landing = self.host.serve(&mut self.world, instance, vec![arrival]);
            if let Landing::Answered(outcomes) = landing {
                self.honest[index].take(&outcomes[0], now_ms);
            } else {
                self.honest[index]
                    .replica
                    .refused(None, None, self.world.since_ms());
            }
        }
        for index in 0..self.breaking.len() {
            self.world.pass(PACE_MS);
            self.turn += 1;
            let instance = self.turn % self.world.instances.len();
            let (raw, actions) = &self.breaking[index];
            let arrival = raw.arrival(actions);
            self.host.serve(&mut self.world, instance, vec![arrival]);
        }
    }

    /// Rounds until every breaking device has a verdict for each action; the time that took.
    pub fn until_settled(&mut self) -> u64 {
        let began_ms = self.world.now_ms;
        for _ in 0..300 {
            self.round(true);
            let Self {
                world, breaking, ..
            } = self;
            let settled = |(raw, actions): &(Raw, Actions)| {
                let found = world.audit().room;
                let standing = found.standing(&raw.who.user, raw.hail.id);
                standing.is_some_and(|standing| standing.mark() == actions.len() as u64)
            };
            if breaking.iter().all(settled) {
                return self.world.now_ms - began_ms;
            }
        }
        panic!("the room did not get over it");
    }

    /// Rounds until nobody honest waits for an answer; then nobody's action was lost or rejected,
    /// and nothing is suspected any more.
    pub fn assert_honest(&mut self) {
        for _ in 0..20 {
            self.round(false);
        }
        self.world.settle();
        let room = self.world.audit().room;
        for client in &self.honest {
            assert_eq!(
                client.replica.pending(),
                0,
                "an action is without an answer"
            );
            let answers = client.answers();
            assert!(
                answers.iter().all(|(_, code)| *code == Some(0)),
                "{answers:?}"
            );
            let player = client.replica.player().expect("it plays");
            let counter = room.state().counters.get(&player).copied();
            assert_eq!(counter.unwrap_or(0), answers.len() as i64);
        }
        let found = self.world.found_now();
        assert_eq!(found.attempt, None, "nothing is suspected any more");
        assert_eq!(found.inbox, [], "nothing waits for ever");
    }

    /// The verdicts of a breaking device.
    pub fn verdicts(&mut self, index: usize) -> Vec<Option<u16>> {
        let (raw, actions) = &self.breaking[index];
        let room = self.world.audit().room;
        let standing = room.standing(&raw.who.user, raw.hail.id).expect("joined");
        actions
            .iter()
            .map(|(seq, _)| standing.verdict(*seq))
            .collect()
    }

    pub fn halted(&mut self) -> bool {
        matches!(self.world.last_frame().entries.last(), Some(Entry::Halt))
    }
}

pub const FAULTED: Option<u16> = Some(Reject::FAULTED.0);

/// What a room needs at most from a broken action to its verdict: each trap costs a lease until the
/// next instance leads, and each step waits for the next request.
pub fn bound_ms(devices: usize, traps: u64) -> u64 {
    let request_ms = PACE_MS * devices as u64;
    traps * (LEASE_MS + FRAME_MS + request_ms) + 2 * LEASE_MS + request_ms
}
