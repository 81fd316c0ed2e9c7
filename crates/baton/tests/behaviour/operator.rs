//! What an operator is given: the whole log of any room, a page at a time; its history entry by entry; and the same log again
//! under rules.

use std::collections::BTreeSet;

use baton::effect::{Arrival, Call, Content};
use baton::frame::{Entry, Frame};
use baton::history::{Rerun, dues};
use baton::limits::SEGMENT;
use baton::{Code, Room};
use serde_bytes::ByteBuf;

use crate::support::client::identity;
use crate::support::purse::{Purse, PurseAction};
use crate::support::{Client, LEASE_MS, World, refusal};

const OWNER: &str = "test";

fn log(from: u64) -> Arrival {
    Arrival {
        who: None,
        call: Call::Log { from },
    }
}

/// A room that has made frames for a while, of one device's and of its own.
fn room(instances: usize) -> World<Purse> {
    let mut world = World::<Purse>::new(instances);
    let mut owner = Client::<Purse>::on(OWNER, 1);
    world.join(0, &mut owner);
    while world.head().v < 2 * SEGMENT + 7 {
        let action = match world.head().v % 3 {
            0 => PurseAction::Order,
            _ => PurseAction::Earn,
        };
        let _ = owner.replica.act(&action, world.since_ms());
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut owner);
    }
    world
}

fn page(world: &mut World<Purse>, instance: usize, from: u64) -> Vec<ByteBuf> {
    let outcomes = world.ask(instance, vec![log(from)]);
    assert_eq!(
        (outcomes[0].status, outcomes[0].content),
        (200, Content::Block)
    );
    postcard::from_bytes(&outcomes[0].body).expect("frames")
}

/// The frames that the store has.
fn kept(world: &mut World<Purse>) -> Vec<Vec<u8>> {
    world.log().frames().map(<[u8]>::to_vec).collect()
}

#[test]
fn b19_the_whole_log_of_a_users_own_room_comes_in_pages_to_the_operator() {
    // One instance that is warm, one that was never asked.
    for instance in [0, 1] {
        let mut world = room(2);
        let mut whole: Vec<ByteBuf> = Vec::new();
        loop {
            let more = page(&mut world, instance, whole.len() as u64 + 1);
            if more.is_empty() {
                break;
            }
            whole.extend(more);
        }
        let kept = kept(&mut world);
        assert_eq!(whole, kept);
        let head = world.head().v;
        assert_eq!(page(&mut world, instance, head), kept[kept.len() - 1..]);
        assert!(page(&mut world, instance, head + 1).is_empty());
        // From anywhere, and two pages of one batch.
        let outcomes = world.ask(instance, vec![log(3), log(70)]);
        let first: Vec<ByteBuf> = postcard::from_bytes(&outcomes[0].body).expect("frames");
        assert_eq!(first, kept[2..SEGMENT as usize]);
        assert_eq!(
            refusal(&outcomes[1]).0,
            Some(Code::Retry),
            "nobody gets another's page"
        );
    }
}

#[test]
fn nobody_who_came_from_outside_is_the_operator_and_a_room_that_is_not_there_is_not_made() {
    let mut world = room(1);
    for user in [OWNER, "mallory"] {
        let arrival = Arrival {
            who: Some(identity(user)),
            call: Call::Log { from: 1 },
        };
        let outcomes = world.ask(0, vec![arrival]);
        assert_eq!(refusal(&outcomes[0]).0, Some(Code::Forbidden));
    }
    for from in [0, u64::MAX] {
        let outcomes = world.ask(0, vec![log(from)]);
        assert_eq!(refusal(&outcomes[0]).0, Some(Code::NotFound));
    }
    let mut empty = World::<Purse>::new(1);
    let outcomes = empty.ask(0, vec![log(1)]);
    assert_eq!(refusal(&outcomes[0]).0, Some(Code::NotFound));
    assert_eq!(empty.head().v, 0);
}

#[test]
fn b27_a_history_tells_of_each_entry_and_ends_in_the_state_of_the_log() {
    let mut world = room(1);
    let bytes = kept(&mut world);
    let (mut told, mut coins) = (Vec::new(), 0);
    let mut rests = BTreeSet::new();
    let mut watch = |step: baton::history::Step<'_, Purse>| {
        let due =
            step.room.state().work > 0 || step.room.state().rewards < step.room.state().coins / 10;
        assert_eq!(step.room.rests(), !due);
        rests.insert(due);
        assert_eq!(
            step.did.is_some(),
            matches!(step.entry, Entry::Act { .. } | Entry::Due)
        );
        assert!(step.room.state().coins >= coins, "the room after each");
        coins = step.room.state().coins;
        told.push(step.entry.clone());
    };
    let mut watched = Room::<Purse>::genesis_watched(&bytes[0], &mut watch).expect("a first frame");
    for bytes in &bytes[1..] {
        watched.replay_watched(bytes, &mut watch).expect("the next");
    }
    let entries: Vec<Entry> = world
        .frames()
        .into_iter()
        .flat_map(|frame| frame.entries)
        .collect();
    assert_eq!(told, entries);
    assert_eq!(watched.head(), world.head());
    assert_eq!(
        rests.len(),
        2,
        "some of them left it more to do, others did not"
    );
}

#[test]
fn b28_under_its_own_rules_a_log_comes_to_the_same_again() {
    let mut world = room(1);
    let frames: Vec<Frame> = world.frames();
    let bytes = kept(&mut world);
    let mut told = 0;
    let mut log = Room::<Purse>::genesis(&bytes[0]).expect("a first frame");
    let mut again = Rerun::<Purse>::begin(&frames[0], dues(&log, &frames[0]), &mut |_| told += 1)
        .expect("a first frame");
    for (bytes, frame) in bytes.iter().zip(&frames).skip(1) {
        log.replay(bytes).expect("the next");
        again.follow(frame, dues(&log, frame), &mut |_| told += 1);
        let states = [log.state(), again.room().state()]
            .map(|state| postcard::to_allocvec(state).expect("a state"));
        assert_eq!(states[0], states[1], "frame {}", frame.v);
    }
    assert!(told > frames.len() / 2);
}
