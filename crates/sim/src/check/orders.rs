//! What is told of orders. Where an answer leaves an instance it is held against the log that the instance wrote to, and where
//! it reaches a device against what was told before. A registration's name in a log is worked out here once more.

use std::collections::{BTreeMap, BTreeSet};

use baton::effect::Item;
use baton::parcel::Parcel;
use baton::wire::OrderFate;
use baton::{BodyHash, Code, DeviceId, Hash, Head, Lineage};

use super::book::{Tree, descends};
use super::ledger::Owner;
use super::oracle::Oracle;
use super::oracle::orders::Ordered;
use super::{Broken, Checked, hold};

/// The name under which a registration's orders are in a log.
pub fn registration(id: DeviceId, number: u32) -> Lineage {
    let mut name = [0; 8];
    let both = [&id.0[..], &number.to_le_bytes()].concat();
    name.copy_from_slice(&Hash::of(&both).0[..8]);
    Lineage(name)
}

/// An order that was sent.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Whose.
    pub owner: Owner,
    /// The device's number in the room.
    pub registration: u32,
    /// Its name in the log.
    pub lineage: Lineage,
    /// The order's number.
    pub number: u64,
    /// What is ordered.
    pub body: BodyHash,
    /// The frame that it is in, as far as who answered could know.
    pub said: Option<Head>,
}

/// What tells one order from all others.
pub type Key = (Lineage, u64, BodyHash);

impl Placed {
    /// What tells it from all others.
    pub fn key(&self) -> Key {
        (self.lineage, self.number, self.body)
    }
}

/// What is known of one room's orders, whatever its store lost.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// All that were ever in a frame, with their verdicts.
    framed: BTreeSet<(Lineage, u64, BodyHash, u16)>,
    /// What devices were told, and by which frame.
    told: BTreeMap<Key, (u16, Head)>,
    /// Those that can not be done any more, as their devices know for certain.
    failed: BTreeSet<Key>,
}

impl Files {
    /// A frame has orders.
    ///
    /// # Errors
    /// One of them was told not to be done.
    pub fn frame<'a>(&mut self, orders: impl Iterator<Item = (Lineage, &'a Ordered)>) -> Checked {
        for (lineage, order) in orders {
            let Ordered {
                v,
                number,
                body,
                code,
            } = *order;
            self.framed.insert((lineage, number, body, code));
            hold(
                !self.failed.contains(&(lineage, number, body)),
                "B8: what its device knows not to be done never is",
                || format!("frame {v}: {lineage}: {number}, {code}"),
            )?;
        }
        Ok(())
    }

    /// An order is sent: under this name it may be done, whatever was known before.
    pub fn send(&mut self, key: Key) {
        self.failed.remove(&key);
    }

    /// A device knows for certain that an order of which there was never a copy is not done.
    ///
    /// # Errors
    /// It is.
    pub fn fail(&mut self, key: Key) -> Checked {
        self.failed.insert(key);
        let (lineage, number, body) = key;
        let mut any = self.framed.range((lineage, number, body, 0)..);
        let done = any
            .next()
            .is_some_and(|(of, at, what, _)| (*of, *at, *what) == key);
        hold(
            !done,
            "B8: what its device knows not to be done never is",
            || format!("{lineage}: {number} is in a frame"),
        )
    }

    /// A device is told how an order ended.
    ///
    /// # Errors
    /// It was told otherwise by a frame of the same history.
    pub fn tell(&mut self, placed: &Placed, code: u16, tree: &Tree) -> Checked {
        let Some(said) = placed.said else {
            return Ok(());
        };
        let Some((before, then)) = self.told.insert(placed.key(), (code, said)) else {
            return Ok(());
        };
        hold(
            before == code || !(descends(tree, said, then) || descends(tree, then, said)),
            "B8: an order's end is told once",
            || format!("{}: {code} after {before}", placed.number),
        )
    }

    /// What was told is in the log, unless its frame is lost. `has`: whether a frame is there.
    ///
    /// # Errors
    /// It is not.
    pub fn hold(&self, oracle: &Oracle, losses: u64, has: impl Fn(Head) -> bool) -> Checked {
        for ((lineage, number, body), (code, said)) in &self.told {
            let known = find(oracle, *lineage, *number);
            let same = known.is_some_and(|known| (known.body, known.code) == (*body, *code));
            hold(
                if has(*said) { same } else { losses > 0 },
                "S9: what was told of an order is in the log",
                || format!("{lineage}: {number}: told {code}, the log has {known:?}"),
            )?;
        }
        Ok(())
    }
}

