//! Rules made to be looked at. Small, so that a failure is the handler's and not theirs.

use std::collections::BTreeMap;

use baton::{By, Ctx, Player, Reject, Rules, Silence};
use serde::{Deserialize, Serialize};

/// Every player has a counter; a herd grows by one every tenth tick. `POLICY` is what silence does
/// to time: [`PAUSE`], [`SKIP`] or [`CATCH_UP`].
#[derive(Clone, Copy, Debug)]
pub struct HerdWith<const POLICY: u8>;

/// The usual room: time stops when nobody is present.
pub type Herd = HerdWith<PAUSE>;

pub const PAUSE: u8 = 0;
pub const SKIP: u8 = 1;
pub const CATCH_UP: u8 = 2;

/// How much of a silence a [`CATCH_UP`] room lives through.
pub const CATCH_UP_MS: u32 = 120_000;
pub const TICK_MS: u64 = 100;
pub const GRACE_MS: u64 = 6_000;
pub const GRACE_TICKS: u64 = GRACE_MS / TICK_MS;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HerdState {
    pub counters: BTreeMap<Player, i64>,
    pub herd: Vec<u32>,
    /// Tick, player, amount of everything that was applied.
    pub log: Vec<(u64, Player, i64)>,
    /// Tick, player, whether the player came.
    pub doors: Vec<(u64, Player, bool)>,
    /// Ticks that were run, to be compared with the number the room tells.
    pub ticks: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum HerdAction {
    Add(i64),
    /// Adds 1 to 6.
    Roll,
    /// Takes away, if there is enough.
    Spend(i64),
    /// Says something, of any length.
    Say(String),
}

pub const TOO_MUCH: Reject = Reject(7);
pub const TOO_POOR: Reject = Reject(8);
/// The largest amount that may be added.
pub const MOST: i64 = 1_000_000;

impl<const POLICY: u8> Rules for HerdWith<POLICY> {
    type Config = ();
    type State = HerdState;
    type Action = HerdAction;
    const KIND: &'static str = "herd";
    const VERSION: u32 = POLICY as u32 + 1;
    const TICK_MS: u32 = TICK_MS as u32;
    const GRACE_MS: u32 = GRACE_MS as u32;
    const SILENCE: Silence = match POLICY {
        SKIP => Silence::Skip,
        CATCH_UP => Silence::CatchUp {
            max_ms: CATCH_UP_MS,
        },
        _ => Silence::Pause,
    };

    fn setup(_: &mut Ctx<'_, Self>) -> HerdState {
        HerdState::default()
    }

    fn validate(
        state: &HerdState,
        by: By,
        action: &HerdAction,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        let By::Player(who) = by else { return Ok(()) };
        match action {
            HerdAction::Add(amount) if *amount > MOST => Err(TOO_MUCH),
            HerdAction::Spend(amount) if state.of(who) < *amount => Err(TOO_POOR),
            _ => Ok(()),
        }
    }

    fn apply(state: &mut HerdState, by: By, action: HerdAction, ctx: &mut Ctx<'_, Self>) {
        let By::Player(who) = by else { return };
        let amount = match action {
            HerdAction::Add(amount) => amount,
            HerdAction::Roll => i64::from(ctx.random().below(6)) + 1,
            HerdAction::Spend(amount) => -amount,
            HerdAction::Say(_) => 0,
        };
        *state.counters.entry(who).or_default() += amount;
        state.log.push((ctx.tick(), who, amount));
    }

    fn tick(state: &mut HerdState, ctx: &mut Ctx<'_, Self>) {
        state.ticks += 1;
        if ctx.tick().is_multiple_of(10) {
            let at = ctx.random().next_u32();
            state.herd.push(at);
        }
    }

    fn joined(state: &mut HerdState, who: Player, ctx: &mut Ctx<'_, Self>) {
        state.doors.push((ctx.tick(), who, true));
    }

    fn left(state: &mut HerdState, who: Player, ctx: &mut Ctx<'_, Self>) {
        state.doors.push((ctx.tick(), who, false));
    }

    fn view(state: &HerdState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "herd": state.herd.len() })
    }
}

impl HerdState {
    /// A player's counter.
    pub fn of(&self, who: Player) -> i64 {
        self.counters.get(&who).copied().unwrap_or_default()
    }

    /// The amounts that were applied, in order.
    pub fn amounts(&self) -> Vec<i64> {
        self.log.iter().map(|(_, _, amount)| *amount).collect()
    }
}

/// The encoded action.
pub fn add(amount: i64) -> Vec<u8> {
    baton::wire::write(&HerdAction::Add(amount))
}

/// The encoded action.
pub fn spend(amount: i64) -> Vec<u8> {
    baton::wire::write(&HerdAction::Spend(amount))
}

/// Rules without ticks, as an account has them: player 0 owns it, player 1 may not even look,
/// others may look.
#[derive(Clone, Copy, Debug)]
pub struct Purse;

impl Rules for Purse {
    type Config = ();
    type State = i64;
    type Action = i64;
    const KIND: &'static str = "purse";
    const VERSION: u32 = 1;

    fn setup(_: &mut Ctx<'_, Self>) -> i64 {
        0
    }

    fn validate(state: &i64, _: By, action: &i64, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match state.checked_add(*action) {
            Some(sum) if sum >= 0 => Ok(()),
            _ => Err(TOO_POOR),
        }
    }

    fn apply(state: &mut i64, _: By, action: i64, _: &mut Ctx<'_, Self>) {
        *state += action;
    }

    fn access(_: &i64, who: Option<Player>) -> baton::Access {
        baton::Access {
            read: who != Some(1),
            act: who == Some(0),
        }
    }

    fn view(state: &i64, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}
