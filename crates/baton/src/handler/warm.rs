//! What an instance remembers of a room between requests: a cache, dropped at any doubt. Decides
//! whether what a store returns continues it, replaces it, or shows that the store lost writes.

use alloc::{collections::VecDeque, string::String, vec::Vec};

use serde_bytes::ByteBuf;

use crate::effect::{Found, Item, Lease, Moment};
use crate::frame::Frame;
use crate::id::{Hash, Head, Lineage};
use crate::kind::{Edition, Kind};
use crate::mutant::{self, Mutant};
use crate::room::{self, ReplayError, Room};
use crate::table::Table;

/// A warm room.
pub(super) struct Warm<R: Kind> {
    pub(super) room: Option<Room<R>>,
    /// The log is of rules that this build does not have: beyond the room above, if there is one.
    pub(super) foreign: Option<Foreign>,
    pub(super) recent: Recent,
    /// The inbox as of the last read.
    pub(super) inbox: Vec<Item>,
    /// The lease as of the last read.
    pub(super) lease: Option<Lease>,
    /// The attempt record as of the last read, and our own time when we first saw it.
    pub(super) attempt: Option<ByteBuf>,
    noticed_ms: u64,
    /// The lineage that the store lost frames of, until a frame records it.
    pub(super) broken: Option<Lineage>,
    /// The store's time, and our own when we learnt it.
    anchor: Option<(u64, u64)>,
    /// Whether the anchor is the store's own clock.
    clocked: bool,
    /// The head, and our own time when we first saw it.
    watch: (Head, u64),
    /// Items of ours that are on their way into the inbox.
    pub(super) pushing: usize,
    /// Our own time when we last saw that others take part too: a frame that was new to us, or items
    /// that we did not push.
    company_ms: Option<u64>,
    /// Our own time of the last delivery to other rooms.
    pub(super) delivered_ms: Option<u64>,
    /// Rooms that did not take what was delivered.
    pub(super) unheard: Table<String, Unheard>,
    /// Our own time of the last use.
    pub(super) used_ms: u64,
}

/// A room that did not answer a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unheard {
    /// Our own time from when on it is asked again.
    pub(super) again_ms: u64,
    pub(super) pause_ms: u64,
}

/// What is known of a room whose rules are not here: its bytes can be handed on, not understood.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    pub(super) head: Head,
    pub(super) edition: Edition,
    /// Whether anybody may read the room, by the last word of somebody who has its rules.
    pub(super) open: bool,
    /// For who has nothing.
    pub(super) snapshot: Option<ByteBuf>,
}

/// Why a read could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The frame we hold is not in the log: the store lost writes. The cache was dropped.
    Break,
    /// The read is a valid part of the log, but does not reach its head: read on.
    Short,
    /// What is stored does not replay.
    Corrupt,
}

impl<R: Kind> Warm<R> {
    pub(super) fn new(mono_ms: u64) -> Self {
        Self {
            room: None,
            foreign: None,
            recent: Recent::default(),
            inbox: Vec::new(),
            lease: None,
            attempt: None,
            noticed_ms: mono_ms,
            broken: None,
            anchor: None,
            clocked: false,
            watch: (Head::default(), mono_ms),
            pushing: 0,
            company_ms: None,
            delivered_ms: None,
            unheard: Table::default(),
            used_ms: mono_ms,
        }
    }

    pub(super) fn head(&self) -> Head {
        match &self.foreign {
            Some(foreign) => foreign.head,
            None => self.room.as_ref().map(Room::head).unwrap_or_default(),
        }
    }

    /// Forgets the room, but not that its history was broken.
    pub(super) fn drop_room(&mut self) {
        self.room = None;
        self.foreign = None;
        self.recent = Recent::default();
        self.inbox.clear();
        self.pushing = 0;
        self.lease = None;
        self.attempt = None;
    }

    pub(super) fn bytes(&self) -> usize {
        let snapshot = self
            .foreign
            .as_ref()
            .and_then(|foreign| foreign.snapshot.as_ref());
        let kept = snapshot.map_or(0, |bytes| bytes.len());
        let room = |room: &Room<R>| room.size() * 2 + R::WARM_BYTES;
        self.recent.bytes + self.room.as_ref().map_or(0, room) + kept + 256
    }

