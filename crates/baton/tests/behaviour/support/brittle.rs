//! Rules that break: on an action, on who comes or goes, on time.

extern crate alloc;

use alloc::{collections::BTreeMap, vec, vec::Vec};

use baton::{By, Ctx, Player, Reject, Rules, Silence};
use serde::{Deserialize, Serialize};

/// Whose counter is that of other rooms.
pub const SERVER: Player = Player::MAX;

/// Counts what players add, until somebody breaks it.
#[derive(Clone, Copy, Debug)]
pub struct Brittle;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BrittleConfig {
    /// Whose coming breaks the rules.
    pub joins_badly: Option<Player>,
    /// Whose going breaks the rules.
    pub leaves_badly: Option<Player>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrittleState {
    pub counters: BTreeMap<Player, i64>,
    pub ticks: u64,
    /// The tick that breaks the rules.
    pub fuse: Option<u64>,
    /// The room breaks them by itself.
    pub owes: bool,
    /// It breaks them when it is asked what it does by itself.
    pub asked_badly: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BrittleAction {
    Add(i64),
    /// Breaks when it is judged.
    BreakValidate,
    /// Breaks when it is done.
    BreakApply,
    /// Draws without end.
    Draw,
    /// Grows without end, counting its steps.
    Grow,
    /// Sends without end.
    Send,
    /// From so many ticks on, time breaks the rules.
    Fuse(u64),
    /// Breaks for an even draw.
    Gamble,
    /// Grows without end and counts nothing: for where memory has an end.
    Swell,
    /// The room itself breaks the rules next.
    Owe,
    /// Whoever asks what the room does by itself breaks them next.
    BreakDue,
}

impl Rules for Brittle {
    type Config = BrittleConfig;
    type State = BrittleState;
    type Action = BrittleAction;
    const KIND: &'static str = "brittle";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;
    const GRACE_MS: u32 = 6_000;
    const SILENCE: Silence = Silence::CatchUp { max_ms: 60_000 };
    const FUEL: u64 = 10_000;

    fn setup(_: &mut Ctx<'_, Self>) -> BrittleState {
        BrittleState::default()
    }

    fn validate(
        _: &BrittleState,
        _: By,
        action: &BrittleAction,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        assert!(!matches!(action, BrittleAction::BreakValidate), "brittle");
        Ok(())
    }

    fn apply(state: &mut BrittleState, by: By, action: BrittleAction, ctx: &mut Ctx<'_, Self>) {
        let who = match by {
            By::Player(who) => who,
            By::Server => SERVER,
        };
        match action {
            BrittleAction::Add(amount) => *state.counters.entry(who).or_default() += amount,
            BrittleAction::Owe => state.owes = true,
            BrittleAction::BreakDue => state.asked_badly = true,
            BrittleAction::Fuse(ticks) => state.fuse = Some(ctx.tick() + ticks),
            BrittleAction::Gamble => assert!(ctx.random().chance(1, 2), "brittle"),
            BrittleAction::BreakValidate | BrittleAction::BreakApply => panic!("brittle"),
            BrittleAction::Draw => loop {
                ctx.random().next_u32();
            },
            BrittleAction::Grow => {
                let mut grown = Vec::new();
                loop {
                    ctx.step(1);
                    grown.push(ctx.tick());
                }
            }
            BrittleAction::Swell => {
                let mut grown = Vec::new();
                loop {
                    grown.push(vec![ctx.tick(); 4_096]);
                }
            }
            BrittleAction::Send => loop {
                ctx.send("brittle/other", &who);
            },
        }
    }

    fn due(state: &BrittleState, _: &Ctx<'_, Self>) -> Option<BrittleAction> {
        assert!(!state.asked_badly, "brittle");
        state.owes.then_some(BrittleAction::BreakApply)
    }

    fn tick(state: &mut BrittleState, ctx: &mut Ctx<'_, Self>) {
        state.ticks += 1;
        assert!(state.fuse.is_none_or(|fuse| ctx.tick() < fuse), "brittle");
    }

    fn joined(_: &mut BrittleState, who: Player, ctx: &mut Ctx<'_, Self>) {
        assert!(ctx.config().joins_badly != Some(who), "brittle");
    }

    fn left(_: &mut BrittleState, who: Player, ctx: &mut Ctx<'_, Self>) {
        assert!(ctx.config().leaves_badly != Some(who), "brittle");
    }

    fn view(state: &BrittleState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "ticks": state.ticks })
    }
}

/// The encoded action.
pub fn act(action: BrittleAction) -> Vec<u8> {
    baton::wire::write(&action)
}
