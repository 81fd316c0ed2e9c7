//! Rules at fault: an invocation that was told of a trap says what it knows and leads nothing; one
//! that finds a record tries what is suspected alone, and has what is at fault set aside. Decides
//! the frames of that; who is next is the record's.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::arrivals::{Asked, Pushed, Waiting, read_inbox};
use super::attempt::{Attempt, Step, Suspect, first_of};
use super::invocation::{Invocation, MAX_LOST, Phase};
use super::lead::{self, Else, Led};
use crate::effect::{Effect, Fed, Found, Moment, NEWEST, Note, Read};
use crate::id::Head;
use crate::kind::Kind;
use crate::limits::{COMES_BACK_MS, MAX_TRIES};
use crate::mutant::{self, Mutant};
use crate::room::{Aim, Room};

/// No tick, and no change of rules.
const STILL: Aim = Aim {
    max_ticks: 0,
    version: 0,
};

/// How often an invocation tries to tell of a trap.
const MAX_TOLD: u8 = 3;

/// What became of the first invocation of some requests, and the record that it had noted; empty if
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before<'a> {
    /// It trapped.
    Trapped {
        /// What it noted right before that.
        noted: &'a [u8],
    },
    /// Something else trapped its instance while it waited for the store.
    Dropped {
        /// What it noted last, whatever it asked for after that.
        noted: &'a [u8],
    },
}

/// A try that this invocation came back from, or the one whose place it takes: until a frame settles
/// it, it must be taken back before anybody is answered.
pub(super) struct Outlived {
    record: Attempt,
    /// The frame that it was tried after.
    at: Head,
    /// The rules ran, and came back.
    ran: bool,
}

/// The same batch trapped another instance of the wasm.
pub(super) struct Trap {
    /// What it had noted just before.
    pub(super) noted: Option<ByteBuf>,
}

impl Trap {
    pub(super) fn after(noted: &[u8]) -> Self {
        let noted = (!noted.is_empty()).then(|| ByteBuf::from(noted));
        Self { noted }
    }
}

impl<R: Kind> Invocation<R> {
    /// After a trap: what is new goes to the inbox, what is known of the trap beside the log, and
    /// the answers come from what is committed.
    pub(super) fn confess(&mut self, moment: &Moment) -> Effect {
        if self.asked.iter().any(Asked::writes) {
            return self.push();
        }
        let (v, newest) = (self.warm.head().v, self.newest_item());
        let halted = self.warm.room.as_ref().is_some_and(Room::halted);
        let noted = self.trap.as_ref().and_then(|trap| trap.noted.as_ref());
        let record = match (noted, &self.warm.attempt) {
            (Some(noted), Some(there)) if noted == there => {
                Some(Attempt::read(noted, newest).trapped(moment.nonce, v, newest))
            }
            // What was noted is settled, or somebody else suspects already.
            (Some(_), _) | (None, Some(_)) => None,
            (None, None) if newest == 0 && self.warm.room.is_none() => None,
            (None, None) => Some(Attempt::suspicion(moment.nonce, v, newest)),
        };
        match record {
            // Not taken where a frame came between; then it is told of that one.
            Some(record) if self.tries < MAX_TOLD && !halted => self.put_on_record(Some(record)),
            _ => self.reply(moment),
        }
    }

    fn newest_item(&self) -> u64 {
        self.warm.inbox.last().map_or(0, |item| item.id)
    }

    /// Replaces the record by another, or removes it; what follows is decided in [`Self::noted`].
    fn put_on_record(&mut self, record: Option<Attempt>) -> Effect {
        self.tries += 1;
        if let Some(record) = record.as_ref().filter(|record| record.begun_ms().is_some()) {
            let (record, at) = (record.clone(), self.warm.head());
            let ran = false;
            self.outlived = Some(Outlived { record, at, ran });
        }
        let note = Note {
            was: self.warm.attempt.clone(),
            now: record.as_ref().map(Attempt::write),
        };
        self.phase = Phase::Noting(record);
        Effect::Note(note, self.read_of())
    }

