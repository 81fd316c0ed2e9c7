//! What devices order while they are there: as the page of the game asks for a purchase (`js-host/src/client/order.ts`), the
//! same bytes again until it is certain what became of them, or for half a minute. Once nothing goes wrong any more they
//! do not give up, so that each must be answered.

use baton::effect::{Arrival, Call, Content, Outcome as Answer};
use baton::wire::{self, OrderFate};
use baton::{BodyHash, Code, Head, limits};
use serde_json::json;

use super::finish::TRIPS_MS;
use super::{Accounts, Event, Phase, Slip, World, refusal_of};
use crate::check::book::Book;
use crate::check::orders::{Placed, fate, is_final, is_passing, registration, unregistered};
use crate::check::reply::{Asked, refusal};
use crate::check::{Checked, hold};
use crate::later::Game;
use crate::rules::BankAction;

/// An order is given up after this while things go wrong, in milliseconds.
const PATIENCE_MS: u64 = 30_000;
/// Pauses after failures, in milliseconds: doubled from the first to the last, and spread.
const FIRST_PAUSE_MS: u64 = 300;
const LAST_PAUSE_MS: u64 = 4_000;
/// 7, L3: how much longer than an action an order may take in a healthy room, in milliseconds: a pause after a failure, and
/// two more ways.
pub(super) const ORDER_MS: u64 = FIRST_PAUSE_MS * 3 / 2 + 2 * TRIPS_MS;

/// What a page orders: one thing at a time.
#[derive(Default)]
pub(super) struct Orders {
    /// The number of the last one.
    last: u64,
    open: Option<Open>,
}

/// An order on its way.
struct Open {
    /// Another for each.
    id: u64,
    placed: Placed,
    what: BankAction,
    bytes: Vec<u8>,
    until_ms: u64,
    pause_ms: u64,
    /// It may have been written.
    open: bool,
    /// Its number was used, and it has another.
    renumbered: bool,
    /// There was, or may be, another copy of it.
    copied: bool,
    /// The request with it that waits for an answer.
    flying: Option<u64>,
}

/// How an order ended for who waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Refused(u16),
    Failed,
    Unknown,
}

impl Orders {
    /// Whether one is on its way.
    pub(super) fn wait(&self) -> bool {
        self.open.is_some()
    }

    /// The page is gone, and with it who waited. Whether anybody did.
    pub(super) fn forget(&mut self) -> bool {
        self.last = 0;
        self.open.take().is_some()
    }
}

impl<R: Game> World<R> {
    /// A device orders something, if it is part of the room and waits for nothing else.
    pub(super) fn order(&mut self, index: usize) -> Checked {
        if self.clients[index].orders.wait() || !R::PERSONAL {
            return Ok(());
        }
        // A few are no price at all.
        let what = BankAction::Buy(i64::from(self.random.below(200)) - 4);
        let page = &self.clients[index];
        let number = page.local_ms(self.now_ms).max(page.orders.last + 1);
        let Some((placed, bytes)) = self.place(index, &what, number) else {
            return Ok(());
        };
        self.counters.orders.made += 1;
        let id = self.counters.orders.made;
        let copied = self.send_first(index, &placed, &bytes);
        self.note(
            &format!("client {index}"),
            "order",
            (index as u64, number),
            || json!({ "number": number, "order": format!("{what:?}") }),
        );
        let until_ms = self.now_ms + PATIENCE_MS;
        self.clients[index].orders = Orders {
            last: number,
            open: Some(Open {
                id,
                placed,
                what,
                bytes,
                until_ms,
                pause_ms: FIRST_PAUSE_MS,
                open: false,
                renumbered: false,
                copied,
                flying: None,
            }),
        };
        self.ask_order(index);
        Ok(())
    }

    /// An order as a page writes it.
    fn place(&self, index: usize, what: &BankAction, number: u64) -> Option<(Placed, Vec<u8>)> {
        let page = &self.clients[index];
        let (bytes, body) = page.replica.order(what, number)?;
        let order = wire::read_order(&bytes).ok()?;
        let placed = Placed {
            owner: page.owner(),
            registration: order.registration,
            lineage: registration(order.device, order.registration),
            number,
            body: BodyHash::of(&body),
            said: None,
        };
        Some((placed, bytes))
    }

    /// From now on an order may be in the log. Whether the same was ordered before, by a copy of the device.
    fn send_first(&mut self, index: usize, placed: &Placed, bytes: &[u8]) -> bool {
        let room = self.clients[index].room;
        let body = wire::read_order(bytes).map_or(Vec::new(), |order| order.body.into_vec());
        let accounts = &mut self.accounts[room];
        accounts.files.send(placed.key());
        accounts.ledger.order(placed.lineage, placed.number, body)
    }

