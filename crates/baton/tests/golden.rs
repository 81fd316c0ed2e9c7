//! The shapes of the wire, of frames and of effects, pinned byte for byte. TypeScript's codec is
//! tested against the same file. `BATON_WRITE_GOLDEN=1` rewrites it; a change of what is there is
//! a change of protocol.

use std::{fmt::Write as _, fs, path::PathBuf};

use baton::effect::{
    Append, Arrival, Call, Content, Effect, Fed, Found, Item, Lease, NEWEST, Note, Outcome, Read,
};
use baton::frame::{Cut, Entry, FORMAT, Frame};
use baton::parcel::{Parcel, Posted, Receipt};
use baton::slots::{Answer, Call as KeyCall, Step};
use baton::wire::{
    Hail, News, Order, OrderFate, Ordered, Presence, Reply, Request, Sent, Standing,
};
use baton::{BodyHash, DeviceId, Hash, Head, Identity, Lineage, Nonce, Reject, Writer, limits};
use serde::Serialize;
use serde_bytes::ByteBuf;
use serde_json::{Value, json};

fn bytes(bytes: &[u8]) -> ByteBuf {
    ByteBuf::from(bytes)
}

fn head(v: u64) -> Head {
    Head {
        v,
        hash: Hash([v as u8; 16]),
    }
}

fn vector<T: Serialize>(name: &str, value: &T) -> Value {
    let encoded = baton::wire::write(value);
    let hex = encoded.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("strings take everything");
        hex
    });
    json!({ "name": name, "hex": hex, "value": value })
}

fn found() -> Found {
    Found {
        clock_ms: Some(1_790_000_000_123),
        head: head(9),
        known: Some(Hash([8; 16])),
        trimmed: false,
        snapshot: Some(bytes(&[1, 2, 3])),
        frames: vec![bytes(&[9, 9]), bytes(&[])],
        inbox: vec![Item {
            id: 300,
            received_ms: 1_790_000_000_001,
            bytes: bytes(&[7; 130]),
        }],
        lease: Some(Lease { v: 9, left_ms: 150 }),
        block: Some(vec![bytes(&[5])]),
        attempt: Some(bytes(&[6, 6])),
    }
}

fn read() -> Read {
    Read {
        known: head(8),
        since: 3,
        block: Some(64),
    }
}

fn effects() -> Vec<Value> {
    let append = Append {
        v: 10,
        previous: Hash([9; 16]),
        hash: Hash([10; 16]),
        frame: bytes(&[1, 10]),
        published: bytes(&[65, 10]),
        lease_ms: 200,
        framed: vec![1, 300],
        snapshot: Some(bytes(&[4])),
        note: Some(Note {
            was: Some(bytes(&[6])),
            now: None,
        }),
    };
    let outcome = Outcome {
        status: 200,
        content: Content::Reply,
        body: bytes(&[1]),
    };
    let who = Identity {
        user: "u_1".into(),
        name: "Zoë".into(),
    };
    let block = Call::Block {
        first: 1,
        last: 64,
        hash: "00".repeat(16),
    };
    let deliver = Effect::Deliver {
        target: "account/u_1".into(),
        parcel: bytes(&[1, 4]),
    };
    let arrival = |who: Option<&Identity>, call| Arrival {
        who: who.cloned(),
        call,
    };
    vec![
        vector("effect read", &Effect::Read(read())),
        vector(
            "effect read of a cold instance",
            &Effect::Read(Read {
                since: NEWEST,
                ..Read::default()
            }),
        ),
        vector("effect append", &Effect::Append(append, read())),
        vector("effect push", &Effect::Push(vec![bytes(&[3, 3])], read())),
        vector("effect reply", &Effect::Reply(vec![outcome])),
        vector(
            "effect note",
            &Effect::Note(
                Note {
                    was: None,
                    now: Some(bytes(&[7, 7])),
                },
                read(),
            ),
        ),
        vector("fed read", &Fed::Read(found())),
        vector("fed read of an empty room", &Fed::Read(Found::default())),
        vector("fed appended", &Fed::Appended(true, Found::default())),
        vector("fed lost", &Fed::Appended(false, found())),
        vector("fed pushed", &Fed::Pushed(found())),
        vector("fed full", &Fed::Full(Found::default())),
        vector("fed failed", &Fed::Failed),
        vector("effect deliver", &deliver),
        vector("fed delivered", &Fed::Delivered(bytes(&[1, 3]))),
        vector("fed noted", &Fed::Noted(found())),
        vector(
            "arrivals",
            &vec![
                arrival(Some(&who), Call::Play(bytes(&[1, 2]))),
                arrival(None, Call::View),
                arrival(None, block),
                arrival(Some(&who), Call::Watch),
                arrival(None, Call::Deliver(bytes(&[1, 4]))),
                arrival(None, Call::Tail),
                arrival(None, Call::Snapshot),
                arrival(None, Call::Log { from: 65 }),
                arrival(Some(&who), Call::Order(bytes(&[1, 5]))),
            ],
        ),
    ]
}

