//! Create-if-absent stores: what the library does with single key-value calls. Here a room of plain
//! frames that no rules made: the slots know none.

mod cost;
mod faults;
mod sealing;
mod storms;

use baton::effect::{Append, Effect, Fed, Found, NEWEST, Read};
use baton::frame::{FORMAT, Frame};
use baton::slots::{Answer, Call};
use baton::{Hash, Head, Nonce, Writer, limits::SEGMENT};

use crate::support::rules::Herd;
use crate::support::{LEASE_MS, Shelf};

/// A store of keys, some instances' views of it, and the log as the test wrote it.
struct Desk {
    shelf: Shelf<Herd>,
    /// The head after each frame; the first is the empty room's.
    heads: Vec<Head>,
}

/// A frame on top of another; `salt` tells rivals apart.
fn frame(before: Head, salt: u8) -> Append {
    let frame = Frame {
        format: FORMAT,
        v: before.v + 1,
        previous: before.hash,
        writer: Writer([salt; 8]),
        epoch: 1,
        nonce: Nonce([salt; 8]),
        rules: 0,
        tick: 0,
        time_ms: 1_790_000_000_000 + before.v,
        entries: Vec::new(),
        state: Hash::default(),
    };
    let bytes = frame.encode();
    Append {
        v: frame.v,
        previous: before.hash,
        hash: Hash::of(&bytes),
        published: Vec::new().into(),
        lease_ms: LEASE_MS as u32,
        framed: Vec::new(),
        snapshot: frame
            .v
            .is_multiple_of(SEGMENT)
            .then(|| format!("room {} {salt}", frame.v).into_bytes().into()),
        frame: bytes.into(),
        note: None,
    }
}

fn head_of(append: &Append) -> Head {
    Head {
        v: append.v,
        hash: append.hash,
    }
}

/// The effect, with the read that a handler sends along.
fn effect(append: &Append) -> Effect {
    Effect::Append(append.clone(), read_from(head_of(append)))
}

fn read_from(known: Head) -> Read {
    Read {
        known,
        since: known.v,
        block: None,
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            shelf: Shelf::new(3),
            heads: vec![Head::default()],
        }
    }

    fn grown(v: u64) -> Self {
        let mut desk = Self::new();
        desk.grow(v);
        desk
    }

    /// Instance 0 appends up to version `v`.
    fn grow(&mut self, v: u64) {
        while self.last().v < v {
            self.shelf.pass(20);
            assert!(self.append(0, 1), "appended");
        }
    }

    fn last(&self) -> Head {
        self.heads[self.heads.len() - 1]
    }

    /// Whether an instance's frame on top of the last is appended.
    fn append(&mut self, instance: usize, salt: u8) -> bool {
        let append = frame(self.last(), salt);
        match self.shelf.perform(instance, &effect(&append)) {
            Fed::Appended(true, found) => {
                assert_eq!(found.head, head_of(&append));
                self.heads.push(found.head);
                true
            }
            _ => false,
        }
    }

    fn read(&mut self, instance: usize, known: Head) -> Found {
        match self
            .shelf
            .perform(instance, &Effect::Read(read_from(known)))
        {
            Fed::Read(found) => found,
            other => panic!("a read ends in {other:?}"),
        }
    }

    /// Overwrites or removes a slot, which no writer does: what a faulty store shows.
    fn lose(&mut self, slot: u64) {
        let call = Call::FieldsDelete {
            key: log_key(slot),
            fields: vec![slot],
        };
        assert_eq!(self.shelf.keys.perform(&call), Answer::Done);
    }

    fn is_sealed(&mut self, segment: u64) -> bool {
        matches!(self.shelf.get(&format!("log:{segment}")), Answer::Text(_))
    }

    fn is_trimmed(&mut self, segment: u64) -> bool {
        self.shelf.get(&format!("log:{segment}")) == Answer::Text("-".into())
    }

    fn has_snapshot(&mut self, number: u64) -> bool {
        self.shelf.get(&format!("snapshot:{number}")) != Answer::Nil
    }

    /// Who comes cold finds the head, and what brings it there.
    fn check_cold(&mut self) -> Found {
        let found = self.check_cold_since(0);
        assert_eq!(self.check_cold_since(NEWEST).snapshot, found.snapshot);
        found
    }

    fn check_cold_since(&mut self, since: u64) -> Found {
        let found = self.shelf.found_cold(since);
        assert_eq!(found.head, self.last());
        let mut at = match &found.snapshot {
            Some(body) => {
                let text = String::from_utf8(body.to_vec()).expect("text");
                let v: usize = text.split(' ').nth(1).expect("v").parse().expect("v");
                self.heads[v]
            }
            None => Head::default(),
        };
        for bytes in &found.frames {
            let frame = Frame::decode(bytes).expect("a frame");
            if frame.v > at.v {
                assert_eq!((frame.v, frame.previous), (at.v + 1, at.hash));
                at = Head {
                    v: frame.v,
                    hash: Hash::of(bytes),
                };
            }
        }
        assert_eq!(at, self.last(), "the frames lead to the head");
        found
    }
}

fn log_key(slot: u64) -> String {
    format!("{{kind/test}}:log:{}", (slot - 1) / SEGMENT)
}
