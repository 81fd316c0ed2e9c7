//! The model's reduced configurations and all mutants. Tables: `cargo test -p baton-sim --test model -- --nocapture`.

use baton_sim::model::cases::{Case, MutantCase, mutants, reduced};
use baton_sim::model::mutants::Mutant;
use baton_sim::model::parts::{Part, outbox, register, seal, switch};
use baton_sim::model::report::{
    Found, Searched, explore, explored_head, explored_line, find, found_head, found_line,
};
use baton_sim::model::store::Kind;

fn explore_all(kind: Kind) {
    println!("{}", explored_head());
    reduced()
        .iter()
        .filter(|case| case.model.config.kind == kind)
        .for_each(explore_or_panic);
}

fn explore_or_panic<M: Searched>(case: &Case<M>) {
    let explored = explore(case);
    println!("{}", explored_line(case, &explored));
    if let Some((property, trace)) = explored.broken.first() {
        panic!(
            "{}: {property} is broken\n{}",
            case.model.name(),
            trace.join("\n")
        );
    }
    let missing = unreached(case, &explored.reached);
    assert!(
        missing.is_empty(),
        "{} does not reach {missing:?}",
        case.model.name()
    );
}

fn unreached<M>(case: &Case<M>, reached: &[&'static str]) -> Vec<&'static str> {
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

fn found_or_panic<M: Searched>(case: &MutantCase<M>) -> Found {
    find(case).unwrap_or_else(|| {
        panic!(
            "{} survives {}: {}",
            case.model.mutant(),
            case.model.name(),
            case.breaks
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
            cases.iter().any(|case| case.model.config.mutant == mutant),
            "{mutant:?} is nowhere looked for"
        );
    }
}

fn explore_part<M: Searched>(part: &Part<M>) {
    println!("{}", explored_head());
    part.reduced.iter().for_each(explore_or_panic);
    println!("{}", found_head());
    for case in &part.mutants {
        println!("{}", found_line(case, Some(&found_or_panic(case))));
    }
}

#[test]
fn x5_a_number_is_given_once_and_acts_for_its_device_alone() {
    explore_part(&register::part());
}

#[test]
fn x5_rules_change_by_a_frame_and_who_lacks_them_never_leads() {
    explore_part(&switch::part());
}

#[test]
fn x5_what_a_room_sends_another_applies_once() {
    explore_part(&outbox::part());
}

#[test]
fn x5_sealing_and_trimming_never_change_the_log() {
    explore_part(&seal::part());
}
