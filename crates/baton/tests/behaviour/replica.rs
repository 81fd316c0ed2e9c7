//! The replica: two states, a queue that survives, and replies and frames in any order.

use baton::effect::Outcome;
use baton::frame::Frame;
use baton::limits::{MAX_ACTION_BYTES, WINDOW};
use baton::{ActError, Code, Hash, Head, Note, PREDICT_MS, Random, Room, Status, wire};

use crate::support::rules::{Herd, HerdAction, MOST, TICK_MS, TOO_MUCH, add};
use crate::support::{Client, FRAME_MS, LEASE_MS, Raw, World};

pub(crate) fn joined(instances: usize) -> (World<Herd>, Client<Herd>) {
    let mut world = World::new(instances);
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    (world, ann)
}

pub(crate) fn act(world: &World<Herd>, client: &mut Client<Herd>, amount: i64) -> u64 {
    let since_ms = world.since_ms();
    let acted = client.replica.act(&HerdAction::Add(amount), since_ms);
    acted.expect("the rules allow it")
}

/// Asks until nothing is pending.
pub(crate) fn drain(world: &mut World<Herd>, client: &mut Client<Herd>) {
    for _ in 0..20 {
        world.pass(LEASE_MS + 1);
        world.exchange(0, client);
        if client.replica.pending() == 0 && client.replica.player().is_some() {
            return;
        }
    }
    panic!("something is never answered");
}

#[test]
fn b21_the_screen_shows_what_is_pending_and_the_synced_state_does_not() {
    let (mut world, mut ann) = joined(1);
    let both = |client: &Client<Herd>| {
        let of = |room: Option<&Room<Herd>>| room.expect("a room").state().of(0);
        (of(client.replica.synced()), of(client.replica.predicted()))
    };
    assert_eq!(both(&ann), (0, 0));
    act(&world, &mut ann, 5);
    act(&world, &mut ann, 6);
    assert_eq!(both(&ann), (0, 11));
    world.pass(FRAME_MS / 2);
    world.exchange(0, &mut ann);
    assert_eq!(both(&ann), (0, 11), "taken in, but not in the log");
    assert_eq!(ann.replica.pending(), 2);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    assert_eq!(both(&ann), (11, 11));
    assert_eq!(ann.answers(), [(1, Some(0)), (2, Some(0))]);
}

#[test]
fn what_the_rules_refuse_is_not_even_queued() {
    let (mut world, mut ann) = joined(1);
    let since_ms = world.since_ms();
    let too_much = HerdAction::Add(MOST + 1);
    assert_eq!(
        ann.replica.act(&too_much, since_ms),
        Err(ActError::Rejected(TOO_MUCH))
    );
    // Prediction counts what is pending: after it, it can be afforded.
    let spend = HerdAction::Spend(5);
    assert!(ann.replica.can(&spend).is_err());
    act(&world, &mut ann, 5);
    assert_eq!(ann.replica.act(&spend, since_ms), Ok(2));
    for seq in 3..=WINDOW as u64 {
        assert_eq!(act(&world, &mut ann, 1), seq);
    }
    let full = ann.replica.act(&HerdAction::Add(1), since_ms);
    assert_eq!(full, Err(ActError::Full));
    drain(&mut world, &mut ann);
    assert_eq!(act(&world, &mut ann, 1), WINDOW as u64 + 1);
}

#[test]
fn a_prediction_that_the_room_decides_otherwise_is_taken_back() {
    let (mut world, mut phone) = joined(2);
    let mut laptop = Client::on("ann", 2);
    world.pass(LEASE_MS + 1);
    world.join(0, &mut laptop);
    act(&world, &mut phone, 10);
    drain(&mut world, &mut phone);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut laptop);
    let since_ms = world.since_ms();
    for device in [&mut phone, &mut laptop] {
        let spent = device.replica.act(&HerdAction::Spend(10), since_ms);
        spent.expect("each believes in the coin");
        let shown = device.replica.predicted().expect("shown").state().of(0);
        assert_eq!(shown, 0);
    }
    drain(&mut world, &mut phone);
    drain(&mut world, &mut laptop);
    assert_eq!(phone.answers().last(), Some(&(2, Some(0))));
    assert_eq!(laptop.answers().last(), Some(&(1, Some(8))));
    let shown = laptop.replica.predicted().expect("shown").state();
    assert_eq!((shown.of(0), shown.log.len()), (0, 2));
}

