//! How figures walk.

use contagion::{
    ANGLES, Action, Arena, HEIGHT, MARGIN, RADIUS, SURVIVOR_SPEED, TILE, TURNED_SPEED, WIDTH,
};

use crate::scene::{calm, city, does, figure, make_turned, playing, put, tile};

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
    assert_eq!(walked.at.x() - 50 * TILE, 10 * SURVIVOR_SPEED);
    assert_eq!(
        (walked.at.y(), walked.facing, walked.walks),
        (32 * TILE, 0, true)
    );
    assert_eq!(does(&mut room, 0, Action::Steer(24)), Ok(()));
    room.tick();
    assert_eq!(figure(&room, 0).at.y(), 32 * TILE - SURVIVOR_SPEED);
    assert_eq!(does(&mut room, 0, Action::Stop), Ok(()));
    let stopped = figure(&room, 0).at;
    room.ticks(5);
    let stands = figure(&room, 0);
    assert_eq!(
        (stands.at, stands.facing, stands.walks),
        (stopped, 24, false)
    );
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
fn who_has_turned_walks_at_its_own_speed() {
    let mut room = playing(calm(), [0, 1]);
    make_turned(&mut room, 0);
    for (player, speed) in [(0, TURNED_SPEED), (1, SURVIVOR_SPEED)] {
        put(&mut room, player, 30, 32);
        assert_eq!(does(&mut room, player, Action::Steer(0)), Ok(()));
        room.ticks(10);
        assert_eq!(figure(&room, player).at.x(), 30 * TILE + 10 * speed);
    }
}

#[test]
fn nobody_walks_into_walls() {
    let mut room = playing(city(), 0..20);
    let arena = Arena::new(room.state().field.seed, true);
    let mut stopped = 0;
    for tick in 0..400_u32 {
        for player in 0..20 {
            if (tick + player) % 13 == 0 {
                let angle = (tick * 7 + player * 5) % u32::from(ANGLES);
                assert_eq!(does(&mut room, player, Action::Steer(angle as u8)), Ok(()));
            }
        }
        let before = room.state().field.figures.clone();
        room.tick();
        for (before, figure) in before.iter().zip(&room.state().field.figures) {
            assert!(!arena.is_solid(figure.at), "{figure:?}");
            stopped += usize::from(before.walks && before.at == figure.at);
            for (x, y) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] {
                let (x, y) = (figure.at.x() + x * RADIUS, figure.at.y() + y * RADIUS);
                let corner = contagion::Point::nearest(x, y);
                let inside = (corner.x(), corner.y()) == (x, y);
                assert!(!inside || !arena.is_solid(corner), "{figure:?}");
            }
        }
    }
    assert!(stopped > 20, "they do run into walls: {stopped}");
}
