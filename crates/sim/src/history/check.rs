//! The linear-time checker. A reply names the version it shows, and the log says what is true at each version: so nothing has
//! to be searched for. Every reply is compared with the log up to its head, and with the newest version that had been shown
//! when it was asked for (compare.rs); every action with what had been shown when it was first sent. One pass over the lines and one
//! over the log, with a binary search or a look into a tree for each.
//!
//! Where the store lost frames, a request that was on its way may have been answered from before or from after the loss.

use std::collections::BTreeMap;

use super::compare::{Begun, Shown, Told, uncommitted};
use super::log::Place;
use super::rule::{Rule, Violation};
use super::story::{self, Event, Op, RoomStory};
use super::{Answer, Body, Hex, Line, News, Unreadable};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Contradictions, in the order in which they were met.
    pub violations: Vec<Violation>,
    /// How much was checked.
    pub count: Count,
}

/// How much a history holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests sent.
    pub ops: usize,
    /// Answered.
    pub ok: usize,
    /// Refused for certain.
    pub fail: usize,
    /// Actions in the logs.
    pub actions: usize,
    /// Replies that showed a mark above 0.
    pub acknowledged: usize,
    /// Replies that told of a reset.
    pub resets: usize,
    /// Losses of a store.
    pub losses: usize,
}

impl Report {
    /// The contradiction that takes the fewest lines to see.
    pub fn shortest(&self) -> Option<&Violation> {
        let violations = self.violations.iter();
        violations.min_by_key(|violation| violation.lines.len())
    }
}

/// Checks a history.
pub fn check(lines: &[Line]) -> Result<Report, Unreadable> {
    let mut report = Report::default();
    for story in story::sort(lines)?.values() {
        let mut check = Check::new(story);
        check.pass();
        check.sendings();
        report.violations.extend_from_slice(&story.log.findings);
        report.violations.append(&mut check.found);
        report.count.add(story);
    }
    Ok(report)
}

impl Count {
    fn add(&mut self, story: &RoomStory<'_>) {
        let answers = || story.ops.iter().filter_map(Op::answer);
        let marked = |(_, answer): &(usize, &Answer)| {
            answer.device.as_ref().is_some_and(|told| told.mark > 0)
        };
        self.ops += story.ops.len();
        self.ok += answers().count();
        self.fail += story.ops.iter().filter_map(Op::failed).count();
        self.acknowledged += answers().filter(marked).count();
        self.resets += answers()
            .filter(|(_, answer)| matches!(answer.news, News::Reset(_)))
            .count();
        self.losses += story.log.eras.len() - 1;
        self.actions += story.log.eras.last().map_or(0, |era| era.places().count());
    }
}

struct Check<'a> {
    story: &'a RoomStory<'a>,
    found: Vec<Violation>,
    begun: Vec<Begun>,
    /// By operation: the line that says that it was certainly not done.
    refused: Vec<Option<usize>>,
    era: usize,
    floor: Shown,
    /// By device number, in this era: the mark that was told.
    marks: BTreeMap<u32, Shown>,
    /// By device number, in this era: whose it is, and the line that told.
    numbers: BTreeMap<u32, (Hex, usize)>,
    /// By device, in this era: its number, and the line that told.
    ids: BTreeMap<Hex, (u32, usize)>,
    /// Who sent an action, by device number and sequence.
    sendings: BTreeMap<(u32, u64), Vec<(usize, Body)>>,
}

impl<'a> Check<'a> {
    fn new(story: &'a RoomStory<'a>) -> Self {
        Self {
            story,
            found: Vec::new(),
            begun: vec![Begun::default(); story.ops.len()],
            refused: vec![None; story.ops.len()],
            era: 0,
            floor: Shown::default(),
            marks: BTreeMap::new(),
            numbers: BTreeMap::new(),
            ids: BTreeMap::new(),
            sendings: BTreeMap::new(),
        }
    }

    fn pass(&mut self) {
        for event in &self.story.events {
            match event {
                Event::Invoke(op) => self.invoke(*op),
                Event::End(op) => self.end(*op),
                Event::Loss => self.lose(),
            }
        }
    }

    fn invoke(&mut self, index: usize) {
        let device = self.story.ops[index].invoke.device.as_ref();
        let number = device.and_then(|device| device.number);
        let mark = number.and_then(|number| Some((number, *self.marks.get(&number)?)));
        self.begun[index] = Begun {
            era: self.era,
            floor: self.floor,
            mark,
        };
        let (Some(device), Some(number)) = (device, number) else {
            return;
        };
        for (seq, body) in &device.actions {
            let sendings = self.sendings.entry((number, *seq)).or_default();
            sendings.push((index, *body));
        }
    }

