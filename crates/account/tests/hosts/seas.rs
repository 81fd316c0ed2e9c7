//! The two kinds of store under one face: the memory store, whose effects go wrong as wholes, and a store of single keys, of
//! which every call may. Decides what can go wrong and what may be lost without harm; must not know what is played.

use account::Account;
use baton::effect::{Arrival, Effect, Found, Outcome};
use baton::slots::Call;
use baton::{Hash, Random};

use crate::support::{Fault, Flight, Mishap, ROOM, Shelf, Voyage, World};

/// Hosts of the account over a store.
pub(crate) trait Sea {
    /// A request on its way.
    type Trip;

    fn hosts(&self) -> usize;
    fn begin(&mut self, host: usize, arrival: Arrival) -> Self::Trip;
    /// One step. `wrong`: whatever may go wrong with a step of this store, by the draw.
    fn step(&mut self, trip: &mut Self::Trip, random: &mut Random, wrong: bool);
    fn landed(&self, trip: &Self::Trip) -> Option<Outcome>;
    /// By way of which host it goes.
    fn host_of(trip: &Self::Trip) -> usize;
    /// A host is gone; another takes its place.
    fn replace(&mut self, host: usize);
    /// What is late happens now.
    fn settle(&mut self);
    fn pass(&mut self, ms: u64);
    fn now_ms(&self) -> u64;
    /// All frames.
    fn log(&mut self) -> Vec<Vec<u8>>;
    /// All that is no log is gone: memory, snapshots, hints.
    fn lose_caches(&mut self);
    /// What somebody finds who knows nothing, and wants nothing but what is new.
    fn found(&mut self) -> Found;

    fn ask(&mut self, host: usize, arrival: Arrival) -> Outcome {
        let mut trip = self.begin(host, arrival);
        let mut calm = Random::from_seed(0);
        for _ in 0..2_000 {
            if let Some(outcome) = self.landed(&trip) {
                return outcome;
            }
            self.step(&mut trip, &mut calm, false);
        }
        panic!("a request does not end");
    }
}

/// The memory store.
pub(crate) struct Compare {
    pub(crate) world: World<Account>,
    late: Vec<Effect>,
}

impl Compare {
    pub(crate) fn new(hosts: usize) -> Self {
        Self {
            world: World::new(hosts),
            late: Vec::new(),
        }
    }
}

impl Sea for Compare {
    type Trip = Flight<Account>;

    fn hosts(&self) -> usize {
        self.world.instances.len()
    }

    fn begin(&mut self, host: usize, arrival: Arrival) -> Self::Trip {
        Flight::begin(&mut self.world, host, vec![arrival])
    }

    fn step(&mut self, trip: &mut Self::Trip, random: &mut Random, wrong: bool) {
        let faults = [Fault::NotDone, Fault::Done, Fault::Late];
        let fault = match wrong {
            true => faults[random.below(3) as usize],
            false => Fault::None,
        };
        let late = trip.step_with(&mut self.world, fault);
        self.late.extend(late);
    }

    fn landed(&self, trip: &Self::Trip) -> Option<Outcome> {
        trip.outcomes().map(|outcomes| outcomes[0].clone())
    }

    fn host_of(trip: &Self::Trip) -> usize {
        trip.instance
    }

    fn replace(&mut self, host: usize) {
        self.world.replace(host);
    }

    fn settle(&mut self) {
        for effect in std::mem::take(&mut self.late) {
            self.world.perform(&effect);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.world.pass(ms);
    }

    fn now_ms(&self) -> u64 {
        self.world.now_ms
    }

    fn log(&mut self) -> Vec<Vec<u8>> {
        self.world.log().frames().map(<[u8]>::to_vec).collect()
    }

    fn lose_caches(&mut self) {
        (0..self.hosts()).for_each(|host| self.world.replace(host));
        self.world.log().lose_snapshots();
        self.world.log().end_lease();
    }

    fn found(&mut self) -> Found {
        self.world.found()
    }
}

/// A store that can only create a key if it is absent.
pub(crate) struct Keys {
    pub(crate) shelf: Shelf<Account>,
    late: Vec<Call>,
}

impl Keys {
    pub(crate) fn new(hosts: usize) -> Self {
        Self {
            shelf: Shelf::new(hosts),
            late: Vec::new(),
        }
    }
}

impl Sea for Keys {
    type Trip = Voyage<Account>;

    fn hosts(&self) -> usize {
        self.shelf.instances.len()
    }

    fn begin(&mut self, host: usize, arrival: Arrival) -> Self::Trip {
        Voyage::begin(&mut self.shelf, host, vec![arrival])
    }

    fn step(&mut self, trip: &mut Self::Trip, random: &mut Random, wrong: bool) {
        let mishaps = [
            Mishap::NotDone,
            Mishap::Done,
            Mishap::Late,
            Mishap::Twice,
            Mishap::Stale,
        ];
        let mishap = match wrong {
            true => mishaps[random.below(5) as usize],
            false => Mishap::None,
        };
        let pick = random.below(64) as usize;
        let late = trip.step_with(&mut self.shelf, pick, mishap);
        self.late.extend(late);
    }

    fn landed(&self, trip: &Self::Trip) -> Option<Outcome> {
        trip.outcomes().map(|outcomes| outcomes[0].clone())
    }

    fn host_of(trip: &Self::Trip) -> usize {
        trip.instance
    }

    fn replace(&mut self, host: usize) {
        self.shelf.replace(host);
    }

    fn settle(&mut self) {
        for call in std::mem::take(&mut self.late) {
            self.shelf.call(&call);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.shelf.pass(ms);
    }

    fn now_ms(&self) -> u64 {
        self.shelf.now_ms
    }

    fn log(&mut self) -> Vec<Vec<u8>> {
        self.shelf.log()
    }

    fn lose_caches(&mut self) {
        (0..self.hosts()).for_each(|host| self.shelf.replace(host));
        let caches = [":snapshot:", ":hint", ":lease"];
        let names: Vec<String> = self.shelf.keys.names().map(str::to_owned).collect();
        for key in names {
            assert!(key.starts_with(&format!("{{{ROOM}}}")));
            if caches.iter().any(|cache| key.contains(cache)) {
                self.shelf.call(&Call::Delete { keys: vec![key] });
            }
        }
    }

    fn found(&mut self) -> Found {
        self.shelf.found_cold(0)
    }
}

/// What a log comes to, as one hash.
pub(crate) fn digest(log: &[Vec<u8>]) -> Hash {
    Hash::of(&baton::wire::write(&log.to_vec()))
}
