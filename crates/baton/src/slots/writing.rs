//! Appending and pushing. Decides when a frame counts as appended, as lost, or as neither; what a
//! full inbox is; how items are numbered. Safety is in one call, `FieldSet` on the lowest absent
//! slot, and in what is read after it returned.

use alloc::{vec, vec::Vec};

use serde_bytes::ByteBuf;

use super::Record;
use super::call::{Answer, Call};
use super::layout::{self, FIRST_ITEM, segment_of};
use super::task::{Task, Trouble};
use crate::effect::{Append, Fed, Found, Item, Note, Read};
use crate::id::Head;
use crate::limits::MAX_INBOX_ITEMS;
use crate::mutant::{self, Mutant};

/// Bytes of a room's inbox, so that it can be read in one call.
const MAX_INBOX_BYTES: usize = 3_000_000;
/// How often a push draws other numbers for items whose numbers are taken.
const PUSHES: u8 = 4;
/// How far a host's clock may be ahead of the log's time when it says when an item came.
const MAX_AHEAD_MS: u64 = 1_000;

impl Task {
    /// Appends a frame, then reads.
    pub(super) async fn append(&mut self, append: &Append, read: &Read) -> Result<Fed, Trouble> {
        let begun_ms = self.desk.moment().mono_ms;
        let named = Head {
            v: append.v.saturating_sub(1),
            hash: append.previous,
        };
        if self.cache.line.last().head() != named {
            // Where the frame before is, and whether it is still the last, must be looked up first.
            let known = self.cache.line.last().head();
            self.read(&Read { known, ..*read }).await?;
            if self.cache.line.last().head() != named {
                let there = self.has(append);
                return Ok(Fed::Appended(there, self.finish(read, None).await?));
            }
            self.cache.inbox = Some(self.inbox.clone());
        }
        let slot = self.cache.free;
        let write = Call::FieldSet {
            key: self.keys.log(segment_of(slot)),
            field: slot,
            value: layout::to_text(&append.frame),
        };
        let answers = self.desk.perform(vec![write]).await;
        let refused = match answers.first() {
            Some(Answer::Done) => false,
            Some(Answer::Refused) => true,
            Some(Answer::WrongType) if mutant::on(Mutant::SealedAsLost) => {
                return Ok(Fed::Appended(false, self.read(read).await?));
            }
            // Of the wrong type it is sealed: this write did nothing, but a repetition of it by the
            // transport may have come before.
            _ => return Err(Trouble::Failed),
        };
        self.confirm(append, read, slot, refused, begun_ms).await
    }

    /// The slot was found filled, or is filled by us: what counts is what is read after that.
    async fn confirm(
        &mut self,
        append: &Append,
        read: &Read,
        slot: u64,
        refused: bool,
        begun_ms: u64,
    ) -> Result<Fed, Trouble> {
        let mut beside = vec![match refused {
            true => self.ask_lease(),
            false => self.renew(append),
        }];
        // What a read just brought need not come again.
        let inbox = self.cache.inbox.take().filter(|_| !refused);
        if inbox.is_none() {
            beside.push(self.ask_inbox());
        }
        let chores = beside.len();
        beside.extend(self.chore_reads(append, refused));
        let known = self.cache.line.last().head();
        let since = read.since.min(known.v);
        let read_from = Read {
            known,
            since,
            block: None,
        };
        let slots = self.wanted(&read_from, slot);
        let answers = self.load(&slots, beside).await?;
        match inbox {
            Some(items) => self.inbox = items,
            None => self.take_inbox(answers.get(1).unwrap_or(&Answer::Failed))?,
        }
        if !self.reach().await? {
            // The frame that ours follows is not where it was: what the store lost, it may have lost
            // under our feet.
            self.drop_line();
            return Err(Trouble::Failed);
        }
        if !self.has(append) {
            // Before the hole and not valid: another came first. At or behind it: nobody knows.
            if slot >= self.cache.free {
                return Err(Trouble::Failed);
            }
            self.take_lease(answers.first());
            return Ok(Fed::Appended(false, self.finish(read, None).await?));
        }
        let last = self.cache.line.last().head();
        self.told = Some((append.v, append.lease_ms));
        if last.v == append.v {
            self.cache.watch = Some(((append.v, last), begun_ms));
        }
        self.inbox.retain(|item| !append.framed.contains(&item.id));
        self.settle(append, answers.get(chores..).unwrap_or_default())
            .await;
        Ok(Fed::Appended(true, self.finish(read, None).await?))
    }

