//! What is not known: appends and reads without an answer. Never ok, never rejected; afterwards
//! exactly once.

use baton::Code;
use baton::effect::{Effect, Fed, Outcome};

use crate::support::rules::{Herd, add};
use crate::support::{FRAME_MS, Fault, Flight, LEASE_MS, Raw, World, reply_of};

fn amounts(world: &mut World<Herd>) -> Vec<i64> {
    world.audit().room.state().amounts()
}

/// A warm leader about to append `add(1)` as ann's first action.
fn about_to_append() -> (World<Herd>, Raw, Flight<Herd>) {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(FRAME_MS + 1);
    let mut flight = Flight::begin(&mut world, 0, vec![ann.arrival(&[(1, add(1))])]);
    flight.fly_until(&mut world, Flight::asks_append);
    (world, ann, flight)
}

fn code_of(outcome: &Outcome) -> Option<Code> {
    reply_of(outcome).err().map(|refused| refused.0)
}

#[test]
fn an_append_without_an_answer_is_looked_for_in_the_log_and_found() {
    let (mut world, ann, mut flight) = about_to_append();
    flight.step_with(&mut world, Fault::Done);
    let head = world.head();
    let outcomes = flight.finish(&mut world);
    let reply = reply_of(&outcomes[0]).expect("it is in the log");
    assert_eq!(
        (reply.head, reply.device.expect("registered").mark),
        (head, 1)
    );
    ann.say(&mut world, 1, &[(1, add(1))]).expect("known");
    world.settle();
    assert_eq!(amounts(&mut world), [1]);
}

/// Neither done nor done yet: nobody can tell, so nobody says.
#[test]
fn an_append_that_is_not_found_is_neither_ok_nor_rejected() {
    for fault in [Fault::NotDone, Fault::Late] {
        let (mut world, ann, mut flight) = about_to_append();
        let late = flight.step_with(&mut world, fault);
        let outcomes = flight.finish(&mut world);
        assert_eq!(code_of(&outcomes[0]), Some(Code::Retry), "{fault:?}");
        assert_eq!(amounts(&mut world), [0_i64; 0]);
        // It may come as late as it likes, before or after the same is sent again.
        if let Some(effect) = &late {
            world.perform(effect);
            assert_eq!(amounts(&mut world), [1], "done after the error was seen");
        }
        for instance in [0, 1] {
            world.pass(LEASE_MS + 1);
            let said = ann.say(&mut world, instance, &[(1, add(1))]);
            assert_eq!(
                said.expect("known or taken").device.expect("device").mark,
                1
            );
        }
        assert_eq!(amounts(&mut world), [1], "{fault:?}");
    }
}

/// A follower pushes before it knows that its cache is of a lost log. What it reads then speaks against the action, but the
/// action lies in the inbox, and that log may be lost as well.
#[test]
fn what_was_pushed_is_not_refused_for_certain() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    ann.say(&mut world, 1, &[]).expect("now both are warm");
    world.log().roll_back(0);
    world.replace(0);
    Raw::joined(&mut world, 0, "bob");
    let mut flight = Flight::begin(&mut world, 1, vec![ann.arrival(&[(1, add(1))])]);
    assert!(flight.asks_push(), "it trusts what it remembers");
    let outcomes = flight.finish(&mut world);
    assert_eq!(world.log().waiting(), 1);
    assert_eq!(code_of(&outcomes[0]), Some(Code::Retry));
    let again = ann.say(&mut world, 1, &[(1, add(1))]);
    assert_eq!(again.expect_err("read first").0, Code::Unregistered);
}

#[test]
fn an_append_that_is_done_after_another_led_is_refused() {
    let (mut world, ann, mut flight) = about_to_append();
    let late = flight.step_with(&mut world, Fault::Late).expect("late");
    flight.finish(&mut world);
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 1, &[(1, add(1))]).expect("taken");
    assert!(matches!(
        world.perform(&late),
        Some(Fed::Appended(false, _))
    ));
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1)), (2, add(2))])
        .expect("taken");
    assert_eq!(amounts(&mut world), [1, 2]);
    assert_eq!(world.audit().resets, 0);
}

#[test]
fn a_store_that_fails_twice_is_a_retry_whoever_asks() {
    let (mut world, ann, mut flight) = about_to_append();
    flight.step_with(&mut world, Fault::Done);
    flight.step(&mut world);
    assert!(flight.asks_read(), "it looks for its frame");
    flight.step_with(&mut world, Fault::NotDone);
    let outcomes = flight.finish(&mut world);
    assert_eq!(code_of(&outcomes[0]), Some(Code::Retry));
    ann.say(&mut world, 0, &[(1, add(1))]).expect("known");
    assert_eq!(amounts(&mut world), [1]);
}

#[test]
fn in_a_batch_without_an_answer_only_those_who_wrote_are_told_to_retry() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(FRAME_MS + 1);
    let batch = vec![ann.arrival(&[(1, add(1))]), bob.arrival(&[])];
    let mut flight = Flight::begin(&mut world, 0, batch);
    flight.fly_until(&mut world, Flight::asks_append);
    flight.step_with(&mut world, Fault::NotDone);
    let outcomes = flight.finish(&mut world);
    assert_eq!(code_of(&outcomes[0]), Some(Code::Retry));
    let reply = reply_of(&outcomes[1]).expect("bob only asked");
    assert_eq!(reply.head, world.head());
}

/// A frame that was read as another's is not final: the store may lose it, and the late append
/// lands after all. Marks decide.
#[test]
fn a_rival_that_the_store_loses_lets_a_late_append_in_and_nothing_is_applied_twice() {
    let (mut world, ann, mut flight) = about_to_append();
    let late = flight.step_with(&mut world, Fault::Late).expect("late");
    let before = world.head().v;
    world.pass(LEASE_MS + 1);
    let bob = Raw::joined(&mut world, 1, "bob");
    flight.finish(&mut world);
    world.log().roll_back(before);
    assert!(matches!(world.perform(&late), Some(Fed::Appended(true, _))));
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("known");
    world.settle();
    assert_eq!(amounts(&mut world), [1]);
    drop(bob);
}

#[test]
fn a_read_that_fails_is_a_retry_and_the_next_one_works() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let mut flight = Flight::begin(&mut world, 0, vec![ann.arrival(&[(1, add(1))])]);
    assert!(matches!(flight.asks(), Some(Effect::Read(_))));
    flight.step_with(&mut world, Fault::NotDone);
    assert_eq!(code_of(&flight.finish(&mut world)[0]), Some(Code::Retry));
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    assert_eq!(amounts(&mut world), [1]);
    assert_eq!(world.audit().resets, 0);
}
