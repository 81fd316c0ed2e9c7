//! Several devices of one user: what each shows, what the log says, and that all agree in the end.

use account::{Account, Action, FREE_LOOKS, Goal, Item, Preference, State};
use baton::{Random, Room, Solo, wire};

use crate::samples::{handed_in, played, waits, won};
use crate::scene::{OWNER, Server, TEN_YEARS_MS, account, act, replayed, settle, shown, synced};
use crate::support::{Client, LEASE_MS, World};

/// Something that a player does, maybe refused.
fn wish(random: &mut Random, state: &State) -> Action {
    let value = random.below(200) as u8;
    match random.below(6) {
        0 => Action::Buy(Item::Raincoat),
        1 => Action::Buy(Item::Welder),
        2 => Action::Look(random.below(8) as u8),
        3 => match state.seeds.first() {
            Some(held) => Action::Run {
                seed: held.seed,
                inputs: contagion::Inputs(vec![40, value]),
            },
            None => Action::Look(0),
        },
        4 => Action::Prefer(Preference::Calm, value),
        _ => Action::Prefer(Preference::Volume, value),
    }
}

#[test]
fn b14_what_a_server_does_enters_the_same_log_and_reaches_every_device() {
    let (mut world, mut devices) = account(2, 3);
    act(&world, &mut devices[0], &Action::Look(2)).expect("it may");
    let mut server = Server::default();
    let grant = Action::Grant {
        coins: 900,
        scrap: 20,
    };
    server.sends(&mut world, 1, &[Action::Match(won(640)), grant]);
    settle(&mut world, &mut devices);
    server.sends(&mut world, 0, &[Action::Purchase(Item::Nurse)]);
    settle(&mut world, &mut devices);
    let coins = 900 + 640 / 20 + 50 - Item::Nurse.price().1;
    let rewards = Goal::FirstMatch.coins() + Goal::FirstRescue.coins();
    for device in &devices {
        let state = synced(device);
        assert_eq!((state.coins, state.scrap), (coins + rewards, 20));
        assert_eq!((state.matches.played, state.look), (1, 2));
        assert!(state.items.contains(&Item::Nurse));
        assert_eq!(device.replica.head(), world.head());
    }
}

#[test]
fn b16_three_devices_agree_when_all_is_quiet() {
    for seed in 0..6 {
        let mut random = Random::from_seed(seed);
        let (mut world, mut devices) = account(3, 3);
        let grant = Action::Grant {
            coins: 0,
            scrap: 600,
        };
        Server::default().sends(&mut world, 0, &[grant]);
        for _ in 0..80 {
            world.pass(u64::from(random.below(300)));
            let which = random.below(3) as usize;
            for _ in 0..random.below(4) {
                let action = wish(&mut random, shown(&devices[which]));
                let _ = act(&world, &mut devices[which], &action);
            }
            match random.below(6) {
                0 => world.replace(random.below(3) as usize),
                1 => devices[which].reload(),
                _ => drop(world.exchange(random.below(3) as usize, &mut devices[which])),
            }
            if devices[which].replica.synced().is_none() {
                world.exchange(0, &mut devices[which]);
            }
        }
        settle(&mut world, &mut devices);
        let room = world.audit().room;
        for device in &devices {
            let synced = device.replica.synced().expect("joined");
            assert_eq!(synced.state_hash(), room.state_hash(), "seed {seed}");
            let predicted = device.replica.predicted().expect("joined");
            assert_eq!(wire::write(predicted.state()), wire::write(room.state()));
        }
    }
}

