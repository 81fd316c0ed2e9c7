//! Instances over a store that can only create a key if it is absent: every call of every effect is
//! a point where anything else may happen, and where it may fail.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use baton::effect::{Arrival, Effect, Fed, Found, Moment, Outcome, Read};
use baton::frame::Frame;
use baton::slots::{Answer, Call, Errand, Keys, Slots, Step};
use baton::{Hash, Head, Instance, Invocation, Nonce, Rules, Settings, SettingsInput, Writer};
use serde_bytes::ByteBuf;

use super::{Client, FRAME_MS, IDLE_MS, LEASE_MS, ROOM, START_MS};

/// Segments whose frames are kept: few, so that tests trim.
pub const KEPT: u64 = 6;

/// One store of keys, several instances, one clock.
pub struct Shelf<R: Rules> {
    pub keys: Keys,
    pub instances: Vec<Instance<R>>,
    pub slots: Vec<Slots>,
    pub now_ms: u64,
    pub skews_ms: Vec<i64>,
    /// Calls so far, by kind.
    pub calls: BTreeMap<&'static str, u64>,
    /// What became of appends: told to be in the log, or not.
    pub appended: Vec<Hash>,
    pub lost: Vec<Hash>,
    settings: Settings,
    nonce: u64,
    started: u64,
}

impl<R: Rules> Shelf<R> {
    pub fn new(instances: usize) -> Self {
        let input = SettingsInput {
            frame_ms: FRAME_MS as u32,
            lease_ms: LEASE_MS as u32,
            idle_ms: IDLE_MS as u32,
            ..SettingsInput::default()
        };
        let mut shelf = Self {
            keys: Keys::new(START_MS),
            instances: Vec::new(),
            slots: (0..instances).map(|_| Slots::new(KEPT)).collect(),
            now_ms: START_MS,
            skews_ms: vec![0; instances],
            calls: BTreeMap::new(),
            appended: Vec::new(),
            lost: Vec::new(),
            settings: Settings::try_from(input).expect("the settings are in range"),
            nonce: 0,
            started: 0,
        };
        shelf.instances = (0..instances).map(|_| shelf.instance()).collect();
        shelf
    }

    fn instance(&mut self) -> Instance<R> {
        super::switch_off();
        self.started += 1;
        let writer = Writer(self.started.to_le_bytes());
        Instance::new(writer, self.settings, R::Config::default())
    }

    /// Ends an instance for ever; another takes its place.
    pub fn replace(&mut self, instance: usize) {
        self.instances[instance] = self.instance();
        self.slots[instance] = Slots::new(KEPT);
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.keys.set_clock(self.now_ms);
    }

    pub fn since_ms(&self) -> u64 {
        self.now_ms - START_MS
    }

    pub fn moment(&mut self, instance: usize) -> Moment {
        self.nonce += 1;
        let nonce = self.nonce.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Moment {
            wall_ms: self.now_ms.saturating_add_signed(self.skews_ms[instance]),
            mono_ms: self.since_ms() + 1_000_000 * instance as u64,
            nonce: Nonce(nonce.to_le_bytes()),
        }
    }

    pub fn call(&mut self, call: &Call) -> Answer {
        *self.calls.entry(kind_of(call)).or_default() += 1;
        self.keys.perform(call)
    }