    /// Whether a frame is on the chain.
    fn has(&self, append: &Append) -> bool {
        self.cache.line.has(Head {
            v: append.v,
            hash: append.hash,
        })
    }

    fn renew(&self, append: &Append) -> Call {
        Call::Set {
            key: self.keys.lease(),
            value: layout::to_lease(append.v, append.lease_ms),
            absent_only: false,
            expire_seconds: Some(append.lease_ms.div_ceil(1_000).max(1))
                .filter(|_| !mutant::on(Mutant::LeaseKeyForever)),
        }
    }

    /// Puts items into the inbox, then reads. Taken are all or, when it is full, none; where several
    /// instances push at once it may hold as many more as they push in that moment.
    pub(super) async fn push(&mut self, items: &[ByteBuf], read: &Read) -> Result<Fed, Trouble> {
        let mut found = None;
        if self
            .cache
            .inbox_size
            .is_none_or(|size| is_full(size, items, 2))
        {
            // Nearly full, or never seen: count first.
            found = Some(self.read(read).await?);
        }
        let size = self.cache.inbox_size.unwrap_or_default();
        if let Some(found) = found.take_if(|_| is_full(size, items, 1)) {
            return Ok(Fed::Full(found));
        }
        let mut left = self.number(items);
        let mut pushed = Vec::with_capacity(left.len());
        for _ in 0..PUSHES {
            let calls: Vec<Call> = left.iter().map(|item| self.put_in(item)).collect();
            let many = calls.len();
            let answers = match found {
                Some(_) => self.desk.perform(calls).await,
                None => {
                    let (read, answers) = self.read_beside(read, calls).await?;
                    found = Some(read);
                    answers
                }
            };
            let mut taken = Vec::new();
            for (item, answer) in left.drain(..).zip(answers.into_iter().take(many)) {
                match answer {
                    Answer::Done => pushed.push(item),
                    Answer::Refused => taken.push(item.bytes),
                    _ => return Err(Trouble::Failed),
                }
            }
            if taken.is_empty() {
                break;
            }
            left = self.number(&taken);
        }
        let Some(mut found) = found.filter(|_| left.is_empty()) else {
            return Err(Trouble::Failed);
        };
        // They may have been read already, or not yet.
        pushed.retain(|item| found.inbox.iter().all(|there| there.id != item.id));
        found.inbox.extend(pushed);
        found.inbox.sort_unstable_by_key(|item| item.id);
        // Else who pushes alone would not see that it fills the inbox.
        self.cache.inbox_size = Some(size_of(&found.inbox));
        self.inbox.clone_from(&found.inbox);
        Ok(Fed::Pushed(found))
    }

    /// Replaces the attempt record, if it and the last frame are what the note says, then reads.
    pub(super) async fn note(&mut self, note: &Note, read: &Read) -> Result<Found, Trouble> {
        let found = self.read(read).await?;
        if found.head != read.known || found.attempt != note.was {
            return Ok(found);
        }
        if let Some(call) = self.write_record(note) {
            let answers = self.desk.perform(vec![call]).await;
            let old = self.cache.record.fields.clone();
            let replaced = note.now.is_some() && answers.first() == Some(&Answer::Done);
            if replaced && !old.is_empty() {
                let fields = old;
                let key = self.keys.inbox();
                let forget = Call::FieldsDelete { key, fields };
                self.desk.perform(vec![forget]).await;
            }
        }
        self.read(read).await
    }

