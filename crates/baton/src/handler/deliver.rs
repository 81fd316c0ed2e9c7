//! After the answers are made: what the room sends goes to other rooms, and how far they have it is
//! noted. Whoever may lead does it, so that one instance at a time does; that two may is what the
//! targets' marks are for. No trouble here changes an answer.

use alloc::{string::String, vec::Vec};

use super::invocation::{Invocation, Phase};
use super::lead::{self, Else, Led};
use super::warm::Unheard;
use crate::effect::{Effect, Fed, Found, Moment, Outcome, Read};
use crate::id::Lineage;
use crate::kind::Kind;
use crate::lease::Turn;
use crate::limits::{DELIVER_AGAIN_MS, DELIVER_EVERY_MS, MAX_DELIVERIES, MAX_OUTBOX_SENDS};
use crate::parcel::{Parcel, Receipt, read_receipt};
use crate::table::Table;
use crate::wire;

/// Deliveries on their way.
pub(super) struct Round {
    /// The answers that wait for the end.
    outcomes: Vec<Outcome>,
    /// Still to be delivered, the next last.
    parcels: Vec<(String, Parcel)>,
    /// The target that is being asked, and the lineage that it is asked about.
    asked: Option<(String, Lineage)>,
    /// When the first was asked, by the store's time: no mark was read before.
    read_ms: u64,
    receipts: Vec<(String, Lineage, Receipt)>,
}

impl<R: Kind> Invocation<R> {
    /// The end of an invocation, unless there is something to deliver first.
    pub(super) fn conclude(&mut self, outcomes: Vec<Outcome>, moment: &Moment) -> Effect {
        match self.parcels(moment) {
            parcels if parcels.is_empty() => Effect::Reply(outcomes),
            parcels => {
                self.warm.delivered_ms = Some(moment.mono_ms);
                let round = Round {
                    outcomes,
                    parcels,
                    asked: None,
                    read_ms: self.warm.now_ms(moment),
                    receipts: Vec::new(),
                };
                self.deliver(round, moment)
            }
        }
    }

    /// What to deliver now: of committed frames only, and not to the same rooms first every time, lest
    /// those that do not answer hold up the others.
    fn parcels(&self, moment: &Moment) -> Vec<(String, Parcel)> {
        let rested = self
            .warm
            .delivered_ms
            .is_none_or(|last_ms| moment.mono_ms.saturating_sub(last_ms) >= DELIVER_EVERY_MS);
        // Not while the rules are suspected: to note the marks, time has to pass.
        let trusted = self.trap.is_none() && self.warm.attempt.is_none();
        let own = self.warm.foreign.is_none();
        let room = self.warm.room.as_ref().filter(|room| !room.halted());
        let Some(room) = room.filter(|_| rested && own && trusted) else {
            return Vec::new();
        };
        if !self.settings.deliver || matches!(self.turn(moment), Turn::Theirs { .. }) {
            return Vec::new();
        }
        let mut parcels = room.parcels(&self.name, self.warm.now_ms(moment));
        let unheard = &self.warm.unheard;
        parcels.retain(|(target, _)| {
            let again = unheard.get(target).map(|unheard| unheard.again_ms);
            again.is_none_or(|again_ms| moment.mono_ms >= again_ms)
        });
        if !parcels.is_empty() {
            let first = moment.nonce.spread() as usize % parcels.len();
            parcels.rotate_left(first);
            parcels.truncate(MAX_DELIVERIES);
        }
        parcels
    }

    fn deliver(&mut self, mut round: Round, moment: &Moment) -> Effect {
        let Some((target, parcel)) = round.parcels.pop() else {
            return self.acknowledge(round, moment);
        };
        round.asked = Some((target.clone(), parcel.lineage));
        self.phase = Phase::Delivering(round);
        Effect::Deliver {
            target,
            parcel: wire::write(&parcel).into(),
        }
    }

    pub(super) fn delivered(&mut self, mut round: Round, fed: Fed, moment: &Moment) -> Effect {
        let receipt = match &fed {
            Fed::Delivered(bytes) => read_receipt(bytes),
            _ => None,
        };
        match (round.asked.take(), receipt) {
            (Some((target, lineage)), Some(receipt)) => {
                self.warm.unheard.remove(&target);
                round.receipts.push((target, lineage, receipt));
                self.deliver(round, moment)
            }
            (asked, _) => {
                if let Some((target, _)) = asked {
                    self.unheard(target, moment);
                }
                // The answers waited for it, perhaps as long as a host waits for anything.
                self.acknowledge(round, moment)
            }
        }
    }

    fn unheard(&mut self, target: String, moment: &Moment) {
        let before = self.warm.unheard.get(&target);
        let pause_ms = before.map_or(DELIVER_EVERY_MS, |unheard| unheard.pause_ms * 2);
        let pause_ms = pause_ms.min(DELIVER_AGAIN_MS);
        let again_ms = moment.mono_ms + pause_ms;
        // Some may have nothing to take any more; they are no more than a room has targets.
        if self.warm.unheard.len() >= MAX_OUTBOX_SENDS {
            self.warm.unheard = Table::default();
        }
        self.warm
            .unheard
            .insert(target, Unheard { again_ms, pause_ms });
    }

    /// Notes the marks in a frame of its own, on top of what this instance has. If another instance
    /// was faster, it knows the marks too, or will ask for them.
    fn acknowledge(&mut self, round: Round, moment: &Moment) -> Effect {
        match self.note(&round, moment) {
            Some(led) => {
                let read = Read {
                    known: led.room.head(),
                    ..self.read_of()
                };
                let append = led.append.clone();
                self.phase = Phase::Acknowledging(led, round.outcomes);
                Effect::Append(append, read)
            }
            None => Effect::Reply(round.outcomes),
        }
    }

    fn note(&mut self, round: &Round, moment: &Moment) -> Option<Led<R>> {
        if matches!(self.turn(moment), Turn::Theirs { .. }) {
            return None;
        }
        let room = self.warm.room.as_ref()?;
        let contradicted = round.receipts.iter().any(|(target, lineage, receipt)| {
            *lineage == room.lineage() && room.contradicts(target, *lineage, receipt)
        });
        if contradicted {
            self.warm.broken = Some(room.lineage());
        }
        let mut draft = self.draft(self.usual(), moment);
        let mut news = contradicted;
        for (target, lineage, receipt) in &round.receipts {
            news |= draft.acknowledge(target, *lineage, receipt.mark, round.read_ms);
        }
        if !news {
            return None;
        }
        let now_ms = self.warm.now_ms(moment);
        lead::lead(
            draft,
            &mut [],
            &[],
            &[],
            now_ms,
            Else::Nothing,
            self.settings.lease_ms,
        )
    }

    pub(super) fn acknowledged(
        &mut self,
        led: Led<R>,
        outcomes: Vec<Outcome>,
        fed: Fed,
        moment: &Moment,
    ) -> Effect {
        if let Fed::Appended(true, found) = fed {
            self.take_over(led);
            self.refresh(found, moment);
        }
        Effect::Reply(outcomes)
    }

    fn refresh(&mut self, found: Found, moment: &Moment) {
        if self.absorb(found, moment).is_err() {
            self.warm.drop_room();
        }
    }
}
