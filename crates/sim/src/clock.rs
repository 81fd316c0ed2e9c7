//! An instance's clocks: the wall's, which may be wrong in every way, and its own, which never goes
//! back. Knows nothing of what they are read for.

/// The store's time when a run begins, in milliseconds since 1970.
pub const START_MS: u64 = 1_790_000_000_000;

/// The clocks of one instance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// How far the wall clock is ahead, in milliseconds.
    pub skew_ms: i64,
    /// How much faster than time both run, in millionths.
    pub drift_ppm: i64,
    /// When the process started by its own clock, so that no two agree.
    pub born_ms: u64,
    /// Both stand still at this time.
    pub frozen_ms: Option<u64>,
}

impl Clock {
    /// The wall clock at a time of the run.
    pub fn wall_ms(&self, now_ms: u64) -> u64 {
        let passed_ms = self.passed_ms(now_ms);
        START_MS
            .saturating_add(passed_ms)
            .saturating_add_signed(self.skew_ms)
    }

    /// The instance's own clock at a time of the run.
    pub fn mono_ms(&self, now_ms: u64) -> u64 {
        self.born_ms.saturating_add(self.passed_ms(now_ms))
    }

    fn passed_ms(&self, now_ms: u64) -> u64 {
        let now_ms = self.frozen_ms.unwrap_or(now_ms);
        let drift_ms = i64::try_from(now_ms / 1_000).unwrap_or(0) * self.drift_ppm / 1_000;
        now_ms.saturating_add_signed(drift_ms)
    }
}
