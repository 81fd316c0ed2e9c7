//! The store: the only thing that is shared, with the two ways to append and the one modelled loss of writes.
//!
//! Decides whether an append is taken, what a read returns, and what a roll-back leaves. Knows nothing of who
//! asks or of clients. Appends and reads are atomic; what lies between them is the instances' affair.

use super::chain::{Chain, DEVICES, Entry, Frame, View};
use super::mutants::Mutant;

/// A snapshot may be made of every version that is a multiple of this.
pub const SEGMENT: u8 = 2;

/// How a store appends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Frame v is taken if and only if the last frame is v−1 with the hash that v names (memory, Durable Object, Redis).
    Compare,
    /// A slot is filled if it is absent; a frame whose previous hash is wrong is void (Devvit).
    CreateIfAbsent,
}

/// What happens to the inbox when the store loses its last frames.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InboxLoss {
    /// It stays as it is.
    Kept,
    /// It is emptied.
    Emptied,
    /// The lost frames' entries are back in it.
    Restored,
}

/// An append whose sender was told "unknown" and that may still be carried out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LateAppend {
    /// The slot that it fills.
    pub slot: u8,
    /// What it writes.
    pub frame: Frame,
    /// The inbox items that a compare store removes with it.
    pub taken: Vec<Entry>,
}

/// What a read returns.
#[derive(Default)]
pub struct Read {
    /// The room at the head of the valid chain.
    pub view: View,
    /// The lowest absent slot.
    pub free: u8,
    /// The frame that the reader's cache names is not there: the store lost writes.
    pub broke: bool,
    /// The replay began at a snapshot.
    pub from_snapshot: bool,
    /// A snapshot was there whose frame has another hash; an older one or none was used.
    pub passed_over: bool,
}

/// One room's keys.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Store {
    /// Slot n is at index n−1. Only create-if-absent stores have holes.
    pub slots: Vec<Option<Frame>>,
    /// What followers took in.
    pub inbox: Vec<Entry>,
    /// Per segment, created if absent.
    pub snapshots: [Option<View>; 3],
    /// Writes on their way.
    pub late: Vec<LateAppend>,
    /// Ghost: the room as it was before the roll-back, if there was one.
    pub lost: Option<View>,
}

impl Store {
    /// One atomic append; true if it was taken. A refused one changed nothing.
    pub fn append(
        &mut self,
        kind: Kind,
        slot: u8,
        frame: Frame,
        taken: &[Entry],
        mutant: Mutant,
    ) -> bool {
        match kind {
            Kind::Compare => {
                if !self.compares(&frame, mutant) {
                    return false;
                }
                self.slots.push(Some(frame));
                self.remove(taken);
                true
            }
            Kind::CreateIfAbsent => {
                let index = usize::from(slot) - 1;
                while self.slots.len() <= index {
                    self.slots.push(None);
                }
                if self.slots[index].is_some() && mutant != Mutant::NoVersionCheck {
                    return false;
                }
                self.slots[index] = Some(frame);
                true
            }
        }
    }

    fn compares(&self, frame: &Frame, mutant: Mutant) -> bool {
        let head = self.slots.last().and_then(|slot| slot.as_ref());
        let head_chain = head.map_or(Chain::EMPTY, Frame::chain);
        match mutant {
            Mutant::NoVersionCheck => {
                frame.previous == Chain::EMPTY
                    || self
                        .slots
                        .iter()
                        .flatten()
                        .any(|old| old.chain() == frame.previous)
            }
            Mutant::NoHashCheck => frame.chain().version() == head_chain.version() + 1,
            Mutant::IdentityInsteadOfVersion => {
                let same_claim = head.is_some_and(|old| {
                    old.tag.writer() == frame.tag.writer() && old.epoch == frame.epoch
                });
                same_claim || head_chain == frame.previous
            }
            _ => head_chain == frame.previous,
        }
    }

    /// Adds to the inbox, at least once.
    pub fn push(&mut self, entries: impl Iterator<Item = Entry>) {
        self.inbox.extend(entries);
    }

    /// Removes each of `taken` once, if it is there.
    pub fn remove(&mut self, taken: &[Entry]) {
        for entry in taken {
            if let Some(index) = self.inbox.iter().position(|item| item == entry) {
                self.inbox.remove(index);
            }
        }
    }

