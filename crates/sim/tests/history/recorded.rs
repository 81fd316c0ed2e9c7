//! Histories of runs that went well, or as well as a store that loses writes lets them.

use baton_sim::history::check::{Count, check};
use baton_sim::history::{Line, general, read, write};

use crate::runs::run;
use crate::support::traffic::Odds;

/// Checks a history, as it is read back from its file. Returns how much it holds.
pub(crate) fn accepted(lines: &[Line], name: &str) -> Count {
    let read = read(&write(lines)).expect("what was written can be read");
    assert_eq!(read, lines);
    let report = check(&read).expect("a history");
    if let Some(violation) = report.shortest() {
        let lines: Vec<String> = violation
            .lines
            .iter()
            .map(|line| write(&lines[*line..=*line]))
            .collect();
        panic!("{name}: {violation}\n{}", lines.concat());
    }
    report.count
}

#[test]
fn b12_concurrent_servers_make_one_history_whatever_goes_wrong() {
    let mut sum = 0;
    for seed in 0..20 {
        let instances = 1 + seed as usize % 4;
        let lines = run(instances, 4, Odds::ROUGH, 5_000 + seed, 1_500);
        let count = accepted(&lines, &format!("seed {seed}"));
        assert_eq!(count.losses, 0);
        assert_eq!(count.resets, 0);
        sum += count.acknowledged;
    }
    assert!(sum > 1_000, "{sum}");
}

#[test]
fn a_store_that_loses_writes_makes_one_history_per_loss() {
    let (mut losses, mut resets) = (0, 0);
    for seed in 0..20 {
        let instances = 1 + seed as usize % 4;
        let lines = run(instances, 4, Odds::LOSSY, 6_000 + seed, 1_500);
        let count = accepted(&lines, &format!("seed {seed}"));
        losses += count.losses;
        resets += count.resets;
    }
    assert!(
        losses > 20 && resets > 20,
        "{losses} losses, {resets} resets"
    );
}

/// The general checker takes the square of a window's operations, so long histories are cut into windows.
#[test]
fn b12_an_order_explains_every_window_of_thousands_of_operations() {
    const OPS: usize = 2_000;
    let lines = run(4, 8, Odds::ROUGH, 8_000, 12_000);
    accepted(&lines, "a long run");
    let windows = general::check(&lines, OPS).expect("a history");
    let largest = windows.iter().map(|window| window.ops).max();
    assert!(largest >= Some(OPS) && windows.len() >= 2, "{windows:?}");
    assert!(
        windows.iter().all(|window| window.linearisable),
        "{windows:?}"
    );
}