/// What errands ask of a store of single keys, and what it answers.
fn calls() -> Vec<Value> {
    let key = || "{kind/room}:log:0".to_owned();
    let step = Step::Perform(vec![
        KeyCall::Get { key: key() },
        KeyCall::Start {
            key: key(),
            bytes: 100,
        },
        KeyCall::Set {
            key: key(),
            value: "text".into(),
            absent_only: true,
            expire_seconds: Some(1),
        },
        KeyCall::Delete {
            keys: vec![key(), "other".into()],
        },
        KeyCall::FieldSet {
            key: key(),
            field: 1 << 52,
            value: "AQ".into(),
        },
        KeyCall::Fields {
            key: key(),
            fields: vec![1, 300],
        },
        KeyCall::AllFields { key: key() },
        KeyCall::FieldsDelete {
            key: key(),
            fields: vec![7],
        },
        KeyCall::FieldCount { key: key() },
    ]);
    let answers = vec![
        Answer::Done,
        Answer::Refused,
        Answer::Nil,
        Answer::Text("text".into()),
        Answer::Texts(vec![Some("AQ".into()), None]),
        Answer::Hash(vec![(300, "AQ".into())]),
        Answer::Length(64),
        Answer::WrongType,
        Answer::Failed,
    ];
    vec![
        vector("step of every call", &step),
        vector("step done", &Step::Done(Fed::Read(Found::default()))),
        vector("answers of every shape", &answers),
    ]
}

fn messages() -> Vec<Value> {
    let hail = Hail {
        id: DeviceId([6; 16]),
        number: Some(2),
        session: 3,
        client: 1,
        presence: Presence::Here,
        answered: 40,
        kept_from: 12,
        actions: vec![Sent {
            seq: 41,
            version: 3,
            body: bytes(&[0, 5]),
        }],
    };
    let request = Request {
        protocol: limits::PROTOCOL,
        cursor: head(7),
        rules: 2,
        frames: true,
        device: Some(hail),
    };
    let reply = |news| Reply {
        protocol: limits::PROTOCOL,
        lineage: Lineage([1; 8]),
        head: head(9),
        rules: 3,
        now_ms: 1_790_000_000_123,
        ask_ms: 500,
        news,
        device: Some(Standing {
            number: 2,
            mark: 42,
            verdicts: vec![0, 7],
        }),
    };
    let parcel = Parcel {
        protocol: limits::PROTOCOL,
        sender: "contagion/r_1".into(),
        lineage: Lineage([9; 8]),
        after: 1_832_960_000_000_000,
        sends: vec![Posted {
            seq: 1_832_960_000_000_001,
            body: bytes(&[0, 5]),
        }],
    };
    let receipt = Receipt {
        protocol: limits::PROTOCOL,
        mark: 1_832_960_000_000_001,
        body: BodyHash([8; 4]),
    };
    let order = Order {
        protocol: limits::PROTOCOL,
        device: DeviceId([6; 16]),
        registration: 2,
        number: 1_790_000_000_123,
        body: bytes(&[8, 2]),
    };
    let ordered = |fate| Ordered {
        protocol: limits::PROTOCOL,
        fate,
    };
    vec![
        vector("request", &request),
        vector("reply frames", &reply(News::Frames(vec![bytes(&[1])]))),
        vector("reply snapshot", &reply(News::Snapshot(bytes(&[2])))),
        vector("reply reset", &reply(News::Reset(bytes(&[3])))),
        vector("parcel", &parcel),
        vector("receipt", &receipt),
        vector("order", &order),
        vector("ordered waits", &ordered(OrderFate::Waits { ask_ms: 300 })),
        vector("ordered done", &ordered(OrderFate::Done)),
        vector("ordered refused", &ordered(OrderFate::Refused(Reject(8)))),
        vector(
            "ordered taken",
            &ordered(OrderFate::Taken {
                mark: 1_790_000_000_124,
            }),
        ),
    ]
}

