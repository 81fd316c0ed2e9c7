//! What is lost: stores that lose their last acknowledged writes.

use std::ops::RangeInclusive;

use baton::effect::Effect;
use baton::frame::Entry;
use baton::limits::SEGMENT;
use baton::wire::News;
use baton::{Code, Head, Log, Note, Room};

use crate::support::rules::{Herd, HerdAction, add};
use crate::support::{
    Client, FRAME_MS, Flight, IDLE_MS, LEASE_MS, Raw, World, head_at, refusal, reply_of, watcher,
};

fn amounts(world: &mut World<Herd>) -> Vec<i64> {
    world.audit().room.state().amounts()
}

/// A played room, its clients, and a store that then loses its last `lost` frames.
fn rolled_back(lost: u64, acts: i64) -> (World<Herd>, Client<Herd>, Client<Herd>) {
    let mut world = World::<Herd>::new(2);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(1, &mut bob);
    for amount in 1..=acts {
        let since_ms = world.since_ms();
        let acted = ann.replica.act(&HerdAction::Add(amount), since_ms);
        acted.expect("the rules allow it");
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
        world.exchange(0, &mut bob);
    }
    let head = world.head().v;
    world.log().roll_back(head - lost);
    (world, ann, bob)
}

#[test]
fn p07_a_loss_is_told_before_new_state_and_acknowledged_actions_come_again() {
    let (mut world, mut ann, mut bob) = rolled_back(4, 10);
    let lineage = ann.replica.synced().expect("synced").lineage();
    assert_eq!((ann.replica.pending(), ann.answers().len()), (0, 10));
    assert_eq!(amounts(&mut world), [1, 2, 3, 4, 5, 6]);
    for client in [&mut ann, &mut bob] {
        world.pass(LEASE_MS + 1);
        let notes = client.notes.len();
        let arrival = client.arrival(world.now_ms);
        let outcome = world.ask(0, vec![arrival]).remove(0);
        let reply = reply_of(&outcome).expect("answered");
        assert!(matches!(reply.news, News::Reset(_)), "told with the state");
        client.take(&outcome, world.now_ms);
        assert_eq!(client.notes[notes], Note::Reset, "before anything else");
    }
    assert_eq!(
        ann.replica.pending(),
        4,
        "the mark fell: they are pending again"
    );
    for _ in 0..6 {
        world.pass(LEASE_MS + 1);
        world.exchange(1, &mut ann);
        world.exchange(1, &mut bob);
    }
    assert_eq!(
        (ann.replica.pending(), ann.resets(), bob.resets()),
        (0, 1, 1)
    );
    assert_eq!(amounts(&mut world), (1..=10).collect::<Vec<_>>());
    let audit = world.audit();
    assert_eq!(audit.resets, 1, "whoever met the break said so, once");
    assert_ne!(audit.room.lineage(), lineage, "a new lineage");
    let seen = bob.replica.synced().expect("synced");
    assert_eq!(seen.lineage(), audit.room.lineage());
    assert_eq!(bob.replica.head(), world.head());
}

#[test]
fn p07_a_loss_that_no_instance_met_is_told_to_a_client_that_gets_the_state() {
    let mut world = World::<Herd>::with(1, |settings| settings.recent = 2, ());
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    for _ in 0..6 {
        let acted = ann.replica.act(&HerdAction::Add(1), world.since_ms());
        acted.expect("the rules allow it");
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
    }
    let cursor = world.head().v;
    world.log().roll_back(cursor - 4);
    world.replace(0);
    let bob = Raw::joined(&mut world, 0, "bob");
    for seq in 1..=12 {
        world.pass(LEASE_MS + 1);
        bob.say(&mut world, 0, &[(seq, add(1))]).expect("taken in");
    }
    assert!(world.head().v > cursor + 2, "more is missing than is kept");
    let arrival = ann.arrival(world.now_ms);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    let reply = reply_of(&outcome).expect("answered");
    assert!(
        matches!(reply.news, News::Reset(_)),
        "the store knows that the cursor is not in its history"
    );
    ann.take(&outcome, world.now_ms);
    assert_eq!(ann.resets(), 1);
    assert!(ann.replica.pending() > 0, "what was lost is sent again");
}

