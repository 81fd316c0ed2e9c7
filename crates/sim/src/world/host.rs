//! Instances as a host runs them: requests of one room that arrive together go together, each call to
//! the store is a place where anything may happen, and what was in memory ends with the process.

use std::collections::VecDeque;
use std::rc::Rc;

use baton::effect::{Append, Arrival, Content, Effect, Fed, Item, Moment, Outcome as Answer};
use baton::slots::Slots;
use baton::{Before, Instance, Invocation, Nonce, Writer, limits, wire};
use serde_json::json;

use super::errands::Round;
use super::network::STORE_TIMEOUT_MS;
use super::{Event, Game, Slip, World};
use crate::check::reply::{Asked, reply};
use crate::check::{Checked, hold, order};
use crate::clock::{Clock, START_MS};
use crate::rules::step;
use crate::store::{Times, Wrote};

/// Effects that one invocation may ask for, as the hosts have it.
const MAX_EFFECTS: u32 = 32;

/// One host process.
pub(super) struct Host<R: Game> {
    instance: Instance<R>,
    /// Of a store of keys, what this process knows.
    pub(super) slots: Slots,
    pub(super) writer: Writer,
    /// Another for each process that took the place.
    pub(super) life: u64,
    pub(super) clock: Clock,
    /// As a whole.
    pub(super) stopped_until_ms: u64,
    /// It does not reach the store until then.
    pub(super) cut_until_ms: u64,
    /// It takes no new requests, and is replaced when it has answered the others.
    pub(super) closing: bool,
    rooms: Vec<Line>,
}

/// Requests of one room.
#[derive(Default)]
struct Line {
    waiting: VecDeque<(Slip, Arrival)>,
    busy: bool,
}

/// How an invocation ended with its instance: whether it trapped, and what it had noted.
type Ended = (bool, Vec<u8>);

/// An invocation on its way.
pub(super) struct Flight<R: Game> {
    pub(super) host: usize,
    life: u64,
    pub(super) room: usize,
    /// None before its first step is done.
    invocation: Option<Invocation<R>>,
    slips: Vec<Slip>,
    /// Kept where a trap may make it begin again.
    arrivals: Vec<Arrival>,
    /// How the invocation ended in whose place this is.
    before: Option<Ended>,
    /// The record that it noted last.
    noted: Vec<u8>,
    /// The store has just answered that note.
    trying: bool,
    /// The call it waits for.
    pub(super) call: u64,
    /// To a store of keys: the calls that it is made of.
    pub(super) round: Option<Round>,
    asked: &'static str,
    pub(super) appended: bool,
    effects: u32,
    /// Whether it holds its room's line.
    lined: bool,
}

impl<R: Game> World<R> {
    pub(super) fn new_host(&mut self) -> Host<R> {
        let faults = self.faults();
        self.writers += 1;
        let mut clock = Clock {
            born_ms: self.between(0, 1_000_000),
            ..Clock::default()
        };
        if faults.skew_ms > 0 {
            self.counters.saw(12);
            clock.skew_ms = i64::try_from(self.between(0, 2 * u64::from(faults.skew_ms)))
                .unwrap_or(0)
                - i64::from(faults.skew_ms);
        }
        if faults.drift_ppm > 0 {
            self.counters.saw(12);
            clock.drift_ppm = i64::try_from(self.between(0, u64::from(faults.drift_ppm) / 5))
                .unwrap_or(0)
                - i64::from(faults.drift_ppm / 10);
        }
        let writer = Writer((self.writers | self.random.next_u64() << 16).to_le_bytes());
        Host {
            instance: Instance::new(writer, self.settings, ()),
            slots: Slots::new(0),
            writer,
            life: self.writers,
            clock,
            stopped_until_ms: 0,
            cut_until_ms: 0,
            closing: false,
            rooms: (0..self.plan.rooms).map(|_| Line::default()).collect(),
        }
    }

