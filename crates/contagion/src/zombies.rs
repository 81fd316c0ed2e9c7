//! The zombies as columns, and how they hunt. Knows figures only as places to walk to.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::arena::{Arena, TILES, Tile};
use crate::flow::Flow;
use crate::geometry::{ANGLES, HEIGHT, Point, TILE, WIDTH, heading};
use crate::{TICK_MS, ticks};

/// Zombies on a field, at most.
pub const MAX_ZOMBIES: usize = 600;
/// How far a zombie walks in a tick, in units: by its id, so that a horde stretches. 1.6 to 2.5
/// tiles a second.
pub const ZOMBIE_SPEEDS: [i32; 4] = [40 + HASTE, 48 + HASTE, 56 + HASTE, 64 + HASTE];
/// A zombie bites what is at most this near, in units: three quarters of a tile.
pub const BITE_REACH: i32 = TILE * 3 / 4;
/// A zombie sees prey at most this far away, in units; beyond that it follows its nose.
pub const SIGHT: i32 = 6 * TILE;
/// Zombies that share a tile, at most, as long as they find room.
pub const CROWD: u8 = 3;
/// What a bite takes of a figure's health.
pub const BITE_DAMAGE: u8 = 10;
/// From one bite of a zombie to its next, and from its coming to its first; in milliseconds.
pub const BITE_COOLDOWN_MS: u32 = 1_000;

/// The one rule that differs in a build with the test-only feature `altered`, in units per tick.
const HASTE: i32 = if cfg!(feature = "altered") { 8 } else { 0 };

const BITE_COOLDOWN: u8 = ticks(BITE_COOLDOWN_MS) as u8;
const _: () = assert!(BITE_COOLDOWN_MS.div_ceil(TICK_MS) <= u8::MAX as u32);

/// Zombies in order of coming: one column per property, all of the same length. Encoded as
/// columns of bytes, 8 per zombie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Columns")]
pub struct Zombies {
    /// Rising: a zombie keeps its id for the whole match.
    #[serde(with = "words")]
    id: Vec<u16>,
    #[serde(with = "words")]
    x: Vec<u16>,
    #[serde(with = "words")]
    y: Vec<u16>,
    /// Angle step.
    #[serde(with = "serde_bytes")]
    facing: Vec<u8>,
    /// Ticks until it may bite.
    #[serde(with = "serde_bytes")]
    cooldown: Vec<u8>,
}

/// What a renderer needs of one zombie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zombie {
    pub(crate) id: u16,
    pub(crate) at: Point,
    pub(crate) facing: u8,
    pub(crate) biting: bool,
}

impl Zombies {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Where they are, in order of coming, with their ids.
    pub fn places(&self) -> impl Iterator<Item = (u16, Point)> {
        self.each().map(|zombie| (zombie.id, zombie.at))
    }

    /// Adds one. `false`, and nothing is changed, if the field is full or ids do not rise.
    pub fn push(&mut self, id: u16, at: Point) -> bool {
        if self.len() >= MAX_ZOMBIES || self.id.last().is_some_and(|&last| last >= id) {
            return false;
        }
        let (x, y) = at.into();
        self.id.push(id);
        self.x.push(x);
        self.y.push(y);
        self.facing.push(0);
        self.cooldown.push(BITE_COOLDOWN);
        true
    }

    /// Takes one off the field.
    pub(crate) fn remove(&mut self, index: usize) {
        if index < self.len() {
            self.id.remove(index);
            self.x.remove(index);
            self.y.remove(index);
            self.facing.remove(index);
            self.cooldown.remove(index);
        }
    }

    /// One tick: each bites prey in reach when it may, or walks: straight to prey that it sees,
    /// else where scent and noise lead, else about. Adds the bites to `bites`, which has one count
    /// per prey. All see the prey as it was before the tick; where there is no room, who came first
    /// walks first.
    pub(crate) fn hunt(&mut self, hunt: &Hunt<'_>, bites: &mut [u32]) {
        let mut prey = Watch::new(hunt.prey);
        let mut crowd = Crowd::new();
        for index in 0..self.len() {
            crowd.enter(Tile::of(self.at(index)));
        }
        for index in 0..self.len() {
            let rested = self.cooldown[index].saturating_sub(1);
            self.cooldown[index] = rested;
            let (id, at) = (self.id[index], self.at(index));
            let seen = prey.nearest(at);
            if let Some((target, place)) = seen
                && at.distance_squared(place) <= BITE_REACH * BITE_REACH
            {
                self.facing[index] = heading(at, place);
                if rested == 0 {
                    self.cooldown[index] = BITE_COOLDOWN;
                    bites[target] += 1;
                }
                continue;
            }
            let Some((angle, speed)) = hunt.course(id, at, seen.map(|(_, place)| place)) else {
                continue;
            };
            self.facing[index] = angle;
            (self.x[index], self.y[index]) = crowd.walk(hunt.arena, id, at, angle, speed).into();
        }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = Zombie> {
        (0..self.len()).map(|index| Zombie {
            id: self.id[index],
            at: self.at(index),
            facing: self.facing[index],
            biting: self.cooldown[index] == BITE_COOLDOWN,
        })
    }

    pub(crate) fn at(&self, index: usize) -> Point {
        Point::from_parts(self.x[index], self.y[index])
    }

    /// Places and points of those at most this far away, in order of coming.
    pub(crate) fn near(&self, from: Point, reach: i32) -> impl Iterator<Item = (usize, Point)> {
        let all = self.x.iter().zip(&self.y).enumerate();
        all.filter_map(move |(index, (&x, &y))| {
            let at = Point::from_parts(x, y);
            (from.distance_squared(at) <= reach * reach).then_some((index, at))
        })
    }
}

/// What zombies go by in a tick.
#[derive(Debug)]
pub(crate) struct Hunt<'a> {
    /// Ticks of play so far.
    pub(crate) tick: u32,
    pub(crate) seed: u64,
    pub(crate) arena: &'a Arena,
    pub(crate) flow: &'a Flow,
    pub(crate) prey: &'a [Point],
}

