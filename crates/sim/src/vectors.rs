//! Test vectors: traces of the model that together take every kind of step, with every way it can end.
//!
//! Decides which traces are written and what of the model's state they say; they are replayed through the product's
//! handler by `tests/vectors.rs`. Knows the model only. A search, breadth first, finds the shortest trace to each kind
//! of step; traces whose steps another trace takes too are left out. Some traces no host can bring about, since here the
//! lease is a choice: [`Path::steerable`] says which.

use crate::model::chain::{Entry, Frame, View};
use crate::model::client::is_reset;
use crate::model::config::Config;
use crate::model::instance::{Outcome, Then};
use crate::model::mutants::Mutant;
use crate::model::request::{Doubt, Phase, Request};
use crate::model::store::{Kind, SEGMENT};
use crate::model::{Protocol, State, Step};
use serde_json::{Value, json};
use stateright::Model;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Nodes that one search visits at most.
const MOST: usize = 60_000;

/// The steps of the model that a compare store knows. `Check` and `Remove` are of stores that create if absent.
pub const STEPS: [&str; 13] = [
    "send",
    "read",
    "lead from cache",
    "append",
    "push",
    "reply",
    "drop reply",
    "snapshot",
    "drop cache",
    "crash",
    "late append",
    "roll back",
    "grace ends",
];

/// A step's name, among [`STEPS`] or of another kind of store.
fn name(step: Step) -> &'static str {
    match step {
        Step::Send(..) => "send",
        Step::Read(..) => "read",
        Step::LeadFromCache(..) => "lead from cache",
        Step::Append(..) => "append",
        Step::Check(..) => "check",
        Step::Remove(..) => "remove",
        Step::Push(..) => "push",
        Step::Reply(..) => "reply",
        Step::DropReply(..) => "drop reply",
        Step::Snapshot(..) => "snapshot",
        Step::DropCache(..) => "drop cache",
        Step::Crash(..) => "crash",
        Step::LateAppend(..) => "late append",
        Step::RollBack(..) => "roll back",
        Step::GraceEnds(..) => "grace ends",
    }
}

/// The model at one moment, and what a host would know of leases.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Path {
    state: State,
    /// The head's lease can live: it does not after a roll-back.
    leased: bool,
    /// By instance: its own append was its last read, and the inbox was empty.
    warm: Vec<bool>,
    /// By instance: its request was refused as a gap.
    gap: Vec<bool>,
}

impl Path {
    fn new(config: &Config) -> Self {
        Path {
            state: State::new(config),
            leased: true,
            warm: vec![false; config.instances],
            gap: vec![false; config.instances],
        }
    }

    fn request(&self, instance: usize) -> &Request {
        &self.state.instances[instance].requests[0]
    }

    /// After `step`, or `None` if it does not apply.
    fn after(&self, step: Step, config: &Config) -> Option<Path> {
        let mut next = self.clone();
        if !next.state.take(step, config) {
            return None;
        }
        next.state.held_for_lost.clear();
        let taken = next.state.store.slots.len() > self.state.store.slots.len();
        next.leased |= taken;
        match step {
            Step::RollBack(..) => next.leased = false,
            Step::Append(instance, _, outcome) => {
                let inbox_empty = next.state.store.inbox.is_empty();
                next.warm[instance] = outcome == Outcome::Answered && taken && inbox_empty;
            }
            Step::Read(instance, ..) => {
                next.warm[instance] = false;
                let resolves = matches!(next.request(instance).phase, Phase::Replying(_))
                    && matches!(self.request(instance).phase, Phase::Resolving(..));
                let view = next.state.instances[instance].cache.unwrap_or_default();
                let news = next
                    .request(instance)
                    .body
                    .news(&view, &self.state.store.inbox);
                next.gap[instance] = news.is_none() && !resolves;
            }
            Step::Push(instance, _) | Step::DropCache(instance) => next.warm[instance] = false,
            Step::Crash(instance) => {
                (next.warm[instance], next.gap[instance]) = (false, false);
            }
            Step::Reply(instance, _) | Step::DropReply(instance, _) => next.gap[instance] = false,
            _ => {}
        }
        Some(next)
    }

