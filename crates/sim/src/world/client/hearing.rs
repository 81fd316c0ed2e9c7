//! What reaches a device: answers, refusals, pushed frames, or nothing; and what it may believe then.

use baton::effect::{Content, Outcome as Answer};
use baton::{Code, Note, Status, limits, wire};
use serde_json::json;

use crate::check::client::{predicts, took};
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::later::Game;
use crate::world::{Event, Slip, World};

/// Within how long who is told to load another page does, in milliseconds.
const RELOAD_MS: u64 = 5_000;
/// One prediction in so many is held against what it must be.
const PREDICTIONS: u32 = 8;

impl<R: Game> World<R> {
    /// Notes that a request arrived after a later one of its device.
    pub(in crate::world) fn see_order(&mut self, index: usize, number: u64) {
        let page = &mut self.clients[index];
        if number < page.arrived {
            self.counters.saw(4);
        }
        page.arrived = page.arrived.max(number);
    }

    /// An answer arrives.
    pub(in crate::world) fn answered(&mut self, slip: &Slip, answer: &Answer) -> Checked {
        if let Some(carried) = &slip.carried {
            return self.carried(carried, answer);
        }
        if let Some(spectator) = slip.spectator {
            return self.spectator_hears(spectator, answer);
        }
        if let Some(room) = slip.forger {
            return self.forger_hears(room, slip, answer);
        }
        if slip.order.is_some() {
            return self.order_answered(slip, answer);
        }
        let Some((index, life, number)) = slip.client else {
            return Ok(());
        };
        let page = &mut self.clients[index];
        let waits = page.life == life && page.is_online(self.now_ms);
        let Some((_, sent_ms)) = page.flying.filter(|flying| waits && flying.0 == number) else {
            return Ok(());
        };
        page.flying = None;
        self.counters.replies += 1;
        self.receive(index, &slip.asked, answer, sent_ms)?;
        let what = format!("{:?}", answer.status);
        self.hear(index, &what)
    }

    /// A device takes in what an instance answered to the request that it sent at `sent_ms` of its own time.
    pub(in crate::world) fn receive(
        &mut self,
        index: usize,
        asked: &Asked,
        answer: &Answer,
        sent_ms: u64,
    ) -> Checked {
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        if answer.content == Content::Reply {
            page.heard_ms = self.now_ms;
            let read = page.replica.receive(&answer.body, sent_ms, local_ms);
            hold(read, "9: an answer can be read", || {
                format!("by client {index}")
            })?;
            // Of the rules before, or of later ones than the room has: its head stays where it is.
            if matches!(
                page.replica.status(local_ms),
                Status::Reload | Status::Waiting
            ) {
                page.told.beyond = wire::read_reply(&answer.body).map(|reply| reply.head);
            }
        } else {
            let (code, expected) = refusal_of(answer);
            let owner = (page.user.clone(), page.asker);
            page.replica.refused(code, expected, local_ms);
            let accounts = &self.accounts[page.room];
            let trouble = self.troubled && self.phase.is_troubled();
            let caused = match code {
                // What has a place keeps it, unless the store loses it; a leader whose frame was not
                // appended may have counted those that it would have registered.
                Some(Code::DeviceLimit) => {
                    page.no_place_ms = Some(self.now_ms);
                    let oracle = &accounts.book.oracle;
                    trouble || accounts.losses > 0 || oracle.has_no_place(&page.user, None)
                }
                // Another of its user's took its place; whether it might, the log was asked when it happened.
                Some(Code::Evicted) => trouble || accounts.book.oracle.device(&owner).is_none(),
                // A page that is loaded again takes its number from the room that it kept, also if that history is lost and
                // nothing of it was heard since, as of a device that there is no place for.
                Some(Code::Unregistered) => {
                    let known = accounts.book.oracle.device(&owner).is_some();
                    trouble || accounts.losses > 0 && !known
                }
                // More of them lag behind than one invocation looks up.
                Some(Code::Retry) if asked.cursors > limits::MAX_OLD_CURSORS => true,
                Some(Code::Halted) => accounts.halts > 0,
                // Builds that lack the rules of the room.
                Some(Code::Rules) => self.plan.rollout.is_some() && trouble,
                // A copy of the device was first to use the number, at any time.
                Some(Code::Conflict) if accounts.ledger.is_doubled(&owner) => true,
                _ => trouble,
            };
            refusal(code, caused, true, accounts.is_damaged(self.now_ms))?;
        }
        Ok(())
    }

