//! The same rules as one would write them first: a struct per zombie, a search over the whole city
//! in each tick, the nearest prey by looking at all of it, a line of sight to all that is near
//! enough, crowding by counting everybody. The peer that the rules are measured against; a test
//! holds it to the same bytes. It must not be made clever.
//!
//! It plays what the scenes need: steering and striking in a match in play, to which nobody comes
//! and in which nobody stays turned. Angles, and walking along walls, are those of the rules.

use std::collections::VecDeque;

use baton::Player;
use baton::Solo;
use contagion::{
    ANGLES, Action, Arena, BITE_COOLDOWN_MS, BITE_DAMAGE, BITE_REACH, Blow, COLUMNS, CROWD, CYCLE,
    Contagion, Figure, INFECTION_MS, Item, Kit, MAX_AMMUNITION, MAX_ITEMS, MAX_LURES, MAX_MEDKITS,
    MAX_TOLD, NOISE, Noise, Outcome, PICK_UP_REACH, Phase, Point, ROUNDS, ROWS, Role, SCENT,
    SHOT_ARC, SHOT_REACH, SIGHT, STRIKE_ARC, STRIKE_COOLDOWN_MS, STRIKE_REACH, STRIKE_TARGETS,
    SURVIVOR_SPEED, State, TICK_MS, TILE, TOUCH, TURNED_HEALTH, TURNED_SPEED, TURNING_MS, Thing,
    Told, WANDER, What, ZOMBIE_SPEEDS, heading, terrain,
};
use serde::{Deserialize, Serialize};

use crate::scene::Version;

/// A room's state, encoded as that of the rules.
#[derive(Serialize, Deserialize)]
pub struct Obvious {
    phase: Phase,
    ticks_left: u32,
    match_id: u32,
    last: Option<Outcome>,
    seed: u64,
    figures: Vec<Figure>,
    away: Vec<Figure>,
    #[serde(with = "columns")]
    zombies: Vec<Zombie>,
    items: Vec<Item>,
    noises: Vec<Noise>,
    next_item: u16,
    last_told: u32,
    told: Vec<Told>,
    next_zombie: u16,
    played_ms: u32,
    spawn_credit: u64,
    item_credit: u64,
    deserted: u16,
    used: Sources,
    made: Sources,
    #[serde(skip)]
    arena: Option<Arena>,
}

/// Where a search begins: tiles, counted with a ring around the arena as the rules count them.
#[derive(Clone, Serialize, Deserialize)]
struct Sources {
    noise: Vec<u16>,
    prey: Vec<u16>,
}

#[derive(Clone, Copy)]
struct Zombie {
    id: u16,
    at: Point,
    facing: u8,
    cooldown: u8,
}

/// Column and row.
type Tile = (i32, i32);

fn tile_of(at: Point) -> Tile {
    (at.x() / TILE, at.y() / TILE)
}

fn centre((column, row): Tile) -> Point {
    Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2)
}

const fn ticks(ms: u32) -> u8 {
    ms.div_ceil(TICK_MS) as u8
}

impl Version for Obvious {
    fn of(room: Solo<Contagion>) -> Self {
        let mut obvious: Self =
            postcard::from_bytes(&room.bytes()).expect("it is encoded as the rules' state");
        obvious.arena = Some(Arena::new(obvious.seed, true));
        obvious
    }

    fn figures(&mut self) -> &mut [Figure] {
        &mut self.figures
    }

    fn items(&mut self) -> &mut Vec<Item> {
        &mut self.items
    }

    fn zombies(&self) -> usize {
        self.zombies.len()
    }

    fn add_zombie(&mut self, id: u16, at: Point) {
        self.zombies.push(Zombie {
            id,
            at,
            facing: 0,
            cooldown: ticks(BITE_COOLDOWN_MS),
        });
    }

