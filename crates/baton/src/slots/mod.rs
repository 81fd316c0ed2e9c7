//! **A store that can do no more than create a key if it is absent** (Devvit's Redis; R2): here is
//! what turns one [`Effect`] into single key-value calls, and their answers into its result.
//! Sans-IO like the handler: the host performs [`Call`]s and feeds back [`Answer`]s, so every such
//! store, the simulator and the tests run the same decisions. It must not know rules, requests or
//! a particular store.
//!
//! **Slots are not versions.** The log is a line of slots, numbered from 1, each filled at most once.
//! A frame whose previous hash is wrong is *void*: it stays in its slot, readers step over it. An
//! absent slot ends the log. A writer fills the lowest absent slot; its frame counts only if, after
//! the write returned, the frame that it names and the one before that are still in their slots and
//! no slot between is absent. A frame found in its slot and void, or another frame there, is *lost*;
//! everything else is *unknown*. All bytes are base64 here, without padding: hosts pass text on.
//!
//! | key (`{kind/name}:…`) | type | who writes it | when it ends |
//! |---|---|---|---|
//! | `log:<segment>` | hash: slot → frame | appends, `FieldSet` on the lowest absent slot | sealed once the next segment is full |
//! | the same, sealed | text: 64 frames by slot, void ones empty | a chore of the leader | becomes the tombstone `-` when trimmed; never deleted |
//! | `snapshot:<v / 64>` | text: header (its place, the place before, hash of the body), body | the append of version `v`, if absent | removed below the second-newest verified |
//! | `inbox` | hash: id → item | followers | fields removed after the append that framed them |
//! | the same, ids below 2^21 | number → attempt record; the highest counts | notes, `FieldSet` on the next number | all removed once nothing is suspected |
//! | `lease` | text: version, milliseconds | appends | expires after whole seconds, at least 1 |
//! | `hint` | text: where to begin to look; proves nothing | the append that keeps a snapshot | never |
//!
//! Calls per effect, in the steady state (the first in parallel where the store can):
//!
//! | effect | calls | round trips |
//! |---|---|---|
//! | Read (a poll) | 3: slots, inbox, lease | 1 |
//! | Push of one item | 4: the item, and a read | 1 |
//! | Append after a Read | 4: the slot; slots, lease; what was framed. With the Read: 7 | 3, with the Read 4 |
//! | Append without | 5: the inbox too | 3 |
//! | a segment's last slot and its first two | 1 more: two segments are read | |
//! | the first frame of a segment, by whoever finds it | 1 more: the frame before, again | 1 more |
//! | Note | 2: the record's next number, what it replaces; a read before and after | 4 |
//! | at the end of a segment | 2 more: snapshot, hint; the hint is read the first time | at most 1 more |
//! | sealing, by one append of a segment | at most 7 + 4 more | at most 1 more |
//! | cold Read | 3 in a room younger than a segment, else 6 or 7 | 1, else 4 |
//! | cold Read for a client that lags | 1 more per segment it lags, 2 if sealed; at most 5 segments | 2 more |
//!
//! **Sealing** is a chore of whoever leads: it rides along with an append, at most one with each and
//! not two within 16 slots of one instance, so a reply waits for at most one more round trip, once in
//! a segment. A segment is sealed from what that append read: both segments whole, every slot filled,
//! the chain verified from the next one through it. Then segments older than those that are kept
//! become tombstones, if a read says that they are sealed and they lie below the second-newest
//! snapshot whose frame and the one before were just read; snapshots below that one are removed.
//! What cannot be sealed (a hole that only a faulty store makes) stays a hash, and is never trimmed.
//!
//! **The lease** has a key that lives for whole seconds, longer than most leases, and no clock tells
//! how long it has lived. So [`Lease::left_ms`](crate::effect::Lease) counts from when this instance
//! first saw this lease at this head, on its own clock: the holder's from before its append, anybody
//! else's from the first sight, never less than what is truly left. Then the lease reads as ended,
//! which is the handler's rule (b); where nobody watched, the key ends (1 s), or its rule (c) helps.
//!
//! **Items** of the inbox are numbered by time and chance: `ms << 11 | random`, kept below 2^53, the
//! ms being the log's time as this instance knows it (the newest frame's, and what passed since on its
//! own clock), with the host's clock believed within the second after that. No counter is shared; two
//! hosts that draw the same number find out, since a number is created once, and draw again.
//!
//! **The attempt record** is replaced by a note in its next number, which another note may fill first;
//! what an append says of it follows the append. A host that dies between the two leaves a record of
//! what is framed: whoever reads it finds nothing left to try, or tries time once more.
//!
//! Limits: a frame is at most 256 KB, but a segment must be read in one call: keep frames below 40 KB
//! where a call carries 5 MB. A segment of more than 3 MB is not sealed. An inbox holds
//! [`MAX_INBOX_ITEMS`](crate::limits::MAX_INBOX_ITEMS) items and 3 MB.
//!
//! What is left to chance, and stated: a store that answers hash reads from old copies can make a
//! room look older than it is, and a writer then reports *unknown*, not *ok*, unless the copies show
//! the two frames and no slot after them; r writes that a transport repeats after one failover need
//! r + 1 slots checked, here two are; a store that loses more than a whole segment while the text
//! that seals it is on its way may see the old segment come back.

