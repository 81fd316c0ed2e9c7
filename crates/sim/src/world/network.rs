//! How long a message takes, whether it arrives, and how often.

use std::rc::Rc;

use baton::effect::Arrival;

use super::{Event, Slip, World};
use crate::later::Game;

/// How long a store call may take before its outcome counts as unknown, as the hosts have it.
pub(super) const STORE_TIMEOUT_MS: u64 = 5_000;

impl<R: Game> World<R> {
    /// When the copies of a client's request arrive, in milliseconds from now; perhaps never.
    pub(super) fn ways(&mut self) -> Vec<u64> {
        let faults = self.faults();
        let mut ways = Vec::with_capacity(1);
        if self.chance(faults.request_lost) {
            self.counters.saw(1);
        } else {
            ways.push(self.way_ms());
        }
        if self.chance(faults.duplicated) {
            self.counters.saw(3);
            ways.push(self.way_ms());
        }
        if self.chance(faults.very_late) {
            self.counters.saw(5);
            ways.push(self.between(10_000, 300_000));
        }
        ways
    }

    /// A client's request is on its way to a host; its copies may come to others. How many there are.
    pub(super) fn set_out(
        &mut self,
        host: usize,
        room: usize,
        slip: &Slip,
        arrival: &Arrival,
    ) -> usize {
        let ways = self.ways();
        for (copy, way_ms) in ways.iter().enumerate() {
            let host = match copy {
                0 => host,
                _ => self.below(self.hosts.len()),
            };
            let (slip, arrival) = (slip.clone(), arrival.clone());
            self.after(
                *way_ms,
                Event::Request {
                    host,
                    room,
                    slip,
                    arrival,
                },
            );
        }
        ways.len()
    }

    /// How long a message takes that arrives, in milliseconds.
    pub(super) fn way_ms(&mut self) -> u64 {
        let slow = self.faults().slow;
        if self.chance(slow) {
            return self.between(100, 3_000);
        }
        self.between(5, 40)
    }

    /// Whether a client and an instance hear each other.
    pub(super) fn hears(&self, client: usize, host: usize) -> bool {
        self.parted.is_none_or(|(until_ms, clients, hosts)| {
            self.now_ms >= until_ms || client % 2 != clients || host % 2 != hosts
        })
    }

    /// A frame is pushed to whoever has a socket: perhaps late, twice, or never.
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
