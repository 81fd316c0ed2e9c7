//! Who only watches, by what caches hold: the tail of a room's log, its full blocks, the room as it is. Caches lie before
//! the instances, each spectator asks now one and now another, and what they have may be older than what was shown. What
//! is got next is the library's to say; here it is fetched, and what is shown is held against the books.

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call, Content, Outcome as Answer};
use baton::limits::{SEGMENT, TAIL_MS};
use baton::wire::{self, News};
use baton::{Code, Hash, Head, Next, Note, Replica, Room};
use serde_json::json;

use super::{Event, Slip, World, refusal_of};
use crate::check::book::{Book, descends};
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::counters::Other;
use crate::later::{Both, Game};

/// Caches before the instances.
const CACHES: usize = 2;

/// Somebody who only watches a room.
pub(super) struct Spectator<R: Game> {
    room: usize,
    replica: Replica<Both<R>>,
    /// The request on its way: its number, the cache that it went by, and what it asks for.
    flying: Option<(u64, usize, Wants)>,
    number: u64,
    /// Another with each time that it will look.
    token: u64,
    /// The tail that named what is fetched.
    tail: Vec<u8>,
    /// The newest frame that was shown.
    shown: Head,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wants {
    Tail,
    Block(u64, Hash),
    Snapshot,
}

impl Wants {
    fn call(self) -> Call {
        match self {
            Self::Tail => Call::Tail,
            Self::Snapshot => Call::Snapshot,
            Self::Block(last, hash) => Call::Block {
                first: last + 1 - SEGMENT,
                last,
                hash: hash.to_string(),
            },
        }
    }
}

/// What a cache holds of one room, and until when; blocks are kept for ever.
pub(super) type Cache = BTreeMap<(usize, Wants), (u64, Answer)>;

impl<R: Game> World<R> {
    pub(super) fn add_spectators(&mut self) {
        self.caches = vec![Cache::new(); CACHES];
        for index in 0..self.plan.spectators {
            self.spectators.push(Spectator {
                // Of a room that somebody plays in.
                room: self.clients[index % self.clients.len()].room,
                replica: Replica::spectator(),
                flying: None,
                number: 0,
                token: 0,
                tail: Vec::new(),
                shown: Head::default(),
            });
            let begin_ms = self.between(0, 5_000);
            self.look_again(index, begin_ms);
        }
    }

    /// A spectator will look whether it is time to ask, and not before.
    pub(super) fn look_again(&mut self, index: usize, at_ms: u64) {
        let spectator = &mut self.spectators[index];
        spectator.token += 1;
        let token = spectator.token;
        self.at(
            at_ms,
            Event::Watch {
                spectator: index,
                token,
            },
        );
    }

    /// A spectator looks whether it is time to ask.
    pub(super) fn watch_on(&mut self, index: usize, token: u64) {
        let now_ms = self.now_ms;
        let night_ms = self.night_until_ms;
        let spectator = &mut self.spectators[index];
        if spectator.token != token || spectator.flying.is_some() {
            return;
        }
        let ask_ms = spectator.replica.ask_at(false, now_ms).max(night_ms);
        match ask_ms <= now_ms {
            true => self.get(index, Wants::Tail),
            false => self.look_again(index, ask_ms),
        }
    }

    /// Asks a cache, which asks an instance if it has nothing.
    fn get(&mut self, index: usize, wants: Wants) {
        let cache = self.below(CACHES);
        let patience_ms = self.plan.patience_ms;
        let spectator = &mut self.spectators[index];
        spectator.number += 1;
        let (room, number) = (spectator.room, spectator.number);
        spectator.flying = Some((number, cache, wants));
        let late = Event::SpectatorGivesUp {
            spectator: index,
            number,
        };
        let asked = Asked::of_nobody(true, R::VERSION, self.plan.rollout.is_some());
        let slip = Slip {
            spectator: Some((index, number)),
            ..Slip::of(asked)
        };
        self.after(patience_ms, late);
        self.note(
            &format!("spectator {index}"),
            "asks",
            (index as u64, number),
            || json!({ "for": format!("{wants:?}"), "cache": cache }),
        );
        let kept = self.caches[cache].get(&(room, wants));
        if let Some((_, answer)) = kept.filter(|kept| kept.0 > self.now_ms) {
            let answer = answer.clone();
            self.counters.saw_other(Other::Cached);
            let way_ms = self.way_ms();
            return self.after(way_ms, Event::Answer { slip, answer });
        }
        let host = self.below(self.hosts.len());
        let arrival = Arrival {
            who: None,
            call: wants.call(),
        };
        self.set_out(host, room, &slip, &arrival);
    }

