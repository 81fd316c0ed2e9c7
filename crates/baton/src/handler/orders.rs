//! Orders at the door: which are let in, and whether anything of them is new. Reads the room; changes nothing. What comes
//! after it is the way of parcels.

use super::arrivals::Waiting;
use crate::error::Code;
use crate::kind::Kind;
use crate::mutant::{self, Mutant};
use crate::parcel::Parcel;
use crate::room::Room;
use crate::wire::{self, Order};

/// How an order stands.
pub(super) enum Stand {
    /// It, or a later one, is in the log.
    Known,
    /// In the inbox.
    Waits,
    /// Neither: this is to be written.
    New(Parcel),
}

/// How an order stands, if it is let in.
pub(super) fn stand<R: Kind>(
    room: Option<&Room<R>>,
    user: Option<&str>,
    order: &Order,
    parcel: &Parcel,
    inbox: &[Waiting],
) -> Result<Stand, Code> {
    let (Some(room), Some(user)) = (room, user) else {
        return Err(Code::Unregistered);
    };
    let standing = room.standing(user, order.device);
    let any = mutant::on(Mutant::OrderOfAnother);
    let Some(standing) = standing.filter(|known| known.number == order.registration || any) else {
        // Asked first, as for actions: under another registration it could be done twice.
        return Err(match room.was_evicted(order.registration) {
            true => Code::Evicted,
            false => Code::Unregistered,
        });
    };
    if standing.device.ordered(order.number, &order.body).is_some() {
        return Ok(Stand::Known);
    }
    let version = room.edition().version;
    match R::read_action(room.config(), version, &order.body) {
        Err(_) => return Err(Code::Malformed),
        Ok(action) if !R::orders(&action) && !mutant::on(Mutant::OrderKindUnasked) => {
            return Err(Code::Forbidden);
        }
        Ok(_) => {}
    }
    if inbox.iter().any(|item| item.carries(parcel)) {
        return Ok(Stand::Waits);
    }
    if room.halted() {
        return Err(Code::Halted);
    }
    // One at a time, so that nobody fills an inbox with orders.
    match inbox.iter().any(|item| item.shares_sender(parcel)) {
        true => Err(Code::Busy),
        false if any => Ok(Stand::New(Parcel {
            lineage: wire::registration(order.device, standing.number),
            ..parcel.clone()
        })),
        false => Ok(Stand::New(parcel.clone())),
    }
}
