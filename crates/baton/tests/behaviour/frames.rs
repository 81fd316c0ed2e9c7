//! Frames that no draft writes: each is refused by a replay, whoever signed it. What a frame says
//! is never taken on trust.

use baton::frame::{Cut, Entry, Frame};
use baton::limits::MAX_FRAME_ENTRIES;
use baton::wire::Presence;
use baton::{BodyHash, DeviceId, Hash, Lineage, ReplayError, Room, Writer};
use serde_bytes::ByteBuf;

use crate::support::rules::{GRACE_MS, Herd, add};
use crate::support::{LEASE_MS, Raw, World};

/// A room with ann (device 0, session 1 open, mark 2) and bob (device 1, session 1 closed), and a
/// next frame of nothing but a second of time.
fn next() -> (Room<Herd>, Frame) {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1)), (2, add(2))])
        .expect("taken");
    world.pass(LEASE_MS + 1);
    bob.but(Presence::Leaving)
        .say(&mut world, 0, &[])
        .expect("closed");
    let room = world.audit().room;
    let mut frame = world.last_frame();
    (frame.v, frame.previous) = (room.head().v + 1, room.head().hash);
    frame.entries.clear();
    frame.time_ms += 1_000;
    frame.tick += 10;
    (room, frame)
}

/// What a replay of the frame comes to, if its state was right.
fn replay(mut room: Room<Herd>, frame: &Frame) -> Result<(), ReplayError> {
    match room.replay(&frame.encode()) {
        Err(ReplayError::State { expected, .. }) if expected == frame.state => Ok(()),
        other => other.map(|_| ()),
    }
}

#[test]
fn the_frame_that_all_these_are_changes_of_is_good() {
    let (mut room, mut frame) = next();
    assert_eq!(replay(room.clone(), &frame), Ok(()));
    let Err(ReplayError::State { computed, .. }) = room.clone().replay(&frame.encode()) else {
        panic!("its state is another's");
    };
    frame.state = computed;
    room.replay(&frame.encode()).expect("a good frame");
    assert_eq!(room.head().hash, Hash::of(&frame.encode()));
}

#[test]
fn an_envelope_that_does_not_follow_is_refused() {
    type Change = fn(&mut Frame);
    type Expected = fn(&ReplayError) -> bool;
    let changes: [(&str, Change, Expected); 11] = [
        (
            "a version too far",
            |f| f.v += 1,
            |e| matches!(e, ReplayError::NotNext { .. }),
        ),
        (
            "the same version",
            |f| f.v -= 1,
            |e| matches!(e, ReplayError::NotNext { .. }),
        ),
        (
            "another chain",
            |f| f.previous.0[0] ^= 1,
            |e| *e == ReplayError::Previous,
        ),
        (
            "a later layout",
            |f| f.format += 1,
            |e| matches!(e, ReplayError::Frame(_)),
        ),
        (
            "rules not adopted",
            |f| f.rules += 1,
            |e| matches!(e, ReplayError::Rules(_)),
        ),
        (
            "an epoch too far",
            |f| f.epoch += 1,
            |e| *e == ReplayError::Order,
        ),
        (
            "an epoch back",
            |f| f.epoch -= 1,
            |e| *e == ReplayError::Order,
        ),
        (
            "another's epoch",
            |f| f.writer = Writer([9; 8]),
            |e| *e == ReplayError::Order,
        ),
        (
            "time falls",
            |f| (f.tick, f.time_ms) = (f.tick - 10, f.time_ms - 1_001),
            |e| *e == ReplayError::Order,
        ),
        (
            "ticks that had no time",
            |f| f.tick += 2,
            |e| *e == ReplayError::Order,
        ),
        ("ticks fall", |f| f.tick -= 11, |e| *e == ReplayError::Order),
    ];
    for (name, change, expected) in changes {
        let (room, mut frame) = next();
        change(&mut frame);
        let error = replay(room, &frame).expect_err(name);
        assert!(expected(&error), "{name}: {error:?}");
    }
}

