//! A host's part when rules break: a panic is a trap, the instance is thrown away, and the batch
//! runs once more as one that leads nothing. Or the host dies, and nobody comes back to tell.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use baton::effect::{Arrival, Outcome};
use baton::{Before, Rules};
use serde_bytes::ByteBuf;

use super::{Fault, Flight, World};

thread_local! {
    static TRAPPING: Cell<bool> = const { Cell::new(false) };
}

/// A panic that is caught here is not worth a line, let alone a backtrace.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !TRAPPING.get() {
                usual(info);
            }
        }));
    });
}

/// Does something whose panics are caught.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    hush();
    TRAPPING.set(true);
    let done = work();
    TRAPPING.set(false);
    done
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    Answered(Vec<Outcome>),
    /// It traps whatever is done: a host answers `restarted`.
    Restarted,
    /// The host died.
    Dead,
}

/// How hosts fare, counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host {
    /// A trap is the end of the whole host.
    pub dies: bool,
    /// The store takes notes and fails appends.
    pub appends_fail: bool,
    pub traps: u32,
    pub deaths: u32,
}

impl Host {
    /// A whole batch, on a host that comes back from traps unless it [`Self::dies`].
    pub fn serve<R: Rules>(
        &mut self,
        world: &mut World<R>,
        instance: usize,
        arrivals: Vec<Arrival>,
    ) -> Landing {
        self.serve_until(world, instance, arrivals, usize::MAX)
    }

    /// The same; after so many half steps, each an effect performed or fed back, the host is killed.
    pub fn serve_until<R: Rules>(
        &mut self,
        world: &mut World<R>,
        instance: usize,
        arrivals: Vec<Arrival>,
        mut steps: usize,
    ) -> Landing {
        let mut flight = self.launch(world, instance, |world| {
            Flight::begin(world, instance, arrivals.clone())
        });
        let (mut again, mut noted) = (false, None);
        loop {
            let Some(mut flying) = flight else {
                if self.dies {
                    return Landing::Dead;
                }
                if again {
                    return Landing::Restarted;
                }
                again = true;
                let noted: Option<ByteBuf> = noted.take();
                let noted: &[u8] = noted.as_deref().map_or(&[], |noted| noted);
                flight = self.launch(world, instance, |world| {
                    let before = Before::Trapped { noted };
                    Flight::begin_again(world, instance, arrivals.clone(), before)
                });
                continue;
            };
            if let Some(outcomes) = flying.outcomes() {
                return Landing::Answered(outcomes.to_vec());
            }
            if steps == 0 {
                world.replace(instance);
                self.deaths += 1;
                return Landing::Dead;
            }
            steps -= 1;
            noted = flying.noted();
            let fails = self.appends_fail;
            flight = self.launch(world, instance, |world| {
                let fault = match fails && flying.asks_append() {
                    true => Fault::NotDone,
                    false => Fault::None,
                };
                flying.step_with(world, fault);
                flying
            });
        }
    }

    /// Runs a piece of an invocation. `None`: it trapped, and the instance is another one now.
    fn launch<R: Rules>(
        &mut self,
        world: &mut World<R>,
        instance: usize,
        run: impl FnOnce(&mut World<R>) -> Flight<R>,
    ) -> Option<Flight<R>> {
        let landed = quietly(|| catch_unwind(AssertUnwindSafe(|| run(world)))).ok();
        if landed.is_none() {
            world.replace(instance);
            self.traps += 1;
        }
        landed
    }
}