    /// An answer for spectators leaves an instance: it shows what is committed, all of it up to its head.
    pub(super) fn check_shown(
        &self,
        (host, room): (usize, usize),
        asked: &Asked,
        answer: &Answer,
    ) -> Checked {
        if answer.content != Content::Reply {
            return Ok(());
        }
        let Some(shown) = wire::read_reply(&answer.body) else {
            return hold(false, "9: an answer can be read", || "by spectators".into());
        };
        let accounts = &self.accounts[room];
        let (tree, head) = (&accounts.tree, shown.head);
        let known = tree.get(&head.hash).is_some_and(|leaf| leaf.v == head.v);
        hold(
            head.v == 0 || known,
            "2: a reply shows committed frames only",
            || format!("version {} to spectators", head.v),
        )?;
        hold(
            accounts.losses != asked.began_losses || head.v >= asked.began_v,
            "S15: a reply is as fresh as its request",
            || format!("version {} of {} to spectators", head.v, asked.began_v),
        )?;
        let News::Frames(frames) = &shown.news else {
            return Ok(());
        };
        let count = frames.len() as u64;
        let chained = frames.iter().rev().try_fold(head.hash, |hash, bytes| {
            let leaf = tree.get(&hash)?;
            (Hash::of(bytes) == hash).then_some(leaf.previous)
        });
        hold(
            chained.is_some() && count == head.v % SEGMENT,
            "J3: a reply's frames reach its head",
            || format!("{count} frames up to {} for spectators", head.v),
        )?;
        let book: &Book<R> = accounts.seen_by(host);
        hold(
            head.v == 0 || accounts.losses != asked.began_losses || book.has(head),
            "S10: spectators are shown the log",
            || format!("version {} is not in it", head.v),
        )
    }

    /// What was asked for arrives.
    pub(super) fn spectator_hears(
        &mut self,
        (index, number): (usize, u64),
        answer: &Answer,
    ) -> Checked {
        let now_ms = self.now_ms;
        let spectator = &mut self.spectators[index];
        let flying = spectator.flying.filter(|flying| flying.0 == number);
        let Some((_, cache, wants)) = flying else {
            return Ok(());
        };
        spectator.flying = None;
        if answer.status != 200 {
            let (code, _) = refusal_of(answer);
            // A block that an instance does not have at hand, or no longer: the room as it is will do.
            let gone = matches!(wants, Wants::Block(..)) && code == Some(Code::NotFound);
            if gone {
                self.get(index, Wants::Snapshot);
                return Ok(());
            }
            let trouble = self.troubled && self.phase.is_troubled();
            let damaged = self.accounts[self.spectators[index].room].is_damaged(now_ms);
            refusal(code, trouble, true, damaged)?;
            return self.spectator_waits(index, code);
        }
        let (key, until_ms) = match wants {
            Wants::Block(..) => ((spectator.room, wants), u64::MAX),
            _ => ((spectator.room, wants), now_ms + u64::from(TAIL_MS)),
        };
        self.caches[cache]
            .entry(key)
            .and_modify(|kept| {
                if kept.0 <= now_ms {
                    *kept = (until_ms, answer.clone());
                }
            })
            .or_insert_with(|| (until_ms, answer.clone()));
        let spectator = &mut self.spectators[index];
        let next = match wants {
            Wants::Tail => {
                spectator.tail = answer.body.to_vec();
                spectator.replica.tail(&answer.body, now_ms)
            }
            Wants::Block(..) if spectator.replica.block(&answer.body, now_ms) => {
                let tail = std::mem::take(&mut spectator.tail);
                let next = spectator.replica.tail(&tail, now_ms);
                spectator.tail = tail;
                next
            }
            Wants::Block(..) => Next::Nothing,
            Wants::Snapshot => {
                spectator.replica.snapshot(&answer.body, now_ms);
                Next::Nothing
            }
        };
        let room = wire::read_reply(&answer.body);
        let jumped = room.is_some_and(|reply| !matches!(reply.news, News::Frames(_)));
        self.see_shown(index, jumped)?;
        match next {
            Next::Nothing => {
                self.look_again(index, now_ms + 1);
            }
            Next::Block(end) => self.get(index, Wants::Block(end.v, end.hash)),
            Next::Snapshot => self.get(index, Wants::Snapshot),
        }
        Ok(())
    }

