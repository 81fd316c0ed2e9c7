//! The attempt record: after the rules broke, what is suspected, what is tried alone next, and
//! when it is at fault. Opaque to the store. Reads rooms and inboxes; changes neither.
//!
//! Time is tried first, in a frame without entries; then what waited, in frames in which no time
//! passes, so that neither is blamed for the other: half of it together, half of what traps, twice of what does
//! not, until each thing of one item is tried alone. A verdict is only ever in the
//! log: this says who is tried, and how often that went wrong.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::arrivals::{Pushed, Waiting};
use crate::id::{BodyHash, Nonce};
use crate::kind::Kind;
use crate::limits::{MAX_BEGUN, MAX_TRAPS};
use crate::mutant::{self, Mutant};
use crate::room::{Door, Known, Room};
use crate::wire::{self, Presence, Sent};

/// What is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// Drawn for each record, so that none is taken for another.
    nonce: Nonce,
    /// The newest frame then. Whatever was begun before another one is settled, and counts no more: a store may do
    /// late what it failed to do.
    v: u64,
    /// Items of the inbox up to this one are suspected.
    upto: u64,
    /// How many of them are tried together next, once time did no harm; 1: one thing of the first, 0: half of them.
    width: u16,
    /// The next so many trap together: one of them is at fault; 0 if that is not known.
    bad: u16,
    pub(super) suspect: Suspect,
    /// How often it was begun.
    begun: u8,
    /// How often a host saw it trap.
    traps: u8,
    /// The store's time when it was begun; 0 if nobody is at it.
    since_ms: u64,
}

/// What is suspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Suspect {
    /// Somebody leads who remembers nothing of the room; moot once there is another frame.
    Everything,
    /// Ticks, and whoever leaves by silence.
    Time,
    /// Whatever is left of the items up to this one, together.
    Items {
        /// The item.
        last: u64,
    },
    /// One thing of one item of the inbox.
    Entry {
        /// The item.
        item: u64,
        /// The action; 0 for the session that opens or closes.
        seq: u64,
        /// Of the action.
        body: BodyHash,
    },
}

/// What to do about a record.
pub(super) enum Step {
    /// Somebody is at it.
    Wait,
    /// Note this, then try it.
    Try(Attempt),
    /// What this is of is at fault.
    Fault(Attempt),
    /// Nothing is left to suspect.
    Over,
}

impl Attempt {
    /// The rules broke, and nobody knows on what.
    pub(super) fn suspicion(nonce: Nonce, v: u64, upto: u64) -> Self {
        Self::resting(nonce, v, upto, Suspect::Time)
    }

    /// Whatever there is is tried at once, by one who remembers nothing.
    pub(super) fn everything(nonce: Nonce, v: u64, upto: u64, now_ms: u64) -> Self {
        Self {
            begun: 1,
            since_ms: now_ms,
            ..Self::resting(nonce, v, upto, Suspect::Everything)
        }
    }

    /// Whether it is about time, or about everything.
    pub(super) fn is_timely(&self) -> bool {
        !matches!(self.suspect, Suspect::Items { .. } | Suspect::Entry { .. })
    }

    fn resting(nonce: Nonce, v: u64, upto: u64, suspect: Suspect) -> Self {
        Self {
            nonce,
            v,
            upto,
            width: 0,
            bad: 0,
            suspect,
            begun: 0,
            traps: 0,
            since_ms: 0,
        }
    }

    /// Reads a record; one that cannot be read is a suspicion without knowledge.
    pub(super) fn read(bytes: &[u8], upto: u64) -> Self {
        match postcard::take_from_bytes(bytes) {
            Ok((attempt, [])) => attempt,
            _ => Self::suspicion(Nonce::default(), 0, upto),
        }
    }

    pub(super) fn write(&self) -> ByteBuf {
        ByteBuf::from(wire::write(self))
    }

    /// The try that this record is of trapped. `v`, `upto`: the newest frame and item of the inbox.
    pub(super) fn trapped(self, nonce: Nonce, v: u64, upto: u64) -> Self {
        if self.suspect == Suspect::Everything {
            return Self::suspicion(nonce, v, upto);
        }
        Self {
            nonce,
            v,
            traps: self.traps.saturating_add(1),
            since_ms: 0,
            ..self
        }
    }

