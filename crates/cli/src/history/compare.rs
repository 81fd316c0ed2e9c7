//! The same log under other rules: what would have been rejected, or done, that was not, and how the state would differ. What
//! can be asked again and what cannot: see `baton::history`.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, ensure};
use baton::frame::{Entry, Frame};
use baton::history::{Rerun, Step};
use baton::{Room, Rules};
use serde::Serialize;
use serde_json::Value;

use super::differ::{Difference, difference};
use super::file::Log;
use super::rules::{Begin, Registry};
use super::trace::{Flaw, Listener, Told, Trace, state_of};

/// How a room would be under other rules.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// The room: of an account, its name is the user.
    pub room: String,
    /// The first entry after which the states differ.
    pub first: Option<Told>,
    /// Entries of which something else would have become.
    pub verdicts: Vec<Verdict>,
    /// From the state of the log to the one under the other rules, at the end.
    pub state: Vec<Difference>,
    /// The frame on which the other rules broke: what follows it is not compared.
    pub broke: Option<u64>,
}

/// An entry of which something else would have become.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The entry, as the log has it; what the room would have done by itself and did not, as it would have.
    pub told: Told,
    /// What became of it.
    pub was: Fate,
    /// What would have become of it.
    pub would: Fate,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was done.
    Accepted,
    /// It was rejected, with this code.
    Rejected(u16),
    /// It did not happen.
    Absent,
}

impl Change {
    /// Whether nothing would be different.
    pub fn is_none(&self) -> bool {
        self.state.is_empty() && self.verdicts.is_empty() && self.broke.is_none()
    }
}

/// An entry under other rules.
pub(super) struct Seen<'a> {
    index: usize,
    due: bool,
    did: Option<Value>,
    code: Option<u16>,
    state: &'a dyn Fn() -> Value,
}

