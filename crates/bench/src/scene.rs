//! The scenes that are measured: who stands where, what players do. The same for every version of
//! the rules, and nothing in them is left to chance.

use baton::Solo;
use baton::{By, Hash, Random};
use contagion::{
    Action, Arena, Config, Contagion, FULL_HEALTH, Figure, Item, MAX_ITEMS, Phase, Point, Role,
    State, TILE, Thing, heading,
};

use crate::obvious::Obvious;

/// Who is in a scene.
#[derive(Clone, Copy)]
struct Cast {
    /// Whether everybody is in one place: the worst case.
    crowded: bool,
    players: usize,
    zombies: usize,
}

/// The scenes by their numbers: a full field spread over the city, a full field in one place, and
/// the match that peers were measured with, spread.
const CASTS: [Cast; 3] = [
    Cast {
        crowded: false,
        players: contagion::MAX_PLAYERS,
        zombies: contagion::MAX_ZOMBIES,
    },
    Cast {
        crowded: true,
        players: contagion::MAX_PLAYERS,
        zombies: contagion::MAX_ZOMBIES,
    },
    Cast {
        crowded: false,
        players: 50,
        zombies: 200,
    },
];

/// Ticks from one turn of a player to the next: two inputs a second.
const STEERS: u32 = 5;
/// Ticks from one strike of a player to the next: as often as the rules allow.
const STRIKES: u32 = 6;

/// The rules of a match in play, written in one way or another.
pub trait Version {
    /// Goes on from what the rules have set up.
    fn of(room: Solo<Contagion>) -> Self;
    /// The figures.
    fn figures(&mut self) -> &mut [Figure];
    /// What lies on the ground.
    fn items(&mut self) -> &mut Vec<Item>;
    /// How many zombies there are.
    fn zombies(&self) -> usize;
    /// One more zombie.
    fn add_zombie(&mut self, id: u16, at: Point);
    /// The figure in a seat does something.
    fn act(&mut self, seat: usize, action: Action);
    /// A tick passes.
    fn tick(&mut self);
    /// The encoded state.
    fn bytes(&self) -> Vec<u8>;
    /// The state, where it is that of the rules.
    fn state(&self) -> Option<&State>;
}

impl Version for Solo<Contagion> {
    fn of(room: Solo<Contagion>) -> Self {
        room
    }

    fn figures(&mut self) -> &mut [Figure] {
        &mut self.state_mut().field.figures
    }

    fn items(&mut self) -> &mut Vec<Item> {
        &mut self.state_mut().field.ground.items
    }

    fn zombies(&self) -> usize {
        self.state().field.zombies.len()
    }

    fn add_zombie(&mut self, id: u16, at: Point) {
        self.state_mut().field.zombies.push(id, at);
    }

    fn act(&mut self, seat: usize, action: Action) {
        let player = self.state().field.figures[seat].player;
        Self::act(self, By::Player(player), action).expect("only what is allowed is done");
    }

    fn tick(&mut self) {
        Self::tick(self);
    }

    fn bytes(&self) -> Vec<u8> {
        Self::bytes(self)
    }

    fn state(&self) -> Option<&State> {
        Some(Self::state(self))
    }
}

/// A scene that goes on for as long as somebody watches.
pub trait Scene {
    /// Heals and arms everybody, and brings back zombies and items: not part of what is measured.
    fn prepare(&mut self);
    /// What players do before the next tick.
    fn act(&mut self);
    /// A tick.
    fn tick(&mut self);
    /// The encoded state.
    fn bytes(&self) -> Vec<u8>;
    /// The state, where it is that of the rules.
    fn state(&self) -> Option<&State>;

    /// The start of the hash of the encoded state: equal states, equal fingerprints.
    fn fingerprint(&self) -> u64 {
        let [first @ .., _, _, _, _, _, _, _, _] = Hash::of(&self.bytes()).0;
        first
            .iter()
            .take(8)
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }
}

/// A scene by its number, see [`CASTS`]. Version 0: the rules; version 1: [`Obvious`].
pub fn scene(name: u32, version: u32) -> Option<Box<dyn Scene>> {
    let cast = *CASTS.get(name as usize)?;
    match version {
        0 => Some(Box::new(Staged::<Solo<Contagion>>::new(cast))),
        1 => Some(Box::new(Staged::<Obvious>::new(cast))),
        _ => None,
    }
}