    /// The try that this record is of was outlived, and settled nothing. `None` if that leaves nothing to
    /// suspect.
    pub(super) fn rested(&self) -> Option<Self> {
        (self.suspect != Suspect::Everything).then(|| Self {
            begun: 0,
            since_ms: 0,
            ..self.clone()
        })
    }

    /// Without a try of the same that was outlived; if it `ran`, what it tried does no harm, and only the one counts that is
    /// under way.
    pub(super) fn begun_anew(self, outlived: &Self, ran: bool) -> Option<Self> {
        let same = (self.suspect, self.v) == (outlived.suspect, outlived.v);
        let begun = if ran { 1 } else { self.begun.saturating_sub(1) };
        (same && self.begun > 1).then_some(Self { begun, ..self })
    }

    /// Ticks that this try of time may run. Who dies of too many tries fewer.
    pub(super) fn ticks(&self, catch_up_ticks: u32) -> u32 {
        let halvings = 2 * u32::from(self.begun.saturating_sub(1));
        catch_up_ticks.checked_shr(halvings).unwrap_or(0).max(1)
    }

    /// Whether it was made after this frame.
    pub(super) fn follows(&self, v: u64) -> bool {
        self.v == v
    }

    /// When somebody began what is suspected who has not come back, if somebody did.
    pub(super) fn begun_ms(&self) -> Option<u64> {
        (self.since_ms > 0).then_some(self.since_ms)
    }

    /// What to do next. `open`: the try that was begun may still be on its way; `hangs`: it, or one before, may yet be
    /// outlived.
    pub(super) fn next<R: Kind>(
        &self,
        room: Option<&Room<R>>,
        inbox: &[Waiting],
        now_ms: u64,
        (open, hangs): (bool, bool),
        nonce: Nonce,
    ) -> Step {
        let v = room.map_or(0, |room| room.head().v);
        let moved = v != self.v && !mutant::on(Mutant::OldRecordCounts);
        if moved && self.suspect == Suspect::Everything {
            return Step::Over;
        }
        if open {
            return Step::Wait;
        }
        // What the room does by itself goes with time: nobody's entry is to blame for it. Whether it does anything is not
        // asked: the question may be what breaks the rules.
        let (suspect, (width, bad)) = match self.is_timely() && room.is_some() {
            true => (Some(Suspect::Time), (self.width, self.bad)),
            false => {
                let suspected = self.suspected(room, inbox);
                let (width, bad) = self.share(suspected.len(), moved);
                let suspect = match width {
                    0 | 1 => suspected.first().map(|(_, first)| *first),
                    width => suspected
                        .get(usize::from(width) - 1)
                        .map(|(last, _)| Suspect::Items { last: *last }),
                };
                (suspect, (width, bad))
            }
        };
        let Some(suspect) = suspect else {
            return Step::Over;
        };
        let (begun, traps) = match suspect == self.suspect && !moved {
            true => (self.begun, self.traps),
            false => (0, 0),
        };
        let tried = Self {
            suspect,
            begun,
            traps,
            ..self.clone()
        };
        if tried.at_fault() || mutant::on(Mutant::FaultedUntried) {
            return match tried.trapped_often() || !hangs {
                true => Step::Fault(tried),
                false => Step::Wait,
            };
        }
        Step::Try(Self {
            nonce,
            v,
            upto: self.upto,
            width,
            bad,
            suspect,
            begun: begun.saturating_add(1),
            traps,
            since_ms: now_ms.max(1),
        })
    }

    /// How many of so many suspected items are tried together next, and how many trap together.
    fn share(&self, suspected: usize, moved: bool) -> (u16, u16) {
        let many = u16::try_from(suspected).unwrap_or(u16::MAX);
        // Nobody came back from so many, or it was told that they trap.
        let outlived = !matches!(self.suspect, Suspect::Items { .. }) || self.begun == 0 || moved;
        let bad = if outlived { self.bad } else { self.width }.min(many);
        let width = match (bad, self.width) {
            (0, 0) => many.div_ceil(2),
            (0, width) => width.min(many),
            (bad, _) => bad / 2,
        };
        (width, bad)
    }

    /// Whether it was tried often enough, alone. Several items are halved before they were.
    fn at_fault(&self) -> bool {
        (self.trapped_often() || self.begun >= MAX_BEGUN) && !mutant::on(Mutant::NothingAtFault)
    }

    fn trapped_often(&self) -> bool {
        self.traps >= MAX_TRAPS
    }

