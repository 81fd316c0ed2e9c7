//! Sealed segments, tombstones, old snapshots.

use baton::effect::{Effect, Fed, Read};
use baton::limits::SEGMENT;
use baton::slots::{Answer, Call, Slots};
use baton::{Hash, Head, frame::Frame};

use super::{Desk, effect, frame};
use crate::support::shelf::KEPT;

#[test]
fn a_segment_is_sealed_only_when_the_next_is_full() {
    let mut desk = Desk::grown(2 * SEGMENT);
    assert!(
        !desk.is_sealed(0),
        "the last slot of segment 1 was just filled"
    );
    desk.grow(2 * SEGMENT + 20);
    assert!(desk.is_sealed(0) && !desk.is_sealed(1));
    desk.grow(3 * SEGMENT);
    assert!(!desk.is_sealed(1));
    desk.grow(3 * SEGMENT + 20);
    assert!(desk.is_sealed(1) && !desk.is_sealed(2));
    assert_eq!(
        desk.shelf.log().len() as u64,
        desk.last().v,
        "nothing is lost"
    );
    desk.check_cold();
}

#[test]
fn a_late_write_into_a_sealed_segment_fails_by_type_and_harms_nobody() {
    let mut desk = Desk::grown(2 * SEGMENT + 20);
    let late = frame(desk.heads[10], 9);
    assert_eq!(desk.shelf.put(11, &late.frame), Answer::WrongType);
    let before = desk.shelf.log();
    assert!(desk.append(0, 1));
    assert_eq!(desk.shelf.log()[..before.len()], before[..]);
}

#[test]
fn an_instance_that_slept_through_the_sealing_of_its_slot_learns_what_it_missed() {
    let mut desk = Desk::grown(20);
    let (known, next) = (desk.last(), frame(desk.last(), 2));
    assert_eq!(desk.read(1, known).head, known);
    desk.grow(2 * SEGMENT + 20);
    assert!(desk.is_sealed(0));
    // Its append meets the wrong type: that is no proof of anything.
    assert_eq!(desk.shelf.perform(1, &effect(&next)), Fed::Failed);
    let found = desk.read(1, known);
    assert_eq!((found.known, found.head), (Some(known.hash), desk.last()));
    assert_eq!(found.frames.len() as u64, desk.last().v - known.v);
    assert!(desk.append(1, 2), "and leads");
}

#[test]
fn a_segment_is_never_sealed_from_what_an_instance_remembers() {
    // A slot of the segment is gone: instance 0 remembers it, and may not write it back.
    let mut desk = Desk::grown(2 * SEGMENT);
    desk.lose(30);
    desk.grow(3 * SEGMENT + 40);
    assert!(!desk.is_sealed(0));
    assert!(!desk.shelf.segment(0).contains_key(&30));
    // The same in the segment after it.
    let mut desk = Desk::grown(2 * SEGMENT);
    desk.lose(SEGMENT + 30);
    desk.grow(2 * SEGMENT + 40);
    assert!(!desk.is_sealed(0), "not verified into the next");
    // All slots are filled, but one not by the chain's frame.
    let mut desk = Desk::grown(2 * SEGMENT);
    desk.lose(30);
    let other = frame(desk.heads[29], 9);
    assert_eq!(desk.shelf.put(30, &other.frame), Answer::Done);
    desk.grow(2 * SEGMENT + 40);
    assert!(!desk.is_sealed(0));
}

#[test]
fn what_is_sealed_was_read_for_it() {
    let mut desk = Desk::grown(2 * SEGMENT);
    let mut whole = 0;
    while !desk.is_sealed(0) {
        desk.shelf.pass(20);
        let append = frame(desk.last(), 1);
        let mut read = Vec::new();
        let fed = desk.shelf.perform_with(0, &effect(&append), |_, call| {
            if let Call::AllFields { key } = call {
                read.push(key.clone());
            }
            if let Call::Set { key, .. } = call
                && key.contains(":log:")
            {
                assert!(read.contains(key), "the segment itself");
                assert!(read.contains(&super::log_key(SEGMENT + 1)), "and the next");
                whole += 1;
            }
            None
        });
        assert!(matches!(fed, Fed::Appended(true, _)));
        desk.heads.push(super::head_of(&append));
    }
    assert_eq!(whole, 1);
}

