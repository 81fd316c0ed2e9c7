//! **Contagion**: outlive the zombies until time is up. The rules of one room, as Baton wants
//! them; this file says which call of the trait goes where. Knows no frames, stores or screens.
//!
//! Of the game that inspired this only so much is public: the engine keeps adding zombies to the
//! map, a 15 s countdown starts when a first player comes and no game is running, later players
//! join the running game. Everything else is ours.
//!
//! | file | decides |
//! |---|---|
//! | `config` | what a room is told at its start |
//! | `action` | what may be done, by whom, and the codes of refusals |
//! | `phase` | idle, countdown, playing, over: when one follows the other |
//! | `field` | one match: who has a seat, where figures stand, what bites do, how many zombies come |
//! | `zombies` | the zombies as columns, and how they hunt |
//! | `geometry` | points, angles, walking, in integers |
//! | `show` | the room for people (`view`, `hud`) and for a renderer (`sprites`) |
#![no_std]

extern crate alloc;

mod action;
mod config;
mod field;
mod geometry;
mod phase;
mod show;
mod zombies;

pub use action::{Action, reject};
pub use config::Config;
pub use field::{DESERTED_MS, FULL_HEALTH, Field, Figure, MAX_KNOWN, MAX_PLAYERS, PLAYER_SPEED};
pub use geometry::{ANGLES, HEIGHT, MARGIN, Point, TILE, WIDTH, heading};
pub use phase::{Outcome, Phase, State, Winner};
pub use show::{Hud, hud, sprite, sprites};
pub use zombies::{BITE_COOLDOWN_MS, BITE_DAMAGE, BITE_REACH, MAX_ZOMBIES, ZOMBIE_SPEEDS, Zombies};

use baton::{By, Ctx, Player, Reject, Rules};

/// The zombie game.
#[derive(Clone, Copy, Debug)]
pub struct Contagion;

/// Milliseconds per tick: ten ticks a second.
pub const TICK_MS: u32 = 100;

/// Ticks that last at least `ms`, and at least one.
pub(crate) const fn ticks(ms: u32) -> u32 {
    let ticks = ms.div_ceil(TICK_MS);
    if ticks == 0 { 1 } else { ticks }
}

impl Rules for Contagion {
    type Config = Config;
    type State = State;
    type Action = Action;

    const KIND: &'static str = "contagion";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = TICK_MS;
    const GOLDEN: &'static str = include_str!("../golden/v1.txt");

    fn setup(_: &mut Ctx<'_, Self>) -> State {
        State::default()
    }

    fn validate(state: &State, by: By, action: &Action, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        action::validate(state, by, *action)
    }

    fn apply(state: &mut State, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        action::apply(state, by, action, ctx);
    }

    fn tick(state: &mut State, ctx: &mut Ctx<'_, Self>) {
        phase::tick(state, ctx);
    }

    fn joined(state: &mut State, _: Player, ctx: &mut Ctx<'_, Self>) {
        phase::joined(state, ctx);
    }

    fn left(state: &mut State, who: Player, ctx: &mut Ctx<'_, Self>) {
        phase::left(state, who, ctx);
    }

    fn view(state: &State, who: Option<Player>) -> serde_json::Value {
        show::view(state, who)
    }
}
