//! Packets of devices: batches, copies, gaps, forgeries, kills. Each action counts once, in order, or not at all.

use account::{Account, Action, Preference, reject};
use baton::frame::Entry;
use baton::wire;
use baton::{ActError, Code, Random, Reject};

use crate::samples::{KINDS, is_players, one_of_each};
use crate::scene::{account, act, by_hand, replayed, settle};
use crate::support::{Flight, LEASE_MS, Raw, reply_of};

fn volume(value: u8) -> Vec<u8> {
    wire::write(&Action::Prefer(Preference::Volume, value))
}

/// Two settings that are taken, between them one that is not.
fn batch() -> [(u64, Vec<u8>); 3] {
    let locked = wire::write(&Action::Look(200));
    [(1, volume(7)), (2, locked), (3, volume(9))]
}

#[test]
fn b05_what_is_the_servers_cannot_be_queued_and_is_refused_if_it_is_forged() {
    let (mut world, mut devices) = account(2, 1);
    let mallory = by_hand(&mut world, 9);
    let before = replayed(&mut world);
    let mut seq = 0;
    for action in one_of_each().iter().filter(|action| !is_players(action)) {
        let queued = act(&world, &mut devices[0], action);
        assert_eq!(queued, Err(ActError::Rejected(reject::SERVER_ONLY)));
        seq += 1;
        world.pass(LEASE_MS + 1);
        let forged = [(seq, wire::write(action))];
        let reply = mallory.say(&mut world, 1, &forged).expect("answered");
        let standing = reply.device.expect("registered");
        assert_eq!(
            standing.verdict(seq),
            Some(reject::SERVER_ONLY.0),
            "{action:?}"
        );
    }
    assert_eq!(devices[0].replica.pending(), 0);
    assert_eq!(wire::write(&replayed(&mut world)), wire::write(&before));
}

#[test]
fn b07_b10_each_action_of_a_batch_has_its_own_result_and_a_refusal_leaves_no_trace() {
    let (mut world, _) = account(1, 1);
    let raw = by_hand(&mut world, 9);
    let before = replayed(&mut world);
    let reply = raw.say(&mut world, 0, &batch()[..1]).expect("taken");
    assert_eq!(reply.device.expect("registered").verdicts, [0]);
    world.pass(LEASE_MS + 1);
    let between = replayed(&mut world);
    assert_ne!(wire::write(&between), wire::write(&before));
    raw.say(&mut world, 0, &batch()[..2]).expect("answered");
    assert_eq!(wire::write(&replayed(&mut world)), wire::write(&between));
    world.pass(LEASE_MS + 1);
    let reply = raw.say(&mut world, 0, &batch()).expect("answered");
    let standing = reply.device.expect("registered");
    assert_eq!(standing.verdicts, [0, reject::LOCKED.0, 0]);
    assert_eq!(replayed(&mut world).preferences[&Preference::Volume], 9);
}

#[test]
fn b08_the_same_packet_on_eight_hosts_at_once_and_after_compaction_counts_once() {
    let (mut world, mut devices) = account(8, 1);
    let raw = by_hand(&mut world, 9);
    let mut flights: Vec<_> = (0..8)
        .map(|host| Flight::begin(&mut world, host, vec![raw.arrival(&batch())]))
        .collect();
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        for flight in &mut flights {
            flight.step(&mut world);
        }
    }
    for flight in &flights {
        reply_of(&flight.outcomes().expect("landed")[0]).expect("all are answered");
    }
    world.pass(2 * LEASE_MS);
    let first = raw.standing(&mut world, 3);
    assert_eq!(first, (3, vec![0, reject::LOCKED.0, 0]));
    // So many frames later that nobody holds the old ones, and everybody starts from a snapshot.
    while world.head().v < 400 {
        act(&world, &mut devices[0], &Action::Look(1)).expect("a free look");
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut devices[0]);
    }
    assert!(world.found().snapshot.is_some(), "there is a snapshot");
    for host in 0..8 {
        world.replace(host);
        world.pass(LEASE_MS + 1);
        raw.say(&mut world, host, &batch()).expect("answered");
    }
    assert_eq!(raw.standing(&mut world, 5), first);
    let audit = world.audit();
    let number = raw.hail.number.expect("registered");
    assert_eq!(audit.bodies(number), [volume(7), volume(9)]);
}

#[test]
fn b09_a_gap_is_refused_with_the_number_that_should_come_and_nothing_is_skipped() {
    let (mut world, _) = account(2, 1);
    let raw = by_hand(&mut world, 9);
    raw.say(&mut world, 0, &batch()[..1]).expect("taken");
    let before = (world.head(), world.log().waiting());
    for host in 0..2 {
        world.pass(LEASE_MS + 1);
        let gap = raw.say(&mut world, host, &batch()[2..]).expect_err("a gap");
        assert_eq!(gap, (Code::Gap, Some(2)));
        assert_eq!((world.head(), world.log().waiting()), before);
    }
    raw.say(&mut world, 1, &batch()).expect("the whole of it");
    assert_eq!(raw.standing(&mut world, 1).0, 3);
}

