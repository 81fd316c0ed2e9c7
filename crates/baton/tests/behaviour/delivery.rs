//! What rooms send each other, when nothing fails: how it travels, who may say it, what bounds it.

use baton::effect::{Arrival, Call, Effect};
use baton::frame::Entry;
use baton::limits::{
    DELIVER_EVERY_MS, MAX_DELIVERIES, MAX_OUTBOX_SENDS, MAX_PARCEL_SENDS, MAX_SEND_BYTES,
    MAX_SENDERS, RESEND_GRACE_MS, SEND_EXPIRY_MS, SENDER_MARK_MS,
};
use baton::parcel::{Parcel, Posted, Receipt};
use baton::wire;
use baton::{BodyHash, Code, Lineage, limits};
use serde_bytes::ByteBuf;

use crate::support::rooms::{Account, Credit, MOST, Match, NOT_YOURS, Payer, Rooms, Vault, Voyage};
use crate::support::{Client, Raw, refusal, reply_of};

const MATCH: &str = "match/m";

/// A parcel as a match of no importance might send it.
fn parcel(after: u64, sends: &[(u64, Credit)]) -> Parcel {
    let sent = |(seq, credit): &(u64, Credit)| Posted {
        seq: *seq,
        body: wire::write(credit).into(),
    };
    Parcel {
        protocol: limits::PROTOCOL,
        sender: "match/other".into(),
        lineage: Lineage([1; 8]),
        after,
        sends: sends.iter().map(sent).collect(),
    }
}

fn receipt(rooms: &mut Rooms, target: &str, parcel: &Parcel) -> Receipt {
    let outcome = rooms.redeliver(target, &wire::write(parcel).into());
    let outcome = outcome.expect("answered");
    assert_eq!(outcome.status, 200);
    postcard::from_bytes(&outcome.body).expect("a receipt")
}

/// A player of a match, registered, who has asked for nothing yet.
fn payer(rooms: &mut Rooms) -> Payer {
    let mut payer = Payer::new(MATCH);
    while !payer.ask(rooms, 0) {
        rooms.pass(501);
    }
    payer
}

#[test]
fn x3_what_a_match_pays_an_account_receives_once_and_then_it_is_forgotten() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for amount in 1..=5 {
        payer.pay("account/a", amount);
        payer.pay("account/b", 10 * amount);
    }
    rooms.pass(501);
    payer.ask(&mut rooms, 0);
    assert_eq!(
        rooms.paid("account/a"),
        [1, 3, 5, 7, 9],
        "with the same request"
    );
    assert_eq!(rooms.room::<Account>("account/b").state().sum, 150);
    let kept = rooms.room::<Match>(MATCH).sends().len();
    assert_eq!(kept, 10, "kept for a grace time");
    rooms.pass(RESEND_GRACE_MS + 1);
    payer.ask(&mut rooms, 0);
    assert_eq!(rooms.room::<Match>(MATCH).sends().len(), 0);
    let last = rooms
        .letters
        .last()
        .expect("the marks were asked for again");
    let asked: Parcel = postcard::from_bytes(&last.1).expect("a parcel");
    assert_eq!(asked.sends, [], "without the sends");
    let calls = rooms.calls;
    rooms.pass(10_000);
    payer.ask(&mut rooms, 0);
    assert_eq!(rooms.calls, calls + 1, "nothing more to tell");
    let paid: u64 = rooms.room::<Match>(MATCH).state().values().sum();
    let received = ["account/a", "account/b"].map(|room| rooms.room::<Account>(room).state().sum);
    assert_eq!(received.iter().sum::<u64>(), paid);
}