/// Entries that make no sense where they stand.
fn nonsense() -> Vec<(&'static str, Vec<Entry>)> {
    let act = |device, seq, body: Vec<u8>| Entry::Act {
        device,
        seq,
        body: ByteBuf::from(body),
    };
    let reject = |seq, code| Entry::Reject {
        device: 0,
        seq,
        code,
        body: BodyHash::default(),
    };
    let join = |device, session, at| Entry::Join {
        device,
        session,
        at,
    };
    let beat = |device, session, at| Entry::Beat {
        device,
        session,
        at,
    };
    let leave = |device, session, at| Entry::Leave {
        device,
        session,
        at,
    };
    let register = |user: &str, name: &str, id: [u8; 16]| Entry::Register {
        user: user.into(),
        name: name.into(),
        id: DeviceId(id),
        client: 1,
    };
    let long = "x".repeat(65);
    let setup = Entry::Setup {
        kind: "herd".into(),
        rules: Hash::default(),
        version: 1,
        config: ByteBuf::new(),
    };
    let acknowledge = Entry::Acknowledge {
        target: "account/a".into(),
        lineage: Lineage::default(),
        upto: 1,
        read_ms: 0,
    };
    let receive = |sender: &str, number, body: Vec<u8>| Entry::Receive {
        sender: sender.into(),
        lineage: Lineage::default(),
        number,
        body: body.into(),
    };
    let decline = |number, code| Entry::Decline {
        sender: "post/a".into(),
        lineage: Lineage::default(),
        number,
        code,
        body: BodyHash::default(),
    };
    let cut = Entry::Cut {
        why: Cut::Cap,
        skip_ms: u64::MAX,
    };
    let lost = Lineage([7; 8]);
    vec![
        ("a number again", vec![act(0, 2, add(1))]),
        ("a hole in the numbers", vec![act(0, 4, add(1))]),
        (
            "the same number twice",
            vec![act(0, 3, add(1)), act(0, 3, add(1))],
        ),
        ("number 0", vec![act(1, 0, add(1))]),
        ("nobody's action", vec![act(2, 1, add(1))]),
        ("not an action", vec![act(0, 3, vec![9])]),
        ("a rejected number again", vec![reject(2, 7)]),
        ("a rejection without a reason", vec![reject(3, 0)]),
        (
            "a word below the mark",
            vec![Entry::Vouch { device: 0, mark: 2 }],
        ),
        ("nobody's word", vec![Entry::Vouch { device: 9, mark: 2 }]),
        ("an open session opens", vec![join(0, 1, 0)]),
        ("a closed session opens", vec![join(1, 1, 0)]),
        ("an older session opens", vec![join(0, 0, 0)]),
        ("nobody comes", vec![join(2, 1, 0)]),
        ("a closed session beats", vec![beat(1, 1, 0)]),
        ("another session beats", vec![beat(0, 2, 0)]),
        ("a closed session leaves", vec![leave(1, 1, 0)]),
        ("an older session leaves", vec![leave(0, 0, 0)]),
        ("a beat in the past", vec![beat(0, 1, 5), beat(0, 1, 4)]),
        ("a beat after the frame", vec![beat(0, 1, 11)]),
        (
            "a device twice",
            vec![register(
                "ann",
                "ann",
                *b"ann\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
            )],
        ),
        ("a long id", vec![register(&long, "a", [1; 16])]),
        ("a long name", vec![register("a", &long, [1; 16])]),
        (
            "whoever is here is forgotten",
            vec![Entry::Evict { device: 0 }],
        ),
        ("nobody is forgotten", vec![Entry::Evict { device: 7 }]),
        ("a second beginning", vec![setup]),
        ("what was never sent arrives", vec![acknowledge]),
        ("a send numbered 0", vec![receive("post/a", 0, add(1))]),
        ("a send of no room", vec![receive("post", 1, add(1))]),
        (
            "a send beyond counting",
            vec![receive("post/a", u64::MAX, add(1))],
        ),
        (
            "a send twice",
            vec![receive("post/a", 1, add(1)), receive("post/a", 1, add(1))],
        ),
        (
            "a send out of order",
            vec![receive("post/a", 2, add(1)), decline(1, 7)],
        ),
        (
            "a send that is no action",
            vec![receive("post/a", 1, vec![9])],
        ),
        ("a send rejected without a reason", vec![decline(1, 0)]),
        (
            "by the rules of before what is of these",
            vec![Entry::Upcast {
                device: 0,
                seq: 3,
                version: 1,
                body: add(1).into(),
            }],
        ),
        ("another history is lost", vec![Entry::Reset { lost }]),
        ("time without end", vec![cut]),
    ]
}

