//! Marks: what makes at-least-once delivery exactly-once. Per device the highest number accepted
//! or rejected, and the last verdicts, so that a repeat gets the same answer.

use alloc::{collections::VecDeque, vec::Vec};

use serde::{Deserialize, Serialize};

use super::NotHere;
use super::senders::Brought;
use crate::id::{BodyHash, DeviceId};
use crate::limits::{MAX_SEQUENCE, WINDOW};
use crate::mutant::{self, Mutant};
use crate::rules::{Player, Reject};
use crate::wire::{self, OrderFate};

/// A registered device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) player: Player,
    pub(crate) id: DeviceId,
    pub(crate) client: u16,
    /// The newest session.
    pub(crate) session: u32,
    /// The session is here.
    pub(crate) open: bool,
    /// The session was closed by its client and never opens again.
    pub(crate) closed: bool,
    /// The tick at which it was last heard of.
    pub(crate) beat: Option<u64>,
    /// The time of the last frame that had an entry of it.
    pub(crate) seen_ms: u64,
    mark: u64,
    window: VecDeque<Verdict>,
    /// The highest number of its orders, and what became of that one.
    ordered: Option<(u64, Verdict)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Verdict {
    /// 0 accepted, else the rules' code.
    code: u16,
    body: BodyHash,
}

/// What a room knows of a sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The next one.
    Next,
    /// Had it, with this body.
    Had,
    /// Had it, with another body.
    Conflict,
    /// Had it, too long ago to tell.
    Old,
    /// Earlier ones are missing; this is the first of them.
    Gap(u64),
}

impl Device {
    pub(crate) fn new(player: Player, id: DeviceId, client: u16, seen_ms: u64) -> Self {
        Self {
            player,
            id,
            client,
            session: 0,
            open: false,
            closed: false,
            beat: None,
            seen_ms,
            mark: 0,
            window: VecDeque::new(),
            ordered: None,
        }
    }

    /// The highest number accepted or rejected.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    /// Only the mark + 1 may follow: marks that take gaps lose actions that are sent in parallel.
    pub(crate) fn know(&self, seq: u64, body: BodyHash) -> Known {
        let repeat = seq > 0 && seq == self.mark && mutant::on(Mutant::RepeatTaken);
        if repeat || seq > self.mark && mutant::on(Mutant::GapTaken) {
            return Known::Next;
        }
        if seq > self.mark {
            return match self.mark + 1 {
                next if next == seq => Known::Next,
                next => Known::Gap(next),
            };
        }
        let back = usize::try_from(self.mark - seq).unwrap_or(usize::MAX);
        match self.window.len().checked_sub(back.saturating_add(1)) {
            None => Known::Old,
            Some(index)
                if self.window[index].body == body || mutant::on(Mutant::ConflictIgnored) =>
            {
                Known::Had
            }
            Some(_) => Known::Conflict,
        }
    }

    pub(super) fn accept(&mut self, seq: u64, body: &[u8]) -> Result<Player, NotHere> {
        self.push(seq, 0, BodyHash::of(body))?;
        Ok(self.player)
    }

    pub(super) fn reject(
        &mut self,
        seq: u64,
        reject: Reject,
        body: BodyHash,
    ) -> Result<(), NotHere> {
        if reject.0 == 0 {
            return Err(NotHere);
        }
        self.push(seq, reject.0, body)
    }

    /// The numbers up to `mark` will never come: the store lost them after the device let go.
    pub(super) fn vouch(&mut self, mark: u64) -> Result<(), NotHere> {
        if mark <= self.mark {
            return Err(NotHere);
        }
        self.mark = mark;
        self.window.clear();
        Ok(())
    }

