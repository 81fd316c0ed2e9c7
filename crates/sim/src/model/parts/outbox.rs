//! Sends between two rooms: numbered per lineage, delivered at least once, applied exactly once.
//!
//! Modelled: sends; parcels of all that is not acknowledged, carried late or twice; the target's inbox and its mark per
//! lineage; acknowledgement after the target was read back, from a read that may be old by then; pruning; one loss of
//! last frames in each store, noticed by somebody or not. Abstract: a frame of either room is one atomic step; time: a
//! store loses nothing older than the grace time, so what is pruned is safe at the target.
//!
//! The stated exception: where the sender's store lost a send that was carried and nobody noticed, the next send has its
//! name and is taken for it. All else must hold then, too.

use super::super::cases::{Case, MutantCase};
use super::super::report::Shown;
use super::Part;
use stateright::{Model, Property};

/// Which rule is switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// None.
    None,
    /// A send leaves the outbox once it was pushed to the target's inbox.
    PrunedAtDelivery,
    /// The target's snapshot has no marks of senders.
    MarkForgotten,
    /// The target's mark is per sender only.
    LineageNotInName,
    /// Who notices a break gives what is still in the outbox the new lineage's name.
    LineageRenamed,
    /// A parcel holds the last send only.
    SentSingly,
    /// As designed: a target that lost what was acknowledged takes what follows.
    GapTaken,
    /// As designed: after the grace time a send is pruned without another look at the target.
    PrunedUnseen,
}

/// The bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    name: &'static str,
    mutant: Mutant,
    sends: u8,
    parcels: u8,
    copies: u8,
    sender_loses: usize,
    target_loses: usize,
}

/// The part in one configuration.
#[derive(Clone)]
pub struct Outbox {
    config: Config,
}

/// A send. Its name is lineage and number; its body is a ghost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Sent {
    lineage: u8,
    number: u8,
    body: u8,
    acknowledged: bool,
}

/// The sending room after a frame.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Sender {
    lineage: u8,
    last: u8,
    outbox: Vec<Sent>,
    /// Ghost: all that its log sent.
    bodies: Vec<u8>,
}

/// The receiving room after a frame.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Target {
    marks: Vec<(u8, u8)>,
    applied: Vec<u8>,
}

/// What travels as one: all that is not acknowledged, and how far each lineage was.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Parcel {
    sends: Vec<Sent>,
    after: Vec<(u8, u8)>,
}

/// What the last step met.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Met {
    Nothing,
    Deduped,
    GapRefused,
    TakenBack,
}

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// After each frame; the last is the head.
    sender: Vec<Sender>,
    target: Vec<Target>,
    inbox: Vec<Parcel>,
    carried: Vec<Parcel>,
    /// Marks as somebody read them at the target.
    read_back: Option<Vec<(u8, u8)>>,
    /// So many frames of the target are older than the grace time.
    stable: usize,
    sends_left: u8,
    parcels_left: u8,
    copies_left: u8,
    next_lineage: u8,
    next_body: u8,
    sender_lost: bool,
    target_lost: bool,
    /// The sender's store lost frames, and somebody still knows.
    noticeable: bool,
    /// Ghost: bodies whose frames the sender's store lost, and names that were carried for them.
    lost: Vec<u8>,
    burnt: Vec<(u8, u8)>,
    /// Ghost: bodies that were given such a name.
    excepted: Vec<u8>,
    names_carried: Vec<(u8, u8)>,
    met: Met,
}

/// One step of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The sending room sends.
    Send,
    /// Somebody takes the sender's outbox along.
    Carry,
    /// A parcel reaches the target's inbox; perhaps a copy is still on its way.
    Push(usize, bool),
    /// The target frames its inbox.
    Frame,
    /// Somebody reads the target's marks.
    ReadBack,
    /// The sender frames what was read back.
    Acknowledge,
    /// The grace time of what is acknowledged ends.
    Prune,
    /// The sender's store loses its last frames.
    SenderLoses(usize),
    /// The target's store loses its last frames, and perhaps its inbox.
    TargetLoses(usize, bool),
    /// Who still knows of the loss redraws the lineage.
    Notice,
}

fn mark_of(marks: &[(u8, u8)], lineage: u8) -> u8 {
    let own = marks.iter().find(|(of, _)| *of == lineage);
    own.map_or(0, |(_, mark)| *mark)
}