    /// The store has taken the note, or somebody else's was there before.
    pub(super) fn noted(
        &mut self,
        record: Option<Attempt>,
        found: Found,
        moment: &Moment,
    ) -> Effect {
        if let Err(trouble) = self.absorb(found, moment) {
            return self.trouble(trouble, moment);
        }
        if self.trap.is_some() {
            return self.confess(moment);
        }
        let ours = self.warm.attempt == record.as_ref().map(Attempt::write);
        // Not every store compares the head in the same step: after another frame this is no try.
        let v = self.warm.head().v;
        let Some(record) = record.filter(|record| ours && record.follows(v)) else {
            self.lost += u8::from(!ours);
            return self.decide(moment);
        };
        let led = self.attempt(&record, moment);
        if let Some(outlived) = &mut self.outlived {
            outlived.ran = true;
        }
        match led {
            Some(led) => self.append(led),
            None => self.put_on_record(None),
        }
    }

    /// The same requests were on their way in an invocation that was dropped, though they did not trap:
    /// what that one tried is not open.
    pub(super) fn take_place(&mut self, noted: &[u8]) {
        self.outlived = (!noted.is_empty()).then(|| Outlived {
            record: Attempt::read(noted, 0),
            at: Head::default(),
            ran: false,
        });
    }

    /// Before the answers: who came back from a try that settled nothing takes it back. Else a store
    /// that takes notes and fails appends would make a healthy room look like one that nobody comes
    /// back from. Who comes back late finds others at it: then its own try counts no more, or if that ran, none before the last.
    pub(super) fn take_back(&mut self) -> Option<Effect> {
        let outlived = self.outlived.take()?;
        let there = match self.warm.head().v {
            0 => outlived.record.write(),
            _ => self.warm.attempt.clone()?,
        };
        self.take_from(there, outlived)
    }

    /// The same, from the record that is there. `None` if nothing of it is of that try.
    fn take_from(&mut self, there: ByteBuf, outlived: Outlived) -> Option<Effect> {
        let Outlived { record, at, ran } = &outlived;
        let now = match there == record.write() {
            true => record.rested(),
            false => Some(Attempt::read(&there, 0).begun_anew(record, *ran)?),
        };
        let note = Note {
            was: Some(there),
            now: now.as_ref().map(Attempt::write),
        };
        let head = self.warm.head();
        let read = Read {
            known: if head.v > 0 { head } else { *at },
            since: NEWEST,
            block: None,
        };
        self.phase = Phase::TakingBack(outlived, note.now.clone());
        Some(Effect::Note(note, read))
    }

    /// Whether it was taken changes no answer: those are of the read before. What came of another log,
    /// or after more frames, is no record of the room that this instance keeps.
    pub(super) fn taken_back(
        &mut self,
        outlived: Outlived,
        now: Option<ByteBuf>,
        fed: Fed,
        moment: &Moment,
    ) -> Effect {
        if let Fed::Noted(found) = fed {
            if found.holds(self.warm.head()) {
                self.warm.attempt.clone_from(&found.attempt);
            }
            // Others have been at it since, and what they noted is known now.
            let late = found.attempt != now && self.lost < MAX_LOST;
            if let Some(there) = found.attempt.filter(|_| late) {
                self.lost += 1;
                if let Some(effect) = self.take_from(there, outlived) {
                    return effect;
                }
            }
        }
        self.reply(moment)
    }

    /// Who meets a room cold, and finds that nobody led it for two leases, notes that it is about to:
    /// if that kills this instance, as it may have killed those before, the next will know.
    pub(super) fn beware(&mut self, moment: &Moment) -> Option<Effect> {
        let cold = core::mem::replace(&mut self.cold, false);
        let now_ms = self.warm.now_ms(moment);
        let room = self.warm.room.as_ref()?;
        let (stood_ms, v) = (room.time_ms(), room.head().v);
        if !cold || now_ms.saturating_sub(stood_ms) <= self.patience_ms() {
            return None;
        }
        let record = Attempt::everything(moment.nonce, v, self.newest_item(), now_ms);
        Some(self.put_on_record(Some(record)))
    }

