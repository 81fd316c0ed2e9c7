//! What a replica shows: how it goes, and its two states. Changes nothing but the list of notes.

use alloc::vec::Vec;

use super::{Desync, Note, PREDICT_MS, Replica, Status};
use crate::id::{DeviceId, Head};
use crate::kind::Kind;
use crate::room::Room;

impl<R: Kind> Replica<R> {
    /// How it goes.
    pub fn status(&self, now_ms: u64) -> Status {
        if self.desync.is_some() {
            return Status::Desync;
        }
        if self.reload || self.rules > R::LAST {
            return Status::Reload;
        }
        if !self.can_follow() {
            return Status::Waiting;
        }
        if self.halted() {
            return Status::Halted;
        }
        let part = self.player().is_some() || self.spectating.is_some();
        let Some(room) = self.synced.as_ref().filter(|_| part) else {
            return Status::Joining;
        };
        let store_ms = self.clock.now_ms(now_ms).unwrap_or(0);
        let behind_ms = store_ms.saturating_sub(room.time_of(room.tick()));
        if room.pace().tick_ms != 0 && !room.paused() && behind_ms > PREDICT_MS {
            return Status::Stalled;
        }
        Status::Live
    }

    pub(super) fn halted(&self) -> bool {
        self.halted || self.synced.as_ref().is_some_and(Room::halted)
    }

    /// Whether the room's rules are here.
    pub(super) fn can_follow(&self) -> bool {
        self.rules == 0 || (R::FIRST..=R::LAST).contains(&self.rules)
    }

    /// The version of the room's rules as far as we were told; 0 before. With [`Status::Reload`] it is
    /// the version that the page needs.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// What happened since this was last called.
    pub fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }

    /// The newest frame that was replayed.
    pub fn head(&self) -> Head {
        self.synced.as_ref().map(Room::head).unwrap_or_default()
    }

    /// The newest frames that were replayed one by one, oldest first, at most 1,024: two
    /// clients that name the same version with another hash saw two histories.
    pub fn trail(&self) -> impl Iterator<Item = Head> {
        self.trail.iter().copied()
    }

    /// The committed state.
    pub fn synced(&self) -> Option<&Room<R>> {
        self.synced.as_ref()
    }

    /// The committed state with our pending actions, now. What a screen shows.
    pub fn predicted(&self) -> Option<&Room<R>> {
        self.predicted.as_ref()
    }

    /// The report of a desync.
    pub fn desync(&self) -> Option<&Desync> {
        self.desync.as_ref()
    }

    /// How many actions are without an answer.
    pub fn pending(&self) -> usize {
        self.queue.pending().count()
    }

    /// Whether the room itself has something to do, as far as it is synced: see [`Rules::due`](crate::Rules::due).
    pub fn owed(&self, now_ms: u64) -> bool {
        let store_ms = self.clock.now_ms(now_ms).unwrap_or(0);
        let room = self.synced.as_ref();
        room.is_some_and(|room| room.owes(store_ms))
    }

    /// The device's number in the room, once told.
    pub fn number(&self) -> Option<u32> {
        self.queue.number
    }

    /// The device's id.
    pub fn device(&self) -> DeviceId {
        self.queue.id
    }
}
