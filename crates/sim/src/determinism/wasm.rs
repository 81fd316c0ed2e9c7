//! The same script in the wasm that ships: builds it, runs it in Node, compares.
//!
//! Decides where the two differ. What is compared is text, as [`baton::harness::record`] writes it.

use super::script::Script;
use super::{Check, Difference, Shown};
use baton::Rules;
use baton::harness::record;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Loads the wasm without imports, hands over what it reads, prints what comes back.
const RUNNER: &str = r"
const { readFileSync } = require('node:fs');
const module = new WebAssembly.Module(readFileSync(process.argv[1]));
const wanted = WebAssembly.Module.imports(module).map(({ module, name }) => module + '.' + name);
if (wanted.length > 0) { console.error('the wasm imports ' + wanted.join(', ')); process.exit(1); }
const { memory, reserve, record, place } = new WebAssembly.Instance(module).exports;
const script = readFileSync(0);
const at = reserve(script.length) >>> 0;
new Uint8Array(memory.buffer).set(script, at);
const length = record() >>> 0;
process.stdout.write(Buffer.from(memory.buffer, place() >>> 0, length));
";

/// The tool that compiles, as cargo names it to tests.
const CARGO: Option<&str> = option_env!("CARGO");

/// A wasm made of a crate with [`baton::probe!`].
#[derive(Clone, Debug)]
pub struct Probe(PathBuf);

/// Why nothing could be compared. It says nothing about the rules, unless they need something of the outside.
#[derive(Debug)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

impl Probe {
    /// Compiles a package of this workspace for wasm32. Needs the target `wasm32-unknown-unknown`.
    pub fn build(package: &str) -> Result<Self, Broken> {
        let target = "wasm32-unknown-unknown";
        let mut command = Command::new(CARGO.unwrap_or("cargo"));
        command.args([
            "rustc",
            "--locked",
            "--quiet",
            "--lib",
            "--crate-type",
            "cdylib",
        ]);
        // Small enough to be quick in Node, and with the checks of arithmetic that ship.
        command.args(["--profile", "wasm", "--config", "profile.wasm.lto=false"]);
        command.args(["--target", target, "--package", package]);
        command.args(["--message-format", "json-render-diagnostics"]);
        let output = finish(&mut command, b"")?;
        let file = output
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|message| message["filenames"].as_array().cloned())
            .flatten()
            .filter_map(|file| file.as_str().map(PathBuf::from))
            .rfind(|file| file.extension().is_some_and(|end| end == "wasm"));
        let missing = || Broken(format!("{package} makes no wasm"));
        Ok(Self(file.ok_or_else(missing)?))
    }

    /// A wasm that was built before.
    pub fn at(file: &Path) -> Self {
        Self(file.to_owned())
    }

    /// What the wasm makes of a script for the rules of this kind. An error if it traps or needs imports.
    pub fn record(&self, kind: &str, script: &str) -> Result<String, Broken> {
        let mut command = Command::new("node");
        command.arg("--eval").arg(RUNNER).arg(&self.0);
        finish(&mut command, format!("kind {kind}\n{script}").as_bytes())
    }
}

/// Runs a program to its end; what it prints.
fn finish(command: &mut Command, input: &[u8]) -> Result<String, Broken> {
    let name = command.get_program().to_string_lossy().into_owned();
    let broken = |error: std::io::Error| Broken(format!("{name}: {error}"));
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().map_err(broken)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).map_err(broken)?;
    }
    let output = child.wait_with_output().map_err(broken)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Broken(format!("{name} failed: {}", errors.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Finds the first line in which the two records differ.
pub(super) fn compare<R: Rules>(script: &Script, probe: &Probe) -> Result<(), Box<Difference>> {
    let whole = script.lines(script.steps.len(), "hash");
    let native = record::<R>(&whole).unwrap_or_else(|bad| bad.to_string());
    let line = match probe.record(R::KIND, &whole) {
        Ok(wasm) if wasm == native => return Ok(()),
        Ok(wasm) => {
            let lines = native.lines().zip(wasm.lines());
            lines.take_while(|(one, two)| one == two).count()
        }
        Err(_) => return Err(first_trap::<R>(script, probe)),
    };
    // Two lines for the room itself, then two for each step.
    let steps = (line / 2).min(script.steps.len());
    let asked = script.lines(steps, "state");
    let native = record::<R>(&asked).unwrap_or_else(|bad| bad.to_string());
    let wasm = probe.record(R::KIND, &asked);
    let wasm = wasm.unwrap_or_else(|broken| broken.to_string());
    Err(differing::<R>(script, steps, &native, &wasm))
}

/// How far the wasm gets.
fn first_trap<R: Rules>(script: &Script, probe: &Probe) -> Box<Difference> {
    let runs = |steps: usize| probe.record(R::KIND, &script.lines(steps, "state"));
    let (mut good, mut bad) = (0, script.steps.len());
    while good < bad {
        let middle = (good + bad) / 2;
        match runs(middle) {
            Ok(_) => good = middle + 1,
            Err(_) => bad = middle,
        }
    }
    let native = record::<R>(&script.lines(bad, "state")).unwrap_or_else(|bad| bad.to_string());
    let wasm = runs(bad).err().map_or(String::new(), |error| error.0);
    differing::<R>(script, bad, &native, &wasm)
}

fn differing<R: Rules>(script: &Script, steps: usize, native: &str, wasm: &str) -> Box<Difference> {
    let step = steps.checked_sub(1).map(|place| &script.steps[place]);
    Box::new(Difference {
        check: Check::Wasm,
        place: steps.checked_sub(1),
        step: step.map_or(String::new(), ToString::to_string),
        script: script.lines(steps, "hash"),
        plain: last_state::<R>(native),
        other: last_state::<R>(wasm),
    })
}

/// The state in the last line, or all of it if there is none: why it went no further.
fn last_state<R: Rules>(recorded: &str) -> Shown {
    let state = recorded.lines().last().and_then(|line| {
        let digits = line.strip_prefix("state ")?.as_bytes();
        let pairs = digits.chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        pairs.collect::<Option<Vec<u8>>>()
    });
    match state {
        Some(bytes) => Shown {
            text: super::told::<R>(&bytes),
            bytes,
        },
        None => Shown {
            bytes: Vec::new(),
            text: recorded.to_owned(),
        },
    }
}
