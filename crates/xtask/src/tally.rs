//! Counts tests from what their runners print. Knows the two forms: libtest's summary line and vitest's JSON.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::children;
use crate::step::command_line;

/// Tests that ran.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    /// Those that held.
    pub(crate) passed: u64,
    /// Those that did not.
    pub(crate) failed: u64,
    /// Which did not, as far as their runner names them, each with the first it says of it.
    pub(crate) named: Vec<String>,
}

impl Tally {
    /// One check without tests of its own: it holds or it does not.
    pub(crate) fn check(holds: bool) -> Self {
        Self {
            passed: u64::from(holds),
            failed: u64::from(!holds),
            named: Vec::new(),
        }
    }

    /// Both together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed += other.failed;
        self.named.extend(other.named);
        self
    }

    /// A runner that failed without naming a test counts as one failed test.
    fn of_runner(self, success: bool) -> Self {
        if success || self.failed > 0 {
            self
        } else {
            self.plus(Self::check(false))
        }
    }
}

/// Runs a program that is one check.
pub(crate) fn check(command: &mut Command) -> Result<Tally> {
    let line = command_line(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    Ok(Tally::check(children::wait(&mut child)?.success()))
}

/// Runs `cargo test`, native or wasm, its output in view, and counts.
pub(crate) fn cargo_tests(command: &mut Command) -> Result<Tally> {
    let line = command_line(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let id = children::watch(&child);
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().context("the output is piped")?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally = tally.plus(summary_line(&line).unwrap_or_default());
        tally.named.extend(failed_line(&line));
    }
    let status = child.wait()?;
    children::forget(id);
    Ok(tally.of_runner(status.success()))
}

/// Runs vitest, its output in view, and counts what it reports in `file`. `filtered`: only some tests were asked for.
pub(crate) fn vitest(command: &mut Command, file: &Path, filtered: bool) -> Result<Tally> {
    let _ = std::fs::remove_file(file);
    command.args(["--reporter=default", "--reporter=json"]);
    command.arg(format!("--outputFile.json={}", file.display()));
    let success = check(command)?.failed == 0;
    let Ok(report) = std::fs::read(file) else {
        ensure!(!success, "vitest reports nothing in {}", file.display());
        return Ok(Tally::check(false));
    };
    let report: Value = serde_json::from_slice(&report).context("vitest reports JSON")?;
    let number = |name: &str| {
        report[name]
            .as_u64()
            .with_context(|| format!("vitest's report lacks {name}"))
    };
    // A test that was skipped was not seen to hold, unless nobody asked for it.
    let skipped = number("numPendingTests")? + number("numTodoTests")?;
    let failed = number("numFailedTests")? + if filtered { 0 } else { skipped };
    Ok(Tally {
        passed: number("numPassedTests")?,
        failed,
        named: failed_tests(&report),
    }
    .of_runner(success))
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`. An ignored test was not seen to hold.
fn summary_line(line: &str) -> Option<Tally> {
    let (_, counts) = line
        .trim()
        .strip_prefix("test result: ")?
        .split_once(". ")?;
    let count = |name: &str| {
        let part = counts.split(';').find(|part| part.trim().ends_with(name));
        part.and_then(|part| part.trim().split(' ').next())
            .and_then(|number| number.parse::<u64>().ok())
    };
    Some(Tally {
        passed: count("passed")?,
        failed: count("failed")? + count("ignored").unwrap_or(0),
        named: Vec::new(),
    })
}

/// Reads `test a::b ... FAILED`, of libtest and of wasm-bindgen's runner.
fn failed_line(line: &str) -> Option<String> {
    let (name, end) = line.trim().strip_prefix("test ")?.split_once(" ... ")?;
    ["FAILED", "FAIL"].contains(&end).then(|| name.to_owned())
}

/// The failed tests of vitest's report, and the files that did not get so far.
fn failed_tests(report: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let first = |value: &Value| value.as_str()?.lines().next().map(str::to_owned);
    let mut named = Vec::new();
    for file in list(&report["testResults"]) {
        let tests = list(&file["assertionResults"]);
        let failed = tests.iter().filter(|test| test["status"] == "failed");
        let before = named.len();
        named.extend(failed.filter_map(|test| {
            let says = first(&test["failureMessages"][0]).unwrap_or_default();
            Some(format!("{}: {says}", test["fullName"].as_str()?))
        }));
        if file["status"] == "failed" && named.len() == before {
            let says = first(&file["message"]).unwrap_or_default();
            named.push(format!(
                "{}: {says}",
                file["name"].as_str().unwrap_or_default()
            ));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_line_is_counted_and_an_ignored_test_did_not_pass() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(
            summary_line(line),
            Some(Tally {
                passed: 12,
                failed: 3,
                named: Vec::new(),
            })
        );
        let line =
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.00s";
        assert_eq!(
            summary_line(line),
            Some(Tally {
                passed: 2,
                failed: 0,
                named: Vec::new(),
            })
        );
        assert_eq!(summary_line("test adds ... ok"), None);
    }

    #[test]
    fn a_runner_that_fails_without_a_failed_test_is_a_failure() {
        let tally = Tally {
            passed: 4,
            failed: 0,
            named: Vec::new(),
        };
        assert_eq!(
            tally.clone().of_runner(false),
            Tally {
                passed: 4,
                failed: 1,
                named: Vec::new(),
            }
        );
        assert_eq!(tally.clone().of_runner(true), tally);
    }

    #[test]
    fn what_failed_is_named() {
        let named = |line| failed_line(line);
        assert_eq!(named("test a::b ... FAILED"), Some("a::b".to_owned()));
        assert_eq!(named("test a::b ... FAIL"), Some("a::b".to_owned()));
        assert_eq!(named("test a::b ... ok"), None);
        let report = serde_json::json!({ "testResults": [
            { "name": "one.test.ts", "status": "failed", "message": "", "assertionResults": [
                { "fullName": "a", "status": "passed", "failureMessages": [] },
                { "fullName": "b", "status": "failed", "failureMessages": ["Error: no\n  at c"] },
            ] },
            { "name": "two.test.ts", "status": "failed", "message": "not found\nat d", "assertionResults": [] },
        ] });
        assert_eq!(
            failed_tests(&report),
            ["b: Error: no", "two.test.ts: not found"]
        );
    }
}