    /// How many calls there were.
    pub fn count(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Performs an effect by way of an instance's view of the store, without interruption.
    pub fn perform(&mut self, instance: usize, effect: &Effect) -> Fed {
        self.perform_with(instance, effect, |_, _| None)
    }

    /// The same; before each call, `meddle` may change the keys, or answer in the store's place.
    pub fn perform_with(
        &mut self,
        instance: usize,
        effect: &Effect,
        mut meddle: impl FnMut(&mut Self, &Call) -> Option<Answer>,
    ) -> Fed {
        let moment = self.moment(instance);
        let begun = self.slots[instance].begin(ROOM, effect, moment);
        let (mut errand, mut step) = begun.expect("an effect of a store");
        loop {
            match step {
                Step::Done(fed) => return fed,
                Step::Perform(calls) => {
                    let mut answers = Vec::new();
                    for call in &calls {
                        let answer = meddle(self, call);
                        answers.push(answer.unwrap_or_else(|| self.call(call)));
                    }
                    let moment = self.moment(instance);
                    step = errand.resume(&mut self.slots[instance], answers, moment);
                }
            }
        }
    }

    /// What somebody finds who knows nothing, and whose store knows nothing.
    pub fn found_cold(&mut self, since: u64) -> Found {
        self.slots.push(Slots::new(KEPT));
        self.skews_ms.push(0);
        let read = Read {
            since,
            ..Read::default()
        };
        let fed = self.perform(self.slots.len() - 1, &Effect::Read(read));
        self.slots.pop();
        self.skews_ms.pop();
        match fed {
            Fed::Read(found) => found,
            other => panic!("a cold read ends in {other:?}"),
        }
    }

    /// A whole invocation, without interruption.
    pub fn ask(&mut self, instance: usize, arrivals: Vec<Arrival>) -> Vec<Outcome> {
        let mut voyage = Voyage::begin(self, instance, arrivals);
        for _ in 0..500 {
            if let Some(outcomes) = voyage.outcomes() {
                return outcomes.to_vec();
            }
            voyage.step_with(self, 0, Mishap::None);
        }
        panic!("an invocation does not end");
    }

    pub fn exchange(&mut self, instance: usize, client: &mut Client<R>) -> u16 {
        let arrival = client.arrival(self.now_ms);
        let outcomes = self.ask(instance, vec![arrival]);
        client.take(&outcomes[0], self.now_ms);
        outcomes[0].status
    }

    pub fn join(&mut self, instance: usize, client: &mut Client<R>) {
        for _ in 0..20 {
            self.exchange(instance, client);
            if client.replica.player().is_some() {
                return;
            }
            self.pass(120);
        }
        panic!("the client could not join");
    }

    /// What is under a key of the room.
    pub fn get(&mut self, name: &str) -> Answer {
        let key = format!("{{{ROOM}}}:{name}");
        self.keys.perform(&Call::Get { key })
    }

    /// Slots and frames of a segment that is a hash.
    pub fn segment(&mut self, segment: u64) -> BTreeMap<u64, Vec<u8>> {
        let key = format!("{{{ROOM}}}:log:{segment}");
        match self.keys.perform(&Call::AllFields { key }) {
            Answer::Hash(fields) => {
                let decode = |text: String| STANDARD_NO_PAD.decode(text).expect("base64");
                fields
                    .into_iter()
                    .map(|(slot, text)| (slot, decode(text)))
                    .collect()
            }
            other => panic!("no hash: {other:?}"),
        }
    }

    /// Puts bytes into a slot, as a late write does.
    pub fn put(&mut self, slot: u64, bytes: &[u8]) -> Answer {
        self.keys.perform(&write_of(slot, bytes))
    }

    /// All slots up to the first that is absent, read by a reader of the plainest kind. What was
    /// trimmed is `None`.
    pub fn line(&mut self) -> Vec<Option<Vec<u8>>> {
        let mut line = Vec::new();
        for segment in 0.. {
            match self.get(&format!("log:{segment}")) {
                Answer::Nil => return line,
                Answer::WrongType => {
                    let mut held = self.segment(segment);
                    for slot in segment * 64 + 1..=segment * 64 + 64 {
                        match held.remove(&slot) {
                            Some(bytes) => line.push(Some(bytes)),
                            None => return line,
                        }
                    }
                }
                Answer::Text(text) if text == "-" => line.extend(vec![None; 64]),
                Answer::Text(text) => {
                    let bytes = STANDARD_NO_PAD.decode(text).expect("base64");
                    let frames: Vec<ByteBuf> = postcard::from_bytes(&bytes).expect("frames");
                    line.extend(frames.into_iter().map(|frame| Some(frame.into_vec())));
                }
                other => panic!("no segment: {other:?}"),
            }
        }
        unreachable!("a log ends")
    }

    /// The log: the valid frames before the first hole.
    pub fn log(&mut self) -> Vec<Vec<u8>> {
        let mut log: Vec<Vec<u8>> = Vec::new();
        let mut hash = Hash::default();
        for bytes in self.line() {
            let bytes = bytes.expect("the log was not trimmed");
            let Ok(frame) = Frame::decode(&bytes) else {
                continue;
            };
            if frame.v == log.len() as u64 + 1 && frame.previous == hash {
                hash = Hash::of(&bytes);
                log.push(bytes);
            }
        }
        log
    }

    pub fn head(&mut self) -> Head {
        let log = self.log();
        Head {
            v: log.len() as u64,
            hash: log.last().map(|bytes| Hash::of(bytes)).unwrap_or_default(),
        }
    }
}

/// The write of a slot.
pub fn write_of(slot: u64, bytes: &[u8]) -> Call {
    let segment = (slot - 1) / 64;
    Call::FieldSet {
        key: format!("{{{ROOM}}}:log:{segment}"),
        field: slot,
        value: STANDARD_NO_PAD.encode(bytes),
    }
}

pub fn kind_of(call: &Call) -> &'static str {
    match call {
        Call::Get { .. } => "get",
        Call::Start { .. } => "start",
        Call::Set { .. } => "set",
        Call::Delete { .. } => "delete",
        Call::FieldSet { .. } => "field set",
        Call::Fields { .. } => "fields",
        Call::AllFields { .. } => "all fields",
        Call::FieldsDelete { .. } => "fields delete",
        Call::FieldCount { .. } => "field count",
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    None,
    /// It fails, and was not done.
    NotDone,
    /// It seems to fail, and was done.
    Done,
    /// It seems to fail, and is done later.
    Late,
    /// It is done, and repeated later by the transport.
    Twice,
    /// A plain get is answered by an old copy.
    Stale,
}

/// An invocation that can be stopped at every call.
pub struct Voyage<R: Rules> {
    pub instance: usize,
    invocation: Invocation<R>,
    stage: Stage,
    /// The frame that is being appended.
    appends: Option<Hash>,
}

enum Stage {
    Asks(Effect),
    Calls(Errand, Vec<Call>, Vec<Option<Answer>>),
    Holds(Fed),
    Landed(Vec<Outcome>),
}

impl<R: Rules> Voyage<R> {
    pub fn begin(shelf: &mut Shelf<R>, instance: usize, arrivals: Vec<Arrival>) -> Self {
        let moment = shelf.moment(instance);
        let (invocation, effect) = shelf.instances[instance].begin(ROOM, arrivals, moment);
        let mut voyage = Self {
            instance,
            invocation,
            stage: Stage::Landed(Vec::new()),
            appends: None,
        };
        voyage.took(effect);
        voyage
    }

