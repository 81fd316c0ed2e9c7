//! What a seed draws: how large the world is, how it is asked, and how often each thing goes wrong.
//! About half of all faults never happen in a run, so that each is also seen without the others.
//! Knows nothing of how any of it is done.

use baton::{Random, SettingsInput};

use crate::rules::{CATCH_UP, OWN, PAUSE, SKIP, STILL};

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What silence does to time, see [`crate::rules`].
    pub policy: u8,
    /// Rooms are users' own, one for each, and take orders.
    pub own: bool,
    /// Of ten thousand times that a device acts, how often it orders something too.
    pub orders: u32,
    /// Rooms of that kind, 1 or more.
    pub rooms: usize,
    /// Of ten thousand actions, how many send something to another room.
    pub wires: u32,
    /// Instances that answer, 1 to 16.
    pub instances: usize,
    /// Devices that play, 1 to 200.
    pub clients: usize,
    /// Users that they belong to, at most as many: one may have more devices than there is a place for.
    pub users: usize,
    /// Of every instance.
    pub settings: SettingsInput,
    /// Which instance a client asks.
    pub routing: Routing,
    /// Whether requests that arrive while others are served wait and go together, as on the hosts.
    pub batched: bool,
    /// Whether the store can only create keys if absent; such a one has no clock.
    pub keys: bool,
    /// Whether the store has a clock.
    pub clock: bool,
    /// Of a hundred clients, how many have frames pushed to them.
    pub sockets: u32,
    /// Between two actions of a client, on average, in milliseconds.
    pub act_every_ms: u32,
    /// The fault phase ends when so many requests were made, or its time is over.
    pub requests: u64,
    /// The longest fault phase, in milliseconds, nights apart.
    pub fault_ms: u64,
    /// How long a client waits for an answer, in milliseconds.
    pub patience_ms: u64,
    /// Of ten thousand actions that nobody honest makes, how many break the rules.
    pub poison: u32,
    /// The same of those after which time breaks them: their room halts, so few worlds have any.
    pub curses: u32,
    /// Who only watches, by what caches hold.
    pub spectators: usize,
    /// Other rules are deployed meanwhile.
    pub rollout: Option<Rollout>,
    /// What goes wrong.
    pub faults: Faults,
}

/// A rolling deploy: builds with both rules, then the setting that brings rooms to the later ones, with
/// pages that have them. Times are of the run, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// When builds with both begin to be deployed.
    pub ready_ms: u64,
    /// When the setting does.
    pub eager_ms: u64,
    /// When builds with the later rules alone do, if every room has them by then and nothing can take them away.
    pub strip_ms: u64,
    /// Within how long each is everywhere.
    pub spread_ms: u64,
    /// Whether new pages have the rules before, too.
    pub both: bool,
}

/// Which instance a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Any, each time.
    Random,
    /// The same until it fails.
    Sticky,
    /// The first that lives, for everybody.
    One,
}