#[test]
fn b14_what_a_server_does_reaches_every_device_of_the_target() {
    let mut rooms = Rooms::new(2);
    let mut devices = [
        Client::<Account>::on("ann", 1),
        Client::<Account>::on("bob", 2),
    ];
    let poll = |rooms: &mut Rooms, devices: &mut [Client<Account>; 2]| {
        for (instance, client) in devices.iter_mut().enumerate() {
            let arrival = client.arrival(rooms.now_ms);
            let Ok(outcomes) = rooms.ask::<Account>(instance, "account/a", vec![arrival]) else {
                panic!("nothing fails here");
            };
            client.take(&outcomes[0], rooms.now_ms);
        }
    };
    for _ in 0..3 {
        poll(&mut rooms, &mut devices);
        rooms.pass(501);
    }
    let mut payer = payer(&mut rooms);
    payer.pay("account/a", 7);
    rooms.pass(501);
    payer.ask(&mut rooms, 0);
    rooms.pass(501);
    poll(&mut rooms, &mut devices);
    for client in &devices {
        let room = client.replica.synced().expect("it has joined");
        assert_eq!((room.state().sum, &room.state().paid[..]), (7, &[1][..]));
    }
    let entries = rooms.audit::<Account>("account/a").frames.into_iter();
    let received = entries.flat_map(|frame| frame.entries);
    let received: Vec<_> = received
        .filter(|entry| matches!(entry, Entry::Receive { sender, .. } if sender == MATCH))
        .collect();
    assert_eq!(received.len(), 1, "in the same log as all else");
}

