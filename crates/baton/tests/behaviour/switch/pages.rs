//! Pages of old and new rules, while instances change theirs.

use baton::effect::Arrival;
use baton::frame::{Entry, Frame};
use baton::{Head, Note, Reject, Replica, Status};

use super::{EAGER, NEW, OLD, act_one, act_two, applied, drain, exchange, join, old_room};
use crate::support::fleet::Fleet;
use crate::support::flock::{MOST, One, OneAction, TOO_MUCH_NOW, Two};
use crate::support::{Client, LEASE_MS, START_MS, watcher};

#[test]
fn b30_an_old_page_is_answered_by_the_new_rules_told_to_reload_and_goes_on_with_the_same_queue() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    act_one(&fleet, &mut ann, &OneAction::Add(7));
    act_one(&fleet, &mut ann, &OneAction::Bleat);
    act_one(&fleet, &mut ann, &OneAction::Add(MOST));
    // The room switches while ann is offline.
    fleet.pass(LEASE_MS + 1);
    fleet.ask(1, watcher(Head::default()));
    let sent = ann.arrival(fleet.now_ms);
    ann.notes.clear();
    for _ in 0..2 {
        fleet.pass(LEASE_MS + 1);
        let outcome = fleet.ask(1, sent.clone());
        assert_eq!(outcome.status, 200, "also when it comes twice");
        ann.take(&outcome, fleet.now_ms);
    }
    let answers = [
        (2, Some(0)),
        (3, Some(Reject::OUTDATED.0)),
        (4, Some(TOO_MUCH_NOW.0)),
    ];
    assert_eq!(ann.answers(), answers);
    let reloads = ann.notes.iter().filter(|note| **note == Note::Reload);
    assert_eq!(reloads.count(), 1);
    let since_ms = fleet.now_ms - START_MS;
    assert_eq!(ann.replica.status(since_ms), Status::Reload);
    assert_eq!(ann.replica.rules(), 2, "the version that the page needs");
    let mut ann = ann.reload_as::<Two>();
    join(&mut fleet, 1, &mut ann);
    act_two(&fleet, &mut ann, 9);
    drain(&mut fleet, 1, &mut ann);
    assert_eq!(ann.answers().last(), Some(&(5, Some(0))), "numbered on");
    assert_eq!(
        applied(&mut fleet),
        [(0, 5, false), (0, 7, false), (0, 9, true)]
    );
    let upcast = |frame: &Frame| {
        let of = |entry: &Entry| matches!(entry, Entry::Upcast { version: 1, .. });
        frame.entries.iter().any(of)
    };
    assert!(fleet.frames().iter().any(upcast), "as the device wrote it");
}

#[test]
fn b30_what_an_old_page_left_unsent_is_predicted_and_sent_by_the_new_one() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    act_one(&fleet, &mut ann, &OneAction::Add(7));
    let mut ann = ann.reload_as::<Two>();
    join(&mut fleet, 1, &mut ann);
    let room = ann.replica.predicted().expect("in the room");
    assert_eq!(room.state().log.last(), Some(&(0, 7, false)), "predicted");
    drain(&mut fleet, 1, &mut ann);
    assert_eq!(applied(&mut fleet), [(0, 5, false), (0, 7, false)]);
}

#[test]
fn an_old_page_on_an_old_instance_is_told_of_the_switch_and_its_actions_are_handed_on() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    fleet.pass(LEASE_MS + 1);
    fleet.ask(1, watcher(Head::default()));
    act_one(&fleet, &mut ann, &OneAction::Add(7));
    fleet.pass(LEASE_MS + 1);
    assert_eq!(exchange(&mut fleet, 0, &mut ann), 200);
    assert_eq!(fleet.log().waiting(), 1);
    assert!(ann.notes.contains(&Note::Reload));
    fleet.pass(LEASE_MS + 1);
    fleet.ask(1, watcher(Head::default()));
    assert_eq!(applied(&mut fleet), [(0, 5, false), (0, 7, false)]);
}

/// Ann's old page in a room on the new rules, and a new page with a copy of her storage: each has done
/// something as action 2, and sent nothing of it.
fn old_page_and_copy(fleet: &mut Fleet, ann: &mut Client<One>) -> (Client<Two>, Arrival) {
    let saved = ann.replica.save();
    let mut copy = Client::<Two> {
        replica: Replica::resume(&ann.who.user, &saved, 1).expect("what was saved"),
        who: ann.who.clone(),
        notes: Vec::new(),
    };
    fleet.pass(LEASE_MS + 1);
    join(fleet, 1, &mut copy);
    let before = ann.arrival(fleet.now_ms);
    act_one(fleet, ann, &OneAction::Add(7));
    act_two(fleet, &mut copy, 9);
    (copy, before)
}

