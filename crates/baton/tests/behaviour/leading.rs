//! Who frames: election, following, takeover, stepping down, and what does not matter to it.

use std::collections::BTreeMap;

use baton::frame::Entry;
use baton::wire::News;
use baton::{Head, PREDICT_MS, Room, Status, Writer};

use crate::support::rules::{Herd, HerdAction, add};
use crate::support::{Client, FRAME_MS, Flight, IDLE_MS, LEASE_MS, Raw, World};

fn writer(instance: u64) -> Writer {
    Writer((instance + 1).to_le_bytes())
}

#[test]
fn j03_a_joiner_gets_the_state_and_then_every_version_without_gap_or_repeat() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    for round in 0..100 {
        world.pass(LEASE_MS + 1);
        let said = ann.say(&mut world, 0, &[(round + 1, add(1))]);
        said.expect("taken");
    }
    let mut bob = Raw::new("bob");
    world.pass(LEASE_MS + 1);
    let reply = bob.say(&mut world, 1, &[]).expect("answered");
    let News::Snapshot(bytes) = &reply.news else {
        panic!("more is missing than is worth sending: {:?}", reply.news);
    };
    let mut room = Room::<Herd>::restore(bytes).expect("a room");
    assert_eq!((room.head(), reply.head), (world.head(), world.head()));
    for round in 0..40 {
        bob.cursor = room.head();
        world.pass(90);
        let said = ann.say(&mut world, 0, &[(101 + round, add(1))]);
        said.expect("taken in");
        let reply = bob.say(&mut world, 1, &[]).expect("answered");
        let News::Frames(frames) = &reply.news else {
            panic!("a joiner is never thrown back: {:?}", reply.news);
        };
        for frame in frames {
            let frame = room.replay(frame).expect("the very next version");
            let begins = |entry: &Entry| matches!(entry, Entry::Setup { .. });
            assert!(!frame.entries.iter().any(begins), "no second beginning");
        }
        assert_eq!(room.head(), reply.head);
    }
    assert_eq!(room.present().len(), 2);
}

#[test]
fn j05_what_a_client_says_of_itself_is_no_state() {
    let play = |forge: bool| {
        let mut world = World::<Herd>::new(1);
        world.nonce_by_time = true;
        let mut ann = Raw::joined(&mut world, 0, "ann");
        for round in 0..20 {
            if forge {
                ann.cursor = Head {
                    v: 1 + round % 5,
                    ..Head::default()
                };
                ann.hail.answered = u64::MAX;
            }
            world.pass(110);
            let said = ann.say(&mut world, 0, &[(round + 1, add(1))]);
            said.expect("taken");
        }
        let log: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
        log
    };
    assert_eq!(play(false), play(true));
}

/// What a script commits, byte for byte.
fn committed(instances: usize, change: impl Fn(&mut World<Herd>, u64)) -> Vec<Vec<u8>> {
    let mut world = World::<Herd>::new(instances);
    world.nonce_by_time = true;
    let mut clients = [Client::new("ann"), Client::new("bob"), Client::new("cyd")];
    for round in 0..400 {
        change(&mut world, round);
        let index = (round % 3) as usize;
        let client = &mut clients[index];
        let since_ms = world.since_ms();
        if client.replica.pending() < 3 {
            // Refused until the client has joined.
            let _ = client.replica.act(&HerdAction::Add(round as i64), since_ms);
        }
        let instance = (round as usize * 7 / 5) % instances;
        world.exchange(instance, &mut clients[index]);
        world.pass(13 + round % 5 * 17);
    }
    assert!(world.audit().accepted.len() > 50, "the script does a lot");
    world.log().frames().map(<[u8]>::to_vec).collect()
}

#[test]
fn j07_dropping_all_memory_between_any_two_requests_changes_nothing_committed() {
    let kept = committed(1, |_, _| {});
    let dropped = committed(1, |world, _| world.instances[0].forget());
    let sometimes = committed(1, |world, round| {
        if round % 3 == 1 {
            world.instances[0].forget();
        }
    });
    assert!(kept.len() > 50);
    assert_eq!(kept, dropped);
    assert_eq!(kept, sometimes);
}

#[test]
fn j18_ten_minutes_of_skew_between_instances_change_nothing() {
    const SKEW_MS: i64 = 600_000;
    let straight = committed(4, |_, _| {});
    let skewed = committed(4, |world, round| {
        let back = if round % 2 == 0 { -SKEW_MS } else { SKEW_MS };
        world.skews_ms = vec![SKEW_MS, -SKEW_MS, back, 0];
    });
    assert_eq!(straight, skewed);
}

