//! A player's body in a match: what it carries, how ill it is, what it has done. Knows nothing of
//! where others are.

use baton::Player;
use serde::{Deserialize, Serialize};

use crate::geometry::Point;
use crate::{TICK_MS, ticks};

/// The health of a figure that was never bitten.
pub const FULL_HEALTH: u8 = 100;
/// How far a survivor walks in a tick, in units: 3.75 tiles a second.
pub const SURVIVOR_SPEED: i32 = 96;
/// How far a turned player walks in a tick, in units: 3.6 tiles a second.
pub const TURNED_SPEED: i32 = 92;
/// From infection to turning, in milliseconds.
pub const INFECTION_MS: u32 = 20_000;
/// How long a turned player lies when struck down, in milliseconds.
pub const DOWN_MS: u32 = 5_000;
/// From turning to the first bite, in milliseconds.
pub const TURNING_MS: u32 = 1_500;
/// The health of a player who has turned, and who rises.
pub const TURNED_HEALTH: u8 = 90;

/// Medkits that a survivor carries, at most.
pub const MAX_MEDKITS: u8 = 2;
/// Rounds that a survivor carries, at most.
pub const MAX_AMMUNITION: u8 = 24;
/// Lures that a survivor carries, at most.
pub const MAX_LURES: u8 = 2;
/// Rounds in a crate.
pub const ROUNDS: u8 = 6;

/// Points for what was done; see [`Tally::score`].
pub mod points {
    /// A second survived.
    pub const SECOND: u32 = 1;
    /// A zombie struck, or a turned player struck down.
    pub const STRUCK: u32 = 5;
    /// Somebody else cured.
    pub const CURE: u32 = 25;
    /// A survivor infected.
    pub const INFECTED: u32 = 40;
}

/// Which side a player is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May be infected.
    #[default]
    Survivor,
    /// Plays on as a zombie.
    Turned,
}

/// What a survivor carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kit {
    /// At most [`MAX_MEDKITS`].
    pub medkits: u8,
    /// At most [`MAX_AMMUNITION`].
    pub ammunition: u8,
    /// At most [`MAX_LURES`].
    pub lures: u8,
}

/// What a player has done in a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Milliseconds of play on the field as a survivor.
    pub survived_ms: u32,
    /// Zombies struck, and turned players struck down.
    pub struck: u16,
    /// Others cured.
    pub cures: u16,
    /// Survivors infected.
    pub infected: u16,
}

impl Tally {
    /// Points.
    pub fn score(&self) -> u32 {
        let each = [
            (self.survived_ms / 1_000, points::SECOND),
            (self.struck.into(), points::STRUCK),
            (self.cures.into(), points::CURE),
            (self.infected.into(), points::INFECTED),
        ];
        // Less than 2^23 seconds and 2^16 of the others, but for a state that nobody made.
        each.iter().fold(0, |sum, &(count, worth)| {
            sum.saturating_add(count.saturating_mul(worth))
        })
    }
}

/// How a strike was done, for as long as it is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blow {
    /// None was seen yet.
    #[default]
    None,
    /// A swing or a bite.
    Swing,
    /// A shot that flew this far, in units.
    Shot(u16),
}

/// A player's body in a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Whose it is.
    pub player: Player,
    /// Where it stands.
    pub at: Point,
    /// Angle step of its last walk or shot.
    pub facing: u8,
    /// Whether it walks.
    pub walks: bool,
    /// Which side it is on.
    pub role: Role,
    /// A survivor's is above 0; a turned player's is 0 while down.
    pub health: u8,
    /// Ticks until it turns; 0 while it is not infected.
    pub infection: u8,
    /// Ticks until it may strike.
    pub cooldown: u8,
    /// Ticks until it rises.
    pub down: u8,
    /// Its last strike.
    pub blow: Blow,
    /// What it carries.
    pub kit: Kit,
    /// What it has done.
    pub tally: Tally,
}

/// Ticks from infection to turning.
pub(crate) const INFECTION: u8 = ticks(INFECTION_MS) as u8;
const DOWN: u8 = ticks(DOWN_MS) as u8;
const TURNING: u8 = ticks(TURNING_MS) as u8;
const _: () = assert!(INFECTION_MS.div_ceil(TICK_MS) <= u8::MAX as u32);

impl Figure {
    /// A survivor who has just come.
    pub(crate) fn new(player: Player, at: Point) -> Self {
        Self {
            player,
            at,
            facing: 0,
            walks: false,
            role: Role::Survivor,
            health: FULL_HEALTH,
            infection: 0,
            cooldown: 0,
            down: 0,
            blow: Blow::None,
            kit: Kit {
                lures: 1,
                ..Kit::default()
            },
            tally: Tally::default(),
        }
    }

    /// Whether it is on the survivors' side, infected or not.
    pub fn survives(&self) -> bool {
        self.role == Role::Survivor
    }

    /// Whether it will turn unless it is cured.
    pub fn is_infected(&self) -> bool {
        self.survives() && self.infection > 0
    }

    /// Whether it lies on the ground.
    pub fn is_down(&self) -> bool {
        self.down > 0
    }

    /// How far it walks in a tick.
    pub(crate) fn speed(&self) -> i32 {
        match self.role {
            Role::Survivor => SURVIVOR_SPEED,
            Role::Turned => TURNED_SPEED,
        }
    }

    /// A tick's rest: it may strike sooner, and who lay long enough rises.
    pub(crate) fn rest(&mut self) {
        self.cooldown = self.cooldown.saturating_sub(1);
        if self.is_down() {
            self.down -= 1;
            if !self.is_down() {
                self.health = TURNED_HEALTH;
            }
        }
    }

    /// A tick's illness; whether it has to turn now.
    pub(crate) fn sicken(&mut self) -> bool {
        if !self.is_infected() {
            return false;
        }
        self.infection -= 1;
        self.infection == 0
    }

    /// Hurts a survivor; whether it was not infected before.
    pub(crate) fn bite(&mut self, damage: u32) -> bool {
        // No more than it was, so it fits.
        self.health = u32::from(self.health).saturating_sub(damage) as u8;
        let first = self.infection == 0;
        if first {
            self.infection = INFECTION;
        }
        first
    }

    /// Plays on as a zombie; what it carried is left behind.
    pub(crate) fn turn(&mut self) -> Kit {
        self.role = Role::Turned;
        self.health = TURNED_HEALTH;
        self.infection = 0;
        self.cooldown = TURNING;
        self.walks = false;
        self.blow = Blow::None;
        core::mem::take(&mut self.kit)
    }

    /// Strikes a turned player; whether it went down.
    pub(crate) fn fell(&mut self, damage: u8) -> bool {
        self.health = self.health.saturating_sub(damage);
        if self.health > 0 {
            return false;
        }
        self.down = DOWN;
        self.walks = false;
        true
    }
}
