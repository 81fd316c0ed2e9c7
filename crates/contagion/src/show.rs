//! The room for people (`view`, `hud`, `mine`) and for a renderer (`sprites`). Reads only, and
//! decides nothing.

use alloc::vec::Vec;

use baton::{Player, Rules};
use serde::Serialize;
use serde_json::{Value, json};

use crate::feed::Told;
use crate::figure::{Blow, Figure, Role};
use crate::geometry::TILE;
use crate::items::Thing;
use crate::phase::{Outcome, Phase, State};
use crate::strike::{STRIKE_COOLDOWN_MS, TURNED_COOLDOWN_MS};
use crate::{Contagion, TICK_MS, ticks};

/// The layout of the rows that [`sprites`] writes.
pub mod sprite {
    /// Numbers per row.
    pub const STRIDE: usize = 9;

    /// Offset: what it is, e.g. [`PLAYER`].
    pub const KIND: usize = 0;
    /// Offset: the player's number, or the thing's id. With the kind it names the same thing for
    /// as long as a match lasts.
    pub const ID: usize = 1;
    /// Offset: units from the left edge, see [`TILE`](crate::TILE).
    pub const X: usize = 2;
    /// Offset: units from the top edge.
    pub const Y: usize = 3;
    /// Offset: angle step, see [`ANGLES`](crate::ANGLES).
    pub const FACING: usize = 4;
    /// Offset: a player's health, 0 to [`FULL_HEALTH`](crate::FULL_HEALTH); of others 1.
    pub const HEALTH: usize = 5;
    /// Offset: flags, added.
    pub const FLAGS: usize = 6;
    /// Offset: of a player milliseconds until turning, 0 if not infected; of an item what it is,
    /// e.g. [`MEDKIT`]; of a lure milliseconds of noise left.
    pub const EXTRA: usize = 7;
    /// Offset: with [`SHOOTS`], how far the shot flew, in units.
    pub const SHOT: usize = 8;

    /// A kind: a player's figure.
    pub const PLAYER: i32 = 1;
    /// A kind: a zombie.
    pub const ZOMBIE: i32 = 2;
    /// A kind: an item on the ground.
    pub const ITEM: i32 = 3;
    /// A kind: a lure that makes noise.
    pub const LURE: i32 = 4;

    /// A flag: the figure walks.
    pub const WALKS: i32 = 1;
    /// A flag: the zombie came or has bitten in this tick; the turned player has just bitten.
    pub const BITES: i32 = 2;
    /// A flag: the survivor has just swung.
    pub const STRIKES: i32 = 4;
    /// A flag: the survivor has just fired.
    pub const SHOOTS: i32 = 8;
    /// A flag: the player has turned.
    pub const TURNED: i32 = 16;
    /// A flag: the turned player lies on the ground.
    pub const DOWN: i32 = 32;

    /// An item: a medkit.
    pub const MEDKIT: i32 = 1;
    /// An item: a crate of ammunition.
    pub const AMMUNITION: i32 = 2;
    /// An item: a lure.
    pub const LURE_ITEM: i32 = 3;
}

/// For how many ticks a strike is seen.
const SEEN: u32 = 2;

/// Replaces `out` by one row per thing on the field, in the order in which they are drawn: items,
/// noises, zombies in order of coming, figures by player number.
pub fn sprites(state: &State, out: &mut Vec<i32>) {
    out.clear();
    let field = &state.field;
    let ground = &field.ground;
    let count =
        ground.items.len() + ground.noises.len() + field.zombies.len() + field.figures.len();
    out.reserve(count * sprite::STRIDE);
    let mut put = |row: [i32; sprite::STRIDE]| out.extend_from_slice(&row);
    for item in &ground.items {
        let what = match item.thing {
            Thing::Medkit => sprite::MEDKIT,
            Thing::Ammunition => sprite::AMMUNITION,
            Thing::Lure => sprite::LURE_ITEM,
        };
        let (x, y) = (item.at.x(), item.at.y());
        put([sprite::ITEM, item.id.into(), x, y, 0, 1, 0, what, 0]);
    }
    for noise in &ground.noises {
        let (x, y) = (noise.at.x(), noise.at.y());
        let left = i32::from(noise.left) * TICK_MS as i32;
        put([sprite::LURE, noise.id.into(), x, y, 0, 1, 0, left, 0]);
    }
    for zombie in field.zombies.each() {
        let flags = if zombie.biting { sprite::BITES } else { 0 };
        let (x, y) = (zombie.at.x(), zombie.at.y());
        let (id, facing) = (zombie.id.into(), zombie.facing.into());
        put([sprite::ZOMBIE, id, x, y, facing, 1, flags, 0, 0]);
    }
    for figure in &field.figures {
        // A room has far fewer than 2^31 players; the cast only renames the ones beyond.
        let id = figure.player as i32;
        let (facing, health) = (figure.facing.into(), figure.health.into());
        let (x, y) = (figure.at.x(), figure.at.y());
        let (flags, shot) = flags(figure);
        let left = ms(infection(figure)) as i32;
        put([sprite::PLAYER, id, x, y, facing, health, flags, left, shot]);
    }
}

