//! What an account remembers. Balances are unsigned and saturate: whatever order actions come in, none falls below zero.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use contagion::{MatchResult, Trial};
use serde::{Deserialize, Serialize};

use crate::action::Preference;
use crate::goals::Goal;
use crate::runs::{Claim, Judged, Seed};
use crate::shop::Item;

/// Everything an account remembers. Only the rules change it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Earned in matches and by goals. Nothing that is done offline touches them.
    pub coins: u64,
    /// Earned in runs.
    pub scrap: u64,
    /// The most scrap that there ever was: what a device can have seen at most.
    pub most_scrap: u64,
    /// Of [`TOLERANCE`](crate::TOLERANCE), how much is used up.
    pub overspent: u64,
    /// Matches with others.
    pub matches: Stats,
    /// Runs alone, as far as they were replayed.
    pub runs: Stats,
    /// What was played last, and when, in milliseconds since 1970.
    pub last: Option<(Mode, u64)>,
    /// Goals whose reward was given.
    pub goals: BTreeSet<Goal>,
    /// What was bought.
    pub items: BTreeSet<Item>,
    /// What the player looks like, below [`LOOKS`](crate::LOOKS).
    pub look: u8,
    /// What was set.
    pub preferences: BTreeMap<Preference, u8>,
    /// Seeds that runs may be played with.
    pub seeds: Vec<Seed>,
    /// Runs that wait for their replay, in order of receipt.
    pub claims: VecDeque<Claim>,
    /// The replay of the first of them, once it has begun.
    pub trial: Option<Trial>,
    /// What became of the last runs, oldest first.
    pub judged: VecDeque<Judged>,
    /// An account of the time before was taken over.
    pub imported: bool,
}

/// How somebody plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// With others.
    Match,
    /// Alone.
    Run,
}

/// What was achieved in one mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stats {
    /// Games played.
    pub played: u32,
    /// Games won.
    pub won: u32,
    /// The best score.
    pub best: u32,
    /// Milliseconds survived.
    pub survived_ms: u64,
    /// Zombies struck, and turned players struck down.
    pub struck: u32,
    /// Others cured.
    pub cures: u32,
    /// Survivors infected.
    pub infected: u32,
}

impl Stats {
    /// Counts one game.
    pub fn count(&mut self, result: &MatchResult) {
        self.add(&Self {
            played: 1,
            won: u32::from(result.won),
            best: result.score,
            survived_ms: u64::from(result.survived_ms),
            struck: u32::from(result.struck),
            cures: u32::from(result.cures),
            infected: u32::from(result.infected),
        });
    }

    /// Counts what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.played = self.played.saturating_add(other.played);
        self.won = self.won.saturating_add(other.won);
        self.best = self.best.max(other.best);
        self.survived_ms = self.survived_ms.saturating_add(other.survived_ms);
        self.struck = self.struck.saturating_add(other.struck);
        self.cures = self.cures.saturating_add(other.cures);
        self.infected = self.infected.saturating_add(other.infected);
    }
}

impl State {
    /// Games of both modes.
    pub fn games(&self) -> u32 {
        self.matches.played.saturating_add(self.runs.played)
    }

    pub(crate) fn earn_coins(&mut self, coins: u64) {
        self.coins = self.coins.saturating_add(coins);
    }

    /// Also restores as much of the tolerance.
    pub(crate) fn earn_scrap(&mut self, scrap: u64) {
        self.set_scrap(self.scrap.saturating_add(scrap));
        self.overspent = self.overspent.saturating_sub(scrap);
    }

    pub(crate) fn set_scrap(&mut self, scrap: u64) {
        self.scrap = scrap;
        self.most_scrap = self.most_scrap.max(scrap);
    }
}
