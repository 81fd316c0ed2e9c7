//! `cargo xtask test`: every check there is, in sections that one can also ask for by name.
//!
//! The last line is `N passed, N failed`. What a section runs is in `sections.rs`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::sections::{LONG, SECTIONS, Section, Settings};
use crate::tally::Tally;
use crate::{npm, step, system};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these sections: format, clippy, tidy, rust, model, sim, deliberate, probe, wasm-node, wasm-browser, types, lint, js, stores, devvit, e2e.
    sections: Vec<String>,
    /// Only tests whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

/// Of a section, so many failed tests are named at the end.
const NAMED: usize = 20;

/// What became of a section.
struct Row {
    name: &'static str,
    tally: Tally,
    time: Duration,
    advice: Option<String>,
}

/// Runs the sections that were asked for, all of them even if one fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    run_with(
        &options.sections,
        &Settings {
            filter: options.filter.clone(),
            soak: false,
            shard: None,
        },
    )
}

/// The same with settings of the caller's; no names mean all sections.
pub(crate) fn run_with(names: &[String], settings: &Settings) -> Result<()> {
    let long: &[Section] = if settings.soak { &LONG } else { &[] };
    let known: Vec<&Section> = SECTIONS.iter().chain(long).collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| known.iter().all(|section| section.name != **name))
    {
        let known: Vec<&str> = known.iter().map(|section| section.name).collect();
        bail!(
            "no section is called {unknown}; there are: {}",
            known.join(", ")
        );
    }
    let chosen: Vec<&Section> = known
        .into_iter()
        .filter(|section| names.is_empty() || names.iter().any(|name| name == section.name))
        .collect();
    let needs: Vec<_> = chosen
        .iter()
        .flat_map(|section| section.needs.iter().copied())
        .collect();
    system::provide(&needs)?;
    step::step("npm packages", npm::install)?;
    println!("  Node {}", npm::node_version()?);

    let start = Instant::now();
    let rows: Vec<Row> = chosen
        .iter()
        .map(|section| run_section(section, settings))
        .collect();
    report(&rows, start.elapsed())
}

fn run_section(section: &Section, settings: &Settings) -> Row {
    println!("\n━━ {}: {} ━━", section.name, section.title);
    let start = Instant::now();
    let (tally, failure) = match (section.run)(settings) {
        Ok(tally) if tally == Tally::default() && settings.filter.is_none() => {
            (Tally::check(false), Some("no test ran".to_owned()))
        }
        Ok(tally) => (tally, None),
        Err(error) => (Tally::check(false), Some(format!("{error:#}"))),
    };
    if let Some(failure) = &failure {
        eprintln!("{failure}");
    }
    let advice = (tally.failed > 0).then(|| section.advice.to_owned());
    Row {
        name: section.name,
        tally,
        time: start.elapsed(),
        advice,
    }
}

fn report(rows: &[Row], time: Duration) -> Result<()> {
    println!(
        "\n{:<14} {:<7} {:>7} {:>7} {:>9}",
        "section", "result", "passed", "failed", "time"
    );
    for Row {
        name, tally, time, ..
    } in rows
    {
        let result = if tally.failed == 0 { "ok" } else { "FAILED" };
        let seconds = time.as_secs_f64();
        println!(
            "{name:<14} {result:<7} {:>7} {:>7} {seconds:>7.1} s",
            tally.passed, tally.failed
        );
    }
    println!(
        "{:<14} {:<7} {:>7} {:>7} {:>7.1} s",
        "all",
        "",
        "",
        "",
        time.as_secs_f64()
    );
    for row in rows {
        if let Some(advice) = &row.advice {
            let name = row.name;
            println!("\n{name}: {advice}\n  again: cargo xtask test {name}");
            for failed in row.tally.named.iter().take(NAMED) {
                println!("  failed: {failed}");
            }
        }
    }
    let all = rows
        .iter()
        .fold(Tally::default(), |sum, row| sum.plus(row.tally.clone()));
    println!("\n{} passed, {} failed", all.passed, all.failed);
    if all.failed > 0 {
        // The summary has said it all, and its line is the last.
        std::process::exit(1);
    }
    Ok(())
}
