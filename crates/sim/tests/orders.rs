//! The checks of orders, each seen to refuse what it is there for: the library, as it is, gives them no cause.

use baton::wire::OrderFate;
use baton::{BodyHash, DeviceId, Hash, Head, Lineage, Nonce, Reject};
use baton_sim::check::book::{Leaf, Tree};
use baton_sim::check::oracle::Oracle;
use baton_sim::check::oracle::orders::Ordered;
use baton_sim::check::orders::{Files, Placed, fate, registration};
use baton_sim::check::{Broken, Checked};
use baton_sim::rules::STILL;

/// What is ordered.
const BODY: &[u8] = &[9, 2];
/// The number under which it is.
const NUMBER: u64 = 5;

fn placed() -> Placed {
    let device = DeviceId([7; 16]);
    Placed {
        owner: ("u0".into(), device),
        registration: 3,
        lineage: registration(device, 3),
        number: NUMBER,
        body: BodyHash::of(BODY),
        said: None,
    }
}

fn ordered(v: u64, number: u64, body: &[u8], code: u16) -> Ordered {
    Ordered {
        v,
        number,
        body: BodyHash::of(body),
        code,
    }
}

/// A log, and what is known of it, with these orders of the registration.
fn known(orders: &[Ordered]) -> (Oracle, Files) {
    let lineage = placed().lineage;
    let (mut oracle, mut files) = (Oracle::new(STILL, true, 30), Files::default());
    oracle.orders.insert(lineage, orders.to_vec());
    let framed = files.frame(orders.iter().map(|order| (lineage, order)));
    assert_eq!(framed, Ok(()));
    (oracle, files)
}

fn broken<T>(checked: Result<T, Broken>) -> Option<&'static str> {
    checked.err().map(|broken| broken.check)
}

/// What is said of the order by who took it up at version 4, and whether that may be.
fn say(said: OrderFate, orders: &[Ordered]) -> Option<&'static str> {
    let (oracle, files) = known(orders);
    broken(fate(said, &placed(), &oracle, &files, Some(4)))
}

const EARLY: &str = "B8: an order is told to have ended once it has";
const TAKEN: &str = "B8: a number counts as used only by another order";
const STALE: &str = "S15: who asks for an order is told what was in the log by then";

#[test]
fn what_an_instance_says_of_an_order_must_be_in_the_log() {
    let done = ordered(3, NUMBER, BODY, 0);
    let refused = ordered(3, NUMBER, BODY, 8);
    let waits = OrderFate::Waits { ask_ms: 100 };
    assert_eq!(say(OrderFate::Done, &[done]), None);
    assert_eq!(say(OrderFate::Refused(Reject(8)), &[refused]), None);
    assert_eq!(say(waits, &[]), None);

    assert_eq!(say(OrderFate::Done, &[]), Some(EARLY));
    assert_eq!(say(OrderFate::Done, &[refused]), Some(EARLY));
    assert_eq!(say(OrderFate::Refused(Reject(8)), &[done]), Some(EARLY));
    let other = ordered(3, NUMBER, &[9, 4], 0);
    assert_eq!(say(OrderFate::Done, &[other]), Some(EARLY));
    assert_eq!(say(waits, &[done]), Some(STALE));
    // What came into the log after it was taken up it may not know.
    assert_eq!(say(waits, &[ordered(5, NUMBER, BODY, 0)]), None);
}

#[test]
fn a_number_must_not_be_told_to_be_used_by_nobody_or_by_the_order_itself() {
    let taken = |mark| OrderFate::Taken { mark };
    let later = ordered(3, 9, &[9, 4], 0);
    let other = ordered(3, NUMBER, &[9, 4], 0);
    assert_eq!(say(taken(9), &[later]), None);
    assert_eq!(say(taken(NUMBER), &[other]), None);

    assert_eq!(say(taken(9), &[]), Some(TAKEN));
    assert_eq!(say(taken(8), &[later]), Some(TAKEN));
    let itself = ordered(3, NUMBER, BODY, 0);
    assert_eq!(say(taken(NUMBER), &[itself]), Some(TAKEN));
    let below = ordered(3, 4, &[9, 4], 0);
    assert_eq!(say(taken(4), &[below]), Some(TAKEN));
}

