//! Leading: what waits in the inbox and what this batch asks become one frame. Decides the order
//! and what must wait for a later frame; the draft decides what is true.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::arrivals::{Asked, Pushed, Waiting};
use crate::effect::Append;
use crate::id::{Head, Identity};
use crate::kind::Kind;
use crate::limits::{MAX_SNAPSHOT_BYTES, SEGMENT};
use crate::mutant::{self, Mutant};
use crate::parcel::orders_of;
use crate::room::{Draft, Drafted, Fate, Room, SNAPSHOT_EXTRA_BYTES, Sighting};
use crate::wire::{Hail, Presence};

/// A frame that is ready to be appended.
pub(super) struct Led<R: Kind> {
    pub(super) append: Append,
    /// The room after the frame.
    pub(super) room: Room<R>,
    /// For each arrival: whether some of it has to go to the inbox after all.
    pub(super) later: Vec<bool>,
}

/// Where something came from.
#[derive(Clone, Copy)]
enum Origin {
    /// This batch, by index.
    Arrival(usize),
    /// The inbox, by the store's number.
    Item(u64),
}

/// Something that a device said.
struct Said<'a> {
    origin: Origin,
    received_ms: u64,
    who: &'a Identity,
    hail: &'a Hail,
    fate: Fate,
}

/// What a frame holds beside what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Else {
    /// What the room does by itself; and if nothing else is, a frame of nothing but time is due.
    Due { idle: bool },
    /// Nothing: what is tried alone is not blamed for more.
    Nothing,
}

/// Writes the next frame, if there is something to write.
pub(super) fn lead<R: Kind>(
    mut draft: Draft<R>,
    asked: &mut [Asked],
    inbox: &[Waiting],
    junk: &[u64],
    now_ms: u64,
    and: Else,
    lease_ms: u32,
) -> Option<Led<R>> {
    let mut refusals = Vec::new();
    let batch = asked.iter().enumerate().filter_map(|(index, asked)| {
        let need = asked.need.as_ref()?;
        Some((Origin::Arrival(index), now_ms, need))
    });
    let waiting = inbox
        .iter()
        .map(|item| (Origin::Item(item.id), item.received_ms, &item.pushed));
    let mut said = Vec::new();
    let mut parcels = Vec::new();
    for (origin, received_ms, pushed) in waiting.chain(batch) {
        match pushed {
            Pushed::Hail { who, hail } => said.push(Said {
                origin,
                received_ms,
                who,
                hail,
                fate: Fate::Done,
            }),
            Pushed::Parcel(parcel) => parcels.push((origin, parcel)),
        }
    }

    let mut heard = heard(&draft, &said);
    heard.extend(parcels.iter().filter_map(|(_, parcel)| {
        let user = orders_of(&parcel.sender)?;
        draft.room().orderer(user, parcel.lineage)
    }));
    for said in &mut said {
        if said.hail.number.is_some() || said.hail.presence != Presence::Here {
            continue;
        }
        if draft.full() {
            said.fate = Fate::Later;
            continue;
        }
        let registered = draft.register(said.who, said.hail, &heard);
        if let (Err(code), Origin::Arrival(index)) = (registered, said.origin) {
            refusals.push((index, code));
        }
    }
    if mutant::on(Mutant::BeatsAfterAdvance) {
        draft.advance();
    }
    sight_all(&mut draft, &mut said);
    draft.advance();
    act_all(&mut draft, &mut said);
    let said = said.iter().map(|said| (said.origin, said.fate));
    let mut fates: Vec<_> = said.collect();
    for (origin, parcel) in parcels {
        fates.push((origin, draft.receive(parcel)));
    }
    if and != Else::Nothing {
        draft.serve_due();
    }

    let mut framed = junk.to_vec();
    let mut later = alloc::vec![false; asked.len()];
    for (origin, fate) in fates {
        match origin {
            Origin::Arrival(index) => later[index] = fate == Fate::Later,
            Origin::Item(id) if fate == Fate::Done => framed.push(id),
            Origin::Item(_) => {}
        }
    }
    for (origin, code) in refusals {
        asked[origin].refuse(code);
        later[origin] = false;
    }

    let timely = and == Else::Due { idle: true } && draft.has_ticked();
    let worth = draft.has_entries() || !framed.is_empty() || timely;
    (worth || draft.lags()).then(|| sign_off(draft, framed, later, lease_ms))
}

/// The registered devices that have something to say: no silent ones, however long ago the log last
/// heard of them.
fn heard<R: Kind>(draft: &Draft<R>, said: &[Said<'_>]) -> Vec<u32> {
    let numbers = said.iter().filter_map(|said| {
        let standing = draft.room().standing(&said.who.user, said.hail.id)?;
        (said.hail.number == Some(standing.number)).then_some(standing.number)
    });
    numbers.collect()
}

/// Who is here, in order of receipt, each at the tick of its receipt.
fn sight_all<R: Kind>(draft: &mut Draft<R>, said: &mut [Said<'_>]) {
    let mut order: Vec<usize> = (0..said.len()).collect();
    order.sort_unstable_by_key(|index| (said[*index].received_ms, *index));
    for index in order {
        let Said {
            received_ms,
            who,
            hail,
            ..
        } = said[index];
        let device = draft.room().standing(&who.user, hail.id);
        let Some(device) = device.map(|standing| standing.number) else {
            continue;
        };
        said[index].fate = draft.sight(Sighting {
            received_ms,
            device,
            session: hail.session,
            presence: hail.presence,
        });
    }
}

/// Actions, in order of receipt: the inbox first.
fn act_all<R: Kind>(draft: &mut Draft<R>, said: &mut [Said<'_>]) {
    if mutant::on(Mutant::InboxLast) {
        said.sort_by_key(|said| matches!(said.origin, Origin::Item(_)));
    }
    if mutant::on(Mutant::OrderByDevice) {
        said.sort_by_key(|said| said.hail.id);
    }
    for said in said {
        let device = draft.room().standing(&said.who.user, said.hail.id);
        let Some(number) = device.map(|standing| standing.number) else {
            continue;
        };
        // A late copy of an old registration's request must not act under a new one; and who pushed
        // it may not have been able to tell what its user may do.
        if said.hail.number != Some(number) || !draft.room().access(Some(&said.who.user)).act {
            continue;
        }
        for sent in &said.hail.actions {
            if draft.act(number, said.hail.kept_from, sent) == Fate::Later {
                said.fate = Fate::Later;
                break;
            }
        }
    }
}

/// Signs a draft off.
pub(super) fn sign_off<R: Kind>(
    draft: Draft<R>,
    framed: Vec<u64>,
    later: Vec<bool>,
    lease_ms: u32,
) -> Led<R> {
    let Drafted {
        frame,
        published,
        previous,
        room,
    } = draft.finish();
    let Head { v, hash } = room.head();
    // After a change of rules, for those who have only the new ones. A room too large for a snapshot
    // goes on without: frames rebuild it.
    let due = (v.is_multiple_of(SEGMENT) || room.has_just_switched())
        && room.size() < MAX_SNAPSHOT_BYTES - SNAPSHOT_EXTRA_BYTES;
    let snapshot = due.then(|| room.snapshot());
    Led {
        append: Append {
            v,
            previous,
            hash,
            frame: ByteBuf::from(frame),
            // Who listens where frames are published may be anybody.
            published: ByteBuf::from(if R::PERSONAL { Vec::new() } else { published }),
            lease_ms,
            framed,
            snapshot: snapshot.map(ByteBuf::from),
            note: None,
        },
        room,
        later,
    }
}