    /// Something is due with an order: its next request, or the end of waiting for an answer.
    pub(super) fn order_due(&mut self, index: usize, id: u64, asked: Option<u64>) -> Checked {
        let open = self.clients[index].orders.open.as_ref();
        let Some(open) = open.filter(|open| open.id == id && open.flying == asked) else {
            return Ok(());
        };
        if open.flying.is_some() {
            return self.order_heard(index, None, "nothing");
        }
        if self.now_ms < self.night_until_ms {
            self.order_later(index, self.night_until_ms);
            return Ok(());
        }
        self.ask_order(index);
        Ok(())
    }

    fn order_later(&mut self, index: usize, at_ms: u64) {
        if let Some(open) = &self.clients[index].orders.open {
            let (order, asked) = (open.id, open.flying);
            let client = index;
            self.at(
                at_ms,
                Event::Order {
                    client,
                    order,
                    asked,
                },
            );
        }
    }

    /// Nights are over sooner than it was thought.
    pub(super) fn rewake_order(&mut self, index: usize) {
        let open = self.clients[index].orders.open.as_ref();
        if open.is_some_and(|open| open.flying.is_none()) {
            self.order_later(index, self.night_until_ms);
        }
    }

    fn ask_order(&mut self, index: usize) {
        let host = self.route(index);
        // They count like others, so that worlds in which something is ordered are not longer.
        self.counters.requests += 1;
        self.counters.orders.asked += 1;
        let number = self.counters.orders.asked;
        let page = &mut self.clients[index];
        let (life, room, who) = (page.life, page.room, page.identity());
        let online = page.is_online(self.now_ms);
        let Some(open) = &mut page.orders.open else {
            return;
        };
        open.flying = Some(number);
        let (placed, bytes) = (open.placed.clone(), open.bytes.clone());
        self.note(
            &format!("client {index}"),
            "ask for order",
            (index as u64, number),
            || json!({ "host": host, "number": placed.number }),
        );
        let patience_ms = match online {
            true => self.plan.patience_ms,
            // The browser knows at once.
            false => 10,
        };
        self.order_later(index, self.now_ms + patience_ms);
        if !online {
            return;
        }
        let slip = Slip {
            client: Some((index, life, number)),
            order: Some(Box::new(placed)),
            ..Slip::of(self.asked_of_order())
        };
        let arrival = Arrival {
            who: Some(who),
            call: Call::Order(bytes.into()),
        };
        let copies = self.set_out(host, room, &slip, &arrival);
        if copies > 1
            && let Some(open) = &mut self.clients[index].orders.open
        {
            open.copied = true;
        }
    }

    /// What an answer to an order will be held against.
    pub(super) fn asked_of_order(&self) -> Asked {
        Asked::of_nobody(false, 0, self.plan.rollout.is_some())
    }

    /// An answer to an order leaves an instance: it is what the log says.
    pub(super) fn check_order(
        &mut self,
        host: usize,
        room: usize,
        placed: &mut Placed,
        asked: &Asked,
        answer: &Answer,
    ) -> Checked {
        let accounts = &self.accounts[room];
        let book = accounts.seen_by(host);
        let calm = accounts.losses == asked.began_losses;
        if answer.content == Content::Reply {
            let ordered = wire::read_ordered(&answer.body);
            let Some(ordered) = ordered else {
                return hold(false, "9: an answer can be read", || {
                    format!("{} bytes", answer.body.len())
                });
            };
            let began_v = calm.then_some(asked.began_v);
            let v = fate(ordered.fate, placed, &book.oracle, &accounts.files, began_v)?;
            placed.said = v.and_then(|v| head_at(book, v));
            return Ok(());
        }
        match refusal_of(answer).0 {
            Some(Code::Unregistered | Code::Evicted) if calm => {
                unregistered(placed, &book.oracle, asked.began_v)
            }
            _ => Ok(()),
        }
    }

    /// An answer to an order arrives.
    pub(super) fn order_answered(&mut self, slip: &Slip, answer: &Answer) -> Checked {
        let (Some((index, life, number)), Some(placed)) = (slip.client, &slip.order) else {
            return Ok(());
        };
        let page = &mut self.clients[index];
        let waits = page.life == life && page.is_online(self.now_ms);
        let open = page.orders.open.as_mut().filter(|_| waits);
        let Some(open) = open.filter(|open| open.flying == Some(number)) else {
            return Ok(());
        };
        open.placed.said = placed.said;
        self.counters.replies += 1;
        if answer.content == Content::Reply {
            let said = wire::read_ordered(&answer.body).map(|ordered| ordered.fate);
            return self.order_heard(index, said.map(Ok), &format!("{said:?}"));
        }
        let (code, _) = refusal_of(answer);
        let accounts = &self.accounts[self.clients[index].room];
        let trouble = self.troubled && self.phase.is_troubled();
        let caused = match code {
            // Whether it was, the log is asked where it is said.
            Some(Code::Unregistered | Code::Evicted) => true,
            // What a page before this one ordered waits still, or a copy of the device did.
            Some(Code::Busy) => true,
            Some(Code::Retry) if slip.asked.cursors > limits::MAX_OLD_CURSORS => true,
            // Forgotten by the frame that it would have been in.
            Some(Code::Retry) if accounts.book.oracle.was_evicted(placed.registration) => true,
            Some(Code::Halted) => accounts.halts > 0,
            Some(Code::Rules) => self.plan.rollout.is_some() && trouble,
            _ => trouble,
        };
        // An order is read by the rules that the room is on, whatever its page has.
        let foreign = code == Some(Code::Malformed) && self.plan.rollout.is_some();
        refusal(code, caused, !foreign, accounts.is_damaged(self.now_ms))?;
        self.order_heard(index, code.map(Err), &format!("{code:?}"))
    }

