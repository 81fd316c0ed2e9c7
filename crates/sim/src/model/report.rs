//! Runs cases and says what came out: unique states, depth, time; for a mutant the property, and the trace.
//!
//! Decides nothing about the protocol. The clock here times the checker, never the model.

use super::cases::{Case, MutantCase};
use super::config::Config;
use super::instance::Instance;
use super::request::Phase;
use super::{Protocol, State, Step};
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::fmt::Debug;
use std::hash::Hash;

/// A model in one configuration, as the tables show it.
pub trait Shown: Model + Clone + Send + Sync + 'static {
    /// What is modelled: a kind of store, or a part of the protocol.
    fn part(&self) -> String;
    /// The configuration.
    fn name(&self) -> &'static str;
    /// The rule that is switched off.
    fn mutant(&self) -> String;
    /// Who does what, and what is then there.
    fn tell(&self, before: &Self::State, step: &Self::Action, after: &Self::State) -> String;
}

/// What exploring a case gave.
pub struct Explored {
    /// States, each counted once.
    pub unique_states: usize,
    /// States of the longest shortest path.
    pub depth: usize,
    /// Duration of the search.
    pub milliseconds: u128,
    /// Properties that do not hold, with a trace each.
    pub broken: Vec<(&'static str, Vec<String>)>,
    /// `sometimes` properties that were met.
    pub reached: Vec<&'static str>,
}

/// What looking for a mutant gave.
pub struct Found {
    /// Until the first counterexample.
    pub unique_states: usize,
    /// Duration of the search.
    pub milliseconds: u128,
    /// A shortest one, step by step.
    pub trace: Vec<String>,
}

/// A model that can be searched.
pub trait Searched:
    Shown<State: Hash + Eq + Clone + Debug + Send + Sync, Action: Clone + PartialEq>
{
}

impl<M: Shown<State: Hash + Eq + Clone + Debug + Send + Sync, Action: Clone + PartialEq>> Searched
    for M
{
}

/// The numbers of a search.
struct Search {
    unique_states: usize,
    depth: usize,
    milliseconds: u128,
    /// Each with its trace, step by step.
    discoveries: Vec<(&'static str, Expectation, Vec<String>)>,
}

#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "times the checker; the model has no clock"
)]
fn search<M: Searched>(
    model: &M,
    threads: usize,
    until: HasDiscoveries,
    below_depth: Option<usize>,
) -> Search {
    let started = std::time::Instant::now();
    let mut checker = model.clone().checker().threads(threads).finish_when(until);
    if let Some(depth) = below_depth {
        checker = checker.target_max_depth(depth);
    }
    let checker = checker.spawn_bfs().join();
    let discoveries = checker
        .model()
        .properties()
        .into_iter()
        .filter_map(|property| {
            let path = checker.discovery(property.name)?;
            let trace = told(model, &path.into_vec());
            Some((property.name, property.expectation, trace))
        });
    Search {
        unique_states: checker.unique_state_count(),
        depth: checker.max_depth(),
        milliseconds: started.elapsed().as_millis(),
        discoveries: discoveries.collect(),
    }
}

/// Explores all of `case`.
pub fn explore<M: Searched>(case: &Case<M>) -> Explored {
    let search = search(&case.model, 2, HasDiscoveries::AnyFailures, None);
    let is_reached = |expectation: &Expectation| *expectation == Expectation::Sometimes;
    Explored {
        unique_states: search.unique_states,
        depth: search.depth,
        milliseconds: search.milliseconds,
        reached: search
            .discoveries
            .iter()
            .filter(|(_, expectation, _)| is_reached(expectation))
            .map(|(name, ..)| *name)
            .collect(),
        broken: search
            .discoveries
            .iter()
            .filter(|(_, expectation, _)| !is_reached(expectation))
            .map(|(name, _, trace)| (*name, trace.clone()))
            .collect(),
    }
}

/// Looks for a trace that breaks what `case` says, and then for shorter ones; `None` if the mutant survives.
pub fn find<M: Searched>(case: &MutantCase<M>) -> Option<Found> {
    let mut found = look(case, None)?;
    // A trace of n steps has n + 1 states.
    while let Some(shorter) = look(case, Some(found.trace.len() + 1)) {
        found.trace = shorter.trace;
    }
    Some(found)
}

fn look<M: Searched>(case: &MutantCase<M>, below_depth: Option<usize>) -> Option<Found> {
    let search = search(
        &case.model,
        1,
        HasDiscoveries::AnyOf([case.breaks].into()),
        below_depth,
    );
    let (.., trace) = search
        .discoveries
        .into_iter()
        .find(|(name, ..)| *name == case.breaks)?;
    Some(Found {
        unique_states: search.unique_states,
        milliseconds: search.milliseconds,
        trace,
    })
}

