//! What there is to buy, for which currency, and to wear.
//!
//! Two devices that are offline may both spend the same scrap. Neither did wrong, so the second purchase is kept and the
//! balance stops at zero; how much an account may overspend like this is bounded, and what is earned restores it. Who never
//! had what something costs cannot have paid for it on any device.

use baton::Reject;
use serde::{Deserialize, Serialize};

use crate::action::reject;
use crate::state::State;

/// Looks, in all.
pub const LOOKS: u8 = 8;
/// Looks that everybody has, the first ones.
pub const FREE_LOOKS: u8 = 4;
/// How much scrap an account may overspend.
pub const TOLERANCE: u64 = 400;

/// Something to buy. New ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// The fifth look.
    Raincoat,
    /// The sixth look.
    Welder,
    /// The seventh look.
    Nurse,
    /// The eighth look.
    Astronaut,
}

/// The currency that something is sold for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// What runs earn.
    Scrap,
    /// What matches earn.
    Coins,
}

impl Item {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Raincoat, Self::Welder, Self::Nurse, Self::Astronaut];

    /// What it costs, and in which currency.
    pub fn price(self) -> (Price, u64) {
        match self {
            Self::Raincoat => (Price::Scrap, 150),
            Self::Welder => (Price::Scrap, 400),
            Self::Nurse => (Price::Coins, 500),
            Self::Astronaut => (Price::Coins, 2_000),
        }
    }

    /// The look that it is.
    pub fn look(self) -> u8 {
        match self {
            Self::Raincoat => FREE_LOOKS,
            Self::Welder => FREE_LOOKS + 1,
            Self::Nurse => FREE_LOOKS + 2,
            Self::Astronaut => FREE_LOOKS + 3,
        }
    }
}

pub(crate) fn may_wear(state: &State, look: u8) -> bool {
    look < FREE_LOOKS || state.items.iter().any(|item| item.look() == look)
}

/// With scrap, maybe offline.
pub(crate) fn may_buy(state: &State, item: Item) -> Result<(), Reject> {
    let left = TOLERANCE.saturating_sub(state.overspent);
    let most = state.scrap.saturating_add(left).min(state.most_scrap);
    may(state, item, Price::Scrap, most)
}

/// With coins, online.
pub(crate) fn may_purchase(state: &State, item: Item) -> Result<(), Reject> {
    may(state, item, Price::Coins, state.coins)
}

fn may(state: &State, item: Item, currency: Price, most: u64) -> Result<(), Reject> {
    let (sold_for, price) = item.price();
    match () {
        () if sold_for != currency => Err(reject::OTHER_CURRENCY),
        () if state.items.contains(&item) => Err(reject::OWNED),
        () if price > most => Err(reject::POOR),
        () => Ok(()),
    }
}

pub(crate) fn take(state: &mut State, item: Item, currency: Price) {
    let (_, price) = item.price();
    match currency {
        Price::Coins => state.coins = state.coins.saturating_sub(price),
        Price::Scrap => {
            let missing = price.saturating_sub(state.scrap);
            state.overspent = state.overspent.saturating_add(missing);
            state.scrap = state.scrap.saturating_sub(price);
        }
    }
    state.items.insert(item);
}
