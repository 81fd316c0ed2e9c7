//! Idle, countdown, playing, over: when one follows the other, and what a match leaves behind.
//! Knows nothing of what happens on the field.

use baton::{Ctx, Player};
use serde::{Deserialize, Serialize};

use crate::field::Field;
use crate::{Contagion, award, ticks};

/// Where a room is in its round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nobody is here and no match is unfinished.
    #[default]
    Idle,
    /// A match is about to be played.
    Countdown,
    /// A match is played. It waits while nobody is present.
    Playing,
    /// A match was played; its end is shown.
    Over,
}

/// Who has won.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    /// Rescue came for somebody, infected or not.
    Survivors,
    /// Nobody was left who had not turned.
    Contagion,
}

/// How a match ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The match.
    pub match_id: u32,
    /// Who has won it.
    pub winner: Winner,
    /// Survivors on the field at its end.
    pub survivors: u16,
    /// Players it knew, the ones who left included.
    pub players: u16,
    /// How long it was played, in milliseconds.
    pub played_ms: u32,
}

/// Everything a room remembers. Only the rules change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where the room is in its round.
    pub phase: Phase,
    /// Ticks until the phase ends by itself; 0 while idle.
    pub ticks_left: u32,
    /// The match in the making, in play or just over; while idle the last one. From 1, rising.
    pub match_id: u32,
    /// How the last match ended.
    pub last: Option<Outcome>,
    /// The match; empty while idle.
    pub field: Field,
}

/// A player is present: the first starts a countdown; others join whatever is going on.
pub(crate) fn joined(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    match state.phase {
        Phase::Idle => {
            begin_countdown(state, ctx);
            // Who came late within a tick has the whole countdown nevertheless.
            state.ticks_left = state.ticks_left.saturating_add(1);
        }
        Phase::Countdown | Phase::Playing => seat_everybody(state, ctx),
        Phase::Over => {}
    }
}

/// A player is gone: without anybody, countdown and scoreboard end at once; a match waits.
pub(crate) fn left(state: &mut State, who: Player, ctx: &mut Ctx<'_, Contagion>) {
    match state.phase {
        Phase::Idle => {}
        Phase::Countdown | Phase::Over if ctx.present().is_empty() => become_idle(state),
        Phase::Countdown => {
            state.field.remove(who);
            seat_everybody(state, ctx);
        }
        Phase::Playing => {
            state.field.set_away(who);
            seat_everybody(state, ctx);
        }
        // Who goes stays on the scoreboard.
        Phase::Over => state.field.set_away(who),
    }
}

/// One tick.
pub(crate) fn tick(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    if state.phase == Phase::Idle {
        return;
    }
    state.ticks_left = state.ticks_left.saturating_sub(1);
    if state.phase == Phase::Playing {
        let config = *ctx.config();
        state.field.tick(&config, ctx.random());
        if state.field.is_lost() {
            state.ticks_left = 0;
        }
    }
    if state.ticks_left == 0 {
        match state.phase {
            Phase::Countdown => begin_play(state, ctx),
            Phase::Playing => end_play(state, ctx),
            Phase::Idle | Phase::Over => begin_countdown(state, ctx),
        }
    }
}

/// Ends the match being played: if any survivor is left, survivors have won. Each player's result
/// goes to the player's account. The server may do it to an empty room.
pub(crate) fn end_play(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    let field = &state.field;
    let survivors = field.survivors();
    let outcome = Outcome {
        match_id: state.match_id,
        winner: if survivors > 0 {
            Winner::Survivors
        } else {
            Winner::Contagion
        },
        // At most MAX_KNOWN.
        survivors: survivors as u16,
        players: (field.figures.len() + field.away.len()) as u16,
        played_ms: field.played_ms,
    };
    award::send(field, &outcome, ctx);
    state.last = Some(outcome);
    if ctx.present().is_empty() {
        become_idle(state);
    } else {
        state.phase = Phase::Over;
        state.ticks_left = ticks(ctx.config().over_ms);
    }
}

/// A new match, from the initial state.
fn begin_countdown(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    state.phase = Phase::Countdown;
    state.ticks_left = ticks(ctx.config().countdown_ms);
    // A match lasts three ticks at least: 2^32 of them are 40 years.
    state.match_id = state.match_id.saturating_add(1);
    state.field = Field::new(ctx.random().next_u64());
    seat_everybody(state, ctx);
}

fn begin_play(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    let config = *ctx.config();
    state.phase = Phase::Playing;
    state.ticks_left = ticks(config.play_ms);
    state.field.begin(&config, ctx.random());
}

fn become_idle(state: &mut State) {
    state.phase = Phase::Idle;
    state.ticks_left = 0;
    state.field = Field::default();
}

fn seat_everybody(state: &mut State, ctx: &mut Ctx<'_, Contagion>) {
    let present = ctx.present().to_vec();
    let config = *ctx.config();
    state.field.seat(&present, &config, ctx.random());
}
