//! The npm packages of the lockfile, and a Node that is new enough to run them.

use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::project::{js_host, program};
use crate::step::{Outcome, output, run};

/// The oldest Node that wrangler and vitest run on: (major, minor).
const OLDEST_NODE: (u32, u32) = (22, 12);

/// Installs what the lockfile says, if that has not been done since it changed.
pub(crate) fn install() -> Result<Outcome> {
    if installed() {
        return Ok(Outcome::UpToDate);
    }
    if std::env::var_os("WRANGLER_COMMAND").is_some() {
        bail!(
            "the npm packages changed while wrangler runs from them: stop it, then start it again"
        );
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if program(npm).arg("--version").output().is_err() {
        bail!("npm is missing. Install Node.js 20 or later (https://nodejs.org); it brings npm");
    }
    run(program(npm).current_dir(js_host()).args([
        "ci",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]))?;
    Ok(Outcome::Done)
}

/// The version of the Node that runs the tools. The npm project brings one for most desktops.
///
/// # Errors
/// Says what to install when there is none or only an older one.
pub(crate) fn node_version() -> Result<String> {
    let (major, minor) = OLDEST_NODE;
    let wanted = format!("Node.js {major}.{minor} or later is needed (https://nodejs.org)");
    let version = output(program("node").arg("--version")).context(wanted.clone())?;
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_NODE {
        bail!("{wanted}; this one is {version}, and npm brought none for this platform");
    }
    Ok(version)
}

/// npm writes its hidden lockfile last, so it is newer than the lockfile it installed.
fn installed() -> bool {
    let changed = |path: &str| -> Option<SystemTime> {
        std::fs::metadata(js_host().join(path))
            .and_then(|about| about.modified())
            .ok()
    };
    match (
        changed("node_modules/.package-lock.json"),
        changed("package-lock.json"),
    ) {
        (Some(done), Some(wanted)) => done >= wanted,
        _ => false,
    }
}
