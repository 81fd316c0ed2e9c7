//! Orders: what the user of a personal room has its server do while they wait. Each is done once at most, and every copy of
//! it is told the same.

use baton::effect::{Arrival, Call, Outcome};
use baton::frame::Entry;
use baton::limits::{
    MAX_SEND_BYTES, MAX_SEQUENCE, MAX_USER_DEVICES, PROTOCOL, RESEND_GRACE_MS, SEGMENT,
};
use baton::parcel::{Parcel, Posted};
use baton::wire::{self, Order, OrderFate};
use baton::{Code, Identity, Lineage, Reject};
use serde_bytes::ByteBuf;

use crate::support::client::{device_id, identity};
use crate::support::host::{Host, Landing};
use crate::support::rules::Herd;
use crate::support::till::{POOR, Till, TillAction, TillState};
use crate::support::{Client, Fault, Flight, LEASE_MS, Raw, World, refusal};

const OWNER: &str = "test";
const BUY: TillAction = TillAction::Buy(30);

/// A room whose user has so much, and a device of it.
fn till(instances: usize, coins: u64) -> (World<Till>, Raw) {
    let mut world = World::<Till>::new(instances);
    let device = Raw::joined(&mut world, 0, OWNER);
    world.pass(LEASE_MS + 1);
    save(&mut world, &device, 1, coins);
    world.pass(LEASE_MS + 1);
    (world, device)
}

fn save(world: &mut World<Till>, device: &Raw, seq: u64, coins: u64) {
    let saved = [(seq, wire::write(&TillAction::Save(coins)))];
    device.say(world, 0, &saved).expect("taken");
}

fn order(device: &Raw, number: u64, action: TillAction) -> Order {
    Order {
        protocol: PROTOCOL,
        device: device.hail.id,
        registration: device.hail.number.expect("registered"),
        number,
        body: wire::write(&action).into(),
    }
}

fn from(who: Option<&Identity>, order: &Order) -> Arrival {
    Arrival {
        who: who.cloned(),
        call: Call::Order(wire::write(order).into()),
    }
}

fn fate_of(outcome: &Outcome) -> Result<OrderFate, Code> {
    if outcome.status == 200 {
        return Ok(wire::read_ordered(&outcome.body).expect("an answer").fate);
    }
    Err(refusal(outcome).0.expect("a known code"))
}

/// The owner's order by way of an instance.
fn place(world: &mut World<Till>, instance: usize, order: &Order) -> Result<OrderFate, Code> {
    let outcomes = world.ask(instance, vec![from(Some(&identity(OWNER)), order)]);
    fate_of(&outcomes[0])
}

/// The same again until there is an answer.
fn settle(world: &mut World<Till>, instance: usize, order: &Order) -> Result<OrderFate, Code> {
    for _ in 0..10 {
        match place(world, instance, order) {
            Ok(OrderFate::Waits { .. }) | Err(Code::Retry | Code::Busy) => {}
            told => return told,
        }
        world.pass(LEASE_MS + 1);
    }
    panic!("it waits for ever");
}

/// Lets the lease end and the inbox be framed.
fn frame_all(world: &mut World<Till>) {
    world.pass(2 * LEASE_MS + 1);
    let view = Arrival {
        who: Some(identity(OWNER)),
        call: Call::View,
    };
    assert_eq!(world.ask(0, vec![view])[0].status, 200);
    assert_eq!(world.log().waiting(), 0);
}

fn state(world: &mut World<Till>) -> TillState {
    world.audit().room.state().clone()
}

/// What the log has of orders: numbers, and 0 or the code.
fn log(world: &mut World<Till>) -> Vec<(u64, u16)> {
    let entries = world.frames().into_iter().flat_map(|frame| frame.entries);
    let ordered = entries.filter_map(|entry| match entry {
        Entry::Receive { sender, number, .. } => Some((sender, number, 0)),
        Entry::Decline {
            sender,
            number,
            code,
            ..
        } => Some((sender, number, code)),
        _ => None,
    });
    let ordered = ordered.map(|(sender, number, code)| {
        assert_eq!(sender, "order/test");
        (number, code)
    });
    ordered.collect()
}

