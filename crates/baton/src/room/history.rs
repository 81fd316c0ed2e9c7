//! A room for tools: its history entry by entry, and what the same log would have come to under other rules. Decides what of
//! a log can be asked again and what cannot; changes state only by what entries do. Knows nothing of files or hosts.
//!
//! # Under other rules
//!
//! Asked again is what the log holds: each accepted action of a player, and each of the server, is validated under the other
//! rules, then applied or rejected, with the randomness that it had. What the room did by itself is not repeated: the other
//! rules say what is due. Time, presence and registrations are the log's. What cannot be asked again stays as it was:
//! rejected actions, whose bodies nobody kept, and what players would have done had they seen another state.

use super::senders::Brought;
use super::{NotHere, Opened, ReplayError, Room};
use crate::frame::{Cut, Entry, Frame};
use crate::id::BodyHash;
use crate::kind::Kind;
use crate::limits::MAX_DUE;
use crate::parcel::orders_of;
use crate::random::Source;
use crate::rules::{By, Reject, Rules};

/// An entry, once it was entered.
#[derive(Debug)]
pub struct Step<'a, R: Kind> {
    /// The room after it.
    pub room: &'a Room<R>,
    /// Its place in the frame. What a room does by itself under other rules follows the frame's own entries.
    pub index: usize,
    /// The entry.
    pub entry: &'a Entry,
    /// Who did what, if it is an accepted action.
    pub did: Option<(By, R::Action)>,
    /// Why it was rejected, if it is an action that was: by the log, or by the rules it was asked again under.
    pub rejected: Option<Reject>,
}

