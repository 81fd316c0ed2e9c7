//! Seeds in hand, and runs: paid once per seed, what a replay finds.

use account::{Action, CHECK_TICKS, FRESH_MS, Judged, SEED_MS, SEEDS, SKEW_MS, Verdict, reject};
use contagion::{Flaw, Inputs, TICK_MS};

use crate::samples::{handed_in, played, waits, wander, worth};
use crate::scene::{START_MS, account, act, pass, run, seed, serve};

const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;

#[test]
fn seeds_are_given_beforehand_differ_and_are_replaced_when_used() {
    let mut solo = account();
    let mut seen: Vec<u64> = Vec::new();
    for used in 0..4 {
        let seeds = &solo.state().seeds;
        assert_eq!(seeds.len(), SEEDS);
        let fresh = |seed: &account::Seed| seed.until_ms() == seed.dealt_ms + SEED_MS;
        assert!(seeds.iter().all(fresh));
        assert!(seeds.iter().all(|seed| seed.dealt_ms >= START_MS));
        seen.extend(seeds.iter().map(|seed| seed.seed));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), SEEDS + used, "each is new");
        run(&mut solo, waits);
    }
}

#[test]
fn x07_a_run_earns_once_what_a_replay_of_it_finds() {
    let mut solo = account();
    for paid in 1..=3 {
        let seed = seed(&solo);
        let result = played(seed, wander).result().expect("it is over");
        let before = solo.state().clone();
        let judged = run(&mut solo, wander);
        let won = if result.won { 25 } else { 0 };
        let scrap = result.score / 10 + won;
        let verdict = Verdict::Paid {
            score: result.score,
            scrap,
        };
        assert_eq!(judged, Judged { seed, verdict });
        let state = solo.state();
        assert_eq!(state.scrap, before.scrap + u64::from(scrap));
        assert_eq!(state.coins, before.coins, "runs pay no coins");
        assert_eq!(state.runs.played, paid);
        assert_eq!(state.runs.best, before.runs.best.max(result.score));
        assert_eq!(state.judged.len(), paid as usize);
    }
    assert!(solo.state().scrap > 0, "they were worth something");
}

#[test]
fn x07_a_replay_is_split_and_what_waits_is_replayed_in_order_of_receipt() {
    let mut solo = account();
    let seeds: Vec<u64> = solo.state().seeds.iter().map(|seed| seed.seed).collect();
    let runs: Vec<_> = seeds.iter().map(|seed| played(*seed, waits)).collect();
    for run in &runs {
        pass(&mut solo, run);
    }
    for (seed, run) in seeds.iter().zip(&runs) {
        act(&mut solo, handed_in(*seed, run)).expect("a seed in hand");
        assert_eq!(
            solo.state().scrap,
            0,
            "nothing is paid before it is replayed"
        );
    }
    let pieces: u64 = runs
        .iter()
        .map(|run| run.now().div_ceil(u64::from(CHECK_TICKS)))
        .sum();
    assert!(pieces > 2 * SEEDS as u64);
    assert_eq!(serve(&mut solo) as u64, pieces + 1, "and new seeds");
    let judged: Vec<u64> = solo
        .state()
        .judged
        .iter()
        .map(|judged| judged.seed)
        .collect();
    assert_eq!(judged, seeds);
    assert_eq!(solo.state().trial.is_none(), solo.state().claims.is_empty());
}

#[test]
fn x07_a_run_that_never_happened_earns_nothing_and_says_why() {
    let mut solo = account();
    for flaw in [Flaw::Malformed, Flaw::Refused, Flaw::TooLate] {
        let seed = seed(&solo);
        let run = played(seed, wander);
        pass(&mut solo, &run);
        let mut inputs = run.inputs().clone();
        match flaw {
            Flaw::Malformed => inputs.0.truncate(inputs.0.len() - 1),
            // Steers before play begins.
            Flaw::Refused => inputs.0.splice(0..0, [0, 0]).for_each(drop),
            Flaw::TooLate => inputs.0.extend([0xff, 0x7f, 0]),
        }
        let before = solo.state().clone();
        act(&mut solo, Action::Run { seed, inputs }).expect("it is seen later");
        serve(&mut solo);
        let judged = solo.state().judged.back().copied();
        let verdict = Verdict::Invalid(flaw);
        assert_eq!(judged, Some(Judged { seed, verdict }));
        let after = solo.state();
        assert_eq!(
            (after.scrap, after.coins, after.runs),
            (before.scrap, before.coins, before.runs)
        );
        assert!(
            after.seeds.iter().all(|held| held.seed != seed),
            "the seed is used up"
        );
    }
}

/// A run takes its time: to the tick, by the log's clock alone, from when its own seed was given.
#[test]
fn x07_a_run_that_was_handed_in_sooner_than_it_lasts_earns_nothing_and_says_so() {
    let solo = account();
    let held = solo.state().seeds[0];
    let run = played(held.seed, wander);
    let soonest_ms = held.dealt_ms + run.lasted_ms() - SKEW_MS;
    let tick_ms = u64::from(TICK_MS);
    let handed = |at_ms: u64| {
        let mut solo = solo.clone();
        solo.set_time(at_ms);
        act(&mut solo, handed_in(held.seed, &run)).expect("it is seen later");
        // However late the replay comes.
        solo.set_time(at_ms + TEN_YEARS_MS);
        serve(&mut solo);
        solo
    };
    for early_ms in [1, tick_ms, 2_500, run.lasted_ms() - SKEW_MS] {
        let after = handed(soonest_ms - early_ms);
        let judged = after.state().judged.back().copied();
        let (seed, verdict) = (held.seed, Verdict::TooSoon);
        assert_eq!(judged, Some(Judged { seed, verdict }), "{early_ms} ms");
        let state = after.state();
        assert_eq!((state.scrap, state.coins, state.runs.played), (0, 0, 0));
        assert!(state.trial.is_none() && state.claims.is_empty());
        assert_eq!(
            state.seeds.len(),
            SEEDS,
            "the seed is used up, and replaced"
        );
        let mut again = after.clone();
        let again = act(&mut again, handed_in(held.seed, &run));
        assert_eq!(again, Err(reject::USED_SEED));
    }
    for late_ms in [0, 1, SKEW_MS, SEED_MS - run.lasted_ms()] {
        let after = handed(soonest_ms + late_ms);
        let verdict = after.state().judged.back().map(|judged| judged.verdict);
        assert!(
            matches!(verdict, Some(Verdict::Paid { .. })),
            "{late_ms} ms"
        );
        assert_eq!(after.state().runs.played, 1);
    }
}