#[test]
fn a_rejected_send_moves_the_mark_and_nothing_else() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for amount in [1, MOST + 1, 2] {
        payer.pay("account/a", amount);
    }
    payer.settle(&mut rooms);
    let audit = rooms.audit::<Account>("account/a");
    assert_eq!(audit.room.state().paid, [1, 3]);
    assert_eq!(audit.room.state().sum, 3);
    let mut entries = audit.frames.iter().flat_map(|frame| &frame.entries);
    let declined = entries.find_map(|entry| match entry {
        Entry::Decline { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(declined, Some(2), "with the rules' code, without the body");
}

#[test]
fn a_send_that_is_no_action_is_rejected_as_such() {
    let mut rooms = Rooms::new(1);
    let mut bad = parcel(0, &[(1, Credit(1, 1)), (2, Credit(2, 2))]);
    bad.sends[0].body = ByteBuf::from([0xff; 3]);
    assert_eq!(receipt(&mut rooms, "account/a", &bad).mark, 2);
    assert_eq!(rooms.paid("account/a"), [2]);
}

#[test]
fn a_send_begins_a_room_that_does_not_exist_and_a_question_does_not() {
    let mut rooms = Rooms::new(1);
    assert_eq!(receipt(&mut rooms, "account/new", &parcel(0, &[])).mark, 0);
    assert_eq!(rooms.store.log("account/new").head().v, 0);
    let first = parcel(0, &[(5, Credit(1, 1))]);
    assert_eq!(receipt(&mut rooms, "account/new", &first).mark, 5);
    assert_eq!(rooms.store.log("account/new").head().v, 1);
    assert_eq!(rooms.paid("account/new"), [1]);
}

#[test]
fn a_room_that_shows_itself_to_nobody_still_takes_what_rooms_send() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    payer.pay("vault/v", 9);
    payer.settle(&mut rooms);
    assert_eq!(rooms.room::<Vault>("vault/v").state().sum, 9);
    let arrival = Raw::new("ann").arrival(&[]);
    let Ok(outcomes) = rooms.ask::<Vault>(0, "vault/v", vec![arrival]) else {
        panic!("nothing fails here");
    };
    assert_eq!(refusal(&outcomes[0]).0, Some(Code::NotFound));
}

#[test]
fn b14_no_client_can_do_what_a_server_does() {
    let mut rooms = Rooms::new(1);
    receipt(&mut rooms, "account/a", &parcel(0, &[(1, Credit(1, 1))]));
    let forged: ByteBuf = wire::write(&parcel(0, &[(2, Credit(2, 500))])).into();
    let mut ann = Raw::new("ann");
    let who = Some(ann.who.clone());
    let mut ask = |who, call| {
        rooms.pass(501);
        match rooms.ask::<Account>(0, "account/a", vec![Arrival { who, call }]) {
            Ok(mut outcomes) => outcomes.pop().expect("answered"),
            Err(_) => panic!("nothing fails here"),
        }
    };
    // As a request; as a delivery with a user.
    let as_request = ask(who.clone(), Call::Play(forged.clone()));
    assert_eq!(refusal(&as_request).0, Some(Code::Malformed));
    assert_eq!(
        refusal(&ask(None, Call::Play(forged.clone()))).0,
        Some(Code::Malformed)
    );
    let with_user = ask(who.clone(), Call::Deliver(forged));
    assert_eq!(refusal(&with_user).0, Some(Code::Forbidden));
    // As an action: it is the player's, and the rules say no.
    for actions in [vec![], vec![(1, wire::write(&Credit(3, 500)))]] {
        let arrival = ann.arrival(&actions);
        let reply = reply_of(&ask(who.clone(), arrival.call)).expect("answered");
        let standing = reply.device.expect("registered");
        ann.hail.number = Some(standing.number);
        if !actions.is_empty() {
            assert_eq!(standing.verdicts, [NOT_YOURS.0]);
        }
    }
    assert_eq!(rooms.paid("account/a"), [1]);
}

#[test]
fn a_parcel_that_is_not_one_is_refused_and_changes_nothing() {
    let mut rooms = Rooms::new(1);
    let good = parcel(3, &[(4, Credit(1, 1)), (6, Credit(2, 2))]);
    let bytes = wire::write(&good);
    let mut bad: Vec<Vec<u8>> = (0..bytes.len()).map(|end| bytes[..end].to_vec()).collect();
    bad.push([&bytes[..], &[0]].concat());
    let mut but = |change: &dyn Fn(&mut Parcel)| {
        let mut other = good.clone();
        change(&mut other);
        bad.push(wire::write(&other));
    };
    but(&|parcel| parcel.protocol += 1);
    but(&|parcel| parcel.sender = "match".into());
    but(&|parcel| parcel.sender = "match/..".into());
    but(&|parcel| parcel.after = 4);
    but(&|parcel| parcel.sends.reverse());
    but(&|parcel| parcel.sends[1].seq = 4);
    but(&|parcel| parcel.sends[1].seq = u64::MAX);
    but(&|parcel| parcel.sends[1].body = vec![0; MAX_SEND_BYTES + 1].into());
    but(&|parcel| {
        let sends = (0..=MAX_PARCEL_SENDS as u64).map(|seq| Posted {
            seq: 10 + seq,
            body: ByteBuf::new(),
        });
        parcel.sends = sends.collect();
    });
    for bytes in bad {
        let outcome = rooms
            .redeliver("account/a", &bytes.into())
            .expect("answered");
        let (code, _) = refusal(&outcome);
        let codes = [Code::Malformed, Code::TooLarge, Code::Protocol];
        assert!(code.is_some_and(|code| codes.contains(&code)), "{code:?}");
    }
    assert_eq!(rooms.store.log("account/a").head().v, 0);
    assert_eq!(rooms.store.log("account/a").waiting(), 0);
}

#[test]
fn while_another_leads_a_parcel_waits_whole_and_is_told_only_when_it_is_in_the_log() {
    let mut rooms = Rooms::new(2);
    let first = parcel(0, &[(1, Credit(1, 1))]);
    assert_eq!(receipt(&mut rooms, "account/a", &first).mark, 1);
    rooms.target = 1;
    let both = parcel(1, &[(3, Credit(2, 2)), (7, Credit(3, 3))]);
    for _ in 0..8 {
        assert_eq!(receipt(&mut rooms, "account/a", &both).mark, 1, "it waits");
    }
    assert_eq!(rooms.store.log("account/a").waiting(), 1, "one item, once");
    // The same from another room is something else; and so is less that follows on something else.
    let others = Parcel {
        sender: "match/third".into(),
        after: 0,
        ..both.clone()
    };
    assert_eq!(receipt(&mut rooms, "account/a", &others).mark, 0);
    assert_eq!(rooms.store.log("account/a").waiting(), 2);
    let told = Parcel {
        after: 0,
        ..both.clone()
    };
    assert_eq!(receipt(&mut rooms, "account/a", &told).mark, 1);
    assert_eq!(rooms.store.log("account/a").waiting(), 3);
    rooms.pass(501);
    let told = receipt(&mut rooms, "account/a", &parcel(0, &[]));
    assert_eq!(
        (told.mark, told.body),
        (7, BodyHash::of(&both.sends[1].body))
    );
    assert_eq!(rooms.paid("account/a"), [1, 2, 3, 2, 3]);
    assert_eq!(rooms.store.log("account/a").waiting(), 0);
}

#[test]
fn b15_copies_and_overlaps_count_once_also_in_the_inbox() {
    let mut rooms = Rooms::new(1);
    let credit = |id: u32| (u64::from(id), Credit(id, 1));
    let some = parcel(0, &[credit(1), credit(2)]);
    let more = parcel(0, &[credit(1), credit(2), credit(3)]);
    let last = parcel(2, &[credit(3), credit(4)]);
    let item = |parcel| ByteBuf::from(wire::write(&(1_u8, parcel)));
    let mut items: Vec<_> = [&some, &last, &more, &some, &last].map(item).into();
    items.extend(vec![item(&more); 8]);
    let now_ms = rooms.now_ms;
    rooms.store.log("account/a").push(&items, now_ms);
    assert_eq!(receipt(&mut rooms, "account/a", &more).mark, 4);
    for parcel in [&more, &some, &last] {
        rooms.pass(501);
        assert_eq!(receipt(&mut rooms, "account/a", parcel).mark, 4);
    }
    let overlap = parcel(0, &[credit(1), credit(4), credit(9)]);
    assert_eq!(receipt(&mut rooms, "account/a", &overlap).mark, 9);
    assert_eq!(rooms.paid("account/a"), [1, 2, 3, 4, 9]);
    assert_eq!(rooms.store.log("account/a").waiting(), 0);
}

#[test]
fn what_follows_on_something_that_is_missing_is_not_taken() {
    let mut rooms = Rooms::new(1);
    let later = parcel(5, &[(6, Credit(2, 2))]);
    assert_eq!(receipt(&mut rooms, "account/a", &later).mark, 0);
    // Nor from the inbox, where it may lie since before a loss.
    receipt(&mut rooms, "account/a", &parcel(0, &[(1, Credit(1, 1))]));
    let item: ByteBuf = wire::write(&(1_u8, &later)).into();
    let now_ms = rooms.now_ms;
    rooms.store.log("account/a").push(&[item], now_ms);
    rooms.pass(501);
    assert_eq!(receipt(&mut rooms, "account/a", &parcel(0, &[])).mark, 1);
    assert_eq!(rooms.store.log("account/a").waiting(), 0);
    rooms.pass(501);
    let all = parcel(1, &[(5, Credit(3, 3)), (6, Credit(2, 2))]);
    assert_eq!(receipt(&mut rooms, "account/a", &all).mark, 6);
    assert_eq!(rooms.paid("account/a"), [1, 3, 2]);
}

#[test]
fn a_host_that_does_not_deliver_is_not_asked_to() {
    let mut rooms = Rooms::with(1, false);
    let mut payer = payer(&mut rooms);
    payer.pay("account/a", 1);
    for _ in 0..5 {
        rooms.pass(1_001);
        payer.ask(&mut rooms, 0);
    }
    assert_eq!(rooms.letters, []);
    assert_eq!(rooms.room::<Match>(MATCH).sends().len(), 1, "it waits");
}

#[test]
fn an_instance_delivers_now_and_then_to_a_few_and_to_all_in_the_end() {
    const TARGETS: usize = 3 * MAX_DELIVERIES;
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for target in 0..TARGETS {
        payer.pay(&format!("account/{target}"), 1);
    }
    rooms.pass(501);
    payer.ask(&mut rooms, 0);
    assert_eq!(rooms.letters.len(), MAX_DELIVERIES);
    for _ in 0..4 {
        rooms.pass(DELIVER_EVERY_MS / 5);
        payer.ask(&mut rooms, 0);
    }
    assert_eq!(rooms.letters.len(), MAX_DELIVERIES, "too soon");
    payer.settle(&mut rooms);
    for target in 0..TARGETS {
        assert_eq!(rooms.paid(&format!("account/{target}")).len(), 1);
    }
}

#[test]
fn a_target_that_never_answers_fails_no_request_and_holds_up_no_other() {
    const DEAD: usize = 3 * MAX_DELIVERIES;
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for target in 0..DEAD {
        // No such kind: the host has nobody to ask.
        payer.pay(&format!("a/{target}"), 1);
    }
    payer.pay("account/z", 1);
    for _ in 0..60 {
        rooms.pass(501);
        assert!(payer.ask(&mut rooms, 0), "every request is answered");
        // As on a host that keeps nothing between requests.
        rooms.replace::<Match>(0);
    }
    assert_eq!(rooms.paid("account/z").len(), 1);
    assert_eq!(rooms.room::<Match>(MATCH).sends().len(), DEAD + 1);
    rooms.pass(SEND_EXPIRY_MS);
    let letters = rooms.letters.len();
    payer.ask(&mut rooms, 0);
    assert_eq!(rooms.letters.len(), letters, "too late to be delivered");
    payer.pay("account/z", 1);
    payer.settle(&mut rooms);
    let given_up = rooms.room::<Match>(MATCH).given_up();
    assert_eq!(given_up, DEAD as u64, "and counted");
}

/// The answers of a request wait for what it delivers, and a target may take as long as a host waits for anything.
#[test]
fn a_target_that_does_not_answer_is_asked_alone_and_less_and_less_often() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for target in 0..MAX_DELIVERIES {
        // No such kind: the host has nobody to ask.
        payer.pay(&format!("a/{target}"), 1);
    }
    payer.pay("account/z", 1);
    let mut silent = 0;
    for _ in 0..240 {
        rooms.pass(501);
        let before = rooms.letters.len();
        assert!(payer.ask(&mut rooms, 0));
        let asked = rooms.letters[before..].iter();
        let unheard = asked.filter(|(target, _)| target.starts_with("a/")).count();
        assert!(unheard <= 1, "{unheard} in one request");
        silent += unheard;
    }
    assert_eq!(rooms.paid("account/z").len(), 1);
    // At 0, 0.5, 1.5, 3.5 … s, and twice a minute in the end.
    let each = silent / MAX_DELIVERIES;
    assert!((8..=10).contains(&each), "{each} times in two minutes");
}

