//! What players are told: the last few things that happened to somebody. Part of the state, so
//! that everybody is told the same, also who joins late.

use alloc::vec::Vec;

use baton::Player;
use serde::{Deserialize, Serialize};

/// Things remembered, at most.
pub const MAX_TOLD: usize = 8;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A survivor was infected, by a zombie or a turned player.
    Bitten,
    /// An infected player plays on as a zombie.
    Turned,
    /// An infected player is well again.
    Cured,
    /// A turned player was struck down.
    Felled,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// From 1 in each match, rising by one.
    pub seq: u32,
    /// What.
    pub what: What,
    /// To whom.
    pub who: Player,
    /// Who did it, if a player.
    pub by: Option<Player>,
}

/// The last things that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    last: u32,
    told: Vec<Told>,
}

impl Feed {
    /// Oldest first.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    pub(crate) fn tell(&mut self, what: What, who: Player, by: Option<Player>) {
        self.last = self.last.saturating_add(1);
        if self.told.len() >= MAX_TOLD {
            self.told.remove(0);
        }
        let seq = self.last;
        self.told.push(Told { seq, what, who, by });
    }
}
