//! Rolling deploys: instances of several builds at once, over stores that fail.

use baton::effect::Effect;
use baton::{Era, Head, Room, Status};

use super::{
    EAGER, OLD, READY, act_one, act_two, applied, drain, exchange, history, join, old_room,
    switches,
};
use crate::support::fleet::{Build, Fleet};
use crate::support::flock::{All, Both, OneAction, Two};
use crate::support::rollout::Rollout;
use crate::support::{Client, Fault, LEASE_MS, START_MS, reply_of, watcher};

#[test]
fn two_instances_that_switch_at_once_have_one_winner() {
    let (mut fleet, _) = old_room(&[OLD, EAGER, EAGER]);
    fleet.pass(LEASE_MS + 1);
    let mut trips = [1, 2].map(|machine| fleet.begin(machine, &[watcher(Head::default())]));
    for trip in &mut trips {
        while !matches!(trip.effect, Effect::Append(..)) {
            fleet.step(trip, Fault::None);
        }
    }
    for trip in trips {
        let outcome = fleet.finish(trip).remove(0);
        assert_eq!(reply_of(&outcome).expect("answered").rules, 2);
    }
    assert_eq!(switches(&fleet.frames()).len(), 1);
    history(&mut fleet);
}

#[test]
fn who_comes_and_goes_is_told_to_the_rules_that_the_room_is_on() {
    let comes_and_goes = |fleet: &mut Fleet, user: &str| {
        let mut client = Client::<Both>::new(user);
        join(fleet, 0, &mut client);
        fleet.pass(LEASE_MS + 1);
        let leaving = client.replica.leave(fleet.now_ms - START_MS);
        fleet.ask(0, client.arrive(leaving));
    };
    let (mut fleet, _) = old_room(&[READY]);
    comes_and_goes(&mut fleet, "bob");
    let Era::Old(state) = history(&mut fleet).room.state().clone() else {
        panic!("by the first rules");
    };
    assert_eq!(state.doors, (2, 1), "Ann stays");
    fleet.deploy(0, Build::Both, 2);
    fleet.pass(LEASE_MS + 1);
    comes_and_goes(&mut fleet, "cam");
    let Era::New(state) = history(&mut fleet).room.state().clone() else {
        panic!("by the second rules");
    };
    assert_eq!(state.doors, [(2, 1), (1, 1)]);
}

#[test]
fn whatever_becomes_of_the_switch_frame_the_room_switches_once() {
    for fault in [Fault::None, Fault::NotDone, Fault::Done, Fault::Late] {
        for killed in [false, true] {
            let (mut fleet, mut ann) = old_room(&[OLD, EAGER, EAGER]);
            act_one(&fleet, &mut ann, &OneAction::Add(7));
            fleet.pass(LEASE_MS + 1);
            let mut trip = fleet.begin(1, &[ann.arrival(fleet.now_ms)]);
            while !matches!(trip.effect, Effect::Append(..)) {
                fleet.step(&mut trip, Fault::None);
            }
            let late = fleet.step(&mut trip, fault);
            match killed {
                true => fleet.deploy(1, Build::Both, 2),
                false => drop(fleet.finish(trip)),
            }
            let mut bob = Client::<Two>::new("bob");
            join(&mut fleet, 2, &mut bob);
            if let Some(late) = late {
                fleet.perform(&late);
            }
            ann.replica.refused(None, None, fleet.now_ms - START_MS);
            drain(&mut fleet, 2, &mut ann);
            let case = format!("{fault:?}, killed: {killed}");
            assert_eq!(switches(&fleet.frames()).len(), 1, "{case}");
            assert_eq!(
                applied(&mut fleet),
                [(0, 5, false), (0, 7, false)],
                "{case}"
            );
        }
    }
}

#[test]
fn the_version_never_goes_back_whatever_other_instances_want() {
    let (mut fleet, _) = old_room(&[OLD, EAGER, READY]);
    for round in 0..30 {
        fleet.pass(LEASE_MS + 1);
        let mut bob = Client::<Two>::new("bob");
        exchange(&mut fleet, 2 - round % 2, &mut bob);
    }
    assert_eq!(switches(&fleet.frames()).len(), 1);
    let writer = fleet.machines[2].writer;
    let frames = fleet.frames();
    let mut led = frames.iter().filter(|frame| frame.rules == 1);
    let led = led.any(|frame| frame.writer == writer);
    assert!(led, "who does not want it leads it all the same");
    history(&mut fleet);
}

