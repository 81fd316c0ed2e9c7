//! One run: from a seed and a plan to a verdict. A panic of the product is caught and is a verdict too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use baton::Random;

use crate::check::Broken;
use crate::counters::Counters;
use crate::history::Line;
use crate::history::record::Recorder;
use crate::later::Game;
use crate::plan::Plan;
use crate::rules::{Bank, CATCH_UP, OWN, PAUSE, SKIP, STILL};
use crate::trace::Trace;
use crate::world::{Healed, World};

/// How a run failed; the number is the exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something that must hold did not.
    Wrong = 1,
    /// Something that must happen did not, in its bound.
    Stuck = 2,
    /// The product panicked.
    Crash = 3,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Held,
    /// What did not, and when in the run's time.
    Failed {
        /// How.
        how: Failure,
        /// Which check, and what was seen.
        broken: Broken,
        /// Virtual milliseconds.
        at_ms: u64,
    },
}

/// A run, looked back on.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What it drew.
    pub plan: Plan,
    /// What came of it.
    pub verdict: Verdict,
    /// What happened.
    pub counters: Counters,
    /// How long it took to heal.
    pub healed: Healed,
    /// Virtual milliseconds.
    pub lasted_ms: u64,
    /// Of everything that happened: the same for the same seed.
    pub digest: u64,
    /// Lines of JSON, if they were asked for.
    pub trace: Vec<String>,
    /// Lines for `check-history`, if they were asked for.
    pub history: Vec<Line>,
}

/// What of a run is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Each event, for people.
    pub trace: bool,
    /// What clients asked and were told. No split brain happens then, since a history has one log per room.
    pub history: bool,
}

/// Runs a seed with the plan that it draws itself.
pub fn run_seed(seed: u64, keep: Keep) -> Outcome {
    run_drawn(seed, keep, |_| {})
}

/// The same with the plan changed before it is run.
pub fn run_drawn(seed: u64, keep: Keep, change: impl FnOnce(&mut Plan)) -> Outcome {
    run_undamaged(seed, keep, |plan| {
        plan.draw_damage(&mut Random::from_seed(seed.rotate_left(24)));
        change(plan);
    })
}

/// The same with snapshots that are never damaged, as in every seed once: what seeds found then is found so.
pub fn run_undamaged(seed: u64, keep: Keep, change: impl FnOnce(&mut Plan)) -> Outcome {
    run_undeployed(seed, keep, |plan| {
        plan.draw_deploy(&mut Random::from_seed(seed.rotate_left(16)));
        plan.draw_wires(&mut Random::from_seed(seed.rotate_left(48)));
        plan.draw_added(&mut Random::from_seed(seed.rotate_left(8)));
        change(plan);
    })
}

/// The same without deploys and sends and what came with and after them, from before that.
pub fn run_undeployed(seed: u64, keep: Keep, change: impl FnOnce(&mut Plan)) -> Outcome {
    run_shared(seed, keep, |plan| {
        plan.draw_own(&mut Random::from_seed(seed.rotate_left(32)));
        change(plan);
    })
}

/// The same with rooms that all users share, from before that.
pub fn run_shared(seed: u64, keep: Keep, change: impl FnOnce(&mut Plan)) -> Outcome {
    let mut random = Random::from_seed(seed);
    let mut plan = Plan::draw(&mut random);
    plan.poison(&mut Random::from_seed(!seed));
    change(&mut plan);
    if keep.history {
        plan.faults.split_brains = 0;
        plan.rollout = None;
        plan.wires = 0;
    }
    run_with(seed, random, &plan, keep)
}

/// Runs a seed with a plan.
pub fn run(seed: u64, plan: &Plan) -> Outcome {
    run_with(seed, Random::from_seed(seed), plan, Keep::default())
}

fn run_with(seed: u64, random: Random, plan: &Plan, keep: Keep) -> Outcome {
    const OWN_STILL: u8 = OWN | STILL;
    const OWN_CATCH_UP: u8 = OWN | CATCH_UP;
    match plan.rules() {
        OWN_STILL => run_of::<Bank<OWN_STILL>>(seed, random, plan, keep),
        OWN_CATCH_UP => run_of::<Bank<OWN_CATCH_UP>>(seed, random, plan, keep),
        PAUSE => run_of::<Bank<PAUSE>>(seed, random, plan, keep),
        SKIP => run_of::<Bank<SKIP>>(seed, random, plan, keep),
        CATCH_UP => run_of::<Bank<CATCH_UP>>(seed, random, plan, keep),
        _ => run_of::<Bank<STILL>>(seed, random, plan, keep),
    }
}

fn run_of<R: Game>(seed: u64, random: Random, plan: &Plan, keep: Keep) -> Outcome {
    let mut world = World::<R>::new(random, plan, Trace::new(keep.trace));
    world.history = keep.history.then(Recorder::default);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    let failed = match ran {
        Ok(Ok(())) => None,
        Ok(Err(broken)) if broken.check.starts_with('L') || broken.check.starts_with("7:") => {
            Some((Failure::Stuck, broken))
        }
        Ok(Err(broken)) => Some((Failure::Wrong, broken)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let broken = Broken {
                check: "9: nothing panics",
                seen: text.unwrap_or_default(),
            };
            Some((Failure::Crash, broken))
        }
    };
    let at_ms = world.now_ms();
    Outcome {
        seed,
        plan: plan.clone(),
        verdict: match failed {
            None => Verdict::Held,
            Some((how, broken)) => Verdict::Failed { how, broken, at_ms },
        },
        counters: world.counters,
        healed: world.healed,
        lasted_ms: at_ms,
        digest: world.trace.digest(),
        trace: world.trace.into_lines(),
        history: world.history.map(Recorder::into_lines).unwrap_or_default(),
    }
}
