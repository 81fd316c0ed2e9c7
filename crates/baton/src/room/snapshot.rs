//! A room as bytes: the canonical bytes that are hashed, and the snapshot from which a reader needs
//! no earlier frame. Knows nothing of when one is kept.

use alloc::vec::Vec;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::{Device, Room};
use crate::frame::FORMAT;
use crate::id::Hash;
use crate::kind::{Edition, Kind};
use crate::limits::MAX_SNAPSHOT_BYTES;
use crate::mutant::{self, Mutant};
use crate::wire;

/// What stands before the canonical bytes and can be read without the rules.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u8,
    /// Of the newest frame.
    hash: Hash,
    /// By which the rest can be read.
    rules: Hash,
    version: [u8; 4],
    /// Whether anybody may read the room.
    open: bool,
}

/// Of a header: it has no lengths.
const SNAPSHOT_HEADER_BYTES: usize = 38;
/// A checksum, after them.
const SNAPSHOT_CHECK_BYTES: usize = 16;
/// What a snapshot is longer than the canonical bytes.
pub(crate) const SNAPSHOT_EXTRA_BYTES: usize = SNAPSHOT_HEADER_BYTES + SNAPSHOT_CHECK_BYTES;

/// What a room may grow by before its bytes have to be moved.
const SLACK_BYTES: usize = 512;

/// Bytes being written, as postcard's own vector but for short pieces: a room's encoding is made of
/// numbers of one to three bytes, each frame of every room is encoded by everybody who replays it,
/// and a call of memcpy for each was a tenth of all that.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if bytes.len() > 8 {
            self.0.extend_from_slice(bytes);
        } else {
            for &byte in bytes {
                self.0.push(byte);
            }
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

impl<R: Kind> Room<R> {
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
        // A frame changes little of a room's size.
        let bytes = Bytes(Vec::with_capacity(self.size + SLACK_BYTES));
        // Rules' states are made of integers and collections of known length; see `Rules::State`.
        postcard::serialize_with_flavor(self, bytes)
            .expect("a room has no lengths unknown beforehand")
    }

    /// The room's encoding, with which a reader needs no earlier frame: a header, the canonical
    /// bytes, and the hash of all that, so that a damaged copy is never taken for a state.
    pub fn snapshot(&self) -> Vec<u8> {
        let Edition { rules, version } = self.edition();
        let mut bytes = wire::write(&Header {
            format: FORMAT,
            hash: self.hash,
            rules,
            version: version.to_le_bytes(),
            open: self.access(None).read,
        });
        bytes.extend_from_slice(&self.canonical());
        let check = Hash::of(&bytes);
        bytes.extend_from_slice(&check.0);
        bytes
    }

    /// Reads a snapshot, all of it. `None` if it is cut, corrupt, too large, or of other rules or
    /// layout. That it belongs to a history is for the caller to check, by [`Self::head`].
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        let (header, canonical) = open(bytes)?;
        let mut room = R::restore(header.rules, canonical)?;
        if room.edition().rules != header.rules || room.v == 0 {
            return None;
        }
        room.hash = header.hash;
        room.size = canonical.len();
        room.devices.values_mut().for_each(Device::restored);
        room.present = room.who_is_present();
        Some(room)
    }
}

/// An undamaged snapshot's header and canonical bytes.
fn open(bytes: &[u8]) -> Option<(Header, &[u8])> {
    if bytes.len() > MAX_SNAPSHOT_BYTES || bytes.first() != Some(&FORMAT) {
        return None;
    }
    let (content, check) = bytes.split_last_chunk::<SNAPSHOT_CHECK_BYTES>()?;
    if Hash::of(content) != Hash(*check) && !mutant::on(Mutant::DamageBelieved) {
        return None;
    }
    postcard::take_from_bytes(content).ok()
}

/// The rules of a snapshot that is undamaged, and whether anybody may read the room: for who does
/// not have those rules.
pub(crate) fn foreign(bytes: &[u8]) -> Option<(Edition, bool)> {
    let (header, _) = open(bytes)?;
    let edition = Edition {
        rules: header.rules,
        version: u32::from_le_bytes(header.version),
    };
    Some((edition, header.open))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An undamaged one of so many bytes.
    fn whole(length: usize) -> Vec<u8> {
        let mut bytes = alloc::vec![0; length - SNAPSHOT_CHECK_BYTES];
        bytes[0] = FORMAT;
        let check = Hash::of(&bytes);
        bytes.extend_from_slice(&check.0);
        bytes
    }

    #[test]
    fn a_snapshot_has_a_length_that_it_may_not_exceed_and_a_check() {
        let header = SNAPSHOT_EXTRA_BYTES;
        for length in [header, header + 1, MAX_SNAPSHOT_BYTES] {
            let bytes = whole(length);
            let (_, canonical) = open(&bytes).expect("undamaged");
            assert_eq!(canonical.len(), length - header);
        }
        for length in [SNAPSHOT_CHECK_BYTES + 1, header - 1, MAX_SNAPSHOT_BYTES + 1] {
            assert!(open(&whole(length)).is_none(), "{length}");
        }
        for at in [0, 1, header - 1, header] {
            let mut bytes = whole(header + 1);
            bytes[at] ^= 1;
            assert!(open(&bytes).is_none(), "{at}");
        }
        assert!(open(&[]).is_none() && open(&[FORMAT; 8]).is_none());
    }
}
