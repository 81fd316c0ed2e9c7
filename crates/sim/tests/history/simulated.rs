//! Histories of simulated runs: whatever goes wrong in them, what their clients are told is one history, or one per loss.

use baton_sim::history::check::check;
use baton_sim::history::{Entry, Line, general};
use baton_sim::plan::Faults;
use baton_sim::rules::PAUSE;
use baton_sim::{Keep, Plan, Verdict, run_drawn};

use crate::recorded::accepted;

const OPS: usize = 1_500;

/// The history of a run that held.
fn recorded(seed: u64, change: impl FnOnce(&mut Plan)) -> Vec<Line> {
    let keep = Keep {
        history: true,
        ..Keep::default()
    };
    let outcome = run_drawn(seed, keep, change);
    assert_eq!(outcome.verdict, Verdict::Held, "seed {seed}");
    outcome.history
}

#[test]
fn b12_simulated_runs_leave_one_history_per_loss_of_the_store() {
    let (mut actions, mut losses, mut resets) = (0, 0, 0);
    for seed in 0..60 {
        let lines = recorded(seed, |_| {});
        let count = accepted(&lines, &format!("seed {seed}"));
        assert!(count.ok > 0, "seed {seed}: {count:?}");
        actions += count.actions;
        losses += count.losses;
        resets += count.resets;
    }
    assert!(actions > 10_000, "{actions} actions");
    assert!(losses > 5 && resets > 5, "{losses} losses, {resets} resets");
}

/// A store that loses nothing and requests that stand still for no longer than a store call takes: what is under way for
/// minutes overlaps with everything, and the general checker tries all orders.
#[test]
fn b12_an_order_explains_what_simulated_clients_were_told() {
    let faults = Faults {
        request_lost: 500,
        reply_lost: 1_000,
        duplicated: 1_000,
        not_done: 200,
        done_unseen: 200,
        kill: 20,
        ..Faults::default()
    };
    let (mut largest, mut count) = (0, 0);
    for seed in 0..4 {
        let changed = |plan: &mut Plan| {
            *plan = Plan {
                keys: seed % 2 == 1,
                clock: seed % 2 == 0,
                faults,
                ..Plan::calm(PAUSE, 4, 6)
            };
        };
        let lines = recorded(seed, changed);
        let windows = general::check(&lines, OPS).expect("a history");
        assert!(
            windows.iter().all(|window| window.linearisable),
            "{windows:?}"
        );
        largest = windows
            .iter()
            .map(|window| window.ops)
            .fold(largest, usize::max);
        count += windows.len();
    }
    assert!(
        largest >= OPS && count >= 8,
        "{count} windows, the largest of {largest}"
    );
}

/// The control: of every run, a history with one acknowledged action less is refused.
#[test]
fn a_simulated_history_that_lacks_an_action_is_refused() {
    for seed in 0..10 {
        let mut lines = recorded(seed, |_| {});
        let frames = lines.iter_mut().rev().filter_map(|line| match line {
            Line::Frame(frame) => Some(&mut frame.entries),
            _ => None,
        });
        let act = |entry: &Entry| matches!(entry, Entry::Act(..));
        let mut acting = frames.filter(|entries| entries.iter().any(act));
        acting
            .next()
            .expect("there are actions")
            .retain(|entry| !act(entry));
        let report = check(&lines).expect("a history");
        assert!(!report.violations.is_empty(), "seed {seed}");
    }
}
