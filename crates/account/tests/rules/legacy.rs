//! An account of the time before: taken over once, and merged with what was done since.

use account::{Action, Goal, Item, Legacy, Preference, SEEDS, Stats, reject};
use baton::By;

use crate::samples::{legacy, lost, won};
use crate::scene::{account, act, serve, server};

#[test]
fn b38_the_first_thing_that_happens_to_an_account_may_be_its_import() {
    let mut solo = account();
    server(&mut solo, Action::Import(legacy()));
    let state = solo.state();
    let Legacy { matches, runs, .. } = legacy();
    assert_eq!((state.coins, state.scrap), (700, 90));
    assert_eq!((state.matches, state.runs), (matches, runs));
    assert_eq!(
        (&state.goals, &state.items),
        (&legacy().goals, &legacy().items)
    );
    assert_eq!(state.look, Item::Nurse.look());
    assert_eq!(
        state.preferences,
        legacy().preferences.into_iter().collect()
    );
    assert_eq!(state.seeds.len(), SEEDS);
    // What was rewarded then is not rewarded again; what was not, is.
    assert_eq!(serve(&mut solo), 1);
    assert_eq!(solo.state().coins, 700 + Goal::TenGames.coins());
}

#[test]
fn b38_it_is_taken_over_once() {
    let mut solo = account();
    server(&mut solo, Action::Import(Legacy::default()));
    let before = solo.bytes();
    let again = solo.act(By::Server, Action::Import(legacy()));
    assert_eq!(again, Err(reject::IMPORTED));
    assert_eq!(solo.bytes(), before);
}

#[test]
fn b38_what_was_counted_is_added_and_what_was_chosen_since_stays() {
    let mut solo = account();
    server(&mut solo, Action::Match(won(900)));
    serve(&mut solo);
    act(&mut solo, Action::Look(2)).expect("a free look");
    act(&mut solo, Action::Prefer(Preference::Volume, 99)).expect("a player may");
    let before = solo.state().clone();
    server(&mut solo, Action::Import(legacy()));
    let state = solo.state();
    assert_eq!(state.coins, before.coins + 700);
    assert_eq!(state.matches.played, 31);
    assert_eq!(state.matches.won, 5);
    assert_eq!(state.matches.best, 900, "the better of both");
    assert_eq!(state.look, 2);
    assert_eq!(state.preferences[&Preference::Volume], 99);
    assert_eq!(state.preferences[&Preference::Calm], 1);
    // The same goals in both: no reward comes twice.
    assert!(before.goals.contains(&Goal::FirstMatch));
    serve(&mut solo);
    assert_eq!(
        solo.state().coins,
        before.coins + 700 + Goal::TenGames.coins()
    );
}

#[test]
fn b38_whenever_it_comes_the_sum_is_the_same() {
    let mut sums = Vec::new();
    for at in 0..=6 {
        let mut solo = account();
        for game in 0..6 {
            if game == at {
                server(&mut solo, Action::Import(legacy()));
            }
            server(
                &mut solo,
                Action::Match(if game % 2 == 0 { won(60) } else { lost() }),
            );
        }
        if at == 6 {
            server(&mut solo, Action::Import(legacy()));
        }
        serve(&mut solo);
        let state = solo.state();
        sums.push((state.coins, state.scrap, state.matches, state.goals.clone()));
    }
    sums.dedup();
    assert_eq!(sums.len(), 1, "{sums:?}");
}

#[test]
fn b38_json_of_the_time_before_may_leave_out_and_may_owe_but_not_say_what_is_unknown() {
    let read = |json: &str| serde_json::from_str::<Legacy>(json);
    assert_eq!(read("{}").expect("nothing"), Legacy::default());
    let partly =
        read(r#"{"coins":5,"matches":{"played":3},"items":["welder"],"preferences":[["calm",1]]}"#);
    let expected = Legacy {
        coins: 5,
        matches: Stats {
            played: 3,
            ..Stats::default()
        },
        items: [Item::Welder].into(),
        preferences: vec![(Preference::Calm, 1)],
        ..Legacy::default()
    };
    assert_eq!(partly.expect("some of it"), expected);
    // The time before let balances fall below zero.
    let owed = read(r#"{"coins":-40,"scrap":-9223372036854775808}"#).expect("debts");
    assert_eq!((owed.coins, owed.scrap), (0, 0));
    let most = read(r#"{"coins":18446744073709551615}"#).expect("a lot");
    assert_eq!(most.coins, u64::MAX);
    for unknown in [
        r#"{"gems":1}"#,
        r#"{"items":["crown"]}"#,
        r#"{"coins":"5"}"#,
        r#"{"coins":1.5}"#,
    ] {
        assert!(read(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn b38_a_look_that_was_never_bought_or_is_none_is_not_taken_over() {
    for look in [Item::Welder.look(), 200] {
        let mut solo = account();
        let import = Legacy { look, ..legacy() };
        server(&mut solo, Action::Import(import));
        assert_eq!(solo.state().look, 0);
    }
}
