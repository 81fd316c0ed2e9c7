//! The rules, said once more: verdicts, balances, timers, and what a state must come to.

use super::{FAULTED, MALFORMED, OUTDATED, Oracle};
use crate::check::{Checked, hold};
use crate::later::{Banked, EitherState, LATER, LATER_TURN, LaterAction, is_too_much};
use crate::rules::{BankAction, CURSE_TICKS, HERD_TICKS, MOST, ORDERED, Wire, is_ordered};
use baton::Era;

impl Oracle {
    /// The rules' verdict, said once more: 0 or the code.
    pub(super) fn judge(&self, player: u32, version: u32, body: &[u8]) -> u16 {
        let has = self.balances.get(&player).copied().unwrap_or(0);
        match self.read(version, body) {
            Ok(action) => judge(&action, has, self.due.is_some(), self.later),
            Err(code) => code,
        }
    }

    /// The same on an order, which is read by the rules that the room is on.
    pub(super) fn judge_order(&self, body: &[u8]) -> u16 {
        match self.read_order(body) {
            Ok(action) if !is_ordered(&action) => OUTDATED,
            Ok(BankAction::Buy(price)) => match price {
                price if self.later && is_too_much(&BankAction::Buy(price)) => 7,
                price if !(0..=MOST).contains(&price) => 7,
                price if price > self.coins => 8,
                _ => 0,
            },
            Ok(_) => FAULTED,
            Err(code) => code,
        }
    }

    fn read_order(&self, body: &[u8]) -> Result<BankAction, u16> {
        let own = self.first_version() + if self.later { LATER } else { 0 };
        self.read(own, body)
    }

    /// An order is done.
    pub(super) fn buy(&mut self, body: &[u8]) {
        let turn = if self.later { LATER_TURN } else { 7 };
        self.order = self.order.rotate_left(turn) ^ ORDERED;
        if let Ok(BankAction::Buy(price)) = self.read_order(body) {
            self.coins -= price;
        }
    }

    fn read(&self, version: u32, body: &[u8]) -> Result<BankAction, u16> {
        read(self.first_version(), self.later, version, body)
    }

    pub(super) fn apply(&mut self, player: u32, version: u32, body: &[u8], time_ms: u64) {
        let turn = if self.later { LATER_TURN } else { 7 };
        self.order = self.order.rotate_left(turn) ^ (u64::from(player) + 1);
        let Ok(action) = self.read(version, body) else {
            return;
        };
        match action {
            BankAction::Wire(wire) => {
                self.sent.push((wire, time_ms));
                *self.balances.entry(player).or_default() -= wire.amount;
            }
            BankAction::Roll => *self.rolls.entry(player).or_default() += 1,
            BankAction::Arm(after) => self.due = Some(self.tick + after.max(1)),
            BankAction::Curse(after) => {
                let at = self.tick + after.clamp(1, CURSE_TICKS);
                self.cursed = Some(self.cursed.map_or(at, |cursed| cursed.min(at)));
            }
            BankAction::Give(to, amount) => {
                *self.balances.entry(player).or_default() -= amount;
                *self.balances.entry(to).or_default() += amount;
            }
            other => {
                if let (BankAction::Add(amount), true) = (&other, self.own) {
                    self.coins += amount;
                }
                let has = self.balances.entry(player).or_default();
                *has = after(&other, *has);
            }
        }
    }