/// How often things go wrong. Rates are in ten thousand, of what the comment names; counts are of a
/// run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Requests that never arrive.
    pub request_lost: u32,
    /// Replies that never arrive.
    pub reply_lost: u32,
    /// Requests that arrive twice, perhaps at two instances.
    pub duplicated: u32,
    /// Messages that take up to 3 s.
    pub slow: u32,
    /// Requests of which a copy arrives minutes later.
    pub very_late: u32,
    /// Pushed frames that are dropped, doubled or delayed.
    pub pushes: u32,
    /// Store calls that take 10 ms to 30 s.
    pub spike: u32,
    /// Store calls that fail and were not done.
    pub not_done: u32,
    /// Store calls that seem to fail and were done.
    pub done_unseen: u32,
    /// Store calls that seem to fail and are done later.
    pub done_late: u32,
    /// Store calls that are carried out twice.
    pub done_twice: u32,
    /// Plain gets that are answered by a copy that lags.
    pub stale: u32,
    /// Store calls refused by an overloaded store, not to be tried again.
    pub overloaded: u32,
    /// Store calls before or after which the request stands still for longer than a lease.
    pub pause: u32,
    /// Store calls at which the instance is killed.
    pub kill: u32,
    /// Store calls whose invocation is never gone on with, while its instance lives.
    pub dropped: u32,
    /// Steps of the handler that trap.
    pub trap: u32,
    /// Actions after which the page is loaded again.
    pub reload: u32,
    /// Actions that are made and lost with the tab before they are kept.
    pub unsaved: u32,
    /// Requests that nobody honest sends.
    pub junk: u32,
    /// Times that the store loses its last frames.
    pub roll_backs: u32,
    /// Times that the store fails over to a copy that lags: what it has is all of an earlier moment.
    pub failovers: u32,
    /// Times that two halves of the store accept writes, and one half's are lost.
    pub split_brains: u32,
    /// Times that snapshots, the lease or the inbox are gone, or the lease has no end.
    pub evictions: u32,
    /// Times that the store is full for seconds.
    pub full: u32,
    /// Times that what the store tells of snapshots is damaged for seconds.
    pub damaged: u32,
    /// Times that an instance stands still as a whole.
    pub stops: u32,
    /// Times that an instance is replaced after finishing its requests.
    pub rotations: u32,
    /// Times that an instance forgets its rooms.
    pub forgets: u32,
    /// Times that some clients and some instances, or instances and the store, do not hear each other.
    pub partitions: u32,
    /// Times that everybody is away for minutes to 30 days.
    pub nights: u32,
    /// Times that one device is offline for seconds to minutes.
    pub offline: u32,
    /// Times that a page is closed on purpose, and opened again later.
    pub leaves: u32,
    /// Times that a device's storage is lost.
    pub storage_lost: u32,
    /// Times that a device's storage is copied to another.
    pub clones: u32,
    /// Times that a hundred watchers arrive at once.
    pub herds: u32,
    /// Times that a job that asks the room is run twice.
    pub jobs: u32,
    /// How far instances' wall clocks are off, at most, in milliseconds.
    pub skew_ms: u32,
    /// How fast instances' clocks drift, at most, in millionths.
    pub drift_ppm: u32,
    /// Times that a wall clock jumps.
    pub steps: u32,
    /// Clocks stand still while a request is answered.
    pub frozen: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn draw(random: &mut Random) -> Self {
        let policy = [PAUSE, PAUSE, SKIP, CATCH_UP, STILL][random.below(5) as usize];
        let clients = size(random, &[(1, 2), (1, 3), (2, 4), (2, 5), (3, 8), (4, 20)]);
        let large = random.chance(1, 500);
        let clients = if large {
            60 + below(random, 141)
        } else {
            clients
        };
        let rooms = if random.chance(1, 4) {
            2 + below(random, 2)
        } else {
            1
        };
        let keys = random.chance(1, 4);
        let instances = match random.below(4) {
            0 => 1,
            1 => 2,
            2 => 2 + below(random, 3),
            _ => 4 + below(random, 13),
        };
        Self {
            policy,
            own: false,
            orders: 0,
            wires: 0,
            rooms,
            instances,
            clients,
            users: 1 + below(random, clients),
            settings: settings(random),
            routing: [
                Routing::Random,
                Routing::Random,
                Routing::Sticky,
                Routing::One,
            ][random.below(4) as usize],
            batched: !random.chance(1, 8),
            keys,
            clock: !keys && !random.chance(1, 4),
            sockets: [0, 0, 50, 100][random.below(4) as usize],
            act_every_ms: [500, 1_000, 2_000, 5_000][random.below(4) as usize],
            requests: 1_000 + u64::from(random.below(400)),
            fault_ms: 600_000,
            patience_ms: u64::from(1_000 + random.below(7_000)),
            poison: 0,
            curses: 0,
            spectators: 0,
            rollout: None,
            faults: Faults::draw(random),
        }
    }

    /// Draws how often the rules break, from a generator of its own: worlds in which they do not are what they
    /// were before they could.
    pub fn poison(&mut self, random: &mut Random) {
        if random.chance(1, 4) {
            self.poison = 1 + random.below(3_000);
            self.curses = match random.chance(1, 10) {
                true => 1 + random.below(1_000),
                false => 0,
            };
        }
    }

    /// Some worlds are of rooms of one's own, from a generator of its own too: those without ticks, as accounts are, or that
    /// catch up, where what is ordered waits for a room that is behind its clock.
    pub fn draw_own(&mut self, random: &mut Random) {
        if matches!(self.policy, STILL | CATCH_UP) && random.chance(1, 2) {
            self.make_own(random);
        }
    }

    /// Rooms are users' own: few users, so that each has devices that compete and give way. Nothing of such rooms is
    /// pushed to anybody.
    pub fn make_own(&mut self, random: &mut Random) {
        self.own = true;
        self.policy = if self.policy == STILL {
            STILL
        } else {
            CATCH_UP
        };
        self.users = 1 + below(random, self.users.min(3));
        self.rooms = self.users;
        self.sockets = 0;
        self.spectators = 0;
        self.orders = match random.chance(1, 4) {
            true => 0,
            false => 1 + random.below(6_000),
        };
        if random.chance(1, 3) {
            // A device that lost its storage is another one, for which the longest silent gives way after a while.
            self.faults.storage_lost += 4 + random.below(12);
            self.faults.nights += 1;
        }
    }

    /// Whether instances' clocks tell the time.
    pub fn clocks_are_right(&self) -> bool {
        let Faults {
            skew_ms,
            drift_ppm,
            steps,
            frozen,
            ..
        } = self.faults;
        skew_ms + drift_ppm + steps == 0 && !frozen
    }

    /// Whether anything may go wrong.
    pub fn is_troubled(&self) -> bool {
        self.faults != Faults::default() || self.poison > 0 || self.rollout.is_some()
    }

    /// Whether the store loses nothing, not even a snapshot: what lies before may not be replayed again.
    pub fn keeps(&self) -> bool {
        let Faults {
            roll_backs,
            failovers,
            split_brains,
            evictions,
            ..
        } = self.faults;
        roll_backs + failovers + split_brains + evictions == 0 && !self.keys
    }

    /// What its rules are told apart by: the policy, and whether rooms are users' own.
    pub fn rules(&self) -> u8 {
        self.policy | if self.own { OWN } else { 0 }
    }

    /// In some worlds other rules are deployed meanwhile, from a generator of its own too.
    pub fn draw_deploy(&mut self, random: &mut Random) {
        if random.chance(1, 6) {
            self.deploy(random);
        }
    }

    /// Where there are several rooms, they mostly send each other something: from a generator of its own too.
    pub fn draw_wires(&mut self, random: &mut Random) {
        if self.rooms > 1 && self.rollout.is_none() && random.chance(3, 4) {
            self.wires = 1 + random.below(2_000);
        }
    }

    /// What worlds did not have once, from a generator of its own too.
    pub fn draw_added(&mut self, random: &mut Random) {
        if !self.own && random.chance(1, 2) {
            self.spectators = 1 + below(random, 3);
        }
        if self.faults != Faults::default() {
            let mut rate = |most: u32| match random.chance(1, 2) {
                true => 1 + random.below(most),
                false => 0,
            };
            self.faults.failovers = rate(2);
            self.faults.dropped = rate(60);
            self.faults.leaves = rate(4);
        }
    }

    /// In some worlds snapshots are damaged, from a generator of its own too.
    pub fn draw_damage(&mut self, random: &mut Random) {
        if self.faults != Faults::default() && random.chance(1, 3) {
            self.faults.damaged = 1 + random.below(6);
        }
    }

    /// Several rooms that send each other a lot.
    pub fn make_wires(&mut self, random: &mut Random) {
        self.rollout = None;
        self.rooms = self.rooms.max(2 + below(random, 2));
        self.clients = self.clients.max(self.rooms * 2);
        self.users = match self.own {
            true => self.rooms,
            false => self.users.min(self.clients / self.rooms).max(1),
        };
        self.wires = 500 + random.below(3_000);
    }

    /// Other rules are deployed. No time breaks the rules then: what a change of rules does to a halted room is told by
    /// a test of its own. Nor is anything sent: that is encoded by the rules of the room that sends.
    pub fn deploy(&mut self, random: &mut Random) {
        self.curses = 0;
        self.wires = 0;
        self.rollout = Some(Rollout::draw(random));
    }

    /// A world in which nothing goes wrong, for scenarios.
    pub fn calm(policy: u8, instances: usize, clients: usize) -> Self {
        Self {
            policy,
            own: false,
            orders: 0,
            wires: 0,
            rooms: 1,
            instances,
            clients,
            users: clients,
            settings: SettingsInput::default(),
            routing: Routing::Random,
            batched: true,
            keys: false,
            clock: true,
            sockets: 0,
            act_every_ms: 500,
            requests: 1_000,
            fault_ms: 600_000,
            patience_ms: 5_000,
            poison: 0,
            curses: 0,
            spectators: 0,
            rollout: None,
            faults: Faults::default(),
        }
    }
}

