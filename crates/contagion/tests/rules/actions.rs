//! How actions are encoded, and why they are refused.

use baton::{By, Reject};
use contagion::{
    ANGLES, Action, Config, FULL_HEALTH, HEAL_REACH, Phase, STRIKE_COOLDOWN_MS, TURNED_COOLDOWN_MS,
    reject,
};

use crate::scene::{
    Room, calm, does, figure, infect, make_turned, playing, put, put_off, set, ticks, until,
};

const EVERY: [Action; 6] = [
    Action::Steer(0),
    Action::Stop,
    Action::CallTime,
    Action::Strike,
    Action::Heal,
    Action::Lure,
];

#[test]
fn an_action_is_one_byte() {
    for (action, byte) in [
        (Action::Steer(0), 0),
        (Action::Steer(31), 31),
        (Action::Stop, 32),
        (Action::CallTime, 33),
        (Action::Strike, 34),
        (Action::Heal, 35),
        (Action::Lure, 36),
    ] {
        assert_eq!(postcard::to_allocvec(&action).as_deref(), Ok(&[byte][..]));
        assert_eq!(postcard::from_bytes::<Action>(&[byte]), Ok(action));
    }
    for byte in 37..=u8::MAX {
        assert!(postcard::from_bytes::<Action>(&[byte]).is_err());
    }
    // Not an angle: nothing that could be taken for something else.
    for angle in [32, 200, u8::MAX] {
        let bytes = postcard::to_allocvec(&Action::Steer(angle));
        assert_eq!(bytes.as_deref(), Ok(&[u8::MAX][..]));
    }
}

#[test]
fn refusals_have_stable_codes() {
    let codes = [
        reject::NOT_PLAYING,
        reject::DOWN,
        reject::BAD_ANGLE,
        reject::SERVER_ONLY,
        reject::PLAYERS_ONLY,
        reject::NO_FIGURE,
        reject::COOLING,
        reject::EMPTY,
        reject::NO_USE,
        reject::TURNED,
    ];
    assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(Reject));
}

#[test]
fn nothing_is_done_while_nothing_is_played() {
    let mut room = Room::new(calm(), 1);
    let refused = |room: &mut Room| {
        let before = room.hash();
        for action in EVERY {
            let by = match action {
                Action::CallTime => By::Server,
                _ => By::Player(0),
            };
            assert_eq!(room.act(by, action), Err(reject::NOT_PLAYING), "{action:?}");
        }
        assert_eq!(room.hash(), before);
    };
    refused(&mut room);
    room.join(0);
    refused(&mut room);
    until(&mut room, Phase::Playing);
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
    until(&mut room, Phase::Over);
    refused(&mut room);
}

#[test]
fn only_the_server_calls_time_and_it_does_nothing_else() {
    let mut room = playing(calm(), [0]);
    let before = room.hash();
    for player in [0, 9] {
        let verdict = does(&mut room, player, Action::CallTime);
        assert_eq!(verdict, Err(reject::SERVER_ONLY));
    }
    for action in EVERY {
        if action != Action::CallTime {
            assert_eq!(room.act(By::Server, action), Err(reject::PLAYERS_ONLY));
        }
    }
    assert_eq!(room.hash(), before);
}

#[test]
fn an_angle_is_a_step_of_the_circle() {
    let mut room = playing(calm(), [0]);
    for (angle, verdict) in [
        (ANGLES - 1, Ok(())),
        (ANGLES, Err(reject::BAD_ANGLE)),
        (255, Err(reject::BAD_ANGLE)),
    ] {
        assert_eq!(does(&mut room, 0, Action::Steer(angle)), verdict);
    }
    assert_eq!(figure(&room, 0).facing, ANGLES - 1);
}

#[test]
fn who_watches_and_who_left_can_do_nothing() {
    let mut room = playing(Config { seats: 1, ..calm() }, [0, 1]);
    room.leave(0);
    room.join(0);
    let before = room.hash();
    for action in EVERY {
        if action != Action::CallTime {
            for player in [0, 77] {
                assert_eq!(does(&mut room, player, action), Err(reject::NO_FIGURE));
            }
        }
    }
    assert_eq!(room.hash(), before);
}

#[test]
fn who_is_down_can_do_nothing() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 0);
    set(&mut room, 0).down = 1;
    for action in EVERY {
        if action != Action::CallTime {
            assert_eq!(does(&mut room, 0, action), Err(reject::DOWN), "{action:?}");
        }
    }
    room.tick();
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
}

#[test]
fn a_strike_waits_for_its_cooldown_to_the_tick() {
    for (turned, cooldown) in [(false, STRIKE_COOLDOWN_MS), (true, TURNED_COOLDOWN_MS)] {
        let mut room = playing(calm(), [0, 1]);
        put(&mut room, 0, 10, 10);
        put(&mut room, 1, 80, 50);
        if turned {
            make_turned(&mut room, 0);
        }
        assert_eq!(does(&mut room, 0, Action::Strike), Ok(()), "a miss");
        assert_eq!(does(&mut room, 0, Action::Strike), Err(reject::COOLING));
        room.ticks(ticks(cooldown) - 1);
        assert_eq!(does(&mut room, 0, Action::Strike), Err(reject::COOLING));
        assert_eq!(does(&mut room, 0, Action::Steer(3)), Ok(()), "but walks");
        room.tick();
        assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    }
}

#[test]
fn what_is_not_carried_cannot_be_used() {
    let mut room = playing(calm(), [0]);
    put(&mut room, 0, 10, 10);
    infect(&mut room, 0, 50);
    assert_eq!(does(&mut room, 0, Action::Heal), Err(reject::EMPTY));
    assert_eq!(
        does(&mut room, 0, Action::Lure),
        Ok(()),
        "one to start with"
    );
    assert_eq!(does(&mut room, 0, Action::Lure), Err(reject::EMPTY));
    set(&mut room, 0).kit.medkits = 1;
    assert_eq!(does(&mut room, 0, Action::Heal), Ok(()));
    assert_eq!(does(&mut room, 0, Action::Heal), Err(reject::EMPTY));
}

#[test]
fn a_medkit_that_nobody_in_reach_needs_is_kept() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 40, 30);
    put_off(&mut room, 1, (40, 30), (HEAL_REACH + 1, 0));
    infect(&mut room, 1, 50);
    set(&mut room, 0).kit.medkits = 1;
    assert_eq!(does(&mut room, 0, Action::Heal), Err(reject::NO_USE));
    assert_eq!(figure(&room, 0).kit.medkits, 1);
    put_off(&mut room, 1, (40, 30), (HEAL_REACH, 0));
    assert_eq!(does(&mut room, 0, Action::Heal), Ok(()));
    set(&mut room, 0).kit.medkits = 1;
    set(&mut room, 1).health = FULL_HEALTH - 1;
    assert_eq!(
        does(&mut room, 0, Action::Heal),
        Err(reject::NO_USE),
        "who is only hurt uses an own one"
    );
}

#[test]
fn zombies_use_nothing() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 0);
    for action in [Action::Heal, Action::Lure] {
        assert_eq!(does(&mut room, 0, action), Err(reject::TURNED));
    }
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    assert_eq!(does(&mut room, 0, Action::Steer(3)), Ok(()));
}
