//! Many requests at once on many instances, in every order: one winner per version, nothing lost,
//! nothing twice.

use crate::support::traffic::{Odds, Traffic};

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
        assert_eq!(audit.resets, 0);
    }
}
