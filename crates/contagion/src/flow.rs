//! The way to the nearest prey around walls, for every tile at once: distances by breadth-first
//! search from where prey and noise are. A field is finished over [`CYCLE`] ticks and then used for
//! as many, so no tick pays for all of it. What is stored is where each search began; distances
//! are derived from that, so an instance that starts cold has the same ones.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::arena::{Arena, CLOSED, OPEN, STRIDE, TILES, Tile};
use crate::derived::Derived;
use crate::geometry::Point;

/// Ticks from one field to the next.
pub const CYCLE: u32 = 4;
/// Prey is smelt as far as this, in tiles walked.
pub const SCENT: u8 = 44;
/// By how many tiles a noise seems nearer than prey.
pub const NOISE: u8 = 12;

/// Tiles that one tick's share of a search visits.
const SHARE: usize = TILES.div_ceil(CYCLE as usize);

/// Where a search began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sources {
    /// Tiles where there is noise, rising.
    noise: Vec<u16>,
    /// Tiles where there is prey, rising.
    prey: Vec<u16>,
}

/// The field in use and the one in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    used: Sources,
    made: Sources,
    #[serde(skip)]
    fields: Derived<Fields>,
}

/// Distances that follow from [`Sources`] and the arena.
#[derive(Clone, Debug, Default)]
struct Fields {
    used: Search,
    made: Search,
}

impl Flow {
    /// One tick, of which `tick` is the number: goes on with the search, and begins a new one from
    /// where prey and noise are now when the last is finished.
    pub(crate) fn tick(
        &mut self,
        tick: u32,
        arena: &Arena,
        prey: impl Iterator<Item = Point>,
        noise: impl Iterator<Item = Point>,
    ) {
        if tick.is_multiple_of(CYCLE) {
            self.refresh(arena);
            let fields = &mut *self.fields;
            fields.made.run(usize::MAX);
            core::mem::swap(&mut fields.used, &mut fields.made);
            core::mem::swap(&mut self.used, &mut self.made);
            self.made = Sources {
                noise: tiles(noise),
                prey: tiles(prey),
            };
            fields.made.begin(arena, &self.made);
        } else {
            self.refresh(arena);
        }
        self.fields.made.run(SHARE);
    }

    /// Makes derived fields again where they are not of these sources: after a cold start.
    fn refresh(&mut self, arena: &Arena) {
        let fields = &mut *self.fields;
        if !fields.used.is_of(&self.used) {
            fields.used.begin(arena, &self.used);
            fields.used.run(usize::MAX);
        }
        if !fields.made.is_of(&self.made) {
            fields.made.begin(arena, &self.made);
        }
    }

    /// The tile to walk to from a tile: the neighbour nearest to prey or noise. `None` where there
    /// is no scent, and where the search began. `skew` decides among equally near ones, so that a
    /// horde uses more than one way.
    pub(crate) fn next(&self, from: Tile, skew: u16) -> Option<Tile> {
        let distances = &self.fields.used.distances;
        let at = |index: usize| distances.get(index).copied().unwrap_or(CLOSED);
        let here = from.index();
        let mut best = at(here);
        if best >= CLOSED {
            return None;
        }
        let mut to = None;
        for turn in 0..NEIGHBOURS.len() {
            let (step, sides) = NEIGHBOURS[(turn + usize::from(skew)) % NEIGHBOURS.len()];
            let index = here.wrapping_add_signed(step);
            let corner = |side: isize| at(here.wrapping_add_signed(side)) == CLOSED;
            // Never across a corner: both tiles beside a diagonal are open.
            if at(index) < best && !sides.iter().any(|&side| corner(side)) {
                best = at(index);
                to = Some(Tile(index as u16));
            }
        }
        to
    }

    /// Whether a noise is louder here than prey.
    pub(crate) fn is_loud(&self, at: Tile) -> bool {
        let distance = self.fields.used.distances.get(at.index());
        distance.is_some_and(|&distance| distance < NOISE)
    }
}

