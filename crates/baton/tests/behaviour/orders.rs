//! Orders: what the user of a personal room has its server do while they wait. Each is done once at most, and every copy of
//! it is told the same.

use baton::Code;
use baton::effect::{Arrival, Call, Fed, Found};
use baton::limits::SEGMENT;
use baton::wire::{self, OrderFate};

use crate::support::client::identity;
use crate::support::till::{
    BUY, OWNER, POOR, Till, TillAction, TillState, fate_of, frame_all, from, log, order, place,
    save, settle, state, till,
};
use crate::support::{Client, Fault, Flight, LEASE_MS, Raw, World};

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
fn who_orders_before_others_in_a_batch_is_paid_from_what_they_did_first() {
    let (mut world, device) = till(1, 0);
    let saved = device.arrival(&[(2, wire::write(&TillAction::Save(30)))]);
    let bought = from(Some(&identity(OWNER)), &order(&device, 1, BUY));
    let outcomes = world.ask(0, vec![bought, saved]);
    assert_eq!(fate_of(&outcomes[0]), Ok(OrderFate::Done));
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

/// Somebody's next frame makes no sense here: no answer can be made, and what was appended is done.
#[test]
fn what_is_in_a_frame_is_never_told_to_have_changed_nothing() {
    let (mut world, device) = till(1, 100);
    let bought = from(Some(&identity(OWNER)), &order(&device, 1, BUY));
    let mut flight = Flight::begin(&mut world, 0, vec![bought]);
    flight.fly_until(&mut world, Flight::asks_append);
    let muddled = |mut found: Found| {
        found.head.v += 1;
        found.frames.push(vec![0].into());
        found
    };
    for _ in 0..10 {
        let Some(effect) = flight.asks().cloned() else {
            break;
        };
        let fed = match world.perform_for(0, &effect) {
            Some(Fed::Appended(true, found)) => Fed::Appended(true, muddled(found)),
            Some(Fed::Read(found)) => Fed::Read(muddled(found)),
            other => panic!("{other:?}"),
        };
        flight.feed(&mut world, fed);
    }
    let outcomes = flight.outcomes().expect("it ended");
    assert_eq!(fate_of(&outcomes[0]), Err(Code::Retry));
    assert_eq!(state(&mut world).bought, [30]);
    // The same again is told.
    assert_eq!(
        place(&mut world, 0, &order(&device, 1, BUY)),
        Ok(OrderFate::Done)
    );
}

/// Two pages of one device, as a copied browser profile has them. One that takes its own order for one that was never done
/// orders it anew, and pays twice.
#[test]
fn whose_request_wrote_an_order_is_never_told_that_its_number_was_used_by_another() {
    let (mut world, device) = till(2, 100);
    save(&mut world, &device, 2, 1);
    let bought = order(&device, 7, BUY);
    let asks = vec![from(Some(&identity(OWNER)), &bought)];
    let mut flight = Flight::begin(&mut world, 1, asks);
    flight.fly_until(&mut world, Flight::asks_push);
    let push = flight.asks().cloned().expect("it pushes");
    let pushed = world.perform_for(1, &push).expect("the store takes it");
    // Its result is slow. Meanwhile others frame it, and the other page orders.
    frame_all(&mut world);
    let other = order(&device, 8, TillAction::Buy(1));
    assert_eq!(settle(&mut world, 0, &other), Ok(OrderFate::Done));
    world.pass(LEASE_MS + 1);
    flight.feed(&mut world, pushed);
    let told = fate_of(&flight.finish(&mut world)[0]);
    assert_eq!(told, Err(Code::Retry), "it may have been done");
    // Who asks again, and knows that, is told what the log still knows.
    let taken = Ok(OrderFate::Taken { mark: 8 });
    assert_eq!(place(&mut world, 1, &bought), taken);
    assert_eq!(state(&mut world).bought, [30, 1]);
}
