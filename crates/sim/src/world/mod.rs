//! The world: instances, clients, the network and the store between them, in virtual time. One seed,
//! one generator, one queue of events; whatever happens is decided here and in the files beside,
//! and a run twice is the same run. It drives the library's own handler and replica and knows none
//! of their decisions.

mod books;
mod client;
mod deliveries;
mod deploy;
mod errands;
mod finish;
mod forger;
mod host;
mod mischief;
mod network;
mod orders;
mod record;
mod settled;
mod spectators;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;

use baton::effect::{Append, Arrival, Effect, Fed, Outcome as Answer};
use baton::slots::{Answer as KeyAnswer, Call};
use baton::{Hash, Random, Settings};

use crate::check::book::{Book, Tree};
use crate::check::ledger::Ledger;
use crate::check::oracle::Oracle;
use crate::check::orders::{Files, Placed};
use crate::check::reply::Asked;
use crate::check::{Broken, Checked, hold};
use crate::counters::Counters;
use crate::history::record::Recorder;
use crate::later::Game;
use crate::page::Edition;
use crate::plan::{Faults, Plan};
use crate::rules::room_name;
use crate::store::Shelf;
use crate::trace::Trace;
pub(crate) use client::hearing::refusal_of;

use client::Client;
use deliveries::Carried;
use forger::Forger;
use host::machine::Build;
use host::{Flight, Host};
use mischief::Mischief;
use spectators::{Cache, Spectator};

/// So long after an instance got a damaged snapshot the last hear of it, in milliseconds: a call and a way, both slow.
const DAMAGE_MS: u64 = 60_000;
/// A run has some hundred thousand events; one with so many goes on for ever.
const MAX_EVENTS: u64 = 20_000_000;

/// Whose answer it is: a client's request, or nobody's who waits for it.
#[derive(Clone, Debug)]
struct Slip {
    /// The client, its page and the request's number there.
    client: Option<(usize, u32, u64)>,
    /// The forger of a room.
    forger: Option<usize>,
    asked: Asked,
    /// It orders this.
    order: Option<Box<Placed>>,
    /// Its number in the history.
    op: Option<u64>,
    /// It carries what another room sends.
    carried: Option<Box<Carried>>,
    /// Who only watches, and the request's number there.
    spectator: Option<(usize, u64)>,
}

impl Slip {
    /// Of nobody who waits.
    fn of(asked: Asked) -> Self {
        Self {
            client: None,
            forger: None,
            asked,
            order: None,
            op: None,
            carried: None,
            spectator: None,
        }
    }
}

/// Something that will happen.
enum Event {
    /// A client looks at what is due.
    Wake { client: usize, token: u64 },
    /// A request reaches an instance.
    Request {
        host: usize,
        room: usize,
        slip: Slip,
        arrival: Arrival,
    },
    /// An answer reaches whoever asked.
    Answer { slip: Slip, answer: Answer },
    /// A client stops waiting.
    GiveUp {
        client: usize,
        life: u32,
        number: u64,
    },
    /// A device asks for its order again, or stops waiting for the answer to a request with it.
    Order {
        client: usize,
        order: u64,
        asked: Option<u64>,
    },
    /// A call reaches the store. `back_ms`: how long its result takes; `None`: it is lost.
    Store {
        host: usize,
        life: u64,
        room: usize,
        effect: Rc<Effect>,
        flight: u64,
        call: u64,
        back_ms: Option<u64>,
    },
    /// A result reaches the instance that called.
    Fed {
        flight: u64,
        call: u64,
        fed: Box<Fed>,
    },
    /// The store refuses a call for good.
    Overloaded { flight: u64, call: u64 },
    /// A single call reaches a store of keys.
    Key {
        room: usize,
        call: Rc<Call>,
        flight: u64,
        round: u64,
        index: usize,
        back_ms: Option<u64>,
    },
    /// Its answer reaches the instance.
    KeyAnswer {
        flight: u64,
        round: u64,
        index: usize,
        answer: KeyAnswer,
    },
    /// A pushed frame reaches a client.
    Push {
        client: usize,
        life: u32,
        bytes: Rc<Vec<u8>>,
    },
    /// Something goes wrong, or right again.
    Mischief(Mischief),
    /// A build is deployed at a place.
    Deploy { host: usize, build: Build },
    /// A page that was told to is loaded again.
    Reload { client: usize, life: u32 },
    /// A forger acts.
    Forge(usize),
    /// A spectator looks whether it is time to ask.
    Watch { spectator: usize, token: u64 },
    /// It stops waiting.
    SpectatorGivesUp { spectator: usize, number: u64 },
    /// The end of the fault phase, looks at whether all is well, and what follows.
    Look,
}

/// A moment of the queue: time, and the order of its making.
type Slot = (u64, u64);

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Things go wrong.
    Faults,
    /// Nothing goes wrong any more since this time; everything must settle.
    Healing(u64),
    /// All has settled; after a last action, at this time, and whether the lease's holder was killed.
    Probing { since_ms: u64, killed: bool },
    /// Over.
    Done,
}

