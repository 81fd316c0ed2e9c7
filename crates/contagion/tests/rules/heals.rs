//! Medkits: who gets them, and what they give.

use contagion::{Action, FULL_HEALTH, HEAL_REACH, MEDKIT_HEALTH, What, points};

use crate::scene::{
    Room, calm, does, figure, infect, make_turned, playing, put, put_off, set, told,
};

/// Player 0 has medkits; 1 and 2 stand beside.
fn medic() -> Room {
    let mut room = playing(calm(), [0, 1, 2]);
    for player in 0..3 {
        put(&mut room, player, 48, 32);
    }
    set(&mut room, 0).kit.medkits = 2;
    room
}

fn heal(room: &mut Room) {
    assert_eq!(does(room, 0, Action::Heal), Ok(()));
}

fn infected(room: &Room) -> [bool; 3] {
    [0, 1, 2].map(|player| figure(room, player).is_infected())
}

#[test]
fn who_is_infected_is_the_own_first_patient() {
    let mut room = medic();
    infect(&mut room, 0, 150);
    infect(&mut room, 1, 1);
    heal(&mut room);
    assert_eq!(infected(&room), [false, true, false]);
    assert_eq!(figure(&room, 0).kit.medkits, 1);
    assert_eq!(figure(&room, 0).tally.cures, 0, "not for oneself");
    assert_eq!(told(&room), [(What::Cured, 0, Some(0))]);
}

#[test]
fn then_the_friend_who_turns_next() {
    for urgent in [1, 2] {
        let mut room = medic();
        set(&mut room, 0).health = 1;
        infect(&mut room, 1, 80);
        infect(&mut room, 2, 80);
        infect(&mut room, urgent, 79);
        heal(&mut room);
        assert!(!figure(&room, urgent).is_infected());
        assert_eq!(infected(&room).iter().filter(|&&ill| ill).count(), 1);
        assert_eq!(figure(&room, 0).health, 1);
        assert_eq!(figure(&room, 0).tally.score(), points::CURE);
        assert_eq!(told(&room), [(What::Cured, urgent, Some(0))]);
    }
}

#[test]
fn a_friend_out_of_reach_or_turned_or_away_is_no_patient() {
    let mut room = medic();
    set(&mut room, 0).health = FULL_HEALTH - MEDKIT_HEALTH;
    put_off(&mut room, 1, (48, 32), (0, HEAL_REACH + 1));
    infect(&mut room, 1, 5);
    make_turned(&mut room, 2);
    heal(&mut room);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH, "so it is for oneself");
    assert!(figure(&room, 1).is_infected());
    let mut room = medic();
    set(&mut room, 0).health = 1;
    infect(&mut room, 1, 50);
    room.leave(1);
    heal(&mut room);
    assert_eq!(figure(&room, 0).health, 1 + MEDKIT_HEALTH);
    assert_eq!(figure(&room, 0).tally.cures, 0);
}

#[test]
fn it_gives_health_up_to_all_of_it_to_the_patient() {
    for (before, after) in [(1, 1 + MEDKIT_HEALTH), (FULL_HEALTH - 1, FULL_HEALTH)] {
        let mut room = medic();
        infect(&mut room, 1, 50);
        set(&mut room, 1).health = before;
        heal(&mut room);
        assert_eq!(figure(&room, 1).health, after);
        assert_eq!(figure(&room, 0).health, FULL_HEALTH);
    }
}

#[test]
fn health_alone_is_no_cure_and_earns_nothing() {
    let mut room = medic();
    set(&mut room, 0).health = 10;
    heal(&mut room);
    assert_eq!(figure(&room, 0).health, 10 + MEDKIT_HEALTH);
    assert_eq!(figure(&room, 0).tally.score(), 0);
    assert_eq!(told(&room), []);
}
