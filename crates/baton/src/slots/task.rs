//! What an errand has in hand: the cache, what it has read so far, and the ways to read slots,
//! whether they lie in a hash or in a sealed segment. Decides nothing about the chain.

use alloc::vec::Vec;

use super::Cache;
use super::call::{Answer, Call};
use super::chain::{Line, Loaded, Slot};
use super::errand::Desk;
use super::layout::{self, Layout, TOMBSTONE, segment_of, slots_of};
use super::tidy::Chore;
use crate::effect::{Item, Lease};
use crate::limits::SEGMENT;

/// Why an errand cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A call failed, or what was read proves nothing.
    Failed,
}

/// What the first segment tells of a room's age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// It has absent slots: there is no other.
    Young,
    /// It is full.
    Old,
}

/// An errand's state.
pub(super) struct Task {
    pub(super) keys: Layout,
    pub(super) desk: Desk,
    pub(super) cache: Cache,
    /// What was read of the slots since the errand began. Never kept longer.
    pub(super) loaded: Loaded,
    pub(super) inbox: Vec<Item>,
    /// The lease as it was told: version and length in milliseconds.
    pub(super) told: Option<(u64, u32)>,
    pub(super) chore: Option<Chore>,
    pub(super) beginning: Option<Beginning>,
    /// How many of the newest segments keep their frames.
    pub(super) keep_segments: u64,
}

impl Task {
    /// Forgets what was known of the chain.
    pub(super) fn drop_line(&mut self) {
        self.cache.line = Line::default();
        self.cache.free = 1;
    }

    /// Reads slots, with one call for each segment that they are of, and other calls beside them;
    /// returns the others' answers.
    pub(super) async fn load(
        &mut self,
        slots: &[u64],
        beside: Vec<Call>,
    ) -> Result<Vec<Answer>, Trouble> {
        let groups: Vec<&[u64]> = slots
            .chunk_by(|one, other| segment_of(*one) == segment_of(*other))
            .collect();
        let ask = |group: &&[u64]| Call::Fields {
            key: self.keys.log(segment_of(group[0])),
            fields: group.to_vec(),
        };
        let calls = groups.iter().map(ask).chain(beside).collect();
        let mut answers = self.desk.perform(calls).await;
        let others = answers.split_off(groups.len());
        let mut sealed = Vec::new();
        for (group, answer) in groups.iter().zip(answers) {
            match answer {
                Answer::Texts(texts) if texts.len() == group.len() => {
                    for (slot, text) in group.iter().zip(texts) {
                        self.put(*slot, text.as_deref());
                    }
                }
                Answer::WrongType => sealed.push(segment_of(group[0])),
                _ => return Err(Trouble::Failed),
            }
        }
        self.load_sealed(&sealed).await?;
        Ok(others)
    }

    /// Reads whole segments.
    pub(super) async fn load_segments(
        &mut self,
        segments: &[u64],
        beside: Vec<Call>,
    ) -> Result<Vec<Answer>, Trouble> {
        let ask = |segment: &u64| Call::AllFields {
            key: self.keys.log(*segment),
        };
        let calls = segments.iter().map(ask).chain(beside).collect();
        let mut answers = self.desk.perform(calls).await;
        let others = answers.split_off(segments.len());
        let mut sealed = Vec::new();
        for (segment, answer) in segments.iter().zip(answers) {
            match answer {
                Answer::Hash(fields) => self.put_segment(*segment, &fields),
                Answer::Nil => self.put_segment(*segment, &[]),
                Answer::WrongType => sealed.push(*segment),
                _ => return Err(Trouble::Failed),
            }
        }
        self.load_sealed(&sealed).await?;
        Ok(others)
    }

