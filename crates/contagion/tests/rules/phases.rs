//! When a match begins, goes on and ends.

use baton::By;
use contagion::{
    Action, BITE_COOLDOWN_MS, BITE_DAMAGE, Config, DESERTED_MS, FULL_HEALTH, Field, Outcome, Phase,
    State, TICK_MS, Thing, What, Winner,
};

use crate::scene::{
    COUNTDOWN, OVER, PLAY, Room, calm, does, figure, haunt, infect, lay, make_turned, now, playing,
    put, set, ticks, tile, told, until,
};

#[test]
fn a_new_room_is_idle_and_time_alone_changes_nothing() {
    let mut room = Room::new(Config::default(), 1);
    room.ticks(500);
    assert_eq!((room.state(), room.now()), (&State::default(), 0));
}

#[test]
fn j01_a_first_join_starts_one_countdown_and_play_follows_after_15_s() {
    let mut room = Room::new(Config::default(), 1);
    room.join(0);
    assert_eq!(now(&room), (Phase::Countdown, 1));
    // A join counts from the tick before it, so up to one tick of it is already over.
    let waited = until(&mut room, Phase::Playing);
    assert_eq!(waited, 151, "at least 15 s, at most 15 s and a tick");
    assert_eq!(now(&room), (Phase::Playing, 1));
}

#[test]
fn j01_sixteen_joins_at_once_make_one_countdown() {
    let mut room = Room::new(Config::default(), 1);
    for player in 0..16 {
        room.join(player);
    }
    assert_eq!(now(&room), (Phase::Countdown, 1));
    assert_eq!(until(&mut room, Phase::Playing), 151);
    assert_eq!(room.state().match_id, 1);
    assert_eq!(room.state().field.survivors(), 16);
}

#[test]
fn j02_later_joins_do_not_extend_the_countdown() {
    let mut room = Room::new(Config::default(), 1);
    room.join(0);
    for player in 1..=40 {
        room.ticks(3);
        room.join(player);
        assert_eq!(room.state().match_id, 1);
    }
    assert_eq!(until(&mut room, Phase::Playing), 151 - 40 * 3);
}

#[test]
fn j02_a_repeated_join_does_not_restart_the_countdown() {
    let mut room = Room::new(Config::default(), 1);
    room.join(0);
    room.join(1);
    room.ticks(100);
    room.leave(0);
    room.join(0);
    assert_eq!(now(&room), (Phase::Countdown, 1));
    assert_eq!(until(&mut room, Phase::Playing), 51);
}

#[test]
fn j02_when_all_leave_the_countdown_ends_and_the_room_is_idle() {
    let mut room = Room::new(Config::default(), 1);
    room.join(0);
    room.join(1);
    room.ticks(150);
    room.leave(0);
    assert_eq!(now(&room), (Phase::Countdown, 1), "one is still here");
    room.leave(1);
    assert_eq!(now(&room), (Phase::Idle, 1));
    assert_eq!(room.state().field, Field::default());
    room.join(1);
    assert_eq!(now(&room), (Phase::Countdown, 2));
    assert_eq!(until(&mut room, Phase::Playing), 151, "a whole countdown");
}

#[test]
fn j03_a_joiner_during_play_plays_at_once_and_no_second_match_starts() {
    let mut room = playing(calm(), [0]);
    room.ticks(10);
    let ticks_left = room.state().ticks_left;
    room.join(1);
    assert_eq!(now(&room), (Phase::Playing, 1));
    assert_eq!(room.state().ticks_left, ticks_left);
    let before = figure(&room, 1).at;
    assert_eq!(does(&mut room, 1, Action::Steer(0)), Ok(()));
    room.tick();
    assert_ne!(figure(&room, 1).at, before);
}

#[test]
fn j04_with_players_present_the_next_countdown_follows_from_the_initial_state() {
    let mut room = playing(calm(), [0, 1]);
    haunt(&mut room, 1, 1);
    make_turned(&mut room, 1);
    lay(&mut room, tile(3, 3), Thing::Medkit);
    let seed = room.state().field.seed;
    assert_eq!(until(&mut room, Phase::Over), PLAY);
    assert_eq!(until(&mut room, Phase::Countdown), OVER);
    let state = room.state();
    assert_eq!((state.match_id, state.ticks_left), (2, COUNTDOWN));
    assert_ne!(state.field.seed, seed, "each match has its own seed");
    let figures = state.field.figures.clone();
    assert!(
        figures
            .iter()
            .all(|figure| figure.health == FULL_HEALTH && !figure.walks && figure.survives())
    );
    let mut initial = Field::default();
    (initial.seed, initial.figures) = (state.field.seed, figures);
    assert_eq!(state.field, initial);
    assert_eq!(until(&mut room, Phase::Playing), COUNTDOWN);
    assert_eq!(room.state().ticks_left, PLAY);
}

