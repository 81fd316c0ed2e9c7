//! `baton`: what is done to rooms from a terminal: to play on a host that runs, and to read, check and mend histories.
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
mod operator;
pub mod story;
mod syncs;
mod verbs;

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
    /// Sync many accounts from several devices each, with faults, and see that every action counts once.
    ///
    /// Exit codes: 0 all is well, 1 something was lost, doubled or forked, or had no answer, 2 there was nothing to measure.
    Syncs(syncs::Options),
    /// Write the whole logs of rooms of a host that runs to a file.
    Export(verbs::Export),
    /// Tell what happened in a room, entry by entry, or its state at any sequence.
    History(verbs::History),
    /// Tell how the states of a room at two sequences differ.
    Diff(verbs::Diff),
    /// Replay logs from their first frames and check every state; and tell who would change under other rules.
    ///
    /// Exit codes: 0 all are sound, 1 one is not, and the first bad frame is named.
    Replay(verbs::Replay),
    /// Hand accounts of the time before over to a host, each once.
    Import(verbs::Import),
    /// Do something in a room as the server, once.
    Send(verbs::Send),
    /// Write the logs of a fault that was found late, and of its repair: what the README does with them.
    Story(verbs::Tell),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let (verb, done) = match Arguments::parse().verb {
        Verb::Load(options) => ("load", load::run(&options)),
        Verb::Syncs(options) => ("syncs", syncs::run(&options)),
        Verb::Export(options) => ("export", verbs::export(&options)),
        Verb::History(options) => ("history", verbs::history(&options)),
        Verb::Diff(options) => ("diff", verbs::diff(&options)),
        Verb::Replay(options) => ("replay", verbs::replay(&options)),
        Verb::Import(options) => ("import", verbs::import(&options)),
        Verb::Send(options) => ("send", verbs::send(&options)),
        Verb::Story(options) => ("story", verbs::tell(&options)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // The chain of reasons without a stack trace: it is for people.
            eprintln!("baton {verb}: {error:#}");
            ExitCode::from(2)
        }
    }
}
