//! A device's queue and its rebase against the simplest thing that they could be: the list of what was done. Whatever
//! is lost, repeated, forgotten or loaded again, what is shown is that list, and so is the log once all is answered.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::replica::{act, drain, joined};
use crate::support::rules::Herd;
use crate::support::{Client, LEASE_MS, World};

/// Instances that the device may ask.
const INSTANCES: usize = 2;
/// Actions without an answer, at most: fewer than a device may have.
const UNANSWERED: usize = 8;

#[derive(Clone, Debug)]
enum Step {
    Act(i64),
    /// Asks, and may lose the reply.
    Ask(usize, bool),
    /// The page is loaded again; only what was saved is left.
    Reload,
    Pass(u64),
    Forget(usize),
    /// The store loses so many frames, and all is asked for until it is answered.
    RollBack(u64),
    Settle,
}

/// What was done, and how much of it may be without an answer.
#[derive(Clone, Debug, Default)]
struct Done {
    amounts: Vec<i64>,
    unanswered: usize,
}

struct List;

impl ReferenceStateMachine for List {
    type State = Done;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Done> {
        Just(Done::default()).boxed()
    }

    fn transitions(_: &Done) -> BoxedStrategy<Step> {
        prop_oneof![
            6 => (1..1_000_i64).prop_map(Step::Act),
            6 => (0..INSTANCES, any::<bool>()).prop_map(|(instance, lost)| Step::Ask(instance, lost)),
            1 => Just(Step::Reload),
            4 => (1..2 * LEASE_MS).prop_map(Step::Pass),
            1 => (0..INSTANCES).prop_map(Step::Forget),
            1 => (1..4_u64).prop_map(Step::RollBack),
            2 => Just(Step::Settle),
        ]
        .boxed()
    }

    fn preconditions(done: &Done, step: &Step) -> bool {
        !matches!(step, Step::Act(_)) || done.unanswered < UNANSWERED
    }

    fn apply(mut done: Done, step: &Step) -> Done {
        match step {
            Step::Act(amount) => {
                done.amounts.push(*amount);
                done.unanswered += 1;
            }
            Step::Settle | Step::RollBack(_) => done.unanswered = 0,
            Step::Ask(..) | Step::Reload | Step::Pass(_) | Step::Forget(_) => {}
        }
        done
    }
}

struct Device {
    world: World<Herd>,
    ann: Client<Herd>,
    /// The version at which it was registered: what comes after may be lost.
    registered: u64,
}

impl StateMachineTest for Device {
    type SystemUnderTest = Self;
    type Reference = List;

    fn init_test(_: &Done) -> Self {
        let (mut world, ann) = joined(INSTANCES);
        let registered = world.head().v;
        Self {
            world,
            ann,
            registered,
        }
    }

    fn apply(mut device: Self, done: &Done, step: Step) -> Self {
        let (world, ann) = (&mut device.world, &mut device.ann);
        match step {
            Step::Act(amount) => {
                act(world, ann, amount);
            }
            Step::Ask(instance, false) => {
                world.exchange(instance, ann);
            }
            Step::Ask(instance, true) => {
                let arrival = ann.arrival(world.now_ms);
                world.ask(instance, vec![arrival]);
            }
            Step::Reload => {
                ann.reload();
                world.join(0, ann);
            }
            Step::Pass(ms) => world.pass(ms),
            Step::Forget(instance) => world.instances[instance].forget(),
            Step::RollBack(frames) => {
                let v = world.head().v;
                world
                    .log()
                    .roll_back(v.saturating_sub(frames).max(device.registered));
                drain(world, ann);
            }
            Step::Settle => {
                drain(world, ann);
                assert_eq!(world.audit().room.state().amounts(), done.amounts);
            }
        }
        device
    }

    fn check_invariants(device: &Self, done: &Done) {
        let replica = &device.ann.replica;
        let shown = replica.predicted().expect("it has joined");
        assert_eq!(shown.state().amounts(), done.amounts, "what is shown");
        let synced = replica.synced().expect("it has joined").state().amounts();
        assert!(done.amounts.starts_with(&synced), "what is synced");
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b22_whatever_happens_what_is_shown_is_what_was_done(sequential 1..60 => Device);
}
