//! What comes in: replies, pushed frames, refusals. Decides what is believed, and what it means for
//! the device's own actions.

use serde_bytes::ByteBuf;

use super::{Desync, Note, Replica, TRAIL};
use crate::delta::{self, Received};
use crate::error::Code;
use crate::id::{DeviceId, Hash};
use crate::kind::Kind;
use crate::room::{ReplayError, Room};
use crate::wire::{self, News, Reply};

impl<R: Kind> Replica<R> {
    /// Takes in a reply. Whether it was one; if not, nothing changed but that we ask again.
    pub fn receive(&mut self, bytes: &[u8], sent_ms: u64, now_ms: u64) -> bool {
        let Some(reply) = wire::read_reply(bytes) else {
            self.asking.failed(now_ms);
            return false;
        };
        self.clock.reply(reply.now_ms, sent_ms, now_ms);
        self.asking.answered(reply.ask_ms, now_ms);
        self.halted = false;
        self.plays_by(reply.rules);
        if self.can_follow() {
            self.take(reply);
            self.recognise(now_ms);
        } else if let Some(standing) = reply.device.filter(|_| self.asker == self.queue.id) {
            // What comes cannot be replayed here, but our actions are answered all the same: those that
            // the host has seen. It names no bodies, and a copy of this device may have been first to
            // use a number that we have not sent yet.
            self.queue.number = Some(standing.number);
            self.settle(standing.mark, |seq| standing.verdict(seq), now_ms);
        }
        true
    }

    /// The room's rules are of this version now.
    pub(super) fn plays_by(&mut self, version: u32) {
        if version > R::LAST && self.rules <= R::LAST {
            self.notes.push(Note::Reload);
        }
        self.rules = version;
    }

    fn settle(&mut self, mark: u64, verdict: impl Fn(u64) -> Option<u16>, now_ms: u64) {
        let sure = self.carried;
        for (seq, code) in self.queue.settle(mark, sure, verdict, now_ms) {
            self.notes.push(Note::Answer { seq, code });
        }
    }

    fn take(&mut self, reply: Reply) {
        match reply.news {
            News::Frames(frames) => {
                for frame in frames {
                    self.replay(&frame);
                }
            }
            News::Snapshot(bytes) => {
                let room = self.read(&bytes);
                // Older than what came meanwhile. Told by itself: who passed it on may not be able
                // to read it.
                let late = |own: &Room<R>| {
                    room.as_ref().is_some_and(|room| {
                        room.lineage() == own.lineage() && room.head().v <= own.head().v
                    })
                };
                let late = self.synced.as_ref().is_some_and(late);
                if !late && self.head() != self.asked {
                    // It answers a cursor that we no longer have: whether it continues what was pushed
                    // since, nobody checked. Ask with the one we do have.
                    self.asking.doubt();
                } else if !late {
                    let (old, mark) = (self.lineage, self.mark());
                    self.restart_from(room);
                    // Another history; or the same, but without what it had of us: the store lost
                    // it, or the room forgot this device.
                    let less = self.mark() < mark && !self.is_forgotten();
                    if old.is_some() && old != self.lineage || less {
                        self.notes.push(Note::Reset);
                    }
                }
            }
            News::Reset(_) if self.head() != self.asked => self.asking.doubt(),
            News::Reset(bytes) => {
                self.notes.push(Note::Reset);
                let room = self.read(&bytes);
                self.restart_from(room);
            }
        }
        // Frames that a socket should bring may still be on their way.
        self.asking.expect(self.head().v, reply.head.v);
    }

    /// The room's mark of this device, as far as it is synced.
    fn mark(&self) -> u64 {
        let room = self.synced.as_ref();
        let standing = room.and_then(|room| room.standing(&self.user, self.queue.id));
        standing.map_or(0, |standing| standing.mark())
    }

    /// Whether the room evicted the number under which this device acts.
    fn is_forgotten(&self) -> bool {
        let gone = |room: &Room<R>| self.queue.number.map(|number| room.was_evicted(number));
        self.synced.as_ref().and_then(gone) == Some(true)
    }

    /// A snapshot that a host sent; nothing for a room that is not there.
    pub(super) fn read(&mut self, snapshot: &[u8]) -> Option<Room<R>> {
        let room = Room::restore(snapshot);
        if room.is_none() && !snapshot.is_empty() {
            self.outdated();
        }
        room
    }

    pub(super) fn restart_from(&mut self, room: Option<Room<R>>) {
        self.lineage = room.as_ref().map(Room::lineage);
        self.synced = room;
        self.asking.begin_anew();
    }

    fn outdated(&mut self) {
        if !self.reload {
            self.reload = true;
            self.notes.push(Note::Reload);
        }
    }