#[test]
fn j10_the_first_join_elects_a_leader_where_there_is_none() {
    let mut world = World::<Herd>::new(3);
    let mut raw = Raw::new("ann");
    raw.join(&mut world, 2);
    assert_eq!(world.last_frame().writer, writer(2));
    assert!(world.found_now().lease.is_some());
    world.pass(LEASE_MS + 1);
    assert!(world.found_now().lease.is_none(), "a lease always ends");
    Raw::joined(&mut world, 1, "bob");
    let last = world.last_frame();
    assert_eq!((last.writer, last.epoch), (writer(1), 2));
}

#[test]
fn j11_a_follower_never_appends_while_the_lease_lives() {
    let mut world = World::<Herd>::new(4);
    let ann = Raw::joined(&mut world, 0, "ann");
    let mut seq = 0;
    for round in 0..60 {
        // The leader comes often enough to keep the lease.
        world.pass(FRAME_MS + 1);
        seq += 1;
        ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
        let before = world.count;
        for (late_ms, follower) in [(10, 1), (40, 2), (49, 3)] {
            world.pass(late_ms);
            if round % 3 == 0 {
                world.instances[follower].forget();
            }
            seq += 1;
            ann.say(&mut world, follower, &[(seq, add(1))])
                .expect("taken in");
        }
        let after = world.count;
        assert_eq!((after.appends, after.lost), (before.appends, before.lost));
        assert_eq!(after.pushes, before.pushes + 3);
    }
    world.settle();
    let audit = world.audit();
    assert_eq!(audit.accepted.len() as u64, seq, "all were forwarded");
    let followers = audit.frames.iter().filter(|f| f.writer != writer(0));
    assert_eq!(followers.count(), 0);
}

#[test]
fn j12_a_leader_that_has_company_frames_what_others_pushed_before_it_renews_its_lease() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 1, "bob");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    for round in 1..=20 {
        world.pass(10);
        bob.say(&mut world, 1, &[(round, add(1))])
            .expect("taken in");
        assert_eq!(world.log().waiting(), 1);
        world.pass(FRAME_MS);
        ann.say(&mut world, 0, &[(round + 1, add(1))])
            .expect("taken");
        assert_eq!(world.log().waiting(), 0, "round {round}");
    }
    let head = world.last_frame();
    assert_eq!(head.writer, writer(0), "the lease was kept throughout");
}

#[test]
fn j12_clients_of_followers_see_the_same_game_no_later_than_a_poll() {
    let mut world = World::<Herd>::new(3);
    let mut clients = [Client::new("ann"), Client::new("bob"), Client::new("cyd")];
    for (instance, client) in clients.iter_mut().enumerate() {
        world.join(instance, client);
    }
    let mut seen: BTreeMap<u64, baton::Hash> = BTreeMap::new();
    let mut shared = 0;
    for round in 0..200 {
        world.pass(60);
        let (index, since_ms) = (round % 3, world.since_ms());
        let acted = clients[index].replica.act(&HerdAction::Roll, since_ms);
        acted.expect("the rules allow it");
        world.exchange(index, &mut clients[index]);
        let room = clients[index].replica.synced().expect("synced");
        assert_eq!(
            room.head(),
            world.head(),
            "an answer is never behind the log"
        );
        if let Some(hash) = seen.insert(room.head().v, room.state_hash()) {
            shared += 1;
            assert_eq!(hash, room.state_hash());
        }
    }
    assert!(shared > 30, "versions seen on several instances: {shared}");
}

#[test]
fn j13_a_dead_leader_is_replaced_when_its_lease_ends_and_not_before() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let framed_ms = world.now_ms;
    // The leader dies with a request in its hands.
    world.pass(FRAME_MS + 1);
    let last = Flight::begin(&mut world, 0, vec![ann.arrival(&[(2, add(2))])]);
    assert!(last.asks_append());
    drop(last);
    let mut seq = 0;
    while world.last_frame().writer == writer(0) {
        world.pass(10);
        seq += 1;
        bob.say(&mut world, 1, &[(seq, add(10))]).expect("taken in");
        assert!(world.now_ms <= framed_ms + LEASE_MS + 10, "too late");
    }
    assert!(world.now_ms >= framed_ms + LEASE_MS, "too early");
    let frame = world.last_frame();
    assert_eq!((frame.writer, frame.epoch), (writer(1), 2));
    assert_eq!(world.log().waiting(), 0, "what waited was framed at once");
    // What the dead had not appended comes again from its client.
    ann.say(&mut world, 1, &[(2, add(2))]).expect("taken in");
    world.settle();
    let amounts = world.audit().room.state().amounts();
    assert_eq!(amounts.iter().filter(|amount| **amount == 2).count(), 1);
    assert_eq!(
        amounts.iter().filter(|amount| **amount == 10).count() as u64,
        seq
    );
}