    /// A request arrives.
    pub(super) fn arrive(
        &mut self,
        host: usize,
        room: usize,
        slip: Slip,
        arrival: Arrival,
    ) -> Checked {
        let until_ms = self.hosts[host].stopped_until_ms;
        if until_ms > self.now_ms {
            self.at(
                until_ms,
                Event::Request {
                    host,
                    room,
                    slip,
                    arrival,
                },
            );
            return Ok(());
        }
        if let Some((client, ..)) = slip.client
            && !self.hears(client, host)
        {
            return Ok(());
        }
        if let Some((client, _, number)) = slip.client {
            self.see_order(client, number);
        }
        if !self.plan.batched {
            return self.begin(host, room, vec![(slip, arrival)], false, None);
        }
        let line = &mut self.hosts[host].rooms[room];
        line.waiting.push_back((slip, arrival));
        self.next_batch(host, room)
    }

    fn next_batch(&mut self, host: usize, room: usize) -> Checked {
        let line = &mut self.hosts[host].rooms[room];
        if line.busy || line.waiting.is_empty() {
            return Ok(());
        }
        line.busy = true;
        let count = line.waiting.len().min(limits::MAX_BATCH);
        let batch = line.waiting.drain(..count).collect();
        self.begin(host, room, batch, true, None)
    }