#[test]
fn frames_that_are_pushed_out_of_order_or_twice_or_not_at_all_do_no_harm() {
    let (mut world, mut ann) = joined(2);
    let bob = Raw::joined(&mut world, 0, "bob");
    drain(&mut world, &mut ann);
    for seq in 1..=30 {
        world.pass(FRAME_MS + 1);
        bob.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    }
    let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let mut random = Random::from_seed(3);
    for _ in 0..200 {
        let before = ann.replica.head().v;
        let from = (before as usize).saturating_sub(3);
        let at = (from + random.below(6) as usize).min(frames.len() - 1);
        let since_ms = world.since_ms();
        // A delta, or the whole frame.
        let published = world.published(&frames[at]);
        let bytes = if random.chance(1, 4) {
            &frames[at]
        } else {
            published
        };
        ann.replica.frame(bytes, since_ms);
        let after = ann.replica.head();
        assert!((before..=before + 1).contains(&after.v));
        assert_eq!(after.hash, Hash::of(&frames[after.v as usize - 1]));
    }
    assert_eq!(ann.replica.notes(), [], "nothing to be told");
    drain(&mut world, &mut ann);
    assert_eq!(ann.replica.head(), world.head());
    // Junk on the socket is not a frame of ours: the page may be too old for it.
    ann.replica.frame(&[9, 9, 9], 0);
    assert_eq!(ann.replica.notes(), [Note::Reload]);
}

#[test]
fn replies_that_come_late_twice_or_out_of_order_never_turn_back() {
    let mut world = World::<Herd>::with(2, |settings| settings.recent = 6, ());
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    let bob = Raw::joined(&mut world, 0, "bob");
    drain(&mut world, &mut ann);
    let mut random = Random::from_seed(8);
    let mut replies: Vec<Outcome> = Vec::new();
    let mut snapshots = 0;
    for seq in 1..=200 {
        // Sometimes so much passes that only the state is sent.
        for step in 0..=random.below(4) as u64 * 3 {
            world.pass(FRAME_MS + 1);
            bob.say(&mut world, 0, &[(seq * 100 + step, add(1))]).err();
        }
        world.pass(LEASE_MS + 1);
        bob.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
        let arrival = ann.arrival(world.now_ms);
        let outcome = world.ask(0, vec![arrival]).remove(0);
        let reply = wire::read_reply(&outcome.body).expect("a reply");
        snapshots += usize::from(matches!(reply.news, wire::News::Snapshot(_)));
        replies.push(outcome);
        for _ in 0..random.below(3) {
            let late = random.below(replies.len() as u32) as usize;
            let before = ann.replica.head().v;
            ann.take(&replies[late], world.now_ms);
            let after = ann.replica.head();
            assert!(
                after.v >= before,
                "turned back from {before} to {}",
                after.v
            );
            let bytes = world.log().frames().nth(after.v as usize - 1);
            assert_eq!(bytes.map(Hash::of), Some(after.hash));
        }
    }
    assert_eq!(ann.resets(), 0);
    drain(&mut world, &mut ann);
    assert_eq!(ann.replica.head(), world.head());
    assert!(snapshots < 200);
}

#[test]
fn p05_a_frame_whose_state_is_not_ours_is_a_desync_with_a_dump() {
    let (mut world, mut ann) = joined(1);
    drain(&mut world, &mut ann);
    let bob = Raw::joined(&mut world, 0, "bob");
    drain(&mut world, &mut ann);
    world.pass(LEASE_MS + 1);
    bob.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let bytes = world.log().frames().last().expect("a frame").to_vec();
    let mut frame = Frame::decode(&bytes).expect("a frame");
    frame.state.0[3] ^= 1;
    let head = ann.replica.head();
    let since_ms = world.since_ms();
    assert_eq!(frame.v, head.v + 1);
    ann.replica.frame(&frame.encode(), since_ms);
    assert_eq!(ann.replica.notes(), [Note::Desync]);
    assert_eq!(ann.replica.status(since_ms), Status::Desync);
    let dump = ann.replica.desync().expect("a dump").clone();
    assert_eq!((dump.v, dump.expected), (frame.v, frame.state));
    assert_eq!(dump.computed, world.audit().room.state_hash());
    assert_eq!(dump.frame, frame.encode());
    let room = Room::<Herd>::restore(&dump.room).expect("our room");
    assert_eq!(room.state().of(1), 1);
    // It stays: nothing after it is shown as if all was well.
    let first = world.log().frames().next().expect("a frame").to_vec();
    for bytes in [&bytes, &frame.encode(), &first] {
        ann.replica.frame(bytes, since_ms);
        assert_eq!(ann.replica.status(since_ms), Status::Desync);
        assert_eq!(ann.replica.head(), Head::default(), "nor is it begun anew");
    }
    assert_eq!(ann.replica.notes(), [], "told once");
}

