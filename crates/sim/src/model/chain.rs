//! The model's small words: tags, chains (which stand for hashes), entries, frames and views.
//!
//! Decides what replay does to a room's marks and epoch. Knows nothing of stores, instances or clients.
//!
//! A frame's hash is modelled by its whole ancestry: a [`Chain`] lists, one byte per version, who wrote the
//! frame and which of the writer's attempts it was. So two hashes are equal exactly if the histories are,
//! and `descends_from` is a shift instead of a walk.

use std::fmt;

/// At most this many devices; each has one mark in a [`View`].
pub const DEVICES: usize = 2;

/// At most this many entries in a frame.
const ENTRIES_PER_FRAME: usize = 6;

/// Who wrote a frame (a writer id, drawn anew after a crash) and the nonce of the attempt. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u8);

impl Tag {
    /// The tag of `writer`'s attempt number `nonce`; both at most 14.
    pub fn new(writer: u8, nonce: u8) -> Self {
        assert!(
            writer < 15 && nonce < 15,
            "the bounds of a configuration keep writers and attempts small"
        );
        Tag((writer + 1) << 4 | (nonce + 1))
    }

    /// The writer id.
    pub fn writer(self) -> u8 {
        (self.0 >> 4) - 1
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(b'A' + self.writer()), self.0 & 0x0f)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The hash of a frame, and with it the whole history up to it: at most eight versions.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain(u64);

impl Chain {
    /// The history of a room without frames.
    pub const EMPTY: Chain = Chain(0);

    /// This history with one more frame. Beyond eight versions the oldest is forgotten; no configuration goes there.
    pub fn then(self, tag: Tag) -> Self {
        Chain(self.0 << 8 | u64::from(tag.0))
    }

    /// The number of frames.
    pub fn version(self) -> u8 {
        8 - (self.0.leading_zeros() / 8) as u8
    }

    /// This history without its last frame.
    pub fn parent(self) -> Self {
        Chain(self.0 >> 8)
    }

    /// The tag of the last frame.
    pub fn last(self) -> Option<Tag> {
        (self.0 != 0).then_some(Tag(self.0 as u8))
    }

    /// Whether `ancestor` is this history or a beginning of it.
    pub fn descends_from(self, ancestor: Chain) -> bool {
        let (own, other) = (self.version(), ancestor.version());
        own >= other && (other == 0 || self.0 >> (8 * (own - other)) == ancestor.0)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return write!(f, "0");
        }
        for index in (0..self.version()).rev() {
            let tag = Tag((self.0 >> (8 * index)) as u8);
            write!(f, "{tag}{}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An action of a device: (device, sequence), and whether the device vouches that it keeps nothing below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry(u8);

impl Entry {
    /// Action number `sequence` (1 to 15) of `device`; `floor` if it is the lowest that the device still keeps.
    pub fn new(device: u8, sequence: u8, floor: bool) -> Self {
        Entry(device << 7 | u8::from(floor) << 6 | sequence)
    }

    /// The device.
    pub fn device(self) -> usize {
        usize::from(self.0 >> 7)
    }

    /// The device's number for it, from 1.
    pub fn sequence(self) -> u8 {
        self.0 & 0x0f
    }

    /// Whether the device keeps nothing below it.
    pub fn is_floor(self) -> bool {
        self.0 & 0x40 != 0
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}{}",
            if self.device() == 0 { 'p' } else { 'q' },
            self.sequence(),
            if self.is_floor() { "!" } else { "" }
        )
    }
}

/// The entries of one frame, in order.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entries([u8; ENTRIES_PER_FRAME]);

impl Entries {
    /// Adds one; false if the frame is full.
    pub fn push(&mut self, entry: Entry) -> bool {
        match self.0.iter_mut().find(|place| **place == 0) {
            Some(place) => {
                *place = entry.0;
                true
            }
            None => false,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0[0] == 0
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        self.0
            .iter()
            .take_while(|byte| **byte != 0)
            .map(|byte| Entry(*byte))
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A frame: what it follows, who wrote it, under which epoch, and what it holds. Its bytes stand for themselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// The hash of the frame before it.
    pub previous: Chain,
    /// Writer and nonce.
    pub tag: Tag,
    /// The epoch: one more than its predecessor's if the writer changed.
    pub epoch: u8,
    /// What it holds.
    pub entries: Entries,
}

impl Frame {
    /// Its hash.
    pub fn chain(&self) -> Chain {
        self.previous.then(self.tag)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} epoch {} {:?}",
            self.chain(),
            self.epoch,
            self.entries
        )
    }
}

/// A room as somebody knows it: the outcome of a replay. Caches and snapshots hold one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct View {
    /// Version and hash.
    pub chain: Chain,
    /// The slot that holds the frame of that version; equal to the version on compare stores.
    pub slot: u8,
    /// The slot of the valid frame before it, or 0.
    pub slot_before: u8,
    /// The epoch of that frame.
    pub epoch: u8,
    /// Per device, the highest sequence applied.
    pub marks: [u8; DEVICES],
}

impl View {
    /// The room after `frame`, which lies in `slot`.
    pub fn after(mut self, frame: &Frame, slot: u8) -> View {
        self.chain = frame.chain();
        self.slot_before = self.slot;
        self.slot = slot;
        self.epoch = frame.epoch;
        for entry in frame.entries.iter() {
            let mark = &mut self.marks[entry.device()];
            *mark = (*mark).max(entry.sequence());
        }
        self
    }

    /// Whether the last frame was written by `writer`.
    pub fn is_by(&self, writer: u8) -> bool {
        self.chain.last().is_some_and(|tag| tag.writer() == writer)
    }
}
