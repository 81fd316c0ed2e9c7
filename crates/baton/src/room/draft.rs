//! A draft: the next frame while it is written, on a copy of the room. It decides which entries
//! are true; what they do is decided by [`Room::enter`], as in a replay.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::{Door, Known, Opened, Room};
use crate::delta::{self, Base};
use crate::error::Code;
use crate::frame::{Cut, Entry, FORMAT, Frame};
use crate::id::{BodyHash, Hash, Identity, Lineage, Nonce, Writer};
use crate::kind::{Edition, Kind, encode};
use crate::limits::{MAX_DUE, MAX_FRAME_BYTES, MAX_FRAME_ENTRIES};
use crate::mutant::{self, Mutant};
use crate::parcel::{Parcel, orders_of};
use crate::rules::{By, Reject};
use crate::wire::{Hail, Presence, Sent};

/// A frame being written.
pub(crate) struct Draft<R: Kind> {
    room: Room<R>,
    opened: Opened,
    /// Of the frame before; `None` for a first frame.
    base: Option<Base>,
    v: u64,
    writer: Writer,
    now_ms: u64,
    /// The frame before left the room behind the clock.
    lagged: bool,
    /// The tick that belongs to now.
    target: u64,
    /// The tick that this frame may reach: a long catch-up is split over requests.
    limit: u64,
    entries: Vec<Entry>,
    bytes: usize,
}

/// What the operator's settings say of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    /// Ticks that it may catch up.
    pub(crate) max_ticks: u32,
    /// The version of the rules that the room should be on.
    pub(crate) version: u32,
}

/// A registered device was heard of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) received_ms: u64,
    pub(crate) device: u32,
    pub(crate) session: u32,
    pub(crate) presence: Presence,
}

/// What became of something that could be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the draft, or was in the log before, or never can be.
    Done,
    /// The frame is full, or the room has not caught up: it must wait.
    Later,
}

/// A finished draft.
#[derive(Clone)]
pub(crate) struct Drafted<R: Kind> {
    pub(crate) frame: Vec<u8>,
    /// The frame for who has the one before.
    pub(crate) published: Vec<u8>,
    pub(crate) previous: Hash,
    pub(crate) room: Room<R>,
}

impl<R: Kind> Draft<R> {
    /// The frame after `room`, or the first of a new room.
    pub(crate) fn begin(
        room: Option<&Room<R>>,
        config: &R::Config,
        writer: Writer,
        nonce: Nonce,
        now_ms: u64,
        aim: Aim,
    ) -> Self {
        let least_ms = room.map_or(0, Room::time_ms);
        let now_ms = match mutant::on(Mutant::TimeGoesBack) {
            true => now_ms,
            false => now_ms.max(least_ms),
        };
        let base = room.map(Room::base);
        let v = base.map_or(0, |base| base.v) + 1;
        let nonce = match mutant::on(Mutant::NonceForeseen) {
            true => Nonce(v.to_le_bytes()),
            false => nonce,
        };
        let mut entries = Vec::new();
        let mut copy = match room {
            Some(room) => room.clone(),
            None => {
                let Edition { rules, version } = R::edition(config);
                entries.push(Entry::Setup {
                    kind: R::NAME.into(),
                    rules,
                    version,
                    config: ByteBuf::from(encode(config)),
                });
                Room::new(config.clone(), writer, nonce, now_ms)
            }
        };
        let lagged = copy.tick < copy.tick_at(copy.time_ms);
        let opened = copy.open(v, nonce, now_ms);
        let mut draft = Self {
            lagged,
            target: copy.tick,
            limit: match mutant::on(Mutant::CatchUpNotSplit) {
                true => u64::MAX,
                false => copy.tick.saturating_add(u64::from(aim.max_ticks)),
            },
            room: copy,
            opened,
            base,
            v,
            writer,
            now_ms,
            entries,
            bytes: 0,
        };
        // Before anything else: the time since the last frame is lived by the new rules.
        if let Some(switch) = draft
            .room
            .next_rules(aim.version)
            .filter(|_| room.is_some())
        {
            let halted = draft.room.halted();
            draft.put(switch);
            if halted && !draft.room.halted() {
                // While it stood still no time passed.
                draft.pause();
            }
        }
        draft.cap();
        draft.target = draft.room.tick_at(now_ms).max(draft.room.tick);
        draft
    }

