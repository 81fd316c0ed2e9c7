//! How instances and processes end: by a trap, at once, or when they are to be replaced.

use baton::effect::Arrival;
use serde_json::json;

use super::refused;
use crate::check::Checked;
use crate::counters::Other;
use crate::later::Game;
use crate::world::{Slip, World};

impl<R: Game> World<R> {
    /// The rules broke.
    pub(super) fn broke(&mut self, id: u64) -> Checked {
        self.counters.broke += 1;
        self.counters.saw(10);
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

    /// The wasm trapped: the instance is thrown away. The batch begins once more, as one that leads
    /// nothing; if that traps too, whoever was alone is answered `restarted`, the others begin in halves.
    pub(super) fn trap(&mut self, id: u64) -> Checked {
        self.counters.saw(36);
        let Some(trapped) = self.flights.get(&id) else {
            return Ok(());
        };
        let (host, room) = (trapped.host, trapped.room);
        // The same process goes on with the same build.
        let fresh = self.new_host(self.hosts[host].build);
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
    pub(in crate::world) fn kill(&mut self, host: usize, holder: bool) {
        if holder {
            self.counters.saw(11);
        }
        self.flights.retain(|_, flight| flight.host != host);
        let fresh = self.new_host(self.builds[host]);
        let old = std::mem::replace(&mut self.hosts[host], fresh);
        self.note(
            &format!("host {host}"),
            "killed",
            (old.life, 0),
            || json!({ "writer": old.writer.to_string() }),
        );
    }

    /// An invocation is never gone on with, as where a platform ends a request and keeps the process. Nobody is answered.
    pub(super) fn drop_flight(&mut self, id: u64) -> Checked {
        self.counters.saw_other(Other::Dropped);
        let Some(flight) = self.flights.remove(&id) else {
            return Ok(());
        };
        if flight.lined {
            self.hosts[flight.host].rooms[flight.room].busy = false;
            self.next_batch(flight.host, flight.room)?;
        }
        self.retire(flight.host);
        Ok(())
    }

    /// A planned end: who is to be replaced and has answered everything, is.
    pub(in crate::world) fn retire(&mut self, host: usize) {
        let place = &self.hosts[host];
        let waits = place
            .rooms
            .iter()
            .any(|line| line.busy || !line.waiting.is_empty());
        let flies = self.flights.values().any(|flight| flight.host == host);
        if place.closing && !waits && !flies {
            self.hosts[host] = self.new_host(self.builds[host]);
        }
    }
}
