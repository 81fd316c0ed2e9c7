//! Real inputs of every decoder, from a room that was played in.

use std::sync::LazyLock;

use baton::effect::{Arrival, Call, Fed};
use baton::parcel::{Parcel, Posted};
use baton::slots::Keys;
use baton::wire::{self, OrderFate, Ordered, Presence};
use baton::{Head, Lineage, Reject, limits};
use serde_bytes::ByteBuf;

use crate::support::rules::{Herd, HerdAction, add};
use crate::support::{Client, IDLE_MS, LEASE_MS, Raw, Shelf, World, watcher};

/// Encoded, by decoder.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) frames: Vec<Vec<u8>>,
    /// As sockets bring them: each follows the frame before in `frames`.
    pub(crate) published: Vec<Vec<u8>>,
    pub(crate) snapshots: Vec<Vec<u8>>,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) replies: Vec<Vec<u8>>,
    /// Orders, and the answers to them.
    pub(crate) orders: Vec<Vec<u8>>,
    pub(crate) queues: Vec<Vec<u8>>,
    pub(crate) items: Vec<Vec<u8>>,
    pub(crate) arrivals: Vec<Vec<u8>>,
    pub(crate) fed: Vec<Vec<u8>>,
    pub(crate) settings: Vec<Vec<u8>>,
}

/// The same in every test.
pub(crate) static SAMPLES: LazyLock<Samples> = LazyLock::new(play);

/// Keys of a room that was played in until segments were sealed and trimmed.
pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let mut shelf = Shelf::<Herd>::new(1);
    let ann = Raw::new("ann");
    for _ in 0..9 * limits::SEGMENT {
        shelf.pass(IDLE_MS + 1);
        shelf.ask(0, vec![ann.arrival(&[])]);
    }
    shelf.keys
});

fn play() -> Samples {
    let mut samples = Samples::default();
    let world = &mut World::<Herd>::new(2);
    let mut ann = Client::<Herd>::new("ann");
    world.join(0, &mut ann);
    let bob = Raw::joined(world, 0, "bob");
    for round in 0..6 {
        world.pass(LEASE_MS + 1);
        ann.replica
            .act(&HerdAction::Add(round), world.since_ms())
            .expect("a player may");
        samples.queues.push(ann.replica.save());
        let arrival = ann.arrival(world.now_ms);
        if let Call::Play(bytes) = &arrival.call {
            samples.requests.push(bytes.to_vec());
        }
        samples.arrivals.push(wire::write(&vec![arrival.clone()]));
        let outcome = world.ask(0, vec![arrival]).remove(0);
        samples.replies.push(outcome.body.to_vec());
        ann.take(&outcome, world.now_ms);
        // Bob's actions lie in the inbox: the other instance follows.
        let seq = round.unsigned_abs() + 1;
        let _standing = bob.say(world, 1, &[(seq, add(round))]);
        let found = world.found();
        samples
            .items
            .extend(found.inbox.iter().map(|item| item.bytes.to_vec()));
        samples.fed.push(wire::write(&Fed::Read(found)));
    }
    let _standing = bob.but(Presence::Leaving).say(world, 0, &[]);
    samples.frames = world.log().frames().map(<[u8]>::to_vec).collect();
    let published = |frame: &Vec<u8>| world.published(frame).to_vec();
    samples.published = samples.frames.iter().map(published).collect();
    samples.snapshots = vec![world.audit().room.snapshot()];
    samples
        .arrivals
        .extend([watcher(Head::default()), view(), parcel()].map(|call| wire::write(&vec![call])));
    samples.orders = orders(ann.replica.order(&HerdAction::Add(1), 7));
    samples.settings = settings();
    samples
}

fn orders(order: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let fates = [
        OrderFate::Waits { ask_ms: 300 },
        OrderFate::Done,
        OrderFate::Refused(Reject(7)),
        OrderFate::Taken { mark: 1 << 40 },
    ];
    let protocol = limits::PROTOCOL;
    let answers = fates.map(|fate| wire::write(&Ordered { protocol, fate }));
    order.into_iter().chain(answers).collect()
}

fn view() -> Arrival {
    Arrival {
        who: None,
        call: Call::View,
    }
}

fn parcel() -> Arrival {
    let parcel = Parcel {
        protocol: limits::PROTOCOL,
        sender: "herd/other".into(),
        lineage: Lineage([7; 8]),
        after: 0,
        sends: vec![Posted {
            seq: 1,
            body: ByteBuf::from(add(1)),
        }],
    };
    Arrival {
        who: None,
        call: Call::Deliver(wire::write(&parcel).into()),
    }
}

fn settings() -> Vec<Vec<u8>> {
    let texts = [
        "{}",
        r#"{"frame_ms":100,"lease_ms":200,"idle_ms":2000}"#,
        r#"{"lease_ms":500,"rooms":{"herd":{},"other":{"a":[1,null,"b"]}}}"#,
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}
