//! How zombies walk and hunt: around walls, past each other, to whoever is there.

use contagion::{
    Arena, BITE_COOLDOWN_MS, CROWD, Config, Phase, Point, SIGHT, TILE, What, ZOMBIE_SPEEDS,
};

use crate::scene::{
    PLAY, Room, calm, city, figure, haunt, haunt_at, infect, playing, put, set, tile, told, zombie,
};

fn middle(column: i32, row: i32) -> Point {
    Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2)
}

#[test]
fn a_zombie_that_sees_prey_walks_straight_to_it_at_its_own_speed() {
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 60, 32);
    let from = tile(60, 32).x() - SIGHT + 10;
    let ids: Vec<u16> = (0..4)
        .map(|_| haunt_at(&mut room, Point::nearest(from, 32 * TILE)))
        .collect();
    room.ticks(5);
    for id in ids {
        let at = zombie(&room, id).expect("it is there");
        let speed = ZOMBIE_SPEEDS[usize::from(id) % ZOMBIE_SPEEDS.len()];
        assert_eq!(at.x() - from, 5 * speed, "zombie {id}");
    }
}

#[test]
fn the_nearest_prey_is_hunted() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 44, 32);
    put(&mut room, 1, 51, 32);
    let id = haunt(&mut room, 48, 32);
    room.ticks(6);
    assert!(zombie(&room, id).expect("it is there").x() > 48 * TILE);
}

/// Ticks until a zombie from there has bitten who stands here, if it does in time.
fn hunted(room: &mut Room, prey: Point, from: Point, most: u32) -> Option<u32> {
    room.state_mut().field.zombies = contagion::Zombies::default();
    room.state_mut().field.feed = contagion::Feed::default();
    room.state_mut().ticks_left = PLAY;
    let figure = set(room, 0);
    (figure.at, figure.infection, figure.health) = (prey, 0, 100);
    haunt_at(room, from);
    for tick in 1..=most {
        room.tick();
        if told(room).first().map(|told| told.0) == Some(What::Bitten) {
            return Some(tick);
        }
    }
    None
}

#[test]
fn no_place_of_a_city_is_safe_from_a_zombie_in_the_neighbourhood() {
    let mut failures = Vec::new();
    let mut hunts = 0;
    for seed in 0..6_u64 {
        let mut room = Room::new(city(), seed);
        room.join(0);
        crate::scene::until(&mut room, Phase::Playing);
        let arena = Arena::new(room.state().field.seed, true);
        for count in 0..60_i32 {
            let prey = middle((count * 29 + 7) % 96, (count * 17 + 5) % 64);
            let from = Point::nearest(
                prey.x() + (count % 19 - 9) * TILE,
                prey.y() + (count % 13 - 6) * TILE,
            );
            if arena.is_solid(prey) || arena.is_solid(from) {
                continue;
            }
            // Against a wall, where there is one.
            let prey = (0..8).fold(prey, |at, _| arena.walk(at, (count % 32) as u8, 60));
            hunts += 1;
            if hunted(&mut room, prey, from, 600).is_none() {
                let stuck = room.state().field.zombies.places().next();
                failures.push((seed, prey, from, stuck));
            }
        }
    }
    assert!(hunts > 150, "{hunts}");
    assert!(
        failures.is_empty(),
        "{} of {hunts}: {failures:?}",
        failures.len()
    );
}

#[test]
fn a_horde_is_never_in_walls_and_spreads_over_tiles() {
    let horde = Config {
        zombies_at_start: 600,
        ..city()
    };
    let mut room = playing(horde, [0, 1, 2]);
    let arena = Arena::new(room.state().field.seed, true);
    let mut most = 0;
    for tick in 0..500 {
        for player in 0..3 {
            let figure = set(&mut room, player);
            (figure.infection, figure.health) = (0, 100);
        }
        room.tick();
        let mut crowd = vec![0_u8; 96 * 64];
        for (id, at) in room.state().field.zombies.places() {
            assert!(!arena.is_solid(at), "zombie {id} at tick {tick}");
            crowd[(at.y() / TILE * 96 + at.x() / TILE) as usize] += 1;
        }
        // Where they come from, chance may put more on a tile.
        if tick > 100 {
            most = most.max(crowd.into_iter().max().unwrap_or(0));
        }
    }
    assert_eq!(most, CROWD, "they do crowd, and not more");
}