/// A log under other rules, whichever.
pub(super) trait Again {
    fn follow(&mut self, frame: &Frame, dues: usize, seen: &mut dyn FnMut(Seen<'_>));
    fn state(&self) -> Value;
}

/// Begins one.
pub(super) fn begin<R: Rules>(
    frame: &Frame,
    dues: usize,
    seen: &mut dyn FnMut(Seen<'_>),
) -> Option<Box<dyn Again>> {
    let rerun = Rerun::<R>::begin(frame, dues, &mut |step| tell(&step, seen))?;
    Some(Box::new(rerun))
}

impl<R: Rules> Again for Rerun<R> {
    fn follow(&mut self, frame: &Frame, dues: usize, seen: &mut dyn FnMut(Seen<'_>)) {
        Rerun::follow(self, frame, dues, &mut |step| tell(&step, seen));
    }

    fn state(&self) -> Value {
        let room: &Room<R> = self.room();
        state_of(room)
    }
}

fn tell<R: Rules>(step: &Step<'_, R>, seen: &mut dyn FnMut(Seen<'_>)) {
    seen(Seen {
        index: step.index,
        due: *step.entry == Entry::Due,
        did: step
            .did
            .as_ref()
            .map(|(_, action)| serde_json::to_value(action).unwrap_or_default()),
        code: step.rejected.map(|code| code.0),
        state: &|| state_of(step.room),
    });
}

/// Replays a log by its own rules and by those of this name. The error says what keeps that from being done, or what of the
/// log itself is not sound.
pub fn compare(
    registry: &Registry,
    log: &Log,
    name: &str,
) -> Result<Result<(Trace, Change), Flaw>> {
    let named = registry.by_name(name)?;
    ensure!(
        named.is_of(&log.room),
        "{name} are not rules of {}",
        log.room
    );
    let mut beside = Beside {
        begin: named.begin,
        again: None,
        refused: false,
        frame: Vec::new(),
        change: Change {
            room: log.room.clone(),
            first: None,
            verdicts: Vec::new(),
            state: Vec::new(),
            broke: None,
        },
    };
    let trace = match registry.replay(log, &mut beside) {
        Ok(trace) => trace,
        Err(flaw) => return Ok(Err(flaw)),
    };
    ensure!(
        !beside.refused,
        "{} did not begin as a room of {name} could",
        log.room
    );
    let mut change = beside.change;
    if let (Some(again), None) = (&beside.again, change.broke) {
        change.state = difference(&trace.state, &again.state());
    }
    Ok(Ok((trace, change)))
}

/// The other rules, beside the log.
struct Beside {
    begin: Begin,
    again: Option<Box<dyn Again>>,
    refused: bool,
    /// What the log did in this frame.
    frame: Vec<(Told, Value)>,
    change: Change,
}

/// One entry under the other rules.
struct Would {
    due: bool,
    did: Option<Value>,
    code: Option<u16>,
    /// Looked at only while the states are the same.
    state: Option<Value>,
}

impl Listener for Beside {
    fn entry(&mut self, told: &Told, state: &dyn Fn() -> Value) {
        let same = self.change.first.is_none();
        self.frame
            .push((told.clone(), if same { state() } else { Value::Null }));
    }

    fn frame(&mut self, frame: &Frame, dues: usize) {
        let did = std::mem::take(&mut self.frame);
        if self.refused || self.change.broke.is_some() {
            return;
        }
        let mut would = BTreeMap::new();
        let same = self.change.first.is_none();
        let mut seen = |seen: Seen<'_>| {
            let entry = Would {
                due: seen.due,
                did: seen.did,
                code: seen.code,
                state: same.then(|| (seen.state)()),
            };
            would.insert(seen.index, entry);
        };
        let (begin, again) = (self.begin, &mut self.again);
        // Rules under which a log was not made may break on it.
        let done = catch_unwind(AssertUnwindSafe(|| match again {
            Some(again) => again.follow(frame, dues, &mut seen),
            None => *again = begin(frame, dues, &mut seen),
        }));
        if done.is_err() {
            self.change.broke = Some(frame.v);
            return;
        }
        self.refused = self.again.is_none();
        self.weigh(frame, &did, would);
    }
}

impl Beside {
    fn weigh(&mut self, frame: &Frame, did: &[(Told, Value)], mut would: BTreeMap<usize, Would>) {
        for (told, state) in did {
            let under = would.remove(&told.index);
            let was = fate(told.action.is_some(), told.code);
            let (due, compared) = (
                told.entry == "due",
                under.as_ref().and_then(|under| under.state.as_ref()),
            );
            if self.change.first.is_none() && compared.is_some_and(|other| other != state) {
                self.change.first = Some(told.clone());
            }
            let would = match &under {
                Some(under) => fate(under.did.is_some(), under.code),
                // Who comes and goes is not asked again.
                None if due => Fate::Absent,
                None => was,
            };
            // What the room does by itself is the same only if it is the same action.
            let other = due && under.is_some_and(|under| under.did != told.action);
            if was != would || other {
                self.change.verdicts.push(Verdict {
                    told: told.clone(),
                    was,
                    would,
                });
                self.change.first.get_or_insert_with(|| told.clone());
            }
        }
        for (index, under) in would.into_iter().filter(|(_, under)| under.due) {
            let told = Told {
                sequence: did.last().map_or(0, |(told, _)| told.sequence),
                v: frame.v,
                index,
                time_ms: frame.time_ms,
                entry: "due",
                action: under.did,
                device: None,
                number: None,
                user: None,
                client: None,
                sender: Some("the room".into()),
                code: None,
                rules: None,
            };
            self.change.first.get_or_insert_with(|| told.clone());
            self.change.verdicts.push(Verdict {
                told,
                was: Fate::Absent,
                would: Fate::Accepted,
            });
        }
    }
}

fn fate(did: bool, code: Option<u16>) -> Fate {
    match (did, code) {
        (true, _) => Fate::Accepted,
        (false, Some(code)) => Fate::Rejected(code),
        (false, None) => Fate::Absent,
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Rejected(code) => write!(f, "rejected with {code}"),
            Self::Absent => f.write_str("not done"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.room)?;
        if let Some(first) = &self.first {
            writeln!(f, "  first: {first}")?;
        }
        for Verdict { told, was, would } in &self.verdicts {
            writeln!(f, "  {was}, would be {would}: {told}")?;
        }
        for difference in &self.state {
            writeln!(f, "  {difference}")?;
        }
        if let Some(v) = self.broke {
            writeln!(f, "  the other rules break on frame {v}")?;
        }
        Ok(())
    }
}
