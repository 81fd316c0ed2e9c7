//! What a bot that survives wants, the most urgent first: a medkit, a strike, a way out, a shot,
//! things that lie about, its friends. Knows nothing of how fast it may act.

use alloc::vec::Vec;

use contagion::{
    Action, BITE_REACH, FULL_HEALTH, HEAL_REACH, Item, MAX_AMMUNITION, MAX_LURES, MAX_MEDKITS,
    Point, SHOT_REACH, STRIKE_ARC, STRIKE_REACH, SURVIVOR_SPEED, TILE, Thing, heading,
};

use crate::brain::{Brain, Wish, gap};
use crate::map::{Map, Tile, centre, distance, tile_of};
use crate::sight::{Sight, Threat};

/// What is this near will soon bite.
const ALARM: i32 = 4 * TILE;
/// What is this near is a reason not to go after something else.
const WORRY: i32 = 6 * TILE;
/// What a zombie walks in a tick, as players judge it, in units.
const ZOMBIE_PACE: i32 = 52;
/// A blow is struck at what is this near.
const BLOW: i32 = STRIKE_REACH - 40;
/// Ticks for which somebody stands and waits for what comes before looking again.
const PATIENCE: u32 = 6;
/// How far one runs before one looks again, in steps.
const FLIGHT: u8 = 10;
/// How far one looks for a way to something.
const WALK: u8 = 34;
/// Steps of an angle that count as one side: threats further apart surround.
const SIDE: u8 = 7;
/// Health at which somebody who is careful with medkits uses one without being infected.
const FAINT: u8 = 30;
/// Friends are near enough within this.
const TOGETHER: i32 = 5 * TILE;
/// Ticks after which an errand is given up.
const ERRAND: u32 = 90;

pub(crate) fn wish(brain: &mut Brain, sight: &Sight<'_>, map: &Map, now: u32) -> Wish {
    let mut wish = Wish::new();
    if wants_medkit(brain, sight) {
        wish.push((0, Action::Heal));
    }
    let alarmed = sight.threats_within(ALARM);
    if alarmed > 0 {
        wish.extend(fight_or_flee(brain, sight, map, alarmed));
    } else if let Some(shot) = shot(brain, sight, map) {
        wish.extend(shot);
    } else {
        wish.extend(errand(brain, sight, map, now));
    }
    wish
}

/// A medkit goes to oneself first, then to the friend in reach who turns next: so say the rules.
fn wants_medkit(brain: &mut Brain, sight: &Sight<'_>) -> bool {
    let me = sight.me;
    if me.kit.medkits == 0 {
        return false;
    }
    let friend = sight.friends(HEAL_REACH).any(|friend| friend.is_infected());
    let faint = if brain.limits.social {
        FAINT
    } else {
        FULL_HEALTH / 4 * 3
    };
    let needed = me.is_infected() || me.health <= faint || (friend && brain.limits.social);
    needed && brain.perhaps(brain.limits.care)
}

/// What a threat near by asks for: a blow as it comes into reach, or a way out.
fn fight_or_flee(brain: &mut Brain, sight: &Sight<'_>, map: &Map, alarmed: usize) -> Wish {
    let me = sight.me;
    let Some(nearest) = sight.threats.first() else {
        return Wish::new();
    };
    let towards = heading(me.at, nearest.at);
    let near = &sight.threats[..alarmed];
    let aside = near
        .iter()
        .any(|threat| gap(heading(me.at, threat.at), towards) > SIDE);
    let pressed = alarmed > brain.limits.brave || (aside && alarmed > 2);
    if pressed && alarmed > 3 && me.kit.lures > 0 && brain.perhaps(brain.limits.care / 2) {
        let mut wish = Wish::new();
        wish.extend(brain.face(me, nearest.at, SIDE));
        wish.push((0, Action::Lure));
        wish.extend(flight(brain, sight, map));
        return wish;
    }
    let blow = blow(brain, sight, map, *nearest);
    let is_late = blow.is_none();
    let others = alarmed > 1 && near[1].far < 3 * TILE;
    let escape = if pressed || is_late || others {
        flight(brain, sight, map)
    } else {
        None
    };
    let soon = nearest.far <= STRIKE_REACH + TILE / 2;
    match (blow, escape) {
        (Some(mut blow), Some(escape)) if soon || !pressed => {
            blow.pop_if(|(_, last)| *last == Action::Stop);
            blow.push(escape);
            blow
        }
        (_, Some(escape)) => Vec::from([escape]),
        (Some(blow), None) => shot(brain, sight, map)
            .filter(|_| nearest.far > STRIKE_REACH * 2)
            .unwrap_or(blow),
        // Cornered, and not ready: it is struck as soon as it can be.
        (None, None) => {
            let mut wish = Wish::new();
            wish.extend(brain.face(me, nearest.at, STRIKE_ARC - 2));
            wish.push((u32::from(me.cooldown), Action::Strike));
            wish
        }
    }
}

