//! Histories that must fail: a good one, written by hand, and one edit of it for each rule. The linear-time checker refuses
//! each for its own reason; the general one refuses those that no order explains.

use std::collections::BTreeSet;

use baton_sim::history::check::check;
use baton_sim::history::rule::Rule;
use baton_sim::history::{
    Answer, At, Body, End, Entry, Framed, Hailed, Hex, Invoke, Line, Loss, News, Presence,
    Standing, general,
};

const ROOM: &str = "kind/forged";

fn at(v: u64) -> At {
    match v {
        0 => At::default(),
        v => At(v, Hex(0xf00 + v)),
    }
}

fn body(device: u32, seq: u64) -> Body {
    Body(device * 1_000 + seq as u32)
}

fn act(device: u32, seq: u64) -> Entry {
    Entry::Act(device, seq, 0, body(device, seq))
}

fn invoke(op: u64, device: u32, cursor: u64, actions: &[u64]) -> Line {
    Line::Invoke(Invoke {
        op,
        time_ms: 0,
        process: format!("user{device}"),
        room: ROOM.into(),
        cursor: at(cursor),
        frames: true,
        device: Some(Hailed {
            id: Hex(0xd0 + u64::from(device)),
            number: (!actions.is_empty()).then_some(device),
            answered: 0,
            kept_from: 1,
            presence: Presence::Here,
            actions: actions
                .iter()
                .map(|seq| (*seq, body(device, *seq)))
                .collect(),
        }),
    })
}

fn ok(op: u64, device: u32, frames: std::ops::RangeInclusive<u64>, verdicts: &[u16]) -> Line {
    Line::Ok(Answer {
        op,
        time_ms: 0,
        lineage: Hex(0x11),
        head: at(*frames.end()),
        news: News::Frames(frames.map(at).collect()),
        device: Some(Standing {
            number: device,
            mark: verdicts.len() as u64,
            verdicts: verdicts.to_vec(),
        }),
    })
}

fn frame(v: u64, entries: Vec<Entry>) -> Line {
    Line::Frame(Framed {
        room: ROOM.into(),
        at: at(v),
        previous: at(v - 1).1,
        writer: Hex(1),
        epoch: 1,
        nonce: Hex(0x10 + v),
        entries,
    })
}

fn end(op: u64, code: &str) -> End {
    End {
        op,
        time_ms: 0,
        code: Some(code.into()),
    }
}

/// Two devices join, act at once, one is refused, one does not know; then a third looks.
fn good() -> Vec<Line> {
    vec![
        invoke(1, 0, 0, &[]),
        ok(1, 0, 1..=1, &[]),
        invoke(2, 1, 0, &[]),
        ok(2, 1, 1..=1, &[]),
        invoke(3, 0, 1, &[1]),
        ok(3, 0, 2..=2, &[0]),
        invoke(4, 1, 1, &[1]),
        invoke(5, 0, 2, &[2]),
        ok(4, 1, 2..=3, &[0]),
        ok(5, 0, 3..=3, &[0, 7]),
        invoke(6, 1, 3, &[2]),
        Line::Fail(end(6, "gap")),
        invoke(7, 0, 3, &[3]),
        Line::Info(end(7, "retry")),
        invoke(8, 0, 3, &[3]),
        ok(8, 0, 4..=4, &[0, 7, 0]),
        invoke(9, 1, 3, &[]),
        ok(9, 1, 4..=4, &[0]),
        frame(1, vec![]),
        frame(2, vec![act(0, 1)]),
        frame(3, vec![act(1, 1), Entry::Act(0, 2, 7, body(0, 2))]),
        frame(4, vec![act(0, 3)]),
    ]
}

fn answer(lines: &mut [Line], op: u64) -> &mut Answer {
    let answers = lines.iter_mut().filter_map(|line| match line {
        Line::Ok(answer) => Some(answer),
        _ => None,
    });
    answers
        .into_iter()
        .find(|answer| answer.op == op)
        .expect("it is answered")
}

fn framed(lines: &mut [Line], v: u64) -> &mut Framed {
    let frames = lines.iter_mut().filter_map(|line| match line {
        Line::Frame(frame) => Some(frame),
        _ => None,
    });
    frames
        .into_iter()
        .find(|frame| frame.at.0 == v)
        .expect("it is there")
}

fn standing(lines: &mut [Line], op: u64) -> &mut Standing {
    answer(lines, op).device.as_mut().expect("a device")
}