#[test]
fn who_came_first_walks_first_and_who_has_no_room_stays_or_steps_aside() {
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 60, 32);
    let crowd: Vec<u16> = (0..30)
        .map(|_| haunt_at(&mut room, middle(56, 32)))
        .collect();
    room.ticks(8);
    let mut tiles = std::collections::BTreeMap::<(i32, i32), u8>::new();
    for &id in &crowd {
        let at = zombie(&room, id).expect("it is there");
        *tiles.entry((at.x() / TILE, at.y() / TILE)).or_default() += 1;
    }
    assert!(tiles.len() >= 4, "{tiles:?}");
    let came = tiles.iter().filter(|(tile, _)| **tile != (56, 32));
    assert!(
        came.into_iter().all(|(_, &count)| count <= CROWD),
        "{tiles:?}"
    );
}

#[test]
fn without_anybody_to_hunt_they_wander_slowly() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 90, 60);
    put(&mut room, 1, 90, 60);
    let ids: Vec<u16> = (0..40)
        .map(|count| haunt(&mut room, 5 + count % 8, 5 + count / 8))
        .collect();
    let before: Vec<_> = ids.iter().map(|&id| zombie(&room, id)).collect();
    let mut moved = vec![false; ids.len()];
    for _ in 0..40 {
        let last: Vec<_> = ids.iter().map(|&id| zombie(&room, id)).collect();
        room.tick();
        for (index, &id) in ids.iter().enumerate() {
            let (from, to) = (
                last[index].expect("there"),
                zombie(&room, id).expect("there"),
            );
            let most = ZOMBIE_SPEEDS[3] / 2 + 2;
            assert!(from.distance_squared(to) <= most * most);
        }
    }
    for (index, &id) in ids.iter().enumerate() {
        moved[index] = zombie(&room, id) != before[index];
    }
    let count = moved.iter().filter(|&&moved| moved).count();
    assert!((10..=40).contains(&count), "{count} of 40 have moved");
}

#[test]
fn a_state_reloaded_at_any_tick_goes_on_alike() {
    let config = Config {
        zombies_at_start: 200,
        spawns_per_minute: 600,
        items_at_start: 30,
        play_ms: PLAY * 100,
        ..city()
    };
    for seed in 0..3 {
        let mut warm = Room::new(config, seed);
        (0..6).for_each(|player| warm.join(player));
        crate::scene::until(&mut warm, Phase::Playing);
        // One is cold at every tick, one at every seventh: in the midst of searches.
        let (mut cold, mut colder) = (warm.clone(), warm.clone());
        for tick in 0..400_u32 {
            for room in [&mut warm, &mut cold, &mut colder] {
                let player = tick % 6;
                let action = match tick % 7 {
                    0 | 1 => contagion::Action::Strike,
                    2 => contagion::Action::Lure,
                    3 => contagion::Action::Heal,
                    _ => contagion::Action::Steer((tick * 11 % 32) as u8),
                };
                // Refused or not, it is the same input.
                let _verdict = crate::scene::does(room, player, action);
            }
            colder.reload().expect("it decodes what it encoded");
            if tick % 7 == 0 {
                cold.reload().expect("it decodes what it encoded");
            }
            for room in [&mut warm, &mut cold, &mut colder] {
                room.tick();
            }
            assert_eq!(warm.hash(), cold.hash(), "seed {seed}, tick {tick}");
            assert_eq!(warm.hash(), colder.hash(), "seed {seed}, tick {tick}");
        }
    }
}

#[test]
fn a_zombie_that_has_just_come_does_not_bite_at_once() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 1, 5, 5);
    put(&mut room, 0, 50, 32);
    infect(&mut room, 0, 190);
    haunt(&mut room, 50, 32);
    room.ticks(crate::scene::ticks(BITE_COOLDOWN_MS) - 1);
    assert_eq!(figure(&room, 0).health, 100);
}
