//! What may be done with an account, by whom and when. The order of [`Action`]'s variants is its encoding.

use baton::{By, Ctx, Reject};
use contagion::{Inputs, MAX_RUN_BYTES, MatchResult};
use serde::{Deserialize, Serialize};

use crate::Account;
use crate::goals::{self, Goal};
use crate::legacy::{self, Legacy};
use crate::runs;
use crate::shop::{self, Item, LOOKS, Price};
use crate::state::{Mode, State};

/// What is done. New variants are added at the end; bytes that are none of these, or more than one of these, are rejected
/// as [`Reject::MALFORMED`] and change nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The server: a match was played. As `contagion::Award` sends it.
    Match(MatchResult),
    /// The player, offline too: a run was played with a seed in hand.
    Run {
        /// The seed.
        seed: u64,
        /// What the player did.
        inputs: Inputs,
    },
    /// The player, offline too: buys with scrap.
    Buy(Item),
    /// The player, offline too: takes on a look. The last one counts.
    Look(u8),
    /// The player, offline too: sets a preference. The last value counts.
    Prefer(Preference, u8),
    /// The server, once it is earned: a goal's reward.
    Reward(Goal),
    /// The server, when some are used or old: new seeds.
    Deal,
    /// The server: replays a piece of the first run that waits.
    Check,
    /// The server, for a player who is online and orders it: buys with coins.
    Purchase(Item),
    /// The server, for an operator: gives, or takes back what there is of it.
    Grant {
        /// Coins, below 0 to take.
        coins: i64,
        /// Scrap, below 0 to take.
        scrap: i64,
    },
    /// The server, for an operator, once: takes over an account of the time before.
    Import(Legacy),
}

/// What a player may set. New ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// Loudness, in hundredths.
    Volume,
    /// Buttons on the left.
    LeftHanded,
    /// Strong contrast.
    Contrast,
    /// Little motion.
    Calm,
}

/// Why an action was refused: stable codes.
pub mod reject {
    use baton::Reject;

    /// Only the server does this.
    pub const SERVER_ONLY: Reject = Reject(1);
    /// Only the player does this.
    pub const PLAYER_ONLY: Reject = Reject(2);
    /// The seed was never given to this account.
    pub const UNKNOWN_SEED: Reject = Reject(3);
    /// A run was handed in with this seed before.
    pub const USED_SEED: Reject = Reject(4);
    /// The seed is too old.
    pub const EXPIRED_SEED: Reject = Reject(5);
    /// More inputs than a run may have.
    pub const LONG_RUN: Reject = Reject(6);
    /// It is there already.
    pub const OWNED: Reject = Reject(7);
    /// There is not enough to pay for it.
    pub const POOR: Reject = Reject(8);
    /// It is sold for the other currency.
    pub const OTHER_CURRENCY: Reject = Reject(9);
    /// There is no such look, or it was not bought.
    pub const LOCKED: Reject = Reject(10);
    /// Not earned, or given already.
    pub const NOT_EARNED: Reject = Reject(11);
    /// Nothing to do.
    pub const NOTHING: Reject = Reject(12);
    /// An account was taken over before.
    pub const IMPORTED: Reject = Reject(13);
}

pub(crate) fn validate(state: &State, by: By, action: &Action, now_ms: u64) -> Result<(), Reject> {
    let players = matches!(
        action,
        Action::Run { .. } | Action::Buy(_) | Action::Look(_) | Action::Prefer(..)
    );
    match by {
        By::Player(_) if !players => return Err(reject::SERVER_ONLY),
        By::Server if players => return Err(reject::PLAYER_ONLY),
        _ => {}
    }
    match action {
        Action::Match(_) | Action::Prefer(..) | Action::Grant { .. } => Ok(()),
        Action::Run { inputs, .. } if inputs.0.len() > MAX_RUN_BYTES => Err(reject::LONG_RUN),
        Action::Run { seed, .. } => runs::may(state, *seed, now_ms),
        Action::Buy(item) => shop::may_buy(state, *item),
        Action::Purchase(item) => shop::may_purchase(state, *item),
        Action::Look(look) => match *look < LOOKS && shop::may_wear(state, *look) {
            true => Ok(()),
            false => Err(reject::LOCKED),
        },
        Action::Reward(goal) => match goals::earned(state, *goal) {
            true => Ok(()),
            false => Err(reject::NOT_EARNED),
        },
        Action::Deal => match runs::deals(state, now_ms) {
            true => Ok(()),
            false => Err(reject::NOTHING),
        },
        Action::Check => match state.claims.is_empty() {
            false => Ok(()),
            true => Err(reject::NOTHING),
        },
        Action::Import(_) if state.imported => Err(reject::IMPORTED),
        Action::Import(_) => Ok(()),
    }
}

pub(crate) fn apply(state: &mut State, _: By, action: Action, ctx: &mut Ctx<'_, Account>) {
    match action {
        Action::Match(result) => {
            state.matches.count(&result);
            state.last = Some((Mode::Match, ctx.now_ms()));
            state.earn_coins(goals::coins_of(&result));
        }
        Action::Run { seed, inputs } => runs::claim(state, seed, inputs, ctx.now_ms()),
        Action::Buy(item) => shop::take(state, item, Price::Scrap),
        Action::Purchase(item) => shop::take(state, item, Price::Coins),
        Action::Look(look) => state.look = look,
        Action::Prefer(preference, value) => {
            state.preferences.insert(preference, value);
        }
        Action::Reward(goal) => goals::reward(state, goal),
        Action::Deal => runs::deal(state, ctx),
        Action::Check => runs::check(state, ctx),
        Action::Grant { coins, scrap } => {
            state.coins = state.coins.saturating_add_signed(coins);
            state.set_scrap(state.scrap.saturating_add_signed(scrap));
        }
        Action::Import(legacy) => legacy::take_over(state, legacy),
    }
}
