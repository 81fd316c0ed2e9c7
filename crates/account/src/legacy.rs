//! An account of the time before, as JSON. It is taken over by one action, whenever that comes: what was counted is added,
//! what was chosen gives way to what the player has chosen since.

use alloc::{collections::BTreeSet, vec::Vec};

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
    pub coins: u64,
    /// Scrap.
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
