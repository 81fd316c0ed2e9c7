//! The store of one room as the simulator breaks it: the library's own log in memory, what it may
//! lose, and a second half of it during a split brain; or keys that can only be created if absent,
//! with the chain that their slots make. Decides what an effect finds; not when.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use baton::effect::{Effect, Fed, Found, Item, NEWEST, Read};
use baton::frame::Frame;
use baton::slots::{Answer, Call, Keys};
use baton::{Hash, Head, Log, Random};
use serde_bytes::ByteBuf;

/// A room's part of the store.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    log: Log,
    /// During a split brain: the other half, which the instances with an odd number write to.
    other: Option<Log>,
    /// Writes are refused until this time of the run.
    pub full_until_ms: u64,
    /// What is told of snapshots is damaged until this time of the run.
    pub damaged_until_ms: u64,
    /// A store that can only create keys if absent takes the log's place.
    keys: Option<Line>,
    /// A copy that lags: all of it as it was once.
    copy: Option<Box<Self>>,
}

/// Keys, and what their slots held when they were written.
#[derive(Clone, Debug, Default)]
struct Line {
    keys: Keys,
    slots: BTreeMap<u64, Vec<u8>>,
    /// The lowest slot that was not looked at yet.
    next: u64,
    published: BTreeMap<Hash, Vec<u8>>,
}

/// What became of a write, for whoever keeps the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Nothing.
    Nothing,
    /// The frame was appended; `true` in the half that will be lost.
    Frame(bool),
    /// The items were taken in.
    Items,
}

/// The clocks that a call is carried out by.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Of the run.
    pub now_ms: u64,
    /// Of the store: expiry of the lease, and what it tells if it has a clock.
    pub store_ms: u64,
    /// Of the host that calls: the time of receipt where the store has no clock.
    pub host_ms: u64,
    /// Whether the store tells its time.
    pub clock: bool,
}

impl Shelf {
    /// A store that can only create keys if absent.
    pub fn of_keys() -> Self {
        Self {
            keys: Some(Line {
                next: 1,
                ..Line::default()
            }),
            ..Self::default()
        }
    }

    /// Whether it is one.
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// What will be published of a frame once it counts.
    pub fn publishes(&mut self, hash: Hash, published: Vec<u8>) {
        if let Some(line) = &mut self.keys {
            line.published.insert(hash, published);
        }
    }

    /// The same, asked for.
    pub fn published(&self, hash: Hash) -> Option<Vec<u8>> {
        self.keys.as_ref()?.published.get(&hash).cloned()
    }

    /// Performs a single call. `stale`: a plain get is answered by a copy that lags.
    pub fn perform_call(&mut self, call: &Call, store_ms: u64, stale: bool) -> Answer {
        let Some(line) = &mut self.keys else {
            return Answer::Failed;
        };
        line.keys.set_clock(store_ms);
        let answer = match stale {
            true => line.keys.perform_stale(call),
            false => line.keys.perform(call),
        };
        if let (Call::FieldSet { key, field, value }, Answer::Done) = (call, &answer)
            && key.contains(":log:")
        {
            line.slots
                .insert(*field, BASE64.decode(value).unwrap_or_default());
        }
        answer
    }

    /// The next frame that counts: slots are looked at in order up to the first that is absent, and a
    /// frame that does not follow is void.
    pub fn next_in_chain(&mut self, head: Head) -> Option<(Hash, Vec<u8>)> {
        let line = self.keys.as_mut()?;
        while let Some(bytes) = line.slots.get(&line.next) {
            line.next += 1;
            let frame = Frame::decode(bytes).ok();
            if frame.is_some_and(|frame| frame.v == head.v + 1 && frame.previous == head.hash) {
                return Some((Hash::of(bytes), bytes.clone()));
            }
        }
        None
    }

    /// Loses the last writes, and looks at all slots again from the first. Whether a slot was lost.
    pub fn roll_back_keys(&mut self, room: &str, writes: usize) -> bool {
        let Some(line) = &mut self.keys else {
            return false;
        };
        line.keys.roll_back(writes);
        self.copy = None;
        let before = line.slots.len();
        let keys = &mut line.keys;
        line.slots.retain(|slot, _| {
            let call = Call::Fields {
                key: format!("{{{room}}}:log:{}", (slot - 1) / baton::limits::SEGMENT),
                fields: vec![*slot],
            };
            // A sealed segment is a text: it is whole.
            !matches!(keys.perform(&call), Answer::Texts(texts) if texts[0].is_none())
        });
        line.next = 1;
        line.slots.len() < before
    }

