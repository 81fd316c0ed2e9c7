//! Orders as a log has them: of whom, each once, and judged as the rules say.

use baton::frame::Frame;
use baton::{BodyHash, Lineage};

use super::Oracle;
use crate::check::ledger::Ledger;
use crate::check::orders::registration;
use crate::check::{Checked, hold};

/// An order in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The version of its frame.
    pub v: u64,
    /// Its registration's number of it.
    pub number: u64,
    /// Of its body.
    pub body: BodyHash,
    /// 0 done, else the verdict.
    pub code: u16,
}

impl Oracle {
    /// The orders in the newest frames, from a version on, by their registrations.
    pub fn orders_of(&self, v: u64) -> impl Iterator<Item = (Lineage, &Ordered)> {
        let all = self.orders.iter();
        all.flat_map(move |(lineage, orders)| {
            let newest = orders.iter().rev().take_while(move |order| order.v >= v);
            newest.map(move |order| (*lineage, order))
        })
    }

    /// An order's entry. `order`: its sender, its registration as it is in the log, its number.
    pub(super) fn ordered(
        &mut self,
        order: (&str, Lineage, u64),
        body: BodyHash,
        code: u16,
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let (sender, lineage, number) = order;
        let v = frame.v;
        let mut devices = self.devices.iter();
        let device = devices.find(|(device, known)| {
            let own = sender.strip_prefix("order/") == Some(known.owner.0.as_str());
            own && registration(known.owner.1, **device) == lineage
        });
        let device = device.map(|(device, _)| *device);
        hold(
            device.is_some() && self.own,
            "B8: only who is registered has orders in the log",
            || format!("frame {v}: {sender}, {lineage}, {number}"),
        )?;
        if let Some(device) = device {
            self.device_of(device, frame)?;
        }
        let known = self.orders.entry(lineage).or_default();
        let mark = known.last().map_or(0, |last| last.number);
        known.push(Ordered {
            v,
            number,
            body,
            code,
        });
        hold(
            number > mark,
            "B8: an order is in the log once, and its numbers rise",
            || format!("frame {v}: {sender}: {number}, {code}, after {mark}"),
        )?;
        let made = ledger.ordered(lineage, number);
        let mut made = made
            .iter()
            .filter(|made| BodyHash::of(made) == body)
            .peekable();
        hold(
            made.peek().is_some(),
            "S16: an order is what its registration made",
            || format!("frame {v}: {sender}: {number}"),
        )?;
        let judged: Vec<u16> = made.map(|made| self.judge_order(made)).collect();
        hold(
            judged.contains(&code),
            "S14: an order is judged as the rules say",
            || format!("frame {v}: {sender}: {number}: {code}, should be {judged:?}"),
        )
    }
}
