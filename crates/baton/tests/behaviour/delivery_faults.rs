//! What rooms send each other, when anything fails: each send is applied exactly once, in order. The
//! one exception is stated, and shown: a sender whose store loses a send that was delivered.

use std::collections::BTreeMap;

use baton::effect::{Effect, Fed};
use baton::frame::Entry;
use baton::limits::RESEND_GRACE_MS;
use baton::parcel::Parcel;
use baton::{Random, Room};

use crate::support::rooms::{Account, Match, Payer, Rooms, Trouble, Voyage};

const MATCH: &str = "match/m";
const A: &str = "account/a";
const B: &str = "account/b";

/// What each account should have, by the match's own log: in order, once.
fn owed(rooms: &mut Rooms, account: &str) -> Vec<u32> {
    let audit = rooms.audit::<Match>(MATCH);
    let pays = audit.accepted.iter().map(|(_, _, body)| {
        let pay: crate::support::rooms::Pay = postcard::from_bytes(body).expect("a payment");
        pay
    });
    let own = pays.filter(|pay| pay.to == account);
    own.map(|pay| pay.id).collect()
}

fn check(rooms: &mut Rooms) {
    for account in [A, B] {
        assert_eq!(rooms.paid(account), owed(rooms, account), "{account}");
    }
    let room: Room<Match> = rooms.room(MATCH);
    let paid: u64 = room.state().values().sum();
    let mut received = 0;
    for account in [A, B] {
        received += match rooms.store.log(account).head().v {
            0 => 0,
            _ => rooms.audit::<Account>(account).room.state().sum,
        };
    }
    assert_eq!(paid, received, "what is paid is received");
    assert_eq!(room.given_up(), 0);
}

/// Payments in three requests by way of two instances, then time until all is forgotten.
fn play(rooms: &mut Rooms) -> Payer {
    let mut payer = Payer::new(MATCH);
    for round in 0..4_usize {
        if round > 0 {
            payer.pay(A, 1);
            payer.pay(B, 20);
            payer.pay(A, 300);
        }
        for turn in 0..3 {
            payer.ask(rooms, (round + turn) % 2);
            rooms.pass(351);
        }
    }
    payer.settle(rooms);
    payer
}

#[test]
fn x3_each_send_is_applied_once_whichever_call_fails_and_however() {
    let mut rooms = Rooms::new(2);
    play(&mut rooms);
    check(&mut rooms);
    assert_eq!(owed(&mut rooms, A).len(), 6);
    let calls = rooms.calls;
    let mut hit = 0;
    for trouble in [
        Trouble::NotDone,
        Trouble::LostAnswer,
        Trouble::DiesBefore,
        Trouble::DiesAfter,
    ] {
        for call in 0..calls {
            let mut rooms = Rooms::new(2);
            rooms.troubles.insert(call, trouble);
            play(&mut rooms);
            check(&mut rooms);
            hit += u64::from(rooms.calls > call);
        }
    }
    assert_eq!(hit, 4 * calls, "every call was hit");
    println!("{calls} calls, each with 4 troubles");
}

#[test]
fn b15_each_send_is_applied_once_and_in_order_whatever_goes_wrong() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..100 {
        let mut random = Random::from_seed(seed);
        let mut rooms = Rooms::new(3);
        let mut payer = Payer::new(MATCH);
        let fault = random.below(4);
        for _ in 0..60 {
            if payer.pays.len() < 25 && random.below(2) == 0 {
                payer.pay([A, B][random.below(2) as usize], random.below(100) + 1);
            }
            let calls = rooms.calls;
            for call in calls..calls + 12 {
                if random.below(30) < fault {
                    let troubles = [
                        Trouble::NotDone,
                        Trouble::LostAnswer,
                        Trouble::DiesBefore,
                        Trouble::DiesAfter,
                    ];
                    rooms
                        .troubles
                        .insert(call, troubles[random.below(4) as usize]);
                }
            }
            rooms.target = random.below(3) as usize;
            payer.ask(&mut rooms, random.below(3) as usize);
            rooms.pass(u64::from(random.below(900)));
            disturb(&mut rooms, &mut random, fault, &mut seen);
        }
        *seen.entry("troubles").or_default() += rooms.troubles.len() as u64;
        rooms.troubles.clear();
        payer.settle(&mut rooms);
        check(&mut rooms);
        *seen.entry("payments").or_default() += payer.pays.len() as u64;
    }
    println!("{seen:?}");
    for fault in ["repeats", "roll-backs", "cold", "troubles"] {
        assert!(seen[fault] > 50, "{fault} did not happen");
    }
}

