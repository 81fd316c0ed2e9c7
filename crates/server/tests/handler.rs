//! The server's wasm face, run where it ships, in Node and in a browser: settings, the loop of
//! effects, and what is refused. The store beside it is the one in memory.

use baton::effect::{Arrival, Call, Content, Effect, Fed, Outcome};
use baton::limits::PROTOCOL;
use baton::wire::{self, Hail, News, Presence, Reply, Request};
use baton::{DeviceId, Head, Identity, Memory};
use baton_server::{Invocation, configure, kinds, personal_kinds, warm_rooms};
use wasm_bindgen_test::wasm_bindgen_test;

const KIND: &str = "contagion";
const CLOCK_MS: u64 = 1_735_689_600_000;

fn ready() {
    assert!(configure("{}").is_ok());
}

fn effect(bytes: &[u8]) -> Effect {
    postcard::from_bytes(bytes).expect("an encoded effect")
}

fn request(cursor: Head, number: Option<u32>) -> Vec<u8> {
    wire::write(&Request {
        protocol: PROTOCOL,
        cursor,
        rules: 0,
        frames: true,
        device: Some(Hail {
            id: DeviceId([5; 16]),
            number,
            session: 1,
            client: 1,
            presence: Presence::Here,
            answered: 0,
            kept_from: 1,
            actions: Vec::new(),
        }),
    })
}

fn arrivals(calls: Vec<Call>) -> Vec<u8> {
    let who = Some(Identity {
        user: "ada".into(),
        name: "Ada".into(),
    });
    let arrivals: Vec<Arrival> = calls
        .into_iter()
        .map(|call| Arrival {
            who: who.clone(),
            call,
        })
        .collect();
    wire::write(&arrivals)
}

/// Performs what an invocation asks for until it answers.
fn finish(mut invocation: Invocation, store: &mut Memory, room: &str) -> Vec<Outcome> {
    let mut next = invocation.resume(&[]).expect("the first effect");
    for _ in 0..32 {
        let asked = effect(&next);
        let Some(fed) = store.perform(room, &asked) else {
            let Effect::Reply(outcomes) = asked else {
                panic!("only a reply is not for the store");
            };
            return outcomes;
        };
        next = invocation
            .resume(&wire::write(&fed))
            .expect("a result of the contract");
    }
    panic!("an invocation ends");
}

fn play(store: &mut Memory, room: &str, request: Vec<u8>) -> Reply {
    let bytes = arrivals(vec![Call::Play(request.into())]);
    let invocation = Invocation::new(KIND, room, &bytes, None, None).expect("it begins");
    let [outcome] = &finish(invocation, store, room)[..] else {
        panic!("one arrival has one outcome");
    };
    assert_eq!((outcome.status, outcome.content), (200, Content::Reply));
    wire::read_reply(&outcome.body).expect("a reply")
}

#[wasm_bindgen_test]
fn settings_are_taken_or_refused_whole() {
    ready();
    assert_eq!(kinds(), [KIND, "account"]);
    assert_eq!(personal_kinds(), ["account"]);
    for bad in [
        "",
        "[]",
        "{\"frame_ms\": 100",
        "{\"frame_ms\": 5}",
        "{\"frame_ms\": -1}",
        "{\"no_such_setting\": 1}",
        "{\"rooms\": []}",
        "{\"rooms\": {\"contagion\": {\"countdown_ms\": \"soon\"}}}",
        "{\"rooms\": {\"no_such_kind\": {}}}",
    ] {
        assert!(configure(bad).is_err(), "{bad}");
        assert_eq!(kinds(), [KIND, "account"], "nothing changed");
    }
    let good = "{\"frame_ms\": 50, \"rooms\": {\"contagion\": {\"countdown_ms\": 3000}}}";
    assert!(configure(good).is_ok());
    let mut store = Memory::new(CLOCK_MS);
    play(
        &mut store,
        "contagion/settings",
        request(Head::default(), None),
    );
    store.set_clock(CLOCK_MS + 200);
    let view = arrivals(vec![Call::View]);
    let invocation = Invocation::new(KIND, "contagion/settings", &view, None, None);
    let outcomes = finish(
        invocation.expect("it begins"),
        &mut store,
        "contagion/settings",
    );
    let view: serde_json::Value = serde_json::from_slice(&outcomes[0].body).expect("JSON");
    assert_eq!(view["game"]["phase"], "countdown");
    let left = view["game"]["ms_left"].as_u64().expect("a number");
    assert!((2_500..=3_100).contains(&left), "{left}");
}

