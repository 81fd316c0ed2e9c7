//! What goes wrong with a whole instance, a store, a partition of the network, a device or everybody
//! at once: drawn at the beginning, spread over the fault phase.

use baton::effect::{Arrival, Call as Asks, NEWEST, Read};
use baton::slots::Call;
use baton::{Head, Log, limits, wire};
use serde_json::json;

use super::{Event, Phase, Slip, World};
use crate::check::Checked;
use crate::check::book::descends;
use crate::check::reply::Asked;
use crate::clock::START_MS;
use crate::counters::Other;
use crate::later::Game;

/// The time that mischief is spread over: about what a run's requests take, in milliseconds.
const SPREAD_MS: u64 = 60_000;

/// Something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    RollBack,
    Lag,
    FailOver(usize),
    Split,
    Merge(usize),
    Evict,
    Full,
    Damage,
    Stop,
    Rotate,
    Forget,
    Part,
    CutOff,
    Night,
    Offline,
    Leave,
    StorageLost,
    Clone,
    Herd,
    Job,
    ClockStep,
}

impl<R: Game> World<R> {
    pub(super) fn plan_mischief(&mut self) {
        let faults = self.faults();
        let planned = [
            (Mischief::RollBack, faults.roll_backs),
            (Mischief::Split, faults.split_brains),
            (Mischief::Evict, faults.evictions),
            (Mischief::Full, faults.full),
            (Mischief::Stop, faults.stops),
            (Mischief::Rotate, faults.rotations),
            (Mischief::Forget, faults.forgets),
            (Mischief::Part, faults.partitions),
            (Mischief::CutOff, faults.partitions),
            (Mischief::Night, faults.nights),
            (Mischief::Offline, faults.offline),
            (Mischief::StorageLost, faults.storage_lost),
            (Mischief::Clone, faults.clones),
            (Mischief::Herd, faults.herds),
            (Mischief::Job, faults.jobs),
            (Mischief::ClockStep, faults.steps),
            (Mischief::Lag, faults.failovers),
            (Mischief::Leave, faults.leaves),
            (Mischief::Damage, faults.damaged),
        ];
        for (mischief, times) in planned {
            for _ in 0..times {
                let at_ms = self.between(500, SPREAD_MS);
                self.at(at_ms, Event::Mischief(mischief));
            }
        }
        if faults.junk > 0 || self.plan.poison > 0 {
            for room in 0..self.plan.rooms {
                self.add_forger(room);
            }
        }
    }

    pub(super) fn mischief(&mut self, mischief: Mischief) -> Checked {
        if let Mischief::Merge(room) = mischief {
            return self.merge(room);
        }
        if self.phase != Phase::Faults {
            return Ok(());
        }
        if let Mischief::FailOver(room) = mischief {
            return self.fail_over(room);
        }
        self.note(
            "world",
            "mischief",
            (0, 0),
            || json!({ "mischief": format!("{mischief:?}") }),
        );
        let room = self.below(self.plan.rooms);
        let host = self.below(self.hosts.len());
        let client = self.below(self.clients.len());
        match mischief {
            Mischief::RollBack => return self.roll_back(room),
            Mischief::Split => self.split(room),
            Mischief::Merge(_) | Mischief::FailOver(_) => {}
            Mischief::Lag => self.lag(room),
            Mischief::Evict => self.evict(room),
            Mischief::Full => {
                self.shelves[room].full_until_ms = self.now_ms + self.between(500, 10_000)
            }
            Mischief::Damage => {
                self.shelves[room].damaged_until_ms = self.now_ms + self.between(500, 20_000)
            }
            Mischief::Stop => {
                self.counters.saw_other(Other::Stop);
                self.hosts[host].stopped_until_ms = self.now_ms + self.between(100, 10_000)
            }
            Mischief::Rotate => {
                self.counters.saw_other(Other::Rotate);
                self.hosts[host].closing = true;
                self.retire(host);
            }
            Mischief::Forget => self.forget(host),
            Mischief::Part => {
                self.counters.saw_other(Other::Part);
                let until_ms = self.now_ms + self.between(500, 10_000);
                self.parted = Some((until_ms, self.below(2), self.below(2)));
            }
            Mischief::CutOff => {
                self.counters.saw_other(Other::CutOff);
                self.hosts[host].cut_until_ms = self.now_ms + self.between(500, 10_000)
            }
            Mischief::Night => self.night(),
            Mischief::Offline => {
                self.counters.saw_other(Other::Offline);
                let ms = self.between(1_000, 120_000);
                self.go_offline(client, ms);
            }
            Mischief::Leave => self.leave(client),
            Mischief::StorageLost => return self.lose_storage(client),
            Mischief::Clone => {
                let to = self.below(self.clients.len());
                return self.clone_storage(client, to);
            }
            Mischief::Herd => self.herd(room, 100),
            Mischief::Job => self.job(room),
            Mischief::ClockStep => self.step_clock(host),
        }
        Ok(())
    }

    /// The store fails over to an older copy of itself. What was in the inbox stays, goes, or comes back.
    fn roll_back(&mut self, room: usize) -> Checked {
        let head = self.accounts[room].book.head().v;
        if head == 0 || self.shelves[room].is_split() {
            return Ok(());
        }
        if self.shelves[room].has_keys() {
            let writes = self.below(24) + 1;
            if !self.shelves[room].roll_back_keys(&Self::room_name(room), writes) {
                return Ok(());
            }
            self.counters.saw(20);
            return self.lose(room);
        }
        self.counters.saw(20);
        let most = match self.random.below(20) {
            // The room is gone.
            0 => head,
            1..=4 => head.min(80),
            _ => head.min(5),
        };
        let lost = self.between(1, most);
        let (keeps_inbox, keeps_snapshots) = (self.random.chance(1, 2), self.random.chance(1, 2));
        self.shelves[room].stop_lagging();
        let log = self.shelves[room].log();
        log.roll_back(head - lost);
        if !keeps_inbox {
            log.empty_inbox();
        }
        if !keeps_snapshots {
            log.lose_snapshots();
        }
        self.lose(room)
    }

