//! An instance of a build: the rules before, the later ones, or both, as a rolling deploy has them side
//! by side. Decides nothing.

use baton::effect::{Arrival, Effect, Fed, Moment};
use baton::{Before, Era, Instance, Invocation, Rules, Settings, Writer};

use crate::later::{Both, Game, Later};

/// What runs at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::world) enum Build {
    /// The rules before.
    Old,
    /// Both, and rooms stay where they are.
    Ready,
    /// Both, and rooms are brought to the later ones.
    Eager,
    /// The later ones alone.
    New,
}

/// An instance in memory.
pub(in crate::world) enum Machine<R: Game> {
    Old(Instance<R>),
    Both(Instance<Both<R>>),
    New(Instance<Later<R>>),
}

/// An invocation of it on its way.
pub(in crate::world) enum Flying<R: Game> {
    Old(Invocation<R>),
    Both(Invocation<Both<R>>),
    New(Invocation<Later<R>>),
}

impl<R: Game> Machine<R> {
    pub(in crate::world) fn new(build: Build, writer: Writer, settings: Settings) -> Self {
        match build {
            Build::Old => Self::Old(Instance::new(writer, settings, ())),
            Build::Ready => Self::Both(Instance::new(writer, settings, Era::Old(()))),
            Build::Eager => {
                let instance = Instance::new(writer, settings, Era::New(()));
                Self::Both(instance.wanting(Later::<R>::VERSION))
            }
            Build::New => Self::New(Instance::new(writer, settings, ())),
        }
    }

    pub(in crate::world) fn begin(
        &mut self,
        room: &str,
        arrivals: Vec<Arrival>,
        before: Option<Before<'_>>,
        moment: Moment,
    ) -> (Flying<R>, Effect) {
        macro_rules! begin {
            ($instance:expr, $flying:path) => {{
                let (invocation, effect) = match before {
                    None => $instance.begin(room, arrivals, moment),
                    Some(before) => $instance.begin_again(room, arrivals, before, moment),
                };
                ($flying(invocation), effect)
            }};
        }
        match self {
            Self::Old(instance) => begin!(instance, Flying::Old),
            Self::Both(instance) => begin!(instance, Flying::Both),
            Self::New(instance) => begin!(instance, Flying::New),
        }
    }

    pub(in crate::world) fn resume(
        &mut self,
        flying: &mut Flying<R>,
        fed: Fed,
        moment: Moment,
    ) -> Effect {
        match (flying, self) {
            (Flying::Old(invocation), Self::Old(instance)) => {
                invocation.resume(instance, fed, moment)
            }
            (Flying::Both(invocation), Self::Both(instance)) => {
                invocation.resume(instance, fed, moment)
            }
            (Flying::New(invocation), Self::New(instance)) => {
                invocation.resume(instance, fed, moment)
            }
            _ => unreachable!("what an instance began ends with it"),
        }
    }

    pub(in crate::world) fn forget(&mut self) {
        match self {
            Self::Old(instance) => instance.forget(),
            Self::Both(instance) => instance.forget(),
            Self::New(instance) => instance.forget(),
        }
    }
}
