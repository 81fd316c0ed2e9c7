//! The game, and how it is played here: the one file that knows it. Decides what a client wants to do and when; must not
//! know how that reaches the host.

use baton::{Player as Number, Room};
use bots::{Brain, Skill};
use contagion::{ANGLES, Action, Contagion, Phase};

use super::options::Options;

/// What is played.
pub(super) type Game = Contagion;

/// How often a bot looks, in microseconds: once a tick.
const LOOK_US: u64 = contagion::TICK_MS as u64 * 1_000;
const SECOND_US: u64 = 1_000_000;

/// When to do something.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// When the bot wants to.
    Bot,
    /// Every so many microseconds.
    Every(u64),
    /// Whenever something more may be without an answer.
    Always,
}

/// One who plays.
pub(super) struct Player {
    pace: Pace,
    brain: Brain,
    due_us: u64,
    count: u64,
}

impl Player {
    /// Plays as `options` say; each `index` plays differently.
    pub(super) fn new(options: &Options, index: u32) -> Self {
        let pace = match options.rate {
            _ if options.hot => Pace::Always,
            Some(rate) => Pace::Every((SECOND_US as f64 / rate.clamp(0.001, 1_000.0)) as u64),
            None => Pace::Bot,
        };
        let skill = Skill::ALL[index as usize % Skill::ALL.len()];
        Self {
            pace,
            brain: Brain::new(skill, u64::from(index)),
            due_us: u64::MAX,
            count: u64::from(index),
        }
    }

    /// Begins now, at a point of its rhythm that `index` of `clients` has for itself.
    pub(super) fn begin(&mut self, now_us: u64, index: u32, clients: u32) {
        let period_us = match self.pace {
            Pace::Bot => LOOK_US,
            Pace::Every(us) => us,
            Pace::Always => 0,
        };
        self.due_us = now_us + period_us * u64::from(index) / u64::from(clients.max(1));
    }

    /// Does nothing more.
    pub(super) fn end(&mut self) {
        self.due_us = u64::MAX;
    }

    /// When it next does something: to be asked then.
    pub(super) fn due_us(&self) -> u64 {
        self.due_us
    }

    /// Whether it does as much as it may.
    pub(super) fn is_greedy(&self) -> bool {
        matches!(self.pace, Pace::Always)
    }

    /// What it does now that it is due, and since when it should have. Moves on to the next time.
    pub(super) fn wish(&mut self, room: &Room<Game>, me: Number) -> (u64, Option<Action>) {
        let due_us = self.due_us;
        let action = match self.pace {
            Pace::Bot => {
                self.due_us += LOOK_US;
                self.brain.decide(room.state(), room.config(), me)
            }
            Pace::Every(us) => {
                self.due_us += us;
                Some(self.steer())
            }
            Pace::Always => Some(self.steer()),
        };
        (due_us, action)
    }

    /// Nothing more fits: not before this.
    pub(super) fn wait_until(&mut self, us: u64) {
        self.due_us = us;
    }

    /// Round and round, so that no two that follow each other are the same.
    fn steer(&mut self) -> Action {
        self.count += 1;
        Action::Steer((self.count * 7 % u64::from(ANGLES)) as u8)
    }
}

/// Whether there is something to do in a room.
pub(super) fn plays(room: &Room<Game>) -> bool {
    room.state().phase == Phase::Playing
}
