//! A frame on its way into the log: how it is drafted, and what its append means, known or not.

use super::arrivals::{Asked, read_inbox};
use super::invocation::{Invocation, MAX_READS, Phase};
use super::lead::{self, Else, Led};
use super::warm::Recent;
use crate::effect::{Effect, Found, Moment, Read};
use crate::error::Code;
use crate::id::Head;
use crate::kind::Kind;
use crate::lease::Turn;
use crate::mutant::{self, Mutant};
use crate::room::{Aim, Draft};

impl<R: Kind> Invocation<R> {
    pub(super) fn lead(&mut self, moment: &Moment) -> Option<Effect> {
        if self.warm.attempt.is_some() {
            return self.suspect(moment);
        }
        if let Some(effect) = self.beware(moment) {
            return Some(effect);
        }
        let led = self.lead_all(moment)?;
        Some(self.append(led))
    }

    /// The next frame of everything that there is.
    pub(super) fn lead_all(&mut self, moment: &Moment) -> Option<Led<R>> {
        let (inbox, junk) = read_inbox(&self.warm.inbox);
        let now_ms = self.warm.now_ms(moment);
        let draft = self.draft(self.usual(), moment);
        let nobody = self.warm.room.is_none()
            && inbox.is_empty()
            && self.asked.iter().all(|asked| asked.need.is_none());
        if nobody {
            return None;
        }
        let and = Else::Due {
            idle: self.idle_due(now_ms),
        };
        let lease_ms = self.settings.lease_ms;
        lead::lead(draft, &mut self.asked, &inbox, &junk, now_ms, and, lease_ms)
    }

    pub(super) fn append(&mut self, led: Led<R>) -> Effect {
        let read = Read {
            known: led.room.head(),
            ..self.read_of()
        };
        let append = led.append.clone();
        self.tried = true;
        self.phase = Phase::Appending(led);
        Effect::Append(append, read)
    }

    /// What a frame may reach when nothing is suspected.
    pub(super) fn usual(&self) -> Aim {
        Aim {
            max_ticks: self.settings.catch_up_ticks,
            version: self.wanted,
        }
    }

    pub(super) fn draft(&self, aim: Aim, moment: &Moment) -> Draft<R> {
        let mut draft = Draft::begin(
            self.warm.room.as_ref(),
            &self.config,
            self.writer,
            moment.nonce,
            self.warm.now_ms(moment),
            aim,
        );
        if self.warm.room.is_some() && self.warm.broken.is_some() {
            draft.reset();
        }
        draft
    }

    /// Our frame is in the log: the room after it is ours to go on from.
    pub(super) fn take_over(&mut self, led: Led<R>) {
        let keep = usize::try_from(self.settings.recent).unwrap_or(usize::MAX);
        if self.warm.room.is_none() {
            self.warm.recent = Recent::default();
        }
        self.warm
            .recent
            .push(led.append.hash, led.append.frame, keep);
        self.warm.room = Some(led.room);
        self.warm
            .inbox
            .retain(|item| !led.append.framed.contains(&item.id));
        self.warm.broken = None;
    }

    /// Our frame is in the log.
    pub(super) fn appended(&mut self, led: Led<R>, found: Found, moment: &Moment) -> Effect {
        for (asked, later) in self.asked.iter_mut().zip(&led.later) {
            if !later {
                // Of what is in a frame nothing is certain any more, should this go wrong from here on.
                asked.written |= asked.need.take().is_some();
                asked.waits = false;
            }
        }
        self.take_over(led);
        self.outlived = None;
        self.wait_ms = self.settings.frame_ms;
        match self.absorb(found, moment) {
            Ok(()) => {}
            // The frame was there and is gone, or there is more after it than came: look again,
            // since nobody is answered from a room that is older than what they may have seen.
            Err(_) if self.reads < MAX_READS => return self.read(),
            Err(_) => return self.fail(Code::Retry, moment),
        }
        let theirs = matches!(self.turn(moment), Turn::Theirs { .. });
        if !theirs && let Some(effect) = self.suspect(moment) {
            return effect;
        }
        if self.asked.iter().any(Asked::writes) {
            return self.push();
        }
        self.reply(moment)
    }

    /// The append's outcome was unknown; only the log can tell. An empty or older read proves
    /// nothing: the write may still come.
    pub(super) fn doubt(&mut self, led: Led<R>, found: Found, moment: &Moment) -> Effect {
        let Head { v, hash } = led.room.head();
        if self.absorb(found, moment).is_err() {
            return self.retry(moment);
        }
        match self.warm.recent.hash_at(v) {
            Some(there) if there == hash => {
                for (asked, later) in self.asked.iter_mut().zip(&led.later) {
                    asked.written |= asked.writes() && !later;
                }
                self.decide(moment)
            }
            Some(_) => {
                self.lost += 1;
                self.decide(moment)
            }
            None => {
                for asked in self.asked.iter_mut().filter(|asked| asked.writes()) {
                    asked.refuse(match mutant::on(Mutant::UnknownRejected) {
                        true => Code::Forbidden,
                        false => Code::Retry,
                    });
                }
                self.reply(moment)
            }
        }
    }
}
