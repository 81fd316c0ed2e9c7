//! Who cheats against real hosts: refused with a code, and no balance changes.

use account::{Account, Action, Goal, Item, SEED_MS, SKEW_MS, Verdict, reject};
use baton::Code;
use baton::effect::{Arrival, Call};
use baton::wire;
use contagion::Flaw;

use crate::samples::{handed_in, legacy, played, wander, won};
use crate::scene::{OWNER, Server, TEN_YEARS_MS, account, by_hand, replayed, settle, synced};
use crate::support::client::{device_id, identity};
use crate::support::{Client, LEASE_MS, Raw, World, refusal, watcher};

/// An account with something in it.
fn target() -> (World<Account>, Vec<Client<Account>>) {
    let (mut world, mut devices) = account(2, 1);
    let grant = Action::Grant {
        coins: 300,
        scrap: 100,
    };
    Server::default().sends(&mut world, 0, &[grant, Action::Match(won(100))]);
    settle(&mut world, &mut devices);
    (world, devices)
}

fn balances(world: &mut World<Account>) -> (u64, u64) {
    let state = replayed(world);
    (state.coins, state.scrap)
}

/// One action of a device, by hand; its verdict.
fn verdict(world: &mut World<Account>, raw: &Raw, action: &Action) -> Option<u16> {
    let (mark, _) = raw.standing(world, 0);
    world.pass(LEASE_MS + 1);
    let reply = raw.say(world, 0, &[(mark + 1, wire::write(action))]);
    let standing = reply.expect("answered").device.expect("registered");
    // Whatever it set off is done.
    for _ in 0..20 {
        world.pass(LEASE_MS + 1);
        raw.standing(world, 0);
    }
    standing.verdict(mark + 1)
}

#[test]
fn b11_forged_rewards_are_refused() {
    let (mut world, _) = target();
    let raw = by_hand(&mut world, 9);
    let before = balances(&mut world);
    for forged in [
        Action::Reward(Goal::HundredGames),
        Action::Reward(Goal::FirstMatch),
        Action::Match(won(1_000_000)),
        Action::Grant {
            coins: 1_000_000,
            scrap: 1_000_000,
        },
        Action::Import(legacy()),
        Action::Purchase(Item::Astronaut),
    ] {
        let code = verdict(&mut world, &raw, &forged);
        assert_eq!(code, Some(reject::SERVER_ONLY.0), "{forged:?}");
        assert_eq!(balances(&mut world), before);
    }
}

#[test]
fn x07_edited_inputs_earn_nothing_and_the_account_says_why() {
    let (mut world, mut devices) = target();
    let raw = by_hand(&mut world, 9);
    let before = balances(&mut world);
    for flaw in [Flaw::Malformed, Flaw::Refused, Flaw::TooLate] {
        settle(&mut world, &mut devices);
        let seed = synced(&devices[0]).seeds[0].seed;
        let run = played(seed, wander);
        world.pass(run.lasted_ms());
        let mut inputs = run.inputs().clone();
        match flaw {
            Flaw::Malformed => inputs.0.truncate(inputs.0.len() - 1),
            Flaw::Refused => inputs.0.splice(0..0, [0, 0]).for_each(drop),
            Flaw::TooLate => inputs.0.extend([0xff, 0x7f, 0]),
        }
        // Taken in, since what it is worth is seen by a replay alone.
        let code = verdict(&mut world, &raw, &Action::Run { seed, inputs });
        assert_eq!(code, Some(0));
        let judged = replayed(&mut world).judged.back().copied();
        let judged = judged.map(|judged| (judged.seed, judged.verdict));
        assert_eq!(judged, Some((seed, Verdict::Invalid(flaw))));
        assert_eq!(balances(&mut world), before);
    }
}

/// Neither the clock of a host nor that of a device makes it later: only the store's time counts, and it takes as long as it
/// takes.
#[test]
fn x07_a_run_handed_in_too_soon_earns_nothing_whatever_clocks_say_and_the_account_says_why() {
    for skew_ms in [-TEN_YEARS_MS, 0, TEN_YEARS_MS] {
        let (mut world, mut devices) = target();
        let raw = by_hand(&mut world, 9);
        settle(&mut world, &mut devices);
        world.skews_ms = vec![skew_ms; 2];
        let before = balances(&mut world);
        // The one that takes longest, so that it is too soon by far.
        let seeds = synced(&devices[0]).seeds.clone();
        let runs = seeds.iter().map(|held| (held, played(held.seed, wander)));
        let (held, run) = runs
            .max_by_key(|(_, run)| run.now())
            .expect("seeds in hand");
        let given_ms = held.dealt_ms - crate::support::START_MS;
        assert!(given_ms + run.lasted_ms() > world.since_ms() + 2 * SKEW_MS);
        let code = verdict(&mut world, &raw, &handed_in(held.seed, &run));
        assert_eq!(code, Some(0), "what it is worth is seen later");
        let judged = replayed(&mut world).judged.back().copied();
        let judged = judged.map(|judged| (judged.seed, judged.verdict));
        assert_eq!(judged, Some((held.seed, Verdict::TooSoon)));
        assert_eq!(balances(&mut world), before);
        // It does not become older by waiting: the seed is used up.
        world.pass(run.lasted_ms());
        let code = verdict(&mut world, &raw, &handed_in(held.seed, &run));
        assert_eq!(code, Some(reject::USED_SEED.0));
        assert_eq!(balances(&mut world), before);
        assert_eq!(replayed(&mut world).runs.played, 0);
    }
}

