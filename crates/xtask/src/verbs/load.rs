//! `cargo xtask load`: many clients at once on a host that runs, here or deployed.
//!
//! Runs the program of the crate `baton-cli`, optimised, hands over what it does not understand itself, and ends as that
//! program ends.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::project::{self, cargo};
use crate::step;
use crate::{children, step::Outcome};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What `baton load` takes: `cargo xtask load --help` prints it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Compiles the program. Where it is.
pub(crate) fn build() -> Result<PathBuf> {
    step::step("the load tool", || {
        let package = ["--profile", "load", "--package", "baton-cli"];
        step::run(cargo(&["build", "--quiet", "--locked", "--bin", "baton"]).args(package))?;
        Ok(Outcome::Done)
    })?;
    let name = format!("baton{}", std::env::consts::EXE_SUFFIX);
    Ok(project::target_directory()?.join("load").join(name))
}

/// Runs it to its end. Its exit code is ours: 1 says more than that it failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = std::process::Command::new(build()?);
    command.arg("load").args(&options.arguments);
    let line = step::command_line(&command);
    let started = command.spawn();
    let mut child = started.with_context(|| format!("cannot start: {line}"))?;
    match children::wait(&mut child)?.code() {
        Some(0) => Ok(()),
        code => std::process::exit(code.unwrap_or(2)),
    }
}
