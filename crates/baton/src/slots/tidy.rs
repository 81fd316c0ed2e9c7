//! Sealing and trimming: what turns old segments into texts, old texts into tombstones, and removes
//! old snapshots. A chore of whoever leads: at most one rides along with an append, its calls in
//! round trips that the append makes anyway (its writes may add one). Every decision rests on what
//! was read for it just now; nothing here comes from a cache but where to look.

use alloc::{string::String, vec::Vec};

use serde_bytes::ByteBuf;

use super::call::{Answer, Call};
use super::chain::{Line, Link, Loaded, Slot};
use super::layout::{self, HEADER_CHARS, Hint, TOMBSTONE, segment_of, slots_of};
use super::task::Task;
use crate::effect::Append;
use crate::limits::SEGMENT;
use crate::mutant::{self, Mutant};

/// Slots between two chores of one instance.
const CHORE_EVERY: u64 = 16;
/// Snapshots that are looked at before anything is trimmed.
const HEADERS: u64 = 3;
/// Segments that one chore trims, at most.
const TRIMMED_AT_ONCE: u64 = 2;
/// Snapshots that one chore removes, at most.
const REMOVED_AT_ONCE: u64 = 8;
/// So many segments on, one that cannot be sealed is passed over.
const PASSED_OVER: u64 = 4;
/// Bytes of frames in a sealed segment: what is larger does not fit a store's request and stays a
/// hash. It is full, so it takes no late write either.
const MAX_ARCHIVE_BYTES: usize = 3_000_000;

/// A chore under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chore {
    /// The segment to seal.
    segment: u64,
    /// The number of the newest snapshot to look at.
    snapshot: u64,
    /// Segments to trim: the first, and how many.
    trim: (u64, u64),
}

/// What a chore found that it may do.
#[derive(Default)]
struct Allowed {
    archive: Option<String>,
    /// Segments.
    tombs: Vec<u64>,
    /// Numbers of snapshots.
    old: Vec<u64>,
}

impl Task {
    /// The calls of a chore that go along with an append's check, if one is due.
    pub(super) fn chore_reads(&mut self, append: &Append, refused: bool) -> Vec<Call> {
        let segment = segment_of(self.cache.free);
        let due = segment >= 2 && self.cache.free >= self.cache.tidy_at;
        if refused || !(due || append.snapshot.is_some()) {
            return Vec::new();
        }
        let Some(hint) = self.cache.hint else {
            return [Call::Get {
                key: self.keys.hint(),
            }]
            .into();
        };
        if !due || segment < hint.sealed + 2 {
            return Vec::new();
        }
        self.cache.tidy_at = self.cache.free + CHORE_EVERY;
        let sealed = hint.sealed;
        let may_trim = (sealed + 1).saturating_sub(self.keep_segments);
        let many = may_trim.saturating_sub(hint.trimmed).min(TRIMMED_AT_ONCE);
        let chore = Chore {
            segment: sealed,
            snapshot: hint.snapshot,
            trim: (hint.trimmed, many),
        };
        self.chore = Some(chore);
        let whole = [sealed, sealed + 1].map(|segment| Call::AllFields {
            key: self.keys.log(segment),
        });
        let headers = chore.headers().map(|number| Call::Start {
            key: self.keys.snapshot(number),
            bytes: HEADER_CHARS as u32,
        });
        let counts = (hint.trimmed..hint.trimmed + many).map(|segment| Call::FieldCount {
            key: self.keys.log(segment),
        });
        whole.into_iter().chain(headers).chain(counts).collect()
    }

