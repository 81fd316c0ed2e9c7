//! The plan of a town: streets, blocks, houses with rooms and doors, parks. Decides what lies on each
//! tile; knows nothing of walking.

use alloc::{vec, vec::Vec};

use baton::Random;

use crate::arena::terrain::{DOOR, FLOOR, GRASS, SOLID, STREET, TREE, WALL};
use crate::arena::{COLUMNS, ROWS};

/// Tiles along the edges where nothing solid is: zombies come from there, and every street ends
/// there.
const BORDER: usize = 2;
const STREET_WIDTH: usize = 3;
/// The sides of a block between streets: the least, and by how much it may be longer.
const BLOCK: (u32, u32) = (9, 7);
/// A building's least side, walls included.
const LEAST_BUILDING: usize = 5;

/// A town, one byte per tile, row by row. Every open tile can be reached from every other.
pub(crate) fn plan(random: &mut Random) -> Vec<u8> {
    let mut plan = Plan::new();
    plan.build(random);
    plan.fill_what_nobody_reaches();
    plan.tiles
}

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

    #[test]
    fn every_open_tile_is_reached_from_every_other() {
        for seed in 0..300 {
            let town = plan(&mut Random::from_seed(seed));
            let open = |index: usize| town[index] < SOLID;
            let mut reached = vec![false; town.len()];
            let mut next = vec![0];
            while let Some(index) = next.pop() {
                if reached[index] || !open(index) {
                    continue;
                }
                reached[index] = true;
                let (column, row) = (index % COLUMNS, index / COLUMNS);
                next.extend((column > 0).then(|| index - 1));
                next.extend((column + 1 < COLUMNS).then_some(index + 1));
                next.extend((row > 0).then(|| index - COLUMNS));
                next.extend((row + 1 < ROWS).then_some(index + COLUMNS));
            }
            let all = 0..town.len();
            assert!(
                all.clone().all(|index| reached[index] == open(index)),
                "{seed}"
            );
            let walls = town.iter().filter(|&&tile| tile == WALL).count();
            assert!(
                (300..1500).contains(&walls),
                "{seed}: {walls} tiles of wall"
            );
            let floor = town.iter().filter(|&&tile| tile == FLOOR).count();
            assert!(floor > 600, "{seed}: {floor} tiles of floor");
        }
    }

    #[test]
    fn the_edge_is_open_and_seeds_differ() {
        let town = |seed| plan(&mut Random::from_seed(seed));
        for (index, &tile) in town(7).iter().enumerate() {
            let (column, row) = (index % COLUMNS, index / COLUMNS);
            let sides = [column, row, COLUMNS - 1 - column, ROWS - 1 - row];
            if sides.iter().any(|&side| side < BORDER) {
                assert!(tile < SOLID, "{column}, {row}");
            }
        }
        assert_eq!(town(7), town(7));
        assert_ne!(town(7), town(8));
    }
}
