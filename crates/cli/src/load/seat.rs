//! A client without its connections: a replica, who plays through it, and the book-keeping of both. Decides what is made,
//! and what counts as told and shown; must not know how requests and frames travel.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use baton::{ActError, BodyHash, Code, DeviceId, Note, Replica, wire};

use super::clock::Clock;
use super::host::Heard;
use super::ledger::Ledger;
use super::line::Event;
use super::measure::{Came, Measure};
use super::player::{Game, Player, plays};

/// The version of this client, recorded with its registration.
const CLIENT: u16 = 1;
/// A client whose actions are all without an answer looks again after this, at the latest.
const FULL_US: u64 = 10_000;

/// A client in its room.
pub(super) struct Seat {
    clock: Clock,
    measure: Arc<Measure>,
    ledger: Arc<Mutex<Ledger>>,
    replica: Replica<Game>,
    player: Player,
    /// Whether frames come by themselves.
    live: bool,
    /// Actions without an answer: sequence, and when it was due.
    open: VecDeque<(u64, u64)>,
    /// The highest sequence that a reply spoke of.
    told: u64,
    shown: u64,
    in_vain: bool,
    over: Option<&'static str>,
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
        ledger.lock().expect("no holder panics").enrol(user, id);
        let mut replica = Replica::new(user, id, CLIENT);
        // Nobody looks at predictions.
        replica.set_cautious(true, 0);
        Self {
            clock,
            measure,
            ledger,
            replica,
            player,
            live: false,
            open: VecDeque::new(),
            told: 0,
            shown: 0,
            in_vain: false,
            over: None,
        }
    }

    /// Whether it is part of the room, and the room has something to do.
    pub(super) fn is_ready(&self) -> bool {
        self.has_joined() && self.replica.synced().is_some_and(plays)
    }

    pub(super) fn has_joined(&self) -> bool {
        self.replica.player().is_some()
    }

    /// Why it takes part no more, if so.
    pub(super) fn over(&self) -> Option<&'static str> {
        self.over
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
        self.replica
            .ask_at(self.live, self.clock.ms())
            .saturating_mul(1_000)
    }

    /// Does what is due.
    pub(super) fn act(&mut self) {
        while self.player.due_us() <= self.clock.us() && self.over.is_none() {
            let now_us = self.clock.us();
            let (Some(room), Some(me)) = (self.replica.synced(), self.replica.player()) else {
                return self.player.wait_until(now_us + FULL_US);
            };
            let (due_us, action) = self.player.wish(room, me);
            let Some(action) = action else {
                continue;
            };
            match self.replica.act(&action, now_us / 1_000) {
                Ok(seq) => {
                    let body = BodyHash::of(&wire::write(&action));
                    let id = self.replica.device();
                    self.ledger().made(id, body);
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
        self.replica.request(self.live, self.clock.ms())
    }

    /// The last.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        self.replica.leave(self.clock.ms())
    }

    /// What came of a request.
    pub(super) fn heard(&mut self, heard: &Heard, sent_us: u64) {
        let now_ms = self.clock.ms();
        let again = self.in_vain;
        self.in_vain = true;
        match heard {
            Heard::Reply(bytes) => {
                self.measure.request(sent_us, again, &Came::Reply);
                self.in_vain = !self.replica.receive(bytes, sent_us / 1_000, now_ms);
                self.mark(bytes);
            }
            Heard::Refused { code, expected } => {
                self.measure.request(sent_us, again, &Came::Refused(code));
                let known = Code::ALL.into_iter().find(|known| known.name() == code);
                self.replica.refused(known, *expected, now_ms);
            }
            Heard::Failed => {
                self.measure.request(sent_us, again, &Came::Nothing);
                self.replica.refused(None, None, now_ms);
            }
        }
        self.after();
    }

    /// What came by itself.
    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Open => self.live = true,
            Event::Lost => self.live = false,
            Event::Frame(bytes) => {
                self.replica.frame(bytes, self.clock.ms());
                self.after();
            }
        }
    }

    /// What a reply says of the device's actions, which counts as told whatever its frames say.
    fn mark(&mut self, bytes: &[u8]) {
        let standing = wire::read_reply(bytes).and_then(|reply| reply.device);
        let Some(standing) = standing.filter(|standing| standing.mark > self.told) else {
            return;
        };
        let id = self.replica.device();
        let mut ledger = self.ledger.lock().expect("no holder panics");
        for seq in self.told + 1..=standing.mark {
            ledger.told(id, seq, standing.verdict(seq));
        }
        self.told = standing.mark;
    }

    fn after(&mut self) {
        for note in self.replica.notes() {
            self.read(&note);
        }
        let head = self.replica.head();
        if head.v != self.shown
            && let Some(room) = self.replica.synced()
        {
            self.shown = head.v;
            let lineage = room.lineage();
            self.ledger().shown(lineage, head);
        }
    }

    fn read(&mut self, note: &Note) {
        let id = self.replica.device();
        match note {
            Note::Answer { seq, code } => {
                self.ledger().told(id, *seq, *code);
                let index = self.open.iter().position(|(open, _)| open == seq);
                if let Some((_, due_us)) = index.and_then(|index| self.open.remove(index)) {
                    self.measure.shown(due_us, *code == Some(0));
                }
                // There is room for more.
                if self.player.is_greedy() && self.player.due_us() < u64::MAX {
                    self.player.wait_until(0);
                }
            }
            Note::Reset => self.ledger().reset(),
            Note::Evicted { lost } => {
                self.ledger().gave_up(id, *lost as u64);
                self.over = Some("evicted");
            }
            Note::Desync => {
                let v = self.replica.desync().map_or(0, |desync| desync.v);
                let sentence = format!("the state after version {} is not its frame's", v + 1);
                self.ledger().fork(&sentence);
                self.over = Some("desync");
            }
            Note::Reload => self.over = Some("the room plays by rules that this program lacks"),
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no holder panics")
    }
}
