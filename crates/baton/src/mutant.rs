//! Mutants: the library with one rule switched off, to see that tests find it. The switch exists
//! with the feature `mutants` only, which nothing that ships turns on; without it every question
//! here is answered `false` before the program is compiled. What a mutant changes stands where
//! the rule stands.

/// A rule switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    // Marks, and what a snapshot is.
    /// A room restored from a snapshot knows no verdicts.
    SnapshotWithoutWindows,
    /// A room restored from a snapshot knows no marks.
    SnapshotWithoutMarks,
    /// A rejection is remembered as an acceptance.
    VerdictForgotten,
    /// An action above mark + 1 is accepted.
    GapTaken,
    /// The action with the mark's number is accepted again.
    RepeatTaken,
    /// Another body under a number that had a verdict is taken for a repeat.
    ConflictIgnored,
    /// A device's lowest kept action above mark + 1 is a gap like any other.
    VouchIgnored,
    /// A device that registers again gets another number.
    RegisteredTwice,
    /// Eviction heeds no grace time: a device may have actions under way.
    EvictedEarly,

    // Time and presence.
    /// Now is what the host's clock shows.
    HostClock,
    /// Now may be earlier than the last frame.
    TimeGoesBack,
    /// Time is cut, and no entry says so.
    CutNotRecorded,
    /// A long catch-up is one frame.
    CatchUpNotSplit,
    /// Beats are applied after the advance.
    BeatsAfterAdvance,
    /// Who was silent leaves when the frame ends, not at the exact tick.
    LeavesAtFrameEnd,

    // Order, leadership, replies.
    /// Actions are framed by device and number, not in the order of their receipt.
    OrderByDevice,
    /// The inbox is framed after what this request brought.
    InboxLast,
    /// Who finds the lease held leads all the same.
    LeaseIgnored,
    /// A lease holds until its key ends, whatever the clock or one's own watch says.
    LeaseForever,
    /// A takeover keeps the epoch.
    EpochKept,
    /// The nonce is the version.
    NonceForeseen,
    /// A warm instance answers without asking the store.
    ReplyFromCache,
    /// The answers are those of a frame whose append was not heard of, or was refused.
    AnsweredBeforeAppend,
    /// No answer to an append: the request is told that it was rejected.
    UnknownRejected,
    /// The frame that a cache is of is not looked for in the log.
    BreakUnseen,
    /// Another history is told as a snapshot.
    ResetUntold,
    /// A loss that was met is recorded in no frame.
    LossUnrecorded,
    /// A snapshot counts whatever frame the log has at its version.
    SnapshotUnverified,
    /// An instance without the room's rules leads by those that it has.
    OldRulesLead,

    // Orders.
    /// A room restored from a snapshot knows no orders.
    SnapshotWithoutOrders,
    /// A refused order leaves no mark.
    RefusalUnnoted,
    /// The order with the mark's number is done again.
    OrderRepeated,
    /// What is ordered under an earlier registration of a device counts as ordered under the present one.
    OrderOfAnother,
    /// Whatever the server does may be ordered.
    OrderKindUnasked,
    /// Who asks for an order that waits is told that it was done.
    OrderToldEarly,
    /// Whose request wrote an order is told that its number was used by another, once another came after it.
    OrderWrittenTaken,

    // Sends between rooms.
    /// A send is forgotten as soon as the target has it.
    PrunedAtDelivery,
    /// A sender's mark is not kept.
    SenderForgotten,
    /// A parcel is taken though what it follows on is missing.
    ParcelOutOfOrder,

    // The client.
    /// What was answered is forgotten at once.
    AnsweredDropped,
    /// Actions pending at a rewind are not sent again.
    LossNotResent,

    // Presence.
    /// Nobody's beat is ever due once its device is registered.
    BeatNeverDue,

    // Who only watches.
    /// Another history as long as what is shown is no loss if it comes as a room.
    JumpUntold,
    /// An answer says by its clock alone whether it is newer.
    ClockBelieved,
    /// Whatever a cache holds is newer.
    CacheBelieved,
    /// A snapshot is what it says, whatever its check.
    DamageBelieved,

    // Stores that can only create keys if absent.
    /// A cache or snapshot counts, and a write is confirmed, if one slot holds the frame named.
    OneSlotChecked,
    /// What was read of two segments at two moments counts as there together.
    MomentsMixed,
    /// A void frame ends the log.
    VoidEndsLog,
    /// Readers and writers go on behind an absent slot.
    HoleSteppedOver,
    /// A sealed slot counts as taken by another.
    SealedAsLost,
    /// A segment is sealed by what the cache knows of the chain.
    SealedFromCache,
    /// A segment that is no archive yet is trimmed.
    TrimmedUnsealed,
    /// The lease's key never ends.
    LeaseKeyForever,

    // Waiting.
    /// A leader that has company appends without reading, and so renews its lease over what was pushed.
    RenewedUnread,

    // Losses.
    /// A cursor counts as the room's if the store has it, whatever was read before.
    CursorOfElsewhere,

    // Rules at fault.
    /// What is suspected is at fault before it was tried.
    FaultedUntried,
    /// Nothing is ever at fault.
    NothingAtFault,
    /// A record of what was begun before the newest frame counts like a later one.
    OldRecordCounts,
    /// A moot record stays until everything was led.
    MootRecordKept,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 60] = [
        Mutant::SnapshotWithoutWindows,
        Mutant::SnapshotWithoutMarks,
        Mutant::VerdictForgotten,
        Mutant::GapTaken,
        Mutant::RepeatTaken,
        Mutant::ConflictIgnored,
        Mutant::VouchIgnored,
        Mutant::RegisteredTwice,
        Mutant::EvictedEarly,
        Mutant::HostClock,
        Mutant::TimeGoesBack,
        Mutant::CutNotRecorded,
        Mutant::CatchUpNotSplit,
        Mutant::BeatsAfterAdvance,
        Mutant::LeavesAtFrameEnd,
        Mutant::OrderByDevice,
        Mutant::InboxLast,
        Mutant::LeaseIgnored,
        Mutant::LeaseForever,
        Mutant::EpochKept,
        Mutant::NonceForeseen,
        Mutant::ReplyFromCache,
        Mutant::AnsweredBeforeAppend,
        Mutant::UnknownRejected,
        Mutant::BreakUnseen,
        Mutant::ResetUntold,
        Mutant::LossUnrecorded,
        Mutant::SnapshotUnverified,
        Mutant::OldRulesLead,
        Mutant::SnapshotWithoutOrders,
        Mutant::RefusalUnnoted,
        Mutant::OrderRepeated,
        Mutant::OrderOfAnother,
        Mutant::OrderKindUnasked,
        Mutant::OrderToldEarly,
        Mutant::OrderWrittenTaken,
        Mutant::PrunedAtDelivery,
        Mutant::SenderForgotten,
        Mutant::ParcelOutOfOrder,
        Mutant::AnsweredDropped,
        Mutant::LossNotResent,
        Mutant::BeatNeverDue,
        Mutant::JumpUntold,
        Mutant::ClockBelieved,
        Mutant::CacheBelieved,
        Mutant::DamageBelieved,
        Mutant::OneSlotChecked,
        Mutant::MomentsMixed,
        Mutant::VoidEndsLog,
        Mutant::HoleSteppedOver,
        Mutant::SealedAsLost,
        Mutant::SealedFromCache,
        Mutant::TrimmedUnsealed,
        Mutant::LeaseKeyForever,
        Mutant::RenewedUnread,
        Mutant::CursorOfElsewhere,
        Mutant::FaultedUntried,
        Mutant::NothingAtFault,
        Mutant::OldRecordCounts,
        Mutant::MootRecordKept,
    ];
}

#[cfg(feature = "mutants")]
static CHOSEN: core::sync::atomic::AtomicU8 = core::sync::atomic::AtomicU8::new(0);

/// Switches one rule off, everywhere in this process; `None`: all are on.
#[cfg(feature = "mutants")]
pub fn choose(mutant: Option<Mutant>) {
    let number = mutant.map_or(0, |mutant| mutant as u8 + 1);
    CHOSEN.store(number, core::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "mutants")]
pub(crate) fn on(mutant: Mutant) -> bool {
    CHOSEN.load(core::sync::atomic::Ordering::Relaxed) == mutant as u8 + 1
}

#[cfg(not(feature = "mutants"))]
pub(crate) const fn on(_: Mutant) -> bool {
    false
}
