//! The lease: who should try to append next. It only saves work; safety is the append's compare.
//! Reads clocks that are handed in, and decides nothing else.

use crate::effect::Lease;
use crate::id::Writer;
use crate::mutant::{self, Mutant};

/// What an instance knows when it asks whether it should lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// The lease, while it lives.
    pub(crate) lease: Option<Lease>,
    /// The newest frame's version, writer and time.
    pub(crate) head_v: u64,
    pub(crate) writer: Writer,
    pub(crate) time_ms: u64,
    /// The store's clock, if it has one.
    pub(crate) clock_ms: Option<u64>,
    /// The host's wall clock, the last resort of stores without a clock.
    pub(crate) wall_ms: u64,
    /// For how long this instance has itself seen this head, on its own clock.
    pub(crate) watched_ms: u64,
}

/// Who should append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody holds the lease: whoever is asked.
    Free,
    /// We do, and the next frame is due.
    Ours,
    /// We do, but the last frame is too young: what comes in gathers in the inbox.
    Early {
        /// Until the next frame is due, in milliseconds.
        wait_ms: u32,
    },
    /// Somebody else does.
    Theirs {
        /// Until the lease ends if it is not renewed, in milliseconds.
        wait_ms: u32,
    },
}

pub(crate) fn turn(sight: &Sight, own: Writer, frame_ms: u32, lease_ms: u32) -> Turn {
    let Some(lease) = sight.lease else {
        return Turn::Free;
    };
    let lease_long = u64::from(lease_ms);
    let older_than = |now_ms: u64, leases: u64| {
        now_ms.saturating_sub(sight.time_ms) > leases.saturating_mul(lease_long)
    };
    // (a) A lease without an end, left by a faulty store, does not hold the room for ever.
    let forever = mutant::on(Mutant::LeaseForever);
    let dead = sight.clock_ms.is_some_and(|now_ms| older_than(now_ms, 2));
    // (b) Seen standing still by ourselves. (c) By host time, where the store has none.
    let still = sight.watched_ms > lease_long;
    let ancient = sight.clock_ms.is_none() && older_than(sight.wall_ms, 10);
    // (d) Nobody sets one so long. For an instance that remembers nothing, on a host whose clock is behind
    // the room's, nothing else would end it.
    let endless = sight.clock_ms.is_none() && u64::from(lease.left_ms) > 10 * lease_long;
    if (dead || still || ancient || endless) && !forever {
        return Turn::Free;
    }
    // The lease names a frame; its holder is that frame's writer.
    let other = lease.v != sight.head_v || sight.writer != own;
    if other && !mutant::on(Mutant::LeaseIgnored) {
        return Turn::Theirs {
            wait_ms: lease.left_ms.min(lease_ms),
        };
    }
    let age_ms = lease_ms.saturating_sub(lease.left_ms);
    match frame_ms.saturating_sub(age_ms) {
        0 => Turn::Ours,
        wait_ms => Turn::Early { wait_ms },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Writer = Writer([1; 8]);
    const OTHER: Writer = Writer([2; 8]);

    fn sight(writer: Writer, left_ms: u32) -> Sight {
        Sight {
            lease: Some(Lease { v: 7, left_ms }),
            head_v: 7,
            writer,
            time_ms: 1_000_000,
            clock_ms: Some(1_000_050),
            wall_ms: 0,
            watched_ms: 10,
        }
    }

    fn of(sight: Sight) -> Turn {
        turn(&sight, OWN, 100, 200)
    }

    #[test]
    fn an_absent_lease_is_free() {
        let absent = Sight {
            lease: None,
            ..sight(OTHER, 0)
        };
        assert_eq!(of(absent), Turn::Free);
    }

    #[test]
    fn the_holder_leads_once_a_frame_is_due() {
        assert_eq!(of(sight(OWN, 150)), Turn::Early { wait_ms: 50 });
        assert_eq!(of(sight(OWN, 100)), Turn::Ours);
        assert_eq!(of(sight(OTHER, 100)), Turn::Theirs { wait_ms: 100 });
    }

    #[test]
    fn a_lease_that_never_ends_is_free_after_two_leases() {
        let mut endless = sight(OTHER, 5_000);
        assert_eq!(of(endless), Turn::Theirs { wait_ms: 200 });
        endless.clock_ms = Some(1_000_401);
        assert_eq!(of(endless), Turn::Free);
    }

    #[test]
    fn a_head_seen_standing_still_for_a_lease_is_free() {
        let mut watched = sight(OTHER, 100);
        watched.watched_ms = 200;
        assert_eq!(of(watched), Turn::Theirs { wait_ms: 100 });
        watched.watched_ms = 201;
        assert_eq!(of(watched), Turn::Free);
    }

    #[test]
    fn without_a_clock_a_lease_that_nobody_sets_is_free() {
        let mut endless = sight(OTHER, 2_001);
        assert_eq!(of(endless), Turn::Theirs { wait_ms: 200 });
        endless.clock_ms = None;
        assert_eq!(of(endless), Turn::Free);
        endless.lease = Some(Lease {
            v: 7,
            left_ms: 2_000,
        });
        assert_eq!(of(endless), Turn::Theirs { wait_ms: 200 });
    }

    #[test]
    fn host_time_counts_only_where_the_store_has_none() {
        let mut old = sight(OTHER, 100);
        old.wall_ms = 9_000_000;
        assert_eq!(of(old), Turn::Theirs { wait_ms: 100 });
        old.clock_ms = None;
        assert_eq!(of(old), Turn::Free);
    }
}
