//! How wrangler is started: without account, network, questions or telemetry.

use std::process::Command;

use crate::project::{js_host, program};

/// A wrangler command at the top of the work tree, where `wrangler.toml` is.
pub(crate) fn wrangler(verb: &str) -> Command {
    let mut command = program("node");
    command
        .arg(js_host().join("node_modules/wrangler/bin/wrangler.js"))
        .arg(verb)
        // It would ask the network for the place of this machine, for a newer version, and report its use.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false");
    command
}
