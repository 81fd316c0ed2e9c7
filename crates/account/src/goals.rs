//! What is earned for what: coins for matches, scrap for runs, and goals, whose rewards the account gives by itself once.

use contagion::MatchResult;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::state::State;

/// Something to reach. New ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// A first match with others.
    FirstMatch,
    /// A first match won.
    FirstRescue,
    /// Ten games.
    TenGames,
    /// A hundred games.
    HundredGames,
    /// A hundred zombies struck.
    HundredStruck,
    /// Ten others cured.
    TenCured,
}

impl Goal {
    /// All of them, in the order in which their rewards are given.
    pub const ALL: [Self; 6] = [
        Self::FirstMatch,
        Self::FirstRescue,
        Self::TenGames,
        Self::HundredGames,
        Self::HundredStruck,
        Self::TenCured,
    ];

    /// Its reward.
    pub fn coins(self) -> u64 {
        match self {
            Self::FirstMatch => 50,
            Self::FirstRescue | Self::TenGames => 100,
            Self::TenCured => 250,
            Self::HundredStruck => 300,
            Self::HundredGames => 1_000,
        }
    }

    /// Whether an account has got that far, rewarded or not.
    pub fn is_reached(self, state: &State) -> bool {
        let State { matches, runs, .. } = state;
        match self {
            Self::FirstMatch => matches.played > 0,
            Self::FirstRescue => matches.won > 0,
            Self::TenGames => state.games() >= 10,
            Self::HundredGames => state.games() >= 100,
            Self::HundredStruck => matches.struck.saturating_add(runs.struck) >= 100,
            Self::TenCured => matches.cures >= 10,
        }
    }
}

/// Whether a goal is reached and its reward not given yet.
pub(crate) fn earned(state: &State, goal: Goal) -> bool {
    goal.is_reached(state) && !state.goals.contains(&goal)
}

/// The next reward that is due.
pub(crate) fn due(state: &State) -> Option<Action> {
    let earned = Goal::ALL.into_iter().find(|goal| earned(state, *goal));
    earned.map(Action::Reward)
}

pub(crate) fn reward(state: &mut State, goal: Goal) {
    state.goals.insert(goal);
    state.earn_coins(goal.coins());
}

/// What a match pays.
pub fn coins_of(result: &MatchResult) -> u64 {
    u64::from(result.score / 20) + if result.won { 50 } else { 0 }
}

/// What a run pays.
pub fn scrap_of(result: &MatchResult) -> u32 {
    result.score / 10 + if result.won { 25 } else { 0 }
}
