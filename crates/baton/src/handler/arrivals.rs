//! Arrivals: what each request asks, what of it the log and the inbox already have, and what is
//! refused before anything is written. Reads the room; changes nothing.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::orders::{self, Stand};
use crate::effect::{Arrival, Call, Item, NEWEST};
use crate::error::{Code, Refusal};
use crate::id::{BodyHash, Hash, Identity};
use crate::kind::Kind;
use crate::limits::{MAX_NAME_BYTES, MAX_USER_BYTES, SEGMENT, WINDOW, valid_room};
use crate::parcel::{Parcel, ordered, read_parcel};
use crate::room::{Known, Room};
use crate::wire::{self, Hail, Order, Presence, Request, Sent};

/// A request in hand.
pub(super) struct Asked {
    pub(super) who: Option<Identity>,
    pub(super) ask: Ask,
    /// Set as soon as it is known that the request fails.
    pub(super) refusal: Option<Refusal>,
    /// What of it is neither in the log nor in the inbox.
    pub(super) need: Option<Pushed>,
    /// Something of it waits in the inbox.
    pub(super) waits: bool,
    /// Something of it was put there, or into a frame, by this invocation.
    pub(super) written: bool,
}

/// What is asked.
pub(super) enum Ask {
    Play(Request),
    View,
    Block {
        last: u64,
        hash: Hash,
    },
    Watch,
    Deliver(Parcel),
    /// An order, and how it goes on if it is let in.
    Order(Order, Parcel),
    Tail,
    Snapshot,
    Log {
        from: u64,
    },
    Nothing,
}

/// What a follower puts into the inbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Pushed {
    /// A device's hail by its verified user.
    Hail { who: Identity, hail: Hail },
    /// What another room sent, or what was ordered.
    Parcel(Parcel),
}

impl Asked {
    pub(super) fn read(arrival: Arrival) -> Self {
        let (ask, refusal) = match Self::ask(arrival.call, arrival.who.as_ref()) {
            Ok(ask) => (ask, None),
            Err(code) => (Ask::Nothing, Some(code)),
        };
        let mut asked = Self {
            who: arrival.who,
            ask,
            refusal: refusal.map(Refusal::from),
            need: None,
            waits: false,
            written: false,
        };
        // Rooms and operators are no users: whoever has one came from outside.
        if asked.who.is_some() && asked.inside() {
            asked.refuse(Code::Forbidden);
        }
        let speaks = asked.hail().is_some() || matches!(asked.ask, Ask::Order(..));
        if asked.refusal.is_none() && speaks {
            match &asked.who {
                None => asked.refuse(Code::Unauthorized),
                Some(who) if who.user.len() > MAX_USER_BYTES || who.name.len() > MAX_NAME_BYTES => {
                    asked.refuse(Code::TooLarge);
                }
                Some(_) => {}
            }
        }
        asked
    }

    /// Whether only a host says this: it is not for the rules' access to players.
    pub(super) fn inside(&self) -> bool {
        matches!(self.ask, Ask::Deliver(_) | Ask::Log { .. })
    }

    /// To anybody but its user a personal room looks as if it did not exist. What rooms send is let in, and the operator.
    pub(super) fn admit(&mut self, owner: Option<&str>) {
        if self.refusal.is_none() && !self.inside() && self.user() != owner {
            self.refuse(Code::NotFound);
        }
    }

    /// Who owns no room orders nothing there.
    pub(super) fn forbid_orders(&mut self) {
        if self.refusal.is_none() && matches!(self.ask, Ask::Order(..)) {
            self.refuse(Code::NotFound);
        }
    }