#[test]
fn a_room_that_sends_to_itself_takes_it_like_any_other() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    payer.pay(MATCH, 1);
    payer.settle(&mut rooms);
    // A credit is no action of a match.
    let frames = rooms.audit::<Match>(MATCH).frames;
    let entries = frames.iter().flat_map(|frame| &frame.entries);
    let declined = entries.filter(|entry| matches!(entry, Entry::Decline { .. }));
    assert_eq!(declined.count(), 1);
}

#[test]
fn a_follower_does_not_deliver() {
    let mut rooms = Rooms::new(2);
    let mut payer = payer(&mut rooms);
    payer.pay("account/a", 1);
    rooms.pass(501);
    let arrival = payer.arrival();
    let mut leader = Voyage::<Match>::begin(&mut rooms, 0, MATCH, vec![arrival]);
    while !leader.delivers() {
        assert!(leader.step(&mut rooms).is_ok());
    }
    payer.ask(&mut rooms, 1);
    assert_eq!(rooms.letters, []);
    assert!(leader.finish(&mut rooms).is_ok());
    assert_eq!(rooms.letters.len(), 1);
}

#[test]
fn more_than_a_parcel_holds_goes_in_order_without_waiting_for_the_grace_time() {
    const COUNT: u32 = 3 * MAX_PARCEL_SENDS as u32 + 5;
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    for id in 1..=COUNT {
        payer.pay("account/a", id);
        if id % 16 == 0 || id == COUNT {
            rooms.pass(101);
            payer.ask(&mut rooms, 0);
        }
    }
    for _ in 0..8 {
        rooms.pass(501);
        payer.ask(&mut rooms, 0);
    }
    assert_eq!(rooms.paid("account/a"), (1..=COUNT).collect::<Vec<_>>());
    payer.settle(&mut rooms);
    assert_eq!(rooms.paid("account/a").len(), COUNT as usize);
}

