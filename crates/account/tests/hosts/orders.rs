//! What is bought with coins: by orders, while somebody waits for it. Nothing a device does without network touches coins.

use account::{Account, Action, Item, Price, reject};
use baton::effect::{Arrival, Call};
use baton::limits::PROTOCOL;
use baton::wire::{self, Order, OrderFate};
use baton::{ActError, Code};

use crate::samples::one_of_each;
use crate::scene::{OWNER, Server, account, act, by_hand, replayed, settle, synced};
use crate::support::client::identity;
use crate::support::{Flight, LEASE_MS, Raw, World, refusal};

fn order(device: &Raw, number: u64, action: &Action) -> Order {
    Order {
        protocol: PROTOCOL,
        device: device.hail.id,
        registration: device.hail.number.expect("registered"),
        number,
        body: wire::write(action).into(),
    }
}

fn arrival(user: &str, order: &Order) -> Arrival {
    Arrival {
        who: Some(identity(user)),
        call: Call::Order(wire::write(order).into()),
    }
}

/// An order until it is answered for certain.
fn place(world: &mut World<Account>, user: &str, order: &Order) -> Result<OrderFate, Option<Code>> {
    for host in 0.. {
        world.pass(LEASE_MS + 1);
        let outcomes = world.ask(host % 2, vec![arrival(user, order)]);
        if outcomes[0].status != 200 {
            return Err(refusal(&outcomes[0]).0);
        }
        let told = wire::read_ordered(&outcomes[0].body).expect("an answer");
        if !matches!(told.fate, OrderFate::Waits { .. }) {
            return Ok(told.fate);
        }
        assert!(host < 20, "it waits for ever");
    }
    unreachable!("it is answered, or it is not")
}

/// An account with so many coins, and a device of it.
fn rich(coins: i64) -> (World<Account>, Raw) {
    let (mut world, mut devices) = account(2, 1);
    let raw = by_hand(&mut world, 9);
    let grant = Action::Grant { coins, scrap: 0 };
    Server::default().sends(&mut world, 0, &[grant]);
    settle(&mut world, &mut devices);
    (world, raw)
}

#[test]
fn b08_b26_a_purchase_with_coins_is_paid_once_however_often_it_is_ordered() {
    let (mut world, device) = rich(1_200);
    let nurse = order(&device, 1, &Action::Purchase(Item::Nurse));
    let copies = || vec![arrival(OWNER, &nurse); 8];
    let mut flights = [0, 1].map(|host| Flight::begin(&mut world, host, copies()));
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        flights
            .iter_mut()
            .for_each(|flight| flight.step(&mut world));
    }
    assert_eq!(place(&mut world, OWNER, &nurse), Ok(OrderFate::Done));
    let state = replayed(&mut world);
    let (_, price) = Item::Nurse.price();
    assert_eq!((state.coins, state.scrap), (1_200 - price, 0));
    assert!(state.items.contains(&Item::Nurse));
    // Ordered anew it is there already; what is left does not pay for the other; scrap buys by another way.
    for (number, item, code) in [
        (2, Item::Nurse, reject::OWNED),
        (3, Item::Astronaut, reject::POOR),
        (4, Item::Raincoat, reject::OTHER_CURRENCY),
    ] {
        let refused = order(&device, number, &Action::Purchase(item));
        let told = place(&mut world, OWNER, &refused);
        assert_eq!(told, Ok(OrderFate::Refused(code)), "{item:?}");
    }
    let after = replayed(&mut world);
    assert_eq!(wire::write(&after), wire::write(&state), "no trace of them");
}

#[test]
fn b05_b11_nothing_else_of_the_servers_can_be_ordered_and_nobody_elses() {
    let (mut world, device) = rich(5_000);
    let before = (world.head(), wire::write(&replayed(&mut world)));
    let forged = one_of_each().into_iter();
    let forged = forged.filter(|action| !matches!(action, Action::Purchase(_)));
    for (action, number) in forged.zip(1..) {
        let order = order(&device, number, &action);
        let told = place(&mut world, OWNER, &order);
        assert_eq!(told, Err(Some(Code::Forbidden)), "{action:?}");
    }
    let purchase = order(&device, 99, &Action::Purchase(Item::Astronaut));
    let told = place(&mut world, "mallory", &purchase);
    assert_eq!(told, Err(Some(Code::NotFound)));
    let after = (world.head(), wire::write(&replayed(&mut world)));
    assert_eq!(after, before);
}

#[test]
fn b05_b26_a_device_cannot_queue_a_purchase_with_coins_however_rich_it_is() {
    let (mut world, mut devices) = account(2, 1);
    let grant = Action::Grant {
        coins: 1_000_000,
        scrap: 0,
    };
    Server::default().sends(&mut world, 0, &[grant]);
    settle(&mut world, &mut devices);
    for item in Item::ALL {
        let queued = act(&world, &mut devices[0], &Action::Purchase(item));
        assert_eq!(queued, Err(ActError::Rejected(reject::SERVER_ONLY)));
        let bought = act(&world, &mut devices[0], &Action::Buy(item));
        let code = match item.price().0 {
            Price::Coins => reject::OTHER_CURRENCY,
            Price::Scrap => reject::POOR,
        };
        assert_eq!(bought, Err(ActError::Rejected(code)));
    }
    // What a device writes as an order is in none of its queues either.
    let ordered = devices[0].replica.order(&Action::Purchase(Item::Nurse), 1);
    assert!(ordered.is_some());
    assert_eq!(devices[0].replica.pending(), 0);
    assert_eq!(synced(&devices[0]).coins, 1_000_000);
}
