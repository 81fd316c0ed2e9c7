//! An instance: what a host process does with a request, one store call at a time.
//!
//! Decides read, lead or follow, what a frame holds, and what an answer to an append means. Between any two steps
//! anything else may happen: other requests of this instance, other instances, a crash. It knows no clock: whether
//! the lease seems free is the model's free choice, so nothing here can rest on it.

use super::chain::{Chain, DEVICES, Entries, Entry, Frame, Tag, View};
use super::config::Config;
use super::mutants::Mutant;
use super::request::{Attempt, Doubt, Note, Notes, Phase, Request};
use super::store::{Kind, LateAppend, Store};

/// A request leads at most so often; then it follows. (Three in the product; the second repeats all there is to see.)
pub const ATTEMPTS: u8 = 2;

/// A host process. Its requests share its identity, its nonces and its cache.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instance {
    /// Requests under way.
    pub requests: Vec<Request>,
    /// The room as it last knew it; may be dropped at any time.
    pub cache: Option<View>,
    /// Its id, drawn when first needed (so that instances which never wrote are alike).
    pub writer: Option<u8>,
    /// Frames built so far.
    pub nonce: u8,
}

/// What a request chooses after its READ. The lease is a hint, so every choice is always possible.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Then {
    /// The lease seems free or ours.
    Lead,
    /// The same, and a frame is due though nothing but time has passed.
    LeadIdle,
    /// Another seems to hold it.
    Follow,
}

/// How an append ends for its sender.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// The store's answer arrives.
    Answered,
    /// Carried out, and the answer lost.
    UnknownDone,
    /// Never carried out.
    UnknownNotDone,
    /// Carried out later, if at all.
    UnknownLate,
    /// Carried out, and perhaps once more later: the transport repeats what it had no answer to.
    UnknownTwice,
}

/// What the steps of a request work on.
pub struct Context<'a> {
    /// Rules and mutant.
    pub config: &'a Config,
    /// The store.
    pub store: &'a mut Store,
    /// The next writer id.
    pub next_writer: &'a mut u8,
    /// Ghost: frames that their writers hold for lost.
    pub held_for_lost: &'a mut Vec<Chain>,
    /// Ghost: a READ returned something else than a replay from 0.
    pub read_was_wrong: &'a mut bool,
}

impl Instance {
    /// READ, settle a doubt, then lead or follow. One atomic store call.
    pub fn read(&mut self, index: usize, then: Then, context: &mut Context<'_>) {
        let read = context.store.read(self.cache, context.config.mutant);
        *context.read_was_wrong |= read.view != context.store.truth();
        self.cache = Some(read.view);
        let request = &mut self.requests[index];
        request.notes = Notes::default();
        for (met, note) in [
            (read.broke, Note::Break),
            (read.from_snapshot, Note::FromSnapshot),
            (read.passed_over, Note::PassedOver),
        ] {
            if met {
                request.notes.add(note);
            }
        }
        if let Phase::Resolving(attempt, doubt) = request.phase.clone() {
            let looks =
                !(doubt == Doubt::Refused && context.config.mutant == Mutant::UnknownAsLost);
            if looks && read.view.chain.descends_from(attempt.frame.chain()) {
                if doubt == Doubt::Unknown {
                    request.notes.add(Note::UnknownFound);
                }
                return self.committed(index, read.view, attempt.taken, context.config);
            }
            // A break proves nothing either.
            if doubt == Doubt::Unknown && (read.broke || read.free <= attempt.slot) {
                request.phase = Phase::Retrying(attempt.frame.chain());
                return;
            }
            if doubt == Doubt::Unknown {
                request.notes.add(Note::UnknownLost);
            }
            request.attempts += 1;
            context.held_for_lost.push(attempt.frame.chain());
        }
        if then == Then::Follow || request.attempts >= ATTEMPTS {
            let news = request.body.news(&read.view, &context.store.inbox);
            if news.is_none() {
                request.notes.add(Note::Gap);
            }
            request.phase = match news {
                Some(news) if !news.is_empty() => Phase::Pushing(news),
                _ => Phase::Replying(read.view),
            };
        } else {
            let inbox = context.store.inbox.clone();
            self.lead(
                index,
                read.view,
                read.free,
                inbox,
                then == Then::LeadIdle,
                context,
            );
        }
    }

