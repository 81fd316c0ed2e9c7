//! The store that can only create keys if absent: an effect becomes single calls, each of them a place
//! where anything may happen, and reads of several keys that are not of one moment.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use baton::effect::{Effect, Fed};
use baton::frame::Frame;
use baton::slots::{Answer, Call, Errand, Step};
use serde_json::json;

use super::network::STORE_TIMEOUT_MS;
use super::{Event, World};
use crate::check::{Checked, hold};
use crate::clock::START_MS;
use crate::later::Game;
use crate::store::damage_text;

/// Steps of one errand, at most, as the hosts have it.
const MAX_STEPS: u32 = 64;

/// An effect on its way as single calls.
pub(super) struct Round {
    errand: Errand,
    /// Another with each round of calls.
    pub(super) number: u64,
    /// How many there were.
    steps: u32,
    answers: Vec<Option<Answer>>,
    /// How many of its calls that write reached the store.
    own: u64,
    /// How many of others had, when its first call did.
    others: Option<u64>,
}

impl<R: Game> World<R> {
    /// Begins an effect of an invocation.
    pub(super) fn run_errand(&mut self, id: u64, effect: &Effect) -> Checked {
        let Some(flight) = self.flights.get(&id) else {
            return Ok(());
        };
        let (host, room, call) = (flight.host, flight.room, flight.call);
        if let Effect::Append(append, _) = effect {
            let published = append.published.to_vec();
            self.shelves[room].publishes(append.hash, published);
        }
        self.trace_effect(host, room, call, effect);
        let moment = self.moment(host);
        let begun = self.hosts[host]
            .slots
            .begin(&Self::room_name(room), effect, moment);
        let Some((errand, step)) = begun else {
            return Ok(());
        };
        let round = Round {
            errand,
            number: 0,
            steps: 0,
            answers: Vec::new(),
            own: 0,
            others: None,
        };
        self.step_errand(id, call, round, step)
    }

    fn step_errand(&mut self, id: u64, call: u64, mut round: Round, step: Step) -> Checked {
        match step {
            Step::Done(fed) => {
                if matches!(fed, Fed::Appended(false, _)) {
                    self.counters.saw(18);
                    self.counters.lost += 1;
                }
                if matches!(fed, Fed::Pushed(_)) {
                    self.counters.pushes += 1;
                }
                self.feed(id, call, fed)
            }
            Step::Perform(calls) => {
                self.calls += 1;
                round.number = self.calls;
                round.steps += 1;
                hold(round.steps <= MAX_STEPS, "9: an errand ends", || {
                    format!("{} steps", round.steps)
                })?;
                round.answers = calls.iter().map(|_| None).collect();
                (round.own, round.others) = (0, None);
                let number = round.number;
                let Some(flight) = self.flights.get_mut(&id) else {
                    return Ok(());
                };
                let (host, room) = (flight.host, flight.room);
                flight.round = Some(round);
                for (index, call) in calls.into_iter().enumerate() {
                    self.send_call(host, room, Rc::new(call), (id, number, index));
                }
                Ok(())
            }
        }
    }

    /// One call to the store, and what may become of it.
    fn send_call(&mut self, host: usize, room: usize, call: Rc<Call>, slip: (u64, u64, usize)) {
        let faults = self.faults();
        let (flight, round, index) = slip;
        let event = |back_ms| Event::Key {
            room,
            call: call.clone(),
            flight,
            round,
            index,
            back_ms,
        };
        let fail = || Event::KeyAnswer {
            flight,
            round,
            index,
            answer: Answer::Failed,
        };
        if self.hosts[host].cut_until_ms > self.now_ms {
            self.counters.saw(43);
            return self.after(STORE_TIMEOUT_MS, fail());
        }
        let (mut out_ms, mut back_ms) = (self.between(1, 3), self.between(1, 3));
        if self.chance(faults.spike) {
            self.counters.saw(14);
            match self.random.chance(1, 2) {
                true => out_ms += self.between(10, 30_000),
                false => back_ms += self.between(10, 30_000),
            }
        }
        if self.chance(faults.pause) {
            let lease_ms = u64::from(self.plan.settings.lease_ms);
            out_ms += self.between(lease_ms, 4 * lease_ms);
        }
        if self.chance(faults.done_twice) {
            let twice_ms = out_ms + self.between(0, 100);
            self.after(twice_ms, event(None));
        }
        let failed_ms = match self.random.chance(1, 4) {
            true => STORE_TIMEOUT_MS,
            false => out_ms + back_ms,
        };
        if self.chance(faults.not_done) {
            self.counters.saw(15);
            return self.after(failed_ms, fail());
        }
        if self.chance(faults.done_unseen) {
            self.counters.saw(16);
            self.after(out_ms, event(None));
            return self.after(failed_ms.max(out_ms), fail());
        }
        if self.chance(faults.done_late) {
            self.counters.saw(17);
            let late_ms = failed_ms + self.between(10, 20_000);
            self.after(late_ms, event(None));
            return self.after(failed_ms, fail());
        }
        if out_ms + back_ms > STORE_TIMEOUT_MS {
            self.after(STORE_TIMEOUT_MS, fail());
        }
        self.after(out_ms, event(Some(back_ms)));
    }

