//! The queue of a device: numbered densely, saved before it is sent, sent again after a loss, and
//! never more than a request may carry.

use baton::limits::WINDOW;
use baton::wire::News;
use baton::{ActError, Code, DeviceId, Note, Replica, wire};

use crate::replica::{act, drain, joined};
use crate::support::rules::{Herd, HerdAction};
use crate::support::{Client, LEASE_MS};

fn request_of(client: &mut Client<Herd>, now_ms: u64) -> wire::Hail {
    let request = client.replica.request(false, now_ms);
    let request = wire::read_request(&request).expect("it writes what can be read");
    request.device.expect("a device asks")
}

fn numbers(hail: &wire::Hail) -> Vec<u64> {
    hail.actions.iter().map(|sent| sent.seq).collect()
}

#[test]
fn b06_what_is_saved_holds_everything_that_is_sent_and_goes_on_densely() {
    let (mut world, mut ann) = joined(1);
    let mut made = Vec::new();
    for round in 0..12 {
        for _ in 0..round % 4 {
            made.push(made.len() as i64 + 1);
            act(&world, &mut ann, made.len() as i64);
        }
        let saved = ann.replica.save();
        let sent = request_of(&mut ann, world.since_ms());
        // The page dies before, or right after, the request is on its way.
        if round % 3 > 0 {
            let arrival = ann.arrival(world.now_ms);
            world.ask(0, vec![arrival]);
        }
        ann.replica = Replica::resume("ann", &saved, 1).expect("what was saved");
        let again = request_of(&mut ann, world.since_ms());
        assert_eq!((again.id, numbers(&again)), (sent.id, numbers(&sent)));
        assert_eq!(again.session, sent.session + 1, "another page load");
        if round % 2 == 0 {
            drain(&mut world, &mut ann);
        } else {
            world.pass(LEASE_MS + 1);
            world.exchange(0, &mut ann);
        }
    }
    drain(&mut world, &mut ann);
    assert_eq!(act(&world, &mut ann, 99), made.len() as u64 + 1);
    let audit = world.audit();
    assert_eq!(audit.room.state().amounts(), made, "each once, in order");
    assert_eq!(audit.room.people().len(), 1);
}

