//! The books of every room: what the store took in, and what it lost. Decides nothing.

use baton::frame::Entry;
use serde_json::json;

use super::World;
use super::deliveries::KEPT_MS;
use crate::check::book::Witness;
use crate::check::oracle::FAULTED;
use crate::check::{Checked, hold};
use crate::clock::START_MS;
use crate::later::Game;

/// How far a leader's clock may have run ahead of the store's since it last read that, in milliseconds.
const AHEAD_MS: u64 = 100;

impl<R: Game> World<R> {
    /// The books take a frame in that the store has appended.
    pub(super) fn book(&mut self, room: usize, lesser: bool, bytes: &[u8]) -> Checked {
        let accounts = &mut self.accounts[room];
        let witness = Witness {
            ledger: &accounts.ledger,
            lossy: accounts.losses > 0,
            tries: &accounts.tries,
            now_ms: self.now_ms,
        };
        let book = match &mut accounts.other {
            Some(other) if lesser => other,
            _ => &mut accounts.book,
        };
        let frame = book.append(bytes, &mut accounts.tree, &witness)?;
        let orders = book.oracle.orders_of(frame.v);
        accounts.files.frame(orders)?;
        let store_ms = START_MS + self.now_ms;
        hold(
            !self.knows_time || frame.time_ms <= store_ms + AHEAD_MS,
            "S8: where a clock can be relied on, it is the room's",
            || format!("frame {}: {} ms, at {store_ms} ms", frame.v, frame.time_ms),
        )?;
        self.record_frame(room, bytes);
        let later = match lesser {
            true => self.accounts[room].other.as_ref(),
            false => Some(&self.accounts[room].book),
        };
        self.accounts[room].switched |= later.is_some_and(|book| book.oracle.later);
        self.counters.frames += 1;
        for entry in &frame.entries {
            let faulted = matches!(entry, Entry::Reject { code: FAULTED, .. });
            self.counters.faulted += u64::from(faulted);
            let halts = u64::from(matches!(entry, Entry::Halt));
            self.counters.halts += halts;
            self.accounts[room].halts += halts;
            self.count_posted(entry);
            self.counters.switches += u64::from(matches!(entry, Entry::Switch { .. }));
        }
        self.note(&format!("room {room}"), "frame", (frame.v, frame.tick), || {
            json!({
                "v": frame.v, "epoch": frame.epoch, "tick": frame.tick, "time_ms": frame.time_ms,
                "writer": frame.writer.to_string(), "lesser": lesser,
                "entries": format!("{:?}", frame.entries),
            })
        });
        Ok(())
    }

    /// Of what orders and other rooms put into a frame.
    fn count_posted(&mut self, entry: &Entry) {
        let (sender, taken) = match entry {
            Entry::Receive { sender, .. } => (sender, true),
            Entry::Decline { sender, .. } => (sender, false),
            _ => return,
        };
        match (sender.starts_with("order/"), taken) {
            (true, _) => self.counters.orders.framed += 1,
            (false, true) => self.counters.credited += 1,
            (false, false) => self.counters.returned += 1,
        }
    }

    /// Whoever gets something from this room may get it twice from now on.
    pub(super) fn tell_loss(&mut self, room: usize) {
        let name = Self::room_name(room);
        for accounts in &mut self.accounts {
            accounts.ledger.loses(&name);
        }
    }

    /// The store lost frames: the books are written again from what is left.
    pub(super) fn lose(&mut self, room: usize) -> Checked {
        let frames = self.shelves[room].frames();
        self.record_loss(room, &frames);
        let fresh = self.fresh_oracle();
        let accounts = &mut self.accounts[room];
        accounts.losses += 1;
        let before = std::mem::take(&mut accounts.book.chain);
        let witness = Witness {
            ledger: &accounts.ledger,
            lossy: true,
            tries: &accounts.tries,
            now_ms: self.now_ms,
        };
        accounts
            .book
            .rebuild(&frames, fresh, &mut accounts.tree, &witness)?;
        let kept = &accounts.book.chain;
        let lost = before
            .iter()
            .enumerate()
            .filter(|(at, hash)| kept.get(*at) != Some(hash));
        let old = |hash| {
            let leaf = accounts.tree.get(hash);
            leaf.is_some_and(|leaf| leaf.at_ms + KEPT_MS < self.now_ms)
        };
        accounts.lost_old |= lost.into_iter().any(|(_, hash)| old(hash));
        self.shelves[room].looked_at_all();
        self.tell_loss(room);
        self.counters.losses += 1;
        let v = self.accounts[room].book.head().v;
        self.note(
            &format!("room {room}"),
            "lost",
            (v, 0),
            || json!({ "head": v }),
        );
        Ok(())
    }
}
