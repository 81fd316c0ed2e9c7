//! Numbers of actions: each taken once, in order, with the same verdict on every retry.

use baton::frame::Entry;
use baton::limits::{MAX_ACTION_BYTES, WINDOW};
use baton::wire::Presence;
use baton::{Code, Reject, SettingsInput};

use crate::support::rules::{Herd, MOST, TOO_MUCH, TOO_POOR, add, spend};
use crate::support::{Flight, LEASE_MS, Raw, World, reply_of};

fn amounts(world: &mut World<Herd>) -> Vec<i64> {
    world.audit().room.state().amounts()
}

#[test]
fn b07_each_action_of_a_batch_has_its_own_result() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let batch = [
        (1, add(5)),
        (2, add(MOST + 1)),
        (3, spend(6)),
        (4, spend(5)),
        (5, vec![0xee, 1, 2]),
    ];
    let reply = ann.say(&mut world, 0, &batch).expect("taken");
    let standing = reply.device.expect("registered");
    assert_eq!(standing.mark, 5);
    let malformed = Reject::MALFORMED.0;
    assert_eq!(standing.verdicts, [0, TOO_MUCH.0, TOO_POOR.0, 0, malformed]);
    assert_eq!(amounts(&mut world), [5, -5]);
}

#[test]
fn b08_the_same_packet_a_second_time_gets_the_same_answer_and_changes_nothing() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let batch = [(1, add(5)), (2, spend(9)), (3, add(1))];
    let first = ann.say(&mut world, 0, &batch).expect("taken");
    let head = world.head();
    for _ in 0..5 {
        world.pass(10);
        let again = ann.say(&mut world, 0, &batch).expect("answered");
        assert_eq!(again.device, first.device);
        assert_eq!(world.head(), head, "nothing was framed");
        assert_eq!(world.log().waiting(), 0, "nothing was pushed");
    }
    assert_eq!(amounts(&mut world), [5, 1]);
}

#[test]
fn b08_eight_copies_at_once_on_eight_instances_are_one() {
    let mut world = World::<Herd>::new(8);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let batch = [(1, add(5)), (2, add(6))];
    let mut flights: Vec<_> = (0..8)
        .map(|instance| Flight::begin(&mut world, instance, vec![ann.arrival(&batch)]))
        .collect();
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        for flight in &mut flights {
            flight.step(&mut world);
        }
    }
    world.settle();
    for flight in &flights {
        reply_of(&flight.outcomes().expect("landed")[0]).expect("all are answered");
    }
    assert_eq!(ann.standing(&mut world, 3), (2, vec![0, 0]));
    assert_eq!(amounts(&mut world), [5, 6]);
}

#[test]
fn b08_copies_in_one_batch_of_requests_are_one() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let copies = (0..8).map(|_| ann.arrival(&[(1, add(5))])).collect();
    for outcome in world.ask(0, copies) {
        let standing = reply_of(&outcome).expect("taken").device;
        assert_eq!(standing.expect("registered").mark, 1);
    }
    assert_eq!(amounts(&mut world), [5]);
}

#[test]
fn b08_a_copy_is_known_after_every_memory_was_dropped_and_a_snapshot_taken() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let batch = [(1, add(5)), (2, add(MOST + 1))];
    let first = ann.say(&mut world, 0, &batch).expect("taken");
    while world.head().v < 70 {
        world.pass(2_001);
        let _ = ann.say(&mut world, 0, &[]).expect("answered");
    }
    assert!(world.found().snapshot.is_some(), "there is a snapshot");
    world.replace(0);
    world.replace(1);
    let again = ann.say(&mut world, 1, &batch).expect("answered");
    assert_eq!(again.device, first.device);
    assert_eq!(amounts(&mut world), [5]);
}

#[test]
fn b09_a_gap_is_refused_with_the_number_that_should_come() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let (head, waiting) = (world.head(), world.log().waiting());
    for (instance, gap) in [(0, vec![(3, add(3))]), (1, vec![(4, add(3)), (5, add(3))])] {
        world.pass(LEASE_MS + 1);
        let refused = ann.say(&mut world, instance, &gap).expect_err("a gap");
        assert_eq!(refused, (Code::Gap, Some(2)));
        assert_eq!((world.head(), world.log().waiting()), (head, waiting));
    }
    let partly = [(1, add(1)), (2, add(2)), (3, add(3))];
    ann.say(&mut world, 0, &partly)
        .expect("what is known is skipped");
    assert_eq!(amounts(&mut world), [1, 2, 3]);
}

