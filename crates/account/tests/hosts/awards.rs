//! Matches that pay real accounts: a room of Contagion sends its results into the accounts of who played, over one store.
//! Whatever fails, each award arrives exactly once.

use std::collections::BTreeMap;

use account::{Account, Goal};
use baton::effect::Arrival;
use baton::wire::Presence;
use baton::{Head, Room};
use contagion::{Award, Contagion, MatchResult, Phase};

use crate::games::{Games, TROUBLES};
use crate::support::rooms::RoomsOf;
use crate::support::{Raw, reply_of, watcher};

const MATCH: &str = "contagion/m";

/// Asks the match once, if anybody answers.
fn ask(rooms: &mut RoomsOf<Games>, host: usize, arrival: Arrival) -> Option<baton::wire::Reply> {
    let outcomes = rooms.ask::<Contagion>(host, MATCH, vec![arrival]).ok()?;
    reply_of(&outcomes[0]).ok()
}

/// Two play a match to its end and leave.
fn play_match(rooms: &mut RoomsOf<Games>) {
    let mut players = ["ann", "bob"].map(Raw::new);
    for round in 0..12 {
        for (index, player) in players.iter_mut().enumerate() {
            let arrival = player.arrival(&[]);
            if let Some(reply) = ask(rooms, (round + index) % 2, arrival) {
                player.hail.number = reply.device.map(|standing| standing.number);
            }
        }
        rooms.pass(351);
    }
    for player in &players {
        ask(rooms, 0, player.but(Presence::Leaving).arrival(&[]));
        rooms.pass(351);
    }
}

/// The same; then somebody watches until nothing is left to deliver.
fn play(rooms: &mut RoomsOf<Games>) {
    play_match(rooms);
    drain(rooms);
}

fn drain(rooms: &mut RoomsOf<Games>) {
    for round in 0..100 {
        ask(rooms, round % 2, watcher(Head::default()));
        rooms.pass(7_001);
        // A replay is dear: look now and then.
        if round % 10 == 9 && rooms.room::<Contagion>(MATCH).sends().is_empty() {
            return;
        }
    }
    panic!("the outbox is never empty");
}

/// What the match's own log says that each account is sent.
fn owed(rooms: &mut RoomsOf<Games>) -> BTreeMap<String, Vec<MatchResult>> {
    let mut sent: BTreeMap<(String, u64), MatchResult> = BTreeMap::new();
    let mut room: Option<Room<Contagion>> = None;
    for bytes in rooms.store.log(MATCH).frames() {
        match &mut room {
            Some(room) => drop(room.replay(bytes).expect("it replays")),
            None => room = Some(Room::genesis(bytes).expect("it replays")),
        }
        for (target, number, body) in room.as_ref().expect("set above").sends() {
            let Award::Match(result) = postcard::from_bytes(body).expect("an award");
            sent.insert((target.clone(), number), result);
        }
    }
    let room = room.expect("it began");
    assert_eq!((room.state().phase, room.given_up()), (Phase::Idle, 0));
    assert!(room.state().last.is_some(), "a match was played");
    let mut owed = BTreeMap::<_, Vec<_>>::new();
    for ((target, _), result) in sent {
        owed.entry(target).or_default().push(result);
    }
    owed
}

/// Each account has what it is owed, once, and the rewards for it. How many have something.
fn check(rooms: &mut RoomsOf<Games>) -> usize {
    let owed = owed(rooms);
    for (account, results) in &owed {
        let state = rooms.room::<Account>(account).state().clone();
        assert_eq!(state.matches.played as usize, results.len(), "{account}");
        let survived: u64 = results
            .iter()
            .map(|result| u64::from(result.survived_ms))
            .sum();
        assert_eq!(state.matches.survived_ms, survived);
        let best = results.iter().map(|result| result.score).max();
        assert_eq!(Some(state.matches.best), best);
        let pays =
            |result: &MatchResult| u64::from(result.score / 20) + if result.won { 50 } else { 0 };
        let goals: u64 = state.goals.iter().map(|goal| goal.coins()).sum();
        assert_eq!(state.coins, results.iter().map(pays).sum::<u64>() + goals);
        let won = results.iter().any(|result| result.won);
        assert_eq!(state.goals.contains(&Goal::FirstRescue), won);
        assert!(state.goals.contains(&Goal::FirstMatch));
    }
    owed.len()
}

#[test]
fn x03_x07_every_award_of_a_real_match_arrives_once_whichever_call_fails_and_however() {
    let mut rooms = RoomsOf::<Games>::new(2);
    play(&mut rooms);
    assert_eq!(check(&mut rooms), 2, "both have played");
    let calls = rooms.calls;
    let mut hit = 0;
    for trouble in TROUBLES {
        for call in 0..calls {
            let mut rooms = RoomsOf::<Games>::new(2);
            rooms.troubles.insert(call, trouble);
            play(&mut rooms);
            assert!(check(&mut rooms) > 0, "{trouble:?} at {call}");
            hit += u64::from(rooms.calls > call);
        }
    }
    assert_eq!(hit, 4 * calls, "every call was hit");
    println!("{calls} calls, each with 4 troubles");
}

#[test]
fn x03_copies_of_delivered_awards_pay_nothing_again() {
    let mut rooms = RoomsOf::<Games>::new(2);
    play(&mut rooms);
    let letters = rooms.letters.clone();
    assert!(letters.len() >= 2);
    for (target, parcel) in letters.iter().rev().chain(&letters) {
        rooms.pass(101);
        rooms.replace_all::<Account>();
        let outcome = rooms.redeliver(target, parcel).expect("answered");
        assert_eq!(outcome.status, 200);
    }
    check(&mut rooms);
}

#[test]
fn x03_what_an_accounts_store_loses_is_delivered_again() {
    for kept in [0, 1] {
        let mut rooms = RoomsOf::<Games>::new(2);
        play_match(&mut rooms);
        let account = "account/ann";
        let played = |rooms: &mut RoomsOf<Games>| {
            let state = rooms.room::<Account>(account).state().clone();
            state.matches.played
        };
        assert_eq!(played(&mut rooms), 1, "it was delivered");
        rooms.store.log(account).roll_back(kept);
        drain(&mut rooms);
        assert_eq!(played(&mut rooms), 1, "and again");
        check(&mut rooms);
    }
}
