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