/// Found by the simulator: with one frame at hand, a watcher got another history as a snapshot.
#[test]
fn p07_a_loss_that_no_instance_met_is_told_to_a_watcher_that_lacks_more_than_is_at_hand() {
    let mut world = World::<Herd>::with(1, |settings| settings.recent = 1, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    for seq in 1..=6 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken in");
    }
    let cursor = world.head();
    world.log().roll_back(cursor.v - 1);
    world.replace(0);
    for seq in 6..=9 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(2))]).expect("taken in");
    }
    let kept = world.frames()[2].previous;
    let told = world.watch_from(0, cursor);
    assert!(matches!(told.news, News::Reset(_)), "its frame is gone");
    let before = Head { v: 2, hash: kept };
    let told = world.watch_from(0, before);
    assert!(matches!(told.news, News::Snapshot(_)), "its frame is there");
}

/// Two histories of a room that part after a version: it, and both logs. A single frame is at hand.
fn parted() -> (World<Herd>, u64, Log, Log) {
    let mut world = World::<Herd>::with(1, |settings| settings.recent = 1, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    let say = |world: &mut World<Herd>, numbers: RangeInclusive<u64>, amount| {
        for seq in numbers {
            world.pass(LEASE_MS + 1);
            let said = ann.say(world, 0, &[(seq, add(amount))]);
            said.expect("taken in");
        }
    };
    say(&mut world, 1..=6, 1);
    let one = world.log().clone();
    let kept = world.head().v - 3;
    world.log().roll_back(kept);
    world.replace(0);
    say(&mut world, 4..=9, 2);
    let other = world.log().clone();
    (world, kept, one, other)
}

/// What a watcher is told by an instance that first reads one log, and another when it looks the cursor up.
fn told_between(
    world: &mut World<Herd>,
    cursor: Head,
    first: &Log,
    then: &Log,
) -> Result<News, (Option<Code>, Option<u64>)> {
    *world.log() = first.clone();
    world.replace(0);
    let mut flight = Flight::begin(world, 0, vec![watcher(cursor)]);
    flight.fly_until(
        world,
        |flight| matches!(flight.asks(), Some(Effect::Read(read)) if read.known == cursor),
    );
    *world.log() = then.clone();
    let outcome = flight.finish(world).remove(0);
    match outcome.status {
        200 => Ok(reply_of(&outcome).expect("a reply").news),
        _ => Err(refusal(&outcome)),
    }
}

/// Found by the simulator, in a split brain: what the first read brought is of a history that the second
/// does not find, whether or not that has the cursor.
#[test]
fn a_loss_that_comes_while_a_cursor_is_looked_up_is_answered_with_retry() {
    let (mut world, kept, one, other) = parted();
    for cursor in [head_at(&one, kept + 1), head_at(&other, kept + 1)] {
        let told = told_between(&mut world, cursor, &other, &one);
        assert_eq!(told, Err((Some(Code::Retry), None)), "{cursor:?}");
    }
}

#[test]
fn frames_that_come_while_a_cursor_is_looked_up_are_no_loss() {
    let (mut world, kept, one, other) = parted();
    let mut shorter = other.clone();
    shorter.roll_back(kept + 4);
    let there = told_between(&mut world, head_at(&other, kept + 1), &shorter, &other);
    assert!(matches!(there, Ok(News::Snapshot(_))), "{there:?}");
    let gone = told_between(&mut world, head_at(&one, kept + 1), &shorter, &other);
    assert!(matches!(gone, Ok(News::Reset(_))), "{gone:?}");
}

#[test]
fn the_reset_entry_names_the_lost_lineage_and_its_frame_the_new_one() {
    let (mut world, mut ann, _) = rolled_back(2, 5);
    let lost = ann.replica.synced().expect("synced").lineage();
    world.pass(IDLE_MS);
    world.exchange(0, &mut ann);
    let frames = world.frames();
    let found = frames.iter().find_map(|frame| {
        let entry = frame.entries.first()?;
        matches!(entry, Entry::Reset { .. }).then_some((entry.clone(), frame.nonce))
    });
    let (entry, nonce) = found.expect("a reset was framed");
    assert_eq!(entry, Entry::Reset { lost });
    assert_eq!(world.audit().room.lineage().0, nonce.0);
}

#[test]
fn a_loss_that_no_instance_met_is_told_to_the_clients_all_the_same() {
    let (mut world, mut ann, mut bob) = rolled_back(3, 8);
    world.replace(0);
    world.replace(1);
    for _ in 0..6 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
        world.exchange(1, &mut bob);
    }
    assert_eq!((ann.resets(), bob.resets()), (1, 1));
    assert_eq!(amounts(&mut world), (1..=8).collect::<Vec<_>>());
    assert_eq!(ann.replica.pending(), 0);
}

