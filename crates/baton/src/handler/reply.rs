//! Replies: what a client lacks, its standing, and when to ask again. Shows nothing that is not
//! committed; reads the room, changes nothing.

use alloc::{string::String, vec::Vec};

use serde_bytes::ByteBuf;

use super::arrivals::{Ask, Asked};
use super::warm::{Foreign, Warm};
use crate::effect::{Content, Outcome};
use crate::error::{Code, Refusal};
use crate::frame::Frame;
use crate::id::{BodyHash, Hash, Head};
use crate::kind::Kind;
use crate::limits::{PROTOCOL, SEGMENT, TAIL_MS};
use crate::mutant::{self, Mutant};
use crate::parcel::{Parcel, Receipt};
use crate::room::Room;
use crate::settings::Settings;
use crate::wire::{self, News, Order, OrderFate, Ordered, Reply, Request, Standing};

/// A client with a live socket gets what it lacks from there, unless it lacks more than this.
const PUSHED_SOON: u64 = 16;

/// The newest frames of a store's log, up to its head.
pub(super) struct Newest {
    pub(super) head: Head,
    pub(super) frames: Vec<ByteBuf>,
}

/// What all replies of an invocation share.
pub(super) struct Desk<'a, R: Kind> {
    pub(super) warm: &'a Warm<R>,
    pub(super) settings: &'a Settings,
    pub(super) now_ms: u64,
    /// Until the next frame can be made, in milliseconds.
    pub(super) wait_ms: u32,
    /// Something of the invocation may have been written.
    pub(super) tried: bool,
    /// The rules broke on these requests.
    pub(super) trapped: bool,
    pub(super) block: Option<&'a [ByteBuf]>,
    /// For the operator: the newest frames, as the store has them.
    pub(super) newest: Option<&'a Newest>,
    /// Cursors that are not in the store's history.
    pub(super) strangers: &'a [Head],
    /// Random: for spreading clients in time.
    pub(super) spread: u32,
}

