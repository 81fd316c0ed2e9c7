//! `cargo xtask bench`: a line per figure, beside the aim or the peer it is measured against.
//!
//! Figures come from here (sizes), from the simulator (waiting times, in virtual time), from syncs of accounts in one process
//! (`crates/bench`) and from `js-host/bench/*.bench.ts`, run by Node, which print them as JSON lines.
//! Whatever else a bench prints is passed on to stderr.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::figure::{self, Figure};
use crate::project::{self, cargo, js_host, program};
use crate::step::{Outcome, command_line, run as run_command, step};
use crate::verbs::{build, load};
use crate::wasm::{self, CLIENT, Profile, SERVER, SLOTS};
use crate::{children, plain};

/// What a wasm may weigh when it is sent.
const WASM_AIM_GZIPPED_KB: f64 = 120.0;
/// The package of the scenes in which a tick is timed, and of accounts beside the way of before.
const SCENES: &str = "baton-bench";
/// Bytes in the KB of the figures.
const KB: f64 = 1000.0;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// One JSON object a line: name, value, unit, aim, ok.
    #[arg(long)]
    json: bool,
    /// More of what takes long: with `load`, every host and store, which takes a quarter of an hour.
    #[arg(long)]
    long: bool,
    /// Only benches whose file contains this; `sizes` are those of the wasm files, `waiting` the simulator's,
    /// `whole-state` those of accounts without a network too.
    only: Option<String>,
}

/// Builds, measures, prints. A missed aim is a line, not an error; a bench that breaks is an error.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::run(&build::Options {
        profile: Profile::Release,
        altered: false,
        devvit: true,
        bots: true,
    })?;
    let wanted = |name: &str| {
        options
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    if !options.json {
        println!("\n{}", figure::heading());
    }
    let show = |figure: &Figure| {
        println!(
            "{}",
            if options.json {
                figure.json()
            } else {
                figure.row()
            }
        )
    };
    if wanted("sizes") {
        sizes()?.iter().for_each(show);
    }
    if wanted("waiting") {
        collect(native("baton-sim", "waiting").arg("--json"), &show)?;
    }
    if wanted("whole-state") {
        collect(&mut native(SCENES, "whole-state"), &show)?;
    }
    let scripts: Vec<PathBuf> = scripts()?
        .into_iter()
        // Its name alone: the work tree may be called anything.
        .filter(|script| {
            script
                .file_name()
                .is_some_and(|name| wanted(&name.to_string_lossy()))
        })
        .collect();
    if !scripts.is_empty() {
        let bundle = plain::bundle()?;
        let scenes = scenes()?;
        let load = load::build()?;
        for script in scripts {
            let mut command = program("node");
            command
                .current_dir(js_host())
                .args([
                    "--disable-warning=ExperimentalWarning",
                    "--import",
                    "./bench/resolve.mjs",
                ])
                .arg(&script)
                .envs(plain::environment(&bundle)?)
                .envs(scenes.clone())
                .env("BATON_LOAD", &load)
                .envs(options.long.then_some(("BATON_BENCH_LONG", "1")));
            collect(&mut command, &show)?;
        }
    }
    Ok(())
}

/// A program of ours that measures in one process, and prints figures.
fn native(package: &str, program: &str) -> Command {
    let mut command = cargo(&["run", "--locked", "--quiet", "--release"]);
    command.args(["--package", package, "--bin", program, "--"]);
    command
}

fn sizes() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for face in [SERVER, SLOTS, CLIENT] {
        let bytes = std::fs::read(face.wasm())?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, &bytes)?;
        let name = format!("wasm size, {}", face.directory);
        figures.push(Figure::plain(&name, bytes.len() as f64 / KB, "KB"));
        let gzipped = gzip.finish()?.len() as f64 / KB;
        figures.push(Figure::at_most(
            &format!("{name}, gzipped"),
            gzipped,
            "KB",
            WASM_AIM_GZIPPED_KB,
        ));
    }
    Ok(figures)
}

fn scripts() -> Result<Vec<PathBuf>> {
    let Ok(directory) = std::fs::read_dir(js_host().join("bench")) else {
        return Ok(Vec::new());
    };
    let all: Vec<PathBuf> = directory
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let mut scripts: Vec<PathBuf> = all
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".bench.ts"))
        .collect();
    scripts.sort();
    Ok(scripts)
}

/// The scenes of `crates/bench`, as a native program and as a wasm made like the ones that ship.
fn scenes() -> Result<[(&'static str, PathBuf); 2]> {
    let (mut native, mut wasm) = (PathBuf::new(), PathBuf::new());
    step("scenes of the bench", || {
        run_command(&mut cargo(&[
            "build",
            "--locked",
            "--quiet",
            "--release",
            "--package",
            SCENES,
            "--bin",
            "tick",
        ]))?;
        let name = format!("tick{}", std::env::consts::EXE_SUFFIX);
        native = project::target_directory()?.join("release").join(name);
        wasm = project::target_directory()?.join("xtask/bench.wasm");
        std::fs::copy(wasm::compile(SCENES, None, Profile::Release)?, &wasm)?;
        wasm::optimise(&wasm)?;
        Ok(Outcome::Done)
    })?;
    Ok([("BATON_BENCH_NATIVE", native), ("BATON_BENCH_WASM", wasm)])
}

/// Runs one bench and shows each figure as it comes.
fn collect(command: &mut Command, show: &impl Fn(&Figure)) -> Result<()> {
    let line = command_line(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let id = children::watch(&child);
    for text in BufReader::new(child.stdout.take().context("the output is piped")?).lines() {
        let text = text?;
        match Figure::parse(&text) {
            Some(figure) => show(&figure),
            None => eprintln!("{text}"),
        }
    }
    let status = child.wait()?;
    children::forget(id);
    if !status.success() {
        bail!("{line}: {status}");
    }
    Ok(())
}
