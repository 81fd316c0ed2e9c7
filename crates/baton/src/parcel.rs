//! What one room's handler tells another's: sends in order, and how far the other's log has them.
//! Postcard, pinned by golden bytes. It travels between hosts' insides only: no client can say it.
//! Orders take the same way once the handler has let them in. Knows nothing of rooms.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::Code;
use crate::id::{BodyHash, Lineage};
use crate::limits::{MAX_PARCEL_SENDS, MAX_SEND_BYTES, MAX_SEQUENCE, PROTOCOL, valid_room};
use crate::wire::{self, Order};

/// What orders seem to be sent by, before their user: rooms of a kind that cannot be served.
const ORDERS: &str = "order/";

/// Sends of one room to another, of one lineage, in order; without any, a question for the mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// The sending room, `kind/name`.
    pub sender: String,
    /// The sender's history that the numbers belong to.
    pub lineage: Lineage,
    /// The number before the first of these that the sender still keeps, 0 if none: a target that
    /// does not have it (its store lost it) takes none of these, and the sender goes back.
    pub after: u64,
    /// Rising numbers, not necessarily dense.
    pub sends: Vec<Posted>,
}

/// A server action on its way. It is read by the rules that the target is on when it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The sender's number of it.
    pub seq: u64,
    /// The encoded action.
    pub body: ByteBuf,
}

/// What the target's log holds of a sender: never what merely waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`PROTOCOL`].
    pub protocol: u8,
    /// The highest number applied or rejected; 0 if none.
    pub mark: u64,
    /// Of the body that had this number.
    pub body: BodyHash,
}

/// An order of a verified user, as it goes on from here.
pub(crate) fn ordered(user: &str, order: &Order) -> Parcel {
    Parcel {
        protocol: PROTOCOL,
        sender: alloc::format!("{ORDERS}{user}"),
        lineage: wire::registration(order.device, order.registration),
        after: 0,
        sends: Vec::from([Posted {
            seq: order.number,
            body: order.body.clone(),
        }]),
    }
}

/// Whose orders a sender's parcels are, if they are orders.
pub(crate) fn orders_of(sender: &str) -> Option<&str> {
    sender.strip_prefix(ORDERS)
}

/// Reads a parcel of another room, all of it, within its limits.
pub(crate) fn read_parcel(bytes: &[u8]) -> Result<Parcel, Code> {
    if bytes.first().is_some_and(|version| *version != PROTOCOL) {
        return Err(Code::Protocol);
    }
    let (parcel, rest) = postcard::take_from_bytes::<Parcel>(bytes).map_err(|_| Code::Malformed)?;
    let over = parcel.sends.len() > MAX_PARCEL_SENDS
        || parcel
            .sends
            .iter()
            .any(|sent| sent.body.len() > MAX_SEND_BYTES);
    if over {
        return Err(Code::TooLarge);
    }
    let rising = parcel
        .sends
        .windows(2)
        .all(|pair| pair[0].seq < pair[1].seq);
    let first = parcel.sends.first().map_or(u64::MAX, |sent| sent.seq);
    let counted = parcel.sends.iter().all(|sent| sent.seq <= MAX_SEQUENCE);
    // Orders are let in from outside, and checked: nothing else may seem to be one.
    let room = valid_room(&parcel.sender) && orders_of(&parcel.sender).is_none();
    let sound = rising && counted && parcel.after < first && room;
    match rest {
        [] if sound => Ok(parcel),
        _ => Err(Code::Malformed),
    }
}

/// Reads a receipt, all of it. `None` if it is cut, corrupt or of another protocol.
pub(crate) fn read_receipt(bytes: &[u8]) -> Option<Receipt> {
    match postcard::take_from_bytes::<Receipt>(bytes) {
        Ok((receipt, [])) if receipt.protocol == PROTOCOL => Some(receipt),
        _ => None,
    }
}
