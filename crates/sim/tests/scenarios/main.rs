//! One requirement each, in the simulator: a world in which what the row is about happens often, and
//! all checks on. Each scenario runs on both kinds of store and asserts that the trouble was really there.
//! Which check bites when a rule of the library is broken is the table that the program `mutants` prints.

mod long_away;
#[path = "../../../baton/tests/behaviour/support/mod.rs"]
mod support;

use baton_sim::counters::{Counters, Other};
use baton_sim::plan::{Faults, Routing};
use baton_sim::rules::{CATCH_UP, PAUSE, SKIP, STILL};
use baton_sim::{Plan, Verdict, run};

const SEEDS: u64 = 2;

/// Runs a plan on a store that compares and on one of keys. What happened, in all.
fn holds(plan: &Plan) -> Counters {
    holds_for(plan, SEEDS).0
}

/// The same with so many seeds of each. How many of them saw a dead leader replaced, too.
fn holds_for(plan: &Plan, seeds: u64) -> (Counters, usize) {
    support::switch_off();
    let (mut sum, mut takeovers) = (Counters::default(), 0);
    for keys in [false, true] {
        let plan = Plan {
            keys,
            clock: !keys,
            ..plan.clone()
        };
        for seed in 1..=seeds {
            let outcome = run(seed, &plan);
            assert_eq!(
                outcome.verdict,
                Verdict::Held,
                "seed {seed}, keys {keys}: {plan:?}"
            );
            sum.add(&outcome.counters);
            takeovers += usize::from(outcome.healed.takeover_ms.is_some());
        }
    }
    (sum, takeovers)
}

/// The same, with each of these faults seen.
fn holds_though(plan: &Plan, faults: &[usize]) -> Counters {
    let sum = holds(plan);
    for &fault in faults {
        assert!(sum.of(fault) > 0, "fault {fault} never happened");
    }
    sum
}

/// What beside the list of faults was seen in them.
fn saw(sum: &Counters, others: &[Other]) {
    for &other in others {
        assert!(sum.of_other(other) > 0, "{} never happened", other.name());
    }
}

fn plan(instances: usize, clients: usize, faults: Faults) -> Plan {
    Plan {
        faults,
        ..Plan::calm(PAUSE, instances, clients)
    }
}

#[test]
fn j08_the_herd_grows_with_time_alone_whoever_advances_it() {
    for instances in [1, 2, 16] {
        let faults = Faults {
            pause: 100,
            kill: 20,
            ..Faults::default()
        };
        holds_though(&plan(instances, 4, faults), &[9]);
    }
}

#[test]
fn j10_j16_sixteen_instances_race_and_each_version_has_one_winner() {
    let faults = Faults {
        spike: 300,
        forgets: 20,
        ..Faults::default()
    };
    let unbatched = Plan {
        batched: false,
        ..plan(16, 12, faults)
    };
    let raced = holds_though(&unbatched, &[14, 18, 34, 35]);
    assert!(raced.lost > 10, "{} appends lost", raced.lost);
}

#[test]
fn j13_j14_a_dead_leader_is_replaced_in_its_bound() {
    let faults = Faults {
        kill: 150,
        ..Faults::default()
    };
    let (sum, takeovers) = holds_for(&plan(4, 6, faults), 6);
    assert!(sum.of(9) > 0 && sum.of(11) > 0, "nobody was killed");
    // All had settled when its leader died, and an action was timed.
    assert!(takeovers > 1, "{takeovers} takeovers timed");
}

#[test]
fn j15_a_hundred_rotations_lose_no_tick() {
    let faults = Faults {
        rotations: 100,
        ..Faults::default()
    };
    let rotated = Plan {
        requests: 6_000,
        ..plan(4, 6, faults)
    };
    let runs = 2 * SEEDS;
    assert_eq!(holds(&rotated).of_other(Other::Rotate), 100 * runs);
}

#[test]
fn j17_who_stood_still_for_longer_than_a_lease_gets_nothing_in() {
    let faults = Faults {
        pause: 400,
        stops: 8,
        ..Faults::default()
    };
    holds_though(&plan(4, 6, faults), &[6, 7, 8, 18]);
}

#[test]
fn j18_clocks_that_are_wrong_drift_jump_and_stand_still_change_nothing() {
    for frozen in [false, true] {
        let faults = Faults {
            skew_ms: 600_000,
            drift_ppm: 5_000,
            steps: 8,
            frozen,
            ..Faults::default()
        };
        holds_though(&plan(4, 6, faults), &[12, 13]);
    }
}

