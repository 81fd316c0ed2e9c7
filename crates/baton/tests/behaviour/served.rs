//! A kind behind bytes, as a host drives it that knows no rules.

use baton::effect::{Effect, Fed};
use baton::{Memory, Serve, Setup, Writer, wire};

use crate::support::rules::Herd;
use crate::support::{Raw, World};

/// Has a guest join a room, over a store of its own.
fn join(served: &mut dyn Serve, id: u32, room: &str) {
    let mut world = World::<Herd>::new(1);
    let mut store = Memory::new(world.now_ms);
    let arrivals = wire::write(&vec![Raw::new("ann").arrival(&[])]);
    let moment = world.moment(0);
    let mut asked = served.begin(id, room, &arrivals, moment).expect("begun");
    loop {
        let effect: Effect = postcard::from_bytes(&asked).expect("an effect");
        let Some(fed) = store.perform(room, &effect) else {
            break;
        };
        let fed: Vec<u8> = wire::write::<Fed>(&fed);
        asked = served.resume(id, &fed, world.moment(0)).expect("fed");
    }
    served.release(id);
}

#[test]
fn a_host_is_told_how_many_rooms_are_warm() {
    let setup = Setup::from_json("{}").expect("settings");
    let mut served = setup.serve::<Herd>(Writer([7; 8])).expect("a kind");
    for (warm, room) in ["one", "two", "three"].into_iter().enumerate() {
        assert_eq!(served.warm_rooms(), warm);
        join(&mut *served, 1, room);
    }
    join(&mut *served, 1, "two");
    assert_eq!(served.warm_rooms(), 3);
}
