//! A device's own actions: numbered densely, kept until they are answered, and for a while after,
//! because a store may lose what it acknowledged. Never renumbered.

use alloc::{collections::VecDeque, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::id::DeviceId;
use crate::limits::{MAX_REQUEST_BYTES, MAX_SEQUENCE, RESEND_GRACE_MS, WINDOW};
use crate::mutant::{self, Mutant};
use crate::room::Device;
use crate::wire::Sent;

/// What a device must not forget. Save it before anything in it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Queue {
    pub(super) id: DeviceId,
    pub(super) session: u32,
    /// Its number in the room, once told.
    pub(super) number: Option<u32>,
    next: u64,
    pending: VecDeque<Pending>,
    kept: VecDeque<Kept>,
}

/// An action without an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) seq: u64,
    /// The tick at which it was predicted.
    pub(super) tick: u64,
    /// The version of the rules by which it is encoded.
    pub(super) version: u32,
    pub(super) body: ByteBuf,
}

/// An answered action that the store could still lose.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    action: Pending,
    /// Our own clock when it was answered. After a restart it may be another one: then it is kept for as long again, from the
    /// first answer on.
    answered_ms: u64,
}

/// An answer: sequence, and 0 or the rules' code; `None` if it is too long ago to tell.
pub(super) type Answer = (u64, Option<u16>);

impl Queue {
    pub(super) fn new(id: DeviceId) -> Self {
        Self {
            id,
            session: 0,
            number: None,
            next: 1,
            pending: VecDeque::new(),
            kept: VecDeque::new(),
        }
    }

    /// Whether numbers rise, up to the next one. What was saved may be damaged, and a number of 0 or
    /// one that comes again cannot be answered.
    pub(super) fn is_sound(&self) -> bool {
        let kept = self.kept.iter().map(|kept| &kept.action);
        let mut numbers = kept.chain(&self.pending).map(|action| action.seq);
        let last = numbers.try_fold(0, |last, seq| (seq > last).then_some(seq));
        last.is_some_and(|last| last < self.next) && self.next <= MAX_SEQUENCE + 1
    }

    /// Whether so many actions are without an answer already.
    pub(super) fn holds(&self, many: usize) -> bool {
        self.pending.len() >= many
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter()
    }

    /// The highest sequence given out.
    pub(super) fn last(&self) -> u64 {
        self.next - 1
    }

