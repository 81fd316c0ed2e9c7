//! Runs that somebody plays alone: what was done is enough to see what it was worth.

use contagion::{ANGLES, Action, Flaw, Inputs, MAX_RUN_BYTES, Progress, Run, RunError, Trial};
use proptest::prelude::*;

/// Plays until the end, doing what `wish` says at each tick.
fn played(seed: u64, mut wish: impl FnMut(u64) -> Option<Action>) -> Run {
    let mut run = Run::new(seed);
    while !run.is_over() {
        if let Some(action) = wish(run.now()) {
            let _ = run.act(action);
        }
        run.tick();
    }
    run
}

fn wander(now: u64) -> Option<Action> {
    match now % 7 {
        0 => Some(Action::Steer((now % u64::from(ANGLES)) as u8)),
        3 => Some(Action::Strike),
        _ => None,
    }
}

/// Replays in pieces of `ticks`, stored and read again after each.
fn replayed(seed: u64, inputs: &Inputs, ticks: u32) -> Progress {
    let mut trial = Trial::new(seed);
    for _ in 0..10_000 {
        match trial.go_on(inputs, ticks) {
            Progress::Running => {
                let stored = postcard::to_allocvec(&trial).expect("a trial can be stored");
                trial = postcard::from_bytes(&stored).expect("it was just written");
            }
            ended => return ended,
        }
    }
    panic!("a run ends");
}

#[test]
fn x07_a_run_is_worth_what_its_replay_finds_however_it_is_cut() {
    for seed in 0..6 {
        let run = played(seed, wander);
        let result = run.result().expect("it is over");
        assert!(run.inputs().0.len() <= MAX_RUN_BYTES);
        assert!(result.survived_ms > 0, "seed {seed}");
        for ticks in [1, 25, 2_000] {
            let again = replayed(seed, run.inputs(), ticks);
            assert_eq!(again, Progress::Over(result), "seed {seed}, {ticks} ticks");
        }
        assert_ne!(
            replayed(seed + 100, run.inputs(), 25),
            Progress::Over(result)
        );
    }
}

/// Left at any tick, after anything that was done in it, a run goes on as if it had not been; what is handed in of it is the same.
#[test]
fn b01_a_run_goes_on_from_what_was_written_down_as_if_it_had_never_been_left() {
    for seed in 0..3 {
        let whole = played(seed, wander);
        let mut run = Run::new(seed);
        while !run.is_over() {
            if let Some(action) = wander(run.now()) {
                let _ = run.act(action);
                let ticks = run.now() as u32;
                run = Run::resume(seed, run.inputs().clone(), ticks).expect("it was like that");
                assert_eq!(run.now(), u64::from(ticks));
            }
            run.tick();
        }
        let ticks = run.now() as u32;
        let again = Run::resume(seed, run.inputs().clone(), ticks).expect("it was like that");
        for run in [&run, &again] {
            assert_eq!(run.inputs(), whole.inputs(), "seed {seed}");
            assert_eq!((run.now(), run.result()), (whole.now(), whole.result()));
            assert_eq!(
                postcard::to_allocvec(run.state()),
                postcard::to_allocvec(whole.state())
            );
        }
    }
}

/// What is on a disk may be anything: it goes on as what a replay finds, or not at all.
#[test]
fn b01_x07_what_never_was_under_way_does_not_go_on_and_says_why() {
    let run = played(2, wander);
    let ticks = run.now() as u32;
    let resumed = |inputs: Inputs, ticks| Run::resume(2, inputs, ticks).map(|run| run.now());
    assert_eq!(resumed(run.inputs().clone(), ticks), Ok(run.now()));
    assert_eq!(
        resumed(run.inputs().clone(), u32::MAX),
        Ok(run.now()),
        "no further than its end"
    );
    let early = resumed(run.inputs().clone(), 40);
    assert_eq!(early, Err(Flaw::TooLate), "more was done than until then");
    let mut cut = run.inputs().clone();
    cut.0.pop();
    assert_eq!(resumed(cut, ticks), Err(Flaw::Malformed));
    assert_eq!(resumed(Inputs([0, 0].into()), 0), Err(Flaw::Refused));
    let mut late = run.inputs().clone();
    late.0.extend([0xff, 0x7f, 0]);
    assert_eq!(resumed(late, ticks), Err(Flaw::TooLate));
    let long = Inputs(vec![0; MAX_RUN_BYTES + 1]);
    assert_eq!(resumed(long, ticks), Err(Flaw::Malformed));
}

#[test]
fn who_leaves_a_run_stands_still_until_its_end() {
    let mut left = Run::new(3);
    for _ in 0..100 {
        left.tick();
    }
    left.finish();
    let result = left.result().expect("it is over");
    assert!(!result.won, "who has turned was not rescued");
    assert_eq!(replayed(3, left.inputs(), 25), Progress::Over(result));
}

#[test]
fn what_cannot_be_written_down_is_not_done() {
    let mut run = Run::new(1);
    let mut refused = None;
    while !run.is_over() {
        for angle in 0..20 {
            if let Err(RunError::Full) = run.act(Action::Steer(angle)) {
                refused.get_or_insert(run.now());
            }
        }
        run.tick();
    }
    assert!(refused.is_some());
    assert!(run.inputs().0.len() <= MAX_RUN_BYTES);
    let result = run.result().expect("it is over");
    assert_eq!(replayed(1, run.inputs(), 25), Progress::Over(result));
}

#[test]
fn x07_what_never_happened_says_why() {
    let run = played(2, wander);
    let mut cut = run.inputs().clone();
    cut.0.pop();
    assert_eq!(replayed(2, &cut, 25), Progress::Invalid(Flaw::Malformed));
    let none = Inputs([40, u8::MAX].into());
    assert_eq!(replayed(2, &none, 25), Progress::Invalid(Flaw::Malformed));
    let long = Inputs([0x80, 0x80, 0x80, 0x80, 0x80, 1, 0].into());
    assert_eq!(replayed(2, &long, 25), Progress::Invalid(Flaw::Malformed));
    let server = Inputs([40, Action::CallTime.number()].into());
    assert_eq!(replayed(2, &server, 25), Progress::Invalid(Flaw::Refused));
    let early = Inputs([0, 0].into());
    assert_eq!(replayed(2, &early, 25), Progress::Invalid(Flaw::Refused));
    let mut late = run.inputs().clone();
    late.0.extend([0xff, 0x7f, 0]);
    assert_eq!(replayed(2, &late, 25), Progress::Invalid(Flaw::TooLate));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_inputs_break_a_replay(seed in 0..8_u64, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let ended = replayed(seed, &Inputs(bytes), 25);
        prop_assert!(ended != Progress::Running);
    }
}