impl<R: Kind> Desk<'_, R> {
    pub(super) fn answer(&self, asked: &Asked, index: usize) -> Outcome {
        if let Some(refusal) = asked.refusal {
            return refuse(refusal);
        }
        if let Ask::Log { from } = asked.ask {
            return self.log(from);
        }
        if let Some(foreign) = &self.warm.foreign {
            return self.pass(foreign, asked, index);
        }
        let room = self.warm.room.as_ref();
        let access = room.map(|room| room.access(asked.user()));
        if !asked.inside() && access.is_some_and(|access| !access.read) {
            return refuse(Code::NotFound.into());
        }
        match &asked.ask {
            Ask::Play(request) => {
                let news = match self.news(request) {
                    News::Reset(bytes) if mutant::on(Mutant::ResetUntold) => News::Snapshot(bytes),
                    news => news,
                };
                self.play(asked, request, news, index)
            }
            Ask::View => match room {
                Some(room) => json(self.view(room, asked.user())),
                None => refuse(Code::NotFound.into()),
            },
            Ask::Deliver(parcel) => receipt(room, parcel),
            Ask::Order(order, _) => self.ordered(asked, order, index),
            Ask::Tail => self.spectate(self.tail().unwrap_or_else(|| self.now())),
            Ask::Snapshot => self.spectate(self.now()),
            ask => self.bytes(ask),
        }
    }

    /// The frames that are in no full block yet; nothing if not all of them are here.
    fn tail(&self) -> Option<News> {
        let base = tail_of(self.warm.head().v);
        let here = self.warm.room.is_none() || self.warm.recent.first() <= base;
        here.then(|| News::Frames(self.warm.recent.after(base)))
    }

    /// The room at its head.
    fn now(&self) -> News {
        let room = self.warm.room.as_ref();
        room.map_or(News::Frames(Vec::new()), |room| {
            News::Snapshot(ByteBuf::from(room.snapshot()))
        })
    }

    /// The same for everybody who asks within [`TAIL_MS`], of the time at which it was read: by that, spectators tell a loss
    /// from what a cache or a slow instance still holds.
    fn spectate(&self, news: News) -> Outcome {
        let every_ms = self.settings.poll_ms.max(TAIL_MS);
        let ask_ms = every_ms + self.spread % (every_ms / 2);
        let read_ms = self.warm.read_ms().unwrap_or(self.now_ms);
        self.tell(news, (read_ms, ask_ms), None)
    }

    /// Frames as they are stored: whether they make sense is for who reads them to say.
    fn log(&self, from: u64) -> Outcome {
        let Some(newest) = self.newest.filter(|newest| newest.head.v > 0) else {
            return refuse(Code::NotFound.into());
        };
        let after = |frames: &[ByteBuf], first: u64| {
            let skip = usize::try_from(from.checked_sub(first)?).ok()?;
            Some(frames.get(skip..)?.to_vec())
        };
        let first = newest.head.v + 1 - newest.frames.len() as u64;
        // Of several who ask together, each its own.
        let page = match block_of(from) {
            _ if from > newest.head.v => Some(Vec::new()),
            last if last > newest.head.v => after(&newest.frames, first),
            last => self
                .block
                .filter(|block| is_block(block, last))
                .and_then(|block| after(block, last + 1 - SEGMENT)),
        };
        match page {
            Some(frames) => Outcome {
                status: 200,
                content: Content::Block,
                body: ByteBuf::from(wire::write(&frames)),
            },
            None => refuse(Code::Retry.into()),
        }
    }

    /// What needs no rules.
    fn bytes(&self, ask: &Ask) -> Outcome {
        match ask {
            Ask::Block { hash, .. } => match self.block.filter(|block| ends_in(block, *hash)) {
                Some(block) => Outcome {
                    status: 200,
                    content: Content::Block,
                    body: ByteBuf::from(wire::write(&block)),
                },
                None => refuse(Code::NotFound.into()),
            },
            Ask::Watch => Outcome {
                status: 200,
                content: Content::Empty,
                body: ByteBuf::new(),
            },
            Ask::View
            | Ask::Play(_)
            | Ask::Deliver(_)
            | Ask::Tail
            | Ask::Snapshot
            | Ask::Log { .. } => refuse(Code::Rules.into()),
            // Nothing of it was handed on, unless that was before the rules turned out to be missing.
            Ask::Order(..) => refuse(without_rules(self.tried).into()),
            Ask::Nothing => refuse(Code::Malformed.into()),
        }
    }

    /// For a room that everybody may read and whose rules are not here: the bytes, if they are.
    fn pass(&self, foreign: &Foreign, asked: &Asked, index: usize) -> Outcome {
        match &asked.ask {
            Ask::Play(request) => match self.passed(foreign, request) {
                Some(news) => self.play(asked, request, news, index),
                None => refuse(without_rules(self.tried).into()),
            },
            Ask::Tail if self.warm.recent.first() <= tail_of(foreign.head.v) => {
                let tail = self.warm.recent.after(tail_of(foreign.head.v));
                self.spectate(News::Frames(tail))
            }
            Ask::Tail | Ask::Snapshot => match &foreign.snapshot {
                Some(bytes) => self.spectate(News::Snapshot(bytes.clone())),
                None => refuse(without_rules(self.tried).into()),
            },
            ask => self.bytes(ask),
        }
    }

    fn passed(&self, foreign: &Foreign, request: &Request) -> Option<News> {
        let (cursor, room) = (request.cursor, self.warm.room.as_ref());
        if cursor.v == 0 {
            return foreign.snapshot.clone().map(News::Snapshot);
        }
        // Of a history that is not here, or of rules that the client does not have.
        let here = self.warm.recent.hash_at(cursor.v) == Some(cursor.hash);
        let known = room.filter(|room| cursor.v < room.head().v);
        let lacks = known.is_some_and(|room| room.version_at(cursor.v + 1) < request.rules);
        (here && !lacks).then(|| News::Frames(self.warm.recent.after(cursor.v)))
    }

    fn play(&self, asked: &Asked, request: &Request, news: News, index: usize) -> Outcome {
        let own = self.warm.room.as_ref();
        let standing = own
            .filter(|_| self.warm.foreign.is_none())
            .and_then(|room| {
                let hail = request.device.as_ref()?;
                let standing = room.standing(asked.user()?, hail.id)?;
                // A copy of the device was first to use one of these numbers: what the log says of it is
                // no answer to this body. The next request is refused for it.
                let mut sent = hail.actions.iter();
                let other = sent.any(|sent| standing.conflicts(sent.seq, &sent.body));
                (!other).then(|| standing.to_wire(hail.answered))
            });
        let ask_ms = self.ask_ms(asked, request, index);
        self.tell(news, (self.now_ms, ask_ms), standing)
    }

    fn ordered(&self, asked: &Asked, order: &Order, index: usize) -> Outcome {
        let room = self.warm.room.as_ref();
        let standing = room.and_then(|room| room.standing(asked.user()?, order.device));
        let Some(standing) = standing.filter(|known| known.number == order.registration) else {
            // Registered when it was judged, and forgotten by the same frame.
            return refuse(Code::Retry.into());
        };
        let fate = standing.device.ordered(order.number, &order.body);
        let taken = matches!(fate, Some(OrderFate::Taken { .. }));
        if taken && asked.written && !mutant::on(Mutant::OrderWrittenTaken) {
            // This very request wrote it, and another page of its device has ordered something since: it may have been done,
            // and who is told that it was not orders it anew (the simulator's seed 1796200000000703).
            return refuse(Code::Retry.into());
        }
        let early = mutant::on(Mutant::OrderToldEarly).then_some(OrderFate::Done);
        let fate = fate.or(early).unwrap_or_else(|| {
            let frame_ms = self.settings.frame_ms;
            let wait_ms = if self.wait_ms > 0 {
                self.wait_ms
            } else {
                frame_ms
            };
            OrderFate::Waits {
                ask_ms: wait_ms + 1 + self.jitter(index) % (frame_ms / 4 + 1),
            }
        });
        let ordered = Ordered {
            protocol: PROTOCOL,
            fate,
        };
        Outcome {
            status: 200,
            content: Content::Reply,
            body: ByteBuf::from(wire::write(&ordered)),
        }
    }

    fn tell(&self, news: News, (now_ms, ask_ms): (u64, u32), device: Option<Standing>) -> Outcome {
        let (room, foreign) = (self.warm.room.as_ref(), self.warm.foreign.as_ref());
        let edition = foreign.map(|foreign| foreign.edition);
        let edition = edition.or(room.map(Room::edition)).unwrap_or_default();
        // What is left here of a room whose rules are not is older than its head, and perhaps than a loss.
        let lineage = room.filter(|_| foreign.is_none()).map(Room::lineage);
        let reply = Reply {
            protocol: PROTOCOL,
            lineage: lineage.unwrap_or_default(),
            head: self.warm.head(),
            rules: edition.version,
            now_ms,
            ask_ms,
            news,
            device,
        };
        Outcome {
            status: 200,
            content: Content::Reply,
            body: ByteBuf::from(wire::write(&reply)),
        }
    }

    fn news(&self, request: &Request) -> News {
        let Some(room) = &self.warm.room else {
            // Whoever saw frames of a room that is not there must start over.
            return match request.cursor.v {
                0 => News::Frames(Vec::new()),
                _ => News::Reset(ByteBuf::new()),
            };
        };
        let (cursor, head) = (request.cursor, room.head());
        let missing = head.v.checked_sub(cursor.v);
        // The rules of the next frame that the client lacks.
        let lacks = room.version_at(cursor.v.saturating_add(1)) < request.rules;
        let here = match cursor.v {
            0 => (self.warm.recent.first() == 0).then(Hash::default),
            v => self.warm.recent.hash_at(v),
        };
        match (missing, here) {
            (None, _) => News::Reset(ByteBuf::from(room.snapshot())),
            (Some(_), Some(hash)) if cursor.v > 0 && hash != cursor.hash => {
                News::Reset(ByteBuf::from(room.snapshot()))
            }
            (Some(_), _) if room.edition().version < request.rules => News::Frames(Vec::new()),
            _ if self.strangers.contains(&cursor) => News::Reset(ByteBuf::from(room.snapshot())),
            (Some(_), _) if lacks => News::Snapshot(ByteBuf::from(room.snapshot())),
            (Some(missing), _) if !request.frames && cursor.v > 0 && missing <= PUSHED_SOON => {
                News::Frames(Vec::new())
            }
            // From the empty room on, a snapshot soon costs less than what made it.
            (Some(missing), Some(_)) if cursor.v == 0 && missing > SEGMENT => {
                News::Snapshot(ByteBuf::from(room.snapshot()))
            }
            (Some(missing), Some(_)) if missing <= u64::from(self.settings.recent) => {
                News::Frames(self.warm.recent.after(cursor.v))
            }
            _ => News::Snapshot(ByteBuf::from(room.snapshot())),
        }
    }

    fn jitter(&self, index: usize) -> u32 {
        self.spread.wrapping_add(index as u32 * 7_919)
    }

    /// Spread, so that clients do not come together: whoever comes first makes the frame for all.
    fn ask_ms(&self, asked: &Asked, request: &Request, index: usize) -> u32 {
        let jitter = self.jitter(index);
        if asked.waits || asked.writes() && self.wait_ms > 0 {
            return self.wait_ms + 1 + jitter % (self.settings.frame_ms / 4 + 1);
        }
        // The question may be what breaks the rules.
        let suspected = self.trapped || self.warm.attempt.is_some();
        let room = self.warm.room.as_ref().filter(|_| !suspected);
        let owes = room.is_some_and(|room| room.owes(self.now_ms));
        let every_ms = match request.frames {
            _ if owes => self.settings.frame_ms,
            true => self.settings.poll_ms,
            false => self.settings.idle_ms,
        };
        every_ms + jitter % (every_ms / 2 + 1)
    }

    fn view(&self, room: &Room<R>, user: Option<&str>) -> String {
        let who = user.and_then(|user| room.player(user));
        let present: Vec<_> = room
            .present()
            .iter()
            .filter_map(|player| {
                let name = &room.people().get(player)?.name;
                Some(serde_json::json!({ "player": player, "name": name }))
            })
            .collect();
        let view = serde_json::json!({
            "kind": R::NAME,
            "version": room.edition().version,
            "v": room.head().v,
            "tick": room.tick(),
            "halted": room.halted(),
            "lineage": alloc::format!("{}", room.lineage()),
            "present": present,
            "you": who,
            "game": R::view(room.state(), who),
        });
        alloc::format!("{view}")
    }
}

