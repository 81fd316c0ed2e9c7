//! **A player's account**: one user's own room, without ticks. What is done offline, on several devices, comes in by each
//! device's queue; what matches pay, by their rooms' sends; what is earned, by the rules themselves ([`Rules::due`]); what
//! is bought with coins, by orders of who is online ([`Rules::orders`]).
//! This file says which call of the trait goes where. Knows no frames, stores or screens.
//!
//! | file | decides |
//! |---|---|
//! | `action` | what may be done, by whom, and the codes of refusals |
//! | `state` | what an account remembers; balances, which never fall below zero |
//! | `runs` | seeds in hand, runs that were handed in, and their replay a piece at a time |
//! | `goals` | what is earned for what |
//! | `shop` | what there is to buy and to wear |
//! | `legacy` | an account of the time before, as it is taken over |
//! | `show` | the account for people and other programs |
#![no_std]

extern crate alloc;

mod action;
mod goals;
mod legacy;
mod runs;
mod shop;
mod show;
mod state;

pub use action::{Action, Preference, reject};
pub use goals::{Goal, coins_of, scrap_of};
pub use legacy::Legacy;
pub use runs::{CHECK_TICKS, Claim, FRESH_MS, Judged, SEED_MS, SEEDS, SKEW_MS, Seed, Verdict};
pub use shop::{FREE_LOOKS, Item, LOOKS, Price, TOLERANCE};
pub use show::seed as seed_shown;
pub use state::{Mode, State, Stats};

use baton::{By, Ctx, Player, Reject, Rules};

/// The rules of an account.
#[derive(Clone, Copy, Debug)]
pub struct Account;

impl Rules for Account {
    type Config = ();
    type State = State;
    type Action = Action;

    const KIND: &'static str = contagion::ACCOUNT;
    const VERSION: u32 = 1;
    const PERSONAL: bool = true;
    /// A long journey: some weeks of play without network.
    const QUEUE: usize = 16_384;
    const GOLDEN: &'static str = include_str!("../golden/v1.txt");

    fn setup(_: &mut Ctx<'_, Self>) -> State {
        State::default()
    }

    fn validate(state: &State, by: By, action: &Action, ctx: &Ctx<'_, Self>) -> Result<(), Reject> {
        action::validate(state, by, action, ctx.now_ms())
    }

    fn apply(state: &mut State, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        action::apply(state, by, action, ctx);
    }

    fn due(state: &State, ctx: &Ctx<'_, Self>) -> Option<Action> {
        runs::due(state, ctx.now_ms()).or_else(|| goals::due(state))
    }

    fn orders(action: &Action) -> bool {
        matches!(action, Action::Purchase(_))
    }

    fn view(state: &State, _: Option<Player>) -> serde_json::Value {
        show::view(state)
    }
}
