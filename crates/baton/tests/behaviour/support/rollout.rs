//! A rolling deploy with everything in flight: pages of both versions, instances of every build,
//! random routing, faults, deaths; a seed decides. The settings change in the middle.

use baton::effect::{Arrival, Effect, Outcome};
use baton::{Era, Kind, Note, Random, Replica, Status};

use super::fleet::{Build, Fleet, Trip};
use super::flock::{Both, One, OneAction, Two, TwoAction};
use super::{Client, Fault, LEASE_MS, START_MS, audit, refusal};

/// A page, by the rules that it was loaded with.
enum Page {
    Old(Box<Client<One>>),
    Both(Box<Client<Both>>),
    New(Box<Client<Two>>),
    /// While it is loaded.
    Gone,
}

macro_rules! with {
    ($page:expr, $client:ident => $work:expr) => {
        match $page {
            Page::Old($client) => $work,
            Page::Both($client) => $work,
            Page::New($client) => $work,
            Page::Gone => panic!("a page is loaded in one step"),
        }
    };
}

pub struct Rollout {
    seed: u64,
    pub fleet: Fleet,
    pages: Vec<Page>,
    trips: Vec<(usize, Trip)>,
    late: Vec<Effect>,
    random: Random,
    calm: bool,
    lossy: bool,
    pub losses: usize,
    /// The store lost even the first frame when some instances wanted the later rules already.
    emptied: bool,
    /// Amounts by page, in order of their making.
    made: Vec<Vec<i64>>,
    amount: i64,
}

impl Rollout {
    pub fn new(seed: u64, lossy: bool) -> Self {
        let old = |user: usize| Page::Old(Box::new(Client::new(&format!("user{user}"))));
        let mut pages: Vec<Page> = (0..3).map(old).collect();
        pages.push(Page::Both(Box::new(Client::new("user3"))));
        pages.push(Page::New(Box::new(Client::new("user4"))));
        let count = pages.len();
        Self {
            seed,
            fleet: Fleet::new(&[(Build::Old, 1), (Build::Old, 1), (Build::Both, 1)]),
            pages,
            trips: Vec::new(),
            late: Vec::new(),
            random: Random::from_seed(seed),
            calm: false,
            lossy,
            losses: 0,
            emptied: false,
            made: vec![Vec::new(); count],
            amount: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u32) as usize
    }

    fn happens(&mut self, odds: u32) -> bool {
        !self.calm && self.random.chance(odds, 1_000)
    }

    fn since_ms(&self) -> u64 {
        self.fleet.now_ms - START_MS
    }

    /// Old builds alone, then both with the new settings beside an old one, then a new one too.
    pub fn run(&mut self, steps: usize) {
        for step in 0..steps {
            if step == steps / 3 {
                self.deploy(1, Build::Both, 2);
            }
            if step == steps * 2 / 3 {
                self.deploy(2, Build::New, 2);
            }
            self.step();
        }
    }

    fn deploy(&mut self, machine: usize, build: Build, wanted: u32) {
        self.fleet.deploy(machine, build, wanted);
        let since_ms = self.since_ms();
        let dead = self
            .trips
            .extract_if(.., |(_, trip)| trip.machine == machine);
        for (page, _) in dead {
            with!(&mut self.pages[page], client => client.replica.refused(None, None, since_ms));
        }
    }

    fn step(&mut self) {
        match self.below(10) {
            0 => {
                let most = if self.happens(30) { 3 * LEASE_MS } else { 60 };
                let ms = self.below(most as usize) as u64;
                self.fleet.pass(ms);
            }
            1 => self.act(),
            2 | 3 => self.launch(),
            4 => self.upset(),
            _ => self.fly(),
        }
    }

    fn act(&mut self) {
        let (page, since_ms) = (self.below(self.pages.len()), self.since_ms());
        let amount = self.amount + 1;
        let one = OneAction::Add(amount);
        let two = TwoAction::Add {
            late: false,
            amount,
        };
        let acted = match &mut self.pages[page] {
            Page::Old(client) => client.replica.act(&one, since_ms),
            Page::New(client) => client.replica.act(&two, since_ms),
            Page::Both(client) => {
                let room = client.replica.predicted();
                let old = room.is_some_and(|room| matches!(room.config(), Era::Old(_)));
                let action = if old { Era::Old(one) } else { Era::New(two) };
                client.replica.act(&action, since_ms)
            }
            Page::Gone => return,
        };
        if acted.is_ok() {
            self.amount = amount;
            self.made[page].push(amount);
        }
    }

    fn launch(&mut self) {
        let page = self.below(self.pages.len());
        if self.trips.iter().filter(|trip| trip.0 == page).count() > 1 {
            return;
        }
        let now_ms = self.fleet.now_ms;
        let arrival = with!(&mut self.pages[page], client => client.arrival(now_ms));
        self.send(page, &arrival);
    }

    fn send(&mut self, page: usize, arrival: &Arrival) {
        let machine = self.below(self.fleet.machines.len());
        let trip = self.fleet.begin(machine, std::slice::from_ref(arrival));
        self.trips.push((page, trip));
    }