/// Is told of each entry.
pub type Watch<'a, R> = &'a mut dyn FnMut(Step<'_, R>);

impl<R: Kind> core::fmt::Debug for Room<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Room")
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

impl<R: Kind> Room<R> {
    /// [`Self::genesis`], entry by entry.
    pub fn genesis_watched(bytes: &[u8], watch: Watch<'_, R>) -> Result<Self, ReplayError> {
        Self::begin(bytes, Some(watch))
    }

    /// [`Self::replay`], entry by entry. After an error the entries that were told of are those before it.
    pub fn replay_watched(
        &mut self,
        bytes: &[u8],
        watch: Watch<'_, R>,
    ) -> Result<Frame, ReplayError> {
        self.follow(bytes, Some(watch))
    }

    /// Whether the room itself has nothing to do at the time of its newest frame.
    pub fn rests(&self) -> bool {
        !self.owes(self.time_ms)
    }

    /// Who does what by this entry, if it is an action that is accepted here and now.
    pub(super) fn deed(&self, entry: &Entry) -> Option<(By, R::Action)> {
        let version = self.edition().version;
        let read = |version, body| R::read_action(&self.config, version, body).ok();
        let player = |device| {
            self.devices
                .get(device)
                .map(|device| By::Player(device.player))
        };
        match entry {
            Entry::Act { device, body, .. } => Some((player(device)?, read(version, body)?)),
            Entry::Upcast {
                device,
                version,
                body,
                ..
            } => Some((player(device)?, read(*version, body)?)),
            Entry::Receive { body, .. } => Some((By::Server, read(version, body)?)),
            Entry::Due => Some((By::Server, self.due(self.now_ms())?)),
            _ => None,
        }
    }
}

/// The code of an entry that rejects.
pub(super) fn rejected(entry: &Entry) -> Option<Reject> {
    match entry {
        Entry::Reject { code, .. } | Entry::Decline { code, .. } => Some(Reject(*code)),
        _ => None,
    }
}

/// A log under rules that are not its own. See the [module](self) for what that means.
#[derive(Debug)]
pub struct Rerun<R: Rules> {
    room: Room<R>,
    /// The version of the log's own rules.
    version: u32,
}

impl<R: Rules> Rerun<R> {
    /// Begins with the first frame of a log. `None` if its config is not one of these rules. `dues`: see [`Self::follow`].
    pub fn begin(frame: &Frame, dues: usize, watch: Watch<'_, R>) -> Option<Self> {
        let Some(
            setup @ Entry::Setup {
                version, config, ..
            },
        ) = frame.entries.first()
        else {
            return None;
        };
        let config = <R as Kind>::read_config(R::id(), config)?;
        let mut rerun = Self {
            room: Room::new(config, frame.writer, frame.nonce, frame.time_ms),
            version: *version,
        };
        watch(Step {
            room: &rerun.room,
            index: 0,
            entry: setup,
            did: None,
            rejected: None,
        });
        rerun.follow(frame, dues, watch);
        Some(rerun)
    }

    /// What the next frame of the log would have done. `dues`: how much the room may do by itself, see [`dues`].
    pub fn follow(&mut self, frame: &Frame, dues: usize, watch: Watch<'_, R>) {
        let mut opened = self.room.open(frame.v, frame.nonce, frame.time_ms);
        for (index, entry) in frame.entries.iter().enumerate() {
            if let Entry::Switch { version, .. } = entry {
                self.version = *version;
            }
            opened.index = index as u64;
            if matches!(
                entry,
                Entry::Join { .. } | Entry::Beat { .. } | Entry::Leave { .. }
            ) {
                let _ = self.room.enter(entry, &opened);
                continue;
            }
            if carries(entry) {
                self.room.advance_to(frame.tick);
            }
            let (did, rejected) = self.ask(entry, &opened);
            watch(Step {
                room: &self.room,
                index,
                entry,
                did,
                rejected,
            });
        }
        self.room.advance_to(frame.tick);
        // The randomness that the log's own first had.
        let first = frame.entries.iter().position(|entry| *entry == Entry::Due);
        let first = first.unwrap_or(frame.entries.len());
        for index in first..first + dues {
            let Some(action) = self.room.due(self.room.now_ms()) else {
                break;
            };
            let random = Source::entry(frame.nonce, index as u64);
            self.room.apply(By::Server, action.clone(), random);
            watch(Step {
                room: &self.room,
                index,
                entry: &Entry::Due,
                did: Some((By::Server, action)),
                rejected: None,
            });
        }
        self.room.settle(frame);
    }

    /// The room as it would be.
    pub fn room(&self) -> &Room<R> {
        &self.room
    }

    /// One entry, asked again. What makes no sense here does nothing.
    #[allow(clippy::type_complexity, reason = "the two halves of a step")]
    fn ask(&mut self, entry: &Entry, opened: &Opened) -> (Option<(By, R::Action)>, Option<Reject>) {
        let (room, version) = (&mut self.room, self.version);
        match entry {
            Entry::Act { device, seq, body } => {
                Self::act(room, *device, *seq, version, body, opened)
            }
            Entry::Upcast {
                device,
                seq,
                version,
                body,
            } => Self::act(room, *device, *seq, *version, body, opened),
            Entry::Receive {
                sender,
                lineage,
                number,
                body,
            } => {
                // What a user may order is the rules' to say, as it was when the order came.
                let ordered = orders_of(sender).is_some();
                let judged = read::<R>(version, body).and_then(|action| {
                    if ordered && !<R as Rules>::orders(&action) {
                        return Err(Reject::OUTDATED);
                    }
                    room.validate(By::Server, &action).map(|()| action)
                });
                let rejected = judged.as_ref().err().copied();
                let brought = Brought {
                    number: *number,
                    body: BodyHash::of(body),
                    rejected,
                };
                let heeded = room.heed(sender, *lineage, brought, opened);
                match (heeded, judged) {
                    (Ok(()), Ok(action)) => {
                        let random = Source::entry(opened.nonce, opened.index);
                        room.apply(By::Server, action.clone(), random);
                        (Some((By::Server, action)), None)
                    }
                    (_, judged) => (None, judged.err()),
                }
            }
            Entry::Setup { .. } | Entry::Switch { .. } | Entry::Halt | Entry::Due => (None, None),
            entry => {
                let entered = room.enter(entry, opened);
                (None, rejected(entry).filter(|_| entered.is_ok()))
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "the two halves of a step")]
    fn act(
        room: &mut Room<R>,
        device: u32,
        seq: u64,
        version: u32,
        body: &[u8],
        opened: &Opened,
    ) -> (Option<(By, R::Action)>, Option<Reject>) {
        let Ok(player) = room.device_at(device, opened).map(|device| device.player) else {
            return (None, None);
        };
        let by = By::Player(player);
        let judged =
            read::<R>(version, body).and_then(|action| room.validate(by, &action).map(|()| action));
        let marked: Result<(), NotHere> =
            room.device_at(device, opened)
                .and_then(|device| match &judged {
                    Ok(_) => device.accept(seq, body).map(|_| ()),
                    Err(code) => device.reject(seq, *code, BodyHash::of(body)),
                });
        match (marked, judged) {
            (Ok(()), Ok(action)) => {
                room.apply(
                    by,
                    action.clone(),
                    Source::entry(opened.nonce, opened.index),
                );
                (Some((by, action)), None)
            }
            (Ok(()), Err(code)) => (None, Some(code)),
            (Err(NotHere), _) => (None, None),
        }
    }
}

/// How much a room under other rules may do by itself in a frame: as much as the log's own did, and all that goes into a frame
/// if that had nothing left. (A frame that was full, or that tried something alone, left it for later.)
pub fn dues<R: Kind>(log: &Room<R>, frame: &Frame) -> usize {
    match log.rests() {
        true => MAX_DUE,
        false => frame
            .entries
            .iter()
            .filter(|entry| **entry == Entry::Due)
            .count(),
    }
}

/// Whether time has to have passed first.
pub(super) fn carries(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::Act { .. }
            | Entry::Upcast { .. }
            | Entry::Reject { .. }
            | Entry::Vouch { .. }
            | Entry::Receive { .. }
            | Entry::Decline { .. }
            | Entry::Due
            // A room pauses at the last tick of its frame: the ticks up to there are told the time before the cut.
            | Entry::Cut {
                why: Cut::Pause,
                ..
            }
    )
}

/// An action that was written by the rules of `version`. Where these rules say nothing of that version, as their own: actions
/// only grow at the end.
fn read<R: Rules>(version: u32, body: &[u8]) -> Result<R::Action, Reject> {
    let own = || whole::<R>(body).ok_or(Reject::MALFORMED);
    match version == R::VERSION {
        true => own(),
        false => R::upcast(version, body).map_or_else(own, Ok),
    }
}

fn whole<R: Rules>(body: &[u8]) -> Option<R::Action> {
    let (action, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(action)
}