    /// Time beyond what the rules catch up after silence is cut before anything else.
    fn cap(&mut self) {
        let pace = self.room.pace();
        if let Some(cap_ms) = pace.silence.cap_ms(pace.grace_ms)
            && pace.tick_ms != 0
        {
            // From the tick that was reached, so that the backlog of rare requests does not grow.
            let lived_ms = self.room.time_of(self.room.tick).saturating_add(cap_ms);
            self.cut(Cut::Cap, self.now_ms.saturating_sub(lived_ms));
        }
    }

    fn cut(&mut self, why: Cut, skip_ms: u64) {
        if mutant::on(Mutant::CutNotRecorded) {
            self.room.base_ms += skip_ms;
        } else if skip_ms > 0 {
            self.put(Entry::Cut { why, skip_ms });
        }
    }

    /// Records that the store lost frames: a new lineage.
    pub(crate) fn reset(&mut self) {
        let lost = self.room.lineage;
        self.put(Entry::Reset { lost });
    }

    /// Gives a device its number, making room if it must, but not by forgetting one of those in `heard`.
    /// The same device gets the same number.
    pub(crate) fn register(
        &mut self,
        who: &Identity,
        hail: &Hail,
        heard: &[u32],
    ) -> Result<u32, Code> {
        let known = self.room.standing(&who.user, hail.id);
        if let Some(standing) = known.filter(|_| !mutant::on(Mutant::RegisteredTwice)) {
            return Ok(standing.number);
        }
        if let Some(device) = self.room.gives_way(&who.user, heard, self.now_ms)? {
            self.put(Entry::Evict { device });
        }
        let registered = self.put(Entry::Register {
            user: who.user.clone(),
            name: who.name.clone(),
            id: hail.id,
            client: hail.client,
        });
        let standing = self.room.standing(&who.user, hail.id);
        match (registered, standing) {
            (true, Some(standing)) => Ok(standing.number),
            _ => Err(Code::Busy),
        }
    }

    /// Notes a sighting at the tick of its receipt. Call in order of receipt, before
    /// [`Self::advance`]. Repeats of what was framed before are recognised by session and tick.
    pub(crate) fn sight(&mut self, sighting: Sighting) -> Fate {
        let Sighting {
            received_ms,
            device,
            session,
            presence,
        } = sighting;
        if self.room.pace().tick_ms == 0 || presence == Presence::Unsaid {
            return Fate::Done;
        }
        let heard = self.room.tick_at(received_ms.min(self.now_ms));
        let tick = heard.clamp(self.room.tick, self.target.max(self.room.tick));
        if self.full() {
            return Fate::Later;
        }
        // A room that pauses on the way is not behind the clock, however long ago that was.
        if !self.room.advance_to(tick.min(self.limit)) {
            self.pause();
        } else if tick > self.limit {
            return Fate::Later;
        }
        let Some(known) = self.room.devices.get(&device) else {
            return Fate::Done;
        };
        // Of a tick that a frame has passed which left the room behind: it was noted then, and waits for
        // its actions' turn. Noted again, it would keep its device here, and the room from pausing.
        let lagged = self.lagged && heard < self.opened.from_tick;
        let noted = lagged && session == known.session;
        let (tick, grace) = (self.room.tick, self.room.pace().grace_ticks());
        let door = known.door(session, presence, tick, grace);
        let at = u32::try_from(self.room.tick - self.opened.from_tick).unwrap_or(u32::MAX);
        let entry = match door {
            Some(Door::Leave) => Entry::Leave {
                device,
                session,
                at,
            },
            Some(Door::Join | Door::Beat) if noted => return Fate::Done,
            Some(Door::Join) => Entry::Join {
                device,
                session,
                at,
            },
            Some(Door::Beat) => Entry::Beat {
                device,
                session,
                at,
            },
            None => return Fate::Done,
        };
        self.put(entry);
        Fate::Done
    }

    /// Nobody is present: the time from here to now never happens.
    fn pause(&mut self) {
        let here_ms = self.room.time_of(self.room.tick);
        self.cut(Cut::Pause, self.now_ms.saturating_sub(here_ms));
        self.target = self.room.tick;
    }

