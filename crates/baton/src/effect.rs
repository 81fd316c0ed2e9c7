//! What a handler asks of its host, and what the host feeds back: the whole contract between the
//! decisions (here) and the outside (stores, sockets). Postcard on the way to JavaScript, pinned
//! by golden bytes. Knows nothing of how an effect is performed.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::id::{Hash, Head, Identity, Nonce};

/// One duty of the host. Perform it, feed its result back, until `Reply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Read the room. Feed back [`Fed::Read`], or [`Fed::Failed`].
    Read(Read),
    /// Append a frame, then read. Feed back [`Fed::Appended`], or [`Fed::Failed`] when the outcome
    /// is unknown.
    Append(Append, Read),
    /// Put items into the inbox, then read. Feed back [`Fed::Pushed`], or [`Fed::Failed`].
    Push(Vec<ByteBuf>, Read),
    /// Answer the arrivals, in their order. The last effect.
    Reply(Vec<Outcome>),
    /// Ask another room, as [`Call::Deliver`], in an invocation that waits for no other. Feed back
    /// [`Fed::Delivered`] if the outcome's status is 200, else [`Fed::Failed`]. That room may ask to
    /// deliver in its turn, to this one too: the host bounds how far that goes. Only with
    /// [`deliver`](crate::SettingsInput::deliver).
    Deliver {
        /// The room, `kind/name`.
        target: String,
        /// An encoded [`Parcel`](crate::parcel::Parcel).
        parcel: ByteBuf,
    },
    /// Note what is tried if the last frame is the one that the read names as known, then read. Feed
    /// back [`Fed::Noted`], or [`Fed::Failed`]. If the wasm traps right after it, tell the next
    /// invocation what was noted.
    Note(Note, Read),
}

/// The attempt record: opaque bytes beside the log, compared before they are replaced. Where the
/// store holds something else than `was`, it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What the store holds, as far as the writer knows.
    pub was: Option<ByteBuf>,
    /// What it holds from now on; `None` removes the record.
    pub now: Option<ByteBuf>,
}

/// Read a room, in one round trip.
///
/// If `known` is in the log, every frame after the lower of `known` and `since` that is still
/// among the recent ones; else (or if they are gone) the newest snapshot whose frame has its hash,
/// with the frames after the lower of its version and `since`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The newest frame this instance has replayed; version 0 if none.
    pub known: Head,
    /// The lowest version that a waiting client has, so that its frames come along; `known.v` or
    /// [`NEWEST`] if nobody lacks any.
    pub since: u64,
    /// The block of frames that a caller wants: its last version.
    pub block: Option<u64>,
}

/// Append frame `v` if and only if the store's last frame is `v - 1` with the hash `previous`;
/// then, in the same step where the store can: renew the lease, remove the framed items, keep the
/// snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// The frame's version.
    pub v: u64,
    /// Hash of the frame before.
    pub previous: Hash,
    /// Hash of the frame.
    pub hash: Hash,
    /// The frame's bytes: what is kept.
    pub frame: ByteBuf,
    /// The same for open sockets, which have the frame before. Not kept. Empty: nobody is told.
    pub published: ByteBuf,
    /// The lease that the append renews, in milliseconds of the store's clock.
    pub lease_ms: u32,
    /// Inbox items to remove if the frame is appended.
    pub framed: Vec<u64>,
    /// The room after this frame, at the end of a segment.
    pub snapshot: Option<ByteBuf>,
    /// What becomes of the attempt record if the frame is appended; `None` leaves it alone.
    pub note: Option<Note>,
}

/// Later than every version; JavaScript can count to it.
pub const NEWEST: u64 = (1 << 53) - 1;

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The store's own time, in milliseconds since 1970, if it has a clock.
    pub clock_ms: Option<u64>,
    /// The last frame; version 0 if there is none.
    pub head: Head,
    /// The hash of the frame at `known.v`, if it is there; `None` with a known version above 0
    /// and not trimmed is a break.
    pub known: Option<Hash>,
    /// Whether the frame at `known.v` was trimmed: then its absence is no break.
    pub trimmed: bool,
    /// The newest verified snapshot, if `known` could not be continued.
    pub snapshot: Option<ByteBuf>,
    /// Frames in rising order without a hole, up to the head.
    pub frames: Vec<ByteBuf>,
    /// The inbox, oldest first.
    pub inbox: Vec<Item>,
    /// The lease, while it lives.
    pub lease: Option<Lease>,
    /// The block that was asked for: its frames, in order.
    pub block: Option<Vec<ByteBuf>>,
    /// The attempt record, if there is one.
    pub attempt: Option<ByteBuf>,
}

