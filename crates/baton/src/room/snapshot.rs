//! A room as bytes: the canonical bytes that are hashed, and the snapshot from which a reader needs
//! no earlier frame. Knows nothing of when one is kept.

use alloc::vec::Vec;

use super::Room;
use crate::frame::FORMAT;
use crate::id::Hash;
use crate::limits::MAX_SNAPSHOT_BYTES;
use crate::rules::Rules;

/// Format and hash, before the canonical bytes.
const SNAPSHOT_HEADER_BYTES: usize = 17;
/// A checksum, after them.
const SNAPSHOT_CHECK_BYTES: usize = 16;
/// What a snapshot is longer than the canonical bytes.
pub(crate) const SNAPSHOT_EXTRA_BYTES: usize = SNAPSHOT_HEADER_BYTES + SNAPSHOT_CHECK_BYTES;

impl<R: Rules> Room<R> {
    /// Hash of the canonical bytes.
    pub fn state_hash(&self) -> Hash {
        Hash::of(&self.canonical())
    }

    /// The state hash, noting the size on the way.
    pub(crate) fn measure(&mut self) -> Hash {
        let canonical = self.canonical();
        self.size = canonical.len();
        Hash::of(&canonical)
    }

    /// Bytes of a snapshot, as of the newest frame.
    pub fn size(&self) -> usize {
        self.size
    }

    fn canonical(&self) -> Vec<u8> {
        // Rules' states are made of integers and collections of known length; see `Rules::State`.
        postcard::to_allocvec(self).expect("a room has no lengths unknown beforehand")
    }

    /// The room's encoding, with which a reader needs no earlier frame: [`FORMAT`], the hash of the
    /// newest frame, the canonical bytes, and the hash of all that, so that a damaged copy is never
    /// taken for a state.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4_096);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.canonical());
        let check = Hash::of(&bytes);
        bytes.extend_from_slice(&check.0);
        bytes
    }

    /// Reads a snapshot, all of it. `None` if it is cut, corrupt, too large, or of other rules or
    /// layout. That it belongs to a history is for the caller to check, by [`Self::head`].
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_SNAPSHOT_BYTES || bytes.first() != Some(&FORMAT) {
            return None;
        }
        let (content, check) = bytes.split_last_chunk::<SNAPSHOT_CHECK_BYTES>()?;
        if Hash::of(content) != Hash(*check) {
            return None;
        }
        let (header, canonical) = content.split_at_checked(SNAPSHOT_HEADER_BYTES)?;
        let hash = Hash(header[1..].try_into().ok()?);
        let (mut room, rest) = postcard::take_from_bytes::<Self>(canonical).ok()?;
        if !rest.is_empty() || room.rules.last() != Some(&R::id()) || room.v == 0 {
            return None;
        }
        room.hash = hash;
        room.size = canonical.len();
        room.present = room.who_is_present();
        Some(room)
    }
}
