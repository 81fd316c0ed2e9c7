//! What lies on the ground, and who carries how much of it.

use contagion::{
    Action, Kit, MAX_AMMUNITION, MAX_ITEMS, MAX_LURES, MAX_MEDKITS, PICK_UP_REACH, Point, ROUNDS,
    SURVIVOR_SPEED, Thing,
};

use crate::scene::{
    Room, calm, does, figure, infect, lay, lying, playing, put, put_off, set, tile,
};

const FULL: Kit = Kit {
    medkits: MAX_MEDKITS,
    ammunition: MAX_AMMUNITION,
    lures: MAX_LURES,
};

/// One who carries nothing, and one far away.
fn finder() -> Room {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 48, 32);
    put(&mut room, 1, 5, 5);
    set(&mut room, 0).kit = Kit::default();
    room
}

#[test]
fn what_is_walked_over_is_picked_up() {
    let mut room = finder();
    for (index, thing) in (0..).zip([Thing::Medkit, Thing::Ammunition, Thing::Lure]) {
        let at = Point::nearest(tile(50, 32).x() + index * 200, tile(50, 32).y());
        lay(&mut room, at, thing);
    }
    assert_eq!(does(&mut room, 0, Action::Steer(0)), Ok(()));
    room.tick();
    assert_eq!(figure(&room, 0).kit, Kit::default());
    room.ticks(1_000 / SURVIVOR_SPEED as u32);
    let found = Kit {
        medkits: 1,
        ammunition: ROUNDS,
        lures: 1,
    };
    assert_eq!(figure(&room, 0).kit, found);
    assert_eq!(lying(&room), []);
}

#[test]
fn what_is_in_reach_along_both_axes_is_picked_up_and_no_unit_farther() {
    let reach = PICK_UP_REACH;
    for (dx, dy, found) in [
        (reach, reach, true),
        (-reach, reach, true),
        (reach + 1, 0, false),
        (0, -reach - 1, false),
    ] {
        let mut room = finder();
        lay(&mut room, tile(48, 32), Thing::Medkit);
        put_off(&mut room, 0, (48, 32), (dx, dy));
        room.tick();
        assert_eq!(figure(&room, 0).kit.medkits == 1, found, "{dx}, {dy}");
        assert_eq!(lying(&room).is_empty(), found);
    }
}

#[test]
fn nobody_carries_more_than_fits_and_the_rest_lies_on() {
    let mut room = finder();
    for _ in 0..6 {
        for thing in [Thing::Medkit, Thing::Ammunition, Thing::Lure] {
            lay(&mut room, tile(48, 32), thing);
        }
    }
    room.tick();
    assert_eq!(figure(&room, 0).kit, FULL);
    let taken = MAX_MEDKITS + MAX_AMMUNITION.div_ceil(ROUNDS) + MAX_LURES;
    assert_eq!(lying(&room).len(), 18 - usize::from(taken));
    // A crate is opened for a part of it, and the rest is lost; a full pocket opens none.
    let mut room = finder();
    set(&mut room, 0).kit.ammunition = MAX_AMMUNITION - 1;
    lay(&mut room, tile(48, 32), Thing::Ammunition);
    lay(&mut room, tile(48, 32), Thing::Ammunition);
    room.tick();
    assert_eq!(figure(&room, 0).kit.ammunition, MAX_AMMUNITION);
    assert_eq!(lying(&room).len(), 1);
}

#[test]
fn of_two_in_reach_one_gets_it() {
    let mut room = playing(calm(), [0, 1]);
    for player in [0, 1] {
        put(&mut room, player, 48, 32);
    }
    lay(&mut room, tile(48, 32), Thing::Medkit);
    room.ticks(3);
    let carried = [0, 1].map(|player| figure(&room, player).kit.medkits);
    assert_eq!(carried, [1, 0]);
}

/// What a full pocket leaves behind.
fn all_of_it() -> usize {
    usize::from(MAX_MEDKITS + MAX_AMMUNITION / ROUNDS + MAX_LURES)
}

#[test]
fn who_turns_drops_what_it_carried_and_others_take_it() {
    let mut room = finder();
    set(&mut room, 0).kit = FULL;
    infect(&mut room, 0, 1);
    room.tick();
    assert_eq!(figure(&room, 0).kit, Kit::default());
    assert_eq!(lying(&room).len(), all_of_it());
    assert!(lying(&room).iter().all(|&(at, _)| at == tile(48, 32)));
    room.ticks(5);
    assert_eq!(lying(&room).len(), all_of_it(), "zombies take nothing");
    set(&mut room, 1).kit = Kit::default();
    put(&mut room, 1, 48, 32);
    room.tick();
    assert_eq!((figure(&room, 1).kit, lying(&room).len()), (FULL, 0));
}

#[test]
fn who_leaves_while_carrying_drops_it_and_has_it_once_when_back() {
    let mut room = finder();
    set(&mut room, 0).kit = FULL;
    room.leave(0);
    assert_eq!(lying(&room).len(), all_of_it());
    room.tick();
    room.join(0);
    assert_eq!(figure(&room, 0).kit, Kit::default());
    room.tick();
    assert_eq!((figure(&room, 0).kit, lying(&room).len()), (FULL, 0));
    // Or somebody else has it.
    room.leave(0);
    set(&mut room, 1).kit = Kit::default();
    put(&mut room, 1, 48, 32);
    room.tick();
    room.join(0);
    room.tick();
    assert_eq!(figure(&room, 0).kit, Kit::default());
    assert_eq!((figure(&room, 1).kit, lying(&room).len()), (FULL, 0));
}

#[test]
fn who_turns_while_away_dropped_it_once() {
    let mut room = finder();
    set(&mut room, 0).kit = FULL;
    infect(&mut room, 0, 5);
    room.leave(0);
    room.ticks(10);
    room.join(0);
    room.ticks(5);
    assert!(!figure(&room, 0).survives());
    assert_eq!(lying(&room).len(), all_of_it());
}

#[test]
fn an_opened_crate_is_lost_and_a_full_ground_takes_no_more() {
    let mut room = finder();
    set(&mut room, 0).kit.ammunition = 2 * ROUNDS - 1;
    room.leave(0);
    assert_eq!(lying(&room), [(tile(48, 32), Thing::Ammunition)]);
    let mut room = finder();
    for _ in 0..MAX_ITEMS - 1 {
        lay(&mut room, tile(80, 50), Thing::Medkit);
    }
    set(&mut room, 0).kit = FULL;
    room.leave(0);
    assert_eq!(lying(&room).len(), MAX_ITEMS);
}
