//! `cargo xtask sim --seeds N`: many runs, a table of what happened, and
//! for a failure the seed, the commit and the command that repeats it.
//!
//! Exit codes: 1 wrong, 2 stuck, 3 crash, 4 a fault that was never seen, 64 bad options.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans keep runs deterministic; this measures how long they really take, on several cores"
)]

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use baton::Random;
use baton_sim::counters::Counters;
use baton_sim::{Keep, Outcome, Plan, Verdict, history, run_drawn};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Half of all runs have so many requests, or a run says little.
const MEDIAN_REQUESTS: u64 = 1_000;

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
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    /// Only this kind of store.
    store: Option<Store>,
    /// Other rules are deployed in all of them.
    deploys: bool,
    /// All of them are of rooms that are users' own, and take orders.
    own: bool,
}

/// A kind of store.
#[derive(Clone, Copy, Debug)]
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

/// What many runs came to.
#[derive(Default)]
struct Sum {
    counters: Counters,
    requests: Vec<u64>,
    settled_ms: Vec<u64>,
    answer_ms: Vec<u64>,
    takeover_ms: Vec<u64>,
    slowest: (Duration, u64, u64),
    longest: (u64, u64, u64),
}

fn many(options: &Options) -> ExitCode {
    let begun = Instant::now();
    let next = AtomicU64::new(options.from);
    let stop = AtomicBool::new(false);
    let end = options.from.saturating_add(options.seeds);
    let changes = options.changes;
    let (sender, receiver) = mpsc::channel();
    let mut sum = Sum::default();
    let mut failures: Vec<Outcome> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let start = Instant::now();
                    let outcome = run_drawn(seed, Keep::default(), change(changes, seed));
                    if sender.send((outcome, start.elapsed())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (count, (outcome, took)) in receiver.iter().enumerate() {
            add(&mut sum, &outcome, took);
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
    report(options, &mut sum, begun.elapsed());
    failures.sort_by_key(|outcome| outcome.seed);
    if let Some(first) = failures.first() {
        keep_trace(first.seed, changes);
    }
    let mut code = ExitCode::SUCCESS;
    for failure in failures.iter().rev() {
        code = tell(failure, options.changes);
    }
    let missing = sum.counters.not_seen();
    // Of rooms that are somebody's own nothing is pushed.
    let whole = options.seeds >= 400 && !options.changes.own;
    let others = sum.counters.others_not_seen();
    if failures.is_empty() && whole && !(missing.is_empty() && others.is_empty()) {
        println!("\nNotSeen: faults {missing:?} {others:?} never happened");
        return ExitCode::from(4);
    }
    let counters = &sum.counters;
    let unbroken = counters.faulted == 0 || counters.halts == 0;
    if failures.is_empty() && whole && unbroken {
        println!("\nNotSeen: rules that break on an action, and on time");
        return ExitCode::from(4);
    }
    let unsent = counters.credited == 0 || counters.returned == 0 || counters.switches == 0;
    if failures.is_empty() && whole && unsent && !options.changes.deploys {
        println!(
            "\nNotSeen: sends between rooms, taken and returned, and rooms that change their rules"
        );
        return ExitCode::from(4);
    }
    let half = sum.requests.get(sum.requests.len() / 2).copied();
    if failures.is_empty() && whole && half.is_none_or(|half| half < MEDIAN_REQUESTS) {
        println!("\nNotSeen: {MEDIAN_REQUESTS} requests in half of all runs");
        return ExitCode::from(4);
    }
    if failures.is_empty() && options.seeds >= 400 && counters.orders.lack_an_end() {
        println!("\nNotSeen: an end that orders may have");
        return ExitCode::from(4);
    }
    if failures.is_empty() {
        println!("\n{} seeds held", options.seeds);
    } else {
        println!(
            "\n{} of {} seeds failed",
            failures.len(),
            sum.requests.len()
        );
    }
    code
}

fn add(sum: &mut Sum, outcome: &Outcome, took: Duration) {
    sum.counters.add(&outcome.counters);
    sum.requests.push(outcome.counters.requests);
    if outcome.verdict == Verdict::Held {
        sum.settled_ms.push(outcome.healed.settled_ms);
        sum.answer_ms.extend(outcome.healed.answer_ms);
        sum.takeover_ms.extend(outcome.healed.takeover_ms);
    }
    sum.slowest = sum
        .slowest
        .max((took, outcome.seed, outcome.counters.requests));
    sum.longest = sum
        .longest
        .max((outcome.lasted_ms, outcome.seed, outcome.counters.requests));
}

fn report(options: &Options, sum: &mut Sum, took: Duration) {
    let seconds = took.as_secs_f64();
    let runs = sum.requests.len();
    let counters = &sum.counters;
    print!("{}", counters.table());
    println!(
        "\n{runs} runs in {seconds:.1} s by {} threads: {:.0} seeds/s, {:.0} handler steps/s a thread",
        options.jobs,
        runs as f64 / seconds,
        counters.steps as f64 / seconds / options.jobs as f64,
    );
    println!(
        "{} requests, {} actions, {} frames, {} appends lost, {} pushes, {} losses of the store, {} resets told",
        counters.requests,
        counters.actions,
        counters.frames,
        counters.lost,
        counters.pushes,
        counters.losses,
        counters.resets,
    );
    println!(
        "the rules broke {} times: {} actions set aside, {} rooms halted",
        counters.broke, counters.faulted, counters.halts,
    );
    let orders = &counters.orders;
    println!(
        "{} orders, asked for {} times: {} done, {} refused, {} not done, {} unknown; {} waited, {} numbers taken; {} forged; {} framed",
        orders.made,
        orders.asked,
        orders.done,
        orders.refused,
        orders.failed,
        orders.unknown,
        orders.waited,
        orders.taken,
        orders.forged,
        orders.framed,
    );
    println!(
        "{} rooms changed their rules; {} parcels between rooms: {} sends taken, {} returned",
        counters.switches, counters.parcels, counters.credited, counters.returned,
    );
    println!("requests a run: {}", spread(&mut sum.requests));
    println!(
        "settled after the faults, ms: {}",
        spread(&mut sum.settled_ms)
    );
    println!(
        "an action of a healthy room, ms: {}",
        spread(&mut sum.answer_ms)
    );
    println!(
        "the same after the leader died, ms: {}",
        spread(&mut sum.takeover_ms)
    );
    println!(
        "slowest: seed {} took {:.0} ms for {} requests; longest: seed {} lasted {} virtual s, {} requests",
        sum.slowest.1,
        sum.slowest.0.as_secs_f64() * 1_000.0,
        sum.slowest.2,
        sum.longest.1,
        sum.longest.0 / 1_000,
        sum.longest.2,
    );
}

fn spread(values: &mut [u64]) -> String {
    values.sort_unstable();
    let at = |part: usize| {
        values
            .get(values.len().saturating_sub(1) * part / 100)
            .copied()
            .unwrap_or(0)
    };
    format!(
        "p50 {}, p90 {}, p99 {}, most {}",
        at(50),
        at(90),
        at(99),
        at(100)
    )
}
