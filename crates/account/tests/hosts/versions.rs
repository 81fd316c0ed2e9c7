//! Accounts whose rules change: pages and packets of the versions before, while every process has them all or only some.

use account::{Account, Item, Preference, State, reject};
use baton::effect::{Arrival, Call};
use baton::frame::Entry;
use baton::limits::PROTOCOL;
use baton::wire::{self, Order, OrderFate};
use baton::{Code, Era, Note, Reject, Room, Rules, Serve, Setup, Status, Writer};
use serde_json::json;

use crate::builds::{Build, Builds, own, serve};
use crate::scene::OWNER;
use crate::support::{Client, LEASE_MS, Raw, START_MS, refusal, reply_of};
use editions::later::{Action, All, LONG, MOTTO, Third, Two, Widest};

const FIRST: Build = |setup: &Setup, writer: Writer| vec![serve::<Account>(setup, writer)];
const ALL: Build =
    |setup: &Setup, writer: Writer| -> Vec<Box<dyn Serve>> { vec![serve::<All>(setup, writer)] };

/// What a page of the second version may have kept: its bytes, and what the third rules make of them.
const KEPT_BY_SECOND: [(&[u8], u16); 6] = [
    // A look with a shade; a motto; one that only the third rules take.
    (&[3, 2, 9], 0),
    (&[11, 2, b'h', b'i'], 0),
    (b"\x0b\x14twenty letters or so", 0),
    // The server's; contrast, which the second rules still read as their own; what is none of its kinds.
    (&[9, 2, 2], reject::SERVER_ONLY.0),
    (&[4, 2, 1], 0),
    (&[12], Reject::OUTDATED.0),
];

fn newest(room: &Room<All>) -> &Widest {
    match room.state() {
        Era::New(state) => state,
        Era::Old(_) => panic!("by the third rules"),
    }
}

/// What is recorded of the first version, and what the third rules say to it from a player.
fn recorded() -> Vec<(Vec<u8>, u16)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/actions-account-v1.json"
    );
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let digits = |text: &str, at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    let of = |one: &serde_json::Value| {
        let text = one["bytes"].as_str().expect("hex");
        let bytes = (0..text.len())
            .step_by(2)
            .map(|at| digits(text, at))
            .collect();
        let means = &one["means"];
        let verdict = if means.get("look").is_some() {
            0
        } else if means.get("prefer").is_some() {
            // It is contrast.
            Reject::OUTDATED.0
        } else if means.get("run").is_some() {
            reject::UNKNOWN_SEED.0
        } else if means.get("buy").is_some() {
            reject::POOR.0
        } else {
            reject::SERVER_ONLY.0
        };
        (bytes, verdict)
    };
    all.iter().map(of).collect()
}

/// The owner's account, begun by a page of the first rules, on a process that has only those and one that has all.
fn begun() -> (Builds, Client<Account>) {
    let mut builds = Builds::new(&[(FIRST, json!({})), (ALL, json!({ "account": 1 }))]);
    let mut phone = Client::<Account>::on(OWNER, 1);
    builds.sync(0, &mut phone);
    builds.act(&mut phone, &account::Action::Look(1));
    builds.sync(1, &mut phone);
    assert_eq!(builds.switches::<All>(), []);
    (builds, phone)
}

/// A device hands these in at once; its verdicts.
fn hand_in(builds: &mut Builds, device: u8, version: u32, bodies: &[&[u8]]) -> Vec<u16> {
    let mut raw = Raw::on(OWNER, device);
    raw.version = version;
    let sent: Vec<_> = (1..).zip(bodies.iter().map(|body| body.to_vec())).collect();
    raw.hail.number = number_of(builds, &raw);
    builds.pass(LEASE_MS + 1);
    let outcome = builds.ask(1, &own::<All>(), raw.arrival(&sent));
    let standing = reply_of(&outcome).expect("answered").device;
    let standing = standing.expect("registered");
    assert_eq!(standing.mark, bodies.len() as u64, "all are answered");
    standing.verdicts
}

/// The number of a device that has nothing to say.
fn number_of(builds: &mut Builds, raw: &Raw) -> Option<u32> {
    builds.pass(LEASE_MS + 1);
    let outcome = builds.ask(1, &own::<All>(), raw.arrival(&[]));
    let standing = reply_of(&outcome).expect("answered").device;
    standing.map(|standing| standing.number)
}

