//! A frame: the unit that is appended, stored, sent and replayed. Readable without the rules;
//! actions are opaque bytes here. Knows nothing of rooms, stores or clients.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::id::{BodyHash, DeviceId, Hash, Lineage, Nonce, Writer};
use crate::kind::Edition;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAME_ENTRIES};

/// The version of this layout, the first byte of every frame.
pub const FORMAT: u8 = 1;

/// One committed step of a room: `state(v) = replay(state(v-1), frame v)`.
///
/// Encoded with postcard: integers are varints, hashes and ids are raw bytes. With one input a
/// frame is under 80 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// [`FORMAT`].
    pub format: u8,
    /// Version: 1 more than the frame before.
    pub v: u64,
    /// Hash of the frame before; zeros for the first.
    pub previous: Hash,
    /// The instance that made it.
    pub writer: Writer,
    /// How often leadership has changed hands.
    pub epoch: u64,
    /// Drawn for this attempt to append.
    pub nonce: Nonce,
    /// Which of the room's rules, by order of adoption, replay this frame.
    pub rules: u8,
    /// The room's tick after this frame.
    pub tick: u64,
    /// The store's time when it was made, in milliseconds since 1970. Never falls.
    pub time_ms: u64,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Hash of the room's canonical bytes after this frame.
    pub state: Hash,
}

/// One thing that happened. New variants are added at the end: the position is the encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// The room begins. Only as the first entry of frame 1.
    Setup {
        /// Kind of the rules.
        kind: String,
        /// Identity of the rules.
        rules: Hash,
        /// Their version.
        version: u32,
        /// The rules' `Config`, encoded.
        config: ByteBuf,
    },
    /// A device gets the next number, and its user the next player number if new. The same user
    /// and id get the same number again, so a registration is never repeated.
    Register {
        /// The verified user.
        user: String,
        /// The name that others see.
        name: String,
        /// The installation's id.
        id: DeviceId,
        /// Version of the client, for histories.
        client: u16,
    },
    /// A device's session opens, or resumes after silence, `at` ticks after the previous frame.
    Join {
        /// Device number.
        device: u32,
        /// Rises with every page load of the device.
        session: u32,
        /// Ticks after the previous frame's tick.
        at: u32,
    },
    /// An open session is still there, `at` ticks after the previous frame.
    Beat {
        /// Device number.
        device: u32,
        /// The open session.
        session: u32,
        /// Ticks after the previous frame's tick.
        at: u32,
    },
    /// A session was closed by its client, `at` ticks after the previous frame.
    Leave {
        /// Device number.
        device: u32,
        /// The session; it and all before it never open again.
        session: u32,
        /// Ticks after the previous frame's tick.
        at: u32,
    },
    /// An accepted action, applied at the frame's tick.
    Act {
        /// Device number.
        device: u32,
        /// The device's mark + 1.
        seq: u64,
        /// The encoded action.
        body: ByteBuf,
    },
    /// A rejected action: the mark moves, the game's state does not. Without its body.
    Reject {
        /// Device number.
        device: u32,
        /// The device's mark + 1.
        seq: u64,
        /// The rules' code, see [`Reject`](crate::Reject).
        code: u16,
        /// Of the body that was rejected.
        body: BodyHash,
    },
    /// The mark of this room's sends was read in `target`'s log. What it covers is seen; it leaves the
    /// outbox once it is still covered a grace time later.
    Acknowledge {
        /// The receiving room's id.
        target: String,
        /// The history that the sends are of.
        lineage: Lineage,
        /// The mark.
        upto: u64,
        /// When it was asked for, in milliseconds since 1970, by this room's store.
        read_ms: u64,
    },
    /// Time that never happened in the room: ticks are counted as if the clock had stood still for
    /// it. Replay never asks a clock.
    Cut {
        /// Why.
        why: Cut,
        /// Milliseconds that are left out.
        skip_ms: u64,
    },
    /// The store lost frames that somebody had seen: a new lineage begins, named by this frame's
    /// nonce.
    Reset {
        /// The lineage that was broken.
        lost: Lineage,
    },
    /// The store lost what a device no longer keeps: the device vouches that nothing it has is
    /// numbered up to `mark`, and its next action is `mark` + 1.
    Vouch {
        /// Device number.
        device: u32,
        /// Above the device's mark.
        mark: u64,
    },
    /// A silent device's number and mark are forgotten. The number is never used again.
    Evict {
        /// Device number.
        device: u32,
    },
    /// A server action from another room, applied at the frame's tick.
    Receive {
        /// The sending room's id.
        sender: String,
        /// The sender's history that the number belongs to.
        lineage: Lineage,
        /// Above the mark of sender and lineage.
        number: u64,
        /// The encoded action.
        body: ByteBuf,
    },
    /// A server action that was rejected: the mark moves, the game's state does not. Without its body.
    Decline {
        /// The sending room's id.
        sender: String,
        /// The sender's history that the number belongs to.
        lineage: Lineage,
        /// Above the mark of sender and lineage.
        number: u64,
        /// The rules' code, see [`Reject`](crate::Reject).
        code: u16,
        /// Of the body that was rejected.
        body: BodyHash,
    },
    /// The room plays by later rules from here on, its state as they make it of what was. Only as
    /// the first entry of a frame, which is of the new rules.
    Switch {
        /// Identity of the new rules.
        rules: Hash,
        /// Their version, above the one before.
        version: u32,
        /// Whether anybody may read the room under the new rules: an instance that does not have
        /// them cannot tell.
        open: bool,
    },
    /// An accepted action that a device wrote by earlier rules, applied at the frame's tick as the
    /// room's rules read it.
    Upcast {
        /// Device number.
        device: u32,
        /// The device's mark + 1.
        seq: u64,
        /// The version of the rules it was written by.
        version: u32,
        /// The action as the device encoded it.
        body: ByteBuf,
    },
    /// The rules broke on the passing of time, alone and more than once: the room stands still
    /// until a change of rules.
    Halt,
    /// What the room itself did, as its rules said at that point: see [`Rules::due`](crate::Rules::due).
    Due,
}

