//! The wire between a client and a host: one request, one reply, both postcard. The shapes are
//! pinned by golden bytes; a change of them is a new [`PROTOCOL`](crate::limits::PROTOCOL).
//! Knows nothing of rooms, stores or transports.
//!
//! A request carries actions, never state. A reply carries the frames that the client lacks as
//! the bytes that were stored, or, when more are missing than the host keeps, a snapshot.
//!
//! An [`Order`] is beside that: something that only the server does, asked for by the user of a personal room who is online.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::Code;
use crate::id::{DeviceId, Hash, Head, Lineage};
use crate::limits::{
    MAX_ACTION_BYTES, MAX_REQUEST_BYTES, MAX_SEND_BYTES, MAX_SEQUENCE, PROTOCOL, WINDOW,
};
use crate::rules::Reject;

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
    /// The room's unbroken history; a change of it means that the store lost writes. Zeros where the host lacks the room's
    /// rules.
    pub lineage: Lineage,
    /// The newest committed frame that the host knows; version 0 if the room has not begun.
    pub head: Head,
    /// The version of the room's rules at the head; 0 if the room has not begun.
    pub rules: u32,
    /// The store's time, in milliseconds since 1970; in what spectators get, that of the read.
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

/// What the user of a personal room asks the room's server to do: an action that rules let be ordered
/// ([`Rules::orders`](crate::Rules::orders)). It never waits on a device: who does not know what became of it sends the
/// same bytes again, and it is done once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// The id of the device that orders.
    pub device: DeviceId,
    /// Its number in this room, as it was told: a late copy can never be taken for an order of a later registration.
    pub registration: u32,
    /// Rises with every order of this registration, from 1, with gaps as wide as it likes; at most [`MAX_SEQUENCE`].
    pub number: u64,
    /// The encoded action of the server, at most [`MAX_SEND_BYTES`]. It is read by the rules that the room is on when it
    /// arrives, like what rooms send each other.
    pub body: ByteBuf,
}

/// The lineage under which the orders of a registration travel and are in the log. Of its number too: an order that is late
/// is none of the next device with this id.
pub(crate) fn registration(id: DeviceId, number: u32) -> Lineage {
    let mut both = Vec::from(id.0);
    both.extend_from_slice(&number.to_le_bytes());
    let Hash(hash) = Hash::of(&both);
    let [a, b, c, d, e, f, g, h, ..] = hash;
    Lineage([a, b, c, d, e, f, g, h])
}

/// What a host answers to an order: what the log says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// What became of it.
    pub fate: OrderFate,
}

/// What became of an order. All but `Waits` is what every later copy of it is answered, until the device orders something
/// else; then copies are `Taken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderFate {
    /// It is not in the log yet. Send the same again.
    Waits {
        /// After so many milliseconds.
        ask_ms: u32,
    },
    /// It was done.
    Done,
    /// The rules refused it, and nothing but that is in the log.
    Refused(Reject),
    /// Not done under this number, or long ago: it, or a higher one, was used for something else. Never said of an order by
    /// the request that wrote it: that may have been done just before.
    Taken {
        /// The highest number that was used.
        mark: u64,
    },
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

/// Reads an order, all of it, within its limits.
pub fn read_order(bytes: &[u8]) -> Result<Order, Code> {
    if bytes.len() > MAX_REQUEST_BYTES {
        return Err(Code::TooLarge);
    }
    if bytes.first().is_some_and(|version| *version != PROTOCOL) {
        return Err(Code::Protocol);
    }
    let (order, rest) = postcard::take_from_bytes::<Order>(bytes).map_err(|_| Code::Malformed)?;
    if order.body.len() > MAX_SEND_BYTES {
        return Err(Code::TooLarge);
    }
    match rest {
        [] if (1..=MAX_SEQUENCE).contains(&order.number) => Ok(order),
        _ => Err(Code::Malformed),
    }
}

/// Reads the answer to an order, all of it. `None` if the bytes are cut, corrupt or of another protocol.
pub fn read_ordered(bytes: &[u8]) -> Option<Ordered> {
    if bytes.first() != Some(&PROTOCOL) {
        return None;
    }
    let (ordered, rest) = postcard::take_from_bytes::<Ordered>(bytes).ok()?;
    rest.is_empty().then_some(ordered)
}

/// Writes a request, an order, or the answer to one.
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
