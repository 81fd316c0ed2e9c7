//! Our way: the account's own rules on one instance of the library's handler over a store, and devices that are the
//! library's replicas. Decides how requests travel and what of the store's work is counted; knows no clock but the one it is
//! told.

use account::{Account, Action};
use baton::effect::{Arrival, Call, Effect, Fed, Found, Moment, Outcome};
use baton::limits::PROTOCOL;
use baton::parcel::{Parcel, Posted, Receipt};
use baton::wire::{self, Hail, Presence, Request, Sent};
use baton::{
    DeviceId, Head, Identity, Instance, Lineage, Memory, Nonce, Replica, Settings, SettingsInput,
    Writer,
};

/// Whose account it is.
const OWNER: &str = "player";
pub(crate) const ROOM: &str = "account/player";
pub(crate) const START_MS: u64 = 1_790_000_000_000;
/// Longer than a lease: whoever asks may lead at once.
const PAUSE_MS: u64 = 250;

/// What was asked of a store: what a sync costs wherever it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
    /// Frames that were read, each of which is replayed or handed on.
    pub(crate) frames: u64,
}

/// A store as a host performs effects on it.
pub(crate) trait Store {
    fn perform(&mut self, effect: &Effect, moment: Moment, work: &mut Work) -> Fed;
    fn set_clock(&mut self, now_ms: u64);
    /// What an instance remembers of it is gone.
    fn forget(&mut self) {}
}

impl Store for Memory {
    fn perform(&mut self, effect: &Effect, _: Moment, work: &mut Work) -> Fed {
        work.calls += 1;
        if let Effect::Append(append, _) = effect {
            let snapshot = append.snapshot.as_ref().map_or(0, |bytes| bytes.len());
            work.bytes += (append.frame.len() + snapshot) as u64;
        }
        let fed = Memory::perform(self, ROOM, effect).expect("an effect of a store");
        if let Fed::Read(found) | Fed::Appended(_, found) | Fed::Pushed(found) = &fed {
            work.frames += found.frames.len() as u64;
            work.bytes += size_of(found);
        }
        fed
    }

    fn set_clock(&mut self, now_ms: u64) {
        Memory::set_clock(self, now_ms);
    }
}

fn size_of(found: &Found) -> u64 {
    let frames = found.frames.iter().map(|frame| frame.len());
    let items = found.inbox.iter().map(|item| item.bytes.len());
    let snapshot = found.snapshot.as_ref().map_or(0, |bytes| bytes.len());
    frames.chain(items).chain([snapshot]).sum::<usize>() as u64
}

/// An account on one instance.
pub(crate) struct Host<S> {
    pub(crate) store: S,
    pub(crate) work: Work,
    /// From one request to the next.
    pub(crate) pause_ms: u64,
    instance: Instance<Account>,
    now_ms: u64,
    drawn: u64,
    posted: u64,
}

impl Host<Memory> {
    pub(crate) fn in_memory() -> Self {
        Self::on(Memory::new(START_MS))
    }

    /// All frames.
    pub(crate) fn frames(&mut self) -> impl Iterator<Item = &[u8]> {
        self.store.log(ROOM).frames()
    }
}

impl<S: Store> Host<S> {
    pub(crate) fn on(store: S) -> Self {
        let settings = SettingsInput {
            // There is no other room.
            deliver: false,
            ..SettingsInput::default()
        };
        let settings = Settings::try_from(settings).expect("settings in their range");
        Self {
            store,
            work: Work::default(),
            pause_ms: PAUSE_MS,
            instance: Instance::new(Writer([1; 8]), settings, ()),
            now_ms: START_MS,
            drawn: 0,
            posted: 0,
        }
    }

    /// Time passes until anybody may lead.
    pub(crate) fn pause(&mut self) {
        self.pass(self.pause_ms);
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    /// Since it began: the clock of devices.
    pub(crate) fn since_ms(&self) -> u64 {
        self.now_ms - START_MS
    }

    /// The next request finds an instance that knows nothing.
    pub(crate) fn forget(&mut self) {
        self.instance.forget();
        self.store.forget();
    }

    /// A whole invocation.
    pub(crate) fn ask(&mut self, arrival: Arrival) -> Outcome {
        let moment = self.moment();
        let (mut invocation, mut effect) = self.instance.begin(ROOM, vec![arrival], moment);
        loop {
            if let Effect::Reply(outcomes) = &mut effect {
                return outcomes.remove(0);
            }
            let moment = self.moment();
            let fed = self.store.perform(&effect, moment, &mut self.work);
            let moment = self.moment();
            effect = invocation.resume(&mut self.instance, fed, moment);
        }
    }

    fn moment(&mut self) -> Moment {
        self.drawn += 1;
        let nonce = self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Moment {
            wall_ms: self.now_ms,
            mono_ms: self.since_ms(),
            nonce: Nonce(nonce.to_le_bytes()),
        }
    }

    /// The server does something to the account; `copies`: how often it arrives.
    pub(crate) fn deliver(&mut self, action: &Action, copies: u32) {
        let after = self.posted;
        self.posted += 1;
        let posted = Posted {
            seq: self.posted,
            body: wire::write(action).into(),
        };
        let parcel = wire::write(&Parcel {
            protocol: PROTOCOL,
            sender: "office/operator".into(),
            lineage: Lineage([3; 8]),
            after,
            sends: vec![posted],
        });
        for _ in 0..copies {
            self.pause();
            let call = Call::Deliver(parcel.clone().into());
            let outcome = self.ask(Arrival { who: None, call });
            assert_eq!(outcome.status, 200);
            let receipt: Receipt = postcard::from_bytes(&outcome.body).expect("a receipt");
            assert_eq!(receipt.mark, self.posted, "it is in the log");
        }
    }
}

/// Bytes of bodies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) up: u64,
    pub(crate) down: u64,
}

