//! What must find each mutant of the library: worlds of the simulator, drawn at random, or a scenario
//! among the library's own tests where it is rare there (changes of rules, sealing). Decides what counts as found; does not run anything.

use baton::Random;
use baton::mutant::Mutant;

use baton_sim::Plan;

/// What finds a mutant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Which.
    pub(crate) mutant: Mutant,
    /// The rule that it breaks.
    pub(crate) rule: &'static str,
    /// What has to fail.
    pub(crate) found: Found,
}

/// What has to fail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// A run of the simulator.
    Swarm {
        /// The checks that may tell, by their numbers.
        checks: &'static [&'static str],
        /// After so many seeds at most.
        seeds: u64,
        /// What worlds are drawn.
        worlds: Worlds,
    },
    /// This scenario of the library's tests.
    Scenario(&'static str),
}

/// What worlds are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worlds {
    /// As they come.
    Any,
    /// Only with a store of keys.
    Keys,
    /// Only of rooms that are users' own, and take orders.
    Own,
    /// Of several rooms that send each other a lot, while their stores lose writes.
    Wires,
}

impl Worlds {
    /// All of them.
    pub(crate) const ALL: [Worlds; 4] = [Self::Any, Self::Keys, Self::Own, Self::Wires];

    /// What they are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Keys => "keys",
            Self::Own => "own",
            Self::Wires => "wires",
        }
    }

    /// Changes what a seed drew.
    pub(crate) fn change(self, seed: u64, plan: &mut Plan) {
        match self {
            Self::Any => {}
            Self::Keys => {
                plan.keys = true;
                plan.clock = false;
            }
            Self::Own => plan.make_own(&mut Random::from_seed(seed)),
            Self::Wires => {
                plan.make_wires(&mut Random::from_seed(seed));
                plan.clock = !plan.keys;
                plan.faults.roll_backs = 1;
            }
        }
    }
}

