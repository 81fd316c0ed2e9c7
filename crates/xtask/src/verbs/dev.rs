//! `cargo xtask dev`: from a clean checkout to a link that two browsers can open.
//!
//! wrangler itself watches the sources and runs `cargo xtask build` again (`[build]` in `wrangler.toml`), so that plain
//! `wrangler dev` and this verb rebuild in the same way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::children;
use crate::project::{js_host, program};
use crate::system::{self, Need};
use crate::verbs::build;
use crate::wasm::Profile;
use crate::wrangler::wrangler;

/// wrangler's own choice, taken if it is free.
const USUAL_PORT: u16 = 8787;
/// How many from there on are tried.
const PORTS_TRIED: u16 = 1000;
/// The room that the page opens by itself.
const LOBBY: &str = "lobby";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port on loopback [default: 8787, or a free one].
    #[arg(long)]
    port: Option<u16>,
    /// Run the handler in the Worker, with the room's object as a remote store, instead of inside the object.
    #[arg(long)]
    stateless: bool,
    /// Where it runs: `workers` under wrangler, `node`, or `devvit`, as a Reddit post.
    #[arg(long, value_enum, default_value = "workers")]
    host: Host,
    /// So many processes of the host: of `node` behind a front that asks one after the other, on one Redis, where one keeps its
    /// rooms in memory; of `devvit` [default: 1, and 4 of `devvit`].
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=32))]
    instances: Option<u8>,
    /// How much to do for speed and size.
    #[arg(long, value_enum, default_value = "release", env = "BATON_PROFILE")]
    profile: Profile,
    /// So many bots play in the lobby, at most 48.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=48))]
    bots: u8,
}

/// A host of the game.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Host {
    Workers,
    Node,
    Devvit,
}

/// Builds, starts wrangler, prints the link, and runs until Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::run(&build::Options {
        profile: options.profile,
        altered: false,
        devvit: options.host == Host::Devvit,
        bots: options.bots > 0,
    })?;
    let port = match options.port {
        Some(port) => port,
        None => free_port()?,
    };
    match options.host {
        Host::Workers => run_workers(options, port),
        Host::Node => run_node(options, port),
        Host::Devvit => run_devvit(options, port),
    }
}

/// The Worker under wrangler, until Ctrl-C.
fn run_workers(options: &Options, port: u16) -> Result<()> {
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
    let link = Link {
        port,
        door: BROWSERS,
        mode,
        change: "A change of a source rebuilds and reloads.",
    };
    follow(command, "wrangler", "Ready on http", &link, options.bots)
}

/// Processes of the Node host, and what they need, until Ctrl-C.
fn run_node(options: &Options, port: u16) -> Result<()> {
    let instances = options.instances.unwrap_or(1);
    if instances > 1 {
        system::provide(&[Need::Redis])?;
    }
    let mut command = program("node");
    command.current_dir(js_host()).args([
        "--disable-warning=ExperimentalWarning",
        "dev/fleet.ts",
        &port.to_string(),
        &instances.to_string(),
    ]);
    command.envs(Need::Redis.find().map(|redis| ("BATON_REDIS", redis)));
    let mode = match instances {
        1 => "one process of Node, rooms in memory".to_owned(),
        many => format!("{many} processes of Node on one Redis"),
    };
    let link = Link {
        port,
        door: BROWSERS,
        mode: &mode,
        change: "Start it again after a change.",
    };
    let ready = "\"event\":\"ready\"";
    follow(command, "the Node host", ready, &link, options.bots)
}

