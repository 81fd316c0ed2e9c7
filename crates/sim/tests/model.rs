//! The model's reduced configurations and all mutants. Tables: `cargo test -p baton-sim --test model -- --nocapture`.

use baton_sim::model::cases::{Case, MutantCase, mutants, reduced};
use baton_sim::model::mutants::Mutant;
use baton_sim::model::report::{
    Found, explore, explored_head, explored_line, find, found_head, found_line,
};
use baton_sim::model::store::Kind;

fn explore_all(kind: Kind) {
    println!("{}", explored_head());
    for case in reduced()
        .into_iter()
        .filter(|case| case.config.kind == kind)
    {
        let explored = explore(&case);
        println!("{}", explored_line(&case, &explored));
        if let Some((property, trace)) = explored.broken.first() {
            panic!(
                "{}: {property} is broken\n{}",
                case.config.name,
                trace.join("\n")
            );
        }
        let missing = unreached(&case, &explored.reached);
        assert!(
            missing.is_empty(),
            "{} does not reach {missing:?}",
            case.config.name
        );
    }
}

fn unreached(case: &Case, reached: &[&'static str]) -> Vec<&'static str> {
    case.reaches
        .iter()
        .filter(|name| !reached.contains(name))
        .copied()
        .collect()
}

#[test]
fn j16_one_winner_per_version_in_every_interleaving_of_a_compare_store() {
    explore_all(Kind::Compare);
}

#[test]
fn j16_one_winner_per_version_in_every_interleaving_of_a_create_if_absent_store() {
    explore_all(Kind::CreateIfAbsent);
}

fn found_or_panic(case: &MutantCase) -> Found {
    find(case).unwrap_or_else(|| {
        panic!(
            "{:?} survives {}: {}",
            case.config.mutant, case.config.name, case.breaks
        )
    })
}

#[test]
fn x5_every_mutant_of_the_protocol_is_found() {
    println!("{}", found_head());
    for case in mutants() {
        println!("{}", found_line(&case, Some(&found_or_panic(&case))));
    }
}

#[test]
fn x5_every_mutant_has_a_case() {
    let cases = mutants();
    for mutant in Mutant::ALL {
        assert!(
            cases.iter().any(|case| case.config.mutant == mutant),
            "{mutant:?} is nowhere looked for"
        );
    }
}