#[test]
fn b06_an_older_save_never_reuses_a_number_that_the_room_has_seen() {
    let (mut world, mut ann) = joined(1);
    act(&world, &mut ann, 1);
    drain(&mut world, &mut ann);
    let old = ann.replica.save();
    for amount in 2..=6 {
        act(&world, &mut ann, amount);
    }
    drain(&mut world, &mut ann);
    // The storage of the device is a copy from before.
    ann.replica = Replica::resume("ann", &old, 1).expect("what was saved");
    let since_ms = world.since_ms();
    let early = ann.replica.act(&HerdAction::Add(7), since_ms);
    assert_eq!(early, Err(ActError::Joining), "not before it has looked");
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    assert_eq!(act(&world, &mut ann, 7), 7);
    drain(&mut world, &mut ann);
    assert_eq!(world.audit().room.state().amounts(), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn b06_a_damaged_save_is_refused_or_a_queue() {
    let (mut world, mut ann) = joined(1);
    act(&world, &mut ann, 1);
    drain(&mut world, &mut ann);
    act(&world, &mut ann, 2);
    let saved = ann.replica.save();
    let mut refused = 0;
    for place in 0..saved.len() {
        let mut damaged = saved.clone();
        damaged[place] = 0;
        match Replica::<Herd>::resume("ann", &damaged, 1) {
            Some(mut replica) => drop(replica.request(false, 0)),
            None => refused += 1,
        }
    }
    assert!(refused > 4, "{refused} of {}", saved.len());
    // Of another layout, or with something behind it.
    let other = [&[saved[0] + 1], &saved[1..]].concat();
    let longer = [&saved[..], &[0]].concat();
    for damaged in [other, longer] {
        assert!(Replica::<Herd>::resume("ann", &damaged, 1).is_none());
    }
    assert!(Replica::<Herd>::resume("ann", &saved, 1).is_some());
}

#[test]
fn b06_a_kept_room_tells_an_older_save_which_numbers_are_taken() {
    let (mut world, mut ann) = joined(1);
    let old = ann.replica.save();
    for amount in 1..=5 {
        act(&world, &mut ann, amount);
    }
    drain(&mut world, &mut ann);
    let room = ann.replica.save_room().expect("synced");
    ann.replica = Replica::resume("ann", &old, 1).expect("what was saved");
    assert!(ann.replica.warm_up(&room, 0));
    // It knows its number from the kept room, and so where to go on.
    assert_eq!(act(&world, &mut ann, 6), 6);
    drain(&mut world, &mut ann);
    assert_eq!(world.audit().room.state().amounts(), [1, 2, 3, 4, 5, 6]);
}

/// Found by the simulator: what was kept from before the numbers of the newer copy was sent in one request
/// with what came after them, which nobody could read.
#[test]
fn b06_an_older_save_writes_dense_requests_though_the_store_loses_what_the_newer_one_sent() {
    let (mut world, mut ann) = joined(1);
    act(&world, &mut ann, 1);
    drain(&mut world, &mut ann);
    let (old, before) = (ann.replica.save(), world.head().v - 1);
    act(&world, &mut ann, 2);
    drain(&mut world, &mut ann);
    ann.replica = Replica::resume("ann", &old, 1).expect("what was saved");
    drain(&mut world, &mut ann);
    assert_eq!(act(&world, &mut ann, 3), 3);
    world.log().roll_back(before);
    world.instances[0].forget();
    for _ in 0..5 {
        world.pass(LEASE_MS + 1);
        let hail = request_of(&mut ann, world.since_ms());
        let dense = numbers(&hail).windows(2).all(|pair| pair[0] + 1 == pair[1]);
        assert!(dense, "{:?}", numbers(&hail));
        world.exchange(0, &mut ann);
    }
    assert_eq!(ann.replica.pending(), 0);
    assert_eq!(world.audit().room.state().amounts().last(), Some(&3));
}

/// Queue and room are both of yesterday: only the room can tell, and it does.
#[test]
fn b06_a_number_used_for_something_else_is_noticed_and_the_device_takes_a_new_id() {
    let (mut world, mut ann) = joined(1);
    act(&world, &mut ann, 1);
    drain(&mut world, &mut ann);
    let (old, room) = (ann.replica.save(), ann.replica.save_room().expect("synced"));
    for amount in 2..=4 {
        act(&world, &mut ann, amount);
    }
    drain(&mut world, &mut ann);
    ann.replica = Replica::resume("ann", &old, 1).expect("what was saved");
    assert!(ann.replica.warm_up(&room, 0));
    assert_eq!(act(&world, &mut ann, 50), 2, "it cannot know better");
    world.pass(LEASE_MS + 1);
    assert_eq!(world.exchange(0, &mut ann), Code::Conflict.status());
    assert_eq!(ann.notes.last(), Some(&Note::Evicted { lost: 1 }));
    let since_ms = world.since_ms();
    assert_eq!(ann.replica.renew(DeviceId([77; 16]), since_ms), 1);
    drain(&mut world, &mut ann);
    act(&world, &mut ann, 60);
    drain(&mut world, &mut ann);
    let audit = world.audit();
    assert_eq!(audit.room.state().amounts(), [1, 2, 3, 4, 60]);
    assert_eq!(audit.room.people().len(), 1, "still the same player");
}

/// Found by the simulator (seed 1795766961001035): the refusal came after a pushed frame had told as much,
/// and the new device was given up as well.
#[test]
fn b06_what_is_answered_to_the_device_before_is_not_of_the_new_one() {
    let (mut world, mut ann) = joined(1);
    let since_ms = world.since_ms();
    let late = ann.arrival(world.now_ms);
    ann.replica.renew(DeviceId([77; 16]), since_ms);
    ann.replica.notes();
    for code in [Code::Conflict, Code::Evicted, Code::Unregistered, Code::Gap] {
        ann.replica.refused(Some(code), Some(1), since_ms);
        assert_eq!(ann.replica.notes(), [], "{code:?}");
    }
    world.ask(0, vec![late]);
    drain(&mut world, &mut ann);
    assert_eq!(ann.replica.device(), DeviceId([77; 16]));
    assert_eq!(act(&world, &mut ann, 60), 1);
    drain(&mut world, &mut ann);
    assert_eq!(world.audit().room.state().amounts(), [60]);
    // Of itself it hears as before.
    ann.replica.request(false, world.since_ms());
    ann.replica
        .refused(Some(Code::Evicted), None, world.since_ms());
    assert_eq!(ann.replica.notes(), [Note::Evicted { lost: 0 }]);
}

/// Found by the simulator: a copy of a device took the verdict on the other's action for its own.
#[test]
fn b06_a_copy_of_a_device_is_not_told_that_the_others_action_was_its_own() {
    let (mut world, mut ann) = joined(1);
    let mut copy = Client::<Herd>::new("ann");
    copy.replica = Replica::resume("ann", &ann.replica.save(), 1).expect("what was saved");
    drain(&mut world, &mut copy);
    act(&world, &mut ann, 1);
    act(&world, &mut copy, 2);
    drain(&mut world, &mut ann);
    // It only watches, and sees a verdict on its number.
    let told = world.watch_from(0, copy.replica.head());
    let News::Frames(frames) = told.news else {
        panic!("it lacks little");
    };
    for frame in frames {
        copy.replica.frame(&frame, world.since_ms());
    }
    assert_eq!(copy.replica.notes(), [Note::Evicted { lost: 1 }]);
}

#[test]
fn more_than_a_request_may_carry_is_sent_in_turn() {
    let (mut world, mut ann) = joined(1);
    // By bytes: 32 long actions are more than a request holds.
    let say = HerdAction::Say("x".repeat(4_000));
    for _ in 0..WINDOW {
        let since_ms = world.since_ms();
        ann.replica.act(&say, since_ms).expect("queued");
    }
    let first = request_of(&mut ann, world.since_ms());
    assert!((10..WINDOW).contains(&first.actions.len()));
    drain(&mut world, &mut ann);
    assert_eq!(world.audit().accepted.len(), WINDOW);
}

#[test]
fn p07_more_than_a_request_may_carry_comes_again_after_a_loss() {
    let (mut world, mut ann) = joined(1);
    let keep = world.head().v;
    let mut made = Vec::new();
    for _ in 0..3 {
        for _ in 0..20 {
            made.push(made.len() as i64);
            act(&world, &mut ann, made.len() as i64 - 1);
        }
        drain(&mut world, &mut ann);
    }
    world.log().roll_back(keep);
    drain(&mut world, &mut ann);
    world.exchange(0, &mut ann);
    assert!(ann.replica.pending() > WINDOW || world.audit().accepted.len() > WINDOW);
    drain(&mut world, &mut ann);
    assert_eq!(world.audit().room.state().amounts(), made);
}
