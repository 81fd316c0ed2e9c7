//! A log, told entry by entry. Decides what a history tells: the sequence, who did what with which client and what became of
//! it, and the state after it.
//!
//! The **sequence** is how many actions the room has accepted: 0 is the initial state, and each accepted action, of a player,
//! of another room, of the operator or of the room itself, adds 1. Entries that are none (a registration, a rejected action)
//! have the sequence of the one before.

use std::collections::BTreeMap;
use std::fmt;

use baton::frame::{Entry, Frame};
use baton::history::{Step, dues};
use baton::{Hash, Kind, ReplayError, Room};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::file::Log;

/// One entry of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// How many actions are accepted up to and with this one.
    pub sequence: u64,
    /// The frame that it is in.
    pub v: u64,
    /// Its place in the frame.
    pub index: usize,
    /// The store's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// What it is, as `act` or `register`.
    pub entry: &'static str,
    /// Of an accepted action: what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// The device's number in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u32>,
    /// The device's own number of the action, or the sender's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Whose device it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The version of the client that the device last said it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<u16>,
    /// The room that sent it, or `operator/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Of an action that was rejected: the rules' code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Of a beginning or a change: the version of the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<u32>,
}

/// What becomes of a log that was replayed to its end.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The last sequence.
    pub sequence: u64,
    /// The last version.
    pub v: u64,
    /// The hash of the last frame, which covers all before it.
    pub hash: Hash,
    /// The state at the end.
    pub state: Value,
}

/// The first of a log that does not follow from what is before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flaw {
    /// The frame.
    pub v: u64,
    /// The entry in it, where it is that which makes no sense.
    pub index: Option<usize>,
    /// The last sequence before that frame.
    pub sequence: u64,
    /// Why.
    #[serde(serialize_with = "debug")]
    pub why: ReplayError,
    /// What the frame holds.
    pub entries: Vec<String>,
}

fn debug<S: Serializer>(why: &ReplayError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{why:?}"))
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}", self.v)?;
        if let Some(index) = self.index {
            write!(f, ", entry {index}")?;
        }
        match &self.why {
            ReplayError::State { expected, computed } => {
                write!(
                    f,
                    ": the log says state {expected}, its entries come to {computed}"
                )?;
            }
            ReplayError::Previous => f.write_str(": it follows another frame")?,
            ReplayError::Rules(edition) => {
                write!(f, ": it is of rules that are not here ({edition:?})")?
            }
            why => write!(f, ": {why:?}")?,
        }
        write!(f, "; sequence {} is the last that is sound", self.sequence)
    }
}

/// Is told of each entry, with its state if it asks; and of each frame, with how much the room may have done by itself in it.
pub trait Listener {
    /// An entry.
    fn entry(&mut self, told: &Told, state: &dyn Fn() -> Value);
    /// The end of a frame.
    fn frame(&mut self, _frame: &Frame, _dues: usize) {}
}

impl<F: FnMut(&Told, &dyn Fn() -> Value)> Listener for F {
    fn entry(&mut self, told: &Told, state: &dyn Fn() -> Value) {
        self(told, state);
    }
}

/// The state as JSON; of rules whose state is none, what they show of it.
pub(super) fn state_of<R: Kind>(room: &Room<R>) -> Value {
    serde_json::to_value(room.state()).unwrap_or_else(|_| R::view(room.state(), None))
}

/// Replays a log from its first frame, and checks every state hash. The first frame that does not follow ends it.
pub(super) fn replay<R: Kind>(log: &Log, listener: &mut dyn Listener) -> Result<Trace, Flaw> {
    let mut teller = Teller::default();
    let mut room: Option<Room<R>> = None;
    for (v, bytes) in (1..).zip(&log.frames) {
        let frame = Frame::decode(bytes)
            .map_err(|error| teller.flaw(v, ReplayError::Frame(error), None))?;
        let before = teller.sequence;
        let mut watch = |step: Step<'_, R>| {
            let told = teller.tell(&step, &frame);
            listener.entry(&told, &|| state_of(step.room));
        };
        let replayed = match &mut room {
            Some(room) => room.replay_watched(bytes, &mut watch).map(|_| ()),
            None => Room::genesis_watched(bytes, &mut watch).map(|begun| room = Some(begun)),
        };
        if let Err(error) = replayed {
            teller.sequence = before;
            return Err(teller.flaw(v, error, Some(&frame)));
        }
        if let Some(room) = &room {
            listener.frame(&frame, dues(room, &frame));
        }
    }
    let room = room.ok_or_else(|| {
        teller.flaw(
            1,
            ReplayError::NotNext {
                expected: 1,
                found: 0,
            },
            None,
        )
    })?;
    Ok(Trace {
        sequence: teller.sequence,
        v: room.head().v,
        hash: room.head().hash,
        state: state_of(&room),
    })
}

