//! `cargo xtask dev`: from a clean checkout to a link that two browsers can open.
//!
//! wrangler itself watches the sources and runs `cargo xtask build` again (`[build]` in `wrangler.toml`), so that plain
//! `wrangler dev` and this verb rebuild in the same way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::children;
use crate::verbs::build;
use crate::wasm::Profile;
use crate::wrangler::wrangler;

/// wrangler's own choice, taken if it is free.
const USUAL_PORT: u16 = 8787;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port on loopback [default: 8787, or a free one].
    #[arg(long)]
    port: Option<u16>,
    /// Run the handler in the Worker, with the room's object as a remote store, instead of inside the object.
    #[arg(long)]
    stateless: bool,
    /// How much to do for speed and size.
    #[arg(long, value_enum, default_value = "release", env = "BATON_PROFILE")]
    profile: Profile,
}

/// Builds, starts wrangler, prints the link, and runs until Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::run(&build::Options {
        profile: options.profile,
        altered: false,
    })?;
    let port = match options.port {
        Some(port) => port,
        None => free_port()?,
    };
    let mode = if options.stateless {
        "stateless"
    } else {
        "embedded"
    };
    let mut command = wrangler("dev");
    command.args([
        "--ip",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--inspector-port",
        "0",
    ]);
    command.args(["--var", &format!("BATON_MODE:{mode}")]);
    // wrangler's rebuilds read it.
    command.env("BATON_PROFILE", options.profile.name());
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start wrangler")?;
    let id = children::watch(&child);
    let lines = BufReader::new(child.stdout.take().context("wrangler's output is piped")?).lines();
    for line in lines {
        let line = line?;
        println!("{line}");
        if line.contains("Ready on http") {
            show_link(port, mode);
        }
    }
    let status = child.wait()?;
    children::forget(id);
    if !status.success() {
        bail!("wrangler ended: {status}");
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", USUAL_PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
    Ok(listener.local_addr()?.port())
}

fn show_link(port: u16, mode: &str) {
    let lines = [
        format!("Baton is playing:  http://127.0.0.1:{port}/"),
        "Open it in two browsers. Ctrl-C ends it.".to_owned(),
        format!("Mode: {mode}. A change of a source rebuilds and reloads."),
    ];
    let width = lines
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    let rule = "─".repeat(width + 2);
    println!("\n┌{rule}┐");
    for line in lines {
        println!("│ {line:width$} │");
    }
    println!("└{rule}┘\n");
}
