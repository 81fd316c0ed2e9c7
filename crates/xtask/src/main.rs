//! `cargo xtask`: the two commands (`dev`, `test`), the build they share, and what belongs to neither.
//!
//! Decides the order in which tools run. Must not know what the game or the protocol does.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans keep the pure crates deterministic; this is a tool for a desktop"
)]

mod bundle;
mod children;
mod figure;
mod glue;
mod mutants;
mod npm;
mod plain;
mod probe;
mod project;
mod secrets;
mod sections;
mod stamp;
mod step;
mod system;
mod tally;
#[cfg(test)]
mod tidy;
mod verbs;
mod wasm;
mod wrangler;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, play, test and measure Baton.")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the wasm of the server and of the browser, and the page.
    Build(verbs::build::Options),
    /// Build, start wrangler on loopback, print the link; rebuild when a source changes.
    Dev(verbs::dev::Options),
    /// Run every check, or the named sections.
    Test(verbs::test::Options),
    /// Run the long versions of the tests.
    Soak(verbs::soak::Options),
    /// Measure: a line per figure.
    Bench(verbs::bench::Options),
    /// Play matches between bots: who wins, how long players last, whether skill shows.
    Bots(verbs::bots::Options),
    /// Play on a host with many clients at once; check that nothing is lost, doubled or forked.
    #[command(disable_help_flag = true)]
    Load(verbs::load::Options),
    /// Run seeds of the simulator, or one seed again.
    Sim(verbs::sim::Options),
    /// The cargo runner for wasm32: runs a test binary in Node or a browser.
    #[command(hide = true, disable_help_flag = true)]
    WasmTestRunner {
        /// What cargo hands over: the test binary, then the arguments of the test harness.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        // The handler ends this program as soon as the children have ended.
        Err(_) if children::interrupted() => loop {
            std::thread::park();
        },
        Err(error) => {
            // The chain of reasons without a stack trace: it is for people.
            eprintln!("\nxtask: {error:#}");
            step::Failed::code_of(&error).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

fn run(verb: Verb) -> anyhow::Result<()> {
    children::end_with_us()?;
    match verb {
        Verb::Build(options) => verbs::build::run(&options),
        Verb::Dev(options) => verbs::dev::run(&options),
        Verb::Test(options) => verbs::test::run(&options),
        Verb::Soak(options) => verbs::soak::run(&options),
        Verb::Bench(options) => verbs::bench::run(&options),
        Verb::Bots(options) => verbs::bots::run(&options),
        Verb::Load(options) => verbs::load::run(&options),
        Verb::Sim(options) => verbs::sim::run(&options),
        Verb::WasmTestRunner { arguments } => {
            let name = std::ffi::OsString::from("wasm-test-runner");
            wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(
                std::iter::once(name).chain(arguments),
            )
        }
    }
}
