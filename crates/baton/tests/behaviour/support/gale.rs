//! Traffic over a store of keys: many clients, many instances, everything in flight at once, and every
//! call a point where something goes wrong. A seed decides.

use std::collections::BTreeMap;

use baton::effect::{Arrival, Outcome};
use baton::slots::Call;
use baton::wire::News;
use baton::{Hash, Random};

use super::rules::{Herd, HerdAction};
use super::traffic::Odds;
use super::{Audit, Client, LEASE_MS, Mishap, Shelf, Voyage, audit, reply_of};

const MISHAPS: [Mishap; 5] = [
    Mishap::NotDone,
    Mishap::Done,
    Mishap::Late,
    Mishap::Twice,
    Mishap::Stale,
];

pub struct Gale {
    seed: u64,
    pub shelf: Shelf<Herd>,
    pub clients: Vec<Client<Herd>>,
    voyages: Vec<(usize, Voyage<Herd>, Arrival)>,
    late: Vec<Call>,
    /// `failure` is per call here.
    odds: Odds,
    pub random: Random,
    next_amount: i64,
    pub losses: usize,
    /// The log as it was last read. Where nothing is lost, it only grows.
    log: Vec<Hash>,
    made: Vec<Vec<i64>>,
    /// How often each mishap happened.
    pub mishaps: BTreeMap<String, u64>,
}

impl Gale {
    pub fn new(instances: usize, users: usize, odds: Odds, seed: u64) -> Self {
        let clients = (0..users).map(|user| Client::new(&format!("user{user}")));
        Self {
            seed,
            shelf: Shelf::new(instances),
            clients: clients.collect(),
            voyages: Vec::new(),
            late: Vec::new(),
            odds,
            random: Random::from_seed(seed),
            next_amount: 0,
            losses: 0,
            log: Vec::new(),
            made: vec![Vec::new(); users],
            mishaps: BTreeMap::new(),
        }
    }

