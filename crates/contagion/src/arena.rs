//! The ground of a match: what is where, made from the match's seed, and how walls stop whoever
//! walks. Never stored: the seed makes it again. Knows nothing of who walks.

use alloc::{vec, vec::Vec};

use baton::Random;

use crate::geometry::{HEIGHT, Point, TILE, WIDTH, along};

/// Tiles from left to right.
pub const COLUMNS: usize = (WIDTH / TILE) as usize;
/// Tiles from top to bottom.
pub const ROWS: usize = (HEIGHT / TILE) as usize;

/// What lies on a tile; see [`terrain::SOLID`].
pub mod terrain {
    /// Open ground.
    pub const GRASS: u8 = 0;
    /// A street.
    pub const STREET: u8 = 1;
    /// Inside a building.
    pub const FLOOR: u8 = 2;
    /// The way into a building.
    pub const DOOR: u8 = 3;
    /// Stops everything.
    pub const WALL: u8 = 4;
    /// Stops everything.
    pub const TREE: u8 = 5;
    /// From here on nobody walks and nothing flies through.
    pub const SOLID: u8 = 4;
}
use terrain::{DOOR, FLOOR, GRASS, SOLID, STREET, TREE, WALL};

/// A coordinate without these bits is a tile's: rounded down below 0 as well, and no division.
const TILE_BITS: u32 = TILE.trailing_zeros();
const _: () = assert!(TILE.count_ones() == 1);

/// Half the width of whoever walks, in units.
pub const RADIUS: i32 = 80;

/// Tiles along the edges where nothing solid is: zombies come from there, and every street ends
/// there.
const BORDER: usize = 2;
const STREET_WIDTH: usize = 3;
/// The sides of a block between streets: the least, and by how much it may be longer.
const BLOCK: (u32, u32) = (9, 7);
/// A building's least side, walls included.
const LEAST_BUILDING: usize = 5;

/// A tile of the arena with a ring of solid tiles around it, so that every tile has eight
/// neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tile(pub(crate) u16);

/// Tiles of a row, the ring included.
pub(crate) const STRIDE: usize = COLUMNS + 2;
/// Tiles of the arena, the ring included.
pub(crate) const TILES: usize = STRIDE * (ROWS + 2);

impl Tile {
    pub(crate) fn of(at: Point) -> Self {
        let index = (at.y() / TILE + 1) * STRIDE as i32 + at.x() / TILE + 1;
        // A point is within the arena, which has fewer than 2^16 tiles.
        Self(index as u16)
    }

    fn at(column: usize, row: usize) -> Self {
        Self(((row + 1) * STRIDE + column + 1) as u16)
    }

    pub(crate) fn centre(self) -> Point {
        let (column, row) = (usize::from(self.0) % STRIDE, usize::from(self.0) / STRIDE);
        let middle = |tile: usize| (tile as i32 - 1) * TILE + TILE / 2;
        Point::nearest(middle(column), middle(row))
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The ground of one match.
#[derive(Clone, Debug)]
pub struct Arena {
    seed: u64,
    city: bool,
    terrain: Vec<u8>,
    /// One byte per tile with its ring: [`OPEN`] or [`CLOSED`].
    closed: Vec<u8>,
    /// Per tile with its ring: whether no tile around it is solid, so that walks need not look.
    clear: Vec<bool>,
}

/// A tile that can be walked on.
pub(crate) const OPEN: u8 = 255;
/// A solid tile.
pub(crate) const CLOSED: u8 = 254;

impl Arena {
    /// The ground that a seed makes. Every open tile can be reached from every other.
    pub fn new(seed: u64, city: bool) -> Self {
        let mut plan = Plan::new();
        if city {
            plan.build(&mut Random::from_seed(seed));
            plan.fill_what_nobody_reaches();
        }
        let mut closed = vec![CLOSED; TILES];
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                if plan.get(column, row) < SOLID {
                    closed[Tile::at(column, row).index()] = OPEN;
                }
            }
        }
        Self {
            seed,
            city,
            terrain: plan.tiles,
            clear: clear(&closed),
            closed,
        }
    }

    /// Whether it is the ground of this match.
    pub(crate) fn is_of(&self, seed: u64, city: bool) -> bool {
        (self.seed, self.city) == (seed, city)
    }

    /// One byte per tile, row by row: see [`terrain`].
    pub fn terrain(&self) -> &[u8] {
        &self.terrain
    }

