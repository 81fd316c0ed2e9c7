//! An account on its hosts, its user's devices, and the server that sends to it.

use account::{Account, Action, State};
use baton::effect::{Arrival, Call};
use baton::limits::{MAX_PARCEL_SENDS, PROTOCOL};
use baton::parcel::{Parcel, Posted, Receipt};
use baton::wire;
use baton::{ActError, Lineage};

use crate::support::{Client, LEASE_MS, Raw, World};

/// Whose account every test is about.
pub(crate) const OWNER: &str = "test";
pub(crate) const TEN_YEARS_MS: i64 = 10 * 365 * 24 * 60 * 60 * 1_000;

/// An account on so many hosts, and so many devices that have joined.
pub(crate) fn account(hosts: usize, devices: u8) -> (World<Account>, Vec<Client<Account>>) {
    let mut world = World::new(hosts);
    let mut clients: Vec<_> = (1..=devices)
        .map(|device| Client::on(OWNER, device))
        .collect();
    for client in &mut clients {
        world.join(0, client);
    }
    settle(&mut world, &mut clients);
    (world, clients)
}

/// A device whose requests are written by hand, on an account that has begun.
pub(crate) fn by_hand(world: &mut World<Account>, device: u8) -> Raw {
    let mut raw = Raw::on(OWNER, device);
    world.pass(LEASE_MS + 1);
    raw.join(world, 0);
    world.pass(LEASE_MS + 1);
    raw
}

pub(crate) fn act(
    world: &World<Account>,
    client: &mut Client<Account>,
    action: &Action,
) -> Result<u64, ActError> {
    client.replica.act(action, world.since_ms())
}

/// Everybody asks, by way of all hosts in turn, until nothing waits anywhere and all have everything.
pub(crate) fn settle(world: &mut World<Account>, clients: &mut [Client<Account>]) {
    for round in 0..1_000 {
        for (index, client) in clients.iter_mut().enumerate() {
            world.pass(LEASE_MS + 1);
            world.exchange((round + index) % world.instances.len(), client);
        }
        let head = world.head();
        let quiet = clients.iter().all(|client| {
            let replica = &client.replica;
            let waits = replica.pending() > 0 || !synced(client).claims.is_empty();
            !waits && replica.head() == head
        });
        if quiet && world.log().waiting() == 0 {
            return;
        }
    }
    panic!("it is never quiet");
}

/// What the log says.
pub(crate) fn synced(client: &Client<Account>) -> &State {
    client.replica.synced().expect("joined").state()
}

/// What is on the screen.
pub(crate) fn shown(client: &Client<Account>) -> &State {
    client.replica.predicted().expect("joined").state()
}

/// The account by a replay of its whole log, which is checked.
pub(crate) fn replayed(world: &mut World<Account>) -> State {
    world.audit().room.state().clone()
}

/// A room of no importance that sends: all that a server does to an account comes like this.
#[derive(Default)]
pub(crate) struct Server {
    sent: u64,
}

impl Server {
    pub(crate) fn sends(&mut self, world: &mut World<Account>, host: usize, actions: &[Action]) {
        for some in actions.chunks(MAX_PARCEL_SENDS) {
            world.pass(LEASE_MS + 1);
            let call = Call::Deliver(parcel(self.sent, some).into());
            self.sent += some.len() as u64;
            let outcomes = world.ask(host, vec![Arrival { who: None, call }]);
            assert_eq!(outcomes[0].status, 200);
            let receipt: Receipt = postcard::from_bytes(&outcomes[0].body).expect("a receipt");
            assert_eq!(receipt.mark, self.sent, "it is in the log");
        }
    }
}

/// What the server sends after so many sends.
pub(crate) fn parcel(after: u64, actions: &[Action]) -> Vec<u8> {
    let sends = (after + 1..).zip(actions).map(|(seq, action)| Posted {
        seq,
        body: wire::write(action).into(),
    });
    wire::write(&Parcel {
        protocol: PROTOCOL,
        sender: "office/operator".into(),
        lineage: Lineage([3; 8]),
        after,
        sends: sends.collect(),
    })
}
