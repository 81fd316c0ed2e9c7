//! Compares a reply with the log up to its head, and with what had been shown when it was asked for. Must not know in which
//! order things happened, nor which era a reply belongs to if several hold its head.

use super::log::Era;
use super::rule::{Rule, Violation};
use super::story::Op;
use super::{Answer, At, News, Standing};

/// The newest version that somebody was shown, and the line that did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) v: u64,
    pub(super) line: usize,
}

/// What was known when an operation was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begun {
    pub(super) era: usize,
    pub(super) floor: Shown,
    /// The mark of its device, by number.
    pub(super) mark: Option<(u32, Shown)>,
}

/// A reply, and an era of the log that holds its head.
pub(super) struct Told<'a> {
    pub(super) op: &'a Op<'a>,
    pub(super) begun: Begun,
    pub(super) line: usize,
    pub(super) answer: &'a Answer,
    /// All eras of the log.
    pub(super) eras: &'a [Era],
    /// The one that this is compared with.
    pub(super) era: usize,
}

impl Told<'_> {
    /// What contradicts the log, or what was told before this was asked for.
    pub(super) fn contradictions(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        found.extend(self.stale());
        found.extend(self.lineage());
        found.extend(self.news());
        if let Some(standing) = &self.answer.device {
            found.extend(self.standing(standing));
            found.extend(self.fallen(standing));
        }
        found
    }

    fn log(&self) -> &Era {
        &self.eras[self.era]
    }

    fn stale(&self) -> Option<Violation> {
        let (At(v, _), log) = (self.answer.head, self.log());
        let floor = match self.begun.era == self.era {
            true => self.begun.floor,
            false => Shown {
                v: log.kept,
                line: log.loss.unwrap_or_default(),
            },
        };
        (v < floor.v).then(|| Violation {
            rule: Rule::Fresh,
            lines: vec![floor.line, self.op.begun, self.line],
            why: format!(
                "operation {} is shown version {v}; it was sent after version {} had been",
                self.answer.op, floor.v
            ),
        })
    }

    fn lineage(&self) -> Option<Violation> {
        let (At(v, _), log) = (self.answer.head, self.log());
        (self.answer.lineage != log.lineage(v)).then(|| Violation {
            rule: Rule::Lineage,
            lines: log.line(v).into_iter().chain([self.line]).collect(),
            why: format!(
                "lineage {} is told of version {v}, the log's is {}",
                self.answer.lineage,
                log.lineage(v)
            ),
        })
    }

    /// A mark that was told before is not told lower.
    fn fallen(&self, standing: &Standing) -> Option<Violation> {
        let (number, mark) = self.begun.mark?;
        let same = self.begun.era == self.era && number == standing.number;
        (same && standing.mark < mark.v).then(|| Violation {
            rule: Rule::MarkRises,
            lines: vec![mark.line, self.op.begun, self.line],
            why: format!(
                "device {number} was told mark {}, and then {}",
                mark.v, standing.mark
            ),
        })
    }

    /// What it brings of what its client lacks.
    fn news(&self) -> Option<Violation> {
        let (log, cursor, head) = (self.log(), self.op.invoke.cursor, self.answer.head);
        let follows = log.holds(cursor) && cursor.0 <= head.0;
        let found = |rule, why| {
            let lines = vec![self.op.begun, self.line];
            Some(Violation { rule, lines, why })
        };
        let lost = || {
            format!(
                "operation {} has frame {cursor}, which is lost, and is not told",
                self.answer.op
            )
        };
        match &self.answer.news {
            News::Frames(frames) => {
                if let Some(shown) = frames.iter().find(|shown| !log.holds(**shown)) {
                    return Some(uncommitted(log, *shown, self.line));
                }
                let asked = self.op.invoke.frames || !frames.is_empty();
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
            News::Snapshot(_) if !follows && !self.tells(cursor) => {
                return found(Rule::ResetTold, lost());
            }
            News::Reset(_) if follows => {
                let why = format!("operation {} is told that {cursor} is lost", self.answer.op);
                return found(Rule::ResetTrue, why);
            }
            News::Snapshot(_) | News::Reset(_) => {}
        }
        None
    }

    /// Whether a snapshot tells a client that its cursor is lost: by another lineage, or by a mark that fell.
    fn tells(&self, cursor: At) -> bool {
        let mut eras = self.eras[..self.era].iter().rev();
        let Some(before) = eras.find(|before| before.holds(cursor)) else {
            // A frame that never was: nobody can have shown it to this client.
            return true;
        };
        let answer = self.answer;
        let fell = |told: &Standing| told.mark < before.mark(told.number, cursor.0);
        before.lineage(cursor.0) != answer.lineage || answer.device.as_ref().is_some_and(fell)
    }

    /// What of a standing contradicts the log at the head that came with it.
    fn standing(&self, told: &Standing) -> Option<Violation> {
        let (At(v, _), log, device) = (self.answer.head, self.log(), told.number);
        let known = log.known(device, v);
        let found = |rule, seq, why| {
            let place = log.place(device, seq).map(|place| place.line);
            let lines = place.into_iter().chain([self.line]).collect();
            Some(Violation { rule, lines, why })
        };
        if told.mark > known.mark {
            let lost = known.mark + 1;
            let action = format!("action {lost} of device {device} was acknowledged");
            let why = match log.place(device, lost) {
                Some(place) => format!("{action} with version {v}, and is in {}", place.v),
                None => format!("{action}, and is not in the log"),
            };
            return found(Rule::NothingLost, lost, why);
        }
        if told.mark < known.mark {
            let why = format!(
                "device {device} is told mark {} with version {v}, where the log has {}",
                told.mark, known.mark
            );
            return found(Rule::Mark, known.mark, why);
        }
        let hailed = self.op.invoke.device.as_ref();
        let answered = hailed.map_or(0, |device| device.answered);
        let unknown = usize::try_from(told.mark.saturating_sub(answered)).unwrap_or(usize::MAX);
        let due = &known.verdicts[known.verdicts.len() - known.verdicts.len().min(unknown)..];
        if told.verdicts == due {
            return None;
        }
        let mut both = due.iter().rev().zip(told.verdicts.iter().rev());
        let differs = both.position(|(is, told)| is != told);
        let seq = differs.map_or(told.mark, |back| told.mark - back as u64);
        let why = format!(
            "device {device} is told the verdicts {:?} up to action {}, the log has {due:?}",
            told.verdicts, told.mark
        );
        found(Rule::Verdict, seq, why)
    }
}

/// A frame was shown that an era does not hold.
pub(super) fn uncommitted(log: &Era, shown: At, line: usize) -> Violation {
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
