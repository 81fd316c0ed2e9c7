//! Sends to other rooms: numbered, kept until the target's log was seen to hold them, and for a
//! grace time after that, since the target's store may still lose them. Decides what is taken, what
//! has to be delivered, and when a send may be forgotten; knows nothing of how it is delivered.

use alloc::{collections::VecDeque, format, string::String, vec::Vec};
use core::mem;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{NotHere, Room};
use crate::id::{BodyHash, Lineage};
use crate::kind::Kind;
use crate::limits::{
    MAX_OUTBOX_SENDS, MAX_PARCEL_SENDS, MAX_SEND_BYTES, PROTOCOL, RESEND_GRACE_MS, SEND_EXPIRY_MS,
    valid_room,
};
use crate::mutant::{self, Mutant};
use crate::parcel::{Parcel, Posted, Receipt};
use crate::rules::Target;

/// A send's number is the millisecond in which it was sent, times this, or 1 more than the one
/// before if that is higher. So numbers rise also across what a store lost without anybody noticing.
const NUMBERS_PER_MS: u64 = 1 << 10;

/// A send that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The history in which it was sent, and numbered.
    lineage: Lineage,
    number: u64,
    /// When the target's log was first seen to hold it, by the sender's store.
    seen_ms: Option<u64>,
    body: ByteBuf,
}

impl Kept {
    fn expired(&self, now_ms: u64) -> bool {
        (self.number / NUMBERS_PER_MS).saturating_add(SEND_EXPIRY_MS) < now_ms
    }

    fn forgettable(&self, now_ms: u64) -> bool {
        self.seen_ms
            .is_some_and(|seen_ms| seen_ms.saturating_add(RESEND_GRACE_MS) <= now_ms)
    }
}

impl<R: Kind> Room<R> {
    /// Takes what the rules sent during the last call. What cannot be kept is given up, and counted.
    pub(super) fn post(&mut self) {
        if self.sends.is_empty() {
            return;
        }
        let mut left = self.sends_left();
        for send in mem::take(&mut self.sends) {
            let target = match send.target {
                Target::Room(target) => target,
                Target::Of(player, kind) => match self.players.get(&player) {
                    Some(person) => format!("{kind}/{}", person.user),
                    // Not a player of this room, or one that it forgot: not counted, since nothing is owed to nobody.
                    None => continue,
                },
            };
            if left == 0 || send.body.len() > MAX_SEND_BYTES || !valid_room(&target) {
                self.given_up = self.given_up.saturating_add(1);
                continue;
            }
            left -= 1;
            let kept = self.outbox.entry(target);
            let next = kept.back().map_or(0, |last| last.number + 1);
            kept.push_back(Kept {
                lineage: self.lineage,
                number: next.max(self.opened_ms.saturating_mul(NUMBERS_PER_MS)),
                seen_ms: None,
                body: ByteBuf::from(send.body),
            });
        }
    }

    /// How many more sends are taken.
    pub(super) fn sends_left(&self) -> usize {
        let kept: usize = self.outbox.values().map(VecDeque::len).sum();
        MAX_OUTBOX_SENDS.saturating_sub(kept)
    }

    /// Gives up what was not seen in its target's log for too long.
    pub(super) fn expire_sends(&mut self, now_ms: u64) {
        if self.outbox.is_empty() {
            return;
        }
        let mut given_up = 0;
        for kept in self.outbox.values_mut() {
            kept.retain(|send| {
                let expired = send.expired(now_ms);
                given_up += u64::from(expired && send.seen_ms.is_none());
                !expired
            });
        }
        self.given_up = self.given_up.saturating_add(given_up);
        self.outbox.retain(|_, kept| !kept.is_empty());
    }

    /// The target's mark for a lineage was read at `read_ms`. What it covers is seen; what it covered
    /// a grace time before already is forgotten; what it covers no more has to be sent again.
    pub(super) fn acknowledge(
        &mut self,
        target: &str,
        lineage: Lineage,
        upto: u64,
        read_ms: u64,
    ) -> Result<(), NotHere> {
        let kept = self.outbox.get_mut(&String::from(target)).ok_or(NotHere)?;
        let mut changed = false;
        kept.retain_mut(|send| {
            if send.lineage != lineage {
                return true;
            }
            let covered = send.number <= upto;
            if covered && (send.forgettable(read_ms) || mutant::on(Mutant::PrunedAtDelivery)) {
                changed = true;
                return false;
            }
            if covered != send.seen_ms.is_some() {
                changed = true;
                send.seen_ms = covered.then_some(read_ms);
            }
            true
        });
        self.outbox.retain(|_, kept| !kept.is_empty());
        changed.then_some(()).ok_or(NotHere)
    }

    /// What should be told to other rooms now, one parcel for each: the sends that were not seen
    /// there yet; or, for sends that were, a grace time ago, the question whether they still are.
    pub(crate) fn parcels(&self, own: &str, now_ms: u64) -> Vec<(String, Parcel)> {
        let mut parcels = Vec::new();
        for (target, kept) in self.outbox.iter() {
            // What expired waits for a frame to be given up: the target may not know it any more.
            let live = || kept.iter().filter(|send| !send.expired(now_ms));
            let unseen = live().find(|send| send.seen_ms.is_none());
            let Some(first) = unseen.or_else(|| live().find(|send| send.forgettable(now_ms)))
            else {
                continue;
            };
            let own_line = || live().filter(|send| send.lineage == first.lineage);
            let after = own_line().rfind(|send| send.number < first.number);
            let new = own_line().skip_while(|send| send.number < first.number);
            let new = new.take_while(|send| send.seen_ms.is_none());
            let sent = |send: &Kept| Posted {
                seq: send.number,
                body: send.body.clone(),
            };
            let parcel = Parcel {
                protocol: PROTOCOL,
                sender: own.into(),
                lineage: first.lineage,
                after: after.map_or(0, |send| send.number),
                sends: new.take(MAX_PARCEL_SENDS).map(sent).collect(),
            };
            parcels.push((target.clone(), parcel));
        }
        parcels
    }

    /// Whether a target holds another body under a number of this history: the store lost a send that
    /// was delivered, and its number was given again.
    pub(crate) fn contradicts(&self, target: &str, lineage: Lineage, receipt: &Receipt) -> bool {
        let kept = self.outbox.get(&String::from(target));
        let same = |send: &&Kept| send.lineage == lineage && send.number == receipt.mark;
        let there = kept.and_then(|kept| kept.iter().find(same));
        there.is_some_and(|send| BodyHash::of(&send.body) != receipt.body)
    }

    /// What is kept for other rooms: target, number, encoded action. Numbers rise per target.
    pub fn sends(&self) -> Vec<(&String, u64, &[u8])> {
        let mut sends = Vec::new();
        for (target, kept) in self.outbox.iter() {
            sends.extend(kept.iter().map(|s| (target, s.number, s.body.as_slice())));
        }
        sends
    }

    /// How many sends were given up so far: the outbox was full, the target is no room, or the send
    /// expired before the target's log was seen to hold it.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }
}
