//! Devices that are registered, limited and forgotten: who gives way, and what it is told.

use baton::frame::Entry;
use baton::limits::{MAX_DEVICES, MAX_USER_DEVICES, RESEND_GRACE_MS};
use baton::wire::{self, News, Presence};
use baton::{Code, DeviceId, Note};

use crate::presence::leave;
use crate::support::rules::{GRACE_MS, Herd, HerdAction, add};
use crate::support::{Client, LEASE_MS, Raw, World, reply_of, watcher};

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

/// A room that ann's page kept before it was registered; then it was, and acted.
fn kept_before_it_joined() -> (World<Herd>, Client<Herd>, Vec<u8>) {
    let mut world = World::<Herd>::new(1);
    Raw::on("bob", 1).join(&mut world, 0);
    let mut ann = Client::<Herd>::on("ann", 1);
    assert_eq!(catch_up(&mut world, &mut ann), []);
    let kept = ann.replica.save_room().expect("it watched first");
    world.join(0, &mut ann);
    act_once(&mut world, &mut ann);
    (world, ann, kept)
}

/// And does nothing again.
fn is_told_of_its_eviction(world: &mut World<Herd>, ann: &mut Client<Herd>) {
    for _ in 0..4 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, ann);
    }
    assert_eq!(world.audit().accepted.len(), MAX_USER_DEVICES);
    assert_eq!(ann.notes.first(), Some(&Note::Evicted { lost: 0 }));
}

/// Found by the simulator: a page began from a room that it had kept before it was registered, took that for a loss of its
/// registration, and registered anew under its id, since it had been evicted meanwhile. What had been answered was done again.
#[test]
fn b08_a_kept_room_of_before_its_registration_lets_no_evicted_device_send_again() {
    let (mut world, mut ann, kept) = kept_before_it_joined();
    silent_devices(&mut world);
    Raw::on("ann", 100).join(&mut world, 0);
    // By now there is a place again, for whoever asks for one.
    world.pass(RESEND_GRACE_MS + 10);
    ann.reload();
    assert!(ann.replica.warm_up(&kept, world.since_ms()));
    is_told_of_its_eviction(&mut world, &mut ann);
}

/// The same by a page that asks with a socket open, and is told of no frames, since those come by that.
#[test]
fn b08_a_kept_room_is_taken_for_no_loss_by_who_is_told_of_no_frames() {
    let (mut world, mut ann, kept) = kept_before_it_joined();
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
    is_told_of_its_eviction(&mut world, &mut ann);
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