#[test]
fn b08_an_order_is_done_once_and_every_copy_of_it_is_told_so() {
    let (mut world, device) = till(3, 100);
    let bought = order(&device, 7, BUY);
    assert_eq!(
        place(&mut world, 0, &bought),
        Ok(OrderFate::Done),
        "at once"
    );
    let head = world.head();
    for instance in [0, 1, 2, 1] {
        world.pass(LEASE_MS + 1);
        assert_eq!(place(&mut world, instance, &bought), Ok(OrderFate::Done));
    }
    assert_eq!(world.head(), head, "nothing more was framed");
    assert_eq!(log(&mut world), [(7, 0)]);
    let TillState { coins, bought, .. } = state(&mut world);
    assert_eq!((coins, &bought[..]), (70, &[30][..]));
    // The device's queue counts by itself.
    assert_eq!(device.standing(&mut world, 0).0, 1);
}

#[test]
fn b08_a_refusal_stays_one_also_when_it_could_be_paid_by_now() {
    let (mut world, device) = till(2, 20);
    let poor = order(&device, 1, BUY);
    let refused = Ok(OrderFate::Refused(POOR));
    assert_eq!(place(&mut world, 0, &poor), refused);
    world.pass(LEASE_MS + 1);
    save(&mut world, &device, 2, 50);
    let before = state(&mut world);
    for instance in [0, 1] {
        world.pass(LEASE_MS + 1);
        assert_eq!(place(&mut world, instance, &poor), refused, "a late copy");
    }
    assert_eq!(state(&mut world), before);
    assert_eq!(log(&mut world), [(1, POOR.0)]);
    // Who wants it still orders it anew.
    let again = order(&device, 2, BUY);
    assert_eq!(settle(&mut world, 0, &again), Ok(OrderFate::Done));
    assert_eq!(state(&mut world).coins, 40);
}

#[test]
fn while_another_leads_an_order_waits_once_and_is_told_when_it_is_in_the_log() {
    let (mut world, device) = till(2, 100);
    save(&mut world, &device, 2, 1);
    let bought = order(&device, 7, BUY);
    for _ in 0..8 {
        let told = place(&mut world, 1, &bought).expect("it is let in");
        let OrderFate::Waits { ask_ms } = told else {
            panic!("{told:?}");
        };
        assert!((1..=2 * LEASE_MS).contains(&u64::from(ask_ms)), "{ask_ms}");
    }
    assert_eq!(world.log().waiting(), 1, "one item, once");
    // Nor does the device fill the inbox with others meanwhile.
    let other = order(&device, 8, TillAction::Buy(1));
    assert_eq!(place(&mut world, 1, &other), Err(Code::Busy));
    assert_eq!(world.log().waiting(), 1);
    world.pass(LEASE_MS + 1);
    assert_eq!(place(&mut world, 1, &bought), Ok(OrderFate::Done));
    assert_eq!(world.log().waiting(), 0);
    assert_eq!(settle(&mut world, 1, &other), Ok(OrderFate::Done));
    assert_eq!(log(&mut world), [(7, 0), (8, 0)]);
}

#[test]
fn b08_eight_copies_at_once_on_eight_instances_and_in_one_batch_are_one() {
    for again in [1, 4] {
        let (mut world, device) = till(8, 100);
        let bought = order(&device, 7, BUY);
        let copies = vec![from(Some(&identity(OWNER)), &bought); again];
        let mut flights: Vec<_> = (0..8)
            .map(|instance| Flight::begin(&mut world, instance, copies.clone()))
            .collect();
        while flights.iter().any(|flight| flight.outcomes().is_none()) {
            for flight in &mut flights {
                flight.step(&mut world);
            }
        }
        for flight in &flights {
            for outcome in flight.outcomes().expect("landed") {
                let told = fate_of(outcome).expect("all are answered");
                let due = matches!(told, OrderFate::Done | OrderFate::Waits { .. });
                assert!(due, "{told:?}");
            }
        }
        frame_all(&mut world);
        for instance in 0..8 {
            assert_eq!(settle(&mut world, instance, &bought), Ok(OrderFate::Done));
        }
        assert_eq!(log(&mut world), [(7, 0)]);
        assert_eq!(state(&mut world).bought, [30]);
    }
}