    pub(super) fn note_order(&mut self, brought: Brought) -> Result<(), NotHere> {
        let Brought {
            number,
            body,
            rejected,
        } = brought;
        let mark = self.last_order().map_or(0, |(mark, _)| mark);
        if number <= mark || number > MAX_SEQUENCE {
            return Err(NotHere);
        }
        if rejected.is_some() && mutant::on(Mutant::RefusalUnnoted) {
            return Ok(());
        }
        let Reject(code) = rejected.unwrap_or(Reject(0));
        self.ordered = Some((number, Verdict { code, body }));
        Ok(())
    }

    /// The highest number of its orders, and the hash of what was ordered.
    pub(super) fn last_order(&self) -> Option<(u64, BodyHash)> {
        let below = u64::from(mutant::on(Mutant::OrderRepeated));
        self.ordered
            .map(|(mark, verdict)| (mark - below, verdict.body))
    }

    /// What became of an order; `None` if it may still come into the log.
    pub(crate) fn ordered(&self, number: u64, body: &[u8]) -> Option<OrderFate> {
        let (mark, Verdict { code, body: known }) = self.ordered?;
        let again = number == mark && mutant::on(Mutant::OrderRepeated);
        if number > mark || again {
            return None;
        }
        let same = number == mark && known == BodyHash::of(body);
        Some(match (same, code) {
            (false, _) => OrderFate::Taken { mark },
            (true, 0) => OrderFate::Done,
            (true, code) => OrderFate::Refused(Reject(code)),
        })
    }

    /// What a snapshot leaves out if a rule is switched off.
    pub(super) fn restored(&mut self) {
        if mutant::on(Mutant::SnapshotWithoutMarks) {
            self.mark = 0;
        }
        if mutant::on(Mutant::SnapshotWithoutOrders) {
            self.ordered = None;
        }
        if mutant::on(Mutant::SnapshotWithoutWindows) || mutant::on(Mutant::SnapshotWithoutMarks) {
            self.window.clear();
        }
    }

    fn push(&mut self, seq: u64, code: u16, body: BodyHash) -> Result<(), NotHere> {
        let wrong = seq != self.mark + 1;
        if wrong && !mutant::on(Mutant::RepeatTaken) && !mutant::on(Mutant::GapTaken) {
            return Err(NotHere);
        }
        let code = code * u16::from(!mutant::on(Mutant::VerdictForgotten));
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(Verdict { code, body });
        self.mark = seq;
        Ok(())
    }
}

/// A registered device and its number.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The device's number in its room.
    pub number: u32,
    pub(crate) device: &'a Device,
}

impl Standing<'_> {
    /// The highest sequence accepted or rejected.
    pub fn mark(&self) -> u64 {
        self.device.mark
    }

    /// The device's user, as the rules know them.
    pub fn player(&self) -> Player {
        self.device.player
    }

    /// The verdict of a sequence at or below the mark: 0 accepted, else the rules' code; `None` if
    /// it is too long ago.
    pub fn verdict(&self, seq: u64) -> Option<u16> {
        let back = usize::try_from(self.device.mark.checked_sub(seq)?).ok()?;
        let index = self.device.window.len().checked_sub(back)?.checked_sub(1)?;
        self.device.window.get(index).map(|verdict| verdict.code)
    }

    /// Whether this number is remembered with another body.
    pub(crate) fn conflicts(&self, seq: u64, body: &[u8]) -> bool {
        let past = seq <= self.device.mark;
        past && self.device.know(seq, BodyHash::of(body)) == Known::Conflict
    }

    /// The answer for a client that knows the verdicts up to `answered`.
    pub fn to_wire(&self, answered: u64) -> wire::Standing {
        let unknown = self.device.mark.saturating_sub(answered);
        let remembered = self.device.window.len();
        let count = usize::try_from(unknown).map_or(remembered, |unknown| unknown.min(remembered));
        let verdicts = self.device.window.iter().skip(remembered - count);
        wire::Standing {
            number: self.number,
            mark: self.device.mark,
            verdicts: verdicts.map(|verdict| verdict.code).collect::<Vec<_>>(),
        }
    }
}
