//! An account of the time before, as JSON. It is taken over by one action, whenever that comes: what was counted is added,
//! what was chosen gives way to what the player has chosen since.

use alloc::{collections::BTreeSet, vec::Vec};
use core::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::action::Preference;
use crate::goals::Goal;
use crate::shop::{Item, may_wear};
use crate::state::{State, Stats};

/// An account of the time before. What is left out is none; a field that is not here is refused by who reads the JSON, since
/// what it meant would be lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Legacy {
    /// Coins. What was negative counts as zero.
    #[serde(deserialize_with = "balance")]
    pub coins: u64,
    /// Scrap, likewise.
    #[serde(deserialize_with = "balance")]
    pub scrap: u64,
    /// Matches with others.
    pub matches: Stats,
    /// Runs alone.
    pub runs: Stats,
    /// Goals whose reward was given.
    pub goals: BTreeSet<Goal>,
    /// What was bought.
    pub items: BTreeSet<Item>,
    /// The look.
    pub look: u8,
    /// What was set.
    pub preferences: Vec<(Preference, u8)>,
}

/// A balance, as numbers in JSON may say it. Encoded as an action, it is what it became.
fn balance<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    struct Balance;

    impl Visitor<'_> for Balance {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
            Ok(value)
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
            Ok(u64::try_from(value).unwrap_or(0))
        }
    }

    from.deserialize_u64(Balance)
}

pub(crate) fn take_over(state: &mut State, legacy: Legacy) {
    state.imported = true;
    state.earn_coins(legacy.coins);
    state.earn_scrap(legacy.scrap);
    state.matches.add(&legacy.matches);
    state.runs.add(&legacy.runs);
    state.goals.extend(legacy.goals);
    state.items.extend(legacy.items);
    if state.look == 0 && may_wear(state, legacy.look) {
        state.look = legacy.look;
    }
    for (preference, value) in legacy.preferences {
        state.preferences.entry(preference).or_insert(value);
    }
}