    /// Takes in what a read found.
    pub(super) fn absorb(
        &mut self,
        found: Found,
        keep: usize,
        moment: &Moment,
    ) -> Result<(), Trouble> {
        let held = self.head();
        let lost = found.known.map_or(!found.trimmed, |hash| hash != held.hash);
        if held.v > 0 && lost && !mutant::on(Mutant::BreakUnseen) {
            let lineage = self.room.as_ref().map(Room::lineage);
            self.broken = lineage.filter(|_| !mutant::on(Mutant::LossUnrecorded));
            self.drop_room();
            return Err(Trouble::Break);
        }
        if let Err(trouble) = self.follow(&found, keep) {
            // Replayed in part, it is a state that nobody agreed on.
            self.drop_room();
            return Err(trouble);
        }
        if self.head() != found.head {
            // A read that brought nothing new and yet claims a later head will not end.
            let advanced = self.head().v > held.v;
            return Err(if advanced {
                Trouble::Short
            } else {
                Trouble::Corrupt
            });
        }
        if let (Some(broken), Some(room)) = (self.broken, &self.room)
            && room.lineage() != broken
        {
            self.broken = None;
        }
        self.set_clock(&found, moment);
        let expected = self.inbox.len() + core::mem::take(&mut self.pushing);
        if self.head() != held || found.inbox.len() > expected {
            self.company_ms = Some(moment.mono_ms);
        }
        self.inbox = found.inbox;
        self.lease = found.lease;
        if self.attempt != found.attempt {
            self.noticed_ms = moment.mono_ms;
            self.attempt = found.attempt;
        }
        Ok(())
    }

    /// Replays what is new, from the snapshot if that is what was found.
    fn follow(&mut self, found: &Found, keep: usize) -> Result<(), Trouble> {
        if let Some(bytes) = &found.snapshot {
            self.room = Room::restore(bytes);
            self.recent = Recent::default();
            self.foreign = None;
            if self.room.is_none() {
                let (edition, open) = room::foreign(bytes).ok_or(Trouble::Corrupt)?;
                self.meet(edition, open)?.snapshot = Some(bytes.clone());
            }
        }
        let mut line = Vec::with_capacity(found.frames.len());
        for bytes in &found.frames {
            let frame = Frame::decode(bytes).map_err(|_| Trouble::Corrupt)?;
            if let Some(foreign) = &mut self.foreign {
                if let Some((edition, open)) = frame.switch() {
                    (foreign.edition, foreign.open) = (edition, open);
                    foreign.snapshot = None;
                }
            } else if frame.v > self.head().v {
                let replayed = match &mut self.room {
                    Some(room) => room.replay(bytes).map(|_| ()),
                    None => Room::genesis(bytes).map(|room| self.room = Some(room)),
                };
                match (replayed, frame.switch()) {
                    (Ok(()), _) => {}
                    (Err(ReplayError::Rules(edition)), switch) => {
                        self.meet(edition, switch.is_some_and(|(_, open)| open))?;
                    }
                    (Err(_), _) => return Err(Trouble::Corrupt),
                }
            }
            line.push((frame, bytes));
        }
        if let Some(foreign) = &mut self.foreign {
            foreign.head = found.head;
        }
        self.recent.extend(&line, self.head(), keep);
        Ok(())
    }

    /// The log goes on under rules that are not here.
    fn meet(&mut self, edition: Edition, open: bool) -> Result<&mut Foreign, Trouble> {
        // Of rules that are here it should have replayed.
        if R::knows(edition.rules) || edition == Edition::default() {
            return Err(Trouble::Corrupt);
        }
        Ok(self.foreign.insert(Foreign {
            head: Head::default(),
            edition,
            open,
            snapshot: None,
        }))
    }

    fn set_clock(&mut self, found: &Found, moment: &Moment) {
        let head = self.head();
        if self.watch.0 != head {
            self.watch = (head, moment.mono_ms);
        }
        let frame_ms = self.room.as_ref().map_or(0, Room::time_ms);
        let estimate = match self.anchor {
            Some((store_ms, mono_ms)) => {
                store_ms.saturating_add(moment.mono_ms.saturating_sub(mono_ms))
            }
            // A cold instance on a store without a clock: host time, held near the last frame
            // while somebody's lease lives.
            None => match found.lease {
                Some(lease) if frame_ms > 0 => moment
                    .wall_ms
                    .clamp(frame_ms, frame_ms + u64::from(lease.left_ms)),
                _ => moment.wall_ms,
            },
        };
        self.clocked = found.clock_ms.is_some();
        let least_ms = frame_ms * u64::from(!mutant::on(Mutant::TimeGoesBack));
        let now_ms = found.clock_ms.unwrap_or(estimate).max(least_ms);
        self.anchor = Some((now_ms, moment.mono_ms));
    }

