//! The wire between a client and a host: one request, one reply, both postcard. The shapes are
//! pinned by golden bytes; a change of them is a new [`PROTOCOL`](crate::limits::PROTOCOL).
//! Knows nothing of rooms, stores or transports.
//!
//! A request carries actions, never state. A reply carries the frames that the client lacks as
//! the bytes that were stored, or, when more are missing than the host keeps, a snapshot.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::Code;
use crate::id::{DeviceId, Head, Lineage};
use crate::limits::{MAX_ACTION_BYTES, MAX_REQUEST_BYTES, MAX_SEQUENCE, PROTOCOL, WINDOW};

/// What a client asks of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// The newest frame the client has replayed; the default if none.
    pub cursor: Head,
    /// The lowest version of the rules that the client can replay.
    pub rules: u32,
    /// Whether the reply should carry frames. A client with a live socket says no until it misses
    /// one.
    pub frames: bool,
    /// The device, if this is more than watching.
    pub device: Option<Hail>,
}

/// A device speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hail {
    /// Its id. What it may do comes from the verified user, never from this.
    pub id: DeviceId,
    /// Its number in this room, once it was told. Actions need it, so that a late copy of an old
    /// request can never enter under a new registration.
    pub number: Option<u32>,
    /// Rises with every page load; starts at 1.
    pub session: u32,
    /// Version of the client, for histories.
    pub client: u16,
    /// Whether the session is open.
    pub presence: Presence,
    /// The highest sequence whose verdict the client knows.
    pub answered: u64,
    /// The lowest sequence that the device still has. It only drops what was answered, so this
    /// only rises, and is above the mark + 1 only after the store lost answered actions for good.
    pub kept_from: u64,
    /// Actions, densely numbered, oldest first; at most [`WINDOW`].
    pub actions: Vec<Sent>,
}

/// What a request says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// Nothing: the committed beat is young enough, or the device only watches.
    Unsaid,
    /// Here.
    Here,
    /// Closing.
    Leaving,
}

/// An action as a device sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The device's number of it, from 1, dense, at most [`MAX_SEQUENCE`].
    pub seq: u64,
    /// The version of the rules by which it was encoded: a device may have written it before it was
    /// loaded again.
    pub version: u32,
    /// The encoded action, at most [`MAX_ACTION_BYTES`].
    pub body: ByteBuf,
}

/// What a host answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// The room's unbroken history; a change of it means that the store lost writes.
    pub lineage: Lineage,
    /// The newest committed frame that the host knows; version 0 if the room has not begun.
    pub head: Head,
    /// The version of the room's rules at the head; 0 if the room has not begun.
    pub rules: u32,
    /// The store's time, in milliseconds since 1970.
    pub now_ms: u64,
    /// When to ask again if nothing else happens, in milliseconds.
    pub ask_ms: u32,
    /// What the client lacks.
    pub news: News,
    /// The device's standing, if the request named one that is registered and the log has no other body
    /// under a number of the actions in it.
    pub device: Option<Standing>,
}

/// What a client lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// The frames after the cursor, in order, up to the head; perhaps none.
    Frames(Vec<ByteBuf>),
    /// The room at the head, because more frames are missing than the host keeps.
    Snapshot(ByteBuf),
    /// The room at the head, because the client's cursor is not in this history: the store lost
    /// writes. Show that before the new state.
    Reset(ByteBuf),
}

/// A registered device's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its number in this room.
    pub number: u32,
    /// The highest sequence accepted or rejected.
    pub mark: u64,
    /// The verdicts of the sequences that end with the mark, oldest first, from `answered` + 1 or
    /// from the oldest remembered on: 0 accepted, else the rules' code.
    pub verdicts: Vec<u16>,
}

impl Standing {
    /// The verdict of a sequence: 0 accepted, else the rules' code; `None` if it is too long ago, or
    /// has none yet.
    pub fn verdict(&self, seq: u64) -> Option<u16> {
        let back = usize::try_from(self.mark.checked_sub(seq)?).ok()?;
        let index = self.verdicts.len().checked_sub(back + 1)?;
        self.verdicts.get(index).copied()
    }
}

/// Reads a request, all of it, within its limits.
pub fn read_request(bytes: &[u8]) -> Result<Request, Code> {
    if bytes.len() > MAX_REQUEST_BYTES {
        return Err(Code::TooLarge);
    }
    match bytes.first() {
        None => return Err(Code::Malformed),
        Some(&version) if version != PROTOCOL => return Err(Code::Protocol),
        Some(_) => {}
    }
    let (request, rest) =
        postcard::take_from_bytes::<Request>(bytes).map_err(|_| Code::Malformed)?;
    if !rest.is_empty() {
        return Err(Code::Malformed);
    }
    let Some(hail) = &request.device else {
        return Ok(request);
    };
    if hail.actions.len() > WINDOW
        || hail
            .actions
            .iter()
            .any(|sent| sent.body.len() > MAX_ACTION_BYTES)
    {
        return Err(Code::TooLarge);
    }
    let dense = hail
        .actions
        .windows(2)
        .all(|pair| pair[0].seq.checked_add(1) == Some(pair[1].seq));
    let counted = hail
        .actions
        .iter()
        .all(|sent| (1..=MAX_SEQUENCE).contains(&sent.seq));
    if !dense || !counted || hail.session == 0 {
        return Err(Code::Malformed);
    }
    Ok(request)
}

/// Writes a request or a reply.
pub fn write<T: Serialize>(message: &T) -> Vec<u8> {
    // The wire's types have no lengths unknown beforehand, the one thing postcard cannot write.
    postcard::to_allocvec(message).expect("a message has no lengths unknown beforehand")
}

/// Reads a reply, all of it. `None` if the bytes are cut, corrupt or of another protocol.
pub fn read_reply(bytes: &[u8]) -> Option<Reply> {
    if bytes.first() != Some(&PROTOCOL) {
        return None;
    }
    let (reply, rest) = postcard::take_from_bytes::<Reply>(bytes).ok()?;
    rest.is_empty().then_some(reply)
}
