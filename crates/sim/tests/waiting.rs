//! How long actions wait and rooms stand still, within stated bounds, in virtual time. All figures and
//! the plots: `cargo run -p baton-sim --release --bin waiting`.

use baton_sim::rules::TICK_MS;
use baton_sim::waiting::sweep::DOCUMENTED;
use baton_sim::waiting::{Figures, Point, Routing, Store, Strike, run};

/// A request that asks again, at its slowest: an answer and a question over the network, a read and a
/// write, and the spread of a quarter of a frame.
const REQUEST_MS: u64 = 2 * 40 + 2 * 8 + 25;

fn measure(point: &Point) -> Figures {
    let mut figures = Figures::default();
    for seed in 1..=3 {
        figures.add(run(point, seed));
    }
    assert_eq!(
        figures.unframed, 0,
        "{point:?}: every action gets its frame"
    );
    figures
}

fn of(instances: usize, lease_ms: u32) -> Point {
    let mut point = Point {
        instances,
        run_ms: 20_000,
        ..Point::default()
    };
    point.settings.lease_ms = lease_ms;
    point
}

#[test]
fn j12_an_action_is_framed_within_the_lease_and_one_request_however_it_is_routed() {
    for (instances, lease_ms) in [(1, 200), (4, 200), (16, 200), (4, 1_000), (16, 1_000)] {
        for routing in [Routing::Random, Routing::RoundRobin, Routing::Sticky] {
            let point = Point {
                routing,
                ..of(instances, lease_ms)
            };
            let waited_ms = measure(&point).framed.p99();
            println!("{instances} instances, {routing:?}, lease {lease_ms}: {waited_ms} ms");
            assert!(
                waited_ms <= u64::from(lease_ms) + REQUEST_MS,
                "{point:?}: {waited_ms} ms"
            );
        }
    }
}

#[test]
fn j12_everybody_sees_an_action_within_the_lease_and_two_polls() {
    for store in [Store::Compare, Store::Keys] {
        for instances in [1, 4, 16] {
            let point = Point {
                store,
                ..of(instances, 200)
            };
            let figures = measure(&point);
            let waited_ms = figures.others.p99().max(figures.own.p99());
            assert!(waited_ms <= point.bound_ms(), "{point:?}: {waited_ms} ms");
        }
    }
}

#[test]
fn j12_an_exclusive_lease_breaks_that_bound() {
    let point = Point {
        exclusive: true,
        ..of(16, 200)
    };
    let mut figures = Figures::default();
    (1..=3).for_each(|seed| figures.add(run(&point, seed)));
    assert!(figures.framed.p99() > point.bound_ms());
}

#[test]
fn j12_where_one_in_fifty_breaks_everybody_still_sees_an_action_within_that_bound() {
    for instances in [1, 4, 16] {
        let point = Point {
            broken_percent: 2,
            ..of(instances, 200)
        };
        let figures = measure(&point);
        let waited_ms = figures.others.p99().max(figures.own.p99());
        println!("{instances} instances: {waited_ms} ms");
        assert!(waited_ms <= point.bound_ms(), "{point:?}: {waited_ms} ms");
    }
}

#[test]
fn j14_a_killed_leader_is_followed_within_the_lease_a_poll_and_the_start_of_a_host() {
    for strike in [Strike::Between, Strike::Appending, Strike::Unanswered] {
        for instances in [1, 4, 16] {
            let point = Point {
                strike,
                act_every_ms: 250,
                ..of(instances, 200)
            };
            let stalls = measure(&point).stalls;
            assert!(stalls.count() > 20, "{point:?}: {} kills", stalls.count());
            let longest_ms = stalls.percentile(100);
            assert!(
                longest_ms <= point.recovery_ms(),
                "{point:?}: {longest_ms} ms"
            );
        }
    }
}

#[test]
fn j15_a_planned_handover_costs_less_than_two_ticks() {
    for instances in [1, 4, 16] {
        let point = |strike| Point {
            strike,
            act_every_ms: 250,
            ..of(instances, 200)
        };
        let usual_ms = measure(&point(Strike::Watch)).stalls.p50();
        let handed_over = measure(&point(Strike::HandOver)).stalls;
        assert!(
            handed_over.count() > 20,
            "{} handovers",
            handed_over.count()
        );
        let more_ms = handed_over.p99().saturating_sub(usual_ms);
        assert!(
            more_ms < 2 * u64::from(TICK_MS),
            "{instances}: {more_ms} ms more"
        );
    }
}

#[test]
fn j09_frames_do_not_grow_with_instances() {
    let rate = |instances| {
        let point = Point {
            clients: 20,
            ..of(instances, 200)
        };
        measure(&point).frame_rate()
    };
    let (alone, many) = (rate(1), rate(16));
    assert!(many * 100 <= alone * 105, "{many} beside {alone} in 100 s");
}

#[test]
fn the_plot_in_the_documentation_is_what_the_code_draws() {
    let plot = DOCUMENTED.waiting();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
    let file = directory.join(plot.file).with_extension("svg");
    let there = std::fs::read_to_string(&file).expect("it is in the repository");
    assert!(
        there == plot.svg(),
        "draw them anew: cargo run -p baton-sim --release --bin waiting"
    );
}

#[test]
fn a_point_and_a_seed_always_give_the_same_figures() {
    let point = Point {
        strike: Strike::Between,
        ..of(4, 200)
    };
    assert_eq!(run(&point, 7), run(&point, 7));
    assert_ne!(run(&point, 7), run(&point, 8));
}