#[test]
fn b21_the_screen_shows_what_is_pending_and_the_synced_state_follows_the_log_alone() {
    let (mut world, mut devices) = account(1, 1);
    let grant = Action::Grant {
        coins: 0,
        scrap: 500,
    };
    Server::default().sends(&mut world, 0, &[grant]);
    settle(&mut world, &mut devices);
    let device = &mut devices[0];
    let before = wire::write(synced(device));
    let seed = synced(device).seeds[0].seed;
    let run = played(seed, waits);
    world.pass(run.lasted_ms());
    let run = handed_in(seed, &run);
    for action in [
        Action::Buy(Item::Raincoat),
        Action::Look(Item::Raincoat.look()),
        run,
    ] {
        act(&world, device, &action).expect("it may");
        assert_eq!(wire::write(synced(device)), before);
    }
    let shows = shown(device);
    assert_eq!(shows.scrap, 500 - Item::Raincoat.price().1);
    assert_eq!(shows.look, FREE_LOOKS);
    assert_eq!((shows.claims.len(), shows.runs.played), (1, 0), "it waits");
    assert_eq!(shows.coins, synced(device).coins, "no reward is predicted");
    settle(&mut world, &mut devices);
    let state = synced(&devices[0]);
    assert_eq!((state.claims.len(), state.runs.played), (0, 1));
    assert!(state.scrap > 500 - Item::Raincoat.price().1, "it was paid");
    assert_eq!(wire::write(state), wire::write(shown(&devices[0])));
}

/// What a device should show: the synced state with what is pending after it, by the rules without frames.
fn model(client: &Client<Account>, pending: &[(u64, Action)]) -> Vec<u8> {
    let room = client.replica.synced().expect("joined");
    let mut solo = Solo::<Account>::new((), 0);
    solo.set_time(room.time_ms());
    *solo.state_mut() = room.state().clone();
    let player = client.replica.player().expect("joined");
    for (_, action) in pending {
        let _ = solo.act(baton::By::Player(player), action.clone());
    }
    solo.bytes()
}

#[test]
fn b22_what_is_shown_is_the_servers_order_and_then_what_is_pending() {
    let (mut hidden, mut rebased) = (0, 0);
    for seed in 0..6 {
        let mut random = Random::from_seed(seed);
        let (mut world, mut devices) = account(2, 3);
        let grant = Action::Grant {
            coins: 0,
            scrap: 600,
        };
        let mut server = Server::default();
        server.sends(&mut world, 0, &[grant]);
        settle(&mut world, &mut devices);
        let mut pending: Vec<Vec<(u64, Action)>> = vec![Vec::new(); 3];
        for _ in 0..100 {
            let which = random.below(3) as usize;
            let device = &mut devices[which];
            match random.below(4) {
                0 => {
                    // Led or followed, and maybe with something done while the request is under way.
                    world.pass(u64::from(random.below(LEASE_MS as u32 + 50)));
                    let arrival = device.arrival(world.now_ms);
                    let outcomes = world.ask(random.below(2) as usize, vec![arrival]);
                    for _ in 0..random.below(3) {
                        let action = wish(&mut random, shown(device));
                        if let Ok(seq) = act(&world, device, &action) {
                            pending[which].push((seq, action));
                        }
                    }
                    let before = device.replica.head();
                    device.take(&outcomes[0], world.now_ms);
                    let moved = device.replica.head() != before;
                    rebased += usize::from(moved && device.replica.pending() > 0);
                }
                1 => world.pass(u64::from(random.below(500))),
                2 if random.below(4) == 0 => {
                    server.sends(&mut world, 1, &[Action::Match(won(20))]);
                }
                _ => {
                    let action = wish(&mut random, shown(device));
                    if let Ok(seq) = act(&world, device, &action) {
                        pending[which].push((seq, action));
                    }
                }
            }
            let frames: Vec<Vec<u8>> = world.log().frames().map(<[u8]>::to_vec).collect();
            for (device, pending) in devices.iter().zip(&mut pending) {
                let answered = device.answers();
                pending.retain(|(seq, _)| answered.iter().all(|(other, _)| other != seq));
                assert_eq!(
                    device.replica.pending(),
                    pending.len(),
                    "none is overwritten"
                );
                assert_eq!(wire::write(shown(device)), model(device, pending));
                let synced = device.replica.synced().expect("joined");
                let log = &frames[..synced.head().v as usize];
                assert_eq!(synced.state_hash(), replay(log).state_hash());
                hidden += usize::from(pending.len() > 2);
            }
        }
    }
    assert!(hidden > 100, "much was pending: {hidden}");
    assert!(rebased > 20, "and stayed so over a rebase: {rebased}");
}