/// Turning to what comes, standing, and striking when it is in reach; `None` if it would have
/// bitten before that.
fn blow(brain: &mut Brain, sight: &Sight<'_>, map: &Map, nearest: Threat) -> Option<Wish> {
    let me = sight.me;
    if nearest.far > STRIKE_REACH / 2 && !map.sees(me.at, nearest.at) {
        // Behind a corner: it may come, or not.
        return (nearest.far > 2 * TILE).then(Wish::new);
    }
    let mut wish = Wish::new();
    let mut ticks = brain.limits.reaction;
    let spacing = brain.limits.spacing;
    // A few ticks each.
    let pace = |walks: bool| ZOMBIE_PACE + if walks { SURVIVOR_SPEED } else { 0 };
    let passed = |ticks: u32, walks: bool| ticks as i32 * pace(walks);
    let turn = brain.face(me, nearest.at, STRIKE_ARC - 2);
    let mut walks = me.walks;
    let mut far = nearest.far - passed(ticks, walks && turn.is_none());
    if turn.is_some() {
        wish.extend(turn);
        walks = true;
    }
    if walks && far > BLOW + passed(spacing + 1, true) {
        if turn.is_some() {
            far -= passed(spacing, true);
            ticks += spacing;
        }
        wish.push((0, Action::Stop));
        walks = false;
    }
    let approach = ((far - BLOW).max(0) + pace(walks) - 1) / pace(walks);
    let approach = approach as u32;
    let due = (ticks + approach).max(u32::from(me.cooldown));
    if far - passed(due - ticks, walks) < BITE_REACH && due > ticks {
        return None;
    }
    if approach <= PATIENCE {
        let late = brain.random.below(brain.limits.late + 1);
        wish.push((due + late, Action::Strike));
        wish.extend(walks.then_some((0, Action::Stop)));
    }
    Some(wish)
}

/// A step towards the place that is safest from what is near, if one is safer than here.
fn flight(brain: &mut Brain, sight: &Sight<'_>, map: &Map) -> Option<(u32, Action)> {
    let careful = brain.limits.careful;
    let me = sight.me;
    let shunned = sight.threats.iter().map(|threat| threat.at);
    brain.ways.explore(map, me.at, FLIGHT, shunned);
    let safety = |tile: Tile, steps: u8| {
        let at = centre(tile);
        // By the time one is there, they have come nearer.
        let nearer = i32::from(steps) * TILE * 3 / 5;
        let clear = sight
            .threats
            .iter()
            .map(|threat| distance(threat.at, at) - nearer)
            .min()
            .unwrap_or(0)
            .min(8 * TILE);
        let exits = if careful {
            map.room_around(tile) * TILE / 10
        } else {
            0
        };
        clear + exits
    };
    let here = safety(tile_of(me.at), 0);
    let reached = brain.ways.reached().filter(|&(_, steps)| steps >= 3);
    let best = reached
        .map(|(tile, steps)| (safety(tile, steps), core::cmp::Reverse(tile)))
        .max()?;
    let (safest, core::cmp::Reverse(tile)) = best;
    if safest <= here {
        return None;
    }
    let leg = brain.ways.leg(map, me.at, tile);
    brain.walk(me, leg)
}

/// Turning to what is in range and firing.
fn shot(brain: &mut Brain, sight: &Sight<'_>, map: &Map) -> Option<Wish> {
    let me = sight.me;
    if me.kit.ammunition == 0 || u32::from(me.cooldown) > brain.limits.reaction + 1 {
        return None;
    }
    let mut seen = sight.threats.iter();
    let target = seen.find(|threat| threat.far <= SHOT_REACH && map.sees(me.at, threat.at))?;
    let mut wish = Wish::new();
    wish.extend(brain.face(me, target.at, 1));
    wish.push((u32::from(me.cooldown), Action::Strike));
    wish.extend((me.walks || wish.len() > 1).then_some((0, Action::Stop)));
    Some(wish)
}

