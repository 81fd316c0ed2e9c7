//! The general checker: a room as a log of actions, and the question whether one order of all operations explains what
//! everybody was told, left to an algorithm that knows neither versions nor frames (Wing, Gong and Lowe, in `todc-utils`).
//! It confirms what the linear-time checker says, on windows: those are overlapping, since it looks for an order.
//!
//! The object: `Act` appends an action with its verdict and returns its position, `Read` returns the number of actions and a
//! digest of them. Every reply is a read; an action begins when it is first sent and ends when a reply first acknowledges it.
//! Frames that only tell time are invisible here, and so is a reset: a store that loses writes is not linearisable, its
//! rooms are left out.

use std::collections::BTreeMap;

use todc_utils::specifications::Specification;
use todc_utils::{Action, History, WGLChecker};

use super::log::Era;
use super::story::{self, Op, RoomStory};
use super::{Answer, Body, Line, Unreadable};

/// A part of a history, by positions among the actions of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The room's id.
    pub room: String,
    /// How many actions there were before.
    pub from: u64,
    /// How many operations were ordered.
    pub ops: usize,
    /// Whether there is an order that explains them.
    pub linearisable: bool,
}

/// Checks all rooms that lost nothing, in windows of so many operations of which each begins in the middle of the one before.
pub fn check(lines: &[Line], size: usize) -> Result<Vec<Window>, Unreadable> {
    let mut windows = Vec::new();
    for (room, story) in story::sort(lines)? {
        if let [era] = story.log.eras.as_slice() {
            windows.extend(room_windows(room, &story, era, size.max(2)));
        }
    }
    Ok(windows)
}

/// An operation on the log of actions, with its answer.
#[derive(Clone, Debug)]
enum Operation {
    /// The position of the action, if it has any, and what it is.
    Act(Option<u64>, u64),
    /// How many actions there are, and their digest.
    Read(State),
}

/// How many actions a log has, and their digest.
type State = (u64, u64);

struct LogOfActions;

impl Specification for LogOfActions {
    type State = State;
    type Operation = Operation;

    fn init() -> State {
        (0, 0)
    }

    fn apply(operation: &Operation, state: &State) -> (bool, State) {
        match operation {
            Operation::Act(position, what) => {
                let next = (state.0 + 1, mix(state.1, *what));
                (*position == Some(next.0), next)
            }
            Operation::Read(told) => (told == state, *state),
        }
    }
}

/// An operation of a history. Positions and states are still those of the whole log.
struct Timed {
    call: usize,
    /// `None`: nobody knows whether it was done, or when.
    response: Option<usize>,
    /// How many actions there are before it.
    after: u64,
    what: What,
}

enum What {
    Act {
        position: Option<u64>,
        what: u64,
    },
    /// `None`: what was read is not in the log.
    Read(Option<u64>),
}

