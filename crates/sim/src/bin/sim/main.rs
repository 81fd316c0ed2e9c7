//! `cargo xtask sim --seeds N`: many runs, a table of what happened, and
//! for a failure the seed, the commit and the command that repeats it.
//!
//! Exit codes: 1 wrong, 2 stuck, 3 crash, 4 a fault that was never seen, 64 bad options.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans keep runs deterministic; this measures how long they really take, on several cores"
)]

mod report;

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use baton::Random;
use baton_sim::{Failure, Keep, Outcome, Plan, Verdict, history, run_drawn};

use report::{Kind, Sum};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The seed of a thread that runs none.
const NONE: u64 = u64::MAX;
/// No run takes so long; one that does will not end.
const ENDLESS: Duration = Duration::from_secs(600);

/// What was asked for.
struct Options {
    seeds: u64,
    from: u64,
    jobs: u64,
    trace: Option<String>,
    history: Option<String>,
    all: bool,
    changes: Changes,
}

/// What is changed in every plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Only this kind of store.
    store: Option<Store>,
    /// Other rules are deployed in all of them.
    deploys: bool,
    /// All of them are of rooms that are users' own, and take orders.
    own: bool,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// Compares the last frame.
    Compare,
    /// Can only create keys if absent.
    Keys,
}

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Keys => "keys",
        }
    }

    fn change(self, plan: &mut Plan) {
        plan.keys = matches!(self, Self::Keys);
        plan.clock &= !plan.keys;
    }
}

impl Changes {
    /// The options that ask for them again.
    fn options(self) -> String {
        let store = self.store.map(|store| format!(" --store {}", store.name()));
        let deploys = if self.deploys { " --deploys" } else { "" };
        let own = if self.own { " --own" } else { "" };
        format!("{}{deploys}{own}", store.unwrap_or_default())
    }
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "options: --seeds N [--from SEED] [--jobs N] [--all] [--store compare|keys] [--deploys] [--own] | --seed SEED [--trace FILE] [--history FILE, and no split brain]"
        );
        return ExitCode::from(64);
    };
    // A panic is caught and told with its seed; the default message would come between.
    std::panic::set_hook(Box::new(|_| {}));
    match options.seeds {
        1 => one(&options),
        _ => many(&options),
    }
}

fn options() -> Option<Options> {
    let mut options = Options {
        seeds: 1_000,
        from: 0,
        jobs: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        trace: None,
        history: None,
        all: false,
        changes: Changes::default(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok());
        match argument.as_str() {
            "--seeds" => options.seeds = number()?,
            "--from" => options.from = number()?,
            "--jobs" => options.jobs = number()?,
            "--seed" => {
                options.from = number()?;
                options.seeds = 1;
            }
            "--all" => options.all = true,
            "--store" => {
                options.changes.store = Some(match arguments.next()?.as_str() {
                    "compare" => Store::Compare,
                    "keys" => Store::Keys,
                    _ => return None,
                });
            }
            "--deploys" => options.changes.deploys = true,
            "--own" => options.changes.own = true,
            "--trace" => options.trace = Some(arguments.next()?),
            "--history" => options.history = Some(arguments.next()?),
            _ => return None,
        }
    }
    (options.seeds > 0 && options.jobs > 0).then_some(options)
}

fn change(changes: Changes, seed: u64) -> impl FnOnce(&mut Plan) {
    move |plan| {
        if let Some(store) = changes.store {
            store.change(plan);
        }
        if changes.own && !plan.own {
            plan.make_own(&mut Random::from_seed(seed));
        }
        if changes.deploys {
            plan.deploy(&mut Random::from_seed(seed));
        }
    }
}

fn one(options: &Options) -> ExitCode {
    let keep = Keep {
        trace: options.trace.is_some(),
        history: options.history.is_some(),
    };
    let outcome = run_drawn(options.from, keep, change(options.changes, options.from));
    let trace = || outcome.trace.join("\n") + "\n";
    write(options.trace.as_ref(), trace);
    write(options.history.as_ref(), || {
        history::write(&outcome.history)
    });
    let counters = &outcome.counters;
    println!(
        "seed {}: {} s virtual, {} requests, {} actions, {} frames, {} losses, {} resets, digest {:016x}",
        outcome.seed,
        outcome.lasted_ms / 1_000,
        counters.requests,
        counters.actions,
        counters.frames,
        counters.losses,
        counters.resets,
        outcome.digest,
    );
    tell(&outcome, options.changes)
}

fn write(file: Option<&String>, text: impl FnOnce() -> String) {
    if let Some(file) = file
        && let Err(error) = std::fs::write(file, text())
    {
        eprintln!("cannot write {file}: {error}");
    }
}

