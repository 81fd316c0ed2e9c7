//! The ground of the match, as tiles and as lines of sight. Knows nothing of who walks there.

use contagion::{Arena, COLUMNS, Config, Point, RADIUS, ROWS, State, TILE, terrain};

/// A tile's number, row by row.
pub(crate) type Tile = u16;

/// The ground of one match.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    of: (u64, bool),
    arena: Arena,
}

impl Map {
    pub(crate) fn new(state: &State, config: &Config) -> Self {
        let of = (state.field.seed, config.city);
        Self {
            of,
            arena: Arena::new(of.0, of.1),
        }
    }

    pub(crate) fn is_of(&self, state: &State, config: &Config) -> bool {
        self.of == (state.field.seed, config.city)
    }

    /// The tile beside another; `None` beyond the edge and where it is solid.
    pub(crate) fn beside(&self, tile: Tile, (right, down): (i32, i32)) -> Option<Tile> {
        let (columns, rows) = (COLUMNS as i32, ROWS as i32);
        let column = i32::from(tile) % columns + right;
        let row = i32::from(tile) / columns + down;
        if !(0..columns).contains(&column) || !(0..rows).contains(&row) {
            return None;
        }
        // Within the arena, which has fewer than 2^16 tiles.
        let beside = (row * columns + column) as Tile;
        let what = self.arena.terrain().get(usize::from(beside))?;
        (*what < terrain::SOLID).then_some(beside)
    }

    /// Open tiles around a tile, of the 24 within two steps.
    pub(crate) fn room_around(&self, tile: Tile) -> i32 {
        let near = (-2..=2).flat_map(|right| (-2..=2).map(move |down| (right, down)));
        // At most 25.
        near.filter(|&by| self.beside(tile, by).is_some()).count() as i32 - 1
    }

    /// Whether a body can walk straight from one place to another.
    pub(crate) fn is_clear(&self, from: Point, to: Point) -> bool {
        const BODY: i32 = RADIUS - 4;
        self.along(from, to, |at| {
            let corners = [(-BODY, -BODY), (BODY, -BODY), (-BODY, BODY), (BODY, BODY)];
            corners
                .iter()
                .any(|(x, y)| self.is_solid(at.0 + x, at.1 + y))
        })
    }

    /// Whether a shot flies straight from one place to another.
    pub(crate) fn sees(&self, from: Point, to: Point) -> bool {
        self.along(from, to, |(x, y)| self.is_solid(x, y))
    }

    fn along(&self, from: Point, to: Point, stops: impl Fn((i32, i32)) -> bool) -> bool {
        let (dx, dy) = (to.x() - from.x(), to.y() - from.y());
        let steps = dx.abs().max(dy.abs()) / (TILE / 3) + 1;
        !(1..=steps).any(|step| stops((from.x() + dx * step / steps, from.y() + dy * step / steps)))
    }

    fn is_solid(&self, x: i32, y: i32) -> bool {
        self.arena.is_solid(Point::nearest(x, y))
    }
}

/// The tile of a place.
pub(crate) fn tile_of(at: Point) -> Tile {
    // Within the arena, which has fewer than 2^16 tiles.
    ((at.y() / TILE) * COLUMNS as i32 + at.x() / TILE) as Tile
}

/// The middle of a tile.
pub(crate) fn centre(tile: Tile) -> Point {
    let (column, row) = (
        i32::from(tile) % COLUMNS as i32,
        i32::from(tile) / COLUMNS as i32,
    );
    Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2)
}

/// Units between two places.
pub(crate) fn distance(one: Point, other: Point) -> i32 {
    one.distance_squared(other).isqrt()
}