fn mix(digest: u64, what: u64) -> u64 {
    let mixed = (digest.rotate_left(23) ^ what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

/// A digest of an action and its verdict.
fn action(device: u32, seq: u64, body: Body, verdict: u16) -> u64 {
    let parts = [
        u64::from(device),
        seq,
        u64::from(body.0),
        u64::from(verdict),
    ];
    parts.into_iter().fold(1, mix)
}

fn room_windows(room: &str, story: &RoomStory<'_>, era: &Era, size: usize) -> Vec<Window> {
    let mut log: BTreeMap<u64, u64> = BTreeMap::new();
    for (device, seq, place) in era.places() {
        log.insert(
            place.position,
            action(device, seq, place.body, place.verdict),
        );
    }
    let mut timed = reads(story, era);
    timed.extend(acts(story, era));
    timed.sort_by_key(|op| (op.after, op.call));
    let mut windows = Vec::new();
    let mut start = 0;
    while start < timed.len() {
        let from = timed[start].after;
        let end = (start + size).min(timed.len());
        // All that follow the same action belong together.
        let to = timed.get(end).map_or(u64::MAX, |op| op.after.max(from + 1));
        let first = timed.partition_point(|op| op.after < from);
        let last = timed.partition_point(|op| op.after < to);
        let inside = &timed[first..last];
        windows.push(Window {
            room: room.into(),
            from,
            ops: inside.len(),
            linearisable: linearisable(inside, from, &log),
        });
        if last == timed.len() {
            break;
        }
        let middle = timed[first + inside.len() / 2].after.max(from + 1);
        start = timed.partition_point(|op| op.after < middle);
    }
    windows
}

fn linearisable(inside: &[Timed], from: u64, log: &BTreeMap<u64, u64>) -> bool {
    let last = inside.iter().map(|op| op.after + 1).max().unwrap_or(from);
    // The digest after each number of actions, from the window's first on.
    let mut digests = vec![0];
    for position in from + 1..=last {
        let before = digests.last().copied().unwrap_or_default();
        digests.push(mix(before, log.get(&position).copied().unwrap_or_default()));
    }
    let operation = |what: &What| match what {
        What::Act { position, what } => {
            let position = position.and_then(|position| position.checked_sub(from));
            Operation::Act(position, *what)
        }
        What::Read(told) => {
            let count = told.and_then(|told| told.checked_sub(from));
            let index = count.and_then(|count| usize::try_from(count).ok());
            let digest = index.and_then(|index| digests.get(index).copied());
            Operation::Read((count.unwrap_or(u64::MAX), digest.unwrap_or_default()))
        }
    };
    let mut actions: Vec<(usize, usize, Action<Operation>)> = Vec::new();
    for (process, op) in inside.iter().enumerate() {
        let response = op.response.unwrap_or(usize::MAX);
        actions.push((op.call, process, Action::Call(operation(&op.what))));
        actions.push((response, process, Action::Response(operation(&op.what))));
    }
    if actions.is_empty() {
        return true;
    }
    actions.sort_by_key(|(line, process, _)| (*line, *process));
    let actions = actions
        .into_iter()
        .map(|(_, process, action)| (process, action));
    WGLChecker::<LogOfActions>::is_linearizable(History::from_actions(actions.collect()))
}

/// Every reply shows the log up to its head.
fn reads(story: &RoomStory<'_>, era: &Era) -> Vec<Timed> {
    let mut newest = 0;
    let mut answered: Vec<(&Op<'_>, (usize, &Answer))> = story
        .ops
        .iter()
        .filter_map(|op| Some((op, op.answer()?)))
        .collect();
    answered.sort_by_key(|(_, (line, _))| *line);
    let read = |(op, (line, answer)): (&Op<'_>, (usize, &Answer))| {
        let told = era.holds(answer.head).then(|| era.actions(answer.head.0));
        newest = newest.max(told.unwrap_or_default());
        Timed {
            call: op.begun,
            response: Some(line),
            after: told.unwrap_or(newest),
            what: What::Read(told),
        }
    };
    answered.into_iter().map(read).collect()
}

/// What is known of an action that was sent.
#[derive(Default)]
struct Sent {
    call: Option<usize>,
    /// The line that acknowledges it, the verdict if it was told, and how many actions there were by then.
    told: Option<(usize, Option<u16>, u64)>,
}

/// Every action that was acknowledged, or is in the log without.
fn acts(story: &RoomStory<'_>, era: &Era) -> Vec<Timed> {
    let mut sent: BTreeMap<(u32, u64, Body), Sent> = BTreeMap::new();
    for op in story.ops.iter().filter(|op| op.failed().is_none()) {
        let device = op.invoke.device.as_ref();
        let Some((device, number)) = device.and_then(|device| Some((device, device.number?)))
        else {
            continue;
        };
        for (seq, body) in &device.actions {
            let known = sent.entry((number, *seq, *body)).or_default();
            known.call = known.call.or(Some(op.begun));
        }
    }
    let mut answers: Vec<(usize, &Answer)> = story.ops.iter().filter_map(Op::answer).collect();
    answers.sort_by_key(|(line, _)| *line);
    let mut marks: BTreeMap<u32, u64> = BTreeMap::new();
    for (line, answer) in answers {
        let Some(standing) = &answer.device else {
            continue;
        };
        let mark = marks.entry(standing.number).or_default();
        let (from, to) = (
            (standing.number, *mark + 1, Body(0)),
            (standing.number, standing.mark, Body(u32::MAX)),
        );
        if from.1 > to.1 {
            continue;
        }
        for ((_, seq, _), known) in sent.range_mut(from..=to) {
            let back = usize::try_from(standing.mark - seq).unwrap_or(usize::MAX);
            let verdict = standing.verdicts.iter().rev().nth(back).copied();
            known.told = Some((line, verdict, era.actions(answer.head.0)));
        }
        *mark = standing.mark;
    }
    let act = |((device, seq, body), known): ((u32, u64, Body), Sent)| {
        let place = era.place(device, seq).filter(|place| place.body == body);
        let verdict = known
            .told
            .and_then(|told| told.1)
            .or(place.map(|place| place.verdict));
        let position = place.map(|place| place.position);
        let told_after = known.told.map(|(_, _, count)| count);
        Some(Timed {
            call: known.call?,
            response: known.told.map(|(line, ..)| line),
            after: position.map(|position| position - 1).or(told_after)?,
            what: What::Act {
                position,
                what: action(device, seq, body, verdict.unwrap_or_default()),
            },
        })
    };
    sent.into_iter().filter_map(act).collect()
}
