//! The rules of the replayer's room.

use baton::{By, Ctx, Player, Reject, Rules, Silence};
use serde_json::Value;

/// Rules that only remember, with time that passes.
#[derive(Debug)]
pub(super) struct Diary;

impl Rules for Diary {
    type Config = ();
    type State = Vec<(Player, u32)>;
    type Action = u32;
    const KIND: &'static str = "diary";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;
    const SILENCE: Silence = Silence::CatchUp { max_ms: 600_000 };

    fn setup(_: &mut Ctx<'_, Self>) -> Self::State {
        Vec::new()
    }

    fn validate(_: &Self::State, _: By, _: &u32, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(state: &mut Self::State, by: By, action: u32, _: &mut Ctx<'_, Self>) {
        if let By::Player(player) = by {
            state.push((player, action));
        }
    }

    fn view(state: &Self::State, _: Option<Player>) -> Value {
        state.len().into()
    }
}