    /// Lets time happen up to now, or as far as this frame may.
    pub(crate) fn advance(&mut self) {
        if !self.room.advance_to(self.target.min(self.limit)) {
            self.pause();
        }
    }

    /// No time passes in this frame: what is tried alone is not blamed for a tick.
    pub(crate) fn stand_still(&mut self) {
        match self.room.paused() {
            true => self.pause(),
            false => self.target = self.room.tick,
        }
    }

    /// Records that the rules broke on the passing of time.
    pub(crate) fn halt(&mut self) {
        self.put(Entry::Halt);
    }

    /// Whether the room is behind the clock after [`Self::advance`]; then actions wait.
    pub(crate) fn lags(&self) -> bool {
        self.room.tick < self.target
    }

    /// Judges an action and writes the verdict down. Call after [`Self::advance`].
    pub(crate) fn act(&mut self, number: u32, kept_from: u64, sent: &Sent) -> Fate {
        self.settle(number, kept_from, sent, Self::verdict)
    }

    /// Rejects an action on which the rules broke. They do not run. Call as [`Self::act`].
    pub(crate) fn set_aside(&mut self, number: u32, kept_from: u64, sent: &Sent) -> Fate {
        self.settle(number, kept_from, sent, |_, _, _, _| Err(Reject::FAULTED))
    }

    fn verdict(&self, by: By, version: u32, body: &[u8]) -> Result<(), Reject> {
        let action = R::read_action(self.room.config(), version, body)?;
        self.room.validate(by, &action)
    }

    fn settle(
        &mut self,
        number: u32,
        kept_from: u64,
        sent: &Sent,
        verdict: impl FnOnce(&Self, By, u32, &[u8]) -> Result<(), Reject>,
    ) -> Fate {
        let Sent { seq, version, body } = sent;
        let (seq, version) = (*seq, *version);
        if self.lags() || self.full() {
            return Fate::Later;
        }
        let hash = BodyHash::of(body);
        let Some(device) = self.room.devices.get(&number) else {
            return Fate::Done;
        };
        let vouched = match device.know(seq, hash) {
            Known::Next => false,
            Known::Gap(_) if seq == kept_from && !mutant::on(Mutant::VouchIgnored) => true,
            _ => return Fate::Done,
        };
        let own = self.room.edition().version;
        // Of rules that this history does not have yet, or no longer: its device sends it again.
        if version > own {
            return Fate::Done;
        }
        let verdict = verdict(self, By::Player(device.player), version, body);
        let entry = match verdict {
            Ok(()) if version < own => Entry::Upcast {
                device: number,
                seq,
                version,
                body: body.clone(),
            },
            Ok(()) => Entry::Act {
                device: number,
                seq,
                body: body.clone(),
            },
            Err(Reject(code)) => Entry::Reject {
                device: number,
                seq,
                code: code.max(1),
                body: hash,
            },
        };
        if vouched {
            self.put(Entry::Vouch {
                device: number,
                mark: seq - 1,
            });
        }
        self.put(entry);
        Fate::Done
    }

    /// Judges what another room sent, in order, and writes the verdicts down. Call after
    /// [`Self::advance`]. A parcel that follows on what this room does not have is let go: the sender
    /// hears the mark, and goes back to it.
    pub(crate) fn receive(&mut self, parcel: &Parcel) -> Fate {
        match orders_of(&parcel.sender) {
            None => self.hear(parcel, Self::verdict),
            Some(_) => self.hear(parcel, Self::verdict_of_order),
        }
    }

    /// Who let an order in may have done so by other rules than the room is on by now.
    fn verdict_of_order(&self, by: By, version: u32, body: &[u8]) -> Result<(), Reject> {
        let action = R::read_action(self.room.config(), version, body)?;
        match R::orders(&action) || mutant::on(Mutant::OrderKindUnasked) {
            true => self.room.validate(by, &action),
            false => Err(Reject::OUTDATED),
        }
    }

    /// Rejects what another room sent, on which the rules broke. They do not run.
    pub(crate) fn set_aside_parcel(&mut self, parcel: &Parcel) {
        self.hear(parcel, |_, _, _, _| Err(Reject::FAULTED));
    }