#[test]
fn j13_time_alone_is_framed_at_most_every_idle_time_and_by_whoever_is_asked() {
    let mut world = World::<Herd>::new(3);
    let ann = Raw::joined(&mut world, 0, "ann");
    let frames = world.head().v;
    let start_ms = world.now_ms;
    let mut cursor = world.head();
    while world.now_ms < start_ms + 2_900 {
        world.pass(90);
        let instance = (world.now_ms / 90 % 3) as usize;
        cursor = world.watch_from(instance, cursor).head;
    }
    assert_eq!(world.head().v, frames + 2_900 / IDLE_MS, "only time passed");
    let audit = world.audit();
    let behind_ms = world.now_ms - audit.frames.last().expect("frames").time_ms;
    assert!(behind_ms < IDLE_MS + 90);
    drop(ann);
}

#[test]
fn j13_a_client_without_news_shows_stalled_and_never_old_state_as_fresh() {
    let mut world = World::<Herd>::new(1);
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    world.exchange(0, &mut ann);
    let tick = ann.replica.synced().expect("synced").tick();
    let framed_ms = world.since_ms();
    let most = tick + PREDICT_MS / 100;
    for passed_ms in (0..PREDICT_MS * 2).step_by(250) {
        let since_ms = framed_ms + passed_ms;
        ann.replica.predict(since_ms);
        let status = ann.replica.status(since_ms);
        let expected = match passed_ms > PREDICT_MS {
            true => Status::Stalled,
            false => Status::Live,
        };
        assert_eq!(status, expected, "{passed_ms} ms without news");
        let shown = ann.replica.predicted().expect("shown").tick();
        assert_eq!(shown, (tick + passed_ms / 100).min(most));
    }
    world.pass(PREDICT_MS * 2);
    world.exchange(0, &mut ann);
    assert_eq!(ann.replica.status(world.since_ms()), Status::Live);
}

/// The leader stands still for three leases at every point of a request, while another leads.
#[test]
fn j17_a_leader_paused_for_three_leases_gets_no_frame_in_and_steps_down_at_once() {
    let mut refused = 0;
    for (warm, before_pause) in [(true, 0), (true, 1), (false, 0), (false, 1), (false, 2)] {
        let mut world = World::<Herd>::new(2);
        let ann = Raw::joined(&mut world, 0, "ann");
        let bob = Raw::joined(&mut world, 0, "bob");
        world.pass(FRAME_MS + 1);
        if !warm {
            world.instances[0].forget();
        }
        let mut flight = Flight::begin(&mut world, 0, vec![ann.arrival(&[(1, add(1))])]);
        assert_eq!(flight.asks_append(), warm, "a warm holder leads at once");
        for _ in 0..before_pause {
            flight.step(&mut world);
        }
        let appended = world.last_frame().writer == writer(0) && warm && before_pause == 1;
        for round in 1..=6 {
            world.pass(LEASE_MS / 2 + 1);
            bob.say(&mut world, 1, &[(round, add(10))])
                .expect("taken in");
        }
        let at_resume = world.head().v;
        assert_eq!(world.last_frame().writer, writer(1), "another leads");
        let lost = world.count.lost;
        flight.finish(&mut world);
        let own = world.frames().into_iter().skip(at_resume as usize);
        assert_eq!(own.filter(|frame| frame.writer == writer(0)).count(), 0);
        let tries = world.count.lost - lost;
        assert!(tries <= 1, "one refusal is enough, not {tries}");
        refused += tries;
        // And nothing is missing: what it had in hand waits for the new leader.
        world.settle();
        let amounts = world.audit().room.state().amounts();
        assert_eq!(amounts.iter().filter(|a| **a == 1).count(), 1, "{appended}");
    }
    assert!(refused >= 3, "the pause hit appends: {refused}");
}

#[test]
fn a_lost_append_is_tried_again_and_then_followed() {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(LEASE_MS + 1);
    let mut flight = Flight::begin(&mut world, 0, vec![ann.arrival(&[(1, add(1))])]);
    let mut tries = 0;
    let mut seq = 0;
    while flight.outcomes().is_none() {
        if flight.asks_append() {
            tries += 1;
            // Somebody is always faster, and so slow to answer that the lease is over by then.
            seq += 1;
            bob.say(&mut world, 1, &[(seq, add(10))]).expect("taken");
            flight.step(&mut world);
            world.pass(2 * LEASE_MS + 1);
        } else {
            flight.step(&mut world);
        }
    }
    assert_eq!(tries, 3, "then the request follows");
    assert_eq!(world.log().waiting(), 1, "its action waits in the inbox");
    world.settle();
    let audit = world.audit();
    assert_eq!(audit.room.state().of(0), 1);
    assert_eq!(audit.resets, 0, "a rival is no break");
}