fn find(oracle: &Oracle, lineage: Lineage, number: u64) -> Option<&Ordered> {
    let orders = oracle.orders.get(&lineage)?;
    orders.iter().find(|order| order.number == number)
}

/// Checks what an instance says of an order. `began_v`: what the log had when the request was taken up, if it lost nothing
/// since. Returns the version of the order's frame, if the log says how it ended.
///
/// # Errors
/// The log says otherwise.
pub fn fate(
    fate: OrderFate,
    placed: &Placed,
    oracle: &Oracle,
    files: &Files,
    began_v: Option<u64>,
) -> Result<Option<u64>, Broken> {
    let known = find(oracle, placed.lineage, placed.number);
    let seen = || format!("{}: {fate:?}, the log has {known:?}", placed.number);
    let ended = match fate {
        OrderFate::Done => 0,
        OrderFate::Refused(reject) => reject.0,
        OrderFate::Taken { mark } => {
            let by = find(oracle, placed.lineage, mark);
            let other = mark > placed.number || by.is_some_and(|by| by.body != placed.body);
            hold(
                began_v.is_none() || by.is_some() && mark >= placed.number && other,
                "B8: a number counts as used only by another order",
                || format!("{}: {mark} by {by:?}", placed.number),
            )?;
            return Ok(None);
        }
        OrderFate::Waits { .. } => {
            let orders = oracle.orders.get(&placed.lineage);
            let mut older = orders.into_iter().flatten().filter(|order| {
                order.number >= placed.number && began_v.is_some_and(|began_v| order.v <= began_v)
            });
            hold(
                older.next().is_none(),
                "S15: who asks for an order is told what was in the log by then",
                seen,
            )?;
            return Ok(None);
        }
    };
    let (lineage, number, body) = placed.key();
    hold(
        files.framed.contains(&(lineage, number, body, ended)),
        "B8: an order is told to have ended once it has",
        seen,
    )?;
    let same = known.is_some_and(|known| (known.body, known.code) == (body, ended));
    hold(
        began_v.is_none() || same,
        "B8: what is told of an order is the log's",
        seen,
    )?;
    Ok(known.filter(|_| same).map(|known| known.v))
}

/// Checks that who is told not to be registered was not, all the time since the request was taken up.
///
/// # Errors
/// It was.
pub fn unregistered(placed: &Placed, oracle: &Oracle, began_v: u64) -> Checked {
    let known = oracle.device(&placed.owner);
    let known = known.filter(|(number, _)| *number == placed.registration);
    hold(
        known.is_none_or(|(_, device)| device.since_v > began_v),
        "B8: who is registered may order",
        || format!("{} as {}", placed.owner.0, placed.registration),
    )
}

/// Whether what waits in an inbox is an order.
pub fn waits(item: &Item) -> bool {
    let kind = postcard::take_from_bytes::<u32>(&item.bytes);
    let Ok((1, rest)) = kind else {
        return false;
    };
    postcard::take_from_bytes::<Parcel>(rest)
        .is_ok_and(|(parcel, _)| parcel.sender.starts_with("order/"))
}

/// Why an order can not be done any more, if this is why: nothing of it was written.
pub fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::Unauthorized
            | Code::Forbidden
            | Code::NotFound
            | Code::Unregistered
            | Code::Evicted
            | Code::Halted
            | Code::Malformed
            | Code::TooLarge
            | Code::Protocol
    )
}

/// Whether nothing of an order was written, and soon it may be.
pub fn is_passing(code: Code) -> bool {
    matches!(code, Code::Busy | Code::Rules)
}