impl Rollout {
    /// Some deploy.
    pub fn draw(random: &mut Random) -> Self {
        let ready_ms = 500 + u64::from(random.below(15_000));
        let eager_ms = ready_ms + 1 + u64::from(random.below(15_000));
        Self {
            ready_ms,
            eager_ms,
            strip_ms: eager_ms + 2_000 + u64::from(random.below(20_000)),
            spread_ms: u64::from(random.below(20_000)),
            both: random.chance(1, 2),
        }
    }
}

impl Faults {
    fn draw(random: &mut Random) -> Self {
        // A run in a hundred has every fault there is; one in twenty has none.
        let odds = match random.below(100) {
            0 => 100,
            1..=5 => 0,
            _ => 50,
        };
        let mut rate = |most: u32| match random.chance(odds, 100) {
            true => 1 + random.below(most),
            false => 0,
        };
        Self {
            request_lost: rate(1_500),
            reply_lost: rate(1_500),
            duplicated: rate(1_000),
            slow: rate(1_000),
            very_late: rate(100),
            pushes: rate(3_000),
            spike: rate(200),
            not_done: rate(400),
            done_unseen: rate(400),
            done_late: rate(300),
            done_twice: rate(500),
            stale: rate(2_000),
            overloaded: rate(100),
            pause: rate(200),
            kill: rate(60),
            trap: rate(40),
            reload: rate(500),
            unsaved: rate(300),
            junk: rate(300),
            roll_backs: rate(3),
            split_brains: rate(2),
            evictions: rate(6),
            full: rate(2),
            stops: rate(4),
            rotations: rate(6),
            forgets: rate(10),
            partitions: rate(3),
            nights: rate(2),
            offline: rate(4),
            storage_lost: rate(2),
            clones: rate(2),
            herds: rate(2),
            jobs: rate(3),
            skew_ms: rate(600_000),
            drift_ppm: rate(5_000),
            steps: rate(4),
            frozen: rate(1) == 1,
            ..Self::default()
        }
    }
}

fn settings(random: &mut Random) -> SettingsInput {
    let frame_ms = [50, 100, 250, 500][random.below(4) as usize];
    let lease_ms = frame_ms * [1, 2, 2, 4][random.below(4) as usize];
    SettingsInput {
        frame_ms,
        lease_ms,
        idle_ms: lease_ms.max([500, 1_000, 2_000][random.below(3) as usize]),
        poll_ms: [100, 150, 300][random.below(3) as usize],
        recent: [1, 4, 32, 256][random.below(4) as usize],
        catch_up_ticks: [30, 200, 1_000][random.below(3) as usize],
        cache_bytes: if random.chance(1, 20) { 1 } else { 1 << 25 },
        ..SettingsInput::default()
    }
}

/// One of several ranges of sizes.
fn size(random: &mut Random, ranges: &[(usize, usize)]) -> usize {
    let (least, most) = ranges[below(random, ranges.len())];
    least + below(random, most - least + 1)
}

fn below(random: &mut Random, bound: usize) -> usize {
    random.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize
}