    pub(crate) fn closed(&self) -> &[u8] {
        &self.closed
    }

    /// Whether nobody can be here.
    pub fn is_solid(&self, at: Point) -> bool {
        self.closed[Tile::of(at).index()] == CLOSED
    }

    pub(crate) fn is_floor(&self, at: Point) -> bool {
        let (column, row) = ((at.x() / TILE) as usize, (at.y() / TILE) as usize);
        self.terrain.get(row * COLUMNS + column) == Some(&FLOOR)
    }

    fn blocks(&self, x: i32, y: i32) -> bool {
        // Beyond the edge is the ring, or the margin that holds points anyway.
        let (column, row) = ((x >> TILE_BITS) + 1, (y >> TILE_BITS) + 1);
        let index = row * STRIDE as i32 + column;
        usize::try_from(index).is_ok_and(|index| self.closed.get(index) == Some(&CLOSED))
            && (0..WIDTH).contains(&x)
            && (0..HEIGHT).contains(&y)
    }

    /// Where a walk of `units` (less than a tile) at an angle ends: walls are slid along.
    pub fn walk(&self, from: Point, angle: u8, units: i32) -> Point {
        let (dx, dy) = along(angle, units);
        if units <= TILE - RADIUS && self.clear[Tile::of(from).index()] {
            return Point::nearest(from.x() + dx, from.y() + dy);
        }
        let x = self.slide(from.x(), dx, |edge| {
            self.blocks(edge, from.y() - RADIUS) || self.blocks(edge, from.y() + RADIUS)
        });
        let y = self.slide(from.y(), dy, |edge| {
            self.blocks(x - RADIUS, edge) || self.blocks(x + RADIUS, edge)
        });
        Point::nearest(x, y)
    }

    /// Moves one coordinate, up to the side of a tile that blocks.
    fn slide(&self, from: i32, by: i32, blocked: impl Fn(i32) -> bool) -> i32 {
        if by == 0 {
            return from;
        }
        let edge = from + by + by.signum() * RADIUS;
        if !blocked(edge) {
            return from + by;
        }
        let side = edge >> TILE_BITS << TILE_BITS;
        if by > 0 {
            from.max(side - RADIUS - 1)
        } else {
            from.min(side + TILE + RADIUS)
        }
    }

    /// Whether nothing solid lies between two places, looked at once per half a tile.
    pub(crate) fn sees(&self, from: Point, to: Point) -> bool {
        let (dx, dy) = (to.x() - from.x(), to.y() - from.y());
        let steps = dx.abs().max(dy.abs()) / (TILE / 2) + 1;
        let (mut x, mut y) = (Ray::new(dx, steps), Ray::new(dy, steps));
        (1..steps).all(|_| {
            let (x, y) = (from.x() + x.next(), from.y() + y.next());
            // Between two points, so within the arena.
            let index = ((y >> TILE_BITS) + 1) * STRIDE as i32 + (x >> TILE_BITS) + 1;
            self.closed.get(index as usize) == Some(&OPEN)
        })
    }

    /// The farthest open place up to `units` from here at an angle, with nothing solid before it.
    pub(crate) fn throw(&self, from: Point, angle: u8, units: i32) -> Point {
        let mut landed = from;
        for flown in (0..=units).step_by((TILE / 2) as usize) {
            let (dx, dy) = along(angle, flown);
            let at = Point::nearest(from.x() + dx, from.y() + dy);
            if self.is_solid(at) {
                return landed;
            }
            landed = at;
        }
        landed
    }

    /// An open tile's centre in a part of the arena, given by its middle and half its sides in
    /// tiles; the middle's own tile or its nearest open one to the left if a few draws find none.
    pub(crate) fn somewhere(
        &self,
        random: &mut Random,
        (half_width, half_height): (usize, usize),
    ) -> Point {
        for _ in 0..TRIES {
            let column = COLUMNS / 2 - half_width + random.below(2 * half_width as u32) as usize;
            let row = ROWS / 2 - half_height + random.below(2 * half_height as u32) as usize;
            let tile = Tile::at(column, row);
            if self.closed[tile.index()] == OPEN {
                return tile.centre();
            }
        }
        let mut column = COLUMNS / 2;
        while column > 0 && self.closed[Tile::at(column, ROWS / 2).index()] == CLOSED {
            column -= 1;
        }
        Tile::at(column, ROWS / 2).centre()
    }
}

