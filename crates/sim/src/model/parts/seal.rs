//! Sealing and trimming on a create-if-absent store: where old frames go, and what must not come back.
//!
//! Modelled: slots in segments of two; a sealer that reads and writes later; a seal or a frame whose write comes late;
//! snapshots per segment; archiving; tombstones; one loss of the last frames, at most a segment. Abstract: a hash is the
//! history itself ([`super::super::chain::Chain`]), so an archive or a tombstone is the hash of its segment's end; what
//! frames hold and the read after a write are the whole model's.

use super::super::cases::{Case, MutantCase};
use super::super::chain::{Chain, Tag};
use super::super::report::Shown;
use super::Part;
use stateright::{Model, Property};

/// Slots of a segment, and segments of the log.
const SEGMENT: usize = 2;
const SEGMENTS: usize = 3;

/// Which rule is switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// None.
    None,
    /// A sealer writes what its warm cache says.
    SealFromCache,
    /// A segment is sealed as soon as it is full.
    SealEarly,
    /// A segment is trimmed that is archived nowhere else.
    TrimBeforeArchive,
    /// A trimmed key is deleted.
    SealedDeleted,
    /// As designed: a tombstone says nothing of what it stands for.
    BareTombstone,
}

/// The bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    name: &'static str,
    mutant: Mutant,
    /// Frames that may be built.
    frames: u8,
    unknowns: u8,
    /// Frames that the store may lose.
    roll_back: usize,
    trims: bool,
}

/// The part in one configuration.
#[derive(Clone)]
pub struct Seal {
    config: Config,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Frame {
    previous: Chain,
    tag: Tag,
}

/// What a segment's key holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Key {
    Slots([Option<Frame>; SEGMENT]),
    /// One string: the segment's frames, up to this hash.
    Archive(Chain),
    /// What is left of it.
    Tombstone(Chain),
}

/// The room by a replay.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
struct View {
    chain: Chain,
    slot: usize,
    /// The hash at the end of each segment.
    ends: [Chain; SEGMENTS],
}

/// A write on its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Write {
    /// A frame into a slot, if that is absent.
    Frame(usize, Frame),
    /// A segment's key, overwritten.
    Seal(usize, Chain),
}

#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Instance {
    cache: Option<View>,
    next: Option<Write>,
    nonce: u8,
}

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    keys: [Key; SEGMENTS],
    snapshots: [Option<View>; SEGMENTS],
    archived: [Option<Chain>; SEGMENTS],
    late: Vec<Write>,
    instances: Vec<Instance>,
    frames_left: u8,
    unknowns: u8,
    /// Ghost: the log before the store lost frames.
    lost: Option<Chain>,
    /// Ghost: what trimmed segments were.
    trimmed: [Option<Chain>; SEGMENTS],
    /// Ghost: the newest frames that were acknowledged.
    acknowledged: Chain,
    log_was_rewritten: bool,
    refused_by_type: bool,
    from_snapshot: bool,
}

/// One step of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An instance reads and builds the next frame.
    Read(usize),
    /// An instance reads afresh that a segment may be sealed.
    ReadToSeal(usize, usize),
    /// An instance writes: answered, or with its answer lost and the write late.
    Write(usize, bool),
    /// A late write is carried out.
    Late(usize),
    /// An instance stores its cache as its segment's snapshot.
    Snapshot(usize),
    /// A sealed segment is archived elsewhere.
    Archive(usize),
    /// A sealed segment is shortened.
    Trim(usize),
    /// The store loses its last frames.
    RollBack(usize),
}

impl State {
    fn slot(&self, slot: usize) -> Option<Frame> {
        match self.keys[(slot - 1) / SEGMENT] {
            Key::Slots(slots) => slots[(slot - 1) % SEGMENT],
            _ => None,
        }
    }

    fn is_full(&self, segment: usize) -> bool {
        match self.keys[segment] {
            Key::Slots(slots) => slots.iter().all(Option::is_some),
            _ => true,
        }
    }

