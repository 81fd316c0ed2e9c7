//! What rooms send each other, as the log of the one that gets it has it: each once for each history of its sender, in order,
//! as it was made, and judged as the rules say.

use baton::frame::Frame;
use baton::parcel::Receipt;
use baton::{BodyHash, Lineage, wire};

use super::Oracle;
use crate::check::ledger::Ledger;
use crate::check::{Checked, hold};
use crate::rules::{BankAction, ORDERED, RETURNED, RETURNS, Wire};

/// Something that another room sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wired {
    /// The frame that has it.
    pub v: u64,
    /// The sender's number of it.
    pub number: u64,
    /// By which it is told apart.
    pub tag: u64,
    /// Of its body.
    pub body: BodyHash,
}

/// Whether a sender is a room, and no user who orders.
pub(super) fn is_room(sender: &str) -> bool {
    sender.starts_with("bank/")
}

impl Oracle {
    /// What a room sent is taken. `posted`: the sender, its history, its number of it.
    pub(super) fn credited(
        &mut self,
        posted: (&str, Lineage, u64),
        body: &[u8],
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let action = postcard::from_bytes(body);
        let Ok(BankAction::Credit(wire)) = action else {
            return hold(false, "S16: what is sent is an amount", || {
                format!("frame {}: {action:?}", frame.v)
            });
        };
        self.order = self.order.rotate_left(7) ^ ORDERED;
        self.received += wire.amount;
        hold(
            wire.tag % RETURNS != 0,
            "S14: what is sent is judged as the rules say",
            || format!("frame {}: {wire:?} is taken", frame.v),
        )?;
        self.takes(posted, wire, BodyHash::of(body), frame, ledger)
    }

    /// What a room sent is not taken.
    pub(super) fn returned(
        &mut self,
        posted: (&str, Lineage, u64),
        body: BodyHash,
        code: u16,
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let of_body = |wire: &Wire| BodyHash::of(&wire::write(&BankAction::Credit(*wire))) == body;
        let wire = ledger.wires().find(of_body);
        hold(
            code == RETURNED.0 && wire.is_some_and(|wire| wire.tag % RETURNS == 0),
            "S14: what is sent is judged as the rules say",
            || format!("frame {}: {wire:?} is returned: {code}", frame.v),
        )?;
        match wire {
            Some(wire) => self.takes(posted, wire, body, frame, ledger),
            None => Ok(()),
        }
    }

    fn takes(
        &mut self,
        (sender, lineage, number): (&str, Lineage, u64),
        wire: Wire,
        body: BodyHash,
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let made = ledger.is_wired(sender, wire);
        hold(
            made,
            "S16: what is sent is what a player there sent",
            || format!("frame {}: {wire:?} of {sender}", frame.v),
        )?;
        let known = self.wired.entry((sender.to_owned(), lineage)).or_default();
        let mark = known.last().map_or(0, |last| last.number);
        let twice = known.iter().any(|known| known.tag == wire.tag);
        known.push(Wired {
            v: frame.v,
            number,
            tag: wire.tag,
            body,
        });
        hold(
            number > mark && (!twice || ledger.is_lossy(sender)),
            "B15: what is sent is in the log once, and its numbers rise",
            || {
                format!(
                    "frame {}: {wire:?} of {sender}: {number} after {mark}",
                    frame.v
                )
            },
        )
    }

    /// Whether a receipt tells what the log has, no older than version `since`.
    pub fn has_of(&self, sender: &str, lineage: Lineage, receipt: &Receipt, since: u64) -> bool {
        let known = self.wired.get(&(sender.to_owned(), lineage));
        let mut known = known.into_iter().flatten();
        let there = known.clone().filter(|wired| wired.v <= since);
        let least = there.map(|wired| wired.number).max().unwrap_or(0);
        receipt.mark == 0 && least == 0
            || receipt.mark >= least
                && known.any(|wired| wired.number == receipt.mark && wired.body == receipt.body)
    }

    /// The tags of what is in this log of a room, in whichever history it was sent, in order.
    pub fn tags_of(&self, sender: &str) -> Vec<u64> {
        let of_sender = self.wired.iter().filter(|((from, _), _)| from == sender);
        of_sender
            .flat_map(|(_, wired)| wired.iter().map(|wired| wired.tag))
            .collect()
    }
}
