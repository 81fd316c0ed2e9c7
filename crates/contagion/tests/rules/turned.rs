//! Players who have turned: they bite, are struck down and rise.

use contagion::{
    ANGLES, Action, BITE_COOLDOWN_MS, BITE_REACH, DOWN_MS, FULL_HEALTH, INFECTION_MS, Point,
    STRIKE_ARC, STRIKE_COOLDOWN_MS, STRIKE_DAMAGE, TURNED_COOLDOWN_MS, TURNED_DAMAGE,
    TURNED_HEALTH, TURNED_REACH, Thing, What, points, reject,
};

use crate::scene::{
    Room, calm, does, figure, haunt, lay, make_turned, playing, put, set, ticks, tile, told, zombie,
};

/// Player 0 has turned, 1 stands before it, 2 keeps the match going.
fn hunter() -> Room {
    let mut room = playing(calm(), [0, 1, 2]);
    put(&mut room, 0, 48, 32);
    put(&mut room, 1, 48, 32);
    put(&mut room, 2, 5, 5);
    make_turned(&mut room, 0);
    room
}

fn bite(room: &mut Room) {
    assert_eq!(does(room, 0, Action::Strike), Ok(()));
}

#[test]
fn a_bite_of_a_turned_player_hurts_infects_and_counts_once() {
    let mut room = hunter();
    bite(&mut room);
    let bitten = figure(&room, 1);
    assert_eq!(bitten.health, FULL_HEALTH - TURNED_DAMAGE);
    assert_eq!(u32::from(bitten.infection), ticks(INFECTION_MS));
    assert_eq!(figure(&room, 0).tally.infected, 1);
    assert_eq!(figure(&room, 0).tally.score(), points::INFECTED);
    assert_eq!(told(&room), [(What::Bitten, 1, Some(0))]);
    room.ticks(ticks(TURNED_COOLDOWN_MS));
    bite(&mut room);
    let bitten = figure(&room, 1);
    assert_eq!(bitten.health, FULL_HEALTH - 2 * TURNED_DAMAGE);
    assert_eq!(
        u32::from(bitten.infection),
        ticks(INFECTION_MS) - ticks(TURNED_COOLDOWN_MS)
    );
    assert_eq!(figure(&room, 0).tally.infected, 1, "already infected");
    assert_eq!(told(&room).len(), 1);
}

#[test]
fn a_bite_that_leaves_no_health_turns_at_once() {
    let mut room = hunter();
    set(&mut room, 1).health = TURNED_DAMAGE;
    bite(&mut room);
    assert!(!figure(&room, 1).survives());
    assert_eq!(figure(&room, 0).tally.infected, 1);
    assert_eq!(
        told(&room),
        [(What::Bitten, 1, Some(0)), (What::Turned, 1, None)]
    );
}

#[test]
fn two_bites_in_a_tick_count_for_the_first_of_two() {
    let mut room = hunter();
    put(&mut room, 2, 48, 32);
    make_turned(&mut room, 2);
    assert_eq!(does(&mut room, 2, Action::Strike), Ok(()));
    bite(&mut room);
    assert_eq!(figure(&room, 1).health, FULL_HEALTH - 2 * TURNED_DAMAGE);
    let counts = [0, 2].map(|player| figure(&room, player).tally.infected);
    assert_eq!(counts, [0, 1]);
}

#[test]
fn its_bite_has_a_reach_and_an_arc() {
    for (step, distance, bitten) in [
        (0, TURNED_REACH, true),
        (0, TURNED_REACH + 1, false),
        (STRIKE_ARC, TURNED_REACH - 5, true),
        (ANGLES - STRIKE_ARC, TURNED_REACH - 5, true),
        (STRIKE_ARC + 1, TURNED_REACH - 5, false),
        (ANGLES / 2, TURNED_REACH - 5, false),
    ] {
        let mut room = hunter();
        let at = figure(&room, 0).at;
        set(&mut room, 1).at = at.walk(step, distance);
        bite(&mut room);
        assert_eq!(figure(&room, 1).is_infected(), bitten, "{step}, {distance}");
    }
}

