//! Many clients, many instances, everything in flight at once: a seed decides what happens next,
//! and what goes wrong. Every reply is checked against the log when it lands.

use baton::effect::{Arrival, Call, Effect, Outcome};
use baton::wire::News;
use baton::{Hash, Random};

use super::rules::{Herd, HerdAction};
use super::{Client, Fault, Flight, LEASE_MS, World, reply_of};

/// How often things go wrong, in thousandths of the occasions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// An effect fails, in one of the three ways.
    pub failure: u32,
    /// A reply is lost.
    pub lost_reply: u32,
    /// A request is delivered a second time, later.
    pub duplicate: u32,
    /// An instance forgets its rooms.
    pub forget: u32,
    /// An instance dies, with all that it had in flight.
    pub death: u32,
    /// A page is loaded again.
    pub reload: u32,
    /// Time jumps by up to three leases.
    pub pause: u32,
    /// The store loses its last writes, up to four frames.
    pub loss: u32,
}

impl Odds {
    pub const CALM: Self = Self {
        failure: 0,
        lost_reply: 0,
        duplicate: 0,
        forget: 0,
        death: 0,
        reload: 0,
        pause: 0,
        loss: 0,
    };
    pub const ROUGH: Self = Self {
        failure: 80,
        lost_reply: 60,
        duplicate: 60,
        forget: 40,
        death: 10,
        reload: 10,
        pause: 30,
        loss: 0,
    };
    pub const LOSSY: Self = Self {
        loss: 15,
        ..Self::ROUGH
    };
}

/// What clients of the traffic can tell, for whoever records it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client's request is on its way, or a copy of it.
    Sent {
        flight: u64,
        client: usize,
        request: Vec<u8>,
        now_ms: u64,
    },
    /// Its answer arrived, or never will.
    Landed {
        flight: u64,
        outcome: Option<Outcome>,
        now_ms: u64,
    },
    /// The store, which had this log, loses all after a version.
    Loses {
        log: Vec<Vec<u8>>,
        kept: u64,
        now_ms: u64,
    },
}

pub struct Traffic {
    seed: u64,
    pub world: World<Herd>,
    pub clients: Vec<Client<Herd>>,
    flights: Vec<Sent>,
    /// Set: what happens is written down.
    pub journal: Option<Vec<Event>>,
    sent: u64,
    late: Vec<Effect>,
    /// The log's, as far as replies were checked.
    hashes: Vec<Hash>,
    odds: Odds,
    pub random: Random,
    next_amount: i64,
    /// How often the store lost writes.
    pub losses: usize,
    /// Amounts by client, in order of their making.
    pub made: Vec<Vec<i64>>,
}

/// A request on its way.
struct Sent {
    number: u64,
    client: usize,
    flight: Flight<Herd>,
    arrival: Arrival,
}

impl Traffic {
    pub fn new(instances: usize, users: usize, odds: Odds, seed: u64) -> Self {
        let clients = (0..users).map(|user| Client::new(&format!("user{user}")));
        Self {
            world: World::new(instances),
            seed,
            clients: clients.collect(),
            flights: Vec::new(),
            journal: None,
            sent: 0,
            late: Vec::new(),
            hashes: Vec::new(),
            odds,
            random: Random::from_seed(seed),
            next_amount: 0,
            losses: 0,
            made: vec![Vec::new(); users],
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u32) as usize
    }

    fn happens(&mut self, odds: u32) -> bool {
        self.random.chance(odds, 1_000)
    }

    /// One thing happens.
    pub fn step(&mut self) {
        match self.random.below(10) {
            0 => {
                let ms = match self.happens(self.odds.pause) {
                    true => u64::from(self.random.below(3 * LEASE_MS as u32)),
                    false => u64::from(self.random.below(60)),
                };
                self.world.pass(ms);
            }
            1 => self.act(),
            2 | 3 => self.launch(),
            4 => self.upset(),
            _ => self.fly(),
        }
    }

    fn act(&mut self) {
        let client = self.below(self.clients.len());
        let amount = self.next_amount + 1;
        let since_ms = self.world.since_ms();
        let action = HerdAction::Add(amount);
        if self.clients[client].replica.act(&action, since_ms).is_ok() {
            self.next_amount = amount;
            self.made[client].push(amount);
        }
    }

    fn launch(&mut self) {
        let client = self.below(self.clients.len());
        // Sometimes several requests of one client are on their way.
        let busy = self.flights.iter().filter(|sent| sent.client == client);
        if busy.count() > 1 {
            return;
        }
        let arrival = self.clients[client].arrival(self.world.now_ms);
        self.send(client, arrival);
    }

    fn send(&mut self, client: usize, arrival: Arrival) {
        let instance = self.below(self.world.instances.len());
        let flight = Flight::begin(&mut self.world, instance, vec![arrival.clone()]);
        self.sent += 1;
        let (number, now_ms) = (self.sent, self.world.now_ms);
        if let (Some(journal), Call::Play(request)) = (&mut self.journal, &arrival.call) {
            journal.push(Event::Sent {
                flight: number,
                client,
                request: request.to_vec(),
                now_ms,
            });
        }
        self.flights.push(Sent {
            number,
            client,
            flight,
            arrival,
        });
    }

    fn landed(&mut self, flight: u64, outcome: Option<&Outcome>) {
        let (outcome, now_ms) = (outcome.cloned(), self.world.now_ms);
        if let Some(journal) = &mut self.journal {
            journal.push(Event::Landed {
                flight,
                outcome,
                now_ms,
            });
        }
    }

