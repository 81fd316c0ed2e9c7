//! What no honest client sends. Nothing of it may panic, cost more than its limits, or show or
//! change what is not the sender's own.

use baton::effect::{Arrival, Call, Content, Outcome};
use baton::limits::{MAX_REQUEST_BYTES, MAX_SEQUENCE, PROTOCOL, SEGMENT};
use baton::wire::{self, Hail, News, Presence, Request};
use baton::{Code, DeviceId, Head, Identity, Random};

use crate::support::rules::{Herd, HerdState, Purse, add};
use crate::support::{LEASE_MS, Raw, World, reply_of, watcher};

fn bytes_of(arrival: &Arrival) -> Vec<u8> {
    match &arrival.call {
        Call::Play(bytes) => bytes.to_vec(),
        other => panic!("not a request: {other:?}"),
    }
}

fn play(who: Option<&Raw>, bytes: Vec<u8>) -> Arrival {
    Arrival {
        who: who.map(|raw| raw.who.clone()),
        call: Call::Play(bytes.into()),
    }
}

fn code_of(outcome: &Outcome) -> Option<Code> {
    refused(outcome).map(|refused| refused.0)
}

fn refused(outcome: &Outcome) -> Option<(Code, Option<u64>)> {
    reply_of(outcome).err()
}

/// What others have, which an attacker must not change.
fn of_others(world: &mut World<Herd>, attacker: &str) -> HerdState {
    let audit = world.audit();
    let player = audit.room.player(attacker);
    let mut state = audit.room.state().clone();
    state.counters.retain(|who, _| Some(*who) != player);
    state.log.retain(|(_, who, _)| Some(*who) != player);
    state.doors.retain(|(_, who, _)| Some(*who) != player);
    (state.herd, state.ticks) = (Vec::new(), 0);
    state
}

/// A room in which ann has acted, and mal is registered.
fn room() -> (World<Herd>, Raw, Raw) {
    let mut world = World::<Herd>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let mal = Raw::joined(&mut world, 0, "mal");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, add(5))]).expect("taken");
    world.pass(LEASE_MS + 1);
    (world, ann, mal)
}

/// Sends one after the other to a warm and to a cold instance; none may panic or touch others.
fn throw((mut world, ann, mal): (World<Herd>, Raw, Raw), requests: impl Iterator<Item = Vec<u8>>) {
    let world = &mut world;
    let before = of_others(world, "mal");
    let mut count = 0;
    for bytes in requests {
        count += 1;
        world.pass(count % 97);
        if count % 30 == 0 {
            ann.say(world, 0, &[]).expect("the room lives");
        }
        let instance = (count % 2) as usize;
        if count % 5 == 0 {
            world.instances[instance].forget();
        }
        let outcome = world.ask(instance, vec![play(Some(&mal), bytes)]).remove(0);
        assert_ne!(outcome.status / 100, 5, "{:?}", reply_of(&outcome));
    }
    world.settle();
    assert_eq!(of_others(world, "mal"), before, "nothing of others changed");
    ann.say(world, 0, &[(2, add(1))]).expect("the room lives");
    // Whatever became of mal's device, it can be asked for, and counts on.
    let audit = world.audit();
    let standing = audit.room.standing("mal", mal.hail.id).expect("registered");
    assert!(standing.mark() <= MAX_SEQUENCE);
    mal.but(Presence::Unsaid)
        .say(world, 1, &[])
        .expect("answered");
}

#[test]
fn b04_a_request_cut_anywhere_is_refused_whole() {
    let (mut world, _, mal) = room();
    let bytes = bytes_of(&mal.arrival(&[(1, add(1)), (2, add(2))]));
    let head = world.head();
    for length in 0..bytes.len() {
        let cut = bytes[..length].to_vec();
        let outcome = world.ask(0, vec![play(Some(&mal), cut)]).remove(0);
        assert_eq!(code_of(&outcome), Some(Code::Malformed), "{length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    let outcome = world.ask(0, vec![play(Some(&mal), longer)]).remove(0);
    assert_eq!(code_of(&outcome), Some(Code::Malformed), "bytes left over");
    assert_eq!((world.head(), world.log().waiting()), (head, 0));
}

#[test]
fn every_bit_of_a_request_may_be_flipped() {
    let (world, ann, mal) = room();
    let bytes = bytes_of(&mal.arrival(&[(1, add(1)), (2, add(2))]));
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    throw((world, ann, mal), flipped);
}

#[test]
fn every_byte_of_a_request_may_be_anything() {
    let (world, ann, mal) = room();
    let bytes = bytes_of(&mal.arrival(&[(1, add(1))]));
    let changed = (0..bytes.len()).flat_map(|at| {
        let bytes = bytes.clone();
        [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff].map(|byte| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        })
    });
    throw((world, ann, mal), changed);
}

#[test]
fn random_changes_of_many_bytes_panic_nowhere() {
    let (world, ann, mal) = room();
    let bytes = bytes_of(&mal.arrival(&[(1, add(1)), (2, add(-7)), (3, vec![1; 40])]));
    let mut random = Random::from_seed(7);
    let changed = (0..3_000).map(|_| {
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u32) as usize;
            match random.below(4) {
                0 => bytes[at] = random.next_u32() as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, random.next_u32() as u8),
                _ => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4) as usize],
            }
        }
        bytes
    });
    throw((world, ann, mal), changed);
}

