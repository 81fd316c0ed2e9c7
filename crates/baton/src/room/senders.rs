//! Marks of sending rooms: what makes delivery between rooms exactly-once. Per sender and lineage the
//! highest number applied or rejected; numbers only rise. A mark outlives every send it is about. Those of orders are
//! their devices' (`orders`).

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{NotHere, Opened, Room};
use crate::id::{BodyHash, Lineage};
use crate::kind::Kind;
use crate::limits::{MAX_SENDERS, MAX_SEQUENCE, PROTOCOL, SENDER_MARK_MS, valid_room};
use crate::mutant::{self, Mutant};
use crate::parcel::{Receipt, orders_of};
use crate::rules::Reject;

/// How far a sender's numbers have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sender {
    mark: u64,
    /// Of the body that had the mark's number.
    body: BodyHash,
    /// The time of the frame that moved it.
    seen_ms: u64,
}

/// What a sender brought, or a user ordered, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought {
    pub(super) number: u64,
    pub(super) body: BodyHash,
    pub(super) rejected: Option<Reject>,
}

impl<R: Kind> Room<R> {
    /// Moves a sender's mark: what has this number was applied, or rejected. A full table forgets the mark that was silent
    /// longest, if all of its sends have expired.
    pub(super) fn heed(
        &mut self,
        sender: &str,
        lineage: Lineage,
        brought: Brought,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        if let Some(user) = orders_of(sender) {
            return self.note_order(user, lineage, brought, opened);
        }
        let Brought { number, body, .. } = brought;
        let key = (String::from(sender), lineage);
        let known = self.senders.get(&key);
        let rises = number > known.map_or(0, |sender| sender.mark) && number <= MAX_SEQUENCE;
        if !rises || !valid_room(sender) {
            return Err(NotHere);
        }
        if mutant::on(Mutant::SenderForgotten) {
            return Ok(());
        }
        if known.is_none() && self.senders.len() >= MAX_SENDERS {
            let oldest = self.senders.iter().min_by_key(|(_, sender)| sender.seen_ms);
            let expired = |seen_ms: u64| seen_ms.saturating_add(SENDER_MARK_MS) < opened.time_ms;
            let oldest = oldest.filter(|(_, sender)| expired(sender.seen_ms));
            let oldest = oldest.map(|(key, _)| key.clone()).ok_or(NotHere)?;
            self.senders.remove(&oldest);
        }
        self.senders.insert(
            key,
            Sender {
                mark: number,
                body,
                seen_ms: opened.time_ms,
            },
        );
        Ok(())
    }

    /// What the room holds of a sender.
    pub(crate) fn receipt(&self, sender: &str, lineage: Lineage) -> Receipt {
        let (mark, body) = match orders_of(sender) {
            Some(user) => self.last_order(user, lineage).unwrap_or_default(),
            None => {
                let known = self.senders.get(&(String::from(sender), lineage));
                known
                    .map(|known| (known.mark, known.body))
                    .unwrap_or_default()
            }
        };
        Receipt {
            protocol: PROTOCOL,
            mark,
            body,
        }
    }
}