impl Sender {
    /// All that is not acknowledged, as one, and how far each lineage in the outbox should be before it.
    fn parcel(&self, mutant: Mutant) -> Parcel {
        let open = self.outbox.iter().filter(|sent| !sent.acknowledged);
        let mut sends: Vec<Sent> = open.copied().collect();
        let mut after: Vec<(u8, u8)> = Vec::new();
        for sent in &self.outbox {
            let there = sent.number - u8::from(!sent.acknowledged);
            match after
                .last_mut()
                .filter(|(lineage, _)| *lineage == sent.lineage)
            {
                Some((_, upto)) if sent.acknowledged => *upto = there,
                Some(_) => {}
                None => after.push((sent.lineage, there)),
            }
        }
        if mutant == Mutant::SentSingly {
            sends = sends.split_off(sends.len().saturating_sub(1));
            after.clear();
        }
        Parcel { sends, after }
    }
}

impl Target {
    fn take(&mut self, parcel: &Parcel, mutant: Mutant) -> Met {
        let behind = |(lineage, after): &(u8, u8)| mark_of(&self.marks, *lineage) < *after;
        if parcel.after.iter().any(behind) && mutant != Mutant::GapTaken {
            return Met::GapRefused;
        }
        let mut met = Met::Nothing;
        for sent in &parcel.sends {
            let lineage = sent.lineage;
            if sent.number <= mark_of(&self.marks, lineage) {
                met = Met::Deduped;
                continue;
            }
            self.marks.retain(|(of, _)| *of != lineage);
            self.marks.push((lineage, sent.number));
            self.marks.sort_unstable();
            self.applied.push(sent.body);
        }
        met
    }
}

impl State {
    fn sender(&self) -> &Sender {
        self.sender
            .last()
            .expect("the room without frames is the first")
    }

    fn target(&self) -> &Target {
        self.target
            .last()
            .expect("the room without frames is the first")
    }

    /// A frame of the sender, if it changes something.
    fn sender_frame(&mut self, change: impl FnOnce(&mut Sender)) -> bool {
        let mut next = self.sender().clone();
        change(&mut next);
        let changed = next != *self.sender();
        if changed {
            self.sender.push(next);
        }
        changed
    }

    fn push(&mut self, index: usize, copied: bool, mutant: Mutant) {
        let parcel = self.carried.remove(index);
        if copied {
            self.copies_left -= 1;
            self.carried.push(parcel.clone());
        }
        if mutant == Mutant::PrunedAtDelivery {
            self.sender_frame(|sender| sender.outbox.retain(|sent| !parcel.sends.contains(sent)));
        }
        self.inbox.push(parcel);
    }

    fn frame(&mut self, mutant: Mutant) {
        let mut next = self.target().clone();
        if mutant == Mutant::MarkForgotten {
            next.marks.clear();
        }
        for parcel in std::mem::take(&mut self.inbox) {
            match next.take(&parcel, mutant) {
                Met::Nothing => {}
                met => self.met = met,
            }
        }
        if next.applied != self.target().applied {
            self.target.push(next);
        }
    }

    /// What the target has is acknowledged; what it has no longer is not.
    fn acknowledge(&mut self) -> bool {
        let Some(marks) = self.read_back.take() else {
            return false;
        };
        let mut taken_back = false;
        self.sender_frame(|sender| {
            for sent in &mut sender.outbox {
                let there = sent.number <= mark_of(&marks, sent.lineage);
                taken_back |= sent.acknowledged && !there;
                sent.acknowledged = there;
            }
        });
        if taken_back {
            self.met = Met::TakenBack;
        }
        true
    }

    fn prune(&mut self, mutant: Mutant) -> bool {
        let marks = self.target().marks.clone();
        let seen = |sent: &Sent| {
            mutant == Mutant::PrunedUnseen || sent.number <= mark_of(&marks, sent.lineage)
        };
        let pruned = self.sender_frame(|sender| {
            sender
                .outbox
                .retain(|sent| !(sent.acknowledged && seen(sent)));
        });
        if pruned {
            self.stable = self.target.len() - 1;
        }
        pruned
    }

    fn sender_loses(&mut self, frames: usize) {
        let before = self.sender().bodies.clone();
        let named: Vec<Sent> = self
            .sender
            .iter()
            .flat_map(|room| room.outbox.clone())
            .collect();
        self.sender.truncate(self.sender.len() - frames);
        let kept = self.sender().bodies.clone();
        self.lost = before
            .into_iter()
            .filter(|body| !kept.contains(body))
            .collect();
        for sent in named.iter().filter(|sent| self.lost.contains(&sent.body)) {
            if self.names_carried.contains(&(sent.lineage, sent.number)) {
                self.burnt.push((sent.lineage, sent.number));
            }
        }
        self.burnt.sort_unstable();
        self.burnt.dedup();
        self.sender_lost = true;
        self.noticeable = true;
    }

    fn notice(&mut self, mutant: Mutant) {
        let lineage = self.next_lineage;
        self.next_lineage += 1;
        self.noticeable = false;
        // Whatever is sent from here on has a name of its own.
        self.burnt.clear();
        self.sender_frame(|sender| {
            sender.last = 0;
            if mutant != Mutant::LineageNotInName {
                sender.lineage = lineage;
            }
            if mutant == Mutant::LineageRenamed {
                for sent in &mut sender.outbox {
                    sender.last += 1;
                    (sent.lineage, sent.number) = (lineage, sender.last);
                }
            }
        });
    }

