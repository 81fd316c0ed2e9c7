//! Void frames, holes, repeated and late writes, lost writes, stale reads: what counts and what not.

use baton::Head;
use baton::effect::{Effect, Fed, Note, Read};
use baton::limits::SEGMENT;
use baton::slots::{Answer, Call};

use super::{Desk, effect, frame, head_of, read_from};

fn writes_slot(call: &Call) -> bool {
    matches!(call, Call::FieldSet { key, .. } if key.contains(":log:"))
}

#[test]
fn a_void_frame_stays_in_its_slot_and_is_stepped_over() {
    let mut desk = Desk::grown(5);
    let stale = frame(desk.heads[3], 9);
    assert_eq!(desk.shelf.put(6, &stale.frame), Answer::Done);
    // Instance 0 does not know of it yet: refused, and told so.
    let next = frame(desk.last(), 1);
    let fed = desk.shelf.perform(0, &effect(&next));
    assert!(matches!(fed, Fed::Appended(false, _)), "{fed:?}");
    assert!(desk.append(0, 1), "in the slot after it");
    assert!(desk.shelf.segment(0).contains_key(&7));
    assert_eq!(desk.shelf.log().len(), 6);
    assert!(desk.append(1, 2), "a cold instance counts the same");
    desk.check_cold();
}

#[test]
fn nothing_is_appended_behind_a_hole() {
    let mut desk = Desk::grown(8);
    desk.lose(7);
    let next = frame(desk.last(), 1);
    assert_eq!(
        desk.shelf.perform(0, &effect(&next)),
        Fed::Failed,
        "nobody knows"
    );
    let found = desk.read(0, desk.last());
    assert_eq!((found.known, found.trimmed), (None, false), "a break");
    assert_eq!(found.head, desk.heads[6]);
    desk.heads.truncate(7);
    assert!(desk.append(0, 3), "the hole is filled");
    assert!(desk.shelf.segment(0).contains_key(&7));
    // What lies behind it, in slots 8 and 9, is of another history: void.
    assert!(desk.append(0, 3));
    assert!(desk.shelf.segment(0).contains_key(&10));
    assert_eq!(desk.shelf.log().len(), 8);
    desk.check_cold();
}

#[test]
fn a_cold_reader_stops_at_any_hole() {
    let mut desk = Desk::grown(8);
    desk.lose(3);
    let found = desk.shelf.found_cold(0);
    assert_eq!(found.head, desk.heads[2], "a cold reader stops there");
}

#[test]
fn a_write_that_is_repeated_after_a_failover_does_not_make_two_games() {
    let mut desk = Desk::new();
    assert!(desk.append(0, 1));
    assert!(desk.append(1, 2), "B's frame, on top of A's");
    let (one, two) = (desk.heads[1], desk.heads[2]);
    // The store loses both, and B's transport repeats its write.
    assert!(desk.shelf.keys.roll_back(100) > 0);
    desk.shelf.put(2, &frame(one, 2).frame);
    let third = frame(two, 2);
    let fed = desk.shelf.perform(1, &effect(&third));
    assert_eq!(
        fed,
        Fed::Failed,
        "the frame it names is there, the one before is not"
    );
    let found = desk.read(1, two);
    assert_eq!(
        (found.known, found.head),
        (None, Head::default()),
        "a break"
    );
    // C, cold, fills the first slot: one game.
    desk.heads.truncate(1);
    assert!(desk.append(2, 7));
    assert_eq!(desk.read(1, Head::default()).head, desk.last());
    desk.check_cold();
}

/// Two segments are read by two calls. Between them the store loses the end of the first, others write it anew, and a
/// write to the lost end comes late into the second (found by seed 100030180 of the simulator).
#[test]
fn a_read_that_a_loss_divides_shows_no_frame_that_never_counted() {
    let mut desk = Desk::grown(SEGMENT);
    let known = desk.last();
    assert_eq!(desk.read(1, known).head, known, "it is warm");
    let late = frame(known, 1);
    let mut anew = vec![desk.heads[60]];
    let mut divided = false;
    let read = Effect::Read(read_from(known));
    let fed = desk.shelf.perform_with(1, &read, |shelf, call| {
        let next = matches!(call, Call::Fields { key, .. } if *key == super::log_key(SEGMENT + 1));
        if next && !divided {
            divided = true;
            for slot in 61..=SEGMENT {
                let frame = frame(anew[anew.len() - 1], 5);
                anew.push(head_of(&frame));
                let key = super::log_key(slot);
                let fields = vec![slot];
                shelf.keys.perform(&Call::FieldsDelete { key, fields });
                shelf.put(slot, &frame.frame);
            }
            shelf.put(SEGMENT + 1, &late.frame);
        }
        None
    });
    assert!(divided);
    let Fed::Read(found) = fed else {
        panic!("a read ends in {fed:?}");
    };
    assert_eq!(found.head, anew[anew.len() - 1]);
}

