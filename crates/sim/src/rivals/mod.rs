//! Other plans for "one game, many hosts" beside ours, each explored exhaustively by stateright.
//!
//! **A lock or a record of who leads does not keep two hosts from writing; the write itself must.**
//!
//! The hosts of one room share a store. Each stops between any two of its calls for as long as the checker likes,
//! and a leader that rests may be silent for longer than the timeout. That is all there is: no call fails, none is
//! lost. Independent of the model of the whole protocol (`model`), and of the implementation.

pub mod draw;
pub mod plan;
pub mod store;

use plan::{Host, Plan};
use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};
use store::{Answer, Call, Holder, Leader, Store, Write};

/// No version has two writes.
pub const NO_DOUBLE_WRITE: &str = "no version is written twice";
/// No host writes after another took over, unless it took over again.
pub const NO_DEPOSED_WRITE: &str = "no write of a deposed leader is taken";
/// Whatever the others have left undone, a host that is asked alone gets a write in.
pub const ALONE_SUFFICES: &str = "whichever host is asked alone takes over and writes";
/// The leader at the start is replaced.
pub const TAKEOVER: &str = "another host takes over and writes";
/// A condition did not hold, and the host follows the one that was faster.
pub const FOLLOWS: &str = "a host is refused and then follows";
/// The same, by a host that had led.
pub const STEPS_DOWN: &str = "a leader is refused and then follows";

/// Calls within which a host that is asked alone must have written. The longest way: it loads, finds another's lock, reads,
/// deletes, sets, loads, looks, renews, and writes.
const ALONE_CALLS: usize = 9;

/// How it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Whoever led is dead, its record stale. Nothing was written.
    DeadLeader,
    /// Host 0 leads and has written version 1.
    Leading,
}

/// A plan and the bounds in which it is explored.
#[derive(Clone, Debug)]
pub struct Rivals {
    /// How the hosts agree.
    pub plan: Plan,
    /// How it begins.
    pub start: Start,
    /// How many hosts.
    pub hosts: u8,
    /// The last host's clock is ahead of the others' by more than the timeout.
    pub ahead: bool,
    /// Writes, until which all is explored.
    pub writes: u8,
}

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// What all share.
    pub store: Store,
    /// By number.
    pub hosts: Vec<Host>,
    /// Ghost: a deposed leader's write was taken.
    pub deposed_wrote: bool,
    /// Ghost: who was refused last, and whether it led, until anybody writes.
    pub refused: Option<(u8, bool)>,
}

/// One step of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A host makes its next call.
    Call(u8),
    /// The leader was not heard of for the timeout: it pauses, or is dead.
    Silence,
}

impl State {
    /// Carries out `step`. Returns what was asked and answered, unless time passed.
    pub fn take(&mut self, plan: Plan, step: Step) -> Option<(Call, Answer)> {
        let Step::Call(by) = step else {
            if let Some(leader) = &mut self.store.leader {
                leader.fresh = false;
            }
            return None;
        };
        let host = usize::from(by);
        let call = self.hosts[host].next;
        let answer = self.store.perform(by, call);
        let refused = answer == Answer::Refused;
        let wrote = matches!(call, Call::Write(_) | Call::Append(_)) && !refused;
        self.deposed_wrote |= wrote && self.hosts[host].deposed;
        if refused {
            self.refused = Some((by, self.hosts[host].leads));
        } else if wrote {
            self.refused = None;
        }
        let takes_over = match call {
            Call::SetLeader => true,
            Call::SetLockIfAbsent | Call::Append(_) => !refused,
            _ => false,
        };
        if takes_over {
            self.hosts.iter_mut().for_each(|other| other.deposed = true);
        }
        let learns = matches!(call, Call::Read);
        self.hosts[host].deposed &= !takes_over && !learns;
        plan.hear(&mut self.hosts[host], by, answer);
        Some((call, answer))
    }

    fn doubly_written(&self) -> Option<u8> {
        let writes = &self.store.writes;
        let again = writes.iter().enumerate().find(|(place, write)| {
            let before = &writes[..*place];
            before.iter().any(|other| other.version == write.version)
        });
        again.map(|(_, write)| write.version)
    }

