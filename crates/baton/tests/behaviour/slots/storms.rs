//! Everything at once on a store of keys, call by call: one game, nothing lost or twice, never wedged.

use std::collections::BTreeSet;

use baton::Writer;
use baton::frame::Frame;
use baton::limits::SEGMENT;
use baton::slots::Answer;

use crate::support::gale::Gale;
use crate::support::rules::{Herd, HerdAction};
use crate::support::traffic::Odds;
use crate::support::{Client, FRAME_MS, LEASE_MS, Shelf};

/// Failures are per call, and an effect has four to seven.
const ROUGH: Odds = Odds {
    failure: 30,
    ..Odds::ROUGH
};

fn play(instances: usize, users: usize, odds: Odds, seed: u64, steps: usize) -> Gale {
    let mut gale = Gale::new(instances, users, odds, seed);
    for _ in 0..steps {
        gale.step();
    }
    gale.drain();
    gale
}

/// How many seeds: in a soak, very many.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let soak = std::env::var_os("BATON_SOAK").is_some();
    0..if soak { usual * 100 } else { usual }
}

#[test]
fn j11_a_follower_on_keys_never_appends_while_the_lease_lives() {
    let mut shelf = Shelf::<Herd>::new(2);
    let [mut ann, mut bob] = [Client::new("ann"), Client::new("bob")];
    shelf.join(0, &mut ann);
    shelf.join(0, &mut bob);
    shelf.pass(2 * LEASE_MS);
    // The leader comes often enough to keep the lease; a follower has seen the ones before.
    for round in 0..60 {
        for (instance, client) in [(0, &mut ann), (1, &mut bob)] {
            let since_ms = shelf.since_ms();
            let acted = client.replica.act(&HerdAction::Add(1), since_ms);
            acted.expect("the rules allow it");
            assert_eq!(shelf.exchange(instance, client), 200, "round {round}");
            shelf.pass(FRAME_MS / 2 + 1);
        }
    }
    let log = shelf.log();
    let writers: BTreeSet<Writer> = log
        .iter()
        .map(|bytes| Frame::decode(bytes).expect("a frame").writer)
        .collect();
    assert!(log.len() > 60, "{} frames", log.len());
    assert_eq!(writers.len(), 1);
}

#[test]
fn j06_one_frame_per_version_on_keys_whatever_the_number_of_hosts() {
    for (instances, seed) in [(1, 1), (2, 2), (8, 3)] {
        let mut gale = play(instances, 4, Odds::CALM, seed, 6_000);
        let audit = gale.check_all();
        assert!(audit.accepted.len() > 40, "{}", audit.accepted.len());
    }
}

#[test]
fn b15_each_action_is_applied_once_on_keys_whatever_goes_wrong_with_any_call() {
    let (mut accepted, mut lost) = (0, 0);
    let mut mishaps = std::collections::BTreeMap::new();
    for seed in seeds(12) {
        let instances = 1 + seed as usize % 4;
        let mut gale = play(instances, 3, ROUGH, 11_000 + seed, 3_000);
        accepted += gale.check_all().accepted.len();
        lost += gale.shelf.lost.len();
        for (mishap, times) in &gale.mishaps {
            *mishaps.entry(mishap.clone()).or_insert(0) += times;
        }
    }
    assert!(
        accepted > 100 && lost > 5,
        "{accepted} accepted, {lost} lost"
    );
    assert!(
        mishaps.len() == 5 && mishaps.values().all(|times| *times > 10),
        "{mishaps:?}"
    );
}

#[test]
fn p07_each_action_is_applied_once_on_keys_though_the_store_loses_writes() {
    let (mut losses, mut resets) = (0, 0);
    for seed in seeds(12) {
        let instances = 1 + seed as usize % 4;
        let odds = Odds { loss: 15, ..ROUGH };
        let mut gale = play(instances, 3, odds, 12_000 + seed, 3_000);
        resets += gale.check_all().resets;
        losses += gale.losses;
    }
    assert!(
        losses > 15 && resets > 3,
        "{losses} losses, {resets} resets"
    );
}

/// The same where the log crosses into the next segments: snapshots, sealing, the first check that
/// reads two segments, cold starts that begin at a snapshot.
#[test]
fn b15_each_action_is_applied_once_on_keys_while_segments_end_and_are_sealed() {
    let mut sealed = 0;
    for seed in seeds(4) {
        let loss = if seed % 2 == 0 { 0 } else { 10 };
        let mut gale = Gale::new(3, 3, Odds { loss, ..ROUGH }, 13_000 + seed);
        gale.grow(2 * SEGMENT - 10);
        for _ in 0..3_000 {
            gale.step();
        }
        gale.drain();
        gale.check_all();
        sealed += usize::from(matches!(gale.shelf.get("log:0"), Answer::Text(_)));
    }
    assert!(sealed > 1, "{sealed}");
}

#[test]
fn j18_skew_on_keys_forks_nothing_and_loses_nothing() {
    for seed in seeds(4) {
        let mut gale = Gale::new(3, 3, ROUGH, 13_000 + seed);
        gale.shelf.skews_ms = vec![600_000, -600_000, 0];
        for _ in 0..3_000 {
            gale.step();
        }
        gale.drain();
        gale.check_all();
    }
}