    /// A pushed frame arrives.
    pub(in crate::world) fn pushed(&mut self, index: usize, life: u32, bytes: &[u8]) -> Checked {
        let page = &mut self.clients[index];
        if page.life != life || !page.is_online(self.now_ms) {
            return Ok(());
        }
        let local_ms = page.local_ms(self.now_ms);
        page.replica.frame(bytes, local_ms);
        self.hear(index, "frame")
    }

    /// Something was taken in: what it means, and whether it may.
    pub(in crate::world) fn hear(&mut self, index: usize, what: &str) -> Checked {
        let page = &mut self.clients[index];
        let notes = page.replica.notes();
        let owner = page.owner();
        let accounts = &self.accounts[page.room];
        let books = (&accounts.book, &accounts.tree);
        let own = |seq: u64| page.own.get(&(owner.clone(), seq));
        let answers = took(
            &mut page.told,
            &owner,
            &page.replica,
            &notes,
            books,
            own,
            (accounts.losses, accounts.switched, self.now_ms),
        )?;
        self.counters.answers += answers;
        let v = page.replica.head().v;
        if notes.contains(&Note::Reset) {
            self.counters.resets += 1;
        }
        let evicted = notes
            .iter()
            .any(|note| matches!(note, Note::Evicted { .. }));
        let pending = page.replica.pending();
        self.note(
            &format!("client {index}"),
            "heard",
            (index as u64, v),
            || json!({ "of": what, "v": v, "pending": pending, "notes": format!("{notes:?}") }),
        );
        if notes.contains(&Note::Reload) {
            let (life, in_ms) = (self.clients[index].life, self.between(0, RELOAD_MS));
            self.after(
                in_ms,
                Event::Reload {
                    client: index,
                    life,
                },
            );
        }
        if evicted {
            self.renew(index);
        }
        if self.random.chance(1, PREDICTIONS) {
            self.check_prediction(index)?;
            let page = &mut self.clients[index];
            page.saved = page.replica.save();
            page.saved_room = page.replica.save_room();
        }
        self.rewake(index);
        Ok(())
    }

    fn renew(&mut self, index: usize) {
        let id = self.new_device();
        let page = &mut self.clients[index];
        let owner = page.owner();
        let local_ms = page.local_ms(self.now_ms);
        page.replica.renew(id, local_ms);
        page.saved = page.replica.save();
        let room = page.room;
        self.accounts[room].ledger.give_up(&owner);
    }

    pub(super) fn check_prediction(&self, index: usize) -> Checked {
        let page = &self.clients[index];
        match page.pending() {
            Some(pending) => predicts(&page.replica, &pending),
            None => Ok(()),
        }
    }

    /// The client stops waiting for an answer.
    pub(in crate::world) fn give_up(&mut self, index: usize, life: u32, number: u64) -> Checked {
        let page = &mut self.clients[index];
        if page.life != life || page.flying.is_none_or(|flying| flying.0 != number) {
            return Ok(());
        }
        page.flying = None;
        let local_ms = page.local_ms(self.now_ms);
        page.replica.refused(None, None, local_ms);
        let hosts = self.hosts.len();
        let favourite = self.below(hosts);
        self.clients[index].favourite = favourite;
        self.hear(index, "nothing")
    }
}

/// The code of a refused request, and the expected number of a gap.
pub(crate) fn refusal_of(answer: &Answer) -> (Option<Code>, Option<u64>) {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let name = body["code"].as_str().unwrap_or_default();
    let code = Code::ALL.into_iter().find(|code| code.name() == name);
    (code, body["expected"].as_u64())
}
