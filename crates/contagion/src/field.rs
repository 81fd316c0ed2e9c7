//! One match: who has a seat, what a tick does and in which order, who comes. Knows nothing of
//! phases: who calls decides when.

use alloc::{sync::Arc, vec, vec::Vec};

use baton::{Player, Random};
use serde::{Deserialize, Serialize};

use crate::arena::Arena;
use crate::derived::Derived;
use crate::feed::{Feed, What};
use crate::figure::{Figure, Role};
use crate::flow::Flow;
use crate::geometry::{HEIGHT, MARGIN, Point, WIDTH};
use crate::items::Ground;
use crate::zombies::{BITE_DAMAGE, Hunt, MAX_ZOMBIES, Zombies};
use crate::{Config, TICK_MS, ticks};

/// Figures on the field at once, at most; who comes later watches until a seat is free.
pub const MAX_PLAYERS: usize = 64;
/// Players that one match remembers, away ones included, at most; who comes later watches.
pub const MAX_KNOWN: usize = 256;
/// A match that no survivor has been on for this much longer than one was again is lost, in
/// milliseconds, so that the last one cannot win by leaving.
pub const DESERTED_MS: u32 = 5_000;

/// Half the sides of the middle of the arena where figures land, in tiles.
const LANDING: (usize, usize) = (18, 12);
/// Places drawn for a figure that lands; the one farthest from zombies is taken.
const LANDING_TRIES: u32 = 6;
/// Milliseconds of a minute: rates are per minute.
const MINUTE_MS: u64 = 60_000;

