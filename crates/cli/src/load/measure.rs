//! What is measured while clients play: counts and times. Decides what counts as part of the measurement; must not know
//! clients or rooms.

use std::collections::BTreeMap;
use std::sync::Mutex;

use hdrhistogram::Histogram;

use super::clock::Clock;
use super::host::Heard;

/// What clients meet, from many threads.
pub(crate) struct Measure {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since when, in microseconds; nothing is measured before.
    since_us: Option<u64>,
    until_us: Option<u64>,
    counts: Counts,
}

/// A request and what came of it.
pub(crate) enum Came<'a> {
    Reply,
    Refused(&'a str),
    Nothing,
}

impl<'a> Came<'a> {
    /// Of a request to a room.
    pub(crate) fn of(heard: &'a Heard) -> Self {
        match heard {
            Heard::Reply(_) => Self::Reply,
            Heard::Refused { code, .. } => Self::Refused(code),
            Heard::Failed => Self::Nothing,
        }
    }
}

/// What was counted.
#[derive(Clone)]
pub(crate) struct Counts {
    /// Requests to rooms that were answered, refusals included.
    pub(crate) requests: u64,
    /// Requests to rooms that nobody answered.
    pub(crate) failed: u64,
    /// Requests that were sent because the one before had failed or was refused.
    pub(crate) retries: u64,
    /// By code; of sessions too, and also of before the measurement.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Actions that were made.
    pub(crate) made: u64,
    /// Actions of the measurement that the log was seen to hold, with their verdicts.
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    /// Those of them that were seen before it ended.
    pub(crate) in_time: u64,
    /// Actions that were due but not made: the rules said no, or too many were without an answer.
    pub(crate) forbidden: u64,
    pub(crate) full: u64,
    /// Of a request that was answered, in microseconds.
    pub(crate) request_us: Histogram<u64>,
    /// From when an action was due to when its client saw it in the log, in microseconds.
    pub(crate) shown_us: Histogram<u64>,
}

/// Three digits that matter, of times up to ten minutes; what takes longer counts as that.
const DIGITS: u8 = 3;
const LONGEST_US: u64 = 600_000_000;

impl Default for Counts {
    fn default() -> Self {
        let histogram =
            || Histogram::new_with_max(LONGEST_US, DIGITS).expect("up to five digits are possible");
        Self {
            requests: 0,
            failed: 0,
            retries: 0,
            refused: BTreeMap::new(),
            made: 0,
            accepted: 0,
            rejected: 0,
            in_time: 0,
            forbidden: 0,
            full: 0,
            request_us: histogram(),
            shown_us: histogram(),
        }
    }
}

impl Measure {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// It begins.
    pub(crate) fn begin(&self) {
        self.with(|state, now_us| state.since_us = Some(now_us));
    }

    /// It ends; what was made in it still counts when it is seen.
    pub(crate) fn end(&self) {
        self.with(|state, now_us| state.until_us = Some(now_us));
    }

    /// So far.
    pub(crate) fn counts(&self) -> Counts {
        self.with(|state, _| state.counts.clone())
    }

    /// How long it has lasted, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.with(|state, now_us| {
            let until_us = state.until_us.unwrap_or(now_us);
            let since_us = state.since_us.unwrap_or(until_us);
            (until_us - since_us) as f64 / 1e6
        })
    }

    /// A request that was sent at `sent_us` has ended. `again`: the one before it was in vain.
    pub(crate) fn request(&self, sent_us: u64, again: bool, came: &Came<'_>) {
        self.with(|state, now_us| {
            if let Came::Refused(code) = came {
                state.refuse(code);
            }
            if !state.is_within(now_us) {
                return;
            }
            let counts = &mut state.counts;
            counts.retries += u64::from(again);
            match came {
                Came::Nothing => counts.failed += 1,
                Came::Reply | Came::Refused(_) => {
                    counts.requests += 1;
                    counts.request_us.saturating_record(now_us - sent_us);
                }
            }
        });
    }

    /// Something else was refused.
    pub(crate) fn refused(&self, code: &str) {
        self.with(|state, _| state.refuse(code));
    }

    /// An action was made.
    pub(crate) fn made(&self) {
        self.count(|counts| counts.made += 1);
    }

    /// An action that was due was not made, since the rules said no.
    pub(crate) fn forbidden(&self) {
        self.count(|counts| counts.forbidden += 1);
    }

    /// An action that was due was not made, since too many were without an answer.
    pub(crate) fn full(&self) {
        self.count(|counts| counts.full += 1);
    }

    /// An action that was due at `due_us` is seen in the log.
    pub(crate) fn shown(&self, due_us: u64, accepted: bool) {
        self.with(|state, now_us| {
            if !state.is_within(due_us) {
                return;
            }
            let in_time = state.is_within(now_us);
            let counts = &mut state.counts;
            counts.accepted += u64::from(accepted);
            counts.rejected += u64::from(!accepted);
            counts.in_time += u64::from(in_time);
            counts.shown_us.saturating_record(now_us - due_us);
        });
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        self.with(|state, now_us| {
            if state.is_within(now_us) {
                count(&mut state.counts);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State, u64) -> T) -> T {
        let mut state = self.state.lock().expect("no holder panics");
        work(&mut state, self.clock.us())
    }
}

impl State {
    fn is_within(&self, us: u64) -> bool {
        self.since_us.is_some_and(|since_us| since_us <= us)
            && self.until_us.is_none_or(|until_us| us < until_us)
    }

    fn refuse(&mut self, code: &str) {
        *self.counts.refused.entry(code.to_owned()).or_default() += 1;
    }
}
