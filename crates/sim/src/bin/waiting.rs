//! `cargo run -p baton-sim --release --bin waiting`: how long actions wait and rooms stand still, as a
//! table, and as plots into `plots/`. With `--json` the table alone, a line per figure, for
//! `cargo xtask bench`. With `--features mutants … --before` the table and one plot of a leader that
//! always appends without reading.

use std::path::Path;

use baton_sim::waiting::draw::Plot;
use baton_sim::waiting::sweep::{DOCUMENTED, Row};

fn main() -> std::io::Result<()> {
    let asked = |option| std::env::args().any(|argument| argument == option);
    let before = asked("--before") && switch_off();
    for row in DOCUMENTED.rows() {
        println!(
            "{}",
            if asked("--json") {
                line(&row)
            } else {
                text(&row)
            }
        );
    }
    if asked("--json") {
        return Ok(());
    }
    let plots = match before {
        true => vec![Plot {
            file: "before",
            title: "The same when a leader renewed its lease before it read (8 clients, random routing)",
            ..DOCUMENTED.waiting()
        }],
        false => DOCUMENTED.plots(),
    };
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
    std::fs::create_dir_all(&directory)?;
    for plot in plots {
        let file = directory.join(plot.file).with_extension("svg");
        std::fs::write(&file, plot.svg())?;
        println!("{}", file.display());
    }
    Ok(())
}

#[cfg(feature = "mutants")]
fn switch_off() -> bool {
    use baton::mutant::{Mutant, choose};
    choose(Some(Mutant::RenewedUnread));
    true
}

#[cfg(not(feature = "mutants"))]
fn switch_off() -> bool {
    panic!("--before needs the feature `mutants`")
}

fn text(row: &Row) -> String {
    let aim = row.aim.map(|aim| aim.to_string()).unwrap_or_default();
    let ok = match row.aim {
        None => "",
        Some(_) if row.is_ok() => "ok",
        Some(_) => "MISSED",
    };
    format!(
        "{:<60} {:>7} {:<7} {aim:>7}  {ok}",
        row.name, row.value, row.unit
    )
}

fn line(row: &Row) -> String {
    let ok = row.aim.map(|_| row.is_ok());
    serde_json::json!({
        "name": row.name, "value": row.value, "unit": row.unit, "aim": row.aim, "ok": ok,
    })
    .to_string()
}
