//! A room's log, as the frames and losses of a history tell it: what was there at which version, in every era. An era ends
//! when the store loses frames. Decides what a log must be by itself; must not know what anybody was shown.

use std::collections::BTreeMap;

use baton::limits::WINDOW;

use super::rule::{Rule, Violation};
use super::{At, Body, Entry, Framed, Hex};

/// The log of one room.
#[derive(Clone, Debug)]
pub struct Log {
    /// At least one; only the last still grows.
    pub eras: Vec<Era>,
    /// What a log must not be.
    pub findings: Vec<Violation>,
}

/// A log between two losses.
#[derive(Clone, Debug, Default)]
pub struct Era {
    /// The newest version that the loss before it left.
    pub kept: u64,
    /// The line of that loss.
    pub loss: Option<usize>,
    /// Frame of version v at v - 1.
    frames: Vec<Frame>,
    steps: BTreeMap<u32, Vec<Step>>,
    places: BTreeMap<(u32, u64), Place>,
    lineages: Vec<(u64, Hex)>,
    /// Device and the version that forgot it.
    evicted: BTreeMap<u32, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    line: usize,
    at: At,
    writer: Hex,
    epoch: u64,
    /// Actions up to and with this frame.
    actions: u64,
}

/// A device's mark changes.
#[derive(Clone, Copy, Debug)]
struct Step {
    v: u64,
    mark: u64,
    /// `None`: it vouched, or was evicted, and earlier verdicts are forgotten.
    verdict: Option<u16>,
}

/// Where an action is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line of its frame.
    pub line: usize,
    /// The version of its frame.
    pub v: u64,
    /// Its position among all actions of the log, from 1.
    pub position: u64,
    /// 0 accepted, else the rules' code.
    pub verdict: u16,
    /// Of its body.
    pub body: Body,
}

/// What a log says of a device at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The highest sequence accepted or rejected.
    pub mark: u64,
    /// The remembered verdicts of the sequences that end with the mark.
    pub verdicts: Vec<u16>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            eras: vec![Era::default()],
            findings: Vec::new(),
        }
    }
}

impl Log {
    /// The next frame of the log.
    pub fn enter(&mut self, line: usize, framed: &Framed) {
        let lost = self.eras.len() > 1;
        let Some(era) = self.eras.last_mut() else {
            return;
        };
        let found = era.enter(line, framed, lost);
        self.findings.extend(found);
    }

    /// The store loses all after version `kept`.
    pub fn lose(&mut self, line: usize, kept: u64) {
        let Some(before) = self.eras.last() else {
            return;
        };
        let mut era = before.clone();
        era.kept = kept.min(era.head().0);
        era.loss = Some(line);
        let kept = era.kept;
        era.frames.retain(|frame| frame.at.0 <= kept);
        era.places.retain(|_, place| place.v <= kept);
        era.lineages.retain(|(v, _)| *v <= kept);
        era.evicted.retain(|_, v| *v <= kept);
        for steps in era.steps.values_mut() {
            steps.retain(|step| step.v <= kept);
        }
        self.eras.push(era);
    }
}

impl Era {
    /// The newest frame.
    pub fn head(&self) -> At {
        self.frames.last().map(|frame| frame.at).unwrap_or_default()
    }

    /// The frame at a version; version 0 is the empty room.
    pub fn at(&self, v: u64) -> Option<At> {
        if v == 0 {
            return Some(At::default());
        }
        self.frame(v).map(|frame| frame.at)
    }

    /// The line of the frame at a version.
    pub fn line(&self, v: u64) -> Option<usize> {
        self.frame(v).map(|frame| frame.line)
    }

    /// Whether this frame is in the log.
    pub fn holds(&self, at: At) -> bool {
        self.at(at.0) == Some(at)
    }

    /// How many actions there are up to a version.
    pub fn actions(&self, v: u64) -> u64 {
        self.frame(v).map_or(0, |frame| frame.actions)
    }

    /// Where an action is.
    pub fn place(&self, device: u32, seq: u64) -> Option<Place> {
        self.places.get(&(device, seq)).copied()
    }

    /// All actions: device, sequence, place.
    pub fn places(&self) -> impl Iterator<Item = (u32, u64, Place)> {
        let places = self.places.iter();
        places.map(|((device, seq), place)| (*device, *seq, *place))
    }

    /// Whether a device's mark was ever forgotten.
    pub fn evicts(&self, device: u32) -> bool {
        self.evicted.contains_key(&device)
    }

    /// The lineage at a version; zeros for the empty room.
    pub fn lineage(&self, v: u64) -> Hex {
        let begun = self.lineages.partition_point(|(from, _)| *from <= v);
        let index = begun.checked_sub(1);
        index.map_or_else(Hex::default, |index| self.lineages[index].1)
    }

    /// What is known of a device at a version.
    pub fn known(&self, device: u32, v: u64) -> Known {
        let steps = self.steps(device, v).iter().rev();
        let newest = steps.map_while(|step| step.verdict);
        let mut verdicts: Vec<u16> = newest.take(WINDOW).collect();
        verdicts.reverse();
        let mark = self.mark(device, v);
        Known { mark, verdicts }
    }