    /// Whether a host can be brought to take this step, by clocks and faults alone.
    fn steerable(&self, step: Step, next: &Path) -> bool {
        match step {
            // Following needs somebody's lease. So does not leading again once an append is found.
            Step::Read(instance, _, then) => {
                let before = &self.request(instance).phase;
                let follows = then == Then::Follow
                    || matches!(next.request(instance).phase, Phase::Pushing(_))
                    || matches!(before, Phase::Resolving(..))
                        && matches!(next.request(instance).phase, Phase::Replying(_));
                // A refusal stays.
                let undecided = !self.gap[instance] || next.gap[instance];
                undecided && (self.leased || !follows)
            }
            Step::Push(..) => self.leased,
            Step::LeadFromCache(instance, _) => self.warm[instance],
            // The handler stores it with the frame that ends a segment: the model's second.
            Step::Snapshot(instance) => {
                let cache = self.state.instances[instance].cache;
                cache.is_some_and(|view| {
                    view.chain.version() == SEGMENT && self.state.store.holds(&view, Mutant::None)
                })
            }
            // A request under way has the room in hand.
            Step::DropCache(instance) => self.state.instances[instance].requests.is_empty(),
            _ => true,
        }
    }
}

/// What kind of step this is, and how it ended.
fn labels(before: &Path, step: Step, after: &Path) -> Vec<String> {
    let mut labels = vec![format!("{}{}", name(step), ending(before, step, after))];
    if let Step::Read(instance, ..) | Step::LeadFromCache(instance, _) = step {
        let notes = format!("{:?}", after.request(instance).notes);
        let each = notes
            .trim_matches(['[', ']'])
            .split(", ")
            .filter(|note| !note.is_empty());
        labels.extend(each.map(|note| format!("{} meets {note}", name(step))));
        if after.gap[instance] {
            labels.push("refused as a gap".into());
        }
    }
    labels
}

fn ending(before: &Path, step: Step, after: &Path) -> String {
    let taken = after.state.store.slots.len() > before.state.store.slots.len();
    match step {
        Step::Send(_, _, batch) => format!(" {batch:?}"),
        Step::Read(instance, _, then) => {
            let from = phase(&before.request(instance).phase);
            format!(
                " {then:?}: {from} -> {}",
                phase(&after.request(instance).phase)
            )
        }
        Step::Append(instance, _, outcome) => {
            format!(
                " {outcome:?}, taken {taken} -> {}",
                phase(&after.request(instance).phase)
            )
        }
        Step::Reply(instance, _) => format!(" {}", told(before, instance)["says"]),
        Step::LateAppend(_) => format!(" taken {taken}"),
        Step::RollBack(frames, inbox) => format!(" {frames} {inbox:?}"),
        Step::Crash(instance) => {
            let requests = &before.state.instances[instance].requests;
            format!(
                " {}",
                requests
                    .first()
                    .map_or("idle", |request| phase(&request.phase))
            )
        }
        _ => String::new(),
    }
}

fn phase(of: &Phase) -> &'static str {
    match of {
        Phase::Arrived => "arrived",
        Phase::Appending(_) => "append",
        Phase::Checking(_) => "check",
        Phase::Resolving(_, Doubt::Refused) => "refused",
        Phase::Resolving(_, Doubt::Unknown) => "unknown",
        Phase::Removing(..) => "remove",
        Phase::Pushing(_) => "push",
        Phase::Replying(_) => "reply",
        Phase::Retrying(_) => "retry",
    }
}

/// What a reply says.
fn told(path: &Path, instance: usize) -> Value {
    let request = path.request(instance);
    match &request.phase {
        Phase::Replying(view) if path.gap[instance] => {
            json!({ "says": "gap", "head": view.chain.to_string() })
        }
        Phase::Replying(view) => {
            let reset = is_reset(&request.body, view, Mutant::None);
            json!({
                "says": if reset { "reset" } else { "news" },
                "head": view.chain.to_string(),
                "mark": view.marks[usize::from(request.body.device)],
            })
        }
        _ => json!({ "says": "retry" }),
    }
}

