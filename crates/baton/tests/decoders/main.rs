//! Whatever bytes come, no decoder panics, and what one takes it writes and takes again alike.
//!
//! Each target is a test of under a second, of a minute with `BATON_SOAK`, and a fuzz target (`cargo bolero test`). Its
//! kept inputs are in `__fuzz__/<target>/corpus`; one that fails is put there, and is tried first from then on.
//! `BATON_WRITE_GOLDEN=1` writes the real ones anew.

mod damage;
mod samples;
#[path = "../behaviour/support/mod.rs"]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use baton::effect::{Arrival, Effect, Fed, Found, Item, Moment, NEWEST, Note, Read};
use baton::frame::Frame;
use baton::slots::{Answer, Errands, Step};
use baton::{Hash, Nonce, Replica, Room, Serve, Setup, Writer, wire};
use serde_bytes::ByteBuf;

use damage::{damaged, verbatim};
use samples::{KEYS, SAMPLES};
use support::client::device_id;
use support::rules::Herd;

/// Of one target.
const TEST_TIME: Duration = Duration::from_millis(400);
const SOAK_TIME: Duration = Duration::from_secs(60);
/// Of a snapshot: before the content's checksum.
const CHECK_BYTES: usize = 16;

/// A decoder under test: whether it took the bytes. Panics are what is looked for.
type Target = fn(&[u8]) -> bool;

/// Tries kept inputs, then damaged samples, for the time there is.
macro_rules! fuzz {
    ($name:literal, $samples:expr, $target:expr) => {{
        let (samples, target): (&[Vec<u8>], Target) = ($samples, $target);
        keep($name, samples);
        assert!(
            samples.iter().any(|sample| target(sample)),
            "nothing real is taken"
        );
        let soak = std::env::var_os("BATON_SOAK").is_some();
        bolero::check!(name = $name)
            .with_test_time(if soak { SOAK_TIME } else { TEST_TIME })
            .with_max_len(64)
            .for_each(|fuzz| {
                target(&damaged(fuzz, samples));
            });
    }};
}

/// Writes real inputs to the corpus, if asked to.
fn keep(name: &str, samples: &[Vec<u8>]) {
    if std::env::var_os("BATON_WRITE_GOLDEN").is_none() {
        return;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = manifest.join("tests/decoders/__fuzz__").join(name);
    let corpus = corpus.join("corpus");
    std::fs::create_dir_all(&corpus).expect("a place to write to");
    for (number, sample) in samples.iter().rev().take(3).enumerate() {
        let file = corpus.join(format!("real-{number}"));
        std::fs::write(file, verbatim(sample)).expect("a place to write to");
    }
}

fn moment(nonce: u8) -> Moment {
    Moment {
        wall_ms: support::START_MS,
        mono_ms: 0,
        nonce: Nonce([nonce; 8]),
    }
}

fn served() -> Box<dyn Serve> {
    let setup = Setup::from_json("{}").expect("all defaults");
    setup.serve::<Herd>(Writer([9; 8])).expect("all defaults")
}

/// A replica with the room of the samples' frames, all but the last.
fn replica() -> Replica<Herd> {
    let mut replica = Replica::new("ann", device_id("ann", 1), 1);
    let (_, before) = SAMPLES.frames.split_last().expect("there are some");
    before.iter().for_each(|frame| replica.frame(frame, 0));
    replica
}

fn frame(bytes: &[u8]) -> bool {
    let Ok(frame) = Frame::decode(bytes) else {
        return false;
    };
    let again = frame.encode();
    assert_eq!(Frame::decode(&again).as_ref(), Ok(&frame));
    let _ = Room::<Herd>::genesis(bytes);
    true
}

#[test]
fn b04_no_bytes_make_a_frame_that_panics() {
    fuzz!("frame", &SAMPLES.frames, frame);
}

fn published(bytes: &[u8]) -> bool {
    let mut replica = replica();
    let before = replica.head();
    replica.frame(bytes, 0);
    assert!(replica.head().v <= before.v + 1);
    let _ = replica.notes();
    replica.head() != before
}

#[test]
fn b04_no_bytes_of_a_socket_panic() {
    fuzz!("published", &SAMPLES.published, published);
}

/// With the checksum of its content, which a fuzzer would hardly guess.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let content = bytes.len().saturating_sub(CHECK_BYTES);
    let mut sealed = bytes[..content].to_vec();
    let check = Hash::of(&sealed);
    sealed.extend_from_slice(&check.0);
    sealed
}

