//! The books of one room: every frame that was ever committed, the chain that the store holds now,
//! and what that chain must come to. Kept as the store appends, apart from whoever asked.

use std::collections::{BTreeMap, BTreeSet};

use baton::frame::Frame;
use baton::{Hash, Head, Lineage, Nonce, Room};

use super::ledger::Ledger;
use super::oracle::Oracle;
use super::{Broken, Checked, hold};
use crate::later::{Both, Game};

/// A frame that was committed, whether or not the store still has it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Its version.
    pub v: u64,
    /// The frame before.
    pub previous: Hash,
    /// Which nobody could know before it was written.
    pub nonce: Nonce,
    /// Hash of the room's canonical bytes after it.
    pub state: Hash,
    /// The history's name after it.
    pub lineage: Lineage,
    /// When it was committed, in the run's time.
    pub at_ms: u64,
}

/// Every frame that was ever committed.
pub type Tree = BTreeMap<Hash, Leaf>;

/// What one half of the store holds.
pub struct Book<R: Game> {
    /// Hashes by version, from 1.
    pub chain: Vec<Hash>,
    /// A replay from the first frame.
    pub room: Option<Room<Both<R>>>,
    /// What it must come to.
    pub oracle: Oracle,
}

impl<R: Game> Clone for Book<R> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            room: self.room.clone(),
            oracle: self.oracle.clone(),
        }
    }
}

/// What a frame is checked against.
pub struct Witness<'a> {
    /// What devices made.
    pub ledger: &'a Ledger,
    /// Whether the store has lost writes.
    pub lossy: bool,
    /// The frames in which entries and time may be tried alone.
    pub tries: &'a BTreeSet<Hash>,
    /// The time of the run.
    pub now_ms: u64,
}

impl<R: Game> Book<R> {
    /// An empty one.
    pub fn new(oracle: Oracle) -> Self {
        Self {
            chain: Vec::new(),
            room: None,
            oracle,
        }
    }

    /// The newest frame.
    pub fn head(&self) -> Head {
        Head {
            v: self.chain.len() as u64,
            hash: self.chain.last().copied().unwrap_or_default(),
        }
    }

    /// Whether a frame is in the chain now.
    pub fn has(&self, head: Head) -> bool {
        let index = head
            .v
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.chain.get(index)) == Some(&head.hash)
    }

    /// The store took a frame in.
    pub fn append(
        &mut self,
        bytes: &[u8],
        tree: &mut Tree,
        witness: &Witness<'_>,
    ) -> Result<Frame, Broken> {
        let frame = Frame::decode(bytes).map_err(|error| Broken {
            check: "S5: what is stored is a frame",
            seen: format!("{error:?}"),
        })?;
        self.oracle.enter(&frame, bytes, witness)?;
        let replayed = match &mut self.room {
            Some(room) => room.replay(bytes).map(|_| ()),
            None => Room::genesis(bytes).map(|room| self.room = Some(room)),
        };
        hold(
            replayed.is_ok(),
            "S6: every frame replays to the writer's state",
            || format!("frame {}: {replayed:?}", frame.v),
        )?;
        let hash = Hash::of(bytes);
        if let Some(room) = &self.room {
            self.oracle.compare(room.state(), room.present())?;
            hold(
                room.lineage() == self.oracle.lineage,
                "S9: the lineage is the oracle's",
                || format!("frame {}: {}", frame.v, room.lineage()),
            )?;
        }
        let same = |(other, leaf): (&Hash, &Leaf)| leaf.nonce == frame.nonce && *other != hash;
        hold(
            !tree.iter().any(same),
            "S17: a nonce is drawn for one frame",
            || format!("frame {}", frame.v),
        )?;
        self.chain.push(hash);
        tree.entry(hash).or_insert(Leaf {
            v: frame.v,
            previous: frame.previous,
            nonce: frame.nonce,
            state: frame.state,
            lineage: self.oracle.lineage,
            at_ms: witness.now_ms,
        });
        Ok(frame)
    }

    /// The store lost its last frames: the books are written again from what is left.
    pub fn rebuild(
        &mut self,
        frames: &[Vec<u8>],
        fresh: Oracle,
        tree: &mut Tree,
        witness: &Witness<'_>,
    ) -> Checked {
        *self = Self::new(fresh);
        for bytes in frames {
            self.append(bytes, tree, witness)?;
        }
        Ok(())
    }

    /// What the store holds is what the books say: nothing came or changed behind their back.
    pub fn matches(&self, frames: &[Vec<u8>]) -> Checked {
        let mut count = 0;
        for (index, bytes) in frames.iter().enumerate() {
            let same = self.chain.get(index) == Some(&Hash::of(bytes));
            hold(same, "S5: the bytes of a frame never change", || {
                format!("frame {}", index + 1)
            })?;
            count = index + 1;
        }
        hold(
            count == self.chain.len(),
            "S5: no frame is lost but by the store",
            || format!("{count} frames of {}", self.chain.len()),
        )
    }
}

/// Whether `young` has `old` in its past. Version 0 is in everybody's.
pub fn descends(tree: &Tree, young: Head, old: Head) -> bool {
    let mut at = young;
    while at.v > old.v {
        let Some(leaf) = tree.get(&at.hash) else {
            return false;
        };
        at = Head {
            v: at.v - 1,
            hash: leaf.previous,
        };
    }
    at == old
}
