//! What comes: zombies at the edges, items in buildings.

use contagion::{
    Action, Arena, COLUMNS, Config, HEIGHT, MARGIN, MAX_ITEMS, MAX_ZOMBIES, Phase, TILE, Thing,
    WIDTH, Zombies, terrain,
};

use crate::scene::{
    COUNTDOWN, PLAY, Room, calm, city, does, lying, now, playing, put, until, zombies,
};

#[test]
fn zombies_come_at_the_edges_at_the_rate_that_was_set() {
    let config = Config {
        zombies_at_start: 7,
        spawns_per_minute: 600,
        ..calm()
    };
    let mut room = playing(config, [0]);
    assert_eq!(zombies(&room), 7);
    let mut sides = [0; 4];
    for tick in 1..=80 {
        room.tick();
        assert_eq!(zombies(&room), 7 + tick, "one a tick");
        let places = room.state().field.zombies.places();
        let (x, y) = places
            .last()
            .map(|(_, at)| (at.x(), at.y()))
            .expect("it came");
        let edges = [
            x - MARGIN,
            WIDTH - MARGIN - x,
            y - MARGIN,
            HEIGHT - MARGIN - y,
        ];
        let side = edges.iter().position(|&distance| distance == 0);
        sides[side.expect("it came at an edge")] += 1;
    }
    // Of 80 about 16 at each short side and 24 at each long one.
    assert!(
        sides.iter().all(|count| (5..40).contains(count)),
        "{sides:?}"
    );
}

#[test]
fn the_rate_rises_with_players_and_with_time() {
    let per_player = Config {
        spawns_per_minute_and_player: 60,
        ..calm()
    };
    for players in [1, 3, 6] {
        let mut room = playing(per_player, 0..players);
        room.ticks(50);
        assert_eq!(zombies(&room), 5 * players as usize);
    }
    let growing = Config {
        play_ms: 130_000,
        spawns_per_minute: 60,
        spawn_growth_percent: 100,
        ..calm()
    };
    let mut room = playing(growing, [0]);
    let counts = [600, 600].map(|ticks| {
        for _ in 0..ticks {
            // Nobody would live that long among them.
            room.state_mut().field.zombies = Zombies::default();
            room.tick();
        }
        room.state().field.next_zombie
    });
    // From 60 to 120 a minute in the first minute, from 120 to 180 in the second; less what is lost
    // by whole numbers.
    assert!((88..=90).contains(&counts[0]), "{counts:?}");
    assert!((237..=240).contains(&counts[1]), "{counts:?}");
}

#[test]
fn zombies_come_only_during_play() {
    let config = Config {
        spawns_per_minute: 6_000,
        ..calm()
    };
    let mut room = Room::new(config, 1);
    room.join(0);
    room.ticks(COUNTDOWN);
    assert_eq!((now(&room).0, zombies(&room)), (Phase::Countdown, 0));
    until(&mut room, Phase::Playing);
    until(&mut room, Phase::Over);
    let count = zombies(&room);
    assert!(count > 0);
    room.ticks(3);
    assert_eq!((now(&room).0, zombies(&room)), (Phase::Over, count));
}

#[test]
fn there_are_never_more_than_600_and_a_full_field_saves_nothing_up() {
    let flood = Config {
        zombies_at_start: u16::MAX,
        spawns_per_minute: u32::MAX,
        spawns_per_minute_and_player: u32::MAX,
        spawn_growth_percent: u32::MAX,
        ..calm()
    };
    let mut room = playing(flood, [0]);
    assert_eq!(zombies(&room), MAX_ZOMBIES);
    room.ticks(5);
    assert_eq!(zombies(&room), MAX_ZOMBIES);
    let one_a_tick = Config {
        zombies_at_start: u16::MAX,
        spawns_per_minute: 600,
        ..calm()
    };
    let mut room = playing(one_a_tick, [0]);
    room.ticks(50);
    assert_eq!(zombies(&room), MAX_ZOMBIES);
    room.state_mut().field.zombies = Zombies::default();
    room.ticks(3);
    assert!((2..=3).contains(&zombies(&room)), "{}", zombies(&room));
}