    fn act(&mut self, seat: usize, action: Action) {
        match action {
            Action::Steer(angle) => {
                self.figures[seat].walks = true;
                self.figures[seat].facing = angle;
            }
            Action::Strike => self.strike(seat),
            _ => unreachable!("scenes only steer and strike"),
        }
    }

    fn tick(&mut self) {
        self.ticks_left -= 1;
        self.played_ms += TICK_MS;
        for noise in &mut self.noises {
            noise.left -= 1;
        }
        self.noises.retain(|noise| noise.left > 0);
        for seat in 0..self.figures.len() {
            let figure = &mut self.figures[seat];
            if figure.role == Role::Survivor && figure.infection > 0 {
                figure.infection -= 1;
                if figure.infection == 0 {
                    self.turn(seat);
                }
            }
        }
        self.walk();
        let prey: Vec<usize> = (0..self.figures.len())
            .filter(|&seat| self.figures[seat].role == Role::Survivor)
            .collect();
        let bites = self.hunt(&prey);
        for (seat, count) in prey.into_iter().zip(bites) {
            if count > 0 {
                self.bite(seat, count * u32::from(BITE_DAMAGE));
            }
        }
        let mut survivors = 0;
        for figure in &mut self.figures {
            if figure.role == Role::Survivor {
                figure.tally.survived_ms += TICK_MS;
                survivors += 1;
            }
        }
        self.deserted = match survivors {
            0 => self.deserted.saturating_add(1),
            _ => self.deserted.saturating_sub(1),
        };
    }

    fn bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("it is encoded as the rules' state")
    }

    fn state(&self) -> Option<&State> {
        None
    }
}

impl Obvious {
    fn arena(&self) -> &Arena {
        self.arena.as_ref().expect("made at the start")
    }

    fn is_solid(&self, (column, row): Tile) -> bool {
        let (columns, rows) = (COLUMNS as i32, ROWS as i32);
        if !(0..columns).contains(&column) || !(0..rows).contains(&row) {
            return true;
        }
        self.arena().terrain()[(row * columns + column) as usize] >= terrain::SOLID
    }

    fn walk(&mut self) {
        for seat in 0..self.figures.len() {
            let figure = &self.figures[seat];
            let speed = match figure.role {
                Role::Survivor => SURVIVOR_SPEED,
                Role::Turned => TURNED_SPEED,
            };
            let mut at = figure.at;
            if figure.walks {
                at = self.arena().walk(at, figure.facing, speed);
            }
            let figure = &mut self.figures[seat];
            figure.at = at;
            figure.cooldown = figure.cooldown.saturating_sub(1);
            if figure.down > 0 {
                figure.down -= 1;
                if figure.down == 0 {
                    figure.health = TURNED_HEALTH;
                }
            }
            if figure.role == Role::Survivor {
                self.items.retain(|item| {
                    let (x, y) = (item.at.x() - at.x(), item.at.y() - at.y());
                    x.abs() > PICK_UP_REACH
                        || y.abs() > PICK_UP_REACH
                        || !take(&mut figure.kit, item.thing)
                });
            }
        }
    }

    fn turn(&mut self, seat: usize) {
        let figure = &mut self.figures[seat];
        figure.role = Role::Turned;
        figure.health = TURNED_HEALTH;
        figure.infection = 0;
        figure.cooldown = ticks(TURNING_MS);
        figure.walks = false;
        figure.blow = Blow::None;
        let (player, at, kit) = (figure.player, figure.at, std::mem::take(&mut figure.kit));
        for (count, thing) in [
            (kit.medkits, Thing::Medkit),
            (kit.ammunition / ROUNDS, Thing::Ammunition),
            (kit.lures, Thing::Lure),
        ] {
            for _ in 0..count {
                if self.items.len() < MAX_ITEMS {
                    let id = self.next_item;
                    self.items.push(Item { id, at, thing });
                    self.next_item += 1;
                }
            }
        }
        self.tell(What::Turned, player);
    }