/// The folder for traces of seeds that failed.
const TRACES: &str = "target/sim";

/// Runs a seed that failed again, and writes down what happened.
fn keep_trace(seed: u64, changes: Changes) {
    let keep = Keep {
        trace: true,
        ..Keep::default()
    };
    let outcome = run_drawn(seed, keep, change(changes, seed));
    let file = format!("{TRACES}/{seed}.jsonl");
    if let Err(error) = std::fs::create_dir_all(TRACES) {
        eprintln!("cannot make {TRACES}: {error}");
    }
    write(Some(&file), || outcome.trace.join("\n") + "\n");
    println!("\nits trace, a line of JSON for each thing that happened: {file}");
}

/// Prints a failure. The exit code that belongs to it.
fn tell(outcome: &Outcome, changes: Changes) -> ExitCode {
    let Verdict::Failed { how, broken, at_ms } = &outcome.verdict else {
        return ExitCode::SUCCESS;
    };
    let commit = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("\n{how:?}: {}\n  {}", broken.check, broken.seen);
    println!(
        "  seed {}, at {at_ms} ms, commit {}",
        outcome.seed,
        commit.unwrap_or_else(|_| "unknown".into())
    );
    println!(
        "  again: cargo xtask sim --seed {}{} --trace trace.jsonl",
        outcome.seed,
        changes.options()
    );
    ExitCode::from(*how as u8)
}

fn many(options: &Options) -> ExitCode {
    let begun = Instant::now();
    let next = AtomicU64::new(options.from);
    let stop = AtomicBool::new(false);
    let end = options.from.saturating_add(options.seeds);
    let changes = options.changes;
    let under_way: Vec<AtomicU64> = (0..options.jobs).map(|_| AtomicU64::new(NONE)).collect();
    let (sender, receiver) = mpsc::channel();
    let mut sum = Sum::default();
    let mut failures: Vec<Outcome> = Vec::new();
    std::thread::scope(|scope| {
        for current in &under_way {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    current.store(seed, Ordering::Relaxed);
                    let start = Instant::now();
                    let outcome = run_drawn(seed, Keep::default(), change(changes, seed));
                    if sender.send((outcome, start.elapsed())).is_err() {
                        break;
                    }
                }
                current.store(NONE, Ordering::Relaxed);
            });
        }
        drop(sender);
        let ended = std::iter::from_fn(|| await_run(&receiver, &under_way, changes));
        for (count, (outcome, took)) in ended.enumerate() {
            sum.add(&outcome, took);
            if outcome.verdict != Verdict::Held {
                eprintln!("  seed {} failed", outcome.seed);
                failures.push(outcome);
                stop.store(!options.all, Ordering::Relaxed);
            }
            let step = (options.seeds / 20).max(500);
            if (count as u64 + 1).is_multiple_of(step) {
                let seconds = begun.elapsed().as_secs_f64();
                eprintln!(
                    "  {} seeds, {:.0} seeds/s, {} failed",
                    count + 1,
                    (count + 1) as f64 / seconds,
                    failures.len()
                );
            }
        }
    });
    sum.print(options.jobs, begun.elapsed());
    failures.sort_by_key(|outcome| outcome.seed);
    if let Some(first) = failures.first() {
        keep_trace(first.seed, changes);
    }
    let mut code = ExitCode::SUCCESS;
    for failure in failures.iter().rev() {
        code = tell(failure, options.changes);
    }
    let kind = Kind {
        seeds: options.seeds,
        changed: changes != Changes::default(),
    };
    if let Some(unseen) = sum.unseen(kind).filter(|_| failures.is_empty()) {
        println!("\nNotSeen: {unseen}");
        return ExitCode::from(4);
    }
    if failures.is_empty() {
        println!("\n{} seeds held", options.seeds);
    } else {
        println!("\n{} of {} seeds failed", failures.len(), sum.runs());
    }
    code
}

/// The next run that ends. If none does, says which are under way and gives up.
fn await_run<T>(
    receiver: &mpsc::Receiver<T>,
    under_way: &[AtomicU64],
    changes: Changes,
) -> Option<T> {
    match receiver.recv_timeout(ENDLESS) {
        Ok(ended) => Some(ended),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            println!(
                "\nStuck: no run ended in {} s; what was run before is not told. Under way, each may have no end:",
                ENDLESS.as_secs()
            );
            let seeds = under_way.iter().map(|seed| seed.load(Ordering::Relaxed));
            for seed in seeds.filter(|seed| *seed != NONE) {
                println!("  cargo xtask sim --seed {seed}{}", changes.options());
            }
            std::process::exit(Failure::Stuck as i32);
        }
    }
}