    /// After the append was confirmed: removes what was framed, keeps the snapshot, does the chore.
    /// No failure here changes what the append is.
    pub(super) async fn settle(&mut self, append: &Append, reads: &[Answer]) {
        let mut calls = Vec::new();
        if !append.framed.is_empty() {
            calls.push(Call::FieldsDelete {
                key: self.keys.inbox(),
                fields: append.framed.clone(),
            });
        }
        let note = append.note.as_ref();
        let noting = note.and_then(|note| Some((calls.len(), note, self.write_record(note)?)));
        let noted = noting.map(|(at, note, call)| {
            calls.push(call);
            (at, note)
        });
        let chore = self.chore.take();
        let allowed = match chore {
            Some(chore) => self.judge(chore, reads),
            None => {
                if let (None, Some(answer)) = (self.cache.hint, reads.first()) {
                    self.take_hint(answer);
                    if self.cache.hint.is_none() && *answer == Answer::Nil {
                        self.cache.hint = Some(self.first_hint());
                    }
                }
                Allowed::default()
            }
        };
        if let Some(body) = &append.snapshot {
            calls.extend(self.keep_snapshot(append.v, body));
        }
        let chores = calls.len();
        let sealing = chore.zip(allowed.archive);
        if let Some((chore, archive)) = &sealing {
            calls.push(self.overwrite(chore.segment, archive.clone()));
        }
        for segment in &allowed.tombs {
            calls.push(self.overwrite(*segment, TOMBSTONE.into()));
        }
        if !allowed.old.is_empty() {
            let keys = allowed.old.iter();
            let keys = keys.map(|number| self.keys.snapshot(*number)).collect();
            calls.push(Call::Delete { keys });
        }
        let answers = self.desk.perform(calls).await;
        if let Some((at, note)) = noted
            && let Some(answer) = answers.get(at)
        {
            self.take_record(note, answer);
        }
        let mut done = answers
            .iter()
            .skip(chores)
            .map(|answer| *answer == Answer::Done);
        let Some(hint) = &mut self.cache.hint else {
            return;
        };
        if let Some((chore, _)) = sealing
            && done.next() == Some(true)
        {
            hint.sealed = chore.segment + 1;
        }
        for segment in allowed.tombs {
            if done.next() == Some(true) && hint.trimmed == segment {
                hint.trimmed = segment + 1;
            }
        }
        if let Some(last) = allowed.old.last()
            && done.next() == Some(true)
        {
            hint.oldest = last + 1;
        }
    }

    /// Where nobody left a hint, chores go on from the present; what was passed over stays a hash.
    fn first_hint(&self) -> Hint {
        Hint {
            snapshot: self.cache.line.last().v / SEGMENT,
            sealed: segment_of(self.cache.free).saturating_sub(2),
            ..Hint::default()
        }
    }

    fn overwrite(&self, segment: u64, value: String) -> Call {
        Call::Set {
            key: self.keys.log(segment),
            value,
            absent_only: false,
            expire_seconds: None,
        }
    }

    /// The snapshot of a frame that was just confirmed, if nothing has its key: else it is a lost
    /// chain's, and this segment goes without. And where all this stands, for who comes cold.
    fn keep_snapshot(&mut self, v: u64, body: &[u8]) -> Vec<Call> {
        let line = &self.cache.line;
        let (Some(at), Some(before)) = (line.at(v), line.at(v - 1)) else {
            return Vec::new();
        };
        let number = v / SEGMENT;
        let keep = Call::Set {
            key: self.keys.snapshot(number),
            value: layout::to_snapshot(at, before, body),
            absent_only: true,
            expire_seconds: None,
        };
        let Some(hint) = &mut self.cache.hint else {
            return [keep].into();
        };
        hint.snapshot = number;
        let tell = Call::Set {
            key: self.keys.hint(),
            value: layout::to_hint(*hint),
            absent_only: false,
            expire_seconds: None,
        };
        [keep, tell].into()
    }