    /// Whether the frame that `view` names is where it says.
    fn holds(&self, view: &View, mutant: Mutant) -> bool {
        let Some(segment) = view.slot.checked_sub(1).map(|slot| slot / SEGMENT) else {
            return true;
        };
        match self.keys[segment] {
            Key::Slots(_) => self
                .slot(view.slot)
                .is_some_and(|frame| frame.previous.then(frame.tag) == view.chain),
            Key::Archive(end) => end.descends_from(view.chain),
            Key::Tombstone(end) => end == view.chain && mutant != Mutant::BareTombstone,
        }
    }

    /// Replays up to the first hole; `None` where an old segment is in the way.
    fn replay(&self, mut view: View) -> Option<View> {
        for segment in view.slot / SEGMENT..SEGMENTS {
            match self.keys[segment] {
                Key::Archive(end) | Key::Tombstone(end) if end == view.chain => {}
                Key::Archive(end) if end.descends_from(view.chain) => view.chain = end,
                Key::Archive(_) | Key::Tombstone(_) => return None,
                Key::Slots(slots) => {
                    for (place, slot) in slots.iter().enumerate().skip(view.slot % SEGMENT) {
                        let Some(frame) = slot else {
                            return Some(view);
                        };
                        view.slot = segment * SEGMENT + place + 1;
                        if frame.previous == view.chain {
                            view.chain = frame.previous.then(frame.tag);
                        }
                    }
                }
            }
            view.slot = (segment + 1) * SEGMENT;
            view.ends[segment] = view.chain;
        }
        Some(view)
    }

    fn verified(&self, mutant: Mutant) -> impl Iterator<Item = View> {
        let snapshots = self.snapshots.into_iter().rev().flatten();
        snapshots.filter(move |view| self.holds(view, mutant))
    }

    /// READ: from the cache, the newest snapshot whose frame is there, or 0.
    fn read(&mut self, cache: Option<View>, mutant: Mutant) -> Option<View> {
        let known = cache.filter(|view| view.slot > 0 && self.holds(view, mutant));
        self.from_snapshot = false;
        // What follows a cache may have been trimmed since: then its holder reads as who has none.
        if let Some(view) = known.and_then(|view| self.replay(view)) {
            return Some(view);
        }
        let snapshot = self.verified(mutant).next();
        self.from_snapshot = snapshot.is_some();
        self.replay(snapshot.unwrap_or_default())
    }

    /// The log by a replay from 0, trimmed segments included.
    fn truth(&self) -> Chain {
        let mut whole = self.clone();
        for (key, trimmed) in whole.keys.iter_mut().zip(self.trimmed) {
            let untouched = !matches!(key, Key::Slots([Some(_), _] | [_, Some(_)]));
            if let Some(end) = trimmed.filter(|_| untouched) {
                *key = Key::Archive(end);
            }
        }
        let view = whole.replay(View::default());
        view.map_or(Chain::EMPTY, |view| view.chain)
    }

    fn build(&mut self, index: usize, mutant: Mutant) -> bool {
        let cache = self.instances[index].cache;
        let Some(view) = self.read(cache, mutant) else {
            return false;
        };
        let instance = &mut self.instances[index];
        instance.cache = Some(view);
        if view.slot < SEGMENT * SEGMENTS && self.frames_left > 0 {
            let tag = Tag::new(index as u8, instance.nonce);
            let frame = Frame {
                previous: view.chain,
                tag,
            };
            instance.nonce += 1;
            instance.next = Some(Write::Frame(view.slot + 1, frame));
            self.frames_left -= 1;
        }
        true
    }

