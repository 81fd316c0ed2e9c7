//! The zombies as columns, and how they hunt. Knows figures only as places to walk to.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::geometry::{Point, TILE, heading};
use crate::{TICK_MS, ticks};

/// Zombies on a field, at most.
pub const MAX_ZOMBIES: usize = 600;
/// How far a zombie walks in a tick, in units: by its id, so that a horde stretches. 1.6 to 2.5
/// tiles a second.
pub const ZOMBIE_SPEEDS: [i32; 4] = [40 + HASTE, 48 + HASTE, 56 + HASTE, 64 + HASTE];
/// A zombie bites what is at most this near, in units: three quarters of a tile.
pub const BITE_REACH: i32 = TILE * 3 / 4;
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

    /// One tick: each walks towards the nearest prey (of equally near ones the first) or, in
    /// reach, bites it when it may. Adds the bites to `bites`, which has one count per prey. All
    /// see the prey as it was before the tick, so their order does not matter.
    pub(crate) fn hunt(&mut self, prey: &[Point], bites: &mut [u32]) {
        for index in 0..self.len() {
            let rested = self.cooldown[index].saturating_sub(1);
            self.cooldown[index] = rested;
            let at = self.at(index);
            let Some((target, distance)) = nearest(prey, at) else {
                continue;
            };
            let angle = heading(at, prey[target]);
            self.facing[index] = angle;
            if distance > BITE_REACH * BITE_REACH {
                let speed = ZOMBIE_SPEEDS[usize::from(self.id[index]) % ZOMBIE_SPEEDS.len()];
                (self.x[index], self.y[index]) = at.walk(angle, speed).into();
            } else if rested == 0 {
                self.cooldown[index] = BITE_COOLDOWN;
                bites[target] += 1;
            }
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

    fn at(&self, index: usize) -> Point {
        Point::nearest(i32::from(self.x[index]), i32::from(self.y[index]))
    }
}

fn nearest(prey: &[Point], at: Point) -> Option<(usize, i32)> {
    let mut best = None;
    let mut best_distance = i32::MAX;
    for (index, &place) in prey.iter().enumerate() {
        let distance = at.distance_squared(place);
        if distance < best_distance {
            best_distance = distance;
            best = Some(index);
        }
    }
    Some((best?, best_distance))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: i32, y: i32) -> Point {
        Point::nearest(x * TILE, y * TILE)
    }

    fn one(place: Point) -> Zombies {
        let mut zombies = Zombies::default();
        assert!(zombies.push(0, place));
        zombies
    }

    #[test]
    fn the_nearest_is_hunted_and_of_equals_the_first() {
        let prey = [at(50, 40), at(30, 32), at(50, 24), at(50, 48)];
        for (place, target) in [
            (at(50, 32), 0),
            (at(31, 32), 1),
            (at(50, 44), 0),
            (at(50, 25), 2),
        ] {
            let mut zombies = one(place);
            zombies.hunt(&prey, &mut [0; 4]);
            assert_eq!(zombies.facing[0], heading(place, prey[target]));
            assert_eq!(
                zombies.at(0),
                place.walk(zombies.facing[0], ZOMBIE_SPEEDS[0])
            );
        }
    }

    #[test]
    fn a_horde_stretches_by_its_ids() {
        let mut zombies = Zombies::default();
        for id in 0..5 {
            assert!(zombies.push(id, at(10, 32)));
        }
        zombies.hunt(&[at(50, 32)], &mut [0]);
        let walked: Vec<i32> = zombies.places().map(|(_, to)| to.x() - 10 * TILE).collect();
        assert_eq!(walked[..4], ZOMBIE_SPEEDS);
        assert_eq!(walked[4], ZOMBIE_SPEEDS[0]);
        assert!(
            ZOMBIE_SPEEDS
                .iter()
                .all(|&speed| speed < crate::PLAYER_SPEED)
        );
    }

    #[test]
    fn without_prey_they_stand_and_rest() {
        let mut zombies = one(at(50, 32));
        zombies.hunt(&[], &mut []);
        assert_eq!(
            (zombies.at(0), zombies.cooldown[0]),
            (at(50, 32), BITE_COOLDOWN - 1)
        );
    }

    #[test]
    fn a_bite_needs_reach_to_the_unit() {
        let place = at(50, 32);
        for (distance, bitten) in [(BITE_REACH, 1), (BITE_REACH + 1, 0)] {
            let mut zombies = one(place);
            zombies.cooldown[0] = 1;
            let mut bites = [0];
            zombies.hunt(
                &[Point::nearest(place.x() + distance, place.y())],
                &mut bites,
            );
            assert_eq!(bites, [bitten], "at {distance} units");
            assert_eq!(
                zombies.at(0) == place,
                bitten == 1,
                "who bites does not walk"
            );
        }
    }

    #[test]
    fn a_second_bite_waits_for_the_cooldown_and_the_first_too() {
        let mut zombies = one(at(50, 32));
        let mut bites = [0];
        let mut when = Vec::new();
        for tick in 1..=25 {
            let before = bites[0];
            zombies.hunt(&[at(50, 32)], &mut bites);
            if bites[0] != before {
                when.push(tick);
            }
        }
        assert_eq!(when, [10, 20]);
    }

    #[test]
    fn a_field_holds_no_more_than_its_maximum_and_ids_rise() {
        let mut zombies = Zombies::default();
        for id in 0..MAX_ZOMBIES as u16 {
            assert!(zombies.push(id, at(1, 1)));
        }
        assert!(!zombies.push(MAX_ZOMBIES as u16, at(1, 1)));
        assert_eq!(zombies.len(), MAX_ZOMBIES);
        let mut zombies = one(at(1, 1));
        assert!(!zombies.push(0, at(1, 1)));
        assert!(zombies.push(7, at(1, 1)));
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let sound = one(at(50, 32));
        let bytes = |zombies: &Zombies| postcard::to_allocvec(zombies).expect("it encodes");
        assert_eq!(
            postcard::from_bytes::<Zombies>(&bytes(&sound)).as_ref(),
            Ok(&sound)
        );
        let mut short = sound.clone();
        short.cooldown.clear();
        let mut outside = sound.clone();
        outside.x[0] = u16::MAX;
        let mut twice = sound.clone();
        assert!(twice.push(1, at(1, 1)));
        twice.id[1] = 0;
        for broken in [short, outside, twice] {
            assert!(postcard::from_bytes::<Zombies>(&bytes(&broken)).is_err());
        }
        assert!(
            postcard::from_bytes::<Zombies>(&[1, 0, 0, 0, 0, 0]).is_err(),
            "half a word"
        );
    }
}