/// Whichever call fails and however, also with the late effect of one that seemed lost.
#[test]
fn b08_an_order_counts_once_whichever_call_fails() {
    let mut hit = 0;
    for instance in [0, 1] {
        for fault in [Fault::NotDone, Fault::Done, Fault::Late] {
            for call in 0..6 {
                let (mut world, device) = till(2, 100);
                // The second instance has a leader before it.
                save(&mut world, &device, 2, 1);
                world.pass(u64::from(instance == 0) * (LEASE_MS + 1));
                let bought = order(&device, 7, BUY);
                let asks = vec![from(Some(&identity(OWNER)), &bought)];
                let mut flight = Flight::begin(&mut world, instance, asks);
                let (mut calls, mut late) = (0, None);
                while flight.outcomes().is_none() {
                    let broken = flight.asks().is_some() && calls == call;
                    calls += usize::from(flight.asks().is_some());
                    hit += usize::from(broken);
                    let fault = if broken { fault } else { Fault::None };
                    late = flight.step_with(&mut world, fault).or(late);
                }
                let told = fate_of(&flight.outcomes().expect("landed")[0]);
                assert!(
                    matches!(
                        told,
                        Ok(OrderFate::Done | OrderFate::Waits { .. }) | Err(Code::Retry)
                    ),
                    "{told:?}"
                );
                if let Some(effect) = late {
                    world.perform(&effect);
                }
                for instance in [1, 0] {
                    let told = settle(&mut world, instance, &bought);
                    assert_eq!(told, Ok(OrderFate::Done));
                }
                assert_eq!(log(&mut world), [(7, 0)], "{fault:?} at {call}");
            }
        }
    }
    assert!(hit >= 12, "{hit} calls failed");
}

#[test]
fn b08_a_verdict_outlives_every_memory_and_a_snapshot() {
    let (mut world, device) = till(2, 100);
    let poor = order(&device, 3, TillAction::Buy(1_000));
    let refused = Ok(OrderFate::Refused(POOR));
    assert_eq!(settle(&mut world, 0, &poor), refused);
    let mut other = Raw::on(OWNER, 2);
    other.join(&mut world, 0);
    world.pass(LEASE_MS + 1);
    let bought = order(&other, 5, BUY);
    assert_eq!(settle(&mut world, 0, &bought), Ok(OrderFate::Done));
    let mut seq = 1;
    while world.head().v < 2 * SEGMENT + 3 {
        world.pass(LEASE_MS + 1);
        seq += 1;
        save(&mut world, &device, seq, 1_000);
    }
    assert!(world.found().snapshot.is_some());
    for instance in [0, 1] {
        world.replace(instance);
        world.pass(LEASE_MS + 1);
        assert_eq!(place(&mut world, instance, &poor), refused);
        assert_eq!(place(&mut world, instance, &bought), Ok(OrderFate::Done));
    }
    assert_eq!(log(&mut world), [(3, POOR.0), (5, 0)]);
}

#[test]
fn a_number_that_was_used_for_something_else_is_told_with_the_mark() {
    let (mut world, device) = till(2, 100);
    for number in [4, 9] {
        let bought = order(&device, number, BUY);
        assert_eq!(settle(&mut world, 0, &bought), Ok(OrderFate::Done));
        world.pass(LEASE_MS + 1);
    }
    let head = world.head();
    let taken = Ok(OrderFate::Taken { mark: 9 });
    for (number, action) in [(9, TillAction::Buy(1)), (8, BUY), (4, BUY), (1, BUY)] {
        for instance in [0, 1] {
            let order = order(&device, number, action);
            assert_eq!(place(&mut world, instance, &order), taken, "{number}");
            world.pass(LEASE_MS + 1);
        }
    }
    assert_eq!((world.head(), world.log().waiting()), (head, 0));
    // Another device counts by itself.
    let mut other = Raw::on(OWNER, 2);
    other.join(&mut world, 0);
    world.pass(LEASE_MS + 1);
    let bought = order(&other, 4, BUY);
    assert_eq!(settle(&mut world, 1, &bought), Ok(OrderFate::Done));
    assert_eq!(state(&mut world).coins, 10);
}