    pub(super) fn add(&mut self, tick: u64, version: u32, body: Vec<u8>) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.pending.push_back(Pending {
            seq,
            tick,
            version,
            body: ByteBuf::from(body),
        });
        seq
    }

    /// What to send: the oldest, as much as a request may carry. After a loss, or with long
    /// actions, more may be pending.
    pub(super) fn to_send(&self) -> Vec<Sent> {
        // All else in a request is less than the kilobyte that is left for it.
        let mut room = MAX_REQUEST_BYTES - 1_024;
        let fits = |action: &&Pending| {
            let bytes = action.body.len() + 16;
            room = room.saturating_sub(bytes);
            room > 0
        };
        let oldest = self.pending.iter().take(WINDOW).take_while(fits);
        let sent = oldest.map(|action| Sent {
            seq: action.seq,
            version: action.version,
            body: action.body.clone(),
        });
        sent.collect()
    }

    /// The highest sequence whose answer is known.
    pub(super) fn answered(&self) -> u64 {
        let first = self.pending.front();
        first.map_or(self.last(), |first| first.seq - 1)
    }

    /// Whether the room has another action under one of our numbers: a copy of this device's
    /// storage acts elsewhere.
    pub(super) fn conflicts(&self, other: impl Fn(u64, &[u8]) -> bool) -> bool {
        let kept = self.kept.iter().map(|kept| &kept.action);
        let mut ours = kept.chain(&self.pending);
        ours.any(|action| other(action.seq, &action.body))
    }

    /// Takes the room's word: what is at or below the mark is answered; what we hold above it and
    /// thought answered was lost by the store, and is pending again. Bodies up to `sure` are known to be
    /// no others than the room's; what is beyond waits until the host has seen it.
    pub(super) fn settle(
        &mut self,
        mark: u64,
        sure: u64,
        verdict: impl Fn(u64) -> Option<u16>,
        now_ms: u64,
    ) -> Vec<Answer> {
        while let Some(lost) = self.kept.pop_back_if(|kept| kept.action.seq > mark) {
            if !mutant::on(Mutant::LossNotResent) {
                self.pending.push_front(lost.action);
            }
        }
        let mut answers = Vec::new();
        let until = mark.min(sure);
        while let Some(action) = self.pending.pop_front_if(|pending| pending.seq <= until) {
            answers.push((action.seq, verdict(action.seq)));
            self.kept.push_back(Kept {
                action,
                answered_ms: now_ms,
            });
        }
        // Storage may be a copy that is behind: never use a number again that the room has seen. What is
        // kept from before numbers that are not ours could not be sent again without a hole.
        if mark >= self.next && self.pending.is_empty() {
            self.next = mark + 1;
            self.kept.clear();
        }
        for kept in &mut self.kept {
            kept.answered_ms = kept.answered_ms.min(now_ms);
        }
        let young = |kept: &Kept| {
            let age_ms = now_ms - kept.answered_ms;
            age_ms <= RESEND_GRACE_MS / 2 && !mutant::on(Mutant::AnsweredDropped)
        };
        while self.kept.pop_front_if(|kept| !young(kept)).is_some() {}
        answers
    }

    /// The lowest sequence that is still here.
    pub(super) fn kept_from(&self) -> u64 {
        let first = self.kept.front().map(|kept| kept.action.seq);
        let first = first.or(self.pending.front().map(|pending| pending.seq));
        first.unwrap_or(self.next)
    }

    /// Brings back what the room says it lacks, from `expected` on, as far as it is here.
    pub(super) fn rewind(&mut self, expected: u64) {
        while let Some(lost) = self.kept.pop_back_if(|kept| kept.action.seq >= expected) {
            self.pending.push_front(lost.action);
        }
    }

    /// A new device: what was pending is lost. Returns how many actions were.
    pub(super) fn renew(&mut self, id: DeviceId) -> usize {
        let lost = self.pending.len();
        *self = Self {
            session: self.session,
            ..Self::new(id)
        };
        lost
    }

    /// Another process, whose clock may be another one.
    pub(super) fn restart(&mut self) {
        self.session = self.session.saturating_add(1);
        for kept in &mut self.kept {
            kept.answered_ms = u64::MAX;
        }
    }

    /// Whether our session is the one that the room has open. What was saved may be older than what the room knows, or be
    /// used by a copy: a session below the room's, or one that was closed, is heard of no more. Then ours is the next one;
    /// where it was open already only once nobody else's is, since two pages would take turns for ever.
    pub(super) fn reopen(&mut self, device: &Device, opened: bool) -> bool {
        let same = device.session == self.session;
        let over = device.session > self.session || (same && device.closed);
        if over && !(opened && device.open) {
            self.session = device.session.saturating_add(1);
        }
        device.open && same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(pending: &[u64], next: u64) -> Queue {
        let action = |seq: &u64| Pending {
            seq: *seq,
            tick: 0,
            version: 1,
            body: ByteBuf::new(),
        };
        Queue {
            next,
            pending: pending.iter().map(action).collect(),
            ..Queue::new(DeviceId([1; 16]))
        }
    }

    #[test]
    fn what_was_saved_is_sound_if_numbers_rise_to_the_next_one_and_can_still_be_sent() {
        for (pending, next, sound) in [
            (&[][..], 1, true),
            (&[], 0, false),
            (&[1, 2, 3], 4, true),
            (&[5, 9], 10, true),
            (&[1, 2], 2, false),
            (&[0, 1], 2, false),
            (&[2, 2], 3, false),
            (&[3, 2], 4, false),
            (&[MAX_SEQUENCE], MAX_SEQUENCE + 1, true),
            (&[MAX_SEQUENCE], MAX_SEQUENCE + 2, false),
        ] {
            let queue = queue(pending, next);
            assert_eq!(queue.is_sound(), sound, "{pending:?}, {next}");
        }
    }

    #[test]
    fn an_answered_action_is_kept_for_half_of_the_grace_time() {
        let mut queue = queue(&[1, 2], 3);
        let answers = queue.settle(1, 1, |_| Some(0), 1_000);
        assert_eq!((answers, queue.kept_from()), (alloc::vec![(1, Some(0))], 1));
        let until_ms = 1_000 + RESEND_GRACE_MS / 2;
        for (now_ms, kept_from) in [(until_ms, 1), (until_ms + 1, 2)] {
            assert_eq!(queue.settle(1, 1, |_| None, now_ms), []);
            assert_eq!(queue.kept_from(), kept_from, "{now_ms}");
        }
    }

    #[test]
    fn whatever_clock_the_next_process_has_an_answered_action_is_kept_for_as_long_again() {
        let half_ms = RESEND_GRACE_MS / 2;
        for clock_ms in [0, 900, 1_000, 600_000, 1_700_000_000_000] {
            let mut queue = queue(&[1, 2], 3);
            queue.settle(1, 1, |_| Some(0), 1_000);
            queue.restart();
            for (now_ms, kept_from) in [(0, 1), (half_ms, 1), (half_ms + 1, 2)] {
                queue.settle(1, 1, |_| None, clock_ms + now_ms);
                assert_eq!(queue.kept_from(), kept_from, "{clock_ms}+{now_ms}");
            }
        }
    }
}
