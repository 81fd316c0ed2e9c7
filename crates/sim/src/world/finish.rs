//! The end of a run: nothing goes wrong any more, everything must settle within stated bounds, a last
//! action is answered in time, also by whoever takes over from a dead leader; then everybody, and a
//! replay from the first frame, agree.

use std::collections::BTreeSet;

use baton::effect::{Arrival, Call, Effect, Fed, Moment};
use baton::slots::{Slots, Step};
use baton::{DeviceId, Head, Nonce, Settings, SettingsInput, Writer};
use serde_json::json;

use super::host::machine::Machine;
use super::orders::ORDER_MS;
use super::{Accounts, Client, Event, Healed, Phase, World};
use crate::check::book::{Book, Tree, Witness};
use crate::check::oracle::Oracle;
use crate::check::{Broken, Checked, end, hold, orders};
use crate::clock::START_MS;
use crate::later::Game;
use crate::plan::Faults;
use crate::rules::BankAction;
use crate::store::Times;

/// L1, L8: how long after the faults every action has its answer and every client the log's head, in
/// milliseconds. A client that failed often waits up to 15 s; one that was refused for having too
/// many devices until an older one is silent for the resend grace (120 s); the rest is a few requests.
pub(crate) const SETTLE_MS: u64 = 150_000;
/// L3: how much later an action may be answered if the lease's holder dies, beside the client's own
/// patience with the dead instance.
pub(crate) const TAKEOVER_MS: u64 = 1_000;
/// What a round trip and its store calls take at most when nothing goes wrong, in milliseconds.
pub(crate) const TRIPS_MS: u64 = 250;
/// S12: how often everybody asks at the end before all is quiet. A room that has [`CATCH_UP_MS`](crate::rules::CATCH_UP_MS) to catch
/// up takes the longest.
const ROUNDS: u32 = 32;
/// How often it is looked, in milliseconds.
const LOOK_MS: u64 = 10;
/// How often while it heals: there is no hurry.
const HEAL_LOOK_MS: u64 = 100;

impl<R: Game> World<R> {
    /// From now on nothing goes wrong.
    pub(super) fn heal(&mut self) -> Checked {
        let begin_ms = self.now_ms.max(self.night_until_ms);
        self.phase = Phase::Healing(begin_ms);
        self.last_faulty = self.calls;
        let faults = self.faults();
        self.plan.faults = Faults {
            skew_ms: faults.skew_ms,
            drift_ppm: faults.drift_ppm,
            frozen: faults.frozen,
            ..Faults::default()
        };
        self.parted = None;
        self.finish_rollout();
        for host in &mut self.hosts {
            host.stopped_until_ms = 0;
            host.cut_until_ms = 0;
        }
        for room in 0..self.plan.rooms {
            self.shelves[room].full_until_ms = 0;
            self.shelves[room].damaged_until_ms = 0;
            self.merge(room)?;
        }
        for client in 0..self.clients.len() {
            self.go_offline(client, 0);
            self.rewake(client);
            self.rewake_order(client);
        }
        for spectator in 0..self.spectators.len() {
            self.look_again(spectator, begin_ms);
        }
        self.note("world", "heal", (0, 0), || json!({}));
        self.at(begin_ms + HEAL_LOOK_MS, Event::Look);
        Ok(())
    }

    /// Looks at whether all is well, and goes on.
    pub(super) fn look(&mut self) -> Checked {
        match self.phase {
            Phase::Faults => self.heal(),
            Phase::Healing(since_ms) => self.look_healing(since_ms),
            Phase::Probing { since_ms, killed } => self.look_probing(since_ms, killed),
            Phase::Done => Ok(()),
        }
    }

    fn look_healing(&mut self, since_ms: u64) -> Checked {
        let took_ms = self.now_ms - since_ms;
        if self.flights.range(..=self.last_faulty).next().is_some() || self.is_late() {
            self.held_up_ms = self.now_ms;
        }
        if let Some((check, seen)) = self.unsettled(since_ms, took_ms) {
            self.after(HEAL_LOOK_MS, Event::Look);
            return hold(took_ms <= SETTLE_MS, check, || seen);
        }
        self.look_at_time()?;
        self.healed = Healed {
            settled_ms: took_ms,
            ..self.healed
        };
        self.probe(false)
    }

