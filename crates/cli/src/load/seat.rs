//! A client without its connections: a replica that is watched, and who plays through it. Decides what is made and measured;
//! must not know how requests and frames travel.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use baton::{ActError, DeviceId};

use super::clock::Clock;
use super::host::Heard;
use super::ledger::Ledger;
use super::line::Event;
use super::measure::{Came, Measure};
use super::player::{Game, Player, plays};
use super::witness::Witness;

/// A client whose actions are all without an answer looks again after this, at the latest.
const FULL_US: u64 = 10_000;

/// A client in its room.
pub(super) struct Seat {
    clock: Clock,
    measure: Arc<Measure>,
    witness: Witness<Game>,
    player: Player,
    /// Whether frames come by themselves.
    live: bool,
    /// Actions without an answer: sequence, and when it was due.
    open: VecDeque<(u64, u64)>,
    in_vain: bool,
}

impl Seat {
    /// A seat for a guest who has not asked yet.
    pub(super) fn new(
        clock: Clock,
        measure: Arc<Measure>,
        ledger: Arc<Mutex<Ledger>>,
        user: &str,
        player: Player,
    ) -> Self {
        let mut id = DeviceId::default();
        getrandom::fill(&mut id.0).expect("the system has entropy");
        let mut witness = Witness::new(user, id, ledger);
        // Nobody looks at predictions.
        witness.replica.set_cautious(true, 0);
        Self {
            clock,
            measure,
            witness,
            player,
            live: false,
            open: VecDeque::new(),
            in_vain: false,
        }
    }

    /// Whether it is part of the room, and the room has something to do.
    pub(super) fn is_ready(&self) -> bool {
        self.has_joined() && self.witness.replica.synced().is_some_and(plays)
    }

    pub(super) fn has_joined(&self) -> bool {
        self.witness.replica.player().is_some()
    }

    /// Why it takes part no more, if so.
    pub(super) fn over(&self) -> Option<&'static str> {
        self.witness.over()
    }

    /// Whether every action of its has an answer.
    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn begin(&mut self, index: u32, clients: u32) {
        self.player.begin(self.clock.us(), index, clients);
    }

    pub(super) fn end(&mut self) {
        self.player.end();
    }

    /// When it wants to do something, in microseconds.
    pub(super) fn due_us(&self) -> u64 {
        self.player.due_us()
    }

    /// When it wants to ask, in microseconds.
    pub(super) fn ask_us(&self) -> u64 {
        self.witness
            .replica
            .ask_at(self.live, self.clock.ms())
            .saturating_mul(1_000)
    }

    /// Does what is due.
    pub(super) fn act(&mut self) {
        while self.player.due_us() <= self.clock.us() && self.over().is_none() {
            let now_us = self.clock.us();
            let (Some(room), Some(me)) =
                (self.witness.replica.synced(), self.witness.replica.player())
            else {
                return self.player.wait_until(now_us + FULL_US);
            };
            let (due_us, action) = self.player.wish(room, me);
            let Some(action) = action else {
                continue;
            };
            match self.witness.act(&action, now_us / 1_000) {
                Ok(seq) => {
                    self.measure.made();
                    let greedy = self.player.is_greedy();
                    self.open
                        .push_back((seq, if greedy { now_us } else { due_us }));
                }
                Err(error) => {
                    let full = error == ActError::Full;
                    if self.player.is_greedy() {
                        return self.player.wait_until(now_us + FULL_US);
                    }
                    if full {
                        self.measure.full();
                    } else {
                        self.measure.forbidden();
                    }
                }
            }
        }
    }

    /// The next request.
    pub(super) fn request(&mut self) -> Vec<u8> {
        self.witness.replica.request(self.live, self.clock.ms())
    }

    /// The last.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        self.witness.replica.leave(self.clock.ms())
    }

    /// What came of a request.
    pub(super) fn heard(&mut self, heard: &Heard, sent_us: u64) {
        let now_ms = self.clock.ms();
        let again = self.in_vain;
        self.measure.request(sent_us, again, &Came::of(heard));
        self.in_vain = !self.witness.heard(heard, sent_us / 1_000, now_ms);
        self.after();
    }

    /// What came by itself.
    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Open => self.live = true,
            Event::Lost => self.live = false,
            Event::Frame(bytes) => {
                self.witness.replica.frame(bytes, self.clock.ms());
                self.after();
            }
        }
    }

    fn after(&mut self) {
        for (seq, code) in self.witness.answers() {
            let index = self.open.iter().position(|(open, _)| *open == seq);
            if let Some((_, due_us)) = index.and_then(|index| self.open.remove(index)) {
                self.measure.shown(due_us, code == Some(0));
            }
            // There is room for more.
            if self.player.is_greedy() && self.player.due_us() < u64::MAX {
                self.player.wait_until(0);
            }
        }
    }
}
