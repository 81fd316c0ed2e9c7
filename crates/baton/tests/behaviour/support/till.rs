//! A room of one user's own where things are bought from the server.

use baton::{By, Ctx, Player, Reject, Rules};
use serde::{Deserialize, Serialize};

/// Only the server does this.
pub const SERVER_ONLY: Reject = Reject(1);
/// There is not enough to pay for it.
pub const POOR: Reject = Reject(2);

/// Counts what its player saves, and sells for it.
#[derive(Clone, Copy, Debug)]
pub struct Till;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillState {
    pub coins: u64,
    /// What each thing that was bought cost, in order.
    pub bought: Vec<u64>,
    pub jammed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TillAction {
    Save(u64),
    /// The server, also for the user: sells something of this price.
    Buy(u64),
    /// The server alone.
    Give(u64),
    /// The server, also for the user: breaks the rules when it is done.
    Snap,
    /// The server, also for the user: the room breaks the rules by itself from then on.
    Jam,
}

impl Rules for Till {
    type Config = ();
    type State = TillState;
    type Action = TillAction;
    const KIND: &'static str = "till";
    const VERSION: u32 = 1;
    const PERSONAL: bool = true;

    fn setup(_: &mut Ctx<'_, Self>) -> TillState {
        TillState::default()
    }

    fn validate(
        state: &TillState,
        by: By,
        action: &TillAction,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match (by, action) {
            (By::Player(_), TillAction::Save(_)) => Ok(()),
            (By::Player(_), _) => Err(SERVER_ONLY),
            (By::Server, TillAction::Buy(price)) if *price > state.coins => Err(POOR),
            (By::Server, _) => Ok(()),
        }
    }

    fn apply(state: &mut TillState, _: By, action: TillAction, _: &mut Ctx<'_, Self>) {
        match action {
            TillAction::Save(coins) | TillAction::Give(coins) => state.coins += coins,
            TillAction::Buy(price) => {
                state.coins -= price;
                state.bought.push(price);
            }
            TillAction::Snap => panic!("snapped"),
            TillAction::Jam => state.jammed = true,
        }
    }

    fn orders(action: &TillAction) -> bool {
        matches!(
            action,
            TillAction::Buy(_) | TillAction::Snap | TillAction::Jam
        )
    }

    fn due(state: &TillState, _: &Ctx<'_, Self>) -> Option<TillAction> {
        state.jammed.then_some(TillAction::Snap)
    }

    fn view(state: &TillState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}