    /// A last action of everybody, perhaps just after the lease's holder died. Copies of a device share its numbers: one of
    /// them acts.
    fn probe(&mut self, kill: bool) -> Checked {
        self.phase = Phase::Probing {
            since_ms: self.now_ms,
            killed: kill,
        };
        self.probes.clear();
        for room in 0..self.plan.rooms {
            let writer = self.accounts[room]
                .book
                .room
                .as_ref()
                .map(baton::Room::writer);
            let holder =
                (0..self.hosts.len()).find(|host| Some(self.hosts[*host].writer) == writer);
            if let (true, Some(holder)) = (kill, holder) {
                self.kill(holder, true);
            }
            let Oracle { cursed, halted, .. } = self.accounts[room].book.oracle;
            let halted = halted || cursed.is_some() && R::TICK_MS != 0;
            if halted {
                continue;
            }
            let mut acted = BTreeSet::new();
            for index in 0..self.clients.len() {
                let client = &self.clients[index];
                let plays = client.room == room && client.replica.player().is_some();
                if plays && acted.insert(client.owner()) {
                    self.probe_by(index, acted.len() == 1)?;
                }
            }
        }
        self.after(LOOK_MS, Event::Look);
        Ok(())
    }

    /// One of them, with an order if it is the first of its room.
    fn probe_by(&mut self, index: usize, first: bool) -> Checked {
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        let made = page.replica.act(&BankAction::Add(1), local_ms);
        hold(made.is_ok(), "7: who is part of a room may act", || {
            format!("client {index}: {made:?}")
        })?;
        if let Ok(made) = made {
            self.keep_action(index, made);
            self.probes.push(index);
            self.counters.actions += 1;
        }
        if self.plan.orders > 0 && first {
            self.order(index)?;
        }
        self.rewake(index);
        Ok(())
    }

    fn look_probing(&mut self, since_ms: u64, killed: bool) -> Checked {
        let took_ms = self.now_ms - since_ms;
        let waits = |client: &Client<R>| {
            let Accounts { book, losses, .. } = &self.accounts[client.room];
            let now_ms = self.room_ms(client.room);
            (client.replica.pending() > 0 || client.orders.wait())
                && !book.oracle.halted
                && !client.has_no_place(&book.oracle, *losses, 0, now_ms)
        };
        let probes = || self.probes.iter().map(|index| &self.clients[*index]);
        let pending = probes().any(waits);
        let acts = probes().any(|client| waits(client) && client.replica.pending() > 0);
        if pending {
            // Without the store's clock, who takes over may be ahead by its skew: the room's frames carry no
            // actions until it has caught up (seed 42006372: 31 s, 30 ticks a frame).
            let lags = |client: &Client<R>| {
                !self.plan.clock && waits(client) && self.accounts[client.room].book.oracle.lags()
            };
            if probes().any(lags) {
                self.held_up_ms = self.now_ms;
            }
            self.after(LOOK_MS, Event::Look);
            hold(
                took_ms <= SETTLE_MS,
                "L1: a room catches up with its clock",
                || format!("it lags after {took_ms} ms"),
            )?;
            let took_ms = self.now_ms - since_ms.max(self.held_up_ms);
            let bound_ms = self.bound_ms(killed) + if acts { 0 } else { ORDER_MS };
            let check = match killed {
                _ if !acts => "7: an order is answered within lease + one request, and a pause",
                true => "L3: a dead holder is replaced within lease + one request",
                false => "7: an action is framed within lease + one request",
            };
            return hold(took_ms <= bound_ms, check, || {
                format!(
                    "{took_ms} ms, at most {bound_ms}; lease {}",
                    self.plan.settings.lease_ms
                )
            });
        }
        if killed {
            self.healed.takeover_ms = Some(took_ms);
        } else {
            self.healed.answer_ms = Some(took_ms);
            self.look_at_time()?;
            if self.random.chance(1, 4) {
                return self.probe(true);
            }
        }
        self.phase = Phase::Done;
        self.agree()
    }

    /// How long an action may wait in a healthy room: for the lease to end, twice if it was pushed
    /// between the leader's read and its append; for the frame's turn; for its device to ask.
    fn bound_ms(&self, killed: bool) -> u64 {
        let settings = &self.plan.settings;
        let waits_ms = 2 * u64::from(settings.lease_ms + settings.frame_ms);
        // What is sent goes before the answers.
        let sends_ms = if self.plan.wires > 0 { TRIPS_MS } else { 0 };
        let healthy_ms = waits_ms + 4 * TRIPS_MS + 2 * sends_ms;
        match killed {
            true => healthy_ms + self.plan.patience_ms + TAKEOVER_MS,
            false => healthy_ms,
        }
    }

