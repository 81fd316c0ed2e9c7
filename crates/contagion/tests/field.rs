//! Seats, walking, bites and how many zombies come. One behaviour per test; `jNN` is the row of
//! `tests/REQUIREMENTS.md`, as far as rules alone can show it.

mod common;

use baton::{By, Reject};
use common::{
    COUNTDOWN, Room, calm, does, figure, haunt, hurt, now, playing, put, tile, until, zombies,
};
use contagion::{
    Action, BITE_DAMAGE, Config, FULL_HEALTH, HEIGHT, MARGIN, MAX_KNOWN, MAX_PLAYERS, MAX_ZOMBIES,
    PLAYER_SPEED, Phase, TILE, WIDTH, Zombies, reject,
};

#[test]
fn a_figure_walks_until_it_is_stopped() {
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 50, 32);
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    assert_eq!(
        figure(&room, 0).at,
        tile(50, 32),
        "time moves it, not the action"
    );
    room.ticks(10);
    let walked = figure(&room, 0);
    assert_eq!(walked.at.x() - 50 * TILE, 10 * PLAYER_SPEED);
    assert_eq!(
        (walked.at.y(), walked.facing, walked.walks),
        (32 * TILE, 0, true)
    );
    assert_eq!(does(&mut room, 0, Action::Steer(24)), Ok(()));
    room.tick();
    assert_eq!(figure(&room, 0).at.y(), 32 * TILE - PLAYER_SPEED);
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
    let stopped = figure(&room, 0).clone();
    room.ticks(5);
    assert_eq!(figure(&room, 0), &stopped);
    assert_eq!((stopped.facing, stopped.walks), (24, false));
}

#[test]
fn a_figure_does_not_leave_the_arena() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 95, 63);
    put(&mut room, 1, 1, 1);
    assert_eq!(does(&mut room, 0, Action::Steer(4)), Ok(()));
    assert_eq!(does(&mut room, 1, Action::Steer(20)), Ok(()));
    room.ticks(50);
    let (far, near) = (figure(&room, 0).at, figure(&room, 1).at);
    assert_eq!((far.x(), far.y()), (WIDTH - MARGIN, HEIGHT - MARGIN));
    assert_eq!((near.x(), near.y()), (MARGIN, MARGIN));
}

#[test]
fn refusals_have_stable_codes() {
    let mut room = Room::new(calm(), 1);
    assert_eq!(
        does(&mut room, 0, Action::Stop),
        Err(reject::NOT_PLAYING),
        "idle"
    );
    room.join(0);
    assert_eq!(
        does(&mut room, 0, Action::Steer(3)),
        Err(reject::NOT_PLAYING),
        "countdown"
    );
    assert_eq!(
        room.act(By::Server, Action::CallTime),
        Err(reject::NOT_PLAYING)
    );
    until(&mut room, Phase::Playing);
    let before = room.hash();
    for (by, action, code) in [
        (By::Player(0), Action::Steer(32), reject::BAD_ANGLE),
        (By::Player(0), Action::Steer(255), reject::BAD_ANGLE),
        (By::Player(0), Action::CallTime, reject::SERVER_ONLY),
        (By::Player(9), Action::CallTime, reject::SERVER_ONLY),
        (By::Player(9), Action::Stop, reject::NO_FIGURE),
        (By::Server, Action::Steer(0), reject::PLAYERS_ONLY),
        (By::Server, Action::Stop, reject::PLAYERS_ONLY),
    ] {
        assert_eq!(room.act(by, action), Err(code), "{by:?} {action:?}");
    }
    assert_eq!(room.hash(), before, "nothing changed");
    assert_eq!(does(&mut room, 0, Action::Steer(31)), Ok(()));
    hurt(&mut room, 0, 0);
    assert_eq!(does(&mut room, 0, Action::Stop), Err(reject::OUT));
    room.join(1);
    until(&mut room, Phase::Over);
    assert_eq!(
        does(&mut room, 1, Action::Stop),
        Err(reject::NOT_PLAYING),
        "over"
    );
    assert_eq!(
        [
            reject::NOT_PLAYING,
            reject::OUT,
            reject::BAD_ANGLE,
            reject::SERVER_ONLY,
            reject::PLAYERS_ONLY,
            reject::NO_FIGURE,
        ],
        [1, 2, 3, 4, 5, 6].map(Reject),
    );
}

