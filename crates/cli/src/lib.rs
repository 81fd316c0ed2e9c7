//! `baton`: what is done to a room that runs, from a terminal. One verb so far: `load`.
//!
//! Decides what the verbs are and what their exit codes mean. The only crate that speaks HTTP to a host from outside of a
//! page; must not know how a host works.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans keep the pure crates deterministic; this is a tool for a desktop"
)]

pub mod history;
mod load;
pub mod story;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "baton", version, about = "Tools for rooms that run.")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Play on a host with many clients at once: measure it, and see that nothing is lost, doubled or forked.
    ///
    /// Exit codes: 0 all is well, 1 something was lost, doubled or forked, 2 there was nothing to measure.
    Load(load::Options),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let Verb::Load(options) = Arguments::parse().verb;
    match load::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // The chain of reasons without a stack trace: it is for people.
            eprintln!("baton load: {error:#}");
            ExitCode::from(2)
        }
    }
}
