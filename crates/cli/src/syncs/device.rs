//! A device of a user, as a page has it: a replica with its queue, which acts, asks, is reloaded; and the packets of its that
//! are still on their way. Decides what is made, and when to ask; must not know how anything is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use account::{Account, State};
use baton::{ActError, Head, Replica};

use super::draw::{Draw, Fate};
use crate::load::host::Heard;
use crate::load::ledger::Ledger;
use crate::load::measure::{Came, Measure};
use crate::load::witness::{CLIENT, Witness};

/// Packets that are held back, at most; then one has to come.
const LATE: usize = 4;
/// Actions of one sync, at most.
const ACTIONS: u32 = 3;

pub(super) struct Device {
    /// Whose: its place among the users.
    pub(super) user: usize,
    name: String,
    witness: Witness<Account>,
    pub(super) draw: Draw,
    late: VecDeque<Vec<u8>>,
    /// Actions without an answer: number, and when they were made, in microseconds.
    open: VecDeque<(u64, u64)>,
    in_vain: bool,
}

impl Device {
    pub(super) fn new(
        user: usize,
        name: &str,
        mut draw: Draw,
        ledger: &Arc<Mutex<Ledger>>,
    ) -> Self {
        Self {
            user,
            name: name.to_owned(),
            witness: Witness::new(name, draw.device(), Arc::clone(ledger)),
            draw,
            late: VecDeque::new(),
            open: VecDeque::new(),
            in_vain: false,
        }
    }

    /// Why it takes part no more, if so.
    pub(super) fn over(&self) -> Option<&'static str> {
        self.witness.over()
    }

    pub(super) fn has_joined(&self) -> bool {
        self.witness.replica.player().is_some()
    }

    /// Whether nothing of it is without an answer.
    pub(super) fn is_free(&self) -> bool {
        self.witness.replica.pending() == 0
    }

    /// Whether nothing of it is on its way, and the account owes it nothing.
    pub(super) fn is_settled(&self, now_ms: u64) -> bool {
        let replica = &self.witness.replica;
        self.is_free() && self.late.is_empty() && self.has_joined() && !replica.owed(now_ms)
    }

    /// When it asks next, in microseconds.
    pub(super) fn ask_us(&self, now_ms: u64) -> u64 {
        let ask_ms = self.witness.replica.ask_at(false, now_ms);
        ask_ms.saturating_mul(1_000)
    }

    /// Does something, as a player would: what the account as it is shown forbids is not done. How many actions.
    pub(super) fn act(&mut self, now_us: u64) -> u32 {
        let mut made = 0;
        for _ in 0..=self.draw.below(ACTIONS) {
            let wish = self.draw.wish();
            let done = match self.witness.act(&wish, now_us / 1_000) {
                Err(ActError::Rejected(_)) => {
                    let other = self.draw.preference();
                    self.witness.act(&other, now_us / 1_000)
                }
                done => done,
            };
            let Ok(seq) = done else {
                break;
            };
            self.open.push_back((seq, now_us));
            made += 1;
        }
        made
    }

    /// The tab is closed and opened again: what was saved is all there is, with the account as it was kept or without.
    pub(super) fn reload(&mut self, now_ms: u64) {
        let replica = &mut self.witness.replica;
        let (queue, room) = (replica.save(), replica.save_room());
        *replica = Replica::resume(&self.name, &queue, CLIENT).expect("what was saved is whole");
        if let Some(room) = room.filter(|_| self.draw.chance(1, 2)) {
            replica.warm_up(&room, now_ms);
        }
    }

    /// The next request.
    pub(super) fn request(&mut self, now_ms: u64) -> Vec<u8> {
        self.witness.replica.request(false, now_ms)
    }

    /// What becomes of it.
    pub(super) fn fate(&mut self, faults: u32) -> Fate {
        match self.draw.fate(faults) {
            Fate::HeldBack if self.late.len() == LATE => Fate::Arrives,
            fate => fate,
        }
    }

    /// A packet is held back.
    pub(super) fn hold_back(&mut self, body: Vec<u8>) {
        self.late.push_back(body);
    }

    /// A packet whose time has come; in the end, of all.
    pub(super) fn comes_late(&mut self, end: bool) -> Option<Vec<u8>> {
        let comes = end || (!self.late.is_empty() && self.draw.chance(1, 3));
        if comes { self.late.pop_front() } else { None }
    }

    /// What came of a request. Whether it was a reply.
    pub(super) fn heard(
        &mut self,
        heard: &Heard,
        sent_us: u64,
        now_ms: u64,
        measure: &Measure,
    ) -> bool {
        measure.request(sent_us, self.in_vain, &Came::of(heard));
        let understood = self.witness.heard(heard, sent_us / 1_000, now_ms);
        self.in_vain = !understood;
        for (seq, code) in self.witness.answers() {
            let index = self.open.iter().position(|(open, _)| *open == seq);
            if let Some((_, made_us)) = index.and_then(|index| self.open.remove(index)) {
                measure.shown(made_us, code == Some(0));
            }
        }
        understood
    }

    /// The account as it has it.
    pub(super) fn shown(&self) -> (Head, Option<&State>) {
        let replica = &self.witness.replica;
        (replica.head(), replica.synced().map(baton::Room::state))
    }
}
