//! A store in memory: for tests, the simulator, and rooms that a browser plays alone. Its clock is
//! injected. It keeps the promises of the contract and nothing more.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use serde_bytes::ByteBuf;

use crate::effect::{Append, Effect, Fed, Found, Item, Lease, Note, Read};
use crate::id::{Hash, Head};
use crate::limits::{MAX_INBOX_ITEMS, SEGMENT};
use crate::mutant::{self, Mutant};
use crate::table::Table;

/// How many frames a read may bring; older ones are in the archive.
const RING: u64 = 512;

/// Logs by room id.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    rooms: Table<String, Log>,
    clock_ms: u64,
}

/// The log of one room.
#[derive(Clone, Debug, Default)]
pub struct Log {
    frames: Vec<(Hash, ByteBuf)>,
    snapshots: Vec<(u64, Hash, ByteBuf)>,
    inbox: Vec<Item>,
    last_item: u64,
    lease: Option<(u64, u64)>,
    attempt: Option<ByteBuf>,
}

impl Memory {
    /// An empty store whose clock shows `clock_ms`.
    pub fn new(clock_ms: u64) -> Self {
        Self {
            rooms: Table::default(),
            clock_ms,
        }
    }

    /// Sets the clock, in milliseconds since 1970.
    pub fn set_clock(&mut self, clock_ms: u64) {
        self.clock_ms = clock_ms;
    }

    /// The clock, in milliseconds since 1970.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// The log of a room, for tests and tools.
    pub fn log(&mut self, room: &str) -> &mut Log {
        self.rooms.entry(room.to_owned())
    }

    /// Performs an effect that a handler asks for; `None` for a reply and for a delivery, which are
    /// not a store's.
    pub fn perform(&mut self, room: &str, effect: &Effect) -> Option<Fed> {
        let now_ms = self.clock_ms;
        let log = self.log(room);
        Some(match effect {
            Effect::Read(read) => Fed::Read(log.read(read, now_ms)),
            Effect::Append(append, read) => {
                let appended = log.append(append, now_ms);
                Fed::Appended(appended, log.read(read, now_ms))
            }
            Effect::Push(items, read) => {
                let taken = log.push(items, now_ms);
                let found = log.read(read, now_ms);
                if taken {
                    Fed::Pushed(found)
                } else {
                    Fed::Full(found)
                }
            }
            Effect::Note(note, read) => {
                if log.head() == read.known {
                    log.note(note);
                }
                Fed::Noted(log.read(read, now_ms))
            }
            Effect::Reply(_) | Effect::Deliver { .. } => return None,
        })
    }
}

impl Log {
    /// The newest frame.
    pub fn head(&self) -> Head {
        Head {
            v: self.frames.len() as u64,
            hash: self.frames.last().map(|frame| frame.0).unwrap_or_default(),
        }
    }

    /// All frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|frame| frame.1.as_slice())
    }

    /// How many items wait in the inbox.
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }

    /// Loses every frame after version `v`, as a store does that fails over to an older copy. The
    /// snapshots stay, as they do where they are kept apart: those of the lost chain must not count.
    pub fn roll_back(&mut self, v: u64) {
        self.frames
            .truncate(usize::try_from(v).unwrap_or(usize::MAX));
        self.lease = None;
    }

    /// Loses the snapshots, as a store does where they are a cache.
    pub fn lose_snapshots(&mut self) {
        self.snapshots.clear();
    }

    /// Loses what waits in the inbox.
    pub fn empty_inbox(&mut self) {
        self.inbox.clear();
    }

    /// Ends the lease at once.
    pub fn end_lease(&mut self) {
        self.lease = None;
    }

    /// Ends the lease at `until_ms` of the store's clock: early, as a store that rounds does, or
    /// never, as one that forgot it.
    pub fn set_lease_end(&mut self, until_ms: u64) {
        if let Some(lease) = &mut self.lease {
            lease.1 = until_ms;
        }
    }

    /// Puts a frame after the last without any check: the store that does not coordinate, for
    /// the control that must fail.
    pub fn append_unchecked(&mut self, append: &Append) {
        self.frames.push((append.hash, append.frame.clone()));
        self.inbox.retain(|item| !append.framed.contains(&item.id));
        if let Some(note) = &append.note {
            self.note(note);
        }
    }

    /// Appends if the last frame is the one named; else changes nothing.
    pub fn append(&mut self, append: &Append, now_ms: u64) -> bool {
        let head = self.head();
        if append.v != head.v + 1 || append.previous != head.hash {
            return false;
        }
        self.append_unchecked(append);
        self.lease = Some((append.v, now_ms + u64::from(append.lease_ms)));
        if let Some(snapshot) = &append.snapshot {
            self.snapshots
                .push((append.v, append.hash, snapshot.clone()));
        }
        true
    }

    /// Replaces the attempt record if it is the one named.
    pub fn note(&mut self, note: &Note) {
        if self.attempt == note.was {
            self.attempt.clone_from(&note.now);
        }
    }

    /// Takes all items, or none when there is no room for them.
    pub fn push(&mut self, items: &[ByteBuf], now_ms: u64) -> bool {
        if self.inbox.len() + items.len() > MAX_INBOX_ITEMS {
            return false;
        }
        for bytes in items {
            self.last_item += 1;
            self.inbox.push(Item {
                id: self.last_item,
                received_ms: now_ms,
                bytes: bytes.clone(),
            });
        }
        true
    }

    fn hash_at(&self, v: u64) -> Option<Hash> {
        let index = usize::try_from(v.checked_sub(1)?).ok()?;
        self.frames.get(index).map(|frame| frame.0)
    }

    /// Reads as the contract says.
    pub fn read(&self, read: &Read, now_ms: u64) -> Found {
        let head = self.head();
        let oldest = head.v.saturating_sub(RING);
        let known = self.hash_at(read.known.v).filter(|_| read.known.v > oldest);
        let continues = known == Some(read.known.hash) && read.known.v > 0;
        let verified = |(v, hash, _): &&(u64, Hash, ByteBuf)| {
            self.hash_at(*v) == Some(*hash) || mutant::on(Mutant::SnapshotUnverified)
        };
        let snapshot = match continues {
            true => None,
            false => self.snapshots.iter().rev().find(verified),
        };
        let from = match (continues, snapshot) {
            (true, _) => read.known.v,
            (false, Some((v, _, _))) => *v,
            (false, None) => 0,
        };
        let first = from.min(read.since.max(oldest));
        Found {
            clock_ms: Some(now_ms),
            head,
            known,
            trimmed: read.known.v > 0 && read.known.v <= oldest,
            snapshot: snapshot.map(|(_, _, bytes)| bytes.clone()),
            frames: self.after(first),
            inbox: self.inbox.clone(),
            lease: self.lease.and_then(|(v, until_ms)| {
                let left_ms = u32::try_from(until_ms.checked_sub(now_ms)?).ok()?;
                (left_ms > 0).then_some(Lease { v, left_ms })
            }),
            block: read.block.and_then(|last| self.block(last)),
            attempt: self.attempt.clone(),
        }
    }

    fn after(&self, v: u64) -> Vec<ByteBuf> {
        let skip = usize::try_from(v).unwrap_or(usize::MAX);
        let frames = self.frames.iter().skip(skip);
        frames.map(|frame| frame.1.clone()).collect()
    }

    fn block(&self, last: u64) -> Option<Vec<ByteBuf>> {
        let first = last.checked_sub(SEGMENT)?;
        let frames = self.after(first);
        let segment = usize::try_from(SEGMENT).ok()?;
        frames.get(..segment).map(<[ByteBuf]>::to_vec)
    }
}