#[test]
fn j04_with_nobody_present_after_the_end_the_next_join_starts_a_new_match() {
    let mut room = playing(calm(), [0, 1]);
    until(&mut room, Phase::Over);
    room.leave(0);
    assert_eq!(now(&room), (Phase::Over, 1));
    room.leave(1);
    assert_eq!(now(&room), (Phase::Idle, 1));
    assert!(room.state().last.is_some(), "the result stays");
    room.ticks(1_000);
    assert_eq!(now(&room), (Phase::Idle, 1), "the room waits");
    room.join(7);
    assert_eq!(now(&room), (Phase::Countdown, 2));
    assert_eq!(room.state().ticks_left, COUNTDOWN + 1);
    assert_eq!(room.state().field.figures.len(), 1);
}

#[test]
fn j04_a_match_that_everybody_left_waits_and_goes_on() {
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 50, 32);
    haunt(&mut room, 10, 10);
    room.ticks(20);
    let before = room.state().clone();
    room.leave(0);
    room.ticks(5_000);
    assert_eq!(now(&room), (Phase::Playing, 1));
    room.join(0);
    let (now, then) = (&room.state().field, &before.field);
    assert_eq!(
        (&now.zombies, now.played_ms),
        (&then.zombies, then.played_ms)
    );
    assert_eq!(
        room.state().ticks_left,
        before.ticks_left,
        "nothing happened"
    );
    room.tick();
    let kit = figure(&room, 0).kit;
    assert_eq!(kit, then.figures[0].kit, "what it carried lay where it was");
    assert_eq!(until(&mut room, Phase::Over), PLAY - 21);
}

#[test]
fn who_joins_when_it_is_over_watches_and_plays_the_next() {
    let mut room = playing(calm(), [0]);
    until(&mut room, Phase::Over);
    room.join(1);
    assert!(room.state().field.figure(1).is_none());
    assert_eq!(now(&room), (Phase::Over, 1));
    until(&mut room, Phase::Countdown);
    assert!(room.state().field.figure(1).is_some());
}

#[test]
fn survivors_win_when_time_is_up() {
    let mut room = playing(calm(), [0, 1, 2]);
    make_turned(&mut room, 2);
    room.leave(1);
    room.ticks(PLAY - 1);
    assert_eq!((now(&room).0, room.state().last), (Phase::Playing, None));
    room.tick();
    let expected = Outcome {
        match_id: 1,
        winner: Winner::Survivors,
        survivors: 1,
        players: 3,
        played_ms: PLAY * TICK_MS,
    };
    assert_eq!(
        (now(&room).0, room.state().last),
        (Phase::Over, Some(expected))
    );
}

#[test]
fn one_infected_survivor_is_rescued_in_the_tick_before_it_turns() {
    for (left, winner) in [(2, Winner::Survivors), (1, Winner::Contagion)] {
        let mut room = playing(calm(), [0]);
        room.ticks(PLAY - 1);
        infect(&mut room, 0, left);
        room.tick();
        let last = room.state().last.expect("it has ended");
        assert_eq!((last.winner, last.played_ms), (winner, PLAY * TICK_MS));
        assert_eq!(last.survivors, u16::from(winner == Winner::Survivors));
    }
}

#[test]
fn the_contagion_wins_in_the_tick_in_which_the_last_survivor_turns() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 1);
    infect(&mut room, 0, 30);
    room.ticks(29);
    assert_eq!(now(&room), (Phase::Playing, 1));
    room.tick();
    assert_eq!(now(&room), (Phase::Over, 1));
    let last = room.state().last.expect("it has ended");
    assert_eq!(
        (last.winner, last.survivors, last.played_ms),
        (Winner::Contagion, 0, 30 * TICK_MS)
    );
}