    /// Leads from the cache without a READ: one round trip where the store can append and read at once. Only with news.
    pub fn lead_from_cache(&mut self, index: usize, context: &mut Context<'_>) -> bool {
        let Some(view) = self.cache else { return false };
        let body = self.requests[index].body;
        if body
            .actions()
            .all(|action| action.sequence() <= view.marks[action.device()])
        {
            if context.config.mutant == Mutant::ReplyFromCache {
                self.requests[index].phase = Phase::Replying(view);
                return true;
            }
            return false;
        }
        self.lead(index, view, view.slot + 1, Vec::new(), false, context);
        let request = &mut self.requests[index];
        let leads = matches!(request.phase, Phase::Appending(_));
        if !leads {
            request.phase = Phase::Arrived;
            request.notes = Notes::default();
        }
        leads
    }

    /// Builds the frame that follows `view`, if there is anything to frame.
    fn lead(
        &mut self,
        index: usize,
        view: View,
        slot: u8,
        inbox: Vec<Entry>,
        idle: bool,
        context: &mut Context<'_>,
    ) {
        let request = &mut self.requests[index];
        let mut accepted = Acceptance {
            marks: view.marks,
            entries: Entries::default(),
            notes: request.notes,
        };
        for item in &inbox {
            if accepted.take(*item, context.config.mutant) {
                accepted.notes.add(Note::FromInbox);
            }
        }
        for action in request.body.actions() {
            accepted.take(action, context.config.mutant);
        }
        request.notes = accepted.notes;
        // Settled items leave the inbox by an append too: a frame without entries is worth it.
        if accepted.entries.is_empty() && inbox.is_empty() && !idle {
            request.phase = Phase::Replying(view);
            return;
        }
        let writer = *self.writer.get_or_insert_with(|| {
            *context.next_writer += 1;
            *context.next_writer - 1
        });
        let takeover = !view.is_by(writer) && context.config.mutant != Mutant::EpochKept;
        let frame = Frame {
            previous: view.chain,
            tag: Tag::new(writer, self.nonce),
            epoch: view.epoch + u8::from(takeover),
            entries: accepted.entries,
        };
        self.nonce += 1;
        let attempt = Attempt {
            frame,
            slot,
            base: view,
            taken: inbox,
        };
        if context.config.mutant == Mutant::AcknowledgeBeforeAppend {
            let Attempt {
                frame,
                slot,
                base,
                taken,
            } = attempt;
            context.store.late.push(LateAppend { slot, frame, taken });
            request.phase = Phase::Replying(base.after(&frame, slot));
        } else {
            request.phase = Phase::Appending(attempt);
        }
    }

    /// APPEND. One atomic store call, or none, or one later.
    pub fn append(&mut self, index: usize, outcome: Outcome, context: &mut Context<'_>) -> bool {
        let Config { kind, mutant, .. } = *context.config;
        let Phase::Appending(attempt) = self.requests[index].phase.clone() else {
            return false;
        };
        let Attempt {
            frame,
            slot,
            ref taken,
            ..
        } = attempt;
        self.requests[index].notes = Notes::default();
        if matches!(outcome, Outcome::UnknownLate | Outcome::UnknownTwice) {
            context.store.late.push(LateAppend {
                slot,
                frame,
                taken: taken.clone(),
            });
        }
        let carried_out = !matches!(outcome, Outcome::UnknownNotDone | Outcome::UnknownLate);
        let taken_by_store = carried_out && context.store.append(kind, slot, frame, taken, mutant);
        match (outcome, taken_by_store) {
            (Outcome::Answered, false) => self.doubt(index, attempt, Doubt::Refused),
            (Outcome::Answered, true)
                if kind == Kind::CreateIfAbsent && mutant != Mutant::SlotReadBeforeWrite =>
            {
                self.requests[index].phase = Phase::Checking(attempt);
            }
            (Outcome::Answered, true) => self.confirmed(index, attempt, context.config),
            (Outcome::UnknownDone | Outcome::UnknownTwice, false) => return false,
            _ if mutant == Mutant::UnknownAsOk => self.confirmed(index, attempt, context.config),
            _ if mutant == Mutant::UnknownAsLost => self.doubt(index, attempt, Doubt::Refused),
            _ => self.doubt(index, attempt, Doubt::Unknown),
        }
        true
    }