    /// The first client plays calmly up to a version.
    pub fn grow(&mut self, v: u64) {
        self.shelf.join(0, &mut self.clients[0]);
        while self.clients[0].replica.head().v < v {
            self.next_amount += 1;
            let (amount, since_ms) = (self.next_amount, self.shelf.since_ms());
            let acted = self.clients[0]
                .replica
                .act(&HerdAction::Add(amount), since_ms);
            acted.expect("the rules allow it");
            self.made[0].push(amount);
            self.shelf.pass(LEASE_MS + 1);
            self.shelf.exchange(0, &mut self.clients[0]);
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
        match self.random.below(24) {
            0 => {
                let ms = match self.happens(self.odds.pause) {
                    true => self.below(3 * LEASE_MS as usize),
                    false => self.below(90),
                };
                self.shelf.pass(ms as u64);
            }
            1 => self.act(),
            2 | 3 => self.launch(),
            4 => self.upset(),
            _ => self.go(),
        }
    }

    fn act(&mut self) {
        let client = self.below(self.clients.len());
        let amount = self.next_amount + 1;
        let since_ms = self.shelf.since_ms();
        let action = HerdAction::Add(amount);
        if self.clients[client].replica.act(&action, since_ms).is_ok() {
            self.next_amount = amount;
            self.made[client].push(amount);
        }
    }

    fn launch(&mut self) {
        let client = self.below(self.clients.len());
        if self.voyages.iter().filter(|(by, ..)| *by == client).count() > 1 {
            return;
        }
        let arrival = self.clients[client].arrival(self.shelf.now_ms);
        self.send(client, arrival);
    }

    fn send(&mut self, client: usize, arrival: Arrival) {
        let instance = self.below(self.shelf.instances.len());
        let voyage = Voyage::begin(&mut self.shelf, instance, vec![arrival.clone()]);
        self.voyages.push((client, voyage, arrival));
    }

    fn upset(&mut self) {
        let instance = self.below(self.shelf.instances.len());
        if self.happens(self.odds.forget) {
            self.shelf.instances[instance].forget();
        }
        if self.happens(self.odds.forget) {
            self.shelf.slots[instance].forget();
        }
        if self.happens(self.odds.death) {
            self.shelf.replace(instance);
            let since_ms = self.shelf.since_ms();
            let dead = |(_, voyage, _): &mut (_, Voyage<Herd>, _)| voyage.instance == instance;
            for (client, ..) in self.voyages.extract_if(.., dead) {
                self.clients[client].replica.refused(None, None, since_ms);
            }
        }
        if self.happens(self.odds.reload) {
            let client = self.below(self.clients.len());
            self.clients[client].reload();
        }
        if self.happens(self.odds.loss) {
            let writes = 1 + self.below(16);
            self.shelf.keys.roll_back(writes);
            self.losses += 1;
        }
        if !self.late.is_empty() && self.happens(500) {
            let index = self.below(self.late.len());
            let call = self.late.swap_remove(index);
            self.shelf.call(&call);
        }
    }

    fn go(&mut self) {
        if self.voyages.is_empty() {
            return;
        }
        let index = self.below(self.voyages.len());
        let pick = self.below(64);
        let mishap = match self.happens(self.odds.failure) {
            true => MISHAPS[self.below(MISHAPS.len())],
            false => Mishap::None,
        };
        let voyage = &mut self.voyages[index].1;
        if mishap != Mishap::None && !voyage.waiting().is_empty() {
            *self.mishaps.entry(format!("{mishap:?}")).or_default() += 1;
        }
        self.late
            .extend(voyage.step_with(&mut self.shelf, pick, mishap));
        if let Some(outcomes) = self.voyages[index].1.outcomes() {
            let outcome = outcomes[0].clone();
            let (client, _, arrival) = self.voyages.swap_remove(index);
            self.land(client, &outcome);
            if self.happens(self.odds.duplicate) {
                self.send(client, arrival);
            }
        }
    }

    fn land(&mut self, client: usize, outcome: &Outcome) {
        self.check(outcome);
        if self.happens(self.odds.lost_reply) {
            let since_ms = self.shelf.since_ms();
            self.clients[client].replica.refused(None, None, since_ms);
        } else {
            self.clients[client].take(outcome, self.shelf.now_ms);
        }
    }

    /// A reply shows nothing that is not in the log; a store that loses writes cannot promise it.
    fn check(&mut self, outcome: &Outcome) {
        let Ok(reply) = reply_of(outcome) else { return };
        if self.losses > 0 {
            return;
        }
        if reply.head.v > self.log.len() as u64 {
            let log = self.shelf.log();
            self.log = log.iter().map(|bytes| Hash::of(bytes)).collect();
        }
        if reply.head.v > 0 {
            let there = self.log.get(reply.head.v as usize - 1);
            assert_eq!(there, Some(&reply.head.hash), "a head of the log");
        }
        if let News::Frames(frames) = &reply.news {
            for bytes in frames {
                assert!(self.log.contains(&Hash::of(bytes)), "a frame of the log");
            }
        }
    }

    /// Nothing goes wrong any more: everything lands, and everybody asks until all is answered.
    pub fn drain(&mut self) {
        self.odds = Odds::CALM;
        while !self.voyages.is_empty() {
            self.go();
        }
        for call in std::mem::take(&mut self.late) {
            self.shelf.call(&call);
        }
        for _ in 0..60 {
            for client in 0..self.clients.len() {
                let instance = self.below(self.shelf.instances.len());
                self.shelf.exchange(instance, &mut self.clients[client]);
                self.shelf.pass(60);
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

    /// One game: each action in it once, in the order of its making; what was told of each append is
    /// true; all see the same, and so does who comes cold.
    pub fn check_all(&mut self) -> Audit<Herd> {
        let log = self.shelf.log();
        let audit = audit::<Herd>(log.iter().map(Vec::as_slice));
        let state = audit.room.state();
        for (client, made) in self.clients.iter().zip(&self.made) {
            let player = client.replica.player().expect("joined");
            let own = state.log.iter().filter(|(_, by, _)| *by == player);
            let own: Vec<i64> = own.map(|(_, _, amount)| *amount).collect();
            assert_eq!(&own, made, "each action exactly once, in order");
        }
        let hashes: Vec<Hash> = log.iter().map(|bytes| Hash::of(bytes)).collect();
        if self.losses == 0 {
            assert!(self.shelf.appended.iter().all(|hash| hashes.contains(hash)));
            assert!(self.shelf.lost.iter().all(|hash| !hashes.contains(hash)));
            assert_eq!(audit.resets, 0, "nobody met a break");
        }
        let found = self.shelf.found_cold(0);
        assert_eq!(found.head, self.shelf.head(), "who comes cold");
        for client in &mut self.clients {
            self.shelf.exchange(0, client);
            self.shelf.exchange(0, client);
            let at = client.replica.synced().expect("synced").head();
            let log = self.shelf.log();
            assert_eq!(
                log.get(at.v as usize - 1).map(|bytes| Hash::of(bytes)),
                Some(at.hash)
            );
            assert!(at.v >= found.head.v);
        }
        audit
    }
}

impl Drop for Gale {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (instances, seed) = (self.shelf.instances.len(), self.seed);
            println!("repeat with {instances} instances, seed {seed}");
        }
    }
}
