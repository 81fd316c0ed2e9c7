//! A request inside an instance: what it carries, where it stands, and what its last step met.
//!
//! Decides nothing; the steps from phase to phase are the instance's.

use super::chain::{Chain, Entry, Frame, View};

/// What a request carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Body {
    /// Which device sends.
    pub device: u8,
    /// First sequence; above `last` if there is none.
    pub first: u8,
    /// Last sequence.
    pub last: u8,
    /// The lowest sequence that the device still keeps, or 0 if it keeps all.
    pub floor: u8,
    /// The version and hash that the client has.
    pub cursor: Chain,
}

impl Body {
    /// The actions, in order.
    pub fn actions(&self) -> impl Iterator<Item = Entry> + use<> {
        let Body { device, floor, .. } = *self;
        (self.first..=self.last)
            .map(move |sequence| Entry::new(device, sequence, sequence == floor))
    }

    /// The actions that are neither in the log nor in the inbox; `None` if they do not follow on what is there, unless
    /// the device vouches that nothing is missing.
    pub fn news(&self, view: &View, inbox: &[Entry]) -> Option<Vec<Entry>> {
        let mark = view.marks[usize::from(self.device)];
        let waits = |sequence: u8| {
            let same = |item: &Entry| {
                item.device() == usize::from(self.device) && item.sequence() == sequence
            };
            inbox.iter().any(same)
        };
        let mut next = mark + 1;
        let mut news = Vec::new();
        for action in self.actions().filter(|action| action.sequence() > mark) {
            next = next.max(self.floor.min(action.sequence()));
            while waits(next) {
                next += 1;
            }
            if action.sequence() > next {
                return None;
            }
            if action.sequence() == next {
                news.push(action);
                next += 1;
            }
        }
        Some(news)
    }
}

/// Why the fate of an append must be read from the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Doubt {
    /// The store refused it: it is not in the log.
    Refused,
    /// No answer, or one that proves nothing.
    Unknown,
}

/// An append that was built: the frame, its slot, what it follows, and the inbox items that it settles.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attempt {
    /// The frame.
    pub frame: Frame,
    /// Its slot.
    pub slot: u8,
    /// The room that it follows.
    pub base: View,
    /// Framed, at or below a mark, or beyond a gap: all that was read from the inbox.
    pub taken: Vec<Entry>,
}

/// Where a request stands: what it does next.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// Nothing done yet.
    Arrived,
    /// The frame is built and not yet sent.
    Appending(Attempt),
    /// Create-if-absent: the write returned; the slot before ours is to be read.
    Checking(Attempt),
    /// A READ must say whether the frame is in the log.
    Resolving(Attempt, Doubt),
    /// Committed; the settled inbox items are to be removed.
    Removing(View, Vec<Entry>),
    /// Following: these actions are to be pushed.
    Pushing(Vec<Entry>),
    /// The reply is on its way.
    Replying(View),
    /// The reply `retry` is on its way.
    Retrying(Chain),
}

/// What the request's last step met, for reachability.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notes(pub u16);

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(Note::ALL.iter().filter(|note| self.has(**note)))
            .finish()
    }
}

/// One thing worth reaching.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// The cache was ahead of, or beside, what the store has.
    Break,
    /// The replay began at a snapshot.
    FromSnapshot,
    /// A snapshot of a lost chain was passed over.
    PassedOver,
    /// An action at or below its mark was left out.
    Duplicate,
    /// An action beyond mark + 1 was refused.
    Gap,
    /// An action was framed out of the inbox.
    FromInbox,
    /// No answer, and then found in the log.
    UnknownFound,
    /// No answer, and then another's frame in its place, or ours void.
    UnknownLost,
    /// A device's vouched gap was taken after a roll-back.
    FloorTaken,
}

impl Note {
    const ALL: [Note; 9] = [
        Note::Break,
        Note::FromSnapshot,
        Note::PassedOver,
        Note::Duplicate,
        Note::Gap,
        Note::FromInbox,
        Note::UnknownFound,
        Note::UnknownLost,
        Note::FloorTaken,
    ];
}

impl Notes {
    /// Adds `note`.
    pub fn add(&mut self, note: Note) {
        self.0 |= 1 << note as u16;
    }

    /// Whether `note` was met.
    pub fn has(self, note: Note) -> bool {
        self.0 & (1 << note as u16) != 0
    }
}

/// A request inside an instance.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Request {
    /// What it does next.
    pub phase: Phase,
    /// What it carries.
    pub body: Body,
    /// How often it led and lost.
    pub attempts: u8,
    /// What its last step met.
    pub notes: Notes,
}
