//! The story of the hundredth game, as it is told of accounts: ninety-nine games, the hundredth on two devices that are both
//! offline. The reward comes once, from the server.

use account::{Account, Action, Goal, Verdict, reject};
use baton::Room;
use baton::frame::Entry;

use crate::samples::{handed_in, lost, played, waits, wander};
use crate::scene::{Server, account, act, replayed, settle, shown, synced};
use crate::support::{Client, Flight, LEASE_MS, World};

/// So many games: three of five with others, the rest alone, on the phone.
fn games(world: &mut World<Account>, devices: &mut [Client<Account>], count: u32) {
    let mut server = Server::default();
    let matches = count * 3 / 5;
    for _ in 0..matches {
        server.sends(world, 1, &[Action::Match(lost())]);
    }
    settle(world, devices);
    while synced(&devices[0]).games() < count {
        let missing = (count - synced(&devices[0]).games()) as usize;
        let seeds: Vec<_> = synced(&devices[0])
            .seeds
            .iter()
            .take(missing)
            .copied()
            .collect();
        for held in seeds {
            let run = played(held.seed, waits);
            world.pass(run.lasted_ms());
            act(world, &mut devices[0], &handed_in(held.seed, &run)).expect("a seed in hand");
        }
        settle(world, devices);
    }
    assert_eq!(
        synced(&devices[0]).runs.played,
        count - matches,
        "all were paid"
    );
}

/// Both devices ask at once, by way of different hosts, their calls in turns.
fn at_once(world: &mut World<Account>, devices: &mut [Client<Account>]) {
    world.pass(LEASE_MS + 1);
    let mut flights = Vec::new();
    for (host, device) in devices.iter_mut().enumerate() {
        let arrival = device.arrival(world.now_ms);
        flights.push(Flight::begin(world, host, vec![arrival]));
    }
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        for flight in &mut flights {
            flight.step(world);
        }
    }
    for (flight, device) in flights.iter().zip(devices) {
        device.take(&flight.outcomes().expect("landed")[0], world.now_ms);
    }
}

/// How often the log rewards a goal, and in frames of which entries.
fn rewards(world: &mut World<Account>, goal: Goal) -> Vec<Vec<Entry>> {
    let mut room: Option<Room<Account>> = None;
    let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
    let mut found = Vec::new();
    for (bytes, frame) in frames.iter().zip(world.frames()) {
        let before = room
            .as_ref()
            .map(|room| room.state().coins)
            .unwrap_or_default();
        match &mut room {
            Some(room) => drop(room.replay(bytes).expect("it replays")),
            None => room = Some(Room::genesis(bytes).expect("it replays")),
        }
        let after = room.as_ref().expect("set above").state();
        if after.goals.contains(&goal) && after.coins >= before + goal.coins() {
            found.push(frame.entries);
        }
    }
    found
}

#[test]
fn b25_the_hundredth_game_offline_on_two_devices_is_rewarded_once_and_by_the_server() {
    for same_seed in [false, true] {
        let (mut world, mut devices) = account(3, 2);
        games(&mut world, &mut devices, 99);
        let before = synced(&devices[0]).clone();
        assert_eq!(before.games(), 99);
        assert!(!before.goals.contains(&Goal::HundredGames));
        // Offline, each plays its hundredth.
        for (index, device) in devices.iter_mut().enumerate() {
            let held = before.seeds[if same_seed { 0 } else { index }];
            let run = played(held.seed, wander);
            world.pass(run.lasted_ms());
            act(&world, device, &handed_in(held.seed, &run)).expect("a seed in hand");
            let forged = act(&world, device, &Action::Reward(Goal::HundredGames));
            assert!(forged.is_err(), "no device rewards itself");
            assert_eq!(
                shown(device).coins,
                before.coins,
                "and none shows it beforehand"
            );
            device.reload();
        }
        // The network is back.
        at_once(&mut world, &mut devices);
        settle(&mut world, &mut devices);
        let state = replayed(&mut world);
        assert_eq!(
            state.coins,
            before.coins + Goal::HundredGames.coins(),
            "once"
        );
        assert_eq!(state.games(), if same_seed { 100 } else { 101 });
        let found = rewards(&mut world, Goal::HundredGames);
        assert_eq!(found.len(), 1, "one entry of the log");
        assert!(found[0].contains(&Entry::Due), "made by the room itself");
        for device in &devices {
            assert_eq!(synced(device).coins, state.coins);
            assert!(synced(device).goals.contains(&Goal::HundredGames));
        }
        if same_seed {
            let answers: Vec<_> = devices
                .iter()
                .filter_map(|device| device.answers().pop())
                .collect();
            let codes: Vec<_> = answers.iter().map(|(_, code)| *code).collect();
            assert!(codes.contains(&Some(0)) && codes.contains(&Some(reject::USED_SEED.0)));
        }
        let paid = |verdict| matches!(verdict, Verdict::Paid { .. });
        assert!(state.judged.iter().all(|judged| paid(judged.verdict)));
    }
}
