//! A kind behind bytes, as a host drives it that knows no rules.

use baton::effect::{Effect, Fed};
use baton::{By, Ctx, Memory, Player, Reject, Rules, Serve, Setup, Writer, wire};

use crate::support::rules::Herd;
use crate::support::till::Till;
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

#[test]
fn what_a_host_lets_go_of_is_gone_and_a_kind_says_whose_its_rooms_are() {
    let setup = Setup::from_json("{}").expect("settings");
    let mut served = setup.serve::<Herd>(Writer([7; 8])).expect("a kind");
    let till = setup.serve::<Till>(Writer([7; 8])).expect("a kind");
    assert_eq!((served.personal(), till.personal()), (false, true));
    assert_eq!((served.kind(), till.kind()), (Herd::KIND, Till::KIND));
    let mut world = World::<Herd>::new(1);
    let arrivals = wire::write(&vec![Raw::new("ann").arrival(&[])]);
    for id in [3, 4] {
        served
            .begin(id, "one", &arrivals, world.moment(0))
            .expect("begun");
    }
    served.release(3);
    let failed = wire::write(&Fed::Failed);
    assert!(served.resume(3, &failed, world.moment(0)).is_err());
    assert!(served.resume(4, &failed, world.moment(0)).is_ok());
}