fn entries(of: impl Iterator<Item = Entry>) -> Value {
    of.map(|entry| format!("{entry:?}")).collect()
}

fn frame(of: &Frame) -> Value {
    json!({ "is": of.chain().to_string(), "entries": entries(of.entries.iter()) })
}

/// A step as a line: what is done, and what is then there.
fn line(before: &Path, step: Step, after: &Path) -> Value {
    let mut line = json!({ "step": name(step) });
    let mut put = |key: &str, value: Value| {
        line[key] = value;
    };
    let taken = after.state.store.slots.len() > before.state.store.slots.len();
    match step {
        Step::Send(device, instance, _) => {
            put("instance", instance.into());
            let request = after.request(instance);
            put("device", device.into());
            put("actions", entries(request.body.actions()));
            put("kept_from", request.body.floor.max(1).into());
            put("cursor", request.body.cursor.to_string().into());
            put("answered", before.state.clients[device].acknowledged.into());
        }
        Step::Read(instance, _, then) => {
            put("instance", instance.into());
            put("then", format!("{then:?}").into());
            put("met", format!("{:?}", after.request(instance).notes).into());
            put("gap", after.gap[instance].into());
        }
        Step::Append(_, _, outcome) => {
            put("outcome", format!("{outcome:?}").into());
            put("taken", taken.into());
        }
        Step::Reply(instance, _) | Step::DropReply(instance, _) => {
            put("told", told(before, instance))
        }
        Step::LateAppend(index) => {
            put(
                "frame",
                before.state.store.late[index]
                    .frame
                    .chain()
                    .to_string()
                    .into(),
            );
            put("taken", taken.into());
        }
        Step::RollBack(frames, inbox) => {
            put("frames", frames.into());
            put("inbox", format!("{inbox:?}").into());
        }
        _ => {}
    }
    if let Step::LeadFromCache(instance, _)
    | Step::Append(instance, ..)
    | Step::Push(instance, _)
    | Step::Reply(instance, _)
    | Step::DropReply(instance, _)
    | Step::Snapshot(instance)
    | Step::DropCache(instance)
    | Step::Crash(instance) = step
    {
        put("instance", instance.into());
    }
    if let Step::Read(instance, ..)
    | Step::LeadFromCache(instance, _)
    | Step::Append(instance, ..)
    | Step::Push(instance, _) = step
    {
        let next = &after.request(instance).phase;
        put("next", phase(next).into());
        match next {
            Phase::Appending(attempt) => put("frame", frame(&attempt.frame)),
            Phase::Pushing(news) => put("items", entries(news.iter().copied())),
            _ => {}
        }
    }
    put("after", seen(&after.state));
    line
}

/// What the code must agree with after each step.
fn seen(state: &State) -> Value {
    let truth: View = state.store.truth();
    let clients = state.clients.iter();
    let log = state.store.slots.iter().flatten().map(frame);
    json!({
        "log": log.collect::<Value>(),
        "inbox": entries(state.store.inbox.iter().copied()),
        "marks": truth.marks[..state.clients.len()],
        "clients": clients.map(|client| json!({
            "cursor": client.cursor.to_string(),
            "acknowledged": client.acknowledged,
        })).collect::<Value>(),
    })
}

/// A configuration and the steps from its start.
type Trace = (usize, Vec<Step>);

