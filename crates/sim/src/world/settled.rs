//! Whether all has settled once nothing goes wrong any more: who still waits for what, in words. How long that may take is
//! said by whoever asks. Changes nothing.

use baton::Status;

use super::finish::TRIPS_MS;
use super::{Accounts, Event, World};
use crate::check::oracle::Oracle;
use crate::clock::START_MS;
use crate::later::Game;
use crate::page::Edition;
use crate::rules::{CURSE_TICKS, TICK_MS};

/// After so long everybody who had failed has asked again: the longest pause, spread, and a request.
const BACK_OFF_MS: u64 = 16_000;
/// What breaks the rules is tried again and again, until it is set aside: after so long it was, in milliseconds.
const QUIET_MS: u64 = 10_000;
/// After so long a curse of the fault phase has broken its room, in milliseconds.
const CURSE_MS: u64 = 2 * CURSE_TICKS * TICK_MS as u64;

impl<R: Game> World<R> {
    /// What has not settled yet, and by which rule it must.
    pub(super) fn unsettled(&self, since_ms: u64, took_ms: u64) -> Option<(&'static str, String)> {
        let all = [
            (
                "L1: every action gets its answer once faults stop",
                self.unwell(since_ms, took_ms),
            ),
            (
                "L10: who has a room open and is answered is in it",
                self.absent(),
            ),
            (
                "L11: what a room sends arrives once faults stop",
                self.on_its_way(),
            ),
            (
                "L12: who watches sees the room as it is",
                self.left_behind(),
            ),
        ];
        all.into_iter()
            .find_map(|(check, seen)| seen.map(|seen| (check, seen)))
    }

    /// Whether the store has yet to do what it was asked for while things went wrong.
    pub(super) fn is_late(&self) -> bool {
        self.events.values().any(|event| {
            let (Event::Store { flight, .. } | Event::Key { flight, .. }) = event else {
                return false;
            };
            *flight <= self.last_faulty
        })
    }

    /// A room's time as its instances know it: the store's, or where that has none the newest frame's.
    pub(super) fn room_ms(&self, room: usize) -> u64 {
        match self.plan.clock {
            true => START_MS + self.now_ms,
            false => self.accounts[room].book.oracle.time_ms,
        }
    }

    /// What has not settled yet. A device that there is no place for has settled once it was told, for as
    /// long as none of its user's may be forgotten.
    fn unwell(&self, since_ms: u64, took_ms: u64) -> Option<String> {
        // A request of before may wait for a call that went wrong, and hold up an instance's others; those
        // come all at once then, perhaps with more old cursors than one batch looks up.
        let record_ms = match self.plan.clock {
            true => 0,
            // A record that came late is open for so long where nobody remembers, and no store tells the time.
            false => 10 * u64::from(self.plan.settings.lease_ms),
        };
        if self.now_ms < self.held_up_ms + TRIPS_MS + record_ms {
            return Some(format!("requests were held up at {} ms", self.held_up_ms));
        }
        for client in &self.clients {
            if self.accounts[client.room].book.oracle.lags() {
                return Some(format!("room {} has not caught up", client.room));
            }
        }
        for (room, accounts) in self.accounts.iter().enumerate() {
            let Oracle { cursed, halted, .. } = accounts.book.oracle;
            let asked = self.clients.iter().any(|client| client.room == room);
            let ticks = asked && R::TICK_MS != 0 && !accounts.book.oracle.is_paused();
            // Where no store tells the time it may stand still for as long as clocks are off.
            let comes = self.plan.clock || took_ms < CURSE_MS;
            if cursed.is_some() && !halted && ticks && comes {
                return Some(format!("room {room} is about to break"));
            }
            if accounts
                .broke_ms
                .is_some_and(|broke_ms| self.now_ms < broke_ms + QUIET_MS)
            {
                return Some(format!("room {room} broke lately"));
            }
        }
        for (index, client) in self.clients.iter().enumerate() {
            let Accounts { book, losses, .. } = &self.accounts[client.room];
            // What lay in the inbox when a room was halted waits with it.
            if client.orders.wait() && !book.oracle.halted {
                return Some(format!("client {index} waits for an order"));
            }
            let losses = *losses;
            // A request of before, of the same moment too, may be lost, or answered as what went wrong with it
            // has it, also in a halted room (seed 200021349): its device waits for it.
            if client.waits_since(since_ms) {
                return Some(format!("client {index} waits for an answer of before"));
            }
            if client.has_no_place(&book.oracle, losses, since_ms, self.room_ms(client.room)) {
                continue;
            }
            if client.replica.status(client.local_ms(self.now_ms)) == Status::Reload {
                return Some(format!("client {index} is to load another page"));
            }
            // Its room has changed its rules since it was told nothing of them, or will: a page that learns of it in the last
            // moments has no time left to be loaded again (seed 1101642).
            if self.plan.rollout.is_some() && client.replica.edition() == Edition::Old {
                return Some(format!("client {index} has the page of before the deploy"));
            }
            if book.oracle.halted {
                let status = client.replica.status(client.local_ms(self.now_ms));
                if status == Status::Halted {
                    continue;
                }
                return Some(format!("client {index} of a halted room is {status:?}"));
            }
            let pending = client.replica.pending();
            let head = client.replica.head();
            let near = head.v + 30 >= book.head().v;
            // Who still waits after a failure has not come back. Who has a live socket may have no reason to ask.
            let free_ms = since_ms.max(self.held_up_ms);
            let asked = client.heard_ms >= free_ms;
            let back = asked || client.live && self.now_ms >= free_ms + BACK_OFF_MS;
            if !back || pending > 0 || client.replica.player().is_none() || !book.has(head) || !near
            {
                return Some(format!(
                    "client {index} has {pending} pending, is at version {} of {}, {:?}",
                    head.v,
                    book.head().v,
                    client.replica.status(client.local_ms(self.now_ms)),
                ));
            }
        }
        None
    }

    /// Who has a room open, and is not in it under a session of one of its pages. Not asked of a room that no frame can be
    /// made for, or whose time may stand still for as long as clocks are off.
    fn absent(&self) -> Option<String> {
        for (index, client) in self.clients.iter().enumerate() {
            let Accounts {
                book,
                losses,
                ledger,
                ..
            } = &self.accounts[client.room];
            let oracle = &book.oracle;
            let broken = oracle.halted || oracle.cursed.is_some() && !self.plan.clock;
            let now_ms = self.room_ms(client.room);
            if broken || client.has_no_place(oracle, *losses, 0, now_ms) {
                continue;
            }
            let owner = client.owner();
            if oracle.device(&owner).is_none() {
                return Some(format!("client {index} is not registered"));
            }
            if R::TICK_MS == 0 {
                continue;
            }
            // Copies of a device share it: one of them has the session, until silence closes it if that one went on as another.
            let open = oracle.open_session(&owner);
            let stands = !self.plan.clock && ledger.is_doubled(&owner);
            if stands && open.is_some() {
                continue;
            }
            let mut pages = self.clients.iter().filter(|page| page.room == client.room);
            if !pages.any(|page| page.owner() == owner && open == Some(page.session)) {
                let session = client.session;
                return Some(format!(
                    "client {index} asks in session {session}, open is {open:?}"
                ));
            }
        }
        None
    }
}
