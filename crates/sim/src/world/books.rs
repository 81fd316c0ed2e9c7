//! The books of every room: what the store took in, and what it lost. Decides nothing.

use baton::frame::Entry;
use serde_json::json;

use super::World;
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
            tried: accounts.tried,
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
            !self.plan.clock || frame.time_ms <= store_ms + AHEAD_MS,
            "S8: where the store has a clock, it is the room's",
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
            let ordered = matches!(entry, Entry::Receive { .. } | Entry::Decline { .. });
            self.counters.orders.framed += u64::from(ordered);
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

    /// The store lost frames: the books are written again from what is left.
    pub(super) fn lose(&mut self, room: usize) -> Checked {
        let frames = self.shelves[room].frames();
        self.record_loss(room, &frames);
        let fresh = self.fresh_oracle();
        let accounts = &mut self.accounts[room];
        accounts.losses += 1;
        let witness = Witness {
            ledger: &accounts.ledger,
            lossy: true,
            tried: accounts.tried,
            now_ms: self.now_ms,
        };
        accounts
            .book
            .rebuild(&frames, fresh, &mut accounts.tree, &witness)?;
        self.shelves[room].looked_at_all();
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