    fn ask(call: Call, who: Option<&Identity>) -> Result<Ask, Code> {
        match call {
            Call::Play(bytes) => wire::read_request(&bytes).map(Ask::Play),
            Call::View => Ok(Ask::View),
            Call::Watch => Ok(Ask::Watch),
            Call::Deliver(bytes) => read_parcel(&bytes).map(Ask::Deliver),
            Call::Order(bytes) => {
                let order = wire::read_order(&bytes)?;
                let parcel = ordered(&who.ok_or(Code::Unauthorized)?.user, &order);
                // No room is named so, in whose log it could be.
                match valid_room(&parcel.sender) {
                    true => Ok(Ask::Order(order, parcel)),
                    false => Err(Code::NotFound),
                }
            }
            Call::Tail => Ok(Ask::Tail),
            Call::Snapshot => Ok(Ask::Snapshot),
            Call::Log { from } if (1..NEWEST).contains(&from) => Ok(Ask::Log { from }),
            Call::Log { .. } => Err(Code::NotFound),
            Call::Block { first, last, hash } => {
                let aligned = last > 0
                    && last.is_multiple_of(SEGMENT)
                    && last.checked_sub(SEGMENT - 1) == Some(first);
                let hash = Hash::from_hex(&hash).filter(|_| aligned);
                hash.map(|hash| Ask::Block { last, hash })
                    .ok_or(Code::NotFound)
            }
        }
    }

    /// Another invocation had it, and ended without an answer: what it orders may be written.
    pub(super) fn was_begun(&mut self) {
        self.written |= matches!(self.ask, Ask::Order(..));
    }

    pub(super) fn refuse(&mut self, code: impl Into<Refusal>) {
        let refusal = match self.written {
            // What is in a frame is done; what lies in the inbox may be framed yet, if only by a log that loses what speaks
            // against it now.
            true => Code::Retry.into(),
            false => code.into(),
        };
        self.refusal = Some(refusal);
        self.need = None;
    }

    pub(super) fn hail(&self) -> Option<&Hail> {
        match &self.ask {
            Ask::Play(request) => request.device.as_ref(),
            _ => None,
        }
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.who.as_ref().map(|who| who.user.as_str())
    }

    /// Whether losing track of a write leaves this request without an honest answer.
    pub(super) fn writes(&self) -> bool {
        self.need.is_some()
    }