    fn hear(
        &mut self,
        parcel: &Parcel,
        verdict: impl Fn(&Self, By, u32, &[u8]) -> Result<(), Reject>,
    ) -> Fate {
        for sent in &parcel.sends {
            let Parcel {
                sender, lineage, ..
            } = parcel;
            let mark = self.room.receipt(sender, *lineage).mark;
            if sent.seq <= mark {
                continue;
            }
            if mark < parcel.after && !mutant::on(Mutant::ParcelOutOfOrder) {
                return Fate::Done;
            }
            if self.lags() || self.full() {
                return Fate::Later;
            }
            if orders_of(sender).is_some_and(|user| self.room.orderer(user, *lineage).is_none()) {
                // Its device was forgotten meanwhile, and with it what would tell a copy.
                return Fate::Done;
            }
            let (sender, lineage, number) = (sender.clone(), *lineage, sent.seq);
            let own = self.room.edition().version;
            let entry = match verdict(self, By::Server, own, &sent.body) {
                Ok(()) => Entry::Receive {
                    sender,
                    lineage,
                    number,
                    body: sent.body.clone(),
                },
                Err(Reject(code)) => Entry::Decline {
                    sender,
                    lineage,
                    number,
                    code: code.max(1),
                    body: BodyHash::of(&sent.body),
                },
            };
            if !self.put(entry) {
                // No place for another sender's mark: its sends wait with the sender.
                return Fate::Done;
            }
        }
        Fate::Done
    }

    /// Lets the room do what is due by itself, as much as goes into a frame. Call after everything else.
    pub(crate) fn serve_due(&mut self) {
        for _ in 0..MAX_DUE {
            if self.lags() || self.full() || !self.put(Entry::Due) {
                return;
            }
        }
    }

    /// Notes how far a target has this room's sends. Whether that is news.
    pub(crate) fn acknowledge(
        &mut self,
        target: &str,
        lineage: Lineage,
        upto: u64,
        read_ms: u64,
    ) -> bool {
        self.put(Entry::Acknowledge {
            target: target.into(),
            lineage,
            upto,
            read_ms: read_ms.min(self.now_ms),
        })
    }

    /// The room as it is so far.
    pub(crate) fn room(&self) -> &Room<R> {
        &self.room
    }

    /// Whether anything but time happened.
    pub(crate) fn has_entries(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Whether time happened.
    pub(crate) fn has_ticked(&self) -> bool {
        self.room.tick > self.opened.from_tick
    }

    /// Whether the next thing may not fit; then it waits.
    pub(crate) fn full(&self) -> bool {
        // The largest entry is an action; leave room for one with its vouch, and for a cut.
        self.entries.len() + 3 > MAX_FRAME_ENTRIES
            || self.bytes + crate::limits::MAX_ACTION_BYTES + 256 > MAX_FRAME_BYTES
    }

    fn put(&mut self, entry: Entry) -> bool {
        self.opened.index = self.entries.len() as u64;
        if self.room.enter(&entry, &self.opened).is_err() {
            return false;
        }
        self.bytes += 64
            + match &entry {
                Entry::Act { body, .. } | Entry::Upcast { body, .. } => body.len(),
                Entry::Receive { sender, body, .. } => sender.len() + body.len(),
                Entry::Acknowledge { target: room, .. } | Entry::Decline { sender: room, .. } => {
                    room.len()
                }
                Entry::Register { user, name, .. } => user.len() + name.len(),
                _ => 0,
            };
        self.entries.push(entry);
        true
    }

    /// Signs the draft off with the state's hash.
    pub(crate) fn finish(mut self) -> Drafted<R> {
        let previous = self.base.map_or(Hash::default(), |base| base.hash);
        let mut frame = Frame {
            format: FORMAT,
            v: self.v,
            previous,
            writer: self.writer,
            epoch: self.room.epoch_of(self.writer),
            nonce: self.opened.nonce,
            rules: self.room.newest_rules(),
            tick: self.room.tick,
            time_ms: self.now_ms,
            entries: self.entries,
            state: Hash::default(),
        };
        self.room.settle(&frame);
        frame.state = self.room.measure();
        let bytes = frame.encode();
        self.room.set_hash(Hash::of(&bytes));
        let published = match &self.base {
            Some(base) => delta::publish(&frame, base),
            None => bytes.clone(),
        };
        Drafted {
            frame: bytes,
            published,
            previous,
            room: self.room,
        }
    }
}
