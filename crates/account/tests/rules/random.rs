//! Actions of every kind, drawn at random: what anybody might send.

use account::{Action, Goal, Item, Legacy, Preference, Stats};
use contagion::{Inputs, MatchResult};
use proptest::prelude::*;
use proptest::sample::select;

use crate::samples::KINDS;

const PREFERENCES: [Preference; 4] = [
    Preference::Volume,
    Preference::LeftHanded,
    Preference::Contrast,
    Preference::Calm,
];

fn result() -> impl Strategy<Value = MatchResult> {
    (any::<(u32, bool, u32, u32)>(), any::<(u16, u16, u16)>()).prop_map(
        |((match_id, won, score, survived_ms), (struck, cures, infected))| MatchResult {
            match_id,
            won,
            score,
            survived_ms,
            struck,
            cures,
            infected,
        },
    )
}

fn stats() -> impl Strategy<Value = Stats> {
    (any::<(u32, u32, u32, u64)>(), any::<(u32, u32, u32)>()).prop_map(
        |((played, won, best, survived_ms), (struck, cures, infected))| Stats {
            played,
            won,
            best,
            survived_ms,
            struck,
            cures,
            infected,
        },
    )
}

fn legacy() -> impl Strategy<Value = Legacy> {
    let counted = (any::<(u64, u64)>(), stats(), stats());
    let chosen = (
        prop::collection::btree_set(select(Goal::ALL.to_vec()), 0..4),
        prop::collection::btree_set(select(Item::ALL.to_vec()), 0..3),
        any::<u8>(),
        prop::collection::vec((select(PREFERENCES.to_vec()), any::<u8>()), 0..4),
    );
    (counted, chosen).prop_map(
        |(((coins, scrap), matches, runs), (goals, items, look, preferences))| Legacy {
            coins,
            scrap,
            matches,
            runs,
            goals,
            items,
            look,
            preferences,
        },
    )
}

/// Amounts that are small, or as large as they can be.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![-600..600_i64, any::<i64>()]
}

/// Any action of any kind.
pub(crate) fn action() -> impl Strategy<Value = Action> {
    let inputs = prop::collection::vec(any::<u8>(), 0..60);
    let item = select(Item::ALL.to_vec());
    let drawn = prop_oneof![
        result().prop_map(Action::Match),
        (any::<u64>(), inputs).prop_map(|(seed, bytes)| Action::Run {
            seed,
            inputs: Inputs(bytes)
        }),
        item.clone().prop_map(Action::Buy),
        any::<u8>().prop_map(Action::Look),
        (select(PREFERENCES.to_vec()), any::<u8>())
            .prop_map(|(preference, value)| Action::Prefer(preference, value)),
        select(Goal::ALL.to_vec()).prop_map(Action::Reward),
        Just(Action::Deal),
        Just(Action::Check),
        item.prop_map(Action::Purchase),
        (amount(), amount()).prop_map(|(coins, scrap)| Action::Grant { coins, scrap }),
        legacy().prop_map(Action::Import),
    ];
    const _: () = assert!(KINDS == 11, "a new kind is drawn too");
    drawn
}
