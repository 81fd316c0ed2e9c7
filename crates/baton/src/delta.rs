//! A frame as it is published to whoever has the frame before: without what that one makes known.
//! Two thirds of a small frame are its place in the chain. What is stored, hashed and asked for is
//! the whole frame, which the receiver puts together again. Knows nothing of sockets.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::frame::{Entry, FORMAT, Frame};
use crate::id::{BodyHash, Hash, Nonce, Writer};
use crate::kind::Kind;
use crate::room::Room;
use crate::table::Table;

/// The first byte of a delta; a whole frame begins with [`FORMAT`].
pub(crate) const DELTA: u8 = 0x40 | FORMAT;

/// What the frame before makes known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    pub(crate) hash: Hash,
    pub(crate) v: u64,
    pub(crate) writer: Writer,
    pub(crate) epoch: u64,
    pub(crate) rules: u8,
    pub(crate) tick: u64,
    pub(crate) time_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Delta {
    format: u8,
    v: u64,
    /// Of the hash of the frame before: enough to tell another history.
    before: [u8; 4],
    nonce: Nonce,
    /// Writer and epoch, if leadership changed hands.
    led: Option<(Writer, u64)>,
    /// Since the frame before.
    ticks: u64,
    /// Since the frame before, in milliseconds.
    later_ms: u64,
    entries: Vec<Brief>,
    state: Hash,
}

/// An entry. A device's actions are numbered densely, so their numbers are known.
#[derive(Serialize, Deserialize)]
enum Brief {
    Act {
        device: u32,
        body: ByteBuf,
    },
    Reject {
        device: u32,
        code: u16,
        body: BodyHash,
    },
    Whole(Entry),
}

/// A frame for those who have the one before.
pub(crate) fn publish(frame: &Frame, base: &Base) -> Vec<u8> {
    let since = (
        frame.tick.checked_sub(base.tick),
        frame.time_ms.checked_sub(base.time_ms),
    );
    let (true, (Some(ticks), Some(later_ms))) = (frame.rules == base.rules, since) else {
        return frame.encode();
    };
    let brief = |entry: &Entry| match entry {
        Entry::Act { device, body, .. } => Brief::Act {
            device: *device,
            body: body.clone(),
        },
        Entry::Reject {
            device, code, body, ..
        } => Brief::Reject {
            device: *device,
            code: *code,
            body: *body,
        },
        entry => Brief::Whole(entry.clone()),
    };
    let led = (frame.writer, frame.epoch);
    crate::wire::write(&Delta {
        format: DELTA,
        v: frame.v,
        before: first(base.hash),
        nonce: frame.nonce,
        led: (led != (base.writer, base.epoch)).then_some(led),
        ticks,
        later_ms,
        entries: frame.entries.iter().map(brief).collect(),
        state: frame.state,
    })
}

fn first(hash: Hash) -> [u8; 4] {
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}

/// What became of published bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// The bytes of a whole frame.
    Frame(Vec<u8>),
    /// A delta to a frame that the receiver does not have: its version.
    Later(u64),
    /// A delta to another history than the receiver's.
    Other,
    /// No delta that this build can read.
    Unknown,
}

/// Puts a whole frame together again.
pub(crate) fn receive<R: Kind>(bytes: &[u8], room: Option<&Room<R>>) -> Received {
    if bytes.first() != Some(&DELTA) {
        return Received::Frame(bytes.into());
    }
    let Ok((delta, [])) = postcard::take_from_bytes::<Delta>(bytes) else {
        return Received::Unknown;
    };
    let Some(room) = room.filter(|room| room.head().v.checked_add(1) == Some(delta.v)) else {
        return Received::Later(delta.v);
    };
    let base = room.base();
    if first(base.hash) != delta.before {
        return Received::Other;
    }
    // Marks that the frame has moved so far.
    let mut moved: Table<u32, Option<u64>> = Table::default();
    let mut entries = Vec::with_capacity(delta.entries.len());
    for brief in delta.entries {
        let mut next = |device: u32| {
            let mark = moved.entry(device);
            let seq = mark.unwrap_or_else(|| room.mark(device)).saturating_add(1);
            *mark = Some(seq);
            seq
        };
        entries.push(match brief {
            Brief::Act { device, body } => Entry::Act {
                device,
                seq: next(device),
                body,
            },
            Brief::Reject { device, code, body } => Entry::Reject {
                device,
                seq: next(device),
                code,
                body,
            },
            Brief::Whole(entry) => {
                match entry {
                    Entry::Vouch { device, mark } => moved.insert(device, Some(mark)),
                    Entry::Upcast { device, seq, .. } => moved.insert(device, Some(seq)),
                    _ => {}
                }
                entry
            }
        });
    }
    let (writer, epoch) = delta.led.unwrap_or((base.writer, base.epoch));
    let frame = Frame {
        format: FORMAT,
        v: delta.v,
        previous: base.hash,
        writer,
        epoch,
        nonce: delta.nonce,
        rules: base.rules,
        tick: base.tick.saturating_add(delta.ticks),
        time_ms: base.time_ms.saturating_add(delta.later_ms),
        entries,
        state: delta.state,
    };
    Received::Frame(frame.encode())
}