#[test]
fn a_room_says_which_version_it_needs() {
    let (room, mut frame) = next();
    let needed = frame.v;
    for found in [1, needed - 1, needed + 1, u64::MAX] {
        frame.v = found;
        let expected = needed;
        assert_eq!(
            replay(room.clone(), &frame),
            Err(ReplayError::NotNext { expected, found })
        );
    }
    frame.v = 2;
    let genesis = Room::<Herd>::genesis(&frame.encode()).err();
    let (expected, found) = (1, 2);
    assert_eq!(genesis, Some(ReplayError::NotNext { expected, found }));
}

#[test]
fn an_entry_that_makes_no_sense_is_refused_and_named() {
    for (name, entries) in nonsense() {
        let (room, mut frame) = next();
        let last = entries.len() - 1;
        frame.entries = entries;
        assert_eq!(
            replay(room, &frame),
            Err(ReplayError::Entry(last)),
            "{name}"
        );
    }
}

#[test]
fn the_same_entries_make_sense_elsewhere() {
    let (mut room, mut frame) = next();
    // Long enough for ann to be gone.
    frame.time_ms += GRACE_MS;
    frame.entries = vec![
        Entry::Evict { device: 1 },
        Entry::Beat {
            device: 0,
            session: 1,
            at: 5,
        },
        Entry::Act {
            device: 0,
            seq: 3,
            body: ByteBuf::from(add(1)),
        },
        Entry::Vouch { device: 0, mark: 9 },
        Entry::Reject {
            device: 0,
            seq: 10,
            code: 7,
            body: BodyHash::default(),
        },
    ];
    assert_eq!(replay(room.clone(), &frame), Ok(()));
    frame.entries = vec![Entry::Reset {
        lost: room.lineage(),
    }];
    assert_eq!(replay(room.clone(), &frame), Ok(()));
    // A frame that is refused before its entries leaves the room as it was.
    let before = (room.head(), room.state_hash());
    frame.v += 1;
    room.replay(&frame.encode()).expect_err("not the next");
    frame.v -= 1;
    frame.previous = Hash::default();
    room.replay(&frame.encode()).expect_err("another chain");
    assert_eq!((room.head(), room.state_hash()), before);
}

#[test]
fn a_first_frame_must_begin_a_room_of_these_rules() {
    let mut world = World::<Herd>::new(1);
    Raw::joined(&mut world, 0, "ann");
    let first = world.frames().remove(0);
    Room::<Herd>::genesis(&first.encode()).expect("it does");
    let refused = |change: fn(&mut Frame)| {
        let mut frame = first.clone();
        change(&mut frame);
        Room::<Herd>::genesis(&frame.encode()).expect_err("it does not")
    };
    let setup = |frame: &mut Frame, other: &str| {
        let Some(Entry::Setup { kind, .. }) = frame.entries.first_mut() else {
            panic!("it begins with its setup");
        };
        *kind = other.into();
    };
    assert!(matches!(refused(|f| f.v = 2), ReplayError::NotNext { .. }));
    assert_eq!(refused(|f| f.previous.0[1] = 1), ReplayError::Previous);
    assert_eq!(
        refused(|f| drop(f.entries.remove(0))),
        ReplayError::Entry(0)
    );
    assert_eq!(refused(|f| f.entries.clear()), ReplayError::Entry(0));
    assert_eq!(refused(|f| f.epoch = 2), ReplayError::Order);
    assert!(matches!(
        refused(|f| f.state.0[0] ^= 1),
        ReplayError::State { .. }
    ));
    let mut other = first.clone();
    setup(&mut other, "purse");
    let refused = Room::<Herd>::genesis(&other.encode()).err();
    assert!(matches!(refused, Some(ReplayError::Rules(_))));
}

#[test]
fn a_frame_holds_so_many_entries_and_no_more() {
    let (_, mut frame) = next();
    for count in [0, 1, MAX_FRAME_ENTRIES, MAX_FRAME_ENTRIES + 1] {
        frame.entries = vec![Entry::Vouch { device: 0, mark: 9 }; count];
        let read = Frame::decode(&frame.encode()).ok();
        assert_eq!(read.is_some(), count <= MAX_FRAME_ENTRIES, "{count}");
    }
    frame.entries.clear();
    let longer = [&frame.encode()[..], &[0]].concat();
    assert!(Frame::decode(&longer).is_err());
    frame.v = 0;
    assert!(Frame::decode(&frame.encode()).is_err());
}
