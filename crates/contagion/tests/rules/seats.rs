//! Who has a figure: seats, leaving, coming back.

use contagion::{
    Action, Config, HEIGHT, MAX_KNOWN, MAX_PLAYERS, Phase, WIDTH, reject, terrain::SOLID,
};

use crate::scene::{
    Room, calm, city, does, figure, haunt, make_turned, playing, put, set, tile, until,
};

#[test]
fn who_leaves_and_comes_back_has_the_same_figure() {
    let mut room = playing(calm(), [0, 1]);
    set(&mut room, 0).health = 37;
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
fn who_turned_has_still_turned_after_coming_back_until_the_match_is_over() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 0);
    set(&mut room, 0).health = 0;
    set(&mut room, 0).down = 40;
    room.leave(0);
    room.ticks(60);
    room.join(0);
    assert_eq!(figure(&room, 0).down, 40, "nobody rises while away");
    assert_eq!(does(&mut room, 0, Action::Stop), Err(reject::DOWN));
    until(&mut room, Phase::Over);
    until(&mut room, Phase::Playing);
    assert!(figure(&room, 0).survives());
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
        assert!((WIDTH / 4..WIDTH * 3 / 4).contains(&figure.at.x()));
        assert!((HEIGHT / 4..HEIGHT * 3 / 4).contains(&figure.at.y()));
    }
}

#[test]
fn a_room_has_the_seats_it_was_told_of_and_never_more_than_64() {
    for (told, seats) in [(0, 0), (5, 5), (u16::MAX, MAX_PLAYERS)] {
        let mut room = Room::new(
            Config {
                seats: told,
                ..calm()
            },
            1,
        );
        (0..80).for_each(|player| room.join(player));
        assert_eq!(room.state().field.figures.len(), seats);
    }
}

#[test]
fn nobody_lands_in_a_wall_and_everybody_can_walk() {
    for seed in 0..10 {
        let mut room = Room::new(city(), seed);
        (0..40).for_each(|player| room.join(player));
        let arena = contagion::Arena::new(room.state().field.seed, true);
        assert!(arena.terrain().iter().any(|&tile| tile >= SOLID));
        for figure in &room.state().field.figures {
            assert!(!arena.is_solid(figure.at), "seed {seed}: {figure:?}");
        }
    }
}