    /// Nothing came of it: it is asked again later.
    fn spectator_waits(&mut self, index: usize, code: Option<Code>) -> Checked {
        let now_ms = self.now_ms;
        self.spectators[index].replica.refused(code, None, now_ms);
        self.see_shown(index, false)?;
        self.look_again(index, now_ms + 1);
        Ok(())
    }

    pub(super) fn spectator_gives_up(&mut self, index: usize, number: u64) -> Checked {
        let spectator = &mut self.spectators[index];
        if spectator.flying.is_none_or(|flying| flying.0 != number) {
            return Ok(());
        }
        spectator.flying = None;
        self.spectator_waits(index, None)
    }

    /// What a spectator is shown is a state of the log, and goes on from what it was shown, or it is told otherwise.
    fn see_shown(&mut self, index: usize, jumped: bool) -> Checked {
        let spectator = &mut self.spectators[index];
        let notes = spectator.replica.notes();
        let (was, head) = (spectator.shown, spectator.replica.head());
        spectator.shown = head;
        let desync = spectator.replica.desync().map(|desync| desync.v);
        let state = spectator.replica.synced().map(Room::state_hash);
        let tree = &self.accounts[spectator.room].tree;
        hold(
            desync.is_none(),
            "S6: a spectator comes to the writer's state",
            || format!("spectator {index} at version {desync:?}"),
        )?;
        hold(
            head.v == 0 || tree.get(&head.hash).map(|leaf| leaf.state) == state,
            "S10: a spectator is shown a state of the log",
            || format!("spectator {index} at version {}", head.v),
        )?;
        // Of a room as it is nothing tells what it had before, unless it is no longer than that, or has another name.
        let named = |head: &Head| tree.get(&head.hash).map(|leaf| leaf.lineage);
        let sure = !jumped || head.v <= was.v || named(&head) != named(&was);
        let told = notes.contains(&Note::Reset);
        hold(
            told || was.v == 0 || !sure || descends(tree, head, was),
            "S10: a spectator goes on from what it was shown",
            || format!("spectator {index} from {} to {}", was.v, head.v),
        )?;
        // Where no store tells the time, an old answer of an instance that is ahead looks new; one that comes cold holds
        // back while a lease lives, however right its clock is (seed 1795950053001594).
        let losses = self.accounts[self.spectators[index].room].losses;
        hold(
            !told || losses > 0 || !self.plan.clock,
            "S10: who watches is told of a loss only if there was one",
            || format!("spectator {index} from {} to {}", was.v, head.v),
        )?;
        self.note(
            &format!("spectator {index}"),
            "sees",
            (index as u64, head.v),
            || json!({ "v": head.v, "notes": format!("{notes:?}") }),
        );
        Ok(())
    }

    /// Who only watches and is not near the log's head.
    pub(super) fn left_behind(&self) -> Option<String> {
        let behind = |spectator: &Spectator<R>| {
            let book = &self.accounts[spectator.room].book;
            let head = spectator.replica.head();
            head.v + 30 < book.head().v || !book.has(head)
        };
        let index = self.spectators.iter().position(behind)?;
        let spectator = &self.spectators[index];
        Some(format!(
            "spectator {index} is at version {} of {}, asks for {:?}",
            spectator.replica.head().v,
            self.accounts[spectator.room].book.head().v,
            spectator.flying
        ))
    }
}