/// `length · step / steps` for each step from 1, rounded towards zero, by addition only: a look
/// along a line is most of what a strike costs.
struct Ray {
    sign: i32,
    steps: i32,
    each: i32,
    rest: i32,
    whole: i32,
    part: i32,
}

impl Ray {
    fn new(length: i32, steps: i32) -> Self {
        Self {
            sign: length.signum(),
            steps,
            each: length.abs() / steps,
            rest: length.abs() % steps,
            whole: 0,
            part: 0,
        }
    }

    fn next(&mut self) -> i32 {
        let part = self.part + self.rest;
        let carry = i32::from(part >= self.steps);
        self.part = part - carry * self.steps;
        self.whole += self.each + carry;
        self.sign * self.whole
    }
}

/// Of each tile whether it and all around it are open; the ring stops nobody, the margin does.
fn clear(closed: &[u8]) -> Vec<bool> {
    let solid = |index: usize| {
        let (column, row) = (index % STRIDE, index / STRIDE);
        let inside = (1..=COLUMNS).contains(&column) && (1..=ROWS).contains(&row);
        inside && closed.get(index) == Some(&CLOSED)
    };
    let around = |index: usize| {
        let rows = [
            index.checked_sub(STRIDE),
            Some(index),
            index.checked_add(STRIDE),
        ];
        let tiles = rows.into_iter().flatten();
        tiles.flat_map(|tile| tile.saturating_sub(1)..=tile + 1)
    };
    (0..TILES).map(|index| !around(index).any(solid)).collect()
}

/// Draws for an open tile: more than half of the tiles are open.
const TRIES: u32 = 24;

/// An arena on the drawing board.
struct Plan {
    tiles: Vec<u8>,
}

/// A part of the plan: left, top, width, height.
type Part = (usize, usize, usize, usize);

impl Plan {
    fn new() -> Self {
        Self {
            tiles: vec![GRASS; COLUMNS * ROWS],
        }
    }

    fn get(&self, column: usize, row: usize) -> u8 {
        self.tiles[row * COLUMNS + column]
    }

    fn set(&mut self, column: usize, row: usize, what: u8) {
        self.tiles[row * COLUMNS + column] = what;
    }

    fn fill(&mut self, (left, top, width, height): Part, what: u8) {
        for row in top..top + height {
            for column in left..left + width {
                self.set(column, row, what);
            }
        }
    }

    fn build(&mut self, random: &mut Random) {
        let columns = streets(random, COLUMNS);
        let rows = streets(random, ROWS);
        for &(left, _) in &columns[1..] {
            self.fill((left - STREET_WIDTH, 0, STREET_WIDTH, ROWS), STREET);
        }
        for &(top, _) in &rows[1..] {
            self.fill((0, top - STREET_WIDTH, COLUMNS, STREET_WIDTH), STREET);
        }
        for &(top, height) in &rows {
            for &(left, width) in &columns {
                self.block((left, top, width, height), random);
            }
        }
    }

    fn block(&mut self, part: Part, random: &mut Random) {
        let (left, top, width, height) = part;
        if width < LEAST_BUILDING + 2 || height < LEAST_BUILDING + 2 || random.chance(1, 5) {
            return self.park(part, random);
        }
        // A strip of grass between walls and streets, and an alley between two houses.
        let (left, top, width, height) = (left + 1, top + 1, width - 2, height - 2);
        if width >= 2 * LEAST_BUILDING + 2 && random.chance(2, 3) {
            let cut =
                LEAST_BUILDING + random.below((width - 2 * LEAST_BUILDING - 1) as u32) as usize;
            self.building((left, top, cut, height), random);
            self.building((left + cut + 2, top, width - cut - 2, height), random);
        } else {
            self.building((left, top, width, height), random);
        }
    }

    fn park(&mut self, (left, top, width, height): Part, random: &mut Random) {
        for row in top..top + height {
            for column in left..left + width {
                if random.chance(1, 9) {
                    self.set(column, row, TREE);
                }
            }
        }
    }