/// Why time was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// Nobody was present.
    Pause,
    /// Silence was longer than the room catches up.
    Cap,
}

/// Why bytes are not a frame. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAFrame {
    /// Longer than a frame may be.
    Oversized,
    /// Cut, corrupt, or with bytes left over.
    Malformed,
    /// A layout this build does not know.
    Format(u8),
}

impl Frame {
    /// The bytes that are stored, hashed and sent.
    pub fn encode(&self) -> Vec<u8> {
        // Serialising to a growing vector fails only for lengths unknown beforehand; there are none.
        postcard::to_allocvec(self).expect("a frame has no lengths unknown beforehand")
    }

    /// The rules that this frame changes to, and whether anybody may read the room under them.
    pub(crate) fn switch(&self) -> Option<(Edition, bool)> {
        match *self.entries.first()? {
            Entry::Switch {
                rules,
                version,
                open,
            } => Some((Edition { rules, version }, open)),
            _ => None,
        }
    }

    /// Reads a frame's bytes, all of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAFrame> {
        // Entries are capped by the writer; the envelope adds less than 256 bytes.
        if bytes.len() > MAX_FRAME_BYTES + 256 {
            return Err(NotAFrame::Oversized);
        }
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(NotAFrame::Format(other)),
            None => return Err(NotAFrame::Malformed),
        }
        let (frame, rest) =
            postcard::take_from_bytes::<Self>(bytes).map_err(|_| NotAFrame::Malformed)?;
        if !rest.is_empty() || frame.v == 0 || frame.entries.len() > MAX_FRAME_ENTRIES {
            return Err(NotAFrame::Malformed);
        }
        Ok(frame)
    }
}
