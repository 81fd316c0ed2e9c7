//! `cargo xtask bots`: the game's balance by measurement: matches between bots, played without a host.
//!
//! Runs the program of the crate `bots`, optimised, and hands over what it does not understand itself.

use anyhow::Result;

use crate::project::cargo;
use crate::step;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many matches to play.
    #[arg(long, default_value_t = 500)]
    matches: u32,
    /// Another seed plays other matches.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// How many play in a match: a list.
    #[arg(long, default_value = "1,2,4,8,16,32")]
    players: String,
    /// What the room is told, where it differs from the default: JSON.
    #[arg(long, default_value = "{}")]
    config: String,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// Plays and prints. An error if a side wins too often or skill does not show.
pub(crate) fn run(options: &Options) -> Result<()> {
    let build = [
        "--locked",
        "--release",
        "--package",
        "bots",
        "--bin",
        "bots",
    ];
    step::step("the bots", || {
        step::run(cargo(&["build", "--quiet"]).args(build))?;
        Ok(step::Outcome::Done)
    })?;
    let mut play = cargo(&["run", "--quiet"]);
    play.args(build).arg("--");
    let (matches, seed) = (options.matches.to_string(), options.seed.to_string());
    play.args(["--matches", &matches, "--seed", &seed]);
    play.args(["--players", &options.players, "--config", &options.config]);
    if options.json {
        play.arg("--json");
    }
    step::show(&mut play)
}
