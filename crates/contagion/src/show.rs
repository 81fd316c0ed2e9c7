//! The room for people (`view`, `hud`) and for a renderer (`sprites`). Reads only, and decides
//! nothing.

use alloc::vec::Vec;

use baton::{Player, Rules};
use serde::Serialize;
use serde_json::{Value, json};

use crate::field::Figure;
use crate::geometry::TILE;
use crate::phase::{Outcome, Phase, State};
use crate::{Contagion, TICK_MS};

/// The layout of the rows that [`sprites`] writes.
pub mod sprite {
    /// Numbers per row.
    pub const STRIDE: usize = 7;

    /// Offset: what it is, [`PLAYER`] or [`ZOMBIE`].
    pub const KIND: usize = 0;
    /// Offset: the player's number, or the zombie's id. With the kind it names the same thing for
    /// as long as a match lasts.
    pub const ID: usize = 1;
    /// Offset: units from the left edge, see [`TILE`](crate::TILE).
    pub const X: usize = 2;
    /// Offset: units from the top edge.
    pub const Y: usize = 3;
    /// Offset: angle step, see [`ANGLES`](crate::ANGLES).
    pub const FACING: usize = 4;
    /// Offset: 0 (out) to [`FULL_HEALTH`](crate::FULL_HEALTH); a zombie's is 1.
    pub const HEALTH: usize = 5;
    /// Offset: [`WALKS`] and [`BITES`], added.
    pub const FLAGS: usize = 6;

    /// A kind: a player's figure.
    pub const PLAYER: i32 = 1;
    /// A kind: a zombie.
    pub const ZOMBIE: i32 = 2;

    /// A flag: the figure walks.
    pub const WALKS: i32 = 1;
    /// A flag: the zombie came or has bitten in this tick.
    pub const BITES: i32 = 2;
}

/// Replaces `out` by one row per thing on the field: zombies in order of coming, then figures by
/// player number, so that figures are drawn on top.
pub fn sprites(state: &State, out: &mut Vec<i32>) {
    out.clear();
    let field = &state.field;
    out.reserve((field.zombies.len() + field.figures.len()) * sprite::STRIDE);
    for zombie in field.zombies.each() {
        let flags = if zombie.biting { sprite::BITES } else { 0 };
        let id = i32::from(zombie.id);
        let facing = i32::from(zombie.facing);
        let (x, y) = (zombie.at.x(), zombie.at.y());
        let row: [i32; sprite::STRIDE] = [sprite::ZOMBIE, id, x, y, facing, 1, flags];
        out.extend_from_slice(&row);
    }
    for figure in &field.figures {
        let flags = if figure.walks { sprite::WALKS } else { 0 };
        // A room has far fewer than 2^31 players; the cast only renames the ones beyond.
        let id = figure.player as i32;
        let (facing, health) = (i32::from(figure.facing), i32::from(figure.health));
        let (x, y) = (figure.at.x(), figure.at.y());
        let row: [i32; sprite::STRIDE] = [sprite::PLAYER, id, x, y, facing, health, flags];
        out.extend_from_slice(&row);
    }
}

/// What is shown beside the field, the same for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hud {
    /// Where the room is in its round.
    pub phase: Phase,
    /// Milliseconds until the phase ends by itself; 0 while idle.
    pub ms_left: u32,
    /// The match in the making, in play or just over.
    pub match_id: u32,
    /// Figures on the field.
    pub players: u16,
    /// Figures on the field that are not out.
    pub alive: u16,
    /// Zombies on the field.
    pub zombies: u16,
    /// How the last match ended.
    pub last: Option<Outcome>,
}

/// What is shown beside the field.
pub fn hud(state: &State) -> Hud {
    let field = &state.field;
    // Figures and zombies are at most 64 and 600.
    Hud {
        phase: state.phase,
        ms_left: state.ticks_left.saturating_mul(TICK_MS),
        match_id: state.match_id,
        players: field.figures.len() as u16,
        alive: field.survivors() as u16,
        zombies: field.zombies.len() as u16,
        last: state.last,
    }
}

pub(crate) fn view(state: &State, who: Option<Player>) -> Value {
    let Hud {
        phase,
        ms_left,
        match_id,
        zombies,
        alive,
        last,
        ..
    } = hud(state);
    let figures = &state.field.figures;
    json!({
        "kind": Contagion::KIND,
        "phase": phase,
        "ms_left": ms_left,
        "match": match_id,
        "alive": alive,
        "zombies": zombies,
        "players": figures.iter().map(person).collect::<Vec<_>>(),
        "you": who.and_then(|who| state.field.figure(who)).map(person),
        "last": last,
    })
}

/// A figure for people; its place is the tile, counted from the top left.
fn person(figure: &Figure) -> Value {
    json!({
        "player": figure.player,
        "alive": figure.alive(),
        "health": figure.health,
        "tile": [figure.at.x() / TILE, figure.at.y() / TILE],
    })
}
