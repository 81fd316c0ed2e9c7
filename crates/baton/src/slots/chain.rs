//! Which slots hold the log. A frame whose previous hash is not the chain's is void: it stays in its
//! slot and is stepped over. An absent slot ends the log: stepping over a hole would fork it.
//! Pure reasoning about what was read; knows no keys and no calls.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::layout::{envelope, segment_of};
use crate::id::{Hash, Head};
use crate::mutant::{self, Mutant};
use crate::table::Table;

/// How many frames before the head are at hand: a cache knows their slots, and a reader without
/// one looks so far back.
pub(super) const RING: u64 = 256;

/// A frame of the chain and its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// Its slot, from 1. Only an occupied slot may be void, so it is at least `v`.
    pub(super) slot: u64,
    pub(super) v: u64,
    pub(super) hash: Hash,
}

impl Link {
    pub(super) fn head(self) -> Head {
        Head {
            v: self.v,
            hash: self.hash,
        }
    }
}

/// What a frame's envelope tells of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) v: u64,
    /// The frame before.
    pub(super) before: Head,
    pub(super) time_ms: u64,
}

/// What a slot holds.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) hash: Hash,
    /// `None` if the bytes are no frame, which is as void as can be.
    pub(super) place: Option<Place>,
    pub(super) bytes: ByteBuf,
}

impl Slot {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            hash: Hash::of(&bytes),
            place: envelope(&bytes),
            bytes: ByteBuf::from(bytes),
        }
    }
}

/// What was read of the slots, since the reading began.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded {
    slots: Table<u64, Option<Slot>>,
    /// Segments of which only a tombstone is left.
    trimmed: Table<u64, ()>,
}

impl Loaded {
    /// `None`: not read; `Some(None)`: absent.
    pub(super) fn at(&self, slot: u64) -> Option<Option<&Slot>> {
        self.slots.get(&slot).map(Option::as_ref)
    }

    pub(super) fn put(&mut self, slot: u64, held: Option<Slot>) {
        self.slots.insert(slot, held);
    }

    pub(super) fn trim(&mut self, segment: u64) {
        self.trimmed.insert(segment, ());
    }

    pub(super) fn is_trimmed(&self, segment: u64) -> bool {
        self.trimmed.contains_key(&segment)
    }

    /// Whether the slot that a link names holds the frame that it names.
    pub(super) fn holds(&self, link: Link) -> bool {
        self.frame(link).is_some() || link.v == 0
    }

    /// The frame that a link names, if its slot holds it.
    pub(super) fn frame(&self, link: Link) -> Option<&Slot> {
        let slot = self.slots.get(&link.slot)?.as_ref()?;
        (slot.hash == link.hash).then_some(slot)
    }
}

/// The newest part of the chain: `base`, then one link per version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    base: Link,
    links: Vec<Link>,
}

/// Where walking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    /// At the lowest absent slot.
    Hole(u64),
    /// At a slot that was not read.
    Unread(u64),
}

impl Line {
    /// A line of two: the frame that a snapshot is of, and the one before.
    pub(super) fn from(before: Link, at: Link) -> Self {
        Self {
            base: before,
            links: alloc::vec![at],
        }
    }

    /// A line of one frame.
    pub(super) fn ending(base: Link) -> Self {
        Self {
            base,
            links: Vec::new(),
        }
    }

    /// The newest frame at or before a slot.
    pub(super) fn up_to(&self, slot: u64) -> Option<Link> {
        let after = self.links.partition_point(|link| link.slot <= slot);
        match after.checked_sub(1) {
            Some(index) => self.links.get(index).copied(),
            None => Some(self.base).filter(|base| base.slot <= slot),
        }
    }

    /// The newest frame.
    pub(super) fn last(&self) -> Link {
        self.links.last().copied().unwrap_or(self.base)
    }

    /// The lowest version known.
    pub(super) fn first_v(&self) -> u64 {
        self.base.v
    }