    /// The store's time, as well as it can be told without asking again.
    pub(super) fn now_ms(&self, moment: &Moment) -> u64 {
        match self.anchor.filter(|_| !mutant::on(Mutant::HostClock)) {
            Some((store_ms, mono_ms)) => {
                store_ms.saturating_add(moment.mono_ms.saturating_sub(mono_ms))
            }
            None => moment.wall_ms,
        }
    }

    /// The store's time of what is known here.
    pub(super) fn read_ms(&self) -> Option<u64> {
        self.anchor.map(|(store_ms, _)| store_ms)
    }

    /// The store's time if it has a clock.
    pub(super) fn clock_ms(&self, moment: &Moment) -> Option<u64> {
        self.clocked.then(|| self.now_ms(moment))
    }

    /// For how long this instance has seen the attempt record stand still.
    pub(super) fn noticed_ms(&self, moment: &Moment) -> u64 {
        moment.mono_ms.saturating_sub(self.noticed_ms)
    }

    /// For how long this instance has seen the head stand still.
    pub(super) fn watched_ms(&self, moment: &Moment) -> u64 {
        moment.mono_ms.saturating_sub(self.watch.1)
    }

    /// Whether others took part within so many milliseconds: then the inbox may hold more than we know.
    pub(super) fn has_company(&self, within_ms: u64, moment: &Moment) -> bool {
        self.company_ms
            .is_some_and(|seen_ms| moment.mono_ms.saturating_sub(seen_ms) <= within_ms)
    }

    /// The lease as it should be by now, without asking again.
    pub(super) fn lease_now(&self, moment: &Moment) -> Option<Lease> {
        let lease = self.lease?;
        let (_, mono_ms) = self.anchor?;
        let passed = moment.mono_ms.saturating_sub(mono_ms);
        let left = u64::from(lease.left_ms).checked_sub(passed)?;
        Some(Lease {
            left_ms: u32::try_from(left).ok().filter(|left| *left > 0)?,
            ..lease
        })
    }
}

/// The newest frames as they were stored, without a hole, for clients that lack them.
#[derive(Default)]
pub(super) struct Recent {
    /// The frame before the first.
    base: Head,
    frames: VecDeque<(Hash, ByteBuf)>,
    bytes: usize,
}

impl Recent {
    /// Takes over a line of frames if it ends at `head` without a hole, by its chain of hashes.
    fn extend(&mut self, line: &[(Frame, &ByteBuf)], head: Head, keep: usize) {
        for (frame, bytes) in line {
            let at = self.end();
            let previous = Head {
                v: frame.v - 1,
                hash: frame.previous,
            };
            let known = frame.v <= at.v && frame.v > self.base.v;
            if known {
                continue;
            }
            if self.frames.is_empty() || previous != at {
                *self = Self {
                    base: previous,
                    ..Self::default()
                };
            }
            self.push(Hash::of(bytes), (*bytes).clone(), usize::MAX);
        }
        if self.end() != head {
            *self = Self {
                base: head,
                ..Self::default()
            };
        }
        self.trim(keep);
    }

    pub(super) fn push(&mut self, hash: Hash, bytes: ByteBuf, keep: usize) {
        self.bytes += bytes.len() + 40;
        self.frames.push_back((hash, bytes));
        self.trim(keep);
    }

    fn trim(&mut self, keep: usize) {
        while self.frames.len() > keep
            && let Some((hash, bytes)) = self.frames.pop_front()
        {
            self.bytes -= bytes.len() + 40;
            self.base = Head {
                v: self.base.v + 1,
                hash,
            };
        }
    }

    fn end(&self) -> Head {
        Head {
            v: self.base.v + self.frames.len() as u64,
            hash: self.frames.back().map_or(self.base.hash, |last| last.0),
        }
    }

    /// The hash of the frame at a version, if it is here.
    pub(super) fn hash_at(&self, v: u64) -> Option<Hash> {
        if v == self.base.v {
            return Some(self.base.hash);
        }
        let index = usize::try_from(v.checked_sub(self.base.v + 1)?).ok()?;
        self.frames.get(index).map(|frame| frame.0)
    }

    /// The frames after a version that is here.
    pub(super) fn after(&self, v: u64) -> Vec<ByteBuf> {
        let skip = usize::try_from(v.saturating_sub(self.base.v)).unwrap_or(usize::MAX);
        let frames = self.frames.iter().skip(skip);
        frames.map(|frame| frame.1.clone()).collect()
    }

    /// The version before the first frame here.
    pub(super) fn first(&self) -> u64 {
        self.base.v
    }
}
