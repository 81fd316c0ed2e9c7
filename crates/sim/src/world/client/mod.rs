//! Devices as a page runs them: one request at a time, everything kept before it is sent, pages that
//! are loaded again, storage that is copied or lost. The replica decides when to ask and what to
//! believe; here is only what befalls it.

pub(super) mod hearing;
mod storage;

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call};
use baton::{DeviceId, Identity, wire};
use serde_json::json;

use super::orders::Orders;
use super::{Event, Phase, Slip, World};
use crate::check::Checked;
use crate::check::client::Told;
use crate::check::ledger::{Owner, Written};
use crate::check::oracle::Oracle;
use crate::check::reply::Asked;
use crate::clock::START_MS;
use crate::counters::Other;
use crate::later::Game;
use crate::page::Page;
use crate::plan::Routing;
use crate::rules::{BankAction, MOST};

/// Ten years, in milliseconds: how far devices' clocks are off.
const DECADE_MS: u64 = 315_360_000_000;

/// A device of a user, in one room.
pub(super) struct Client<R: Game> {
    pub(super) room: usize,
    pub(super) user: String,
    pub(super) replica: Page<R>,
    /// What is on disk.
    saved: Vec<u8>,
    saved_room: Option<Vec<u8>>,
    /// Another with each page.
    pub(super) life: u32,
    /// The request on its way, and when it was sent by the device's clock.
    flying: Option<(u64, u64)>,
    /// The device that sent the last one: it may have taken a new id since.
    asker: DeviceId,
    /// The session of its page, as it last asked.
    pub(super) session: u32,
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
    own: BTreeMap<(Owner, u64), Written>,
    pub(super) orders: Orders,
}

/// Users are numbered, as are rooms that are their own.
pub(super) fn user_name(number: usize) -> String {
    format!("u{number}")
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
        let body = self.replica.request(live, local_ms);
        let hail = wire::read_request(&body)
            .ok()
            .and_then(|request| request.device);
        self.session = hail.map_or(self.session, |hail| hail.session);
        body
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

    /// The numbers of what a device made here and kept.
    pub(super) fn numbers(&self, owner: &Owner) -> impl Iterator<Item = u64> {
        let range = (owner.clone(), 0)..=(owner.clone(), u64::MAX);
        self.own.range(range).map(|((_, seq), _)| *seq)
    }

    /// The bodies that wait for an answer, if nothing of them was let go of.
    fn pending(&self) -> Option<Vec<Written>> {
        let owner = self.owner();
        let (_, mark) = self.replica.standing(&owner.0, owner.1)?;
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
        let number = index % self.plan.users;
        let user = user_name(number);
        let id = self.new_device();
        let replica = Page::new(self.pages, &user, id);
        let live = self.random.below(100) < self.plan.sockets;
        let client = Client {
            room: match R::PERSONAL {
                true => number,
                false => index / self.plan.users.max(1) % self.plan.rooms,
            },
            user,
            saved: replica.save(),
            saved_room: None,
            replica,
            life: 0,
            flying: None,
            asker: id,
            session: 0,
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
            orders: Orders::default(),
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
    pub(super) fn new_base(&mut self) -> u64 {
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
                let orders = self.plan.orders;
                if self.chance(orders) {
                    self.order(index)?;
                }
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
        let room = self.clients[index].room;
        let action = match self.draw_wire(room) {
            Some(wire) => wire,
            None => self.draw_action(),
        };
        let faults = self.faults();
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        let Ok(made) = page.replica.act(&action, local_ms) else {
            return Ok(());
        };
        if self.chance(faults.unsaved) {
            // The tab is killed before the action was kept: it never was.
            self.counters.saw_other(Other::Unsaved);
            return self.reload(index);
        }
        let seq = made.seq;
        self.keep_action(index, made);
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

    pub(super) fn go_offline(&mut self, index: usize, ms: u64) {
        self.clients[index].offline_until_ms = self.now_ms + ms;
    }

    pub(super) fn route(&mut self, index: usize) -> usize {
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
            ..Slip::of(asked)
        };
        let arrival = Arrival {
            who: Some(who),
            call: Call::Play(body.into()),
        };
        self.set_out(host, room, &slip, &arrival);
    }

    /// What a reply to this request will be held against.
    pub(super) fn asked_of(&self, index: usize, body: &[u8]) -> Asked {
        let request = wire::read_request(body).expect("a replica writes requests");
        let hail = request.device.as_ref();
        Asked {
            cursor: request.cursor,
            frames: request.frames,
            rules: request.rules,
            mixed: self.plan.rollout.is_some(),
            device: hail.map(|hail| ((self.clients[index].user.clone(), hail.id), hail.answered)),
            number: hail.and_then(|hail| hail.number),
            began_v: 0,
            began_losses: 0,
            cursors: 1,
        }
    }
}