#[test]
fn a_full_outbox_is_refused_by_rules_that_ask_and_nothing_is_lost() {
    let mut rooms = Rooms::with(1, false);
    let mut payer = payer(&mut rooms);
    let mut asked = 0;
    while asked < MAX_OUTBOX_SENDS + 3 {
        payer.pay("account/a", 1);
        asked += 1;
        if asked % 32 == 0 || asked == MAX_OUTBOX_SENDS + 3 {
            rooms.pass(501);
            payer.ask(&mut rooms, 0);
        }
    }
    let audit = rooms.audit::<Match>(MATCH);
    assert_eq!(audit.room.sends().len(), MAX_OUTBOX_SENDS);
    assert_eq!(audit.rejected.len(), 3);
    assert_eq!(audit.room.given_up(), 0);
}

#[test]
fn marks_of_senders_outlive_their_sends_and_only_then_make_room() {
    let mut rooms = Rooms::new(1);
    let from = |sender: usize, seq: u64| Parcel {
        sender: format!("match/{sender}"),
        ..parcel(0, &[(seq, Credit(seq as u32, 1))])
    };
    for sender in 0..MAX_SENDERS {
        rooms.pass(201);
        assert_eq!(receipt(&mut rooms, "account/a", &from(sender, 1)).mark, 1);
    }
    let one_more = from(MAX_SENDERS, 1);
    rooms.pass(SEND_EXPIRY_MS);
    assert_eq!(
        receipt(&mut rooms, "account/a", &one_more).mark,
        0,
        "it waits"
    );
    // All of them are still known.
    assert_eq!(receipt(&mut rooms, "account/a", &from(0, 1)).mark, 1);
    assert_eq!(rooms.paid("account/a").len(), MAX_SENDERS);
    rooms.pass(SENDER_MARK_MS - SEND_EXPIRY_MS);
    assert_eq!(receipt(&mut rooms, "account/a", &one_more).mark, 1);
    assert_eq!(receipt(&mut rooms, "account/a", &parcel(0, &[])).mark, 0);
    let silent = Parcel {
        sends: Vec::new(),
        ..from(0, 1)
    };
    assert_eq!(
        receipt(&mut rooms, "account/a", &silent).mark,
        0,
        "the oldest made room"
    );
}