    /// Whether a host that nobody disturbs from now on gets a write in.
    fn alone_suffices(&self, plan: Plan, host: u8) -> bool {
        let mut alone = self.clone();
        alone.take(plan, Step::Silence);
        (0..ALONE_CALLS).any(|_| {
            alone.take(plan, Step::Call(host));
            alone.store.writes.len() > self.store.writes.len()
        })
    }

    fn follows(&self) -> Option<bool> {
        let (host, led) = self.refused?;
        let leader = self.store.leader?;
        let behind = &self.hosts[usize::from(host)];
        let looks = matches!(behind.next, Call::Read | Call::ReadLeader);
        let knows = looks && !behind.deposed && behind.version == self.store.version();
        (knows && leader.holder != Holder::Host(host)).then_some(led)
    }
}

impl Model for Rivals {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let leading = self.start == Start::Leading;
        let host = |number: u8| Host {
            next: self.plan.first(),
            leads: false,
            version: 0,
            unlooked: 0,
            ahead: self.ahead && number + 1 == self.hosts,
            deposed: false,
        };
        let mut hosts: Vec<Host> = (0..self.hosts).map(host).collect();
        if leading {
            hosts[0].leads = true;
            hosts[0].version = 1;
            hosts[0].next = self.plan.onward(&hosts[0]);
        }
        let leader = Leader {
            holder: if leading {
                Holder::Host(0)
            } else {
                Holder::Dead
            },
            fresh: leading,
        };
        let store = Store {
            leader: Some(leader),
            writes: leading
                .then_some(Write { version: 1, by: 0 })
                .into_iter()
                .collect(),
        };
        vec![State {
            store,
            hosts,
            deposed_wrote: false,
            refused: None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend((0..self.hosts).map(Step::Call));
        if state.store.leader.is_some_and(|leader| leader.fresh) {
            steps.push(Step::Silence);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        next.take(self.plan, step);
        Some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.store.writes.len() <= usize::from(self.writes)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_DOUBLE_WRITE, |_, state: &State| {
                state.doubly_written().is_none()
            }),
            Property::always(NO_DEPOSED_WRITE, |_, state: &State| !state.deposed_wrote),
            Property::always(ALONE_SUFFICES, |rivals: &Self, state: &State| {
                (0..rivals.hosts).all(|host| state.alone_suffices(rivals.plan, host))
            }),
            Property::sometimes(TAKEOVER, |rivals, state: &State| {
                let leading = rivals.start == Start::Leading;
                state
                    .store
                    .writes
                    .iter()
                    .any(|write| !leading || write.by != 0)
            }),
            Property::sometimes(FOLLOWS, |_, state: &State| state.follows().is_some()),
            Property::sometimes(STEPS_DOWN, |_, state: &State| state.follows() == Some(true)),
        ]
    }
}

/// What exploring all of it gave.
pub struct Explored {
    /// States, each counted once.
    pub states: usize,
    /// `always` properties that do not hold.
    pub broken: Vec<&'static str>,
    /// `sometimes` properties that were met.
    pub reached: Vec<&'static str>,
}

/// Explores everything within the bounds, broken or not.
pub fn explore(rivals: &Rivals) -> Explored {
    let checker = rivals
        .clone()
        .checker()
        .finish_when(HasDiscoveries::AnyOf([].into()))
        .spawn_bfs()
        .join();
    let named = |expectation: Expectation| {
        let properties = checker.model().properties().into_iter();
        properties
            .filter(|property| property.expectation == expectation)
            .map(|property| property.name)
            .filter(|name| checker.discovery(name).is_some())
            .collect()
    };
    Explored {
        states: checker.unique_state_count(),
        broken: named(Expectation::Always),
        reached: named(Expectation::Sometimes),
    }
}

/// The steps of a shortest trace to a state that breaks, or meets, the property.
pub fn shortest(rivals: &Rivals, property: &'static str) -> Option<Vec<Step>> {
    let mut best: Option<Vec<Step>> = None;
    loop {
        let mut checker = rivals
            .clone()
            .checker()
            .threads(1)
            .finish_when(HasDiscoveries::AnyOf([property].into()));
        // The search goes by blocks, so that what it meets first need not be the nearest.
        if let Some(best) = &best {
            // In states, the last of which is left out: one step less than the best.
            checker = checker.target_max_depth(best.len() + 1);
        }
        match checker.spawn_bfs().join().discovery(property) {
            Some(path) => best = Some(path.into_actions()),
            None => return best,
        }
    }
}
