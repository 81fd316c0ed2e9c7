//! A good history with one line corrupted at random: a number or a digit is another, an element or the line is gone, or
//! the line is there twice. It is refused, or it is one of those changes that say nothing, which are listed with the reason.

use std::sync::LazyLock;

use baton_sim::history::check::check;
use baton_sim::history::story::{Op, sort};
use baton_sim::history::{Line, News, read, write};
use proptest::prelude::*;
use serde_json::Value;

use crate::runs::run;
use crate::support::traffic::Odds;

/// What was done to a line.
#[derive(Debug)]
enum Change {
    Gone,
    Twice,
    /// The path of what is another, or gone, with `*` for each index.
    At(String),
}

/// All places of a value where something can be changed.
fn places(value: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
    let mut inner = |key: String, value: &Value| {
        let path: Vec<String> = path.iter().cloned().chain([key]).collect();
        places(value, &path, found);
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "type") {
                inner(key.clone(), value);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                inner(index.to_string(), value);
            }
        }
        _ => found.push(path.to_vec()),
    }
}

fn change(value: &mut Value, up: bool, digit: usize) {
    *value = match value.take() {
        Value::Number(number) => {
            let number = number.as_u64().expect("no other numbers");
            Value::from(if up || number == 0 {
                number + 1
            } else {
                number - 1
            })
        }
        Value::Bool(flag) => Value::from(!flag),
        Value::String(text) if text.len() >= 8 && text.chars().all(|c| c.is_ascii_hexdigit()) => {
            let mut digits: Vec<char> = text.chars().collect();
            let index = digit % digits.len();
            digits[index] = if digits[index] == '0' { '1' } else { '0' };
            Value::from(digits.into_iter().collect::<String>())
        }
        Value::String(text) => Value::from(text + "x"),
        _ => Value::from(0),
    };
}

/// Corrupts a line. `None`: it is no line any more.
fn corrupt(
    lines: &[Line],
    at: usize,
    kind: u8,
    place: usize,
    digit: usize,
) -> (Change, Option<Vec<Line>>) {
    let mut lines = lines.to_vec();
    match kind {
        0 => {
            lines.remove(at);
            return (Change::Gone, Some(lines));
        }
        1 => {
            lines.insert(at, lines[at].clone());
            return (Change::Twice, Some(lines));
        }
        _ => {}
    }
    let mut value = serde_json::to_value(&lines[at]).expect("a line is JSON");
    let mut found = Vec::new();
    places(&value, &[], &mut found);
    let path = &found[place % found.len()];
    let pointer = |path: &[String]| path.iter().map(|key| format!("/{key}")).collect::<String>();
    let (last, before) = path.split_last().expect("no line is a leaf");
    match (kind, value.pointer_mut(&pointer(before))) {
        (2, Some(Value::Array(values))) => drop(values.remove(last.parse().expect("an index"))),
        _ => change(
            value.pointer_mut(&pointer(path)).expect("found above"),
            kind == 3,
            digit,
        ),
    }
    let named: Vec<&str> = path
        .iter()
        .map(|key| {
            if key.parse::<usize>().is_ok() {
                "*"
            } else {
                key
            }
        })
        .collect();
    let corrupted = read(&value.to_string()).ok().map(|mut one| {
        lines[at] = one.remove(0);
        lines
    });
    (Change::At(named.join(".")), corrupted)
}

/// Why a change says nothing; `None` if it must be refused.
fn harmless(lines: &[Line], at: usize, change: &Change) -> Option<&'static str> {
    let rooms = sort(lines).expect("a history");
    let story = rooms.values().next().expect("a room");
    let path = match change {
        Change::At(path) => path.as_str(),
        Change::Gone | Change::Twice => "",
    };
    if path == "time_ms" {
        return Some("the order of the lines is the time");
    }
    match &lines[at] {
        Line::Invoke(invoke) => {
            let op = story.ops.iter().find(|op| op.begun == at).expect("sorted");
            asks(invoke, op, path, &story.ops)
        }
        Line::Ok(_) | Line::Fail(_) | Line::Info(_) if matches!(change, Change::Gone) => {
            Some("an operation without an end is one whose end nobody knows")
        }
        Line::Fail(_) | Line::Info(_) if path == "code" => {
            Some("what a refusal is called is not judged")
        }
        Line::Frame(frame) => match path {
            "nonce" if frame.at.0 > 1 => {
                Some("only the first frame's nonce names a lineage, or a reset's")
            }
            "writer" => {
                let alone = |other: &Line| !matches!(other, Line::Frame(other) if other.epoch == frame.epoch && other.at != frame.at);
                lines
                    .iter()
                    .all(alone)
                    .then_some("the only frame of its epoch can be anybody's")
            }
            _ => None,
        },
        _ => None,
    }
}

/// The same for what was asked.
fn asks(
    invoke: &baton_sim::history::Invoke,
    op: &Op<'_>,
    path: &str,
    ops: &[Op<'_>],
) -> Option<&'static str> {
    let again = |action: &(u64, baton_sim::history::Body)| {
        let number = invoke.device.as_ref().and_then(|device| device.number);
        let mut others = ops
            .iter()
            .filter(|other| other.begun != op.begun && other.failed().is_none());
        others.any(|other| {
            let device = other.invoke.device.as_ref();
            device.is_some_and(|device| device.number == number && device.actions.contains(action))
        })
    };
    let actions = invoke
        .device
        .as_ref()
        .map_or(&[][..], |device| &device.actions);
    match path {
        "process" => Some("a name"),
        "device.kept_from" | "device.presence" => Some("the log says whether it was heeded"),
        "frames" => Some("it got what it did not ask for, or asked for what it got"),
        "device.id" => Some("nobody else was told its number, or it was told none"),
        "device.answered" => {
            Some("the verdicts that were told are those it would get all the same")
        }
        "cursor.*" if !matches!(op.answer(), Some((_, answer)) if matches!(answer.news, News::Frames(_))) => {
            Some("it was given a state, or no answer, whatever it had")
        }
        "device.number" if actions.iter().all(again) => {
            Some("it asked for nothing, or another request asked the same")
        }
        "device.actions.*.*" | "device.actions.*"
            if op.failed().is_some() || actions.iter().any(again) =>
        {
            Some("another request asked the same, or it was refused")
        }
        "room" if op.answer().is_none() && actions.iter().all(again) => {
            Some("no answer came from the other room")
        }
        _ => None,
    }
}

static HISTORIES: LazyLock<Vec<Vec<Line>>> = LazyLock::new(|| {
    let seeds = 7_000..7_008;
    seeds
        .map(|seed| run(3, 3, Odds::ROUGH, seed, 500))
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_corrupted_line_is_refused_or_says_nothing(
        seed in 0_usize..8,
        at in any::<prop::sample::Index>(),
        kind in 0_u8..6,
        place in 0_usize..1_000,
        digit in 0_usize..16,
    ) {
        let lines = &HISTORIES[seed];
        let at = at.index(lines.len());
        let (change, corrupted) = corrupt(lines, at, kind, place, digit);
        let refused = match &corrupted {
            None => true,
            Some(corrupted) => check(corrupted).map_or(true, |report| !report.violations.is_empty()),
        };
        let reason = harmless(lines, at, &change);
        prop_assert!(refused || reason.is_some(), "{change:?} of {}", write(&lines[at..=at]));
    }
}
