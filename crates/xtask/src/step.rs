//! Steps as people see them: a line when one starts, a line with its time when it ends.
//!
//! All of it goes to stderr: it is progress, and some verbs print results.

use std::error::Error;
use std::fmt;
use std::process::{Command, ExitStatus};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::children;

/// Whether a step found something to do.
pub(crate) enum Outcome {
    /// It did its work.
    Done,
    /// Its inputs were those of last time.
    UpToDate,
}

/// Announces, runs and times one step. An error names the step.
pub(crate) fn step(title: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
    let start = Instant::now();
    eprintln!("▸ {title}");
    match work().with_context(|| format!("step failed: {title}"))? {
        Outcome::Done => eprintln!("  done in {:.1} s", start.elapsed().as_secs_f64()),
        Outcome::UpToDate => eprintln!("  up to date"),
    }
    Ok(())
}

/// Runs a program to its end, its output in view, as progress. An error holds the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    show(command.stdout(std::io::stderr()))
}

/// The same for a program whose output is the result.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let status = children::wait(&mut child)?;
    match status.success() {
        true => Ok(()),
        false => Err(Failed { line, status }.into()),
    }
}

/// A program that ended with an error.
#[derive(Debug)]
pub(crate) struct Failed {
    line: String,
    status: ExitStatus,
}

impl Failed {
    /// The exit code of the program that an error is about: it may say what went wrong.
    pub(crate) fn code_of(error: &anyhow::Error) -> Option<u8> {
        let failed = error.downcast_ref::<Self>()?;
        u8::try_from(failed.status.code()?).ok()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.status)
    }
}

impl Error for Failed {}

/// Runs a program to its end and returns what it printed, without the white space around it.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = command_line(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start: {line}"))?;
    if !output.status.success() {
        bail!(
            "{line}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as one would type it.
pub(crate) fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
