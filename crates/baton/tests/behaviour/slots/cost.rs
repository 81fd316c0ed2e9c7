//! What a request costs in calls and round trips; the lease; the inbox.

use baton::effect::{Effect, Fed, NEWEST, Read};
use baton::limits::{MAX_INBOX_ITEMS, SEGMENT};
use baton::slots::{Answer, Call, Step};
use serde_bytes::ByteBuf;

use super::{Desk, effect, frame, head_of, read_from};
use crate::support::shelf::kind_of;
use crate::support::{LEASE_MS, ROOM};

impl Desk {
    /// Calls and round trips of an effect.
    fn cost(&mut self, instance: usize, effect: &Effect) -> (usize, usize) {
        let moment = self.shelf.moment(instance);
        let begun = self.shelf.slots[instance].begin(ROOM, effect, moment);
        let (mut errand, mut step) = begun.expect("a store's");
        let (mut calls, mut trips) = (0, 0);
        while let Step::Perform(asked) = step {
            calls += asked.len();
            trips += 1;
            let answers = asked.iter().map(|call| self.shelf.call(call)).collect();
            let moment = self.shelf.moment(instance);
            step = errand.resume(&mut self.shelf.slots[instance], answers, moment);
        }
        assert_ne!(step, Step::Done(Fed::Failed));
        (calls, trips)
    }

    /// A look at another room, which is empty.
    fn look_at(&mut self, instance: usize, room: &str) {
        let moment = self.shelf.moment(instance);
        let read = Effect::Read(Read::default());
        let begun = self.shelf.slots[instance].begin(room, &read, moment);
        let (mut errand, mut step) = begun.expect("a store's");
        while let Step::Perform(asked) = step {
            let answers = asked.iter().map(|call| self.shelf.call(call)).collect();
            let moment = self.shelf.moment(instance);
            step = errand.resume(&mut self.shelf.slots[instance], answers, moment);
        }
        assert!(matches!(step, Step::Done(Fed::Read(_))), "{step:?}");
    }

    fn push(&mut self, instance: usize, items: &[&[u8]]) -> Fed {
        let items = items.iter().map(|item| ByteBuf::from(item.to_vec()));
        let read = read_from(self.last());
        self.shelf
            .perform(instance, &Effect::Push(items.collect(), read))
    }
}

#[test]
fn the_steady_state_costs_what_the_documentation_says() {
    let mut desk = Desk::grown(20);
    let known = desk.last();
    let poll = Effect::Read(read_from(known));
    assert_eq!(desk.cost(1, &poll), (3, 1), "cold, in a young room");
    assert_eq!(desk.cost(1, &poll), (3, 1), "a poll");
    let push = Effect::Push(vec![ByteBuf::from(b"item".to_vec())], read_from(known));
    assert_eq!(desk.cost(1, &push), (4, 1), "following");
    let Fed::Read(found) = desk.shelf.perform(0, &poll) else {
        panic!("a read");
    };
    let mut next = frame(known, 1);
    next.framed = found.inbox.iter().map(|item| item.id).collect();
    assert_eq!(desk.cost(0, &poll), (3, 1));
    assert_eq!(
        desk.cost(0, &effect(&next)),
        (4, 3),
        "leading after a read: 7 in all"
    );
    desk.heads.push(head_of(&next));
    let next = frame(desk.last(), 1);
    assert_eq!(
        desk.cost(0, &effect(&next)),
        (4, 2),
        "leading at once, nothing waits"
    );
}

/// Every request of a long game, by version: what is beyond the steady state, and how often.
#[test]
fn an_instance_remembers_as_many_rooms_as_stated_and_those_used_last() {
    const ROOMS: usize = 1_024;
    let mut desk = Desk::grown(3 * SEGMENT + 5);
    let poll = Effect::Read(read_from(desk.last()));
    let (cold, warm) = (desk.cost(1, &poll), desk.cost(1, &poll));
    assert!(cold > warm, "{cold:?}, {warm:?}");
    for others in [0..ROOMS - 1, ROOMS..2 * ROOMS - 1] {
        for other in others {
            desk.look_at(1, &other.to_string());
        }
        assert_eq!(desk.cost(1, &poll), warm);
    }
    for other in 0..ROOMS {
        desk.look_at(1, &other.to_string());
    }
    assert_eq!(desk.cost(1, &poll), cold, "one room too many");
}