/// Two devices with the same plan, at once: the log says who was first.
#[test]
fn what_two_devices_order_at_once_is_paid_as_long_as_there_is_something() {
    let (mut world, one) = till(2, 50);
    let mut other = Raw::on(OWNER, 2);
    other.join(&mut world, 1);
    world.pass(LEASE_MS + 1);
    let orders = [order(&one, 7, BUY), order(&other, 7, BUY)];
    let mut flights: Vec<_> = [0, 1]
        .map(|at| {
            let asks = vec![from(Some(&identity(OWNER)), &orders[at])];
            Flight::begin(&mut world, at, asks)
        })
        .into();
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        flights
            .iter_mut()
            .for_each(|flight| flight.step(&mut world));
    }
    frame_all(&mut world);
    let mut told = orders.map(|order| settle(&mut world, 0, &order));
    told.sort_by_key(|told| *told != Ok(OrderFate::Done));
    assert_eq!(told, [Ok(OrderFate::Done), Ok(OrderFate::Refused(POOR))]);
    assert_eq!(state(&mut world).coins, 20);
}

#[test]
fn b11_nobody_else_orders_and_a_device_that_is_not_registered_does_not() {
    let (mut world, device) = till(2, 100);
    let good = order(&device, 7, BUY);
    let with = |change: &dyn Fn(&mut Order)| {
        let mut other = good.clone();
        change(&mut other);
        other
    };
    let owner = identity(OWNER);
    let mallory = identity("mallory");
    let before = (world.head(), state(&mut world));
    let refused = [
        (None, good.clone(), Code::Unauthorized),
        (Some(&mallory), good.clone(), Code::NotFound),
        (
            Some(&owner),
            with(&|order| order.device = device_id("mallory", 1)),
            Code::Unregistered,
        ),
        (
            Some(&owner),
            with(&|order| order.registration = 1),
            Code::Unregistered,
        ),
    ];
    for (who, order, code) in refused {
        for instance in [0, 1] {
            let outcomes = world.ask(instance, vec![from(who, &order)]);
            assert_eq!(fate_of(&outcomes[0]), Err(code), "{order:?}");
            world.pass(LEASE_MS + 1);
        }
    }
    assert_eq!((world.head(), state(&mut world)), before);
    assert_eq!(world.log().waiting(), 0);
    // An order makes no room, and where rooms are nobody's own there are none.
    let mut empty = World::<Till>::new(1);
    assert_eq!(place(&mut empty, 0, &good), Err(Code::Unregistered));
    assert_eq!(empty.head().v, 0);
    let mut herd = World::<Herd>::new(1);
    let ann = Raw::joined(&mut herd, 0, OWNER);
    let head = herd.head();
    let outcomes = herd.ask(0, vec![from(Some(&owner), &order(&ann, 1, BUY))]);
    assert_eq!(fate_of(&outcomes[0]), Err(Code::NotFound));
    assert_eq!(herd.head(), head);
}

#[test]
fn b05_b11_what_is_not_to_be_ordered_is_refused_at_the_door() {
    let (mut world, device) = till(2, 100);
    let before = (world.head(), state(&mut world));
    for action in [TillAction::Give(1_000_000), TillAction::Save(1)] {
        for instance in [0, 1] {
            world.pass(LEASE_MS + 1);
            let told = place(&mut world, instance, &order(&device, 7, action));
            assert_eq!(told, Err(Code::Forbidden));
        }
    }
    let good = order(&device, 7, BUY);
    let but = |change: &dyn Fn(&mut Order)| {
        let mut other = good.clone();
        change(&mut other);
        wire::write(&other)
    };
    let bytes = wire::write(&good);
    let mut bad: Vec<Vec<u8>> = (0..bytes.len()).map(|end| bytes[..end].to_vec()).collect();
    bad.extend([
        [&bytes[..], &[0]].concat(),
        but(&|order| order.protocol += 1),
        but(&|order| order.number = 0),
        but(&|order| order.number = MAX_SEQUENCE + 1),
        but(&|order| order.body = ByteBuf::new()),
        but(&|order| order.body = ByteBuf::from([99])),
        but(&|order| order.body.push(0)),
        but(&|order| order.body = vec![0; MAX_SEND_BYTES + 1].into()),
        vec![PROTOCOL; 70_000],
    ]);
    for bytes in bad {
        let arrival = Arrival {
            who: Some(identity(OWNER)),
            call: Call::Order(bytes.into()),
        };
        let told = fate_of(&world.ask(0, vec![arrival])[0]);
        let codes = [Code::Malformed, Code::TooLarge, Code::Protocol];
        assert!(told.is_err_and(|code| codes.contains(&code)), "{told:?}");
    }
    assert_eq!((world.head(), state(&mut world)), before);
    assert_eq!(world.log().waiting(), 0);
    // The highest number there is, after which this device orders no more.
    let last = order(&device, MAX_SEQUENCE, BUY);
    assert_eq!(settle(&mut world, 0, &last), Ok(OrderFate::Done));
}

