//! A survivor strikes what is near and shoots what is far.

use contagion::{
    ANGLES, Action, Arena, Blow, COLUMNS, Point, Role, SHOT_ARC, SHOT_REACH, STRIKE_ARC,
    STRIKE_COOLDOWN_MS, STRIKE_REACH, STRIKE_TARGETS, SURVIVOR_SPEED, TILE, TOUCH, heading,
    terrain::SOLID,
};

use crate::scene::{
    Room, calm, city, does, figure, haunt_at, make_turned, playing, put, set, ticks, tile, zombie,
    zombies,
};

/// A place so far away at an angle.
fn off(from: Point, angle: u8, units: i32) -> Point {
    from.walk(angle, units)
}

/// One who strikes, in the middle, and one far away who keeps the match going.
fn fighter() -> Room {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 48, 32);
    put(&mut room, 1, 5, 5);
    room
}

fn strike(room: &mut Room) {
    assert_eq!(does(room, 0, Action::Strike), Ok(()));
}

fn struck(room: &Room) -> u16 {
    figure(room, 0).tally.struck
}

#[test]
fn a_strike_reaches_so_far_and_no_unit_farther() {
    for facing in [0, 8, 16, 24] {
        for (distance, fell) in [
            (0, true),
            (1, true),
            (STRIKE_REACH, true),
            (STRIKE_REACH + 1, false),
        ] {
            let mut room = fighter();
            set(&mut room, 0).facing = facing;
            let at = figure(&room, 0).at;
            haunt_at(&mut room, off(at, facing, distance));
            strike(&mut room);
            assert_eq!(zombies(&room) == 0, fell, "{distance} at {facing}");
            assert_eq!(struck(&room), u16::from(fell));
            assert_eq!(figure(&room, 0).blow, Blow::Swing, "a miss is seen, too");
        }
    }
}

#[test]
fn a_strike_covers_its_arc_and_no_step_more() {
    for facing in 0..ANGLES {
        for step in 0..ANGLES {
            let mut room = fighter();
            set(&mut room, 0).facing = facing;
            let from = figure(&room, 0).at;
            let at = off(from, (facing + step) % ANGLES, STRIKE_REACH - 10);
            assert_eq!(heading(from, at), (facing + step) % ANGLES);
            haunt_at(&mut room, at);
            strike(&mut room);
            let aside = step.min(ANGLES - step);
            assert_eq!(
                struck(&room) == 1,
                aside <= STRIKE_ARC,
                "{step} of {facing}"
            );
        }
    }
}

#[test]
fn what_touches_is_hit_from_behind_and_no_unit_farther() {
    for (distance, fell) in [(TOUCH, true), (TOUCH + 1, false)] {
        let mut room = fighter();
        let at = figure(&room, 0).at;
        haunt_at(&mut room, off(at, ANGLES / 2, distance));
        strike(&mut room);
        assert_eq!(zombies(&room) == 0, fell, "{distance}");
    }
}

#[test]
fn who_has_run_past_for_two_ticks_still_hits() {
    // As long as a message takes on a good day: else two who run into each other miss.
    let mut room = fighter();
    let at = figure(&room, 0).at;
    haunt_at(&mut room, off(at, ANGLES / 2, 2 * SURVIVOR_SPEED));
    strike(&mut room);
    assert_eq!(zombies(&room), 0);
}

#[test]
fn a_strike_hits_the_nearest_few() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    let far = haunt_at(&mut room, off(at, 0, STRIKE_REACH));
    let mut near: Vec<u16> = Vec::new();
    for index in 0..STRIKE_TARGETS as i32 {
        near.push(haunt_at(&mut room, off(at, 1, 100 + index)));
    }
    strike(&mut room);
    assert_eq!(struck(&room), STRIKE_TARGETS as u16);
    assert!(near.iter().all(|&id| zombie(&room, id).is_none()));
    assert!(zombie(&room, far).is_some());
}

#[test]
fn those_that_are_hit_fall_and_nobody_else() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    // Whoever came first is the farthest; between them are some that are not in reach.
    let mut hit = Vec::new();
    let mut spared = Vec::new();
    for distance in [300, 200, 100] {
        hit.push(haunt_at(&mut room, off(at, 0, distance)));
        spared.push(haunt_at(&mut room, off(at, 16, distance + TILE)));
    }
    strike(&mut room);
    assert!(hit.iter().all(|&id| zombie(&room, id).is_none()));
    assert!(spared.iter().all(|&id| zombie(&room, id).is_some()));
    assert_eq!(struck(&room), 3);
}

#[test]
fn of_equally_near_zombies_those_that_came_first_are_hit() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    let mut ids = Vec::new();
    for _ in 0..STRIKE_TARGETS + 2 {
        ids.push(haunt_at(&mut room, off(at, 0, 200)));
    }
    strike(&mut room);
    let left: Vec<_> = ids
        .iter()
        .filter(|&&id| zombie(&room, id).is_some())
        .collect();
    assert_eq!(left, [&ids[STRIKE_TARGETS], &ids[STRIKE_TARGETS + 1]]);
}

#[test]
fn a_strike_does_not_hurt_survivors() {
    let mut room = fighter();
    set(&mut room, 1).at = figure(&room, 0).at;
    let before = figure(&room, 1).clone();
    strike(&mut room);
    assert_eq!((figure(&room, 1), struck(&room)), (&before, 0));
}

