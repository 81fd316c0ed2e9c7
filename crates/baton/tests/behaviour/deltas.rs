//! What a live socket brings: frames by what differs from the one before. A replica that is fed
//! with nothing else has the log's own frames.

use baton::frame::{Entry, Frame};
use baton::{Hash, Note, Status};

use crate::support::rules::{Herd, add};
use crate::support::{Client, FRAME_MS, LEASE_MS, Raw, World};

/// A room that has seen everything an entry can be, and a replica of it from its first frame on.
fn watched() -> (World<Herd>, Client<Herd>) {
    let mut world = World::new(3);
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    (world, ann)
}

/// Feeds what was published of the frames that a replica lacks.
fn follow(world: &mut World<Herd>, client: &mut Client<Herd>) {
    let have = client.replica.head().v as usize;
    let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    for frame in &frames[have..] {
        client
            .replica
            .frame(world.published(frame), world.since_ms());
        assert_eq!(client.replica.head().hash, Hash::of(frame));
    }
    assert_eq!(client.replica.head(), world.head());
}

#[test]
fn a_replica_that_is_fed_with_deltas_has_the_frames_of_the_log() {
    let (mut world, mut ann) = watched();
    let mut kinds = std::collections::BTreeSet::new();
    let mut raws: Vec<Raw> = Vec::new();
    for round in 0..40_u64 {
        if round % 8 == 0 {
            raws.push(Raw::joined(&mut world, 0, &format!("raw{round}")));
        }
        // Long enough for the lease to end now and then, so that leadership changes hands.
        world.pass(if round % 5 == 0 {
            2 * LEASE_MS
        } else {
            FRAME_MS + 1
        });
        let instance = (round / 5 % 3) as usize;
        for raw in &raws {
            let seq = 2 * round + 1;
            // The first number that is still kept rises too: where there is a gap, it is vouched for.
            let mut raw = raw.clone();
            raw.hail.kept_from = seq;
            let actions = [(seq, add(1)), (seq + 1, vec![250, 250])];
            raw.say(&mut world, instance, &actions).ok();
        }
        follow(&mut world, &mut ann);
    }
    for frame in world.log().frames() {
        let frame = Frame::decode(frame).expect("a frame");
        kinds.extend(frame.entries.iter().map(|entry| match entry {
            Entry::Act { .. } => "act",
            Entry::Reject { .. } => "reject",
            Entry::Vouch { .. } => "vouch",
            Entry::Register { .. } => "register",
            Entry::Join { .. } => "join",
            Entry::Beat { .. } => "beat",
            _ => "other",
        }));
    }
    for kind in ["act", "reject", "vouch", "register", "join"] {
        assert!(kinds.contains(kind), "no {kind} was seen: {kinds:?}");
    }
    assert!(world.audit().room.epoch() > 3, "leadership changed hands");
    assert_eq!(ann.replica.notes(), []);
    assert_eq!(ann.replica.status(world.since_ms()), Status::Live);
}

#[test]
fn a_delta_of_another_history_is_asked_about_and_changes_nothing() {
    let (mut world, mut ann) = watched();
    let mut other = World::<Herd>::new(1);
    let bob = Raw::joined(&mut other, 0, "bob");
    let raw = Raw::joined(&mut world, 0, "bob");
    follow(&mut world, &mut ann);
    while other.head().v <= ann.replica.head().v {
        other.pass(FRAME_MS + 1);
        let seq = other.head().v;
        bob.say(&mut other, 0, &[(seq, add(1))]).ok();
        other.pass(LEASE_MS + 1);
        bob.say(&mut other, 0, &[]).ok();
    }
    let before = ann.replica.head();
    let strange = other.log().frames().nth(before.v as usize);
    let strange = strange.expect("it is longer").to_vec();
    let strange = other.published(&strange).to_vec();
    world.pass(FRAME_MS + 1);
    let now_ms = world.since_ms();
    ann.replica.frame(&strange, now_ms);
    assert_eq!(ann.replica.head(), before);
    assert!(
        ann.replica.ask_at(true, now_ms) <= now_ms,
        "it asks at once"
    );
    // And goes on with its own.
    raw.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    follow(&mut world, &mut ann);
    assert_eq!(ann.replica.notes(), []);
}

#[test]
fn a_delta_that_nobody_wrote_is_refused() {
    let (mut world, mut ann) = watched();
    let raw = Raw::joined(&mut world, 0, "bob");
    follow(&mut world, &mut ann);
    world.pass(FRAME_MS + 1);
    raw.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let frame = world.log().frames().last().expect("a frame").to_vec();
    let whole = world.published(&frame).to_vec();
    assert!(whole.len() < frame.len());
    let before = ann.replica.head();
    for end in 0..whole.len() {
        let (mut world, mut other) = watched();
        let _: Raw = Raw::joined(&mut world, 0, "bob");
        follow(&mut world, &mut other);
        let start = other.replica.head();
        other.replica.frame(&whole[..end], 0);
        assert_eq!(other.replica.head(), start, "cut at {end}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    ann.replica.frame(&longer, 0);
    assert_eq!(
        (ann.replica.head(), ann.replica.notes()),
        (before, vec![Note::Reload])
    );
}

#[test]
fn what_is_published_of_an_input_is_small() {
    let (mut world, mut ann) = watched();
    let raw = Raw::joined(&mut world, 0, "bob");
    follow(&mut world, &mut ann);
    for seq in 1..=200 {
        world.pass(FRAME_MS + 1);
        raw.say(&mut world, 0, &[(seq, add(1))]).expect("taken");
    }
    let frame = world.log().frames().last().expect("a frame").to_vec();
    let entries = Frame::decode(&frame).expect("a frame").entries.len();
    let (stored, published) = (frame.len(), world.published(&frame).len());
    assert_eq!(entries, 1);
    assert!(
        published <= 42 && published + 28 <= stored,
        "{published} of {stored} bytes"
    );
    follow(&mut world, &mut ann);
}

#[test]
fn what_a_socket_brings_says_what_it_is() {
    let (mut world, ann) = watched();
    let raw = Raw::joined(&mut world, 0, "raw");
    world.pass(FRAME_MS + 1);
    raw.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    drop(ann);
    let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let first = |bytes: &[u8]| bytes[0];
    assert_eq!(first(world.published(&frames[0])), 1, "the first is whole");
    // Pages of other builds listen too: it never changes.
    assert_eq!(
        first(world.published(frames.last().expect("a frame"))),
        0x41
    );
}