#[test]
fn a_kept_room_is_no_start_for_who_has_one_already() {
    let (mut world, mut ann) = joined(1);
    let kept = ann.replica.save_room().expect("synced");
    act(&world, &mut ann, 3);
    drain(&mut world, &mut ann);
    let head = ann.replica.head();
    assert!(!ann.replica.warm_up(&kept, world.since_ms()));
    assert_eq!(ann.replica.head(), head, "it is not thrown back");
}

#[test]
fn a_snapshot_or_protocol_of_another_build_asks_for_a_reload() {
    let (world, mut ann) = joined(1);
    let since_ms = world.since_ms();
    ann.replica.refused(Some(Code::Protocol), None, since_ms);
    assert_eq!(ann.replica.status(since_ms), Status::Reload);
    assert_eq!(ann.replica.notes(), [Note::Reload]);
    let mut bob = Client::<Herd>::new("bob");
    assert!(!bob.replica.warm_up(&[1, 2, 3], 0), "nothing to start from");
    assert!(!bob.replica.receive(&[1, 2, 3], 0, 0), "not a reply");
    assert_eq!(bob.replica.status(0), Status::Joining);
}

/// The store's time as the client estimates it, by the tick that it shows.
#[test]
fn b23_the_clock_is_estimated_within_half_a_round_trip_whatever_the_devices_clock_says() {
    const TEN_YEARS_MS: u64 = 315_360_000_000;
    for (there_ms, back_ms) in [(0, 0), (80, 80), (0, 400), (400, 0), (30, 1_500)] {
        for own_ms in [0, 5, TEN_YEARS_MS] {
            let mut world = World::<Herd>::new(1);
            let mut ann = Client::<Herd>::new("ann");
            let own = |world: &World<Herd>| world.since_ms() + own_ms;
            for _ in 0..8 {
                let sent_ms = own(&world);
                let request = ann.replica.request(false, sent_ms);
                world.pass(there_ms);
                let outcome = world.ask(0, vec![ann.arrive(request)]).remove(0);
                world.pass(back_ms);
                ann.replica.receive(&outcome.body, sent_ms, own(&world));
                world.pass(250);
            }
            ann.replica.predict(own(&world));
            let shown = ann.replica.predicted().expect("shown").tick() * TICK_MS;
            let now_ms = world.since_ms();
            let wrong_ms = now_ms.abs_diff(shown);
            let most_ms = (there_ms + back_ms) / 2 + TICK_MS;
            assert!(
                wrong_ms <= most_ms,
                "{there_ms}+{back_ms}: {wrong_ms} ms wrong"
            );
        }
    }
}

#[test]
fn a_round_trip_that_ends_before_it_began_is_survived() {
    let (mut world, mut ann) = joined(1);
    let arrival = ann.arrival(world.now_ms);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    assert!(ann.replica.receive(&outcome.body, 10_000, 0));
    for now_ms in [0, 1, u64::MAX / 4] {
        ann.replica.predict(now_ms);
        let ahead = ann.replica.predicted().expect("shown").tick();
        let synced = ann.replica.synced().expect("synced").tick();
        assert!(ahead <= synced + PREDICT_MS / TICK_MS);
    }
}

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
    let mut world = World::<Herd>::new(1);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(0, &mut bob);
    world.exchange(0, &mut ann);
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
    let mut world = World::<Herd>::new(1);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(0, &mut bob);
    world.exchange(0, &mut ann);
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
    let mut world = World::<Herd>::new(1);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(0, &mut bob);
    world.exchange(0, &mut ann);
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

