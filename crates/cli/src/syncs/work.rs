//! Clients at work: so many requests under way at once, each of the device whose turn it is, to a process that is drawn; and
//! what becomes of it on its way. Decides whose turn it is and when a stage is over; must not know what a device says, or
//! whether it is right.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use account::Account;
use baton::Rules;
use tokio::task::JoinSet;

use super::device::Device;
use super::draw::{Draw, Fate};
use crate::load::clock::Clock;
use crate::load::host::{self, Heard, Session};
use crate::load::ledger::Ledger;
use crate::load::measure::{Counts, Measure};
use crate::load::site::{Caller, Site, Traffic};

/// Who finds nobody's turn come looks again after so long, at the latest, in microseconds.
const LOOK_US: u64 = 10_000;
/// Between two lines of progress.
const TELL: Duration = Duration::from_secs(1);
/// Of so many turns of a device, its page is loaded again in one, where things go wrong at all.
const RELOAD: u32 = 50;
/// Who waits for answers does something more in one of so many turns.
const MORE: u32 = 3;

/// A user and the account of theirs.
pub(super) struct User {
    pub(super) session: Session,
    pub(super) ledger: Arc<Mutex<Ledger>>,
}

/// When a stage is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// All devices are registered.
    Join,
    /// So many syncs were begun.
    Syncs(u64),
    /// So much time is over.
    Time(Duration),
    /// Nothing is without an answer or on its way.
    Settle,
    /// Every device has asked once more.
    Look,
}

/// What went wrong on purpose, counted.
#[derive(Default)]
pub(super) struct Mishaps {
    pub(super) answers_lost: AtomicU64,
    pub(super) connections_cut: AtomicU64,
    pub(super) packets_twice: AtomicU64,
    pub(super) packets_late: AtomicU64,
    pub(super) reloads: AtomicU64,
}

/// A stage.
struct Stage {
    goal: Goal,
    until_us: u64,
    measure: Measure,
    syncs: AtomicU64,
    actions: AtomicU64,
    /// Devices that have something to do in it yet.
    rest: AtomicUsize,
    /// Whose turn is when, in microseconds.
    line: Mutex<BinaryHeap<Reverse<(u64, usize)>>>,
}

/// How a stage went.
pub(super) struct Step {
    pub(super) clients: u32,
    pub(super) seconds: f64,
    pub(super) syncs: u64,
    pub(super) actions: u64,
    pub(super) counts: Counts,
    /// Devices that had something to do when its time was over.
    pub(super) rest: usize,
}

/// All users and their devices.
pub(super) struct Work {
    pub(super) sites: Vec<Arc<Site>>,
    pub(super) clock: Clock,
    pub(super) faults: u32,
    pub(super) users: Vec<User>,
    pub(super) devices: Vec<Mutex<Device>>,
    pub(super) mishaps: Mishaps,
    traffic: Arc<Traffic>,
    path: String,
}