fn replay(frames: &[Vec<u8>]) -> Room<Account> {
    let mut room = Room::genesis(&frames[0]).expect("the first frame");
    for frame in &frames[1..] {
        room.replay(frame).expect("the next frame");
    }
    room
}

/// Two devices spend the same scrap while both are offline; a third asks for a look that it has not heard to be bought.
#[test]
fn b24_b26_scrap_that_two_devices_spent_stops_at_zero_also_on_the_screen() {
    let (mut world, mut devices) = account(2, 2);
    let (_, price) = Item::Welder.price();
    let grant = Action::Grant {
        coins: 70,
        scrap: price as i64,
    };
    let mut server = Server::default();
    server.sends(&mut world, 0, &[grant]);
    settle(&mut world, &mut devices);
    act(&world, &mut devices[0], &Action::Buy(Item::Welder)).expect("it can be paid");
    act(&world, &mut devices[1], &Action::Buy(Item::Raincoat)).expect("it can be paid");
    let left = price - Item::Raincoat.price().1;
    assert_eq!(
        (shown(&devices[0]).scrap, shown(&devices[1]).scrap),
        (0, left)
    );
    // An operator takes the rest before either is heard: the second device sees it in the middle of its rebase.
    let back = Action::Grant {
        coins: 0,
        scrap: -(price as i64),
    };
    server.sends(&mut world, 0, &[back]);
    for host in 0..2 {
        for index in [1, 0] {
            world.pass(LEASE_MS + 1);
            world.exchange(host, &mut devices[index]);
            assert!(
                shown(&devices[index]).scrap <= left,
                "never below zero, so never wrapped"
            );
        }
    }
    settle(&mut world, &mut devices);
    let state = replayed(&mut world);
    // The first that the log has is tolerated; the other would be too much.
    assert_eq!((state.scrap, state.coins), (0, 70));
    assert_eq!(state.overspent, Item::Raincoat.price().1);
    assert_eq!(state.items, [Item::Raincoat].into());
    let refused = account::reject::POOR.0;
    assert_eq!(devices[0].answers(), [(1, Some(refused))]);
}

/// Two devices act in turns, their clocks so far from the hosts'. The log.
fn log_with(offsets_ms: [i64; 2]) -> Vec<Vec<u8>> {
    // Where the middle clock begins: as far from 0 as the others may be from it.
    let middle_ms = 2 * TEN_YEARS_MS as u64;
    let mut world = World::<Account>::new(1);
    world.nonce_by_time = true;
    let mut devices = [1, 2].map(|device| Client::<Account>::on(OWNER, device));
    for round in 0..40_u8 {
        for (device, offset_ms) in devices.iter_mut().zip(offsets_ms) {
            world.pass(LEASE_MS + 1);
            let its_ms = (middle_ms + world.since_ms()).saturating_add_signed(offset_ms);
            let action = Action::Prefer(Preference::Volume, round);
            let _ = device.replica.act(&action, its_ms);
            let request = device.replica.request(false, its_ms);
            let arrival = device.arrive(request);
            let outcomes = world.ask(0, vec![arrival]);
            assert!(device.replica.receive(&outcomes[0].body, its_ms, its_ms));
        }
    }
    let audit = world.audit();
    assert!(audit.accepted.len() > 60);
    world.log().frames().map(<[u8]>::to_vec).collect()
}

#[test]
fn b23_the_order_is_that_of_receipt_whatever_the_devices_clocks_say() {
    let right = log_with([0, 0]);
    for offsets_ms in [
        [TEN_YEARS_MS, -TEN_YEARS_MS],
        [-TEN_YEARS_MS, TEN_YEARS_MS],
        [TEN_YEARS_MS, TEN_YEARS_MS],
    ] {
        assert_eq!(log_with(offsets_ms), right, "byte by byte");
    }
}

