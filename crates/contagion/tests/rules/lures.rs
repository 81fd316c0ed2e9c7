//! Lures: thrown, heard, silent again.

use contagion::{
    Action, Arena, FULL_HEALTH, LURE_MS, MAX_NOISES, Point, THROW, TILE, terrain::SOLID,
};

use crate::scene::{Room, calm, city, does, figure, haunt, playing, put, set, ticks, tile, zombie};

fn noises(room: &Room) -> Vec<Point> {
    let noises = &room.state().field.ground.noises;
    noises.iter().map(|noise| noise.at).collect()
}

/// One who throws, facing right.
fn thrower() -> Room {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 48, 32);
    put(&mut room, 1, 2, 2);
    room
}

fn throw(room: &mut Room) {
    set(room, 0).kit.lures = 1;
    assert_eq!(does(room, 0, Action::Lure), Ok(()));
}

#[test]
fn a_lure_lands_ahead_and_makes_noise_for_its_time() {
    let mut room = thrower();
    throw(&mut room);
    assert_eq!(figure(&room, 0).kit.lures, 0);
    let place = tile(48, 32).walk(0, THROW);
    assert_eq!(noises(&room), [place]);
    room.ticks(ticks(LURE_MS) - 1);
    assert_eq!(noises(&room), [place]);
    room.tick();
    assert_eq!(noises(&room), []);
}

#[test]
fn one_more_than_may_sound_silences_the_oldest() {
    let mut room = thrower();
    for count in 0..MAX_NOISES as i32 + 2 {
        set(&mut room, 0).at = tile(10 + count, 10);
        throw(&mut room);
    }
    let places: Vec<_> = noises(&room).iter().map(|at| at.x()).collect();
    assert_eq!(places.len(), MAX_NOISES);
    assert_eq!(places[0], tile(12, 10).x() + THROW);
    let ids: Vec<_> = room
        .state()
        .field
        .ground
        .noises
        .iter()
        .map(|noise| noise.id)
        .collect();
    assert!(ids.is_sorted_by(|one, next| one < next));
}

#[test]
fn it_is_thrown_short_of_walls_and_within_the_arena() {
    let mut room = playing(city(), [0]);
    let arena = Arena::new(room.state().field.seed, true);
    assert!(arena.terrain().iter().any(|&tile| tile >= SOLID));
    let mut short = 0;
    for count in 0..600_u32 {
        let facing = (count * 7 % 32) as u8;
        let (x, y) = ((count * 37 % 96) as i32, (count * 53 % 64) as i32);
        let from = Point::nearest(x * TILE + TILE / 2, y * TILE + TILE / 2);
        if arena.is_solid(from) {
            continue;
        }
        let figure = set(&mut room, 0);
        (figure.at, figure.facing) = (from, facing);
        throw(&mut room);
        let landed = *noises(&room).last().expect("it was thrown");
        assert!(!arena.is_solid(landed), "from {from:?} at {facing}");
        assert!(from.distance_squared(landed) <= (THROW + 2) * (THROW + 2));
        // Of a wall at most a corner was flown through.
        let mut through = 0;
        for part in 0..=64 {
            let (dx, dy) = (landed.x() - from.x(), landed.y() - from.y());
            let at = Point::nearest(from.x() + dx * part / 64, from.y() + dy * part / 64);
            through = if arena.is_solid(at) { through + 1 } else { 0 };
            assert!(through * THROW / 64 <= TILE / 2, "{from:?} at {facing}");
        }
        let whole = from.distance_squared(landed) >= (THROW - 2) * (THROW - 2);
        short += usize::from(!whole);
    }
    assert!(short > 100, "{short} were short");
}

#[test]
fn zombies_leave_prey_that_they_see_for_a_noise_and_come_back_when_it_is_silent() {
    let mut room = thrower();
    put(&mut room, 0, 44, 32);
    throw(&mut room);
    let noise = noises(&room)[0];
    // Between the two, nearer to the prey, which it sees.
    let id = haunt(&mut room, 48, 32);
    let place = |room: &Room| zombie(room, id).expect("it is there");
    room.ticks(ticks(LURE_MS) * 2 / 3);
    let lured = place(&room);
    assert!(lured.distance_squared(noise) < TILE * TILE, "{lured:?}");
    assert_eq!(figure(&room, 0).health, FULL_HEALTH);
    room.ticks(ticks(LURE_MS) / 3 + 9);
    let before = place(&room).x();
    room.ticks(10);
    assert!(place(&room).x() < before - TILE / 2, "back to the prey");
}

#[test]
fn without_a_noise_the_same_zombie_goes_for_the_prey() {
    let mut room = thrower();
    put(&mut room, 0, 44, 32);
    let id = haunt(&mut room, 48, 32);
    room.ticks(10);
    assert!(zombie(&room, id).expect("it is there").x() < 48 * TILE);
}

#[test]
fn a_noise_far_away_does_not_keep_a_zombie_from_prey_that_it_sees() {
    let mut room = thrower();
    put(&mut room, 0, 56, 32);
    throw(&mut room);
    put(&mut room, 0, 44, 32);
    let id = haunt(&mut room, 47, 32);
    room.ticks(10);
    assert!(zombie(&room, id).expect("it is there").x() < 46 * TILE);
}
