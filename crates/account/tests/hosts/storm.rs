//! A storm over an account: three devices of one user and a server, everything in flight at once, and whatever can go wrong
//! with a store, a host, a page or a reply. One seed decides all of it, so that what it did is done again by its number.

use std::collections::BTreeMap;

use account::{Account, Action, Goal, Item, Preference};
use baton::effect::{Arrival, Call};
use baton::frame::Entry;
use baton::parcel::Receipt;
use baton::{Code, Hash, Random, wire};

use crate::samples::won;
use crate::scene::{OWNER, parcel};
use crate::seas::{Compare, Keys, Sea, digest};
use crate::support::{Audit, Client, LEASE_MS, START_MS, audit, refusal};

const DEVICES: usize = 3;
const STEPS: usize = 3_000;
/// What the server sends, in order.
const MATCHES: usize = 6;

/// Whose request it is: a device's, by its place, or the server's.
type Sender = Option<usize>;

struct Storm<S: Sea> {
    sea: S,
    random: Random,
    devices: Vec<Client<Account>>,
    trips: Vec<(Sender, S::Trip, Arrival)>,
    /// What each device did, encoded, in its order.
    made: Vec<Vec<Vec<u8>>>,
    /// What went wrong, and how often.
    counts: BTreeMap<&'static str, u64>,
    calm: bool,
    sent: u64,
}

impl<S: Sea> Storm<S> {
    fn of(sea: S, seed: u64) -> Self {
        Self {
            sea,
            random: Random::from_seed(seed),
            devices: (1..=DEVICES as u8)
                .map(|device| Client::on(OWNER, device))
                .collect(),
            trips: Vec::new(),
            made: vec![Vec::new(); DEVICES],
            counts: BTreeMap::new(),
            calm: false,
            sent: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u32) as usize
    }

    /// Whether something goes wrong, so often in a thousand.
    fn wrong(&mut self, what: &'static str, odds: u32) -> bool {
        let happens = !self.calm && self.random.chance(odds, 1_000);
        *self.counts.entry(what).or_default() += u64::from(happens);
        happens
    }

    fn since_ms(&self) -> u64 {
        self.sea.now_ms() - START_MS
    }

    fn step(&mut self) {
        match self.below(20) {
            0 => {
                let most = if self.wrong("pauses", 50) {
                    3 * LEASE_MS
                } else {
                    90
                };
                let ms = self.below(most as usize);
                self.sea.pass(ms as u64);
            }
            1 => self.act(),
            2 | 3 => {
                let device = self.below(DEVICES);
                self.ask(device);
            }
            4 => self.send(),
            5 => self.upset(),
            _ => self.go(),
        }
    }

    fn act(&mut self) {
        let which = self.below(DEVICES);
        let value = self.below(100) as u8;
        let action = match self.below(4) {
            0 => Action::Look(value % 8),
            1 => Action::Buy(Item::Raincoat),
            _ => Action::Prefer(Preference::Volume, value),
        };
        let since_ms = self.since_ms();
        if self.devices[which].replica.act(&action, since_ms).is_ok() {
            self.made[which].push(wire::write(&action));
        }
    }

    fn ask(&mut self, device: usize) {
        if self
            .trips
            .iter()
            .filter(|(by, ..)| *by == Some(device))
            .count()
            < 2
        {
            let arrival = self.devices[device].arrival(self.sea.now_ms());
            self.begin(Some(device), arrival);
        }
    }

    /// All that the server has to send, again until it is known to be there.
    fn send(&mut self) {
        if (self.sent as usize) < MATCHES {
            let results: Vec<_> = (0..MATCHES as u32)
                .map(|score| Action::Match(won(20 * score)))
                .collect();
            let call = Call::Deliver(parcel(0, &results).into());
            self.begin(None, Arrival { who: None, call });
        }
    }

    fn begin(&mut self, by: Sender, arrival: Arrival) {
        let host = self.below(self.sea.hosts());
        let trip = self.sea.begin(host, arrival.clone());
        self.trips.push((by, trip, arrival));
    }

    fn upset(&mut self) {
        if self.wrong("hosts that die", 150) {
            let host = self.below(self.sea.hosts());
            self.sea.replace(host);
            let since_ms = self.since_ms();
            for (by, ..) in self
                .trips
                .extract_if(.., |(_, trip, _)| S::host_of(trip) == host)
            {
                if let Some(device) = by {
                    self.devices[device].replica.refused(None, None, since_ms);
                }
            }
        }
        if self.wrong("pages that are loaded again", 150) {
            let device = self.below(DEVICES);
            self.devices[device].reload();
        }
        if self.wrong("late calls", 300) {
            self.sea.settle();
        }
    }

