//! Frames as they are read: each is checked, its place in the chain, its order, every entry, and the hash of the state that
//! it leads to. Changes nothing but by [`Room::enter`].

use super::history::{self, Step, Watch, carries};
use super::{NotHere, Room};
use crate::frame::{Entry, FORMAT, Frame, NotAFrame};
use crate::id::Hash;
use crate::kind::{Edition, Kind};

/// Why a frame does not replay. The room that was asked holds a state that nobody agreed on
/// unless the error says otherwise: drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// The bytes are not a frame. The room is unchanged.
    Frame(NotAFrame),
    /// Not the version after the room's. The room is unchanged.
    NotNext {
        /// The version that the room needs.
        expected: u64,
        /// The version that the frame has.
        found: u64,
    },
    /// It follows another frame than the room's newest. The room is unchanged.
    Previous,
    /// Its epoch, tick or time is not what the rules of leadership and time allow.
    Order,
    /// It is of rules that this build does not have. The room is unchanged.
    Rules(Edition),
    /// The entry with this index makes no sense here.
    Entry(usize),
    /// The rules came to another state than the writer's: a desync.
    State {
        /// What the frame says.
        expected: Hash,
        /// What this build computed.
        computed: Hash,
    },
}

impl<R: Kind> Room<R> {
    /// The room that a first frame makes.
    pub fn genesis(bytes: &[u8]) -> Result<Self, ReplayError> {
        Self::begin(bytes, None)
    }

    pub(super) fn begin(
        bytes: &[u8],
        mut watch: Option<Watch<'_, R>>,
    ) -> Result<Self, ReplayError> {
        let frame = Frame::decode(bytes).map_err(ReplayError::Frame)?;
        if frame.v != 1 {
            return Err(ReplayError::NotNext {
                expected: 1,
                found: frame.v,
            });
        }
        if frame.previous != Hash::default() {
            return Err(ReplayError::Previous);
        }
        let Some(
            setup @ Entry::Setup {
                kind,
                rules,
                version,
                config,
            },
        ) = frame.entries.first()
        else {
            return Err(ReplayError::Entry(0));
        };
        let edition = Edition {
            rules: *rules,
            version: *version,
        };
        if kind != R::NAME || !R::knows(*rules) {
            return Err(ReplayError::Rules(edition));
        }
        let config = R::read_config(*rules, config).ok_or(ReplayError::Entry(0))?;
        if R::edition(&config) != edition {
            return Err(ReplayError::Entry(0));
        }
        let mut room = Self::new(config, frame.writer, frame.nonce, frame.time_ms);
        if let Some(watch) = &mut watch {
            watch(Step {
                room: &room,
                index: 0,
                entry: setup,
                did: None,
                rejected: None,
            });
        }
        room.enter_all(&frame, 1, watch)?;
        room.close(&frame, Hash::of(bytes))?;
        Ok(room)
    }

    /// Moves the room to the next version. All of the frame is checked: its place in the chain,
    /// its order, every entry, and the hash of the resulting state.
    pub fn replay(&mut self, bytes: &[u8]) -> Result<Frame, ReplayError> {
        self.follow(bytes, None)
    }

    pub(super) fn follow(
        &mut self,
        bytes: &[u8],
        watch: Option<Watch<'_, R>>,
    ) -> Result<Frame, ReplayError> {
        let frame = Frame::decode(bytes).map_err(ReplayError::Frame)?;
        if frame.v != self.v + 1 {
            return Err(ReplayError::NotNext {
                expected: self.v + 1,
                found: frame.v,
            });
        }
        if frame.previous != self.hash {
            return Err(ReplayError::Previous);
        }
        self.ready_for(&frame)?;
        self.enter_all(&frame, 0, watch)?;
        self.close(&frame, Hash::of(bytes))?;
        Ok(frame)
    }

    fn enter_all(
        &mut self,
        frame: &Frame,
        first: usize,
        mut watch: Option<Watch<'_, R>>,
    ) -> Result<(), ReplayError> {
        let mut opened = self.open(frame.v, frame.nonce, frame.time_ms);
        for (index, entry) in frame.entries.iter().enumerate().skip(first) {
            let timed = matches!(
                entry,
                Entry::Join { .. } | Entry::Beat { .. } | Entry::Leave { .. }
            );
            if carries(entry) && !self.advance_to(frame.tick) {
                return Err(ReplayError::Entry(index));
            }
            opened.index = index as u64;
            // Only who watches pays for it.
            let did = watch.as_ref().and_then(|_| self.deed(entry));
            self.enter(entry, &opened)
                .map_err(|NotHere| ReplayError::Entry(index))?;
            if timed && self.tick > frame.tick {
                return Err(ReplayError::Entry(index));
            }
            if let Some(watch) = &mut watch {
                watch(Step {
                    room: self,
                    index,
                    entry,
                    did,
                    rejected: history::rejected(entry),
                });
            }
        }
        if !self.advance_to(frame.tick) {
            return Err(ReplayError::Order);
        }
        Ok(())
    }

    /// What every frame does after its entries, and the checks of its envelope.
    fn close(&mut self, frame: &Frame, hash: Hash) -> Result<(), ReplayError> {
        let epoch = self.epoch_of(frame.writer);
        let in_order = frame.format == FORMAT
            && frame.epoch == epoch
            && frame.time_ms >= self.time_ms
            && frame.tick == self.tick
            && frame.tick <= self.tick_at(frame.time_ms);
        if !in_order {
            return Err(ReplayError::Order);
        }
        self.settle(frame);
        let computed = self.measure();
        if computed != frame.state {
            return Err(ReplayError::State {
                expected: frame.state,
                computed,
            });
        }
        self.hash = hash;
        Ok(())
    }
}
