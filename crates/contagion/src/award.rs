//! What a match leaves to its players' accounts: one result each, sent by the room when play ends.

use baton::{Ctx, Player};
use serde::{Deserialize, Serialize};

use crate::Contagion;
use crate::field::Field;
use crate::figure::{Figure, Role};
use crate::phase::{Outcome, Winner};

/// The kind of the rooms that are players' accounts.
pub const ACCOUNT: &str = "account";

/// What an account is sent. New variants are added at the end: the position is the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Award {
    /// A match was played.
    Match(MatchResult),
}

/// A player's part in a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchResult {
    /// The match, of the room that sends this.
    pub match_id: u32,
    /// Whether the player's side won: who was there as a survivor at rescue, or had turned when
    /// none was. Who left the others to it is not rescued.
    pub won: bool,
    /// Points.
    pub score: u32,
    /// Milliseconds survived.
    pub survived_ms: u32,
    /// Zombies struck, and turned players struck down.
    pub struck: u16,
    /// Others cured.
    pub cures: u16,
    /// Survivors infected.
    pub infected: u16,
}

impl MatchResult {
    pub(crate) fn of(figure: &Figure, here: bool, outcome: &Outcome) -> Self {
        let tally = &figure.tally;
        let won = match figure.role {
            Role::Survivor => here && outcome.winner == Winner::Survivors,
            Role::Turned => outcome.winner == Winner::Contagion,
        };
        Self {
            match_id: outcome.match_id,
            won,
            score: tally.score(),
            survived_ms: tally.survived_ms,
            struck: tally.struck,
            cures: tally.cures,
            infected: tally.infected,
        }
    }
}

/// Sends everybody's result, by rising player number.
pub(crate) fn send(field: &Field, outcome: &Outcome, ctx: &mut Ctx<'_, Contagion>) {
    let here = field.figures.iter().map(|figure| (figure, true));
    let away = field.away.iter().map(|figure| (figure, false));
    let mut results: alloc::vec::Vec<(Player, MatchResult)> = here
        .chain(away)
        .map(|(figure, here)| (figure.player, MatchResult::of(figure, here, outcome)))
        .collect();
    results.sort_unstable_by_key(|&(player, _)| player);
    for (player, result) in results {
        ctx.send_to(player, ACCOUNT, &Award::Match(result));
    }
}