/// What happens beside requests: old parcels come again, in any order; a target's store loses its
/// newest frames; instances end.
fn disturb(
    rooms: &mut Rooms,
    random: &mut Random,
    fault: u32,
    seen: &mut BTreeMap<&'static str, u64>,
) {
    let mut note = |what| *seen.entry(what).or_default() += 1;
    if !rooms.letters.is_empty() && random.below(2) == 0 {
        for _ in 0..8 {
            let which = random.below(rooms.letters.len() as u32) as usize;
            let (target, parcel) = rooms.letters[which].clone();
            rooms.target = random.below(3) as usize;
            rooms.redeliver(&target, &parcel);
        }
        note("repeats");
    }
    if random.below(40) < fault {
        let log = rooms.store.log([A, B][random.below(2) as usize]);
        let v = log.head().v;
        log.roll_back(v.saturating_sub(u64::from(random.below(4)) + 1));
        note("roll-backs");
    }
    if random.below(20) == 0 {
        rooms.replace_all::<Match>();
        rooms.replace_all::<Account>();
        note("cold");
    }
}

/// A match with two payments that are committed and not delivered: two instances are about to.
fn two_at_once(rooms: &mut Rooms) -> (Payer, [Voyage<Match>; 2]) {
    let mut payer = Payer::new(MATCH);
    payer.ask(rooms, 0);
    rooms.pass(501);
    payer.pay(A, 5);
    payer.pay(A, 6);
    let voyages = [0, 1].map(|instance| {
        let arrival = payer.arrival();
        let mut voyage = Voyage::begin(rooms, instance, MATCH, vec![arrival]);
        while !voyage.delivers() {
            assert!(voyage.step(rooms).is_ok());
        }
        // Its lease ends; the other takes over, while this one is held up.
        rooms.pass(501);
        voyage
    });
    (payer, voyages)
}

#[test]
fn two_instances_that_deliver_at_once_deliver_once() {
    for first in [0, 1] {
        let mut rooms = Rooms::new(2);
        let (mut payer, [zero, one]) = two_at_once(&mut rooms);
        let (mut one, mut other) = match first {
            0 => (zero, one),
            _ => (one, zero),
        };
        assert!(one.step(&mut rooms).is_ok());
        assert!(other.step(&mut rooms).is_ok());
        assert_eq!(rooms.letters.len(), 2);
        assert!(one.finish(&mut rooms).is_ok());
        assert!(other.finish(&mut rooms).is_ok());
        payer.settle(&mut rooms);
        check(&mut rooms);
        let frames = rooms.audit::<Match>(MATCH).frames;
        let entries = frames.iter().flat_map(|frame| &frame.entries);
        let notes = entries.filter(|entry| matches!(entry, Entry::Acknowledge { .. }));
        assert_eq!(notes.count(), 2, "seen once, forgotten once");
    }
}

/// Delivers one payment, so that it is noted as seen.
fn seen_once(rooms: &mut Rooms) -> Payer {
    let mut payer = Payer::new(MATCH);
    payer.ask(rooms, 0);
    rooms.pass(501);
    payer.pay(A, 5);
    payer.ask(rooms, 0);
    assert_eq!(rooms.paid(A), [1]);
    payer
}

#[test]
fn what_a_targets_store_loses_is_delivered_again() {
    let mut rooms = Rooms::new(1);
    let mut payer = seen_once(&mut rooms);
    // Lost long after it was seen, before it would be forgotten; the mark is asked for once more by then.
    for _ in 0..5 {
        rooms.pass(RESEND_GRACE_MS / 10);
        payer.ask(&mut rooms, 0);
    }
    rooms.store.log(A).roll_back(0);
    assert_eq!(rooms.paid(A), [0_u32; 0]);
    payer.settle(&mut rooms);
    check(&mut rooms);
    // Lost together: what follows is not taken before what is missing, and nobody waits for a grace
    // time to hear it.
    payer.pay(A, 6);
    rooms.pass(501);
    payer.ask(&mut rooms, 0);
    rooms.store.log(A).roll_back(1);
    payer.pay(A, 7);
    for _ in 0..4 {
        rooms.pass(501);
        payer.ask(&mut rooms, 0);
    }
    check(&mut rooms);
    payer.settle(&mut rooms);
    check(&mut rooms);
}

#[test]
fn a_mark_that_was_read_before_the_grace_time_ended_lets_nothing_be_forgotten() {
    let mut rooms = Rooms::new(2);
    let mut payer = seen_once(&mut rooms);
    // Another payment, whose delivery is answered, but the answer is held up until the grace time of
    // the first has ended; the target has lost both by then.
    payer.pay(A, 6);
    rooms.pass(501);
    let arrival = payer.arrival();
    let mut voyage = Voyage::<Match>::begin(&mut rooms, 0, MATCH, vec![arrival]);
    while !voyage.delivers() {
        assert!(voyage.step(&mut rooms).is_ok());
    }
    let Effect::Deliver { target, parcel } = voyage.asks.clone() else {
        panic!("it delivers");
    };
    let answer = rooms.redeliver(&target, &parcel).expect("answered").body;
    assert_eq!(rooms.paid(A), [1, 2]);
    rooms.store.log(A).roll_back(0);
    rooms.pass(RESEND_GRACE_MS + 1);
    voyage.feed(&mut rooms, Fed::Delivered(answer));
    assert!(
        matches!(voyage.asks, Effect::Append(..)),
        "it notes the mark"
    );
    assert!(voyage.finish(&mut rooms).is_ok());
    let kept = rooms.room::<Match>(MATCH).sends().len();
    assert_eq!(kept, 2, "nothing was forgotten");
    payer.settle(&mut rooms);
    check(&mut rooms);
}

