//! Instances as a host runs them: requests of one room that arrive together go together, each call to
//! the store is a place where anything may happen, and what was in memory ends with the process.

mod calls;
mod endings;
pub(super) mod machine;

use std::collections::{BTreeSet, VecDeque};

use baton::effect::{Arrival, Content, Effect, Fed, Moment, Outcome as Answer};
use baton::frame::{Entry, Frame};
use baton::slots::Slots;
use baton::{Before, Hash, Nonce, Writer, limits, wire};

use super::errands::Round;
use super::{Event, Slip, World, refusal_of};
use crate::check::reply::{Asked, gives_up, reply};
use crate::check::{Checked, hold};
use crate::clock::Clock;
use crate::later::Game;
use crate::rules::step;
use machine::{Build, Flying, Machine};

/// Effects that one invocation may ask for, as the hosts have it.
const MAX_EFFECTS: u32 = 32;
/// Races that one invocation may lose, after which it follows.
const MAX_LOST: u32 = 3;

/// One host process.
pub(super) struct Host<R: Game> {
    instance: Machine<R>,
    pub(super) build: Build,
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
    invocation: Option<Flying<R>>,
    pub(super) slips: Vec<Slip>,
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
    /// What its last append was to follow, whether it lost that to others, and how many in all.
    follows: Hash,
    raced: bool,
    lost: u32,
    effects: u32,
    /// Whether it holds its room's line.
    lined: bool,
}

impl<R: Game> World<R> {
    pub(super) fn new_host(&mut self, build: Build) -> Host<R> {
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
            instance: Machine::new(build, writer, self.settings),
            build,
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
        if let (Some((client, _, number)), None) = (slip.client, &slip.order) {
            self.see_order(client, number);
        }
        // What another room sends waits for nobody, lest two rooms wait for each other.
        if !self.plan.batched || slip.carried.is_some() {
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
        let cursors: BTreeSet<u64> = slips.iter().map(|slip| slip.asked.cursor.v).collect();
        for (slip, arrival) in slips.iter_mut().zip(&arrivals) {
            slip.asked.began_v = began_v;
            slip.asked.began_losses = began_losses;
            slip.asked.cursors = cursors.len();
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
                follows: Hash::default(),
                raced: false,
                lost: 0,
                effects: 0,
                lined,
            },
        );
        let (name, instance) = (Self::room_name(room), &mut self.hosts[host].instance);
        let before = before.as_ref().map(|(trapped, noted)| match trapped {
            true => Before::Trapped { noted },
            false => Before::Dropped { noted },
        });
        let begun = step(|| instance.begin(&name, arrivals, before, moment));
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
        let book = accounts.seen_by(host);
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
        }
        let (effects, room) = (flight.effects, flight.room);
        hold(effects <= MAX_EFFECTS, "9: an invocation ends", || {
            format!("{effects} effects")
        })?;
        if let Effect::Append(append, _) = &effect {
            self.accounts[room].appends(append);
            // One that failed may be tried again.
            let again = flight.raced && flight.follows == append.previous;
            flight.follows = append.previous;
            let lost = flight.lost;
            // A slot may be lost to a frame that does not count; and what was lost to may itself be lost.
            let lossy = self.plan.keys || self.accounts[room].losses > 0;
            // What other rooms have is noted once, at the end.
            let notes =
                |entry: &Entry| matches!(entry, Entry::Acknowledge { .. } | Entry::Reset { .. });
            let last = |frame: Frame| frame.entries.iter().any(notes);
            let last = lost == MAX_LOST && Frame::decode(&append.frame).is_ok_and(last);
            hold(
                (lost < MAX_LOST || last) && (lossy || !again),
                "L4: who lost a race reads before the next, and follows after three",
                || format!("{lost} lost, again after the same frame: {again}"),
            )?;
        }
        match effect {
            Effect::Reply(answers) => self.land(id, answers),
            Effect::Deliver { target, parcel } => self.hand_over(id, &target, &parcel),
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
        for (mut slip, answer) in flight.slips.into_iter().zip(answers) {
            match (&mut slip.order, &slip.carried) {
                (Some(placed), _) => self.check_order(host, room, placed, &slip.asked, &answer)?,
                (_, Some(carried)) => {
                    self.check_receipt((host, room), carried, &slip.asked, &answer)?;
                }
                _ if slip.spectator.is_some() => {
                    self.check_shown((host, room), &slip.asked, &answer)?;
                }
                _ => self.check_answer(host, room, &slip.asked, &answer)?,
            }
            self.send_back(host, slip, answer, flight.appended);
        }
        if flight.lined {
            self.hosts[host].rooms[room].busy = false;
            self.next_batch(host, room)?;
        }
        self.retire(host);
        Ok(())
    }

    fn check_answer(
        &mut self,
        host: usize,
        room: usize,
        asked: &Asked,
        answer: &Answer,
    ) -> Checked {
        let accounts = &self.accounts[room];
        let book = accounts.seen_by(host);
        if answer.content != Content::Reply {
            let (code, _) = refusal_of(answer);
            return gives_up(code, asked, book, &accounts.ledger, accounts.losses);
        }
        let decoded = wire::read_reply(&answer.body);
        hold(decoded.is_some(), "9: an answer can be read", || {
            format!("{} bytes", answer.body.len())
        })?;
        match decoded {
            Some(decoded) => reply(&decoded, asked, book, &accounts.tree, accounts.losses),
            None => Ok(()),
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
        let dropped = self.faults().dropped;
        if self.chance(dropped) {
            return self.drop_flight(id);
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
        let raced = matches!(fed, Fed::Appended(false, _));
        flight.lost += u32::from(raced);
        if flight.asked == "append" {
            flight.raced = raced;
        }
        let (invocation, instance) = (&mut flight.invocation, &mut self.hosts[host].instance);
        let resumed = step(|| Some(instance.resume(invocation.as_mut()?, fed, moment)));
        match resumed {
            Some(Some(effect)) => self.carry_out(id, effect),
            Some(None) => Ok(()),
            None => self.broke(id),
        }
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

    pub(super) fn forget(&mut self, host: usize) {
        self.counters.saw(34);
        self.hosts[host].instance.forget();
        self.hosts[host].slots = Slots::new(0);
    }
}

/// What a host answers without the handler.
pub(super) fn refused(status: u16, code: &str) -> Answer {
    Answer {
        status,
        content: Content::Json,
        body: format!(r#"{{"code":"{code}"}}"#).into_bytes().into(),
    }
}
