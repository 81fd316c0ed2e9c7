//! What is done to rules under test: players who come, leave and act, and time. Drawn from a seed, or given.

use baton::{By, Player, Random, Reject, Rules, Solo};
use std::fmt;

/// Players who come and go.
const PLAYERS: u32 = 6;
/// Ticks that pass at once, at most.
const TICKS: u32 = 20;
/// An action that is drawn as bytes has at most so many.
const ACTION_BYTES: u32 = 16;
/// How often bytes are drawn until they are an action.
const DRAWS: u32 = 64;

/// One thing that happens to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A player comes.
    Join(Player),
    /// A player leaves.
    Leave(Player),
    /// An encoded action.
    Act(By, Vec<u8>),
    /// So many ticks pass.
    Ticks(u32),
}

/// A room and all that happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Of the room's randomness.
    pub seed: u64,
    /// The encoded config; none is the default.
    pub config: Option<Vec<u8>>,
    /// In order.
    pub steps: Vec<Step>,
}

impl Script {
    /// Draws `count` steps from `seed`; `action` makes what players do.
    pub fn draw<R: Rules>(
        seed: u64,
        count: usize,
        mut action: impl FnMut(&mut Random) -> R::Action,
    ) -> Self {
        let encoded = move |random: &mut Random| {
            postcard::to_allocvec(&action(random)).expect("an action has a known length")
        };
        Self::drawn(seed, count, encoded)
    }

    /// The same with actions made of random bytes. Of use where most bytes are some action; where an action is long,
    /// give a generator.
    pub fn of_bytes<R: Rules>(seed: u64, count: usize) -> Self {
        Self::drawn(seed, count, |random| {
            let mut bytes = Vec::new();
            for _ in 0..DRAWS {
                let length = 1 + random.below(ACTION_BYTES);
                bytes = (0..length).map(|_| random.below(256) as u8).collect();
                if let Ok((_, rest)) = postcard::take_from_bytes::<R::Action>(&bytes) {
                    bytes.truncate(bytes.len() - rest.len());
                    break;
                }
            }
            bytes
        })
    }

    fn drawn(seed: u64, count: usize, mut action: impl FnMut(&mut Random) -> Vec<u8>) -> Self {
        let mut random = Random::from_seed(seed);
        let steps = (0..count).map(|place| {
            let who = random.below(PLAYERS);
            match random.below(16) {
                // Somebody is there, or no time passes.
                _ if place == 0 => Step::Join(who),
                0 | 1 => Step::Join(who),
                2 => Step::Leave(who),
                3 => Step::Act(By::Server, action(&mut random)),
                4..11 => Step::Act(By::Player(who), action(&mut random)),
                _ => Step::Ticks(1 + random.below(TICKS)),
            }
        });
        Self {
            seed,
            config: None,
            steps: steps.collect(),
        }
    }

    /// The room at the beginning. The config is the default if the given one cannot be decoded.
    pub(super) fn room<R: Rules>(&self) -> Solo<R> {
        let config = self.config.as_deref().map(postcard::from_bytes);
        Solo::new(config.and_then(Result::ok).unwrap_or_default(), self.seed)
    }

    /// As [`baton::harness::record`] performs it: the first `count` steps, each followed by a line `asked`.
    pub(super) fn lines(&self, count: usize, asked: &str) -> String {
        let config = self.config.as_deref().map_or("-".to_owned(), hex);
        let mut text = format!("room {} {config}\n{asked}\n", self.seed);
        for step in &self.steps[..count] {
            text.push_str(&format!("{step}\n{asked}\n"));
        }
        text
    }
}

impl Step {
    /// Lets it happen. What is not an action of the rules does nothing.
    pub fn perform<R: Rules>(&self, room: &mut Solo<R>) -> Result<(), Reject> {
        match self {
            Self::Join(who) => room.join(*who),
            Self::Leave(who) => room.leave(*who),
            Self::Ticks(count) => room.ticks(*count),
            Self::Act(by, bytes) => {
                let action = postcard::from_bytes(bytes).map_err(|_| Reject::MALFORMED)?;
                return room.act(*by, action);
            }
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join(who) => write!(f, "join {who}"),
            Self::Leave(who) => write!(f, "leave {who}"),
            Self::Ticks(count) => write!(f, "ticks {count}"),
            Self::Act(By::Server, bytes) => write!(f, "act server {}", hex(bytes)),
            Self::Act(By::Player(who), bytes) => write!(f, "act {who} {}", hex(bytes)),
        }
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
