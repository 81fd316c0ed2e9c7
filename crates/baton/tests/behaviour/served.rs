//! A kind behind bytes, as a host drives it that knows no rules.

use baton::effect::{Effect, Fed};
use baton::{By, Ctx, Memory, Player, Reject, Rules, Serve, Setup, Writer, wire};

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

/// A kind of no use but its name.
struct Named<const OPERATOR: bool>;

impl<const OPERATOR: bool> Rules for Named<OPERATOR> {
    type Config = ();
    type State = ();
    type Action = ();
    const KIND: &'static str = if OPERATOR { "operator" } else { "order" };
    const VERSION: u32 = 1;

    fn setup(_: &mut Ctx<'_, Self>) {}

    fn validate((): &(), _: By, (): &(), _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply((): &mut (), _: By, (): (), _: &mut Ctx<'_, Self>) {}

    fn view((): &(), _: Option<Player>) -> serde_json::Value {
        serde_json::Value::Null
    }
}

#[test]
fn a_kind_whose_rooms_could_be_taken_for_orders_or_an_operator_is_not_served() {
    let setup = Setup::from_json("{}").expect("settings");
    assert!(setup.serve::<Named<true>>(Writer([7; 8])).is_err());
    assert!(setup.serve::<Named<false>>(Writer([7; 8])).is_err());
}
