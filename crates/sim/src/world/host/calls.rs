//! Calls to the store: how long they take, how they fail, and what they did.

use std::rc::Rc;

use baton::effect::{Append, Effect, Fed, Item};
use serde_json::json;

use crate::check::{Checked, order};
use crate::clock::START_MS;
use crate::later::Game;
use crate::store::{Times, Wrote, damage};
use crate::world::network::STORE_TIMEOUT_MS;
use crate::world::{Event, World};

impl<R: Game> World<R> {
    pub(super) fn call_store(&mut self, id: u64, effect: Effect) {
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

    pub(in crate::world) fn trace_effect(
        &mut self,
        host: usize,
        room: usize,
        call: u64,
        effect: &Effect,
    ) {
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
    pub(in crate::world) fn reach_store(
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
        let (mut fed, wrote) = self.shelves[room].perform(host, effect, times);
        if self.shelves[room].damaged_until_ms > self.now_ms
            && back_ms.is_some()
            && damage(&mut fed, &mut self.random)
        {
            self.counters.saw(38);
            self.accounts[room].damaged_ms = Some(self.now_ms);
        }
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
