//! The stage: events in the order of their time, what the log gets, and when the leader is struck.
//! One seed and one generator: the same point and seed give the same figures.

use std::collections::BTreeMap;
use std::rc::Rc;

use baton::effect::{Arrival, Effect, Fed, Outcome};
use baton::frame::{Entry, Frame};
use baton::slots::{Answer, Call};
use baton::{Hash, Head, Random, Settings, Writer};

use super::figures::Figures;
use super::host::{Flight, Host};
use super::page::Page;
use super::{Point, Store, Strike};
use crate::rules::{Bank, BankAction, PAUSE};
use crate::store::Shelf;

/// The rules that are played.
pub(super) type Game = Bank<PAUSE>;
/// The room.
pub(super) const ROOM: &str = "bank/0";
/// A client, and the number of its request.
pub(super) type Slip = (usize, u64);

/// Everybody has joined by then.
const WARM_MS: u64 = 5_000;
/// What was done before the end has this long to be seen by all.
const DRAIN_MS: u64 = 30_000;

/// Something that will happen.
pub(super) enum Event {
    /// A client does something.
    Act(usize),
    /// A client looks whether to ask.
    Wake(usize, u64),
    /// A request reaches an instance.
    Request(usize, Slip, Arrival),
    /// An instance takes requests from now on.
    Ready(usize),
    /// An effect of an instance's invocation reaches the store.
    Effect(usize, u64, Effect),
    /// Its result comes back.
    Fed(u64, Fed),
    /// Single calls of an invocation reach a store of keys.
    Calls(u64, Vec<Call>),
    /// Their answers come back.
    Answers(u64, Vec<Answer>),
    /// An answer reaches a client; without one the connection broke.
    Answer(Slip, Option<Outcome>),
    /// A frame reaches a client by socket.
    Push(usize, Rc<Vec<u8>>),
    /// The leader is struck, at once or when it next appends.
    Strike,
}

/// A run on its way.
pub(super) struct Stage {
    pub(super) point: Point,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) now_ms: u64,
    pub(super) made: u64,
    queue: BTreeMap<(u64, u64), Event>,
    pub(super) shelf: Shelf,
    pub(super) hosts: Vec<Host>,
    /// Where the router sends: the instance at each place.
    pub(super) places: Vec<usize>,
    /// Of round robin.
    pub(super) turn: usize,
    pub(super) flights: BTreeMap<u64, Flight>,
    pub(super) pages: Vec<Page>,
    /// Actions that no frame has yet, by what they say, and when they were done.
    pub(super) acted: BTreeMap<String, u64>,
    /// Of each frame, in order: who did what it holds, and when.
    pub(super) committed: Vec<Vec<(usize, u64)>>,
    pub(super) head: Head,
    /// Who wrote the newest frame, and when it was appended.
    pub(super) writer: Writer,
    framed_ms: u64,
    armed: bool,
    /// Since the last frame of a leader that was struck.
    stalled: Option<(Option<Writer>, u64)>,
    pub(super) figures: Figures,
}

/// Measures a point with a seed.
pub fn run(point: &Point, seed: u64) -> Figures {
    let mut stage = Stage::new(point, seed);
    let end_ms = WARM_MS + point.run_ms + DRAIN_MS;
    while let Some(((at_ms, _), event)) = stage.queue.pop_first() {
        if at_ms > end_ms {
            break;
        }
        stage.now_ms = at_ms;
        stage.happen(event);
        if stage.all_is_seen() {
            break;
        }
    }
    let mut figures = stage.figures;
    figures.unframed = stage.acted.len() as u64;
    // As long as they waited so far.
    for acted_ms in stage.acted.values() {
        figures.framed.push(end_ms - acted_ms);
    }
    figures.run_ms = point.run_ms;
    figures
}

impl Stage {
    fn new(point: &Point, seed: u64) -> Self {
        let mut stage = Self {
            point: *point,
            settings: Settings::try_from(point.settings).expect("a point's settings are in range"),
            random: Random::from_seed(seed),
            now_ms: 0,
            made: 0,
            queue: BTreeMap::new(),
            shelf: match point.store {
                Store::Compare => Shelf::default(),
                Store::Keys => Shelf::of_keys(),
            },
            hosts: Vec::new(),
            places: Vec::new(),
            turn: 0,
            flights: BTreeMap::new(),
            pages: Vec::new(),
            acted: BTreeMap::new(),
            committed: Vec::new(),
            head: Head::default(),
            writer: Writer::default(),
            framed_ms: 0,
            armed: false,
            stalled: None,
            figures: Figures::default(),
        };
        for _ in 0..point.instances {
            let host = stage.new_host(0);
            stage.places.push(host);
        }
        for index in 0..point.clients {
            stage.add_page(index);
        }
        if point.strike != Strike::Never {
            stage.after(WARM_MS, Event::Strike);
        }
        stage
    }

