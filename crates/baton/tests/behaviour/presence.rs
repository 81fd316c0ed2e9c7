//! Who is here: sessions that open, beat, close, resume, come late or twice; devices that are
//! registered, limited and forgotten.

use baton::frame::Entry;
use baton::limits::{MAX_DEVICES, MAX_USER_DEVICES, RESEND_GRACE_MS};
use baton::wire::{self, News, Presence};
use baton::{Code, DeviceId, Note, Replica};

use crate::support::rules::{GRACE_MS, GRACE_TICKS, Herd, HerdAction, TICK_MS, add};
use crate::support::{Client, FRAME_MS, Flight, IDLE_MS, LEASE_MS, Raw, World, reply_of, watcher};

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
fn leave(world: &mut World<Herd>, client: &mut Client<Herd>) {
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

/// A room where ann has as many devices as a user may have; and one more, which has not joined.
fn crowded(instances: usize) -> (World<Herd>, Vec<Raw>, Raw) {
    let mut world = World::new(instances);
    let mut devices: Vec<_> = (1..=MAX_USER_DEVICES as u8 + 1)
        .map(|device| Raw::on("ann", device))
        .collect();
    let last = devices.pop().expect("one too many");
    for device in &mut devices {
        world.pass(LEASE_MS + 1);
        device.join(&mut world, 0);
    }
    (world, devices, last)
}

#[test]
fn a_user_has_a_bounded_number_of_devices_and_the_longest_silent_one_makes_room() {
    let (mut world, devices, mut last) = crowded(1);
    world.pass(LEASE_MS + 1);
    let refused = last.say(&mut world, 0, &[]).expect_err("one too many");
    assert_eq!(refused, (Code::DeviceLimit, None));
    for device in &devices {
        world.pass(LEASE_MS + 1);
        device
            .but(Presence::Leaving)
            .say(&mut world, 0, &[])
            .expect("closed");
    }
    world.pass(LEASE_MS + 1);
    let refused = last
        .say(&mut world, 0, &[])
        .expect_err("they may still send again");
    assert_eq!(refused, (Code::DeviceLimit, None));
    world.pass(RESEND_GRACE_MS + 10);
    last.join(&mut world, 0);
    assert_eq!(
        last.hail.number,
        Some(MAX_USER_DEVICES as u32),
        "a new number"
    );
    // The first is forgotten: it must take a new id, and its numbers never count again.
    let forgotten = devices[0].say(&mut world, 0, &[(1, add(1))]);
    assert_eq!(forgotten.expect_err("evicted"), (Code::Evicted, None));
    assert_eq!(world.audit().accepted.len(), 0);
    assert_eq!(
        world.audit().room.people().len(),
        1,
        "still the same player"
    );
}

/// Found by the simulator: a follower took it in, the leader let go of it, and nobody told the device.
#[test]
fn a_device_for_which_there_is_no_place_is_told_so_by_every_instance_and_costs_no_frames() {
    let (mut world, _, mut last) = crowded(2);
    let frames = world.head().v;
    for _ in 0..5 {
        let refused = last.say(&mut world, 1, &[]).expect_err("one too many");
        assert_eq!(refused, (Code::DeviceLimit, None));
        assert_eq!(world.log().waiting(), 0, "nothing that must be let go of");
        let looks = last.but(Presence::Unsaid).say(&mut world, 1, &[]);
        assert_eq!(looks.expect("it may look on").head, world.head());
        world.pass(LEASE_MS / 4);
        world.watch(0);
    }
    assert_eq!(world.head().v, frames);
    // As soon as one of them may be forgotten, whoever is asked takes it in.
    world.pass(RESEND_GRACE_MS + GRACE_MS + 10);
    world.watch(0);
    last.join(&mut world, 1);
}

/// A user's full set of devices, the first of which is silent for longest and has had one action accepted.
fn silent_devices(world: &mut World<Herd>) -> Vec<Raw> {
    let mut devices: Vec<_> = (1..=MAX_USER_DEVICES as u8)
        .map(|device| Raw::on("ann", device))
        .collect();
    for device in &mut devices {
        world.pass(LEASE_MS + 1);
        device.join(world, 0);
        device.say(world, 0, &[(1, add(1))]).expect("taken");
        world.pass(LEASE_MS + 1);
        let leaving = device.but(Presence::Leaving);
        leaving.say(world, 0, &[]).expect("closed");
    }
    world.pass(RESEND_GRACE_MS + 10);
    devices
}

/// Found by the model: the copy gives the id a new number, under which nothing is known of what it did.
#[test]
fn b08_a_late_copy_of_a_registration_does_not_let_an_evicted_device_send_again() {
    let mut world = World::<Herd>::new(1);
    let devices = silent_devices(&mut world);
    Raw::on("ann", 100).join(&mut world, 0);
    let mut copy = Raw::on("ann", 1);
    copy.join(&mut world, 0);
    assert_ne!(copy.hail.number, devices[0].hail.number, "a new number");
    let again = devices[0].say(&mut world, 0, &[(1, add(1))]);
    assert_eq!(again.expect_err("forgotten"), (Code::Evicted, None));
    assert_eq!(world.audit().accepted.len(), MAX_USER_DEVICES);
}

/// What a client learns that asks as a watcher does.
fn catch_up(world: &mut World<Herd>, ann: &mut Client<Herd>) -> Vec<Note> {
    let outcomes = world.ask(0, vec![watcher(ann.replica.head())]);
    ann.take(&outcomes[0], world.now_ms);
    std::mem::take(&mut ann.notes)
}

/// Its first action is answered.
fn act_once(world: &mut World<Herd>, ann: &mut Client<Herd>) {
    let acted = ann.replica.act(&HerdAction::Add(1), world.since_ms());
    acted.expect("the rules allow it");
    for _ in 0..2 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, ann);
    }
    assert_eq!(ann.answers(), [(1, Some(0))]);
    ann.notes.clear();
}