#[test]
fn a_frame_counts_only_by_what_is_read_after_its_write() {
    let mut desk = Desk::grown(4);
    let next = frame(desk.last(), 1);
    let mut written = false;
    let fed = desk.shelf.perform_with(0, &effect(&next), |shelf, call| {
        if writes_slot(call) {
            // The store loses what the frame follows, just before.
            shelf.keys.perform(&Call::FieldsDelete {
                key: super::log_key(4),
                fields: vec![4],
            });
            written = true;
        }
        None
    });
    assert!(written);
    assert_eq!(fed, Fed::Failed);
    assert_eq!(desk.read(0, desk.heads[3]).head, desk.heads[3]);
}

#[test]
fn another_frame_in_the_slot_is_lost_and_nothing_else_is() {
    let mut desk = Desk::grown(4);
    let (ours, theirs) = (frame(desk.last(), 1), frame(desk.last(), 2));
    desk.shelf.put(5, &theirs.frame);
    let fed = desk.shelf.perform(0, &effect(&ours));
    let Fed::Appended(false, found) = fed else {
        panic!("{fed:?}");
    };
    assert_eq!(found.head, head_of(&theirs), "and what the store holds now");
    // Refused, and an old copy says that nothing is there: that proves nothing.
    let mut desk = Desk::grown(4);
    let next = frame(desk.last(), 1);
    let fed = desk.shelf.perform_with(0, &effect(&next), |_, call| {
        writes_slot(call).then_some(Answer::Refused)
    });
    assert_eq!(fed, Fed::Failed);
    for answer in [Answer::Failed, Answer::WrongType] {
        let next = frame(desk.last(), 1);
        let fed = desk.shelf.perform_with(0, &effect(&next), |_, call| {
            writes_slot(call).then(|| answer.clone())
        });
        assert_eq!(fed, Fed::Failed, "{answer:?}");
    }
    assert!(desk.append(0, 1), "and it goes on");
}

#[test]
fn a_write_that_the_transport_made_twice_is_appended() {
    let mut desk = Desk::grown(4);
    let next = frame(desk.last(), 1);
    let fed = desk.shelf.perform_with(0, &effect(&next), |shelf, call| {
        if writes_slot(call) {
            shelf.keys.perform(call);
        }
        None
    });
    assert!(matches!(fed, Fed::Appended(true, _)), "{fed:?}");
}

#[test]
fn a_write_without_answer_is_found_by_the_next_read_or_not_at_all() {
    let mut desk = Desk::grown(4);
    let next = frame(desk.last(), 1);
    let done = |desk: &mut Desk, really: bool| {
        desk.shelf.perform_with(0, &effect(&next), |shelf, call| {
            writes_slot(call).then(|| {
                if really {
                    shelf.keys.perform(call);
                }
                Answer::Failed
            })
        })
    };
    assert_eq!(done(&mut desk, false), Fed::Failed);
    assert_eq!(desk.read(0, desk.last()).head, desk.last(), "not done");
    assert_eq!(done(&mut desk, true), Fed::Failed);
    let found = desk.read(0, desk.last());
    assert_eq!(
        (found.head, found.frames.len()),
        (head_of(&next), 1),
        "done"
    );
    // The same effect once more: the frame is in the log.
    let fed = desk.shelf.perform(0, &effect(&next));
    assert!(matches!(fed, Fed::Appended(true, _)), "{fed:?}");
}

#[test]
fn plain_gets_from_old_copies_decide_nothing() {
    let mut desk = Desk::new();
    for _ in 0..200 {
        desk.shelf.pass(20);
        let append = frame(desk.last(), 1);
        let instance = usize::from(append.v.is_multiple_of(7));
        let fed = desk
            .shelf
            .perform_with(instance, &effect(&append), |shelf, call| {
                Some(shelf.keys.perform_stale(call))
            });
        if fed == Fed::Failed {
            // A sealed segment's copy is a hash still: read it again.
            assert_eq!(desk.read(instance, Head::default()).head, desk.last());
            continue;
        }
        match fed {
            Fed::Appended(true, found) => desk.heads.push(found.head),
            other => panic!("{other:?}"),
        }
    }
    desk.check_cold();
}