    fn bite(&mut self, seat: usize, damage: u32) {
        let figure = &mut self.figures[seat];
        let player = figure.player;
        figure.health = u32::from(figure.health).saturating_sub(damage) as u8;
        let dies = figure.health == 0;
        if figure.infection == 0 {
            figure.infection = ticks(INFECTION_MS);
            self.tell(What::Bitten, player);
        }
        if dies {
            self.turn(seat);
        }
    }

    fn tell(&mut self, what: What, who: Player) {
        self.last_told += 1;
        let seq = self.last_told;
        let by = None;
        self.told.push(Told { seq, what, who, by });
        if self.told.len() > MAX_TOLD {
            self.told.remove(0);
        }
    }

    /// Moves all zombies; how often each prey was bitten.
    fn hunt(&mut self, seats: &[usize]) -> Vec<u32> {
        let prey: Vec<Point> = seats.iter().map(|&seat| self.figures[seat].at).collect();
        let tick = self.played_ms / TICK_MS;
        if tick.is_multiple_of(CYCLE) {
            let noise: Vec<Point> = self.noises.iter().map(|noise| noise.at).collect();
            let now = Sources {
                noise: numbers(&noise),
                prey: numbers(&prey),
            };
            self.used = std::mem::replace(&mut self.made, now);
        }
        let noise = self.search(&self.used.noise, 0, SCENT + NOISE);
        let scent = self.search(&self.used.prey, NOISE, SCENT + NOISE);
        let trail: Vec<Option<u8>> = noise
            .into_iter()
            .zip(scent)
            .map(|(noise, scent)| noise.into_iter().chain(scent).min())
            .collect();

        let mut bites = vec![0; prey.len()];
        for index in 0..self.zombies.len() {
            let zombie = &mut self.zombies[index];
            zombie.cooldown = zombie.cooldown.saturating_sub(1);
            let Zombie { at, cooldown, .. } = *zombie;
            let seen = self.nearest(at, &prey);
            if let Some((target, distance, _)) = seen
                && distance <= BITE_REACH * BITE_REACH
            {
                let zombie = &mut self.zombies[index];
                zombie.facing = heading(at, prey[target]);
                if cooldown == 0 {
                    zombie.cooldown = ticks(BITE_COOLDOWN_MS);
                    bites[target] += 1;
                }
                continue;
            }
            let visible = seen.filter(|&(_, _, visible)| visible);
            let visible = visible.map(|(target, ..)| prey[target]);
            let Some((angle, speed)) = self.course(index, tick, &trail, visible) else {
                continue;
            };
            self.zombies[index].facing = angle;
            self.zombies[index].at = self.step(index, angle, speed);
        }
        bites
    }

