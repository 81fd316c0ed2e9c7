//! Points, angles and walking, in integers. Knows nothing of who walks.

use serde::{Deserialize, Serialize};

/// Units per tile: positions are fixed-point.
pub const TILE: i32 = 256;
/// Width of the arena, in units: 96 tiles.
pub const WIDTH: i32 = 96 * TILE;
/// Height of the arena, in units: 64 tiles.
pub const HEIGHT: i32 = 64 * TILE;
/// Nothing comes nearer to the arena's edge than this, in units: half a tile.
pub const MARGIN: i32 = TILE / 2;

/// Angle steps of a full turn. Step 0 points to rising x, step 8 to rising y; on a screen, where
/// y grows downwards, angles grow clockwise.
pub const ANGLES: u8 = 32;

/// `sin(step · 11.25°)` in 1/[`ONE`].
const SINE: [i32; ANGLES as usize] = [
    0, 799, 1567, 2276, 2896, 3406, 3784, 4017, 4096, 4017, 3784, 3406, 2896, 2276, 1567, 799, 0,
    -799, -1567, -2276, -2896, -3406, -3784, -4017, -4096, -4017, -3784, -3406, -2896, -2276,
    -1567, -799,
];
const ONE: i32 = 4096;

/// `tan((step + 1/2) · 11.25°)` in 1/[`ONE`]: where one step of the first quarter turn ends.
const STEP_ENDS: [i32; 8] = [403, 1243, 2189, 3361, 4991, 7663, 13_503, 41_587];

/// A place in the arena, in units; always within the margins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct Point {
    x: u16,
    y: u16,
}

impl Point {
    /// The place nearest to these coordinates.
    pub fn nearest(x: i32, y: i32) -> Self {
        // Clamped to less than 2^16, so nothing is cut off.
        Self {
            x: x.clamp(MARGIN, WIDTH - MARGIN) as u16,
            y: y.clamp(MARGIN, HEIGHT - MARGIN) as u16,
        }
    }

    /// From parts of a point: nothing is checked.
    pub(crate) fn from_parts(x: u16, y: u16) -> Self {
        debug_assert_eq!(Self { x, y }, Self::nearest(x.into(), y.into()));
        Self { x, y }
    }

    /// Units from the left edge.
    pub fn x(self) -> i32 {
        i32::from(self.x)
    }

    /// Units from the top edge.
    pub fn y(self) -> i32 {
        i32::from(self.y)
    }

    /// Where a straight walk of `units` (at most 2^16) at an angle ends, held by the margins.
    pub fn walk(self, angle: u8, units: i32) -> Self {
        let (dx, dy) = along(angle, units);
        Self::nearest(self.x() + dx, self.y() + dy)
    }

    /// The square of the distance, in square units: less than 2^30.
    pub fn distance_squared(self, other: Self) -> i32 {
        let (dx, dy) = (self.x() - other.x(), self.y() - other.y());
        // Wrapping, since it cannot: six hundred zombies ask this often, and wasm checks slowly.
        dx.wrapping_mul(dx).wrapping_add(dy.wrapping_mul(dy))
    }
}

impl From<Point> for (u16, u16) {
    fn from(point: Point) -> Self {
        (point.x, point.y)
    }
}

impl TryFrom<(u16, u16)> for Point {
    type Error = &'static str;

    fn try_from((x, y): (u16, u16)) -> Result<Self, Self::Error> {
        let point = Self::nearest(i32::from(x), i32::from(y));
        if (point.x, point.y) == (x, y) {
            Ok(point)
        } else {
            Err("a point outside of the arena")
        }
    }
}

/// How far `units` (at most 2^16) at an angle lead to the right and down.
pub(crate) fn along(angle: u8, units: i32) -> (i32, i32) {
    let part = |step: u8| {
        let sine = SINE[usize::from(step % ANGLES)];
        (units * sine + ONE / 2) >> ONE.trailing_zeros()
    };
    (part(angle % ANGLES + ANGLES / 4), part(angle))
}

/// Steps between two angles, the shorter way: at most half a turn.
pub(crate) fn turn(one: u8, other: u8) -> u8 {
    let steps = (one % ANGLES).abs_diff(other % ANGLES);
    steps.min(ANGLES - steps)
}

