//! `cargo run -p baton-sim --release --bin model [-- --deep] [-- --traces]`: the tables of the model.
//!
//! Without options the reduced configurations and all mutants, as in the tests; `--deep` explores the large ones,
//! `--traces` prints each mutant's counterexample. Exits with 1 if a property is broken or a mutant survives.

use baton_sim::model::cases::{Case, MutantCase, deep, mutants, reduced};
use baton_sim::model::parts::{Part, outbox, register, seal, switch};
use baton_sim::model::report::{
    Searched, explore, explored_head, explored_line, find, found_head, found_line,
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
    let run = Run {
        deep: has("--deep"),
        traces: has("--traces"),
    };
    let cases = if run.deep { deep() } else { reduced() };
    let good = [
        run.explores(&cases) && run.finds(&mutants()),
        run.part(&seal::part()),
        run.part(&outbox::part()),
        run.part(&register::part()),
        run.part(&switch::part()),
    ];
    if good.contains(&false) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

struct Run {
    deep: bool,
    traces: bool,
}

impl Run {
    fn part<M: Searched>(&self, part: &Part<M>) -> bool {
        let cases = if self.deep { &part.deep } else { &part.reduced };
        self.explores(cases) && self.finds(&part.mutants)
    }

    fn explores<M: Searched>(&self, cases: &[Case<M>]) -> bool {
        let mut good = true;
        println!("\n{}", explored_head());
        for case in cases {
            let explored = explore(case);
            println!("{}", explored_line(case, &explored));
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
        good
    }

    fn finds<M: Searched>(&self, cases: &[MutantCase<M>]) -> bool {
        let mut good = true;
        println!("\n{}", found_head());
        for case in cases {
            let found = find(case);
            println!("{}", found_line(case, found.as_ref()));
            if let (true, Some(found)) = (self.traces, &found) {
                println!("    {}", found.trace.join("\n    "));
            }
            good &= found.is_some();
        }
        good
    }
}