/// Steps to the neighbours of a tile, each with the tiles beside a diagonal.
const NEIGHBOURS: [(isize, [isize; 2]); 8] = {
    const ROW: isize = STRIDE as isize;
    [
        (1, [1, 1]),
        (ROW + 1, [ROW, 1]),
        (ROW, [ROW, ROW]),
        (ROW - 1, [ROW, -1]),
        (-1, [-1, -1]),
        (-ROW - 1, [-ROW, -1]),
        (-ROW, [-ROW, -ROW]),
        (1 - ROW, [-ROW, 1]),
    ]
};

fn tiles(places: impl Iterator<Item = Point>) -> Vec<u16> {
    let mut tiles: Vec<u16> = places.map(|at| Tile::of(at).0).collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// A breadth-first search that can be interrupted.
#[derive(Clone, Debug, Default)]
struct Search {
    of: Sources,
    /// Per tile: steps to the nearest source, [`OPEN`] where there is none near, or [`CLOSED`].
    distances: Vec<u8>,
    /// Tiles in order of distance; the ones before `visited` are done.
    queue: Vec<u16>,
    visited: usize,
    /// Whether prey, which counts as [`NOISE`] steps away, is in the queue.
    smells: bool,
}

impl Search {
    fn is_of(&self, sources: &Sources) -> bool {
        !self.distances.is_empty() && self.of == *sources
    }

    fn begin(&mut self, arena: &Arena, sources: &Sources) {
        self.of.clone_from(sources);
        self.distances.clear();
        self.distances.extend_from_slice(arena.closed());
        self.queue.clear();
        self.visited = 0;
        self.smells = false;
        self.reach(true);
    }

    /// Puts sources into the queue.
    fn reach(&mut self, noise: bool) {
        let (sources, distance) = if noise {
            (&self.of.noise, 0)
        } else {
            (&self.of.prey, NOISE)
        };
        for &tile in sources {
            if let Some(known) = self.distances.get_mut(usize::from(tile))
                && *known == OPEN
            {
                *known = distance;
                self.queue.push(tile);
            }
        }
    }

    /// Visits up to `count` tiles.
    fn run(&mut self, count: usize) {
        for _ in 0..count {
            let next = self.queue.get(self.visited).copied();
            let distance = next.and_then(|tile| self.distances.get(usize::from(tile)).copied());
            if !self.smells && distance.is_none_or(|distance| distance >= NOISE) {
                // What noise reaches in as many steps is as near, so the order does not matter.
                self.smells = true;
                self.reach(false);
                continue;
            }
            let (Some(tile), Some(distance)) = (next, distance) else {
                return;
            };
            self.visited += 1;
            if distance >= NOISE + SCENT {
                continue;
            }
            let tile = usize::from(tile);
            for neighbour in [tile - 1, tile + 1, tile - STRIDE, tile + STRIDE] {
                if self.distances[neighbour] == OPEN {
                    self.distances[neighbour] = distance + 1;
                    self.queue.push(neighbour as u16);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::TILE;

    fn at(column: i32, row: i32) -> Point {
        Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2)
    }

    /// The field of these sources, finished and in use.
    fn field(arena: &Arena, prey: &[Point], noise: &[Point]) -> Flow {
        let mut flow = Flow::default();
        for tick in 0..=CYCLE {
            flow.tick(tick, arena, prey.iter().copied(), noise.iter().copied());
        }
        flow
    }

    /// Tiles walked from a place until the field leads no further.
    fn path(flow: &Flow, from: Point, skew: u16) -> Vec<Tile> {
        let mut tiles = Vec::from([Tile::of(from)]);
        while let Some(next) = tiles.last().and_then(|&last| flow.next(last, skew)) {
            tiles.push(next);
        }
        tiles
    }

    #[test]
    fn from_everywhere_it_leads_to_prey_and_never_through_walls() {
        for seed in 0..8 {
            let arena = Arena::new(seed, true);
            let prey = arena.somewhere(&mut baton::Random::from_seed(seed), (20, 14));
            let flow = field(&arena, &[prey], &[]);
            let mut led = 0;
            for column in 0..96 {
                for row in 0..64 {
                    if arena.is_solid(at(column, row)) {
                        continue;
                    }
                    let path = path(&flow, at(column, row), (column * row) as u16);
                    assert!(path.iter().all(|tile| !arena.is_solid(tile.centre())));
                    led += usize::from(path.last() == Some(&Tile::of(prey)));
                }
            }
            assert!(led > 2_000, "seed {seed}: {led} tiles");
        }
    }

    #[test]
    fn it_is_the_same_warm_and_cold_at_every_tick() {
        let arena = Arena::new(3, true);
        let mut random = baton::Random::from_seed(9);
        let mut warm = Flow::default();
        for tick in 0..40 {
            let prey: Vec<Point> = (0..3)
                .map(|_| arena.somewhere(&mut random, (30, 20)))
                .collect();
            let bytes = postcard::to_allocvec(&warm).expect("it encodes");
            let mut cold: Flow = postcard::from_bytes(&bytes).expect("it decodes");
            for flow in [&mut warm, &mut cold] {
                flow.tick(
                    tick,
                    &arena,
                    prey.iter().copied(),
                    prey.iter().copied().take(1),
                );
            }
            assert_eq!(warm, cold);
            assert_eq!(
                warm.fields.used.distances, cold.fields.used.distances,
                "tick {tick}"
            );
        }
    }

    #[test]
    fn a_search_in_shares_is_the_search_at_once() {
        let arena = Arena::new(5, true);
        let prey: Vec<Point> = (0..64)
            .scan(baton::Random::from_seed(1), |random, _| {
                Some(arena.somewhere(random, (40, 28)))
            })
            .collect();
        let sources = Sources {
            noise: tiles(prey.iter().copied().take(2)),
            prey: tiles(prey.iter().copied()),
        };
        let (mut once, mut shares) = (Search::default(), Search::default());
        once.begin(&arena, &sources);
        once.run(usize::MAX);
        shares.begin(&arena, &sources);
        for _ in 0..CYCLE {
            shares.run(SHARE + 1);
        }
        assert_eq!(once.distances, shares.distances);
        assert_eq!(
            shares.visited,
            shares.queue.len(),
            "finished within a cycle"
        );
    }

    #[test]
    fn distances_are_steps_and_a_noise_is_nearer_than_it_is() {
        let arena = Arena::new(0, false);
        let flow = field(&arena, &[at(40, 32)], &[]);
        let steps = |flow: &Flow, column| {
            let distance = flow.fields.used.distances[Tile::of(at(column, 32)).index()];
            (distance < CLOSED).then(|| i32::from(distance) - i32::from(NOISE))
        };
        assert_eq!(steps(&flow, 40), Some(0));
        assert_eq!(steps(&flow, 70), Some(30));
        assert_eq!(steps(&flow, 40 + i32::from(SCENT)), Some(i32::from(SCENT)));
        assert_eq!(steps(&flow, 41 + i32::from(SCENT)), None);
        assert!(!flow.is_loud(Tile::of(at(40, 32))));
        // Half-way between prey and noise, it leads to the noise; beside the prey, to the prey.
        let flow = field(&arena, &[at(40, 32)], &[at(60, 32)]);
        assert!(flow.is_loud(Tile::of(at(50, 32))) && !flow.is_loud(Tile::of(at(44, 32))));
        assert_eq!(
            path(&flow, at(50, 32), 0).last(),
            Some(&Tile::of(at(60, 32)))
        );
        assert_eq!(
            path(&flow, at(42, 32), 0).last(),
            Some(&Tile::of(at(40, 32)))
        );
    }

    #[test]
    fn sources_that_are_not_of_the_arena_lead_nowhere() {
        let arena = Arena::new(0, true);
        let sources = Sources {
            noise: Vec::from([0, 97, u16::MAX]),
            prey: Vec::from([1, TILES as u16]),
        };
        let mut search = Search::default();
        search.begin(&arena, &sources);
        search.run(usize::MAX);
        assert_eq!(search.distances, arena.closed());
    }
}
