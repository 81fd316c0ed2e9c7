//! What was measured at a point, over all its seeds. Counts and sorts; knows nothing of how it came
//! about.

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// From an action to its frame in the log, in milliseconds, one for each action.
    pub framed: Waits,
    /// From an action to its author's replica having that frame.
    pub own: Waits,
    /// The same, for each action and every other client.
    pub others: Waits,
    /// From the last frame before a strike to the next by somebody else.
    pub stalls: Waits,
    /// Actions that no frame had when the run ended.
    pub unframed: u64,
    /// Frames appended.
    pub frames: u64,
    /// Appends that another frame came before.
    pub lost: u64,
    /// Requests of clients.
    pub requests: u64,
    /// Round trips between instances and the store.
    pub trips: u64,
    /// How long was measured, in milliseconds.
    pub run_ms: u64,
}

impl Figures {
    /// Those of another seed too.
    pub fn add(&mut self, other: Self) {
        self.framed.0.extend(other.framed.0);
        self.own.0.extend(other.own.0);
        self.others.0.extend(other.others.0);
        self.stalls.0.extend(other.stalls.0);
        self.unframed += other.unframed;
        self.frames += other.frames;
        self.lost += other.lost;
        self.requests += other.requests;
        self.trips += other.trips;
        self.run_ms += other.run_ms;
    }

    /// Appends that were lost, of a hundred.
    pub fn lost_share(&self) -> u64 {
        per(self.lost * 100, self.lost + self.frames)
    }

    /// Frames in a hundred seconds.
    pub fn frame_rate(&self) -> u64 {
        per(self.frames * 100_000, self.run_ms)
    }

    /// Round trips to the store for a hundred requests.
    pub fn trips_share(&self) -> u64 {
        per(self.trips * 100, self.requests)
    }
}

/// The quotient, to the nearest.
fn per(part: u64, whole: u64) -> u64 {
    (part + whole / 2).checked_div(whole).unwrap_or(0)
}

/// Waiting times, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits(Vec<u32>);

impl Waits {
    /// One more.
    pub fn push(&mut self, ms: u64) {
        self.0.push(u32::try_from(ms).unwrap_or(u32::MAX));
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The least that so many of a hundred do not exceed; 0 if there are none.
    pub fn percentile(&self, hundredths: usize) -> u64 {
        let mut sorted = self.0.clone();
        let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
        match sorted.get_mut(..) {
            Some(all) if !all.is_empty() => u64::from(*all.select_nth_unstable(rank - 1).1),
            _ => 0,
        }
    }

    /// Half of them wait no longer.
    pub fn p50(&self) -> u64 {
        self.percentile(50)
    }

    /// Of a hundred, 99 wait no longer.
    pub fn p99(&self) -> u64 {
        self.percentile(99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let mut waits = Waits::default();
        assert_eq!(waits.p99(), 0);
        (1..=200).rev().for_each(|ms| waits.push(ms));
        assert_eq!(
            (waits.p50(), waits.p99(), waits.percentile(100)),
            (100, 198, 200)
        );
    }
}