#[test]
fn chores_never_add_more_than_stated() {
    let mut desk = Desk::grown(10);
    let (mut worst, mut sum, mut chores) = ((0, 0), 0, 0);
    while desk.last().v < 20 * SEGMENT {
        desk.shelf.pass(20);
        let poll = Effect::Read(read_from(desk.last()));
        let read = desk.cost(0, &poll);
        let next = frame(desk.last(), 1);
        let append = desk.cost(0, &effect(&next));
        desk.heads.push(head_of(&next));
        assert!(read.0 <= 4 && read.1 == 1, "a poll at {}: {read:?}", next.v);
        let all = (read.0 + append.0, read.1 + append.1);
        worst = (worst.0.max(all.0), worst.1.max(all.1));
        sum += all.0;
        chores += usize::from(all.0 > 8);
    }
    let appends = desk.last().v as usize - 10;
    assert!(worst.0 <= 7 + 11 && worst.1 <= 5, "{worst:?}");
    assert!(chores * 16 <= appends, "{chores} of {appends}");
    assert!(
        sum <= appends * 7,
        "{sum} calls for {appends} polls that lead"
    );
}

#[test]
fn a_cold_read_of_an_old_room_takes_at_most_eight_calls() {
    for segments in [1, 2, 3, 8, 20] {
        for more in [0, 1, 30, 63] {
            let mut desk = Desk::grown(segments * SEGMENT + more);
            let before = desk.shelf.count();
            desk.check_cold_since(NEWEST);
            let calls = desk.shelf.count() - before;
            // One more where the head is the first frame of its segment.
            let most = 7 + u64::from(more == 1);
            assert!(calls <= most, "{segments} segments and {more}: {calls}");
        }
    }
}

#[test]
fn the_lease_is_what_is_left_by_the_own_clock_and_its_key_always_ends() {
    let mut desk = Desk::grown(3);
    let known = desk.last();
    let left = |desk: &mut Desk, instance| {
        let lease = desk.read(instance, known).lease;
        lease.map(|lease| (lease.v, lease.left_ms))
    };
    let whole = LEASE_MS as u32;
    assert_eq!(left(&mut desk, 0), Some((3, whole)));
    desk.shelf.pass(60);
    assert_eq!(
        left(&mut desk, 0),
        Some((3, whole - 60)),
        "the holder's age"
    );
    assert_eq!(left(&mut desk, 1), Some((3, whole)), "never seen before");
    desk.shelf.pass(150);
    assert_eq!(left(&mut desk, 0), None);
    assert_eq!(
        left(&mut desk, 1),
        Some((3, whole - 150)),
        "seen for so long"
    );
    desk.shelf.pass(60);
    assert_eq!(left(&mut desk, 1), None, "seen standing still");
    assert_eq!(
        left(&mut desk, 2),
        Some((3, whole)),
        "the key lives for a second"
    );
    desk.shelf.pass(1_000);
    desk.shelf.slots[2].forget();
    assert_eq!(left(&mut desk, 2), None);
    // Whatever happens, no lease is set without an end.
    let next = frame(known, 1);
    let fed = desk
        .shelf
        .perform_with(0, &effect(&next), |_, call| match call {
            Call::Set {
                key,
                expire_seconds,
                ..
            } if key.ends_with(":lease") => {
                assert_eq!(*expire_seconds, Some(1));
                Some(Answer::Failed)
            }
            _ => None,
        });
    assert!(
        matches!(fed, Fed::Appended(true, _)),
        "a lease that fails fails nothing"
    );
}

