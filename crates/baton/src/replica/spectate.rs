//! A replica that only watches, fed with what caches hold: the same for all who watch, and perhaps a little old. Decides
//! what to get next, and which of it is no news. A block is named by the hash that it ends in, so that after a loss of the
//! store no cache has the new history under an old name. Must not know how things are fetched.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::{Note, Replica};
use crate::frame::Frame;
use crate::id::{DeviceId, Hash, Head};
use crate::kind::Kind;
use crate::limits::{SEGMENT, TAIL_MS};
use crate::mutant::{self, Mutant};
use crate::room::Room;
use crate::wire::{self, News, Reply};

/// What a spectator remembers of its sources.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spectating {
    /// The store's time of the newest answer.
    seen_ms: u64,
    /// The room's history is not the one that is shown.
    strayed: bool,
    /// Since when every answer speaks against what is shown, by our own clock, and says that it is older.
    doubted_ms: Option<u64>,
    /// When a loss was told, by our own clock: caches may hold what was lost for a while.
    reset_ms: Option<u64>,
}

/// After so long, in milliseconds, what speaks against what is shown is no longer what a cache still holds, however old it
/// says that it is: where no store tells the time, instances' clocks do, which may be minutes apart.
const DOUBT_MS: u64 = 10 * TAIL_MS as u64;

/// What a spectator gets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing. The tail again, when it is time to ask.
    Nothing,
    /// The full block that ends in this frame, for [`Replica::block`].
    Block(Head),
    /// The room as it is, for [`Replica::snapshot`]: more is missing than a block, or what is here is not its history.
    Snapshot,
}

impl<R: Kind> Replica<R> {
    /// A replica of nobody, that only watches: it gets [`Self::tail`], [`Self::block`] and [`Self::snapshot`], asks nothing
    /// and says nothing.
    pub fn spectator() -> Self {
        Self {
            spectating: Some(Spectating::default()),
            ..Self::new("", DeviceId::default(), 0)
        }
    }

    /// Takes in a room's tail as a cache may hold it. The same tail again is no mistake.
    pub fn tail(&mut self, bytes: &[u8], now_ms: u64) -> Next {
        let Some(reply) = self.hear(bytes, now_ms) else {
            return Next::Nothing;
        };
        let own = self.head();
        let News::Frames(frames) = &reply.news else {
            return match self.believes(&reply, reply.head == own, now_ms) {
                true => self.start_over(reply, now_ms),
                false => Next::Nothing,
            };
        };
        let base = match frames.first().map(|first| Frame::decode(first)) {
            None => reply.head,
            Some(Ok(first)) => Head {
                v: first.v.saturating_sub(1),
                hash: first.previous,
            },
            Some(Err(_)) => return Next::Nothing,
        };
        let missing = base.v.saturating_sub(own.v);
        // The block tells whether it goes on from what we have.
        let near = missing <= SEGMENT && base.v.is_multiple_of(SEGMENT) && !self.strayed();
        let goes_on = match missing {
            0 => hash_at(own.v, base, frames) == Some(own.hash),
            _ => near,
        };
        if !self.believes(&reply, goes_on, now_ms) {
            return Next::Nothing;
        }
        match missing {
            0 => self.go_on(base, frames, now_ms),
            _ if near => Next::Block(base),
            _ => Next::Snapshot,
        }
    }

    /// Takes in a full block. Whether it brought us on: then hand over the tail again that named it.
    pub fn block(&mut self, bytes: &[u8], now_ms: u64) -> bool {
        let before = self.head();
        let Ok((frames, [])) = postcard::take_from_bytes::<Vec<ByteBuf>>(bytes) else {
            return false;
        };
        let Some(Ok(first)) = frames.first().map(|first| Frame::decode(first)) else {
            return false;
        };
        let base = Head {
            v: first.v.saturating_sub(1),
            hash: first.previous,
        };
        self.go_on(base, &frames, now_ms);
        self.head().v > before.v
    }

    /// Takes in the room as it is. Whether that is what is shown now; if not, the tail will tell.
    pub fn snapshot(&mut self, bytes: &[u8], now_ms: u64) -> bool {
        let Some(reply) = self.hear(bytes, now_ms) else {
            return false;
        };
        let head = reply.head;
        if self.believes(&reply, head == self.head(), now_ms) {
            self.start_over(reply, now_ms);
        }
        self.head() == head
    }