/// A local Devvit: processes of the app on a Redis, and a page that frames it as Reddit does, until Ctrl-C.
fn run_devvit(options: &Options, port: u16) -> Result<()> {
    system::provide(&[Need::Redis])?;
    let instances = options.instances.unwrap_or(4);
    let mut command = program("node");
    command.current_dir(js_host()).args([
        "--disable-warning=ExperimentalWarning",
        "devvit/local/main.ts",
        &port.to_string(),
        &instances.to_string(),
    ]);
    command.envs(Need::Redis.find().map(|redis| ("BATON_REDIS", redis)));
    let mode = format!("{instances} processes of the Devvit app, a Reddit of our own around it");
    let link = Link {
        port,
        door: (
            "?user=alice",
            "Open it again with ?user=bob, or as nobody. Ctrl-C ends it.",
        ),
        mode: &mode,
        change: "Start it again after a change.",
    };
    let ready = "\"event\":\"ready\"";
    follow(command, "the local Devvit", ready, &link, 0)
}

/// On the web each browser is a guest of its own.
const BROWSERS: (&str, &str) = ("", "Open it in two browsers. Ctrl-C ends it.");

/// What a developer is told once it answers.
struct Link<'a> {
    port: u16,
    /// What is behind the address, and how to be two.
    door: (&'a str, &'a str),
    mode: &'a str,
    change: &'a str,
}

/// Runs a server until it ends, shows what it prints, and once it says that it is ready the link; then bots come.
fn follow(mut command: Command, name: &str, ready: &str, link: &Link<'_>, bots: u8) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let id = children::watch(&child);
    let mut company = None;
    let lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
    for line in lines {
        let line = line?;
        if !is_routine(&line) {
            println!("{line}");
        }
        if line.contains(ready) {
            show_link(link);
            if bots > 0 && company.is_none() {
                company = Some(Company::invite(link.port, bots)?);
            }
        }
    }
    let status = child.wait()?;
    children::forget(id);
    if !status.success() {
        bail!("{name} ended: {status}");
    }
    Ok(())
}

/// Bots in the lobby, which leave when this is dropped.
struct Company(Child);

impl Company {
    fn invite(port: u16, count: u8) -> Result<Self> {
        let mut command = program("node");
        command.current_dir(js_host()).args([
            "--disable-warning=ExperimentalWarning",
            "bots/company.ts",
            &format!("http://127.0.0.1:{port}"),
            LOBBY,
            &count.to_string(),
        ]);
        let bots = command.spawn().context("cannot start the bots")?;
        children::watch(&bots);
        Ok(Self(bots))
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        children::forget(self.0.id());
        // An error means that they have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether wrangler tells of a request that went well: there are several a second, which would bury
/// the link and what goes wrong.
fn is_routine(line: &str) -> bool {
    let went_well = [" 200 OK ", " 304 ", " 101 "];
    line.starts_with("[wrangler:info]") && went_well.iter().any(|status| line.contains(status))
}

/// The usual port, or the next above it that nobody listens on. One that the system deals to whoever asks for any might be
/// dealt again before the host takes it.
fn free_port() -> Result<u16> {
    let mut ports = USUAL_PORT..USUAL_PORT + PORTS_TRIED;
    ports
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("somebody listens on each port from 8787 on; name another with --port")
}

fn show_link(link: &Link<'_>) {
    let Link {
        port,
        door: (path, how),
        mode,
        change,
    } = link;
    let lines = [
        format!("Baton is playing:  http://127.0.0.1:{port}/{path}"),
        (*how).to_owned(),
        format!("Mode: {mode}. {change}"),
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

#[cfg(test)]
mod tests {
    use super::is_routine;

    #[test]
    fn only_requests_that_went_well_are_not_shown() {
        for line in [
            "[wrangler:info] POST /api/rooms/contagion/lobby 200 OK (17ms)",
            "[wrangler:info] GET /api/rooms/contagion/lobby/live 101 Switching Protocols (3ms)",
        ] {
            assert!(is_routine(line), "{line}");
        }
        for line in [
            "[wrangler:info] Ready on http://127.0.0.1:8787",
            "[wrangler:info] GET /api/rooms/contagion/none/view 404 Not Found (3ms)",
            "[wrangler:info] POST /api/rooms/contagion/lobby 500 Internal Server Error (9ms)",
            "{\"level\":\"warn\",\"event\":\"lost\"}",
        ] {
            assert!(!is_routine(line), "{line}");
        }
    }
}
