//! What may be done, by whom and when. Knows nothing of ticks.

use baton::{By, Ctx, Player, Reject};
use serde::{Deserialize, Serialize};

use crate::Contagion;
use crate::geometry::ANGLES;
use crate::phase::{self, Phase, State};

/// What is done in a room: one byte, since players do a lot. See [`Action::number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Action {
    /// A player walks on at this angle until told otherwise, see [`ANGLES`].
    Steer(u8),
    /// A player stands still.
    Stop,
    /// The server ends play now, as if time was up. Nobody else can.
    CallTime,
    /// A survivor swings, or shoots what is out of reach; a turned player bites.
    Strike,
    /// A survivor uses a medkit, see `Field::patient`.
    Heal,
    /// A survivor throws a lure ahead.
    Lure,
}

impl Action {
    /// The byte that an action is encoded as: an angle, or a number from [`ANGLES`] on. New ones
    /// are added at the end; 255 is none, and never will be.
    pub fn number(self) -> u8 {
        match self {
            Self::Steer(angle) if angle < ANGLES => angle,
            Self::Steer(_) => u8::MAX,
            Self::Stop => ANGLES,
            Self::CallTime => ANGLES + 1,
            Self::Strike => ANGLES + 2,
            Self::Heal => ANGLES + 3,
            Self::Lure => ANGLES + 4,
        }
    }
}

impl From<Action> for u8 {
    fn from(action: Action) -> Self {
        action.number()
    }
}

impl TryFrom<u8> for Action {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number.checked_sub(ANGLES) {
            None => Ok(Self::Steer(number)),
            Some(0) => Ok(Self::Stop),
            Some(1) => Ok(Self::CallTime),
            Some(2) => Ok(Self::Strike),
            Some(3) => Ok(Self::Heal),
            Some(4) => Ok(Self::Lure),
            Some(_) => Err("no action has this number"),
        }
    }
}

/// Why an action was refused: stable codes.
pub mod reject {
    use baton::Reject;

    /// No match is being played.
    pub const NOT_PLAYING: Reject = Reject(1);
    /// The player was struck down and has not risen yet.
    pub const DOWN: Reject = Reject(2);
    /// Not an angle.
    pub const BAD_ANGLE: Reject = Reject(3);
    /// Only the server does this.
    pub const SERVER_ONLY: Reject = Reject(4);
    /// Only players do this.
    pub const PLAYERS_ONLY: Reject = Reject(5);
    /// The player has no figure on the field: watching, or gone.
    pub const NO_FIGURE: Reject = Reject(6);
    /// Too soon after the last strike.
    pub const COOLING: Reject = Reject(7);
    /// None of it is carried.
    pub const EMPTY: Reject = Reject(8);
    /// Nobody in reach needs a medkit.
    pub const NO_USE: Reject = Reject(9);
    /// Zombies do not do this.
    pub const TURNED: Reject = Reject(10);
}

pub(crate) fn validate(state: &State, by: By, action: Action) -> Result<(), Reject> {
    let player = match (by, action) {
        (By::Server, Action::CallTime) => None,
        (By::Player(_), Action::CallTime) => return Err(reject::SERVER_ONLY),
        (By::Server, _) => return Err(reject::PLAYERS_ONLY),
        (By::Player(_), Action::Steer(angle)) if angle >= ANGLES => {
            return Err(reject::BAD_ANGLE);
        }
        (By::Player(player), _) => Some(player),
    };
    if state.phase != Phase::Playing {
        return Err(reject::NOT_PLAYING);
    }
    player.map_or(Ok(()), |player| may(state, player, action))
}

fn may(state: &State, player: Player, action: Action) -> Result<(), Reject> {
    let seat = state.field.seat_of(player);
    let seat = seat.map_err(|_| reject::NO_FIGURE)?;
    let figure = &state.field.figures[seat];
    if figure.is_down() {
        return Err(reject::DOWN);
    }
    let carried = match action {
        Action::Steer(_) | Action::Stop | Action::CallTime => return Ok(()),
        Action::Strike if figure.cooldown > 0 => return Err(reject::COOLING),
        Action::Strike => return Ok(()),
        Action::Heal | Action::Lure if !figure.survives() => return Err(reject::TURNED),
        Action::Heal => figure.kit.medkits,
        Action::Lure => figure.kit.lures,
    };
    if carried == 0 {
        return Err(reject::EMPTY);
    }
    if action == Action::Heal && state.field.patient(seat).is_none() {
        return Err(reject::NO_USE);
    }
    Ok(())
}

pub(crate) fn apply(state: &mut State, by: By, action: Action, ctx: &mut Ctx<'_, Contagion>) {
    let player = match (by, action) {
        (By::Server, Action::CallTime) => return phase::end_play(state, ctx),
        (By::Player(player), _) => player,
        // Refused before.
        (By::Server, _) => return,
    };
    let field = &mut state.field;
    match action {
        Action::Steer(angle) => field.steer(player, Some(angle)),
        Action::Stop => field.steer(player, None),
        Action::Strike => {
            let arena = field.arena(ctx.config());
            field.strike(player, &arena);
        }
        Action::Heal => field.heal(player),
        Action::Lure => {
            let arena = field.arena(ctx.config());
            field.lure(player, &arena);
        }
        // Refused before.
        Action::CallTime => {}
    }
}
