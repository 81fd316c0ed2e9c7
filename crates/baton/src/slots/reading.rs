//! Reading: the head by the verified chain, from the cached place or from the newest verified
//! snapshot, and what a read tells of it. Decides which slots prove what. Writes nothing.

use alloc::{vec, vec::Vec};

use serde_bytes::ByteBuf;

use super::Record;
use super::call::{Answer, Call};
use super::chain::{Line, Link, Loaded, RING, Slot, Walked};
use super::layout::{self, FIRST_ITEM, segment_of, slots_of};
use super::task::{Beginning, Task, Trouble};
use super::writing::size_of;
use crate::effect::{Found, Item, Read};
use crate::id::Head;
use crate::limits::SEGMENT;
use crate::mutant::{self, Mutant};

/// Slots that a warm read looks at beyond its head, within the segment.
const WINDOW: u64 = 24;
/// Segments that are read at once when many are missing.
const SEGMENTS_AT_ONCE: u64 = 8;
/// Snapshots that are tried, each older than the one before.
const SNAPSHOTS_TRIED: u64 = 4;
/// The same, where no hint tells which is the newest.
const SNAPSHOTS_SEARCHED: u64 = 16;
/// Segments at which a block's end is looked for, at most.
const BLOCK_LOOKS: u32 = 16;
/// The farthest that a search for the newest segment leaps, as a power of two.
const LEAP: u32 = 16;

impl Task {
    /// A whole read.
    pub(super) async fn read(&mut self, read: &Read) -> Result<Found, Trouble> {
        Ok(self.read_beside(read, Vec::new()).await?.0)
    }

    /// A whole read; those for inbox and lease, and other calls, go with the first round trip.
    pub(super) async fn read_beside(
        &mut self,
        read: &Read,
        mut beside: Vec<Call>,
    ) -> Result<(Found, Vec<Answer>), Trouble> {
        beside.extend([self.ask_inbox(), self.ask_lease()]);
        let mut warm = false;
        let mut answers;
        if self.can_continue(read) {
            let last = self.cache.line.last().slot;
            answers = self.load(&self.wanted(read, last), beside).await?;
            warm = self.reach().await? && self.complete(read).await?;
        } else {
            answers = self.load_beginning(beside).await?;
        }
        self.take_lease(answers.pop().as_ref());
        self.take_inbox(&answers.pop().unwrap_or(Answer::Failed))?;
        let snapshot = match warm {
            true => None,
            false => self.cold(read).await?,
        };
        Ok((self.finish(read, snapshot).await?, answers))
    }

    /// Whether the cache knows the slot of what the reader holds.
    fn can_continue(&self, read: &Read) -> bool {
        read.known.v > 0 && self.cache.line.has(read.known)
    }