#[test]
fn b13_the_account_counts_from_its_initial_state_by_one_for_each_accepted_action() {
    let (mut world, mut devices) = account(3, 3);
    let mut made = 0;
    for round in 0..12_u8 {
        for (index, device) in devices.iter_mut().enumerate() {
            let action = match round % 4 {
                0 => Action::Look(index as u8),
                _ => Action::Prefer(Preference::Volume, round),
            };
            act(&world, device, &action).expect("it may");
            made += 1;
        }
        if round % 3 == 2 {
            settle(&mut world, &mut devices);
        }
    }
    settle(&mut world, &mut devices);
    let first = baton::Room::<Account>::genesis(world.log().frames().next().expect("a frame"));
    let first = first.expect("the first frame").state().clone();
    assert_eq!((first.coins, first.scrap, first.games()), (0, 0, 0));
    let audit = world.audit();
    assert_eq!(
        audit.accepted.len(),
        made,
        "no gap, no repeat, as the audit sees"
    );
    for (v, frame) in (1..).zip(&audit.frames) {
        assert_eq!(frame.v, v);
    }
}

#[test]
fn b15_what_is_delivered_many_times_and_out_of_order_is_applied_once_in_order() {
    for seed in 0..12 {
        let mut random = Random::from_seed(seed);
        let (mut world, _) = account(3, 1);
        let mut raw = by_hand(&mut world, 9);
        let number = raw.hail.number.expect("registered");
        let mut packets = Vec::new();
        let mut mark = 0;
        for _ in 0..60 {
            world.pass(u64::from(random.below(400)));
            let host = random.below(3) as usize;
            if random.below(3) == 0 && mark < 200 {
                let count = u64::from(random.below(4)) + 1;
                let new = mark + 1..=mark + count;
                let actions: Vec<_> = new.map(|seq| (seq, volume(seq as u8))).collect();
                packets.push(raw.arrival(&actions));
                if raw.say(&mut world, host, &actions).is_ok() {
                    mark += count;
                }
                raw.hail.answered = 0;
            }
            // Old ones come again, together, by way of any host.
            let again = (0..random.below(4)).filter_map(|_| {
                let which = random.below(packets.len().max(1) as u32) as usize;
                packets.get(which).cloned()
            });
            let again: Vec<_> = again.collect();
            if !again.is_empty() {
                world.ask(host, again);
            }
        }
        world.pass(2 * LEASE_MS);
        raw.standing(&mut world, 0);
        assert!(mark > 20);
        let expected: Vec<_> = (1..=mark).map(|seq| volume(seq as u8)).collect();
        assert_eq!(world.audit().bodies(number), expected, "seed {seed}");
        assert_eq!(
            replayed(&mut world).preferences[&Preference::Volume],
            mark as u8
        );
    }
}

#[test]
fn b30_what_no_rules_know_is_refused_with_a_code_and_what_comes_after_goes_on() {
    let (mut world, _) = account(1, 1);
    let raw = by_hand(&mut world, 9);
    let before = replayed(&mut world);
    let later = [
        // A kind of later versions, a field more, a value that is none, nothing.
        vec![KINDS as u8, 1, 2],
        [volume(3), vec![0]].concat(),
        vec![2, 99],
        vec![],
    ];
    let strange: Vec<_> = (1..).zip(later.iter().cloned()).collect();
    let reply = raw.say(&mut world, 0, &strange).expect("answered");
    let verdicts = reply.device.expect("registered").verdicts;
    assert_eq!(verdicts, [Reject::MALFORMED.0; 4]);
    assert_eq!(wire::write(&replayed(&mut world)), wire::write(&before));
    // Of a version before the first: nothing says what it meant.
    world.pass(LEASE_MS + 1);
    let old = Raw {
        version: 0,
        ..raw.clone()
    };
    let reply = old.say(&mut world, 0, &[(5, volume(3))]).expect("answered");
    let standing = reply.device.expect("registered");
    assert_eq!(standing.verdict(5), Some(Reject::OUTDATED.0));
    world.pass(LEASE_MS + 1);
    raw.say(&mut world, 0, &[(6, volume(4))]).expect("taken");
    assert_eq!(replayed(&mut world).preferences[&Preference::Volume], 4);
    let rejected = world.frames().into_iter().flat_map(|frame| frame.entries);
    let rejected = rejected.filter(|entry| matches!(entry, Entry::Reject { .. }));
    assert_eq!(rejected.count(), 5);
}