#[test]
fn actions_are_one_or_two_bytes() {
    for (action, bytes) in [
        (Action::Steer(31), &[0, 31][..]),
        (Action::Stop, &[1]),
        (Action::CallTime, &[2]),
    ] {
        assert_eq!(postcard::to_allocvec(&action).as_deref(), Ok(bytes));
    }
}

#[test]
fn a_bite_hurts_and_at_nothing_left_the_figure_is_out() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 50, 32);
    put(&mut room, 1, 10, 10);
    haunt(&mut room, 50, 32);
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    room.tick();
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
    room.ticks(9);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH - BITE_DAMAGE);
    room.ticks(10);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH - 2 * BITE_DAMAGE);
    // Out: it stands where it fell, is not bitten again, and the next figure is hunted.
    hurt(&mut room, 0, 1);
    room.ticks(10);
    let fallen = figure(&room, 0).clone();
    assert_eq!((fallen.health, fallen.alive()), (0, false));
    let zombie = |room: &Room| {
        let mut places = room.state().field.zombies.places();
        places.next().expect("it is there").1
    };
    let before = zombie(&room).distance_squared(tile(10, 10));
    room.ticks(15);
    assert_eq!(figure(&room, 0), &fallen);
    assert_eq!(figure(&room, 1).health, FULL_HEALTH);
    assert!(zombie(&room).distance_squared(tile(10, 10)) < before);
}

#[test]
fn bites_of_one_tick_add_up_and_health_does_not_wrap() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 50, 32);
    put(&mut room, 1, 10, 10);
    for _ in 0..3 {
        haunt(&mut room, 50, 32);
    }
    room.ticks(10);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH - 3 * BITE_DAMAGE);
    for _ in 0..300 {
        haunt(&mut room, 50, 32);
    }
    room.ticks(10);
    assert_eq!(figure(&room, 0).health, 0);
    assert_eq!(figure(&room, 1).health, FULL_HEALTH);
}

#[test]
fn who_falls_while_walking_stops() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 50, 32);
    put(&mut room, 1, 10, 10);
    room.ticks(1);
    haunt(&mut room, 50, 32);
    room.ticks(9);
    hurt(&mut room, 0, 1);
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    room.tick();
    assert_eq!(
        (figure(&room, 0).health, figure(&room, 0).walks),
        (0, false)
    );
}

#[test]
fn who_leaves_and_comes_back_has_the_same_figure() {
    let mut room = playing(calm(), [0, 1]);
    hurt(&mut room, 0, 37);
    put(&mut room, 0, 20, 20);
    put(&mut room, 1, 80, 50);
    assert_eq!(does(&mut room, 0, Action::Steer(5)), Ok(()));
    room.leave(0);
    assert!(room.state().field.figure(0).is_none());
    assert_eq!(does(&mut room, 0, Action::Stop), Err(reject::NO_FIGURE));
    haunt(&mut room, 20, 20);
    room.ticks(20);
    room.join(0);
    let back = figure(&room, 0);
    assert_eq!(
        (back.health, back.at, back.facing, back.walks),
        (37, tile(20, 20), 5, false)
    );
    assert!(room.state().field.away.is_empty());
}

#[test]
fn who_fell_stays_out_after_coming_back_until_the_match_is_over() {
    let mut room = playing(calm(), [0, 1]);
    hurt(&mut room, 0, 0);
    room.leave(0);
    room.tick();
    room.join(0);
    assert_eq!(does(&mut room, 0, Action::Stop), Err(reject::OUT));
    until(&mut room, Phase::Over);
    until(&mut room, Phase::Playing);
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
}

