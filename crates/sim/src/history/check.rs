//! The linear-time checker. A reply names the version it shows, and the log says what is true at each version: so nothing has
//! to be searched for. Every reply is compared with the log up to its head, and with the newest version that had been shown
//! when it was asked for; every action with what had been shown when it was first sent. One pass over the lines and one
//! over the log, with a binary search or a look into a tree for each.
//!
//! Where the store lost frames, a request that was on its way may have been answered from before or from after the loss.

use std::collections::BTreeMap;

use super::log::{Era, Place};
use super::rule::{Rule, Violation};
use super::story::{self, Event, Op, RoomStory};
use super::{Answer, At, Body, Hex, Line, News, Standing, Unreadable};

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

/// The newest version that somebody was shown, and the line that did.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    v: u64,
    line: usize,
}

/// What was known when an operation was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Begun {
    era: usize,
    floor: Shown,
    /// The mark of its device, by number.
    mark: Option<(u32, Shown)>,
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
            let found = self.compare(index, line, answer, era);
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

    /// What of a reply contradicts the log of an era that holds its head, or what was told before it was asked for.
    fn compare(&self, index: usize, line: usize, answer: &Answer, era: usize) -> Vec<Violation> {
        let op = &self.story.ops[index];
        let (begun, log) = (&self.begun[index], &self.story.log.eras[era]);
        let At(v, _) = answer.head;
        let mut found = Vec::new();
        let floor = match begun.era == era {
            true => begun.floor,
            false => Shown {
                v: log.kept,
                line: log.loss.unwrap_or_default(),
            },
        };
        if v < floor.v {
            found.push(Violation {
                rule: Rule::Fresh,
                lines: vec![floor.line, op.begun, line],
                why: format!(
                    "operation {} is shown version {v}; it was sent after version {} had been",
                    answer.op, floor.v
                ),
            });
        }
        if answer.lineage != log.lineage(v) {
            let lines = log.line(v).into_iter().chain([line]);
            found.push(Violation {
                rule: Rule::Lineage,
                lines: lines.collect(),
                why: format!(
                    "lineage {} is told of version {v}, the log's is {}",
                    answer.lineage,
                    log.lineage(v)
                ),
            });
        }
        found.extend(self.news(op, line, answer, era));
        if let Some(standing) = &answer.device {
            let answered = op
                .invoke
                .device
                .as_ref()
                .map_or(0, |device| device.answered);
            found.extend(standing_of(log, standing, answered, v, line));
            if let Some((number, mark)) = begun.mark
                && begun.era == era
                && number == standing.number
                && standing.mark < mark.v
            {
                found.push(Violation {
                    rule: Rule::MarkRises,
                    lines: vec![mark.line, op.begun, line],
                    why: format!(
                        "device {number} was told mark {}, and then {}",
                        mark.v, standing.mark
                    ),
                });
            }
        }
        found
    }

    /// What a reply brings of what its client lacks.
    fn news(&self, op: &Op<'_>, line: usize, answer: &Answer, era: usize) -> Option<Violation> {
        let (log, cursor, head) = (&self.story.log.eras[era], op.invoke.cursor, answer.head);
        let follows = log.holds(cursor) && cursor.0 <= head.0;
        let found = |rule, why| {
            let lines = vec![op.begun, line];
            Some(Violation { rule, lines, why })
        };
        let lost = || {
            format!(
                "operation {} has frame {cursor}, which is lost, and is not told",
                answer.op
            )
        };
        match &answer.news {
            News::Frames(frames) => {
                if let Some(shown) = frames.iter().find(|shown| !log.holds(**shown)) {
                    return Some(uncommitted(log, *shown, line));
                }
                let asked = op.invoke.frames || !frames.is_empty();
                if !follows {
                    return asked.then(|| found(Rule::ResetTold, lost())).flatten();
                }
                let versions = frames.iter().map(|shown| shown.0);
                let whole = versions.eq(cursor.0 + 1..=head.0);
                if asked && !whole {
                    let why = format!("the frames shown do not lead from {cursor} to {head}");
                    return found(Rule::News, why);
                }
            }
            News::Snapshot(hash) | News::Reset(hash) if *hash != head.1 => {
                let why = format!("the state shown is of {hash}, the head of {head}");
                return found(Rule::News, why);
            }
            News::Snapshot(_) if !follows && !self.tells(answer, cursor, era) => {
                return found(Rule::ResetTold, lost());
            }
            News::Reset(_) if follows => {
                let why = format!("operation {} is told that {cursor} is lost", answer.op);
                return found(Rule::ResetTrue, why);
            }
            News::Snapshot(_) | News::Reset(_) => {}
        }
        None
    }

    /// Whether a snapshot tells a client that its cursor is lost: by another lineage, or by a mark that fell.
    fn tells(&self, answer: &Answer, cursor: At, era: usize) -> bool {
        let mut eras = self.story.log.eras[..era].iter().rev();
        let Some(before) = eras.find(|before| before.holds(cursor)) else {
            // A frame that never was: nobody can have shown it to this client.
            return true;
        };
        let fell = |told: &Standing| told.mark < before.mark(told.number, cursor.0);
        before.lineage(cursor.0) != answer.lineage || answer.device.as_ref().is_some_and(fell)
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

/// A frame was shown that an era does not hold.
fn uncommitted(log: &Era, shown: At, line: usize) -> Violation {
    match log.at(shown.0) {
        Some(there) => Violation {
            rule: Rule::OneFrame,
            lines: log.line(shown.0).into_iter().chain([line]).collect(),
            why: format!("frame {shown} is shown, the log holds {there}"),
        },
        None => Violation {
            rule: Rule::Committed,
            lines: vec![line],
            why: format!("frame {shown} is shown, the log ends with {}", log.head()),
        },
    }
}

/// What of a standing contradicts the log at the head that came with it.
fn standing_of(
    log: &Era,
    told: &Standing,
    answered: u64,
    v: u64,
    line: usize,
) -> Option<Violation> {
    let known = log.known(told.number, v);
    let device = told.number;
    if told.mark > known.mark {
        let lost = known.mark + 1;
        let place = log.place(device, lost);
        let lines = place.map(|place| place.line).into_iter().chain([line]);
        return Some(Violation {
            rule: Rule::NothingLost,
            lines: lines.collect(),
            why: match place {
                Some(place) => {
                    format!(
                        "action {lost} of device {device} was acknowledged with version {v}, and is in {}",
                        place.v
                    )
                }
                None => format!(
                    "action {lost} of device {device} was acknowledged, and is not in the log"
                ),
            },
        });
    }
    if told.mark < known.mark {
        let place = log.place(device, known.mark);
        let lines = place.map(|place| place.line).into_iter().chain([line]);
        return Some(Violation {
            rule: Rule::Mark,
            lines: lines.collect(),
            why: format!(
                "device {device} is told mark {} with version {v}, where the log has {}",
                told.mark, known.mark
            ),
        });
    }
    let unknown = usize::try_from(told.mark.saturating_sub(answered)).unwrap_or(usize::MAX);
    let due = &known.verdicts[known.verdicts.len() - known.verdicts.len().min(unknown)..];
    if told.verdicts == due {
        return None;
    }
    let differs = due
        .iter()
        .rev()
        .zip(told.verdicts.iter().rev())
        .position(|(is, told)| is != told);
    let seq = differs.map_or(told.mark, |back| told.mark - back as u64);
    let place = log.place(device, seq).map(|place| place.line);
    Some(Violation {
        rule: Rule::Verdict,
        lines: place.into_iter().chain([line]).collect(),
        why: format!(
            "device {device} is told the verdicts {:?} up to action {}, the log has {due:?}",
            told.verdicts, told.mark
        ),
    })
}
