//! An invocation that can be stopped at every effect: before it is performed, after it, and before
//! its result is fed back. What interleaves is chosen by tests.

use baton::effect::{Arrival, Effect, Fed, Outcome};
use baton::{Before, Invocation, Rules};
use serde_bytes::ByteBuf;

use super::World;

/// One invocation on its way.
pub struct Flight<R: Rules> {
    pub instance: usize,
    invocation: Invocation<R>,
    stage: Stage,
    noted: Option<ByteBuf>,
}

enum Stage {
    /// Asks for an effect that was not performed yet.
    Asks(Effect),
    /// The effect was performed; its result was not fed back yet.
    Holds(Fed),
    /// Landed, or on the way between two stages.
    Landed(Vec<Outcome>),
}

/// What goes wrong with an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails, and was not done.
    NotDone,
    /// It seems to fail, and was done.
    Done,
    /// It seems to fail, and is done later: the effect is handed to the caller.
    Late,
}

impl<R: Rules> Flight<R> {
    pub fn begin(world: &mut World<R>, instance: usize, arrivals: Vec<Arrival>) -> Self {
        let moment = world.moment(instance);
        let begun = world.instances[instance].begin(super::ROOM, arrivals, moment);
        Self::of(instance, begun)
    }

    /// What a host begins again, on another instance of the wasm.
    pub fn begin_again(
        world: &mut World<R>,
        instance: usize,
        arrivals: Vec<Arrival>,
        before: Before<'_>,
    ) -> Self {
        let moment = world.moment(instance);
        let begun = world.instances[instance].begin_again(super::ROOM, arrivals, before, moment);
        Self::of(instance, begun)
    }

    fn of(instance: usize, (invocation, effect): (Invocation<R>, Effect)) -> Self {
        let mut flight = Self {
            instance,
            invocation,
            stage: Stage::Landed(Vec::new()),
            noted: None,
        };
        flight.took(effect);
        flight
    }

    /// What was noted by the effect that was performed last.
    pub fn noted(&self) -> Option<ByteBuf> {
        self.noted.clone()
    }

    fn took(&mut self, effect: Effect) {
        self.stage = match effect {
            Effect::Reply(outcomes) => Stage::Landed(outcomes),
            effect => Stage::Asks(effect),
        };
    }

    /// The effect that waits to be performed.
    pub fn asks(&self) -> Option<&Effect> {
        match &self.stage {
            Stage::Asks(effect) => Some(effect),
            _ => None,
        }
    }

    pub fn asks_append(&self) -> bool {
        matches!(self.asks(), Some(Effect::Append(..)))
    }

    pub fn asks_push(&self) -> bool {
        matches!(self.asks(), Some(Effect::Push(..)))
    }

    pub fn asks_note(&self) -> bool {
        matches!(self.asks(), Some(Effect::Note(..)))
    }

    pub fn asks_read(&self) -> bool {
        matches!(self.asks(), Some(Effect::Read(_)))
    }

    pub fn outcomes(&self) -> Option<&[Outcome]> {
        match &self.stage {
            Stage::Landed(outcomes) => Some(outcomes),
            _ => None,
        }
    }

    /// Half a step: performs the effect, or feeds its result back.
    pub fn step(&mut self, world: &mut World<R>) {
        let late = self.step_with(world, Fault::None);
        assert_eq!(late, None);
    }

    /// Half a step. A fault hits what is performed; an effect that will be done late is returned.
    pub fn step_with(&mut self, world: &mut World<R>, fault: Fault) -> Option<Effect> {
        let stage = std::mem::replace(&mut self.stage, Stage::Landed(Vec::new()));
        match stage {
            Stage::Asks(effect) => {
                let fed = match fault {
                    Fault::None => world.perform_for(self.instance, &effect),
                    Fault::Done => world
                        .perform_for(self.instance, &effect)
                        .map(|_| Fed::Failed),
                    Fault::NotDone | Fault::Late => Some(Fed::Failed),
                };
                self.noted = match &effect {
                    Effect::Note(note, _) => note.now.clone(),
                    _ => None,
                };
                self.stage = Stage::Holds(fed.expect("a reply is not performed"));
                return (fault == Fault::Late).then_some(effect);
            }
            Stage::Holds(fed) => self.feed(world, fed),
            landed @ Stage::Landed(_) => self.stage = landed,
        }
        None
    }

    /// Feeds back anything, as a store might that tests make up.
    pub fn feed(&mut self, world: &mut World<R>, fed: Fed) {
        let moment = world.moment(self.instance);
        let effect = self
            .invocation
            .resume(&mut world.instances[self.instance], fed, moment);
        self.took(effect);
    }

    /// A whole step: performs the effect and feeds its result back.
    pub fn round(&mut self, world: &mut World<R>) {
        self.step(world);
        self.step(world);
    }

    /// Flies on until it asks for what a test waits for.
    pub fn fly_until(&mut self, world: &mut World<R>, asks: impl Fn(&Self) -> bool) {
        while !asks(self) {
            assert!(self.outcomes().is_none(), "it landed without asking");
            self.step(world);
        }
    }

    /// Flies to the end.
    pub fn finish(&mut self, world: &mut World<R>) -> Vec<Outcome> {
        for _ in 0..200 {
            if let Stage::Landed(outcomes) = &self.stage {
                return outcomes.clone();
            }
            self.step(world);
        }
        panic!("an invocation does not end");
    }
}