/// What other rooms send is let in without a user: it must not look like an order.
#[test]
fn no_room_and_no_operator_is_taken_for_an_order() {
    let (mut world, _) = till(1, 100);
    let parcel = |sender: &str| {
        let parcel = Parcel {
            protocol: PROTOCOL,
            sender: sender.into(),
            lineage: Lineage([1; 8]),
            after: 0,
            sends: vec![Posted {
                seq: 1,
                body: wire::write(&TillAction::Give(5)).into(),
            }],
        };
        Arrival {
            who: None,
            call: Call::Deliver(wire::write(&parcel).into()),
        }
    };
    let forged = world.ask(0, vec![parcel("order/test")]);
    assert_eq!(refusal(&forged[0]).0, Some(Code::Malformed));
    assert_eq!(state(&mut world).coins, 100);
    world.pass(LEASE_MS + 1);
    assert_eq!(world.ask(0, vec![parcel("operator/admin")])[0].status, 200);
    assert_eq!(state(&mut world).coins, 105);
}

#[test]
fn who_orders_before_others_in_a_batch_is_paid_from_what_they_did_first() {
    let (mut world, device) = till(1, 0);
    let saved = device.arrival(&[(2, wire::write(&TillAction::Save(30)))]);
    let bought = from(Some(&identity(OWNER)), &order(&device, 1, BUY));
    let outcomes = world.ask(0, vec![bought, saved]);
    assert_eq!(fate_of(&outcomes[0]), Ok(OrderFate::Done));
}

/// So many devices that one more makes the longest silent give way.
fn crowd(world: &mut World<Till>, first: u8) -> Raw {
    for device in first..=MAX_USER_DEVICES as u8 {
        let mut raw = Raw::on(OWNER, device);
        raw.join(world, 0);
        world.pass(LEASE_MS + 1);
        save(world, &raw, 1, 0);
        world.pass(LEASE_MS + 1);
    }
    world.pass(RESEND_GRACE_MS + 10);
    Raw::on(OWNER, 100)
}

#[test]
fn b08_a_late_copy_of_an_evicted_devices_order_does_nothing_also_when_its_id_is_registered_again() {
    let (mut world, device) = till(1, 100);
    let bought = order(&device, 7, BUY);
    assert_eq!(settle(&mut world, 0, &bought), Ok(OrderFate::Done));
    crowd(&mut world, 2).join(&mut world, 0);
    assert_eq!(place(&mut world, 0, &bought), Err(Code::Evicted));
    let mut again = Raw::on(OWNER, 1);
    world.pass(RESEND_GRACE_MS + 10);
    again.join(&mut world, 0);
    assert_ne!(again.hail.number, device.hail.number);
    world.pass(LEASE_MS + 1);
    assert_eq!(place(&mut world, 0, &bought), Err(Code::Evicted));
    // Nor does a copy that a follower had let in before all that.
    let parcel = world.frames().into_iter().flat_map(|frame| frame.entries);
    let parcel = parcel.into_iter().find_map(|entry| match entry {
        Entry::Receive {
            sender,
            lineage,
            number: seq,
            body,
        } => Some(Parcel {
            protocol: PROTOCOL,
            sender,
            lineage,
            after: 0,
            sends: vec![Posted { seq, body }],
        }),
        _ => None,
    });
    let item = wire::write(&(1_u8, parcel.expect("it was done")));
    let now_ms = world.now_ms;
    world.log().push(&[item.into()], now_ms);
    // It is let go of.
    frame_all(&mut world);
    assert_eq!(log(&mut world), [(7, 0)]);
    let fresh = order(&again, 7, BUY);
    assert_eq!(settle(&mut world, 0, &fresh), Ok(OrderFate::Done));
}

