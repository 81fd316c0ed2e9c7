//! A room of Contagion as tests speak of it. Decides nothing.
#![allow(dead_code, reason = "each test file uses its part")]

use baton::harness::Solo;
use baton::{By, Player, Reject};
use contagion::{Action, Config, Contagion, Figure, Phase, Point, TILE};

pub(crate) type Room = Solo<Contagion>;

/// Ticks of the phases of [`calm`]; the first countdown has one more.
pub(crate) const COUNTDOWN: u32 = 3;
pub(crate) const PLAY: u32 = 100;
pub(crate) const OVER: u32 = 5;

/// A short match to which no zombie comes by itself.
pub(crate) fn calm() -> Config {
    Config {
        countdown_ms: COUNTDOWN * 100,
        play_ms: PLAY * 100,
        over_ms: OVER * 100,
        zombies_at_start: 0,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        spawn_growth_per_minute: 0,
    }
}

/// A room in the first tick of play, with these players.
pub(crate) fn playing(config: Config, players: impl IntoIterator<Item = Player>) -> Room {
    let mut room = Room::new(config, 1);
    for player in players {
        room.join(player);
    }
    until(&mut room, Phase::Playing);
    room
}

/// Lets ticks happen until the room is in a phase; says how many.
pub(crate) fn until(room: &mut Room, phase: Phase) -> u32 {
    for count in 0..10_000 {
        if room.state().phase == phase {
            return count;
        }
        assert!(room.tick(), "time stands while waiting for {phase:?}");
    }
    panic!("{phase:?} never comes");
}

pub(crate) fn does(room: &mut Room, player: Player, action: Action) -> Result<(), Reject> {
    room.act(By::Player(player), action)
}

pub(crate) fn figure(room: &Room, player: Player) -> &Figure {
    room.state()
        .field
        .figure(player)
        .expect("the player has a figure")
}

/// Puts a player's figure on a tile's corner.
pub(crate) fn put(room: &mut Room, player: Player, x: i32, y: i32) {
    let figures = &mut room.state_mut().field.figures;
    let mut figures = figures.iter_mut();
    let figure = figures.find(|figure| figure.player == player);
    figure.expect("the player has a figure").at = tile(x, y);
}

/// Sets what is left of a player's health.
pub(crate) fn hurt(room: &mut Room, player: Player, health: u8) {
    let figures = &mut room.state_mut().field.figures;
    let mut figures = figures.iter_mut();
    let figure = figures.find(|figure| figure.player == player);
    figure.expect("the player has a figure").health = health;
}

/// Puts a zombie on a tile's corner; it may bite after the cooldown.
pub(crate) fn haunt(room: &mut Room, x: i32, y: i32) {
    let field = &mut room.state_mut().field;
    assert!(field.zombies.push(field.next_zombie, tile(x, y)));
    field.next_zombie += 1;
}

pub(crate) fn tile(x: i32, y: i32) -> Point {
    Point::nearest(x * TILE, y * TILE)
}

/// The phase and the match.
pub(crate) fn now(room: &Room) -> (Phase, u32) {
    (room.state().phase, room.state().match_id)
}

pub(crate) fn zombies(room: &Room) -> usize {
    room.state().field.zombies.len()
}
