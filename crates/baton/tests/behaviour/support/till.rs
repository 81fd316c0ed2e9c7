//! A room of one user's own where things are bought from the server, and orders to it that are written by hand.

use baton::effect::{Arrival, Call, Outcome};
use baton::frame::Entry;
use baton::limits::PROTOCOL;
use baton::wire::{self, Order, OrderFate};
use baton::{By, Code, Ctx, Identity, Player, Reject, Rules};
use serde::{Deserialize, Serialize};

use super::client::identity;
use super::{LEASE_MS, Raw, World, refusal};

/// Only the server does this.
pub const SERVER_ONLY: Reject = Reject(1);
/// There is not enough to pay for it.
pub const POOR: Reject = Reject(2);

/// Counts what its player saves, and sells for it.
#[derive(Clone, Copy, Debug)]
pub struct Till;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillState {
    pub coins: u64,
    /// What each thing that was bought cost, in order.
    pub bought: Vec<u64>,
    pub jammed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TillAction {
    Save(u64),
    /// The server, also for the user: sells something of this price.
    Buy(u64),
    /// The server alone.
    Give(u64),
    /// The server, also for the user: breaks the rules when it is done.
    Snap,
    /// The server, also for the user: the room breaks the rules by itself from then on.
    Jam,
}

impl Rules for Till {
    type Config = ();
    type State = TillState;
    type Action = TillAction;
    const KIND: &'static str = "till";
    const VERSION: u32 = 1;
    const PERSONAL: bool = true;

    fn setup(_: &mut Ctx<'_, Self>) -> TillState {
        TillState::default()
    }

    fn validate(
        state: &TillState,
        by: By,
        action: &TillAction,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match (by, action) {
            (By::Player(_), TillAction::Save(_)) => Ok(()),
            (By::Player(_), _) => Err(SERVER_ONLY),
            (By::Server, TillAction::Buy(price)) if *price > state.coins => Err(POOR),
            (By::Server, _) => Ok(()),
        }
    }

    fn apply(state: &mut TillState, _: By, action: TillAction, _: &mut Ctx<'_, Self>) {
        match action {
            TillAction::Save(coins) | TillAction::Give(coins) => state.coins += coins,
            TillAction::Buy(price) => {
                state.coins -= price;
                state.bought.push(price);
            }
            TillAction::Snap => panic!("snapped"),
            TillAction::Jam => state.jammed = true,
        }
    }

    fn orders(action: &TillAction) -> bool {
        matches!(
            action,
            TillAction::Buy(_) | TillAction::Snap | TillAction::Jam
        )
    }

    fn due(state: &TillState, _: &Ctx<'_, Self>) -> Option<TillAction> {
        state.jammed.then_some(TillAction::Snap)
    }

    fn view(state: &TillState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}

pub const OWNER: &str = "test";
pub const BUY: TillAction = TillAction::Buy(30);

/// A room whose user has so much, and a device of it.
pub fn till(instances: usize, coins: u64) -> (World<Till>, Raw) {
    let mut world = World::<Till>::new(instances);
    let device = Raw::joined(&mut world, 0, OWNER);
    world.pass(LEASE_MS + 1);
    save(&mut world, &device, 1, coins);
    world.pass(LEASE_MS + 1);
    (world, device)
}

pub fn save(world: &mut World<Till>, device: &Raw, seq: u64, coins: u64) {
    let saved = [(seq, wire::write(&TillAction::Save(coins)))];
    device.say(world, 0, &saved).expect("taken");
}

pub fn order(device: &Raw, number: u64, action: TillAction) -> Order {
    Order {
        protocol: PROTOCOL,
        device: device.hail.id,
        registration: device.hail.number.expect("registered"),
        number,
        body: wire::write(&action).into(),
    }
}

pub fn from(who: Option<&Identity>, order: &Order) -> Arrival {
    Arrival {
        who: who.cloned(),
        call: Call::Order(wire::write(order).into()),
    }
}

pub fn fate_of(outcome: &Outcome) -> Result<OrderFate, Code> {
    if outcome.status == 200 {
        return Ok(wire::read_ordered(&outcome.body).expect("an answer").fate);
    }
    Err(refusal(outcome).0.expect("a known code"))
}

/// The owner's order by way of an instance.
pub fn place(world: &mut World<Till>, instance: usize, order: &Order) -> Result<OrderFate, Code> {
    let outcomes = world.ask(instance, vec![from(Some(&identity(OWNER)), order)]);
    fate_of(&outcomes[0])
}

/// The same again until there is an answer.
pub fn settle(world: &mut World<Till>, instance: usize, order: &Order) -> Result<OrderFate, Code> {
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
pub fn frame_all(world: &mut World<Till>) {
    world.pass(2 * LEASE_MS + 1);
    let view = Arrival {
        who: Some(identity(OWNER)),
        call: Call::View,
    };
    assert_eq!(world.ask(0, vec![view])[0].status, 200);
    assert_eq!(world.log().waiting(), 0);
}

pub fn state(world: &mut World<Till>) -> TillState {
    world.audit().room.state().clone()
}

/// What the log has of orders: numbers, and 0 or the code.
pub fn log(world: &mut World<Till>) -> Vec<(u64, u16)> {
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
