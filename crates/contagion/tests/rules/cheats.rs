//! What a player would try who wants to cheat, or to spoil it for others.

use contagion::{
    Action, Config, DESERTED_MS, DOWN_MS, FULL_HEALTH, INFECTION_MS, MAX_NOISES, Phase,
    STRIKE_COOLDOWN_MS, TICK_MS, TURNED_COOLDOWN_MS, TURNED_HEALTH, Thing, Winner, points, reject,
};

use crate::scene::{
    PLAY, Room, awards, calm, does, figure, infect, lying, make_turned, playing, put, set, ticks,
    until,
};

/// Leaves and comes back, so many ticks later.
fn reload_page(room: &mut Room, player: u32, after: u32) {
    room.leave(player);
    room.ticks(after);
    room.join(player);
}

fn score(room: &Room, player: u32) -> u32 {
    figure(room, player).tally.score()
}

#[test]
fn leaving_cures_nobody_and_saves_nobody_from_turning() {
    let mut room = playing(calm(), [0, 1]);
    infect(&mut room, 0, INFECTION_MS / TICK_MS);
    set(&mut room, 0).health = 40;
    for away in [0, 1, 0, 3, 10] {
        reload_page(&mut room, 0, away);
        room.tick();
    }
    let ill = figure(&room, 0);
    assert_eq!(u32::from(ill.infection), INFECTION_MS / TICK_MS - 5 - 14);
    assert_eq!(ill.health, 40);
    reload_page(&mut room, 0, INFECTION_MS / TICK_MS);
    assert!(!figure(&room, 0).survives());
}

#[test]
fn leaving_makes_nobody_a_survivor_again_and_nobody_rise_or_strike_sooner() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 0);
    let turned = set(&mut room, 0);
    (turned.health, turned.down) = (0, 20);
    set(&mut room, 1).cooldown = 5;
    for player in [0, 1] {
        reload_page(&mut room, player, 0);
    }
    assert!(!figure(&room, 0).survives());
    assert_eq!(does(&mut room, 0, Action::Strike), Err(reject::DOWN));
    assert_eq!(does(&mut room, 1, Action::Strike), Err(reject::COOLING));
    reload_page(&mut room, 0, 60);
    assert_eq!(figure(&room, 0).down, 20, "time away is not time lain");
}

#[test]
fn who_gave_up_the_seat_while_ill_turns_while_watching() {
    let mut room = playing(Config { seats: 2, ..calm() }, [0, 1, 2]);
    infect(&mut room, 0, 10);
    reload_page(&mut room, 0, 0);
    assert!(room.state().field.figure(2).is_some(), "the seat was given");
    assert_eq!(does(&mut room, 0, Action::Heal), Err(reject::NO_FIGURE));
    room.ticks(10);
    room.leave(2);
    assert!(!figure(&room, 0).survives());
}

#[test]
fn a_match_cannot_be_survived_by_hardly_being_there() {
    // One who has turned keeps time going; the survivor shows up just often enough.
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 1);
    let cycle = ticks(DESERTED_MS);
    let last = (0..).find_map(|tick| {
        match tick % cycle {
            0 => room.join(0),
            1 => room.leave(0),
            _ => {}
        }
        room.tick();
        room.state().last
    });
    let last = last.expect("it ends");
    assert_eq!(last.winner, Winner::Contagion);
    assert!(last.played_ms < 3 * DESERTED_MS, "{} ms", last.played_ms);
}

#[test]
fn who_leaves_the_others_to_it_is_not_rescued() {
    let mut room = playing(Config { seats: 3, ..calm() }, [0, 1, 2]);
    room.leave(1);
    // Back, but the seat was given: a safe place to wait for rescue.
    reload_page(&mut room, 2, 0);
    room.join(3);
    room.join(4);
    room.leave(2);
    room.join(5);
    room.join(2);
    assert!(room.state().field.figure(2).is_none());
    until(&mut room, Phase::Over);
    let won: Vec<_> = awards(&room)
        .into_iter()
        .map(|(target, result)| (target, result.won))
        .collect();
    let expected = [(0, true), (1, false), (2, false), (3, true), (4, true)];
    assert_eq!(
        won,
        expected.map(|(player, won)| (format!("account/{player}"), won))
    );
}