impl Phase {
    /// Whether something may go wrong, or did so lately.
    fn is_troubled(self) -> bool {
        matches!(self, Self::Faults | Self::Healing(_))
    }
}

/// How long things took once nothing went wrong any more, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    /// Until every action had its answer and every client the log's head.
    pub settled_ms: u64,
    /// Until an action of a healthy room was answered.
    pub answer_ms: Option<u64>,
    /// The same, after the lease's holder was killed.
    pub takeover_ms: Option<u64>,
}

/// One room's books.
struct Accounts<R: Game> {
    book: Book<R>,
    /// Of the lesser half, during a split brain.
    other: Option<Book<R>>,
    tree: Tree,
    ledger: Ledger,
    losses: u64,
    /// The frames that were to settle an attempt: entries and time may be tried alone in them.
    tries: BTreeSet<Hash>,
    /// When the rules last broke.
    broke_ms: Option<u64>,
    /// How often a frame said that the room is halted.
    halts: u64,
    /// Whether the store lost a frame that was older than its senders keep what it acknowledged.
    lost_old: bool,
    /// Whether the room was ever on the later rules.
    switched: bool,
    files: Files,
    /// When an instance last got a damaged snapshot.
    damaged_ms: Option<u64>,
}

impl<R: Game> Accounts<R> {
    /// Whether somebody may just hear of a damaged snapshot.
    fn is_damaged(&self, now_ms: u64) -> bool {
        self.damaged_ms
            .is_some_and(|damaged_ms| now_ms < damaged_ms + DAMAGE_MS)
    }

    /// An instance is about to append.
    fn appends(&mut self, append: &Append) {
        if append.note.is_some() {
            self.tries.insert(append.hash);
        }
    }

    /// What an instance's half of the store holds.
    fn seen_by(&self, host: usize) -> &Book<R> {
        let other = self.other.as_ref().filter(|_| host % 2 == 1);
        other.unwrap_or(&self.book)
    }
}

fn fresh_oracle(plan: &Plan) -> Oracle {
    Oracle::new(plan.policy, plan.own, plan.settings.catch_up_ticks)
}

/// A run on its way.
pub struct World<R: Game> {
    plan: Plan,
    settings: Settings,
    random: Random,
    now_ms: u64,
    made: u64,
    queue: BinaryHeap<Reverse<(Slot, u64)>>,
    events: BTreeMap<u64, Event>,
    hosts: Vec<Host<R>>,
    /// What the next process at each place runs.
    builds: Vec<Build>,
    /// What a page is loaded with.
    pages: Edition,
    clients: Vec<Client<R>>,
    forgers: Vec<Forger>,
    spectators: Vec<Spectator<R>>,
    /// Before the instances, for spectators.
    caches: Vec<Cache>,
    flights: BTreeMap<u64, Flight<R>>,
    shelves: Vec<Shelf>,
    /// How many single calls that write reached each.
    written: Vec<u64>,
    accounts: Vec<Accounts<R>>,
    phase: Phase,
    /// Whether instances know what time it is: the store tells it, or their own clocks are never wrong.
    knows_time: bool,
    /// Whether anything goes wrong in this run.
    troubled: bool,
    /// Whether the store loses nothing in this run, so that rooms may be left to builds without the rules of before.
    keeps: bool,
    /// Who acted last, when all had settled.
    probes: Vec<usize>,
    calls: u64,
    /// The last of them while things went wrong.
    last_faulty: u64,
    /// When one of those was last seen under way, after that.
    held_up_ms: u64,
    writers: u64,
    devices: u64,
    /// Some clients and some instances do not hear each other until then: client and instance, even or odd.
    parted: Option<(u64, usize, usize)>,
    /// Everybody is away until then.
    night_until_ms: u64,
    /// What happened.
    pub counters: Counters,
    /// In order.
    pub trace: Trace,
    /// What clients ask and are told, if it is to be kept. During a split brain there are two logs, which no history can
    /// say.
    pub history: Option<Recorder>,
    /// How long it took to heal.
    pub healed: Healed,
}