    /// A copy of the store follows no more; a little later it takes over.
    fn lag(&mut self, room: usize) {
        let most_ms = [30, 1_000, 10_000][self.below(3)];
        let in_ms = self.between(1, most_ms);
        self.shelves[room].lag();
        self.after(in_ms, Event::Mischief(Mischief::FailOver(room)));
    }

    /// The store fails over to a copy: all of it is what it was at an earlier moment.
    fn fail_over(&mut self, room: usize) -> Checked {
        let Some(lost) = self.shelves[room].fail_over() else {
            return Ok(());
        };
        self.note(
            "world",
            "fail over",
            (room as u64, 0),
            || json!({ "room": room, "frames lost": lost }),
        );
        match lost {
            true => {
                self.counters.saw(20);
                self.lose(room)
            }
            // What came into the inbox since, and what was noted, is gone.
            false => Ok(()),
        }
    }

    fn split(&mut self, room: usize) {
        let keys = self.shelves[room].has_keys();
        if keys || self.shelves[room].is_split() || self.hosts.len() < 2 {
            return;
        }
        self.counters.saw(21);
        self.shelves[room].split();
        let accounts = &mut self.accounts[room];
        accounts.other = Some(accounts.book.clone());
        // Whoever reads the other half from now on may miss what it has seen.
        accounts.losses += 1;
        self.tell_loss(room);
        let until_ms = self.between(500, 8_000);
        self.after(until_ms, Event::Mischief(Mischief::Merge(room)));
    }

    /// The halves meet, and the last writer wins: what only the other half had is gone.
    pub(super) fn merge(&mut self, room: usize) -> Checked {
        let Some(other) = self.accounts[room].other.take() else {
            return Ok(());
        };
        let other_wins = self.random.chance(1, 2);
        self.shelves[room].merge(other_wins);
        let accounts = &mut self.accounts[room];
        let (winner, loser) = match other_wins {
            true => (other.head(), accounts.book.head()),
            false => (accounts.book.head(), other.head()),
        };
        let lossy = !descends(&accounts.tree, winner, loser);
        if lossy {
            return self.lose(room);
        }
        if other_wins {
            accounts.book = other;
        }
        Ok(())
    }

    /// Something that the store keeps beside the frames is gone, or does not end.
    fn evict(&mut self, room: usize) {
        if self.shelves[room].has_keys() {
            let lease = format!("{{{}}}:lease", Self::room_name(room));
            let keys = vec![lease];
            self.shelves[room].perform_call(&Call::Delete { keys }, 0, false);
            return self.counters.saw(23);
        }
        let which = self.random.below(5);
        let store_ms = START_MS + self.now_ms;
        let log: &mut Log = self.shelves[room].log();
        let everything = Read {
            known: Head::default(),
            since: NEWEST,
            block: None,
        };
        let before = log.read(&everything, store_ms);
        let (fault, touched) = match which {
            0 => {
                log.lose_snapshots();
                (23, before.snapshot.is_some())
            }
            1 => {
                log.empty_inbox();
                (23, !before.inbox.is_empty())
            }
            2 => {
                log.end_lease();
                (23, before.lease.is_some())
            }
            3 => {
                log.set_lease_end(store_ms + 20);
                let longer = before.lease.is_some_and(|lease| lease.left_ms > 20);
                (25, longer)
            }
            _ => {
                log.set_lease_end(u64::from(u32::MAX) + store_ms);
                (24, before.lease.is_some())
            }
        };
        if touched {
            self.counters.saw(fault);
        }
    }

    /// Everybody is away: minutes, or up to 30 days.
    fn night(&mut self) {
        self.counters.saw_other(Other::Night);
        let ms = match self.random.below(4) {
            0 => self.between(86_400_000, 30 * 86_400_000),
            _ => self.between(20_000, 600_000),
        };
        self.night_until_ms = self.now_ms + ms;
    }

    /// So many watchers at once, all over the instances.
    fn herd(&mut self, room: usize, count: usize) {
        self.counters.saw(42);
        for _ in 0..count {
            let way_ms = self.between(5, 25);
            self.watch(room, way_ms);
        }
    }

    /// A job of the platform's scheduler asks the room, and again a minute late.
    fn job(&mut self, room: usize) {
        self.counters.saw(33);
        let late_ms = self.between(100, 60_000);
        self.watch(room, 10);
        self.watch(room, late_ms);
    }

    fn watch(&mut self, room: usize, way_ms: u64) {
        let host = self.below(self.hosts.len());
        let request = wire::Request {
            protocol: limits::PROTOCOL,
            cursor: Head::default(),
            rules: R::VERSION,
            frames: true,
            device: None,
        };
        let arrival = Arrival {
            who: None,
            call: Asks::Play(wire::write(&request).into()),
        };
        let slip = Slip::of(Asked::of_nobody(
            true,
            R::VERSION,
            self.plan.rollout.is_some(),
        ));
        self.after(
            way_ms,
            Event::Request {
                host,
                room,
                slip,
                arrival,
            },
        );
    }

    fn step_clock(&mut self, host: usize) {
        self.counters.saw(12);
        let step_ms = i64::try_from(self.between(0, 1_200_000)).unwrap_or(0) - 600_000;
        if step_ms < 0 {
            self.counters.saw(13);
        }
        self.hosts[host].clock.skew_ms += step_ms;
    }
}
