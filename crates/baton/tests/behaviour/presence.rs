//! Who is here: sessions that open, beat, close, resume, come late or twice.

use baton::Replica;
use baton::frame::Entry;
use baton::wire::Presence;

use crate::support::rules::{GRACE_MS, GRACE_TICKS, Herd, TICK_MS};
use crate::support::{Client, FRAME_MS, Flight, IDLE_MS, LEASE_MS, Raw, World};

/// Tick, player, whether the player came.
fn doors(world: &mut World<Herd>) -> Vec<(u64, u32, bool)> {
    world.audit().room.state().doors.clone()
}

fn entries(world: &mut World<Herd>, which: impl Fn(&Entry) -> bool) -> usize {
    let frames = world.frames();
    let entries = frames.iter().flat_map(|frame| &frame.entries);
    entries.filter(|entry| which(entry)).count()
}

fn session(raw: &Raw, session: u32, presence: Presence) -> Raw {
    let mut other = raw.but(presence);
    other.hail.session = session;
    other
}

/// Closes the page of somebody who is here with no other.
pub(crate) fn leave(world: &mut World<Herd>, client: &mut Client<Herd>) {
    world.pass(LEASE_MS + 1);
    let bye = client.replica.leave(world.since_ms());
    let bye = client.arrive(bye);
    world.ask(0, vec![bye]);
    let room = world.audit().room;
    let player = room.player(&client.who.user).expect("joined");
    assert!(!room.present().contains(&player));
}

#[test]
fn a_session_beats_once_per_third_of_the_grace_time() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let until = world.now_ms + 10 * GRACE_MS;
    while world.now_ms < until {
        world.pass(110);
        ann.say(&mut world, 0, &[]).expect("answered");
    }
    let beats = entries(&mut world, |entry| matches!(entry, Entry::Beat { .. }));
    assert!(
        (25..=30).contains(&beats),
        "{beats} beats in ten grace times"
    );
    assert_eq!(doors(&mut world), [(0, 0, true)], "never away");
}

#[test]
fn who_is_silent_for_longer_than_the_grace_time_leaves_at_that_very_tick() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 1, "bob");
    world.pass(1_000 - world.since_ms() % 1_000);
    world.pass(GRACE_MS / 2);
    ann.say(&mut world, 0, &[]).expect("a beat");
    let last_beat = world.since_ms() / TICK_MS;
    for _ in 0..20 {
        world.pass(GRACE_MS / 4 + 7);
        bob.say(&mut world, 1, &[]).expect("answered");
    }
    let left: Vec<_> = doors(&mut world)
        .into_iter()
        .filter(|door| !door.2)
        .collect();
    assert_eq!(left, [(last_beat + GRACE_TICKS + 1, 0, false)]);
    world.pass(LEASE_MS + 1);
    let back = world.since_ms() / TICK_MS;
    ann.say(&mut world, 0, &[]).expect("answered");
    assert_eq!(doors(&mut world).last(), Some(&(back, 0, true)), "a resume");
}

#[test]
fn a_beat_counts_from_the_tick_of_its_receipt_however_late_it_is_framed() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(GRACE_MS - 900);
    bob.say(&mut world, 0, &[]).expect("a beat, by the leader");
    world.pass(FRAME_MS / 2);
    // In time by 850 ms, but it waits in the inbox until the grace time is over.
    ann.say(&mut world, 1, &[]).expect("a beat, by a follower");
    let received = world.since_ms() / TICK_MS;
    assert_eq!(world.log().waiting(), 1);
    world.pass(GRACE_MS / 2);
    world.watch(1);
    let beat = world.last_frame().entries;
    let ticks = world.audit().frames.iter().rev().nth(1).map(|f| f.tick);
    let at = (received - ticks.expect("a frame before")) as u32;
    assert!(
        beat.contains(&Entry::Beat {
            device: 0,
            session: 1,
            at
        }),
        "{beat:?}"
    );
    assert!(doors(&mut world).iter().all(|door| door.2), "nobody left");
}