/// A session for each user, so many at once.
async fn sessions(sites: &[Arc<Site>], count: u32, clients: u32) -> Vec<Session> {
    let mut asking = JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    for client in 0..clients.min(count) {
        let mut caller = Caller::new(sites, client as usize, &Arc::default());
        let next = Arc::clone(&next);
        asking.spawn(async move {
            let mut made = Vec::new();
            while next.fetch_add(1, Relaxed) < count.into() {
                made.push(host::session(&mut caller, |_| {}).await);
            }
            made
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

impl Work {
    /// Makes users with their devices, of a seed. None of them has asked anything yet but for who they are.
    pub(super) async fn begin(
        sites: Vec<Arc<Site>>,
        users: u32,
        devices: u32,
        clients: u32,
        faults: u32,
        seed: u64,
    ) -> Self {
        let sessions = sessions(&sites, users, clients).await;
        let user = |session| User {
            session,
            ledger: Arc::default(),
        };
        let all: Vec<User> = sessions.into_iter().map(user).collect();
        // Devices of a user are far from each other in the line.
        let pairs = (0..devices).flat_map(|device| (0..users).map(move |user| (user, device)));
        let devices = pairs.map(|(user, device)| {
            let User { session, ledger } = &all[user as usize];
            let draw = Draw::of(seed, user, device);
            Mutex::new(Device::new(user as usize, &session.user, draw, ledger))
        });
        Self {
            clock: Clock::start(),
            devices: devices.collect(),
            users: all,
            faults,
            mishaps: Mishaps::default(),
            traffic: Arc::default(),
            path: host::room_path(Account::KIND, "me"),
            sites,
        }
    }

    /// Works until the goal is reached, or for `at_most`.
    pub(super) async fn stage(
        self: &Arc<Self>,
        goal: Goal,
        clients: u32,
        at_most: Duration,
    ) -> Step {
        let now_us = self.clock.us();
        let at_most = match goal {
            Goal::Time(time) => time,
            _ => at_most,
        };
        let turns = (0..self.devices.len()).map(|device| Reverse((now_us, device)));
        let stage = Arc::new(Stage {
            goal,
            until_us: now_us + at_most.as_micros() as u64,
            measure: Measure::new(self.clock),
            syncs: 0.into(),
            actions: 0.into(),
            rest: self.devices.len().into(),
            line: Mutex::new(turns.collect()),
        });
        stage.measure.begin();
        let mut working = JoinSet::new();
        for index in 0..clients {
            let (work, stage) = (Arc::clone(self), Arc::clone(&stage));
            working.spawn(async move { work.client(&stage, index as usize).await });
        }
        let mut tell = tokio::time::interval(TELL);
        tell.tick().await;
        loop {
            tokio::select! {
                ended = working.join_next() => match ended {
                    Some(ended) => ended.expect("no client panics"),
                    None => break,
                },
                _ = tell.tick() => stage.tell(),
            }
        }
        stage.measure.end();
        stage.tell();
        Step {
            clients,
            seconds: stage.measure.seconds(),
            syncs: stage.syncs.load(Relaxed),
            actions: stage.actions.load(Relaxed),
            counts: stage.measure.counts(),
            rest: stage.rest.load(Relaxed),
        }
    }

    async fn client(&self, stage: &Stage, index: usize) {
        let caller = || Caller::new(&self.sites, index, &self.traffic);
        let mut callers = (caller(), caller());
        while !stage.is_over(self.clock.us()) {
            let (due_us, next) = stage.next(self.clock.us());
            let Some(next) = next else {
                self.clock.sleep_until(due_us).await;
                continue;
            };
            match self.turn(stage, next, &mut callers).await {
                Some(due_us) => stage.line().push(Reverse((due_us, next))),
                None => drop(stage.rest.fetch_sub(1, Relaxed)),
            }
        }
    }

    /// A device's turn. When the next one is; `None`: it has nothing more to do in this stage.
    async fn turn(
        &self,
        stage: &Stage,
        index: usize,
        (caller, copies): &mut (Caller, Caller),
    ) -> Option<u64> {
        let count = self.sites.len();
        let calm = matches!(stage.goal, Goal::Settle | Goal::Look);
        let faults = if calm { 0 } else { self.faults };
        let (body, fate, late, site, user) = {
            let mut device = self.device(index);
            let (now_us, now_ms) = (self.clock.us(), self.clock.ms());
            let done = match stage.goal {
                Goal::Join => device.has_joined(),
                Goal::Settle => device.is_settled(now_ms),
                _ => false,
            };
            if done || device.over().is_some() {
                return None;
            }
            if faults > 0 && device.draw.chance(1, RELOAD) {
                device.reload(now_ms);
                self.mishaps.reloads.fetch_add(1, Relaxed);
            }
            stage.act(&mut device, now_us);
            let (body, fate) = (device.request(now_ms), device.fate(faults));
            let late = device.comes_late(stage.goal == Goal::Settle);
            (body, fate, late, device.draw.one(count), device.user)
        };
        let sent_us = self.clock.us();
        caller.aim(site);
        copies.aim(site + 1);
        let token = &self.users[user].session.token;
        let ask = |caller, body| host::ask(caller, &self.path, token, body);
        let mishaps = &self.mishaps;
        let heard = match (fate, late) {
            (Fate::HeldBack, _) => {
                mishaps.packets_late.fetch_add(1, Relaxed);
                self.device(index).hold_back(body);
                Heard::Failed
            }
            // What is asked now, and what was asked before, in no order.
            (_, Some(late)) => tokio::join!(ask(copies, late), ask(caller, body)).1,
            (Fate::Arrives, None) => ask(caller, body).await,
            (Fate::AnswerLost, None) => {
                mishaps.answers_lost.fetch_add(1, Relaxed);
                ask(caller, body).await;
                Heard::Failed
            }
            (Fate::Cut(after), None) => {
                mishaps.connections_cut.fetch_add(1, Relaxed);
                // Dropped with what it waits for.
                let _ = tokio::time::timeout(after, ask(caller, body)).await;
                Heard::Failed
            }
            (Fate::Twice, None) => {
                mishaps.packets_twice.fetch_add(1, Relaxed);
                tokio::join!(ask(copies, body.clone()), ask(caller, body)).1
            }
        };
        let mut device = self.device(index);
        let now_ms = self.clock.ms();
        let replied = device.heard(&heard, sent_us, now_ms, &stage.measure);
        match stage.goal {
            Goal::Look if replied => None,
            Goal::Syncs(_) | Goal::Time(_) if replied && device.is_free() => Some(self.clock.us()),
            _ => Some(device.ask_us(now_ms)),
        }
    }

    pub(super) fn device(&self, index: usize) -> MutexGuard<'_, Device> {
        self.devices[index].lock().expect("no holder panics")
    }
}

impl Stage {
    fn line(&self) -> MutexGuard<'_, BinaryHeap<Reverse<(u64, usize)>>> {
        self.line.lock().expect("no holder panics")
    }

    fn is_over(&self, now_us: u64) -> bool {
        let reached = match self.goal {
            Goal::Syncs(count) => self.syncs.load(Relaxed) >= count,
            _ => false,
        };
        reached || now_us >= self.until_us || self.rest.load(Relaxed) == 0
    }

    /// Whose turn it is; or when to look again.
    fn next(&self, now_us: u64) -> (u64, Option<usize>) {
        let mut line = self.line();
        let due_us = line.peek().map(|Reverse((due_us, _))| *due_us);
        match due_us {
            Some(due_us) if due_us <= now_us => {
                (due_us, line.pop().map(|Reverse((_, device))| device))
            }
            Some(due_us) => (due_us.min(now_us + LOOK_US), None),
            None => (now_us + LOOK_US, None),
        }
    }

    /// Lets a device do something, if it may: then its next request is a sync.
    fn act(&self, device: &mut Device, now_us: u64) {
        let most = match self.goal {
            Goal::Syncs(count) => count,
            Goal::Time(_) => u64::MAX,
            _ => return,
        };
        let acts = device.has_joined() && (device.is_free() || device.draw.chance(1, MORE));
        let claimed = |syncs: u64| (syncs < most).then_some(syncs + 1);
        if !acts || self.syncs.fetch_update(Relaxed, Relaxed, claimed).is_err() {
            return;
        }
        match device.act(now_us) {
            0 => drop(self.syncs.fetch_sub(1, Relaxed)),
            made => drop(self.actions.fetch_add(made.into(), Relaxed)),
        }
    }

    fn tell(&self) {
        let Counts {
            requests, refused, ..
        } = self.measure.counts();
        let syncs = self.syncs.load(Relaxed);
        match self.goal {
            Goal::Syncs(_) | Goal::Time(_) => println!(
                "{syncs} syncs, {requests} requests in {:.1} s, refused {}",
                self.measure.seconds(),
                refused.values().sum::<u64>()
            ),
            _ => println!(
                "{:?}: {} devices have something to do",
                self.goal,
                self.rest.load(Relaxed)
            ),
        }
    }
}