    /// How long a try may take before somebody else begins it again.
    fn patience_ms(&self) -> u64 {
        2 * u64::from(self.settings.lease_ms)
    }

    /// There is a record: tries what is next. `None` if there is nothing to do about it now.
    pub(super) fn suspect(&mut self, moment: &Moment) -> Option<Effect> {
        let bytes = self.warm.attempt.clone()?;
        // A store that does not take frame and note in one step may keep the record of what has halted the room.
        let halted = self.warm.room.as_ref().is_some_and(Room::halted) && !self.switch_due();
        if halted || self.tries >= MAX_TRIES {
            return None;
        }
        let record = Attempt::read(&bytes, self.newest_item());
        let (inbox, _) = read_inbox(&self.warm.inbox);
        let now_ms = self.warm.now_ms(moment);
        let outlived = self.outlived.as_ref();
        let ours = outlived.is_some_and(|outlived| outlived.record == record);
        let within = |ms| !ours && self.is_within(&record, ms, moment);
        let open = (within(self.patience_ms()), within(COMES_BACK_MS));
        let room = self.warm.room.as_ref();
        let counts =
            |outlived: &Outlived| record.clone().begun_anew(&outlived.record, outlived.ran);
        let known = match ours {
            true => record.rested(),
            false => Some(outlived.and_then(counts).unwrap_or(record)),
        };
        let next = match known {
            Some(record) => record.next(room, &inbox, now_ms, open, moment.nonce),
            None => Step::Over,
        };
        match next {
            Step::Wait => {
                self.wait_ms = self.settings.lease_ms;
                None
            }
            Step::Try(record) => Some(self.put_on_record(Some(record))),
            Step::Fault(record) => {
                self.tries += 1;
                let led = self.set_aside(&record, &inbox, moment);
                Some(self.append(led))
            }
            // Before all is led as ever: if that traps, nobody is to think that somebody else suspects already.
            Step::Over => match mutant::on(Mutant::MootRecordKept) {
                false => Some(self.put_on_record(None)),
                true => self
                    .lead_all(moment)
                    .map(|led| self.append(self.clearing(led))),
            },
        }
    }

    /// Whether what is on record was begun, no longer ago than that.
    fn is_within(&self, record: &Attempt, ms: u64, moment: &Moment) -> bool {
        let Some(since_ms) = record.begun_ms() else {
            return false;
        };
        // By the store's clock; without one by the host's, with a wide margin, since who is always cold
        // sees nothing stand still; or seen by ourselves.
        let late = match self.warm.clock_ms(moment) {
            Some(now_ms) => now_ms >= since_ms.saturating_add(ms),
            None => moment.wall_ms.abs_diff(since_ms) >= 5 * ms,
        };
        !late && self.warm.noticed_ms(moment) <= ms
    }

    /// The frame of a try: here the rules run, and may break.
    fn attempt(&mut self, record: &Attempt, moment: &Moment) -> Option<Led<R>> {
        let now_ms = self.warm.now_ms(moment);
        let lease_ms = self.settings.lease_ms;
        let (inbox, _) = read_inbox(&self.warm.inbox);
        match record.suspect {
            Suspect::Everything => self.lead_all(moment).map(|led| self.clearing(led)),
            Suspect::Time => {
                let aim = Aim {
                    max_ticks: record.ticks(self.settings.catch_up_ticks),
                    version: self.wanted,
                };
                let mut draft = self.draft(aim, moment);
                draft.advance();
                draft.serve_due();
                let lags = draft.lags() || draft.room().owes(now_ms);
                let led = lead::sign_off(draft, Vec::new(), Vec::new(), lease_ms);
                Some(self.settled(led, record, &inbox, lags, moment))
            }
            Suspect::Items { last } => {
                let mut draft = self.draft(STILL, moment);
                draft.stand_still();
                let some = &inbox[..inbox.partition_point(|waits| waits.id <= last)];
                let led = lead::lead(draft, &mut [], some, &[], now_ms, Else::Nothing, lease_ms)?;
                Some(self.settled(led, record, &inbox, false, moment))
            }
            Suspect::Entry { item, seq, .. } => {
                let mut draft = self.draft(STILL, moment);
                draft.stand_still();
                let alone = inbox.iter().find(|waits| waits.id == item)?.alone(seq);
                let led = lead::lead(
                    draft,
                    &mut [],
                    &[alone],
                    &[],
                    now_ms,
                    Else::Nothing,
                    lease_ms,
                )?;
                Some(self.settled(led, record, &inbox, false, moment))
            }
        }
    }