impl Bytes {
    pub(crate) fn of(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |sum, each| Self {
            up: sum.up + each.up,
            down: sum.down + each.down,
        })
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// It never arrives.
    RequestLost,
    /// It arrives; its answer does not.
    AnswerLost,
}

/// A device of the owner.
pub(crate) struct Device {
    pub(crate) replica: Replica<Account>,
    pub(crate) bytes: Bytes,
}

impl Device {
    /// The n-th, which has joined.
    pub(crate) fn join<S: Store>(host: &mut Host<S>, number: u8) -> Self {
        let replica = Replica::new(OWNER, DeviceId([number; 16]), 1);
        let mut device = Self {
            replica,
            bytes: Bytes::default(),
        };
        for _ in 0..20 {
            if device.replica.player().is_some() {
                return device;
            }
            host.pause();
            device.sync(host, Fate::Answered);
        }
        panic!("the device could not join");
    }

    pub(crate) fn act<S: Store>(&mut self, host: &Host<S>, action: &Action) -> bool {
        self.replica.act(action, host.since_ms()).is_ok()
    }

    /// A request as it arrives.
    pub(crate) fn arrival<S: Store>(&mut self, host: &Host<S>) -> Arrival {
        let request = self.replica.request(false, host.since_ms());
        self.bytes.up += request.len() as u64;
        arrival(request)
    }

    pub(crate) fn take<S: Store>(&mut self, host: &Host<S>, outcome: &Outcome) {
        assert_eq!(outcome.status, 200);
        let now_ms = host.since_ms();
        self.bytes.down += outcome.body.len() as u64;
        assert!(self.replica.receive(&outcome.body, now_ms, now_ms));
        assert!(self.replica.desync().is_none(), "its replay is the host's");
    }

    pub(crate) fn sync<S: Store>(&mut self, host: &mut Host<S>, fate: Fate) {
        let arrival = self.arrival(host);
        let outcome = match fate {
            Fate::RequestLost => None,
            Fate::Answered | Fate::AnswerLost => Some(host.ask(arrival)),
        };
        match (fate, outcome) {
            (Fate::Answered, Some(outcome)) => self.take(host, &outcome),
            _ => self.replica.refused(None, None, host.since_ms()),
        }
    }

    /// What the log says.
    pub(crate) fn synced(&self) -> &account::State {
        self.replica.synced().expect("joined").state()
    }
}

fn arrival(request: Vec<u8>) -> Arrival {
    let who = Identity {
        user: OWNER.into(),
        name: "the player".into(),
    };
    Arrival {
        who: Some(who),
        call: Call::Play(request.into()),
    }
}

/// A device that replays nothing: what long histories are written by, so that they are written soon.
pub(crate) struct Pen {
    hail: Hail,
    cursor: Head,
}

impl Pen {
    pub(crate) fn join<S: Store>(host: &mut Host<S>) -> Self {
        let mut pen = Self {
            hail: Hail {
                id: DeviceId([9; 16]),
                number: None,
                session: 1,
                client: 1,
                presence: Presence::Here,
                answered: 0,
                kept_from: 1,
                actions: Vec::new(),
            },
            cursor: Head::default(),
        };
        while pen.hail.number.is_none() {
            pen.say(host);
        }
        pen
    }

    /// So many frames more, with one action each.
    pub(crate) fn write<S: Store>(&mut self, host: &mut Host<S>, frames: u64) {
        for _ in 0..frames {
            let before = (self.cursor.v, self.hail.answered);
            let seq = self.hail.answered + 1;
            let body = wire::write(&some_action(seq)).into();
            let version = 1;
            self.hail.actions = vec![Sent { seq, version, body }];
            self.say(host);
            let after = (self.cursor.v, self.hail.answered);
            assert_eq!(after, (before.0 + 1, before.1 + 1), "a frame, an action");
        }
    }

    /// The newest frame.
    pub(crate) fn head(&self) -> Head {
        self.cursor
    }

    /// Asks; the next request goes on from there. Frames are not asked for.
    pub(crate) fn say<S: Store>(&mut self, host: &mut Host<S>) {
        host.pause();
        let request = Request {
            protocol: PROTOCOL,
            cursor: self.cursor,
            rules: 1,
            frames: false,
            device: Some(self.hail.clone()),
        };
        let outcome = host.ask(arrival(wire::write(&request)));
        let reply = wire::read_reply(&outcome.body).expect("an answer");
        self.cursor = reply.head;
        self.hail.actions.clear();
        if let Some(standing) = reply.device {
            self.hail.number = Some(standing.number);
            self.hail.answered = standing.mark;
            self.hail.kept_from = standing.mark + 1;
        }
    }
}

/// What a device does by the way: the n-th of its actions.
pub(crate) fn some_action(seq: u64) -> Action {
    let value = seq as u8;
    match seq % 3 {
        0 => Action::Look(value % account::FREE_LOOKS),
        1 => Action::Prefer(account::Preference::Volume, value),
        _ => Action::Prefer(account::Preference::Contrast, value),
    }
}
