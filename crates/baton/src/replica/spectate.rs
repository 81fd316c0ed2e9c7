//! A replica that only watches, fed with what caches hold: the same for all who watch, and perhaps a little old. Decides
//! what to get next, and which of it is no news. A block is named by the hash that it ends in, so that after a loss of the
//! store no cache has the new history under an old name. Must not know how things are fetched.

use alloc::vec::Vec;

use serde_bytes::ByteBuf;

use super::{Note, Replica};
use crate::frame::Frame;
use crate::id::{DeviceId, Hash, Head};
use crate::kind::Kind;
use crate::limits::SEGMENT;
use crate::wire::{self, News, Reply};

/// What a spectator remembers of its sources.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spectating {
    /// The store's time of the newest answer.
    seen_ms: u64,
    /// The room's history is not the one that is shown.
    strayed: bool,
}

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
        let News::Frames(frames) = reply.news else {
            return self.start_over(reply, now_ms);
        };
        let base = match frames.first().map(|first| Frame::decode(first)) {
            None => reply.head,
            Some(Ok(first)) => Head {
                v: first.v.saturating_sub(1),
                hash: first.previous,
            },
            Some(Err(_)) => return Next::Nothing,
        };
        match base.v.checked_sub(self.head().v) {
            Some(0) | None => {}
            Some(missing)
                if missing <= SEGMENT && base.v.is_multiple_of(SEGMENT) && !self.strayed() =>
            {
                return Next::Block(base);
            }
            Some(_) => return Next::Snapshot,
        }
        self.go_on(base, &frames, now_ms)
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
        self.start_over(reply, now_ms);
        self.head() == head
    }

    /// An answer that can be of use. The store's time is at least what it says.
    fn hear(&mut self, bytes: &[u8], now_ms: u64) -> Option<Reply> {
        self.asking.sent(0, now_ms);
        let Some(reply) = wire::read_reply(bytes) else {
            self.asking.failed(now_ms);
            return None;
        };
        self.asking.answered(reply.ask_ms, now_ms);
        let own = self.head();
        let spectating = self.spectating.as_mut()?;
        let later = reply.now_ms > spectating.seen_ms;
        let as_late = reply.now_ms == spectating.seen_ms;
        let shorter = reply.head.v < own.v && !spectating.strayed;
        if !later && (!as_late || shorter) {
            // It lay in a cache for longer than what we have.
            return None;
        }
        spectating.seen_ms = reply.now_ms;
        self.clock.frame(reply.now_ms, now_ms);
        self.plays_by(reply.rules);
        let follows = self.can_follow() && self.desync.is_none() && !self.reload;
        follows.then_some(reply)
    }

    /// Replays what of `frames`, which come after `base`, comes after what we have, if that is in the same history.
    fn go_on(&mut self, base: Head, frames: &[ByteBuf], now_ms: u64) -> Next {
        let own = self.head();
        let after = own.v.checked_sub(base.v);
        let Some(after) = after.and_then(|after| usize::try_from(after).ok()) else {
            return Next::Snapshot;
        };
        let there = match after.checked_sub(1) {
            None => Some(base.hash),
            Some(index) => frames.get(index).map(|frame| Hash::of(frame)),
        };
        if there != Some(own.hash) {
            // An answer that is no older than ours does not have our frame: the store lost it.
            self.stray(true);
            return Next::Snapshot;
        }
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
        self.stray(false);
        if own == reply.head {
            return Next::Nothing;
        }
        let other = strayed || reply.head.v < own.v || self.lineage != Some(reply.lineage);
        if own.v > 0 && other {
            self.notes.push(Note::Reset);
        }
        let room = match &reply.news {
            News::Snapshot(bytes) | News::Reset(bytes) => self.read(bytes),
            News::Frames(_) => None,
        };
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
