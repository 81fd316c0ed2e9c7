//! cargo-mutants on the library: installs it, runs it, and says whether enough of the changes were noticed.
//!
//! Hours in full, so a run can be one part of several, each judged by itself: a fair sample of all. Which files, and which
//! changes are argued away, is in `.cargo/mutants.toml`.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::children;
use crate::project::{self, cargo, program};
use crate::sections::Settings;
use crate::step::{Outcome, command_line, run as run_command, step};
use crate::tally::Tally;

/// The version of cargo-mutants.
const VERSION: &str = "27.1.0";
/// Of a hundred changes that compile, so many must be noticed.
const LEAST_PERCENT: u64 = 90;

/// What became of the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    noticed: u64,
    missed: u64,
}

/// Runs all, or the part that was asked for. One check: whether enough was noticed.
pub(crate) fn run(settings: &Settings) -> Result<Tally> {
    let tools = project::target_directory()?.join("xtask/tools");
    step("cargo-mutants", || install(&tools))?;
    // Its list of what was caught before would make every part another one: nothing is carried over.
    let part = settings.shard.as_deref().unwrap_or("all");
    let part = part.replace('/', "-of-");
    let output = project::target_directory()?.join("mutants").join(part);
    std::fs::create_dir_all(&output)?;
    let mut command = program(tools.join("bin/cargo-mutants"));
    command.args(["mutants", "--package", "baton", "--profile", "mutants"]);
    command.args(["--colors", "never"]);
    // Beside other work, one at a time; the whole of a part is told as it goes.
    command
        .args(["--jobs", "1", "--caught", "--output"])
        .arg(&output);
    // Every so manieth change rather than neighbours: a part is a fair sample of all.
    command.args(["--sharding", "round-robin"]);
    command.args(settings.shard.iter().flat_map(|part| ["--shard", part]));
    command.args(settings.filter.iter().flat_map(|name| ["--re", name]));
    let line = command_line(&command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let status = children::wait(&mut child)?;
    // 2 and 3: some were missed, or took too long. That is judged here.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "{line}: {status}");
    let found = output.join("mutants.out");
    judge(count(&found)?, &found)
}

fn install(tools: &Path) -> Result<Outcome> {
    let known = program(tools.join("bin/cargo-mutants"))
        .arg("--version")
        .output();
    let installed =
        known.is_ok_and(|known| String::from_utf8_lossy(&known.stdout).contains(VERSION));
    if installed {
        return Ok(Outcome::UpToDate);
    }
    let mut command = cargo(&["install", "--locked", "--version", VERSION, "--root"]);
    run_command(command.arg(tools).arg("cargo-mutants"))?;
    Ok(Outcome::Done)
}

/// cargo-mutants writes a line for each change into a file for each outcome.
fn count(directory: &Path) -> Result<Found> {
    let lines = |name: &str| {
        let text = std::fs::read_to_string(directory.join(name)).unwrap_or_default();
        text.lines().filter(|line| !line.trim().is_empty()).count() as u64
    };
    ensure!(directory.exists(), "{} is missing", directory.display());
    let missed = std::fs::read_to_string(directory.join("missed.txt")).unwrap_or_default();
    let missed = missed.lines().filter(|line| !line.trim().is_empty());
    let (switched, missed): (Vec<_>, Vec<_>) = missed.partition(|line| is_switched(line));
    if !switched.is_empty() {
        println!(
            "argued: {} of a condition that only tests switch on",
            switched.len()
        );
    }
    Ok(Found {
        noticed: lines("caught.txt") + lines("timeout.txt"),
        missed: missed.len() as u64,
    })
}

/// Whether what was changed is a condition with one of the faults that only tests switch on: never on in what ships, and
/// the section `deliberate` tells who notices it.
fn is_switched(missed: &str) -> bool {
    let mut words = missed.split(':');
    let (file, line) = (words.next(), words.next());
    let line = line.and_then(|line| line.parse::<usize>().ok());
    let text = file.and_then(|file| std::fs::read_to_string(project::root().join(file)).ok());
    let found = text
        .as_deref()
        .zip(line)
        .and_then(|(text, line)| text.lines().nth(line.checked_sub(1)?));
    found.is_some_and(|line| line.contains("mutant::on("))
}

fn judge(found: Found, directory: &Path) -> Result<Tally> {
    let all = found.noticed + found.missed;
    ensure!(all > 0, "no change was tried");
    let percent = found.noticed * 100 / all;
    println!(
        "{} of {all} changes noticed: {percent} %, at least {LEAST_PERCENT} % wanted; missed ones are in {}",
        found.noticed,
        directory.join("missed.txt").display()
    );
    Ok(Tally::check(percent >= LEAST_PERCENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_missed_changes_are_a_failure() {
        let judged = |noticed, missed| judge(Found { noticed, missed }, Path::new("")).ok();
        assert_eq!(judged(90, 10), Some(Tally::check(true)));
        assert_eq!(judged(89, 11), Some(Tally::check(false)));
        assert_eq!(judged(0, 0), None, "nothing was tried");
    }

    #[test]
    fn what_only_tests_switch_on_is_argued_and_nothing_else() {
        let file = "crates/baton/src/handler/warm.rs";
        let text = std::fs::read_to_string(project::root().join(file)).expect("it is there");
        let line = |what: &str| {
            text.lines()
                .position(|line| line.contains(what))
                .expect(what)
                + 1
        };
        let missed = |line: usize| is_switched(&format!("{file}:{line}:5: replace x with y"));
        assert!(missed(line("mutant::on(")));
        assert!(!missed(line("fn absorb")));
        assert!(!is_switched("nowhere.rs:1:1: replace x with y") && !is_switched(""));
    }
}