    /// A call reaches the store.
    pub(super) fn reach_keys(
        &mut self,
        room: usize,
        call: &Call,
        (flight, round, index): (u64, u64, usize),
        back_ms: Option<u64>,
    ) -> Checked {
        let store_ms = START_MS + self.now_ms;
        let full = self.shelves[room].full_until_ms > self.now_ms && call.writes();
        if full {
            self.counters.saw(28);
        }
        let stale = self.faults().stale;
        let stale = self.chance(stale);
        let plain = matches!(call, Call::Get { .. } | Call::Start { .. });
        let fresh = stale && plain;
        let fresh = fresh.then(|| self.shelves[room].perform_call(call, store_ms, false));
        let mut answer = match full {
            true => Answer::Failed,
            false => self.shelves[room].perform_call(call, store_ms, stale),
        };
        if fresh.is_some_and(|fresh| fresh != answer) {
            self.counters.saw(22);
        }
        if self.shelves[room].damaged_until_ms > self.now_ms
            && back_ms.is_some()
            && damage_text(call, &mut answer, &mut self.random)
        {
            self.counters.saw(38);
        }
        self.see_moment(room, call, (flight, round));
        self.trace_call(room, flight, call, &answer);
        while let Some((hash, frame)) =
            self.shelves[room].next_in_chain(self.accounts[room].book.head())
        {
            self.book(room, false, &frame)?;
            if let Some(published) = self.shelves[room].published(hash) {
                self.publish(room, published);
            }
            if let Some(flight) = self.flights.get_mut(&flight) {
                flight.appended = true;
            }
        }
        let kill = self.faults().kill;
        if self.chance(kill / 3)
            && let Some(host) = self.flights.get(&flight).map(|flight| flight.host)
        {
            self.counters.saw(9);
            self.kill(host, matches!(call, Call::FieldSet { .. }));
            return Ok(());
        }
        if let Some(back_ms) = back_ms {
            self.after(
                back_ms,
                Event::KeyAnswer {
                    flight,
                    round,
                    index,
                    answer,
                },
            );
        }
        Ok(())
    }

    /// Whether somebody else wrote since the round's first read.
    fn see_moment(&mut self, room: usize, call: &Call, (flight, number): (u64, u64)) {
        let writes = u64::from(call.writes());
        self.written[room] += writes;
        let round = self.flights.get_mut(&flight);
        let round = round.and_then(|flight| flight.round.as_mut());
        let Some(round) = round.filter(|round| round.number == number) else {
            return;
        };
        round.own += writes;
        let others = self.written[room] - round.own;
        let first = *round.others.get_or_insert(others);
        if writes == 0 && first != others {
            self.counters.saw(26);
        }
    }

    /// What became of the single calls that make up the log, for whoever reads a trace.
    fn trace_call(&mut self, room: usize, flight: u64, call: &Call, answer: &Answer) {
        let Call::FieldSet { key, field, value } = call else {
            return;
        };
        if !key.contains(":log:") {
            return;
        }
        let now_ms = self.now_ms;
        self.trace.line(now_ms, &format!("room {room}"), "slot", || {
            let frame = Frame::decode(&BASE64.decode(value).unwrap_or_default()).ok();
            let v = frame.as_ref().map(|frame| frame.v);
            let previous = frame.map(|frame| frame.previous.to_string());
            json!({ "slot": field, "v": v, "previous": previous, "flight": flight, "answer": format!("{answer:?}") })
        });
    }

    /// An answer reaches the instance; after the last of its round the errand goes on.
    pub(super) fn key_answered(
        &mut self,
        (id, number, index): (u64, u64, usize),
        answer: Answer,
    ) -> Checked {
        let Some(flight) = self.flights.get_mut(&id) else {
            return Ok(());
        };
        let (host, call) = (flight.host, flight.call);
        let Some(round) = flight.round.as_mut().filter(|round| round.number == number) else {
            return Ok(());
        };
        if round.answers[index].is_none() {
            round.answers[index] = Some(answer);
        }
        if round.answers.iter().any(Option::is_none) {
            return Ok(());
        }
        let Some(mut round) = flight.round.take() else {
            return Ok(());
        };
        let answers: Vec<Answer> = round.answers.drain(..).flatten().collect();
        if answers.contains(&Answer::Failed) && answers.contains(&Answer::Done) {
            self.counters.saw(27);
        }
        let moment = self.moment(host);
        let step = round
            .errand
            .resume(&mut self.hosts[host].slots, answers, moment);
        self.step_errand(id, call, round, step)
    }
}