    /// The frame that sets a suspect aside. The rules do not run.
    fn set_aside(&self, record: &Attempt, inbox: &[Waiting], moment: &Moment) -> Led<R> {
        let mut draft = self.draft(STILL, moment);
        draft.stand_still();
        let mut framed = Vec::new();
        match record.suspect {
            Suspect::Entry { item, seq, .. } => {
                let found = inbox.iter().find(|waits| waits.id == item);
                match found.map(|waits| waits.alone(seq).pushed) {
                    Some(Pushed::Hail { who, hail }) => {
                        let standing = draft.room().standing(&who.user, hail.id);
                        let number = standing.map(|standing| standing.number);
                        for (number, sent) in number.into_iter().zip(&hail.actions) {
                            draft.set_aside(number, hail.kept_from, sent);
                        }
                    }
                    Some(Pushed::Parcel(parcel)) => draft.set_aside_parcel(&parcel),
                    None => {}
                }
                framed.push(item);
                // No mark tells a copy of a session that opens or closes.
                let copies = |waits: &&Waiting| {
                    waits.id != item && seq == 0 && found.is_some_and(|one| waits.copies(one))
                };
                framed.extend(inbox.iter().filter(copies).map(|waits| waits.id));
            }
            Suspect::Everything | Suspect::Time | Suspect::Items { .. } => draft.halt(),
        }
        let led = lead::sign_off(draft, framed, Vec::new(), self.settings.lease_ms);
        self.settled(led, record, inbox, false, moment)
    }

    /// Says what becomes of the record and of the item once the frame is in the log.
    fn settled(
        &self,
        mut led: Led<R>,
        record: &Attempt,
        inbox: &[Waiting],
        lags: bool,
        moment: &Moment,
    ) -> Led<R> {
        // An item goes when nothing of it is left to try. What could not be done is not tried again.
        if let Suspect::Entry { item, .. } = record.suspect {
            let item = inbox.iter().find(|waits| waits.id == item);
            let next = item.and_then(|item| first_of(Some(&led.room), item));
            if next.is_some_and(|next| next != record.suspect) {
                led.append.framed.clear();
            }
        }
        let framed = &led.append.framed;
        let left = inbox.iter().filter(|waits| !framed.contains(&waits.id));
        let next = match led.room.halted() {
            true => None,
            false => record.after(&led.room, left, lags, moment.nonce),
        };
        led.append.note = Some(Note {
            was: self.warm.attempt.clone(),
            now: next.as_ref().map(Attempt::write),
        });
        led
    }

    /// The frame settles everything that was suspected.
    fn clearing(&self, mut led: Led<R>) -> Led<R> {
        led.append.note = Some(Note {
            was: self.warm.attempt.clone(),
            now: None,
        });
        led
    }
}

impl Waiting {
    /// Whether it says the same of the same session, and nothing else.
    fn copies(&self, other: &Self) -> bool {
        let (Pushed::Hail { who, hail }, Pushed::Hail { who: by, hail: one }) =
            (&self.pushed, &other.pushed)
        else {
            return false;
        };
        (&who.user, hail.id, hail.number, hail.session, hail.presence)
            == (&by.user, one.id, one.number, one.session, one.presence)
            && hail.actions.is_empty()
    }

    /// One thing of it: an action, or with 0 the session that opens or closes. With an action that
    /// is done already, so that what comes along is a beat at most.
    fn alone(&self, seq: u64) -> Self {
        let mut pushed = self.pushed.clone();
        match &mut pushed {
            Pushed::Hail { hail, .. } => hail.actions.retain(|sent| sent.seq == seq),
            Pushed::Parcel(parcel) => parcel.sends.retain(|sent| sent.seq == seq),
        }
        Self { pushed, ..*self }
    }
}
