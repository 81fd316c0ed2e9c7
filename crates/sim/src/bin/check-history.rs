//! `cargo run -p baton-sim --bin check-history -- [--window N] FILE…`: checks recorded histories.
//!
//! Exits with 0 if all are good; with 1 if one is violated, and prints the lines that contradict each other; with 2 if one
//! cannot be read, or is empty. The linear-time checker sees each file whole, the general one in windows of N operations, 2,000
//! unless it is told; `--window 0` leaves it out.

use std::process::ExitCode;

use baton_sim::history::check::{Report, check};
use baton_sim::history::{Line, general, read, write};

const GOOD: u8 = 0;
const VIOLATED: u8 = 1;
const UNREADABLE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut window = 2_000;
    if let Some(index) = arguments.iter().position(|argument| argument == "--window") {
        let given: Vec<String> = arguments
            .drain(index..(index + 2).min(arguments.len()))
            .collect();
        match given.get(1).and_then(|number| number.parse().ok()) {
            Some(size) => window = size,
            None => return unreadable("--window needs a number of operations"),
        }
    }
    if arguments.is_empty() {
        return unreadable("no file was named");
    }
    let verdicts = arguments.iter().map(|file| judge(file, window));
    ExitCode::from(verdicts.max().unwrap_or(UNREADABLE))
}

fn unreadable(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(UNREADABLE)
}

fn judge(file: &str, window: usize) -> u8 {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return UNREADABLE;
        }
    };
    let checked = read(&text).and_then(|lines| {
        let report = check(&lines)?;
        let windows = match window {
            0 => Vec::new(),
            size => general::check(&lines, size)?,
        };
        Ok((lines, report, windows))
    });
    let (lines, report, windows) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("{file}: {error}");
            return UNREADABLE;
        }
    };
    if report.count.ok == 0 {
        eprintln!("{file}: no operation was answered");
        return UNREADABLE;
    }
    tell(file, &lines, &report, &windows)
}

fn tell(file: &str, lines: &[Line], report: &Report, windows: &[general::Window]) -> u8 {
    let count = &report.count;
    println!(
        "{file}: {} operations, {} answered, {} refused, {} actions, {} losses, {} resets",
        count.ops, count.ok, count.fail, count.actions, count.losses, count.resets
    );
    let unordered: Vec<&general::Window> = windows
        .iter()
        .filter(|window| !window.linearisable)
        .collect();
    let largest = windows
        .iter()
        .map(|window| window.ops)
        .max()
        .unwrap_or_default();
    println!(
        "  no order explains {} of {} windows of up to {largest} operations",
        unordered.len(),
        windows.len()
    );
    if let Some(violation) = report.shortest() {
        println!(
            "  {} contradictions; the shortest:\n  {violation}",
            report.violations.len()
        );
        for line in &violation.lines {
            print!("    {}: {}", line + 1, write(&lines[*line..=*line]));
        }
    }
    for window in &unordered {
        println!(
            "  {}: {} operations after action {}",
            window.room, window.ops, window.from
        );
    }
    match report.violations.is_empty() && unordered.is_empty() {
        true => GOOD,
        false => VIOLATED,
    }
}
