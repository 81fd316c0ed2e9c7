//! The replica: a client's copy of a room. Two states: *synced* (frames alone) and *predicted*
//! (synced, and our pending actions, and time up to now). New frames rewind and re-apply what is
//! pending: a rebase, which is also a rollback. Sans-IO, like the handler: the caller sends,
//! receives, saves, and says what time it is.

mod ask;
mod clock;
mod queue;
mod shows;
mod spectate;
mod take;

use alloc::{collections::VecDeque, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use ask::Asking;
use clock::Clock;
use queue::Queue;
pub use spectate::Next;
use spectate::Spectating;

use crate::id::{DeviceId, Hash, Head, Lineage};
use crate::kind::Kind;
use crate::limits::{MAX_ACTION_BYTES, PROTOCOL};
use crate::room::Room;
use crate::rules::{By, Player, Reject};
use crate::wire::{self, Hail, Order, Presence, Request};

/// How far ahead of the newest frame a client predicts before it says *stalled*.
pub const PREDICT_MS: u64 = 5_000;

/// How many of the newest frames [`Replica::trail`] names.
const TRAIL: usize = 1_024;

/// The version of what [`Replica::save`] writes.
const SAVED: u8 = 2;

/// A client's copy of a room.
pub struct Replica<R: Kind> {
    user: String,
    client: u16,
    queue: Queue,
    synced: Option<Room<R>>,
    predicted: Option<Room<R>>,
    lineage: Option<Lineage>,
    /// The cursor of the last request.
    asked: Head,
    /// Its device: what is answered to it is not of one that was taken since.
    asker: DeviceId,
    /// The highest sequence that it carried; 0 if none.
    carried: u64,
    clock: Clock,
    asking: Asking,
    notes: Vec<Note>,
    desync: Option<Desync>,
    reload: bool,
    /// The version of the room's rules, as far as we were told; 0 before.
    rules: u32,
    /// The host refused because the room is halted; the next reply brings the frame that says so.
    halted: bool,
    leaving: bool,
    /// The room had our session as the device's, once.
    opened: bool,
    away: bool,
    cautious: bool,
    trail: VecDeque<Head>,
    /// What a spectator remembers; nothing for a player.
    spectating: Option<Spectating>,
}

/// Something that the person in front of it, or the program, should know. Read and cleared with
/// [`Replica::notes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// The answer to an action: 0 accepted, else the rules' code; `None` if it is too long ago.
    Answer {
        /// The action.
        seq: u64,
        /// 0 or the rules' code.
        code: Option<u16>,
    },
    /// The store lost frames that were shown: the state starts over from what it still has.
    Reset,
    /// The room forgot this device, or another one uses its id: `lost` actions will never arrive, or have arrived and their
    /// answers are lost. Give it a new id with [`Replica::renew`].
    Evicted {
        /// How many.
        lost: usize,
    },
    /// Our rules came to another state than the writer's. See [`Replica::desync`].
    Desync,
    /// The host speaks another protocol, or the room changed to later rules than ours. Load the page
    /// again; what waits for an answer is kept, and goes on from what was saved.
    Reload,
}

/// What is needed to find out why two builds disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desync {
    /// The version that differs.
    pub v: u64,
    /// The writer's state hash.
    pub expected: Hash,
    /// Ours.
    pub computed: Hash,
    /// The frame.
    pub frame: ByteBuf,
    /// Our room after it.
    pub room: ByteBuf,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not yet part of the room.
    Joining,
    /// In time.
    Live,
    /// The newest frame is so old that what is shown is no longer predicted.
    Stalled,
    /// Our rules and the writer's disagree.
    Desync,
    /// The page must be loaded again.
    Reload,
    /// The room has not changed to our rules yet, and is asked about now and then.
    Waiting,
    /// The rules broke on the passing of time: the room stands still until it gets other rules.
    Halted,
}

/// Why an action was not taken. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActError {
    /// Not yet part of the room.
    Joining,
    /// As many actions are without an answer as the rules let a device keep.
    Full,
    /// Too long.
    TooLarge,
    /// The rules say no.
    Rejected(Reject),
}

#[derive(Serialize, Deserialize)]
struct Saved {
    format: u8,
    queue: Queue,
}

impl<R: Kind> Replica<R> {
    /// A replica for a verified user on a device. `client` is the program's version.
    pub fn new(user: &str, id: DeviceId, client: u16) -> Self {
        Self::with(user, client, Queue::new(id))
    }