    /// The log, its larger half during a split brain.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// The frames that count, in order.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        let Some(line) = &self.keys else {
            return self.log.frames().map(<[u8]>::to_vec).collect();
        };
        let mut line = Self {
            keys: Some(Line {
                slots: line.slots.clone(),
                next: 1,
                ..Line::default()
            }),
            ..Self::default()
        };
        let (mut head, mut frames) = (Head::default(), Vec::new());
        while let Some((hash, bytes)) = line.next_in_chain(head) {
            head = Head {
                v: head.v + 1,
                hash,
            };
            frames.push(bytes);
        }
        frames
    }

    /// All slots up to the first that is absent were looked at.
    pub fn looked_at_all(&mut self) {
        if let Some(line) = &mut self.keys {
            while line.slots.contains_key(&line.next) {
                line.next += 1;
            }
        }
    }

    /// A copy of the store is what it is now, and follows no more.
    pub fn lag(&mut self) {
        self.copy = match self.is_split() {
            true => None,
            false => Some(Box::new(Self {
                copy: None,
                ..self.clone()
            })),
        };
    }

    /// The copy is gone.
    pub fn stop_lagging(&mut self) {
        self.copy = None;
    }

    /// The copy takes the store's place, if there is one. Whether frames are lost.
    pub fn fail_over(&mut self) -> Option<bool> {
        let copy = *self.copy.take()?;
        let lost = self.frames() != copy.frames();
        *self = Self {
            full_until_ms: self.full_until_ms,
            damaged_until_ms: self.damaged_until_ms,
            ..copy
        };
        Some(lost)
    }

    /// Whether two halves accept writes.
    pub fn is_split(&self) -> bool {
        self.other.is_some()
    }

    /// From now on two halves accept writes.
    pub fn split(&mut self) {
        self.copy = None;
        self.other = Some(self.log.clone());
    }

    /// The halves meet; `true` if the other wins. Whatever the loser had is gone.
    pub fn merge(&mut self, other_wins: bool) {
        if let Some(other) = self.other.take()
            && other_wins
        {
            self.log = other;
        }
    }

    /// What waits for whoever leads next, as an instance sees it.
    pub fn inbox(&self, host: usize) -> Vec<Item> {
        let other = self.other.as_ref().filter(|_| host % 2 == 1);
        let log = other.unwrap_or(&self.log);
        let nothing = Read {
            known: log.head(),
            since: NEWEST,
            block: None,
        };
        log.read(&nothing, 0).inbox
    }

    /// Carries out an effect of an instance. A full store refuses writes and answers reads.
    pub fn perform(&mut self, host: usize, effect: &Effect, times: Times) -> (Fed, Wrote) {
        let full = times.now_ms < self.full_until_ms;
        let lesser = self.other.is_some() && host % 2 == 1;
        let log = match &mut self.other {
            Some(other) if lesser => other,
            _ => &mut self.log,
        };
        match effect {
            Effect::Read(read) => (Fed::Read(find(log, read, times)), Wrote::Nothing),
            Effect::Append(..) | Effect::Push(..) | Effect::Note(..) if full => {
                (Fed::Failed, Wrote::Nothing)
            }
            Effect::Append(append, read) => {
                let done = log.append(append, times.store_ms);
                let wrote = if done {
                    Wrote::Frame(lesser)
                } else {
                    Wrote::Nothing
                };
                (Fed::Appended(done, find(log, read, times)), wrote)
            }
            Effect::Push(items, read) => {
                let done = push(log, items, times);
                let found = find(log, read, times);
                match done {
                    true => (Fed::Pushed(found), Wrote::Items),
                    false => (Fed::Full(found), Wrote::Nothing),
                }
            }
            Effect::Note(note, read) => {
                if log.head() == read.known {
                    log.note(note);
                }
                (Fed::Noted(find(log, read, times)), Wrote::Nothing)
            }
            Effect::Reply(_) | Effect::Deliver { .. } => (Fed::Failed, Wrote::Nothing),
        }
    }
}

/// Damages the snapshot that came with a read, if one did.
pub fn damage(fed: &mut Fed, random: &mut Random) -> bool {
    let (Fed::Read(found)
    | Fed::Appended(_, found)
    | Fed::Pushed(found)
    | Fed::Full(found)
    | Fed::Noted(found)) = fed
    else {
        return false;
    };
    let Some(snapshot) = &mut found.snapshot else {
        return false;
    };
    let at = random.below(u32::try_from(snapshot.len()).unwrap_or(u32::MAX)) as usize;
    match random.chance(1, 2) {
        true => snapshot.truncate(at),
        false => snapshot[at] ^= 1 << random.below(8),
    }
    true
}

/// The same of a snapshot's text under its key.
pub fn damage_text(call: &Call, answer: &mut Answer, random: &mut Random) -> bool {
    let (Call::Get { key }, Answer::Text(text)) = (call, answer) else {
        return false;
    };
    if !key.contains(":snapshot:") || text.is_empty() {
        return false;
    }
    let at = random.below(u32::try_from(text.len()).unwrap_or(u32::MAX)) as usize;
    let other = match text.as_bytes()[at] {
        b'A' => "B",
        _ => "A",
    };
    match random.chance(1, 2) {
        true => text.truncate(at),
        false => text.replace_range(at..=at, other),
    }
    true
}

fn push(log: &mut Log, items: &[ByteBuf], times: Times) -> bool {
    let received_ms = if times.clock {
        times.store_ms
    } else {
        times.host_ms
    };
    log.push(items, received_ms)
}

fn find(log: &Log, read: &Read, times: Times) -> Found {
    let mut found = log.read(read, times.store_ms);
    found.clock_ms = found.clock_ms.filter(|_| times.clock);
    found
}
