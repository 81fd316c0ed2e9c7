//! A device whose own rules broke: what it shows, does and sends until what is at fault has its verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};

use baton::{Room, Status};

use crate::support::brittle::{Brittle, BrittleAction};
use crate::support::host::quietly;
use crate::support::scene::{FAULTED, Scene};

/// What a page does after its rules trapped: its next instance predicts nothing until what is at fault has its verdict.
#[test]
fn b29_a_cautious_device_outlives_what_breaks_its_rules_and_then_predicts_again() {
    let mut scene = Scene::new(2, 1);
    let since_ms = scene.world.since_ms();
    let ann = &mut scene.honest[0];
    let room = ann.replica.save_room().expect("a room");
    assert!(breaks(|| {
        let _ = ann.replica.act(&BrittleAction::BreakApply, since_ms);
    }));
    ann.reload();
    assert!(breaks(|| {
        ann.replica.warm_up(&room, since_ms);
    }));
    ann.reload();
    ann.replica.set_cautious(true, since_ms);
    assert!(ann.replica.warm_up(&room, since_ms));
    assert_eq!(ann.replica.pending(), 1);
    for _ in 0..100 {
        scene.round(false);
    }
    let since_ms = scene.world.since_ms();
    let ann = &mut scene.honest[0];
    assert_eq!(ann.answers(), [(1, FAULTED)]);
    // What is done meanwhile is not shown before it is in the log, and neither is time.
    assert_eq!(ann.replica.act(&BrittleAction::Add(3), since_ms), Ok(2));
    let ticks = |room: Option<&Room<Brittle>>| room.map(|room| (room.tick(), room.state().ticks));
    let ahead = ann.replica.ahead();
    for shown in [ann.replica.predicted(), ahead.as_ref()] {
        assert_eq!(ticks(shown), ticks(ann.replica.synced()));
        assert_eq!(shown.expect("a room").state().counters.get(&0), None);
    }
    for _ in 0..100 {
        scene.round(false);
    }
    let since_ms = scene.world.since_ms();
    let ann = &mut scene.honest[0];
    assert_eq!(ann.answers(), [(1, FAULTED), (2, Some(0))]);
    ann.replica.set_cautious(false, since_ms);
    assert_eq!(ann.replica.act(&BrittleAction::Add(4), since_ms), Ok(3));
    let shown = ann.replica.predicted().expect("a room");
    assert_eq!(shown.state().counters.get(&0), Some(&7));
}

/// Time that breaks the rules would break them on every page before the room is halted.
#[test]
fn b29_a_cautious_device_sees_its_room_halt() {
    for cautious in [true, false] {
        let mut scene = Scene::new(3, 1);
        scene.break_with("mallory", &[BrittleAction::Fuse(12)]);
        scene.until_settled();
        let since_ms = scene.world.since_ms();
        scene.honest[0].replica.set_cautious(cautious, since_ms);
        let broke = breaks(|| {
            for _ in 0..200 {
                scene.round(false);
                let since_ms = scene.world.since_ms();
                scene.honest[0].replica.predict(since_ms);
            }
        });
        assert_eq!(broke, !cautious);
        let since_ms = scene.world.since_ms();
        let status = scene.honest[0].replica.status(since_ms);
        assert_eq!(status == Status::Halted, cautious);
    }
}

fn breaks(work: impl FnOnce()) -> bool {
    quietly(|| catch_unwind(AssertUnwindSafe(work))).is_err()
}