fn frame(entries: Vec<Entry>) -> Frame {
    Frame {
        format: FORMAT,
        v: 4_321,
        previous: Hash([1; 16]),
        writer: Writer([2; 8]),
        epoch: 12,
        nonce: Nonce([3; 8]),
        rules: 0,
        tick: 17_000,
        time_ms: 1_790_000_000_123,
        entries,
        state: Hash([4; 16]),
    }
}

fn frames() -> Vec<Value> {
    let entries = vec![
        Entry::Setup {
            kind: "herd".into(),
            rules: Hash([5; 16]),
            version: 3,
            config: bytes(&[0]),
        },
        Entry::Register {
            user: "u_1".into(),
            name: "Zoë".into(),
            id: DeviceId([6; 16]),
            client: 1,
        },
        Entry::Join {
            device: 1,
            session: 2,
            at: 3,
        },
        Entry::Beat {
            device: 1,
            session: 2,
            at: 4,
        },
        Entry::Leave {
            device: 1,
            session: 2,
            at: 5,
        },
        Entry::Act {
            device: 1,
            seq: 41,
            body: bytes(&[0, 5]),
        },
        Entry::Reject {
            device: 1,
            seq: 42,
            code: 7,
            body: BodyHash([8; 4]),
        },
        Entry::Acknowledge {
            target: "account/u_1".into(),
            lineage: Lineage([9; 8]),
            upto: 1_832_960_000_000_000,
            read_ms: 1_790_000_000_100,
        },
        Entry::Cut {
            why: Cut::Pause,
            skip_ms: 60_000,
        },
        Entry::Reset {
            lost: Lineage([9; 8]),
        },
        Entry::Vouch {
            device: 1,
            mark: 50,
        },
        Entry::Evict { device: 0 },
        Entry::Receive {
            sender: "contagion/r_1".into(),
            lineage: Lineage([9; 8]),
            number: 1_832_960_000_000_000,
            body: bytes(&[0, 5]),
        },
        Entry::Decline {
            sender: "contagion/r_1".into(),
            lineage: Lineage([9; 8]),
            number: 1_832_960_000_000_001,
            code: 7,
            body: BodyHash([8; 4]),
        },
        Entry::Switch {
            rules: Hash([5; 16]),
            version: 4,
            open: true,
        },
        Entry::Upcast {
            device: 1,
            seq: 43,
            version: 3,
            body: bytes(&[0, 5]),
        },
        Entry::Halt,
        Entry::Due,
    ];
    vec![vector("frame of every entry", &frame(entries))]
}

#[test]
fn shapes_are_pinned() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/wire.json");
    let limits = json!({
        "PROTOCOL": limits::PROTOCOL,
        "WINDOW": limits::WINDOW,
        "MAX_REQUEST_BYTES": limits::MAX_REQUEST_BYTES,
        "MAX_ACTION_BYTES": limits::MAX_ACTION_BYTES,
        "MAX_INBOX_ITEMS": limits::MAX_INBOX_ITEMS,
        "MAX_BATCH": limits::MAX_BATCH,
        "SEGMENT": limits::SEGMENT,
    });
    let mut vectors = effects();
    vectors.extend(calls());
    vectors.extend(messages());
    vectors.extend(frames());
    let computed = json!({ "limits": limits, "vectors": vectors });
    if std::env::var_os("BATON_WRITE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&computed).expect("JSON");
        fs::write(&path, text + "\n").expect("the golden file can be written");
    }
    let text = fs::read_to_string(&path).expect("the golden file is there");
    let recorded: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(computed["limits"], recorded["limits"]);
    let pairs = computed["vectors"].as_array().expect("a list");
    for vector in pairs {
        let name = &vector["name"];
        let recorded = recorded["vectors"].as_array().expect("a list");
        let there = recorded.iter().find(|there| there["name"] == *name);
        assert_eq!(Some(vector), there, "{name} has another shape");
    }
}

#[test]
fn a_frame_with_one_input_is_under_80_bytes() {
    let one = frame(vec![Entry::Act {
        device: 12,
        seq: 4_321,
        body: bytes(&[0, 31]),
    }]);
    let length = one.encode().len();
    assert!(length < 80, "{length} bytes");
    println!("{length} bytes");
}
