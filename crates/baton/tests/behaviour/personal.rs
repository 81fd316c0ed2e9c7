//! A room of one user's own: for anybody else it does not exist, and its frames are published nowhere.

use baton::effect::{Arrival, Call, Effect};
use baton::limits::WINDOW;
use baton::{ActError, Code, Replica};

use crate::support::client::identity;
use crate::support::purse::{Purse, PurseAction};
use crate::support::{Client, Flight, LEASE_MS, Raw, World, refusal, reply_of, watcher};

const OWNER: &str = "test";

/// A room with something in it.
fn room() -> (World<Purse>, Client<Purse>) {
    let mut world = World::<Purse>::new(2);
    let mut owner = Client::<Purse>::on(OWNER, 1);
    world.join(0, &mut owner);
    let earned = owner.replica.act(&PurseAction::Earn, world.since_ms());
    earned.expect("it may");
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut owner);
    (world, owner)
}

#[test]
fn to_anybody_else_it_looks_like_a_room_that_does_not_exist() {
    for begun in [true, false] {
        let mut world = if begun {
            room().0
        } else {
            World::<Purse>::new(2)
        };
        let head = world.head();
        let mallory = Raw::new("mallory");
        let calls = [
            mallory.arrival(&[]),
            watcher(world.head()),
            Arrival {
                who: None,
                call: Call::View,
            },
            Arrival {
                who: Some(identity("mallory")),
                call: Call::View,
            },
            Arrival {
                who: None,
                call: Call::Tail,
            },
            Arrival {
                who: None,
                call: Call::Snapshot,
            },
            Arrival {
                who: None,
                call: Call::Watch,
            },
            Arrival {
                who: Some(identity("mallory")),
                call: Call::Watch,
            },
        ];
        for call in calls {
            for instance in 0..2 {
                let outcomes = world.ask(instance, vec![call.clone()]);
                assert_eq!(refusal(&outcomes[0]).0, Some(Code::NotFound), "{call:?}");
            }
        }
        assert_eq!(world.head(), head, "nothing was written");
    }
}

#[test]
fn what_is_refused_to_others_is_answered_to_its_user_in_the_same_batch() {
    let (mut world, owner) = room();
    let mallory = Raw::new("mallory").arrival(&[]);
    let own = Arrival {
        who: Some(owner.who.clone()),
        call: Call::View,
    };
    let outcomes = world.ask(0, vec![mallory, own]);
    assert_eq!(refusal(&outcomes[0]).0, Some(Code::NotFound));
    let view: serde_json::Value = serde_json::from_slice(&outcomes[1].body).expect("JSON");
    assert_eq!(view["game"]["coins"], 1);
}

#[test]
fn nothing_of_it_is_published() {
    let (mut world, mut owner) = room();
    let earned = owner.replica.act(&PurseAction::Earn, world.since_ms());
    earned.expect("it may");
    world.pass(LEASE_MS + 1);
    let arrival = owner.arrival(world.now_ms);
    let mut flight = Flight::begin(&mut world, 0, vec![arrival]);
    let mut appended = 0;
    while flight.outcomes().is_none() {
        if let Some(Effect::Append(append, _)) = flight.asks() {
            assert!(append.published.is_empty());
            appended += 1;
        }
        flight.step(&mut world);
    }
    assert_eq!(appended, 1);
}

#[test]
fn b20_a_device_keeps_as_much_as_the_rules_say_and_sends_it_in_turns() {
    let (mut world, mut owner) = room();
    let mut other = Client::<Purse>::on(OWNER, 2);
    world.join(1, &mut other);
    let mut kept = 0;
    while owner
        .replica
        .act(&PurseAction::Earn, world.since_ms())
        .is_ok()
    {
        kept += 1;
    }
    assert_eq!(kept, 500);
    let more = owner.replica.act(&PurseAction::Earn, world.since_ms());
    assert_eq!(more, Err(ActError::Full), "nothing was changed");
    assert_eq!(
        owner.replica.predicted().expect("a room").state().coins,
        501
    );
    // The page dies with all of it in the queue.
    let saved = owner.replica.save();
    owner.replica = Replica::resume(OWNER, &saved, 1).expect("what was saved");
    let mut requests = 0;
    while owner.replica.pending() > 0 {
        world.pass(LEASE_MS + 1);
        let arrival = owner.arrival(world.now_ms);
        let Call::Play(request) = &arrival.call else {
            panic!("it plays");
        };
        let request = baton::wire::read_request(request).expect("it writes what can be read");
        let sent = request.device.expect("a device").actions.len();
        assert!(sent <= WINDOW);
        let outcomes = world.ask(requests % 2, vec![arrival]);
        assert!(reply_of(&outcomes[0]).is_ok());
        owner.take(&outcomes[0], world.now_ms);
        requests += 1;
        assert!(requests < 100, "it ends");
    }
    let audit = world.audit();
    assert_eq!(
        (audit.room.state().coins, audit.room.state().rewards),
        (501, 50)
    );
    for client in [&mut owner, &mut other] {
        world.pass(LEASE_MS + 1);
        world.exchange(0, client);
        assert_eq!(client.replica.head(), world.head());
    }
}