#[test]
fn a_client_whose_lost_version_was_taken_by_another_frame_is_told_all_the_same() {
    let (mut world, mut ann, mut bob) = rolled_back(3, 8);
    let seen = bob.replica.head();
    while world.head().v <= seen.v + 5 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
        let since_ms = world.since_ms();
        // Refused while she starts over.
        let _ = ann.replica.act(&HerdAction::Add(100), since_ms);
    }
    world.pass(LEASE_MS + 1);
    world.exchange(1, &mut bob);
    assert_eq!(bob.notes.last(), Some(&Note::Reset));
    assert_eq!((bob.resets(), bob.replica.head()), (1, world.head()));
}

/// A warm leader is one version ahead, another frame has taken the place of the one it stands on.
#[test]
fn an_append_onto_a_lost_frame_is_refused_though_its_version_fits() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let lost = world.head();
    world.pass(FRAME_MS + 1);
    let mut flight = Flight::begin(&mut world, 0, vec![ann.arrival(&[(2, add(2))])]);
    flight.fly_until(&mut world, Flight::asks_append);
    world.log().roll_back(lost.v - 1);
    world.replace(1);
    bob.say(&mut world, 1, &[(1, add(10))]).expect("taken");
    assert_eq!(world.head().v, lost.v, "the version is taken again");
    let refusals = world.count.lost;
    let outcome = flight.finish(&mut world).remove(0);
    assert!(world.count.lost > refusals);
    // The mark fell: what came before is missing, and that is what the device is told.
    let told = crate::support::reply_of(&outcome).expect_err("a gap");
    assert_eq!(told, (Code::Gap, Some(1)));
    world.settle();
    assert_eq!(amounts(&mut world), [10]);
}

#[test]
fn a_client_that_had_not_seen_what_was_lost_just_goes_on() {
    let mut world = World::<Herd>::new(2);
    let mut bob = Client::new("bob");
    world.join(0, &mut bob);
    let ann = Raw::joined(&mut world, 0, "ann");
    let seen = world.head().v;
    world.exchange(0, &mut bob);
    for seq in 1..4 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    }
    world.log().roll_back(seen);
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    world.pass(LEASE_MS + 1);
    world.exchange(1, &mut bob);
    assert_eq!(bob.resets(), 0);
    assert_eq!(bob.replica.head(), world.head());
}

#[test]
fn a_store_that_lost_everything_begins_anew_with_the_same_players() {
    let (mut world, mut ann, mut bob) = rolled_back(12, 10);
    assert_eq!(world.head().v, 0);
    for _ in 0..12 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
        world.exchange(1, &mut bob);
    }
    assert_eq!((ann.resets(), bob.resets()), (1, 1));
    assert_eq!(amounts(&mut world), (1..=10).collect::<Vec<_>>());
    assert_eq!(world.audit().room.people().len(), 2);
}

