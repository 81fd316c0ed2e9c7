//! One match: who has a seat, where figures stand, what bites do, how many zombies come. Knows
//! nothing of phases: who calls decides when.

use alloc::{vec, vec::Vec};

use baton::{Player, Random};
use serde::{Deserialize, Serialize};

use crate::geometry::{HEIGHT, MARGIN, Point, TILE, WIDTH};
use crate::zombies::{BITE_DAMAGE, MAX_ZOMBIES, Zombies};
use crate::{Config, TICK_MS, ticks};

/// Figures on the field at once, at most; who comes later watches until a seat is free.
pub const MAX_PLAYERS: usize = 64;
/// Players that one match remembers, away ones included, at most; who comes later watches.
pub const MAX_KNOWN: usize = 256;
/// The health of a figure that was never bitten. At 0 it is out.
pub const FULL_HEALTH: u8 = 100;
/// How far a figure walks in a tick, in units: 3.75 tiles a second.
pub const PLAYER_SPEED: i32 = 96;
/// A match that nobody alive has been on for this long is lost, in milliseconds, so that the last
/// survivor cannot win by leaving.
pub const DESERTED_MS: u32 = 5_000;

/// Half the sides of the middle of the arena where figures land, in units.
const LANDING: (i32, i32) = (16 * TILE, 11 * TILE);
/// Places drawn for a figure that lands; the one farthest from zombies is taken.
const LANDING_TRIES: u32 = 6;
/// Milliseconds of a minute: spawn rates are per minute.
const MINUTE_MS: u64 = 60_000;

/// A player's body in a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Whose it is.
    pub player: Player,
    /// Where it stands.
    pub at: Point,
    /// Angle step of its last walk.
    pub facing: u8,
    /// Whether it walks.
    pub walks: bool,
    /// 0: out until the match is over.
    pub health: u8,
}

impl Figure {
    /// Whether it is not out.
    pub fn alive(&self) -> bool {
        self.health > 0
    }
}

/// A match in the making, in play, or just over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The match's own seed: what is made once per match (a map) comes from it.
    pub seed: u64,
    /// Figures of present players, by rising player number.
    pub figures: Vec<Figure>,
    /// Figures of players who left during play, by rising player number; they get them back.
    pub away: Vec<Figure>,
    /// The zombies.
    pub zombies: Zombies,
    /// The id of the next zombie.
    pub next_zombie: u16,
    /// Milliseconds of play so far.
    pub played_ms: u32,
    /// What has grown towards the next zombie, in zombies · milliseconds per minute.
    pub spawn_credit: u64,
    /// Ticks since somebody alive was on the field.
    pub deserted: u16,
}

impl Field {
    /// The initial state of a match: empty but for its seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// The figure of a player, if on the field.
    pub fn figure(&self, player: Player) -> Option<&Figure> {
        let seat = self.seat_of(player).ok()?;
        self.figures.get(seat)
    }

    /// Figures on the field that are not out.
    pub fn survivors(&self) -> usize {
        self.figures.iter().filter(|figure| figure.alive()).count()
    }

    /// Whether nobody can be saved: all are out, or who is not has deserted.
    pub(crate) fn is_lost(&self) -> bool {
        let somebody_may_return = self.away.iter().any(Figure::alive);
        self.survivors() == 0
            && (!somebody_may_return || u32::from(self.deserted) >= ticks(DESERTED_MS))
    }

    /// Gives seats to present players who have none, in order of their numbers, as long as there
    /// are any. A player who was away gets the figure back as it was.
    pub(crate) fn seat(&mut self, present: &[Player], random: &mut Random) {
        for &player in present {
            if self.figures.len() >= MAX_PLAYERS {
                return;
            }
            let Err(seat) = self.seat_of(player) else {
                continue;
            };
            let figure = match self.away.binary_search_by_key(&player, |away| away.player) {
                Ok(place) => self.away.remove(place),
                Err(_) if self.figures.len() + self.away.len() >= MAX_KNOWN => continue,
                Err(_) => Figure {
                    player,
                    at: self.landing(random),
                    facing: 0,
                    walks: false,
                    health: FULL_HEALTH,
                },
            };
            self.figures.insert(seat, figure);
        }
    }

    /// Takes a player's figure off the field for good.
    pub(crate) fn remove(&mut self, player: Player) -> Option<Figure> {
        let seat = self.seat_of(player).ok()?;
        Some(self.figures.remove(seat))
    }

    /// Takes a player's figure off the field until the player is back.
    pub(crate) fn set_away(&mut self, player: Player) {
        if let Some(mut figure) = self.remove(player) {
            figure.walks = false;
            let place = self.away.partition_point(|away| away.player < player);
            self.away.insert(place, figure);
        }
    }