    /// A replica that goes on from what [`Self::save`] wrote; `None` if that is damaged.
    pub fn resume(user: &str, saved: &[u8], client: u16) -> Option<Self> {
        let (saved, rest) = postcard::take_from_bytes::<Saved>(saved).ok()?;
        let whole = saved.format == SAVED && rest.is_empty() && saved.queue.is_sound();
        whole.then(|| Self::with(user, client, saved.queue))
    }

    fn with(user: &str, client: u16, mut queue: Queue) -> Self {
        queue.restart();
        Self {
            user: user.into(),
            client,
            asker: queue.id,
            queue,
            synced: None,
            predicted: None,
            lineage: None,
            asked: Head::default(),
            carried: 0,
            clock: Clock::default(),
            asking: Asking::default(),
            notes: Vec::new(),
            desync: None,
            reload: false,
            rules: 0,
            halted: false,
            leaving: false,
            opened: false,
            away: false,
            cautious: false,
            trail: VecDeque::new(),
            spectating: None,
        }
    }

    /// What must be kept, before anything that follows is sent: id, session, queue.
    pub fn save(&self) -> Vec<u8> {
        wire::write(&Saved {
            format: SAVED,
            queue: self.queue.clone(),
        })
    }

    /// The room as of the newest frame, to be kept for a faster start. Hand it to
    /// [`Self::warm_up`].
    pub fn save_room(&self) -> Option<Vec<u8>> {
        self.synced.as_ref().map(Room::snapshot)
    }

    /// Starts from a kept room. Whether it could be used; if not, nothing changed.
    pub fn warm_up(&mut self, snapshot: &[u8], now_ms: u64) -> bool {
        match Room::restore(snapshot) {
            Some(room) if self.synced.is_none() => {
                self.lineage = Some(room.lineage());
                self.synced = Some(room);
                // It may know of numbers that an older copy of the queue does not.
                self.recognise(now_ms);
                true
            }
            _ => false,
        }
    }

    /// Does an action: predicted at once, sent with the next request. Returns its number. Save
    /// before you send.
    pub fn act(&mut self, action: &R::Action, now_ms: u64) -> Result<u64, ActError> {
        self.can(action)?;
        if self.queue.holds(R::QUEUE) {
            return Err(ActError::Full);
        }
        let body = wire::write(action);
        if body.len() > MAX_ACTION_BYTES {
            return Err(ActError::TooLarge);
        }
        self.predict(now_ms);
        let tick = self.predicted.as_ref().map_or(0, Room::tick);
        let seq = self.queue.add(tick, R::version_of(action), body);
        let player = self.player();
        if let (Some(room), Some(player), false) = (&mut self.predicted, player, self.cautious) {
            room.predict(player, action.clone());
        }
        Ok(seq)
    }

    /// The bytes of an order, for who waits for its answer: see [`Rules::orders`](crate::Rules::orders). Nothing of it is
    /// predicted or kept. `number` is above that of every order of this device. `None`: not yet part of the room.
    pub fn order(&self, action: &R::Action, number: u64) -> Option<Vec<u8>> {
        self.player()?;
        Some(wire::write(&Order {
            protocol: PROTOCOL,
            device: self.queue.id,
            registration: self.queue.number?,
            number,
            body: wire::write(action).into(),
        }))
    }

    /// Whether an action is allowed now, as far as the prediction goes.
    pub fn can(&self, action: &R::Action) -> Result<(), ActError> {
        let (Some(room), Some(player)) = (&self.predicted, self.player()) else {
            return Err(ActError::Joining);
        };
        room.validate(By::Player(player), action)
            .map_err(ActError::Rejected)
    }

    /// The player of this user in the room.
    pub fn player(&self) -> Option<Player> {
        self.queue.number?;
        self.synced.as_ref()?.player(&self.user)
    }

    /// The next request. `live`: frames come by a socket.
    pub fn request(&mut self, live: bool, now_ms: u64) -> Vec<u8> {
        let beat = self.wants_beat(now_ms);
        let presence = match (self.leaving, beat) {
            (true, _) => Presence::Leaving,
            (false, true) => Presence::Here,
            (false, false) => Presence::Unsaid,
        };
        let actions = match self.queue.number {
            // They would be refused, and with them what there is to read.
            Some(_) if self.halted() => Vec::new(),
            Some(_) => self.queue.to_send(),
            None => Vec::new(),
        };
        let frames = !live || self.asking.misses(now_ms);
        self.asking.sent(self.queue.last(), now_ms);
        self.asked = self.head();
        self.asker = self.queue.id;
        self.carried = actions.last().map_or(0, |sent| sent.seq);
        wire::write(&Request {
            protocol: PROTOCOL,
            cursor: self.head(),
            rules: R::FIRST,
            frames,
            device: Some(Hail {
                id: self.queue.id,
                number: self.queue.number,
                session: self.queue.session,
                client: self.client,
                presence,
                answered: self.queue.answered(),
                kept_from: self.queue.kept_from(),
                actions,
            }),
        })
    }

