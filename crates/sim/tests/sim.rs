//! The simulator: that a run is repeatable, that seeds which once found something hold now, and that a
//! handful of new worlds holds. The thousands of them are run by `cargo xtask test sim`.

use baton_sim::rules::{CATCH_UP, PAUSE, SKIP, STILL};
use baton_sim::{Plan, Verdict, run, run_seed};

#[test]
fn a_seed_is_always_the_same_run() {
    for seed in [3, 12] {
        let (first, again) = (run_seed(seed, false), run_seed(seed, true));
        assert_eq!(first.digest, again.digest);
        assert_eq!(first.counters, again.counters);
        assert!(!again.trace.is_empty(), "and can be read");
    }
}

#[test]
fn a_calm_world_holds_under_every_policy() {
    for policy in [PAUSE, SKIP, CATCH_UP, STILL] {
        let outcome = run(1, &Plan::calm(policy, 2, 3));
        assert_eq!(outcome.verdict, Verdict::Held, "policy {policy}");
        assert_eq!(outcome.counters.resets, 0);
        assert!(outcome.counters.requests >= 1_000);
    }
}

/// Seeds of whole worlds. What the simulator found so far has tests of its own among `baton`'s, which do
/// not depend on what a seed draws.
#[test]
fn a_handful_of_worlds_holds() {
    for seed in 0..12 {
        let outcome = run_seed(seed, false);
        assert_eq!(outcome.verdict, Verdict::Held, "seed {seed}");
    }
}