/// A line of the table of configurations.
pub fn explored_line<M: Shown>(case: &Case<M>, explored: &Explored) -> String {
    format!(
        "{:<14} | {:<28} | {:>10} | {:>5} | {:>7} | {}",
        case.model.part(),
        case.model.name(),
        explored.unique_states,
        explored.depth,
        explored.milliseconds,
        if explored.broken.is_empty() {
            "holds"
        } else {
            explored.broken[0].0
        },
    )
}

/// The head of that table.
pub fn explored_head() -> String {
    format!(
        "{:<14} | {:<28} | {:>10} | {:>5} | {:>7} | result",
        "store", "configuration", "states", "depth", "ms"
    )
}

/// A line of the table of mutants.
pub fn found_line<M: Shown>(case: &MutantCase<M>, found: Option<&Found>) -> String {
    let mutant = format!("{:<14} | {:<24}", case.model.part(), case.model.mutant());
    match found {
        None => format!("{mutant} | NOT FOUND: {}", case.breaks),
        Some(found) => {
            let (states, steps) = (found.unique_states, found.trace.len());
            format!(
                "{mutant} | {:>8} | {:>5} | {:>7} | {}",
                states, steps, found.milliseconds, case.breaks
            )
        }
    }
}

/// The head of that table.
pub fn found_head() -> String {
    format!(
        "{:<14} | {:<24} | {:>8} | {:>5} | {:>7} | breaks",
        "store", "mutant", "states", "steps", "ms"
    )
}

/// A path as lines to be read.
fn told<M: Searched>(model: &M, path: &[(M::State, Option<M::Action>)]) -> Vec<String> {
    let steps = path.iter().zip(path.iter().skip(1));
    steps
        .filter_map(|((before, step), (after, _))| Some(model.tell(before, step.as_ref()?, after)))
        .collect()
}

impl Shown for Protocol {
    fn part(&self) -> String {
        format!("{:?}", self.config.kind)
    }

    fn name(&self) -> &'static str {
        self.config.name
    }

    fn mutant(&self) -> String {
        format!("{:?}", self.config.mutant)
    }

    fn tell(&self, before: &State, step: &Step, after: &State) -> String {
        let what = describe(before, *step, &self.config);
        let log: Vec<String> = after
            .store
            .slots
            .iter()
            .map(|slot| slot.map_or("-".into(), |frame| frame.chain().to_string()))
            .collect();
        format!("{what:<52} log [{}]", log.join(", "))
    }
}

fn describe(state: &State, step: Step, config: &Config) -> String {
    let device = |place: usize| if place == 0 { 'p' } else { 'q' };
    let instance = |place: usize| name(&state.instances[place], place);
    let sender = |place: usize, request: usize| {
        device(usize::from(
            state.instances[place].requests[request].body.device,
        ))
    };
    match step {
        Step::Send(client, place, batch) => {
            let actions: Vec<_> = state.clients[client]
                .body(batch, config.actions[client])
                .actions()
                .collect();
            format!(
                "{} sends {actions:?} to {}",
                device(client),
                instance(place)
            )
        }
        Step::Read(place, _, then) => format!("{} reads, {then:?}", instance(place)),
        Step::LeadFromCache(place, _) => format!("{} leads from its cache", instance(place)),
        Step::Append(place, request, outcome) => {
            match &state.instances[place].requests[request].phase {
                Phase::Appending(attempt) => format!(
                    "{} appends {:?}: {outcome:?}",
                    instance(place),
                    attempt.frame
                ),
                _ => String::new(),
            }
        }
        Step::Check(place, _) => format!("{} reads the slot before its own", instance(place)),
        Step::Remove(place, _) => format!("{} removes from the inbox", instance(place)),
        Step::Push(place, _) => format!("{} pushes to the inbox", instance(place)),
        Step::Reply(place, request) => match &state.instances[place].requests[request].phase {
            Phase::Replying(view) => {
                let who = sender(place, request);
                format!(
                    "{} replies to {who}: {}, marks {:?}",
                    instance(place),
                    view.chain,
                    view.marks
                )
            }
            _ => format!(
                "{} replies retry to {}",
                instance(place),
                sender(place, request)
            ),
        },
        Step::DropReply(place, request) => format!(
            "the reply of {} to {} is lost",
            instance(place),
            sender(place, request)
        ),
        Step::Snapshot(place) => format!("{} stores its cache as a snapshot", instance(place)),
        Step::DropCache(place) => format!("{} drops its cache", instance(place)),
        Step::Crash(place) => format!("{} crashes", instance(place)),
        Step::LateAppend(index) => format!(
            "a late write is carried out: {:?}",
            state.store.late[index].frame
        ),
        Step::RollBack(frames, inbox) => {
            format!("the store loses {frames} frame(s), inbox {inbox:?}")
        }
        Step::GraceEnds(client) => format!("{} drops its acknowledged actions", device(client)),
    }
}

/// An instance by its writer id, or by its place among those that have not written yet.
fn name(instance: &Instance, place: usize) -> String {
    instance.writer.map_or(format!("new-{place}"), |writer| {
        char::from(b'A' + writer).to_string()
    })
}