    pub(super) fn at(&self, v: u64) -> Option<Link> {
        match v.checked_sub(self.base.v)? {
            0 => Some(self.base),
            after => self.links.get(usize::try_from(after - 1).ok()?).copied(),
        }
    }

    /// Whether a head is on the line.
    pub(super) fn has(&self, head: Head) -> bool {
        self.at(head.v).is_some_and(|link| link.hash == head.hash)
    }

    /// The newest frame and the one before. A write may come back behind a hole after a failover, so
    /// one slot is no proof of a chain: both must hold what they held.
    pub(super) fn last_two(&self) -> [Link; 2] {
        let last = self.last();
        let before = last.v.checked_sub(1).and_then(|v| self.at(v));
        let before = before.filter(|_| !mutant::on(Mutant::OneSlotChecked));
        [before.unwrap_or(last), last]
    }

    /// The frame before the newest, if it lies in an earlier segment.
    pub(super) fn across(&self) -> Option<Link> {
        let last = self.last();
        let before = self.at(last.v.checked_sub(1)?)?;
        (before.v > 0 && segment_of(before.slot) < segment_of(last.slot)).then_some(before)
    }

    /// The links after a version.
    pub(super) fn after(&self, v: u64) -> &[Link] {
        let skip = usize::try_from(v.saturating_sub(self.base.v)).unwrap_or(usize::MAX);
        self.links.get(skip..).unwrap_or_default()
    }

    /// Goes on along the chain, up to the first hole, through what was read.
    pub(super) fn walk(&mut self, loaded: &Loaded) -> Walked {
        let mut slot = self.last().slot + 1;
        loop {
            let last = self.last();
            match loaded.at(slot) {
                None => return Walked::Unread(slot),
                Some(None)
                    if mutant::on(Mutant::HoleSteppedOver)
                        && loaded.at(slot + 1).is_some_and(|next| next.is_some()) => {}
                Some(None) => return Walked::Hole(slot),
                Some(Some(held)) => {
                    if held.place.is_some_and(|place| place.before == last.head()) {
                        self.links.push(Link {
                            slot,
                            v: last.v + 1,
                            hash: held.hash,
                        });
                    } else if mutant::on(Mutant::VoidEndsLog) {
                        return Walked::Hole(slot);
                    }
                }
            }
            slot += 1;
        }
    }

    /// Goes back along the chain from its base, down to version `low`, through what was read. Tells
    /// the slot that is missing, if one is; `None` if `low` is reached or the chain ends.
    pub(super) fn walk_back(&mut self, low: u64, loaded: &Loaded) -> Option<u64> {
        let mut older = Vec::new();
        let mut missing = None;
        'versions: while self.base.v > low {
            let Some(held) = loaded.frame(self.base) else {
                missing = loaded
                    .at(self.base.slot)
                    .is_none()
                    .then_some(self.base.slot);
                break;
            };
            let Some(before) = held.place.map(|place| place.before) else {
                break;
            };
            let mut slot = self.base.slot - 1;
            if before.v > 0 {
                loop {
                    match loaded.at(slot) {
                        _ if slot == 0 => break 'versions,
                        None => {
                            missing = Some(slot);
                            break 'versions;
                        }
                        Some(None) => break 'versions,
                        Some(Some(held)) if held.hash == before.hash => break,
                        Some(Some(_)) => slot -= 1,
                    }
                }
            } else {
                slot = 0;
            }
            older.push(self.base);
            self.base = Link {
                slot,
                v: before.v,
                hash: before.hash,
            };
        }
        older.reverse();
        self.links.splice(0..0, older);
        missing
    }

    /// Forgets all but the newest frames.
    pub(super) fn trim(&mut self) {
        let keep = usize::try_from(RING).unwrap_or(usize::MAX);
        if let Some(excess) = self.links.len().checked_sub(keep).filter(|many| *many > 0) {
            self.base = self.links[excess - 1];
            self.links.drain(..excess);
        }
    }
}
