//! What a bot that has turned wants: the nearest survivor, and to bite it. Knows nothing of how
//! fast it may act.

use contagion::{Action, Point, STRIKE_ARC, TILE, TURNED_REACH, TURNED_SPEED};

use crate::brain::{Brain, Wish};
use crate::map::{Map, distance, tile_of};
use crate::sight::Sight;

/// A turned player looks for ways as long as this.
const DEPTH: u8 = 120;
/// What a survivor walks on until the bite lands, in units per tick of reaction.
const LEAD: i32 = 30;

pub(crate) fn wish(brain: &mut Brain, sight: &Sight<'_>, map: &Map) -> Wish {
    let me = sight.me;
    let mut wish = Wish::new();
    // The map that every player has beside the field shows where survivors are.
    let anywhere = 120 * TILE;
    let prey = sight
        .friends(anywhere)
        .min_by_key(|prey| prey.at.distance_squared(me.at));
    let Some(prey) = prey else {
        wish.extend(me.walks.then_some((0, Action::Stop)));
        return wish;
    };
    // A few ticks, and not more than a second.
    let reaction = brain.limits.reaction as i32;
    let ahead = if prey.walks {
        prey.at.walk(prey.facing, LEAD * reaction)
    } else {
        prey.at
    };
    let near = distance(me.at, prey.at);
    let rested = u32::from(me.cooldown) <= brain.limits.reaction;
    let lunge = TURNED_SPEED * (reaction + 1);
    if near <= TURNED_REACH + lunge && rested && map.sees(me.at, prey.at) {
        if me.walks && near < lunge {
            // It would run past before it bites.
            wish.push((0, Action::Stop));
            return wish;
        }
        wish.extend(brain.face(me, ahead, STRIKE_ARC - 2));
        wish.push((u32::from(me.cooldown), Action::Strike));
        wish.push((0, Action::Stop));
        return wish;
    }
    let to = goal(brain, map, me.at, prey.at, ahead);
    wish.extend(brain.walk(me, to));
    wish
}

fn goal(brain: &mut Brain, map: &Map, from: Point, prey: Point, ahead: Point) -> Point {
    if map.is_clear(from, prey) {
        return ahead;
    }
    brain
        .ways
        .explore(map, from, DEPTH, core::iter::empty::<Point>());
    brain.ways.leg(map, from, tile_of(prey))
}