impl<R: Game> World<R> {
    /// A world of a seed, before anything happened.
    pub fn new(random: Random, plan: &Plan, trace: Trace) -> Self {
        let settings = Settings::try_from(plan.settings).expect("a plan's settings are in range");
        let accounts = || Accounts {
            book: Book::new(fresh_oracle(plan)),
            other: None,
            tree: Tree::new(),
            ledger: Ledger::default(),
            losses: 0,
            tries: BTreeSet::new(),
            broke_ms: None,
            halts: 0,
            lost_old: false,
            switched: false,
            files: Files::default(),
            damaged_ms: None,
        };
        let shelf = || match plan.keys {
            true => Shelf::of_keys(),
            false => Shelf::default(),
        };
        let mut world = Self {
            settings,
            random,
            now_ms: 0,
            made: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            hosts: Vec::new(),
            builds: vec![Build::Old; plan.instances],
            pages: Edition::Old,
            clients: Vec::new(),
            forgers: Vec::new(),
            spectators: Vec::new(),
            caches: Vec::new(),
            flights: BTreeMap::new(),
            shelves: (0..plan.rooms).map(|_| shelf()).collect(),
            written: vec![0; plan.rooms],
            accounts: (0..plan.rooms).map(|_| accounts()).collect(),
            phase: Phase::Faults,
            knows_time: plan.clock || plan.clocks_are_right(),
            troubled: plan.is_troubled(),
            keeps: plan.keeps(),
            probes: Vec::new(),
            calls: 0,
            last_faulty: 0,
            held_up_ms: 0,
            writers: 0,
            devices: 0,
            parted: None,
            night_until_ms: 0,
            counters: Counters::default(),
            trace,
            history: None,
            healed: Healed::default(),
            plan: plan.clone(),
        };
        for _ in 0..plan.instances {
            let host = world.new_host(Build::Old);
            world.hosts.push(host);
        }
        for index in 0..plan.clients {
            world.add_client(index);
        }
        world.plan_mischief();
        world.plan_rollout();
        world.add_spectators();
        let end_ms = plan.fault_ms;
        world.at(end_ms, Event::Look);
        world
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// The first check that does not hold.
    pub fn run(&mut self) -> Checked {
        while self.phase != Phase::Done {
            let Some(Reverse(((at_ms, _), id))) = self.queue.pop() else {
                return Err(Broken {
                    check: "L: something is always due",
                    seen: "no event is left".into(),
                });
            };
            self.now_ms = self.now_ms.max(at_ms);
            self.counters.events += 1;
            hold(self.counters.events <= MAX_EVENTS, "L: a run ends", || {
                format!("{MAX_EVENTS} events")
            })?;
            let Some(event) = self.events.remove(&id) else {
                continue;
            };
            self.happen(event)?;
            let enough = self.counters.requests >= self.plan.requests;
            if self.phase == Phase::Faults && enough {
                self.heal()?;
            }
        }
        Ok(())
    }

    /// The virtual time of now, in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn happen(&mut self, event: Event) -> Checked {
        match event {
            Event::Wake { client, token } => self.wake(client, token),
            Event::Request {
                host,
                room,
                slip,
                arrival,
            } => self.arrive(host, room, slip, arrival),
            Event::Answer { slip, answer } => {
                self.record_answer(slip.op, &answer);
                self.answered(&slip, &answer)
            }
            Event::GiveUp {
                client,
                life,
                number,
            } => self.give_up(client, life, number),
            Event::Order {
                client,
                order,
                asked,
            } => self.order_due(client, order, asked),
            Event::Store {
                host,
                life,
                room,
                effect,
                flight,
                call,
                back_ms,
            } => self.reach_store((host, life, room), &effect, (flight, call), back_ms),
            Event::Fed { flight, call, fed } => self.feed(flight, call, *fed),
            Event::Overloaded { flight, call } => self.overloaded(flight, call),
            Event::Key {
                room,
                call,
                flight,
                round,
                index,
                back_ms,
            } => self.reach_keys(room, &call, (flight, round, index), back_ms),
            Event::KeyAnswer {
                flight,
                round,
                index,
                answer,
            } => self.key_answered((flight, round, index), answer),
            Event::Push {
                client,
                life,
                bytes,
            } => self.pushed(client, life, &bytes),
            Event::Mischief(mischief) => self.mischief(mischief),
            Event::Deploy { host, build } => {
                self.deploy(host, build);
                Ok(())
            }
            Event::Reload { client, life } if self.clients[client].life == life => {
                self.reload(client)
            }
            Event::Reload { .. } => Ok(()),
            Event::Forge(room) => {
                self.forge(room);
                Ok(())
            }
            Event::Watch { spectator, token } => {
                self.watch_on(spectator, token);
                Ok(())
            }
            Event::SpectatorGivesUp { spectator, number } => {
                self.spectator_gives_up(spectator, number)
            }
            Event::Look => self.look(),
        }
    }

    fn at(&mut self, at_ms: u64, event: Event) {
        self.made += 1;
        self.queue
            .push(Reverse(((at_ms.max(self.now_ms), self.made), self.made)));
        self.events.insert(self.made, event);
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now_ms + ms, event);
    }

    /// Whether something of this rate in ten thousand happens. Draws nothing if it never does.
    fn chance(&mut self, rate: u32) -> bool {
        rate > 0 && self.random.chance(rate, 10_000)
    }

    /// A number from `least` to `most`.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        let width = u32::try_from(most.saturating_sub(least).saturating_add(1)).unwrap_or(u32::MAX);
        least + u64::from(self.random.below(width))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize
    }

    fn faults(&self) -> Faults {
        self.plan.faults
    }

    fn fresh_oracle(&self) -> Oracle {
        fresh_oracle(&self.plan)
    }

    fn room_name(room: usize) -> String {
        room_name(R::PERSONAL, u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// A line of the trace, which the digest covers too.
    fn note(
        &mut self,
        who: &str,
        what: &str,
        numbers: (u64, u64),
        fields: impl FnOnce() -> serde_json::Value,
    ) {
        self.trace.mix(self.now_ms, what, numbers.0, numbers.1);
        self.trace.line(self.now_ms, who, what, fields);
    }
}