    fn take(&mut self, step: Step, mutant: Mutant) -> bool {
        self.met = Met::Nothing;
        match step {
            Step::Send => {
                self.sends_left -= 1;
                let body = self.next_body;
                self.next_body += 1;
                let room = self.sender();
                if self.burnt.contains(&(room.lineage, room.last + 1)) {
                    self.excepted.push(body);
                }
                self.sender_frame(|sender| {
                    sender.last += 1;
                    sender.bodies.push(body);
                    sender.outbox.push(Sent {
                        lineage: sender.lineage,
                        number: sender.last,
                        body,
                        acknowledged: false,
                    });
                });
            }
            Step::Carry => {
                let parcel = self.sender().parcel(mutant);
                if parcel.sends.is_empty() {
                    return false;
                }
                self.parcels_left = self.parcels_left.saturating_sub(1);
                self.names_carried
                    .extend(parcel.sends.iter().map(|sent| (sent.lineage, sent.number)));
                self.names_carried.sort_unstable();
                self.names_carried.dedup();
                self.carried.push(parcel);
            }
            Step::Push(index, copied) => self.push(index, copied, mutant),
            Step::Frame => self.frame(mutant),
            Step::ReadBack => self.read_back = Some(self.target().marks.clone()),
            Step::Acknowledge => return self.acknowledge(),
            Step::Prune => return self.prune(mutant),
            Step::SenderLoses(frames) => self.sender_loses(frames),
            Step::TargetLoses(frames, inbox_too) => {
                self.target.truncate(self.target.len() - frames);
                if inbox_too {
                    self.inbox.clear();
                }
                self.target_lost = true;
            }
            Step::Notice => self.notice(mutant),
        }
        true
    }
}

impl Model for Outbox {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            sender: vec![Sender::default()],
            target: vec![Target::default()],
            inbox: Vec::new(),
            carried: Vec::new(),
            read_back: None,
            stable: 0,
            sends_left: self.config.sends,
            parcels_left: self.config.parcels,
            copies_left: self.config.copies,
            next_lineage: 1,
            next_body: 1,
            sender_lost: false,
            target_lost: false,
            noticeable: false,
            lost: Vec::new(),
            burnt: Vec::new(),
            excepted: Vec::new(),
            names_carried: Vec::new(),
            met: Met::Nothing,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.sends_left > 0 {
            steps.push(Step::Send);
        }
        if state.parcels_left > 0 && state.carried.len() < 2 {
            steps.push(Step::Carry);
        }
        for index in 0..state.carried.len() {
            steps.push(Step::Push(index, false));
            if state.copies_left > 0 {
                steps.push(Step::Push(index, true));
            }
        }
        if !state.inbox.is_empty() {
            steps.push(Step::Frame);
        }
        steps.extend([Step::ReadBack, Step::Acknowledge, Step::Prune]);
        if !state.sender_lost {
            let most = self.config.sender_loses.min(state.sender.len() - 1);
            steps.extend((1..=most).map(Step::SenderLoses));
        }
        if !state.target_lost {
            let young = state.target.len() - 1 - state.stable;
            for frames in 0..=self.config.target_loses.min(young) {
                for inbox_too in [false, true] {
                    let loses = frames > 0 || inbox_too && !state.inbox.is_empty();
                    if loses && self.config.target_loses > 0 {
                        steps.push(Step::TargetLoses(frames, inbox_too));
                    }
                }
            }
        }
        if state.noticeable {
            steps.push(Step::Notice);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        let applies = next.take(step, self.config.mutant);
        (applies && next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &State| once(state)),
            Property::always(WAS_SENT, |_, state: &State| {
                let sent =
                    |body: &u8| state.sender().bodies.contains(body) || state.lost.contains(body);
                state.target().applied.iter().all(sent)
            }),
            Property::always(DELIVERED, |model: &Self, state: &State| {
                delivers(state, model.config.mutant)
            }),
            Property::sometimes(DONE, |_, state: &State| {
                let sender = state.sender();
                sender.bodies.len() > 1
                    && sender.outbox.is_empty()
                    && state.target().applied == sender.bodies
            }),
            Property::sometimes(DEDUPED, |_, state: &State| state.met == Met::Deduped),
            Property::sometimes(GAP, |_, state: &State| state.met == Met::GapRefused),
            Property::sometimes(TAKEN_BACK, |_, state: &State| state.met == Met::TakenBack),
            Property::sometimes(TWO_LINEAGES, |_, state: &State| {
                state.target().marks.len() > 1
            }),
            Property::sometimes(EXCEPTION, |_, state: &State| {
                let lost = |body: &u8| state.lost.contains(body);
                state.target().applied.iter().any(lost)
            }),
        ]
    }
}