impl Found {
    /// Whether the log that was read has this frame. False too if what the read brought does not tell.
    pub(crate) fn holds(&self, frame: Head) -> bool {
        match self.head.v.checked_sub(frame.v) {
            None => false,
            Some(0) => self.head == frame,
            Some(newer) => {
                // Frames come without a hole, up to the head.
                let index = usize::try_from(newer).ok();
                let index = index.and_then(|newer| self.frames.len().checked_sub(newer + 1));
                index.is_some_and(|index| Hash::of(&self.frames[index]) == frame.hash)
            }
        }
    }
}

/// A live lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The frame that renewed it: its writer is the holder.
    pub v: u64,
    /// Milliseconds until it ends.
    pub left_ms: u32,
}

/// An item of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The store's number of it, rising.
    pub id: u64,
    /// The store's time of receipt, or the pushing host's where the store has no clock.
    pub received_ms: u64,
    /// What was pushed.
    pub bytes: ByteBuf,
}

/// The result of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fed {
    /// What a read found.
    Read(Found),
    /// Whether the frame is in the log (`true`) or another is in its place, or the one before is
    /// not the one named (`false`); and what the store holds now.
    Appended(bool, Found),
    /// The items are in the inbox; and what the store holds now.
    Pushed(Found),
    /// The inbox is full: no item of the push was taken; and what the store holds now.
    Full(Found),
    /// The store failed or did not answer: a write may or may not have happened.
    Failed,
    /// The other room's answer: an encoded [`Receipt`](crate::parcel::Receipt).
    Delivered(ByteBuf),
    /// What the store holds after a note: whether it was taken, [`Found::attempt`] tells.
    Noted(Found),
}

/// Time and entropy, inputs of every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The host's wall clock, in milliseconds since 1970. Decides nothing where the store has one.
    pub wall_ms: u64,
    /// The instance's own clock that never goes back, in milliseconds.
    pub mono_ms: u64,
    /// 8 fresh random bytes.
    pub nonce: Nonce,
}

/// A request as it arrives at a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The verified user, if any.
    pub who: Option<Identity>,
    /// What is asked.
    pub call: Call,
}

/// What is asked of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// An encoded [`Request`](crate::wire::Request).
    Play(ByteBuf),
    /// The room as JSON.
    View,
    /// Frames `first..=last` of a public room, if they are a full segment that ends in this hash.
    Block {
        /// First version.
        first: u64,
        /// Last version.
        last: u64,
        /// Hash of the last, in hexadecimal.
        hash: String,
    },
    /// Whether the caller may watch the room's frames live.
    Watch,
    /// An encoded [`Parcel`](crate::parcel::Parcel) of another room. Only a host says this, for an
    /// [`Effect::Deliver`], and without a user: nothing that comes from outside may become it.
    Deliver(ByteBuf),
    /// For spectators, the same for all of them: the frames of a public room that are in no full block yet, in a
    /// [`Reply`](crate::wire::Reply) without a device. Where they are not at hand: as `Snapshot`.
    Tail,
    /// For spectators who have nothing: a public room at its head.
    Snapshot,
    /// For the operator: frames from version `from` on, archived or not, of any room, also of one that does not replay; at
    /// most those up to the end of a block, none beyond the head. Only a host says this, for whom it let in by itself, and
    /// without a user: nothing else that comes from outside may become it.
    Log {
        /// First version, from 1.
        from: u64,
    },
    /// An encoded [`Order`](crate::wire::Order) of the user whose own room it is.
    Order(ByteBuf),
}

/// The answer to an arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// HTTP status.
    pub status: u16,
    /// What the body is.
    pub content: Content,
    /// The body.
    pub body: ByteBuf,
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Postcard: a reply to a client, what became of an order, or a receipt for a room.
    Reply,
    /// JSON: a view, or a refusal with `code` and `message`.
    Json,
    /// Frames, each after its length as a varint: immutable, cacheable for ever.
    Block,
    /// Nothing.
    Empty,
}