    /// Full, and the next full too, every slot there, the chain verified into the next.
    fn read_to_seal(&mut self, index: usize, segment: usize, mutant: Mutant) -> bool {
        let full =
            self.is_full(segment) && (mutant == Mutant::SealEarly || self.is_full(segment + 1));
        if !full || !matches!(self.keys[segment], Key::Slots(_)) {
            return false;
        }
        let view = match mutant {
            Mutant::SealFromCache => self.instances[index].cache,
            _ => self.read(None, mutant),
        };
        let covers = |view: &View| view.slot >= (segment + 1) * SEGMENT;
        let Some(view) = view.filter(covers) else {
            return false;
        };
        let verified = view.chain != view.ends[segment]
            || matches!(mutant, Mutant::SealEarly | Mutant::SealFromCache);
        if verified {
            self.instances[index].next = Some(Write::Seal(segment, view.ends[segment]));
        }
        verified
    }

    fn carry_out(&mut self, write: Write) -> bool {
        match write {
            Write::Seal(segment, end) => {
                self.keys[segment] = Key::Archive(end);
                true
            }
            Write::Frame(slot, frame) => match &mut self.keys[(slot - 1) / SEGMENT] {
                Key::Slots(slots) => {
                    let place = &mut slots[(slot - 1) % SEGMENT];
                    let absent = place.is_none();
                    place.get_or_insert(frame);
                    absent
                }
                _ => {
                    self.refused_by_type = true;
                    false
                }
            },
        }
    }

    fn write(&mut self, index: usize, answered: bool, mutant: Mutant) {
        let Some(write) = self.instances[index].next.take() else {
            return;
        };
        if !answered {
            self.unknowns -= 1;
            self.late.push(write);
            self.late.sort_unstable();
            return;
        }
        let base = self.instances[index].cache.unwrap_or_default();
        let taken = self.carry_out(write);
        if let Write::Frame(slot, frame) = write
            && taken
            && self.holds(&base, mutant)
        {
            let chain = frame.previous.then(frame.tag);
            let mut view = View {
                chain,
                slot,
                ..base
            };
            if slot.is_multiple_of(SEGMENT) {
                view.ends[slot / SEGMENT - 1] = chain;
            }
            self.instances[index].cache = Some(view);
            self.acknowledged = chain;
        }
    }

    fn may_trim(&self, segment: usize, mutant: Mutant) -> bool {
        let sealed = matches!(self.keys[segment], Key::Archive(_));
        let below = segment == 0 || self.trimmed[segment - 1].is_some();
        let archived = self.archived[segment].is_some() || mutant == Mutant::TrimBeforeArchive;
        let second = self.verified(mutant).nth(1);
        let covered = second.is_some_and(|view| view.slot >= (segment + 1) * SEGMENT);
        sealed && below && archived && covered
    }

    fn trim(&mut self, segment: usize, mutant: Mutant) {
        if let Key::Archive(end) = self.keys[segment] {
            self.trimmed[segment] = Some(end);
            self.keys[segment] = match mutant {
                Mutant::SealedDeleted => Key::Slots([None; SEGMENT]),
                _ => Key::Tombstone(end),
            };
        }
    }

    fn roll_back(&mut self, frames: usize) -> bool {
        self.lost = Some(self.truth());
        let mut left = frames;
        for key in self.keys.iter_mut().rev() {
            if let Key::Slots(slots) = key {
                for slot in slots.iter_mut().rev() {
                    if left > 0 && slot.take().is_some() {
                        left -= 1;
                    }
                }
            }
        }
        left == 0
    }

    fn take(&mut self, step: Step, mutant: Mutant) -> bool {
        (self.refused_by_type, self.from_snapshot) = (false, false);
        match step {
            Step::Read(index) => return self.build(index, mutant),
            Step::ReadToSeal(index, segment) => return self.read_to_seal(index, segment, mutant),
            Step::Write(index, answered) => self.write(index, answered, mutant),
            Step::Late(index) => {
                let write = self.late.remove(index);
                self.carry_out(write);
            }
            Step::Snapshot(index) => {
                let Some(view) = self.instances[index].cache else {
                    return false;
                };
                self.snapshots[view.slot / SEGMENT - 1] = Some(view);
            }
            Step::Archive(segment) => {
                let Key::Archive(end) = self.keys[segment] else {
                    return false;
                };
                self.archived[segment] = Some(end);
            }
            Step::Trim(segment) => self.trim(segment, mutant),
            Step::RollBack(frames) => return self.roll_back(frames),
        }
        true
    }
}