fn snapshot(bytes: &[u8]) -> bool {
    let restored = Room::<Herd>::restore(bytes).or_else(|| Room::restore(&sealed(bytes)));
    let Some(room) = restored else {
        return false;
    };
    let again = room.snapshot();
    let same = Room::<Herd>::restore(&again).expect("it was just written");
    assert_eq!(same.snapshot(), again);
    true
}

#[test]
fn b04_no_bytes_make_a_snapshot_that_panics() {
    fuzz!("snapshot", &SAMPLES.snapshots, snapshot);
}

/// A room that a page kept, and what a host then says.
fn kept_room(bytes: &[u8]) -> bool {
    let mut replica: Replica<Herd> = Replica::new("ann", device_id("ann", 1), 1);
    let taken = replica.warm_up(&sealed(bytes), 0);
    let reply = SAMPLES.replies.last().expect("there are some");
    replica.receive(reply, 0, 0);
    let _ = replica.notes();
    taken
}

#[test]
fn b04_no_kept_room_panics() {
    fuzz!("kept_room", &SAMPLES.snapshots, kept_room);
}

fn block(bytes: &[u8]) -> bool {
    let mut spectator: Replica<Herd> = Replica::spectator();
    let taken = spectator.block(bytes, 0);
    let reply = SAMPLES.replies.last().expect("there are some");
    spectator.tail(reply, 0);
    taken
}

#[test]
fn b04_no_block_of_a_cache_panics() {
    let frames: Vec<ByteBuf> = SAMPLES.frames.iter().cloned().map(ByteBuf::from).collect();
    let (_, before) = frames.split_last().expect("there are some");
    let samples = [wire::write(&before), wire::write(&frames)];
    fuzz!("block", &samples, block);
}

/// Has a cold instance read a room from keys, over the wasm line: with these bytes in place of the store's answers number
/// `at`, if there are any. Whether they were taken, and the answers of the store.
fn read_keys(at: usize, bytes: Option<&[u8]>) -> (bool, Vec<Vec<u8>>) {
    let mut keys = KEYS.clone();
    let mut errands = Errands::default();
    let read = Effect::Read(Read {
        since: NEWEST,
        ..Read::default()
    });
    let begun = errands.begin(1, support::ROOM, &wire::write(&read), moment(1));
    let mut step = begun.expect("a read is begun");
    let (mut answers, mut taken) = (Vec::new(), false);
    // No answers have it ask for ever.
    for round in 0..60 {
        let next: Step = postcard::from_bytes(&step).expect("it was just written");
        let Step::Perform(calls) = next else {
            return (taken, answers);
        };
        let real: Vec<Answer> = calls.iter().map(|call| keys.perform(call)).collect();
        let real = wire::write(&real);
        let fed = bytes.filter(|_| round == at).unwrap_or(&real);
        match errands.resume(1, fed, moment(2)) {
            Ok(next) => {
                taken |= round == at;
                step = next;
            }
            Err(_) => step = errands.resume(1, &real, moment(2)).expect("the store's"),
        }
        answers.push(real);
    }
    panic!("a read does not end");
}

fn answers(bytes: &[u8]) -> bool {
    (0..4)
        .map(|at| read_keys(at, Some(bytes)).0)
        .fold(false, |any, taken| any | taken)
}

#[test]
fn b04_no_answers_of_a_store_of_keys_panic() {
    let (_, samples) = read_keys(usize::MAX, None);
    assert!(samples.len() > 2, "a cold read asks more than once");
    fuzz!("answers", &samples, answers);
}