/// F1 of the model: what the store lost is older than what the device keeps.
#[test]
fn a_device_that_let_go_of_what_was_lost_vouches_and_goes_on() {
    let mut world = World::<Herd>::new(2);
    let mut ann = Raw::joined(&mut world, 0, "ann");
    let before = world.head().v;
    for seq in 1..=3 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(seq as i64))])
            .expect("taken");
    }
    world.log().roll_back(before);
    world.pass(LEASE_MS + 1);
    // Without its word, 4 is a gap for ever.
    ann.hail.kept_from = 1;
    let refused = ann.say(&mut world, 1, &[(4, add(4))]).expect_err("a gap");
    assert_eq!(refused, (Code::Gap, Some(1)));
    ann.hail.kept_from = 4;
    let reply = ann.say(&mut world, 1, &[(4, add(4)), (5, add(5))]);
    assert_eq!(reply.expect("taken").device.expect("registered").mark, 5);
    let audit = world.audit();
    assert_eq!(
        (audit.vouches, audit.room.state().amounts()),
        (1, vec![4, 5])
    );
    // Late copies of what was lost stay out; the answer is `old`, not a guess.
    let late = ann.say(&mut world, 0, &[(2, add(2)), (3, add(3))]);
    assert_eq!(late.expect("answered").device.expect("registered").mark, 5);
    world.settle();
    assert_eq!(amounts(&mut world), [4, 5]);
}

/// Some of what was answered is still there: its verdicts do not move to other numbers.
#[test]
fn after_a_word_what_is_below_it_is_old_and_not_mistaken_for_something_else() {
    let mut world = World::<Herd>::new(1);
    let mut ann = Raw::joined(&mut world, 0, "ann");
    for seq in 1..=5 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(seq as i64))])
            .expect("taken");
    }
    let keep = world.head().v - 3;
    world.log().roll_back(keep);
    ann.hail.kept_from = 6;
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(6, add(6))]).expect("taken");
    for seq in 1..=5 {
        let late = ann.say(&mut world, 0, &[(seq, add(seq as i64))]);
        let told = late
            .expect("old, and no conflict")
            .device
            .expect("registered");
        assert_eq!((told.mark, told.verdicts), (6, vec![0]));
    }
    assert_eq!(amounts(&mut world), [1, 2, 6]);
}

#[test]
fn a_device_vouches_by_way_of_a_follower_too() {
    let mut world = World::<Herd>::new(2);
    let mut ann = Raw::joined(&mut world, 0, "ann");
    ann.hail.kept_from = 7;
    ann.say(&mut world, 1, &[(7, add(7)), (8, add(8))])
        .expect("taken in");
    ann.say(&mut world, 1, &[(9, add(9))])
        .expect("what waits counts");
    assert_eq!(world.log().waiting(), 2);
    world.settle();
    let audit = world.audit();
    assert_eq!(
        (audit.vouches, audit.room.state().amounts()),
        (1, vec![7, 8, 9])
    );
}

#[test]
fn who_meets_a_loss_while_it_pushes_reads_on_and_tells_it() {
    let mut world = World::<Herd>::new(2);
    let [ann, bob] = ["ann", "bob"].map(|user| Raw::joined(&mut world, 0, user));
    for seq in 1..=6 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    }
    world.watch(1);
    let cursor = world.head();
    let bob = Raw { cursor, ..bob };
    let mut flight = Flight::begin(&mut world, 1, vec![bob.arrival(&[(1, add(1))])]);
    flight.fly_until(&mut world, Flight::asks_push);
    world.log().roll_back(cursor.v - 2);
    flight.round(&mut world);
    assert!(flight.asks_read(), "from nothing");
    let outcomes = flight.finish(&mut world);
    let reply = reply_of(&outcomes[0]).expect("answered");
    assert!(matches!(reply.news, News::Reset(_)));
    world.settle();
    assert_eq!(amounts(&mut world).len(), 5, "four of ann's, one of bob's");
}