#[test]
fn lengths_that_promise_more_than_there_is_are_refused_and_cost_nothing() {
    let (mut world, _, mal) = room();
    let mut base = wire::write(&Request {
        protocol: PROTOCOL,
        cursor: Head::default(),
        rules: 0,
        frames: true,
        device: None,
    });
    // A device whose list of actions says it has 2^28, or 2^63, of them.
    *base.last_mut().expect("not empty") = 1;
    let hail = wire::write(&Hail {
        actions: Vec::new(),
        ..mal.hail.clone()
    });
    base.extend_from_slice(&hail[..hail.len() - 1]);
    for varint in [
        vec![0x80, 0x80, 0x80, 0x80, 0x01],
        vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        vec![0xff; 11],
    ] {
        let bytes = [&base[..], &varint].concat();
        let outcome = world.ask(0, vec![play(Some(&mal), bytes)]).remove(0);
        assert_eq!(code_of(&outcome), Some(Code::Malformed));
    }
}

#[test]
fn a_request_of_another_protocol_or_too_long_is_told_so() {
    let (mut world, _, mal) = room();
    let head = world.head();
    let good = bytes_of(&mal.arrival(&[]));
    for other in [0, 2, 0xff] {
        let mut bytes = good.clone();
        bytes[0] = other;
        let outcome = world.ask(0, vec![play(Some(&mal), bytes)]).remove(0);
        assert_eq!(refused(&outcome), Some((Code::Protocol, None)));
    }
    let mut long = good;
    long.resize(MAX_REQUEST_BYTES + 1, 0);
    let outcome = world.ask(0, vec![play(Some(&mal), long)]).remove(0);
    assert_eq!(refused(&outcome), Some((Code::TooLarge, None)));
    assert_eq!(world.head(), head);
}

/// Numbers at the edge of what their type holds.
#[test]
fn extreme_numbers_panic_nowhere_and_poison_nothing() {
    const EDGES: [u64; 9] = [
        0,
        1,
        1 << 32,
        (1 << 53) - 1,
        1 << 53,
        1 << 62,
        u64::MAX - 33,
        u64::MAX - 1,
        u64::MAX,
    ];
    let (world, ann, mal) = room();
    let mut requests = Vec::new();
    for edge in EDGES {
        for other in EDGES {
            let mut raw = mal.clone();
            raw.hail.kept_from = edge;
            raw.hail.answered = other;
            raw.cursor.v = other;
            raw.hail.session = edge as u32;
            let next = other.wrapping_add(1);
            requests.push(bytes_of(&raw.arrival(&[(edge, add(1))])));
            requests.push(bytes_of(&raw.arrival(&[(other, add(1)), (next, add(1))])));
            raw.hail.number = Some(edge as u32);
            requests.push(bytes_of(&raw.arrival(&[])));
        }
    }
    throw((world, ann, mal), requests.into_iter());
}

#[test]
fn actions_without_a_verified_user_are_refused() {
    let (mut world, _, mal) = room();
    let head = world.head();
    for actions in [&[(1, add(1))][..], &[]] {
        let bytes = bytes_of(&mal.arrival(actions));
        let outcome = world.ask(0, vec![play(None, bytes)]).remove(0);
        assert_eq!(refused(&outcome), Some((Code::Unauthorized, None)));
    }
    let mut long = mal.clone();
    for (user, name) in [("u".repeat(65), "n".into()), ("u".into(), "n".repeat(65))] {
        long.who = Identity { user, name };
        let refused = long.say(&mut world, 0, &[]).expect_err("too long");
        assert_eq!(refused, (Code::TooLarge, None));
    }
    assert_eq!(world.head(), head);
}

/// The device's id and number are no secret: they stand in the frames. Who acts is the verified
/// user alone.
#[test]
fn the_ids_and_numbers_of_others_give_no_power() {
    let (mut world, ann, mal) = room();
    let before = of_others(&mut world, "mal");
    for number in [Some(0), Some(1), Some(7), None] {
        for id in [ann.hail.id, mal.hail.id, DeviceId([9; 16])] {
            for presence in [Presence::Here, Presence::Leaving, Presence::Unsaid] {
                world.pass(LEASE_MS + 1);
                ann.say(&mut world, 1, &[]).expect("answered");
                let mut forged = mal.but(presence);
                forged.hail.session = 9;
                (forged.hail.id, forged.hail.number) = (id, number);
                let said = forged.say(&mut world, 0, &[(2, add(100))]);
                assert!(said.is_err(), "{id} {number:?}: {said:?}");
                // Not even asking tells anything of another's device.
                if let Ok(reply) = forged.say(&mut world, 1, &[]) {
                    let told = reply.device.map(|device| device.mark);
                    assert!(told.is_none_or(|mark| mark == 0), "{told:?}");
                }
            }
        }
    }
    world.settle();
    assert_eq!(of_others(&mut world, "mal"), before);
    let audit = world.audit();
    let standing = audit.room.standing("ann", ann.hail.id).expect("ann's");
    assert_eq!((standing.mark(), audit.room.state().of(0)), (1, 5));
    assert!(
        audit.room.present().contains(&0),
        "nobody can send her away"
    );
    assert_eq!(audit.room.state().of(1), 0);
}

