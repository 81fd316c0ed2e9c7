//! The change of rules: a frame of its own, in a deploy where some instances lack the new rules.
//!
//! Modelled: instances with the old rules only and with both; reads that replay frame by frame from a cache, a snapshot
//! or 0; frames built on what was read and appended later; racing switches; an append whose answer is lost and that
//! comes late; the loss of the store's last frames. Abstract: a compare store, one device whose actions are dense, and a
//! state that is the list of what happened under which rules, so that equal states mean equal replays.

use super::super::cases::{Case, MutantCase};
use super::super::report::Shown;
use super::Part;
use stateright::{Model, Property};

/// Which rule is switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// None.
    None,
    /// An instance without the new rules steps over the switch and leads.
    OldLeads,
    /// Each instance that has the new rules takes them up by itself, without a frame.
    SwitchedWithoutFrame,
    /// A snapshot is read under the newest rules that the instance has.
    ForeignSnapshot,
    /// Who lost the race to switch switches once more.
    SwitchedTwice,
    /// The lack of rules is remembered, also when the store lost the switch.
    LackRemembered,
}

/// The bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    name: &'static str,
    mutant: Mutant,
    /// Instances with the old rules only, and with both.
    old: usize,
    new: usize,
    actions: u8,
    /// Frames that may be built.
    frames: u8,
    unknowns: u8,
    cache_drops: u8,
    roll_back: usize,
}

/// The part in one configuration.
#[derive(Clone)]
pub struct Switch {
    config: Config,
}

/// What a frame does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Entry {
    Act(u8),
    Switch,
}

/// A frame. Its id stands for its hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Frame {
    id: u8,
    previous: u8,
    rules: u8,
    by_old: bool,
    entry: Entry,
}

/// The room by a replay.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Room {
    head: u8,
    version: u8,
    rules: u8,
    mark: u8,
    /// What happened, under which rules.
    state: Vec<(Option<u8>, u8)>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Instance {
    has_new: bool,
    cache: Option<Room>,
    /// The log goes on under rules that it lacks.
    lacks: bool,
    built: Option<Frame>,
}

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    frames: Vec<Frame>,
    snapshot: Option<Room>,
    inbox: Vec<u8>,
    late: Option<Frame>,
    instances: Vec<Instance>,
    /// The operator said that enough instances have the new rules.
    ordered: bool,
    sent: u8,
    next_id: u8,
    unknowns: u8,
    cache_drops: u8,
    lost: bool,
    /// Ghost: a read differs from the replay from 0.
    read_was_wrong: bool,
    met: Met,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Met {
    Nothing,
    LostRace,
    Passed,
    FromSnapshot,
    SnapshotRefused,
    Break,
}

/// What an instance wants to frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// The inbox.
    Actions,
    /// The change of rules.
    Switch,
}

/// One step of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The device's next action is pushed by an instance, whatever rules it has.
    Push,
    /// The operator speaks.
    Order,
    /// An instance reads and builds a frame, if it may lead.
    Read(usize, Want),
    /// An instance appends: answered, or with its answer lost and the write late.
    Append(usize, bool),
    /// The late write is carried out.
    Late,
    /// An instance stores its cache.
    Snapshot(usize),
    /// An instance forgets.
    DropCache(usize),
    /// The store loses its last frames.
    RollBack(usize),
}

impl Room {
    /// The only way that state changes.
    fn after(mut self, frame: &Frame) -> Room {
        (self.head, self.version) = (frame.id, self.version + 1);
        match frame.entry {
            Entry::Act(action) => {
                self.mark = action;
                self.state.push((Some(action), self.rules));
            }
            Entry::Switch => {
                self.rules += 1;
                self.state.push((None, self.rules));
            }
        }
        self
    }
}

impl State {
    fn truth(&self) -> Room {
        self.frames.iter().fold(Room::default(), Room::after)
    }

    fn holds(&self, room: &Room) -> bool {
        let place = usize::from(room.version).checked_sub(1);
        place.is_none_or(|place| {
            self.frames
                .get(place)
                .is_some_and(|frame| frame.id == room.head)
        })
    }