impl Hunt<'_> {
    /// The angle and length of a zombie's step; `None` if it stands.
    fn course(&self, id: u16, at: Point, seen: Option<Point>) -> Option<(u8, i32)> {
        let speed = ZOMBIE_SPEEDS[usize::from(id) % ZOMBIE_SPEEDS.len()];
        let tile = Tile::of(at);
        let straight = seen
            .filter(|&place| !self.flow.is_loud(tile) && self.arena.sees(at, place))
            .map(|place| heading(at, place));
        if let Some(angle) = straight
            && self.arena.walk(at, angle, speed) == at.walk(angle, speed)
        {
            return Some((angle, speed));
        }
        if let Some(next) = self.flow.next(tile, id) {
            return Some((heading(at, next.centre()), speed));
        }
        // A wall's corner that one can look past stops who walks past it, unless it goes around.
        if let Some(angle) = straight {
            return Some((angle, speed));
        }
        // Without a trail: now this way, now that way, now not at all. Not of the room's stream,
        // which six hundred draws in each tick would cost more than they are worth.
        let while_ = (self.tick + u32::from(id)) / WANDER;
        let whim = mix(self.seed ^ (u64::from(id) << 32 | u64::from(while_)));
        let walks = whim >> 63 == 0;
        walks.then_some(((whim % u64::from(ANGLES)) as u8, speed / 2))
    }
}

/// Ticks of wandering until a zombie thinks of something else.
pub const WANDER: u32 = 24;

/// David Stafford's mixer "Mix13", the finalizer of splitmix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Who may be seen from where: a set of prey per square of the arena, so that a zombie looks only
/// at what is near; and where much is near, per patch what may be nearest, so that a horde around
/// many looks at a few.
struct Watch<'a> {
    prey: &'a [Point],
    squares: [u64; SQUARES],
    /// Empty: not asked yet.
    patches: [u64; PATCHES],
}

/// The side of a square, in units: [`SIGHT`] reaches into neighbours only.
const SQUARE: i32 = 8 * TILE;
const ACROSS: i32 = WIDTH / SQUARE;
const SQUARES: usize = (ACROSS * (HEIGHT / SQUARE)) as usize;
const _: () = assert!(SIGHT <= SQUARE && WIDTH % SQUARE == 0 && HEIGHT % SQUARE == 0);
/// So much prey near a zombie is much.
const MUCH: u32 = 8;
/// The side of a patch, in units.
const PATCH: i32 = 2 * TILE;
const PATCHES_ACROSS: i32 = WIDTH / PATCH;
const PATCHES: usize = (PATCHES_ACROSS * (HEIGHT / PATCH)) as usize;
const _: () = assert!(WIDTH % PATCH == 0 && HEIGHT % PATCH == 0);

impl<'a> Watch<'a> {
    fn new(prey: &'a [Point]) -> Self {
        let mut squares = [0; SQUARES];
        // One bit each. There are no more than 64 but in a state that nobody made.
        for (index, at) in prey.iter().enumerate().take(u64::BITS as usize) {
            let span = |at: i32, side: i32| {
                (at - SIGHT).max(0) / SQUARE..=(at + SIGHT).min(side - 1) / SQUARE
            };
            for row in span(at.y(), HEIGHT) {
                for column in span(at.x(), WIDTH) {
                    squares[(row * ACROSS + column) as usize] |= 1 << index;
                }
            }
        }
        Self {
            prey,
            squares,
            patches: [0; PATCHES],
        }
    }

    /// The nearest prey in sight, walls aside; of equally near ones the first.
    fn nearest(&mut self, at: Point) -> Option<(usize, Point)> {
        const FAR: i32 = SIGHT * SIGHT + 1;
        // Distance and number in one, so that the least is found without guessing which it is.
        let nearest = members(self.near(at)).fold(FAR << MEMBER_BITS, |nearest, index| {
            let distance = at.distance_squared(self.prey[index]).min(FAR);
            nearest.min(distance << MEMBER_BITS | index as i32)
        });
        let index = (nearest & MEMBER_MASK) as usize;
        (nearest >> MEMBER_BITS < FAR).then(|| (index, self.prey[index]))
    }

