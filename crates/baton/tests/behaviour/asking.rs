//! When a page asks, and what becomes of that when frames come by socket meanwhile.

use baton::Note;

use crate::replica::{act, drain, joined};
use crate::support::rules::{Herd, HerdAction};
use crate::support::{Client, LEASE_MS, World};

#[test]
fn who_leaves_says_so_and_asks_no_more() {
    let (mut world, mut ann) = joined(1);
    world.pass(LEASE_MS + 1);
    let since_ms = world.since_ms();
    let request = ann.replica.leave(since_ms);
    world.ask(0, vec![ann.arrive(request)]);
    assert_eq!(world.audit().room.present(), [0_u32; 0]);
    ann.reload();
    drain(&mut world, &mut ann);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    assert_eq!(
        world.audit().room.present(),
        [0],
        "another page load is another session"
    );
}

#[test]
fn it_asks_at_once_when_it_has_something_to_say_and_later_and_later_when_nobody_answers() {
    let (mut world, mut ann) = joined(1);
    drain(&mut world, &mut ann);
    let since_ms = world.since_ms();
    let quiet = ann.replica.ask_at(false, since_ms);
    assert!(quiet > since_ms + 100, "nothing to say");
    world.pass(40);
    act(&world, &mut ann, 1);
    assert!(ann.replica.ask_at(false, world.since_ms()) <= world.since_ms());
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let since_ms = world.since_ms();
        ann.replica.request(false, since_ms);
        ann.replica.refused(None, None, since_ms);
        let next = ann.replica.ask_at(false, since_ms);
        pauses.push(next - since_ms);
        world.pass(next - since_ms);
    }
    assert!(pauses[0] < 200 && pauses[11] >= 10_000, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 20_000), "{pauses:?}");
}

fn both_joined() -> (World<Herd>, Client<Herd>, Client<Herd>) {
    let mut world = World::<Herd>::new(1);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(0, &mut bob);
    world.exchange(0, &mut ann);
    (world, ann, bob)
}

/// Bob acts, and each frame is pushed to ann, until then.
fn push_until(
    due_ms: u64,
    world: &mut World<Herd>,
    ann: &mut Client<Herd>,
    bob: &mut Client<Herd>,
) {
    while world.since_ms() < due_ms {
        act(world, bob, 1);
        world.pass(LEASE_MS + 1);
        world.exchange(0, bob);
        let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
        for frame in &frames[usize::try_from(ann.replica.head().v).expect("few")..] {
            ann.replica.frame(frame, world.since_ms());
        }
    }
}

/// Found by the simulator: frames that came by socket put off the next request for ever, and with it
/// the device's actions.
#[test]
fn j13_pushed_frames_do_not_put_off_the_next_try_after_a_failure() {
    let (mut world, mut ann, mut bob) = both_joined();
    for _ in 0..9 {
        ann.replica.request(true, world.since_ms());
        ann.replica.refused(None, None, world.since_ms());
    }
    let due_ms = ann.replica.ask_at(true, world.since_ms());
    push_until(due_ms, &mut world, &mut ann, &mut bob);
    assert_eq!(ann.replica.head(), world.head(), "frames came");
    assert!(ann.replica.ask_at(true, world.since_ms()) <= world.since_ms());
}

/// Found by the simulator (seed 46008972): what a store loses of the inbox was not sent again for as long
/// as frames came by socket.
#[test]
fn j13_pushed_frames_do_not_put_off_the_next_try_of_an_action() {
    let (mut world, mut ann, mut bob) = both_joined();
    act(&world, &mut ann, 1);
    world.exchange(0, &mut ann);
    assert_eq!(ann.replica.pending(), 1, "it waits in the inbox");
    world.log().empty_inbox();
    let due_ms = ann.replica.ask_at(true, world.since_ms());
    push_until(due_ms, &mut world, &mut ann, &mut bob);
    assert_eq!(ann.replica.pending(), 1);
    assert!(ann.replica.ask_at(true, world.since_ms()) <= world.since_ms());
}

#[test]
fn p07_a_frame_that_was_pushed_and_lost_is_not_asked_for_again_and_again() {
    let (mut world, mut ann, mut bob) = both_joined();
    for _ in 0..9 {
        act(&world, &mut bob, 1);
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut bob);
    }
    // Of the nine only the last comes by socket; then the store loses them, and one that ann has.
    let last = world.log().frames().last().map(<[u8]>::to_vec);
    ann.replica.frame(&last.expect("frames"), world.since_ms());
    world.log().roll_back(ann.replica.head().v - 1);
    world.replace(0);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    assert!(ann.notes.contains(&Note::Reset));
    for _ in 0..2 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
    }
    let now_ms = world.since_ms();
    assert_eq!(ann.replica.head(), world.head());
    let pause_ms = ann.replica.ask_at(true, now_ms) - now_ms;
    assert!(pause_ms >= 1_000, "{pause_ms} ms, though frames come");
}

/// Found by the simulator: a snapshot that answers an older cursor was taken, though frames that were
/// pushed meanwhile were lost since.
#[test]
fn p07_a_snapshot_for_a_cursor_that_moved_on_is_asked_for_again() {
    let mut world = World::<Herd>::with(1, |settings| settings.recent = 1, ());
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(0, &mut bob);
    world.exchange(0, &mut ann);
    let say = |world: &mut World<Herd>, bob: &mut Client<Herd>| {
        bob.replica
            .act(&HerdAction::Add(1), world.since_ms())
            .expect("allowed");
        world.pass(LEASE_MS + 1);
        world.exchange(0, bob);
    };
    let request = ann.replica.request(false, world.since_ms());
    say(&mut world, &mut bob);
    let lost = world
        .log()
        .frames()
        .last()
        .map(<[u8]>::to_vec)
        .expect("a frame");
    ann.replica.frame(&lost, world.since_ms());
    let head = world.head();
    assert_eq!(ann.replica.head(), head);
    world.log().roll_back(head.v - 1);
    world.replace(0);
    for _ in 0..3 {
        say(&mut world, &mut bob);
    }
    let arrival = ann.arrive(request);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    ann.take(&outcome, world.now_ms);
    assert_eq!(
        ann.replica.head(),
        head,
        "nothing is shown before it is told"
    );
    world.exchange(0, &mut ann);
    assert_eq!((ann.resets(), ann.replica.head()), (1, world.head()));
}