    /// READ: from the cache, a snapshot or 0, as far as this instance has the rules.
    fn read(&mut self, index: usize, mutant: Mutant) -> Room {
        let has_new = self.instances[index].has_new;
        let cache = self.instances[index].cache.take();
        if cache.as_ref().is_some_and(|cache| !self.holds(cache)) {
            self.met = Met::Break;
        }
        let mut room = cache.filter(|cache| self.holds(cache));
        if room.is_none()
            && let Some(snapshot) = self
                .snapshot
                .clone()
                .filter(|snapshot| self.holds(snapshot))
        {
            let foreign = mutant == Mutant::ForeignSnapshot;
            if snapshot.rules > 0 && !has_new && !foreign {
                self.met = Met::SnapshotRefused;
            } else {
                self.met = Met::FromSnapshot;
                let rules = if foreign {
                    u8::from(has_new)
                } else {
                    snapshot.rules
                };
                room = Some(Room { rules, ..snapshot });
            }
        }
        let mut room = room.unwrap_or_default();
        let mut lacks = mutant == Mutant::LackRemembered && self.instances[index].lacks;
        for frame in &self.frames[usize::from(room.version)..] {
            let steps_over = mutant == Mutant::OldLeads && frame.entry == Entry::Switch;
            if frame.entry == Entry::Switch && !has_new && !steps_over {
                lacks = true;
                break;
            }
            let rules = room.rules;
            room = room.after(frame);
            if steps_over && !has_new {
                room.rules = rules;
            }
        }
        if mutant == Mutant::SwitchedWithoutFrame && has_new && self.ordered {
            room.rules = 1;
        }
        self.instances[index].lacks = lacks;
        self.instances[index].cache = Some(room.clone());
        room
    }

    fn lead(&mut self, index: usize, want: Want, mutant: Mutant) -> bool {
        let room = self.read(index, mutant);
        let instance = &self.instances[index];
        if instance.lacks {
            if self.met == Met::Nothing {
                self.met = Met::Passed;
            }
            return true;
        }
        let truth = self.frames[..usize::from(room.version)]
            .iter()
            .fold(Room::default(), Room::after);
        self.read_was_wrong |=
            room != truth && mutant != Mutant::OldLeads && mutant != Mutant::SwitchedWithoutFrame;
        let entry = match want {
            Want::Switch => {
                let due = room.rules == 0 || mutant == Mutant::SwitchedTwice;
                (due && instance.has_new && self.ordered && mutant != Mutant::SwitchedWithoutFrame)
                    .then_some(Entry::Switch)
            }
            Want::Actions => {
                let next = self.inbox.iter().find(|action| **action == room.mark + 1);
                next.map(|action| Entry::Act(*action))
            }
        };
        let id = self.next_id;
        self.next_id += u8::from(entry.is_some());
        let by_old = !instance.has_new;
        self.instances[index].built = entry.map(|entry| Frame {
            id,
            previous: room.head,
            rules: room.rules,
            by_old,
            entry,
        });
        true
    }

    fn append(&mut self, frame: Frame) -> bool {
        let taken = self.frames.last().map_or(0, |last| last.id) == frame.previous;
        if taken {
            self.frames.push(frame);
            let mark = self.truth().mark;
            self.inbox.retain(|action| *action > mark);
        }
        taken
    }

    fn take(&mut self, step: Step, mutant: Mutant) -> bool {
        self.met = Met::Nothing;
        match step {
            Step::Push => {
                self.sent += 1;
                self.inbox.push(self.sent);
            }
            Step::Order => self.ordered = true,
            Step::Read(index, want) => return self.lead(index, want, mutant),
            Step::Append(index, answered) => {
                let Some(frame) = self.instances[index].built.take() else {
                    return false;
                };
                if !answered {
                    self.unknowns -= 1;
                    self.late = Some(frame);
                } else if !self.append(frame) {
                    self.met = Met::LostRace;
                }
            }
            Step::Late => {
                let Some(frame) = self.late.take() else {
                    return false;
                };
                self.append(frame);
            }
            Step::Snapshot(index) => self.snapshot = self.instances[index].cache.clone(),
            Step::DropCache(index) => {
                self.cache_drops -= 1;
                self.instances[index].cache = None;
            }
            Step::RollBack(frames) => {
                let kept = self.frames.len() - frames;
                self.frames.truncate(kept);
                self.lost = true;
                // The device sends again what the room no longer has.
                let mark = self.truth().mark;
                self.inbox = (mark + 1..=self.sent).collect();
            }
        }
        true
    }
}