    /// L2: time goes on in a room whose clock can be told. Where no store tells it, who comes cold holds back while a lease
    /// lives, and the room may be seconds behind for as long as it is busy (seed 81004079).
    fn look_at_time(&self) -> Checked {
        let settings = &self.plan.settings;
        if R::TICK_MS == 0 || !self.plan.clock {
            return Ok(());
        }
        let idle_ms = u64::from(settings.idle_ms.max(settings.lease_ms));
        let bound_ms = idle_ms + (idle_ms + idle_ms / 2).max(2_000) + 4 * TRIPS_MS;
        for (room, accounts) in self.accounts.iter().enumerate() {
            let oracle = &accounts.book.oracle;
            let played = self.clients.iter().any(|client| client.room == room);
            if !played || oracle.halted || oracle.is_paused() {
                continue;
            }
            let behind_ms = (START_MS + self.now_ms).saturating_sub(oracle.lived_ms());
            hold(
                behind_ms <= bound_ms,
                "L2: time advances in a room that is asked",
                || format!("room {room} is {behind_ms} ms behind, at most {bound_ms}"),
            )?;
        }
        Ok(())
    }

    /// S12: everybody asks until nobody's request makes a frame, and all agree with a replay from the log
    /// alone. The instance that they ask has a memory: without one, on a store without a clock, each
    /// request may take time up to the lease's end from the host's, and the last of them makes a frame.
    fn agree(&mut self) -> Checked {
        let writer = Writer(self.random.next_u64().to_le_bytes());
        let input = SettingsInput {
            cache_bytes: SettingsInput::default().cache_bytes,
            ..self.plan.settings
        };
        let settings = Settings::try_from(input).expect("a plan's settings are in range");
        let mut last = Machine::new(self.builds[0], writer, settings);
        let mut orders = vec![0; self.plan.rooms];
        for _ in 0..ROUNDS {
            let before = self.everybody();
            for client in 0..self.clients.len() {
                orders[self.clients[client].room] = self.exchange(&mut last, client)?;
            }
            // What was framed while its copy was on the way goes with the next frame, which nobody makes before the lease ends.
            // In a halted room nobody makes one, and it stays.
            let mut rooms = orders.iter().zip(&self.accounts);
            let copies = rooms.any(|(orders, room)| *orders > 0 && !room.book.oracle.halted);
            if self.everybody() == before && !copies {
                break;
            }
            if copies {
                self.now_ms += 2 * u64::from(self.plan.settings.lease_ms);
            }
        }
        for (room, orders) in orders.into_iter().enumerate() {
            let fresh = self.fresh_oracle();
            let accounts = &self.accounts[room];
            let frames = self.shelves[room].frames();
            accounts.book.matches(&frames)?;
            let halted = accounts.book.oracle.halted;
            hold(
                orders == 0 || halted,
                "L9: no order stays in the inbox",
                || format!("{orders} in room {room}"),
            )?;
            let witness = Witness {
                ledger: &accounts.ledger,
                lossy: accounts.losses > 0,
                tries: &accounts.tries,
                now_ms: self.now_ms,
            };
            let mut alone = Book::<R>::new(fresh.clone());
            alone.rebuild(&frames, fresh, &mut Tree::new(), &witness)?;
            let clients = self.clients.iter().filter(|client| client.room == room);
            let asked = clients.clone().next().is_some();
            for client in clients {
                if client.has_no_place(&alone.oracle, accounts.losses, 0, 0) {
                    continue;
                }
                end::agrees(&client.replica, &alone)?;
                end::keeps_its_word(&client.told, &alone)?;
                let (owner, ledger) = (client.owner(), &accounts.ledger);
                end::comes_again(&client.told, &owner, ledger, &alone, self.now_ms)?;
                end::forgets_nothing(&client.told, &owner, client.numbers(&owner), ledger, &alone)?;
            }
            end::holds_all(&accounts.ledger, &alone, accounts.losses)?;
            let (files, losses) = (&accounts.files, accounts.losses);
            files.hold(&alone.oracle, losses, |head| alone.has(head))?;
            let moved = alone.oracle.later || self.plan.rollout.is_none() || !asked;
            hold(moved, "B31: every room changes its rules", || {
                format!("room {room} is on those before")
            })?;
        }
        Ok(())
    }