    /// The record once a frame has settled this one: `room` is after the frame, `inbox` what is
    /// left of it. `None` if nothing is left to suspect.
    pub(super) fn after<'a, R: Kind>(
        &self,
        room: &Room<R>,
        inbox: impl IntoIterator<Item = &'a Waiting>,
        lags: bool,
        nonce: Nonce,
    ) -> Option<Self> {
        let resting = |suspect, width, bad| Self {
            width,
            bad,
            ..Self::resting(nonce, room.head().v, self.upto, suspect)
        };
        if lags {
            return Some(resting(Suspect::Time, self.width, self.bad));
        }
        let suspected = self.suspected(Some(room), inbox);
        let (next, first) = *suspected.first()?;
        // What went well is followed by twice as much, unless the rest of what trapped is still to come; of one
        // item each thing is tried alone; and what follows on something at fault may be as bad.
        let (width, bad) = match self.suspect {
            Suspect::Everything | Suspect::Time => (0, 0),
            Suspect::Items { .. } => (
                self.width.saturating_mul(2),
                self.bad.saturating_sub(self.width),
            ),
            Suspect::Entry { .. } if self.at_fault() => (1, 0),
            Suspect::Entry { item, .. } if item == next => (1, self.bad),
            Suspect::Entry { .. } => (2, self.bad.saturating_sub(1)),
        };
        Some(resting(first, width, bad))
    }

    /// The suspected items that would have the rules run, and the first thing of each.
    fn suspected<'a, R: Kind>(
        &self,
        room: Option<&Room<R>>,
        inbox: impl IntoIterator<Item = &'a Waiting>,
    ) -> Vec<(u64, Suspect)> {
        let suspected = inbox.into_iter().filter(|item| item.id <= self.upto);
        let first = |item: &Waiting| Some((item.id, first_of(room, item)?));
        suspected.filter_map(first).collect()
    }
}

/// The first thing of an item that would have the rules run.
pub(super) fn first_of<R: Kind>(room: Option<&Room<R>>, item: &Waiting) -> Option<Suspect> {
    let entry = |seq: u64, body: &[u8]| Suspect::Entry {
        item: item.id,
        seq,
        body: BodyHash::of(body),
    };
    let (who, hail) = match &item.pushed {
        Pushed::Hail { who, hail } => (who, hail),
        Pushed::Parcel(parcel) => {
            let receipt = room.map(|room| room.receipt(&parcel.sender, parcel.lineage));
            let mark = receipt.map_or(0, |receipt| receipt.mark);
            let next = parcel.sends.iter().find(|sent| sent.seq > mark);
            let next = next.filter(|_| mark >= parcel.after);
            return next.map(|sent| entry(sent.seq, &sent.body));
        }
    };
    let standing = room.and_then(|room| room.standing(&who.user, hail.id));
    let tick = room.map_or(0, Room::tick);
    let runs = match &standing {
        Some(standing) => {
            let grace = room.map_or(0, |room| room.pace().grace_ticks());
            let door = standing
                .device
                .door(hail.session, hail.presence, tick, grace);
            matches!(door, Some(Door::Join | Door::Leave))
        }
        None => hail.number.is_none() && hail.presence == Presence::Here,
    };
    let ticks = room.is_none_or(|room| room.pace().tick_ms != 0);
    if ticks && runs {
        return Some(Suspect::Entry {
            item: item.id,
            seq: 0,
            body: BodyHash::default(),
        });
    }
    let standing = standing.filter(|standing| hail.number == Some(standing.number))?;
    let own = room.map_or(0, |room| room.edition().version);
    let follows = |sent: &&Sent| match standing.device.know(sent.seq, BodyHash::of(&sent.body)) {
        _ if sent.version > own => false,
        Known::Next => true,
        Known::Gap(_) => sent.seq == hail.kept_from,
        _ => false,
    };
    let next = hail.actions.iter().find(follows);
    next.map(|sent| entry(sent.seq, &sent.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_was_outlived_leaves_what_was_suspected_and_one_of_everything_leaves_nothing() {
        let everything = Attempt::everything(Nonce([1; 8]), 7, 9, 1_000);
        assert_eq!(everything.rested(), None);
        let tried = Attempt {
            traps: 2,
            ..everything.trapped(Nonce([2; 8]), 8, 10)
        };
        let begun = Attempt {
            begun: 3,
            since_ms: 2_000,
            ..tried.clone()
        };
        assert_eq!(begun.suspect, Suspect::Time);
        assert_eq!(begun.rested(), Some(tried));
    }
}