    /// Create-if-absent: reads the slot before ours, after our write returned.
    pub fn check(&mut self, index: usize, context: &mut Context<'_>) {
        let Phase::Checking(attempt) = self.requests[index].phase.clone() else {
            return;
        };
        let before = attempt.slot - 1;
        let named = match context.config.mutant {
            Mutant::NoHashCheck => before == 0 || context.store.is_filled(before),
            mutant => attempt.base.slot == before && context.store.holds(&attempt.base, mutant),
        };
        if named {
            self.confirmed(index, attempt, context.config);
        } else {
            self.doubt(index, attempt, Doubt::Unknown);
        }
    }

    fn doubt(&mut self, index: usize, attempt: Attempt, doubt: Doubt) {
        self.requests[index].phase = Phase::Resolving(attempt, doubt);
    }

    fn confirmed(&mut self, index: usize, attempt: Attempt, config: &Config) {
        let view = attempt.base.after(&attempt.frame, attempt.slot);
        self.committed(index, view, attempt.taken, config);
    }

    fn committed(&mut self, index: usize, view: View, taken: Vec<Entry>, config: &Config) {
        self.cache = Some(view);
        let separately = config.kind == Kind::CreateIfAbsent && !taken.is_empty();
        self.requests[index].phase = if separately {
            Phase::Removing(view, taken)
        } else {
            Phase::Replying(view)
        };
    }

    /// Removes the settled items from the inbox.
    pub fn remove(&mut self, index: usize, store: &mut Store) {
        if let Phase::Removing(view, taken) = &self.requests[index].phase {
            store.remove(taken);
            self.requests[index].phase = Phase::Replying(*view);
            self.requests[index].notes = Notes::default();
        }
    }

    /// PUSH: follows. One store call that answers with a read.
    pub fn push(&mut self, index: usize, context: &mut Context<'_>) {
        let request = &mut self.requests[index];
        if let Phase::Pushing(news) = &request.phase {
            context.store.push(news.iter().copied());
            let read = context.store.read(self.cache, context.config.mutant);
            *context.read_was_wrong |= read.view != context.store.truth();
            self.cache = Some(read.view);
            request.phase = Phase::Replying(read.view);
            request.notes = Notes::default();
        }
    }
}

/// What a frame under construction accepts.
struct Acceptance {
    marks: [u8; DEVICES],
    entries: Entries,
    notes: Notes,
}

impl Acceptance {
    /// Dense order: mark + 1 is framed, what is at or below the mark is a duplicate, what is beyond is a gap, unless the
    /// device vouches that it keeps nothing between (all of it was acknowledged once, and the store lost it).
    fn take(&mut self, action: Entry, mutant: Mutant) -> bool {
        let mark = &mut self.marks[action.device()];
        if action.sequence() <= *mark && mutant != Mutant::MarksNotCompared {
            self.notes.add(Note::Duplicate);
            return false;
        }
        let next = action.sequence() <= *mark + 1;
        let vouched = action.is_floor() && mutant != Mutant::FloorNotHonoured;
        if !(next || vouched || mutant == Mutant::MarksTakeGaps) {
            self.notes.add(Note::Gap);
            return false;
        }
        if !self.entries.push(action) {
            return false;
        }
        if !next && vouched {
            self.notes.add(Note::FloorTaken);
        }
        *mark = action.sequence();
        true
    }
}
