//! The store's time as a client can know it: from replies, halfway through their round trip, and
//! from pushed frames, which cannot come from the future.

/// How long the best sample counts before a slower one may replace it.
const SAMPLE_MS: u64 = 30_000;

/// An estimate of the store's clock on the client's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    sample: Option<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// The store's time when ours was `at_ms`.
    store_ms: u64,
    at_ms: u64,
    round_trip_ms: u64,
}

impl Clock {
    /// A reply showed the store's time.
    pub(super) fn reply(&mut self, store_ms: u64, sent_ms: u64, now_ms: u64) {
        let round_trip_ms = now_ms.saturating_sub(sent_ms);
        let better = self.sample.is_none_or(|best| {
            round_trip_ms <= best.round_trip_ms || now_ms.saturating_sub(best.at_ms) > SAMPLE_MS
        });
        if better {
            self.sample = Some(Sample {
                store_ms: store_ms.saturating_add(round_trip_ms / 2),
                at_ms: now_ms,
                round_trip_ms,
            });
        }
    }

    /// A frame of this time is here: the store's time is at least that.
    pub(super) fn frame(&mut self, frame_ms: u64, now_ms: u64) {
        if self
            .now_ms(now_ms)
            .is_none_or(|store_ms| store_ms < frame_ms)
        {
            self.sample = Some(Sample {
                store_ms: frame_ms,
                at_ms: now_ms,
                round_trip_ms: u64::MAX,
            });
        }
    }

    /// The store's time, if anything is known of it.
    pub(super) fn now_ms(&self, now_ms: u64) -> Option<u64> {
        let sample = self.sample?;
        let passed_ms = now_ms.saturating_sub(sample.at_ms);
        Some(sample.store_ms.saturating_add(passed_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_of_the_last_replies_counts_and_none_for_ever() {
        let mut clock = Clock::default();
        assert_eq!(clock.now_ms(5), None);
        clock.reply(10_000, 0, 100);
        assert_eq!(clock.now_ms(100), Some(10_050), "halfway through");
        assert_eq!(clock.now_ms(130), Some(10_080), "and it goes on");
        // A slower one says less, whatever it says.
        clock.reply(99_000, 200, 301);
        assert_eq!(clock.now_ms(301), Some(10_251));
        // One that is as quick, and newer.
        clock.reply(20_000, 400, 500);
        assert_eq!(clock.now_ms(500), Some(20_050));
        clock.reply(30_000, 500 + SAMPLE_MS - 200, 500 + SAMPLE_MS);
        assert_eq!(clock.now_ms(500), Some(20_050), "not yet");
        clock.reply(40_000, 501 + SAMPLE_MS - 200, 501 + SAMPLE_MS);
        assert_eq!(clock.now_ms(501 + SAMPLE_MS), Some(40_100), "too long ago");
        // The own clock was set back: no time has passed.
        assert_eq!(clock.now_ms(0), Some(40_100));
    }

    #[test]
    fn a_frame_is_never_of_the_future() {
        let mut clock = Clock::default();
        clock.frame(7_000, 10);
        assert_eq!(clock.now_ms(11), Some(7_001));
        clock.frame(7_001, 11);
        clock.frame(6_000, 11);
        assert_eq!(clock.now_ms(11), Some(7_001), "it says nothing new");
        clock.frame(7_500, 11);
        assert_eq!(clock.now_ms(11), Some(7_500));
        // Any reply knows better, also that it is not so late.
        clock.reply(7_400, 20, 4_020);
        assert_eq!(clock.now_ms(4_020), Some(9_400));
    }
}