    /// Compares what the rules hold with what must be.
    pub fn compare(&self, either: &EitherState, present: &[u32]) -> Checked {
        let v = self.v;
        let (state, later) = either.bank();
        let migrated = matches!(either, Era::New(later) if later.migrated);
        hold(
            (later, migrated) == (self.later, self.migrated),
            "B31: a room is on the rules that its log names, moved there once",
            || format!("frame {v}: later: {later}, migrated: {migrated}"),
        )?;
        let zeros = |(player, has): (&u32, &i64)| (*has != 0).then_some((*player, *has));
        let theirs: Vec<_> = state.balances.iter().filter_map(zeros).collect();
        let ours: Vec<_> = self.balances.iter().filter_map(zeros).collect();
        let sum: i64 = state.balances.values().sum();
        hold(
            theirs == ours && state.order == self.order,
            "S3: each action applied once, in order",
            || format!("frame {v}: {theirs:?}, should be {ours:?}"),
        )?;
        hold(
            state.coins == self.coins && self.coins >= 0,
            "B8: what is ordered is paid once",
            || format!("frame {v}: {} coins, should be {}", state.coins, self.coins),
        )?;
        hold(
            state.received == self.received,
            "B15: what another room sends is applied once",
            || {
                let (theirs, ours) = (state.received, self.received);
                format!("frame {v}: {theirs} received, should be {ours}")
            },
        )?;
        hold(sum == state.total, "S16: sums are conserved", || {
            format!("frame {v}: {sum} of {}", state.total)
        })?;
        hold(
            state.balances.values().all(|has| *has >= 0),
            "B24: nobody is below zero",
            || format!("frame {v}: {theirs:?}"),
        )?;
        let mut players = state.luck.keys().chain(self.rolls.keys());
        let rolls = players.all(|player| {
            let rolls = self.rolls.get(player).copied().unwrap_or(0);
            let luck = state.luck.get(player).copied().unwrap_or(0);
            (rolls..=6 * rolls).contains(&luck)
        });
        hold(rolls, "S21: a roll is a roll", || {
            format!("frame {v}: {:?}", state.luck)
        })?;
        hold(
            (state.due, state.fired) == (self.due, self.fired),
            "P4: a timer fires once, in its time",
            || {
                format!(
                    "frame {v}: {:?}, {} times, should be {:?}, {}",
                    state.due, state.fired, self.due, self.fired
                )
            },
        )?;
        hold(
            state.ticks == self.tick && state.herd == self.tick / HERD_TICKS,
            "J8: the herd grows with time alone",
            || {
                format!(
                    "frame {v}: {} ticks, a herd of {} at tick {}",
                    state.ticks, state.herd, self.tick
                )
            },
        )?;
        hold(
            state.told_ms == self.told_ms,
            "S8: the rules are told what time it is",
            || {
                let (theirs, ours) = (state.told_ms, self.told_ms);
                format!("frame {v}: {theirs} ms, should be {ours}")
            },
        )?;
        let here: Vec<u32> = self.here.iter().copied().collect();
        hold(
            here == present && state.here == i64::try_from(here.len()).unwrap_or(-1),
            "6: who is present",
            || format!("frame {v}: {present:?}, should be {here:?}"),
        )
    }
}

/// What a device meant, written by the rules of `version`, to a room that began on `first` and is on the
/// later ones or not; or the verdict.
pub(crate) fn read(first: u32, later: bool, version: u32, body: &[u8]) -> Result<BankAction, u16> {
    let own = if later { first + LATER } else { first };
    let foreign = if version == own { MALFORMED } else { OUTDATED };
    match version {
        version if version == first => match postcard::take_from_bytes::<BankAction>(body) {
            Ok((action, [])) => Ok(action),
            _ => Err(foreign),
        },
        version if later && version == own => {
            match postcard::take_from_bytes::<LaterAction>(body) {
                Ok((action, [])) => Ok(action.what),
                _ => Err(foreign),
            }
        }
        _ => Err(OUTDATED),
    }
}

/// The verdict on an action of a player who has so much.
pub(crate) fn judge(action: &BankAction, has: i64, armed: bool, later: bool) -> u16 {
    match action {
        action if later && is_too_much(action) => 7,
        BankAction::Add(amount) | BankAction::Fine(amount) if !(0..=MOST).contains(amount) => 7,
        BankAction::Spend(amount)
        | BankAction::Give(_, amount)
        | BankAction::Wire(Wire { amount, .. }) => match *amount {
            amount if !(0..=MOST).contains(&amount) => 7,
            amount if amount > has => 8,
            _ => 0,
        },
        BankAction::Arm(_) if armed => 9,
        BankAction::Buy(_) | BankAction::Credit(_) => 10,
        BankAction::Break(_) => FAULTED,
        _ => 0,
    }
}

/// What a player has after an accepted action of their own that moves nothing to others.
pub(crate) fn after(action: &BankAction, has: i64) -> i64 {
    match action {
        BankAction::Add(amount) => has + amount,
        BankAction::Spend(amount)
        | BankAction::Give(_, amount)
        | BankAction::Wire(Wire { amount, .. }) => has - amount,
        BankAction::Fine(amount) => (has - amount).max(0),
        _ => has,
    }
}
