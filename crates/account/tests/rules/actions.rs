//! What actions are: serialisable, of two kinds of change, permitted to the right side, refused without a trace.

use account::{Account, Action, Item, LOOKS, Mode, Preference, SEED_MS, reject};
use baton::{By, Reject, Rules, Solo};
use contagion::{Inputs, MAX_RUN_BYTES};
use proptest::prelude::*;

use crate::random;
use crate::samples::{KINDS, is_players, kind_of, last_mode, lost, one_of_each, wander, won};
use crate::scene::{OWNER, account, act, run, seed, serve, server};

#[test]
fn b03_some_changes_add_up_and_some_replace_what_was() {
    let mut solo = account();
    for score in [100, 640, 320] {
        server(&mut solo, Action::Match(won(score)));
    }
    serve(&mut solo);
    run(&mut solo, wander);
    let state = solo.state();
    // These add up.
    assert_eq!((state.matches.played, state.matches.won), (3, 3));
    assert_eq!(state.matches.struck, 3 * u32::from(won(1).struck));
    assert_eq!((state.runs.played, state.games()), (1, 4));
    // The best one stays.
    assert_eq!(state.matches.best, 640);
    // These are replaced.
    assert_eq!(last_mode(state), Some(Mode::Run));
    server(&mut solo, Action::Match(lost()));
    assert_eq!(last_mode(solo.state()), Some(Mode::Match));
    for value in [10, 90, 40] {
        act(&mut solo, Action::Prefer(Preference::Volume, value)).expect("a player may");
        act(&mut solo, Action::Look(value % 4)).expect("a player may");
    }
    assert_eq!(solo.state().preferences[&Preference::Volume], 40);
    assert_eq!(solo.state().look, 0);
}

/// What a player is online for; all else of the server's comes from matches, from the operator, or from the rules.
#[test]
fn b05_purchases_alone_may_be_ordered() {
    for action in one_of_each() {
        let purchase = matches!(action, Action::Purchase(_));
        assert_eq!(Account::orders(&action), purchase, "{action:?}");
    }
}

#[test]
fn b05_each_side_does_what_is_its_own_and_nothing_else() {
    let mut seen = [0; 2];
    for action in one_of_each() {
        let players = is_players(&action);
        seen[usize::from(players)] += 1;
        let (other, code) = match players {
            true => (By::Server, reject::PLAYER_ONLY),
            false => (OWNER, reject::SERVER_ONLY),
        };
        // Whatever the account is like: new, or rich and in the middle of something.
        let mut rich = account();
        let grant = i64::MAX;
        server(
            &mut rich,
            Action::Grant {
                coins: grant,
                scrap: grant,
            },
        );
        let inputs = Inputs::default();
        let run = Action::Run {
            seed: seed(&rich),
            inputs,
        };
        act(&mut rich, run).expect("a seed in hand");
        for mut solo in [account(), rich] {
            let before = solo.bytes();
            assert_eq!(solo.act(other, action.clone()), Err(code), "{action:?}");
            assert_eq!(solo.bytes(), before);
        }
    }
    assert_eq!(seen, [KINDS - 4, 4]);
}

/// An account, what somebody wants, and the answer.
type Refusal = (Solo<Account>, By, Action, Reject);

