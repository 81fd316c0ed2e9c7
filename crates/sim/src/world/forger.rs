//! Somebody who speaks the protocol by hand: amounts that nobody may have, bodies that are no
//! actions, numbers used twice, numbers of others, bytes that are no requests. Whatever comes of it
//! is what the rules allow, and never worse than a refusal.

use baton::effect::{Arrival, Call, Content, Outcome as Answer};
use baton::wire::{self, Hail, Order, Presence, Request, Sent};
use baton::{BodyHash, Code, DeviceId, Head, Identity, limits};

use super::client::user_name;
use super::refusal_of;
use super::{Event, Phase, Slip, World};
use crate::check::orders::{Placed, registration as named};
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::later::{Game, LATER};
use crate::plan::Plan;
use crate::rules::{BankAction, CURSE_TICKS, Fault, Wire};

/// How often it acts, in milliseconds.
const EVERY_MS: u64 = 400;
const USER: &str = "mallory";

/// A device that acts by hand: of somebody else, or of the user whose room it is.
pub(super) struct Forger {
    user: String,
    id: DeviceId,
    number: Option<u32>,
    seq: u64,
}

impl Forger {
    fn identity(&self) -> Identity {
        Identity {
            user: self.user.clone(),
            name: self.user.clone(),
        }
    }
}

impl<R: Game> World<R> {
    pub(super) fn add_forger(&mut self, room: usize) {
        let id = self.new_device();
        let user = match R::PERSONAL && self.random.chance(3, 4) {
            true => user_name(room),
            false => USER.to_owned(),
        };
        self.accounts[room].ledger.forge(&(user.clone(), id));
        self.forgers.push(Forger {
            user,
            id,
            number: None,
            seq: 1,
        });
        self.after(EVERY_MS, Event::Forge(room));
    }

    /// Sends something that nobody honest sends.
    pub(super) fn forge(&mut self, room: usize) {
        if self.phase != Phase::Faults {
            return;
        }
        let pause_ms = self.between(EVERY_MS / 2, EVERY_MS * 2);
        self.after(pause_ms, Event::Forge(room));
        let orders = self.plan.orders;
        if orders > 0 && self.random.chance(1, 3) {
            return self.forge_order(room);
        }
        let body = match self.random.below(8) {
            0 => (0..self.random.below(60))
                .map(|_| self.random.next_u32() as u8)
                .collect(),
            _ => self.forged_request(room),
        };
        let asked = Asked::of_nobody(
            true,
            wire::read_request(&body).map_or(0, |request| request.rules),
            self.plan.rollout.is_some(),
        );
        let slip = Slip {
            forger: Some(room),
            ..Slip::of(asked)
        };
        let host = self.below(self.hosts.len());
        let known = self.random.chance(19, 20);
        let who = known.then(|| self.forgers[room].identity());
        let way_ms = self.way_ms();
        let call = Call::Play(body.into());
        self.after(
            way_ms,
            Event::Request {
                host,
                room,
                slip,
                arrival: Arrival { who, call },
            },
        );
    }

    fn forged_request(&mut self, room: usize) -> Vec<u8> {
        let Forger {
            id, number, seq, ..
        } = self.forgers[room];
        let seq = match self.random.below(8) {
            0 => seq + 1 + u64::from(self.random.below(3)),
            1 => seq.saturating_sub(u64::from(self.random.below(3))).max(1),
            _ => seq,
        };
        let (version, body) = self.forged_action();
        let owner = (self.forgers[room].user.clone(), id);
        let ledger = &mut self.accounts[room].ledger;
        let known = ledger.bodies(&owner, seq);
        if !known.is_empty() && !known.iter().any(|(_, known)| *known == body) {
            self.counters.saw(40);
        }
        ledger.keep(&owner, seq, (version, body.clone()));
        let number = match self.random.below(20) {
            0 => Some(self.random.below(10)),
            _ => number,
        };
        wire::write(&Request {
            protocol: limits::PROTOCOL,
            cursor: Head::default(),
            rules: version,
            frames: true,
            device: Some(Hail {
                id,
                number,
                session: 1,
                client: 1,
                presence: Presence::Here,
                answered: 0,
                kept_from: 1,
                actions: number
                    .map(|_| Sent {
                        seq,
                        version,
                        body: body.into(),
                    })
                    .into_iter()
                    .collect(),
            }),
        })
    }

    /// By the rules before, or during a deploy by the later ones too, with bodies of either.
    fn forged_action(&mut self) -> (u32, Vec<u8>) {
        let body = self.forged_body();
        if self.plan.rollout.is_none() {
            return (R::VERSION, body);
        }
        let tail: &[u8] = match self.random.chance(1, 2) {
            true => &[0],
            false => &[],
        };
        let version = match self.random.below(8) {
            0 => R::VERSION - 1,
            1..=3 => R::VERSION + LATER,
            _ => R::VERSION,
        };
        (version, [&body, tail].concat())
    }