#[test]
fn b09_what_waits_in_the_inbox_counts_as_there() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    // Instance 0 holds the lease; instance 1 follows.
    ann.say(&mut world, 1, &[(1, add(1))]).expect("taken in");
    ann.say(&mut world, 1, &[(2, add(2))]).expect("taken in");
    assert_eq!(world.log().waiting(), 2);
    let refused = ann.say(&mut world, 1, &[(4, add(4))]).expect_err("a gap");
    assert_eq!(refused, (Code::Gap, Some(3)));
    let refused = ann
        .say(&mut world, 1, &[(2, add(7))])
        .expect_err("another body");
    assert_eq!(refused, (Code::Conflict, None));
    ann.say(&mut world, 1, &[(1, add(1)), (2, add(2))])
        .expect("known");
    assert_eq!(world.log().waiting(), 2, "nothing is pushed twice");
    world.settle();
    assert_eq!(amounts(&mut world), [1, 2]);
}

#[test]
fn b10_a_rejection_leaves_the_game_alone_and_later_actions_go_on() {
    // Several frames in a tick, so that nothing but the rejection can change the game.
    let quick = |settings: &mut SettingsInput| {
        (settings.frame_ms, settings.lease_ms) = (20, 20);
    };
    let mut world = World::<Herd>::with(1, quick, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(1_000 - world.since_ms() % 100);
    ann.say(&mut world, 0, &[(1, add(5))]).expect("taken");
    let before = world.audit();
    world.pass(30);
    ann.say(&mut world, 0, &[(2, add(MOST + 1))])
        .expect("answered");
    let after = world.audit();
    assert_eq!(after.room.head().v, before.room.head().v + 1);
    assert_eq!(after.room.tick(), before.room.tick());
    assert_eq!(after.room.state(), before.room.state());
    assert_eq!(after.rejected, [(0, 2, TOO_MUCH.0)]);
    world.pass(30);
    ann.say(&mut world, 0, &[(3, add(1))]).expect("taken");
    assert_eq!(amounts(&mut world), [5, 1]);
    let body = add(MOST + 1);
    for bytes in world.log().frames() {
        let mut windows = bytes.windows(body.len());
        assert!(
            !windows.any(|window| window == body),
            "a rejected body is not stored"
        );
    }
}

#[test]
fn b10_the_verdict_of_a_rejection_outlives_its_reason() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, spend(3))]).expect("answered");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(2, add(9))]).expect("taken");
    world.pass(LEASE_MS + 1);
    // By now it could be afforded.
    let again = ann.say(&mut world, 0, &[(1, spend(3))]).expect("answered");
    let verdicts = again.device.expect("registered").verdicts;
    assert_eq!(verdicts, [TOO_POOR.0, 0]);
    assert_eq!(amounts(&mut world), [9]);
}

#[test]
fn b13_the_room_counts_from_zero_by_one_for_each_accepted_action() {
    let mut world = World::<Herd>::new(3);
    let devices: Vec<_> = ["ann", "bob", "cyd"]
        .map(|user| Raw::joined(&mut world, 0, user))
        .into();
    let empty = world.audit();
    assert_eq!(empty.room.state().log.len(), 0);
    for round in 1..=30 {
        for (index, device) in devices.iter().enumerate() {
            world.pass(70);
            let amount = if round % 7 == 0 {
                MOST + 1
            } else {
                round as i64
            };
            let said = device.say(
                &mut world,
                (round as usize + index) % 3,
                &[(round, add(amount))],
            );
            said.expect("taken in");
        }
    }
    world.settle();
    let audit = world.audit();
    // Frame by frame: the log of the game grows by what the frame accepts, and by nothing else.
    let mut room: Option<baton::Room<Herd>> = None;
    let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let mut sequence = 0;
    for (bytes, frame) in frames.iter().zip(&audit.frames) {
        match &mut room {
            Some(room) => drop(room.replay(bytes).expect("replays")),
            None => room = Some(baton::Room::genesis(bytes).expect("replays")),
        }
        let accepted = frame
            .entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Act { .. }));
        sequence += accepted.count();
        assert_eq!(
            room.as_ref().map(|room| room.state().log.len()),
            Some(sequence)
        );
    }
    assert_eq!(sequence, 3 * (30 - 4));
    assert_eq!(audit.rejected.len(), 3 * 4);
}