    fn go(&mut self) {
        if self.trips.is_empty() {
            return;
        }
        let index = self.below(self.trips.len());
        let wrong = self.wrong("calls", 60);
        let (_, trip, _) = &mut self.trips[index];
        self.sea.step(trip, &mut self.random, wrong);
        let Some(outcome) = self.sea.landed(&self.trips[index].1) else {
            return;
        };
        let (by, _, arrival) = self.trips.swap_remove(index);
        if self.wrong("copies", 80) {
            self.begin(by, arrival);
        }
        let lost = self.wrong("lost replies", 80);
        let (now_ms, since_ms) = (self.sea.now_ms(), self.since_ms());
        match by {
            Some(device) if lost => self.devices[device].replica.refused(None, None, since_ms),
            Some(device) => {
                if outcome.status != 200 {
                    let (code, _) = refusal(&outcome);
                    assert!(
                        !matches!(code, Some(Code::Conflict | Code::Corrupt)),
                        "{code:?}"
                    );
                }
                self.devices[device].take(&outcome, now_ms);
            }
            None if lost || outcome.status != 200 => {}
            None => {
                let receipt: Receipt = postcard::from_bytes(&outcome.body).expect("a receipt");
                self.sent = self.sent.max(receipt.mark);
            }
        }
    }

    /// Nothing goes wrong any more: everything lands, and everybody asks until all is answered.
    fn settle(&mut self) {
        self.calm = true;
        while !self.trips.is_empty() {
            self.go();
        }
        self.sea.settle();
        for round in 0..200 {
            self.sea.pass(LEASE_MS + 1);
            match round % (DEVICES + 1) {
                DEVICES => self.send(),
                device => self.ask(device),
            }
            while !self.trips.is_empty() {
                self.go();
            }
            let quiet = |device: &Client<Account>| {
                device.replica.pending() == 0 && device.replica.player().is_some()
            };
            if round > 40 && self.devices.iter().all(quiet) && self.sent == MATCHES as u64 {
                return;
            }
        }
        panic!("something is never answered");
    }

    /// Each thing once, in order; all agree. What the log comes to.
    fn check(&mut self) -> Hash {
        let log = self.sea.log();
        let audit: Audit<Account> = audit(log.iter().map(Vec::as_slice));
        let entries = || audit.frames.iter().flat_map(|frame| &frame.entries);
        for (device, made) in self.devices.iter().zip(&self.made) {
            let standing = audit
                .room
                .standing(OWNER, device.replica.device())
                .expect("registered");
            let mine = |entry: &&Entry| match entry {
                Entry::Act { device, .. } | Entry::Reject { device, .. } => {
                    *device == standing.number
                }
                _ => false,
            };
            assert_eq!(
                entries().filter(mine).count(),
                made.len(),
                "each is judged once"
            );
            let accepted = audit
                .accepted
                .iter()
                .filter(|(by, ..)| *by == standing.number);
            for (_, seq, body) in accepted {
                assert_eq!(body, &made[*seq as usize - 1], "under its own number");
            }
            let synced = device.replica.synced().expect("joined");
            assert_eq!(synced.state_hash(), audit.room.state_hash(), "all agree");
        }
        let received = entries().filter_map(|entry| match entry {
            Entry::Receive { number, .. } => Some(*number),
            _ => None,
        });
        assert_eq!(
            received.collect::<Vec<_>>(),
            (1..=MATCHES as u64).collect::<Vec<_>>()
        );
        let state = audit.room.state();
        assert_eq!((state.matches.played as usize, audit.resets), (MATCHES, 0));
        let scores: u64 = (0..MATCHES as u64).sum();
        let goals = Goal::FirstMatch.coins() + Goal::FirstRescue.coins();
        assert_eq!(state.coins, scores + 50 * MATCHES as u64 + goals);
        digest(&log)
    }
}

/// What a seed does. It is the number to repeat it by.
fn run<S: Sea>(sea: S, seed: u64) -> (Hash, BTreeMap<&'static str, u64>) {
    let mut storm = Storm::of(sea, seed);
    (0..STEPS).for_each(|_| storm.step());
    storm.settle();
    (storm.check(), storm.counts)
}

fn storms<S: Sea>(sea: fn() -> S) {
    let mut all = BTreeMap::new();
    let mut digests = std::collections::BTreeSet::new();
    for seed in 0..24 {
        println!("seed {seed}");
        let (digest, counts) = run(sea(), seed);
        assert_eq!(
            run(sea(), seed),
            (digest, counts.clone()),
            "the seed says all"
        );
        digests.insert(digest.0);
        for (what, count) in counts {
            *all.entry(what).or_default() += count;
        }
    }
    assert_eq!(digests.len(), 24, "each seed something else");
    println!("{all:?}");
    assert_eq!(all.len(), 7);
    assert!(all.values().all(|count: &u64| *count > 5), "{all:?}");
}

#[test]
fn b37_a_seed_of_faults_on_an_account_repeats_to_the_byte_and_loses_nothing() {
    storms(|| Compare::new(3));
}

#[test]
fn b37_the_same_on_a_store_of_keys_of_which_any_call_may_fail() {
    storms(|| Keys::new(3));
}
