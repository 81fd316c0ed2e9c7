//! A world to test in: one store, several instances, and a clock that only tests move.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "tests of other packages include this file and use their part of it"
)]

pub mod audit;
pub mod brittle;
pub mod client;
pub mod fleet;
pub mod flight;
pub mod flock;
pub mod forks;
pub mod gale;
pub mod host;
pub mod purse;
pub mod raw;
pub mod rollout;
pub mod rooms;
pub mod rules;
pub mod scene;
pub mod shelf;
pub mod till;
pub mod traffic;

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call, Effect, Fed, Found, Moment, Outcome, Read};
use baton::frame::Frame;
use baton::wire::{self, Request};
use baton::{
    Code, Hash, Head, Instance, Log, Memory, Nonce, Rules, Settings, SettingsInput, Writer, limits,
};

pub use audit::{Audit, audit};
pub use client::Client;
pub use flight::{Fault, Flight};
pub use forks::Forks;
pub use raw::{Raw, reply_of};
pub use shelf::{Mishap, Shelf, Voyage};

pub const START_MS: u64 = 1_790_000_000_000;
/// Every test plays in one room; which kind it is, the instances say.
pub const ROOM: &str = "kind/test";
pub const FRAME_MS: u64 = 100;
pub const LEASE_MS: u64 = 200;
pub const IDLE_MS: u64 = 2_000;

/// Where the library was built with its mutants: the one that `BATON_MUTANT` names, so that it can be
/// seen which tests find it.
pub fn switch_off() {
    #[cfg(feature = "mutants")]
    {
        use baton::mutant::{Mutant, choose};
        let name = std::env::var_os("BATON_MUTANT").unwrap_or_default();
        let named = Mutant::ALL
            .into_iter()
            .find(|mutant| name == *format!("{mutant:?}"));
        assert!(
            named.is_some() || name.is_empty(),
            "no mutant is called {name:?}"
        );
        choose(named);
    }
}

/// One store, several instances, one clock.
pub struct World<R: Rules> {
    pub store: Memory,
    pub instances: Vec<Instance<R>>,
    pub now_ms: u64,
    /// How far each instance's wall clock is off.
    pub skews_ms: Vec<i64>,
    /// Nonces depend on the time alone, so that two runs can be compared byte by byte.
    pub nonce_by_time: bool,
    pub count: Count,
    /// The store has no clock.
    pub clockless: bool,
    /// Set: nobody coordinates. For the control that must fail.
    pub forks: Option<Forks>,
    settings: Settings,
    config: R::Config,
    nonce: u64,
    started: u64,
    /// The newest frame that was appended, its writer and its time.
    newest: (Head, Writer, u64),
    /// By the frame's bytes.
    deltas: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What was asked of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub reads: u64,
    pub appends: u64,
    pub lost: u64,
    pub pushes: u64,
    pub notes: u64,
}

impl<R: Rules> World<R> {
    pub fn new(instances: usize) -> Self {
        Self::with(instances, |_| {}, R::Config::default())
    }

    pub fn with(instances: usize, set: impl Fn(&mut SettingsInput), config: R::Config) -> Self {
        let mut input = SettingsInput {
            frame_ms: FRAME_MS as u32,
            lease_ms: LEASE_MS as u32,
            idle_ms: IDLE_MS as u32,
            // There is no other room.
            deliver: false,
            ..SettingsInput::default()
        };
        set(&mut input);
        let mut world = Self {
            store: Memory::new(START_MS),
            instances: Vec::new(),
            now_ms: START_MS,
            skews_ms: vec![0; instances],
            nonce_by_time: false,
            count: Count::default(),
            clockless: false,
            forks: None,
            settings: Settings::try_from(input).expect("the settings are in range"),
            config,
            nonce: 0,
            started: 0,
            newest: (Head::default(), Writer::default(), 0),
            deltas: BTreeMap::new(),
        };
        world.instances = (0..instances).map(|_| world.instance()).collect();
        world
    }

    fn instance(&mut self) -> Instance<R> {
        switch_off();
        self.started += 1;
        let writer = Writer(self.started.to_le_bytes());
        Instance::new(writer, self.settings, self.config.clone())
    }