    /// The last request: the session closes. Nothing is asked after it.
    pub fn leave(&mut self, now_ms: u64) -> Vec<u8> {
        self.leaving = true;
        self.request(false, now_ms)
    }

    /// Predicted = synced, what is pending, and time.
    fn rebase(&mut self, now_ms: u64) {
        self.predicted = self.synced.clone();
        if self.cautious {
            return;
        }
        let player = self.player();
        let (Some(room), Some(player)) = (&mut self.predicted, player) else {
            self.predict(now_ms);
            return;
        };
        let limit = Self::horizon(self.synced.as_ref());
        for pending in self.queue.pending() {
            if pending.tick > room.tick() {
                room.advance_to(pending.tick.min(limit));
            }
            if pending.version <= room.edition().version
                && let Ok(action) = R::read_action(room.config(), pending.version, &pending.body)
                && room.validate(By::Player(player), &action).is_ok()
            {
                room.predict(player, action);
            }
        }
        self.predict(now_ms);
    }

    fn horizon(synced: Option<&Room<R>>) -> u64 {
        synced.map_or(0, |room| {
            room.tick() + PREDICT_MS / u64::from(room.pace().tick_ms.max(1))
        })
    }

    /// Lets the predicted state live up to now, at most [`PREDICT_MS`] ahead of the newest frame.
    pub fn predict(&mut self, now_ms: u64) {
        if self.cautious {
            return;
        }
        let limit = Self::horizon(self.synced.as_ref());
        let (Some(store_ms), Some(room)) = (self.clock.now_ms(now_ms), &mut self.predicted) else {
            return;
        };
        room.advance_to(room.tick_at(store_ms).min(limit));
    }

    /// The predicted state one tick on, if nothing changes until then: what a screen moves towards
    /// during [`Self::fraction`].
    pub fn ahead(&self) -> Option<Room<R>> {
        let mut room = self.predicted.clone()?;
        if !self.cautious {
            room.advance_to(room.tick() + 1);
        }
        Some(room)
    }

    /// How far now is into the tick after the predicted one, in thousandths, for drawing between
    /// two ticks.
    pub fn fraction(&self, now_ms: u64) -> u32 {
        let (Some(store_ms), Some(room)) = (self.clock.now_ms(now_ms), &self.predicted) else {
            return 0;
        };
        let into_ms = store_ms.saturating_sub(room.time_of(room.tick()));
        let part = into_ms.saturating_mul(1_000) / u64::from(room.pace().tick_ms.max(1));
        u32::try_from(part.min(1_000)).unwrap_or(1_000)
    }

    /// Nobody looks (`true`): requests go on but say nothing of presence, so that the player leaves
    /// when the grace time is over; or somebody looks again, and the next request is due at once.
    pub fn set_away(&mut self, away: bool) {
        self.away = away;
    }

    /// The rules broke in a prediction (`true`): from now on nothing is predicted. What is shown is the synced state, what
    /// is done is sent as ever, and the host finds out what is at fault. Or (`false`) all is predicted again, which may break
    /// again as long as something at fault waits for its verdict.
    pub fn set_cautious(&mut self, cautious: bool, now_ms: u64) {
        self.cautious = cautious;
        self.rebase(now_ms);
    }

    fn wants_beat(&self, now_ms: u64) -> bool {
        // In a halted room no frame would have it, and it would be wanted for ever.
        if self.away || self.spectating.is_some() || self.halted() {
            return false;
        }
        let store_ms = self.clock.now_ms(now_ms).unwrap_or(0);
        self.synced.as_ref().is_none_or(|room| {
            room.wants_beat(&self.user, self.queue.id, self.queue.session, store_ms)
        })
    }

    /// When to ask next, on the caller's clock. `live`: frames come by a socket.
    pub fn ask_at(&self, live: bool, now_ms: u64) -> u64 {
        let unsent = self.queue.number.is_some() && self.queue.last() > self.asking.last_sent();
        let waits = self.queue.pending().next().is_some() || self.player().is_none();
        let urgent = unsent || (self.synced.is_some() && self.wants_beat(now_ms));
        self.asking.at(urgent, waits, live)
    }
}