    /// What of a chore may be done, by what was read for it.
    fn judge(&mut self, chore: Chore, reads: &[Answer]) -> Allowed {
        let mut allowed = Allowed::default();
        let now = segment_of(self.cache.free);
        let Some(hint) = &mut self.cache.hint else {
            return allowed;
        };
        let Some((whole, rest)) = reads.split_at_checked(2) else {
            return allowed;
        };
        if whole[0] == Answer::WrongType {
            // Sealed by another.
            hint.sealed = chore.segment + 1;
            return allowed;
        }
        if now >= chore.segment + PASSED_OVER {
            // Tried for long: unless it works now, it stays a hash and holds the others up no more.
            hint.sealed = chore.segment + 1;
        }
        let Some(fresh) = both_full(chore.segment, whole) else {
            return allowed;
        };
        let end = *slots_of(chore.segment + 1).end();
        let line = &self.cache.line;
        let Some(link) = line.up_to(end) else {
            // Too long ago for this instance to know the chain there: it stays a hash.
            hint.sealed = hint.sealed.max(now.saturating_sub(2));
            return allowed;
        };
        let cached = mutant::on(Mutant::SealedFromCache).then(|| line.clone());
        let Some(line) = cached.or_else(|| verified(chore.segment, link, &fresh)) else {
            return allowed;
        };
        match archive(chore.segment, &line, &fresh) {
            Some(text) => allowed.archive = Some(text),
            None => hint.sealed = chore.segment + 1,
        }
        let headers = chore.headers().zip(rest);
        let verified = headers.filter_map(|(number, answer)| {
            let Answer::Text(text) = answer else {
                return None;
            };
            let (at, before, _) = layout::read_header(text)?;
            let there = line.at(at.v) == Some(at) && line.at(before.v) == Some(before);
            (there && at.v == number * SEGMENT).then_some((number, at))
        });
        let counts = rest.get(chore.headers().count()..).unwrap_or_default();
        if let Some((second, at)) = verified.take(2).nth(1) {
            let old = hint.oldest.max(1)..second;
            allowed.old = old.take(REMOVED_AT_ONCE as usize).collect();
            allowed.tombs = tombs(chore, at, counts, hint);
        }
        allowed
    }
}

impl Chore {
    fn headers(self) -> impl Iterator<Item = u64> {
        let newest = self.snapshot;
        (newest.saturating_sub(HEADERS - 1).max(1)..=newest).rev()
    }
}

/// Both segments, if every slot of both is filled.
fn both_full(segment: u64, whole: &[Answer]) -> Option<Loaded> {
    let mut fresh = Loaded::default();
    for (segment, answer) in (segment..).zip(whole) {
        let Answer::Hash(fields) = answer else {
            return None;
        };
        for slot in slots_of(segment) {
            let (_, text) = fields.iter().find(|(field, _)| *field == slot)?;
            let bytes = layout::from_text(text).unwrap_or_default();
            fresh.put(slot, Some(Slot::of(bytes)));
        }
    }
    Some(fresh)
}

/// The chain through a segment and into the next, from a frame there that is known to be of it.
fn verified(segment: u64, link: Link, fresh: &Loaded) -> Option<Line> {
    let before = segment * SEGMENT;
    if link.slot <= *slots_of(segment).end() || !fresh.holds(link) {
        return None;
    }
    let mut line = Line::ending(link);
    match line.walk_back(0, fresh) {
        Some(missing) => (missing == before).then_some(line),
        None => (segment == 0 && line.first_v() == 0).then_some(line),
    }
}

/// The frames of a segment as one text; `None` if they are too many bytes.
fn archive(segment: u64, line: &Line, fresh: &Loaded) -> Option<String> {
    let mut frames = Vec::with_capacity(SEGMENT as usize);
    for slot in slots_of(segment) {
        let valid = line.up_to(slot).filter(|link| link.slot == slot);
        let held = valid.and_then(|link| fresh.frame(link));
        frames.push(held.map_or_else(ByteBuf::new, |held| held.bytes.clone()));
    }
    let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
    (bytes <= MAX_ARCHIVE_BYTES).then(|| layout::to_archive(&frames))
}

/// Segments that may be trimmed: wholly at or below the second-newest verified snapshot, and sealed.
fn tombs(chore: Chore, second: Link, counts: &[Answer], hint: &mut Hint) -> Vec<u64> {
    let (first, many) = chore.trim;
    let mut tombs = Vec::new();
    for (segment, count) in (first..first + many).zip(counts) {
        match count {
            Answer::Length(_) if mutant::on(Mutant::TrimmedUnsealed) => tombs.push(segment),
            Answer::WrongType if *slots_of(segment).end() <= second.slot => tombs.push(segment),
            // Never sealed: it stays.
            Answer::Length(_) if hint.trimmed == segment => hint.trimmed = segment + 1,
            _ => break,
        }
    }
    tombs
}
