//! **Contagion**: last until rescue comes. Zombies bite, who is bitten and not cured turns, and
//! who has turned hunts the others. The rules of one room, as Baton wants
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
//! | `field` | one match: seats, the order of a tick, who comes |
//! | `figure` | a player's body: health, infection, what it carries, its points |
//! | `strike` | strikes, shots, bites, medkits, lures |
//! | `zombies` | the zombies as columns, and how they hunt |
//! | `flow` | the way to the nearest prey around walls, for every tile |
//! | `arena` | what lies on each tile, and how walls stop walkers |
//! | `town` | the plan of streets, houses and parks from the match's seed |
//! | `items` | what lies on the ground, and noises |
//! | `feed` | what players are told |
//! | `award` | what accounts are sent when a match ends |
//! | `run` | a match played alone: what is kept of it, and how it is replayed |
//! | `geometry` | points, angles, walking, in integers |
//! | `show` | the room for people (`view`, `hud`) and for a renderer (`sprites`) |
//! | `derived` | values that follow from the state and are not part of it |
#![no_std]

extern crate alloc;

mod action;
mod arena;
mod award;
mod config;
mod derived;
mod feed;
mod field;
mod figure;
mod flow;
mod geometry;
mod items;
mod phase;
mod run;
mod show;
mod strike;
mod town;
mod zombies;

pub use action::{Action, reject};
pub use arena::{Arena, COLUMNS, RADIUS, ROWS, terrain};
pub use award::{ACCOUNT, Award, MatchResult};
pub use config::Config;
pub use feed::{Feed, MAX_TOLD, Told, What};
pub use field::{DESERTED_MS, Field, MAX_KNOWN, MAX_PLAYERS};
pub use figure::{
    Blow, DOWN_MS, FULL_HEALTH, Figure, INFECTION_MS, Kit, MAX_AMMUNITION, MAX_LURES, MAX_MEDKITS,
    ROUNDS, Role, SURVIVOR_SPEED, TURNED_HEALTH, TURNED_SPEED, TURNING_MS, Tally, points,
};
pub use flow::{CYCLE, NOISE, SCENT};
pub use geometry::{ANGLES, HEIGHT, MARGIN, Point, TILE, WIDTH, heading};
pub use items::{Ground, Item, LURE_MS, MAX_ITEMS, MAX_NOISES, Noise, PICK_UP_REACH, Thing};
pub use phase::{Outcome, Phase, State, Winner};
pub use run::{Flaw, Inputs, MAX_RUN_BYTES, Progress, RUN, Run, RunError, Trial};
pub use show::{Hud, Mine, Score, Standing, hud, mine, sprite, sprites};
pub use strike::{
    HEAL_REACH, MEDKIT_HEALTH, SHOT_ARC, SHOT_REACH, STRIKE_ARC, STRIKE_COOLDOWN_MS, STRIKE_DAMAGE,
    STRIKE_REACH, STRIKE_TARGETS, THROW, TOUCH, TURNED_COOLDOWN_MS, TURNED_DAMAGE, TURNED_REACH,
};
pub use zombies::{
    BITE_COOLDOWN_MS, BITE_DAMAGE, BITE_REACH, CROWD, MAX_ZOMBIES, SIGHT, WANDER, ZOMBIE_SPEEDS,
    Zombies,
};

use baton::{By, Ctx, Player, Reject, Rules};

/// The zombie game.
#[derive(Clone, Copy, Debug)]
pub struct Contagion;

/// Milliseconds per tick: ten ticks a second.
pub const TICK_MS: u32 = 100;
/// The lie of the land and the ways to players on it, as they are kept: two fields of distances and what they were made from.
const WARM_BYTES: usize = 56 * 1024;

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
    const WARM_BYTES: usize = WARM_BYTES;
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