/// A figure's flags, and how far its shot flew.
fn flags(figure: &Figure) -> (i32, i32) {
    let mut flags = 0;
    let mut add = |so: bool, flag: i32| flags |= if so { flag } else { 0 };
    add(figure.walks, sprite::WALKS);
    add(!figure.survives(), sprite::TURNED);
    add(figure.is_down(), sprite::DOWN);
    let cooldown = match figure.role {
        Role::Survivor => STRIKE_COOLDOWN_MS,
        Role::Turned => TURNED_COOLDOWN_MS,
    };
    let fresh = u32::from(figure.cooldown) + SEEN > ticks(cooldown);
    let mut shot = 0;
    match figure.blow {
        Blow::Swing if fresh && figure.survives() => add(true, sprite::STRIKES),
        Blow::Swing if fresh => add(true, sprite::BITES),
        Blow::Shot(length) if fresh => {
            add(true, sprite::SHOOTS);
            shot = length.into();
        }
        Blow::None | Blow::Swing | Blow::Shot(_) => {}
    }
    (flags, shot)
}

fn ms(ticks: u8) -> u32 {
    u32::from(ticks) * TICK_MS
}

/// Ticks until turning.
fn infection(figure: &Figure) -> u8 {
    if figure.is_infected() {
        figure.infection
    } else {
        0
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
    /// Those that have not turned, the infected ones included.
    pub survivors: u16,
    /// Survivors who will turn unless cured.
    pub infected: u16,
    /// Those that have turned.
    pub turned: u16,
    /// Zombies on the field.
    pub zombies: u16,
    /// How the last match ended.
    pub last: Option<Outcome>,
    /// Everybody whom the match knows, best first, of equally good ones by player number.
    pub scores: Vec<Score>,
    /// What happened last, oldest first.
    pub feed: Vec<Told>,
}

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Well.
    Survivor,
    /// Will turn unless cured.
    Infected,
    /// Plays as a zombie.
    Turned,
}

/// A player's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Whose.
    pub player: Player,
    /// Points.
    pub score: u32,
    /// How the player stands.
    pub role: Standing,
    /// Whether the player has left.
    pub away: bool,
    /// Milliseconds survived.
    pub survived_ms: u32,
    /// Zombies struck, and turned players struck down.
    pub struck: u16,
    /// Others cured.
    pub cures: u16,
    /// Survivors infected.
    pub infected: u16,
}

impl Score {
    fn of(figure: &Figure, away: bool) -> Self {
        let tally = figure.tally;
        Self {
            player: figure.player,
            score: tally.score(),
            role: standing(figure),
            away,
            survived_ms: tally.survived_ms,
            struck: tally.struck,
            cures: tally.cures,
            infected: tally.infected,
        }
    }
}

fn standing(figure: &Figure) -> Standing {
    match figure.role {
        Role::Turned => Standing::Turned,
        Role::Survivor if figure.is_infected() => Standing::Infected,
        Role::Survivor => Standing::Survivor,
    }
}

/// What is shown beside the field.
pub fn hud(state: &State) -> Hud {
    let field = &state.field;
    let here = field.figures.iter().map(|figure| Score::of(figure, false));
    let away = field.away.iter().map(|figure| Score::of(figure, true));
    let mut scores: Vec<Score> = here.chain(away).collect();
    scores.sort_unstable_by_key(|score| (core::cmp::Reverse(score.score), score.player));
    // Figures and zombies are at most 64 and 600.
    Hud {
        phase: state.phase,
        ms_left: state.ticks_left.saturating_mul(TICK_MS),
        match_id: state.match_id,
        players: field.figures.len() as u16,
        survivors: field.survivors() as u16,
        infected: infected(state),
        turned: field.count(Role::Turned) as u16,
        zombies: field.zombies.len() as u16,
        last: state.last,
        scores,
        feed: field.feed.told().to_vec(),
    }
}

fn infected(state: &State) -> u16 {
    let infected = state
        .field
        .figures
        .iter()
        .filter(|figure| figure.is_infected());
    infected.count() as u16
}

/// What is shown to a player of the own figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mine {
    /// Which side it is on.
    pub role: Role,
    /// 0 to [`FULL_HEALTH`](crate::FULL_HEALTH).
    pub health: u8,
    /// Milliseconds until turning; 0 if not infected.
    pub infection_ms: u32,
    /// Rounds.
    pub ammunition: u8,
    /// Medkits.
    pub medkits: u8,
    /// Lures.
    pub lures: u8,
    /// Milliseconds until it may strike.
    pub cooldown_ms: u32,
    /// Milliseconds until it rises; 0 if it stands.
    pub down_ms: u32,
    /// Points.
    pub score: u32,
}

/// A player's own figure; `None` for who watches.
pub fn mine(state: &State, player: Player) -> Option<Mine> {
    let figure = state.field.figure(player)?;
    Some(Mine {
        role: figure.role,
        health: figure.health,
        infection_ms: ms(infection(figure)),
        ammunition: figure.kit.ammunition,
        medkits: figure.kit.medkits,
        lures: figure.kit.lures,
        cooldown_ms: ms(figure.cooldown),
        down_ms: ms(figure.down),
        score: figure.tally.score(),
    })
}

pub(crate) fn view(state: &State, who: Option<Player>) -> Value {
    let field = &state.field;
    json!({
        "kind": Contagion::KIND,
        "phase": state.phase,
        "ms_left": state.ticks_left.saturating_mul(TICK_MS),
        "match": state.match_id,
        "survivors": field.survivors(),
        "infected": infected(state),
        "turned": field.count(Role::Turned),
        "zombies": field.zombies.len(),
        "players": field.figures.iter().map(person).collect::<Vec<_>>(),
        "you": who.and_then(|who| field.figure(who)).map(person),
        "last": state.last,
    })
}

/// A figure for people; its place is the tile, counted from the top left.
fn person(figure: &Figure) -> Value {
    json!({
        "player": figure.player,
        "role": standing(figure),
        "health": figure.health,
        "score": figure.tally.score(),
        "tile": [figure.at.x() / TILE, figure.at.y() / TILE],
    })
}