#[test]
fn b30_recorded_clients_of_both_versions_before_sync_and_the_rules_say_what_is_unknown_means() {
    let (mut builds, _) = begun();
    for wanted in [2, 3] {
        builds.deploy(1, ALL, &json!({ "account": wanted }));
        let first = recorded();
        let bodies: Vec<&[u8]> = first.iter().map(|(bytes, _)| &bytes[..]).collect();
        let verdicts: Vec<u16> = first.iter().map(|(_, verdict)| *verdict).collect();
        assert_eq!(hand_in(&mut builds, wanted + 10, 1, &bodies), verdicts);
        // What the rules say of a later kind is the word of those that the account is on.
        let long = hand_in(&mut builds, wanted + 30, 2, &[KEPT_BY_SECOND[2].0]);
        assert_eq!(long, [if wanted == 2 { LONG.0 } else { 0 }]);
    }
    let bodies: Vec<&[u8]> = KEPT_BY_SECOND.iter().map(|(bytes, _)| *bytes).collect();
    let verdicts: Vec<u16> = KEPT_BY_SECOND.iter().map(|(_, verdict)| *verdict).collect();
    assert_eq!(hand_in(&mut builds, 40, 2, &bodies), verdicts);
    // A version before the first: nothing says what it meant.
    let older = hand_in(&mut builds, 22, 0, &[&[3, 1, 5]]);
    assert_eq!(older, [Reject::OUTDATED.0]);
    // A field more than the kind has; and of a version that is still to come, nothing is said: it waits for it.
    let mut raw = Raw::on(OWNER, 23);
    raw.version = 3;
    raw.hail.number = number_of(&mut builds, &raw);
    let strange = (1, vec![3, 1, 5, 0]);
    let mut heads = Vec::new();
    for version in [3, 4] {
        raw.version = version;
        builds.pass(LEASE_MS + 1);
        let sent = [strange.clone(), (2, vec![3, 1, 5])];
        let arrival = raw.arrival(&sent[version as usize - 3..][..1]);
        let outcome = builds.ask(1, &own::<All>(), arrival);
        let standing = reply_of(&outcome).expect("answered").device;
        let standing = standing.expect("registered");
        assert_eq!(standing.mark, 1);
        assert_eq!(standing.verdict(1), Some(Reject::MALFORMED.0));
        heads.push(builds.store.log(&own::<All>()).head());
    }
    assert_eq!(heads[0], heads[1], "no frame for what waits");
    let audit = builds.audit::<All>();
    let state = newest(&audit.room);
    assert_eq!(
        (state.mottos, &state.wider.motto[..]),
        (3, "twenty letters or so")
    );
    assert_eq!((state.wider.was.look, state.wider.shade), (2, 9));
    // What old devices wrote is kept as they wrote it, with the version that says how to read it.
    let kept = audit.frames.iter().flat_map(|frame| &frame.entries);
    let versions = kept.filter_map(|entry| match entry {
        Entry::Upcast { version, .. } => Some(*version),
        _ => None,
    });
    assert_eq!(versions.collect::<Vec<_>>(), [1, 1, 2, 2, 2, 2, 2]);
}

#[test]
fn b30_b31_the_switch_is_a_recorded_frame_and_an_old_page_sees_the_account_and_keeps_its_queue() {
    let (mut builds, mut phone) = begun();
    let before = builds.audit::<All>();
    let was = wire::write(phone.replica.synced().expect("joined").state());
    // Offline, by the old rules.
    for action in [
        account::Action::Look(3),
        account::Action::Prefer(Preference::Contrast, 1),
        account::Action::Prefer(Preference::Calm, 1),
    ] {
        builds.act(&mut phone, &action);
    }
    builds.deploy(1, ALL, &json!({ "account": 2 }));
    let mut laptop = Client::<Two>::on(OWNER, 2);
    builds.sync(1, &mut laptop);
    let at = before.room.head().v + 1;
    assert_eq!(
        builds.switches::<All>(),
        [(at, 2)],
        "once, in the next frame"
    );
    let audit = builds.audit::<All>();
    assert_eq!(
        (audit.room.version_at(at - 1), audit.room.version_at(at)),
        (1, 2)
    );
    // Whoever has the first rules alone replays all before it and stops there.
    let log: Vec<Vec<u8>> = builds
        .store
        .log(&own::<All>())
        .frames()
        .map(<[u8]>::to_vec)
        .collect();
    let mut room = Room::<Account>::genesis(&log[0]).expect("by the first rules");
    for bytes in &log[1..at as usize - 1] {
        room.replay(bytes).expect("the next frame");
    }
    assert_eq!(wire::write(room.state()), was);
    assert!(room.replay(&log[at as usize - 1]).is_err());
    // The old page: its actions are taken as the new rules read them, and it is told to load again.
    builds.exchange(1, &mut phone);
    builds.exchange(1, &mut phone);
    let answers = [
        (1, Some(0)),
        (2, Some(0)),
        (3, Some(Reject::OUTDATED.0)),
        (4, Some(0)),
    ];
    assert_eq!(phone.answers(), answers);
    assert!(phone.notes.contains(&Note::Reload) && !phone.notes.contains(&Note::Desync));
    assert_eq!(
        phone.replica.status(builds.now_ms - START_MS),
        Status::Reload
    );
    // Until it does, what is shown of the account is made for it: everything that it knows is where it was.
    let view = builds.view::<All>(1);
    let now = builds.audit::<All>().room;
    let Era::Old(Era::New(state)) = now.state() else {
        panic!("by the second rules");
    };
    let State {
        look, preferences, ..
    } = &state.was;
    assert_eq!((*look, preferences.get(&Preference::Contrast)), (3, None));
    let expected = Account::view(&state.was, None);
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&view["game"][field], value, "{field}");
    }
    assert_eq!(
        (&view["version"], &view["game"]["shade"]),
        (&json!(2), &json!(0))
    );
    // Loaded again, with what it had not sent, it goes on by its numbers.
    let mut phone = phone.reload_as::<Two>();
    builds.sync(1, &mut phone);
    builds.act(&mut phone, &Era::New(Action::Motto("onward".into())));
    builds.sync(1, &mut phone);
    builds.sync(1, &mut laptop);
    assert_eq!(phone.answers().last(), Some(&(5, Some(0))));
    for page in [&phone, &laptop] {
        let room = page.replica.synced().expect("joined");
        assert_eq!(room.state_hash(), builds.audit::<All>().room.state_hash());
    }
}