    fn begin(
        &mut self,
        host: usize,
        room: usize,
        batch: Vec<(Slip, Arrival)>,
        lined: bool,
        before: Option<Ended>,
    ) -> Checked {
        let (mut slips, arrivals): (Vec<Slip>, Vec<Arrival>) = batch.into_iter().unzip();
        let busy = self.flights.values().any(|flight| flight.host == host);
        if busy {
            self.counters.saw(35);
        }
        let (began_v, began_losses) = self.seen_by(host, room);
        for (slip, arrival) in slips.iter_mut().zip(&arrivals) {
            slip.asked.began_v = began_v;
            slip.asked.began_losses = began_losses;
            slip.op = self.record_sent(|| slip.process(), room, arrival);
        }
        if self.faults().frozen {
            self.counters.saw(13);
            self.hosts[host].clock.frozen_ms = Some(self.now_ms);
        }
        let moment = self.moment(host);
        self.counters.invocations += 1;
        self.counters.steps += 1;
        let kept = if self.faults().trap > 0 || self.plan.poison > 0 {
            arrivals.clone()
        } else {
            Vec::new()
        };
        self.calls += 1;
        let id = self.calls;
        let life = self.hosts[host].life;
        self.flights.insert(
            id,
            Flight {
                host,
                life,
                room,
                invocation: None,
                slips,
                arrivals: kept,
                before: before.clone(),
                noted: Vec::new(),
                trying: false,
                call: 0,
                round: None,
                asked: "",
                appended: false,
                effects: 0,
                lined,
            },
        );
        let (name, instance) = (Self::room_name(room), &mut self.hosts[host].instance);
        let begun = step(|| match &before {
            None => instance.begin(&name, arrivals, moment),
            Some((trapped, noted)) => {
                let before = match trapped {
                    true => Before::Trapped { noted },
                    false => Before::Dropped { noted },
                };
                instance.begin_again(&name, arrivals, before, moment)
            }
        });
        let Some((invocation, effect)) = begun else {
            return self.broke(id);
        };
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.invocation = Some(invocation);
        }
        self.carry_out(id, effect)
    }

    /// The version that an instance's half of the store has, and how often that half lost writes.
    fn seen_by(&self, host: usize, room: usize) -> (u64, u64) {
        let accounts = &self.accounts[room];
        let book = match &accounts.other {
            Some(other) if host % 2 == 1 => other,
            _ => &accounts.book,
        };
        (book.head().v, accounts.losses)
    }

    pub(super) fn moment(&mut self, host: usize) -> Moment {
        let nonce = Nonce(self.random.next_u64().to_le_bytes());
        let clock = self.hosts[host].clock;
        Moment {
            wall_ms: clock.wall_ms(self.now_ms),
            mono_ms: clock.mono_ms(self.now_ms),
            nonce,
        }
    }

    /// The next effect of an invocation: an answer, or a call to the store.
    fn carry_out(&mut self, id: u64, effect: Effect) -> Checked {
        let Some(flight) = self.flights.get_mut(&id) else {
            return Ok(());
        };
        flight.effects += 1;
        if let Effect::Note(note, _) = &effect {
            flight.noted = note.now.as_ref().map_or(Vec::new(), |now| now.to_vec());
            self.accounts[flight.room].tried |= note.now.is_some();
        }
        let effects = flight.effects;
        hold(effects <= MAX_EFFECTS, "9: an invocation ends", || {
            format!("{effects} effects")
        })?;
        match effect {
            Effect::Reply(answers) => self.land(id, answers),
            effect if self.plan.keys => {
                self.calls += 1;
                flight.call = self.calls;
                self.run_errand(id, &effect)
            }
            effect => {
                self.call_store(id, effect);
                Ok(())
            }
        }
    }

    fn land(&mut self, id: u64, answers: Vec<Answer>) -> Checked {
        let Some(flight) = self.flights.remove(&id) else {
            return Ok(());
        };
        let (host, room) = (flight.host, flight.room);
        hold(
            answers.len() == flight.slips.len(),
            "9: one answer for each request",
            || format!("{} for {}", answers.len(), flight.slips.len()),
        )?;
        for (slip, answer) in flight.slips.into_iter().zip(answers) {
            self.check_answer(room, &slip.asked, &answer)?;
            self.send_back(host, slip, answer, flight.appended);
        }
        if flight.lined {
            self.hosts[host].rooms[room].busy = false;
            self.next_batch(host, room)?;
        }
        self.retire(host);
        Ok(())
    }

    fn check_answer(&mut self, room: usize, asked: &Asked, answer: &Answer) -> Checked {
        if answer.content != Content::Reply {
            return Ok(());
        }
        let decoded = wire::read_reply(&answer.body);
        hold(decoded.is_some(), "9: an answer can be read", || {
            format!("{} bytes", answer.body.len())
        })?;
        let accounts = &self.accounts[room];
        match decoded {
            Some(decoded) if accounts.other.is_none() => reply(
                &decoded,
                asked,
                &accounts.book,
                &accounts.tree,
                accounts.losses,
            ),
            _ => Ok(()),
        }
    }

    fn send_back(&mut self, host: usize, slip: Slip, answer: Answer, committed: bool) {
        let lost = self.faults().reply_lost;
        if self.chance(lost) {
            if committed {
                self.counters.saw(2);
            }
            return;
        }
        if let Some((client, ..)) = slip.client
            && !self.hears(client, host)
        {
            return;
        }
        let way_ms = self.way_ms();
        self.after(way_ms, Event::Answer { slip, answer });
    }

    fn call_store(&mut self, id: u64, effect: Effect) {
        let faults = self.faults();
        self.calls += 1;
        let call = self.calls;
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        flight.call = call;
        flight.asked = name_of(&effect);
        let (host, life, room, asked) = (flight.host, flight.life, flight.room, flight.asked);
        self.trace_effect(host, room, call, &effect);
        let effect = Rc::new(effect);
        let (mut out_ms, mut back_ms) = (self.between(1, 4), self.between(1, 4));
        let store = |back_ms| Event::Store {
            host,
            life,
            room,
            effect: effect.clone(),
            flight: id,
            call,
            back_ms,
        };
        let fail = || Event::Fed {
            flight: id,
            call,
            fed: Box::new(Fed::Failed),
        };
        if self.hosts[host].cut_until_ms > self.now_ms {
            self.counters.saw(43);
            return self.after(STORE_TIMEOUT_MS, fail());
        }
        if self.chance(faults.overloaded) {
            self.counters.saw(31);
            return self.after(out_ms, Event::Overloaded { flight: id, call });
        }
        if self.chance(faults.spike) {
            self.counters.saw(14);
            match self.random.chance(1, 2) {
                true => out_ms += self.between(10, 30_000),
                false => back_ms += self.between(10, 30_000),
            }
        }
        if self.chance(faults.pause) {
            self.pause(asked, &mut out_ms, &mut back_ms);
        }
        if self.chance(faults.done_twice) {
            let twice_ms = out_ms + self.between(0, 100);
            self.after(twice_ms, store(None));
        }
        // Prompt, or when the caller stops waiting.
        let failed_ms = match self.random.chance(1, 4) {
            true => STORE_TIMEOUT_MS,
            false => out_ms + back_ms,
        };
        if self.chance(faults.not_done) {
            self.counters.saw(15);
            self.counters.saw(43);
            return self.after(failed_ms, fail());
        }
        if self.chance(faults.done_unseen) {
            self.counters.saw(16);
            self.after(out_ms, store(None));
            return self.after(failed_ms.max(out_ms), fail());
        }
        if self.chance(faults.done_late) {
            self.counters.saw(17);
            let late_ms = failed_ms + self.between(10, 20_000);
            self.after(late_ms, store(None));
            return self.after(failed_ms, fail());
        }
        if out_ms + back_ms > STORE_TIMEOUT_MS {
            self.after(STORE_TIMEOUT_MS, fail());
        }
        self.after(out_ms, store(Some(back_ms)));
    }

    pub(super) fn trace_effect(&mut self, host: usize, room: usize, call: u64, effect: &Effect) {
        self.trace.line(
            self.now_ms,
            &format!("host {host}"),
            name_of(effect),
            || match effect {
                Effect::Note(note, _) => {
                    json!({ "room": room, "call": call, "note": format!("{note:?}") })
                }
                _ => json!({ "room": room, "call": call }),
            },
        );
    }

    /// The request stands still before or after its call, for longer than a lease.
    fn pause(&mut self, asked: &str, out_ms: &mut u64, back_ms: &mut u64) {
        let lease_ms = u64::from(self.plan.settings.lease_ms);
        let pause_ms = self.between(lease_ms, 4 * lease_ms + 2_000);
        match asked {
            "append" if self.random.chance(1, 2) => {
                self.counters.saw(7);
                *out_ms += pause_ms;
            }
            "append" => {
                self.counters.saw(8);
                *back_ms += pause_ms;
            }
            _ => {
                self.counters.saw(6);
                *back_ms += pause_ms;
            }
        }
    }

    /// A call reaches the store.
    pub(super) fn reach_store(
        &mut self,
        (host, life, room): (usize, u64, usize),
        effect: &Effect,
        (flight, call): (u64, u64),
        back_ms: Option<u64>,
    ) -> Checked {
        let times = Times {
            now_ms: self.now_ms,
            store_ms: START_MS + self.now_ms,
            host_ms: self.hosts[host].clock.wall_ms(self.now_ms),
            clock: self.plan.clock,
        };
        let full =
            self.shelves[room].full_until_ms > self.now_ms && !matches!(effect, Effect::Read(_));
        if full {
            self.counters.saw(28);
        }
        let inbox = self.shelves[room].inbox(host);
        let (fed, wrote) = self.shelves[room].perform(host, effect, times);
        match (&fed, effect) {
            (Fed::Appended(true, _), Effect::Append(append, _)) => {
                let lesser = wrote == Wrote::Frame(true);
                self.book(room, lesser, &append.frame)?;
                self.compare_order(room, lesser, append, &inbox)?;
                self.publish(room, append.published.to_vec());
                if let Some(flight) = self.flights.get_mut(&flight) {
                    flight.appended = true;
                }
            }
            (Fed::Appended(false, _), _) => {
                self.counters.saw(18);
                self.counters.lost += 1;
            }
            (Fed::Pushed(_), _) => self.counters.pushes += 1,
            _ => {}
        }
        let alive = self.hosts[host].life == life;
        let kill = self.faults().kill;
        if alive && self.chance(kill) {
            self.counters.saw(9);
            let writes = matches!(wrote, Wrote::Frame(_));
            self.kill(host, writes);
            return Ok(());
        }
        if let Some(back_ms) = back_ms {
            self.after(
                back_ms,
                Event::Fed {
                    flight,
                    call,
                    fed: Box::new(fed),
                },
            );
        }
        Ok(())
    }

    fn compare_order(&self, room: usize, lesser: bool, append: &Append, inbox: &[Item]) -> Checked {
        let accounts = &self.accounts[room];
        let book = accounts.other.as_ref().filter(|_| lesser);
        let oracle = &book.unwrap_or(&accounts.book).oracle;
        order::receipt(append, inbox, |who, hail| {
            let device = oracle.device(&(who.user.clone(), hail.id));
            device.map(|(number, _)| number)
        })
    }

    /// A result reaches the invocation that waits for it.
    pub(super) fn feed(&mut self, id: u64, call: u64, fed: Fed) -> Checked {
        let waits = self.flights.get(&id).filter(|flight| flight.call == call);
        let Some(host) = waits.map(|flight| flight.host) else {
            return Ok(());
        };
        let until_ms = self.hosts[host].stopped_until_ms;
        if until_ms > self.now_ms {
            self.at(
                until_ms,
                Event::Fed {
                    flight: id,
                    call,
                    fed: Box::new(fed),
                },
            );
            return Ok(());
        }
        // Not where the rules run alone: what traps twice there is at fault by definition.
        let alone = matches!(fed, Fed::Noted(_));
        let trap = self.faults().trap;
        if !alone && self.chance(trap) {
            return self.trap(id);
        }
        if self.faults().frozen {
            // It advances after I/O.
            self.hosts[host].clock.frozen_ms = Some(self.now_ms);
        }
        let moment = self.moment(host);
        self.counters.steps += 1;
        let Some(flight) = self.flights.get_mut(&id) else {
            return Ok(());
        };
        flight.trying = alone;
        let (invocation, instance) = (&mut flight.invocation, &mut self.hosts[host].instance);
        let resumed = step(|| Some(invocation.as_mut()?.resume(instance, fed, moment)));
        match resumed {
            Some(Some(effect)) => self.carry_out(id, effect),
            Some(None) => Ok(()),
            None => self.broke(id),
        }
    }

    /// The rules broke.
    fn broke(&mut self, id: u64) -> Checked {
        self.counters.broke += 1;
        if let Some(flight) = self.flights.get(&id) {
            let (host, room) = (flight.host, flight.room);
            self.accounts[room].broke_ms = Some(self.now_ms);
            self.note(
                &format!("host {host}"),
                "broke",
                (room as u64, 0),
                || json!({ "room": room }),
            );
        }
        self.trap(id)
    }

    /// The store refuses, not to be tried again: the driver answers `retry` without asking the handler,
    /// unless that has something to take back.
    pub(super) fn overloaded(&mut self, id: u64, call: u64) -> Checked {
        let waits = self.flights.get(&id).filter(|flight| flight.call == call);
        if waits.is_some_and(|flight| !flight.noted.is_empty()) {
            return self.feed(id, call, Fed::Failed);
        }
        let Some(count) = waits.map(|flight| flight.slips.len()) else {
            return Ok(());
        };
        let answers = (0..count).map(|_| refused(503, "retry")).collect();
        self.land(id, answers)
    }

    /// The wasm trapped: the instance is thrown away. The batch begins once more, as one that leads
    /// nothing; if that traps too, whoever was alone is answered `restarted`, the others begin in halves.
    fn trap(&mut self, id: u64) -> Checked {
        self.counters.saw(36);
        self.counters.saw(10);
        let Some(trapped) = self.flights.get(&id) else {
            return Ok(());
        };
        let (host, room) = (trapped.host, trapped.room);
        let fresh = self.new_host();
        self.hosts[host].instance = fresh.instance;
        self.hosts[host].slots = fresh.slots;
        self.hosts[host].writer = fresh.writer;
        let poisoned = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.host == host);
        let poisoned: Vec<u64> = poisoned.map(|(id, _)| *id).collect();
        for other in poisoned {
            let Some(flight) = self.flights.remove(&other) else {
                continue;
            };
            let mut batch: Vec<(Slip, Arrival)> =
                flight.slips.into_iter().zip(flight.arrivals).collect();
            let twice = other == id && matches!(flight.before, Some((true, _)));
            if twice && batch.len() == 1 {
                for (slip, _) in batch.drain(..) {
                    self.send_back(host, slip, refused(500, "restarted"), false);
                }
            }
            if flight.lined {
                self.hosts[host].rooms[flight.room].busy = false;
            }
            if batch.is_empty() {
                continue;
            }
            let before = match flight.before {
                Some((true, noted)) => Some((true, noted)),
                // Only what it noted right before can be what it trapped on.
                _ if other == id => Some((
                    true,
                    if flight.trying {
                        flight.noted
                    } else {
                        Vec::new()
                    },
                )),
                // What it began to try is not open: the next takes its place.
                Some(before) if flight.noted.is_empty() => Some(before),
                _ => Some((false, flight.noted)),
            };
            let rest = match twice {
                true => batch.split_off(batch.len().div_ceil(2)),
                false => Vec::new(),
            };
            self.begin(host, flight.room, batch, false, before.clone())?;
            if !rest.is_empty() {
                self.begin(host, flight.room, rest, false, before)?;
            }
        }
        self.next_batch(host, room)
    }

    /// The process ends at once; another takes its place. Nobody is answered.
    pub(super) fn kill(&mut self, host: usize, holder: bool) {
        if holder {
            self.counters.saw(11);
        }
        self.flights.retain(|_, flight| flight.host != host);
        let fresh = self.new_host();
        let old = std::mem::replace(&mut self.hosts[host], fresh);
        self.note(
            &format!("host {host}"),
            "killed",
            (old.life, 0),
            || json!({ "writer": old.writer.to_string() }),
        );
    }

    /// A planned end: who is to be replaced and has answered everything, is.
    pub(super) fn retire(&mut self, host: usize) {
        let place = &self.hosts[host];
        let waits = place
            .rooms
            .iter()
            .any(|line| line.busy || !line.waiting.is_empty());
        let flies = self.flights.values().any(|flight| flight.host == host);
        if place.closing && !waits && !flies {
            self.hosts[host] = self.new_host();
        }
    }

    pub(super) fn forget(&mut self, host: usize) {
        self.counters.saw(34);
        self.hosts[host].instance.forget();
        self.hosts[host].slots = Slots::new(0);
    }

    pub(super) fn publish(&mut self, room: usize, bytes: Vec<u8>) {
        if self.plan.sockets == 0 {
            return;
        }
        let bytes = Rc::new(bytes);
        let faults = self.faults();
        for client in 0..self.clients.len() {
            let page = &self.clients[client];
            if page.room != room || !page.live || !page.is_online(self.now_ms) {
                continue;
            }
            let life = page.life;
            let mut way_ms = self.between(5, 40);
            if self.chance(faults.pushes) {
                self.counters.saw(41);
                match self.random.below(3) {
                    0 => continue,
                    1 => {
                        let twice_ms = self.between(5, 500);
                        self.after(
                            twice_ms,
                            Event::Push {
                                client,
                                life,
                                bytes: bytes.clone(),
                            },
                        );
                    }
                    _ => way_ms = self.between(100, 3_000),
                }
            }
            self.after(
                way_ms,
                Event::Push {
                    client,
                    life,
                    bytes: bytes.clone(),
                },
            );
        }
    }
}

fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Read(_) => "read",
        Effect::Append(..) => "append",
        Effect::Push(..) => "push",
        Effect::Note(..) => "note",
        _ => "other",
    }
}

/// What a host answers without the handler.
fn refused(status: u16, code: &str) -> Answer {
    Answer {
        status,
        content: Content::Json,
        body: format!(r#"{{"code":"{code}"}}"#).into_bytes().into(),
    }
}