impl Model for Seal {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            keys: [Key::Slots([None; SEGMENT]); SEGMENTS],
            snapshots: [None; SEGMENTS],
            archived: [None; SEGMENTS],
            late: Vec::new(),
            instances: vec![Instance::default(); 2],
            frames_left: self.config.frames,
            unknowns: self.config.unknowns,
            lost: None,
            trimmed: [None; SEGMENTS],
            acknowledged: Chain::EMPTY,
            log_was_rewritten: false,
            refused_by_type: false,
            from_snapshot: false,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.log_was_rewritten {
            return;
        }
        for (index, instance) in state.instances.iter().enumerate() {
            if instance.next.is_some() {
                steps.push(Step::Write(index, true));
                if state.unknowns > 0 {
                    steps.push(Step::Write(index, false));
                }
                continue;
            }
            steps.push(Step::Read(index));
            steps.extend((0..SEGMENTS - 1).map(|segment| Step::ReadToSeal(index, segment)));
            let ends = |view: &View| view.slot > 0 && view.slot.is_multiple_of(SEGMENT);
            if let Some(view) = instance.cache.filter(ends)
                && self.config.trims
                && state.snapshots[view.slot / SEGMENT - 1].is_none()
            {
                steps.push(Step::Snapshot(index));
            }
        }
        steps.extend((0..state.late.len()).map(Step::Late));
        for segment in 0..SEGMENTS {
            if self.config.trims && state.archived[segment].is_none() {
                steps.push(Step::Archive(segment));
            }
            if self.config.trims && state.may_trim(segment, self.config.mutant) {
                steps.push(Step::Trim(segment));
            }
        }
        if state.lost.is_none() {
            steps.extend((1..=self.config.roll_back).map(Step::RollBack));
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        if !next.take(step, self.config.mutant) || next == *state {
            return None;
        }
        if !matches!(step, Step::RollBack(_)) && next.keys != state.keys {
            next.log_was_rewritten |= !next.truth().descends_from(state.truth());
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONLY_EXTENDED, |_, state: &State| !state.log_was_rewritten),
            Property::always(ACKNOWLEDGED, |_, state: &State| {
                let lost = |lost: Chain| lost.descends_from(state.acknowledged);
                state.truth().descends_from(state.acknowledged) || state.lost.is_some_and(lost)
            }),
            Property::always(HISTORY, |_, state: &State| {
                let mut trimmed = state.trimmed.iter().zip(&state.archived);
                trimmed.all(|(trimmed, archived)| trimmed.is_none() || trimmed == archived)
            }),
            Property::always(NEVER_WEDGED, |model: &Self, state: &State| {
                goes_on(state, model.config.mutant)
            }),
            Property::sometimes(SEALED, |_, state: &State| {
                matches!(state.keys[1], Key::Archive(_)) || state.trimmed[1].is_some()
            }),
            Property::sometimes(SEALED_AFTER_LOSS, |_, state: &State| {
                let away = |end: Chain| state.lost.is_some_and(|lost| !lost.descends_from(end));
                matches!(state.keys[0], Key::Archive(end) if away(end))
            }),
            Property::sometimes(BY_TYPE, |_, state: &State| state.refused_by_type),
            Property::sometimes(TRIMMED, |_, state: &State| state.trimmed[0].is_some()),
            Property::sometimes(FROM_SNAPSHOT, |_, state: &State| {
                state.from_snapshot && state.trimmed[0].is_some()
            }),
            Property::sometimes(HOLE, |_, state: &State| {
                let slots = SEGMENT * SEGMENTS;
                (1..slots).any(|slot| {
                    let open = matches!(state.keys[(slot - 1) / SEGMENT], Key::Slots(_));
                    open && state.slot(slot).is_none() && state.slot(slot + 1).is_some()
                })
            }),
        ]
    }
}

