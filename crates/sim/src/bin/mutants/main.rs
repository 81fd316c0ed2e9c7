//! Every mutant of the library must be found: by worlds of the simulator, or by a scenario among the
//! library's own tests, and by the check that is there for it. Prints the table. Without a mutant the
//! same seeds and scenarios hold.
//!
//! `--soak` goes on to twenty times as many seeds and counts from the first; names of mutants: only
//! those. Exit codes: 1 a mutant was not found, or something else failed, 64 bad options.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans keep runs deterministic; this measures how long they really take, on several cores"
)]

mod cases;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use baton::mutant::{Mutant, choose};
use baton_sim::check::Broken;
use baton_sim::{Keep, Verdict, run_drawn};
use cases::{CASES, Case, Found, Worlds};

/// How many more seeds the long form tries.
const SOAK: u64 = 20;

/// What was asked for.
struct Options {
    soak: bool,
    names: Vec<String>,
}

/// A seed that failed.
struct Failed {
    seed: u64,
    broken: Broken,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("options: [--soak] [MUTANT…]");
        return ExitCode::from(64);
    };
    // A panic is caught and told with its seed; the default message would come between.
    std::panic::set_hook(Box::new(|_| {}));
    let program = match scenarios() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("the library's tests do not compile: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("| mutant | breaks | found by | seeds | first | s |\n|---|---|---|---|---|---|");
    let mut worst = ExitCode::SUCCESS;
    let without = Mutant::ALL
        .iter()
        .filter(|mutant| CASES.iter().all(|case| case.mutant != **mutant));
    for mutant in without {
        println!("| {mutant:?} | | NOTHING is said to find it | – | – | – |");
        worst = ExitCode::FAILURE;
    }
    let mut held = Vec::new();
    for case in CASES.iter().filter(|case| options.wants(case)) {
        let begun = Instant::now();
        let (found, row) = match case.found {
            Found::Swarm { .. } => swarm(case, options.soak, &mut held),
            Found::Scenario(name) => scenario(&program, case, name),
        };
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "| {:?} | {} | {row} | {seconds:.1} |",
            case.mutant, case.rule
        );
        if !found {
            worst = ExitCode::FAILURE;
        }
    }
    match controls(&program, &held, &options) {
        true => worst,
        false => ExitCode::FAILURE,
    }
}

fn options() -> Option<Options> {
    let mut options = Options {
        soak: false,
        names: Vec::new(),
    };
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--soak" => options.soak = true,
            name if CASES
                .iter()
                .any(|case| format!("{:?}", case.mutant) == name) =>
            {
                options.names.push(argument);
            }
            _ => return None,
        }
    }
    Some(options)
}

impl Options {
    fn wants(&self, case: &Case) -> bool {
        let name = format!("{:?}", case.mutant);
        self.names.is_empty() || self.names.contains(&name)
    }
}

/// Runs seeds with a mutant until one fails. Whether that is what should tell, and the row's middle.
fn swarm(case: &Case, soak: bool, held: &mut Vec<(Worlds, u64)>) -> (bool, String) {
    let Found::Swarm {
        checks,
        seeds,
        worlds,
    } = case.found
    else {
        return (false, String::new());
    };
    let seeds = if soak { seeds * SOAK } else { seeds };
    choose(Some(case.mutant));
    let failed = first_failure(seeds, worlds);
    choose(None);
    let Some(Failed { seed, broken }) = failed else {
        held.push((worlds, seeds.min(20)));
        return (false, format!("NOTHING | {seeds} | –"));
    };
    held.push((worlds, seed + 1));
    let number = broken.check.split(':').next().unwrap_or_default();
    let expected = checks.contains(&number);
    let but = match expected {
        true => String::new(),
        false => format!(" INSTEAD OF {checks:?}: {}", broken.seen),
    };
    let worlds = match worlds {
        Worlds::Any => String::new(),
        worlds => format!(" ({})", worlds.name()),
    };
    let row = format!("{}{but}{worlds} | {} | {seed}", broken.check, seed + 1);
    (expected, row)
}

/// The lowest seed that fails.
fn first_failure(seeds: u64, worlds: Worlds) -> Option<Failed> {
    let next = AtomicU64::new(0);
    let end = AtomicU64::new(seeds);
    let first: Mutex<Option<Failed>> = Mutex::new(None);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.load(Ordering::Relaxed) {
                        return;
                    }
                    let outcome =
                        run_drawn(seed, Keep::default(), |plan| worlds.change(seed, plan));
                    let Verdict::Failed { broken, .. } = outcome.verdict else {
                        continue;
                    };
                    end.fetch_min(seed, Ordering::Relaxed);
                    let mut first = first
                        .lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    if first.as_ref().is_none_or(|first| seed < first.seed) {
                        *first = Some(Failed { seed, broken });
                    }
                }
            });
        }
    });
    first
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Compiles the library's scenarios with the switch. Where the program is.
fn scenarios() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "test",
            "--locked",
            "--package",
            "baton",
            "--features",
            "mutants",
        ])
        .args([
            "--test",
            "behaviour",
            "--no-run",
            "--message-format",
            "json",
        ])
        .output()
        .map_err(|error| error.to_string())?;
    let lines = String::from_utf8_lossy(&output.stdout);
    let program = lines.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let named = message["target"]["name"] == "behaviour";
        message["executable"]
            .as_str()
            .filter(|_| named)
            .map(PathBuf::from)
    });
    program.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a scenario with a mutant. Whether it failed, as it must.
fn scenario(program: &Path, case: &Case, name: &str) -> (bool, String) {
    let failed =
        runs(program, &[name], Some(case.mutant)).contains(&format!("test {name} ... FAILED"));
    let row = match failed {
        true => format!("`{name}` | – | –"),
        false => format!("NOTHING, not by `{name}` | – | –"),
    };
    (failed, row)
}

/// What some scenarios print.
fn runs(program: &Path, names: &[&str], mutant: Option<Mutant>) -> String {
    let mut command = Command::new(program);
    command.arg("--exact").args(names);
    match mutant {
        Some(mutant) => command.env("BATON_MUTANT", format!("{mutant:?}")),
        None => command.env_remove("BATON_MUTANT"),
    };
    match command.output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// Without a mutant all of it holds.
fn controls(program: &Path, held: &[(Worlds, u64)], options: &Options) -> bool {
    let mut all = true;
    for worlds in Worlds::ALL {
        let seeds = held
            .iter()
            .filter(|(of, _)| *of == worlds)
            .map(|(_, seeds)| *seeds);
        let seeds = seeds.max().unwrap_or(0);
        match first_failure(seeds, worlds) {
            None => println!("no mutant: {seeds} seeds of {} worlds hold", worlds.name()),
            Some(Failed { seed, broken }) => {
                all = false;
                println!(
                    "no mutant: seed {seed} of {} worlds: {}, {}",
                    worlds.name(),
                    broken.check,
                    broken.seen
                );
            }
        }
    }
    let wanted = CASES.iter().filter(|case| options.wants(case));
    let names = wanted.filter_map(|case| match case.found {
        Found::Scenario(name) => Some(name),
        Found::Swarm { .. } => None,
    });
    let names: Vec<&str> = names.collect();
    let printed = runs(program, &names, None);
    let hold = names
        .iter()
        .all(|name| printed.contains(&format!("test {name} ... ok")));
    println!(
        "no mutant: {} scenarios {}",
        names.len(),
        if hold { "hold" } else { "FAIL" }
    );
    all && hold
}