    fn lose(&mut self) {
        self.era += 1;
        let era = &self.story.log.eras[self.era];
        self.floor = Shown {
            v: era.kept,
            line: era.loss.unwrap_or_default(),
        };
        self.marks.clear();
        self.numbers.clear();
        self.ids.clear();
    }

    fn end(&mut self, index: usize) {
        let op = &self.story.ops[index];
        // What was refused after a loss may have been done before it.
        self.refused[index] = op.failed().filter(|_| self.begun[index].era == self.era);
        let Some((line, answer)) = op.answer() else {
            return;
        };
        let eras = &self.story.log.eras;
        let mut possible =
            (self.begun[index].era..=self.era).filter(|era| eras[*era].holds(answer.head));
        let mut best: Option<Vec<Violation>> = None;
        for era in possible.by_ref() {
            let told = Told {
                op,
                begun: self.begun[index],
                line,
                answer,
                eras,
                era,
            };
            let found = told.contradictions();
            if found.is_empty() {
                best = Some(found);
                break;
            }
            best.get_or_insert(found);
        }
        match best {
            Some(found) => self.found.extend(found),
            None => self
                .found
                .push(uncommitted(&eras[self.era], answer.head, line)),
        }
        if eras[self.era].holds(answer.head) {
            self.remember(op, line, answer);
        }
    }

    /// What the reply tells is told from now on.
    fn remember(&mut self, op: &Op<'_>, line: usize, answer: &Answer) {
        if answer.head.0 > self.floor.v {
            self.floor = Shown {
                v: answer.head.0,
                line,
            };
        }
        let (Some(device), Some(standing)) = (&op.invoke.device, &answer.device) else {
            return;
        };
        let mark = self.marks.entry(standing.number).or_default();
        if standing.mark > mark.v {
            *mark = Shown {
                v: standing.mark,
                line,
            };
        }
        self.number(device.id, standing.number, line);
    }

    fn number(&mut self, device: Hex, number: u32, line: usize) {
        let mut found = |told, why| {
            self.found.push(Violation {
                rule: Rule::Number,
                lines: vec![told, line],
                why,
            });
        };
        let (id, told) = *self.numbers.entry(number).or_insert((device, line));
        if id != device {
            let why = format!("device {id} and device {device} are both number {number}");
            found(told, why);
        }
        let before = self.ids.insert(device, (number, line));
        if let Some((other, told)) = before
            && other != number
            && !self.story.log.eras[self.era].evicts(other)
        {
            let why = format!("device {device} is number {other}, and then number {number}");
            found(told, why);
        }
    }

    /// Every action of every era was sent, by a request that was not refused, and before anybody saw it.
    fn sendings(&mut self) {
        for (index, era) in self.story.log.eras.iter().enumerate() {
            for (device, seq, place) in era.places().filter(|(_, _, place)| place.v > era.kept) {
                let found = self.sending(index, device, seq, place);
                self.found.extend(found);
            }
        }
    }

    fn sending(&self, era: usize, device: u32, seq: u64, place: Place) -> Option<Violation> {
        let name = format!("action {seq} of device {device}, in version {},", place.v);
        let sendings = self
            .sendings
            .get(&(device, seq))
            .map_or(&[][..], Vec::as_slice);
        let ops = || {
            let same = sendings.iter().filter(|(_, body)| *body == place.body);
            same.map(|(index, _)| *index)
        };
        let Some(first) = ops().next() else {
            let other = sendings
                .first()
                .map(|(index, _)| self.story.ops[*index].begun);
            let why = match other {
                Some(_) => format!("{name} was sent with another body"),
                None => format!("{name} was never sent"),
            };
            let lines = other.into_iter().chain([place.line]).collect();
            let rule = Rule::Sent;
            return Some(Violation { rule, lines, why });
        };
        let Some(taken) = ops().find(|index| self.refused[*index].is_none()) else {
            let refused = self.refused[first];
            return Some(Violation {
                rule: Rule::Refused,
                lines: refused.into_iter().chain([place.line]).collect(),
                why: format!("{name} was refused whenever it was sent"),
            });
        };
        let (begun, op) = (&self.begun[taken], &self.story.ops[taken]);
        let early = begun.era > era || begun.era == era && place.v <= begun.floor.v;
        early.then(|| Violation {
            rule: Rule::Order,
            lines: vec![begun.floor.line, op.begun, place.line],
            why: format!(
                "{name} was first sent after version {} had been shown",
                begun.floor.v
            ),
        })
    }
}