    fn forged_body(&mut self) -> Vec<u8> {
        let Plan { poison, curses, .. } = self.plan;
        if self.chance(curses) {
            let after = self.between(1, CURSE_TICKS);
            return wire::write(&BankAction::Curse(after));
        }
        if self.chance(poison) {
            let faults = [Fault::Panic, Fault::Endless, Fault::Grow];
            return wire::write(&BankAction::Break(faults[self.below(faults.len())]));
        }
        let wires = self.plan.wires;
        if self.chance(wires) {
            // What comes from another room alone.
            return wire::write(&BankAction::Credit(Wire {
                to: 0,
                amount: 1_000,
                tag: self.random.next_u64(),
            }));
        }
        let huge = i64::from(self.random.next_u32()) << self.random.below(31);
        match self.random.below(7) {
            0 => {
                let bytes: Vec<u8> = (0..self.random.below(12))
                    .map(|_| self.random.next_u32() as u8)
                    .collect();
                let breaks = |action: &_| {
                    use BankAction::{Break, Curse, Wire};
                    matches!(action, Break(_) | Curse(_) | Wire(_))
                };
                // Only where the plan has it; nor what becomes it with the byte that later rules add.
                let longer = [&bytes[..], &[0]].concat();
                let read = postcard::take_from_bytes(&longer);
                match read.is_ok_and(|(action, _)| breaks(&action)) {
                    true => Vec::new(),
                    false => bytes,
                }
            }
            1 => wire::write(&BankAction::Add(huge)),
            2 => wire::write(&BankAction::Add(-huge)),
            3 => wire::write(&BankAction::Spend(-huge)),
            4 => wire::write(&BankAction::Give(0, -huge)),
            5 => wire::write(&BankAction::Fine(i64::MIN)),
            _ => wire::write(&BankAction::Add(1)),
        }
    }

    /// Orders what nobody honest orders: bodies and numbers of all kinds, as devices that are somebody else's too.
    fn forge_order(&mut self, room: usize) {
        let Forger {
            id, number, seq, ..
        } = self.forgers[room];
        let mut others = self.clients.iter().filter(|client| client.room == room);
        let other = others.next().map(|client| client.replica.device());
        let device = match self.random.below(8) {
            0 => other.unwrap_or(id),
            _ => id,
        };
        let registration = match self.random.below(8) {
            0 => self.random.below(10),
            _ => number.unwrap_or(0),
        };
        let number = (seq + u64::from(self.random.below(6)))
            .saturating_sub(3)
            .max(1);
        let (_, body) = match self.random.below(4) {
            0 => self.forged_action(),
            _ => {
                let price = i64::from(self.random.below(60));
                (0, wire::write(&BankAction::Buy(price)))
            }
        };
        let order = Order {
            protocol: limits::PROTOCOL,
            device,
            registration,
            number,
            body: body.clone().into(),
        };
        let user = self.forgers[room].user.clone();
        let lineage = named(device, registration);
        let placed = Placed {
            owner: (user.clone(), device),
            registration,
            lineage,
            number,
            body: BodyHash::of(&body),
            said: None,
        };
        let known = self.random.chance(19, 20);
        if known && user == user_name(room) {
            let accounts = &mut self.accounts[room];
            accounts.files.send(placed.key());
            accounts.ledger.order(lineage, number, body);
        }
        self.counters.orders.forged += 1;
        let slip = Slip {
            forger: Some(room),
            order: Some(Box::new(placed)),
            ..Slip::of(self.asked_of_order())
        };
        for way_ms in self.ways() {
            let host = self.below(self.hosts.len());
            let who = known.then(|| self.forgers[room].identity());
            let call = Call::Order(wire::write(&order).into());
            self.after(
                way_ms,
                Event::Request {
                    host,
                    room,
                    slip: slip.clone(),
                    arrival: Arrival { who, call },
                },
            );
        }
    }

    pub(super) fn forger_hears(&mut self, room: usize, slip: &Slip, answer: &Answer) -> Checked {
        let forger = &mut self.forgers[room];
        if answer.content == Content::Reply {
            // What was said of an order was held against the log where it was said.
            let reply = match slip.order {
                Some(_) => None,
                None => wire::read_reply(&answer.body),
            };
            if let Some(standing) = reply.and_then(|reply| reply.device) {
                forger.number = Some(standing.number);
                forger.seq = standing.mark + 1;
            }
            return Ok(());
        }
        let (code, _) = refusal_of(answer);
        let broke = self.counters.of(36) + self.counters.broke > 0;
        let trapped = answer.status == 500 && code.is_none() && broke;
        let damaged = self.accounts[room].is_damaged(self.now_ms);
        let corrupt = damaged && code == Some(Code::Corrupt);
        hold(
            answer.status < 500 || answer.status == 503 || trapped || corrupt,
            "9: bad input is refused, not an error",
            || format!("{} {code:?}", answer.status),
        )?;
        // Another may have taken its place: it comes again with the same id.
        let gone = R::PERSONAL && code == Some(Code::Evicted);
        if (code == Some(Code::Unregistered) || gone) && slip.order.is_none() {
            forger.number = None;
        }
        refusal(code, true, false, damaged)
    }
}