/// No more of a replay is done for it than what could have been played.
#[test]
fn x07_what_comes_too_soon_is_replayed_as_far_as_it_can_have_been_played() {
    let mut solo = account();
    let seed = seed(&solo);
    act(&mut solo, handed_in(seed, &played(seed, waits))).expect("it is seen later");
    let pieces = SKEW_MS.div_ceil(u64::from(TICK_MS * CHECK_TICKS));
    assert_eq!(serve(&mut solo) as u64, pieces + 1, "and a new seed");
    let verdict = solo.state().judged.back().map(|judged| judged.verdict);
    assert_eq!(verdict, Some(Verdict::TooSoon));
}

#[test]
fn x07_a_seed_pays_once_while_its_run_waits_and_after_it_was_judged() {
    let mut solo = account();
    let seed = seed(&solo);
    let run = played(seed, wander);
    pass(&mut solo, &run);
    act(&mut solo, handed_in(seed, &run)).expect("a seed in hand");
    let again = act(&mut solo, handed_in(seed, &run));
    assert_eq!(again, Err(reject::USED_SEED), "while it waits");
    serve(&mut solo);
    let scrap = solo.state().scrap;
    for inputs in [run.inputs().clone(), Inputs::default()] {
        let again = act(&mut solo, Action::Run { seed, inputs });
        assert_eq!(again, Err(reject::USED_SEED), "after it was judged");
    }
    // So many later that nobody remembers it: it is refused all the same.
    for _ in 0..20 {
        crate::scene::run(&mut solo, waits);
    }
    let forgotten = act(&mut solo, handed_in(seed, &run));
    assert_eq!(forgotten, Err(reject::UNKNOWN_SEED));
    let (result, _) = worth(seed, run.inputs()).expect("it happened");
    assert!(scrap >= u64::from(result.score / 10));
}

#[test]
fn x07_a_seed_counts_to_its_last_millisecond_and_no_longer() {
    let solo = account();
    let held = solo.state().seeds[0];
    let inputs = Inputs::default;
    let mut last = solo.clone();
    last.set_time(held.until_ms());
    assert_eq!(
        act(
            &mut last,
            Action::Run {
                seed: held.seed,
                inputs: inputs()
            }
        ),
        Ok(())
    );
    for late_ms in [1, TEN_YEARS_MS, u64::MAX - held.until_ms()] {
        let mut late = solo.clone();
        late.set_time(held.until_ms() + late_ms);
        let run = Action::Run {
            seed: held.seed,
            inputs: inputs(),
        };
        assert_eq!(act(&mut late, run), Err(reject::EXPIRED_SEED));
        // All are replaced, at once.
        assert_eq!(serve(&mut late), 1);
        let seeds = &late.state().seeds;
        assert!(
            seeds
                .iter()
                .all(|seed| seed.until_ms() >= held.until_ms() + late_ms)
        );
        assert!(seeds.iter().all(|seed| seed.seed != held.seed));
        assert_eq!(seeds.len(), SEEDS);
    }
}

#[test]
fn who_goes_offline_has_fresh_seeds_and_who_is_offline_keeps_its_own() {
    let mut solo = account();
    let old = seed(&solo);
    let mut most = 0;
    // Somebody is online now and then, for half a year; another device stays offline as long as its seeds count.
    for hours in (0..180 * 24).step_by(7) {
        let now_ms = START_MS + hours * 60 * 60 * 1_000;
        solo.set_time(now_ms);
        serve(&mut solo);
        let seeds = &solo.state().seeds;
        let fresh = seeds
            .iter()
            .filter(|seed| seed.until_ms() - now_ms >= SEED_MS - FRESH_MS);
        assert_eq!(fresh.count(), SEEDS);
        let counts = now_ms <= START_MS + SEED_MS;
        assert_eq!(seeds.iter().any(|seed| seed.seed == old), counts);
        most = most.max(seeds.len());
    }
    assert_eq!(most as u64, SEEDS as u64 * SEED_MS.div_ceil(FRESH_MS));
}

#[test]
fn a_clock_before_1970_and_time_that_goes_back_break_nothing() {
    let mut solo = baton::Solo::<account::Account>::new((), 9);
    assert_eq!(serve(&mut solo), 1);
    assert_eq!(solo.state().seeds[0].until_ms(), SEED_MS);
    solo.set_time(START_MS);
    serve(&mut solo);
    solo.set_time(START_MS - TEN_YEARS_MS);
    assert_eq!(serve(&mut solo), 0, "it never goes back");
    let seed = seed(&solo);
    assert_eq!(
        act(
            &mut solo,
            Action::Run {
                seed,
                inputs: Inputs::default()
            }
        ),
        Ok(())
    );
}
