//! Instances as a host runs them: requests that arrive together go together; a killed one answers
//! nobody, one that is replaced as planned finishes what it has.

use std::collections::VecDeque;

use baton::effect::{Arrival, Effect, Fed, Moment, Outcome};
use baton::slots::{Answer, Call, Errand, Slots, Step};
use baton::{Instance, Invocation, Nonce, Writer, limits};

use super::stage::{Event, Game, ROOM, Slip, Stage};
use super::{Routing, Store, Strike};
use crate::clock::{Clock, START_MS};
use crate::store::Times;

/// Until a new instance takes its first request, in milliseconds: an isolate and its wasm are there
/// in less, a process in more.
pub(super) const BIRTH_MS: u64 = 100;
/// How wrong the wall clocks are where the store has none, at most.
const SKEW_MS: u64 = 2_000;

/// One host process.
pub(super) struct Host {
    instance: Instance<Game>,
    /// Of a store of keys, what this process knows.
    slots: Slots,
    pub(super) writer: Writer,
    clock: Clock,
    ready_ms: u64,
    dead: bool,
    waiting: VecDeque<(Slip, Arrival)>,
    busy: bool,
}

/// An invocation on its way.
pub(super) struct Flight {
    pub(super) host: usize,
    invocation: Invocation<Game>,
    slips: Vec<Slip>,
    /// To a store of keys: the effect as single calls.
    errand: Option<Errand>,
}

impl Stage {
    /// A new process, which takes requests after `birth_ms`. Returns its index.
    pub(super) fn new_host(&mut self, birth_ms: u64) -> usize {
        let mut clock = Clock {
            born_ms: self.between(0, 1_000_000),
            ..Clock::default()
        };
        if self.point.store == Store::Keys {
            let skew_ms = i64::try_from(self.between(0, 2 * SKEW_MS)).unwrap_or(0);
            clock.skew_ms = skew_ms - i64::try_from(SKEW_MS).unwrap_or(0);
        }
        let writer = Writer(self.random.next_u64().to_le_bytes());
        self.hosts.push(Host {
            instance: Instance::new(writer, self.settings, ()),
            slots: Slots::new(0),
            writer,
            clock,
            ready_ms: self.now_ms + birth_ms,
            dead: false,
            waiting: VecDeque::new(),
            busy: false,
        });
        let index = self.hosts.len() - 1;
        self.after(birth_ms, Event::Ready(index));
        index
    }

    /// The instance that a client's next request reaches.
    pub(super) fn route(&mut self, page: usize) -> usize {
        let place = match self.point.routing {
            Routing::Sticky => self.pages[page].place,
            Routing::Random => self.below(self.places.len()),
            Routing::RoundRobin => {
                self.turn += 1;
                self.turn % self.places.len()
            }
        };
        self.places[place]
    }

    pub(super) fn arrive(&mut self, host: usize, slip: Slip, arrival: Arrival) {
        if self.hosts[host].dead {
            let way_ms = self.way_ms();
            return self.after(way_ms, Event::Answer(slip, None));
        }
        self.hosts[host].waiting.push_back((slip, arrival));
        self.next_batch(host);
    }

    pub(super) fn next_batch(&mut self, index: usize) {
        let moment = self.moment(index);
        let host = &mut self.hosts[index];
        if host.busy || host.dead || host.waiting.is_empty() || host.ready_ms > self.now_ms {
            return;
        }
        host.busy = true;
        let count = host.waiting.len().min(limits::MAX_BATCH);
        let (slips, arrivals) = host.waiting.drain(..count).unzip();
        if self.point.cold {
            host.instance.forget();
            host.slots.forget();
        }
        let (invocation, effect) = host.instance.begin(ROOM, arrivals, moment);
        self.made += 1;
        let id = self.made;
        let flight = Flight {
            host: index,
            invocation,
            slips,
            errand: None,
        };
        self.flights.insert(id, flight);
        self.carry_out(id, effect);
    }

    fn moment(&mut self, host: usize) -> Moment {
        let nonce = Nonce(self.random.next_u64().to_le_bytes());
        let clock = self.hosts[host].clock;
        Moment {
            wall_ms: clock.wall_ms(self.now_ms),
            mono_ms: clock.mono_ms(self.now_ms),
            nonce,
        }
    }

    /// The next effect of an invocation: an answer, or a call to the store.
    fn carry_out(&mut self, id: u64, effect: Effect) {
        let host = self.flights[&id].host;
        match effect {
            Effect::Reply(answers) => self.land(id, answers),
            effect if self.point.store == Store::Keys => {
                if let Effect::Append(append, _) = &effect {
                    self.shelf.publishes(append.hash, append.published.to_vec());
                }
                let moment = self.moment(host);
                let begun = self.hosts[host].slots.begin(ROOM, &effect, moment);
                let (errand, step) = begun.expect("a store's effect");
                self.step(id, errand, step);
            }
            effect => {
                self.trip();
                let appends = matches!(effect, Effect::Append(..));
                let out_ms = self.between(1, 4);
                let killed = appends && self.struck(Strike::Appending, host);
                if killed && self.random.chance(1, 2) {
                    return;
                }
                self.after(out_ms, Event::Effect(host, id, effect));
            }
        }
    }

