//! Many requests at once on many instances, in every order: one winner per version, nothing lost,
//! nothing twice.

use std::collections::BTreeSet;

use baton::{Hash, Random};

use crate::support::rules::{Herd, add};
use crate::support::traffic::{Odds, Traffic};
use crate::support::{Flight, LEASE_MS, Raw, World, reply_of};

/// Plays a seed: so many things happen, then all is answered and checked.
fn play(instances: usize, users: usize, odds: Odds, seed: u64, steps: usize) -> Traffic {
    let mut traffic = Traffic::new(instances, users, odds, seed);
    for _ in 0..steps {
        traffic.step();
    }
    traffic.drain();
    traffic.check_all();
    traffic
}

#[test]
fn j06_one_frame_per_version_whatever_the_number_of_hosts() {
    for (instances, seed) in [(1, 1), (2, 2), (16, 3)] {
        let mut traffic = play(instances, 4, Odds::CALM, seed, 4_000);
        let audit = traffic.world.audit();
        assert!(audit.accepted.len() > 100, "{}", audit.accepted.len());
        assert_eq!(audit.resets, 0, "nobody met a break");
    }
}

#[test]
fn j10_every_epoch_has_one_holder_and_takeovers_are_seen() {
    let mut traffic = play(4, 3, Odds::ROUGH, 10, 3_000);
    // The audit checks that an epoch never has two writers.
    let audit = traffic.world.audit();
    let last = audit.frames.last().expect("the room has begun");
    assert!(last.epoch > 10, "leadership changes: {}", last.epoch);
    let writers: BTreeSet<_> = audit.frames.iter().map(|frame| frame.writer).collect();
    assert!(writers.len() >= 4, "everybody led at some time");
}

/// How many seeds: in a soak, very many.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let soak = std::env::var_os("BATON_SOAK").is_some();
    0..if soak { usual * 100 } else { usual }
}

/// Each seed is one order of everything, with failures, late writes, lost replies, repeats, deaths.
#[test]
fn b15_each_action_is_applied_once_and_in_order_whatever_goes_wrong() {
    let mut accepted = 0;
    for seed in seeds(40) {
        let instances = 1 + seed as usize % 4;
        let mut traffic = play(instances, 3, Odds::ROUGH, 1_000 + seed, 1_500);
        accepted += traffic.world.audit().accepted.len();
    }
    assert!(accepted > 1_000, "{accepted}");
}

/// The same, and the store loses its last writes now and then: what was acknowledged comes again
/// from its clients.
#[test]
fn p07_each_action_is_applied_once_and_in_order_though_the_store_loses_writes() {
    let mut losses = 0;
    for seed in seeds(40) {
        let instances = 1 + seed as usize % 4;
        let traffic = play(instances, 3, Odds::LOSSY, 2_000 + seed, 1_500);
        losses += traffic.losses;
    }
    assert!(losses > 40, "{losses}");
}

/// Where the store has no clock, time is what frames say and the instances' own clocks add; the
/// wall clocks are ten minutes apart. What is committed is as safe as ever.
#[test]
fn j18_skew_on_a_store_without_a_clock_forks_nothing_and_loses_nothing() {
    for seed in seeds(15) {
        let mut traffic = Traffic::new(3, 3, Odds::ROUGH, 3_000 + seed);
        traffic.world.clockless = true;
        traffic.world.skews_ms = vec![600_000, -600_000, 0];
        for _ in 0..1_500 {
            traffic.step();
        }
        traffic.drain();
        traffic.check_all();
    }
}

/// In each race, several instances ask for the same version at once, and their effects are done in
/// an order drawn from the seed.
#[test]
fn j16_ten_thousand_races_have_one_winner_per_version() {
    const RACES: u64 = 10_000;
    let mut random = Random::from_seed(16);
    let mut contested = 0;
    let mut world = World::<Herd>::new(4);
    let mut devices: Vec<Raw> = (0..4)
        .map(|user| Raw::joined(&mut world, user, &format!("user{user}")))
        .collect();
    let mut next = [1; 4];
    for race in 0..RACES {
        if race % 250 == 249 {
            // A new room, so that the log stays short.
            world.audit();
            world = World::new(4);
            devices = (0..4)
                .map(|user| Raw::joined(&mut world, user, &format!("user{user}")))
                .collect();
            next = [1; 4];
        }
        world.pass(LEASE_MS + 1);
        let before = world.head();
        let (lost, racers) = (world.count.lost, 2 + random.below(3) as usize);
        let mut flights: Vec<_> = (0..racers)
            .map(|racer| {
                devices[racer].cursor = before;
                let arrival = devices[racer].arrival(&[(next[racer], add(1))]);
                Flight::begin(&mut world, racer, vec![arrival])
            })
            .collect();
        // All decide to lead before any of them does.
        while flights.iter().any(|flight| !flight.asks_append()) {
            for flight in flights.iter_mut().filter(|flight| !flight.asks_append()) {
                flight.step(&mut world);
            }
        }
        let after_first = before.v + 1;
        while flights.iter().any(|flight| flight.outcomes().is_none()) {
            let chosen = random.below(racers as u32) as usize;
            flights[chosen].step(&mut world);
        }
        for (racer, flight) in flights.iter().enumerate() {
            reply_of(&flight.outcomes().expect("it landed")[0]).expect("all are taken in");
            next[racer] += 1;
        }
        contested += world.count.lost - lost;
        let winners = world.frames_at(after_first);
        assert_eq!(winners, 1, "one frame at version {after_first}");
        assert!(world.head().v <= after_first + 1, "the losers follow");
    }
    assert!(
        contested >= RACES,
        "in every race somebody loses: {contested}"
    );
}

#[test]
fn a_seed_repeats_itself() {
    let log = |seed| {
        let mut traffic = play(3, 3, Odds::ROUGH, seed, 800);
        let log: Vec<Hash> = traffic.world.log().frames().map(Hash::of).collect();
        log
    };
    assert_eq!(log(5), log(5));
    assert_ne!(log(5), log(6));
}