#[test]
fn a_store_that_loses_the_switch_switches_again_and_keeps_what_was_sent() {
    let (mut fleet, _) = old_room(&[OLD, EAGER]);
    let before = fleet.log().head().v;
    fleet.pass(LEASE_MS + 1);
    let mut bob = Client::<Two>::new("bob");
    join(&mut fleet, 1, &mut bob);
    act_two(&fleet, &mut bob, 9);
    drain(&mut fleet, 1, &mut bob);
    act_two(&fleet, &mut bob, 10);
    fleet.log().roll_back(before);
    // Whoever has only the old rules leads again, and bob waits with what is not of them.
    for _ in 0..2 {
        fleet.pass(LEASE_MS + 1);
        exchange(&mut fleet, 0, &mut bob);
    }
    let since_ms = fleet.now_ms - START_MS;
    assert_eq!(bob.replica.status(since_ms), Status::Waiting);
    assert_eq!(switches(&fleet.frames()), [0; 0]);
    for _ in 0..5 {
        fleet.pass(LEASE_MS + 1);
        exchange(&mut fleet, 1, &mut bob);
    }
    drain(&mut fleet, 1, &mut bob);
    assert_eq!(bob.resets(), 1, "told before anything new is shown");
    assert_eq!(switches(&fleet.frames()).len(), 1);
    assert_eq!(
        applied(&mut fleet),
        [(0, 5, false), (1, 9, true), (1, 10, true)]
    );
}

#[test]
fn a_rolling_deploy_of_everything_at_once_forks_nothing_and_loses_nothing() {
    for seed in 0..60 {
        let mut rollout = Rollout::new(seed, false);
        rollout.run(900);
        rollout.drain();
        rollout.check();
        assert_eq!(switches(&rollout.fleet.frames()).len(), 1);
    }
}

#[test]
fn a_rolling_deploy_on_a_store_that_loses_writes_keeps_every_action() {
    let mut losses = 0;
    for seed in 0..60 {
        let mut rollout = Rollout::new(seed, true);
        rollout.run(900);
        rollout.drain();
        // A room of which nothing is left may begin anew on the later rules (seed 53 does).
        let switched = usize::from(rollout.check() == 1);
        assert_eq!(switches(&rollout.fleet.frames()).len(), switched);
        losses += rollout.losses;
    }
    assert!(losses > 60, "it did lose writes: {losses}");
}

#[test]
fn three_versions_follow_each_other_and_another_pace_keeps_the_tick_that_was_reached() {
    let (mut fleet, _) = old_room(&[OLD, (Build::All, 3)]);
    let before = history(&mut fleet).room;
    let mut bob = Client::<All>::new("bob");
    join(&mut fleet, 1, &mut bob);
    for _ in 0..20 {
        fleet.pass(1_000);
        exchange(&mut fleet, 1, &mut bob);
    }
    let frames = fleet.frames();
    let at = before.head().v + 1;
    assert_eq!(switches(&frames), [at, at + 1], "one after the other");
    let after = audit_of_paces(&mut fleet);
    assert_eq!((after.edition().version, after.version_at(at)), (3, 2));
    // Everybody is here all the time, so no time was cut.
    let second = &frames[at as usize];
    let (lived_ms, ticks) = (after.time_ms() - second.time_ms, after.tick() - second.tick);
    assert!(
        lived_ms > 15_000 && ticks.abs_diff(lived_ms / 50) <= 1,
        "{ticks} in {lived_ms} ms"
    );
    assert_eq!(bob.replica.head(), after.head());
}

fn audit_of_paces(fleet: &mut Fleet) -> Room<All> {
    let log: Vec<Vec<u8>> = fleet.log().frames().map(<[u8]>::to_vec).collect();
    let mut room = Room::<All>::genesis(&log[0]).expect("replays");
    for bytes in &log[1..] {
        room.replay(bytes).expect("replays");
    }
    room
}