#[test]
fn the_64th_plays_the_65th_watches_and_gets_the_first_free_seat() {
    let mut room = playing(calm(), 0..63);
    room.join(63);
    room.join(64);
    room.join(65);
    assert_eq!(does(&mut room, 63, Action::Stop), Ok(()));
    assert_eq!(does(&mut room, 64, Action::Stop), Err(reject::NO_FIGURE));
    assert_eq!(room.state().field.figures.len(), MAX_PLAYERS);
    room.leave(10);
    assert_eq!(does(&mut room, 64, Action::Stop), Ok(()));
    assert_eq!(does(&mut room, 65, Action::Stop), Err(reject::NO_FIGURE));
    room.join(10);
    assert_eq!(
        does(&mut room, 10, Action::Stop),
        Err(reject::NO_FIGURE),
        "the seat was given"
    );
    room.leave(11);
    assert_eq!(
        does(&mut room, 10, Action::Stop),
        Ok(()),
        "lower numbers first"
    );
    // In a countdown, too.
    let mut room = Room::new(calm(), 1);
    (0..66).for_each(|player| room.join(player));
    assert!(room.state().field.figure(64).is_none());
    room.leave(0);
    assert!(room.state().field.figure(64).is_some());
    assert!(
        room.state().field.away.is_empty(),
        "nothing to come back to"
    );
}

#[test]
fn a_match_remembers_a_bounded_number_of_players() {
    let mut room = playing(calm(), [1_000]);
    for player in 0..MAX_KNOWN as u32 + 50 {
        room.join(player);
        room.leave(player);
    }
    let field = &room.state().field;
    assert_eq!(field.figures.len() + field.away.len(), MAX_KNOWN);
    room.join(2_000);
    assert!(
        room.state().field.figure(2_000).is_none(),
        "a newcomer watches"
    );
    room.join(0);
    assert!(
        room.state().field.figure(0).is_some(),
        "who is known comes back"
    );
}

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
        spawn_growth_per_minute: 60,
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
    // From 0 to 60 a minute in the first minute, from 60 to 120 in the second; less what is lost
    // by whole numbers.
    assert_eq!(counts, [29, 119]);
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
        spawn_growth_per_minute: u32::MAX,
        ..calm()
    };
    let mut room = playing(flood, [0]);
    assert_eq!(zombies(&room), MAX_ZOMBIES);
    room.ticks(5);
    assert_eq!(zombies(&room), MAX_ZOMBIES);
    assert_eq!(room.state().field.spawn_credit, 0);
}

#[test]
fn j08_zombies_depend_on_seed_and_inputs_alone() {
    let play = |seed| {
        let mut room = Room::new(
            Config {
                countdown_ms: 0,
                ..Config::default()
            },
            seed,
        );
        let mut hashes = Vec::new();
        room.join(0);
        for tick in 0..400_u32 {
            if tick == 30 {
                room.join(1);
            }
            let _ = does(&mut room, tick % 2, Action::Steer((tick % 32) as u8));
            room.tick();
            hashes.push((room.hash(), zombies(&room)));
        }
        hashes
    };
    let first = play(1);
    assert_eq!(first, play(1));
    assert_ne!(first, play(2));
    // 12 at the start, and (40 + 12 per player) a minute, growing by 40 a minute and minute.
    let count = first.last().expect("it ran").1;
    assert!((12 + 34..=12 + 56).contains(&count), "{count}");
}

#[test]
fn who_lands_lands_in_the_middle_and_away_from_zombies() {
    let mut room = playing(calm(), [0]);
    for x in 0..48 {
        for y in [20, 32, 44] {
            haunt(&mut room, x, y);
        }
    }
    (1..60).for_each(|player| room.join(player));
    let figures = &room.state().field.figures[1..];
    let right = figures
        .iter()
        .filter(|figure| figure.at.x() > WIDTH / 2)
        .count();
    assert!(right >= 50, "{right} of 59 on the free side");
    for figure in figures {
        assert!((32 * TILE..64 * TILE).contains(&figure.at.x()));
        assert!((21 * TILE..43 * TILE).contains(&figure.at.y()));
    }
}