/// The same, learnt from frames that come together.
#[test]
fn b08_a_client_whose_number_was_evicted_is_told_though_its_id_has_another() {
    let mut world = World::<Herd>::new(1);
    let mut ann = Client::<Herd>::on("ann", 1);
    world.join(0, &mut ann);
    silent_devices(&mut world);
    assert_eq!(catch_up(&mut world, &mut ann), []);
    Raw::on("ann", 100).join(&mut world, 0);
    Raw::on("ann", 1).join(&mut world, 0);
    assert_eq!(catch_up(&mut world, &mut ann), [Note::Evicted { lost: 0 }]);
}

/// Found by the simulator: a page began from a room that it had kept before it was registered, took that for a loss of its
/// registration, and registered anew under its id, since it had been evicted meanwhile. What had been answered was done again.
#[test]
fn b08_a_kept_room_of_before_its_registration_lets_no_evicted_device_send_again() {
    let mut world = World::<Herd>::new(1);
    Raw::on("bob", 1).join(&mut world, 0);
    let mut ann = Client::<Herd>::on("ann", 1);
    assert_eq!(catch_up(&mut world, &mut ann), []);
    let kept = ann.replica.save_room().expect("it watched first");
    world.join(0, &mut ann);
    act_once(&mut world, &mut ann);
    silent_devices(&mut world);
    Raw::on("ann", 100).join(&mut world, 0);
    // By now there is a place again, for whoever asks for one.
    world.pass(RESEND_GRACE_MS + 10);
    ann.reload();
    assert!(ann.replica.warm_up(&kept, world.since_ms()));
    for _ in 0..4 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
    }
    assert_eq!(world.audit().accepted.len(), MAX_USER_DEVICES);
    assert_eq!(ann.notes.first(), Some(&Note::Evicted { lost: 0 }));
}

/// Found by the simulator: a state without what it had of a device was taken for a loss of the store.
#[test]
fn a_client_that_learns_of_its_eviction_from_a_state_is_told_of_no_loss() {
    let mut world = World::<Herd>::with(1, |settings| settings.recent = 1, ());
    let mut ann = Client::<Herd>::on("ann", 1);
    world.join(0, &mut ann);
    act_once(&mut world, &mut ann);
    silent_devices(&mut world);
    // The frame that forgets the device is made by the batch in which it asks.
    let mut request = wire::read_request(&ann.replica.request(false, world.since_ms()))
        .expect("it writes what can be read");
    if let Some(hail) = &mut request.device {
        hail.presence = Presence::Unsaid;
    }
    let asks = ann.arrive(wire::write(&request));
    for user in ["bob", "cleo"] {
        Raw::on(user, 1).join(&mut world, 0);
        world.pass(LEASE_MS + 1);
    }
    let outcomes = world.ask(0, vec![Raw::on("ann", 100).arrival(&[]), asks]);
    let news = reply_of(&outcomes[1]).expect("an answer").news;
    assert!(matches!(news, News::Snapshot(_)), "{news:?}");
    ann.take(&outcomes[1], world.now_ms);
    assert_eq!(ann.notes, [Note::Evicted { lost: 0 }]);
}

/// The same by a page that asks with a socket open, and is told of no frames, since those come by that.
#[test]
fn b08_a_kept_room_is_taken_for_no_loss_by_who_is_told_of_no_frames() {
    let mut world = World::<Herd>::new(1);
    Raw::on("bob", 1).join(&mut world, 0);
    let mut ann = Client::<Herd>::on("ann", 1);
    assert_eq!(catch_up(&mut world, &mut ann), []);
    let kept = ann.replica.save_room().expect("it watched first");
    world.join(0, &mut ann);
    act_once(&mut world, &mut ann);
    ann.reload();
    assert!(ann.replica.warm_up(&kept, world.since_ms()));
    let request = ann.replica.request(true, world.since_ms());
    let asks = ann.arrive(request);
    let outcome = world.ask(0, vec![asks]).remove(0);
    let news = reply_of(&outcome).expect("an answer").news;
    assert!(matches!(&news, News::Frames(none) if none.is_empty()));
    ann.take(&outcome, world.now_ms);
    leave(&mut world, &mut ann);
    silent_devices(&mut world);
    Raw::on("ann", 100).join(&mut world, 0);
    world.pass(RESEND_GRACE_MS + 10);
    ann.reload();
    ann.notes.clear();
    for _ in 0..4 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut ann);
    }
    assert_eq!(world.audit().accepted.len(), MAX_USER_DEVICES);
    assert_eq!(ann.notes.first(), Some(&Note::Evicted { lost: 0 }));
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

