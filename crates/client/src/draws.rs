//! What is drawn of a game, whoever holds its state: a room's replica, or a run.

use contagion::{Arena, Config, Phase, State};
use js_sys::Int32Array;

/// Rows of sprites that are lent to the page.
#[derive(Default)]
pub(crate) struct Drawing {
    rows: Vec<i32>,
}

impl Drawing {
    /// Rows of `contagion::sprite::STRIDE` integers; none without a state.
    pub(crate) fn sprites(&mut self, state: Option<&State>) -> Int32Array {
        self.rows.clear();
        if let Some(state) = state {
            contagion::sprites(state, &mut self.rows);
        }
        // SAFETY: the view is of `self.rows`, which lives as long as the object that holds it and changes
        // only in the next call; the page reads it before it calls again.
        unsafe { Int32Array::view(&self.rows) }
    }
}

/// The ground, one byte per tile, row by row.
pub(crate) fn ground(game: Option<(&State, &Config)>) -> Vec<u8> {
    let (seed, city) = game.map_or((0, false), |(state, config)| {
        (state.field.seed, config.city && state.phase != Phase::Idle)
    });
    Arena::new(seed, city).terrain().to_vec()
}

/// Which ground it is: another number for each match and while idle.
pub(crate) fn ground_of(state: &State) -> f64 {
    let idle = i64::from(state.phase == Phase::Idle);
    (2 * i64::from(state.match_id) + idle) as f64
}

/// What is shown beside the field, as JSON: the rules' `Hud`, the player `me`, the rules' `Mine` of its figure, who is
/// `here` by which name.
pub(crate) fn hud<'a>(
    state: &State,
    me: Option<u32>,
    here: impl Iterator<Item = (u32, Option<&'a str>)>,
) -> String {
    let here: Vec<_> = here
        .map(|(player, name)| serde_json::json!({ "player": player, "name": name }))
        .collect();
    let hud = serde_json::json!({
        "hud": contagion::hud(state),
        "me": me,
        "mine": me.and_then(|me| contagion::mine(state, me)),
        "here": here,
    });
    hud.to_string()
}
