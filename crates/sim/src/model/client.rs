//! A client device: numbered actions, a cursor, and which replies it believes.
//!
//! Decides what to send and what a reply changes. Knows nothing of instances, slots or epochs.

use super::chain::{Chain, View};
use super::mutants::Mutant;
use super::request::Body;

/// Which of its unanswered actions a device puts into one request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Batch {
    /// All.
    All,
    /// The first only.
    First,
    /// The last only: as when an earlier request was overtaken.
    Last,
}

/// A device. All its actions exist from the start and wait to be sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Client {
    /// The device's index.
    pub device: u8,
    /// The mark that it was told; what is at or below it is acknowledged.
    pub acknowledged: u8,
    /// The lowest sequence that it still keeps; below it the grace time has ended.
    pub kept_from: u8,
    /// The version and hash of its synced state.
    pub cursor: Chain,
    /// Requests that it may still send: bounds the model.
    pub sends_left: u8,
    /// Replies that may still be lost: bounds the model.
    pub drops_left: u8,
}

impl Client {
    /// A device that has sent nothing yet.
    pub fn new(device: u8, sends: u8, drops: u8) -> Self {
        Client {
            device,
            acknowledged: 0,
            kept_from: 1,
            cursor: Chain::EMPTY,
            sends_left: sends,
            drops_left: drops,
        }
    }

    /// A request with its unanswered actions out of `actions`; a poll if there is none.
    pub fn body(&self, batch: Batch, actions: u8) -> Body {
        let lowest = (self.acknowledged + 1).max(self.kept_from);
        let (first, last) = match batch {
            Batch::All => (lowest, actions),
            Batch::First => (lowest, lowest),
            Batch::Last => (actions, actions),
        };
        let floor = if self.kept_from > 1 {
            self.kept_from
        } else {
            0
        };
        Body {
            device: self.device,
            first,
            last,
            floor,
            cursor: self.cursor,
        }
    }

    /// Takes a reply to `body` that shows `view`. Acknowledgements count only with the state that they came with.
    ///
    /// A reply that extends what is shown is taken; one that shows less of the same history is stale; one that shows
    /// another history is taken only as a reset, and only if it answers the cursor that the client still has:
    /// otherwise it may come from before the roll-back, and the next request will tell.
    pub fn receive(&mut self, body: &Body, view: &View, mutant: Mutant) {
        let extends = view.chain.descends_from(self.cursor);
        let reset = is_reset(body, view, mutant);
        if extends || (reset && body.cursor == self.cursor) {
            self.cursor = view.chain;
            self.acknowledged = view.marks[usize::from(self.device)];
            if mutant == Mutant::DropAcknowledgedAtOnce {
                self.grace_ends();
            }
        }
    }

    /// The grace time of all acknowledged actions ends; false if none is kept.
    pub fn grace_ends(&mut self) -> bool {
        let ends = self.kept_from <= self.acknowledged;
        if ends {
            self.kept_from = self.acknowledged + 1;
        }
        ends
    }
}

/// Whether a reply to `body` that shows `view` says `reset`: the client's frame is not on the log's chain.
pub fn is_reset(body: &Body, view: &View, mutant: Mutant) -> bool {
    match mutant {
        Mutant::CursorByVersion => body.cursor.version() > view.chain.version(),
        _ => !view.chain.descends_from(body.cursor),
    }
}
