//! `cargo run --release -p bots --bin bots`, and `cargo xtask bots`: plays matches of Contagion
//! between bots without a host, and prints who wins, how long players last, and whether skill
//! shows. Exits with 1 if a side wins more than it may or skill does not show. Decides nothing
//! about the game.

mod options;
mod play;
mod table;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use options::Options;
use play::{Match, Record};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n\n{}", options::HELP);
            return ExitCode::FAILURE;
        }
    };
    let matches = play::plan(&options);
    let records = play_all(&matches, &options);
    let report = table::Report::new(&matches, &records);
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.text());
    }
    if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays all, some at a time; the records are in the order of the matches.
fn play_all(matches: &[Match], options: &Options) -> Vec<Record> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(planned) = matches.get(index) else {
                return;
            };
            let record = play::play(planned, &options.config);
            let mut done = done.lock().expect("no holder of the list panics");
            done.push((index, record));
            if done.len().is_multiple_of(10) || done.len() == matches.len() {
                eprint!("\r{} of {} matches", done.len(), matches.len());
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        for _ in 0..threads.min(matches.len()) {
            scope.spawn(work);
        }
    });
    eprintln!();
    let mut done = done.into_inner().expect("no holder of the list panics");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, record)| record).collect()
}
