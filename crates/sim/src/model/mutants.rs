//! The mutants: the protocol with one rule switched off. Each must be found by the model.
//!
//! Decides names only; what a mutant changes stands where the rule stands, so that the rule can be read there.

/// One rule switched off, or none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mutant {
    /// The protocol as it is.
    None,
    /// Compare: the hash named must be in the log, not necessarily last. Create-if-absent: a slot is overwritten.
    NoVersionCheck,
    /// Compare: only the version is compared. Create-if-absent: no frame is void, any frame before ours will do.
    NoHashCheck,
    /// Compare: whoever wrote the last frame under the same epoch may append, at whatever version.
    IdentityInsteadOfVersion,
    /// Readers go on behind an absent slot, and writers write behind it.
    StepOverHole,
    /// Readers stop at a void frame as if it were a hole.
    VoidBlocks,
    /// The slot before ours is not read after the write returned; what the READ before the write saw must do.
    SlotReadBeforeWrite,
    /// An action above mark + 1 is accepted.
    MarksTakeGaps,
    /// An action at or below the mark is framed again.
    MarksNotCompared,
    /// The reply leaves before the append is carried out.
    AcknowledgeBeforeAppend,
    /// No answer to an append counts as a refusal.
    UnknownAsLost,
    /// No answer to an append counts as success.
    UnknownAsOk,
    /// A snapshot is used whatever frame the log has at its version.
    SnapshotUnverified,
    /// A cache is used whatever frame the log has at its version.
    CacheNotChecked,
    /// A warm instance answers repeated actions from its cache, without asking the store.
    ReplyFromCache,
    /// The client's cursor is compared by version, not by hash.
    CursorByVersion,
    /// A client drops an action as soon as it is acknowledged.
    DropAcknowledgedAtOnce,
    /// A takeover keeps the epoch.
    EpochKept,
    /// As first designed: a cache or snapshot counts, and a write is confirmed, if one slot holds the frame named.
    OneSlotChecked,
    /// As first designed: after the grace time a device's lowest kept action above mark + 1 is a gap like any other.
    FloorNotHonoured,
}

impl Mutant {
    /// All but `None`.
    pub const ALL: [Mutant; 19] = [
        Mutant::NoVersionCheck,
        Mutant::NoHashCheck,
        Mutant::IdentityInsteadOfVersion,
        Mutant::StepOverHole,
        Mutant::VoidBlocks,
        Mutant::SlotReadBeforeWrite,
        Mutant::MarksTakeGaps,
        Mutant::MarksNotCompared,
        Mutant::AcknowledgeBeforeAppend,
        Mutant::UnknownAsLost,
        Mutant::UnknownAsOk,
        Mutant::SnapshotUnverified,
        Mutant::CacheNotChecked,
        Mutant::ReplyFromCache,
        Mutant::CursorByVersion,
        Mutant::DropAcknowledgedAtOnce,
        Mutant::EpochKept,
        Mutant::OneSlotChecked,
        Mutant::FloorNotHonoured,
    ];
}