#[test]
fn items_rise_in_the_order_of_their_receipt_whatever_the_hosts_clocks_say() {
    let mut desk = Desk::grown(3);
    desk.shelf.skews_ms = vec![600_000, -600_000, 0];
    let known = desk.last();
    for instance in 0..3 {
        desk.read(instance, known);
    }
    for (turn, instance) in [0, 1, 2, 1, 0].into_iter().enumerate() {
        desk.shelf.pass(1_500);
        let fed = desk.push(instance, &[&[turn as u8], &[turn as u8]]);
        assert!(matches!(fed, Fed::Pushed(_)));
    }
    let inbox = desk.read(2, known).inbox;
    let order: Vec<u8> = inbox.iter().map(|item| item.bytes[0]).collect();
    assert_eq!(order, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    assert!(inbox.iter().all(|item| item.id < 1 << 53));
}

#[test]
fn a_number_that_is_taken_is_drawn_again() {
    let mut desk = Desk::grown(3);
    desk.read(1, desk.last());
    let items = vec![ByteBuf::from(b"ours".to_vec())];
    let push = Effect::Push(items, read_from(desk.last()));
    let mut taken = 0;
    let fed = desk.shelf.perform_with(1, &push, |shelf, call| {
        if let Call::FieldSet { key, field, .. } = call
            && taken < 2
        {
            taken += 1;
            let rival = Call::FieldSet {
                key: key.clone(),
                field: *field,
                value: "dGhlaXJz".into(),
            };
            shelf.keys.perform(&rival);
        }
        None
    });
    let Fed::Pushed(found) = fed else {
        panic!("{fed:?}");
    };
    let bytes = found.inbox.iter().map(|item| item.bytes.as_slice());
    assert!(bytes.clone().any(|bytes| bytes == b"ours"));
    let inbox = desk.read(2, desk.last()).inbox;
    assert_eq!(inbox.len(), 3, "nobody's item is lost");
}

#[test]
fn exactly_the_framed_items_go_and_only_after_the_append() {
    let mut desk = Desk::grown(3);
    desk.read(1, desk.last());
    desk.push(1, &[b"one", b"two", b"three"]);
    let inbox = desk.read(0, desk.last()).inbox;
    let mut next = frame(desk.last(), 1);
    next.framed = vec![inbox[0].id, inbox[2].id];
    // Lost: nothing is removed.
    let rival = frame(desk.last(), 2);
    desk.shelf.put(4, &rival.frame);
    let fed = desk.shelf.perform(0, &effect(&next));
    assert!(matches!(fed, Fed::Appended(false, _)));
    assert_eq!(desk.read(0, head_of(&rival)).inbox.len(), 3);
    desk.heads.push(head_of(&rival));
    let mut next = frame(desk.last(), 1);
    next.framed = vec![inbox[0].id, inbox[2].id];
    let mut removed = Vec::new();
    let fed = desk.shelf.perform_with(0, &effect(&next), |shelf, call| {
        if kind_of(call) == "fields delete" {
            removed.push(shelf.head());
        }
        None
    });
    let Fed::Appended(true, found) = fed else {
        panic!("{fed:?}");
    };
    assert_eq!(removed, [head_of(&next)], "the frame was there before");
    let left: Vec<_> = found.inbox.iter().map(|item| item.bytes.to_vec()).collect();
    assert_eq!(left, [b"two"]);
    assert_eq!(desk.read(2, desk.last()).inbox, found.inbox);
}

#[test]
fn a_full_inbox_takes_all_items_of_a_push_or_none() {
    let mut desk = Desk::grown(3);
    desk.read(1, desk.last());
    let many = MAX_INBOX_ITEMS - 2;
    for chunk in 0..many.div_ceil(256) {
        let count = 256.min(many - chunk * 256);
        let items = vec![b"x".as_slice(); count];
        assert!(matches!(desk.push(1, &items), Fed::Pushed(_)));
    }
    for instance in [1, 2] {
        let fed = desk.push(instance, &[b"a", b"b", b"c"]);
        let Fed::Full(found) = fed else {
            panic!("{instance}");
        };
        assert_eq!(found.inbox.len(), many);
    }
    assert!(matches!(desk.push(2, &[b"a", b"b"]), Fed::Pushed(_)));
    assert!(matches!(desk.push(2, &[b""]), Fed::Full(_)));
}

#[test]
fn an_item_without_bytes_and_one_with_all_bytes_come_back() {
    let mut desk = Desk::grown(1);
    let all: Vec<u8> = (0..=255).collect();
    desk.push(0, &[b"", &all]);
    let inbox = desk.read(1, desk.last()).inbox;
    assert_eq!(inbox[0].bytes.len(), 0);
    assert_eq!(inbox[1].bytes.as_slice(), all);
}

#[test]
fn an_effect_that_is_not_a_stores_is_not_begun() {
    let mut desk = Desk::new();
    let moment = desk.shelf.moment(0);
    let reply = Effect::Reply(Vec::new());
    assert!(desk.shelf.slots[0].begin(ROOM, &reply, moment).is_none());
    let read = Effect::Read(Read::default());
    let (mut errand, step) = desk.shelf.slots[0]
        .begin(ROOM, &read, moment)
        .expect("begun");
    assert!(matches!(step, Step::Perform(_)));
    // A host that answers nothing has failed.
    let step = errand.resume(&mut desk.shelf.slots[0], Vec::new(), moment);
    assert_eq!(step, Step::Done(Fed::Failed));
}