    /// The slots that a warm read looks at: the last two frames, which must still be there; what the
    /// reader lacks of what the cache knows; and what may have come since, beyond the slot that is
    /// known to be `filled`.
    pub(super) fn wanted(&self, read: &Read, filled: u64) -> Vec<u64> {
        let line = &self.cache.line;
        let next = line.last().slot + 1;
        let low = read.known.v.min(read.since);
        let mut slots: Vec<u64> = line.after(low).iter().map(|link| link.slot).collect();
        slots.extend(line.last_two().map(|link| link.slot));
        slots.extend(next..=(filled + WINDOW).min(*slots_of(segment_of(filled + 1)).end()));
        slots.retain(|slot| *slot > 0);
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Goes on along the chain to the first hole, reading what it must. False if the two frames that
    /// the cache ends with are not where they were: a break.
    pub(super) async fn reach(&mut self) -> Result<bool, Trouble> {
        let two = self.cache.line.last_two();
        if !two.iter().all(|link| self.loaded.holds(*link)) {
            return Ok(false);
        }
        let began = self.cache.line.last();
        let mut many = 1;
        loop {
            match self.cache.line.walk(&self.loaded) {
                Walked::Hole(slot) => {
                    self.cache.free = slot;
                    return Ok(self.cache.line.last() == began || self.is_of_one_moment().await?);
                }
                Walked::Unread(slot) => {
                    let first = segment_of(slot);
                    if self.loaded.is_trimmed(first) {
                        return Ok(false);
                    }
                    let segments: Vec<u64> = (first..first + many).collect();
                    self.load_segments(&segments, Vec::new()).await?;
                    many = (many * 2).min(SEGMENTS_AT_ONCE);
                }
            }
        }
    }

    /// Whether what was found was there together. Each segment is read by a call of its own, and the store may lose the
    /// end of one before it answers for the next, where a write to the lost chain has come late: a frame that is alone
    /// in the newest segment counts if the one before it is still there.
    async fn is_of_one_moment(&mut self) -> Result<bool, Trouble> {
        let before = self.cache.line.across();
        let Some(before) = before.filter(|_| !mutant::on(Mutant::MomentsMixed)) else {
            return Ok(true);
        };
        self.load(&[before.slot], Vec::new()).await?;
        if self.loaded.holds(before) {
            return Ok(true);
        }
        self.loaded = Loaded::default();
        self.beginning = None;
        Ok(false)
    }

    /// Whether all the frames that the reader lacks were read and are what the cache says; those
    /// that were not are read now.
    async fn complete(&mut self, read: &Read) -> Result<bool, Trouble> {
        let links: Vec<Link> = self.cache.line.after(read.known.v.min(read.since)).to_vec();
        let unread = |link: &&Link| self.loaded.at(link.slot).is_none();
        let slots: Vec<u64> = links.iter().filter(unread).map(|link| link.slot).collect();
        self.load(&slots, Vec::new()).await?;
        Ok(links.iter().all(|link| self.loaded.holds(*link)))
    }

    /// Finds the head without the cache: from the newest verified snapshot, or from the first slot.
    /// Returns the snapshot, if it began there.
    async fn cold(&mut self, read: &Read) -> Result<Option<(u64, ByteBuf)>, Trouble> {
        self.drop_line();
        if self.beginning.is_none() {
            self.load_beginning(Vec::new()).await?;
        }
        let mut snapshot = None;
        if self.beginning != Some(Beginning::Young) {
            let key = self.keys.hint();
            let answers = self.desk.perform(vec![Call::Get { key }]).await;
            let hint = answers.first().unwrap_or(&Answer::Failed);
            if *hint == Answer::Failed {
                return Err(Trouble::Failed);
            }
            self.take_hint(hint);
            let newest = self.cache.hint.unwrap_or_default().snapshot;
            snapshot = self.begin_at_snapshot(newest, SNAPSHOTS_TRIED).await?;
        }
        if !self.reach().await? {
            if snapshot.is_some() {
                return Err(Trouble::Failed);
            }
            // The hint is lost or very old, and the beginning is trimmed.
            let newest = self.newest_segment().await? + 1;
            snapshot = self.begin_at_snapshot(newest, SNAPSHOTS_SEARCHED).await?;
            if snapshot.is_none() || !self.reach().await? {
                return Err(Trouble::Failed);
            }
        }
        self.look_back(read).await?;
        Ok(snapshot)
    }

    /// Begins at the newest of some snapshots that is verified: the frame it is of and the one before
    /// are in their slots. A snapshot of a lost chain is passed over.
    async fn begin_at_snapshot(
        &mut self,
        newest: u64,
        tried: u64,
    ) -> Result<Option<(u64, ByteBuf)>, Trouble> {
        for number in (newest.saturating_sub(tried - 1).max(1)..=newest).rev() {
            let key = self.keys.snapshot(number);
            let answers = self.desk.perform(vec![Call::Get { key }]).await;
            let text = match answers.first() {
                Some(Answer::Text(text)) => text,
                Some(Answer::Nil | Answer::WrongType) => continue,
                _ => return Err(Trouble::Failed),
            };
            let Some((at, before, hash)) = layout::read_header(text) else {
                continue;
            };
            let body = layout::read_body(text, hash).filter(|_| at.v == number * SEGMENT);
            let Some(body) = body else { continue };
            let segment = segment_of(at.slot);
            let segments = [segment_of(before.slot), segment, segment + 1];
            let unread = |segment: &u64| self.loaded.at(*slots_of(*segment).start()).is_none();
            let mut segments: Vec<u64> = segments.into_iter().filter(unread).collect();
            segments.dedup();
            self.load_segments(&segments, Vec::new()).await?;
            let there = self.loaded.holds(at) && self.loaded.holds(before);
            if there || mutant::on(Mutant::SnapshotUnverified) {
                self.cache.line = Line::from(before, at);
                return Ok(Some((at.v, ByteBuf::from(body))));
            }
        }
        Ok(None)
    }

    /// Looks back as far as the reader needs, and at most so far that frames are still recent.
    async fn look_back(&mut self, read: &Read) -> Result<(), Trouble> {
        let known = match read.known.v {
            0 => u64::MAX,
            v => v,
        };
        let oldest = self.cache.line.last().v.saturating_sub(RING);
        let low = known.min(read.since).max(oldest);
        while let Some(slot) = self.cache.line.walk_back(low, &self.loaded) {
            let last = segment_of(slot);
            if self.loaded.is_trimmed(last) {
                break;
            }
            // A frame's slot is at least its version.
            let first = segment_of(low + 1).max(last.saturating_sub(SEGMENTS_AT_ONCE - 1));
            let unread = |segment: &u64| self.loaded.at(*slots_of(*segment).end()).is_none();
            let segments: Vec<u64> = (first.min(last)..=last).filter(unread).collect();
            self.load_segments(&segments, Vec::new()).await?;
        }
        Ok(())
    }

    /// The newest segment, by leaps. Segments are never deleted, so they exist without a hole but for
    /// what a failover lost.
    async fn newest_segment(&mut self) -> Result<u64, Trouble> {
        let mut newest = 0;
        loop {
            let leaps: Vec<u64> = (0..=LEAP).map(|power| newest + (1 << power)).collect();
            let count = |segment: &u64| Call::FieldCount {
                key: self.keys.log(*segment),
            };
            let calls = leaps.iter().map(count).collect();
            let answers = self.desk.perform(calls).await;
            let mut farthest = None;
            for (segment, answer) in leaps.iter().zip(&answers) {
                match answer {
                    Answer::Length(0) => {}
                    Answer::Length(_) | Answer::WrongType => farthest = Some(*segment),
                    _ => return Err(Trouble::Failed),
                }
            }
            match farthest {
                Some(segment) => newest = segment,
                None => return Ok(newest),
            }
        }
    }

    /// What the read tells. `snapshot` is where a cold read began.
    pub(super) async fn finish(
        &mut self,
        read: &Read,
        snapshot: Option<(u64, ByteBuf)>,
    ) -> Result<Found, Trouble> {
        let lease = self.lease();
        self.set_anchor();
        let block = match read.block {
            Some(last) => self.block(last).await?,
            None => None,
        };
        let line = &self.cache.line;
        let head = line.last().head();
        let known = match read.known.v {
            0 => None,
            v => line.at(v).map(|link| link.hash),
        };
        let continues = known == Some(read.known.hash);
        let from = match (continues, &snapshot) {
            (true, _) => read.known.v,
            (false, Some((v, _))) => *v,
            (false, None) => 0,
        };
        let first = from.min(read.since).max(line.first_v());
        let frames = line.after(first).iter();
        let frames = frames.filter_map(|link| self.loaded.frame(*link));
        let frames: Vec<ByteBuf> = frames.map(|slot| slot.bytes.clone()).collect();
        // An older frame is not missing, it is out of sight.
        let trimmed = read.known.v > 0
            && read.known.v < line.first_v()
            && (read.known.v + RING <= head.v || self.is_behind_a_tombstone());
        let found = Found {
            clock_ms: None,
            head,
            known,
            trimmed,
            snapshot: snapshot.filter(|_| !continues).map(|(_, body)| body),
            frames,
            inbox: self.inbox.clone(),
            lease,
            block,
            attempt: self.cache.record.bytes.clone(),
        };
        self.cache.line.trim();
        Ok(found)
    }

    fn is_behind_a_tombstone(&self) -> bool {
        let mut line = self.cache.line.clone();
        let low = line.first_v().saturating_sub(1);
        let missing = line.walk_back(low, &self.loaded);
        missing.is_some_and(|slot| self.loaded.is_trimmed(segment_of(slot)))
    }

    /// A full block of frames by its last version. Where void frames lie, a frame's slot is later
    /// than its version, so the frame after the block is looked for too: what it follows is the
    /// block's end. `None` too if the block was trimmed.
    async fn block(&mut self, last: u64) -> Result<Option<Vec<ByteBuf>>, Trouble> {
        let head = self.cache.line.last();
        if last > head.v || !last.is_multiple_of(SEGMENT) || last == 0 {
            return Ok(None);
        }
        let first = last - SEGMENT;
        let mut segment = segment_of(first + 1);
        let newest = segment_of(head.slot);
        let mut end = (last == head.v).then_some(head);
        let mut looks = 0;
        while end.is_none() && segment <= newest && looks < BLOCK_LOOKS {
            looks += 1;
            let segments = [segment, segment + 1];
            self.load_segments(&segments, Vec::new()).await?;
            if self.loaded.is_trimmed(segment) {
                // It is gone, unless void frames have put it where frames are kept.
                segment = (newest + 1)
                    .saturating_sub(self.keep_segments)
                    .max(segment + 1);
                continue;
            }
            let slots = segments.into_iter().flat_map(slots_of);
            let frames = slots.filter_map(|slot| Some((slot, self.loaded.at(slot)??)));
            let frames: Vec<(u64, &Slot)> = frames.collect();
            let after: Vec<Head> = frames
                .iter()
                .filter_map(|(_, held)| held.place.filter(|place| place.v == last + 1))
                .map(|place| place.before)
                .collect();
            end = frames.iter().find_map(|(slot, held)| {
                let link = Link {
                    slot: *slot,
                    v: held.place?.v,
                    hash: held.hash,
                };
                after.contains(&link.head()).then_some(link)
            });
            let versions = || frames.iter().filter_map(|(_, held)| Some(held.place?.v));
            if versions().min().is_some_and(|v| v > last + 1) {
                break;
            }
            // A version has a slot of its own: so many lie between.
            let ahead = versions().max().map_or(0, |v| last.saturating_sub(v));
            let beyond = segment_of(slots_of(segment + 1).end() + ahead);
            segment = beyond.max(segment + 1);
        }
        let Some(end) = end else { return Ok(None) };
        let mut line = Line::ending(end);
        while let Some(slot) = line.walk_back(first, &self.loaded) {
            if self.loaded.is_trimmed(segment_of(slot)) {
                return Ok(None);
            }
            self.load_segments(&[segment_of(slot)], Vec::new()).await?;
        }
        let links = (first + 1..=last).map(|v| line.at(v));
        let frames = links.map(|link| Some(self.loaded.frame(link?)?.bytes.clone()));
        Ok(frames.collect())
    }

    pub(super) fn ask_lease(&self) -> Call {
        Call::Get {
            key: self.keys.lease(),
        }
    }

    pub(super) fn ask_inbox(&self) -> Call {
        Call::AllFields {
            key: self.keys.inbox(),
        }
    }

    pub(super) fn take_inbox(&mut self, answer: &Answer) -> Result<(), Trouble> {
        let fields = match answer {
            Answer::Hash(fields) => fields,
            Answer::Nil => &Vec::new(),
            _ => return Err(Trouble::Failed),
        };
        let item = |(id, text): &(u64, alloc::string::String)| Item {
            id: *id,
            received_ms: layout::received_ms(*id),
            // What cannot be read is junk, and removed as such.
            bytes: ByteBuf::from(layout::from_text(text).unwrap_or_default()),
        };
        self.inbox = fields.iter().map(item).collect();
        self.inbox.sort_unstable_by_key(|item| item.id);
        let first = self.inbox.partition_point(|item| item.id < FIRST_ITEM);
        let notes: Vec<Item> = self.inbox.drain(..first).collect();
        self.cache.record = Record {
            fields: notes.iter().map(|note| note.id).collect(),
            bytes: notes.into_iter().next_back().map(|note| note.bytes),
        };
        self.cache.inbox_size = Some(size_of(&self.inbox));
        Ok(())
    }

    pub(super) fn take_lease(&mut self, answer: Option<&Answer>) {
        self.told = match answer {
            Some(Answer::Text(text)) => layout::from_lease(text),
            _ => None,
        };
    }
}
