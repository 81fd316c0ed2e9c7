//! The clock of a run: microseconds since it began. Decides nothing.

use tokio::time::{Duration, Instant};

/// Copies show the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    pub(crate) fn us(self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn ms(self) -> u64 {
        self.us() / 1_000
    }

    /// Returns at this time, or at once if it is past; never for the end of time.
    pub(crate) async fn sleep_until(self, us: u64) {
        match self.began.checked_add(Duration::from_micros(us)) {
            Some(at) if us < u64::MAX => tokio::time::sleep_until(at).await,
            _ => std::future::pending().await,
        }
    }
}