/// What a screen draws between two ticks: the next one, and how far now is into it.
#[test]
fn between_two_ticks_the_next_is_known_and_how_far_now_is_into_it() {
    let (mut world, mut ann) = joined(1);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    let now_ms = world.since_ms();
    ann.replica.predict(now_ms);
    let tick = ann.replica.predicted().expect("joined").tick();
    let ahead = ann.replica.ahead().expect("joined");
    assert_eq!(ahead.tick(), tick + 1);
    assert_eq!(
        ann.replica.predicted().map(Room::tick),
        Some(tick),
        "as it was"
    );
    let start = ann.replica.fraction(now_ms);
    assert!(start < 1_000, "{start}");
    for part in 1..4 {
        let later = ann.replica.fraction(now_ms + part * TICK_MS / 4);
        let expected = u64::from(start) + part * 250;
        assert_eq!(u64::from(later), expected.min(1_000));
    }
    assert_eq!(
        ann.replica.fraction(now_ms + 10 * TICK_MS),
        1_000,
        "not beyond it"
    );
    let nobody = Client::<Herd>::new("bob");
    assert_eq!(
        (
            nobody.replica.ahead().is_none(),
            nobody.replica.fraction(now_ms)
        ),
        (true, 0)
    );
}

#[test]
fn a_device_knows_its_number_once_it_was_told() {
    let mut world = World::<Herd>::new(1);
    let mut first = Client::<Herd>::new("ann");
    let mut second = Client::<Herd>::on("ann", 2);
    assert_eq!(
        (first.replica.number(), second.replica.number()),
        (None, None)
    );
    world.join(0, &mut first);
    world.pass(LEASE_MS + 1);
    world.join(0, &mut second);
    assert_eq!(
        (first.replica.number(), second.replica.number()),
        (Some(0), Some(1))
    );
    assert_eq!(
        (first.replica.player(), second.replica.player()),
        (Some(0), Some(0))
    );
}

#[test]
fn a_device_says_up_to_where_it_knows_the_answers() {
    let (mut world, mut ann) = joined(1);
    let answered = |ann: &mut Client<Herd>, since_ms| {
        let request = ann.replica.request(false, since_ms);
        let request = wire::read_request(&request).expect("as it is written");
        request.device.expect("it has one").answered
    };
    assert_eq!(answered(&mut ann, world.since_ms()), 0);
    for _ in 0..3 {
        act(&world, &mut ann, 1);
    }
    drain(&mut world, &mut ann);
    assert_eq!(answered(&mut ann, world.since_ms()), 3);
    act(&world, &mut ann, 1);
    act(&world, &mut ann, 1);
    assert_eq!(answered(&mut ann, world.since_ms()), 3);
}

#[test]
fn an_action_is_as_long_as_it_may_be_and_no_longer() {
    let (world, mut ann) = joined(1);
    let since_ms = world.since_ms();
    let say = |length: usize| HerdAction::Say("x".repeat(length));
    let most = (0..=MAX_ACTION_BYTES)
        .rev()
        .find(|length| wire::write(&say(*length)).len() == MAX_ACTION_BYTES);
    let most = most.expect("a text of that length");
    assert_eq!(
        ann.replica.act(&say(most + 1), since_ms),
        Err(ActError::TooLarge)
    );
    assert_eq!(ann.replica.pending(), 0);
    assert_eq!(ann.replica.act(&say(most), since_ms), Ok(1));
}

/// A room that is not there any more: who watched it begins anew, and need not load the page again.
#[test]
fn a_room_that_is_gone_is_shown_as_one_that_has_not_begun() {
    let (mut world, mut ann) = joined(1);
    let head = ann.replica.head();
    world.log().roll_back(0);
    world.instances[0].forget();
    drop(ann.arrival(world.now_ms));
    let reply = world.watch_from(0, head);
    assert!(matches!(&reply.news, wire::News::Reset(room) if room.is_empty()));
    let now_ms = world.since_ms();
    assert!(ann.replica.receive(&wire::write(&reply), now_ms, now_ms));
    assert!(!ann.replica.notes().contains(&Note::Reload));
    assert_eq!(ann.replica.head(), Head::default());
    assert!(ann.replica.synced().is_none());
    let since_ms = world.since_ms();
    assert_ne!(ann.replica.status(since_ms), Status::Reload);
}
