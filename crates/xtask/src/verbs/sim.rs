//! `cargo xtask sim`: many seeds of the simulator, or one again.
//!
//! Runs the program of the crate `baton-sim` and hands over what it does not understand itself.

use anyhow::Result;

use crate::project::cargo;
use crate::step;

/// The program, as tests compile it: one build for both.
pub(crate) const PROGRAM: [&str; 5] = ["--locked", "--package", "baton-sim", "--bin", "sim"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads; one for each core if absent.
    #[arg(long)]
    jobs: Option<u64>,
    /// Only this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// With one seed: a file for its trace, a line of JSON for each thing that happened.
    #[arg(long)]
    trace: Option<String>,
    /// With one seed: a file for its history, for `check-history`; no split brain happens then.
    #[arg(long)]
    history: Option<String>,
    /// Go on after a failure.
    #[arg(long)]
    all: bool,
    /// Only with this kind of store: compare, or keys.
    #[arg(long)]
    store: Option<String>,
    /// Other rules are deployed in every world.
    #[arg(long)]
    deploys: bool,
    /// Only worlds of rooms that are users' own.
    #[arg(long)]
    own: bool,
}

/// Runs and prints. An error if a seed fails, with the program's exit code.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut sim = cargo(&["run", "--quiet"]);
    sim.args(PROGRAM).arg("--");
    match options.seed {
        Some(seed) => sim.args(["--seed", &seed.to_string()]),
        None => sim.args([
            "--seeds",
            &options.seeds.to_string(),
            "--from",
            &options.from.to_string(),
        ]),
    };
    if let Some(jobs) = options.jobs {
        sim.args(["--jobs", &jobs.to_string()]);
    }
    if let Some(trace) = &options.trace {
        sim.args(["--trace", trace]);
    }
    if let Some(history) = &options.history {
        sim.args(["--history", history]);
    }
    if let Some(store) = &options.store {
        sim.args(["--store", store]);
    }
    let flags = [
        ("--all", options.all),
        ("--deploys", options.deploys),
        ("--own", options.own),
    ];
    sim.args(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| flag));
    step::show(&mut sim)
}