/// The angle step that points best from one place to another; 0 if they are the same.
pub fn heading(from: Point, to: Point) -> u8 {
    let (dx, dy) = (to.x() - from.x(), to.y() - from.y());
    let (width, height) = (dx.abs(), dy.abs());
    // Both products are below 2^30: less than 2^15 units times less than 2^16; so wrapping.
    let steps = STEP_ENDS
        .iter()
        .filter(|&&end| height.wrapping_mul(ONE) > width.wrapping_mul(end))
        .count() as u8;
    let half = ANGLES / 2;
    let angle = match (dx < 0, dy < 0) {
        (false, false) => steps,
        (true, false) => half - steps,
        (true, true) => half + steps,
        (false, true) => ANGLES - steps,
    };
    angle % ANGLES
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTRE: (i32, i32) = (WIDTH / 2, HEIGHT / 2);

    fn at(x: i32, y: i32) -> Point {
        Point::nearest(x, y)
    }

    #[test]
    fn the_sine_table_is_a_circle() {
        for step in 0..32_usize {
            let (sine, cosine) = (SINE[step], SINE[(step + 8) % 32]);
            let error = sine * sine + cosine * cosine - ONE * ONE;
            assert!(error.abs() < ONE, "step {step}: {error}");
            assert_eq!(sine, -SINE[(step + 16) % 32]);
        }
        assert_eq!((SINE[0], SINE[8], SINE[16], SINE[24]), (0, ONE, 0, -ONE));
        assert!(SINE[..9].is_sorted());
    }

    #[test]
    fn a_walk_ends_where_its_angle_points() {
        let centre = at(CENTRE.0, CENTRE.1);
        let cases = [
            (0, 96, 0),
            (8, 0, 96),
            (16, -96, 0),
            (24, 0, -96),
            (4, 68, 68),
            (20, -68, -68),
        ];
        for (angle, dx, dy) in cases {
            assert_eq!(
                centre.walk(angle, 96),
                at(CENTRE.0 + dx, CENTRE.1 + dy),
                "{angle}"
            );
        }
        for angle in 0..ANGLES {
            let end = centre.walk(angle, 4096);
            assert_eq!(heading(centre, end), angle);
            let length = centre.distance_squared(end);
            assert!(
                (4090 * 4090..4102 * 4102).contains(&length),
                "{angle}: {length}"
            );
            assert_eq!(end.walk(angle + 16, 4096), centre, "there and back");
        }
        assert_eq!(
            centre.walk(255, 50),
            centre.walk(31, 50),
            "any byte is an angle"
        );
    }

    #[test]
    fn a_heading_is_the_nearest_step() {
        let centre = at(CENTRE.0, CENTRE.1);
        // tan 5.625° is 0.0985: the border of steps 0 and 1.
        assert_eq!(heading(centre, at(CENTRE.0 + 1000, CENTRE.1 + 98)), 0);
        assert_eq!(heading(centre, at(CENTRE.0 + 1000, CENTRE.1 + 99)), 1);
        assert_eq!(heading(centre, at(CENTRE.0 + 1000, CENTRE.1 - 98)), 0);
        assert_eq!(heading(centre, at(CENTRE.0 + 1000, CENTRE.1 - 99)), 31);
        assert_eq!(heading(centre, centre), 0);
        // The longest distances do not overflow.
        assert_eq!(heading(at(0, 0), at(WIDTH, HEIGHT)), 3);
        assert_eq!(heading(at(WIDTH, HEIGHT), at(0, 0)), 19);
    }

    #[test]
    fn a_turn_is_the_shorter_way() {
        for (one, other, steps) in [(0, 0, 0), (0, 31, 1), (30, 3, 5), (0, 16, 16), (20, 3, 15)] {
            assert_eq!((turn(one, other), turn(other, one)), (steps, steps));
        }
    }

    #[test]
    fn the_margins_hold() {
        let corner = at(i32::MIN, i32::MAX);
        assert_eq!((corner.x(), corner.y()), (MARGIN, HEIGHT - MARGIN));
        assert_eq!(corner.walk(12, 1000), corner);
        let (x, y) = ((WIDTH - MARGIN) as u16, MARGIN as u16);
        assert!(Point::try_from((x, y)).is_ok());
        assert!(Point::try_from((x + 1, y)).is_err());
        assert!(Point::try_from((x, y - 1)).is_err());
    }
}
