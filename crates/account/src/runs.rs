//! Runs that are played alone, often offline: which seeds are in hand, what was handed in, and what its replay finds.
//!
//! The server gives seeds beforehand, and pays once for each what a replay of the inputs is worth. A replay is long, so it
//! is done a piece at a time: what waits, and how far it is, is part of the account.
//!
//! A run takes its time: nobody has played it whose seed was given less than that before it is handed in. So a program that
//! needs no time for a run gains nothing by it; all that an account can be paid for in a while is what could be played in it
//! with each seed in hand. Both times are the log's: what clocks devices have is never asked.

use baton::{Ctx, Reject};
use contagion::{Flaw, Inputs, Progress, TICK_MS, Trial};
use serde::{Deserialize, Serialize};

use crate::Account;
use crate::action::{Action, reject};
use crate::goals;
use crate::state::{Mode, State};

/// Fresh seeds in hand, with what waits for its replay.
pub const SEEDS: usize = 6;
/// For how long a seed counts, in milliseconds.
pub const SEED_MS: u64 = 21 * 24 * 60 * 60 * 1_000;
/// For how long it is fresh. Then others are given beside it: who goes offline has seeds that count for
/// [`SEED_MS`] − [`FRESH_MS`] at least, and who is offline keeps what it knows of.
pub const FRESH_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// By how much less time may have passed by the log than a run took, in milliseconds. The log's time is that of the store, or
/// of hosts where a store has none: after a fail-over, or on another host, it may be somewhat behind. A program gains as much
/// with each seed; before a run's countdown and its first zombies are over there is hardly anything to gain.
pub const SKEW_MS: u64 = 5_000;
/// Ticks of a run that one piece replays: some milliseconds at most.
pub const CHECK_TICKS: u32 = 25;
/// What became of so many runs is remembered.
const JUDGED: usize = 16;

/// A seed that a run may be played with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// When it was given, in milliseconds since 1970.
    pub dealt_ms: u64,
}

impl Seed {
    /// Until when a run with it counts, in milliseconds since 1970.
    pub fn until_ms(&self) -> u64 {
        self.dealt_ms.saturating_add(SEED_MS)
    }
}

/// A run that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The seed.
    pub seed: u64,
    /// What the player did.
    pub inputs: Inputs,
    /// When the seed was given, in milliseconds since 1970.
    pub dealt_ms: u64,
    /// When the run was handed in, likewise.
    pub handed_ms: u64,
}

impl Claim {
    /// The ticks that may have been played in between.
    fn most_ticks(&self) -> u64 {
        let passed_ms = self.handed_ms.saturating_sub(self.dealt_ms);
        passed_ms.saturating_add(SKEW_MS) / u64::from(TICK_MS)
    }
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The seed.
    pub seed: u64,
    /// Its worth, or why it has none.
    pub verdict: Verdict,
}

/// The worth of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was paid.
    Paid {
        /// Points.
        score: u32,
        /// What was earned.
        scrap: u32,
    },
    /// It never happened.
    Invalid(Flaw),
    /// It was handed in sooner after its seed was given than it takes: nobody has played it.
    TooSoon,
}

/// What of runs is due.
pub(crate) fn due(state: &State, now_ms: u64) -> Option<Action> {
    if !state.claims.is_empty() {
        return Some(Action::Check);
    }
    deals(state, now_ms).then_some(Action::Deal)
}

/// Whether seeds are missing, or too old.
pub(crate) fn deals(state: &State, now_ms: u64) -> bool {
    let old = state.seeds.iter().any(|seed| seed.until_ms() < now_ms);
    old || missing(state, now_ms) > 0
}

/// How many seeds are to be given.
fn missing(state: &State, now_ms: u64) -> usize {
    let fresh_until_ms = now_ms.saturating_add(SEED_MS - FRESH_MS);
    let fresh = |seed: &&Seed| seed.until_ms() >= fresh_until_ms;
    let fresh = state.seeds.iter().filter(fresh).count();
    SEEDS.saturating_sub(fresh + state.claims.len())
}

/// New seeds, which nobody could know before.
pub(crate) fn deal(state: &mut State, ctx: &mut Ctx<'_, Account>) {
    let now_ms = ctx.now_ms();
    state.seeds.retain(|seed| seed.until_ms() >= now_ms);
    for _ in 0..missing(state, now_ms) {
        let seed = ctx.random().next_u64();
        state.seeds.push(Seed {
            seed,
            dealt_ms: now_ms,
        });
    }
}

/// Whether a run with this seed may be handed in.
pub(crate) fn may(state: &State, seed: u64, now_ms: u64) -> Result<(), Reject> {
    if let Some(held) = state.seeds.iter().find(|held| held.seed == seed) {
        return match held.until_ms() >= now_ms {
            true => Ok(()),
            false => Err(reject::EXPIRED_SEED),
        };
    }
    let claimed = state.claims.iter().any(|claim| claim.seed == seed);
    let judged = state.judged.iter().any(|judged| judged.seed == seed);
    match claimed || judged {
        true => Err(reject::USED_SEED),
        false => Err(reject::UNKNOWN_SEED),
    }
}

/// Takes a run in. What it is worth is seen later.
pub(crate) fn claim(state: &mut State, seed: u64, inputs: Inputs, now_ms: u64) {
    let held = state.seeds.iter().position(|held| held.seed == seed);
    let Some(held) = held.map(|index| state.seeds.remove(index)) else {
        return;
    };
    state.claims.push_back(Claim {
        seed,
        inputs,
        dealt_ms: held.dealt_ms,
        handed_ms: now_ms,
    });
    state.last = Some((Mode::Run, now_ms));
}

/// Replays a piece of the first run that waits.
pub(crate) fn check(state: &mut State, ctx: &Ctx<'_, Account>) {
    let Some(claim) = state.claims.front() else {
        return;
    };
    let seed = claim.seed;
    let mut trial = state.trial.take().unwrap_or_else(|| Trial::new(seed));
    let left = claim.most_ticks().saturating_sub(trial.now());
    // At most `CHECK_TICKS`.
    let piece = left.min(u64::from(CHECK_TICKS)) as u32;
    ctx.step(u64::from(piece));
    let verdict = match trial.go_on(&claim.inputs, piece) {
        Progress::Running if trial.now() >= claim.most_ticks() => Verdict::TooSoon,
        Progress::Running => {
            state.trial = Some(trial);
            return;
        }
        Progress::Invalid(flaw) => Verdict::Invalid(flaw),
        Progress::Over(result) => {
            let scrap = goals::scrap_of(&result);
            state.runs.count(&result);
            state.earn_scrap(u64::from(scrap));
            Verdict::Paid {
                score: result.score,
                scrap,
            }
        }
    };
    state.claims.pop_front();
    if state.judged.len() >= JUDGED {
        state.judged.pop_front();
    }
    state.judged.push_back(Judged { seed, verdict });
}