    fn took(&mut self, effect: Effect) {
        self.stage = match effect {
            Effect::Reply(outcomes) => Stage::Landed(outcomes),
            effect => Stage::Asks(effect),
        };
    }

    pub fn outcomes(&self) -> Option<&[Outcome]> {
        match &self.stage {
            Stage::Landed(outcomes) => Some(outcomes),
            _ => None,
        }
    }

    /// Calls that wait to be performed.
    pub fn waiting(&self) -> Vec<Call> {
        match &self.stage {
            Stage::Calls(_, calls, answers) => {
                let open = calls.iter().zip(answers);
                let open = open.filter(|(_, answer)| answer.is_none());
                open.map(|(call, _)| call.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// One step: begins an effect, performs one of its calls, or feeds its result back. Returns a
    /// call that will be done later.
    pub fn step_with(&mut self, shelf: &mut Shelf<R>, pick: usize, mishap: Mishap) -> Option<Call> {
        let stage = std::mem::replace(&mut self.stage, Stage::Landed(Vec::new()));
        match stage {
            Stage::Asks(effect) => {
                let moment = shelf.moment(self.instance);
                self.appends = match &effect {
                    Effect::Append(append, _) => Some(append.hash),
                    _ => None,
                };
                let begun = shelf.slots[self.instance].begin(ROOM, &effect, moment);
                let (errand, step) = begun.expect("an effect of a store");
                self.went(shelf, errand, step);
            }
            Stage::Calls(mut errand, calls, mut answers) => {
                let open: Vec<usize> = (0..calls.len())
                    .filter(|at| answers[*at].is_none())
                    .collect();
                let at = open[pick % open.len()];
                let call = &calls[at];
                let answer = match mishap {
                    Mishap::None | Mishap::Twice => shelf.call(call),
                    Mishap::Stale => shelf.keys.perform_stale(call),
                    Mishap::Done => {
                        shelf.call(call);
                        Answer::Failed
                    }
                    Mishap::NotDone | Mishap::Late => Answer::Failed,
                };
                answers[at] = Some(answer);
                let again = matches!(mishap, Mishap::Late | Mishap::Twice) && call.writes();
                let later = again.then(|| call.clone());
                if open.len() > 1 {
                    self.stage = Stage::Calls(errand, calls, answers);
                    return later;
                }
                let answers = answers.into_iter().flatten().collect();
                let moment = shelf.moment(self.instance);
                let step = errand.resume(&mut shelf.slots[self.instance], answers, moment);
                self.went(shelf, errand, step);
                return later;
            }
            Stage::Holds(fed) => {
                let moment = shelf.moment(self.instance);
                let instance = &mut shelf.instances[self.instance];
                let effect = self.invocation.resume(instance, fed, moment);
                self.took(effect);
            }
            landed @ Stage::Landed(_) => self.stage = landed,
        }
        None
    }

    fn went(&mut self, shelf: &mut Shelf<R>, errand: Errand, step: Step) {
        self.stage = match step {
            Step::Perform(calls) => {
                let answers = vec![None; calls.len()];
                Stage::Calls(errand, calls, answers)
            }
            Step::Done(fed) => {
                match (&fed, self.appends) {
                    (Fed::Appended(true, _), Some(hash)) => shelf.appended.push(hash),
                    (Fed::Appended(false, _), Some(hash)) => shelf.lost.push(hash),
                    _ => {}
                }
                Stage::Holds(fed)
            }
        };
    }
}