/// What was in a log that is lost may be told, and what never was in any may not.
#[test]
fn what_a_lost_log_had_may_be_told_once_the_store_has_lost_it() {
    let (_, files) = known(&[ordered(3, NUMBER, BODY, 0)]);
    let fresh = Oracle::new(STILL, true, 30);
    let say = |said, began_v| broken(fate(said, &placed(), &fresh, &files, began_v));
    assert_eq!(say(OrderFate::Done, None), None);
    let log = "B8: what is told of an order is the log's";
    assert_eq!(say(OrderFate::Done, Some(4)), Some(log));
    assert_eq!(say(OrderFate::Refused(Reject(8)), None), Some(EARLY));
}

#[test]
fn what_its_device_knows_not_to_be_done_must_never_come_into_a_frame() {
    let check = Some("B8: what its device knows not to be done never is");
    let Placed { lineage, .. } = placed();
    let done = ordered(3, NUMBER, BODY, 0);
    let (_, mut files) = known(&[done]);
    assert_eq!(broken(files.fail(placed().key())), check, "it is there");

    let mut files = Files::default();
    assert_eq!(files.fail(placed().key()), Ok(()));
    let framed = files.frame([(lineage, &done)].into_iter());
    assert_eq!(broken(framed), check, "it comes");
    // Ordered again by a copy of its device, it may.
    files.send(placed().key());
    assert_eq!(files.frame([(lineage, &done)].into_iter()), Ok(()));
}

/// Two frames of one history, and one of another.
fn histories() -> (Tree, [Head; 3]) {
    let names = [[1; 16], [2; 16], [3; 16]].map(Hash);
    let mut tree = Tree::new();
    for (hash, previous, v) in [
        (names[0], Hash::default(), 1),
        (names[1], names[0], 2),
        (names[2], Hash::default(), 1),
    ] {
        tree.insert(
            hash,
            Leaf {
                v,
                previous,
                nonce: Nonce::default(),
                state: Hash::default(),
                lineage: Lineage::default(),
                at_ms: 0,
            },
        );
    }
    let heads = [(1, names[0]), (2, names[1]), (1, names[2])];
    (tree, heads.map(|(v, hash)| Head { v, hash }))
}

#[test]
fn another_end_is_told_only_by_another_history() {
    let (tree, [first, second, other]) = histories();
    let tell = |files: &mut Files, code, said| -> Checked {
        let said = Some(said);
        files.tell(&Placed { said, ..placed() }, code, &tree)
    };
    let mut files = Files::default();
    assert_eq!(tell(&mut files, 8, first), Ok(()));
    assert_eq!(tell(&mut files, 8, second), Ok(()));
    assert_eq!(tell(&mut files, 0, other), Ok(()), "after a loss");
    let twice = broken(tell(&mut files, 8, other));
    assert_eq!(twice, Some("B8: an order's end is told once"));
}

#[test]
fn what_was_told_must_be_in_the_log_in_the_end_unless_its_frame_is_lost() {
    let (tree, [first, ..]) = histories();
    let done = ordered(1, NUMBER, BODY, 0);
    let (oracle, mut files) = known(&[done]);
    let said = Some(first);
    let told = files.tell(&Placed { said, ..placed() }, 0, &tree);
    assert_eq!(told, Ok(()));
    assert_eq!(files.hold(&oracle, 0, |_| true), Ok(()));
    let check = Some("S9: what was told of an order is in the log");
    let fresh = Oracle::new(STILL, true, 30);
    assert_eq!(broken(files.hold(&fresh, 1, |_| true)), check);
    assert_eq!(broken(files.hold(&fresh, 0, |_| false)), check);
    assert_eq!(files.hold(&fresh, 1, |_| false), Ok(()));
    let (refused, _) = known(&[ordered(1, NUMBER, BODY, 8)]);
    assert_eq!(broken(files.hold(&refused, 1, |_| true)), check);
}
