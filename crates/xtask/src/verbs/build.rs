//! `cargo xtask build`: everything that wrangler needs, in `js-host/dist`. Also wrangler's own build command.

use std::fs::File;

use anyhow::{Context, Result};

use crate::step::{Outcome, step};
use crate::wasm::{ALTERED, ALTERED_SERVER, BOTS, CLIENT, DOUBLED_SERVER, Profile, SERVER, SLOTS};
use crate::{bundle, npm, project, secrets, wasm};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How much to do for speed and size.
    #[arg(long, value_enum, default_value = "release", env = "BATON_PROFILE")]
    pub(crate) profile: Profile,
    /// Also build what only tests need: the page whose rules differ by one rule, servers with other rules.
    #[arg(long)]
    pub(crate) altered: bool,
    /// Also build the app for Devvit.
    #[arg(long)]
    pub(crate) devvit: bool,
    /// Also build the client with bots in it.
    #[arg(long)]
    pub(crate) bots: bool,
}

/// Builds what changed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let _lock = lock()?;
    step("Rust target wasm32", wasm::add_target)?;
    step("npm packages", npm::install)?;
    step("Node", || {
        eprintln!("  {}", npm::node_version()?);
        Ok(Outcome::UpToDate)
    })?;
    step("secrets for development (.dev.vars)", secrets::make)?;
    step("wasm of the server", || {
        wasm::build(&SERVER, options.profile)
    })?;
    step("wasm of the browser", || {
        wasm::build(&CLIENT, options.profile)
    })?;
    step("page", || bundle::page("page", &CLIENT))?;
    step("Node host", || bundle::node_host(&SERVER))?;
    if options.devvit {
        step("wasm of the server, for Devvit", || {
            wasm::build(&SLOTS, options.profile)
        })?;
        step("page for Devvit", || bundle::devvit_page(&CLIENT))?;
        step("server for Devvit", || bundle::devvit_server(&SLOTS))?;
    }
    if options.bots {
        step("wasm of the browser, with bots", || {
            wasm::build(&BOTS, options.profile)
        })?;
    }
    if options.altered {
        step(
            "wasm of the server, with rules that break and later ones",
            || wasm::build(&ALTERED_SERVER, options.profile),
        )?;
        step("wasm of the server, with a fault and its repair", || {
            wasm::build(&DOUBLED_SERVER, options.profile)
        })?;
        step("wasm of the browser, one rule altered", || {
            wasm::build(&ALTERED, options.profile)
        })?;
        step("page, one rule altered", || {
            bundle::page("page-altered", &ALTERED)
        })?;
    }
    Ok(())
}

/// One build at a time: wrangler starts one whenever a source changes.
fn lock() -> Result<File> {
    let directory = project::target_directory()?;
    std::fs::create_dir_all(&directory)?;
    let file =
        File::create(directory.join("xtask.lock")).context("cannot make the lock of the build")?;
    file.lock()?;
    Ok(file)
}