    /// A device heard something of its order, or nothing.
    fn order_heard(
        &mut self,
        index: usize,
        said: Option<Result<OrderFate, Code>>,
        what: &str,
    ) -> Checked {
        let spread_ms = self.between(500, 1_500);
        let patient = self.phase != Phase::Faults;
        let page = &mut self.clients[index];
        let Some(open) = &mut page.orders.open else {
            return Ok(());
        };
        open.flying = None;
        let number = open.placed.number;
        let uncertain = |open: &Open| if open.open { End::Unknown } else { End::Failed };
        let mut wait_ms = open.pause_ms * spread_ms / 1_000;
        let mut end = None;
        match said {
            Some(Ok(OrderFate::Done)) => end = Some(End::Done),
            Some(Ok(OrderFate::Refused(reject))) => end = Some(End::Refused(reject.0)),
            Some(Ok(OrderFate::Taken { mark })) => {
                self.counters.orders.taken += 1;
                if open.open || open.renumbered {
                    end = Some(uncertain(open));
                } else {
                    return self.renumber(index, mark + 1);
                }
            }
            Some(Ok(OrderFate::Waits { ask_ms })) => {
                self.counters.orders.waited += 1;
                open.open = true;
                wait_ms = u64::from(ask_ms);
                let settings = &self.plan.settings;
                let most_ms = 2 * (settings.lease_ms + settings.frame_ms);
                hold(
                    (1..=most_ms).contains(&ask_ms),
                    "7: who waits for an order is told to ask soon",
                    || format!("{ask_ms} ms, at most {most_ms}"),
                )?;
            }
            Some(Err(code)) if is_final(code) => end = Some(uncertain(open)),
            Some(Err(code)) if is_passing(code) => open.pause_ms *= 2,
            Some(Err(_)) | None => {
                open.open = true;
                open.pause_ms *= 2;
            }
        }
        open.pause_ms = open.pause_ms.min(LAST_PAUSE_MS);
        if !patient && self.now_ms + wait_ms > open.until_ms {
            end = end.or_else(|| Some(uncertain(open)));
        }
        self.note(
            &format!("client {index}"),
            "heard of order",
            (index as u64, number),
            || json!({ "number": number, "of": what, "ended": format!("{end:?}") }),
        );
        match end {
            None => {
                self.order_later(index, self.now_ms + wait_ms);
                Ok(())
            }
            Some(end) => self.order_ended(index, end),
        }
    }

    /// Its number was used before: by an earlier page with a clock that was ahead, or by a copy of the device.
    fn renumber(&mut self, index: usize, number: u64) -> Checked {
        let Some(open) = self.clients[index].orders.open.take() else {
            return Ok(());
        };
        let key = open.placed.key();
        if !open.copied {
            let room = self.clients[index].room;
            self.accounts[room].files.fail(key)?;
        }
        let Some((placed, bytes)) = self.place(index, &open.what, number) else {
            self.counters.orders.failed += 1;
            return Ok(());
        };
        let copied = self.send_first(index, &placed, &bytes);
        self.clients[index].orders = Orders {
            last: number,
            open: Some(Open {
                placed,
                bytes,
                renumbered: true,
                copied,
                ..open
            }),
        };
        self.ask_order(index);
        Ok(())
    }

    fn order_ended(&mut self, index: usize, end: End) -> Checked {
        let Some(open) = self.clients[index].orders.open.take() else {
            return Ok(());
        };
        let room = self.clients[index].room;
        let Accounts { files, tree, .. } = &mut self.accounts[room];
        let orders = &mut self.counters.orders;
        match end {
            End::Done => orders.done += 1,
            End::Refused(_) => orders.refused += 1,
            End::Failed => orders.failed += 1,
            End::Unknown => orders.unknown += 1,
        }
        match end {
            End::Done => files.tell(&open.placed, 0, tree),
            End::Refused(code) => files.tell(&open.placed, code, tree),
            End::Failed if !open.copied => files.fail(open.placed.key()),
            End::Failed | End::Unknown => Ok(()),
        }
    }
}

fn head_at<R: Game>(book: &Book<R>, v: u64) -> Option<Head> {
    let index = usize::try_from(v.checked_sub(1)?).ok()?;
    let hash = *book.chain.get(index)?;
    Some(Head { v, hash })
}
