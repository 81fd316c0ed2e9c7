//! A room of one user's own, without ticks, that does some of its work by itself.

use baton::{By, Ctx, Player, Reject, Rules};
use serde::{Deserialize, Serialize};

/// What a reward is worth.
pub const REWARD: u64 = 1_000;
/// Steps of work that an order takes.
pub const STEPS: u32 = 20;
/// Only the server does this.
pub const SERVER_ONLY: Reject = Reject(1);

/// Counts coins, and rewards every tenth by itself.
#[derive(Clone, Copy, Debug)]
pub struct Purse;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurseState {
    pub coins: u64,
    pub rewards: u64,
    /// Steps of work that are left.
    pub work: u32,
    /// When each piece was done.
    pub done_ms: Vec<u64>,
    /// The draws of rewards.
    pub drawn: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurseAction {
    Earn,
    /// Work for the room itself.
    Order,
    /// The server: a piece of it.
    Piece,
    /// The server: what ten coins earn.
    Reward,
}

impl Rules for Purse {
    type Config = ();
    type State = PurseState;
    type Action = PurseAction;
    const KIND: &'static str = "purse";
    const VERSION: u32 = 1;
    const PERSONAL: bool = true;
    const QUEUE: usize = 500;

    fn setup(_: &mut Ctx<'_, Self>) -> PurseState {
        PurseState::default()
    }

    fn validate(
        state: &PurseState,
        by: By,
        action: &PurseAction,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match (by, action) {
            (By::Player(_), PurseAction::Piece | PurseAction::Reward) => Err(SERVER_ONLY),
            (By::Server, PurseAction::Reward) if state.rewards >= state.coins / 10 => {
                Err(Reject(2))
            }
            _ => Ok(()),
        }
    }

    fn apply(state: &mut PurseState, _: By, action: PurseAction, ctx: &mut Ctx<'_, Self>) {
        match action {
            PurseAction::Earn => state.coins += 1,
            PurseAction::Order => state.work += STEPS,
            PurseAction::Piece => {
                state.work -= 1;
                state.done_ms.push(ctx.now_ms());
            }
            PurseAction::Reward => {
                state.rewards += 1;
                state.drawn.push(ctx.random().next_u64());
            }
        }
    }

    fn due(state: &PurseState, _: &Ctx<'_, Self>) -> Option<PurseAction> {
        match state.work {
            0 => (state.rewards < state.coins / 10).then_some(PurseAction::Reward),
            _ => Some(PurseAction::Piece),
        }
    }

    fn view(state: &PurseState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}
