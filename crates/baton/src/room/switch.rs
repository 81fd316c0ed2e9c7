//! A change of rules: which rules a frame needs, and what a `Switch` entry does. Everything but the
//! rules' own config and state stays as it was: marks, presence, outbox, randomness, lineage, time.
//! Knows nothing of when to change.

use serde::{Deserialize, Serialize};

use super::{NotHere, Opened, ReplayError, Room};
use crate::frame::{Entry, Frame};
use crate::kind::{Edition, Kind, Pace};

/// Whether everybody may read a room in this state.
fn is_open<R: Kind>(state: &R::State) -> bool {
    !R::PERSONAL && R::access(state, None).read
}

/// Rules that a room has played by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Adopted {
    pub(super) edition: Edition,
    /// The first frame that they replayed.
    pub(super) from_v: u64,
}

impl<R: Kind> Room<R> {
    /// The rules that the room plays by.
    pub fn edition(&self) -> Edition {
        self.rules
            .last()
            .map(|last| last.edition)
            .unwrap_or_default()
    }

    /// The version of the rules that replay a frame up to the next one.
    pub fn version_at(&self, v: u64) -> u32 {
        let adopted = self.rules.iter().rfind(|adopted| adopted.from_v <= v);
        adopted.map_or(0, |adopted| adopted.edition.version)
    }

    /// Whether the newest frame changed the rules.
    pub(crate) fn has_just_switched(&self) -> bool {
        let last = self.rules.last();
        last.is_some_and(|last| last.from_v == self.v && self.v > 1)
    }

    /// How time passes here.
    pub(crate) fn pace(&self) -> Pace {
        R::pace(&self.config)
    }

    /// The change that the room should make next, if the operator wants it on version `wanted`, and
    /// whether anybody may read it afterwards. `None` too if the new rules refuse.
    pub(crate) fn next_rules(&self, wanted: u32) -> Option<Entry> {
        let to = R::next(&self.config, wanted)?;
        let (_, state) = R::switch(to, &self.config, &self.state)?;
        Some(Entry::Switch {
            rules: to.rules,
            version: to.version,
            open: is_open::<R>(&state),
        })
    }

    /// Whether a frame is of the room's rules, or of those that it changes to and this build has.
    pub(super) fn ready_for(&self, frame: &Frame) -> Result<(), ReplayError> {
        let next = frame.switch();
        let index = usize::from(self.newest_rules()) + usize::from(next.is_some());
        if usize::from(frame.rules) != index {
            let other = self.rules.get(usize::from(frame.rules));
            let other = other.map(|adopted| adopted.edition);
            return Err(ReplayError::Rules(other.unwrap_or_default()));
        }
        match next {
            Some((next, _)) if !R::knows(next.rules) => Err(ReplayError::Rules(next)),
            _ => Ok(()),
        }
    }

    pub(super) fn switch(
        &mut self,
        to: Edition,
        open: bool,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        let newer = to.version > self.edition().version;
        // A frame names its rules by a byte.
        if opened.index != 0 || !newer || self.rules.len() > usize::from(u8::MAX) {
            return Err(NotHere);
        }
        let moved = R::switch(to, &self.config, &self.state);
        let (config, state) = moved.ok_or(NotHere)?;
        if R::edition(&config) != to || is_open::<R>(&state) != open {
            return Err(NotHere);
        }
        let base_ms = self.base_under(R::pace(&config)).ok_or(NotHere)?;
        (self.config, self.state, self.base_ms) = (config, state, base_ms);
        // Whatever broke is mended, or breaks again.
        self.halted = false;
        self.rules.push(Adopted {
            edition: to,
            from_v: self.v + 1,
        });
        Ok(())
    }

    /// The origin of ticks under another pace, so that the tick that was reached stays and the next
    /// is due when it would have been due. `None` if ticks would begin or end: who is present is
    /// known with ticks only.
    fn base_under(&self, pace: Pace) -> Option<u64> {
        let (from, to) = (self.pace().tick_ms, pace.tick_ms);
        if (from == 0) != (to == 0) {
            return None;
        }
        let lived_ms = self.tick.checked_mul(u64::from(to))?;
        self.time_of(self.tick).checked_sub(lived_ms)
    }

    /// The same room, where a build knows its rules under another type.
    pub(crate) fn retyped<S: Kind>(
        self,
        name: impl FnOnce(R::Config, R::State) -> (S::Config, S::State),
    ) -> Room<S> {
        let (config, state) = name(self.config, self.state);
        Room {
            hash: self.hash,
            size: self.size,
            v: self.v,
            lineage: self.lineage,
            writer: self.writer,
            epoch: self.epoch,
            tick: self.tick,
            time_ms: self.time_ms,
            base_ms: self.base_ms,
            rules: self.rules,
            config,
            state,
            random: self.random,
            next_player: self.next_player,
            next_device: self.next_device,
            players: self.players,
            devices: self.devices,
            outbox: self.outbox,
            given_up: self.given_up,
            senders: self.senders,
            halted: self.halted,
            present: self.present,
            opened_ms: self.opened_ms,
            sends: self.sends,
        }
    }
}