    /// What may be the nearest prey here.
    fn near(&mut self, at: Point) -> u64 {
        let near = self.squares[(at.y() / SQUARE * ACROSS + at.x() / SQUARE) as usize];
        if near.count_ones() < MUCH {
            return near;
        }
        let (column, row) = (at.x() / PATCH, at.y() / PATCH);
        let patch = &mut self.patches[(row * PATCHES_ACROSS + column) as usize];
        if *patch == 0 {
            let middle = Point::nearest(column * PATCH + PATCH / 2, row * PATCH + PATCH / 2);
            *patch = nearest_around(self.prey, near, middle);
        }
        *patch
    }
}

/// Of a set of prey all that may be the nearest to some place of a patch, given by its middle: what
/// is farther from the middle than another by more than the patch's diagonal is not. Not empty
/// unless the set is.
fn nearest_around(prey: &[Point], set: u64, middle: Point) -> u64 {
    // No place is farther from the middle than half the diagonal: 1.42 times half a side is more.
    const AROUND: i32 = PATCH / 2 * 142 / 100;
    let mut distances = [i32::MAX; u64::BITS as usize];
    for index in members(set) {
        distances[index] = middle.distance_squared(prey[index]);
    }
    // Rounded up; all are less than 2^15 apart.
    let reach = distances
        .iter()
        .fold(i32::MAX, |least, &one| least.min(one))
        .isqrt()
        + 1
        + 2 * AROUND;
    members(set)
        .filter(|&index| distances[index] <= reach * reach)
        .fold(0, |set, index| set | 1 << index)
}

/// Bits of a number in a set.
const MEMBER_BITS: u32 = u64::BITS.trailing_zeros();
const MEMBER_MASK: i32 = (1 << MEMBER_BITS) - 1;

/// The numbers in a set, rising.
fn members(mut set: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let first = set.trailing_zeros() as usize;
        (set != 0).then(|| {
            set &= set - 1;
            first
        })
    })
}

/// How many zombies stand on each tile: no more than a few, so that a horde spreads out.
struct Crowd([u8; TILES]);

impl Crowd {
    fn new() -> Self {
        Self([0; TILES])
    }

    fn enter(&mut self, tile: Tile) {
        let count = &mut self.0[tile.index()];
        *count = count.saturating_add(1);
    }

    fn has_room(&self, tile: Tile) -> bool {
        self.0[tile.index()] < CROWD
    }

    /// Walks if there is room where it leads, else aside, else not.
    fn walk(&mut self, arena: &Arena, id: u16, from: Point, angle: u8, units: i32) -> Point {
        let here = Tile::of(from);
        let aside = if id.is_multiple_of(2) {
            ANGLES / 4
        } else {
            ANGLES - ANGLES / 4
        };
        for turn in [0, aside] {
            let to = arena.walk(from, (angle + turn) % ANGLES, units);
            let there = Tile::of(to);
            if there == here {
                return to;
            }
            if self.has_room(there) {
                let count = &mut self.0[here.index()];
                *count = count.saturating_sub(1);
                self.enter(there);
                return to;
            }
        }
        from
    }
}

/// What is read before it is known to be zombies.
#[derive(Deserialize)]
struct Columns {
    #[serde(with = "words")]
    id: Vec<u16>,
    #[serde(with = "words")]
    x: Vec<u16>,
    #[serde(with = "words")]
    y: Vec<u16>,
    #[serde(with = "serde_bytes")]
    facing: Vec<u8>,
    #[serde(with = "serde_bytes")]
    cooldown: Vec<u8>,
}

impl TryFrom<Columns> for Zombies {
    type Error = &'static str;

    fn try_from(columns: Columns) -> Result<Self, Self::Error> {
        let Columns {
            id,
            x,
            y,
            facing,
            cooldown,
        } = columns;
        let lengths = [x.len(), y.len(), facing.len(), cooldown.len()];
        if id.len() > MAX_ZOMBIES || lengths != [id.len(); 4] {
            return Err("columns of different lengths, or too long");
        }
        if !id.is_sorted_by(|earlier, later| earlier < later) {
            return Err("ids of zombies do not rise");
        }
        for (&x, &y) in x.iter().zip(&y) {
            Point::try_from((x, y))?;
        }
        Ok(Self {
            id,
            x,
            y,
            facing,
            cooldown,
        })
    }
}

/// A column of 16-bit numbers as bytes, lower byte first: half the time of a number at a time, and
/// a size that does not depend on where things are.
mod words {
    use alloc::vec::Vec;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_bytes::ByteBuf;

    pub(super) fn serialize<S: Serializer>(column: &[u16], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = column.iter().flat_map(|word| word.to_le_bytes()).collect();
        to.serialize_bytes(&bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u16>, D::Error> {
        let bytes = ByteBuf::deserialize(from)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(D::Error::custom("half a word"));
        }
        Ok(pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect())
    }
}