/// The store loses frame 4 after everybody saw it, and goes on with another.
fn lose(lines: &mut Vec<Line>, news: News) {
    lines.push(Line::Loss(Loss {
        room: ROOM.into(),
        time_ms: 0,
        kept: 3,
    }));
    lines.push(invoke(20, 1, 4, &[]));
    let other = At(4, Hex(0xbad));
    let mut told = ok(20, 1, 4..=4, &[0]);
    if let Line::Ok(answer) = &mut told {
        (answer.head, answer.news, answer.lineage) = (other, news, Hex(0x99));
    }
    lines.push(told);
    let mut again = frame(4, vec![Entry::Reset(Hex(0x11))]);
    if let Line::Frame(frame) = &mut again {
        (frame.at, frame.nonce) = (other, Hex(0x99));
    }
    lines.push(again);
}

/// What is forged, the rule that refuses it, whether no order explains it either, and the edit.
type Forgery = (&'static str, Rule, bool, fn(&mut Vec<Line>));

const FORGERIES: [Forgery; 29] = [
    (
        "an acknowledged action is lost",
        Rule::NothingLost,
        true,
        |lines| {
            framed(lines, 4).entries.clear();
        },
    ),
    (
        "an action is acknowledged before its frame",
        Rule::NothingLost,
        true,
        |lines| {
            framed(lines, 4).entries.clear();
            lines.push(frame(5, vec![act(0, 3)]));
        },
    ),
    ("an action is applied twice", Rule::Once, true, |lines| {
        framed(lines, 3).entries.push(act(0, 1));
    }),
    (
        "an action is accepted, and rejected later",
        Rule::Once,
        true,
        |lines| {
            framed(lines, 4)
                .entries
                .insert(0, Entry::Act(1, 1, 7, body(1, 1)));
        },
    ),
    (
        "an old state is shown as fresh",
        Rule::Fresh,
        true,
        |lines| {
            *answer(lines, 9) = Answer {
                head: at(3),
                news: News::Frames(vec![]),
                ..answer(lines, 9).clone()
            };
        },
    ),
    (
        "the log has two frames at one version",
        Rule::OneFrame,
        false,
        |lines| {
            let mut other = framed(lines, 4).clone();
            other.at.1 = Hex(0xbad);
            lines.push(Line::Frame(other));
        },
    ),
    (
        "two clients are shown two frames of one version",
        Rule::OneFrame,
        true,
        |lines| {
            let other = At(4, Hex(0xbad));
            (answer(lines, 9).head, answer(lines, 9).news) = (other, News::Frames(vec![other]));
        },
    ),
    (
        "a frame is shown on the way to a good head",
        Rule::OneFrame,
        false,
        |lines| {
            answer(lines, 4).news = News::Frames(vec![At(2, Hex(0xbad)), at(3)]);
        },
    ),
    (
        "a version is shown that never was",
        Rule::Committed,
        true,
        |lines| {
            (answer(lines, 9).head, answer(lines, 9).news) =
                (at(5), News::Frames(vec![at(4), at(5)]));
        },
    ),
    ("a verdict changes", Rule::Verdict, false, |lines| {
        standing(lines, 8).verdicts[1] = 0;
    }),
    ("a verdict is not the log's", Rule::Verdict, true, |lines| {
        standing(lines, 5).verdicts[1] = 0;
    }),
    ("a verdict is not told", Rule::Verdict, true, |lines| {
        standing(lines, 8).verdicts.pop();
    }),
    ("a mark falls", Rule::MarkRises, true, |lines| {
        lines.splice(18..18, [invoke(10, 0, 3, &[3]), ok(10, 0, 3..=3, &[0, 7])]);
    }),
    ("a mark is behind its head", Rule::Mark, false, |lines| {
        (standing(lines, 8).mark, standing(lines, 8).verdicts) = (2, vec![0, 7]);
    }),
    (
        "an action is in the log before it was sent",
        Rule::Order,
        true,
        |lines| {
            framed(lines, 4).entries.clear();
            framed(lines, 3).entries.push(act(0, 3));
            (standing(lines, 5).mark, standing(lines, 5).verdicts) = (3, vec![0, 7, 0]);
        },
    ),
    (
        "what was refused is in the log",
        Rule::Refused,
        true,
        |lines| {
            framed(lines, 4).entries.push(act(1, 2));
            (standing(lines, 9).mark, standing(lines, 9).verdicts) = (2, vec![0, 0]);
        },
    ),
    ("an action that nobody sent", Rule::Sent, true, |lines| {
        framed(lines, 4).entries.push(act(1, 2));
        lines.drain(10..12);
        (standing(lines, 9).mark, standing(lines, 9).verdicts) = (2, vec![0, 0]);
    }),
    ("an action with another body", Rule::Sent, true, |lines| {
        framed(lines, 4).entries[0] = Entry::Act(0, 3, 0, Body(5));
    }),
    ("a number is left out", Rule::Dense, true, |lines| {
        framed(lines, 2).entries[0] = act(0, 2);
    }),
    (
        "a device vouches for what it had",
        Rule::Dense,
        false,
        |lines| {
            framed(lines, 4).entries.insert(0, Entry::Vouch(0, 1));
        },
    ),
    ("a version is left out", Rule::Chain, true, |lines| {
        lines.retain(|line| !matches!(line, Line::Frame(frame) if frame.at.0 == 2));
    }),
    (
        "a frame names another before it",
        Rule::Chain,
        false,
        |lines| {
            framed(lines, 3).previous = Hex(0xbad);
        },
    ),
    ("two writers share an epoch", Rule::Chain, false, |lines| {
        framed(lines, 3).writer = Hex(2);
    }),
    ("a frame is left out", Rule::News, false, |lines| {
        answer(lines, 4).news = News::Frames(vec![at(3)]);
    }),
    ("a loss is not told", Rule::ResetTold, false, |lines| {
        lose(lines, News::Frames(vec![]));
    }),
    (
        "a loss is told that was none",
        Rule::ResetTrue,
        false,
        |lines| {
            answer(lines, 9).news = News::Reset(at(4).1);
        },
    ),
    (
        "the log resets, and nothing was lost",
        Rule::ResetTrue,
        false,
        |lines| {
            framed(lines, 4).entries.push(Entry::Reset(Hex(0x11)));
            answer(lines, 8).lineage = Hex(0x14);
            answer(lines, 9).lineage = Hex(0x14);
        },
    ),
    ("another lineage is told", Rule::Lineage, false, |lines| {
        answer(lines, 9).lineage = Hex(0x12);
    }),
    (
        "two devices have one number",
        Rule::Number,
        false,
        |lines| {
            standing(lines, 2).number = 0;
        },
    ),
];

#[test]
fn a_good_history_is_accepted_by_both() {
    let report = check(&good()).expect("a history");
    assert_eq!(report.violations, []);
    assert_eq!(report.count.actions, 4);
    let windows = general::check(&good(), 1_000).expect("a history");
    assert!(
        windows
            .iter()
            .all(|window| window.linearisable && window.ops == 11),
        "{windows:?}"
    );
}

#[test]
fn a_loss_that_is_told_is_accepted() {
    let mut lines = good();
    lose(&mut lines, News::Reset(Hex(0xbad)));
    assert_eq!(check(&lines).expect("a history").violations, []);
    // By a snapshot the other lineage tells it.
    let mut lines = good();
    lose(&mut lines, News::Snapshot(Hex(0xbad)));
    assert_eq!(check(&lines).expect("a history").violations, []);
}

#[test]
fn every_forgery_is_refused_for_its_own_reason() {
    for (name, rule, _, edit) in FORGERIES {
        let mut lines = good();
        edit(&mut lines);
        let report = check(&lines).expect("a history");
        let rules: Vec<Rule> = report.violations.iter().map(|found| found.rule).collect();
        assert!(rules.contains(&rule), "{name}: {:?}", report.violations);
        let witness = report.shortest().expect("found").lines.len();
        assert!((1..=3).contains(&witness), "{name}");
    }
}

#[test]
fn every_rule_has_a_forgery() {
    let forged: BTreeSet<Rule> = FORGERIES.iter().map(|(_, rule, ..)| *rule).collect();
    assert_eq!(forged, BTreeSet::from(Rule::ALL));
}

#[test]
fn what_no_order_explains_is_refused_by_the_general_checker_too() {
    for (name, _, unordered, edit) in FORGERIES {
        let mut lines = good();
        edit(&mut lines);
        let windows = general::check(&lines, 1_000).expect("a history");
        let refused = windows.iter().any(|window| !window.linearisable);
        assert_eq!(refused, unordered, "{name}");
    }
}

#[test]
fn what_is_no_history_is_unreadable() {
    for edit in [
        |lines: &mut Vec<Line>| drop(lines.remove(0)),
        |lines: &mut Vec<Line>| lines.insert(2, lines[1].clone()),
        |lines: &mut Vec<Line>| lines.insert(2, lines[0].clone()),
    ] {
        let mut lines = good();
        edit(&mut lines);
        assert!(check(&lines).is_err());
        assert!(general::check(&lines, 1_000).is_err());
    }
}