    /// What was done before the end is framed, and everybody has it.
    fn all_is_seen(&self) -> bool {
        self.is_over()
            && self.acted.is_empty()
            && self.pages.iter().all(|page| page.seen_v == self.head.v)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act(page) => self.act(page),
            Event::Wake(page, token) => self.wake(page, token),
            Event::Request(host, slip, arrival) => self.arrive(host, slip, arrival),
            Event::Ready(host) => self.next_batch(host),
            Event::Effect(host, flight, effect) => self.reach(host, flight, &effect),
            Event::Fed(flight, fed) => self.feed(flight, fed),
            Event::Calls(flight, calls) => self.reach_keys(flight, &calls),
            Event::Answers(flight, answers) => self.hand_back(flight, answers),
            Event::Answer(slip, answer) => self.answered(slip, answer),
            Event::Push(page, bytes) => self.pushed(page, &bytes),
            Event::Strike => self.strike(),
        }
    }

    pub(super) fn after(&mut self, ms: u64, event: Event) {
        self.made += 1;
        self.queue.insert((self.now_ms + ms, self.made), event);
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        let width = u32::try_from(most - least + 1).unwrap_or(u32::MAX);
        least + u64::from(self.random.below(width))
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize
    }

    /// Whether what happens now is one of those that go wrong.
    pub(super) fn breaks(&mut self) -> bool {
        let percent = self.point.broken_percent;
        percent > 0 && self.random.chance(percent, 100)
    }

    /// How long a message takes between a client and an instance, one way.
    pub(super) fn way_ms(&mut self) -> u64 {
        self.between(5, 40)
    }

    /// Whether what happens now counts.
    pub(super) fn measures(&self) -> bool {
        (WARM_MS..WARM_MS + self.point.run_ms).contains(&self.now_ms)
    }

    /// What is done from now on is not looked at.
    pub(super) fn is_over(&self) -> bool {
        self.now_ms >= WARM_MS + self.point.run_ms
    }

    pub(super) fn trip(&mut self) {
        self.figures.trips += u64::from(self.measures());
    }

    pub(super) fn lost(&mut self) {
        self.figures.lost += u64::from(self.measures());
    }

    /// A frame is in the log.
    pub(super) fn commit(&mut self, bytes: &[u8], published: Vec<u8>) {
        let frame = Frame::decode(bytes).expect("the library's own frame");
        assert_eq!(frame.v, self.head.v + 1, "one frame per version");
        self.figures.frames += u64::from(self.measures());
        let mut held = Vec::new();
        for entry in &frame.entries {
            let Entry::Act { body, .. } = entry else {
                continue;
            };
            let action = postcard::from_bytes(body).expect("an action that was sent");
            let BankAction::Say(name) = action else {
                continue;
            };
            // Done before it counted, else.
            if let Some(acted_ms) = self.acted.remove(&name) {
                self.figures.framed.push(self.now_ms - acted_ms);
                let author = name.split(':').next().and_then(|page| page.parse().ok());
                held.push((author.expect("its author's index"), acted_ms));
            }
        }
        self.committed.push(held);
        self.head = Head {
            v: frame.v,
            hash: Hash::of(bytes),
        };
        self.writer = frame.writer;
        self.framed_ms = self.now_ms;
        match self.stalled.take() {
            // Its last, which was on the way.
            Some((Some(gone), _)) if gone == frame.writer => {
                self.stalled = Some((Some(gone), self.now_ms));
            }
            Some((_, since_ms)) => self.figures.stalls.push(self.now_ms - since_ms),
            None => {}
        }
        self.publish(published);
    }

    fn strike(&mut self) {
        let pause_ms = self.between(1_500, 2_500);
        self.after(pause_ms, Event::Strike);
        let leader = self
            .places
            .iter()
            .copied()
            .find(|host| self.hosts[*host].writer == self.writer);
        if !self.measures() {
            return;
        }
        match (self.point.strike, leader) {
            (Strike::Watch, _) => self.stalled = Some((None, self.framed_ms)),
            (Strike::Between, Some(host)) => {
                self.stalled = Some((Some(self.writer), self.framed_ms));
                self.kill(host);
            }
            (Strike::HandOver, Some(host)) => {
                self.stalled = Some((Some(self.writer), self.framed_ms));
                self.replace(host, 0);
            }
            (Strike::Appending | Strike::Unanswered, _) => self.armed = true,
            _ => {}
        }
    }

    /// An append of this instance is just there: if that is what was waited for, it is killed.
    pub(super) fn struck(&mut self, when: Strike, host: usize) -> bool {
        let now = self.armed && self.point.strike == when;
        if now {
            self.armed = false;
            self.stalled = Some((Some(self.hosts[host].writer), self.framed_ms));
            self.kill(host);
        }
        now
    }
}