/// How far the log has what a room sends.
fn receipt<R: Kind>(room: Option<&Room<R>>, parcel: &Parcel) -> Outcome {
    let receipt = room.map(|room| room.receipt(&parcel.sender, parcel.lineage));
    let nothing = Receipt {
        protocol: PROTOCOL,
        mark: 0,
        body: BodyHash::default(),
    };
    Outcome {
        status: 200,
        content: Content::Reply,
        body: ByteBuf::from(wire::write(&receipt.unwrap_or(nothing))),
    }
}

/// The version after which no block is full yet.
fn tail_of(head_v: u64) -> u64 {
    head_v - head_v % SEGMENT
}

/// The last version of the block that a version is in.
pub(super) fn block_of(v: u64) -> u64 {
    v.next_multiple_of(SEGMENT)
}

/// Whether these are the frames of the block that ends with version `last`.
fn is_block(frames: &[ByteBuf], last: u64) -> bool {
    let v = |bytes: &ByteBuf| Frame::decode(bytes).map(|frame| frame.v);
    frames.len() as u64 == SEGMENT && frames.last().is_some_and(|bytes| v(bytes) == Ok(last))
}

/// A block is what was asked for if it is full and ends in the hash that was named.
fn ends_in(block: &[ByteBuf], hash: Hash) -> bool {
    block.len() as u64 == SEGMENT && block.last().is_some_and(|last| Hash::of(last) == hash)
}

