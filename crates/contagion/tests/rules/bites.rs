//! Zombies bite; who was bitten is ill, and who is ill turns.

use contagion::{
    Action, BITE_COOLDOWN_MS, BITE_DAMAGE, BITE_REACH, FULL_HEALTH, INFECTION_MS, Point, Role,
    TURNED_HEALTH, TURNING_MS, What, Zombies, reject,
};

use crate::scene::{
    Room, calm, does, figure, haunt, infect, playing, put, set, ticks, tile, told, zombie,
};

/// Ticks from a zombie's coming to its first bite.
const REST: u32 = ticks(BITE_COOLDOWN_MS);
const INFECTION: u32 = ticks(INFECTION_MS);

/// One figure to bite, one that keeps the match going.
fn pair() -> Room {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 50, 32);
    put(&mut room, 1, 5, 5);
    room
}

#[test]
fn a_bite_hurts_and_infects_and_the_next_comes_after_the_cooldown() {
    let mut room = pair();
    haunt(&mut room, 50, 32);
    room.ticks(REST - 1);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH);
    assert!(!figure(&room, 0).is_infected());
    room.tick();
    let bitten = figure(&room, 0);
    assert_eq!(bitten.health, FULL_HEALTH - BITE_DAMAGE);
    assert_eq!(u32::from(bitten.infection), INFECTION);
    room.ticks(REST - 1);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH - BITE_DAMAGE);
    room.tick();
    let again = figure(&room, 0);
    assert_eq!(again.health, FULL_HEALTH - 2 * BITE_DAMAGE);
    assert_eq!(
        u32::from(again.infection),
        INFECTION - REST,
        "a second bite does not start it anew"
    );
    assert_eq!(told(&room), [(What::Bitten, 0, None)]);
}

#[test]
fn a_bite_reaches_so_far_and_no_unit_farther() {
    for (distance, bitten) in [(BITE_REACH, true), (BITE_REACH + 1, false)] {
        let mut room = pair();
        let id = haunt(&mut room, 30, 32);
        room.ticks(REST - 1);
        let at = zombie(&room, id).expect("it is there");
        set(&mut room, 0).at = Point::nearest(at.x(), at.y() + distance);
        room.tick();
        assert_eq!(figure(&room, 0).is_infected(), bitten, "{distance}");
    }
}

#[test]
fn bites_of_one_tick_add_up_and_infect_once() {
    let mut room = pair();
    haunt(&mut room, 50, 32);
    haunt(&mut room, 50, 32);
    room.ticks(REST);
    let bitten = figure(&room, 0);
    assert_eq!(bitten.health, FULL_HEALTH - 2 * BITE_DAMAGE);
    assert_eq!(u32::from(bitten.infection), INFECTION);
    assert_eq!(told(&room), [(What::Bitten, 0, None)]);
}

#[test]
fn many_bites_at_once_do_not_wrap_and_who_has_no_health_left_turns_at_once() {
    let mut room = pair();
    for _ in 0..300 {
        haunt(&mut room, 50, 32);
    }
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    room.tick();
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
    room.ticks(REST - 1);
    let turned = figure(&room, 0);
    assert_eq!((turned.role, turned.health), (Role::Turned, TURNED_HEALTH));
    assert_eq!(turned.infection, 0);
    assert_eq!(
        told(&room),
        [(What::Bitten, 0, None), (What::Turned, 0, None)],
        "in this order"
    );
    assert_eq!(figure(&room, 1).health, FULL_HEALTH);
}

#[test]
fn who_turns_while_walking_and_striking_stops() {
    let mut room = pair();
    infect(&mut room, 0, 1);
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    let before = figure(&room, 0).at;
    room.tick();
    let turned = figure(&room, 0);
    assert_eq!((turned.at, turned.walks), (before, false));
    assert!(!turned.survives());
    // And bites no sooner than one who turned without striking.
    assert_eq!(u32::from(turned.cooldown), ticks(TURNING_MS) - 1);
    room.ticks(ticks(TURNING_MS) - 2);
    assert_eq!(does(&mut room, 0, Action::Strike), Err(reject::COOLING));
    room.tick();
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
}

#[test]
fn who_is_not_cured_turns_after_the_time_of_an_infection_to_the_tick() {
    let mut room = pair();
    haunt(&mut room, 50, 32);
    room.ticks(REST);
    room.state_mut().field.zombies = Zombies::default();
    room.ticks(INFECTION - 1);
    assert!(figure(&room, 0).survives() && figure(&room, 0).is_infected());
    room.tick();
    assert!(!figure(&room, 0).survives());
    assert_eq!(
        told(&room),
        [(What::Bitten, 0, None), (What::Turned, 0, None)]
    );
}

#[test]
fn a_cure_in_the_last_tick_is_in_time_and_a_tick_later_is_not() {
    for late in [false, true] {
        let mut room = pair();
        infect(&mut room, 0, 2);
        set(&mut room, 0).kit.medkits = 1;
        room.ticks(1 + u32::from(late));
        let verdict = if late { Err(reject::TURNED) } else { Ok(()) };
        assert_eq!(does(&mut room, 0, Action::Heal), verdict);
        room.ticks(3);
        assert_eq!(figure(&room, 0).survives(), !late);
    }
}

#[test]
fn who_was_cured_can_be_infected_again() {
    let mut room = pair();
    haunt(&mut room, 50, 32);
    room.ticks(REST);
    set(&mut room, 0).kit.medkits = 1;
    assert_eq!(does(&mut room, 0, Action::Heal), Ok(()));
    assert_eq!(figure(&room, 0).health, FULL_HEALTH);
    room.ticks(REST);
    assert_eq!(u32::from(figure(&room, 0).infection), INFECTION);
    assert_eq!(
        told(&room),
        [
            (What::Bitten, 0, None),
            (What::Cured, 0, Some(0)),
            (What::Bitten, 0, None)
        ]
    );
}

#[test]
fn zombies_turn_from_who_has_turned_to_the_next_survivor() {
    let mut room = pair();
    put(&mut room, 1, 54, 32);
    let id = haunt(&mut room, 50, 32);
    set(&mut room, 0).health = BITE_DAMAGE;
    room.ticks(REST);
    let turned = figure(&room, 0).clone();
    assert!(!turned.survives());
    room.ticks(4 * REST);
    assert_eq!(figure(&room, 0).health, turned.health, "left alone");
    let far = tile(54, 32).distance_squared(tile(50, 32));
    let now = zombie(&room, id).expect("it is there");
    assert!(now.distance_squared(tile(54, 32)) < far / 4, "{now:?}");
}

#[test]
fn an_infection_runs_while_away_and_who_comes_back_has_turned() {
    let mut room = pair();
    infect(&mut room, 0, 20);
    room.leave(0);
    room.ticks(10);
    room.join(0);
    assert_eq!(figure(&room, 0).infection, 10);
    room.leave(0);
    room.ticks(10);
    assert_eq!(
        told(&room),
        [(What::Turned, 0, None)],
        "in time, though away"
    );
    room.ticks(10);
    room.join(0);
    let back = figure(&room, 0);
    assert_eq!((back.role, back.health), (Role::Turned, TURNED_HEALTH));
    assert_eq!(told(&room).len(), 1);
}

#[test]
fn who_is_away_is_not_bitten() {
    let mut room = pair();
    haunt(&mut room, 50, 32);
    room.leave(0);
    room.ticks(2 * REST);
    room.join(0);
    assert_eq!(figure(&room, 0).health, FULL_HEALTH);
    assert!(!figure(&room, 0).is_infected());
}