#[test]
fn a_delivery_is_asked_for_after_the_frame_is_in_the_log() {
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    payer.pay("account/a", 1);
    rooms.pass(501);
    let arrival = payer.arrival();
    let mut voyage = Voyage::<Match>::begin(&mut rooms, 0, MATCH, vec![arrival]);
    while !voyage.delivers() {
        assert!(!matches!(voyage.asks, Effect::Reply(_)));
        assert!(voyage.step(&mut rooms).is_ok());
    }
    assert_eq!(rooms.room::<Match>(MATCH).sends().len(), 1);
}

#[test]
fn a_kind_behind_bytes_names_the_sender_as_a_target_knows_it() {
    let setup = baton::Setup::from_json(r#"{"deliver":true}"#).expect("a setting");
    let mut served = setup.serve::<Match>(baton::Writer([7; 8])).expect("a kind");
    let mut rooms = Rooms::new(1);
    let mut payer = payer(&mut rooms);
    payer.pay("account/a", 1);
    rooms.pass(501);
    let moment = baton::effect::Moment {
        wall_ms: rooms.now_ms,
        mono_ms: 1,
        nonce: baton::Nonce([7; 8]),
    };
    let mut asks = served
        .begin(1, "m", &wire::write(&vec![payer.arrival()]), moment)
        .expect("bytes of the contract");
    for _ in 0..10 {
        let effect: Effect = postcard::from_bytes(&asks).expect("an effect");
        if let Effect::Deliver { target, parcel } = effect {
            assert_eq!(target, "account/a");
            let parcel: Parcel = postcard::from_bytes(&parcel).expect("a parcel");
            assert_eq!(parcel.sender, MATCH);
            return;
        }
        let fed = rooms.store.perform(MATCH, &effect).expect("not a reply");
        let fed = wire::write(&fed);
        asks = served
            .resume(1, &fed, moment)
            .expect("bytes of the contract");
    }
    panic!("it does not deliver");
}