#[test]
fn j19_after_a_night_each_policy_lives_through_what_it_says() {
    for policy in [PAUSE, SKIP, CATCH_UP, STILL] {
        let nights = Plan {
            faults: Faults {
                nights: 3,
                forgets: 4,
                ..Faults::default()
            },
            ..Plan::calm(policy, 3, 4)
        };
        saw(&holds_though(&nights, &[34]), &[Other::Night]);
    }
}

#[test]
fn b08_copies_and_retries_of_a_packet_count_once() {
    let faults = Faults {
        reply_lost: 2_000,
        duplicated: 2_500,
        done_twice: 500,
        done_unseen: 400,
        ..Faults::default()
    };
    holds_though(&plan(4, 6, faults), &[2, 3, 16]);
}

#[test]
fn b09_requests_that_overtake_each_other_leave_no_gap() {
    let faults = Faults {
        request_lost: 1_500,
        slow: 3_000,
        duplicated: 1_000,
        ..Faults::default()
    };
    holds_though(&plan(4, 6, faults), &[1, 4]);
}

#[test]
fn b11_forged_requests_never_raise_a_balance() {
    let faults = Faults {
        junk: 3_000,
        ..Faults::default()
    };
    holds_though(&plan(3, 4, faults), &[40]);
}

#[test]
fn b10_b12_a_kill_at_any_await_is_all_or_nothing() {
    let faults = Faults {
        kill: 300,
        trap: 100,
        not_done: 300,
        done_unseen: 300,
        done_late: 300,
        ..Faults::default()
    };
    // Rules that break do so in the middle.
    let plan = Plan {
        poison: 2_000,
        ..plan(4, 6, faults)
    };
    holds_though(&plan, &[9, 10, 15, 16, 17, 36]);
}

#[test]
fn b13_b15_what_is_delivered_late_and_often_is_applied_once_in_order() {
    let faults = Faults {
        very_late: 300,
        slow: 2_000,
        duplicated: 2_000,
        reply_lost: 1_000,
        ..Faults::default()
    };
    holds_though(&plan(4, 6, faults), &[2, 3, 4, 5]);
}

#[test]
fn b16_six_devices_of_one_user_agree_when_all_is_quiet() {
    let one_user = Plan {
        users: 1,
        ..plan(
            4,
            6,
            Faults {
                reply_lost: 1_000,
                offline: 6,
                ..Faults::default()
            },
        )
    };
    saw(&holds_though(&one_user, &[2]), &[Other::Offline]);
}

#[test]
fn b18_b19_instances_that_forget_and_caches_that_are_gone_change_nothing() {
    let mut forgetful = plan(
        3,
        5,
        Faults {
            forgets: 60,
            evictions: 8,
            ..Faults::default()
        },
    );
    forgetful.settings.recent = 1;
    holds_though(&forgetful, &[23, 34]);
}

#[test]
fn b21_b22_what_is_shown_is_the_log_and_then_what_waits_whatever_is_pushed_or_reloaded() {
    let live = Plan {
        sockets: 100,
        ..plan(
            4,
            6,
            Faults {
                pushes: 3_000,
                reload: 800,
                unsaved: 300,
                offline: 4,
                ..Faults::default()
            },
        )
    };
    let others = [Other::Reload, Other::Unsaved, Other::Offline];
    saw(&holds_though(&live, &[41]), &others);
}

/// Clocks of about half of all pages are ten years off, in every world.
#[test]
fn b23_order_is_that_of_receipt_whatever_devices_clocks_say() {
    let faults = Faults {
        slow: 2_000,
        reload: 500,
        ..Faults::default()
    };
    holds_though(&plan(2, 6, faults), &[4]);
}

#[test]
fn p04_a_timer_fires_once_though_whoever_armed_it_is_gone() {
    for policy in [PAUSE, CATCH_UP] {
        let restarts = Plan {
            routing: Routing::Sticky,
            faults: Faults {
                kill: 100,
                rotations: 20,
                forgets: 20,
                nights: 1,
                ..Faults::default()
            },
            ..Plan::calm(policy, 3, 4)
        };
        holds_though(&restarts, &[9, 11, 34]);
    }
}

#[test]
fn p07_what_the_store_loses_is_told_and_sent_again() {
    let faults = Faults {
        roll_backs: 4,
        split_brains: 2,
        reload: 200,
        ..Faults::default()
    };
    let lost = holds_though(&plan(4, 6, faults), &[20, 21]);
    assert!(lost.resets > 0, "nobody was told");
}
