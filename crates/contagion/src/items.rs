//! What lies on the ground: medkits, ammunition, lures; and lures that make noise. Knows nothing
//! of who wants them.

use alloc::vec::Vec;

use baton::Random;
use serde::{Deserialize, Serialize};

use crate::arena::Arena;
use crate::figure::{Kit, MAX_AMMUNITION, MAX_LURES, MAX_MEDKITS, ROUNDS};
use crate::geometry::{Point, TILE};
use crate::ticks;

/// Items on a field, at most.
pub const MAX_ITEMS: usize = 40;
/// Lures that make noise at once, at most; another one silences the oldest.
pub const MAX_NOISES: usize = 12;
/// How long a lure makes noise, in milliseconds.
pub const LURE_MS: u32 = 6_000;
/// What is this near is picked up, in units along both axes.
pub const PICK_UP_REACH: i32 = TILE * 3 / 4;

/// Half the sides of the part of the arena where items lie, in tiles.
const WHERE: (usize, usize) = (42, 28);
/// Places drawn for an item until one lies in a building.
const TRIES: u32 = 3;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thing {
    /// Cures, and heals.
    Medkit,
    /// [`ROUNDS`] rounds.
    Ammunition,
    /// To be thrown.
    Lure,
}

/// Something on the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Rising in a match, as [`Noise::id`].
    pub id: u16,
    /// Where it lies.
    pub at: Point,
    /// What it is.
    pub thing: Thing,
}

/// A lure that was thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noise {
    /// Rising in a match, as [`Item::id`].
    pub id: u16,
    /// Where it lies.
    pub at: Point,
    /// Ticks until it is silent.
    pub left: u8,
}

/// Everything on the ground.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// By rising id.
    pub items: Vec<Item>,
    /// By rising id.
    pub noises: Vec<Noise>,
    /// The id of the next one.
    next: u16,
}

impl Ground {
    /// A tick: noises end.
    pub(crate) fn tick(&mut self) {
        self.noises.retain_mut(|noise| {
            noise.left = noise.left.saturating_sub(1);
            noise.left > 0
        });
    }

    /// Puts an item somewhere, rather in a building; nothing happens if there is no room for more.
    pub(crate) fn scatter(&mut self, arena: &Arena, random: &mut Random) {
        let thing = match random.below(20) {
            0..9 => Thing::Medkit,
            9..16 => Thing::Ammunition,
            _ => Thing::Lure,
        };
        let mut at = arena.somewhere(random, WHERE);
        for _ in 1..TRIES {
            if arena.is_floor(at) {
                break;
            }
            at = arena.somewhere(random, WHERE);
        }
        self.lay(at, thing);
    }

    /// Whether another item could lie here: there is a place and a number for it.
    pub(crate) fn has_room(&self) -> bool {
        self.items.len() < MAX_ITEMS && self.next < u16::MAX
    }

    fn lay(&mut self, at: Point, thing: Thing) {
        if self.items.len() < MAX_ITEMS
            && let Some(id) = self.number()
        {
            self.items.push(Item { id, at, thing });
        }
    }

    /// Leaves behind what somebody carried, as far as there is room; opened crates are lost.
    pub(crate) fn drop(&mut self, at: Point, kit: Kit) {
        for (count, thing) in [
            (kit.medkits, Thing::Medkit),
            (kit.ammunition / ROUNDS, Thing::Ammunition),
            (kit.lures, Thing::Lure),
        ] {
            for _ in 0..count {
                self.lay(at, thing);
            }
        }
    }

    /// Makes a noise.
    pub(crate) fn throw(&mut self, at: Point) {
        let Some(id) = self.number() else { return };
        if self.noises.len() >= MAX_NOISES {
            self.noises.remove(0);
        }
        let left = ticks(LURE_MS) as u8;
        self.noises.push(Noise { id, at, left });
    }

    /// Puts what lies near into a kit that has room for it.
    pub(crate) fn pick_up(&mut self, at: Point, kit: &mut Kit) {
        self.items.retain(|item| {
            let near = (item.at.x() - at.x())
                .abs()
                .max((item.at.y() - at.y()).abs());
            near > PICK_UP_REACH || !take(kit, item.thing)
        });
    }

    fn number(&mut self) -> Option<u16> {
        let id = self.next;
        self.next = self.next.checked_add(1)?;
        Some(id)
    }
}

const _: () = assert!(ticks(LURE_MS) <= u8::MAX as u32);

/// Whether there was room for it.
fn take(kit: &mut Kit, thing: Thing) -> bool {
    let (carried, more, most) = match thing {
        Thing::Medkit => (&mut kit.medkits, 1, MAX_MEDKITS),
        Thing::Ammunition => (&mut kit.ammunition, ROUNDS, MAX_AMMUNITION),
        Thing::Lure => (&mut kit.lures, 1, MAX_LURES),
    };
    let room = *carried < most;
    if room {
        *carried = carried.saturating_add(more).min(most);
    }
    room
}