#[test]
fn a_last_bite_in_the_last_tick_still_counts() {
    let rest = ticks(BITE_COOLDOWN_MS);
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 50, 32);
    room.ticks(PLAY - rest);
    haunt(&mut room, 50, 32);
    set(&mut room, 0).health = BITE_DAMAGE;
    room.ticks(rest);
    let last = room.state().last.expect("it has ended");
    assert_eq!(
        (last.winner, last.played_ms),
        (Winner::Contagion, PLAY * TICK_MS)
    );
}

#[test]
fn a_lone_player_plays_and_loses() {
    let horde = Config {
        zombies_at_start: 300,
        ..calm()
    };
    let mut room = playing(horde, [0]);
    until(&mut room, Phase::Over);
    let last = room.state().last.expect("it has ended");
    assert_eq!((last.winner, last.players), (Winner::Contagion, 1));
    assert!(last.played_ms < PLAY * TICK_MS, "before rescue came");
    assert_eq!(
        told(&room),
        [(What::Bitten, 0, None), (What::Turned, 0, None)]
    );
    until(&mut room, Phase::Playing);
    assert!(figure(&room, 0).survives(), "a new match, a new life");
}

#[test]
fn the_last_survivor_cannot_win_by_leaving() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 1);
    room.leave(0);
    room.ticks(ticks(DESERTED_MS) - 1);
    assert_eq!(now(&room), (Phase::Playing, 1));
    room.tick();
    assert_eq!(now(&room), (Phase::Over, 1));
    let last = room.state().last.map(|last| (last.winner, last.survivors));
    assert_eq!(last, Some((Winner::Contagion, 0)));
}

#[test]
fn a_survivor_who_reloads_the_page_goes_on() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 1);
    room.leave(0);
    room.ticks(ticks(DESERTED_MS) - 1);
    room.join(0);
    room.ticks(ticks(DESERTED_MS));
    room.leave(0);
    room.ticks(ticks(DESERTED_MS) - 1);
    room.join(0);
    room.tick();
    assert_eq!(now(&room), (Phase::Playing, 1));
    assert!(figure(&room, 0).survives());
}

#[test]
fn nobody_waits_for_the_away_who_have_turned() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 1);
    infect(&mut room, 0, 7);
    room.leave(0);
    room.ticks(6);
    assert_eq!(now(&room), (Phase::Playing, 1));
    room.tick();
    assert_eq!(now(&room), (Phase::Over, 1));
}

#[test]
fn the_server_ends_a_match_early_and_an_empty_one_too() {
    let mut room = playing(calm(), [0]);
    room.ticks(7);
    assert_eq!(room.act(By::Server, Action::CallTime), Ok(()));
    let last = room.state().last.expect("it has ended");
    assert_eq!(
        (last.winner, last.played_ms),
        (Winner::Survivors, 7 * TICK_MS)
    );
    assert_eq!(
        (now(&room), room.state().ticks_left),
        ((Phase::Over, 1), OVER)
    );

    until(&mut room, Phase::Playing);
    room.leave(0);
    assert_eq!(room.act(By::Server, Action::CallTime), Ok(()));
    assert_eq!(
        now(&room),
        (Phase::Idle, 2),
        "nobody is here to see the end"
    );
    room.join(0);
    assert_eq!(now(&room), (Phase::Countdown, 3));
}

#[test]
fn any_lengths_give_matches_that_begin_and_end() {
    let none = Config {
        countdown_ms: 0,
        play_ms: 0,
        over_ms: 0,
        ..calm()
    };
    let mut room = Room::new(none, 1);
    room.join(0);
    assert_eq!(until(&mut room, Phase::Playing), 2);
    assert_eq!(until(&mut room, Phase::Over), 1);
    assert_eq!(until(&mut room, Phase::Countdown), 1);
    assert_eq!(until(&mut room, Phase::Playing), 1);
    let odd = Config {
        countdown_ms: TICK_MS + 1,
        ..calm()
    };
    let mut room = Room::new(odd, 1);
    room.join(0);
    assert_eq!(until(&mut room, Phase::Playing), 3, "rounded up");
}

#[test]
fn a_room_without_seats_has_matches_that_end_at_once() {
    let mut room = Room::new(Config { seats: 0, ..calm() }, 1);
    room.join(0);
    until(&mut room, Phase::Playing);
    assert!(room.state().field.figures.is_empty());
    assert_eq!(until(&mut room, Phase::Over), 1);
}