#[test]
fn b23_what_waits_for_a_frame_is_framed_in_the_order_of_its_receipt() {
    for first in [0, 1] {
        let (mut world, mut devices) = account(2, 3);
        // The first host writes, for the third device, and holds the lease: the other takes in what comes.
        act(&world, &mut devices[2], &Action::Look(1)).expect("it may");
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut devices[2]);
        for which in [first, 1 - first] {
            let value = which as u8 + 1;
            let action = Action::Prefer(Preference::Volume, value);
            act(&world, &mut devices[which], &action).expect("it may");
            world.pass(1);
            world.exchange(1, &mut devices[which]);
        }
        assert_eq!(world.log().waiting(), 2, "both wait");
        settle(&mut world, &mut devices);
        let last = 1 - first as u8 + 1;
        assert_eq!(replayed(&mut world).preferences[&Preference::Volume], last);
    }
}

/// What two devices replaced while both were offline, by their clocks the first much later than the second. Whichever is
/// heard last has the last word, field by field of what it said; no device puts the two together.
#[test]
fn b35_what_is_received_last_counts_whatever_the_devices_clocks_say_and_no_device_merges() {
    for (first, last) in [(0, 1), (1, 0)] {
        let (mut world, mut devices) = account(2, 3);
        let said = [
            [
                Action::Look(1),
                Action::Prefer(Preference::Volume, 10),
                Action::Prefer(Preference::Calm, 1),
            ],
            [
                Action::Look(2),
                Action::Prefer(Preference::Volume, 20),
                Action::Prefer(Preference::Contrast, 1),
            ],
        ];
        let clocks_ms = [world.since_ms() + TEN_YEARS_MS as u64, world.since_ms()];
        for (which, actions) in said.iter().enumerate() {
            for action in actions {
                let taken = devices[which].replica.act(action, clocks_ms[which]);
                taken.expect("it is kept");
            }
        }
        // Each shows its own until the other was heard.
        let shows = |device: &Client<Account>| {
            let state = shown(device);
            (state.look, state.preferences[&Preference::Volume])
        };
        assert_eq!([shows(&devices[0]), shows(&devices[1])], [(1, 10), (2, 20)]);
        // The first host writes, for the third device, and holds the lease: the other takes in what comes, for one frame.
        act(&world, &mut devices[2], &Action::Look(0)).expect("it may");
        world.pass(LEASE_MS + 1);
        world.exchange(0, &mut devices[2]);
        for which in [first, last] {
            world.pass(1);
            let its_ms = clocks_ms[which];
            let request = devices[which].replica.request(false, its_ms);
            let arrival = devices[which].arrive(request);
            let outcomes = world.ask(1, vec![arrival]);
            assert!(
                devices[which]
                    .replica
                    .receive(&outcomes[0].body, its_ms, its_ms)
            );
        }
        assert_eq!(world.log().waiting(), 2, "both wait");
        settle(&mut world, &mut devices);
        let state = replayed(&mut world);
        let value = 10 * (last as u8 + 1);
        assert_eq!(
            (state.look, state.preferences[&Preference::Volume]),
            (last as u8 + 1, value)
        );
        // What only one of them said is there too: it is the log's order, not the word of a device.
        assert_eq!(state.preferences.len(), 3);
        for device in &devices {
            assert_eq!(wire::write(synced(device)), wire::write(&state));
            assert_eq!(
                wire::write(shown(device)),
                wire::write(&state),
                "nothing of its own is left"
            );
        }
        // The log holds what they said, as they said it, and nothing that was put together of it.
        let accepted = world.audit().accepted.into_iter().skip(1);
        let bodies: Vec<Vec<u8>> = accepted.map(|(.., body)| body).collect();
        let sent = [first, last].map(|which| said[which].iter().map(wire::write));
        assert_eq!(bodies, sent.into_iter().flatten().collect::<Vec<_>>());
    }
}