struct Staged<V> {
    game: V,
    cast: Cast,
    /// Where each figure stays near.
    homes: Vec<Point>,
    /// How near, in units.
    leash: i32,
    /// Where zombies and items come.
    lairs: Vec<Point>,
    random: Random,
    next: u16,
    ticks: u32,
}

impl<V: Version> Staged<V> {
    fn new(cast: Cast) -> Self {
        let mut room = playing(cast.players);
        let open = open_places(&Arena::new(room.state().field.seed, true));
        let mut random = Random::from_seed(7);
        let (homes, leash, lairs): (Vec<Point>, _, _) = if cast.crowded {
            // Two to a tile in the middle, and the horde around them.
            let half = cast.players / 2;
            let homes = (0..cast.players).map(|seat| open[seat / 2]).collect();
            (
                homes,
                3 * TILE,
                open[half..half + cast.zombies / 3].to_vec(),
            )
        } else {
            let draw = |_| open[random.below(open.len() as u32) as usize];
            let homes = (0..cast.players).map(draw).collect();
            (homes, 10 * TILE, open)
        };
        for (figure, &home) in room.state_mut().field.figures.iter_mut().zip(&homes) {
            figure.at = home;
        }
        Self {
            game: V::of(room),
            cast,
            homes,
            leash,
            lairs,
            random,
            next: 0,
            ticks: 0,
        }
    }

    fn lair(&mut self) -> Point {
        self.lairs[self.random.below(self.lairs.len() as u32) as usize]
    }
}

/// A match in its first tick of play, to which nothing comes by itself.
fn playing(players: usize) -> Solo<Contagion> {
    let config = Config {
        countdown_ms: 100,
        play_ms: u32::MAX,
        city: true,
        seats: players as u16,
        zombies_at_start: 0,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        items_at_start: 0,
        items_per_minute: 0,
        items_per_minute_and_player: 0,
        ..Config::default()
    };
    let mut room = Solo::<Contagion>::new(config, 1);
    for player in 0..players as u32 {
        room.join(player);
    }
    while room.state().phase != Phase::Playing {
        room.tick();
    }
    room
}

/// The middles of all open tiles, the ones in the middle of the arena first.
fn open_places(arena: &Arena) -> Vec<Point> {
    let (columns, rows) = (contagion::COLUMNS as i32, contagion::ROWS as i32);
    let all = (0..columns * rows).map(|tile| (tile % columns, tile / columns));
    let middles =
        all.map(|(column, row)| Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2));
    let mut open: Vec<Point> = middles.filter(|&at| !arena.is_solid(at)).collect();
    let middle = Point::nearest(contagion::WIDTH / 2, contagion::HEIGHT / 2);
    open.sort_by_key(|at| at.distance_squared(middle));
    open
}

impl<V: Version> Scene for Staged<V> {
    fn prepare(&mut self) {
        for figure in self.game.figures() {
            figure.role = Role::Survivor;
            figure.health = FULL_HEALTH;
            figure.infection = 0;
            figure.kit.ammunition = figure.kit.ammunition.max(1);
        }
        while self.game.zombies() < self.cast.zombies {
            let at = self.lair();
            self.game.add_zombie(self.next, at);
            self.next += 1;
        }
        while self.game.items().len() < MAX_ITEMS {
            let at = self.lair();
            let id = self.next;
            self.game.items().push(Item {
                id,
                at,
                thing: Thing::Ammunition,
            });
            self.next += 1;
        }
        self.ticks += 1;
    }

    fn act(&mut self) {
        for seat in 0..self.cast.players {
            let figure = &self.game.figures()[seat];
            let (at, rested) = (figure.at, figure.cooldown == 0);
            if (self.ticks + seat as u32).is_multiple_of(STEERS) {
                let home = self.homes[seat];
                let strayed = at.distance_squared(home) > self.leash * self.leash;
                let whim = self.random.below(contagion::ANGLES.into()) as u8;
                let angle = if strayed { heading(at, home) } else { whim };
                self.game.act(seat, Action::Steer(angle));
            }
            if rested && (self.ticks + seat as u32).is_multiple_of(STRIKES) {
                self.game.act(seat, Action::Strike);
            }
        }
    }

    fn tick(&mut self) {
        self.game.tick();
    }

    fn bytes(&self) -> Vec<u8> {
        self.game.bytes()
    }

    fn state(&self) -> Option<&State> {
        self.game.state()
    }
}