    fn land(&mut self, id: u64, answers: Vec<Outcome>) {
        let flight = self.flights.remove(&id).expect("it is on its way");
        for (slip, answer) in flight.slips.into_iter().zip(answers) {
            let way_ms = self.way_ms();
            let answer = Some(answer).filter(|_| !self.breaks());
            self.after(way_ms, Event::Answer(slip, answer));
        }
        self.hosts[flight.host].busy = false;
        self.next_batch(flight.host);
    }

    /// An effect reaches the store.
    pub(super) fn reach(&mut self, host: usize, id: u64, effect: &Effect) {
        let times = Times {
            now_ms: self.now_ms,
            store_ms: START_MS + self.now_ms,
            host_ms: 0,
            clock: true,
        };
        let fails = self.breaks();
        if fails && self.random.chance(1, 2) {
            let back_ms = self.between(1, 4);
            return self.after(back_ms, Event::Fed(id, Fed::Failed));
        }
        let barred = self.point.exclusive && self.hosts[host].writer != self.writer;
        let fed = match effect {
            Effect::Push(_, read) if barred => {
                match self.shelf.perform(host, &Effect::Read(read.clone()), times) {
                    (Fed::Read(found), _) => Fed::Full(found),
                    (fed, _) => fed,
                }
            }
            effect => self.shelf.perform(host, effect, times).0,
        };
        match (effect, &fed) {
            (Effect::Append(append, _), Fed::Appended(true, _)) => {
                self.commit(&append.frame, append.published.to_vec());
                if self.struck(Strike::Unanswered, host) {
                    return;
                }
            }
            (_, Fed::Appended(false, _)) => self.lost(),
            _ => {}
        }
        let fed = if fails { Fed::Failed } else { fed };
        let back_ms = self.between(1, 4);
        self.after(back_ms, Event::Fed(id, fed));
    }

    /// A result reaches the instance.
    pub(super) fn feed(&mut self, id: u64, fed: Fed) {
        let Some(host) = self.flights.get(&id).map(|flight| flight.host) else {
            return;
        };
        let moment = self.moment(host);
        let flight = self.flights.get_mut(&id).expect("looked up");
        let instance = &mut self.hosts[host].instance;
        let effect = flight.invocation.resume(instance, fed, moment);
        self.carry_out(id, effect);
    }

    fn step(&mut self, id: u64, errand: Errand, step: Step) {
        match step {
            Step::Done(fed) => {
                if matches!(fed, Fed::Appended(false, _)) {
                    self.lost();
                }
                self.feed(id, fed);
            }
            Step::Perform(calls) => {
                self.trip();
                let flight = self.flights.get_mut(&id).expect("it is on its way");
                flight.errand = Some(errand);
                let out_ms = self.between(1, 4);
                self.after(out_ms, Event::Calls(id, calls));
            }
        }
    }

    /// Single calls reach the store, those of a round together.
    pub(super) fn reach_keys(&mut self, id: u64, calls: &[Call]) {
        let store_ms = START_MS + self.now_ms;
        let answers = calls
            .iter()
            .map(|call| self.shelf.perform_call(call, store_ms, false));
        let answers = answers.collect();
        while let Some((hash, frame)) = self.shelf.next_in_chain(self.head) {
            let published = self.shelf.published(hash).unwrap_or_default();
            self.commit(&frame, published);
        }
        let back_ms = self.between(1, 4);
        self.after(back_ms, Event::Answers(id, answers));
    }

    /// Their answers reach the instance.
    pub(super) fn hand_back(&mut self, id: u64, answers: Vec<Answer>) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        let host = flight.host;
        let mut errand = flight.errand.take().expect("it waits for them");
        let moment = self.moment(host);
        let step = errand.resume(&mut self.hosts[host].slots, answers, moment);
        self.step(id, errand, step);
    }

    /// Ends a process at once; another takes its place.
    pub(super) fn kill(&mut self, index: usize) {
        let host = &mut self.hosts[index];
        host.dead = true;
        let mut broken: Vec<Slip> = host.waiting.drain(..).map(|(slip, _)| slip).collect();
        self.flights.retain(|_, flight| {
            if flight.host == index {
                broken.append(&mut flight.slips);
            }
            flight.host != index
        });
        for slip in broken {
            let way_ms = self.way_ms();
            self.after(way_ms, Event::Answer(slip, None));
        }
        self.replace(index, BIRTH_MS);
    }

    /// New requests go to a new process, which is there before the old one goes.
    pub(super) fn replace(&mut self, index: usize, birth_ms: u64) {
        let fresh = self.new_host(birth_ms);
        for place in &mut self.places {
            if *place == index {
                *place = fresh;
            }
        }
    }
}
