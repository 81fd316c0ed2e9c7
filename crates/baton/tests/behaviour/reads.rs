//! What a reader gets: frames while few are missing, else the state; cold instances, trimmed logs,
//! blocks, and stores that tell nonsense.

use baton::effect::{Arrival, Call, Content, Effect, Fed, Found, NEWEST, Outcome};
use baton::frame::Frame;
use baton::limits::SEGMENT;
use baton::wire::{self, News};
use baton::{Code, Hash, Head, Room};
use serde_bytes::ByteBuf;

use crate::support::rules::{Herd, add};
use crate::support::{
    Client, FRAME_MS, Flight, LEASE_MS, Raw, World, head_at, refusal, reply_of, watcher,
};

/// A room of `versions` frames, made by ann through instance 0.
fn grown(instances: usize, recent: u32, versions: u64) -> (World<Herd>, Raw) {
    let mut world = World::with(instances, |settings| settings.recent = recent, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    grow(&mut world, &ann, versions);
    (world, ann)
}

fn grow(world: &mut World<Herd>, ann: &Raw, versions: u64) {
    let mut seq = world.audit().accepted.len() as u64;
    while world.head().v < versions {
        seq += 1;
        world.pass(FRAME_MS + 1);
        ann.say(world, 0, &[(seq, add(1))]).expect("taken");
    }
}

fn frames(news: &News) -> Option<usize> {
    match news {
        News::Frames(frames) => Some(frames.len()),
        News::Snapshot(_) => None,
        News::Reset(_) => panic!("nothing was lost"),
    }
}

#[test]
fn b17_up_to_n_missing_versions_are_frames_and_one_more_is_the_state() {
    const N: u32 = 10;
    for cold in [false, true] {
        let (mut world, _) = grown(2, N, 200);
        let head = world.head();
        for (missing, expected) in [
            (0, Some(0)),
            (1, Some(1)),
            (9, Some(9)),
            (10, Some(10)),
            (11, None),
            (100, None),
        ] {
            if cold {
                world.instances[0].forget();
            }
            let cursor = head_at(world.log(), head.v - missing);
            let reply = world.watch_from(0, cursor);
            assert_eq!(reply.head, head);
            assert_eq!(
                frames(&reply.news),
                expected,
                "{missing} missing, cold: {cold}"
            );
            if let News::Snapshot(bytes) = &reply.news {
                let room = Room::<Herd>::restore(bytes).expect("a room");
                assert_eq!(room.head(), head, "the state at the head, no more to fetch");
            }
        }
    }
}

#[test]
fn b18_the_recent_frames_of_an_instance_are_a_cache() {
    let (mut world, ann) = grown(3, 64, 150);
    let mut bob = Client::new("bob");
    world.join(1, &mut bob);
    for round in 0..60 {
        world.pass(70);
        ann.say(&mut world, 0, &[]).expect("answered");
        let instance = round % 3;
        match round % 4 {
            0 => world.instances[instance].forget(),
            1 => world.replace(instance),
            _ => {}
        }
        world.exchange(instance, &mut bob);
        assert_eq!(bob.replica.head(), world.head());
    }
    assert_eq!(bob.resets(), 0);
}

#[test]
fn a_batch_brings_each_caller_what_that_caller_lacks() {
    let (mut world, _) = grown(2, 20, 100);
    let head = world.head();
    let cursors = [100, 99, 85, 80, 79, 3].map(|v| head_at(world.log(), v));
    for instance in [0, 1] {
        let batch = cursors.iter().map(|cursor| watcher(*cursor)).collect();
        let outcomes = world.ask(instance, batch);
        let told: Vec<_> = outcomes
            .iter()
            .map(|outcome| frames(&reply_of(outcome).expect("answered").news))
            .collect();
        assert_eq!(told, [Some(0), Some(1), Some(15), Some(20), None, None]);
    }
    assert_eq!(world.head(), head);
}

#[test]
fn the_frames_of_a_reply_are_the_bytes_that_were_stored() {
    let (mut world, _) = grown(1, 64, 50);
    let stored: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let cursor = head_at(world.log(), 20);
    let News::Frames(told) = world.watch_from(0, cursor).news else {
        panic!("thirty frames are few");
    };
    assert_eq!(told, stored[20..]);
}

#[test]
fn an_instance_that_slept_beyond_the_ring_starts_from_a_snapshot_without_alarm() {
    let (mut world, ann) = grown(2, 64, 10);
    world.watch(1);
    // 512 frames are kept; the one that instance 1 holds is not among them any more.
    grow(&mut world, &ann, 600);
    let mut bob = Client::new("bob");
    world.pass(LEASE_MS + 1);
    world.join(1, &mut bob);
    assert_eq!(bob.replica.head(), world.head());
    assert_eq!(world.audit().resets, 0, "trimmed is not lost");
    assert_eq!(world.last_frame().writer.0[0], 2, "and it may lead");
}

#[test]
fn a_cold_instance_needs_one_read_and_a_warm_holder_none() {
    let (mut world, ann) = grown(2, 64, 200);
    let reads = world.count.reads;
    world.pass(FRAME_MS + 1);
    ann.say(&mut world, 0, &[(300, add(1))])
        .expect_err("a gap, but one look at it");
    assert_eq!(world.count.reads, reads + 1);
    let seq = world.audit().accepted.len() as u64 + 1;
    ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    let (seq, before) = (seq + 1, world.count);
    world.pass(FRAME_MS + 1);
    ann.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    assert_eq!(
        world.count.reads, before.reads,
        "one round trip: append and read"
    );
    assert_eq!(world.count.appends, before.appends + 1);
    world.replace(1);
    let mut flight = Flight::begin(&mut world, 1, vec![watcher(Head::default())]);
    let Some(Effect::Read(read)) = flight.asks() else {
        panic!("a cold instance reads");
    };
    assert_eq!((read.known.v, read.since), (0, NEWEST));
    flight.step(&mut world);
    flight.step(&mut world);
    assert!(flight.outcomes().is_some(), "one read is enough");
}

#[test]
fn a_full_block_that_ends_in_the_named_hash_is_served_and_nothing_else() {
    let (mut world, _) = grown(2, 64, 3 * SEGMENT + 5);
    let stored: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let ask = |world: &mut World<Herd>, first: u64, last: u64, hash: String| -> Outcome {
        let call = Call::Block { first, last, hash };
        world.ask(1, vec![Arrival { who: None, call }]).remove(0)
    };
    for block in 1..=3 {
        let last = block * SEGMENT;
        let hash = format!("{}", head_at(world.log(), last).hash);
        let outcome = ask(&mut world, last - SEGMENT + 1, last, hash.clone());
        assert_eq!((outcome.status, outcome.content), (200, Content::Block));
        let (told, rest): (Vec<ByteBuf>, _) =
            postcard::take_from_bytes(&outcome.body).expect("a list of frames");
        assert!(rest.is_empty());
        let from = (last - SEGMENT) as usize;
        assert_eq!(told, stored[from..last as usize]);
        let refused = ask(&mut world, last - SEGMENT, last, hash.clone());
        assert_eq!(
            reply_of(&refused).expect_err("not aligned").0,
            Code::NotFound
        );
        let refused = ask(
            &mut world,
            last - SEGMENT + 1,
            last,
            hash.replace(&hash[..1], "x"),
        );
        assert_eq!(
            reply_of(&refused).expect_err("not a hash").0,
            Code::NotFound
        );
        let other = format!("{}", Hash::of(b"other"));
        let refused = ask(&mut world, last - SEGMENT + 1, last, other);
        assert_eq!(
            reply_of(&refused).expect_err("another end").0,
            Code::NotFound
        );
    }
    // The tail is never a block.
    let hash = format!("{}", world.head().hash);
    let tail = ask(&mut world, 3 * SEGMENT + 1, 4 * SEGMENT, hash);
    assert_eq!(reply_of(&tail).expect_err("not full").0, Code::NotFound);
}

/// A store whose answer to a read is changed before the handler sees it.
fn told(versions: u64, change: impl Fn(&mut Found)) -> (World<Herd>, Outcome) {
    let (mut world, _) = grown(2, 64, versions);
    let mut flight = Flight::begin(&mut world, 1, vec![watcher(Head::default())]);
    let mut outcome = None;
    for _ in 0..20 {
        if let Some(outcomes) = flight.outcomes() {
            outcome = Some(outcomes[0].clone());
            break;
        }
        let effect = flight.asks().expect("an effect").clone();
        let fed = world.perform(&effect).expect("a result");
        let Fed::Read(mut found) = fed else {
            panic!("a watcher writes nothing");
        };
        change(&mut found);
        flight.feed(&mut world, Fed::Read(found));
    }
    (world, outcome.expect("it ends"))
}

type Change = fn(&mut Found);

#[test]
fn a_store_that_tells_nonsense_is_never_believed_and_never_makes_a_frame() {
    let nonsense: [(&str, Change); 10] = [
        ("a cut snapshot", |found| {
            found.snapshot.as_mut().expect("one").truncate(100);
        }),
        ("a changed snapshot", |found| {
            let bytes = found.snapshot.as_mut().expect("one");
            let last = bytes.len() - 20;
            bytes[last] ^= 1;
        }),
        ("no snapshot", |found| found.snapshot = None),
        ("nothing after the snapshot, ever", |found| {
            found.frames.clear()
        }),
        ("a little each time, and then it is lost", |found| {
            found.frames.truncate(2);
            found.known = None;
        }),
        ("a hole", |found| drop(found.frames.remove(2))),
        ("a frame twice", |found| {
            let frame = found.frames[1].clone();
            found.frames.insert(1, frame);
        }),
        ("a changed frame", |found| {
            let frame = found.frames.last_mut().expect("one");
            frame[60] ^= 1;
        }),
        ("a head that is not there", |found| found.head.v += 1),
        ("another hash", |found| found.head.hash = Hash([3; 16])),
    ];
    for (name, change) in nonsense {
        let (mut world, outcome) = told(70, change);
        let frames = world.head().v;
        match reply_of(&outcome) {
            // Said twice is said once.
            Ok(reply) => assert_eq!((name, reply.head), ("a frame twice", world.head())),
            Err((code, _)) => assert_eq!(code, Code::Corrupt, "{name}"),
        }
        assert_eq!(frames, 70, "{name}");
        // The next request is of a store in its right mind.
        assert_eq!(world.watch(1).head, world.head(), "{name}");
        assert_eq!(world.audit().resets, 0, "{name}");
    }
}

#[test]
fn a_later_head_that_is_never_shown_is_not_asked_for_again_and_again() {
    let (mut world, _) = grown(2, 64, 70);
    world.watch(1);
    world.pass(LEASE_MS + 1);
    let head = world.head();
    let mut flight = Flight::begin(&mut world, 1, vec![watcher(head)]);
    let effect = flight.asks().expect("a read").clone();
    let Some(Fed::Read(mut found)) = world.perform(&effect) else {
        panic!("{effect:?}");
    };
    found.head.v += 1;
    flight.feed(&mut world, Fed::Read(found));
    let outcome = &flight.outcomes().expect("no second read")[0];
    assert_eq!(refusal(outcome).0, Some(Code::Corrupt));
}

/// No frame follows it whose replay would tell.
#[test]
fn a_snapshot_at_the_head_with_any_bit_flipped_is_refused() {
    let length = told(SEGMENT, |_| {})
        .0
        .found()
        .snapshot
        .map_or(0, |s| s.len());
    assert!(length > 100);
    for at in (0..length).step_by(7) {
        let (_, outcome) = told(SEGMENT, |found| {
            let bytes = found.snapshot.as_mut().expect("one");
            bytes[at] ^= 1 << (at % 8);
        });
        let refused = reply_of(&outcome).expect_err("believed a changed snapshot");
        assert_eq!(refused.0, Code::Corrupt, "byte {at}");
    }
}

#[test]
fn a_read_that_ends_before_the_head_is_read_on() {
    let (mut world, _) = grown(2, 64, 100);
    let mut flight = Flight::begin(&mut world, 1, vec![watcher(Head::default())]);
    let mut reads = 0;
    while flight.outcomes().is_none() {
        reads += 1;
        let effect = flight.asks().expect("an effect").clone();
        let Some(Fed::Read(mut found)) = world.perform(&effect) else {
            panic!("a watcher writes nothing");
        };
        // A store may bring a part: here, at most 10 of 36 frames.
        found.frames.truncate(10);
        flight.feed(&mut world, Fed::Read(found));
    }
    assert_eq!(reads, 4);
    let reply = reply_of(&flight.outcomes().expect("landed")[0]).expect("answered");
    assert_eq!(reply.head, world.head());
}

#[test]
fn who_has_nothing_gets_all_frames_of_a_short_log_and_of_a_longer_one_the_state() {
    let (mut world, _) = grown(1, 256, SEGMENT);
    let whole = world.watch(0);
    assert_eq!(frames(&whole.news), Some(SEGMENT as usize));
    let (mut world, _) = grown(1, 256, SEGMENT + 1);
    assert_eq!(frames(&world.watch(0).news), None);
}

#[test]
fn the_view_is_json_of_the_newest_state() {
    let (mut world, _) = grown(2, 64, 20);
    let call = Call::View;
    let outcome = world.ask(1, vec![Arrival { who: None, call }]).remove(0);
    assert_eq!((outcome.status, outcome.content), (200, Content::Json));
    let view: serde_json::Value = serde_json::from_slice(&outcome.body).expect("JSON");
    assert_eq!(view["v"], world.head().v);
    assert_eq!(view["present"][0]["name"], "the ann");
    assert_eq!(view["game"]["herd"], world.audit().room.state().herd.len());
    let mut empty = World::<Herd>::new(1);
    let call = Call::View;
    let outcome = empty.ask(0, vec![Arrival { who: None, call }]).remove(0);
    assert_eq!(reply_of(&outcome).expect_err("no room").0, Code::NotFound);
    assert_eq!(empty.head().v, 0, "looking makes no room");
}

#[test]
fn frames_are_small() {
    let (mut world, _) = grown(1, 64, 40);
    let one = |bytes: &[u8]| Frame::decode(bytes).expect("a frame").entries.len() == 1;
    let sizes: Vec<usize> = world
        .log()
        .frames()
        .filter(|bytes| one(bytes))
        .map(<[u8]>::len)
        .collect();
    assert!(sizes.len() > 30);
    assert!(sizes.iter().all(|size| *size < 80), "{sizes:?}");
    let request = wire::write(&1_u8);
    assert_eq!(request.len(), 1);
}