#[test]
fn a_room_that_one_may_not_read_looks_as_if_it_did_not_exist() {
    let mut world = World::<Purse>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, wire::write(&9_i64))])
        .expect("taken");
    // A second player is registered, and only then known as somebody who may not look.
    let mut mal = Raw::new("mal");
    world.pass(LEASE_MS + 1);
    mal.say(&mut world, 0, &[]).expect_err("may not look");
    mal.hail.number = Some(1);
    assert_eq!(world.audit().room.people().len(), 2);
    let head = world.head();
    let block = Call::Block {
        first: 1,
        last: SEGMENT,
        hash: format!("{}", head.hash),
    };
    let play = mal.arrival(&[]).call;
    let act = mal.arrival(&[(1, wire::write(&1_i64))]).call;
    let spectate = [Call::Tail, Call::Snapshot];
    for call in [Call::View, Call::Watch, block, play, act]
        .into_iter()
        .chain(spectate)
    {
        let who = Some(mal.who.clone());
        let outcome = world.ask(0, vec![Arrival { who, call }]).remove(0);
        assert_eq!(refused(&outcome), Some((Code::NotFound, None)));
    }
    assert_eq!(world.head(), head);
    let who = Some(ann.who.clone());
    let call = Call::View;
    let own = world.ask(0, vec![Arrival { who, call }]).remove(0);
    assert_eq!((own.status, own.content), (200, Content::Json));
    // A third one may look, and not act.
    let mut guest = Raw::new("guest");
    guest.join(&mut world, 0);
    world.pass(LEASE_MS + 1);
    let head = world.head();
    let refused = guest.say(&mut world, 0, &[(1, wire::write(&1_i64))]);
    assert_eq!(refused.expect_err("may not act"), (Code::Forbidden, None));
    assert_eq!((world.head(), world.log().waiting()), (head, 0));
    assert_eq!(guest.standing(&mut world, 0).0, 0, "the mark stays");
}

#[test]
fn a_made_up_cursor_gets_the_room_and_changes_nothing() {
    let (mut world, _, _) = room();
    let head = world.head();
    let hash = baton::Hash([7; 16]);
    for v in [1, 2, head.v, head.v + 1, 1 << 53, u64::MAX] {
        let outcome = world.ask(0, vec![watcher(Head { v, hash })]).remove(0);
        let reply = reply_of(&outcome).expect("answered");
        assert!(matches!(reply.news, News::Reset(_)), "{v}");
        assert_eq!((reply.head, world.head()), (head, head));
    }
    assert_eq!(world.audit().resets, 0);
}

#[test]
fn a_batch_shows_each_caller_only_the_own_answer() {
    let (mut world, ann, mal) = room();
    let bad = play(Some(&mal), vec![PROTOCOL, 9, 9]);
    let batch = vec![
        ann.arrival(&[(2, add(1))]),
        bad,
        mal.arrival(&[(1, add(7))]),
        watcher(Head::default()),
    ];
    let outcomes = world.ask(0, batch);
    let numbers: Vec<_> = outcomes
        .iter()
        .map(|outcome| reply_of(outcome).ok().and_then(|reply| reply.device))
        .map(|device| device.map(|device| (device.number, device.mark)))
        .collect();
    assert_eq!(numbers, [Some((0, 2)), None, Some((1, 1)), None]);
    assert_eq!(code_of(&outcomes[1]), Some(Code::Malformed));
}

#[test]
fn fuzzed_bodies_of_actions_never_raise_a_balance_beyond_the_rules() {
    let (mut world, _, mal) = room();
    let mut random = Random::from_seed(11);
    let mut seq = 0;
    for _ in 0..60 {
        world.pass(LEASE_MS + 1);
        let bodies = (0..16).map(|_| {
            let length = random.below(12) as usize;
            let mut body: Vec<u8> = (0..length).map(|_| random.next_u32() as u8).collect();
            if let Some(first) = body.first_mut() {
                *first %= 4;
            }
            body
        });
        let actions: Vec<_> = bodies
            .zip(seq + 1..)
            .map(|(body, seq)| (seq, body))
            .collect();
        seq += 16;
        mal.say(&mut world, 0, &actions).expect("judged one by one");
    }
    let audit = world.audit();
    assert_eq!(
        audit.accepted.len() + audit.rejected.len(),
        1 + seq as usize
    );
    assert!(audit.rejected.len() > 300, "{}", audit.rejected.len());
    let state = audit.room.state();
    let gains = state.log.iter().filter(|(_, who, _)| *who == 1);
    assert!(gains.clone().count() > 20, "some were real actions");
    assert!(
        gains
            .clone()
            .all(|(_, _, amount)| *amount <= crate::support::rules::MOST)
    );
}