#[test]
fn a_beat_that_comes_after_the_grace_time_is_a_leave_and_a_resume() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(GRACE_MS - 100);
    bob.say(&mut world, 0, &[]).expect("bob keeps time going");
    world.pass(300);
    ann.say(&mut world, 0, &[]).expect("too late");
    let back = world.since_ms() / TICK_MS;
    let doors = doors(&mut world);
    let own: Vec<_> = doors.into_iter().filter(|door| door.1 == 0).collect();
    let gone = GRACE_TICKS + 1;
    assert_eq!(own, [(0, 0, true), (gone, 0, false), (back, 0, true)]);
}

#[test]
fn whoever_leaves_is_gone_at_once_and_late_copies_change_nothing() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(2_500);
    ann.but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("a leave");
    assert_eq!(world.audit().room.present(), [1]);
    let head = world.head();
    for late in [Presence::Here, Presence::Leaving, Presence::Here] {
        world.pass(LEASE_MS + 1);
        ann.but(late).say(&mut world, 1, &[]).expect("answered");
    }
    assert_eq!(world.head(), head, "late copies are no news");
    assert_eq!(world.log().waiting(), 0);
    world.pass(GRACE_MS / 2);
    bob.say(&mut world, 0, &[]).expect("answered");
    assert_eq!(world.audit().room.present(), [1]);
}

#[test]
fn a_page_that_is_loaded_again_opens_a_new_session_that_late_leaves_cannot_close() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(500);
    ann.but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    world.pass(500);
    session(&ann, 2, Presence::Here)
        .say(&mut world, 0, &[])
        .expect("open");
    let opened = doors(&mut world).len();
    for instance in [0, 1] {
        world.pass(LEASE_MS + 1);
        ann.but(Presence::Leaving)
            .say(&mut world, instance, &[])
            .expect("answered");
    }
    world.settle();
    assert_eq!(world.audit().room.present(), [0]);
    assert_eq!(doors(&mut world).len(), opened);
    world.pass(LEASE_MS + 1);
    session(&ann, 1, Presence::Here)
        .say(&mut world, 0, &[])
        .expect("answered");
    session(&ann, 2, Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    world.settle();
    assert_eq!(world.audit().room.present(), [0_u32; 0]);
}

#[test]
fn the_leave_of_a_session_that_never_came_keeps_it_from_opening() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(500);
    session(&ann, 2, Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    world.pass(500);
    session(&ann, 2, Presence::Here)
        .say(&mut world, 0, &[])
        .expect("answered");
    assert_eq!(world.audit().room.present(), [0_u32; 0]);
    world.pass(500);
    session(&ann, 3, Presence::Here)
        .say(&mut world, 0, &[])
        .expect("open");
    assert_eq!(world.audit().room.present(), [0]);
}