#[test]
fn a_void_frame_is_left_out_of_the_archive_and_the_chain_goes_through() {
    let mut desk = Desk::grown(10);
    let stale = frame(desk.heads[4], 9);
    desk.shelf.put(11, &stale.frame);
    desk.shelf.slots[0].forget();
    desk.grow(2 * SEGMENT + 40);
    assert!(desk.is_sealed(0));
    let line = desk.shelf.line();
    assert_eq!(line[10].as_deref(), Some([].as_slice()));
    assert_eq!(desk.shelf.log().len() as u64, desk.last().v);
    desk.check_cold();
    // A block of frames straddles segments then.
    for last in [SEGMENT, 2 * SEGMENT] {
        let read = Read {
            block: Some(last),
            ..super::read_from(desk.last())
        };
        let Fed::Read(found) = desk.shelf.perform(1, &Effect::Read(read)) else {
            panic!("a read");
        };
        let block = found.block.expect("a full block");
        let ends = block.last().map(|bytes| Hash::of(bytes));
        assert_eq!(
            (block.len() as u64, ends),
            (SEGMENT, Some(desk.heads[last as usize].hash))
        );
        let first = Frame::decode(&block[0]).expect("a frame");
        assert_eq!(first.v, last - SEGMENT + 1);
    }
    let read = Read {
        block: Some(3 * SEGMENT),
        ..super::read_from(desk.last())
    };
    let Fed::Read(found) = desk.shelf.perform(1, &Effect::Read(read)) else {
        panic!("a read");
    };
    assert_eq!(found.block, None, "not full yet");
}

#[test]
fn a_block_that_was_trimmed_is_gone_and_to_look_for_it_costs_little_however_long_the_log() {
    let segments = KEPT + 40;
    let mut desk = Desk::grown(segments * SEGMENT + 20);
    let mut block = |last: u64| {
        let read = Read {
            block: Some(last),
            ..super::read_from(desk.last())
        };
        let mut calls = 0;
        let fed = desk.shelf.perform_with(0, &Effect::Read(read), |_, _| {
            calls += 1;
            None
        });
        let Fed::Read(found) = fed else {
            panic!("a read");
        };
        (found.block.map(|frames| frames.len() as u64), calls)
    };
    for segment in [1, 2, 20, segments - KEPT - 8] {
        let (found, calls) = block(segment * SEGMENT);
        assert_eq!(found, None, "segment {segment}");
        assert!(calls <= 16, "segment {segment}: {calls} calls");
    }
    for segment in [segments - KEPT + 2, segments - 1, segments] {
        let (found, calls) = block(segment * SEGMENT);
        assert_eq!(found, Some(SEGMENT), "segment {segment}");
        assert!(calls <= 16, "segment {segment}: {calls} calls");
    }
}

#[test]
fn a_block_is_found_behind_more_void_frames_than_a_segment_has() {
    let mut desk = Desk::grown(10);
    for slot in 11..11 + 5 * SEGMENT {
        let stale = frame(desk.heads[4], 9);
        assert_eq!(desk.shelf.put(slot, &stale.frame), Answer::Done);
    }
    desk.shelf.slots[0].forget();
    desk.grow(4 * SEGMENT + 20);
    for last in [SEGMENT, 2 * SEGMENT, 4 * SEGMENT] {
        let read = Read {
            block: Some(last),
            ..super::read_from(desk.last())
        };
        let Fed::Read(found) = desk.shelf.perform(1, &Effect::Read(read)) else {
            panic!("a read");
        };
        let block = found.block.map(|block| block.len() as u64);
        assert_eq!(block, Some(SEGMENT), "up to {last}");
    }
}