/// What one does while nothing bites: things, friends, a look round.
fn errand(brain: &mut Brain, sight: &Sight<'_>, map: &Map, now: u32) -> Option<(u32, Action)> {
    let me = sight.me;
    let shunned = sight.threats.iter().map(|threat| threat.at);
    brain.ways.explore(map, me.at, WALK, shunned);
    let goal = friend_in_need(brain, sight)
        .or_else(|| thing(brain, sight))
        .or_else(|| company(brain, sight))
        .or_else(|| stroll(brain, sight, now));
    let Some(goal) = goal else {
        return me.walks.then_some((0, Action::Stop));
    };
    let leg = if map.is_clear(me.at, goal) {
        goal
    } else {
        brain.ways.leg(map, me.at, tile_of(goal))
    };
    brain.walk(me, leg)
}

fn reaches(brain: &Brain, at: Point) -> Option<u8> {
    brain.ways.steps_to(tile_of(at))
}

fn friend_in_need(brain: &Brain, sight: &Sight<'_>) -> Option<Point> {
    let within = brain.limits.things * TILE;
    if sight.me.kit.medkits == 0 || !brain.limits.social {
        return None;
    }
    let ill = sight.friends(within).filter(|friend| friend.is_infected());
    let near = ill.filter_map(|friend| Some((reaches(brain, friend.at)?, friend.at)));
    near.min_by_key(|(steps, _)| *steps).map(|(_, at)| at)
}

/// The nearest thing that there is use and room for.
fn thing(brain: &Brain, sight: &Sight<'_>) -> Option<Point> {
    let (kit, within) = (sight.me.kit, brain.limits.things * TILE);
    let wanted = |item: &&Item| match item.thing {
        Thing::Medkit => kit.medkits < MAX_MEDKITS,
        Thing::Ammunition => kit.ammunition < MAX_AMMUNITION,
        Thing::Lure => kit.lures < MAX_LURES,
    };
    let safe = |item: &&Item| {
        let threats = sight.threats.iter();
        let mut near = threats.map(|threat| distance(threat.at, item.at));
        !brain.limits.careful || near.all(|far| far > WORRY / 2)
    };
    let items = sight.state.field.ground.items.iter();
    let seen = items.filter(|item| distance(item.at, sight.me.at) <= within);
    let near = seen.filter(wanted).filter(safe).filter_map(|item| {
        let steps = reaches(brain, item.at)?;
        // An ill player looks for one thing only; others prefer it.
        let rank = match item.thing {
            Thing::Medkit => steps / 2,
            _ if sight.me.is_infected() => return None,
            _ => steps,
        };
        Some((rank, item.id, item.at))
    });
    near.min_by_key(|&(rank, id, _)| (rank, id))
        .map(|(_, _, at)| at)
}

/// The nearest friend, if too far away to help each other.
fn company(brain: &Brain, sight: &Sight<'_>) -> Option<Point> {
    if !brain.limits.social {
        return None;
    }
    let within = 2 * brain.limits.things * TILE;
    let near = sight
        .friends(within)
        .map(|friend| (distance(friend.at, sight.me.at), friend.at));
    let (far, at) = near.min_by_key(|(far, _)| *far)?;
    (far > TOGETHER && reaches(brain, at).is_some()).then_some(at)
}

/// Somewhere else, to see what is there; who has enough, or stands with friends, may as well wait.
fn stroll(brain: &mut Brain, sight: &Sight<'_>, now: u32) -> Option<Point> {
    let me = sight.me;
    if let Some((at, until)) = brain.errand
        && now < until
        && distance(at, me.at) > TILE
        && reaches(brain, at).is_some()
    {
        return Some(at);
    }
    brain.errand = None;
    let content = me.kit.medkits > 0 && me.kit.ammunition > 0 && !me.is_infected();
    if content && brain.perhaps(80) {
        return None;
    }
    let reached: Vec<Tile> = brain
        .ways
        .reached()
        .filter(|&(_, steps)| steps > WALK / 3)
        .map(|(tile, _)| tile)
        .collect();
    // Fewer than 2^16 tiles.
    let drawn = brain.random.below(reached.len() as u32) as usize;
    let at = centre(*reached.get(drawn)?);
    brain.errand = Some((at, now + ERRAND));
    Some(at)
}