#[test]
fn a_player_is_gone_when_the_last_of_two_devices_is() {
    let mut world = World::<Herd>::new(1);
    let phone = Raw::joined(&mut world, 0, "ann");
    let mut laptop = Raw::on("ann", 2);
    world.pass(LEASE_MS + 1);
    laptop.join(&mut world, 0);
    Raw::joined(&mut world, 0, "bob");
    assert_eq!(doors(&mut world).len(), 2, "ann came once");
    world.pass(500);
    phone
        .but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    assert_eq!(world.audit().room.present(), [0, 1]);
    world.pass(500);
    laptop
        .but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    assert_eq!(world.audit().room.present(), [1]);
    let own = doors(&mut world).into_iter().filter(|door| door.1 == 0);
    assert_eq!(own.map(|door| door.2).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_leave_of_a_stranger_does_not_even_begin_a_room() {
    let mut world = World::<Herd>::new(2);
    let stranger = Raw::new("ann").but(Presence::Leaving);
    stranger.say(&mut world, 0, &[]).expect("answered");
    assert_eq!(world.head().v, 0);
    Raw::joined(&mut world, 0, "bob");
    let head = world.head();
    stranger.say(&mut world, 1, &[]).expect("answered");
    world.pass(FRAME_MS + 1);
    Raw::new("cyd")
        .but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("answered");
    assert_eq!((world.head(), world.log().waiting()), (head, 0));
}

#[test]
fn a_join_that_waited_in_the_inbox_happens_once_however_often_it_was_pushed() {
    let mut world = World::<Herd>::new(3);
    Raw::joined(&mut world, 0, "ann");
    let bob = Raw::new("bob");
    // Both followers have read before either pushes.
    let mut flights = [1, 2].map(|at| Flight::begin(&mut world, at, vec![bob.arrival(&[])]));
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        for flight in &mut flights {
            flight.step(&mut world);
        }
    }
    assert_eq!(world.log().waiting(), 2);
    world.settle();
    let audit = world.audit();
    assert_eq!(audit.room.people().len(), 2);
    assert_eq!(audit.room.present(), [0, 1]);
    assert_eq!(
        entries(&mut world, |e| matches!(e, Entry::Register { .. })),
        2
    );
}

/// What was saved is from before the sessions that the room has had since: the disk was full, or the storage is a copy.
#[test]
fn b06_an_older_save_comes_in_again_whatever_sessions_the_room_has_had() {
    for later_loads in 1..4 {
        for nothing_saved in [false, true] {
            let mut world = World::<Herd>::new(1);
            let mut ann = Client::<Herd>::new("ann");
            world.join(0, &mut ann);
            let old = ann.replica.save();
            for _ in 0..later_loads {
                ann.reload();
                world.pass(LEASE_MS + 1);
                world.exchange(0, &mut ann);
            }
            leave(&mut world, &mut ann);
            ann.replica = match nothing_saved {
                true => Replica::new("ann", ann.replica.device(), 1),
                false => Replica::resume("ann", &old, 1).expect("what was saved"),
            };
            for _ in 0..3 {
                world.pass(LEASE_MS + 1);
                world.exchange(0, &mut ann);
            }
            assert_eq!(world.audit().room.present(), [0], "{later_loads} loads");
        }
    }
}

/// Two pages with one device, since its storage was copied: the older one is here again once the other is gone, and they
/// do not take turns while both are.
#[test]
fn a_page_whose_device_was_copied_is_here_again_once_the_copy_is_gone() {
    let mut world = World::<Herd>::new(1);
    let (mut ann, mut copy) = (Client::<Herd>::new("ann"), Client::<Herd>::new("ann"));
    world.join(0, &mut ann);
    let old = ann.replica.save();
    let resumed = || Replica::resume("ann", &old, 1).expect("what was saved");
    ann.replica = resumed();
    copy.replica = Replica::resume("ann", &resumed().save(), 1).expect("a copy");
    for _ in 0..20 {
        for page in [&mut ann, &mut copy] {
            world.pass(LEASE_MS + 1);
            world.exchange(0, page);
        }
    }
    let came =
        |world: &mut World<Herd>| entries(world, |entry| matches!(entry, Entry::Join { .. }));
    assert!(came(&mut world) <= 3, "they take turns");
    leave(&mut world, &mut copy);
    for _ in 0..3 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
    }
    assert_eq!(world.audit().room.present(), [0]);
}

#[test]
fn beats_alone_do_not_hold_the_room_of_others_back() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let head = world.head().v;
    for _ in 0..10 {
        world.pass(20);
        ann.say(&mut world, 0, &[]).expect("answered");
    }
    assert_eq!(world.head().v, head, "a young beat is no news");
    world.pass(IDLE_MS);
    ann.say(&mut world, 0, &[]).expect("answered");
    assert_eq!(world.head().v, head + 1);
}