#[test]
fn old_segments_become_tombstones_and_are_never_deleted() {
    let segments = KEPT + 6;
    let mut desk = Desk::grown(segments * SEGMENT + 40);
    assert!(desk.is_trimmed(0) && desk.is_trimmed(1));
    assert!(!desk.is_trimmed(segments - 2 - KEPT + 1), "kept");
    let mut trimmed = 0;
    for segment in 0..segments {
        assert_ne!(desk.shelf.get(&format!("log:{segment}")), Answer::Nil);
        trimmed += u64::from(desk.is_trimmed(segment));
        assert_eq!(
            desk.is_trimmed(segment),
            segment < trimmed,
            "from the beginning"
        );
    }
    assert!(!desk.has_snapshot(1) && !desk.has_snapshot(segments - 3));
    assert!(desk.has_snapshot(segments) && desk.has_snapshot(segments - 1));
    let late = frame(desk.heads[10], 9);
    assert_eq!(desk.shelf.put(11, &late.frame), Answer::WrongType);
    desk.check_cold();
    // Who comes back with a frame that is gone is no victim of a break.
    let found = desk.read(2, desk.heads[10]);
    assert_eq!((found.known, found.trimmed), (None, true));
    assert!(found.snapshot.is_some());
}

#[test]
fn nothing_is_trimmed_that_was_not_sealed() {
    let mut desk = Desk::grown(2 * SEGMENT);
    // Segment 0 has a hole that only cold readers see: it is never sealed.
    desk.lose(30);
    desk.grow((KEPT + 12) * SEGMENT);
    assert!(!desk.is_sealed(0) && !desk.is_trimmed(0));
    assert_eq!(desk.shelf.segment(0).len() as u64, SEGMENT - 1);
    assert!(desk.is_sealed(4) && desk.is_trimmed(1), "the others are");
}

#[test]
fn nothing_is_trimmed_without_two_verified_snapshots() {
    let mut desk = Desk::new();
    while desk.last().v < (KEPT + 8) * SEGMENT {
        desk.shelf.pass(20);
        let mut append = frame(desk.last(), 1);
        // A room too large for snapshots, but for one.
        if append.v != 5 * SEGMENT {
            append.snapshot = None;
        }
        let fed = desk.shelf.perform(0, &effect(&append));
        assert!(matches!(fed, Fed::Appended(true, _)));
        desk.heads.push(super::head_of(&append));
    }
    assert!(
        desk.is_sealed(0) && desk.is_sealed(KEPT),
        "sealed all the same"
    );
    assert!((0..KEPT + 8).all(|segment| !desk.is_trimmed(segment)));
    assert_eq!(desk.shelf.log().len() as u64, desk.last().v);
    desk.check_cold();
}

#[test]
fn who_comes_cold_finds_the_head_though_every_hint_is_lost() {
    let mut desk = Desk::grown((KEPT + 6) * SEGMENT + 30);
    assert!(desk.is_trimmed(0));
    for hint in [None, Some("0 0 0 0"), Some("junk"), Some("99999 1 1 1")] {
        let key = "{kind/test}:hint".to_owned();
        match hint {
            None => desk.shelf.keys.perform(&Call::Delete { keys: vec![key] }),
            Some(hint) => desk.shelf.keys.perform(&Call::Set {
                key,
                value: hint.into(),
                absent_only: false,
                expire_seconds: None,
            }),
        };
        let found = desk.check_cold();
        assert!(found.snapshot.is_some(), "{hint:?}");
    }
    // And a leader who knows nothing goes on with the chores from here.
    desk.shelf.slots[0] = Slots::new(KEPT);
    desk.grow((KEPT + 10) * SEGMENT + 40);
    assert!(desk.is_sealed(KEPT + 8));
    desk.check_cold();
}

#[test]
fn what_is_far_behind_is_brought_from_sealed_segments() {
    let desk = &mut Desk::grown(5 * SEGMENT + 30);
    let known: Head = desk.heads[3 * SEGMENT as usize];
    let found = desk.read(2, known);
    assert_eq!(found.known, Some(known.hash));
    assert_eq!(found.frames.len() as u64, desk.last().v - known.v);
    // Too far: a snapshot.
    let found = desk.read(2, desk.heads[5]);
    assert!(found.trimmed && found.snapshot.is_some());
}