fn json(body: String) -> Outcome {
    Outcome {
        status: 200,
        content: Content::Json,
        body: ByteBuf::from(body.into_bytes()),
    }
}

/// Why a room whose rules are not here is not shown: for certain only if nothing was written.
pub(super) fn without_rules(tried: bool) -> Code {
    match tried {
        true => Code::Retry,
        false => Code::Rules,
    }
}

/// The answer to a refused request.
pub(super) fn refuse(refusal: Refusal) -> Outcome {
    Outcome {
        status: refusal.code.status(),
        content: Content::Json,
        body: ByteBuf::from(refusal.json().into_bytes()),
    }
}

/// The cursor of a request that will get a snapshot though nobody has checked yet that the client's
/// history is the room's: it is older than what is at hand.
pub(super) fn unchecked<R: Kind>(asked: &Asked, warm: &Warm<R>) -> Option<Head> {
    let Ask::Play(Request { cursor, .. }) = &asked.ask else {
        return None;
    };
    let old = (1..warm.recent.first()).contains(&cursor.v);
    (old && asked.refusal.is_none()).then_some(*cursor)
}

/// The lowest cursor among the requests that a read could still serve with frames.
pub(super) fn since(asked: &[Asked], head: Head, keep: u32) -> u64 {
    let floor = head.v.saturating_sub(u64::from(keep));
    let cursors = asked.iter().filter_map(|asked| match &asked.ask {
        Ask::Play(request) if request.cursor.v > 0 => Some(request.cursor.v),
        Ask::Tail => Some(tail_of(head.v)),
        _ => None,
    });
    cursors
        .filter(|v| *v >= floor)
        .min()
        .map_or(head.v, |v| v.min(head.v))
}