    /// One atomic read by somebody who holds `cache`.
    pub fn read(&self, cache: Option<View>, mutant: Mutant) -> Read {
        let mut read = Read::default();
        match cache {
            Some(view) if mutant == Mutant::CacheNotChecked || self.holds(&view, mutant) => {
                read.view = view
            }
            _ => {
                read.broke = cache.is_some();
                for snapshot in self.snapshots.iter().rev().flatten() {
                    if mutant == Mutant::SnapshotUnverified || self.holds(snapshot, mutant) {
                        read.view = *snapshot;
                        read.from_snapshot = true;
                        break;
                    }
                    read.passed_over = true;
                }
            }
        }
        self.replay(&mut read, mutant);
        read
    }

    /// Replays what follows `read.view` up to the first hole.
    fn replay(&self, read: &mut Read, mutant: Mutant) {
        let first = read.view.slot + 1;
        read.free = first.max(self.slots.len() as u8 + 1);
        for slot in first..=self.slots.len() as u8 {
            match &self.slots[usize::from(slot) - 1] {
                Some(frame)
                    if frame.previous == read.view.chain || mutant == Mutant::NoHashCheck =>
                {
                    read.view = read.view.after(frame, slot);
                }
                Some(_void) if mutant != Mutant::VoidBlocks => {}
                None if mutant == Mutant::StepOverHole => {}
                _ => {
                    read.free = slot;
                    return;
                }
            }
        }
    }

    /// Whether the slot that `view` names holds the frame that it names, and the frame before it is in its slot too.
    ///
    /// One slot is not enough where slots are filled blindly: a repeated write may come back behind a hole.
    pub fn holds(&self, view: &View, mutant: Mutant) -> bool {
        let before = view.chain.parent();
        view.chain == Chain::EMPTY
            || self.slot_holds(view.slot, view.chain)
                && (before == Chain::EMPTY
                    || mutant == Mutant::OneSlotChecked
                    || self.slot_holds(view.slot_before, before))
    }

    /// Whether `slot` holds the frame with hash `chain`.
    pub fn slot_holds(&self, slot: u8, chain: Chain) -> bool {
        slot > 0
            && self
                .slots
                .get(usize::from(slot) - 1)
                .is_some_and(|place| place.is_some_and(|frame| frame.chain() == chain))
    }

    /// Whether `slot` holds any frame.
    pub fn is_filled(&self, slot: u8) -> bool {
        slot > 0
            && self
                .slots
                .get(usize::from(slot) - 1)
                .is_some_and(Option::is_some)
    }

    /// The truth: the room by a replay of all frames from 0 under the rules, whatever the mutant.
    pub fn truth(&self) -> View {
        self.replayed(Mutant::None)
    }

    /// The room by a replay of all frames from 0 under `mutant`'s reading of the log.
    pub fn replayed(&self, mutant: Mutant) -> View {
        let mut read = Read::default();
        self.replay(&mut read, mutant);
        read.view
    }

    /// The frames of the valid chain, in order.
    pub fn valid_frames(&self) -> impl Iterator<Item = &Frame> {
        let mut chain = Chain::EMPTY;
        self.slots
            .iter()
            .map_while(Option::as_ref)
            .filter(move |frame| {
                let valid = frame.previous == chain;
                if valid {
                    chain = frame.chain();
                }
                valid
            })
    }

    /// The store loses its last `frames` frames; snapshots and late writes stay. False if it has fewer.
    pub fn roll_back(&mut self, frames: u8, inbox: InboxLoss) -> bool {
        let before = self.truth();
        let mut lost = Vec::new();
        for _ in 0..frames {
            match self.slots.pop() {
                Some(Some(frame)) => lost.push(frame),
                _ => return false,
            }
        }
        while self.slots.last() == Some(&None) {
            self.slots.pop();
        }
        self.lost = Some(before);
        match inbox {
            InboxLoss::Kept => {}
            InboxLoss::Emptied => self.inbox.clear(),
            InboxLoss::Restored => {
                let entries: Vec<Entry> = lost
                    .iter()
                    .rev()
                    .flat_map(|frame| frame.entries.iter())
                    .collect();
                self.inbox.splice(0..0, entries);
            }
        }
        true
    }

    /// The marks that some committed history has or had: the truth's, or the lost chain's where they are higher.
    pub fn highest_marks(&self) -> [u8; DEVICES] {
        let mut marks = self.truth().marks;
        if let Some(lost) = &self.lost {
            for (mark, old) in marks.iter_mut().zip(lost.marks) {
                *mark = (*mark).max(old);
            }
        }
        marks
    }

    /// Whether the history `chain` is, or was before the roll-back, committed.
    pub fn was_committed(&self, chain: Chain) -> bool {
        self.truth().chain.descends_from(chain)
            || self
                .lost
                .is_some_and(|lost| lost.chain.descends_from(chain))
    }
}
