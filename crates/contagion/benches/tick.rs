//! What a tick, and the encoding and hashing of a state, cost natively: one JSON line per figure,
//! `{"name","value","unit","aim","ok"}`. Decides nothing about the game.
//!
//! `cargo bench -p contagion --bench tick`
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a bench reads a clock and prints fractions; the rules do neither"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use baton::By;
use baton::harness::Solo;
use contagion::{Action, Config, Contagion, FULL_HEALTH, Phase, sprites};

const PLAYERS: u32 = 50;
const TICKS: u32 = 3_000;

fn main() {
    for zombies in [200, 600] {
        let mut room = crowd(zombies);
        let tick = median((0..TICKS).map(|count| tick(&mut room, count)));
        assert_eq!(room.state().phase, Phase::Playing);
        assert_eq!(room.state().field.zombies.len(), usize::from(zombies));

        let name = |what: &str| format!("contagion {what}, {zombies} zombies, {PLAYERS} players");
        print(
            &name("tick"),
            micros(tick),
            "us",
            (zombies == 600).then_some(100.0),
        );
        let encode = median((0..TICKS).map(|_| time(|| room.bytes())));
        print(&name("encode"), micros(encode), "us", None);
        let hash = median((0..TICKS).map(|_| time(|| room.hash())));
        print(&name("encode and hash"), micros(hash), "us", Some(20.0));
        let bytes = room.bytes().len() as f64;
        print(
            &name("state"),
            bytes,
            "bytes",
            Some(10.0 * (f64::from(zombies) + f64::from(PLAYERS))),
        );
        let mut rows = Vec::new();
        let drawn = median((0..TICKS).map(|_| time(|| sprites(room.state(), &mut rows))));
        print(&name("sprites"), micros(drawn), "us", None);
    }
}

/// A match in play with that many zombies for as long as the bench takes.
fn crowd(zombies: u16) -> Solo<Contagion> {
    let config = Config {
        countdown_ms: 100,
        play_ms: u32::MAX,
        zombies_at_start: zombies,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        spawn_growth_percent: 0,
        ..Config::default()
    };
    let mut room = Solo::new(config, 1);
    for player in 0..PLAYERS {
        room.join(player);
    }
    room.ticks(2);
    room
}

/// Times one tick of a match in which a player turns every tick and nobody ever dies.
fn tick(room: &mut Solo<Contagion>, count: u32) -> Duration {
    for figure in &mut room.state_mut().field.figures {
        figure.health = FULL_HEALTH;
        figure.infection = 0;
    }
    let angle = (count.wrapping_mul(7) % 32) as u8;
    room.act(By::Player(count % PLAYERS), Action::Steer(angle))
        .expect("everybody is alive");
    time(|| room.tick())
}

fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1_000.0
}

fn print(name: &str, value: f64, unit: &str, aim: Option<f64>) {
    let (aim, ok) = match aim {
        Some(aim) => (aim.to_string(), (value <= aim).to_string()),
        None => ("null".into(), "null".into()),
    };
    println!(r#"{{"name":"{name}","value":{value},"unit":"{unit}","aim":{aim},"ok":{ok}}}"#);
}