impl Model for Switch {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let config = &self.config;
        let instance = |index| Instance {
            has_new: index >= config.old,
            ..Instance::default()
        };
        vec![State {
            frames: Vec::new(),
            snapshot: None,
            inbox: Vec::new(),
            late: None,
            instances: (0..config.old + config.new).map(instance).collect(),
            ordered: false,
            sent: 0,
            next_id: 1,
            unknowns: config.unknowns,
            cache_drops: config.cache_drops,
            lost: false,
            read_was_wrong: false,
            met: Met::Nothing,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.read_was_wrong {
            return;
        }
        if state.sent < self.config.actions {
            steps.push(Step::Push);
        }
        if !state.ordered {
            steps.push(Step::Order);
        }
        for (index, instance) in state.instances.iter().enumerate() {
            match instance.built {
                Some(_) => {
                    steps.push(Step::Append(index, true));
                    if state.unknowns > 0 {
                        steps.push(Step::Append(index, false));
                    }
                }
                None if state.next_id > self.config.frames => {}
                None => {
                    steps.push(Step::Read(index, Want::Actions));
                    if state.ordered && instance.has_new {
                        steps.push(Step::Read(index, Want::Switch));
                    }
                }
            }
            if let Some(cache) = &instance.cache {
                let newer = state
                    .snapshot
                    .as_ref()
                    .is_none_or(|snapshot| snapshot.version < cache.version);
                // Where the new rules are, an old instance could still hold the room before the switch.
                if newer && cache.version > 0 && state.holds(cache) {
                    steps.push(Step::Snapshot(index));
                }
                if state.cache_drops > 0 {
                    steps.push(Step::DropCache(index));
                }
            }
        }
        if state.late.is_some() {
            steps.push(Step::Late);
        }
        if !state.lost {
            let most = self.config.roll_back.min(state.frames.len());
            steps.extend((1..=most).map(Step::RollBack));
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        let applies = next.take(step, self.config.mutant);
        (applies && next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(RULES_FOLLOW, |_, state: &State| rules_follow(state)),
            Property::always(HAVE_RULES, |_, state: &State| {
                state
                    .frames
                    .iter()
                    .all(|frame| !frame.by_old || frame.rules == 0)
                    && after_switch(state).all(|frame| !frame.by_old)
            }),
            Property::always(ONCE, |_, state: &State| once(state)),
            Property::always(READERS_AGREE, |_, state: &State| !state.read_was_wrong),
            Property::always(NEVER_WEDGED, |model: &Self, state: &State| {
                heals(state, model.config.mutant)
            }),
            Property::sometimes(SWITCHED, |_, state: &State| {
                after_switch(state).next().is_some() && !state.lost
            }),
            Property::sometimes(PASSED, |_, state: &State| state.met == Met::Passed),
            Property::sometimes(RACED, |_, state: &State| {
                state.met == Met::LostRace && state.truth().rules == 1
            }),
            Property::sometimes(FROM_SNAPSHOT, |_, state: &State| {
                state.met == Met::FromSnapshot
            }),
            Property::sometimes(REFUSED, |_, state: &State| {
                state.met == Met::SnapshotRefused
            }),
            Property::sometimes(SWITCH_LOST, |_, state: &State| {
                let knows = |instance: &Instance| {
                    instance.cache.as_ref().is_some_and(|room| room.rules == 1)
                };
                let old_leads = state.frames.last().is_some_and(|frame| frame.by_old);
                state.lost
                    && state.truth().rules == 0
                    && state.instances.iter().any(knows)
                    && old_leads
            }),
            Property::sometimes(BROKE, |_, state: &State| state.met == Met::Break),
        ]
    }
}

const RULES_FOLLOW: &str = "each frame is of the rules that the log says";
const HAVE_RULES: &str = "who leads has the rules";
const ONCE: &str = "the rules change once, each action once";
const READERS_AGREE: &str = "caches and snapshots equal replay";
const NEVER_WEDGED: &str = "every action ends framed by who has the rules";
const SWITCHED: &str = "frames under the new rules";
const PASSED: &str = "an old instance passes on after the switch";
const RACED: &str = "a race lost after the switch";
const FROM_SNAPSHOT: &str = "a snapshot used";
const REFUSED: &str = "an old instance refuses a new snapshot";
const SWITCH_LOST: &str = "an old instance leads where the switch was lost";
const BROKE: &str = "a break met";

fn after_switch(state: &State) -> impl Iterator<Item = &Frame> {
    let switched = |frame: &&Frame| frame.entry != Entry::Switch;
    state.frames.iter().skip_while(switched).skip(1)
}

fn rules_follow(state: &State) -> bool {
    let mut room = Room::default();
    state.frames.iter().all(|frame| {
        let follows = frame.rules == room.rules;
        room = std::mem::take(&mut room).after(frame);
        follows
    })
}

fn once(state: &State) -> bool {
    let truth = state.truth();
    let acts = truth.state.iter().filter_map(|(action, _)| *action);
    truth.rules <= 1 && acts.eq(1..=truth.mark)
}

/// Whoever is asked passes on; an instance with the rules, warm or cold, frames all of it.
fn heals(state: &State, mutant: Mutant) -> bool {
    (0..state.instances.len()).all(|index| {
        let fits = state.instances[index].has_new || state.truth().rules == 0;
        let mut state = state.clone();
        for _ in 0..=state.inbox.len() {
            state.take(Step::Read(index, Want::Actions), mutant);
            state.take(Step::Append(index, true), mutant);
        }
        !fits || state.truth().mark == state.sent
    })
}

impl Shown for Switch {
    fn part(&self) -> String {
        "rules switch".into()
    }

    fn name(&self) -> &'static str {
        self.config.name
    }

    fn mutant(&self) -> String {
        format!("{:?}", self.config.mutant)
    }

    fn tell(&self, _: &State, step: &Step, after: &State) -> String {
        let log = after
            .frames
            .iter()
            .map(|frame| (frame.id, frame.rules, frame.entry));
        format!(
            "{:<24} log {:?}",
            format!("{step:?}"),
            log.collect::<Vec<_>>()
        )
    }
}

const ROLLING: Config = Config {
    name: "one old, one new",
    mutant: Mutant::None,
    old: 1,
    new: 1,
    actions: 2,
    frames: 5,
    unknowns: 0,
    cache_drops: 1,
    roll_back: 2,
};

const LATE: Config = Config {
    name: "one old, one new, unknown",
    frames: 4,
    unknowns: 1,
    cache_drops: 0,
    ..ROLLING
};

const RACING: Config = Config {
    name: "one old, two new",
    new: 2,
    cache_drops: 0,
    frames: 4,
    roll_back: 1,
    ..ROLLING
};

/// What is explored.
pub fn part() -> Part<Switch> {
    let case = |config, reaches: &[&'static str]| Case {
        model: Switch { config },
        reaches: reaches.to_vec(),
    };
    let mutant = |mutant, config, breaks| MutantCase {
        model: Switch {
            config: Config { mutant, ..config },
        },
        breaks,
    };
    let all = [SWITCHED, PASSED, RACED, SWITCH_LOST, BROKE];
    Part {
        reduced: vec![
            case(ROLLING, &[&all[..], &[FROM_SNAPSHOT, REFUSED]].concat()),
            case(LATE, &[SWITCHED, PASSED, RACED, BROKE]),
            case(RACING, &all),
        ],
        deep: vec![
            case(
                Config {
                    unknowns: 1,
                    ..ROLLING
                },
                &all,
            ),
            case(
                Config {
                    frames: 5,
                    ..RACING
                },
                &all,
            ),
        ],
        mutants: vec![
            mutant(Mutant::OldLeads, ROLLING, HAVE_RULES),
            mutant(Mutant::SwitchedWithoutFrame, ROLLING, RULES_FOLLOW),
            mutant(Mutant::ForeignSnapshot, ROLLING, READERS_AGREE),
            mutant(Mutant::SwitchedTwice, RACING, ONCE),
            mutant(Mutant::LackRemembered, ROLLING, NEVER_WEDGED),
        ],
    }
}