/// The configurations that are searched: small ones, so that traces are short.
fn configs() -> Vec<Config> {
    let small = Config::small("vectors", Kind::Compare);
    vec![
        Config {
            unknowns: 1,
            repeats: true,
            crashes: 1,
            split_batches: true,
            follow: true,
            ..small.clone()
        },
        Config {
            actions: &[1, 1],
            sends: 2,
            unknowns: 1,
            follow: true,
            lost_replies: 0,
            ..small.clone()
        },
        Config {
            roll_back: 2,
            snapshots: true,
            sends: 4,
            lost_replies: 0,
            cache_drops: 1,
            instances: 1,
            split_batches: true,
            ..small.clone()
        },
        Config {
            roll_back: 1,
            unknowns: 1,
            idle_frames: 1,
            follow: true,
            lost_replies: 0,
            ..small.clone()
        },
        Config {
            lead_from_cache: true,
            unknowns: 1,
            follow: true,
            cache_drops: 1,
            crashes: 1,
            lost_replies: 0,
            split_batches: true,
            ..small.clone()
        },
        Config {
            roll_back: 1,
            split_batches: true,
            sends: 4,
            grace_ends: true,
            ..small.clone()
        },
        Config {
            roll_back: 2,
            unknowns: 1,
            repeats: true,
            sends: 4,
            lost_replies: 0,
            ..small
        },
    ]
}

/// The shortest trace to each label.
fn search(index: usize, config: &Config, found: &mut BTreeMap<String, Trace>) {
    let model = Protocol {
        config: config.clone(),
    };
    let start = Path::new(config);
    let mut seen = BTreeSet::from([fingerprint(&start)]);
    let mut from: Vec<Option<(usize, Step)>> = vec![None];
    let mut queue = VecDeque::from([(0, start)]);
    while let Some((node, path)) = queue.pop_front() {
        let mut steps = Vec::new();
        model.actions(&path.state, &mut steps);
        for step in steps {
            let Some(next) = path.after(step, config) else {
                continue;
            };
            if !path.steerable(step, &next) {
                continue;
            }
            for label in labels(&path, step, &next) {
                found
                    .entry(label)
                    .or_insert_with(|| (index, steps_to(&from, node, step)));
            }
            if seen.len() < MOST && seen.insert(fingerprint(&next)) {
                from.push(Some((node, step)));
                queue.push_back((from.len() - 1, next));
            }
        }
    }
}

/// States are told apart by this alone, as stateright does.
fn fingerprint(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn steps_to(from: &[Option<(usize, Step)>], mut node: usize, last: Step) -> Vec<Step> {
    let mut steps = vec![last];
    while let Some((parent, step)) = from[node] {
        steps.push(step);
        node = parent;
    }
    steps.reverse();
    steps
}

fn walk(config: &Config, steps: &[Step]) -> Vec<(Path, Step, Path)> {
    let mut path = Path::new(config);
    let mut walked = Vec::new();
    for step in steps {
        let next = path
            .after(*step, config)
            .expect("the search took this step");
        walked.push((path, *step, next.clone()));
        path = next;
    }
    walked
}

/// How often each kind of step is taken, with how it ended.
pub type Coverage = BTreeMap<String, usize>;

/// The vectors as JSON lines, and what they cover.
pub fn vectors() -> (String, Coverage) {
    let configs = configs();
    let mut found = BTreeMap::new();
    for (index, config) in configs.iter().enumerate() {
        search(index, config, &mut found);
    }
    // The longest first: they take the steps of many shorter ones.
    let mut wanted: Vec<(&String, &Trace)> = found.iter().collect();
    wanted.sort_by_key(|(label, (_, steps))| (usize::MAX - steps.len(), (*label).clone()));
    let mut coverage = Coverage::new();
    let mut lines = String::new();
    for (label, (index, steps)) in wanted {
        if coverage.contains_key(label) {
            continue;
        }
        let config = &configs[*index];
        let head = json!({
            "trace": label,
            "instances": config.instances,
            "devices": config.actions.len(),
        });
        lines.push_str(&format!("{head}\n"));
        for (before, step, after) in walk(config, steps) {
            for label in labels(&before, step, &after) {
                *coverage.entry(label).or_default() += 1;
            }
            lines.push_str(&format!("{}\n", line(&before, step, &after)));
        }
    }
    (lines, coverage)
}