/// Nine devices of one user, of which these did something before they left; then time passes, and the ninth comes.
fn full(world: &mut World<Herd>, did: impl Fn(u8) -> bool, silent_ms: u64) -> Vec<Raw> {
    let mut devices = Vec::new();
    for device in 1..=MAX_USER_DEVICES as u8 {
        if device == MAX_USER_DEVICES as u8 {
            world.pass(silent_ms);
        }
        let acts = did(device);
        let mut device = Raw::on("ann", device);
        world.pass(LEASE_MS + 1);
        device.join(world, 0);
        if acts {
            device.say(world, 0, &[(1, add(1))]).expect("taken");
        }
        world.pass(LEASE_MS + 1);
        let leaving = device.but(Presence::Leaving);
        leaving.say(world, 0, &[]).expect("closed");
        devices.push(device);
    }
    world.pass(RESEND_GRACE_MS + 10);
    Raw::on("ann", 100).join(world, 0);
    devices
}

/// Who may have more to send when it is back, and who only looked.
#[test]
fn who_did_something_gives_way_after_who_only_looked() {
    let mut world = World::<Herd>::new(1);
    let devices = full(&mut world, |device| device == 1, 0);
    let taken = devices[0].say(&mut world, 0, &[(2, add(2))]);
    taken.expect("it is still known");
    let second = devices[1].say(&mut world, 0, &[(1, add(9))]);
    assert_eq!(second.expect_err("gave way").0, Code::Evicted);
}

/// What is gone for good is no reason to lose a new one.
#[test]
fn who_did_something_two_months_ago_gives_way_before_who_is_new() {
    const TWO_MONTHS_MS: u64 = 60 * 24 * 3_600_000;
    let mut world = World::<Herd>::new(1);
    let newest = MAX_USER_DEVICES as u8;
    let devices = full(&mut world, |device| device < newest, TWO_MONTHS_MS);
    let taken = devices[usize::from(newest) - 1].say(&mut world, 0, &[(1, add(2))]);
    taken.expect("it is still known");
    let first = devices[0].say(&mut world, 0, &[(2, add(9))]);
    assert_eq!(first.expect_err("gave way").0, Code::Evicted);
}

/// Its last word lies in the inbox, where the log cannot see it.
#[test]
fn a_device_with_an_action_on_the_way_is_not_forgotten_to_make_room() {
    let mut world = World::<Herd>::new(1);
    let devices = silent_devices(&mut world);
    let newcomer = Raw::on("ann", 100);
    let acts = devices[0].but(Presence::Unsaid);
    let outcomes = world.ask(0, vec![newcomer.arrival(&[]), acts.arrival(&[(2, add(2))])]);
    reply_of(&outcomes[1]).expect("its action is taken");
    let audit = world.audit();
    let gone = audit.frames.iter().flat_map(|frame| &frame.entries);
    let gone: Vec<_> = gone
        .filter_map(|entry| match entry {
            Entry::Evict { device } => Some(*device),
            _ => None,
        })
        .collect();
    assert_eq!(gone, [1], "the one that has been silent for next longest");
    assert_eq!(audit.bodies(0), [add(1), add(2)]);
}

/// A thousand strangers come at once, to an empty room and to one full of silent devices.
#[test]
fn a_flood_of_new_devices_never_makes_a_frame_that_cannot_be_read() {
    let mut world = World::<Herd>::new(1);
    let stranger = |wave: u8, index: usize| {
        let mut id = [wave; 16];
        id[..8].copy_from_slice(&index.to_le_bytes());
        Raw::with_id(&format!("{wave}-{index:050}"), DeviceId(id)).item()
    };
    for wave in [1, 2] {
        let crowd: Vec<_> = (0..MAX_DEVICES)
            .map(|index| stranger(wave, index))
            .collect();
        let now_ms = world.now_ms;
        assert!(world.log().push(&crowd, now_ms));
        let mut frames = 0;
        while world.log().waiting() > 0 {
            world.settle();
            frames += 1;
            assert!(frames < 10, "it never ends");
        }
        let audit = world.audit();
        let people = audit.room.people().values();
        let new = people.filter(|who| who.user.starts_with(&format!("{wave}-")));
        assert_eq!(new.count(), MAX_DEVICES, "wave {wave}");
        // Everybody leaves, and is forgotten when there is need.
        world.pass(GRACE_MS * 2);
        world.settle();
        world.pass(RESEND_GRACE_MS);
    }
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
