//! Other plans for one game on many hosts write twice; ours does not. Figures: `cargo test -p baton-sim --test rivals -- --nocapture`.

use baton_sim::rivals::draw::drawings;
use baton_sim::rivals::plan::Plan;
use baton_sim::rivals::{
    ALONE_SUFFICES, Explored, FOLLOWS, NO_DEPOSED_WRITE, NO_DOUBLE_WRITE, Rivals, STEPS_DOWN,
    Start, TAKEOVER, explore, shortest,
};
use std::path::Path;

const STARTS: [Start; 2] = [Start::DeadLeader, Start::Leading];

fn rivals(plan: Plan, start: Start, ahead: bool) -> Rivals {
    Rivals {
        plan,
        start,
        hosts: 2,
        ahead,
        writes: 4,
    }
}

/// Explores all of it; says how large it is.
fn explored(rivals: &Rivals) -> Explored {
    let explored = explore(rivals);
    println!("{rivals:?}: {} states", explored.states);
    explored
}

/// Both promises are broken, and how soon.
fn writes_twice(rivals: &Rivals) -> usize {
    let broken = explored(rivals).broken;
    assert_eq!(broken, [NO_DOUBLE_WRITE, NO_DEPOSED_WRITE], "{rivals:?}");
    let trace = shortest(rivals, NO_DOUBLE_WRITE).expect("it is broken");
    println!("    {} steps: {trace:?}", trace.len());
    trace.len()
}

#[test]
fn j16_the_articles_plan_writes_twice_however_often_it_checks() {
    for writes_between in 0..=3 {
        for start in STARTS {
            writes_twice(&rivals(
                Plan::CheckNowAndThen { writes_between },
                start,
                false,
            ));
        }
    }
}

#[test]
fn j17_delete_then_set_makes_two_leaders() {
    for start in STARTS {
        let plan = Plan::DeleteThenSet { writes_between: 2 };
        writes_twice(&rivals(plan, start, false));
        let plan = Plan::DeleteThenSet { writes_between: 0 };
        writes_twice(&rivals(plan, start, false));
    }
}

#[test]
fn j18_a_heartbeat_compared_across_clocks_deposes_a_leader_that_lives() {
    let plan = Plan::DeleteThenSet { writes_between: 2 };
    assert_eq!(writes_twice(&rivals(plan, Start::Leading, true)), 6);
}

#[test]
fn j16_ours_never_does() {
    for (hosts, writes) in [(2, 12), (3, 6)] {
        for start in STARTS {
            for ahead in [false, true] {
                let ours = Rivals {
                    hosts,
                    writes,
                    ..rivals(Plan::Append, start, ahead)
                };
                let explored = explored(&ours);
                assert!(
                    explored.broken.is_empty(),
                    "{ours:?}: {:?}",
                    explored.broken
                );
                // The same races come up; a deposed leader is refused, and notices.
                assert_eq!(explored.reached, [TAKEOVER, FOLLOWS, STEPS_DOWN]);
            }
        }
    }
}

#[test]
fn j13_each_of_the_plans_replaces_a_dead_leader() {
    let plans = [
        Plan::CheckNowAndThen { writes_between: 2 },
        Plan::DeleteThenSet { writes_between: 2 },
        Plan::Append,
    ];
    for plan in plans {
        for start in STARTS {
            let explored = explored(&rivals(plan, start, false));
            assert!(!explored.broken.contains(&ALONE_SUFFICES), "{plan:?}");
            assert!(explored.reached.contains(&TAKEOVER), "{plan:?}");
        }
    }
}

#[test]
fn the_pictures_are_what_the_command_draws() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("diagrams");
    for drawing in drawings() {
        let file = directory.join(drawing.name).with_extension("svg");
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            kept,
            drawing.diagram().svg(),
            "run `cargo run -p baton-sim --bin rivals`"
        );
    }
    let kept = std::fs::read_dir(directory).expect("the directory is there");
    assert_eq!(
        kept.count(),
        drawings().len(),
        "a picture that nobody draws"
    );
}
