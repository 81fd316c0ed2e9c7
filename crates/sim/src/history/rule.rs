//! What a history must keep, and what contradicts it: a rule, and the lines that cannot all be true. Must not know how
//! either is looked for.

use std::fmt;

/// A rule of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The log is one line of versions, each frame naming the hash before it, a new epoch with each new writer.
    Chain,
    /// One frame per version, in the log and in all that is shown.
    OneFrame,
    /// Nothing is shown that the log does not hold.
    Committed,
    /// What was acknowledged is in the log, at a version not above the head that came with it.
    NothingLost,
    /// Each (device, sequence) is in the log once.
    Once,
    /// A device's sequences are in the log in order and without a gap, but for what it vouches for.
    Dense,
    /// A verdict that was told is the log's, whenever it is told.
    Verdict,
    /// The mark that was told is the log's at that head.
    Mark,
    /// A mark that was told never falls, unless the store lost it.
    MarkRises,
    /// An action is in the log above everything that was shown before it was first sent.
    Order,
    /// Whoever asks after an answer was given is shown nothing older.
    Fresh,
    /// Frames follow the client's cursor without a gap, up to the head.
    News,
    /// Whoever has a frame that is lost is told so before anything new.
    ResetTold,
    /// Nobody is told of a loss that was none.
    ResetTrue,
    /// The lineage that was told is the log's at that head.
    Lineage,
    /// What was refused for certain is not in the log.
    Refused,
    /// What is in the log was sent, with this body.
    Sent,
    /// A number belongs to one device, and a device has one number.
    Number,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 18] = [
        Self::Chain,
        Self::OneFrame,
        Self::Committed,
        Self::NothingLost,
        Self::Once,
        Self::Dense,
        Self::Verdict,
        Self::Mark,
        Self::MarkRises,
        Self::Order,
        Self::Fresh,
        Self::News,
        Self::ResetTold,
        Self::ResetTrue,
        Self::Lineage,
        Self::Refused,
        Self::Sent,
        Self::Number,
    ];
}

/// A contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule that is broken.
    pub rule: Rule,
    /// The lines that contradict each other, from 0, in the order of their telling.
    pub lines: Vec<usize>,
    /// Which operations and versions, in words.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| (line + 1).to_string())
            .collect();
        write!(
            f,
            "{:?}: {} (lines {})",
            self.rule,
            self.why,
            lines.join(", ")
        )
    }
}