    /// The highest sequence of a device that was accepted or rejected up to a version.
    pub fn mark(&self, device: u32, v: u64) -> u64 {
        self.steps(device, v).last().map_or(0, |step| step.mark)
    }

    fn steps(&self, device: u32, v: u64) -> &[Step] {
        let steps = self.steps.get(&device).map_or(&[][..], Vec::as_slice);
        &steps[..steps.partition_point(|step| step.v <= v)]
    }

    fn frame(&self, v: u64) -> Option<&Frame> {
        let index = usize::try_from(v.checked_sub(1)?).ok()?;
        self.frames.get(index)
    }

    fn enter(&mut self, line: usize, framed: &Framed, lost: bool) -> Vec<Violation> {
        let At(v, _) = framed.at;
        if let Some(there) = self.frame(v) {
            return vec![Violation {
                rule: Rule::OneFrame,
                lines: vec![there.line, line],
                why: format!("the log holds {} and {}", there.at, framed.at),
            }];
        }
        let mut found = Vec::from_iter(self.link(line, framed));
        let actions = self.frames.last().map_or(0, |frame| frame.actions);
        self.frames.push(Frame {
            line,
            at: framed.at,
            writer: framed.writer,
            epoch: framed.epoch,
            actions,
        });
        if v == 1 {
            self.lineages.push((1, framed.nonce));
        }
        for entry in &framed.entries {
            found.extend(self.note(line, framed, entry, lost));
        }
        found
    }

    /// Whether a frame follows the newest.
    fn link(&self, line: usize, framed: &Framed) -> Option<Violation> {
        let head = self.head();
        let last = self.frames.last();
        let epoch = match last {
            None => 1,
            Some(last) => last.epoch + u64::from(last.writer != framed.writer),
        };
        let why = if framed.at.0 != head.0 + 1 {
            format!("version {} comes after {}", framed.at.0, head.0)
        } else if framed.previous != head.1 {
            format!(
                "frame {} names {} before it, not {}",
                framed.at, framed.previous, head.1
            )
        } else if framed.epoch != epoch {
            format!(
                "frame {} is of epoch {}, not {epoch}",
                framed.at, framed.epoch
            )
        } else {
            return None;
        };
        let lines = last.map(|last| last.line).into_iter().chain([line]);
        Some(Violation {
            rule: Rule::Chain,
            lines: lines.collect(),
            why,
        })
    }

    fn note(
        &mut self,
        line: usize,
        framed: &Framed,
        entry: &Entry,
        lost: bool,
    ) -> Option<Violation> {
        let v = framed.at.0;
        let found = |rule, why| {
            let lines = vec![line];
            Some(Violation { rule, lines, why })
        };
        match *entry {
            Entry::Act(device, seq, verdict, body) => {
                return self.act(line, v, (device, seq), verdict, body);
            }
            Entry::Vouch(device, mark) => {
                let before = self.mark(device, v);
                self.step(device, v, mark, None);
                if mark <= before {
                    let why = format!("device {device} vouches for {mark}, its mark is {before}");
                    return found(Rule::Dense, why);
                }
            }
            Entry::Evict(device) => {
                self.evicted.insert(device, v);
                self.step(device, v, 0, None);
            }
            Entry::Reset(broken) => {
                let before = self.lineage(v);
                self.lineages.push((v, framed.nonce));
                if !lost {
                    return found(
                        Rule::ResetTrue,
                        format!("frame {v} resets, and nothing was lost"),
                    );
                }
                if broken != before {
                    let why = format!("frame {v} ends lineage {broken}, the log's was {before}");
                    return found(Rule::Lineage, why);
                }
            }
        }
        None
    }

    fn act(
        &mut self,
        line: usize,
        v: u64,
        (device, seq): (u32, u64),
        verdict: u16,
        body: Body,
    ) -> Option<Violation> {
        let before = self.mark(device, v);
        let frame = self.frames.last_mut()?;
        frame.actions += 1;
        let place = Place {
            line,
            v,
            position: frame.actions,
            verdict,
            body,
        };
        if let Some(first) = self.places.get(&(device, seq)) {
            return Some(Violation {
                rule: Rule::Once,
                lines: vec![first.line, line],
                why: format!(
                    "action {seq} of device {device} is in versions {} and {v}",
                    first.v
                ),
            });
        }
        self.places.insert((device, seq), place);
        self.step(device, v, seq, Some(verdict));
        (seq != before + 1).then(|| Violation {
            rule: Rule::Dense,
            lines: vec![line],
            why: format!(
                "action {seq} of device {device} is in version {v}, its mark was {before}"
            ),
        })
    }

    fn step(&mut self, device: u32, v: u64, mark: u64, verdict: Option<u16>) {
        let steps = self.steps.entry(device).or_default();
        steps.push(Step { v, mark, verdict });
    }
}
