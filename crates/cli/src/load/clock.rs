//! The clock of a run: microseconds since it began. Decides nothing.

use tokio::time::{Duration, Instant};

/// Copies show the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    pub(super) fn us(self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn ms(self) -> u64 {
        self.us() / 1_000
    }

    /// Returns at this time, or at once if it is past; never for the end of time.
    pub(super) async fn sleep_until(self, us: u64) {
        match self.began.checked_add(Duration::from_micros(us)) {
            Some(at) if us < u64::MAX => tokio::time::sleep_until(at).await,
            _ => std::future::pending().await,
        }
    }
}