/// Its order lies in the inbox, or comes with the one who needs the place.
#[test]
fn a_device_with_an_order_on_the_way_is_not_forgotten_to_make_room() {
    let (mut world, device) = till(1, 100);
    let newcomer = crowd(&mut world, 2);
    let bought = order(&device, 7, BUY);
    let asks = [newcomer.arrival(&[]), from(Some(&identity(OWNER)), &bought)];
    let outcomes = world.ask(0, asks.into());
    assert_eq!(fate_of(&outcomes[1]), Ok(OrderFate::Done));
    world.pass(LEASE_MS + 1);
    assert_eq!(place(&mut world, 0, &bought), Ok(OrderFate::Done));
    let entries = world.frames().into_iter().flat_map(|frame| frame.entries);
    let gone: Vec<_> = entries
        .filter_map(|entry| match entry {
            Entry::Evict { device } => Some(device),
            _ => None,
        })
        .collect();
    assert_eq!(gone, [1], "the next in silence");
}

#[test]
fn a_room_that_halted_takes_no_orders_and_still_tells_what_became_of_one() {
    let (mut world, device) = till(2, 100);
    let jam = order(&device, 1, TillAction::Jam);
    let mut host = Host::default();
    let ask = |world: &mut World<Till>, host: &mut Host, order: &Order| {
        let asks = vec![from(Some(&identity(OWNER)), order)];
        world.pass(2 * LEASE_MS + 1);
        match host.serve(world, 0, asks) {
            Landing::Answered(outcomes) => Some(fate_of(&outcomes[0])),
            _ => None,
        }
    };
    let until = |world: &mut World<Till>, host: &mut Host, order: &Order, due| {
        let told = (0..40).find(|_| ask(world, host, order) == Some(due));
        assert!(told.is_some(), "{due:?}");
    };
    until(&mut world, &mut host, &jam, Ok(OrderFate::Done));
    // One waits in the inbox since before it halted, and may be done when it is mended; the next is not taken.
    let waits = order(&device, 2, BUY);
    ask(&mut world, &mut host, &waits);
    let bought = order(&device, 3, BUY);
    until(&mut world, &mut host, &bought, Err(Code::Halted));
    let told = ask(&mut world, &mut host, &waits);
    assert!(
        matches!(told, Some(Ok(OrderFate::Waits { .. }))),
        "{told:?}"
    );
    let head = world.head();
    assert_eq!(ask(&mut world, &mut host, &jam), Some(Ok(OrderFate::Done)));
    assert_eq!(world.head(), head);
    assert_eq!(log(&mut world), [(1, 0)]);
}

#[test]
fn b29_an_order_that_breaks_the_rules_is_set_aside_and_told_so() {
    let (mut world, device) = till(2, 100);
    let snap = order(&device, 1, TillAction::Snap);
    let mut host = Host::default();
    let mut told = None;
    for round in 0..40 {
        world.pass(2 * LEASE_MS + 1);
        let asks = vec![from(Some(&identity(OWNER)), &snap)];
        if let Landing::Answered(outcomes) = host.serve(&mut world, round % 2, asks)
            && let Ok(fate @ OrderFate::Refused(_)) = fate_of(&outcomes[0])
        {
            told = Some(fate);
            break;
        }
    }
    assert_eq!(told, Some(OrderFate::Refused(Reject::FAULTED)));
    assert!(host.traps <= 5, "{} traps", host.traps);
    let bought = order(&device, 2, BUY);
    assert_eq!(settle(&mut world, 0, &bought), Ok(OrderFate::Done));
    assert_eq!(log(&mut world), [(1, Reject::FAULTED.0), (2, 0)]);
}

#[test]
fn a_client_writes_an_order_once_it_is_part_of_the_room_and_sees_what_it_did() {
    let mut world = World::<Till>::new(1);
    let mut client = Client::<Till>::on(OWNER, 1);
    assert_eq!(client.replica.order(&BUY, 1), None);
    world.join(0, &mut client);
    let saved = client.replica.act(&TillAction::Save(50), world.since_ms());
    saved.expect("it may");
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut client);
    world.pass(LEASE_MS + 1);
    let bytes = client.replica.order(&BUY, 1).expect("it has joined");
    let outcomes = world.ask(
        0,
        vec![Arrival {
            who: Some(client.who.clone()),
            call: Call::Order(bytes.into()),
        }],
    );
    assert_eq!(fate_of(&outcomes[0]), Ok(OrderFate::Done));
    assert_eq!(client.replica.pending(), 0, "nothing of it is in its queue");
    world.exchange(0, &mut client);
    let seen = client.replica.synced().expect("joined").state().clone();
    assert_eq!((seen.coins, &seen.bought[..]), (20, &[30][..]));
}