    fn building(&mut self, part: Part, random: &mut Random) {
        let (left, top, width, height) = part;
        if width < LEAST_BUILDING || height < LEAST_BUILDING {
            return;
        }
        self.fill(part, WALL);
        self.fill((left + 1, top + 1, width - 2, height - 2), FLOOR);
        // Rooms: a wall across and one down, each side of it with a gap, where rooms stay wide.
        let column = (width >= 8).then(|| left + 3 + random.below((width - 6) as u32) as usize);
        let row = (height >= 8).then(|| top + 3 + random.below((height - 6) as u32) as usize);
        if let Some(column) = column {
            self.fill((column, top + 1, 1, height - 2), WALL);
        }
        if let Some(row) = row {
            self.fill((left + 1, row, width - 2, 1), WALL);
        }
        let spans = |from: usize, to: usize, cut: Option<usize>| match cut {
            Some(cut) => vec![(from, cut), (cut + 1, to)],
            None => vec![(from, to)],
        };
        let mut gap =
            |(from, to): (usize, usize)| from + random.below((to - from - 1) as u32) as usize;
        if let Some(column) = column {
            for span in spans(top + 1, top + height - 1, row) {
                self.fill((column, gap(span), 1, 2), FLOOR);
            }
        }
        if let Some(row) = row {
            for span in spans(left + 1, left + width - 1, column) {
                self.fill((gap(span), row, 2, 1), FLOOR);
            }
        }
        // Doors on two to four sides, two tiles wide: nobody is safe inside, or trapped.
        let first = random.below(4);
        for side in 0..2 + random.below(3) {
            let across = left + 1 + random.below((width - 3) as u32) as usize;
            let down = top + 1 + random.below((height - 3) as u32) as usize;
            match (first + side) % 4 {
                0 => self.fill((across, top, 2, 1), DOOR),
                1 => self.fill((left + width - 1, down, 1, 2), DOOR),
                2 => self.fill((across, top + height - 1, 2, 1), DOOR),
                _ => self.fill((left, down, 1, 2), DOOR),
            }
        }
    }

    /// What cannot be reached from the edge becomes solid.
    fn fill_what_nobody_reaches(&mut self) {
        let mut reached = vec![false; COLUMNS * ROWS];
        let mut next = vec![(0, 0)];
        while let Some((column, row)) = next.pop() {
            let index = row * COLUMNS + column;
            if reached[index] || self.tiles[index] >= SOLID {
                continue;
            }
            reached[index] = true;
            if column > 0 {
                next.push((column - 1, row));
            }
            if row > 0 {
                next.push((column, row - 1));
            }
            if column + 1 < COLUMNS {
                next.push((column + 1, row));
            }
            if row + 1 < ROWS {
                next.push((column, row + 1));
            }
        }
        for (tile, reached) in self.tiles.iter_mut().zip(reached) {
            if !reached && *tile < SOLID {
                *tile = if *tile == GRASS { TREE } else { WALL };
            }
        }
    }
}