#[wasm_bindgen_test]
fn a_join_goes_from_bytes_to_bytes() {
    ready();
    let mut store = Memory::new(CLOCK_MS);
    let room = "contagion/join";
    assert_eq!(warm_rooms(), 0);
    let reply = play(&mut store, room, request(Head::default(), None));
    assert_eq!(warm_rooms(), 1);
    assert_eq!(store.log(room).head(), reply.head);
    assert!(reply.head.v >= 1);
    let standing = reply.device.expect("it is registered");
    let News::Frames(frames) = reply.news else {
        panic!("a new room is sent as frames");
    };
    let stored: Vec<Vec<u8>> = store.log(room).frames().map(<[u8]>::to_vec).collect();
    assert_eq!(
        frames, stored,
        "frames are the wire: the bytes that were stored"
    );
    // Nothing has happened since: nothing is appended, nothing is sent.
    let again = play(&mut store, room, request(reply.head, Some(standing.number)));
    assert_eq!((again.head, again.news), (reply.head, News::Frames(vec![])));
}

#[wasm_bindgen_test]
fn invocations_interleave_at_every_effect() {
    ready();
    let mut stores = [Memory::new(CLOCK_MS), Memory::new(CLOCK_MS)];
    let rooms = ["contagion/one", "contagion/other"];
    let bytes = arrivals(vec![Call::Play(request(Head::default(), None).into())]);
    let mut running = rooms.map(|room| {
        let mut invocation = Invocation::new(KIND, room, &bytes, None, None).expect("it begins");
        let first = invocation.resume(&[]).expect("the first effect");
        (invocation, first)
    });
    let mut answered = 0;
    while answered < 2 {
        answered = 0;
        for ((room, store), (invocation, next)) in rooms.iter().zip(&mut stores).zip(&mut running) {
            match store.perform(room, &effect(next)) {
                Some(fed) => {
                    let resumed = invocation.resume(&wire::write(&fed));
                    *next = resumed.expect("a result of the contract");
                }
                None => answered += 1,
            }
        }
    }
    let heads = [0, 1].map(|at| stores[at].log(rooms[at]).head());
    assert!(heads[0].v >= 1 && heads[1].v >= 1);
    assert_ne!(heads[0].hash, heads[1].hash, "two rooms, two histories");
    drop(running);
}

#[wasm_bindgen_test]
fn a_batch_is_answered_in_its_order() {
    ready();
    let mut store = Memory::new(CLOCK_MS);
    let calls = vec![
        Call::Play(request(Head::default(), None).into()),
        Call::Play(vec![0xff; 3].into()),
        Call::View,
    ];
    let invocation = Invocation::new(KIND, "contagion/batch", &arrivals(calls), None, None);
    let outcomes = finish(
        invocation.expect("it begins"),
        &mut store,
        "contagion/batch",
    );
    let statuses: Vec<u16> = outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [200, 410, 200]);
    let refusal = String::from_utf8_lossy(&outcomes[1].body).into_owned();
    assert!(refusal.contains(r#""code":"protocol""#), "{refusal}");
}

#[wasm_bindgen_test]
fn what_is_not_of_the_contract_is_an_error_and_the_next_call_works() {
    ready();
    let good = arrivals(vec![Call::Play(request(Head::default(), None).into())]);
    assert!(Invocation::new("no_such_kind", "no_such_kind/room", &good, None, None).is_err());
    for bad in [&[0xff; 9][..], &good[..good.len() - 1], &[]] {
        assert!(Invocation::new(KIND, "contagion/bad", bad, None, None).is_err());
    }
    let mut invocation =
        Invocation::new(KIND, "contagion/bad", &good, None, None).expect("it begins");
    let first = invocation.resume(&[]).expect("the first effect");
    assert!(invocation.resume(&[0xff; 9]).is_err());
    assert!(invocation.resume(&[]).is_err());
    let mut store = Memory::new(CLOCK_MS);
    let fed = store.perform("contagion/bad", &effect(&first));
    let fed: Fed = fed.expect("it reads first");
    let second = invocation.resume(&wire::write(&fed));
    assert!(matches!(
        effect(&second.expect("it goes on where it was")),
        Effect::Append(..)
    ));
    // Abandoned: the room is as it was, for whoever comes next.
    drop(invocation);
    assert_eq!(store.log("contagion/bad").head().v, 0);
    let reply = play(&mut store, "contagion/bad", request(Head::default(), None));
    assert!(reply.head.v >= 1);
}

#[wasm_bindgen_test]
fn a_store_that_fails_is_answered_with_retry() {
    ready();
    let bytes = arrivals(vec![Call::Play(request(Head::default(), None).into())]);
    let mut invocation =
        Invocation::new(KIND, "contagion/failed", &bytes, None, None).expect("it begins");
    let mut next = invocation.resume(&[]).expect("the first effect");
    for _ in 0..32 {
        if let Effect::Reply(outcomes) = effect(&next) {
            assert_eq!(outcomes[0].status, 503);
            return;
        }
        let failed = invocation.resume(&wire::write(&Fed::Failed));
        next = failed.expect("a result of the contract");
    }
    panic!("an invocation ends");
}