const ONCE: &str = "each send applied once, in order";
const WAS_SENT: &str = "only what was sent is applied";
const DELIVERED: &str = "every send ends applied";
const DONE: &str = "all applied and pruned";
const DEDUPED: &str = "a repeated send left out";
const GAP: &str = "a target that lost frames refuses what follows";
const TAKEN_BACK: &str = "an acknowledgement taken back";
const TWO_LINEAGES: &str = "sends of two lineages applied";
const EXCEPTION: &str = "a send applied that its sender's store lost";

fn once(state: &State) -> bool {
    let applied = &state.target().applied;
    applied.iter().enumerate().all(|(index, body)| {
        let mut earlier = applied[..index].iter();
        // What the sender's log no longer has, has no place in its order.
        let loose = |of: &u8| state.lost.contains(of);
        earlier.all(|other| other < body || other != body && (loose(other) || loose(body)))
    })
}

/// Nothing more is lost: somebody looks at the target, carries what it lacks, and looks again.
fn delivers(state: &State, mutant: Mutant) -> bool {
    let mut state = state.clone();
    state.carried.clear();
    for _ in 0..2 {
        for step in [Step::ReadBack, Step::Acknowledge, Step::Carry] {
            state.take(step, mutant);
        }
        if !state.carried.is_empty() {
            state.take(Step::Push(0, false), mutant);
        }
        state.take(Step::Frame, mutant);
    }
    let delivered =
        |body: &u8| state.target().applied.contains(body) || state.excepted.contains(body);
    state.sender().bodies.iter().all(delivered)
}

impl Shown for Outbox {
    fn part(&self) -> String {
        "outbox".into()
    }

    fn name(&self) -> &'static str {
        self.config.name
    }

    fn mutant(&self) -> String {
        format!("{:?}", self.config.mutant)
    }

    fn tell(&self, _: &State, step: &Step, after: &State) -> String {
        let names: Vec<String> = after.sender().outbox.iter().map(name).collect();
        format!(
            "{:<24} outbox {names:?} marks {:?} applied {:?}",
            format!("{step:?}"),
            after.target().marks,
            after.target().applied
        )
    }
}

fn name(sent: &Sent) -> String {
    let seen = if sent.acknowledged { "+" } else { "" };
    format!("{}:{}={}{seen}", sent.lineage, sent.number, sent.body)
}

const BOTH: Config = Config {
    name: "both stores lose frames",
    mutant: Mutant::None,
    sends: 2,
    parcels: 3,
    copies: 0,
    sender_loses: 1,
    target_loses: 1,
};

const TARGET: Config = Config {
    name: "the target loses frames",
    copies: 1,
    sender_loses: 0,
    target_loses: 2,
    ..BOTH
};

const SENDER: Config = Config {
    name: "the sender loses frames",
    copies: 1,
    sender_loses: 2,
    target_loses: 0,
    ..BOTH
};

/// What is explored.
pub fn part() -> Part<Outbox> {
    let case = |config, reaches: &[&'static str]| Case {
        model: Outbox { config },
        reaches: reaches.to_vec(),
    };
    let mutant = |mutant, config, breaks| MutantCase {
        model: Outbox {
            config: Config { mutant, ..config },
        },
        breaks,
    };
    Part {
        reduced: vec![
            case(BOTH, &[DONE, DEDUPED, TAKEN_BACK, TWO_LINEAGES, EXCEPTION]),
            case(TARGET, &[DONE, DEDUPED, GAP, TAKEN_BACK]),
            case(SENDER, &[DONE, DEDUPED, TWO_LINEAGES, EXCEPTION]),
        ],
        deep: vec![
            case(
                Config {
                    sends: 3,
                    sender_loses: 2,
                    target_loses: 2,
                    ..BOTH
                },
                &[DONE, GAP, TAKEN_BACK, TWO_LINEAGES, EXCEPTION],
            ),
            case(Config { sends: 3, ..TARGET }, &[DONE, GAP]),
            case(Config { sends: 3, ..SENDER }, &[DONE, EXCEPTION]),
        ],
        mutants: vec![
            mutant(Mutant::PrunedAtDelivery, TARGET, DELIVERED),
            mutant(Mutant::MarkForgotten, TARGET, ONCE),
            mutant(Mutant::LineageNotInName, SENDER, DELIVERED),
            mutant(Mutant::LineageRenamed, SENDER, ONCE),
            mutant(Mutant::SentSingly, TARGET, DELIVERED),
            mutant(Mutant::GapTaken, TARGET, DELIVERED),
            mutant(Mutant::PrunedUnseen, TARGET, DELIVERED),
        ],
    }
}