    /// An answer that can be read.
    fn hear(&mut self, bytes: &[u8], now_ms: u64) -> Option<Reply> {
        self.asking.sent(0, now_ms);
        let Some(reply) = wire::read_reply(bytes) else {
            self.asking.failed(now_ms);
            return None;
        };
        self.asking.answered(reply.ask_ms, now_ms);
        Some(reply)
    }

    /// Whether an answer is of use. If it goes on from what we have it is, however old, but just after a loss; what speaks
    /// against that may have lain in a cache for longer. The store's time is at least what it says.
    fn believes(&mut self, reply: &Reply, goes_on: bool, now_ms: u64) -> bool {
        let own = self.head();
        let Some(spectating) = &mut self.spectating else {
            return false;
        };
        let later = reply.now_ms > spectating.seen_ms;
        let as_late = reply.now_ms == spectating.seen_ms;
        let shorter = reply.head.v < own.v && !spectating.strayed;
        let reset = spectating.reset_ms;
        let lately = reset.is_some_and(|at_ms| now_ms < at_ms.saturating_add(DOUBT_MS));
        let by_clock = mutant::on(Mutant::ClockBelieved);
        let follows = goes_on && !lately && !spectating.strayed && !by_clock;
        let timely = later || as_late && !shorter || follows || mutant::on(Mutant::CacheBelieved);
        if !timely {
            let since_ms = *spectating.doubted_ms.get_or_insert(now_ms);
            if now_ms < since_ms.saturating_add(DOUBT_MS) || by_clock {
                return false;
            }
            // What said that it was newer came from a clock ahead.
            spectating.seen_ms = 0;
        }
        spectating.doubted_ms = None;
        spectating.seen_ms = spectating.seen_ms.max(reply.now_ms);
        self.clock.frame(reply.now_ms, now_ms);
        self.plays_by(reply.rules);
        self.can_follow() && self.desync.is_none() && !self.reload
    }

    /// Replays what of `frames`, which come after `base`, comes after what we have, if that is in the same history.
    fn go_on(&mut self, base: Head, frames: &[ByteBuf], now_ms: u64) -> Next {
        let own = self.head();
        if hash_at(own.v, base, frames) != Some(own.hash) {
            // An answer that is no older than ours does not have our frame: the store lost it.
            self.stray(true);
            return Next::Snapshot;
        }
        self.stray(false);
        let after = usize::try_from(own.v - base.v).unwrap_or(usize::MAX);
        for frame in frames.iter().skip(after) {
            self.replay(frame);
        }
        if self.head() != own {
            self.recognise(now_ms);
        }
        Next::Nothing
    }

    /// Begins with the room that a snapshot brings, or with none.
    fn start_over(&mut self, reply: Reply, now_ms: u64) -> Next {
        let own = self.head();
        let strayed = self.strayed();
        if own == reply.head {
            self.stray(false);
            return Next::Nothing;
        }
        let room = match &reply.news {
            News::Snapshot(bytes) | News::Reset(bytes) => self.read(bytes),
            News::Frames(_) => None,
        };
        // Told by itself, as players are: who passed it on may not be able to read it, and has only the one of the change of
        // rules. Whether that is of our history nothing tells once we strayed.
        let head = room.as_ref().map(Room::head).unwrap_or_default();
        let passed_on = head.v < reply.head.v;
        if passed_on && own.v > 0 && (strayed || head.v <= own.v) {
            return Next::Nothing;
        }
        self.stray(false);
        // What comes later in the same history may have ours in it, as far as a room alone can tell.
        let longer = head.v > own.v || head.v == own.v && mutant::on(Mutant::JumpUntold);
        let other = strayed || !longer || self.lineage != room.as_ref().map(Room::lineage);
        if own.v > 0 && other {
            self.notes.push(Note::Reset);
            if let Some(spectating) = &mut self.spectating {
                spectating.reset_ms = Some(now_ms);
            }
        }
        self.restart_from(room);
        self.recognise(now_ms);
        Next::Nothing
    }

    fn strayed(&self) -> bool {
        self.spectating.is_some_and(|spectating| spectating.strayed)
    }

    fn stray(&mut self, strayed: bool) {
        if let Some(spectating) = &mut self.spectating {
            spectating.strayed = strayed;
        }
    }
}

/// The hash at a version of a line of frames that comes after `base`.
fn hash_at(v: u64, base: Head, frames: &[ByteBuf]) -> Option<Hash> {
    let after = usize::try_from(v.checked_sub(base.v)?).ok()?;
    match after.checked_sub(1) {
        None => Some(base.hash),
        Some(index) => frames.get(index).map(|frame| Hash::of(frame)),
    }
}
