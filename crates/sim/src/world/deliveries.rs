//! What rooms send each other on its way: an invocation of the one that sends waits for one of the other, on whichever
//! instance, as the hosts have it. Both ways go over the network, with all that happens there.

use baton::effect::{Arrival, Call, Fed, Outcome as Answer};
use baton::limits;
use baton::parcel::{Parcel, Receipt};
use serde_bytes::ByteBuf;

use super::network::STORE_TIMEOUT_MS;
use super::{Event, Slip, World};
use crate::check::reply::Asked;
use crate::check::{Checked, hold};
use crate::clock::START_MS;
use crate::later::Game;
use crate::plan::Plan;
use crate::rules::{BankAction, Wire};

/// How many deliveries may wait for each other, as the hosts have it.
const MAX_HOPS: u32 = 2;
/// How far a room's time may be from the run's where no store tells it, in milliseconds.
const SKEW_MS: u64 = 3_600_000;

/// How long a frame may be lost after it was committed for its senders to send again what it had: they ask a grace time
/// after they first heard of it.
pub(super) const KEPT_MS: u64 = limits::RESEND_GRACE_MS / 2;

/// A parcel on its way.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// The invocation that waits for the receipt, and its call.
    flight: u64,
    call: u64,
    hops: u32,
    parcel: Parcel,
}

impl<R: Game> World<R> {
    /// An action that sends something to another room. `None`: there is none, or it is not its turn.
    pub(super) fn draw_wire(&mut self, room: usize) -> Option<BankAction> {
        let Plan { wires, rooms, .. } = self.plan;
        if rooms < 2 || !self.chance(wires) {
            return None;
        }
        let to = (room + 1 + self.below(rooms - 1)) % rooms;
        let wire = Wire {
            to: u32::try_from(to).ok()?,
            amount: i64::from(self.random.below(40)),
            tag: self.random.next_u64(),
        };
        let from = Self::room_name(room);
        self.accounts[to].ledger.wire(from, wire);
        Some(BankAction::Wire(wire))
    }

    /// An invocation hands a parcel over, and waits.
    pub(super) fn hand_over(&mut self, id: u64, target: &str, bytes: &ByteBuf) -> Checked {
        self.calls += 1;
        let call = self.calls;
        let Some(flight) = self.flights.get_mut(&id) else {
            return Ok(());
        };
        flight.call = call;
        let carried = flight.slips.iter().filter_map(|slip| slip.carried.as_ref());
        let hops = carried.map(|carried| carried.hops).max().unwrap_or(0);
        self.counters.parcels += 1;
        // Too far from whoever set it off is refused at once; who is not answered stops waiting.
        let far = hops >= MAX_HOPS;
        let failed_ms = if far { 0 } else { STORE_TIMEOUT_MS };
        let fed = Box::new(Fed::Failed);
        self.after(
            failed_ms,
            Event::Fed {
                flight: id,
                call,
                fed,
            },
        );
        let room = (0..self.plan.rooms).find(|room| Self::room_name(*room) == target);
        let parcel = postcard::from_bytes(bytes);
        hold(
            room.is_some() && parcel.is_ok(),
            "9: a parcel has a target",
            || format!("{target}: {parcel:?}"),
        )?;
        let (Some(room), Ok(parcel)) = (room.filter(|_| !far), parcel) else {
            return Ok(());
        };
        let slip = Slip {
            carried: Some(Box::new(Carried {
                flight: id,
                call,
                hops: hops + 1,
                parcel,
            })),
            ..Slip::of(Asked::of_nobody(false, 0, false))
        };
        let arrival = Arrival {
            who: None,
            call: Call::Deliver(bytes.clone()),
        };
        let open: Vec<usize> = (0..self.hosts.len())
            .filter(|host| !self.hosts[*host].closing)
            .collect();
        let host = match open.len() {
            0 => 0,
            many => open[self.below(many)],
        };
        self.set_out(host, room, &slip, &arrival);
        Ok(())
    }

    /// A receipt leaves an instance: it tells what the log has.
    pub(super) fn check_receipt(
        &self,
        (host, room): (usize, usize),
        carried: &Carried,
        asked: &Asked,
        answer: &Answer,
    ) -> Checked {
        if answer.status != 200 {
            return Ok(());
        }
        let receipt = postcard::from_bytes::<Receipt>(&answer.body);
        let Ok(receipt) = receipt else {
            return hold(false, "9: an answer can be read", || format!("{receipt:?}"));
        };
        let accounts = &self.accounts[room];
        let book = accounts.seen_by(host);
        let Parcel {
            sender, lineage, ..
        } = &carried.parcel;
        let calm = accounts.losses == asked.began_losses;
        hold(
            !calm
                || book
                    .oracle
                    .has_of(sender, *lineage, &receipt, asked.began_v),
            "B15: a receipt tells what the log has, as fresh as it was asked",
            || format!("{receipt:?} to {sender}"),
        )
    }

    /// The receipt arrives, or whatever came in its place.
    pub(super) fn carried(&mut self, carried: &Carried, answer: &Answer) -> Checked {
        let fed = match answer.status {
            200 => Fed::Delivered(answer.body.clone()),
            _ => Fed::Failed,
        };
        self.feed(carried.flight, carried.call, fed)
    }

    /// What has not reached the room that it was sent to, of everything that must: neither store lost what would excuse it, and
    /// neither room stands still.
    pub(super) fn on_its_way(&self) -> Option<String> {
        if self.plan.wires == 0 {
            return None;
        }
        let stands = |room: usize| {
            let oracle = &self.accounts[room].book.oracle;
            // A room that only those ask who deliver to it catches up with its clock at their pace.
            oracle.halted || oracle.cursed.is_some() || oracle.lags()
        };
        for (room, accounts) in self.accounts.iter().enumerate() {
            let asked = self.clients.iter().any(|client| client.room == room);
            let given_up = accounts
                .book
                .room
                .as_ref()
                .is_some_and(|room| room.given_up() > 0);
            if !asked || given_up || accounts.losses > 0 || stands(room) {
                continue;
            }
            for (target, there) in self.accounts.iter().enumerate() {
                let excused = there.losses > 0 && (there.lost_old || !self.plan.clock);
                if target == room || excused || stands(target) {
                    continue;
                }
                let sent = accounts.book.oracle.sent.iter();
                let sent = sent.filter(|(wire, _)| usize::try_from(wire.to) == Ok(target));
                let sent: Vec<(u64, u64)> = sent.map(|(wire, at_ms)| (wire.tag, *at_ms)).collect();
                let now_ms = START_MS + self.now_ms;
                let expired = |at_ms: &u64| at_ms + limits::SEND_EXPIRY_MS < now_ms + SKEW_MS;
                if sent.iter().any(|(_, at_ms)| expired(at_ms)) {
                    continue;
                }
                let sent: Vec<u64> = sent.into_iter().map(|(tag, _)| tag).collect();
                let came = there.book.oracle.tags_of(&Self::room_name(room));
                if sent != came {
                    let (sent, came) = (sent.len(), came.len());
                    return Some(format!(
                        "{came} of {sent} from room {room} are in room {target}"
                    ));
                }
            }
        }
        None
    }
}
