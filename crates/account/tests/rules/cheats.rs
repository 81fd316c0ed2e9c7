//! Who cheats: whatever a player sends, an account has no more than its seeds and these rules allow.

use std::collections::BTreeMap;

use account::{Action, Goal, Item, SEEDS, SKEW_MS, Seed, Verdict, reject};
use contagion::{Inputs, MatchResult};
use proptest::prelude::*;

use crate::random;
use crate::samples::{handed_in, legacy, played, waits, wander, won, worth};
use crate::scene::{START_MS, account, act, pass, seed, serve};

#[test]
fn b11_a_million_diamonds_are_refused_however_they_are_asked_for() {
    let mut solo = account();
    let before = solo.bytes();
    for wish in [
        Action::Grant {
            coins: 1_000_000,
            scrap: 1_000_000,
        },
        Action::Grant {
            coins: i64::MAX,
            scrap: i64::MAX,
        },
        Action::Match(won(u32::MAX)),
        Action::Import(legacy()),
        Action::Purchase(Item::Astronaut),
        Action::Reward(Goal::HundredGames),
        Action::Deal,
        Action::Check,
    ] {
        assert_eq!(act(&mut solo, wish), Err(reject::SERVER_ONLY));
    }
    assert_eq!(act(&mut solo, Action::Buy(Item::Welder)), Err(reject::POOR));
    assert_eq!(solo.bytes(), before);
}

#[test]
fn x07_a_run_of_another_seed_or_with_another_ending_is_worth_what_its_own_replay_finds() {
    let mut solo = account();
    let (first, second) = (solo.state().seeds[0].seed, solo.state().seeds[1].seed);
    let good = played(first, wander);
    // The same inputs under a seed that they were not played with: another game.
    pass(&mut solo, &played(second, waits));
    pass(&mut solo, &good);
    act(&mut solo, handed_in(second, &good)).expect("a seed in hand");
    serve(&mut solo);
    let paid: u32 = solo
        .state()
        .judged
        .iter()
        .map(|judged| paid(judged.verdict))
        .sum();
    assert_eq!(u64::from(paid), solo.state().scrap);
    let found = worth(second, good.inputs());
    assert_eq!(u64::from(paid), found.map_or(0, |(result, _)| pays(result)));
}

/// Runs are no work for a program: it knows at once what each of its seeds comes to, and hands it in when it pays.
#[test]
fn x07_a_program_is_paid_for_no_more_than_could_be_played_with_each_seed_in_hand() {
    const SECONDS: u64 = 600;
    let mut solo = account();
    let mut knows = BTreeMap::new();
    let (mut paid_ms, mut runs) = (0, 0);
    for second in 0..SECONDS {
        let now_ms = START_MS + second * 1_000;
        solo.set_time(now_ms);
        for held in solo.state().seeds.clone() {
            let run = knows
                .entry(held.seed)
                .or_insert_with(|| played(held.seed, wander));
            if held.dealt_ms + run.lasted_ms() <= now_ms + SKEW_MS {
                act(&mut solo, handed_in(held.seed, run)).expect("a seed in hand");
                paid_ms += run.lasted_ms();
                runs += 1;
            }
        }
        serve(&mut solo);
    }
    assert_eq!(solo.state().runs.played, runs, "each is paid");
    assert!(
        runs > SEEDS as u32,
        "and with their time they would be more: {runs}"
    );
    let most_ms = SEEDS as u64 * SECONDS * 1_000 + u64::from(runs) * SKEW_MS;
    assert!(paid_ms <= most_ms, "{paid_ms} of {most_ms} ms");
    // Who does not wait is paid for none.
    let mut hasty = account();
    for _ in 0..20 {
        for held in hasty.state().seeds.clone() {
            let run = played(held.seed, wander);
            act(&mut hasty, handed_in(held.seed, &run)).expect("it is seen later");
        }
        serve(&mut hasty);
    }
    assert_eq!((hasty.state().runs.played, hasty.state().scrap), (0, 0));
    let soon = |judged: &account::Judged| judged.verdict == Verdict::TooSoon;
    assert!(hasty.state().judged.iter().all(soon));
}

/// What a run pays.
fn pays(result: MatchResult) -> u64 {
    u64::from(result.score / 10) + if result.won { 25 } else { 0 }
}