/// Every mutant and what finds it.
pub(crate) const CASES: [Case; 60] = [
    swarm(
        Mutant::SnapshotWithoutWindows,
        "a snapshot holds the verdicts",
        &["S6"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::SnapshotWithoutMarks,
        "a snapshot holds the marks",
        &["S6"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::VerdictForgotten,
        "a rejection stays one",
        &["S13", "S14"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::GapTaken,
        "numbers are dense",
        &["S4"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::RepeatTaken,
        "each action once",
        &["S4", "S3"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::ConflictIgnored,
        "one body per number",
        &["S13"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::VouchIgnored,
        "a device may vouch that older numbers are lost",
        "losses::a_device_that_let_go_of_what_was_lost_vouches_and_goes_on",
    ),
    swarm(
        Mutant::RegisteredTwice,
        "one number per device",
        &["S3"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::EvictedEarly,
        "eviction spares whose actions are under way",
        "evictions::a_user_has_a_bounded_number_of_devices_and_the_longest_silent_one_makes_room",
    ),
    swarm(
        Mutant::HostClock,
        "now is the store's clock",
        &["L2", "S8"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::TimeGoesBack,
        "time never goes back",
        &["S8"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::CutNotRecorded,
        "a frame records every cut",
        &["S7", "S6"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::CatchUpNotSplit,
        "long catch-ups are split",
        &["S18"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::BeatsAfterAdvance,
        "beats count from their receipt",
        "presence::a_beat_counts_from_the_tick_of_its_receipt_however_late_it_is_framed",
    ),
    swarm(
        Mutant::LeavesAtFrameEnd,
        "who is silent leaves at the exact tick",
        &["S7"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::OrderByDevice,
        "actions in the order of their receipt",
        &["3"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::InboxLast,
        "the inbox first",
        &["3"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::LeaseIgnored,
        "a held lease is heeded",
        "leading::j13_a_dead_leader_is_replaced_when_its_lease_ends_and_not_before",
    ),
    swarm(
        Mutant::LeaseForever,
        "a lease ends also for who sees it stand still (a, b, c)",
        &["L11", "7", "L1", "L3"],
        80,
        Worlds::Any,
    ),
    swarm(
        Mutant::EpochKept,
        "epochs rise with each writer",
        &["5"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::NonceForeseen,
        "the writer draws the nonce",
        &["S17"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::ReplyFromCache,
        "no answer without a read",
        &["S15"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::AnsweredBeforeAppend,
        "only what is committed is shown",
        &["2"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::UnknownRejected,
        "what is unknown is never rejected",
        &["9"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::BreakUnseen,
        "a cache's frame is looked for",
        &["9", "S10"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::ResetUntold,
        "another history is told as a reset",
        &["S10"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::LossUnrecorded,
        "a loss makes a new lineage",
        "losses::the_reset_entry_names_the_lost_lineage_and_its_frame_the_new_one",
    ),
    scenario(
        Mutant::SnapshotUnverified,
        "a snapshot counts only with its frame",
        "losses::a_snapshot_of_a_lost_chain_is_never_used",
    ),
    scenario(
        Mutant::OldRulesLead,
        "who lacks the rules never leads",
        "switch::an_instance_that_lacks_the_new_rules_passes_bytes_and_pushes_and_never_leads",
    ),
    swarm(
        Mutant::SnapshotWithoutOrders,
        "a snapshot holds what was ordered last",
        &["S6"],
        40,
        Worlds::Own,
    ),
    swarm(
        Mutant::RefusalUnnoted,
        "a refused order stays refused",
        &["B8", "S15"],
        40,
        Worlds::Own,
    ),
    swarm(
        Mutant::OrderRepeated,
        "each order once",
        &["B8", "S15"],
        40,
        Worlds::Own,
    ),
    swarm(
        Mutant::OrderOfAnother,
        "an order is of its registration",
        &["S16"],
        40,
        Worlds::Own,
    ),
    swarm(
        Mutant::OrderKindUnasked,
        "only what the rules name may be ordered",
        &["S14"],
        40,
        Worlds::Own,
    ),
    swarm(
        Mutant::OrderToldEarly,
        "an order is told to be done once it is in the log",
        &["B8"],
        40,
        Worlds::Own,
    ),
    scenario(
        Mutant::OrderWrittenTaken,
        "what a request wrote it is never told to be another's",
        "orders::whose_request_wrote_an_order_is_never_told_that_its_number_was_used_by_another",
    ),
    swarm(
        Mutant::PrunedAtDelivery,
        "sends are kept for the grace time",
        &["L11"],
        40,
        Worlds::Wires,
    ),
    swarm(
        Mutant::SenderForgotten,
        "a target keeps marks of senders",
        &["B15"],
        40,
        Worlds::Wires,
    ),
    scenario(
        Mutant::ParcelOutOfOrder,
        "sends are taken in order",
        "delivery::what_follows_on_something_that_is_missing_is_not_taken",
    ),
    swarm(
        Mutant::AnsweredDropped,
        "what was answered is kept for a grace time",
        &["P7"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::LossNotResent,
        "what a loss took is sent again",
        &["L1", "P7"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::BeatNeverDue,
        "who has a room open is in it",
        &["L10"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::JumpUntold,
        "who watches is told of a loss",
        &["S10"],
        400,
        Worlds::Any,
    ),
    scenario(
        Mutant::ClockBelieved,
        "a clock ahead stops nobody who watches",
        "spectators::x8_an_answer_of_an_instance_whose_clock_is_ahead_stops_nothing",
    ),
    scenario(
        Mutant::CacheBelieved,
        "what a cache still holds is no loss",
        "spectators::x8_a_shorter_log_than_ours_is_a_loss_if_the_answer_is_newer_and_old_if_it_is_older",
    ),
    swarm(
        Mutant::DamageBelieved,
        "a snapshot is checked before it is a state",
        &["S6", "S9"],
        200,
        Worlds::Any,
    ),
    scenario(
        Mutant::OneSlotChecked,
        "two slots prove a chain",
        "slots::faults::a_write_that_is_repeated_after_a_failover_does_not_make_two_games",
    ),
    scenario(
        Mutant::MomentsMixed,
        "what is read together was there together",
        "slots::faults::a_read_that_a_loss_divides_shows_no_frame_that_never_counted",
    ),
    swarm(
        Mutant::VoidEndsLog,
        "void frames are stepped over",
        &["L1"],
        40,
        Worlds::Keys,
    ),
    scenario(
        Mutant::HoleSteppedOver,
        "a hole ends the log",
        "slots::faults::nothing_is_appended_behind_a_hole",
    ),
    scenario(
        Mutant::SealedAsLost,
        "a write into a sealed segment is unknown",
        "slots::faults::another_frame_in_the_slot_is_lost_and_nothing_else_is",
    ),
    scenario(
        Mutant::SealedFromCache,
        "sealing rests on fresh reads",
        "slots::sealing::a_segment_is_never_sealed_from_what_an_instance_remembers",
    ),
    scenario(
        Mutant::TrimmedUnsealed,
        "archive, then trim",
        "slots::sealing::nothing_is_trimmed_that_was_not_sealed",
    ),
    scenario(
        Mutant::LeaseKeyForever,
        "the lease's key ends",
        "slots::cost::the_lease_is_what_is_left_by_the_own_clock_and_its_key_always_ends",
    ),
    scenario(
        Mutant::RenewedUnread,
        "a leader that has company reads before it renews",
        "leading::j12_a_leader_that_has_company_frames_what_others_pushed_before_it_renews_its_lease",
    ),
    scenario(
        Mutant::CursorOfElsewhere,
        "a cursor is looked up in the log that was read",
        "losses::a_loss_that_comes_while_a_cursor_is_looked_up_is_answered_with_retry",
    ),
    swarm(
        Mutant::FaultedUntried,
        "only what broke the rules alone is set aside",
        &["S14", "L6"],
        40,
        Worlds::Any,
    ),
    swarm(
        Mutant::NothingAtFault,
        "what broke the rules twice alone is set aside",
        &["L1"],
        40,
        Worlds::Any,
    ),
    scenario(
        Mutant::OldRecordCounts,
        "what was begun before the newest frame is settled",
        "tries::a_record_that_a_store_makes_late_blames_nobody",
    ),
    scenario(
        Mutant::MootRecordKept,
        "a moot record goes before everything is led",
        "faults::what_breaks_the_rules_after_what_was_suspected_is_gone_is_found_out_too",
    ),
];

const fn swarm(
    mutant: Mutant,
    rule: &'static str,
    checks: &'static [&'static str],
    seeds: u64,
    worlds: Worlds,
) -> Case {
    Case {
        mutant,
        rule,
        found: Found::Swarm {
            checks,
            seeds,
            worlds,
        },
    }
}

const fn scenario(mutant: Mutant, rule: &'static str, name: &'static str) -> Case {
    Case {
        mutant,
        rule,
        found: Found::Scenario(name),
    }
}