    fn upset(&mut self) {
        let machine = self.below(self.fleet.machines.len());
        if self.happens(20) {
            let (build, wanted) = (
                self.fleet.machines[machine].build,
                self.fleet.machines[machine].wanted,
            );
            self.deploy(machine, build, wanted);
        }
        if self.lossy && self.happens(15) {
            let back = 1 + self.below(6) as u64;
            let head = self.fleet.log().head().v;
            self.fleet.log().roll_back(head.saturating_sub(back));
            self.losses += 1;
            let wanted = self.fleet.machines.iter().any(|machine| machine.wanted > 1);
            self.emptied |= wanted && head <= back;
        }
        if !self.late.is_empty() && self.happens(500) {
            let effect = self.late.swap_remove(0);
            self.fleet.perform(&effect);
        }
        let page = self.below(self.pages.len());
        if self.happens(20) {
            self.load(page);
        }
    }

    /// A page that is too old is loaded again by the new rules, any other as it was.
    fn load(&mut self, page: usize) {
        let since_ms = self.since_ms();
        self.pages[page] = match std::mem::replace(&mut self.pages[page], Page::Gone) {
            Page::Old(client) if client.replica.status(since_ms) == Status::Reload => {
                Page::New(Box::new(client.reload_as()))
            }
            Page::Old(client) => Page::Old(Box::new(client.reload_as())),
            Page::Both(client) => Page::Both(Box::new(client.reload_as())),
            Page::New(client) => Page::New(Box::new(client.reload_as())),
            Page::Gone => Page::Gone,
        };
    }

    fn fly(&mut self) {
        if self.trips.is_empty() {
            return;
        }
        let index = self.below(self.trips.len());
        if matches!(self.trips[index].1.effect, Effect::Reply(_)) {
            let (page, trip) = self.trips.swap_remove(index);
            let outcome = self.fleet.finish(trip).remove(0);
            return self.land(page, &outcome);
        }
        let fault = match self.happens(80) {
            true => [Fault::NotDone, Fault::Done, Fault::Late][self.below(3)],
            false => Fault::None,
        };
        let late = self.fleet.step(&mut self.trips[index].1, fault);
        self.late.extend(late);
    }

    fn land(&mut self, page: usize, outcome: &Outcome) {
        let (lost, since_ms, now_ms) = (self.happens(60), self.since_ms(), self.fleet.now_ms);
        if outcome.status != 200 {
            let (code, _) = refusal(outcome);
            assert_ne!(code, Some(baton::Code::Conflict), "one body, one number");
            assert_ne!(code, Some(baton::Code::Corrupt));
        }
        with!(&mut self.pages[page], client => match lost {
            true => client.replica.refused(None, None, since_ms),
            false => client.take(outcome, now_ms),
        });
    }

    /// Nothing goes wrong any more; an old instance is still among those that are asked.
    pub fn drain(&mut self) {
        self.calm = true;
        while !self.trips.is_empty() {
            self.fly();
        }
        for effect in std::mem::take(&mut self.late) {
            self.fleet.perform(&effect);
        }
        for _ in 0..80 {
            for page in 0..self.pages.len() {
                let now_ms = self.fleet.now_ms;
                let arrival = with!(&mut self.pages[page], client => client.arrival(now_ms));
                let machine = self.below(self.fleet.machines.len());
                let outcome = self.fleet.ask(machine, arrival);
                self.land(page, &outcome);
                let since_ms = self.since_ms();
                let old = with!(&self.pages[page], client => client.replica.status(since_ms));
                if old == Status::Reload {
                    self.load(page);
                }
                self.fleet.pass(70);
            }
            let done = |page: &Page| with!(page, client => settled(&client.replica));
            if self.pages.iter().all(done) {
                return;
            }
        }
        panic!("some actions are never answered");
    }

    /// Every action once, in the order of its making, and the room on the later rules in the end.
    /// Returns the version that it began on: the later one only if nothing was left of it.
    pub fn check(&mut self) -> u32 {
        let audit = audit::<Both>(self.fleet.log().frames());
        let Era::New(state) = audit.room.state() else {
            panic!("the room switched");
        };
        for (page, made) in self.pages.iter().zip(&self.made) {
            let player = with!(page, client => client.replica.player());
            let own = state.log.iter().filter(|(by, ..)| Some(*by) == player);
            let own: Vec<i64> = own.map(|(_, amount, _)| *amount).collect();
            assert_eq!(&own, made, "each action exactly once, in order");
            let told = with!(page, client => client.resets());
            assert!(told == 0 || self.losses > 0, "nothing was lost");
            let desynced = with!(page, client => client.notes.contains(&Note::Desync));
            assert!(!desynced, "every build comes to the same state");
        }
        let began = audit.room.version_at(1);
        assert!(
            began == 1 || self.emptied,
            "a room switches, if it is there"
        );
        began
    }
}

fn settled<R: Kind>(replica: &Replica<R>) -> bool {
    replica.pending() == 0 && replica.player().is_some()
}

impl Drop for Rollout {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("repeat with seed {}, losses: {}", self.seed, self.lossy);
        }
    }
}