fn paid(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Paid { scrap, .. } => scrap,
        Verdict::Invalid(_) | Verdict::TooSoon => 0,
    }
}

/// What a cheater tries next.
#[derive(Clone, Debug)]
enum Try {
    /// Anything that can be written.
    Any(Action),
    /// A run for one of the seeds that were ever in hand: these bytes, or those of a real one with some changed.
    Run {
        which: usize,
        real: bool,
        bytes: Vec<u8>,
    },
    /// Waits, and lets the server do what is due.
    Wait(u64),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    let one = prop_oneof![
        6 => random::action().prop_map(Try::Any),
        3 => (any::<usize>(), any::<bool>(), bytes())
            .prop_map(|(which, real, bytes)| Try::Run { which, real, bytes }),
        2 => (0..3 * account::SEED_MS / 2).prop_map(Try::Wait),
        2 => (0..60_000_u64).prop_map(Try::Wait),
    ];
    prop::collection::vec(one, 1..25)
}

/// Real inputs with some bytes over them.
fn edited(seed: u64, bytes: &[u8]) -> Inputs {
    let mut inputs = played(seed, waits).inputs().clone();
    inputs.0.extend_from_slice(bytes);
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn b11_no_forged_actions_raise_a_balance_beyond_what_seeds_and_rules_allow(tries in tries()) {
        let mut solo = account();
        let mut given: Vec<Seed> = Vec::new();
        let mut used: Vec<u64> = Vec::new();
        let mut now_ms = START_MS;
        // What its runs were worth, by replays apart from the account, and what was bought without being there.
        let (mut earned, mut missing) = (0, 0);
        for what in tries {
            let new = solo.state().seeds.iter().filter(|seed| !given.contains(seed));
            let new: Vec<Seed> = new.copied().collect();
            given.extend(new);
            let action = match what {
                Try::Any(action) => action,
                Try::Run { which, real, bytes } => {
                    let seed = given[which % given.len()].seed;
                    let inputs = if real { edited(seed, &bytes) } else { Inputs(bytes) };
                    Action::Run { seed, inputs }
                }
                Try::Wait(ms) => {
                    now_ms += ms;
                    solo.set_time(now_ms);
                    serve(&mut solo);
                    continue;
                }
            };
            let scrap = solo.state().scrap;
            let done = act(&mut solo, action.clone());
            match action {
                Action::Run { seed, inputs } if done.is_ok() => {
                    let held = given.iter().find(|held| held.seed == seed);
                    let dealt_ms = held.expect("a seed that was never given").dealt_ms;
                    prop_assert!(!used.contains(&seed), "a seed twice");
                    used.push(seed);
                    let in_time = |(_, lasted_ms): &(_, u64)| dealt_ms + lasted_ms <= now_ms + SKEW_MS;
                    let played = worth(seed, &inputs).filter(in_time);
                    earned += played.map_or(0, |(result, _)| pays(result));
                }
                Action::Buy(item) if done.is_ok() => {
                    missing += item.price().1.saturating_sub(scrap);
                }
                _ => {}
            }
        }
        serve(&mut solo);
        let state = solo.state();
        let spent: u64 = state.items.iter().map(|item| item.price().1).sum();
        prop_assert_eq!(state.scrap + spent, earned + missing, "scrap is of runs alone");
        prop_assert!(missing <= account::TOLERANCE + earned);
        let rewards: u64 = state.goals.iter().map(|goal| goal.coins()).sum();
        prop_assert_eq!(state.coins, rewards, "coins are of goals alone");
        prop_assert!(state.goals.len() <= usize::from(state.games() >= 10) + 1);
        prop_assert_eq!(state.matches, account::Stats::default());
        prop_assert!(used.len() as u32 >= state.runs.played);
    }
}

#[test]
fn b11_a_run_handed_in_before_it_could_be_judged_pays_nothing_on_a_device() {
    // What is shown while it waits is what is there: no reward is predicted.
    let mut solo = account();
    let seed = seed(&solo);
    let run = played(seed, wander);
    pass(&mut solo, &run);
    act(&mut solo, handed_in(seed, &run)).expect("a seed in hand");
    assert_eq!(
        (
            solo.state().scrap,
            solo.state().coins,
            solo.state().runs.played
        ),
        (0, 0, 0)
    );
}
