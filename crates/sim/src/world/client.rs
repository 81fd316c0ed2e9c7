//! Devices as a page runs them: one request at a time, everything kept before it is sent, pages that
//! are loaded again, storage that is copied or lost. The replica decides when to ask and what to
//! believe; here is only what befalls it.

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call, Content, Outcome as Answer};
use baton::{Code, DeviceId, Identity, Note, Replica, wire};
use serde_json::json;

use super::{Event, Game, Phase, Slip, World};
use crate::check::client::{Told, predicts, took};
use crate::check::ledger::Owner;
use crate::check::oracle::Oracle;
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::clock::START_MS;
use crate::plan::Routing;
use crate::rules::{BankAction, MOST};

/// Ten years, in milliseconds: how far devices' clocks are off.
const DECADE_MS: u64 = 315_360_000_000;
/// One prediction in so many is held against what it must be.
const PREDICTIONS: u32 = 8;

/// A device of a user, in one room.
pub(super) struct Client<R: Game> {
    pub(super) room: usize,
    user: String,
    pub(super) replica: Replica<R>,
    /// What is on disk.
    saved: Vec<u8>,
    saved_room: Option<Vec<u8>>,
    /// Another with each page.
    pub(super) life: u32,
    /// The request on its way, and when it was sent by the device's clock.
    flying: Option<(u64, u64)>,
    /// The device that sent the last one: it may have taken a new id since.
    asker: DeviceId,
    number: u64,
    /// The newest request that reached an instance.
    arrived: u64,
    /// The device's clock less the run's.
    base_ms: u64,
    /// Frames are pushed to it.
    pub(super) live: bool,
    offline_until_ms: u64,
    act_at_ms: u64,
    token: u64,
    favourite: usize,
    pub(super) told: Told,
    /// The last reply that was none of a refusal.
    pub(super) heard_ms: u64,
    /// When it was last told that there is no place for it.
    pub(super) no_place_ms: Option<u64>,
    /// The bodies that this device made and kept.
    own: BTreeMap<(Owner, u64), Vec<u8>>,
}

impl<R: Game> Client<R> {
    pub(super) fn is_online(&self, now_ms: u64) -> bool {
        now_ms >= self.offline_until_ms
    }

    /// The user and the device's id.
    pub(super) fn owner(&self) -> Owner {
        (self.user.clone(), self.replica.device())
    }

    /// The next request.
    pub(super) fn request(&mut self, live: bool, local_ms: u64) -> Vec<u8> {
        self.asker = self.replica.device();
        self.replica.request(live, local_ms)
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            user: self.user.clone(),
            name: self.user.clone(),
        }
    }

    /// Whether it waits for the answer to a request that it sent no later than that.
    pub(super) fn waits_since(&self, now_ms: u64) -> bool {
        let sent_ms = self.flying.map(|(_, sent_ms)| sent_ms);
        sent_ms.is_some_and(|sent_ms| sent_ms <= self.local_ms(now_ms))
    }

    pub(super) fn local_ms(&self, now_ms: u64) -> u64 {
        self.base_ms + now_ms
    }

    /// Whether the device is no part of the room, and was told why after `since_ms`. One that has acted was
    /// a part of it once: only a store that lost its registration (`losses`) can have let others have its place.
    pub(super) fn has_no_place(
        &self,
        oracle: &Oracle,
        losses: u64,
        since_ms: u64,
        now_ms: u64,
    ) -> bool {
        let told = self.no_place_ms.is_some_and(|told_ms| told_ms >= since_ms);
        let outside =
            self.replica.player().is_none() && (self.replica.pending() == 0 || losses > 0);
        told && outside && oracle.has_no_place(&self.user, Some(now_ms))
    }

    /// The bodies that wait for an answer, if nothing of them was let go of.
    fn pending(&self) -> Option<Vec<Vec<u8>>> {
        let owner = self.owner();
        let synced = self.replica.synced()?;
        let mark = synced.standing(&owner.0, owner.1)?.mark();
        let range = (owner.clone(), mark + 1)..=(owner, u64::MAX);
        let pending: Vec<_> = self
            .own
            .range(range)
            .map(|(_, body)| body.clone())
            .collect();
        (pending.len() == self.replica.pending()).then_some(pending)
    }
}