    /// Reads the first segment while it is a hash. If it is not full it is all there is; once it is
    /// sealed, a reader has better places to begin at.
    pub(super) async fn load_beginning(
        &mut self,
        mut beside: Vec<Call>,
    ) -> Result<Vec<Answer>, Trouble> {
        beside.push(Call::AllFields {
            key: self.keys.log(0),
        });
        let mut answers = self.desk.perform(beside).await;
        let beginning = match answers.pop() {
            Some(Answer::Hash(fields)) => {
                self.put_segment(0, &fields);
                match (fields.len() as u64).cmp(&SEGMENT) {
                    core::cmp::Ordering::Less => Beginning::Young,
                    _ => Beginning::Old,
                }
            }
            Some(Answer::WrongType) => Beginning::Old,
            _ => return Err(Trouble::Failed),
        };
        self.beginning = Some(beginning);
        Ok(answers)
    }

    fn put_segment(&mut self, segment: u64, fields: &[(u64, alloc::string::String)]) {
        for slot in slots_of(segment) {
            let text = fields.iter().find(|(field, _)| *field == slot);
            self.put(slot, text.map(|(_, text)| text.as_str()));
        }
    }

    /// A slot that holds something that no text of a frame can be is occupied, and void.
    fn put(&mut self, slot: u64, text: Option<&str>) {
        let held = text.map(|text| Slot::of(layout::from_text(text).unwrap_or_default()));
        self.loaded.put(slot, held);
    }

    /// The wrong type on a read means: sealed, get it as a text.
    async fn load_sealed(&mut self, segments: &[u64]) -> Result<(), Trouble> {
        let get = |segment: &u64| Call::Get {
            key: self.keys.log(*segment),
        };
        let answers = self.desk.perform(segments.iter().map(get).collect()).await;
        for (segment, answer) in segments.iter().zip(answers) {
            match answer {
                Answer::Text(text) if text == TOMBSTONE => self.loaded.trim(*segment),
                Answer::Text(text) => {
                    let frames = layout::from_archive(&text).ok_or(Trouble::Failed)?;
                    for (slot, frame) in slots_of(*segment).zip(frames) {
                        self.loaded.put(slot, Some(Slot::of(frame.into_vec())));
                    }
                }
                // A hash again, or nothing: an old copy of the store answered one of the two.
                _ => return Err(Trouble::Failed),
            }
        }
        Ok(())
    }

    /// Takes in where to begin to look, if that is told.
    pub(super) fn take_hint(&mut self, answer: &Answer) {
        if let Answer::Text(text) = answer {
            self.cache.hint = layout::from_hint(text);
        }
    }

    /// What is left of a lease. The store tells only whether its key lives, and that is for whole
    /// seconds; so the lease's own length is counted from when this instance first saw it stand at
    /// this head, on its own clock: never less than what is truly left. For the holder that is the
    /// moment before its append.
    pub(super) fn lease(&mut self) -> Option<Lease> {
        let (v, lease_ms) = self.told?;
        let now_ms = self.desk.moment().mono_ms;
        let sight = (v, self.cache.line.last().head());
        let since_ms = match self.cache.watch {
            Some((seen, since_ms)) if seen == sight => since_ms,
            _ => now_ms,
        };
        self.cache.watch = Some((sight, since_ms));
        let passed_ms = now_ms.saturating_sub(since_ms);
        let left_ms = u64::from(lease_ms).checked_sub(passed_ms)?;
        let left_ms = u32::try_from(left_ms).ok().filter(|left| *left > 0)?;
        Some(Lease { v, left_ms })
    }

    /// Learns the log's time from its newest frame, if it was just read. It never falls.
    pub(super) fn set_anchor(&mut self) {
        let last = self.cache.line.last();
        let place = self.loaded.frame(last).and_then(|held| held.place);
        let Some(place) = place else { return };
        let mono_ms = self.desk.moment().mono_ms;
        let by_now = self.cache.anchor.map_or(0, |(time_ms, seen_ms)| {
            time_ms.saturating_add(mono_ms.saturating_sub(seen_ms))
        });
        if place.time_ms > by_now {
            self.cache.anchor = Some((place.time_ms, mono_ms));
        }
    }
}