fn effect(bytes: &[u8]) -> bool {
    let begun = Errands::default().begin(1, support::ROOM, bytes, moment(1));
    begun.is_ok()
}

#[test]
fn b04_no_effect_over_the_wasm_line_panics() {
    let samples = [
        Effect::Read(Read::default()),
        Effect::Push(vec![vec![7; 9].into()], Read::default()),
        Effect::Note(Note::default(), Read::default()),
    ];
    fuzz!(
        "effect",
        &samples.map(|effect| wire::write(&effect)),
        effect
    );
}

fn request(bytes: &[u8]) -> bool {
    let Ok(request) = wire::read_request(bytes) else {
        return false;
    };
    let again = wire::read_request(&wire::write(&request));
    assert_eq!(again.as_ref(), Ok(&request));
    true
}

#[test]
fn b04_no_bytes_make_a_request_that_panics() {
    fuzz!("request", &SAMPLES.requests, request);
}

fn order(bytes: &[u8]) -> bool {
    if let Some(ordered) = wire::read_ordered(bytes) {
        let again = wire::read_ordered(&wire::write(&ordered));
        assert_eq!(again, Some(ordered));
        return true;
    }
    let Ok(order) = wire::read_order(bytes) else {
        return false;
    };
    let again = wire::read_order(&wire::write(&order));
    assert_eq!(again.as_ref(), Ok(&order));
    true
}

#[test]
fn b04_no_bytes_make_an_order_or_its_answer_that_panics() {
    fuzz!("order", &SAMPLES.orders, order);
}

fn reply(bytes: &[u8]) -> bool {
    replica().receive(bytes, 0, 0);
    let mut spectator: Replica<Herd> = Replica::spectator();
    spectator.tail(bytes, 0);
    spectator.snapshot(bytes, 0);
    spectator.block(bytes, 0);
    let Some(reply) = wire::read_reply(bytes) else {
        return false;
    };
    let again = wire::read_reply(&wire::write(&reply));
    assert_eq!(again.as_ref(), Some(&reply));
    true
}

#[test]
fn b04_no_bytes_make_a_reply_that_panics() {
    fuzz!("reply", &SAMPLES.replies, reply);
}

fn queue(bytes: &[u8]) -> bool {
    let Some(mut replica) = Replica::<Herd>::resume("ann", bytes, 1) else {
        return false;
    };
    let saved = replica.save();
    let resumed = Replica::<Herd>::resume("ann", &saved, 1);
    assert!(resumed.is_some(), "what is saved can be read");
    let _ = replica.request(false, 0);
    let reply = SAMPLES.replies.last().expect("there are some");
    replica.receive(reply, 0, 0);
    true
}

#[test]
fn b04_no_saved_queue_panics() {
    fuzz!("queue", &SAMPLES.queues, queue);
}

/// What a store finds of a room with the samples' frames, some time later.
fn found(later_ms: u64) -> Found {
    let last = SAMPLES.frames.last().expect("there are some");
    let frame = Frame::decode(last).expect("a frame");
    let bytes = |frame: &Vec<u8>| ByteBuf::from(frame.as_slice());
    Found {
        clock_ms: Some(frame.time_ms + later_ms),
        head: baton::Head {
            v: frame.v,
            hash: Hash::of(last),
        },
        frames: SAMPLES.frames.iter().map(bytes).collect(),
        ..Found::default()
    }
}

/// Lets a handler read this, and note what it wants to; returns what it noted and what it asked for then.
fn meet(found: &Found) -> (Vec<ByteBuf>, Effect) {
    let mut served = served();
    let arrivals = SAMPLES.arrivals.first().expect("there are some");
    let begun = served.begin(1, "room", arrivals, moment(1));
    assert!(begun.is_ok());
    let mut fed = Fed::Read(found.clone());
    let mut noted = Vec::new();
    loop {
        let effect = served.resume(1, &wire::write(&fed), moment(2));
        let effect = postcard::from_bytes(&effect.expect("it is a result"));
        match effect.expect("it was just written") {
            Effect::Note(note, _) => {
                noted.extend(note.now.clone());
                let (known, frames) = (Some(found.head.hash), Vec::new());
                fed = Fed::Noted(Found {
                    known,
                    frames,
                    attempt: note.now,
                    ..found.clone()
                });
            }
            effect => return (noted, effect),
        }
    }
}