    /// The call that replaces the record; `None` if it is not the one that is known, or it has no
    /// number left.
    pub(super) fn write_record(&self, note: &Note) -> Option<Call> {
        let Record { fields, bytes } = &self.cache.record;
        let key = self.keys.inbox();
        let next = fields.last().map_or(1, |newest| newest + 1);
        match &note.now {
            _ if *bytes != note.was => None,
            None => (!fields.is_empty()).then(|| Call::FieldsDelete {
                key,
                fields: fields.clone(),
            }),
            Some(now) => (next < FIRST_ITEM).then(|| Call::FieldSet {
                key,
                field: next,
                value: layout::to_text(now),
            }),
        }
    }

    /// What an append said of the record was answered.
    pub(super) fn take_record(&mut self, note: &Note, answer: &Answer) {
        let record = &mut self.cache.record;
        match &note.now {
            _ if *answer != Answer::Done => {}
            None => *record = Record::default(),
            Some(now) => {
                record
                    .fields
                    .push(record.fields.last().map_or(1, |newest| newest + 1));
                record.bytes = Some(now.clone());
            }
        }
    }

    fn put_in(&self, item: &Item) -> Call {
        Call::FieldSet {
            key: self.keys.inbox(),
            field: item.id,
            value: layout::to_text(&item.bytes),
        }
    }

    /// Numbers items in their order. Without a counter that all share: by the time, then by chance;
    /// a number that is taken is refused, and another is drawn.
    fn number(&mut self, items: &[ByteBuf]) -> Vec<Item> {
        let moment = self.desk.moment();
        let received_ms = self.now_ms();
        let [a, b, c, d, ..] = moment.nonce.0;
        let random = u32::from_le_bytes([a, b, c, d]);
        let first = layout::item_id(received_ms, random).max(self.cache.last_item + 1);
        let numbered: Vec<Item> = (first..)
            .zip(items)
            .map(|(id, bytes)| Item {
                id,
                received_ms: layout::received_ms(id),
                bytes: bytes.clone(),
            })
            .collect();
        self.cache.last_item = numbered.last().map_or(self.cache.last_item, |item| item.id);
        numbered
    }

    /// The time by the newest frame and what passed since this instance saw it, on its own clock; the
    /// host's clock within the second after that, so that no host's skew orders the inbox.
    fn now_ms(&self) -> u64 {
        let moment = self.desk.moment();
        let Some((time_ms, mono_ms)) = self.cache.anchor else {
            return moment.wall_ms;
        };
        let least_ms = time_ms.saturating_add(moment.mono_ms.saturating_sub(mono_ms));
        let most_ms = least_ms.saturating_add(MAX_AHEAD_MS);
        moment.wall_ms.clamp(least_ms, most_ms)
    }
}

/// Items and bytes.
pub(super) fn size_of(items: &[Item]) -> (usize, usize) {
    (items.len(), items.iter().map(|item| item.bytes.len()).sum())
}

/// Whether an inbox of so many items and bytes has no room; `times` is for a size that may be old.
fn is_full((count, bytes): (usize, usize), items: &[ByteBuf], times: usize) -> bool {
    let more: usize = items.iter().map(|item| item.len()).sum();
    count + items.len() > MAX_INBOX_ITEMS / times || bytes + more > MAX_INBOX_BYTES / times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_is_full_by_count_or_by_bytes() {
        let items =
            |count: usize, bytes: usize| alloc::vec![ByteBuf::from(alloc::vec![0; bytes]); count];
        for times in [1, 2] {
            let (most, bytes) = (MAX_INBOX_ITEMS / times, MAX_INBOX_BYTES / times);
            assert!(!is_full((most - 2, 0), &items(2, 1), times));
            assert!(is_full((most - 1, 0), &items(2, 1), times));
            assert!(is_full((most, 0), &items(2, 1), times));
            assert!(!is_full((1, bytes - 10), &items(2, 5), times));
            assert!(is_full((1, bytes - 9), &items(2, 5), times));
            assert!(is_full((1, bytes), &items(2, 5), times));
        }
        assert!(
            !is_full((MAX_INBOX_ITEMS, MAX_INBOX_BYTES), &[], 1),
            "nothing more"
        );
    }
}