    /// Which device everybody is, and how far it is.
    fn everybody(&self) -> Vec<(DeviceId, Head)> {
        let replicas = self.clients.iter().map(|client| &client.replica);
        replicas
            .map(|replica| (replica.device(), replica.head()))
            .collect()
    }

    /// The clocks of the instance that everybody asks at the end, the wall's and its own. Where no store tells the time it may
    /// be ahead of all before it. A room that is about to break may have settled there (see [`Self::unwell`]), and nobody
    /// takes over from this instance: for such a room its clocks stand still.
    fn last_clocks(&self, room: usize) -> (u64, u64) {
        let oracle = &self.accounts[room].book.oracle;
        match oracle.cursed {
            Some(_) if !oracle.halted && !self.plan.clock => (oracle.time_ms, 0),
            _ => (START_MS + self.now_ms, self.now_ms),
        }
    }

    /// A whole exchange between two moments, by an instance that nothing interrupts. How many orders are left in the inbox.
    fn exchange(&mut self, instance: &mut Machine<R>, index: usize) -> Result<usize, Broken> {
        let page = &mut self.clients[index];
        let (room, local_ms) = (page.room, page.local_ms(self.now_ms));
        let body = page.request(false, local_ms);
        let asked = self.asked_of(index, &body);
        let page = &self.clients[index];
        let arrival = Arrival {
            who: Some(page.identity()),
            call: Call::Play(body.into()),
        };
        let op = self.record_sent(|| format!("client {index}"), room, &arrival);
        let (host_ms, mono_ms) = self.last_clocks(room);
        let mut nonce = self.random.next_u64();
        // Another with each step: an invocation that settles an attempt and goes on writes two frames.
        let mut moment = || {
            nonce = nonce.wrapping_add(1);
            Moment {
                wall_ms: host_ms,
                mono_ms,
                nonce: Nonce(nonce.to_le_bytes()),
            }
        };
        let times = Times {
            now_ms: self.now_ms,
            store_ms: START_MS + self.now_ms,
            host_ms,
            clock: self.plan.clock,
        };
        let mut orders = 0;
        let mut slots = Slots::new(0);
        let (mut invocation, mut effect) =
            instance.begin(&Self::room_name(room), vec![arrival], None, moment());
        loop {
            if let Effect::Reply(answers) = effect {
                self.record_answer(op, &answers[0]);
                self.receive(index, &asked, &answers[0], local_ms)?;
                self.hear(index, "the last reply")?;
                return Ok(orders);
            }
            if let Effect::Append(append, _) = &effect {
                self.accounts[room].appends(append);
            }
            let fed = match self.plan.keys {
                true => self.exchange_keys(&mut slots, room, &effect, moment())?,
                false => self.shelves[room].perform(0, &effect, times).0,
            };
            if let Fed::Read(found) | Fed::Appended(_, found) | Fed::Pushed(found) = &fed {
                orders = found
                    .inbox
                    .iter()
                    .filter(|item| orders::waits(item))
                    .count();
            }
            if let (Fed::Appended(true, _), Effect::Append(append, _)) = (&fed, &effect)
                && !self.plan.keys
            {
                self.book(room, false, &append.frame)?;
            }
            effect = instance.resume(&mut invocation, fed, moment());
        }
    }

    /// An effect by single calls, one after the other.
    fn exchange_keys(
        &mut self,
        slots: &mut Slots,
        room: usize,
        effect: &Effect,
        moment: Moment,
    ) -> Result<Fed, Broken> {
        let Some((mut errand, mut step)) = slots.begin(&Self::room_name(room), effect, moment)
        else {
            return Ok(Fed::Failed);
        };
        loop {
            let calls = match step {
                Step::Done(fed) => return Ok(fed),
                Step::Perform(calls) => calls,
            };
            let mut answers = Vec::new();
            for call in calls {
                let store_ms = START_MS + self.now_ms;
                answers.push(self.shelves[room].perform_call(&call, store_ms, false));
                while let Some((_, frame)) =
                    self.shelves[room].next_in_chain(self.accounts[room].book.head())
                {
                    self.book(room, false, &frame)?;
                }
            }
            step = errand.resume(slots, answers, moment);
        }
    }
}