/// Lets a handler read this inbox.
fn inbox(bytes: &[u8]) -> bool {
    let mut found = found(1_000);
    found.inbox = vec![Item {
        id: 1,
        received_ms: support::START_MS + 9_000,
        bytes: bytes.to_vec().into(),
    }];
    // An item that is good is framed, and so is the arrival.
    matches!(meet(&found).1, Effect::Append(append, _) if !append.framed.is_empty())
}

/// Lets a handler read this attempt record.
fn attempt(bytes: &[u8]) -> bool {
    let mut found = found(120_000);
    found.attempt = Some(bytes.to_vec().into());
    // One that is of no layout is a suspicion, and not taken.
    matches!(meet(&found).1, Effect::Append(append, _) if append.note.is_some())
}

#[test]
fn b04_no_attempt_record_panics() {
    let (noted, _) = meet(&found(60_000));
    let samples: Vec<Vec<u8>> = noted.into_iter().map(ByteBuf::into_vec).collect();
    fuzz!("attempt", &samples, attempt);
}

#[test]
fn b04_no_item_of_an_inbox_panics() {
    fuzz!("inbox", &SAMPLES.items, inbox);
}

fn arrivals(bytes: &[u8]) -> bool {
    let decoded: Option<Vec<Arrival>> = postcard::from_bytes(bytes).ok();
    if let Some(arrivals) = &decoded {
        let again = postcard::from_bytes(&wire::write(arrivals));
        assert_eq!(again.as_ref(), Ok(arrivals));
    }
    let begun = served().begin(1, "herd/room", bytes, moment(1));
    begun.is_ok()
}

#[test]
fn b04_no_bytes_of_a_host_make_arrivals_that_panic() {
    fuzz!("arrivals", &SAMPLES.arrivals, arrivals);
}

fn fed(bytes: &[u8]) -> bool {
    if let Ok(fed) = postcard::from_bytes::<Fed>(bytes) {
        let again = postcard::from_bytes(&wire::write(&fed));
        assert_eq!(again.as_ref(), Ok(&fed));
    }
    let mut served = served();
    let arrivals = SAMPLES.arrivals.first().expect("there are some");
    let begun = served.begin(1, "herd/room", arrivals, moment(1));
    assert!(begun.is_ok());
    // A host that goes on feeding the same is answered in the end.
    (0..12).all(|step| served.resume(1, bytes, moment(step)).is_ok())
}

#[test]
fn b04_no_bytes_of_a_store_panic() {
    fuzz!("fed", &SAMPLES.fed, fed);
}

fn settings(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(setup) = Setup::from_json(&text) else {
        return false;
    };
    let _ = setup.serve::<Herd>(Writer([1; 8]));
    true
}

#[test]
fn b04_no_settings_panic() {
    fuzz!("settings", &SAMPLES.settings, settings);
}

/// What the targets are worth: a decoder with a mistake is found out.
#[test]
fn x5_a_planted_mistake_in_a_decoder_is_found() {
    fn mistaken(bytes: &[u8]) {
        if let Ok(request) = wire::read_request(bytes)
            && let Some(hail) = request.device
        {
            // As if somebody had thought that devices keep their first action for ever.
            let _first = hail.kept_from - 1;
        }
    }
    let samples = &SAMPLES.requests;
    samples.iter().for_each(|sample| mistaken(sample));
    let found = catch_unwind(AssertUnwindSafe(|| {
        bolero::check!()
            .with_test_time(Duration::from_secs(60))
            .with_max_len(64)
            .with_shrink_time(Duration::ZERO)
            .for_each(|fuzz| mistaken(&damaged(fuzz, samples)));
    }));
    assert!(found.is_err(), "the mistake is still there");
}