#[test]
fn the_same_number_with_another_body_is_refused() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    world.pass(LEASE_MS + 1);
    let head = world.head();
    let refused = ann.say(&mut world, 1, &[(1, add(2)), (2, add(3))]);
    assert_eq!(refused.expect_err("a conflict"), (Code::Conflict, None));
    assert_eq!(world.head(), head);
    assert_eq!(amounts(&mut world), [1]);
}

#[test]
fn at_most_k_actions_may_be_unanswered_and_what_is_older_is_old() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let window = WINDOW as u64;
    let all: Vec<_> = (1..=window).map(|seq| (seq, add(seq as i64))).collect();
    ann.say(&mut world, 1, &all).expect("taken in");
    let waiting = world.log().waiting();
    let more = ann.say(&mut world, 1, &[(window + 1, add(1))]);
    let more = more.expect("answered: it waits with its device");
    assert_eq!(more.device.expect("registered").mark, 0);
    assert_eq!(world.log().waiting(), waiting);
    world.settle();
    assert_eq!(ann.standing(&mut world, 1).0, window);
    ann.say(&mut world, 1, &[(window + 1, add(1))])
        .expect("taken in");
    world.settle();
    let (mark, verdicts) = ann.standing(&mut world, 1);
    assert_eq!((mark, verdicts.len()), (window + 1, WINDOW));
    // The first has left the window: any body is answered, none is applied.
    let old = ann.say(&mut world, 1, &[(1, add(77))]).expect("answered");
    assert_eq!(old.device.expect("registered").mark, window + 1);
    assert!(!amounts(&mut world).contains(&77));
    let batch: Vec<_> = (1..=window + 1).map(|seq| (seq, add(1))).collect();
    assert_eq!(
        ann.say(&mut world, 1, &batch).expect_err("too many"),
        (Code::TooLarge, None)
    );
    let long = vec![0; MAX_ACTION_BYTES + 1];
    assert_eq!(
        ann.say(&mut world, 1, &[(1, long)]).expect_err("too long"),
        (Code::TooLarge, None)
    );
}

#[test]
fn b16_two_devices_of_a_user_spend_the_same_coin_once() {
    let mut world = World::<Herd>::new(2);
    let phone = Raw::joined(&mut world, 0, "ann");
    let mut laptop = Raw::on("ann", 2);
    world.pass(LEASE_MS + 1);
    laptop.join(&mut world, 1);
    world.pass(LEASE_MS + 1);
    phone.say(&mut world, 0, &[(1, add(10))]).expect("taken");
    world.pass(LEASE_MS + 1);
    phone
        .say(&mut world, 0, &[(2, spend(10))])
        .expect("taken in");
    laptop
        .say(&mut world, 1, &[(1, spend(10))])
        .expect("taken in");
    world.settle();
    assert_eq!(phone.standing(&mut world, 0), (2, vec![0, 0]));
    assert_eq!(laptop.standing(&mut world, 0), (1, vec![TOO_POOR.0]));
    let audit = world.audit();
    assert_eq!(audit.room.state().of(0), 0);
    assert_eq!(audit.room.people().len(), 1, "one player");
}

#[test]
fn a_device_without_its_number_must_join_first() {
    let mut world = World::<Herd>::new(1);
    let stranger = Raw::new("bob");
    let refused = stranger.say(&mut world, 0, &[(1, add(1))]);
    assert_eq!(
        refused.expect_err("not registered"),
        (Code::Unregistered, None)
    );
    assert_eq!(world.head().v, 0, "not even a room");
    let mut forger = Raw::joined(&mut world, 0, "ann");
    forger.hail.number = Some(9);
    forger.hail.presence = Presence::Unsaid;
    let refused = forger.say(&mut world, 0, &[(1, add(1))]);
    assert_eq!(
        refused.expect_err("a number nobody has"),
        (Code::Unregistered, None)
    );
    assert_eq!(amounts(&mut world), [0_i64; 0]);
}
