//! Runs that are played alone, often offline: which seeds are in hand, what was handed in, and what its replay finds.
//!
//! The server gives seeds beforehand, and pays once for each what a replay of the inputs is worth. A replay is long, so it
//! is done a piece at a time: what waits, and how far it is, is part of the account.

use baton::{Ctx, Reject};
use contagion::{Flaw, Inputs, Progress, Trial};
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
/// Ticks of a run that one piece replays: some milliseconds at most.
pub const CHECK_TICKS: u32 = 25;
/// What became of so many runs is remembered.
const JUDGED: usize = 16;

/// A seed that a run may be played with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// Until when a run with it counts, in milliseconds since 1970.
    pub until_ms: u64,
}

/// A run that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The seed.
    pub seed: u64,
    /// What the player did.
    pub inputs: Inputs,
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
    let old = state.seeds.iter().any(|seed| seed.until_ms < now_ms);
    old || missing(state, now_ms) > 0
}

/// How many seeds are to be given.
fn missing(state: &State, now_ms: u64) -> usize {
    let fresh_until_ms = now_ms.saturating_add(SEED_MS - FRESH_MS);
    let fresh = |seed: &&Seed| seed.until_ms >= fresh_until_ms;
    let fresh = state.seeds.iter().filter(fresh).count();
    SEEDS.saturating_sub(fresh + state.claims.len())
}

/// New seeds, which nobody could know before.
pub(crate) fn deal(state: &mut State, ctx: &mut Ctx<'_, Account>) {
    let now_ms = ctx.now_ms();
    state.seeds.retain(|seed| seed.until_ms >= now_ms);
    for _ in 0..missing(state, now_ms) {
        let seed = ctx.random().next_u64();
        state.seeds.push(Seed {
            seed,
            until_ms: now_ms.saturating_add(SEED_MS),
        });
    }
}

/// Whether a run with this seed may be handed in.
pub(crate) fn may(state: &State, seed: u64, now_ms: u64) -> Result<(), Reject> {
    if let Some(held) = state.seeds.iter().find(|held| held.seed == seed) {
        return match held.until_ms >= now_ms {
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
    state.seeds.retain(|held| held.seed != seed);
    state.claims.push_back(Claim { seed, inputs });
    state.last = Some((Mode::Run, now_ms));
}

/// Replays a piece of the first run that waits.
pub(crate) fn check(state: &mut State, ctx: &Ctx<'_, Account>) {
    let Some(claim) = state.claims.front() else {
        return;
    };
    let seed = claim.seed;
    let mut trial = state.trial.take().unwrap_or_else(|| Trial::new(seed));
    ctx.step(u64::from(CHECK_TICKS));
    let verdict = match trial.go_on(&claim.inputs, CHECK_TICKS) {
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