const ONLY_EXTENDED: &str = "sealing and late writes never change the log";
const ACKNOWLEDGED: &str = "what is acknowledged is in the log";
const HISTORY: &str = "what is trimmed is archived";
const NEVER_WEDGED: &str = "anybody, warm or cold, reads the log and goes on";
const SEALED: &str = "the second segment sealed";
const SEALED_AFTER_LOSS: &str = "sealed with what was written after a loss";
const BY_TYPE: &str = "a late frame refused by type";
const TRIMMED: &str = "a segment trimmed";
const FROM_SNAPSHOT: &str = "a read from a snapshot where the start is trimmed";
const HOLE: &str = "a hole in the log";

fn goes_on(state: &State, mutant: Mutant) -> bool {
    let caches = state.instances.iter().map(|instance| instance.cache);
    caches.chain([None]).all(|cache| {
        let mut state = state.clone();
        let truth = state.truth();
        match state.read(cache, mutant) {
            None => false,
            Some(view) if view.slot == SEGMENT * SEGMENTS => view.chain == truth,
            Some(view) => {
                let frame = Frame {
                    previous: view.chain,
                    tag: Tag::new(14, 14),
                };
                view.chain == truth
                    && state.carry_out(Write::Frame(view.slot + 1, frame))
                    && state.truth().parent() == truth
            }
        }
    })
}

impl Shown for Seal {
    fn part(&self) -> String {
        "sealing".into()
    }

    fn name(&self) -> &'static str {
        self.config.name
    }

    fn mutant(&self) -> String {
        format!("{:?}", self.config.mutant)
    }

    fn tell(&self, _: &State, step: &Step, after: &State) -> String {
        let keys: Vec<String> = after.keys.iter().map(shown).collect();
        format!("{:<24} log [{}]", format!("{step:?}"), keys.join(" | "))
    }
}

fn shown(key: &Key) -> String {
    match key {
        Key::Archive(end) => format!("sealed {end}"),
        Key::Tombstone(end) => format!("trimmed {end}"),
        Key::Slots(slots) => {
            let shown = slots.map(|slot| {
                slot.map_or("-".into(), |frame| {
                    frame.previous.then(frame.tag).to_string()
                })
            });
            shown.join(", ")
        }
    }
}

const SEALING: Config = Config {
    name: "sealing",
    mutant: Mutant::None,
    frames: 5,
    unknowns: 1,
    roll_back: SEGMENT,
    trims: false,
};

const TRIMMING: Config = Config {
    name: "trimming",
    unknowns: 0,
    roll_back: 1,
    trims: true,
    ..SEALING
};

/// What is explored.
pub fn part() -> Part<Seal> {
    let case = |config, reaches: &[&'static str]| Case {
        model: Seal { config },
        reaches: reaches.to_vec(),
    };
    let mutant = |mutant, config, breaks| MutantCase {
        model: Seal {
            config: Config { mutant, ..config },
        },
        breaks,
    };
    Part {
        reduced: vec![
            case(SEALING, &[SEALED_AFTER_LOSS, BY_TYPE, HOLE]),
            case(TRIMMING, &[TRIMMED, FROM_SNAPSHOT]),
        ],
        deep: vec![
            case(
                Config {
                    frames: 6,
                    ..SEALING
                },
                &[SEALED, SEALED_AFTER_LOSS],
            ),
            case(
                Config {
                    frames: 6,
                    unknowns: 1,
                    ..TRIMMING
                },
                &[SEALED, TRIMMED, FROM_SNAPSHOT],
            ),
        ],
        mutants: vec![
            mutant(Mutant::SealFromCache, SEALING, ONLY_EXTENDED),
            mutant(Mutant::SealEarly, SEALING, ONLY_EXTENDED),
            mutant(Mutant::TrimBeforeArchive, TRIMMING, HISTORY),
            mutant(Mutant::SealedDeleted, TRIMMING, NEVER_WEDGED),
            mutant(Mutant::BareTombstone, TRIMMING, NEVER_WEDGED),
        ],
    }
}