#[test]
fn b30_what_only_later_rules_know_waits_until_the_account_is_on_them() {
    let (mut builds, mut phone) = begun();
    let mut early = Client::<Third>::on(OWNER, 3);
    let mut told = Vec::new();
    for process in [0, 1, 0] {
        told.push(builds.exchange(process, &mut early));
    }
    let since_ms = builds.now_ms - START_MS;
    assert_eq!(early.replica.status(since_ms), Status::Waiting, "{told:?}");
    builds.deploy(1, ALL, &json!({ "account": 3 }));
    builds.sync(1, &mut early);
    // Both changes at once, in one frame or two; each is recorded.
    let versions: Vec<u32> = builds.switches::<All>().iter().map(|(_, to)| *to).collect();
    assert_eq!(versions, [2, 3]);
    builds.act(&mut early, &Action::Motto("m".repeat(2 * MOTTO)));
    builds.sync(1, &mut early);
    assert_eq!(early.answers(), [(1, Some(0))]);
    let audit = builds.audit::<All>();
    assert_eq!(
        (
            newest(&audit.room).mottos,
            newest(&audit.room).wider.was.look
        ),
        (1, 1)
    );
    builds.exchange(1, &mut phone);
    assert!(phone.notes.contains(&Note::Reload));
}

/// What becomes of a purchase that is ordered by way of a process.
fn ordered(
    builds: &mut Builds,
    process: usize,
    device: &Raw,
    number: u64,
) -> Result<OrderFate, Code> {
    let order = Order {
        protocol: PROTOCOL,
        device: device.hail.id,
        registration: device.hail.number.expect("registered"),
        number,
        body: wire::write(&account::Action::Purchase(Item::Nurse)).into(),
    };
    let arrival = Arrival {
        who: Some(device.who.clone()),
        call: Call::Order(wire::write(&order).into()),
    };
    builds.pass(LEASE_MS + 1);
    let outcome = builds.ask(process, &own::<All>(), arrival);
    if outcome.status != 200 {
        return Err(refusal(&outcome).0.expect("a known code"));
    }
    Ok(wire::read_ordered(&outcome.body).expect("an answer").fate)
}

#[test]
fn an_order_is_judged_by_the_rules_that_the_log_is_on_and_let_in_by_nobody_who_lacks_them() {
    let (mut builds, mut phone) = begun();
    let mut device = Raw::on(OWNER, 60);
    device.hail.number = number_of(&mut builds, &device);
    let refused = Ok(OrderFate::Refused(reject::POOR));
    for process in [1, 0] {
        assert_eq!(ordered(&mut builds, process, &device, 1), refused);
    }
    builds.deploy(1, ALL, &json!({ "account": 2 }));
    builds.sync(1, &mut phone);
    let head = builds.store.log(&own::<All>()).head();
    // What was told before the change stays; who lacks the rules knows nothing of it.
    assert_eq!(ordered(&mut builds, 1, &device, 1), refused);
    for number in [1, 2] {
        let told = ordered(&mut builds, 0, &device, number);
        assert_eq!(told, Err(Code::Rules));
    }
    // The later rules let nothing be ordered.
    let told = ordered(&mut builds, 1, &device, 2);
    assert_eq!(told, Err(Code::Forbidden));
    let log = builds.store.log(&own::<All>());
    assert_eq!((log.head(), log.waiting()), (head, 0));
}