    fn upset(&mut self) {
        let instance = self.below(self.world.instances.len());
        if self.happens(self.odds.forget) {
            self.world.instances[instance].forget();
        }
        if self.happens(self.odds.death) {
            self.world.replace(instance);
            let since_ms = self.world.since_ms();
            let dies = |sent: &mut Sent| sent.flight.instance == instance;
            let dead: Vec<Sent> = self.flights.extract_if(.., dies).collect();
            for Sent { number, client, .. } in dead {
                self.clients[client].replica.refused(None, None, since_ms);
                self.landed(number, None);
            }
        }
        if self.happens(self.odds.reload) {
            let client = self.below(self.clients.len());
            self.clients[client].reload();
        }
        if self.happens(self.odds.loss) {
            let keep = self.world.head().v.saturating_sub(1 + self.below(4) as u64);
            self.loses(keep);
            self.world.log().roll_back(keep);
            self.losses += 1;
        }
        if !self.late.is_empty() && self.happens(500) {
            let effect = self.late.swap_remove(0);
            self.world.perform(&effect);
        }
    }

    fn loses(&mut self, kept: u64) {
        if let Some(journal) = &mut self.journal {
            let log = self.world.log().frames().map(<[u8]>::to_vec).collect();
            let now_ms = self.world.now_ms;
            journal.push(Event::Loses { log, kept, now_ms });
        }
    }

    fn fly(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let index = self.below(self.flights.len());
        let fault = match self.happens(self.odds.failure) {
            true => [Fault::NotDone, Fault::Done, Fault::Late][self.below(3)],
            false => Fault::None,
        };
        let flight = &mut self.flights[index].flight;
        let fault = if flight.asks().is_some() {
            fault
        } else {
            Fault::None
        };
        self.late.extend(flight.step_with(&mut self.world, fault));
        if self.flights[index].flight.outcomes().is_some() {
            let sent = self.flights.swap_remove(index);
            let outcome = sent.flight.outcomes().expect("it landed")[0].clone();
            self.land(sent.number, sent.client, &outcome);
            if self.happens(self.odds.duplicate) {
                self.send(sent.client, sent.arrival);
            }
        }
    }

    fn land_all(&mut self) {
        while !self.flights.is_empty() {
            self.fly();
        }
    }

    fn land(&mut self, number: u64, client: usize, outcome: &Outcome) {
        self.check(outcome);
        let since_ms = self.world.since_ms();
        if self.happens(self.odds.lost_reply) {
            self.clients[client].replica.refused(None, None, since_ms);
            self.landed(number, None);
        } else {
            self.clients[client].take(outcome, self.world.now_ms);
            self.landed(number, Some(outcome));
        }
    }

    /// A reply shows nothing that is not in the log; a store that loses writes cannot promise it.
    fn check(&mut self, outcome: &Outcome) {
        let Ok(reply) = reply_of(outcome) else { return };
        if self.losses > 0 {
            return;
        }
        let log = self.world.log();
        let new = log.frames().skip(self.hashes.len()).map(Hash::of);
        self.hashes.extend(new);
        let at = |v: u64| self.hashes.get(v as usize - 1);
        if reply.head.v > 0 {
            assert_eq!(
                at(reply.head.v),
                Some(&reply.head.hash),
                "a head of the log"
            );
        }
        if let News::Frames(frames) = &reply.news {
            for bytes in frames {
                let hash = Hash::of(bytes);
                let held = self.hashes.iter().rev().any(|held| *held == hash);
                assert!(held, "a frame that is not in the log");
            }
        }
    }

    /// Nothing goes wrong any more: everything lands, and everybody asks until all is answered.
    pub fn drain(&mut self) {
        self.odds = Odds::CALM;
        self.land_all();
        for effect in std::mem::take(&mut self.late) {
            self.world.perform(&effect);
        }
        for _ in 0..60 {
            for client in 0..self.clients.len() {
                let arrival = self.clients[client].arrival(self.world.now_ms);
                self.send(client, arrival);
                self.land_all();
                self.world.pass(60);
            }
            if self
                .clients
                .iter()
                .all(|client| client.replica.pending() == 0)
            {
                return;
            }
        }
        panic!("some actions are never answered");
    }

    /// Every action is in the log exactly once, each client's in the order of their making, and
    /// everybody sees the same.
    pub fn check_all(&mut self) {
        let audit = self.world.audit();
        let by_player: Vec<Vec<i64>> = (0..self.clients.len())
            .map(|client| {
                let player = self.clients[client].replica.player().expect("joined");
                let own = audit
                    .room
                    .state()
                    .log
                    .iter()
                    .filter(|(_, by, _)| *by == player);
                own.map(|(_, _, amount)| *amount).collect()
            })
            .collect();
        assert_eq!(by_player, self.made, "each action exactly once, in order");
        for client in &mut self.clients {
            self.world.exchange(0, client);
            let resets = client.resets();
            assert!(resets == 0 || self.losses > 0, "nothing was lost");
        }
        let head = self.world.head();
        for client in &mut self.clients {
            self.world.exchange(0, client);
            let synced = client.replica.synced().expect("synced");
            let bytes = self.world.log().frames().nth(synced.head().v as usize - 1);
            assert_eq!(bytes.map(Hash::of), Some(synced.head().hash));
            assert!(synced.head().v >= head.v);
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (instances, seed) = (self.world.instances.len(), self.seed);
            println!("repeat with {instances} instances, seed {seed}");
        }
    }
}