mod call;
mod chain;
mod errand;
mod errands;
mod keys;
mod layout;
mod reading;
mod task;
mod tidy;
mod writing;

use alloc::{borrow::ToOwned, string::String, vec::Vec};

pub use call::{Answer, Call};
use chain::{Line, Loaded, RING};
use errand::{Desk, End};
pub use errand::{Errand, Step};
pub use errands::Errands;
pub use keys::Keys;
use layout::{Hint, Layout};
use serde_bytes::ByteBuf;
use task::Task;

use crate::effect::{Effect, Fed, Item, Moment};
use crate::id::Head;
use crate::limits::SEGMENT;
use crate::table::Table;

/// Rooms that are remembered; the one not used for longest is forgotten.
const MAX_ROOMS: usize = 1_024;

/// What one instance knows of its rooms' keys. A cache: a new one is as right, and reads more.
#[derive(Debug)]
pub struct Slots {
    rooms: Table<String, Cache>,
    keep_segments: u64,
    used: u64,
}

/// What is known of one room's keys. Checked anew at each use.
#[derive(Clone, Debug, Default)]
struct Cache {
    line: Line,
    /// The lowest absent slot.
    free: u64,
    /// The inbox, if nothing was appended since it was read.
    inbox: Option<Vec<Item>>,
    /// The attempt record, as of the last read of the inbox.
    record: Record,
    /// Items and bytes of the inbox when it was last read.
    inbox_size: Option<(usize, usize)>,
    /// The lease's version and the head, and our own time when we first saw the two.
    watch: Option<((u64, Head), u64)>,
    /// The log's time, and our own when we learnt it.
    anchor: Option<(u64, u64)>,
    last_item: u64,
    hint: Option<Hint>,
    /// The slot at which the next chore is due.
    tidy_at: u64,
    used: u64,
}

/// The attempt record: it lies in the inbox's hash, so that no read costs a call more. Each note has a
/// field of its own, one above the newest: that this is absent is what is compared.
#[derive(Clone, Debug, Default)]
struct Record {
    /// Its fields, in order; the last counts.
    fields: Vec<u64>,
    /// What the last field holds.
    bytes: Option<ByteBuf>,
}

impl Slots {
    /// Knows nothing yet. Of each room the newest `keep_segments` segments keep their frames, for
    /// replay and repair; older ones are trimmed. At least as many as are read as recent.
    pub fn new(keep_segments: u64) -> Self {
        Self {
            rooms: Table::default(),
            keep_segments: keep_segments.max(RING / SEGMENT + 2),
            used: 0,
        }
    }

    /// Begins to perform an effect; `None` for one that is not a store's. Perform the calls, feed
    /// the answers to [`Errand::resume`], until `Done`. Of `moment` the nonce must not be the one
    /// that a handler was given: part of it is stored.
    pub fn begin(&mut self, room: &str, effect: &Effect, moment: Moment) -> Option<(Errand, Step)> {
        if !matches!(
            effect,
            Effect::Read(_) | Effect::Append(..) | Effect::Push(..) | Effect::Note(..)
        ) {
            return None;
        }
        let mut cache = self
            .rooms
            .get(&room.to_owned())
            .cloned()
            .unwrap_or_default();
        cache.free = cache.free.max(1);
        let desk = Desk::new(moment);
        let task = Task {
            keys: Layout::of(room),
            desk: desk.clone(),
            cache,
            loaded: Loaded::default(),
            inbox: Vec::new(),
            told: None,
            chore: None,
            beginning: None,
            keep_segments: self.keep_segments,
        };
        let mut errand = Errand::new(room, desk, perform(task, effect.clone()));
        let step = errand.step(self);
        Some((errand, step))
    }

    /// Forgets all rooms. Always allowed.
    pub fn forget(&mut self) {
        self.rooms = Table::default();
    }

    fn keep(&mut self, room: &str, cache: Cache) {
        self.used += 1;
        let used = self.used;
        self.rooms.insert(room.to_owned(), Cache { used, ..cache });
        if self.rooms.len() > MAX_ROOMS
            && let Some((oldest, _)) = self.rooms.iter().min_by_key(|(_, cache)| cache.used)
        {
            let oldest = oldest.clone();
            self.rooms.remove(&oldest);
        }
    }
}

async fn perform(mut task: Task, effect: Effect) -> End {
    let result = match &effect {
        Effect::Read(read) => task.read(read).await.map(Fed::Read),
        Effect::Append(append, read) => task.append(append, read).await,
        Effect::Push(items, read) => task.push(items, read).await,
        Effect::Note(note, read) => task.note(note, read).await.map(Fed::Noted),
        _ => Ok(Fed::Failed),
    };
    let read_only = !matches!(effect, Effect::Append(..));
    task.cache.inbox = (read_only && result.is_ok()).then_some(task.inbox);
    End {
        fed: result.unwrap_or(Fed::Failed),
        cache: task.cache,
    }
}
