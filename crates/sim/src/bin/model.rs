//! `cargo run -p baton-sim --release --bin model [-- --deep] [-- --traces]`: the tables of the model.
//!
//! Without options the reduced configurations and all mutants, as in the tests; `--deep` explores the large ones,
//! `--traces` prints each mutant's counterexample. Exits with 1 if a property is broken or a mutant survives.

use baton_sim::model::cases::{deep, mutants, reduced};
use baton_sim::model::report::{
    explore, explored_head, explored_line, find, found_head, found_line,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = options
        .iter()
        .find(|option| !["--deep", "--traces"].contains(&option.as_str()))
    {
        eprintln!("unknown option {unknown}; there are --deep and --traces");
        return ExitCode::FAILURE;
    }
    let has = |option: &str| options.iter().any(|given| given == option);
    let mut good = true;
    println!("{}", explored_head());
    for case in if has("--deep") { deep() } else { reduced() } {
        let explored = explore(&case);
        println!("{}", explored_line(&case, &explored));
        for (property, trace) in &explored.broken {
            println!("BROKEN: {property}\n    {}", trace.join("\n    "));
        }
        for missing in case
            .reaches
            .iter()
            .filter(|name| !explored.reached.contains(name))
        {
            println!("NOT REACHED: {missing}");
            good = false;
        }
        good &= explored.broken.is_empty();
    }
    println!("\n{}", found_head());
    for case in mutants() {
        let found = find(&case);
        println!("{}", found_line(&case, found.as_ref()));
        if let (true, Some(found)) = (has("--traces"), &found) {
            println!("    {}", found.trace.join("\n    "));
        }
        good &= found.is_some();
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
