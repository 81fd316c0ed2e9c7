//! The way from where a bot stands to what it can reach: a breadth-first search around walls and
//! around what it shuns. Knows nothing of why.

use alloc::{vec, vec::Vec};

use contagion::{COLUMNS, Point, ROWS};

use crate::map::{Map, Tile, centre, tile_of};

const TILES: usize = COLUMNS * ROWS;
/// Not reached, and not to be entered.
const FAR: u8 = u8::MAX;
const SHUNNED: u8 = u8::MAX - 1;
/// Tiles of a way that are looked along at once.
const AHEAD: usize = 6;

/// The four straight steps, then the four across corners.
const STEPS: [(i32, i32); 8] = [
    (1, 0),
    (0, 1),
    (-1, 0),
    (0, -1),
    (1, 1),
    (-1, 1),
    (-1, -1),
    (1, -1),
];

/// The last search; its memory is used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ways {
    steps: Vec<u8>,
    from: Vec<Tile>,
    reached: Vec<Tile>,
}

impl Ways {
    /// Searches from a place up to `depth` steps. Tiles of and around `shunned` are not entered,
    /// but for those that are no nearer to it than one is already: one has to get out.
    pub(crate) fn explore(
        &mut self,
        map: &Map,
        start: Point,
        depth: u8,
        shunned: impl Iterator<Item = Point>,
    ) {
        self.steps.clear();
        self.steps.resize(TILES, FAR);
        if self.from.is_empty() {
            self.from = vec![0; TILES];
        }
        self.reached.clear();
        for at in shunned {
            let tile = tile_of(at);
            self.set(tile, SHUNNED);
            let far = at.distance_squared(start);
            let around = STEPS.iter().filter_map(|&step| map.beside(tile, step));
            for beside in around {
                if at.distance_squared(centre(beside)) < far {
                    self.set(beside, SHUNNED);
                }
            }
        }
        let start = tile_of(start);
        self.set(start, 0);
        self.reached.push(start);
        let mut visited = 0;
        while let Some(&tile) = self.reached.get(visited) {
            visited += 1;
            let steps = self.steps_to(tile).unwrap_or(FAR);
            if steps < depth {
                self.spread(map, tile, steps + 1);
            }
        }
    }

    fn spread(&mut self, map: &Map, tile: Tile, steps: u8) {
        for (right, down) in STEPS {
            let Some(next) = map.beside(tile, (right, down)) else {
                continue;
            };
            let across = right != 0 && down != 0;
            let squeezes = across
                && (map.beside(tile, (right, 0)).is_none()
                    || map.beside(tile, (0, down)).is_none());
            if !squeezes && self.steps.get(usize::from(next)) == Some(&FAR) {
                self.set(next, steps);
                if let Some(from) = self.from.get_mut(usize::from(next)) {
                    *from = tile;
                }
                self.reached.push(next);
            }
        }
    }

    fn set(&mut self, tile: Tile, steps: u8) {
        if let Some(known) = self.steps.get_mut(usize::from(tile)) {
            *known = steps;
        }
    }

    /// Steps to a tile, if it was reached.
    pub(crate) fn steps_to(&self, tile: Tile) -> Option<u8> {
        let steps = self.steps.get(usize::from(tile)).copied();
        steps.filter(|&steps| steps < SHUNNED)
    }

    /// All tiles reached, with the steps to each, the nearest first.
    pub(crate) fn reached(&self) -> impl Iterator<Item = (Tile, u8)> {
        let steps = |&tile| Some((tile, self.steps_to(tile)?));
        self.reached.iter().filter_map(steps)
    }

    /// Where to walk straight to now, on the way to a tile that was reached.
    pub(crate) fn leg(&self, map: &Map, start: Point, goal: Tile) -> Point {
        let mut way = Vec::new();
        let mut tile = goal;
        while self.steps_to(tile).is_some_and(|steps| steps > 0) {
            way.push(tile);
            tile = self.from.get(usize::from(tile)).copied().unwrap_or(tile);
        }
        // From the end: the first tiles of the way are its last entries.
        let first = way.len().saturating_sub(AHEAD);
        let near = &way[first..];
        let straight = near.iter().find(|&&tile| map.is_clear(start, centre(tile)));
        centre(*straight.or(near.last()).unwrap_or(&goal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contagion::{Config, State, TILE};

    #[test]
    fn a_way_leads_round_walls_to_wherever_one_can_get() {
        let mut state = State::default();
        let (mut ways, mut walks) = (Ways::default(), 0);
        for seed in 0..6 {
            state.field.seed = seed;
            let map = Map::new(&state, &Config::default());
            let start = Point::nearest(TILE / 2, TILE / 2);
            ways.explore(&map, start, 200, core::iter::empty());
            let all: Vec<(Tile, u8)> = ways.reached().collect();
            for &(goal, steps) in all.iter().step_by(97) {
                let (mut at, mut legs) = (start, 0);
                while tile_of(at) != goal {
                    let mut ways = Ways::default();
                    ways.explore(&map, at, 200, core::iter::empty());
                    at = ways.leg(&map, at, goal);
                    legs += 1;
                    assert!(legs <= u32::from(steps), "seed {seed}: it leads in circles");
                    assert!(map.room_around(tile_of(at)) > 0);
                }
                walks += 1;
            }
        }
        assert!(walks > 200, "{walks}");
    }

    #[test]
    fn what_is_shunned_is_gone_round() {
        let state = State::default();
        let open = Config {
            city: false,
            ..Config::default()
        };
        let map = Map::new(&state, &open);
        let at = |column: i32, row: i32| Point::nearest(column * TILE + 128, row * TILE + 128);
        let mut ways = Ways::default();
        ways.explore(&map, at(40, 32), 20, core::iter::empty());
        assert_eq!(ways.steps_to(tile_of(at(48, 32))), Some(8));
        assert_eq!(ways.steps_to(tile_of(at(61, 32))), None, "too far");
        ways.explore(&map, at(40, 32), 20, (30..35).map(|row| at(44, row)));
        assert_eq!(ways.steps_to(tile_of(at(44, 32))), None);
        assert_eq!(ways.steps_to(tile_of(at(43, 32))), None);
        assert_eq!(ways.steps_to(tile_of(at(48, 32))), Some(10));
        ways.explore(&map, at(40, 32), 20, (26..40).map(|row| at(44, row)));
        assert!(ways.steps_to(tile_of(at(48, 32))) > Some(10), "a detour");
        let leg = ways.leg(&map, at(40, 32), tile_of(at(48, 32)));
        assert_ne!(leg.y(), at(40, 32).y());
    }
}