/// What a history remembers of devices, and its count.
#[derive(Default)]
struct Teller {
    sequence: u64,
    devices: BTreeMap<u32, (String, u16)>,
}

impl Teller {
    fn flaw(&self, v: u64, why: ReplayError, frame: Option<&Frame>) -> Flaw {
        Flaw {
            v,
            index: match why {
                ReplayError::Entry(index) => Some(index),
                _ => None,
            },
            sequence: self.sequence,
            why,
            entries: frame.map_or(Vec::new(), |frame| {
                frame
                    .entries
                    .iter()
                    .map(|entry| format!("{entry:?}"))
                    .collect()
            }),
        }
    }

    fn tell<R: Kind>(&mut self, step: &Step<'_, R>, frame: &Frame) -> Told {
        if let Entry::Register {
            user, id, client, ..
        } = step.entry
            && let Some(standing) = step.room.standing(user, *id)
        {
            self.devices
                .insert(standing.number, (user.clone(), *client));
        }
        self.sequence += u64::from(step.did.is_some());
        let (device, number) = who(step);
        let known = device.and_then(|device| self.devices.get(&device));
        let registered = match step.entry {
            Entry::Register { user, client, .. } => Some((user.clone(), *client)),
            _ => known.cloned(),
        };
        Told {
            sequence: self.sequence,
            v: frame.v,
            index: step.index,
            time_ms: frame.time_ms,
            entry: name(step.entry),
            action: step.did.as_ref().map(|(_, action)| {
                serde_json::to_value(action).unwrap_or_else(|_| Value::String("not as JSON".into()))
            }),
            device,
            number,
            user: registered.as_ref().map(|(user, _)| user.clone()),
            client: registered.map(|(_, client)| client),
            sender: match step.entry {
                Entry::Receive { sender, .. } | Entry::Decline { sender, .. } => {
                    Some(sender.clone())
                }
                Entry::Due => Some("the room".into()),
                _ => None,
            },
            code: step.rejected.map(|code| code.0),
            rules: match step.entry {
                Entry::Setup { version, .. } | Entry::Switch { version, .. } => Some(*version),
                _ => None,
            },
        }
    }
}

/// The device, and the number that whoever did it gave it.
fn who<R: Kind>(step: &Step<'_, R>) -> (Option<u32>, Option<u64>) {
    match step.entry {
        Entry::Act { device, seq, .. }
        | Entry::Upcast { device, seq, .. }
        | Entry::Reject { device, seq, .. } => (Some(*device), Some(*seq)),
        Entry::Join { device, .. }
        | Entry::Beat { device, .. }
        | Entry::Leave { device, .. }
        | Entry::Vouch { device, .. }
        | Entry::Evict { device } => (Some(*device), None),
        Entry::Register { user, id, .. } => (
            step.room
                .standing(user, *id)
                .map(|standing| standing.number),
            None,
        ),
        Entry::Receive { number, .. } | Entry::Decline { number, .. } => (None, Some(*number)),
        _ => (None, None),
    }
}

fn name(entry: &Entry) -> &'static str {
    match entry {
        Entry::Setup { .. } => "setup",
        Entry::Register { .. } => "register",
        Entry::Join { .. } => "join",
        Entry::Beat { .. } => "beat",
        Entry::Leave { .. } => "leave",
        Entry::Act { .. } => "act",
        Entry::Reject { .. } => "reject",
        Entry::Acknowledge { .. } => "acknowledge",
        Entry::Cut { .. } => "cut",
        Entry::Reset { .. } => "reset",
        Entry::Vouch { .. } => "vouch",
        Entry::Evict { .. } => "evict",
        Entry::Receive { .. } => "receive",
        Entry::Decline { .. } => "decline",
        Entry::Switch { .. } => "switch",
        Entry::Upcast { .. } => "upcast",
        Entry::Halt => "halt",
        Entry::Due => "due",
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6}  v{:<6} {}  {:<11}",
            self.sequence, self.v, self.time_ms, self.entry
        )?;
        if let Some(user) = &self.user {
            write!(f, " {user}")?;
        }
        if let Some(device) = self.device {
            write!(f, " device {device}")?;
        }
        if let Some(client) = self.client {
            write!(f, " client {client}")?;
        }
        if let Some(sender) = &self.sender {
            write!(f, " {sender}")?;
        }
        if let Some(number) = self.number {
            write!(f, " #{number}")?;
        }
        if let Some(rules) = self.rules {
            write!(f, " rules {rules}")?;
        }
        if let Some(code) = self.code {
            write!(f, " rejected with {code}")?;
        }
        if let Some(action) = &self.action {
            let text = action.to_string();
            let short: String = text.chars().take(160).collect();
            write!(
                f,
                "  {short}{}",
                if short.len() < text.len() { "…" } else { "" }
            )?;
        }
        Ok(())
    }
}