    /// Steps to the nearest source, up to a limit, for each tile of the arena.
    fn search(&self, sources: &[u16], first: u8, limit: u8) -> Vec<Option<u8>> {
        let mut distances = vec![None; COLUMNS * ROWS];
        let mut queue = VecDeque::new();
        for &number in sources {
            let tile = tile_of_number(number);
            distances[place(tile)] = Some(first);
            queue.push_back((tile, first));
        }
        while let Some(((column, row), distance)) = queue.pop_front() {
            if distance == limit {
                continue;
            }
            for (x, y) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                let next = (column + x, row + y);
                if !self.is_solid(next) && distances[place(next)].is_none() {
                    distances[place(next)] = Some(distance + 1);
                    queue.push_back((next, distance + 1));
                }
            }
        }
        distances
    }

    /// The nearest prey within sight, its squared distance, and whether no wall is between.
    fn nearest(&self, at: Point, prey: &[Point]) -> Option<(usize, i32, bool)> {
        let mut best: Option<(usize, i32, bool)> = None;
        for (index, &place) in prey.iter().enumerate() {
            let distance = at.distance_squared(place);
            if distance > SIGHT * SIGHT {
                continue;
            }
            let visible = self.sees(at, place);
            if best.is_none_or(|(_, nearest, _)| distance < nearest) {
                best = Some((index, distance, visible));
            }
        }
        best
    }

    fn sees(&self, from: Point, to: Point) -> bool {
        let (dx, dy) = (to.x() - from.x(), to.y() - from.y());
        let steps = dx.abs().max(dy.abs()) / (TILE / 2) + 1;
        (1..steps).all(|step| {
            let (x, y) = (from.x() + dx * step / steps, from.y() + dy * step / steps);
            !self.is_solid((x / TILE, y / TILE))
        })
    }

    fn course(
        &self,
        index: usize,
        tick: u32,
        trail: &[Option<u8>],
        visible: Option<Point>,
    ) -> Option<(u8, i32)> {
        let Zombie { id, at, .. } = self.zombies[index];
        let speed = ZOMBIE_SPEEDS[usize::from(id) % ZOMBIE_SPEEDS.len()];
        let (column, row) = tile_of(at);
        let here = trail[place((column, row))];
        let loud = here.is_some_and(|distance| distance < NOISE);
        let straight = visible.filter(|_| !loud).map(|place| heading(at, place));
        if let Some(angle) = straight
            && self.arena().walk(at, angle, speed) == at.walk(angle, speed)
        {
            return Some((angle, speed));
        }
        let around = [
            (1, 0),
            (1, 1),
            (0, 1),
            (-1, 1),
            (-1, 0),
            (-1, -1),
            (0, -1),
            (1, -1),
        ];
        let mut best = here;
        let mut to = None;
        for turn in 0..around.len() {
            let (x, y) = around[(turn + usize::from(id)) % around.len()];
            let next = (column + x, row + y);
            let corner = self.is_solid((column + x, row)) || self.is_solid((column, row + y));
            if self.is_solid(next) || corner {
                continue;
            }
            let distance = trail[place(next)];
            if distance.is_some() && best.is_some() && distance < best {
                best = distance;
                to = Some(next);
            }
        }
        if let Some(next) = to {
            return Some((heading(at, centre(next)), speed));
        }
        if let Some(angle) = straight {
            return Some((angle, speed));
        }
        let mood = (tick + u32::from(id)) / WANDER;
        let whim = mix(self.seed ^ (u64::from(id) << 32 | u64::from(mood)));
        (whim >> 63 == 0).then_some(((whim % u64::from(ANGLES)) as u8, speed / 2))
    }

    /// Where a zombie comes to: there, or aside if there are too many, or nowhere.
    fn step(&self, index: usize, angle: u8, speed: i32) -> Point {
        let Zombie { id, at, .. } = self.zombies[index];
        let aside = if id.is_multiple_of(2) { 8 } else { 24 };
        for turn in [0, aside] {
            let to = self.arena().walk(at, (angle + turn) % ANGLES, speed);
            let there = |zombie: &&Zombie| tile_of(zombie.at) == tile_of(to);
            let crowd = self.zombies.iter().filter(there).count();
            if tile_of(to) == tile_of(at) || crowd < usize::from(CROWD) {
                return to;
            }
        }
        at
    }

    fn strike(&mut self, seat: usize) {
        let figure = &self.figures[seat];
        let (from, facing) = (figure.at, figure.facing);
        let mut hit = self.targets(from, facing, STRIKE_REACH, STRIKE_ARC);
        hit.truncate(STRIKE_TARGETS);
        let mut blow = Blow::Swing;
        let mut faces = facing;
        if hit.is_empty() && figure.kit.ammunition > 0 {
            hit = self.targets(from, facing, SHOT_REACH, SHOT_ARC);
            hit.truncate(1);
            if let Some(&(distance, index)) = hit.first() {
                blow = Blow::Shot(distance.isqrt() as u16);
                faces = heading(from, self.zombies[index].at);
                self.figures[seat].kit.ammunition -= 1;
            }
        }
        hit.sort_by_key(|&(_, index)| index);
        for &(_, index) in hit.iter().rev() {
            self.zombies.remove(index);
        }
        let figure = &mut self.figures[seat];
        figure.facing = faces;
        figure.blow = blow;
        figure.cooldown = ticks(STRIKE_COOLDOWN_MS);
        figure.tally.struck = figure.tally.struck.saturating_add(hit.len() as u16);
    }

    /// Zombies in front with their squared distances, the nearest first.
    fn targets(&self, from: Point, facing: u8, reach: i32, arc: u8) -> Vec<(i32, usize)> {
        let mut found = Vec::new();
        for (index, zombie) in self.zombies.iter().enumerate() {
            let distance = from.distance_squared(zombie.at);
            let steps = heading(from, zombie.at).abs_diff(facing);
            let touches = from.distance_squared(zombie.at) <= TOUCH * TOUCH;
            let covers = touches || steps.min(ANGLES - steps) <= arc;
            if distance <= reach * reach && covers && self.sees(from, zombie.at) {
                found.push((distance, index));
            }
        }
        found.sort_unstable();
        found
    }
}