    /// Ends an instance for ever; another takes its place.
    pub fn replace(&mut self, instance: usize) {
        self.instances[instance] = self.instance();
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    /// Since the world began: the clock of clients.
    pub fn since_ms(&self) -> u64 {
        self.now_ms - START_MS
    }

    pub fn moment(&mut self, instance: usize) -> Moment {
        self.nonce += 1;
        let nonce = match self.nonce_by_time {
            true => self.now_ms.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            false => self.nonce,
        };
        Moment {
            wall_ms: self.now_ms.saturating_add_signed(self.skews_ms[instance]),
            mono_ms: self.since_ms() + 1_000_000 * instance as u64,
            nonce: Nonce(nonce.to_le_bytes()),
        }
    }

    pub fn log(&mut self) -> &mut Log {
        self.store.log(ROOM)
    }

    pub fn head(&mut self) -> Head {
        self.log().head()
    }

    /// What a reader without any knowledge finds.
    pub fn found(&mut self) -> Found {
        let now_ms = self.now_ms;
        self.log().read(&Read::default(), now_ms)
    }

    /// What a reader finds who has everything.
    pub fn found_now(&mut self) -> Found {
        let (now_ms, known) = (self.now_ms, self.head());
        let since = known.v;
        let block = None;
        self.log().read(
            &Read {
                known,
                since,
                block,
            },
            now_ms,
        )
    }

    /// All frames.
    pub fn frames(&mut self) -> Vec<Frame> {
        let decode = |bytes| Frame::decode(bytes).expect("the log holds frames");
        self.log().frames().map(decode).collect()
    }

    /// How many frames of the log say that they are version `v`.
    pub fn frames_at(&mut self, v: u64) -> usize {
        let frames = self.log().frames().skip(v.saturating_sub(2) as usize);
        let at = frames.filter(|bytes| Frame::decode(bytes).is_ok_and(|frame| frame.v == v));
        at.count()
    }

    /// The newest frame.
    pub fn last_frame(&mut self) -> Frame {
        self.frames().pop().expect("the room has begun")
    }

    /// Replays the whole log, checking all that a log must be.
    pub fn audit(&mut self) -> Audit<R> {
        audit(self.log().frames())
    }

    /// Performs an effect that an instance asks for.
    pub fn perform_for(&mut self, instance: usize, effect: &Effect) -> Option<Fed> {
        let mut fed = match &mut self.forks {
            Some(forks) => forks.perform(instance, effect, self.now_ms),
            None => self.perform(effect),
        };
        if let Some(
            Fed::Read(found)
            | Fed::Appended(_, found)
            | Fed::Pushed(found)
            | Fed::Full(found)
            | Fed::Noted(found),
        ) = &mut fed
            && self.clockless
        {
            found.clock_ms = None;
        }
        fed
    }

    /// Performs an effect on the store, counting, and checks that nobody appends under another's
    /// live lease.
    pub fn perform(&mut self, effect: &Effect) -> Option<Fed> {
        let before = self.found_now();
        let fed = self.store.perform(ROOM, effect);
        match &fed {
            Some(Fed::Read(_)) => self.count.reads += 1,
            Some(Fed::Pushed(_) | Fed::Full(_)) => self.count.pushes += 1,
            Some(Fed::Appended(false, _)) => self.count.lost += 1,
            Some(Fed::Appended(true, _)) => {
                self.count.appends += 1;
                let Effect::Append(append, _) = effect else {
                    panic!("only an append is answered so");
                };
                let frame = Frame::decode(&append.frame).expect("a frame");
                self.deltas
                    .insert(append.frame.to_vec(), append.published.to_vec());
                let (head, writer, time_ms) = self.newest;
                // A frame that was this long on its way holds nobody back; without a store's clock
                // a wall clock that is far ahead makes every frame look like that.
                let young =
                    !self.clockless && (time_ms..=time_ms + 2 * LEASE_MS).contains(&self.now_ms);
                if before.lease.is_some() && young && head == before.head {
                    assert_eq!(writer, frame.writer, "appended under a live lease");
                }
                self.newest = (self.head(), frame.writer, frame.time_ms);
            }
            Some(Fed::Noted(_)) => self.count.notes += 1,
            Some(Fed::Failed | Fed::Delivered(_)) | None => {}
        }
        fed
    }

    /// What a live socket brings of a frame that was appended.
    pub fn published(&self, frame: &[u8]) -> &[u8] {
        &self.deltas[frame]
    }

    /// A whole invocation, without interruption.
    pub fn ask(&mut self, instance: usize, arrivals: Vec<Arrival>) -> Vec<Outcome> {
        let mut flight = Flight::begin(self, instance, arrivals);
        flight.finish(self)
    }

    /// One request of a client by way of an instance; its reply is taken in.
    pub fn exchange(&mut self, instance: usize, client: &mut Client<R>) -> u16 {
        let arrival = client.arrival(self.now_ms);
        let outcomes = self.ask(instance, vec![arrival]);
        client.take(&outcomes[0], self.now_ms);
        outcomes[0].status
    }

    /// Asks until the client is a registered, present player.
    pub fn join(&mut self, instance: usize, client: &mut Client<R>) {
        for _ in 0..20 {
            self.exchange(instance, client);
            if client.replica.player().is_some() {
                return;
            }
            self.pass(120);
        }
        panic!("the client could not join");
    }

    /// Somebody who only watches asks, from nothing.
    pub fn watch(&mut self, instance: usize) -> wire::Reply {
        self.watch_from(instance, Head::default())
    }

    /// Somebody who only watches asks for what is new since a version.
    pub fn watch_from(&mut self, instance: usize, cursor: Head) -> wire::Reply {
        let outcomes = self.ask(instance, vec![watcher(cursor)]);
        reply_of(&outcomes[0]).expect("whoever watches is answered")
    }

    /// Lets the lease end and the inbox be framed by an instance that holds nothing.
    pub fn settle(&mut self) {
        self.pass(LEASE_MS + FRAME_MS + 1);
        self.watch(0);
    }
}

/// The frame of a version.
pub fn head_at(log: &Log, v: u64) -> Head {
    let bytes = log.frames().nth(v as usize - 1);
    Head {
        v,
        hash: Hash::of(bytes.expect("it is that long")),
    }
}

/// A request for frames, without a device.
pub fn watcher(cursor: Head) -> Arrival {
    let request = Request {
        protocol: limits::PROTOCOL,
        cursor,
        rules: 0,
        frames: true,
        device: None,
    };
    Arrival {
        who: None,
        call: Call::Play(wire::write(&request).into()),
    }
}

/// The code of a refused request, and the expected number of a gap.
pub fn refusal(outcome: &Outcome) -> (Option<Code>, Option<u64>) {
    let body: serde_json::Value = serde_json::from_slice(&outcome.body).expect("JSON");
    let name = body["code"].as_str().expect("a code");
    let code = Code::ALL.into_iter().find(|code| code.name() == name);
    assert_eq!(code.map(Code::status), Some(outcome.status));
    (code, body["expected"].as_u64())
}
