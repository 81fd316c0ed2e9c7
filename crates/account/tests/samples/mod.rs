//! What is done in tests of accounts: every kind of action, and runs that somebody really plays.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this file uses its part of it"
)]

use account::{Action, Goal, Item, Legacy, Mode, Preference, Stats};
use contagion::{Inputs, MatchResult, Progress, Run, TICK_MS, Trial};

/// What a player may do by the rules' own declaration; everything else is the server's.
pub fn is_players(action: &Action) -> bool {
    match action {
        Action::Run { .. } | Action::Buy(_) | Action::Look(_) | Action::Prefer(..) => true,
        Action::Match(_)
        | Action::Reward(_)
        | Action::Deal
        | Action::Check
        | Action::Purchase(_)
        | Action::Grant { .. }
        | Action::Import(_) => false,
    }
}

/// Which variant it is. Without a wildcard, so that a new kind has to be sampled.
pub fn kind_of(action: &Action) -> &'static str {
    match action {
        Action::Match(_) => "match",
        Action::Run { .. } => "run",
        Action::Buy(_) => "buy",
        Action::Look(_) => "look",
        Action::Prefer(..) => "prefer",
        Action::Reward(_) => "reward",
        Action::Deal => "deal",
        Action::Check => "check",
        Action::Purchase(_) => "purchase",
        Action::Grant { .. } => "grant",
        Action::Import(_) => "import",
    }
}

/// How many kinds there are in version 1.
pub const KINDS: usize = 11;

/// A match that somebody won.
pub fn won(score: u32) -> MatchResult {
    MatchResult {
        match_id: 7,
        won: true,
        score,
        survived_ms: 180_000,
        struck: 12,
        cures: 1,
        infected: 0,
    }
}

/// A match that was lost, for nothing.
pub fn lost() -> MatchResult {
    MatchResult {
        match_id: 8,
        won: false,
        score: 0,
        survived_ms: 1_000,
        struck: 0,
        cures: 0,
        infected: 2,
    }
}

/// An account of the time before.
pub fn legacy() -> Legacy {
    Legacy {
        coins: 700,
        scrap: 90,
        matches: Stats {
            played: 30,
            won: 4,
            best: 812,
            survived_ms: 3_000_000,
            struck: 77,
            cures: 3,
            infected: 9,
        },
        runs: Stats {
            played: 12,
            best: 260,
            ..Stats::default()
        },
        goals: [Goal::FirstMatch, Goal::FirstRescue].into(),
        items: [Item::Nurse].into(),
        look: Item::Nurse.look(),
        preferences: vec![(Preference::Volume, 30), (Preference::Calm, 1)],
    }
}

/// One of each kind, with every field set to something.
pub fn one_of_each() -> [Action; KINDS] {
    let inputs = Inputs([40, 5, 3, 66].into());
    [
        Action::Match(won(640)),
        Action::Run {
            seed: 0x0123_4567_89ab_cdef,
            inputs,
        },
        Action::Buy(Item::Raincoat),
        Action::Look(3),
        Action::Prefer(Preference::Contrast, 200),
        Action::Reward(Goal::HundredGames),
        Action::Deal,
        Action::Check,
        Action::Purchase(Item::Astronaut),
        Action::Grant {
            coins: -1_000_000,
            scrap: 25,
        },
        Action::Import(legacy()),
    ]
}

/// A run played to its end, doing what `wish` says at each tick.
pub fn played(seed: u64, mut wish: impl FnMut(u64) -> Option<contagion::Action>) -> Run {
    let mut run = Run::new(seed);
    while !run.is_over() {
        if let Some(action) = wish(run.now()) {
            let _ = run.act(action);
        }
        run.tick();
    }
    run
}

/// Somebody who walks about and strikes.
pub fn wander(now: u64) -> Option<contagion::Action> {
    match now % 7 {
        0 => Some(contagion::Action::Steer(
            (now % u64::from(contagion::ANGLES)) as u8,
        )),
        3 => Some(contagion::Action::Strike),
        _ => None,
    }
}

/// Somebody who waits for the end.
pub fn waits(_: u64) -> Option<contagion::Action> {
    None
}

/// What is handed in of a run.
pub fn handed_in(seed: u64, run: &Run) -> Action {
    let inputs = run.inputs().clone();
    Action::Run { seed, inputs }
}

/// What inputs are worth by a replay at one go, apart from any account, and how long that lasted, in milliseconds; `None` if
/// they never happened.
pub fn worth(seed: u64, inputs: &Inputs) -> Option<(MatchResult, u64)> {
    let mut trial = Trial::new(seed);
    match trial.go_on(inputs, u32::MAX) {
        Progress::Over(result) => Some((result, trial.now() * u64::from(TICK_MS))),
        Progress::Invalid(_) => None,
        Progress::Running => panic!("a run ends"),
    }
}

/// What was played last, without the time.
pub fn last_mode(state: &account::State) -> Option<Mode> {
    state.last.map(|(mode, _)| mode)
}