#[test]
fn it_bites_the_nearest_survivor_and_one_only() {
    let mut room = hunter();
    put(&mut room, 2, 48, 32);
    let at = figure(&room, 0).at;
    set(&mut room, 1).at = Point::nearest(at.x() + 90, at.y());
    set(&mut room, 2).at = Point::nearest(at.x() + 89, at.y());
    bite(&mut room);
    assert!(figure(&room, 2).is_infected() && !figure(&room, 1).is_infected());
}

#[test]
fn it_does_not_bite_its_own() {
    let mut room = hunter();
    make_turned(&mut room, 1);
    haunt(&mut room, 48, 32);
    let before = figure(&room, 1).clone();
    bite(&mut room);
    assert_eq!(figure(&room, 1), &before);
    assert_eq!(room.state().field.zombies.len(), 1);
}

#[test]
fn struck_down_it_lies_and_then_rises_with_new_health() {
    let mut room = hunter();
    let blows = u32::from(TURNED_HEALTH.div_ceil(STRIKE_DAMAGE));
    for blow in 1..=blows {
        assert_eq!(does(&mut room, 0, Action::Steer(16)), Ok(()));
        assert_eq!(does(&mut room, 1, Action::Strike), Ok(()));
        assert_eq!(figure(&room, 0).is_down(), blow == blows);
        let felled = u16::from(blow == blows);
        assert_eq!(figure(&room, 1).tally.struck, felled, "paid when it falls");
        if blow < blows {
            room.ticks(ticks(STRIKE_COOLDOWN_MS));
            set(&mut room, 0).at = figure(&room, 1).at;
        }
    }
    let lies = figure(&room, 0);
    assert_eq!((lies.health, lies.walks), (0, false));
    assert_eq!(told(&room), [(What::Felled, 0, Some(1))]);
    room.ticks(ticks(DOWN_MS) - 1);
    assert!(figure(&room, 0).is_down());
    assert_eq!(does(&mut room, 0, Action::Strike), Err(reject::DOWN));
    room.tick();
    let risen = figure(&room, 0);
    assert_eq!((risen.health, risen.is_down()), (TURNED_HEALTH, false));
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
}

#[test]
fn who_lies_is_not_struck_again() {
    let mut room = hunter();
    set(&mut room, 0).health = 1;
    assert_eq!(does(&mut room, 1, Action::Strike), Ok(()));
    room.ticks(ticks(STRIKE_COOLDOWN_MS));
    let before = figure(&room, 0).clone();
    assert_eq!(does(&mut room, 1, Action::Strike), Ok(()));
    assert_eq!(figure(&room, 0), &before);
    assert_eq!(figure(&room, 1).tally.struck, 1);
}

#[test]
fn it_survives_nothing_and_picks_up_nothing() {
    let mut room = hunter();
    lay(&mut room, tile(48, 32), Thing::Medkit);
    put(&mut room, 1, 80, 50);
    room.ticks(20);
    let turned = figure(&room, 0);
    assert_eq!(
        (turned.tally.survived_ms, turned.kit),
        (0, Default::default())
    );
    assert_eq!(figure(&room, 1).tally.survived_ms, 2_000);
}

#[test]
fn zombies_neither_see_nor_smell_nor_bite_it() {
    let mut room = hunter();
    put(&mut room, 1, 90, 60);
    put(&mut room, 2, 90, 60);
    let id = haunt(&mut room, 48, 32);
    for _ in 0..3 * ticks(BITE_COOLDOWN_MS) {
        let at = zombie(&room, id).expect("it is there");
        set(&mut room, 0).at = Point::nearest(at.x() + BITE_REACH / 2, at.y());
        room.tick();
    }
    assert_eq!(figure(&room, 0).health, TURNED_HEALTH);
    assert_eq!(told(&room), []);
}