#[test]
fn an_answer_that_makes_no_sense_is_none() {
    let mut rooms = Rooms::new(1);
    let mut payer = Payer::new(MATCH);
    payer.ask(&mut rooms, 0);
    payer.pay(A, 5);
    for answer in [
        Fed::Failed,
        Fed::Delivered(vec![].into()),
        Fed::Delivered(vec![9; 40].into()),
        Fed::Pushed(baton::effect::Found::default()),
    ] {
        // Each time it is asked later.
        rooms.pass(5_001);
        let arrival = payer.arrival();
        let mut voyage = Voyage::<Match>::begin(&mut rooms, 0, MATCH, vec![arrival]);
        while !voyage.delivers() {
            assert!(voyage.step(&mut rooms).is_ok());
        }
        voyage.feed(&mut rooms, answer);
        assert!(matches!(voyage.asks, Effect::Reply(_)));
        assert!(voyage.finish(&mut rooms).is_ok());
    }
    payer.settle(&mut rooms);
    check(&mut rooms);
}

/// The exception: the sender's store loses a send that was delivered. What the match does in its
/// stead is sent too; nothing else is doubled, and nothing is lost.
#[test]
fn a_sender_that_lost_what_it_delivered_sends_what_it_does_instead() {
    for noticed in [true, false] {
        let mut rooms = Rooms::new(1);
        let mut payer = Payer::new(MATCH);
        payer.ask(&mut rooms, 0);
        rooms.pass(501);
        payer.pay(A, 5);
        payer.ask(&mut rooms, 0);
        let v = rooms.store.log(MATCH).head().v;
        let before = rooms.room::<Match>(MATCH).lineage();
        rooms.pass(501);
        payer.pay(A, 6);
        payer.ask(&mut rooms, 0);
        assert_eq!(rooms.paid(A), [1, 2]);
        rooms.store.log(MATCH).roll_back(v);
        if !noticed {
            rooms.replace_all::<Match>();
        }
        // The player, told of the loss, wants another payment.
        payer.pays[1].id = 3;
        payer.pays[1].amount = 7;
        rooms.pass(501);
        payer.settle(&mut rooms);
        assert_eq!(
            rooms.paid(A),
            [1, 2, 3],
            "the lost one stays, its successor comes"
        );
        let room = rooms.room::<Match>(MATCH);
        assert_eq!(room.lineage() != before, noticed, "a new lineage");
        assert_eq!(owed(&mut rooms, A), [1, 3]);
    }
}

/// Without any time between them, a lost send and its successor have the same number: noticed.
#[test]
fn a_number_that_was_given_twice_is_noticed_as_a_loss() {
    let mut rooms = Rooms::new(1);
    let mut payer = Payer::new(MATCH);
    payer.ask(&mut rooms, 0);
    rooms.pass(501);
    let v = rooms.store.log(MATCH).head().v;
    payer.pay(A, 5);
    payer.ask(&mut rooms, 0);
    rooms.store.log(MATCH).roll_back(v);
    rooms.replace_all::<Match>();
    payer.pays[0].amount = 7;
    let before = rooms.room::<Match>(MATCH).lineage();
    payer.ask(&mut rooms, 0);
    let room = rooms.room::<Match>(MATCH);
    assert_ne!(room.lineage(), before, "a new lineage begins");
    assert_eq!(rooms.paid(A), [1], "the lost one stays");
    payer.pay(A, 8);
    payer.settle(&mut rooms);
    assert_eq!(rooms.paid(A), [1, 2], "what comes later is not affected");
}

#[test]
fn a_copy_of_an_old_parcel_changes_nothing_even_after_the_sender_forgot_it() {
    let mut rooms = Rooms::new(2);
    let mut payer = play(&mut rooms);
    let before = rooms.paid(A);
    let letters = rooms.letters.clone();
    for (target, parcel) in letters.iter().rev().chain(&letters) {
        rooms.pass(101);
        rooms.replace_all::<Account>();
        let outcome = rooms.redeliver(target, parcel).expect("answered");
        assert_eq!(outcome.status, 200);
        let read: Parcel = postcard::from_bytes(parcel).expect("a parcel");
        assert_eq!(read.sender, MATCH);
    }
    assert_eq!(rooms.paid(A), before);
    payer.settle(&mut rooms);
    check(&mut rooms);
}