    /// Takes in a frame that was pushed. One that does not follow is fetched with the next request.
    pub fn frame(&mut self, bytes: &[u8], now_ms: u64) {
        let before = self.head().v;
        match delta::receive(bytes, self.synced.as_ref()) {
            Received::Frame(whole) => self.replay(&whole),
            Received::Later(v) if v <= before => {}
            Received::Later(v) => self.asking.expect(before, v),
            // Another history than ours: the host has to tell us what is left of it.
            Received::Other => self.asking.doubt(),
            Received::Unknown => self.outdated(),
        }
        if self.head().v > before {
            self.asking.heard(now_ms);
            if let Some(room) = &self.synced {
                self.clock.frame(room.time_ms(), now_ms);
            }
            self.recognise(now_ms);
        }
    }

    pub(super) fn replay(&mut self, bytes: &[u8]) {
        if self.desync.is_some() || self.reload || !self.can_follow() {
            return;
        }
        let replayed = match &mut self.synced {
            Some(room) => room.replay(bytes).map(|_| ()),
            None => Room::genesis(bytes).map(|room| self.synced = Some(room)),
        };
        match replayed {
            Ok(()) => self.remember(),
            // Of an older one that says nothing.
            Err(ReplayError::NotNext { found, .. }) => self.asking.expect(self.head().v, found),
            // Another history than ours: the host has to tell us what is left of it.
            Err(ReplayError::Previous) => self.asking.doubt(),
            Err(ReplayError::Rules(edition)) if edition.version > R::LAST => {
                self.plays_by(edition.version);
            }
            // The host will send the room instead.
            Err(ReplayError::Rules(edition)) if edition.version < R::FIRST => self.asking.doubt(),
            Err(ReplayError::Rules(_) | ReplayError::Frame(_)) => self.outdated(),
            Err(ReplayError::State { expected, computed }) => {
                self.disagree(bytes, expected, computed);
            }
            Err(ReplayError::Order | ReplayError::Entry(_)) => {
                self.disagree(bytes, Hash::default(), Hash::default());
            }
        }
        self.lineage = self.synced.as_ref().map(Room::lineage);
    }

    fn remember(&mut self) {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(self.head());
    }

    fn disagree(&mut self, frame: &[u8], expected: Hash, computed: Hash) {
        let Some(room) = self.synced.take() else {
            return;
        };
        self.desync = Some(Desync {
            v: room.head().v,
            expected,
            computed,
            frame: ByteBuf::from(frame),
            room: ByteBuf::from(room.snapshot()),
        });
        self.notes.push(Note::Desync);
    }

    /// A request was refused with a code, or failed without one (`None`).
    pub fn refused(&mut self, code: Option<Code>, expected: Option<u64>, now_ms: u64) {
        self.asking.failed(now_ms);
        match code {
            Some(Code::Protocol) => self.outdated(),
            Some(Code::Halted) => self.halted = true,
            _ if self.asker != self.queue.id => {}
            Some(Code::Unregistered) => self.registration_lost(),
            Some(Code::Evicted | Code::Conflict) => self.evicted(),
            Some(Code::Gap) => {
                if let Some(expected) = expected {
                    self.queue.rewind(expected);
                }
            }
            _ => {}
        }
    }

    fn registration_lost(&mut self) {
        // The same id, a new number; everything that is still here is sent again.
        self.queue.number = None;
        self.queue.rewind(1);
    }

    fn evicted(&mut self) {
        let lost = self.queue.pending().count();
        let known = self
            .notes
            .iter()
            .any(|note| matches!(note, Note::Evicted { .. }));
        if !known {
            self.notes.push(Note::Evicted { lost });
        }
    }

    /// Takes a new device id after [`Note::Evicted`]; what was pending is lost.
    pub fn renew(&mut self, id: DeviceId, now_ms: u64) -> usize {
        let lost = self.queue.renew(id);
        self.rebase(now_ms);
        lost
    }

    /// What a room that was taken in means for the device. That it lacks our registration may only say that it is an older one:
    /// whether that is lost, the host says. Who registers anew although it was evicted meanwhile has done again what was answered.
    pub(super) fn recognise(&mut self, now_ms: u64) {
        self.asking.reached(self.head().v);
        let standing = self
            .synced
            .as_ref()
            .and_then(|room| room.standing(&self.user, self.queue.id));
        match standing {
            // Also when a late copy of its registration has given the id another number since.
            _ if self.is_forgotten() => self.evicted(),
            Some(standing)
                if self
                    .queue
                    .conflicts(|seq, body| standing.conflicts(seq, body)) =>
            {
                self.evicted();
            }
            Some(standing) => {
                self.queue.number = Some(standing.number);
                let mark = standing.mark();
                let verdict = |seq| standing.verdict(seq);
                if !self.leaving {
                    self.opened |= self.queue.reopen(standing.device, self.opened);
                }
                let answers = self.queue.settle(mark, u64::MAX, verdict, now_ms);
                let answer = |(seq, code)| Note::Answer { seq, code };
                self.notes.extend(answers.into_iter().map(answer));
            }
            None => {}
        }
        self.rebase(now_ms);
    }
}
