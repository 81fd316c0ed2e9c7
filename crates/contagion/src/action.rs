//! What may be done, by whom and when. Knows nothing of ticks.

use baton::{By, Ctx, Reject};
use serde::{Deserialize, Serialize};

use crate::Contagion;
use crate::geometry::ANGLES;
use crate::phase::{self, Phase, State};

/// What is done in a room; one or two bytes. New variants are added at the end: the position is
/// the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A player walks on at this angle until told otherwise, see [`ANGLES`].
    Steer(u8),
    /// A player stands still.
    Stop,
    /// The server ends play now, as if time was up. Nobody else can.
    CallTime,
}

/// Why an action was refused: stable codes.
pub mod reject {
    use baton::Reject;

    /// No match is being played.
    pub const NOT_PLAYING: Reject = Reject(1);
    /// The player's figure is out until the match is over.
    pub const OUT: Reject = Reject(2);
    /// Not an angle.
    pub const BAD_ANGLE: Reject = Reject(3);
    /// Only the server does this.
    pub const SERVER_ONLY: Reject = Reject(4);
    /// Only players do this.
    pub const PLAYERS_ONLY: Reject = Reject(5);
    /// The player has no figure on the field: watching, or gone.
    pub const NO_FIGURE: Reject = Reject(6);
}

pub(crate) fn validate(state: &State, by: By, action: Action) -> Result<(), Reject> {
    let player = match (by, action) {
        (By::Server, Action::CallTime) => None,
        (By::Player(_), Action::CallTime) => return Err(reject::SERVER_ONLY),
        (By::Server, Action::Steer(_) | Action::Stop) => return Err(reject::PLAYERS_ONLY),
        (By::Player(_), Action::Steer(angle)) if angle >= ANGLES => {
            return Err(reject::BAD_ANGLE);
        }
        (By::Player(player), Action::Steer(_) | Action::Stop) => Some(player),
    };
    if state.phase != Phase::Playing {
        return Err(reject::NOT_PLAYING);
    }
    match player.map(|player| state.field.figure(player)) {
        Some(None) => Err(reject::NO_FIGURE),
        Some(Some(figure)) if !figure.alive() => Err(reject::OUT),
        Some(Some(_)) | None => Ok(()),
    }
}

pub(crate) fn apply(state: &mut State, by: By, action: Action, ctx: &mut Ctx<'_, Contagion>) {
    match (by, action) {
        (By::Player(player), Action::Steer(angle)) => state.field.steer(player, Some(angle)),
        (By::Player(player), Action::Stop) => state.field.steer(player, None),
        (By::Server, Action::CallTime) => phase::end_play(state, ctx),
        // Refused before.
        (By::Player(_), Action::CallTime) | (By::Server, Action::Steer(_) | Action::Stop) => {}
    }
}