#[test]
fn without_a_loss_the_word_of_a_device_changes_nothing() {
    let mut world = World::<Herd>::new(1);
    let mut ann = Raw::joined(&mut world, 0, "ann");
    for seq in 1..=5 {
        ann.hail.kept_from = seq;
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(seq as i64))])
            .expect("taken");
    }
    assert_eq!(world.audit().vouches, 0);
    assert_eq!(amounts(&mut world), [1, 2, 3, 4, 5]);
}

#[test]
fn p07_a_client_long_after_its_grace_time_is_not_wedged() {
    let (mut world, mut ann, _) = rolled_back(0, 6);
    let keep = world.head().v - 5;
    // Time passes, answers come, and what was answered long ago is let go.
    world.pass(100_000);
    world.exchange(0, &mut ann);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    world.log().roll_back(keep);
    let mut acted = false;
    for _ in 0..10 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
        let since_ms = world.since_ms();
        acted = acted || ann.replica.act(&HerdAction::Add(70), since_ms).is_ok();
    }
    assert_eq!(ann.replica.pending(), 0, "answered, not a gap for ever");
    assert_eq!(amounts(&mut world).last(), Some(&70));
    assert!(
        !amounts(&mut world).contains(&6),
        "what was let go stays lost"
    );
}

/// The snapshot survives the loss of its frame; another frame takes that version.
#[test]
fn a_snapshot_of_a_lost_chain_is_never_used() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let mut seq = 0;
    while world.head().v < SEGMENT + 3 {
        seq += 1;
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    }
    let lost = world
        .found()
        .snapshot
        .expect("a snapshot at the segment's end");
    let lost = Room::<Herd>::restore(&lost).expect("a room");
    assert_eq!(lost.head().v, SEGMENT);
    world.log().roll_back(SEGMENT - 2);
    world.replace(0);
    world.replace(1);
    let bob = Raw::joined(&mut world, 1, "bob");
    assert_eq!(world.found().snapshot, None, "its frame is not there");
    // Up to the very version of the snapshot, and beyond, with everybody cold. As where a key is
    // created if absent, the new chain's snapshot finds its place taken.
    for seq in 1..6 {
        world.pass(LEASE_MS + 1);
        world.replace(1);
        let mut flight = Flight::begin(&mut world, 1, vec![bob.arrival(&[(seq, add(50))])]);
        flight.fly_until(&mut world, Flight::asks_append);
        let Some(Effect::Append(mut append, read)) = flight.asks().cloned() else {
            panic!("it asks for an append");
        };
        assert_eq!(append.snapshot.take().is_some(), append.v == SEGMENT);
        let fed = world.perform(&Effect::Append(append, read));
        flight.feed(&mut world, fed.expect("a result"));
        flight.finish(&mut world);
        assert_eq!(world.found().snapshot, None, "not of this chain");
    }
    assert!(world.head().v > SEGMENT);
    world.replace(0);
    assert_eq!(world.watch(0).head, world.head());
    assert_eq!(world.audit().room.state().of(1), 250);
}

/// A cache ahead of the store: every instance is warm, and the store is behind all of them.
#[test]
fn a_cache_ahead_of_the_store_does_not_wedge_the_room() {
    let (mut world, mut ann, mut bob) = rolled_back(5, 9);
    for round in 0..10 {
        world.pass(LEASE_MS / 2);
        let arrivals = [ann.arrival(world.now_ms), bob.arrival(world.now_ms)];
        let mut flights: Vec<_> = arrivals
            .into_iter()
            .enumerate()
            .map(|(at, arrival)| Flight::begin(&mut world, (at + round) % 2, vec![arrival]))
            .collect();
        while flights.iter().any(|flight| flight.outcomes().is_none()) {
            for flight in &mut flights {
                flight.step(&mut world);
            }
        }
        for (client, flight) in [&mut ann, &mut bob].into_iter().zip(&flights) {
            client.take(&flight.outcomes().expect("landed")[0], world.now_ms);
        }
    }
    world.settle();
    assert_eq!(amounts(&mut world), (1..=9).collect::<Vec<_>>());
    assert_eq!((ann.resets(), bob.resets()), (1, 1));
}
