//! How a room calls its rules: with which time, randomness and fuel, to do something and to be asked. Decides nothing of
//! what is entered when.

use alloc::vec::Vec;

use super::Room;
use crate::id::Nonce;
use crate::kind::Kind;
use crate::random::Source;
use crate::rules::{By, Context, Fuel, Player, Reject};

impl<R: Kind> Room<R> {
    pub(super) fn apply(&mut self, by: By, action: R::Action, random: Source<'_>) {
        let (sends_left, now_ms) = (self.sends_left(), self.now_ms());
        let fuel = self.pace().fuel;
        let ctx = Context {
            config: &self.config,
            tick: self.tick,
            now_ms,
            present: &self.present,
            random,
            sends: &mut self.sends,
            sends_left,
            fuel: Fuel::of(fuel),
        };
        R::apply(&mut self.state, by, action, ctx);
        self.post();
    }

    /// Asks the rules whether an action is allowed now. Changes nothing.
    pub fn validate(&self, by: By, action: &R::Action) -> Result<(), Reject> {
        let now_ms = self.now_ms();
        self.consult(now_ms, |state, ctx| R::validate(state, by, action, ctx))
    }

    /// What the room itself does next. Nothing that its own rules refuse.
    pub(super) fn due(&self, now_ms: u64) -> Option<R::Action> {
        let action = self.consult(now_ms, R::due)?;
        let judged = self.consult(now_ms, |state, ctx| {
            R::validate(state, By::Server, &action, ctx)
        });
        judged.ok().map(|()| action)
    }

    /// Whether the room itself has something to do, at a time by the store's clock.
    pub(crate) fn owes(&self, now_ms: u64) -> bool {
        let now_ms = match self.pace().tick_ms {
            0 => now_ms.max(self.now_ms()),
            _ => self.now_ms(),
        };
        !self.halted && self.due(now_ms).is_some()
    }

    fn consult<T>(
        &self,
        now_ms: u64,
        ask: impl FnOnce(&R::State, Context<'_, R::Config>) -> T,
    ) -> T {
        // Rules that only read cannot reach these two: both need `&mut`.
        let mut sends = Vec::new();
        let sends_left = self.sends_left();
        let ctx = Context {
            config: &self.config,
            tick: self.tick,
            now_ms,
            present: &self.present,
            random: Source::entry(Nonce::default(), 0),
            sends: &mut sends,
            sends_left,
            fuel: Fuel::of(self.pace().fuel),
        };
        ask(&self.state, ctx)
    }

    /// The time that the rules are told: with ticks it is theirs, however frames cut them.
    pub(super) fn now_ms(&self) -> u64 {
        match self.pace().tick_ms {
            0 => self.opened_ms.max(self.time_ms),
            _ => self.time_of(self.tick),
        }
    }

    /// Applies an action ahead of the log: for a predicted state, never for a committed one. Its
    /// randomness is a guess.
    pub(crate) fn predict(&mut self, who: Player, action: R::Action) {
        let guess = Source::entry(Nonce(self.lineage.0), self.tick);
        self.apply(By::Player(who), action, guess);
    }
}
