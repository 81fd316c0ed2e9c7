//! Clients as a browser runs them: one request at a time, when the replica says so. Measures what
//! they see.

use std::rc::Rc;

use baton::effect::{Arrival, Call, Content, Outcome};
use baton::{ActError, DeviceId, Identity, Replica};
use serde_bytes::ByteBuf;

use super::stage::{Event, Game, Stage};
use crate::rules::BankAction;
use crate::world::refusal_of;

/// A client and its device.
pub(super) struct Page {
    replica: Replica<Game>,
    user: String,
    /// The request on its way: its number, and when it was sent.
    flying: Option<(u64, u64)>,
    number: u64,
    /// Only the newest wake-up counts.
    token: u64,
    /// Where sticky routing sends it.
    pub(super) place: usize,
    /// The newest version it has.
    pub(super) seen_v: u64,
    /// When the last pushed frame arrives: a socket keeps the order.
    pushed_ms: u64,
}

impl Stage {
    pub(super) fn add_page(&mut self, index: usize) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.random.next_u64().to_le_bytes());
        id[8] = u8::try_from(index).unwrap_or(u8::MAX);
        let user = format!("u{index}");
        self.pages.push(Page {
            replica: Replica::new(&user, DeviceId(id), 1),
            user,
            flying: None,
            number: 0,
            token: 0,
            place: index % self.point.instances,
            seen_v: 0,
            pushed_ms: 0,
        });
        let begin_ms = self.between(0, 1_000);
        self.after(begin_ms, Event::Wake(index, 0));
        let act_ms = self.between(2_000, 2_000 + self.point.act_every_ms);
        self.after(act_ms, Event::Act(index));
    }

    /// Somebody does something, now and again until the end.
    pub(super) fn act(&mut self, index: usize) {
        if self.is_over() {
            return;
        }
        let name = format!("{index}:{}", self.now_ms);
        let acted = self.pages[index]
            .replica
            .act(&BankAction::Say(name.clone()), self.now_ms);
        match acted {
            Ok(_) if self.measures() => drop(self.acted.insert(name, self.now_ms)),
            // Not yet joined, or everything that may wait does.
            Ok(_) | Err(ActError::Joining | ActError::Full) => {}
            Err(error) => panic!("a word is always allowed: {error:?}"),
        }
        let every_ms = self.point.act_every_ms;
        let pause_ms = self.between(every_ms / 2, every_ms + every_ms / 2);
        self.after(pause_ms, Event::Act(index));
        self.rewake(index);
    }

    pub(super) fn wake(&mut self, index: usize, token: u64) {
        let (live, now_ms) = (self.point.live, self.now_ms);
        let page = &mut self.pages[index];
        if page.token != token {
            return;
        }
        if page.flying.is_none() && page.replica.ask_at(live, now_ms) <= now_ms {
            page.number += 1;
            page.flying = Some((page.number, now_ms));
            let identity = Identity {
                user: page.user.clone(),
                name: page.user.clone(),
            };
            let arrival = Arrival {
                who: Some(identity),
                call: Call::Play(ByteBuf::from(page.replica.request(live, now_ms))),
            };
            let slip = (index, page.number);
            if self.measures() {
                self.figures.requests += 1;
            }
            let way_ms = self.way_ms();
            let host = self.route(index);
            match self.breaks() {
                true => self.after(way_ms, Event::Answer(slip, None)),
                false => self.after(way_ms, Event::Request(host, slip, arrival)),
            }
        }
        self.rewake(index);
    }

    /// Sees to it that the page looks again when its replica wants to ask.
    fn rewake(&mut self, index: usize) {
        let (live, now_ms) = (self.point.live, self.now_ms);
        let page = &mut self.pages[index];
        page.token += 1;
        let token = page.token;
        if page.flying.is_none() {
            let at_ms = page.replica.ask_at(live, now_ms).max(now_ms);
            self.after(at_ms - now_ms, Event::Wake(index, token));
        }
    }

    /// An answer, or `None`: the connection broke.
    pub(super) fn answered(&mut self, (index, number): (usize, u64), answer: Option<Outcome>) {
        let now_ms = self.now_ms;
        let page = &mut self.pages[index];
        let Some((_, sent_ms)) = page.flying.filter(|flying| flying.0 == number) else {
            return;
        };
        page.flying = None;
        match answer {
            Some(answer) if answer.content == Content::Reply => {
                let read = page.replica.receive(&answer.body, sent_ms, now_ms);
                assert!(read, "an answer can be read");
            }
            Some(answer) => {
                let (code, expected) = refusal_of(&answer);
                page.replica.refused(code, expected, now_ms);
            }
            None => page.replica.refused(None, None, now_ms),
        }
        self.saw(index);
    }

    /// A frame by socket.
    pub(super) fn pushed(&mut self, index: usize, bytes: &[u8]) {
        let now_ms = self.now_ms;
        self.pages[index].replica.frame(bytes, now_ms);
        self.saw(index);
    }

    /// To every page with a socket.
    pub(super) fn publish(&mut self, bytes: Vec<u8>) {
        if !self.point.live {
            return;
        }
        let bytes = Rc::new(bytes);
        for index in 0..self.pages.len() {
            let at_ms = self.now_ms + self.way_ms();
            let page = &mut self.pages[index];
            page.pushed_ms = page.pushed_ms.max(at_ms);
            let in_ms = page.pushed_ms - self.now_ms;
            self.after(in_ms, Event::Push(index, bytes.clone()));
        }
    }

    /// What the page has by now, that it had not before.
    fn saw(&mut self, index: usize) {
        let page = &mut self.pages[index];
        let _ = page.replica.notes();
        let (before_v, v) = (page.seen_v, page.replica.head().v);
        assert!(v >= before_v, "nothing is lost here");
        page.seen_v = v;
        for at in before_v..v {
            let at = usize::try_from(at).expect("versions of a short run");
            for (author, acted_ms) in &self.committed[at] {
                let waited_ms = self.now_ms - acted_ms;
                match *author == index {
                    true => self.figures.own.push(waited_ms),
                    false => self.figures.others.push(waited_ms),
                }
            }
        }
        self.rewake(index);
    }
}
