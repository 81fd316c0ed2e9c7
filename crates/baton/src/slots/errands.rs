//! Errands for a host across the wasm line: numbered by the host, bytes in and out. Decides nothing.

use alloc::vec::Vec;

use super::{Answer, Errand, Slots, Step};
use crate::effect::{Effect, Moment};
use crate::handler::{BadBytes, whole};
use crate::table::Table;
use crate::wire;

/// Of each room so many of the newest segments keep their frames: 4,096 frames, about a megabyte.
const KEEP_SEGMENTS: u64 = 64;

/// What one instance knows of its rooms' keys, and its errands under way.
pub struct Errands {
    slots: Slots,
    under_way: Table<u32, Errand>,
}

impl Default for Errands {
    fn default() -> Self {
        Self {
            slots: Slots::new(KEEP_SEGMENTS),
            under_way: Table::default(),
        }
    }
}

impl Errands {
    /// Begins to perform an encoded [`Effect`]. Returns an encoded [`Step`]. `moment`: see
    /// [`Slots::begin`].
    ///
    /// # Errors
    /// Bytes that are no effect, or one that is not a store's; nothing changed.
    pub fn begin(
        &mut self,
        id: u32,
        room: &str,
        effect: &[u8],
        moment: Moment,
    ) -> Result<Vec<u8>, BadBytes> {
        let effect: Effect = whole(effect)?;
        let begun = self.slots.begin(room, &effect, moment);
        let (errand, step) = begun.ok_or(BadBytes)?;
        self.under_way.insert(id, errand);
        Ok(wire::write(&step))
    }

    /// Goes on with an errand; `answers` is an encoded list of [`Answer`]. Returns an encoded step.
    ///
    /// # Errors
    /// Bytes that are no answers, or an errand that was not begun; nothing changed.
    pub fn resume(&mut self, id: u32, answers: &[u8], moment: Moment) -> Result<Vec<u8>, BadBytes> {
        let answers: Vec<Answer> = whole(answers)?;
        let errand = self.under_way.get_mut(&id).ok_or(BadBytes)?;
        let step: Step = errand.resume(&mut self.slots, answers, moment);
        Ok(wire::write(&step))
    }

    /// Ends an errand, finished or not: what it wrote stays, what it waits for is unknown.
    pub fn release(&mut self, id: u32) {
        self.under_way.remove(&id);
    }
}