/// Where blocks begin and how long they are, along one side of the arena; streets lie between.
fn streets(random: &mut Random, length: usize) -> Vec<(usize, usize)> {
    let end = length - BORDER;
    let mut blocks = Vec::new();
    let mut at = BORDER;
    loop {
        let block = (BLOCK.0 + random.below(BLOCK.1)) as usize;
        // A last block that would be too short is part of the one before.
        if at + block + STREET_WIDTH + BLOCK.0 as usize > end {
            blocks.push((at, end - at));
            return blocks;
        }
        blocks.push((at, block));
        at += block + STREET_WIDTH;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::ANGLES;

    fn neighbours(index: usize) -> [usize; 4] {
        [index - 1, index + 1, index - STRIDE, index + STRIDE]
    }

    #[test]
    fn every_open_tile_is_reached_from_every_other() {
        for seed in 0..300 {
            let arena = Arena::new(seed, true);
            let open = |index: &usize| arena.closed[*index] == OPEN;
            let mut reached = vec![false; TILES];
            let mut next = vec![Tile::at(0, 0).index()];
            while let Some(index) = next.pop() {
                if !reached[index] {
                    reached[index] = true;
                    next.extend(neighbours(index).iter().filter(|index| open(index)));
                }
            }
            assert!(
                (0..TILES).all(|index| reached[index] == open(&index)),
                "{seed}"
            );
            let walls = arena.terrain.iter().filter(|&&tile| tile == WALL).count();
            assert!(
                (300..1500).contains(&walls),
                "{seed}: {walls} tiles of wall"
            );
            let floor = arena.terrain.iter().filter(|&&tile| tile == FLOOR).count();
            assert!(floor > 600, "{seed}: {floor} tiles of floor");
        }
    }

    #[test]
    fn the_edge_is_open_and_seeds_differ() {
        let arena = Arena::new(7, true);
        for column in 0..COLUMNS {
            for row in 0..ROWS {
                let edge = column
                    .min(row)
                    .min(COLUMNS - 1 - column)
                    .min(ROWS - 1 - row);
                if edge < BORDER {
                    assert!(arena.terrain[row * COLUMNS + column] < SOLID);
                }
            }
        }
        assert_eq!(arena.terrain, Arena::new(7, true).terrain);
        assert_ne!(arena.terrain, Arena::new(8, true).terrain);
        assert!(
            Arena::new(7, false)
                .terrain
                .iter()
                .all(|&tile| tile == GRASS)
        );
    }

    /// Open, but for one wall of a tile at (50, 32).
    fn pillar() -> Arena {
        let mut arena = Arena::new(0, false);
        arena.closed[Tile::at(50, 32).index()] = CLOSED;
        arena.clear = clear(&arena.closed);
        arena
    }

    #[test]
    fn nobody_walks_into_a_wall_from_any_side() {
        let arena = pillar();
        for angle in 0..ANGLES {
            let (dx, dy) = along(angle, 3 * TILE);
            let middle = Tile::at(50, 32).centre();
            let mut at = Point::nearest(middle.x() - dx, middle.y() - dy);
            for _ in 0..60 {
                at = arena.walk(at, angle, 96);
                for (x, y) in [
                    (-RADIUS, -RADIUS),
                    (RADIUS, -RADIUS),
                    (-RADIUS, RADIUS),
                    (RADIUS, RADIUS),
                ] {
                    assert!(
                        !arena.blocks(at.x() + x, at.y() + y),
                        "angle {angle} at {at:?}"
                    );
                }
            }
        }
    }

    /// A walk that does not look must end where one that looks does.
    #[test]
    fn where_all_around_is_open_a_walk_is_as_everywhere() {
        for seed in 0..4 {
            let arena = Arena::new(seed, true);
            let mut looks = arena.clone();
            looks.clear.fill(false);
            let mut random = Random::from_seed(seed);
            for _ in 0..20_000 {
                let at = |random: &mut Random, side: i32| random.below(side as u32) as i32;
                let from = Point::nearest(at(&mut random, WIDTH), at(&mut random, HEIGHT));
                let angle = random.below(ANGLES.into()) as u8;
                let units = random.below(TILE as u32) as i32;
                if !arena.is_solid(from) {
                    let ends = [&arena, &looks].map(|arena| arena.walk(from, angle, units));
                    assert_eq!(ends[0], ends[1], "{from:?} {angle} {units}");
                }
            }
        }
    }

    #[test]
    fn a_wall_is_slid_along_and_touched_to_the_unit() {
        let arena = pillar();
        let from = Point::nearest(50 * TILE - RADIUS - 1 - 40, 32 * TILE + TILE / 2);
        assert_eq!(arena.walk(from, 0, 96).x(), 50 * TILE - RADIUS - 1);
        let touching = Point::nearest(50 * TILE - RADIUS - 1, 32 * TILE + TILE / 2);
        assert_eq!(arena.walk(touching, 0, 96), touching);
        let slid = arena.walk(touching, 4, 96);
        assert_eq!((slid.x(), slid.y()), (touching.x(), touching.y() + 68));
        let from = Point::nearest(51 * TILE + RADIUS + 40, 32 * TILE + TILE / 2);
        assert_eq!(arena.walk(from, 16, 96).x(), 51 * TILE + RADIUS);
        assert_eq!(arena.walk(from, 0, 96).x(), from.x() + 96);
    }

    #[test]
    fn a_ray_is_the_division_it_stands_for() {
        for length in [-5_000, -129, -128, -1, 0, 1, 127, 128, 999, 1_536, 24_320] {
            for steps in [1, 2, 3, 7, 13, 19, 191] {
                let mut ray = Ray::new(length, steps);
                for step in 1..=steps {
                    assert_eq!(ray.next(), length * step / steps, "{length} {step}/{steps}");
                }
            }
        }
    }

    #[test]
    fn walls_hide_and_stop_what_is_thrown() {
        let arena = pillar();
        let at = |column, row| Tile::at(column, row).centre();
        assert!(!arena.sees(at(47, 32), at(54, 32)));
        assert!(arena.sees(at(47, 34), at(54, 34)));
        assert!(arena.sees(at(47, 32), at(47, 32)));
        assert_eq!(arena.throw(at(40, 34), 0, 6 * TILE), at(46, 34));
        let stopped = arena.throw(at(48, 32), 0, 6 * TILE);
        assert!(stopped.x() < 50 * TILE && stopped.x() > 49 * TILE);
    }
}
