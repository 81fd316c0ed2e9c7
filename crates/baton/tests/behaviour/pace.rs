//! How soon who asks is told to ask again: so late that what they wait for can be there, and spread, so that they do not
//! come together.

use std::collections::BTreeSet;

use baton::effect::{Arrival, Call};
use baton::limits::{SEGMENT, TAIL_MS};
use baton::wire::{News, OrderFate, Presence};
use baton::{Hash, Head, wire};

use crate::support::rules::{Herd, add};
use crate::support::till::{BUY, order, place, save, till};
use crate::support::{FRAME_MS, IDLE_MS, LEASE_MS, Raw, World, reply_of};

const POLL_MS: u32 = 400;
/// Of one who waits, a quarter of a frame more; of one who does not, half as long again.
const WAITS: (u32, u32) = (
    LEASE_MS as u32 + 1,
    LEASE_MS as u32 + 1 + FRAME_MS as u32 / 4,
);

/// What so many are told who ask at the same time: the least, the most, and how many different.
fn spread(count: usize, mut told: impl FnMut() -> u32) -> (u32, u32, usize) {
    let all: BTreeSet<u32> = (0..count).map(|_| told()).collect();
    let ends = (all.first().copied(), all.last().copied());
    (ends.0.unwrap_or(0), ends.1.unwrap_or(0), all.len())
}

fn herd(instances: usize) -> (World<Herd>, Raw) {
    let set = |input: &mut baton::SettingsInput| input.poll_ms = POLL_MS;
    let mut world = World::<Herd>::with(instances, set, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("framed");
    (world, ann)
}

/// What it asks while frames come by a socket.
fn live(raw: &Raw) -> Arrival {
    let Call::Play(bytes) = raw.arrival(&[]).call else {
        unreachable!("it is a request");
    };
    let request = wire::read_request(&bytes).expect("as it was written");
    let request = wire::Request {
        frames: false,
        ..request
    };
    Arrival {
        who: Some(raw.who.clone()),
        call: Call::Play(wire::write(&request).into()),
    }
}

#[test]
fn who_waits_for_a_frame_is_told_to_come_within_a_quarter_of_one_after_it_may_be_there() {
    let (mut world, ann) = herd(2);
    let waits = spread(60, || {
        let reply = ann.say(&mut world, 1, &[(2, add(2))]);
        reply.expect("it is handed on").ask_ms
    });
    assert_eq!(waits, (WAITS.0, WAITS.1, 26));
    // In one batch each has a time of their own.
    let arrivals: Vec<Arrival> = (0..26).map(|_| ann.arrival(&[(2, add(2))])).collect();
    let outcomes = world.ask(1, arrivals);
    let told = outcomes
        .iter()
        .map(|outcome| reply_of(outcome).expect("waits").ask_ms);
    assert!(told.collect::<BTreeSet<_>>().len() > 20);
    // Whoever leads has to wait for the next frame only.
    let (mut world, ann) = herd(1);
    let frame = FRAME_MS as u32;
    let waits = spread(60, || {
        let reply = ann.say(&mut world, 0, &[(2, add(2))]);
        reply.expect("it is handed on").ask_ms
    });
    assert_eq!(waits, (frame + 1, frame + 1 + frame / 4, 26));
}

#[test]
fn who_orders_waits_as_long_as_anybody() {
    let (mut world, device) = till(2, 100);
    save(&mut world, &device, 2, 1);
    let bought = order(&device, 7, BUY);
    let waits = spread(60, || match place(&mut world, 1, &bought) {
        Ok(OrderFate::Waits { ask_ms }) => ask_ms,
        told => panic!("{told:?}"),
    });
    assert_eq!(waits, (WAITS.0, WAITS.1, 26));
}

#[test]
fn who_waits_for_nothing_is_told_to_come_by_the_settings_and_half_as_long_again_at_most() {
    let (mut world, ann) = herd(1);
    let head = world.head();
    let asks = spread(1_200, || world.watch_from(0, head).ask_ms);
    assert_eq!(asks, (POLL_MS, POLL_MS * 3 / 2, 201));
    // Frames come to them by a socket.
    let watches = Raw {
        cursor: head,
        ..ann.but(Presence::Unsaid)
    };
    let asks = spread(3_000, || {
        reply_of(&world.ask(0, vec![live(&watches)])[0])
            .expect("answered")
            .ask_ms
    });
    let idle = IDLE_MS as u32;
    assert_eq!(asks, (idle, idle * 3 / 2, 1_001));
}

#[test]
fn who_only_watches_is_told_to_come_when_caches_have_something_new() {
    let (mut world, _) = herd(1);
    let tail = || Arrival {
        who: None,
        call: Call::Tail,
    };
    let asks = spread(1_200, || {
        reply_of(&world.ask(0, vec![tail()])[0])
            .expect("told")
            .ask_ms
    });
    // Asked less often than a tail is new, nobody would learn more.
    assert_eq!(asks, (TAIL_MS, TAIL_MS * 3 / 2 - 1, TAIL_MS as usize / 2));
}

#[test]
fn who_comes_new_gets_a_short_log_whole_and_a_snapshot_of_a_long_one() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let mut seq = 0;
    for v in [SEGMENT - 1, SEGMENT, SEGMENT + 1] {
        while world.head().v < v {
            seq += 1;
            world.pass(LEASE_MS + 1);
            ann.say(&mut world, 0, &[(seq, add(1))]).expect("framed");
        }
        match (world.watch(0).news, v > SEGMENT) {
            (News::Frames(frames), false) => assert_eq!(frames.len() as u64, v),
            (News::Snapshot(_), true) => {}
            (news, _) => panic!("{v}: {news:?}"),
        }
    }
    let mut young = World::<Herd>::new(1);
    let ann = Raw::joined(&mut young, 0, "ann");
    // Nobody has frames of an empty room, whatever they say of it; and whoever has none gets them, though a socket is open.
    let (frames, hash) = (young.head().v as usize, ann.cursor.hash);
    let nothing = Head {
        v: 0,
        hash: Hash([7; 16]),
    };
    assert_ne!(nothing.hash, hash);
    match young.watch_from(0, nothing).news {
        News::Frames(all) => assert_eq!(all.len(), frames),
        news => panic!("{news:?}"),
    }
    let outcome = young.ask(0, vec![live(&ann.but(Presence::Unsaid))]);
    match reply_of(&outcome[0]).expect("answered").news {
        News::Frames(all) => assert_eq!(all.len(), frames),
        news => panic!("{news:?}"),
    }
    // Who had all but one gets that one.
    let before = crate::support::head_at(world.log(), SEGMENT);
    match world.watch_from(0, before).news {
        News::Frames(frames) => assert_eq!(frames.len(), 1),
        news => panic!("{news:?}"),
    }
    assert!(matches!(
        world
            .watch_from(
                0,
                Head {
                    v: SEGMENT + 2,
                    ..before
                }
            )
            .news,
        News::Reset(_)
    ));
}
