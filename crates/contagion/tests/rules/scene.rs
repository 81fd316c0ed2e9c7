//! A room of Contagion as tests speak of it, and scenes to set in it. Decides nothing.

use baton::Solo;
use baton::{By, Player, Reject};
use contagion::{
    Action, Award, Config, Contagion, Figure, INFECTION_MS, Item, MatchResult, Phase, Point, Role,
    TICK_MS, TILE, TURNED_HEALTH, Thing, Told, What,
};

pub(crate) type Room = Solo<Contagion>;

/// Ticks of the phases of [`calm`]; the first countdown has one more.
pub(crate) const COUNTDOWN: u32 = 3;
pub(crate) const PLAY: u32 = 1_000;
pub(crate) const OVER: u32 = 5;

/// A match without walls to which nothing comes by itself.
pub(crate) fn calm() -> Config {
    Config {
        countdown_ms: COUNTDOWN * TICK_MS,
        play_ms: PLAY * TICK_MS,
        over_ms: OVER * TICK_MS,
        city: false,
        zombies_at_start: 0,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        spawn_growth_percent: 0,
        items_at_start: 0,
        items_per_minute: 0,
        items_per_minute_and_player: 0,
        ..Config::default()
    }
}

/// The same between walls.
pub(crate) fn city() -> Config {
    Config {
        city: true,
        ..calm()
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

/// Ticks that last `ms`.
pub(crate) const fn ticks(ms: u32) -> u32 {
    ms.div_ceil(TICK_MS)
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

/// A player's figure, to be changed for a scene.
pub(crate) fn set(room: &mut Room, player: Player) -> &mut Figure {
    let figures = &mut room.state_mut().field.figures;
    let mut figures = figures.iter_mut();
    let figure = figures.find(|figure| figure.player == player);
    figure.expect("the player has a figure")
}

/// Puts a player's figure on a tile's corner.
pub(crate) fn put(room: &mut Room, player: Player, x: i32, y: i32) {
    set(room, player).at = tile(x, y);
}

/// Puts a player's figure so many units from a tile's corner.
pub(crate) fn put_off(room: &mut Room, player: Player, (x, y): (i32, i32), (dx, dy): (i32, i32)) {
    set(room, player).at = Point::nearest(x * TILE + dx, y * TILE + dy);
}

/// Infects a player who turns after so many ticks.
pub(crate) fn infect(room: &mut Room, player: Player, ticks: u32) {
    assert!((1..=INFECTION_MS / TICK_MS).contains(&ticks));
    set(room, player).infection = ticks as u8;
}

/// Makes a player one who turned long ago.
pub(crate) fn make_turned(room: &mut Room, player: Player) {
    let figure = set(room, player);
    figure.role = Role::Turned;
    figure.health = TURNED_HEALTH;
    figure.infection = 0;
    figure.cooldown = 0;
    figure.kit = Default::default();
}

/// Puts a zombie on a tile's corner; it may bite after the cooldown.
pub(crate) fn haunt(room: &mut Room, x: i32, y: i32) -> u16 {
    haunt_at(room, tile(x, y))
}

/// Puts a zombie on a place; says its id.
pub(crate) fn haunt_at(room: &mut Room, at: Point) -> u16 {
    let field = &mut room.state_mut().field;
    let id = field.next_zombie;
    assert!(field.zombies.push(id, at));
    field.next_zombie += 1;
    id
}

/// Lays something on a place.
pub(crate) fn lay(room: &mut Room, at: Point, thing: Thing) {
    let items = &mut room.state_mut().field.ground.items;
    // Below what rules number, so that ids still rise.
    let id = items.len() as u16;
    items.push(Item { id, at, thing });
}

/// What lies on the ground, in order.
pub(crate) fn lying(room: &Room) -> Vec<(Point, Thing)> {
    let items = &room.state().field.ground.items;
    items.iter().map(|item| (item.at, item.thing)).collect()
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

/// Where a zombie is, while there is one.
pub(crate) fn zombie(room: &Room, id: u16) -> Option<Point> {
    let mut places = room.state().field.zombies.places();
    places.find(|place| place.0 == id).map(|place| place.1)
}

/// What was told, oldest first: what, to whom, by whom.
pub(crate) fn told(room: &Room) -> Vec<(What, Player, Option<Player>)> {
    let feed = room.state().field.feed.told();
    feed.iter()
        .map(|&Told { what, who, by, .. }| (what, who, by))
        .collect()
}

/// Results that were sent, each with its target.
pub(crate) fn awards(room: &Room) -> Vec<(String, MatchResult)> {
    let sent = room.sent().map(|(target, body)| {
        let Award::Match(result) = postcard::from_bytes(body).expect("an account's action");
        (target, result)
    });
    sent.collect()
}
