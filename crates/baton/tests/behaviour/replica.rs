//! The replica: two states, a queue that survives, and replies and frames in any order.

use baton::effect::Outcome;
use baton::frame::Frame;
use baton::limits::{MAX_ACTION_BYTES, WINDOW};
use baton::{ActError, Code, Hash, Head, Note, Random, Room, Status, wire};

use crate::support::rules::{Herd, HerdAction, MOST, TOO_MUCH, add};
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