#[test]
fn friends_who_infect_and_cure_each_other_need_a_medkit_for_each_time() {
    let mut room = playing(calm(), [0, 1, 2]);
    for player in 0..3 {
        put(&mut room, player, 48, 32);
    }
    make_turned(&mut room, 0);
    const MEDKITS: u8 = 2;
    set(&mut room, 2).kit.medkits = MEDKITS;
    for _ in 0..20 {
        // Not for the time they survive, which is paid anyway.
        for player in 0..3 {
            set(&mut room, player).tally.survived_ms = 0;
        }
        let _verdict = does(&mut room, 0, Action::Strike);
        let _verdict = does(&mut room, 2, Action::Heal);
        if figure(&room, 1).health < 40 {
            set(&mut room, 1).health = FULL_HEALTH;
            infect(&mut room, 1, 100);
        }
        room.ticks(ticks(TURNED_COOLDOWN_MS));
    }
    set(&mut room, 2).tally.survived_ms = 0;
    // And the healer, who comes next, once: two who were never cured.
    let infected = u32::from(MEDKITS) + 2;
    assert!(
        score(&room, 0) <= infected * points::INFECTED,
        "{}",
        score(&room, 0)
    );
    assert!(score(&room, 2) <= u32::from(MEDKITS) * points::CURE);
}

#[test]
fn curing_oneself_and_using_up_what_one_finds_earns_nothing() {
    let mut room = playing(calm(), [0]);
    for _ in 0..5 {
        infect(&mut room, 0, 100);
        set(&mut room, 0).kit.medkits = 1;
        set(&mut room, 0).kit.lures = 1;
        for action in [Action::Heal, Action::Lure, Action::Strike] {
            assert_eq!(does(&mut room, 0, action), Ok(()));
        }
        room.ticks(ticks(STRIKE_COOLDOWN_MS));
    }
    let survived = figure(&room, 0).tally.survived_ms / 1_000;
    assert_eq!(score(&room, 0), survived * points::SECOND);
}

#[test]
fn felling_a_friend_who_holds_still_earns_no_more_than_its_lying_allows() {
    let mut room = playing(calm(), [0, 1]);
    for player in 0..2 {
        put(&mut room, player, 48, 32);
    }
    make_turned(&mut room, 1);
    for _ in 0..PLAY / 2 {
        let _verdict = does(&mut room, 0, Action::Strike);
        room.tick();
    }
    let falls = u32::from(figure(&room, 0).tally.struck);
    let most = (PLAY / 2).div_ceil(ticks(DOWN_MS));
    assert!((1..=most).contains(&falls), "{falls} of {most}");
    assert!(figure(&room, 1).health <= TURNED_HEALTH);
}

#[test]
fn coming_and_going_multiplies_nothing() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 1, 5, 5);
    let kit = &mut set(&mut room, 0).kit;
    (kit.medkits, kit.lures, kit.ammunition) = (2, 2, 12);
    let before = figure(&room, 0).kit;
    for _ in 0..30 {
        reload_page(&mut room, 0, 0);
        reload_page(&mut room, 0, 1);
        room.tick();
        assert_eq!(figure(&room, 0).kit, before);
        assert_eq!(lying(&room), []);
    }
    // Nor who comes and goes before play begins.
    let mut room = Room::new(calm(), 1);
    room.join(1);
    for _ in 0..10 {
        room.join(0);
        room.leave(0);
    }
    room.join(0);
    until(&mut room, Phase::Playing);
    assert_eq!(figure(&room, 0).kit.lures, 1);
    assert_eq!(lying(&room), []);
}

#[test]
fn what_a_turned_friend_dropped_is_there_once_though_it_comes_and_goes() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 1, 5, 5);
    set(&mut room, 0).kit.medkits = 2;
    infect(&mut room, 0, 3);
    reload_page(&mut room, 0, 5);
    reload_page(&mut room, 0, 5);
    let medkits = lying(&room)
        .into_iter()
        .filter(|(_, thing)| *thing == Thing::Medkit);
    assert_eq!(medkits.count(), 2);
}

#[test]
fn lures_make_no_more_noise_than_there_are_lures() {
    let mut room = playing(calm(), [0]);
    let mut thrown = 0;
    for _ in 0..50 {
        thrown += usize::from(does(&mut room, 0, Action::Lure).is_ok());
    }
    assert_eq!(thrown, 1);
    assert_eq!(room.state().field.ground.noises.len(), 1);
    for _ in 0..3 * MAX_NOISES {
        set(&mut room, 0).kit.lures = 1;
        assert_eq!(does(&mut room, 0, Action::Lure), Ok(()));
    }
    assert_eq!(room.state().field.ground.noises.len(), MAX_NOISES);
}