#[test]
fn a_read_that_fails_fails_the_effect() {
    let mut desk = Desk::grown(70);
    for nth in 0..8 {
        let mut seen = 0;
        desk.shelf.slots[2].forget();
        let read = Effect::Read(Read::default());
        let fed = desk.shelf.perform_with(2, &read, |_, _| {
            seen += 1;
            (seen == nth + 1).then_some(Answer::Failed)
        });
        // The lease is a hint: without it a room seems free, and the append decides.
        let lease = matches!(&fed, Fed::Read(found) if found.lease.is_none());
        assert!(fed == Fed::Failed || lease || seen <= nth, "{nth}: {fed:?}");
    }
}

#[test]
fn a_snapshot_of_a_lost_chain_is_passed_over() {
    let mut desk = Desk::grown(130);
    assert!(desk.has_snapshot(2));
    // The last frames are lost, the snapshot of the lost version 128 stays, and others play on.
    for slot in 127..=130 {
        desk.lose(slot);
    }
    desk.heads.truncate(127);
    desk.shelf.slots[0].forget();
    while desk.last().v < 140 {
        assert!(desk.append(0, 5));
    }
    let found = desk.check_cold();
    assert_eq!(found.snapshot, Some(b"room 64 1".to_vec().into()));
    // A damaged one too.
    let key = "{kind/test}:snapshot:1".to_owned();
    desk.shelf.keys.perform(&Call::Set {
        key,
        value: "x".repeat(150),
        absent_only: false,
        expire_seconds: None,
    });
    assert_eq!(desk.check_cold().snapshot, None, "frames rebuild the room");
}

#[test]
fn who_holds_a_frame_that_another_replaced_is_told() {
    let mut desk = Desk::grown(6);
    let known = desk.last();
    desk.lose(6);
    desk.heads.truncate(6);
    assert!(desk.append(1, 4), "another game's frame 6");
    let found = desk.read(0, known);
    assert_eq!(
        found.known,
        Some(desk.last().hash),
        "not the one that was named"
    );
    assert_eq!(
        desk.read(2, known).known,
        Some(desk.last().hash),
        "by a cold view too"
    );
    let found = desk.read(0, desk.heads[5]);
    assert_eq!(
        (found.known, found.frames.len()),
        (Some(desk.heads[5].hash), 1)
    );
    assert_eq!(desk.read(1, read_from(desk.last()).known).frames.len(), 0);
}

#[test]
fn a_record_is_replaced_by_who_knows_it_and_goes_with_a_frame_or_stays_as_it_is() {
    let mut desk = Desk::grown(3);
    let note = |desk: &mut Desk, instance, was: Option<&[u8]>, now: Option<&[u8]>| {
        let bytes = |of: Option<&[u8]>| of.map(|of| of.to_vec().into());
        let (was, now) = (bytes(was), bytes(now));
        let read = read_from(desk.last());
        let fed = desk
            .shelf
            .perform(instance, &Effect::Note(Note { was, now }, read));
        match fed {
            Fed::Noted(found) => found.attempt.map(|bytes| bytes.to_vec()),
            other => panic!("{other:?}"),
        }
    };
    let some = |bytes: &[u8]| Some(bytes.to_vec());
    assert_eq!(note(&mut desk, 0, None, Some(b"one")), some(b"one"));
    // Another host, which knows nothing of it, or something else.
    assert_eq!(note(&mut desk, 1, None, Some(b"two")), some(b"one"));
    assert_eq!(
        note(&mut desk, 1, Some(b"none"), Some(b"two")),
        some(b"one")
    );
    assert_eq!(note(&mut desk, 1, Some(b"none"), None), some(b"one"));
    assert_eq!(note(&mut desk, 1, Some(b"one"), Some(b"two")), some(b"two"));
    // A frame that says what it thinks was there.
    let framed = |desk: &mut Desk, was: &[u8], now: Option<&[u8]>| {
        let mut append = frame(desk.last(), 1);
        append.note = Some(Note {
            was: Some(was.to_vec().into()),
            now: now.map(|now| now.to_vec().into()),
        });
        let fed = desk.shelf.perform(0, &effect(&append));
        let Fed::Appended(true, found) = fed else {
            panic!("{fed:?}");
        };
        desk.heads.push(found.head);
        found.attempt.map(|bytes| bytes.to_vec())
    };
    desk.read(0, desk.last());
    assert_eq!(framed(&mut desk, b"one", Some(b"three")), some(b"two"));
    desk.read(0, desk.last());
    assert_eq!(framed(&mut desk, b"two", Some(b"three")), some(b"three"));
    assert_eq!(framed(&mut desk, b"three", None), None);
    assert_eq!(note(&mut desk, 2, None, None), None);
}
