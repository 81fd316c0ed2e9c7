//! Orders that are not done: from whom they must not be, what must not be ordered, of devices that were forgotten, in rooms
//! that stand still.

use baton::effect::{Arrival, Call};
use baton::frame::Entry;
use baton::history::Rerun;
use baton::limits::{
    MAX_REQUEST_BYTES, MAX_SEND_BYTES, MAX_SEQUENCE, MAX_USER_DEVICES, PROTOCOL, RESEND_GRACE_MS,
};
use baton::parcel::{Parcel, Posted};
use baton::wire::{self, Order, OrderFate};
use baton::{By, Code, Ctx, Lineage, Player, Reject, ReplayError, Rules};
use serde_bytes::ByteBuf;

use crate::support::client::{device_id, identity};
use crate::support::host::{Host, Landing};
use crate::support::rules::Herd;
use crate::support::till::{
    BUY, OWNER, Till, TillAction, TillState, fate_of, frame_all, from, log, order, place, save,
    settle, state, till,
};
use crate::support::{LEASE_MS, Raw, World, refusal};

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

/// What another room sends.
fn parcel(sender: &str, action: TillAction) -> Arrival {
    let parcel = Parcel {
        protocol: PROTOCOL,
        sender: sender.into(),
        lineage: Lineage([1; 8]),
        after: 0,
        sends: vec![Posted {
            seq: 1,
            body: wire::write(&action).into(),
        }],
    };
    Arrival {
        who: None,
        call: Call::Deliver(wire::write(&parcel).into()),
    }
}

/// What other rooms send is let in without a user: it must not look like an order.
#[test]
fn no_room_and_no_operator_is_taken_for_an_order() {
    let (mut world, _) = till(1, 100);
    let parcel = |sender: &str| parcel(sender, TillAction::Give(5));
    let forged = world.ask(0, vec![parcel("order/test")]);
    assert_eq!(refusal(&forged[0]).0, Some(Code::Malformed));
    assert_eq!(state(&mut world).coins, 100);
    world.pass(LEASE_MS + 1);
    assert_eq!(world.ask(0, vec![parcel("operator/admin")])[0].status, 200);
    assert_eq!(state(&mut world).coins, 105);
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

/// The rules of a later day, when nothing may be ordered any more.
#[derive(Debug)]
struct Closed;

impl Rules for Closed {
    type Config = ();
    type State = TillState;
    type Action = TillAction;
    const KIND: &'static str = Till::KIND;
    const VERSION: u32 = 2;
    const PERSONAL: bool = true;

    fn setup(ctx: &mut Ctx<'_, Self>) -> TillState {
        <Till as Rules>::setup(ctx)
    }

    fn validate(
        state: &TillState,
        by: By,
        action: &TillAction,
        ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        <Till as Rules>::validate(state, by, action, ctx)
    }

    fn apply(state: &mut TillState, by: By, action: TillAction, ctx: &mut Ctx<'_, Self>) {
        <Till as Rules>::apply(state, by, action, ctx);
    }

    fn view(state: &TillState, who: Option<Player>) -> serde_json::Value {
        <Till as Rules>::view(state, who)
    }
}

/// Who could order too much is found by it; what the operator did stays.
#[test]
fn b28_b31_what_was_ordered_is_asked_again_under_rules_that_do_not_let_it() {
    let (mut world, device) = till(1, 100);
    let bought = settle(&mut world, 0, &order(&device, 1, BUY));
    assert_eq!(bought, Ok(OrderFate::Done));
    world.pass(LEASE_MS + 1);
    let sold = parcel("operator/admin", TillAction::Buy(50));
    assert_eq!(world.ask(0, vec![sold])[0].status, 200);
    assert_eq!(state(&mut world).bought, [30, 50]);
    let frames = world.frames();
    let mut rejected = Vec::new();
    let mut again = Rerun::<Closed>::begin(&frames[0], 0, &mut |_| {}).expect("a first frame");
    for frame in &frames[1..] {
        again.follow(frame, 0, &mut |step| rejected.extend(step.rejected));
    }
    assert_eq!(rejected, [Reject::OUTDATED]);
    assert_eq!(again.room().state().bought, [50]);
}

#[test]
fn an_order_is_read_within_its_limits_and_not_beyond() {
    let of = |number, length: usize| {
        let order = Order {
            protocol: PROTOCOL,
            device: device_id("ann", 1),
            registration: 0,
            number,
            body: vec![7; length].into(),
        };
        let bytes = wire::write(&order);
        (wire::read_order(&bytes).map(|read| read.body.len()), bytes)
    };
    for number in [1, MAX_SEQUENCE] {
        assert_eq!(of(number, MAX_SEND_BYTES).0, Ok(MAX_SEND_BYTES));
    }
    for number in [0, MAX_SEQUENCE + 1, u64::MAX] {
        assert_eq!(of(number, 1).0, Err(Code::Malformed));
    }
    for length in [
        MAX_SEND_BYTES + 1,
        2 * MAX_SEND_BYTES,
        MAX_REQUEST_BYTES + 1,
    ] {
        assert_eq!(of(1, length).0, Err(Code::TooLarge));
    }
    let (_, mut bytes) = of(1, 3);
    bytes.push(0);
    assert_eq!(wire::read_order(&bytes).err(), Some(Code::Malformed));
    // More than any request may be is not even looked at.
    assert_eq!(
        wire::read_order(&vec![PROTOCOL + 1; MAX_REQUEST_BYTES]).err(),
        Some(Code::Protocol)
    );
    assert_eq!(
        wire::read_order(&vec![PROTOCOL + 1; MAX_REQUEST_BYTES + 1]).err(),
        Some(Code::TooLarge)
    );
    assert_eq!(wire::read_order(&[]).err(), Some(Code::Malformed));
}

/// Frames that no draft writes; see `frames.rs` for the others.
#[test]
fn a_frame_with_an_order_again_beyond_counting_or_of_nobody_is_refused() {
    let (mut world, device) = till(1, 100);
    assert_eq!(
        place(&mut world, 0, &order(&device, 7, BUY)),
        Ok(OrderFate::Done)
    );
    let room = world.audit().room;
    let lineage = world
        .frames()
        .iter()
        .flat_map(|frame| &frame.entries)
        .find_map(|entry| match entry {
            Entry::Receive { lineage, .. } => Some(*lineage),
            _ => None,
        });
    let lineage = lineage.expect("it was received");
    let replayed = |sender: &str, lineage, number| {
        let mut frame = world
            .store
            .log(crate::support::ROOM)
            .frames()
            .last()
            .map(|bytes| baton::frame::Frame::decode(bytes).expect("a frame"))
            .expect("there are some");
        (frame.v, frame.previous) = (room.head().v + 1, room.head().hash);
        frame.entries = vec![Entry::Receive {
            sender: sender.into(),
            lineage,
            number,
            body: wire::write(&BUY).into(),
        }];
        match room.clone().replay(&frame.encode()) {
            Err(ReplayError::State { .. }) => Ok(()),
            Err(other) => Err(other),
            Ok(_) => panic!("its state is another's"),
        }
    };
    let mut replayed = replayed;
    for number in [8, MAX_SEQUENCE] {
        assert_eq!(replayed("order/test", lineage, number), Ok(()));
    }
    let refused = Err(ReplayError::Entry(0));
    for number in [0, 6, 7, MAX_SEQUENCE + 1, u64::MAX] {
        assert_eq!(replayed("order/test", lineage, number), refused, "{number}");
    }
    assert_eq!(replayed("order/mallory", lineage, 8), refused);
    assert_eq!(replayed("order/test", Lineage([9; 8]), 8), refused);
}