/// A match in the making, in play, or just over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The match's own seed: the arena comes from it.
    pub seed: u64,
    /// Figures of present players, by rising player number.
    pub figures: Vec<Figure>,
    /// Figures of players who left during play, by rising player number; they get them back.
    pub away: Vec<Figure>,
    /// The zombies.
    pub zombies: Zombies,
    /// Items and noises.
    pub ground: Ground,
    /// What players are told.
    pub feed: Feed,
    /// The id of the next zombie.
    pub next_zombie: u16,
    /// Milliseconds of play so far.
    pub played_ms: u32,
    /// What has grown towards the next zombie, in zombies · milliseconds per minute.
    spawn_credit: u64,
    /// The same for items.
    item_credit: u64,
    /// Ticks for which no survivor was on the field, less those for which one was again.
    deserted: u16,
    flow: Flow,
    #[serde(skip)]
    arena: Derived<Option<Arc<Arena>>>,
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

    /// Survivors on the field, the infected ones included.
    pub fn survivors(&self) -> usize {
        self.figures
            .iter()
            .filter(|figure| figure.survives())
            .count()
    }

    /// The ground. Made when it is first asked for.
    pub(crate) fn arena(&mut self, config: &Config) -> Arc<Arena> {
        match &*self.arena {
            Some(arena) if arena.is_of(self.seed, config.city) => Arc::clone(arena),
            _ => {
                let arena = Arc::new(Arena::new(self.seed, config.city));
                *self.arena = Some(Arc::clone(&arena));
                arena
            }
        }
    }

    /// Whether nobody can be saved: all have turned, or who has not has deserted.
    pub(crate) fn is_lost(&self) -> bool {
        let somebody_may_return = self.away.iter().any(Figure::survives);
        self.survivors() == 0
            && (!somebody_may_return || u32::from(self.deserted) >= ticks(DESERTED_MS))
    }

    /// Gives seats to present players who have none, in order of their numbers, as long as there
    /// are any. A player who was away gets the figure back as it was.
    pub(crate) fn seat(&mut self, present: &[Player], config: &Config, random: &mut Random) {
        let seats = usize::from(config.seats).min(MAX_PLAYERS);
        for &player in present {
            if self.figures.len() >= seats {
                return;
            }
            let Err(seat) = self.seat_of(player) else {
                continue;
            };
            let figure = match self.away.binary_search_by_key(&player, |away| away.player) {
                Ok(place) => self.away.remove(place),
                Err(_) if self.figures.len() + self.away.len() >= MAX_KNOWN => continue,
                Err(_) => {
                    let arena = self.arena(config);
                    Figure::new(player, self.landing(&arena, random))
                }
            };
            self.figures.insert(seat, figure);
        }
    }

    /// Takes a player's figure off the field for good.
    pub(crate) fn remove(&mut self, player: Player) -> Option<Figure> {
        let seat = self.seat_of(player).ok()?;
        Some(self.figures.remove(seat))
    }

    /// Takes a player's figure off the field until the player is back. What it carried stays, for
    /// the others.
    pub(crate) fn set_away(&mut self, player: Player) {
        if let Some(mut figure) = self.remove(player) {
            figure.walks = false;
            self.ground
                .drop(figure.at, core::mem::take(&mut figure.kit));
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

    /// Play begins: the first zombies and items are there.
    pub(crate) fn begin(&mut self, config: &Config, random: &mut Random) {
        let arena = self.arena(config);
        for _ in 0..config.zombies_at_start {
            if !self.spawn(random) {
                break;
            }
        }
        for _ in 0..config.items_at_start.min(crate::MAX_ITEMS as u16) {
            self.ground.scatter(&arena, random);
        }
    }

    /// One tick of play. In this order: rest, illness, walking, picking up, bites, who comes. Who
    /// is cured in the last tick before turning was cured before this.
    pub(crate) fn tick(&mut self, config: &Config, random: &mut Random) {
        let arena = self.arena(config);
        self.played_ms = self.played_ms.saturating_add(TICK_MS);
        self.ground.tick();
        self.fall_ill();
        for figure in &mut self.figures {
            figure.rest();
            if figure.walks {
                figure.at = arena.walk(figure.at, figure.facing, figure.speed());
            }
            if figure.survives() {
                self.ground.pick_up(figure.at, &mut figure.kit);
            }
        }
        self.be_bitten(&arena);
        for figure in &mut self.figures {
            if figure.survives() {
                figure.tally.survived_ms = figure.tally.survived_ms.saturating_add(TICK_MS);
            }
        }
        // Not back to nothing: who shows up now and then for a tick would never be bitten.
        self.deserted = if self.survivors() == 0 {
            self.deserted.saturating_add(1)
        } else {
            self.deserted.saturating_sub(1)
        };
        self.let_zombies_come(config, random);
        self.let_items_come(config, &arena, random);
    }

    /// Illness goes on for who is away, too: leaving cures nobody.
    fn fall_ill(&mut self) {
        for seat in 0..self.figures.len() {
            if self.figures[seat].sicken() {
                self.turn(seat);
            }
        }
        for figure in &mut self.away {
            if figure.sicken() {
                // It left behind what it carried when it went.
                figure.turn();
                self.feed.tell(What::Turned, figure.player, None);
            }
        }
    }

    fn turn(&mut self, seat: usize) {
        let figure = &mut self.figures[seat];
        let kit = figure.turn();
        self.ground.drop(figure.at, kit);
        self.feed.tell(What::Turned, figure.player, None);
    }

    fn be_bitten(&mut self, arena: &Arena) {
        let seats: Vec<usize> = (0..self.figures.len())
            .filter(|&seat| self.figures[seat].survives())
            .collect();
        let prey: Vec<Point> = seats.iter().map(|&seat| self.figures[seat].at).collect();
        let tick = self.played_ms / TICK_MS;
        let noises = self.ground.noises.iter().map(|noise| noise.at);
        self.flow.tick(tick, arena, prey.iter().copied(), noises);
        let mut bites = vec![0_u32; prey.len()];
        let hunt = Hunt {
            tick,
            seed: self.seed,
            arena,
            flow: &self.flow,
            prey: &prey,
        };
        self.zombies.hunt(&hunt, &mut bites);
        for (seat, count) in seats.into_iter().zip(bites) {
            if count > 0 {
                self.bite(seat, count.saturating_mul(u32::from(BITE_DAMAGE)), None);
            }
        }
    }

    /// A survivor is hurt and infected; at no health left it turns at once. Whether it was well
    /// before.
    pub(crate) fn bite(&mut self, seat: usize, damage: u32, by: Option<Player>) -> bool {
        let figure = &mut self.figures[seat];
        let (player, first) = (figure.player, figure.bite(damage));
        let turns = figure.health == 0;
        if first {
            self.feed.tell(What::Bitten, player, by);
        }
        if turns {
            self.turn(seat);
        }
        first
    }

    fn let_zombies_come(&mut self, config: &Config, random: &mut Random) {
        let start = per_minute(
            config.spawns_per_minute,
            config.spawns_per_minute_and_player,
            self.figures.len(),
        );
        // Below 2^39, times 2^32 · 2^32 / MINUTE_MS / 100.
        let growth = u64::from(config.spawn_growth_percent) * u64::from(self.played_ms) / MINUTE_MS;
        let rate = start.saturating_add(start.saturating_mul(growth) / 100);
        self.spawn_credit = self
            .spawn_credit
            .saturating_add(rate.saturating_mul(u64::from(TICK_MS)));
        while self.spawn_credit >= MINUTE_MS {
            if !self.spawn(random) {
                // A full field saves nothing up: no flood when a place becomes free.
                self.spawn_credit = 0;
                return;
            }
            self.spawn_credit -= MINUTE_MS;
        }
    }

    fn let_items_come(&mut self, config: &Config, arena: &Arena, random: &mut Random) {
        let rate = per_minute(
            config.items_per_minute,
            config.items_per_minute_and_player,
            self.figures.len(),
        );
        self.item_credit = self
            .item_credit
            .saturating_add(rate.saturating_mul(u64::from(TICK_MS)));
        while self.item_credit >= MINUTE_MS {
            if !self.ground.has_room() {
                self.item_credit = 0;
                return;
            }
            self.item_credit -= MINUTE_MS;
            self.ground.scatter(arena, random);
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

    fn landing(&self, arena: &Arena, random: &mut Random) -> Point {
        let mut best = (-1, Point::nearest(WIDTH / 2, HEIGHT / 2));
        for _ in 0..LANDING_TRIES {
            let at = arena.somewhere(random, LANDING);
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

    pub(crate) fn seat_of(&self, player: Player) -> Result<usize, usize> {
        self.figures
            .binary_search_by_key(&player, |figure| figure.player)
    }

    /// Everybody whom the match knows, by no order in particular.
    pub fn everybody(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().chain(&self.away)
    }

    /// Players on the field with this role.
    pub(crate) fn count(&self, role: Role) -> usize {
        self.figures
            .iter()
            .filter(|figure| figure.role == role)
            .count()
    }
}

/// Both are below 2^32 · 2^7.
fn per_minute(base: u32, each: u32, players: usize) -> u64 {
    u64::from(base) + u64::from(each) * players as u64
}
