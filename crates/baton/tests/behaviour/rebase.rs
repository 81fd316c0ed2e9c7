//! Rebasing, against a model of it: whatever comes in whatever order, what is shown is the synced
//! state with the pending actions, and the synced state is a replay of the log.

use std::collections::BTreeMap;

use baton::{Note, Player, Room};
use proptest::prelude::*;

use crate::support::rules::{Herd, HerdAction, HerdState};
use crate::support::{Client, World};

/// Something that happens to one of the devices, or to all.
#[derive(Clone, Debug)]
enum Step {
    Add(usize, i64),
    Spend(usize, i64),
    /// A request by way of an instance, answered.
    Ask(usize, usize),
    /// A request whose answer is lost.
    Lose(usize, usize),
    /// The newest frames are pushed to a device, all but some.
    Push(usize, u8),
    Pass(u64),
    Forget(usize),
    /// Only what was saved is left of a device; perhaps with the room.
    Reload(usize, bool),
}

const DEVICES: usize = 3;
const INSTANCES: usize = 2;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..DEVICES, 1..9_i64).prop_map(|(device, amount)| Step::Add(device, amount)),
        2 => (0..DEVICES, 1..20_i64).prop_map(|(device, amount)| Step::Spend(device, amount)),
        5 => (0..DEVICES, 0..INSTANCES).prop_map(|(device, at)| Step::Ask(device, at)),
        1 => (0..DEVICES, 0..INSTANCES).prop_map(|(device, at)| Step::Lose(device, at)),
        2 => (0..DEVICES, any::<u8>()).prop_map(|(device, skip)| Step::Push(device, skip)),
        5 => (1..400_u64).prop_map(Step::Pass),
        1 => (0..INSTANCES).prop_map(Step::Forget),
        1 => (0..DEVICES, any::<bool>()).prop_map(|(device, room)| Step::Reload(device, room)),
    ];
    prop::collection::vec(step, 10..120)
}

struct Bench {
    world: World<Herd>,
    devices: Vec<Client<Herd>>,
    /// By device: number and change of every action that has no answer yet.
    pending: Vec<BTreeMap<u64, i64>>,
}

impl Bench {
    /// Two users, one of them with two devices.
    fn new() -> Self {
        let mut world = World::new(INSTANCES);
        let mut devices = vec![
            Client::on("ann", 1),
            Client::on("ann", 2),
            Client::on("bob", 1),
        ];
        for device in &mut devices {
            world.pass(201);
            world.join(0, device);
        }
        Self {
            world,
            devices,
            pending: vec![BTreeMap::new(); DEVICES],
        }
    }

    fn act(&mut self, device: usize, action: &HerdAction, change: i64) {
        let since_ms = self.world.since_ms();
        if let Ok(seq) = self.devices[device].replica.act(action, since_ms) {
            self.pending[device].insert(seq, change);
        }
    }

    fn step(&mut self, step: &Step) {
        let since_ms = self.world.since_ms();
        match *step {
            Step::Add(device, amount) => self.act(device, &HerdAction::Add(amount), amount),
            Step::Spend(device, amount) => self.act(device, &HerdAction::Spend(amount), -amount),
            Step::Ask(device, at) => {
                self.world.exchange(at, &mut self.devices[device]);
            }
            Step::Lose(device, at) => {
                let arrival = self.devices[device].arrival(self.world.now_ms);
                self.world.ask(at, vec![arrival]);
                self.devices[device].replica.refused(None, None, since_ms);
            }
            Step::Push(device, skip) => {
                // Only news is pushed: who has nothing yet cannot use it.
                let have = match self.devices[device].replica.head().v as usize {
                    0 => return,
                    have => have,
                };
                let frames: Vec<Vec<u8>> = self.world.log().frames().map(<[u8]>::to_vec).collect();
                for (index, frame) in frames.iter().enumerate().skip(have.saturating_sub(1)) {
                    if skip >> (index % 8) & 1 == 0 {
                        let published = self.world.published(frame);
                        self.devices[device].replica.frame(published, since_ms);
                    }
                }
            }
            Step::Pass(ms) => self.world.pass(ms),
            Step::Forget(at) => self.world.instances[at].forget(),
            Step::Reload(device, keep) => {
                let room = self.devices[device].replica.save_room();
                self.devices[device].reload();
                if let Some(room) = room.filter(|_| keep) {
                    assert!(self.devices[device].replica.warm_up(&room, since_ms));
                }
            }
        }
    }

    fn check(&mut self, device: usize) {
        let client = &mut self.devices[device];
        client.notes.extend(client.replica.notes());
        for note in client.notes.drain(..) {
            match note {
                Note::Answer { seq, .. } => {
                    self.pending[device].remove(&seq);
                }
                other => panic!("{other:?}"),
            }
        }
        let replica = &client.replica;
        assert_eq!(
            replica.pending(),
            self.pending[device].len(),
            "none is overwritten"
        );
        let (Some(synced), Some(player)) = (replica.synced(), replica.player()) else {
            return;
        };
        let shown = replica.predicted().expect("shown");
        let model = rebase(synced.state(), player, self.pending[device].values());
        assert_eq!(shown.state().counters, model, "synced, and what is pending");
        assert!(shown.tick() >= synced.tick());
        assert_eq!(shown.state().ticks, shown.tick(), "time was lived once");
        let frames: Vec<Vec<u8>> = self.world.log().frames().map(<[u8]>::to_vec).collect();
        let replayed = replay(&frames[..synced.head().v as usize]);
        assert_eq!(
            replayed.state_hash(),
            synced.state_hash(),
            "a replay of the log"
        );
    }
}

/// The model: pending changes in the order of the device; what can no longer be done is left out.
fn rebase<'a>(
    synced: &HerdState,
    player: Player,
    pending: impl Iterator<Item = &'a i64>,
) -> BTreeMap<Player, i64> {
    let mut counters = synced.counters.clone();
    for change in pending {
        let counter = counters.get(&player).copied().unwrap_or_default();
        if counter + change >= 0 || *change >= 0 {
            counters.insert(player, counter + change);
        }
    }
    counters
}

fn replay(frames: &[Vec<u8>]) -> Room<Herd> {
    let mut room = Room::genesis(&frames[0]).expect("the first frame");
    for frame in &frames[1..] {
        room.replay(frame).expect("the next frame");
    }
    room
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn b22_what_is_shown_is_the_servers_order_with_the_pending_actions_after_it(steps in steps()) {
        let mut bench = Bench::new();
        for step in &steps {
            bench.step(step);
            for device in 0..DEVICES {
                bench.check(device);
            }
        }
        // In the end all agree with the log, and nothing is pending.
        for round in 0..12 {
            bench.world.pass(201);
            bench.world.exchange(0, &mut bench.devices[round % DEVICES]);
        }
        for device in 0..DEVICES {
            bench.check(device);
            prop_assert_eq!(bench.devices[device].replica.pending(), 0);
        }
        bench.world.audit();
    }
}