impl<R: Game> World<R> {
    pub(super) fn add_client(&mut self, index: usize) {
        let user = format!("u{}", index % self.plan.users);
        let id = self.new_device();
        let replica = Replica::new(&user, id, 1);
        let live = self.random.below(100) < self.plan.sockets;
        let client = Client {
            room: index / self.plan.users.max(1) % self.plan.rooms,
            user,
            saved: replica.save(),
            saved_room: None,
            replica,
            life: 0,
            flying: None,
            asker: id,
            number: 0,
            arrived: 0,
            base_ms: self.new_base(),
            live,
            offline_until_ms: 0,
            act_at_ms: self.between(0, 3_000),
            token: 0,
            favourite: self.below(self.plan.instances),
            told: Told::default(),
            heard_ms: 0,
            no_place_ms: None,
            own: BTreeMap::new(),
        };
        self.clients.push(client);
        let token = 0;
        let begin_ms = self.between(0, 2_000);
        self.after(
            begin_ms,
            Event::Wake {
                client: index,
                token,
            },
        );
    }

    pub(super) fn new_device(&mut self) -> DeviceId {
        self.devices += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.devices.to_le_bytes());
        id[8..].copy_from_slice(&self.random.next_u64().to_le_bytes());
        DeviceId(id)
    }

    /// A page's clock: from its load, or the wall's, which may be ten years off.
    fn new_base(&mut self) -> u64 {
        [0, START_MS, START_MS + DECADE_MS, START_MS - DECADE_MS][self.below(4)]
    }

    /// A device looks at what is due: an action, a request.
    pub(super) fn wake(&mut self, index: usize, token: u64) -> Checked {
        if self.clients[index].token != token {
            return Ok(());
        }
        if self.now_ms >= self.night_until_ms {
            if self.phase == Phase::Faults && self.now_ms >= self.clients[index].act_at_ms {
                let every_ms = u64::from(self.plan.act_every_ms);
                let pause_ms = self.between(every_ms / 2, every_ms + every_ms / 2);
                self.clients[index].act_at_ms = self.now_ms + pause_ms;
                self.act(index)?;
            }
            let page = &mut self.clients[index];
            let local_ms = page.local_ms(self.now_ms);
            if page.flying.is_none() && page.replica.ask_at(page.live, local_ms) <= local_ms {
                self.ask(index);
            }
        }
        self.rewake(index);
        Ok(())
    }

    /// Sees to it that the device looks again when something is due.
    pub(super) fn rewake(&mut self, index: usize) {
        let page = &mut self.clients[index];
        page.token += 1;
        let token = page.token;
        let acts_ms = match self.phase {
            Phase::Faults => page.act_at_ms,
            _ => u64::MAX,
        };
        let asks_ms = match page.flying {
            Some(_) => u64::MAX,
            None => {
                let local_ms = page.local_ms(self.now_ms);
                let in_ms = page
                    .replica
                    .ask_at(page.live, local_ms)
                    .saturating_sub(local_ms);
                self.now_ms.saturating_add(in_ms)
            }
        };
        let at_ms = acts_ms.min(asks_ms).max(self.night_until_ms);
        if at_ms < u64::MAX {
            self.at(
                at_ms,
                Event::Wake {
                    client: index,
                    token,
                },
            );
        }
    }

    fn act(&mut self, index: usize) -> Checked {
        let action = self.draw_action();
        let faults = self.faults();
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        let Ok(seq) = page.replica.act(&action, local_ms) else {
            return Ok(());
        };
        if self.chance(faults.unsaved) {
            // The tab is killed before the action was kept: it never was.
            return self.reload(index);
        }
        self.keep_action(index, seq, &action);
        self.counters.actions += 1;
        self.note(
            &format!("client {index}"),
            "act",
            (index as u64, seq),
            || json!({ "seq": seq, "action": format!("{action:?}") }),
        );
        self.check_prediction(index)?;
        // Killed between keeping and sending.
        match self.chance(faults.reload) {
            true => self.reload(index),
            false => Ok(()),
        }
    }

    /// An action is on disk from now on.
    pub(super) fn keep_action(&mut self, index: usize, seq: u64, action: &BankAction) {
        let body = wire::write(action);
        let page = &mut self.clients[index];
        page.saved = page.replica.save();
        let owner = page.owner();
        page.own.insert((owner.clone(), seq), body.clone());
        let room = page.room;
        self.accounts[room].ledger.keep(&owner, seq, body);
    }

    fn draw_action(&mut self) -> BankAction {
        let amount = i64::from(self.random.below(100));
        let other = self.random.below(8);
        match self.random.below(20) {
            0..=6 => BankAction::Add(amount),
            7..=11 => BankAction::Spend(amount),
            12 => BankAction::Fine(amount),
            13 | 14 => BankAction::Give(other, amount),
            15 | 16 => BankAction::Roll,
            17 => BankAction::Arm(u64::from(self.random.below(100))),
            18 => BankAction::Add(MOST + 1 + amount),
            _ => BankAction::Say("x".repeat(usize::try_from(amount).unwrap_or(0))),
        }
    }

    /// The page is loaded again: only what is on disk is left.
    pub(super) fn reload(&mut self, index: usize) -> Checked {
        let base_ms = self.new_base();
        let warm = self.random.chance(1, 2);
        let page = &mut self.clients[index];
        page.life += 1;
        page.flying = None;
        page.base_ms = base_ms;
        page.replica =
            Replica::resume(&page.user, &page.saved, 1).expect("what was saved is whole");
        // The new session is kept before it is used.
        page.saved = page.replica.save();
        if warm && let Some(room) = &page.saved_room {
            page.replica.warm_up(room, page.base_ms + self.now_ms);
        }
        page.told.head = page.replica.head();
        self.note(
            &format!("client {index}"),
            "reload",
            (index as u64, 0),
            || json!({}),
        );
        // What the kept room says is of its own history, whatever the store has lost since.
        self.hear(index, "the kept room")
    }

    /// The device's storage is gone: it is a new device.
    pub(super) fn lose_storage(&mut self, index: usize) -> Checked {
        self.counters.saw(39);
        let id = self.new_device();
        let page = &mut self.clients[index];
        let owner = page.owner();
        page.saved = Replica::<R>::new(&page.user, id, 1).save();
        page.saved_room = None;
        let room = page.room;
        self.accounts[room].ledger.give_up(&owner);
        self.reload(index)
    }

    /// A device's storage is copied to another of the room, which becomes the same device.
    pub(super) fn clone_storage(&mut self, from: usize, to: usize) -> Checked {
        if from == to || self.clients[from].room != self.clients[to].room {
            return Ok(());
        }
        self.counters.saw(39);
        let source = &self.clients[from];
        let (user, saved, own) = (
            source.user.clone(),
            source.saved.clone(),
            source.own.clone(),
        );
        let (room, owner) = (source.room, source.owner());
        let page = &mut self.clients[to];
        let lost = page.owner();
        page.user = user;
        page.saved = saved;
        page.own = own;
        page.told = Told::default();
        page.saved_room = None;
        let ledger = &mut self.accounts[room].ledger;
        ledger.give_up(&lost);
        ledger.double(&owner);
        self.reload(to)
    }

    pub(super) fn go_offline(&mut self, index: usize, ms: u64) {
        self.clients[index].offline_until_ms = self.now_ms + ms;
    }

    fn route(&mut self, index: usize) -> usize {
        let open = |host: &usize| !self.hosts[*host].closing;
        let hosts: Vec<usize> = (0..self.hosts.len()).filter(open).collect();
        if hosts.is_empty() {
            return 0;
        }
        match self.plan.routing {
            Routing::One => hosts[0],
            Routing::Sticky if hosts.contains(&self.clients[index].favourite) => {
                self.clients[index].favourite
            }
            _ => hosts[self.below(hosts.len())],
        }
    }

    fn ask(&mut self, index: usize) {
        let host = self.route(index);
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        // Kept before it is sent.
        page.saved = page.replica.save();
        let body = page.request(page.live, local_ms);
        page.number += 1;
        page.flying = Some((page.number, local_ms));
        let (life, number, room, who) = (page.life, page.number, page.room, page.identity());
        let online = page.is_online(self.now_ms);
        self.counters.requests += 1;
        let asked = self.asked_of(index, &body);
        self.note(
            &format!("client {index}"),
            "ask",
            (index as u64, number),
            || json!({ "host": host, "request": format!("{:?}", wire::read_request(&body)) }),
        );
        let patience_ms = match online {
            true => self.plan.patience_ms,
            // The browser knows at once.
            false => 10,
        };
        self.after(
            patience_ms,
            Event::GiveUp {
                client: index,
                life,
                number,
            },
        );
        if !online {
            return;
        }
        let slip = Slip {
            client: Some((index, life, number)),
            forger: None,
            asked,
            op: None,
        };
        for (copy, way_ms) in self.ways().into_iter().enumerate() {
            let host = match copy {
                0 => host,
                _ => self.below(self.hosts.len()),
            };
            let arrival = Arrival {
                who: Some(who.clone()),
                call: Call::Play(body.clone().into()),
            };
            self.after(
                way_ms,
                Event::Request {
                    host,
                    room,
                    slip: slip.clone(),
                    arrival,
                },
            );
        }
    }

    /// What a reply to this request will be held against.
    pub(super) fn asked_of(&self, index: usize, body: &[u8]) -> Asked {
        let request = wire::read_request(body).expect("a replica writes requests");
        let hail = request.device.as_ref();
        Asked {
            cursor: request.cursor,
            frames: request.frames,
            device: hail.map(|hail| ((self.clients[index].user.clone(), hail.id), hail.answered)),
            began_v: 0,
            began_losses: 0,
        }
    }

    /// Notes that a request arrived after a later one of its device.
    pub(super) fn see_order(&mut self, index: usize, number: u64) {
        let page = &mut self.clients[index];
        if number < page.arrived {
            self.counters.saw(4);
        }
        page.arrived = page.arrived.max(number);
    }

    /// An answer arrives.
    pub(super) fn answered(&mut self, slip: &Slip, answer: &Answer) -> Checked {
        if let Some(room) = slip.forger {
            return self.forger_hears(room, answer);
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
        self.receive(index, answer, sent_ms)?;
        let what = format!("{:?}", answer.status);
        self.hear(index, &what)
    }

    /// A device takes in what an instance answered to the request that it sent at `sent_ms` of its own time.
    pub(super) fn receive(&mut self, index: usize, answer: &Answer, sent_ms: u64) -> Checked {
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        if answer.content == Content::Reply {
            page.heard_ms = self.now_ms;
            let read = page.replica.receive(&answer.body, sent_ms, local_ms);
            hold(read, "9: an answer can be read", || {
                format!("by client {index}")
            })?;
        } else {
            let (code, expected) = refusal_of(answer);
            let owner = (page.user.clone(), page.asker);
            page.replica.refused(code, expected, local_ms);
            let accounts = &self.accounts[page.room];
            let trouble = matches!(self.phase, Phase::Faults | Phase::Healing(_));
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
                Some(Code::Halted) => accounts.halts > 0,
                // A copy of the device was first to use the number, at any time.
                Some(Code::Conflict) if accounts.ledger.is_doubled(&owner) => true,
                _ => trouble,
            };
            refusal(code, caused, true)?;
        }
        Ok(())
    }

    /// A pushed frame arrives.
    pub(super) fn pushed(&mut self, index: usize, life: u32, bytes: &[u8]) -> Checked {
        let page = &mut self.clients[index];
        if page.life != life || !page.is_online(self.now_ms) {
            return Ok(());
        }
        let local_ms = page.local_ms(self.now_ms);
        page.replica.frame(bytes, local_ms);
        self.hear(index, "frame")
    }

    /// Something was taken in: what it means, and whether it may.
    pub(super) fn hear(&mut self, index: usize, what: &str) -> Checked {
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
            accounts.losses,
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

    fn check_prediction(&self, index: usize) -> Checked {
        let page = &self.clients[index];
        match page.pending() {
            Some(pending) => predicts(&page.replica, &pending),
            None => Ok(()),
        }
    }

    /// The client stops waiting for an answer.
    pub(super) fn give_up(&mut self, index: usize, life: u32, number: u64) -> Checked {
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
