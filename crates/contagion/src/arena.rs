//! The ground of a match: what lies on each tile, and how walls stop whoever walks. Never stored:
//! the match's seed makes it again. Knows nothing of who walks.

use alloc::{vec, vec::Vec};

use baton::Random;

use crate::geometry::{HEIGHT, Point, TILE, WIDTH, along};
use crate::town;

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
use terrain::{FLOOR, SOLID};

/// A coordinate without these bits is a tile's: rounded down below 0 as well, and no division.
const TILE_BITS: u32 = TILE.trailing_zeros();
const _: () = assert!(TILE.count_ones() == 1);

/// Half the width of whoever walks, in units.
pub const RADIUS: i32 = 80;

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
        let terrain = if city {
            town::plan(&mut Random::from_seed(seed))
        } else {
            vec![terrain::GRASS; COLUMNS * ROWS]
        };
        let mut closed = vec![CLOSED; TILES];
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                if terrain[row * COLUMNS + column] < SOLID {
                    closed[Tile::at(column, row).index()] = OPEN;
                }
            }
        }
        Self {
            seed,
            city,
            terrain,
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
#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::ANGLES;

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