fn take(kit: &mut Kit, thing: Thing) -> bool {
    let (carried, more, most) = match thing {
        Thing::Medkit => (&mut kit.medkits, 1, MAX_MEDKITS),
        Thing::Ammunition => (&mut kit.ammunition, ROUNDS, MAX_AMMUNITION),
        Thing::Lure => (&mut kit.lures, 1, MAX_LURES),
    };
    let room = *carried < most;
    if room {
        *carried = (*carried + more).min(most);
    }
    room
}

fn place((column, row): Tile) -> usize {
    row as usize * COLUMNS + column as usize
}

/// The rules' numbers of tiles: rising, each once.
fn numbers(places: &[Point]) -> Vec<u16> {
    let number = |&at: &Point| {
        let (column, row) = tile_of(at);
        ((row + 1) * (COLUMNS as i32 + 2) + column + 1) as u16
    };
    let mut numbers: Vec<u16> = places.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn tile_of_number(number: u16) -> Tile {
    let (number, stride) = (i32::from(number), COLUMNS as i32 + 2);
    (number % stride - 1, number / stride - 1)
}

/// David Stafford's mixer "Mix13".
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Zombies as the rules encode them.
mod columns {
    use contagion::Point;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_bytes::ByteBuf;

    use super::Zombie;

    fn words(column: impl Iterator<Item = u16>) -> ByteBuf {
        ByteBuf::from(column.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
    }

    fn bytes(column: impl Iterator<Item = u8>) -> ByteBuf {
        ByteBuf::from(column.collect::<Vec<u8>>())
    }

    fn word(column: &[u8], index: usize) -> u16 {
        u16::from_le_bytes([column[2 * index], column[2 * index + 1]])
    }

    pub(super) fn serialize<S: Serializer>(all: &[Zombie], to: S) -> Result<S::Ok, S::Error> {
        let place = |zombie: &Zombie| -> (u16, u16) { zombie.at.into() };
        let columns = (
            words(all.iter().map(|zombie| zombie.id)),
            words(all.iter().map(|zombie| place(zombie).0)),
            words(all.iter().map(|zombie| place(zombie).1)),
            bytes(all.iter().map(|zombie| zombie.facing)),
            bytes(all.iter().map(|zombie| zombie.cooldown)),
        );
        columns.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Zombie>, D::Error> {
        let (ids, xs, ys, facings, cooldowns) =
            <(ByteBuf, ByteBuf, ByteBuf, ByteBuf, ByteBuf)>::deserialize(from)?;
        let zombie = |index: usize| {
            let at = Point::try_from((word(&xs, index), word(&ys, index)));
            Ok(Zombie {
                id: word(&ids, index),
                at: at.map_err(D::Error::custom)?,
                facing: facings[index],
                cooldown: cooldowns[index],
            })
        };
        (0..facings.len()).map(zombie).collect()
    }
}