/// Her action is not taken for the other, and she is told that somebody else uses her id.
fn expect_conflict(fleet: &mut Fleet, ann: &mut Client<One>) {
    assert_eq!(ann.replica.status(fleet.now_ms - START_MS), Status::Reload);
    assert_eq!(ann.answers(), [(1, Some(0))], "not of another body");
    assert_eq!(ann.replica.pending(), 1);
    fleet.pass(LEASE_MS + 1);
    assert_eq!(exchange(fleet, 1, ann), 409);
    assert!(ann.notes.contains(&Note::Evicted { lost: 1 }));
    assert_eq!(applied(fleet), [(0, 5, false), (0, 9, true)]);
}

/// Found by the simulator (seed 500000332, with deploys): a page that cannot replay believed a mark.
#[test]
fn an_old_page_is_not_answered_for_what_its_copy_did_while_it_had_sent_nothing() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    let (mut copy, before) = old_page_and_copy(&mut fleet, &mut ann);
    drain(&mut fleet, 1, &mut copy);
    let outcome = fleet.ask(1, before);
    assert_eq!(outcome.status, 200);
    ann.take(&outcome, fleet.now_ms);
    expect_conflict(&mut fleet, &mut ann);
}

#[test]
fn an_old_page_is_not_answered_for_what_its_copy_sent_at_the_same_time() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    let (mut copy, _) = old_page_and_copy(&mut fleet, &mut ann);
    fleet.pass(LEASE_MS + 1);
    let both = [copy.arrival(fleet.now_ms), ann.arrival(fleet.now_ms)];
    let trip = fleet.begin(1, &both);
    let outcomes = fleet.finish(trip);
    assert_eq!(outcomes.len(), 2);
    copy.take(&outcomes[0], fleet.now_ms);
    assert_eq!(copy.answers(), [(2, Some(0))]);
    assert_eq!(outcomes[1].status, 200);
    ann.take(&outcomes[1], fleet.now_ms);
    expect_conflict(&mut fleet, &mut ann);
}

#[test]
fn a_new_page_waits_for_a_room_that_has_not_switched_and_then_plays() {
    let (mut fleet, _) = old_room(&[OLD, NEW, EAGER]);
    let mut bob = Client::<Two>::new("bob");
    for machine in [0, 1, 0] {
        fleet.pass(LEASE_MS + 1);
        exchange(&mut fleet, machine, &mut bob);
    }
    let since_ms = fleet.now_ms - START_MS;
    assert_eq!(bob.replica.status(since_ms), Status::Waiting);
    assert!(
        !bob.notes.contains(&Note::Reload),
        "to load again would not help"
    );
    assert!(
        bob.replica.ask_at(false, since_ms) >= since_ms + 100,
        "in no hurry"
    );
    fleet.pass(LEASE_MS + 1);
    exchange(&mut fleet, 2, &mut bob);
    join(&mut fleet, 1, &mut bob);
    act_two(&fleet, &mut bob, 9);
    drain(&mut fleet, 1, &mut bob);
    assert_eq!(applied(&mut fleet), [(0, 5, false), (1, 9, true)]);
    let frames = fleet.frames();
    let writer = fleet.machines[1].writer;
    let led = frames.iter().filter(|frame| frame.writer == writer);
    assert!(led.clone().count() > 0 && led.clone().all(|frame| frame.rules == 1));
}

/// Its socket is faster than the reply that tells of the room's rules.
#[test]
fn a_frame_of_older_rules_does_not_tell_a_new_page_to_load_again() {
    let (mut fleet, _) = old_room(&[OLD, EAGER]);
    let first = fleet.log().frames().next().map(<[u8]>::to_vec);
    let mut bob = Client::<Two>::new("bob");
    bob.replica
        .frame(&first.expect("a frame"), fleet.now_ms - START_MS);
    assert_eq!(bob.replica.notes(), [], "to load again would not help");
    fleet.pass(LEASE_MS + 1);
    join(&mut fleet, 1, &mut bob);
    act_two(&fleet, &mut bob, 9);
    drain(&mut fleet, 1, &mut bob);
    assert_eq!(applied(&mut fleet), [(0, 5, false), (1, 9, true)]);
}