    /// Works out what of the request is new. `inbox` is what waits already.
    pub(super) fn judge<R: Kind>(
        &mut self,
        room: Option<&Room<R>>,
        inbox: &[Waiting],
        now_ms: u64,
    ) {
        self.need = None;
        self.waits = false;
        if self.refusal.is_some() {
            return;
        }
        if let Ask::Deliver(parcel) = &self.ask {
            let covered = has(room, parcel);
            self.waits = !covered && inbox.iter().any(|item| item.carries(parcel));
            let new = !covered && !self.waits && !parcel.sends.is_empty();
            self.need = new.then(|| Pushed::Parcel(parcel.clone()));
            if new && room.is_some_and(Room::halted) {
                self.refuse(Code::Halted);
            }
            return;
        }
        if self.inside() {
            return;
        }
        if let Ask::Order(order, parcel) = &self.ask {
            match orders::stand(room, self.user(), order, parcel, inbox) {
                Ok(Stand::Known) => {}
                Ok(Stand::Waits) => self.waits = true,
                Ok(Stand::New(parcel)) => self.need = Some(Pushed::Parcel(parcel)),
                Err(code) => self.refuse(code),
            }
            return;
        }
        let access = room.map(|room| room.access(self.user()));
        if access.is_some_and(|access| !access.read) {
            return self.refuse(Code::NotFound);
        }
        let (Some(who), Some(mut hail)) = (self.who.clone(), self.hail().cloned()) else {
            return;
        };
        let acts = !hail.actions.is_empty();
        // Of rules that this history does not have yet: their device keeps them until it has.
        let version = room.map_or(0, |room| room.edition().version);
        let ready = hail
            .actions
            .iter()
            .take_while(|sent| sent.version <= version);
        hail.actions.truncate(ready.count());
        let standing = room.and_then(|room| room.standing(&who.user, hail.id));
        if let (Some(number), Some(room)) = (hail.number, room)
            && standing.is_none_or(|standing| standing.number != number)
        {
            // Asked first: a late copy of its registration may have given the id another number, and what
            // was answered under the old one must not be sent again under that.
            let code = if room.was_evicted(number) {
                Code::Evicted
            } else {
                Code::Unregistered
            };
            return self.refuse(code);
        }
        if hail.number.is_none() && acts || hail.number.is_some() && room.is_none() {
            return self.refuse(Code::Unregistered);
        }
        if acts && access.is_none_or(|access| !access.act) {
            return self.refuse(Code::Forbidden);
        }
        let waiting: Vec<&Hail> = inbox
            .iter()
            .filter_map(|item| item.of(&who, &hail))
            .collect();
        // Who leads would let go of it without a word to whom a follower took it from. What waits already
        // may yet be framed.
        let registers = hail.number.is_none() && hail.presence == Presence::Here;
        if let (true, None, Some(room)) = (registers && waiting.is_empty(), standing, room)
            && let Err(code) = room.gives_way(&who.user, &[], now_ms)
        {
            return self.refuse(code);
        }
        let mut need = Hail {
            presence: presence(room, &who.user, &hail, &waiting, now_ms),
            actions: Vec::new(),
            ..hail.clone()
        };
        if acts && let Some(standing) = standing {
            let queued = waiting.iter().flat_map(|hail| &hail.actions);
            let know = |seq, body| standing.device.know(seq, body);
            match new_actions(&hail, queued, know) {
                Ok(actions) => need.actions = actions,
                Err(refusal) => return self.refuse(refusal),
            }
        }
        if room.is_some_and(Room::halted) {
            // Nothing of it could be taken; what there is may be read.
            if !need.actions.is_empty() {
                self.refuse(Code::Halted);
            }
            return;
        }
        let new = need.presence != Presence::Unsaid || !need.actions.is_empty();
        self.waits = !waiting.is_empty();
        self.need = new.then_some(Pushed::Hail { who, hail: need });
    }

    /// For a room whose rules are not here, so that nothing is known of it but its inbox: what a
    /// device says is handed on to whoever leads, who judges it. One item of a device at a time.
    pub(super) fn hand_on(&mut self, inbox: &[Waiting]) {
        self.need = None;
        self.waits = false;
        if self.refusal.is_some() {
            return;
        }
        let (Some(who), Some(hail)) = (&self.who, self.hail()) else {
            return;
        };
        let acts = !hail.actions.is_empty();
        if hail.number.is_none() && acts {
            return self.refuse(Code::Unregistered);
        }
        let waits = inbox.iter().any(|item| item.of(who, hail).is_some());
        let speaks = acts || hail.presence != Presence::Unsaid;
        let said = (speaks && !waits).then(|| (who.clone(), hail.clone()));
        self.need = said.map(|(who, hail)| Pushed::Hail { who, hail });
        self.waits = waits;
    }
}

/// Whether nothing of a parcel is news: the room has all of it, or not what it follows on.
fn has<R: Kind>(room: Option<&Room<R>>, parcel: &Parcel) -> bool {
    let mark = room.map_or(0, |room| room.receipt(&parcel.sender, parcel.lineage).mark);
    let last = parcel.sends.last();
    last.is_none_or(|sent| sent.seq <= mark) || mark < parcel.after
}

/// What the room should still be told of a session.
fn presence<R: Kind>(
    room: Option<&Room<R>>,
    user: &str,
    hail: &Hail,
    waiting: &[&Hail],
    now_ms: u64,
) -> Presence {
    let told = waiting
        .iter()
        .any(|waits| waits.presence == hail.presence && waits.session == hail.session);
    let stale = room.is_none_or(|room| room.wants_beat(user, hail.id, hail.session, now_ms));
    // What waits may open it yet.
    let closes = !waiting.is_empty()
        || room.is_some_and(|room| room.wants_leave(user, hail.id, hail.session));
    match hail.presence {
        Presence::Here if told || !stale => Presence::Unsaid,
        Presence::Leaving
            if told || room.is_some_and(|room| room.pace().tick_ms == 0) || !closes =>
        {
            Presence::Unsaid
        }
        other => other,
    }
}

