//! Which traces are drawn, and how they are told: the pictures in `diagrams/`.

use super::plan::{Host, Plan};
use super::store::{Answer, Call, Holder, Leader};
use super::{FOLLOWS, NO_DOUBLE_WRITE, Rivals, STEPS_DOWN, Start, State, Step, shortest};
use crate::diagram::{Diagram, Event, Tone};
use stateright::Model;

/// A trace to be drawn.
pub struct Drawing {
    /// The name of the file, without `.svg`.
    pub name: &'static str,
    /// Above the picture.
    pub title: &'static str,
    /// What is explored.
    pub rivals: Rivals,
    /// The property whose shortest trace is drawn.
    pub property: &'static str,
}

/// Between the two hosts.
const STORE: usize = 1;

/// All pictures: each rival's shortest double write, and what becomes of the same pause with ours.
pub fn drawings() -> Vec<Drawing> {
    let look = |writes_between| Plan::CheckNowAndThen { writes_between };
    let lock = |writes_between| Plan::DeleteThenSet { writes_between };
    let rivals = |plan, start, ahead| Rivals {
        plan,
        start,
        hosts: 2,
        ahead,
        writes: 4,
    };
    let (dead, leading) = (Start::DeadLeader, Start::Leading);
    let all = [
        (
            "check-now-and-then",
            "Read stale, set self leader, write, check now and then",
            rivals(look(2), dead, false),
            NO_DOUBLE_WRITE,
        ),
        (
            "check-before-each-write",
            "The same, with a check before each write: the leader pauses after it",
            rivals(look(0), leading, false),
            NO_DOUBLE_WRITE,
        ),
        (
            "delete-then-set",
            "Delete the stale lock, set one if absent",
            rivals(lock(2), dead, false),
            NO_DOUBLE_WRITE,
        ),
        (
            "clocks",
            "The same, B's clock ahead: A is deposed though it lives",
            rivals(lock(2), leading, true),
            NO_DOUBLE_WRITE,
        ),
        (
            "append",
            "Baton: append v if v-1 is the last",
            rivals(Plan::Append, dead, false),
            FOLLOWS,
        ),
        (
            "append-after-a-pause",
            "Baton: the leader pauses before its append",
            rivals(Plan::Append, leading, false),
            STEPS_DOWN,
        ),
    ];
    let named = |(name, title, rivals, property)| Drawing {
        name,
        title,
        rivals,
        property,
    };
    all.map(named).into()
}

impl Drawing {
    /// The steps that are drawn.
    ///
    /// # Panics
    ///
    /// If there is no such trace: the drawing then shows something that is not so.
    pub fn trace(&self) -> Vec<Step> {
        shortest(&self.rivals, self.property)
            .unwrap_or_else(|| panic!("{}: nothing meets {:?}", self.name, self.property))
    }

    /// The picture.
    pub fn diagram(&self) -> Diagram {
        let trace = self.trace();
        let mut state = self.rivals.init_states().remove(0);
        let mut events = Vec::new();
        if self.rivals.start == Start::Leading {
            let text = "A leads and has written v1".to_owned();
            events.push(Event::Note(text, Tone::Plain));
        }
        for (place, step) in trace.iter().enumerate() {
            if let Step::Call(host) = step
                && rests(&trace[..place], *step)
            {
                events.push(Event::Resumes(lifeline(*host)));
            }
            self.tell(&mut state, *step, &mut events);
            if let Step::Call(host) = step
                && resumes(&trace[place + 1..], *step)
            {
                events.push(Event::Pauses(lifeline(*host)));
            }
        }
        if self.rivals.start == Start::Leading && resumes(&trace, Step::Call(0)) {
            events.insert(1, Event::Pauses(lifeline(0)));
        }
        Diagram {
            title: self.title.to_owned(),
            parties: ["host A", "store", "host B"].map(str::to_owned).into(),
            events,
        }
    }

    fn tell(&self, state: &mut State, step: Step, events: &mut Vec<Event>) {
        let before = state.clone();
        let Some((call, answer)) = state.take(self.rivals.plan, step) else {
            let text = "A was not heard of for the timeout".to_owned();
            events.push(Event::Note(text, Tone::Plain));
            return;
        };
        let Step::Call(by) = step else { return };
        let asker = &before.hosts[usize::from(by)];
        let twice = state.doubly_written();
        let tone = match (call, answer) {
            (Call::Write(version), _) if self.is_doubled(version) => Tone::Bad,
            (Call::Append(_), _) => Tone::Good,
            _ => Tone::Plain,
        };
        events.push(Event::Call {
            from: lifeline(by),
            to: STORE,
            text: asked(call),
            answer: answered(asker, by, call, answer),
            tone,
        });
        if let Some(version) = twice {
            let text = format!("v{version} was written twice: two games, and one of them is lost");
            events.push(Event::Note(text, Tone::Bad));
        } else if state.follows().is_some() {
            let behind = letter(by);
            let leader = letter(1 - by);
            let text = format!(
                "One v{} only. {behind} follows {leader}",
                state.store.version()
            );
            events.push(Event::Note(text, Tone::Good));
        }
    }

    /// Whether the trace ends with two writes of this version.
    fn is_doubled(&self, version: u8) -> bool {
        let mut end = self.rivals.init_states().remove(0);
        for step in self.trace() {
            end.take(self.rivals.plan, step);
        }
        end.doubly_written() == Some(version)
    }
}

/// Whether the host of `step`, which comes next, made no call for a while.
fn rests(before: &[Step], step: Step) -> bool {
    let since = before.iter().rev().take_while(|other| **other != step);
    since.count() > 1
}

/// Whether the host of `step` makes its next call, if any, only after a while.
fn resumes(after: &[Step], step: Step) -> bool {
    let until = after.iter().position(|other| *other == step);
    until.is_some_and(|others| others > 1)
}

fn lifeline(host: u8) -> usize {
    if host == 0 {
        0
    } else {
        STORE + usize::from(host)
    }
}

fn letter(host: u8) -> char {
    char::from(b'A' + host)
}

fn asked(call: Call) -> String {
    match call {
        Call::ReadLeader => "who leads?".into(),
        Call::SetLeader => "I lead".into(),
        Call::DeleteLock => "delete the lock".into(),
        Call::SetLockIfAbsent => "set my lock if absent".into(),
        Call::Renew => "I still lead".into(),
        Call::Load => "load".into(),
        Call::Write(version) => format!("write v{version}"),
        Call::Read => "read".into(),
        Call::Append(version) => format!("append v{version} after v{}", version - 1),
    }
}

fn answered(asker: &Host, by: u8, call: Call, answer: Answer) -> String {
    match answer {
        Answer::Leader(leader) => led(asker, by, leader),
        Answer::Version(version) => format!("v{version}"),
        Answer::Room(version, leader) => format!("v{version}, {}", led(asker, by, leader)),
        Answer::Done => "done".into(),
        Answer::Taken => "taken".into(),
        Answer::Refused => match call {
            Call::Append(version) => format!("refused: v{version} is there"),
            _ => "refused".into(),
        },
    }
}

fn led(asker: &Host, by: u8, leader: Option<Leader>) -> String {
    let Some(seen) = leader else {
        return "nobody".into();
    };
    match seen.holder {
        Holder::Dead => "one who is silent".into(),
        Holder::Host(host) if host == by => "you".into(),
        Holder::Host(host) if !seen.fresh => format!("{}, who is silent", letter(host)),
        Holder::Host(host) if asker.is_stale(by, leader) => {
            format!("{}, silent by my clock", letter(host))
        }
        Holder::Host(host) => letter(host).into(),
    }
}