fn refusals() -> Vec<Refusal> {
    let fresh = account();
    let run = |seed, bytes: usize| Action::Run {
        seed,
        inputs: Inputs(vec![0; bytes]),
    };
    let mut rich = account();
    let grant = Action::Grant {
        coins: 5_000,
        scrap: 5_000,
    };
    server(&mut rich, grant);
    act(&mut rich, Action::Buy(Item::Raincoat)).expect("it is rich");
    server(&mut rich, Action::Purchase(Item::Nurse));
    let mut late = fresh.clone();
    late.set_time(crate::scene::START_MS + SEED_MS + 1);
    let mut waits = fresh.clone();
    act(&mut waits, run(seed(&fresh), 0)).expect("a seed in hand");
    let mut moved = account();
    server(&mut moved, Action::Import(crate::samples::legacy()));
    let held = seed(&fresh);
    let goal = account::Goal::FirstMatch;
    vec![
        (fresh.clone(), OWNER, run(held ^ 1, 0), reject::UNKNOWN_SEED),
        (waits, OWNER, run(held, 0), reject::USED_SEED),
        (late, OWNER, run(held, 0), reject::EXPIRED_SEED),
        (
            fresh.clone(),
            OWNER,
            run(held, MAX_RUN_BYTES + 1),
            reject::LONG_RUN,
        ),
        (
            rich.clone(),
            OWNER,
            Action::Buy(Item::Raincoat),
            reject::OWNED,
        ),
        (
            rich.clone(),
            By::Server,
            Action::Purchase(Item::Nurse),
            reject::OWNED,
        ),
        (
            fresh.clone(),
            OWNER,
            Action::Buy(Item::Raincoat),
            reject::POOR,
        ),
        (
            fresh.clone(),
            OWNER,
            Action::Buy(Item::Welder),
            reject::POOR,
        ),
        (
            fresh.clone(),
            By::Server,
            Action::Purchase(Item::Nurse),
            reject::POOR,
        ),
        (
            rich.clone(),
            OWNER,
            Action::Buy(Item::Nurse),
            reject::OTHER_CURRENCY,
        ),
        (
            rich,
            By::Server,
            Action::Purchase(Item::Welder),
            reject::OTHER_CURRENCY,
        ),
        (fresh.clone(), OWNER, Action::Look(LOOKS), reject::LOCKED),
        (
            fresh.clone(),
            OWNER,
            Action::Look(LOOKS - 1),
            reject::LOCKED,
        ),
        (
            fresh.clone(),
            By::Server,
            Action::Reward(goal),
            reject::NOT_EARNED,
        ),
        (fresh.clone(), By::Server, Action::Deal, reject::NOTHING),
        (fresh, By::Server, Action::Check, reject::NOTHING),
        (
            moved,
            By::Server,
            Action::Import(crate::samples::legacy()),
            reject::IMPORTED,
        ),
    ]
}

#[test]
fn b10_every_refusal_has_its_code_and_leaves_the_account_as_it_was() {
    let mut codes = vec![reject::SERVER_ONLY.0, reject::PLAYER_ONLY.0];
    for (mut solo, by, action, code) in refusals() {
        let before = solo.bytes();
        assert_eq!(solo.act(by, action.clone()), Err(code), "{action:?}");
        assert_eq!(solo.bytes(), before, "{action:?}");
        codes.push(code.0);
        // Later actions go on.
        act(&mut solo, Action::Prefer(Preference::Contrast, 9)).expect("a player may");
        assert_ne!(solo.bytes(), before);
    }
    codes.sort_unstable();
    codes.dedup();
    let all: Vec<u16> = (1..=13).collect();
    assert_eq!(codes, all, "the codes are stable, and each can come");
}

#[test]
fn b30_bytes_that_are_no_action_of_this_version_or_more_than_one_are_none() {
    let kinds = one_of_each().map(|action| kind_of(&action));
    assert_eq!(std::collections::BTreeSet::from(kinds).len(), KINDS);
    for (index, action) in one_of_each().iter().enumerate() {
        let bytes = postcard::to_allocvec(action).expect("an action");
        assert_eq!(usize::from(bytes[0]), index, "the place is the encoding");
    }
    let unknown = postcard::from_bytes::<Action>(&[KINDS as u8, 0, 0]);
    assert!(unknown.is_err(), "a kind of later versions");
    for json in [
        r#"{"coins":1,"diamonds":1000000}"#,
        r#"{"matches":{"played":1,"streak":4}}"#,
    ] {
        let read = serde_json::from_str::<account::Legacy>(json);
        assert!(read.is_err(), "a field that would be lost: {json}");
    }
}

proptest! {
    #[test]
    fn b02_what_is_written_is_what_is_read(action in random::action()) {
        let bytes = postcard::to_allocvec(&action).expect("an action");
        let (read, rest) = postcard::take_from_bytes::<Action>(&bytes).expect("what was written");
        prop_assert!(rest.is_empty());
        prop_assert_eq!(&read, &action);
        let json = serde_json::to_string(&action).expect("an action");
        prop_assert_eq!(serde_json::from_str::<Action>(&json).expect("what was written"), action);
    }

    #[test]
    fn b02_the_next_state_depends_on_the_state_and_the_action_alone(
        steps in prop::collection::vec((any::<bool>(), random::action()), 1..30)
    ) {
        // One account lives on, the other is written down and read again before each step.
        let (mut warm, mut cold) = (account(), account());
        for (server, action) in steps {
            let by = if server { By::Server } else { OWNER };
            cold.reload().expect("what was written");
            prop_assert_eq!(warm.act(by, action.clone()), cold.act(by, action));
            prop_assert_eq!(warm.bytes(), cold.bytes());
        }
    }
}