#[test]
fn x07_a_seed_used_twice_or_never_given_is_refused() {
    let (mut world, mut devices) = target();
    let raw = by_hand(&mut world, 9);
    settle(&mut world, &mut devices);
    let seed = synced(&devices[0]).seeds[0].seed;
    let run = played(seed, wander);
    world.pass(run.lasted_ms());
    let run = handed_in(seed, &run);
    assert_eq!(verdict(&mut world, &raw, &run), Some(0));
    let before = balances(&mut world);
    let other = by_hand(&mut world, 8);
    for device in [&raw, &other] {
        let code = verdict(&mut world, device, &run);
        assert_eq!(code, Some(reject::USED_SEED.0));
    }
    let forged = handed_in(seed ^ 1, &played(seed ^ 1, wander));
    let code = verdict(&mut world, &raw, &forged);
    assert_eq!(code, Some(reject::UNKNOWN_SEED.0));
    assert_eq!(balances(&mut world), before);
    assert_eq!(replayed(&mut world).runs.played, 1);
}

#[test]
fn b08_replayed_packets_change_nothing_and_another_body_under_their_number_is_refused() {
    let (mut world, mut devices) = target();
    let raw = by_hand(&mut world, 9);
    settle(&mut world, &mut devices);
    let seed = synced(&devices[0]).seeds[0].seed;
    let run = played(seed, wander);
    world.pass(run.lasted_ms());
    let run = handed_in(seed, &run);
    let packet = [(1, wire::write(&run))];
    raw.say(&mut world, 0, &packet).expect("taken");
    settle(&mut world, &mut devices);
    let before = balances(&mut world);
    let head = world.head();
    for host in [0, 1, 0, 1] {
        raw.say(&mut world, host, &packet).expect("answered");
        assert_eq!(world.head(), head, "nothing was framed");
    }
    let held = synced(&devices[0]).seeds[0].seed;
    let other = handed_in(held, &played(held, wander));
    let refused = raw.say(&mut world, 0, &[(1, wire::write(&other))]);
    assert_eq!(refused.expect_err("another body"), (Code::Conflict, None));
    assert_eq!(balances(&mut world), before);
}

#[test]
fn devices_of_other_users_find_no_account_whatever_they_bring() {
    let (mut world, mut devices) = target();
    let owner = by_hand(&mut world, 9);
    settle(&mut world, &mut devices);
    let before = (world.head(), balances(&mut world));
    let action = wire::write(&Action::Look(1));
    // With ids of their own, and with the id and the number of the owner's device.
    let stranger = Raw::new("mallory");
    let mut thief = Raw::with_id("mallory", device_id(OWNER, 9));
    thief.hail.number = owner.hail.number;
    let mut calls = vec![
        watcher(world.head()),
        stranger.arrival(&[]),
        thief.arrival(&[(1, action.clone())]),
    ];
    let mut unnamed = thief.arrival(&[(1, action)]);
    unnamed.who = None;
    // Nobody verified may act anywhere: that says nothing of the room.
    let outcomes = world.ask(0, vec![unnamed]);
    assert_eq!(refusal(&outcomes[0]).0, Some(Code::Unauthorized));
    let who = Some(identity("mallory"));
    for call in [Call::View, Call::Tail, Call::Snapshot, Call::Watch] {
        calls.push(Arrival {
            who: who.clone(),
            call,
        });
    }
    for call in calls {
        for host in 0..2 {
            world.pass(LEASE_MS + 1);
            let outcomes = world.ask(host, vec![call.clone()]);
            let (code, _) = refusal(&outcomes[0]);
            assert_eq!(code, Some(Code::NotFound), "{call:?}");
        }
    }
    assert_eq!((world.head(), balances(&mut world)), before);
}

/// A store has its own clock: what hosts and devices think is the time opens no old seed, and closes no new one.
#[test]
fn x07_clocks_ten_years_off_keep_no_seed_and_lose_none() {
    for skew_ms in [-TEN_YEARS_MS, 0, TEN_YEARS_MS] {
        let (mut world, mut devices) = target();
        let raw = by_hand(&mut world, 9);
        settle(&mut world, &mut devices);
        world.skews_ms = vec![skew_ms; 2];
        let seeds = synced(&devices[0]).seeds.clone();
        let run = |held: &account::Seed| handed_in(held.seed, &played(held.seed, wander));
        world.pass(played(seeds[0].seed, wander).lasted_ms());
        let code = verdict(&mut world, &raw, &run(&seeds[0]));
        assert_eq!(code, Some(0), "in time");
        let before = balances(&mut world);
        // Nobody asks until the others have expired. Whoever is asked then puts new ones in their place, after this.
        let (mark, _) = raw.standing(&mut world, 0);
        world.pass(SEED_MS);
        let late = [(mark + 1, wire::write(&run(&seeds[1])))];
        let reply = raw.say(&mut world, 0, &late).expect("answered");
        let standing = reply.device.expect("registered");
        assert_eq!(standing.verdict(mark + 1), Some(reject::EXPIRED_SEED.0));
        let code = verdict(&mut world, &raw, &run(&seeds[1]));
        assert_eq!(code, Some(reject::UNKNOWN_SEED.0));
        assert_eq!(balances(&mut world), before);
        assert_eq!(replayed(&mut world).runs.played, 1);
    }
}