#[test]
fn j08_zombies_depend_on_seed_and_inputs_alone() {
    let config = Config {
        countdown_ms: 0,
        zombies_at_start: 40,
        spawns_per_minute: 300,
        ..Config::default()
    };
    let play = |seed| {
        let mut room = Room::new(config, seed);
        let mut hashes = Vec::new();
        room.join(0);
        for tick in 0..400_u32 {
            if tick == 30 {
                room.join(1);
            }
            let action = match tick % 5 {
                0 => Action::Strike,
                1 => Action::Lure,
                2 => Action::Heal,
                _ => Action::Steer((tick % 32) as u8),
            };
            // Refused or not, it is an input.
            let _verdict = does(&mut room, tick % 2, action);
            room.tick();
            hashes.push((room.hash(), zombies(&room)));
        }
        hashes
    };
    let first = play(1);
    assert_eq!(first, play(1));
    assert_ne!(first, play(2));
    let most = first.iter().map(|(_, zombies)| *zombies).max();
    assert!(most > Some(60), "{most:?} zombies came");
}

#[test]
fn items_come_at_the_rate_that_was_set_and_lie_on_open_ground() {
    let config = Config {
        items_at_start: 4,
        items_per_minute: 120,
        items_per_minute_and_player: 60,
        ..city()
    };
    let mut room = playing(config, [0]);
    put(&mut room, 0, 0, 0);
    let arena = Arena::new(room.state().field.seed, true);
    assert_eq!(lying(&room).len(), 4);
    for seconds in 1..=12 {
        room.ticks(10);
        assert_eq!(lying(&room).len(), 4 + 3 * seconds, "three a second");
    }
    assert!(lying(&room).iter().all(|(at, _)| !arena.is_solid(*at)));
    assert_eq!(lying(&room).len(), MAX_ITEMS);
    room.ticks(20);
    assert_eq!(lying(&room).len(), MAX_ITEMS, "and no more");
    let count = |wanted| {
        lying(&room)
            .iter()
            .filter(|(_, thing)| *thing == wanted)
            .count()
    };
    let kinds = [Thing::Medkit, Thing::Ammunition, Thing::Lure].map(count);
    assert!(kinds.iter().all(|&count| count > 0), "{kinds:?}");
    let floors = lying(&room)
        .iter()
        .filter(|(at, _)| {
            let index = at.y() / TILE * COLUMNS as i32 + at.x() / TILE;
            arena.terrain()[index as usize] == terrain::FLOOR
        })
        .count();
    // The items' share of floors is more than the floors' share of the ground.
    let count =
        |wanted: fn(u8) -> bool| arena.terrain().iter().filter(|&&tile| wanted(tile)).count();
    let (floor, open) = (
        count(|tile| tile == terrain::FLOOR),
        count(|tile| tile < terrain::SOLID),
    );
    assert!(
        floors * open > lying(&room).len() * floor,
        "rather in buildings: {floors}"
    );
}

#[test]
fn a_long_match_with_every_number_used_goes_on() {
    let flood = Config {
        items_at_start: u16::MAX,
        items_per_minute: u32::MAX,
        items_per_minute_and_player: u32::MAX,
        spawns_per_minute: u32::MAX,
        ..calm()
    };
    let mut room = playing(flood, [0]);
    for _ in 0..4_000 {
        if room.state().phase != Phase::Playing {
            break;
        }
        room.state_mut().ticks_left = PLAY;
        room.state_mut().field.ground.items.clear();
        room.state_mut().field.zombies = Zombies::default();
        room.tick();
        if lying(&room).is_empty() && zombies(&room) == 0 {
            return;
        }
    }
    panic!("numbers never ran out");
}