/// A wall of one tile's thickness with open ground on both sides: tiles left and right of it.
fn wall(room: &Room) -> (Point, Point) {
    let arena = Arena::new(room.state().field.seed, true);
    let terrain = arena.terrain();
    let places = (0..terrain.len() - 2).filter(|index| index % COLUMNS < COLUMNS - 2);
    let mut walls = places.filter(|&index| {
        let row = [0, 1, 2].map(|next| terrain[index + next] >= SOLID);
        row == [false, true, false]
    });
    let index = walls.next().expect("a city has thin walls");
    let (column, row) = ((index % COLUMNS) as i32, (index / COLUMNS) as i32);
    let middle = |column: i32| Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2);
    (middle(column), middle(column + 2))
}

#[test]
fn walls_hide_from_strikes_and_shots() {
    let mut room = playing(city(), [0, 1]);
    let (left, right) = wall(&room);
    set(&mut room, 0).at = Point::nearest(left.x() + 40, left.y());
    haunt_at(&mut room, Point::nearest(right.x() - 120, right.y()));
    set(&mut room, 0).kit.ammunition = 1;
    let distance = right.x() - 120 - left.x() - 40;
    assert!(distance < STRIKE_REACH, "else it shows nothing");
    strike(&mut room);
    assert_eq!((zombies(&room), struck(&room)), (1, 0));
    assert_eq!(figure(&room, 0).kit.ammunition, 1, "nothing to shoot at");
    // On the same side of the wall it is hit.
    room.ticks(ticks(STRIKE_COOLDOWN_MS));
    haunt_at(&mut room, Point::nearest(left.x() + 60, left.y()));
    strike(&mut room);
    assert_eq!(struck(&room), 1);
}

#[test]
fn a_shot_is_fired_only_at_what_is_out_of_reach_of_a_strike() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    set(&mut room, 0).kit.ammunition = 2;
    let near = haunt_at(&mut room, off(at, 0, STRIKE_REACH));
    let far = haunt_at(&mut room, off(at, 0, 5 * TILE));
    strike(&mut room);
    assert!(zombie(&room, near).is_none() && zombie(&room, far).is_some());
    let fighter = figure(&room, 0);
    assert_eq!((fighter.kit.ammunition, fighter.blow), (2, Blow::Swing));
    room.ticks(ticks(STRIKE_COOLDOWN_MS));
    let distance = zombie(&room, far).expect("not hit").x() - at.x();
    strike(&mut room);
    let fighter = figure(&room, 0);
    assert!(zombie(&room, far).is_none());
    assert_eq!(fighter.kit.ammunition, 1);
    assert_eq!(fighter.blow, Blow::Shot(distance as u16));
    assert_eq!(struck(&room), 2);
    assert_eq!(u32::from(fighter.cooldown), ticks(STRIKE_COOLDOWN_MS));
}

#[test]
fn a_shot_needs_a_round_a_target_and_a_line() {
    let cases = [
        // Rounds, steps aside, distance, whether it is fired.
        (1, 0, SHOT_REACH, true),
        (1, 0, SHOT_REACH + 1, false),
        (0, 0, 5 * TILE, false),
        (1, SHOT_ARC, 5 * TILE, true),
        (1, SHOT_ARC + 1, 5 * TILE, false),
        (1, ANGLES / 2, 5 * TILE, false),
    ];
    for (rounds, aside, distance, fired) in cases {
        let mut room = fighter();
        let at = figure(&room, 0).at;
        let fighter = set(&mut room, 0);
        (fighter.kit.ammunition, fighter.facing) = (rounds, 8);
        haunt_at(&mut room, off(at, 8 + aside, distance));
        strike(&mut room);
        let fighter = figure(&room, 0);
        let case = (rounds, aside, distance);
        assert_eq!(zombies(&room) == 0, fired, "{case:?}");
        assert_eq!(fighter.kit.ammunition, rounds - u8::from(fired), "{case:?}");
        assert_eq!(matches!(fighter.blow, Blow::Shot(_)), fired, "{case:?}");
        let facing = if fired { 8 + aside } else { 8 };
        assert_eq!(fighter.facing, facing, "it turns to its target: {case:?}");
    }
}

#[test]
fn a_shot_hits_the_nearest_in_line_and_only_that() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    set(&mut room, 0).kit.ammunition = 5;
    let behind = haunt_at(&mut room, off(at, 0, 6 * TILE));
    let nearest = haunt_at(&mut room, off(at, 1, 4 * TILE));
    strike(&mut room);
    assert!(zombie(&room, nearest).is_none() && zombie(&room, behind).is_some());
    assert_eq!((struck(&room), figure(&room, 0).kit.ammunition), (1, 4));
}

#[test]
fn turned_players_are_struck_and_shot_as_zombies_are() {
    let mut room = fighter();
    let at = figure(&room, 0).at;
    make_turned(&mut room, 1);
    set(&mut room, 1).at = off(at, 0, 5 * TILE);
    set(&mut room, 1).health = 1;
    set(&mut room, 0).kit.ammunition = 1;
    strike(&mut room);
    assert!(figure(&room, 1).is_down());
    assert_eq!((struck(&room), figure(&room, 0).kit.ammunition), (1, 0));
    assert_eq!(figure(&room, 1).role, Role::Turned);
    assert_eq!(tile(48, 32), at);
}