/// The actions that are neither in the log nor in the inbox, if all of them can follow there.
fn new_actions<'a>(
    hail: &Hail,
    queued: impl Iterator<Item = &'a Sent>,
    know: impl Fn(u64, BodyHash) -> Known,
) -> Result<Vec<Sent>, Refusal> {
    let queued: Vec<&Sent> = queued.collect();
    let mut expected = None;
    let mut new = Vec::new();
    for sent in &hail.actions {
        let known = know(sent.seq, BodyHash::of(&sent.body));
        let next = match known {
            Known::Had | Known::Old => continue,
            Known::Conflict => return Err(Code::Conflict.into()),
            Known::Next => sent.seq,
            // The device vouches that it has nothing before its lowest.
            Known::Gap(next) => next.max(hail.kept_from.min(sent.seq)),
        };
        let mark = next - 1;
        // What waits in the inbox without a hole counts as taken.
        let mut follows = expected.unwrap_or(next);
        while let Some(waits) = queued.iter().find(|waits| waits.seq == follows) {
            if waits.seq == sent.seq && waits.body != sent.body {
                return Err(Code::Conflict.into());
            }
            follows += 1;
        }
        if sent.seq < follows {
            expected = Some(follows);
            continue;
        }
        if sent.seq > follows {
            return Err(Refusal {
                code: Code::Gap,
                expected: Some(follows),
            });
        }
        if sent.seq > mark + WINDOW as u64 {
            // It has its turn once some of what waits is in the log. Refusing all of the request for it
            // would have its device ask ever more seldom, and a room that catches up needs requests.
            break;
        }
        expected = Some(follows + 1);
        new.push(sent.clone());
    }
    Ok(new)
}

/// An item of the inbox, read.
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) received_ms: u64,
    pub(super) pushed: Pushed,
}

impl Waiting {
    /// What waits here of the device that speaks.
    fn of(&self, who: &Identity, hail: &Hail) -> Option<&Hail> {
        match &self.pushed {
            Pushed::Hail {
                who: by,
                hail: waits,
            } => (by.user == who.user && waits.id == hail.id).then_some(waits),
            Pushed::Parcel(_) => None,
        }
    }

    /// Whether it was sent by the same, in the same history: for orders, by the same registration.
    pub(super) fn shares_sender(&self, parcel: &Parcel) -> bool {
        let Pushed::Parcel(waits) = &self.pushed else {
            return false;
        };
        waits.sender == parcel.sender && waits.lineage == parcel.lineage
    }

    /// Whether all that a parcel brings waits here.
    pub(super) fn carries(&self, parcel: &Parcel) -> bool {
        let Pushed::Parcel(waits) = &self.pushed else {
            return false;
        };
        self.shares_sender(parcel)
            && waits.after == parcel.after
            && waits.sends.starts_with(&parcel.sends)
    }
}

/// Reads the inbox. What cannot be read was not written by this protocol and is reported to be
/// removed.
pub(super) fn read_inbox(items: &[Item]) -> (Vec<Waiting>, Vec<u64>) {
    let mut waiting = Vec::with_capacity(items.len());
    let mut junk = Vec::new();
    for item in items {
        match postcard::take_from_bytes::<Pushed>(&item.bytes) {
            Ok((pushed, [])) => waiting.push(Waiting {
                id: item.id,
                received_ms: item.received_ms,
                pushed,
            }),
            _ => junk.push(item.id),
        }
    }
    (waiting, junk)
}