    /// Lets a player's figure walk at an angle, or stand.
    pub(crate) fn steer(&mut self, player: Player, angle: Option<u8>) {
        if let Ok(seat) = self.seat_of(player) {
            let figure = &mut self.figures[seat];
            figure.walks = angle.is_some();
            figure.facing = angle.unwrap_or(figure.facing);
        }
    }

    /// Play begins: the first zombies are there.
    pub(crate) fn begin(&mut self, config: &Config, random: &mut Random) {
        for _ in 0..config.zombies_at_start {
            if !self.spawn(random) {
                return;
            }
        }
    }

    /// One tick of play: figures walk, zombies hunt, zombies come.
    pub(crate) fn tick(&mut self, config: &Config, random: &mut Random) {
        self.played_ms = self.played_ms.saturating_add(TICK_MS);
        for figure in self.figures.iter_mut().filter(|figure| figure.walks) {
            figure.at = figure.at.walk(figure.facing, PLAYER_SPEED);
        }
        self.be_bitten();
        self.deserted = if self.survivors() == 0 {
            self.deserted.saturating_add(1)
        } else {
            0
        };
        self.let_zombies_come(config, random);
    }

    fn be_bitten(&mut self) {
        let living = self.figures.iter().filter(|figure| figure.alive());
        let prey: Vec<Point> = living.map(|figure| figure.at).collect();
        let mut bites = vec![0_u32; prey.len()];
        self.zombies.hunt(&prey, &mut bites);
        let living = self.figures.iter_mut().filter(|figure| figure.alive());
        for (figure, count) in living.zip(bites) {
            let damage = count.saturating_mul(u32::from(BITE_DAMAGE));
            let left = u32::from(figure.health).saturating_sub(damage);
            // No more than it was, so it fits.
            figure.health = left as u8;
            figure.walks &= figure.alive();
        }
    }

    fn let_zombies_come(&mut self, config: &Config, random: &mut Random) {
        let per_player = u64::from(config.spawns_per_minute_and_player);
        // Two 32-bit numbers, so the product fits; the quotient and the rest are far from 2^64.
        let growth =
            u64::from(config.spawn_growth_per_minute) * u64::from(self.played_ms) / MINUTE_MS;
        let per_minute =
            u64::from(config.spawns_per_minute) + per_player * self.figures.len() as u64 + growth;
        let credit = per_minute.saturating_mul(u64::from(TICK_MS));
        self.spawn_credit = self.spawn_credit.saturating_add(credit);
        while self.spawn_credit >= MINUTE_MS {
            if !self.spawn(random) {
                // A full field saves nothing up: no flood when a place becomes free.
                self.spawn_credit = 0;
                return;
            }
            self.spawn_credit -= MINUTE_MS;
        }
    }

    /// Adds a zombie anywhere on the edge, each unit equally likely; `false` if the field is full.
    fn spawn(&mut self, random: &mut Random) -> bool {
        if self.zombies.len() >= MAX_ZOMBIES || self.next_zombie == u16::MAX {
            return false;
        }
        let (width, height) = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN);
        // Positive and far below 2^31.
        let along = random.below(2 * (width + height) as u32) as i32;
        let (x, y) = match along {
            top if top < width => (top, 0),
            bottom if bottom < 2 * width => (bottom - width, height),
            left if left < 2 * width + height => (0, left - 2 * width),
            right => (width, right - 2 * width - height),
        };
        let at = Point::nearest(MARGIN + x, MARGIN + y);
        let came = self.zombies.push(self.next_zombie, at);
        self.next_zombie += 1;
        came
    }

    fn landing(&self, random: &mut Random) -> Point {
        let mut best = (-1, Point::nearest(WIDTH / 2, HEIGHT / 2));
        for _ in 0..LANDING_TRIES {
            let at = Point::nearest(
                WIDTH / 2 - LANDING.0 + random.below(2 * LANDING.0 as u32) as i32,
                HEIGHT / 2 - LANDING.1 + random.below(2 * LANDING.1 as u32) as i32,
            );
            let distances = self
                .zombies
                .places()
                .map(|(_, place)| place.distance_squared(at));
            let clear = distances.min().unwrap_or(i32::MAX);
            if clear > best.0 {
                best = (clear, at);
            }
        }
        best.1
    }

    fn seat_of(&self, player: Player) -> Result<usize, usize> {
        self.figures
            .binary_search_by_key(&player, |figure| figure.player)
    }
}
