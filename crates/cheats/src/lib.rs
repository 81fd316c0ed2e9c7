//! Rules that are not deterministic, one for each way that comes to mind, and the same without the cheat: what the
//! determinism check must catch, and must not. Nothing else may use them.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "here is what the bans are for"
)]

mod ways;

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::marker::PhantomData;

use baton::{By, Ctx, Player, Reject, Rules};
use serde::{Deserialize, Serialize};

pub use ways::{
    Address, Clock, Counter, Float, HighWater, Honest, KeptOrder, Memo, Order, Peek, Skipped, Width,
};

/// Larger actions are refused.
pub const MOST: u8 = 200;
/// The code of that.
pub const TOO_MUCH: Reject = Reject(1);

/// How a rule set cheats.
pub trait Way: Debug + 'static {
    /// The kind of the rules.
    const KIND: &'static str;

    /// Does something with `value` at this tick.
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        kept.mix(value, tick);
    }

    /// Looks at the state of whoever is refused.
    fn peek(_kept: &Kept) {}
}

/// What all of them remember. Honest rules use the sum only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Of everything that happened, in its order.
    pub sum: u64,
    /// Changed where nothing should be.
    pub peeks: Cell<u64>,
    /// In an order of its own.
    pub values: HashMap<u64, u64>,
    /// Not part of the encoding.
    #[serde(skip)]
    pub skipped: u64,
}

impl Kept {
    fn mix(&mut self, value: u64, tick: u64) {
        self.sum = self.sum.rotate_left(5) ^ value.wrapping_add(tick).wrapping_mul(0x9e37_79b9);
    }
}

/// The rules that cheat in the way of `W`.
#[derive(Debug)]
pub struct Cheat<W>(PhantomData<W>);

impl<W: Way> Rules for Cheat<W> {
    type Config = ();
    type State = Kept;
    type Action = u8;
    const KIND: &'static str = W::KIND;
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;

    fn setup(_: &mut Ctx<'_, Self>) -> Kept {
        Kept::default()
    }

    fn validate(kept: &Kept, _: By, action: &u8, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        if *action > MOST {
            W::peek(kept);
            return Err(TOO_MUCH);
        }
        Ok(())
    }

    fn apply(kept: &mut Kept, _: By, action: u8, ctx: &mut Ctx<'_, Self>) {
        W::step(kept, u64::from(action), ctx.tick());
    }

    fn tick(kept: &mut Kept, ctx: &mut Ctx<'_, Self>) {
        W::step(kept, 0, ctx.tick());
    }

    fn view(kept: &Kept, _: Option<Player>) -> serde_json::Value {
        kept.sum.into()
    }
}

baton::probe!(
    Cheat<Honest>,
    Cheat<Clock>,
    Cheat<Counter>,
    Cheat<Order>,
    Cheat<KeptOrder>,
    Cheat<Skipped>,
    Cheat<Peek>,
    Cheat<Address>,
    Cheat<HighWater>,
    Cheat<Memo>,
    Cheat<Float>,
    Cheat<Width>,
);
