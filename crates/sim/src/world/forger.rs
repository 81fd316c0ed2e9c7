//! Somebody who speaks the protocol by hand: amounts that nobody may have, bodies that are no
//! actions, numbers used twice, numbers of others, bytes that are no requests. Whatever comes of it
//! is what the rules allow, and never worse than a refusal.

use baton::effect::{Arrival, Call, Content, Outcome as Answer};
use baton::wire::{self, Hail, Presence, Request, Sent};
use baton::{Code, DeviceId, Head, Identity, limits};

use super::refusal_of;
use super::{Event, Phase, Slip, World};
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::later::{Game, LATER};
use crate::plan::Plan;
use crate::rules::{BankAction, CURSE_TICKS, Fault};

/// How often it acts, in milliseconds.
const EVERY_MS: u64 = 400;
const USER: &str = "mallory";

/// A device that acts by hand.
pub(super) struct Forger {
    id: DeviceId,
    number: Option<u32>,
    seq: u64,
}

impl<R: Game> World<R> {
    pub(super) fn add_forger(&mut self, room: usize) {
        let id = self.new_device();
        self.accounts[room].ledger.forge(&(USER.to_owned(), id));
        self.forgers.push(Forger {
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
        let body = match self.random.below(8) {
            0 => (0..self.random.below(60))
                .map(|_| self.random.next_u32() as u8)
                .collect(),
            _ => self.forged_request(room),
        };
        let slip = Slip {
            client: None,
            forger: Some(room),
            asked: Asked {
                cursor: Head::default(),
                frames: true,
                rules: wire::read_request(&body).map_or(0, |request| request.rules),
                mixed: self.plan.rollout.is_some(),
                device: None,
                began_v: 0,
                began_losses: 0,
                cursors: 1,
            },
            op: None,
        };
        let host = self.below(self.hosts.len());
        let who = self.random.chance(19, 20).then(|| Identity {
            user: USER.into(),
            name: USER.into(),
        });
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
        let Forger { id, number, seq } = self.forgers[room];
        let seq = match self.random.below(8) {
            0 => seq + 1 + u64::from(self.random.below(3)),
            1 => seq.saturating_sub(u64::from(self.random.below(3))).max(1),
            _ => seq,
        };
        let (version, body) = self.forged_action();
        let owner = (USER.to_owned(), id);
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
        let huge = i64::from(self.random.next_u32()) << self.random.below(31);
        match self.random.below(7) {
            0 => {
                let bytes: Vec<u8> = (0..self.random.below(12))
                    .map(|_| self.random.next_u32() as u8)
                    .collect();
                let breaks =
                    |action: &_| matches!(action, BankAction::Break(_) | BankAction::Curse(_));
                match postcard::take_from_bytes(&bytes) {
                    // Only where the plan has it.
                    Ok((action, _)) if breaks(&action) => Vec::new(),
                    _ => bytes,
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

    pub(super) fn forger_hears(&mut self, room: usize, answer: &Answer) -> Checked {
        let forger = &mut self.forgers[room];
        if answer.content == Content::Reply {
            let reply = wire::read_reply(&answer.body);
            if let Some(standing) = reply.and_then(|reply| reply.device) {
                forger.number = Some(standing.number);
                forger.seq = standing.mark + 1;
            }
            return Ok(());
        }
        let (code, _) = refusal_of(answer);
        let trapped = answer.status == 500 && code.is_none();
        hold(
            answer.status < 500 || answer.status == 503 || trapped,
            "9: bad input is refused, not an error",
            || format!("{} {code:?}", answer.status),
        )?;
        if code == Some(Code::Unregistered) {
            forger.number = None;
        }
        refusal(code, true, false)
    }
}
