//! The game on many short-lived hosts: several handlers in one process over the memory store. One
//! countdown, one match, the same zombies, whoever is asked; and the control, in which the same
//! hosts do not coordinate and zombies multiply.

#[path = "../../baton/tests/behaviour/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use baton::frame::Frame;
use baton::wire::Presence;
use baton::{Hash, Random, Room};
use contagion::{Action, Award, Config, Contagion, Phase};
use support::{Flight, Forks, Raw, World};

const SECOND_MS: u64 = 1_000;

/// The room after every frame of the log.
fn history(world: &mut World<Contagion>) -> Vec<Room<Contagion>> {
    let mut rooms: Vec<Room<Contagion>> = Vec::new();
    for bytes in world.log().frames() {
        let next = match rooms.last() {
            None => Room::genesis(bytes).expect("the first frame"),
            Some(room) => {
                let mut room = room.clone();
                room.replay(bytes).expect("the next frame");
                room
            }
        };
        rooms.push(next);
    }
    rooms
}

/// All devices ask at once, each by way of its own host, their effects in any order.
fn at_once(world: &mut World<Contagion>, devices: &[Raw], random: &mut Random) {
    let hosts = world.instances.len();
    let mut flights: Vec<_> = devices
        .iter()
        .enumerate()
        .map(|(index, raw)| Flight::begin(world, index % hosts, vec![raw.arrival(&[])]))
        .collect();
    while flights.iter().any(|flight| flight.outcomes().is_none()) {
        let chosen = random.below(flights.len() as u32) as usize;
        flights[chosen].step(world);
    }
}

fn crowd(count: usize) -> Vec<Raw> {
    let user = |index| Raw::new(&format!("user{index}"));
    (0..count).map(user).collect()
}

/// Lets time pass while everybody asks, and nothing else.
fn live(world: &mut World<Contagion>, devices: &[Raw], ms: u64, random: &mut Random) {
    let until = world.now_ms + ms;
    while world.now_ms < until {
        world.pass(130);
        at_once(world, devices, random);
    }
}

/// Phase and match after every frame, each once.
fn phases(rooms: &[Room<Contagion>]) -> Vec<(Phase, u32)> {
    let mut seen = rooms
        .iter()
        .map(|room| (room.state().phase, room.state().match_id))
        .collect::<Vec<_>>();
    seen.dedup();
    seen
}

#[test]
fn j01_sixteen_simultaneous_joins_on_sixteen_hosts_make_one_countdown() {
    for seed in 0..8 {
        let mut random = Random::from_seed(seed);
        let mut world = World::<Contagion>::new(16);
        world.pass(3_456);
        let devices = crowd(16);
        let joined_ms = world.now_ms;
        at_once(&mut world, &devices, &mut random);
        live(&mut world, &devices, 16 * SECOND_MS, &mut random);
        let rooms = history(&mut world);
        assert_eq!(phases(&rooms), [(Phase::Countdown, 1), (Phase::Playing, 1)]);
        let playing = rooms
            .iter()
            .find(|room| room.state().phase == Phase::Playing);
        let playing = playing.expect("play has begun");
        assert_eq!(playing.state().field.figures.len(), 16);
        // The exact tick at which play began, from what is left of it.
        let lasts = u64::from(Config::default().play_ms / contagion::TICK_MS);
        let began = playing.tick() - (lasts - u64::from(playing.state().ticks_left));
        let waited_ms = playing.time_of(began) - joined_ms;
        assert!((15_000..=15_100).contains(&waited_ms), "{waited_ms} ms");
        world.audit();
    }
}

#[test]
fn j02_later_joins_on_other_hosts_neither_restart_nor_extend_the_countdown() {
    let mut random = Random::from_seed(2);
    let mut world = World::<Contagion>::new(4);
    let devices = crowd(8);
    let joined_ms = world.now_ms;
    for count in 1..=8 {
        at_once(&mut world, &devices[..count], &mut random);
        live(&mut world, &devices[..count], 1_500, &mut random);
    }
    live(&mut world, &devices, 4 * SECOND_MS, &mut random);
    let rooms = history(&mut world);
    assert_eq!(phases(&rooms), [(Phase::Countdown, 1), (Phase::Playing, 1)]);
    let playing = rooms
        .iter()
        .find(|room| room.state().phase == Phase::Playing);
    let waited_ms = playing.expect("play has begun").time_ms() - joined_ms;
    // Nothing but time passed at the end: to the next frame of that.
    let most_ms = 15_100 + support::IDLE_MS + 130;
    assert!((15_000..most_ms).contains(&waited_ms), "{waited_ms} ms");
}

#[test]
fn j02_when_all_leave_by_other_hosts_the_countdown_ends_and_idle_costs_nothing() {
    let mut random = Random::from_seed(3);
    let mut world = World::<Contagion>::new(4);
    let devices = crowd(3);
    at_once(&mut world, &devices, &mut random);
    live(&mut world, &devices, 5 * SECOND_MS, &mut random);
    let leaving: Vec<_> = devices
        .iter()
        .map(|raw| raw.but(Presence::Leaving))
        .collect();
    at_once(&mut world, &leaving, &mut random);
    world.settle();
    let rooms = history(&mut world);
    assert_eq!(phases(&rooms), [(Phase::Countdown, 1), (Phase::Idle, 1)]);
    let head = world.head();
    world.pass(3_600 * SECOND_MS);
    world.watch(2);
    assert_eq!(world.head(), head, "idle costs nothing");
}

fn short() -> Config {
    Config {
        countdown_ms: 2_000,
        play_ms: 4_000,
        over_ms: 2_000,
        ..Config::default()
    }
}

#[test]
fn j03_whoever_joins_mid_match_on_another_host_gets_that_match_and_no_second_one() {
    let mut random = Random::from_seed(4);
    let mut world = World::<Contagion>::new(3);
    let mut devices = crowd(2);
    at_once(&mut world, &devices, &mut random);
    live(&mut world, &devices, 20 * SECOND_MS, &mut random);
    let before = history(&mut world).pop().expect("a room");
    assert_eq!(before.state().phase, Phase::Playing);
    let zombies = before.state().field.zombies.len();
    assert!(zombies >= usize::from(Config::default().zombies_at_start));
    devices.push(Raw::new("late"));
    live(&mut world, &devices, 2 * SECOND_MS, &mut random);
    let rooms = history(&mut world);
    assert_eq!(phases(&rooms), [(Phase::Countdown, 1), (Phase::Playing, 1)]);
    let after = rooms.last().expect("a room");
    assert_eq!(after.state().field.figures.len(), 3);
    assert!(
        after.state().field.zombies.len() >= zombies,
        "the same zombies"
    );
}

#[test]
fn j04_after_a_match_the_next_countdown_follows_or_the_room_waits_for_the_next_join() {
    let mut random = Random::from_seed(5);
    let mut world = World::<Contagion>::with(4, |_| {}, short());
    let devices = crowd(3);
    at_once(&mut world, &devices, &mut random);
    live(&mut world, &devices, 10 * SECOND_MS, &mut random);
    // With players present, the next countdown.
    let expected = [
        (Phase::Countdown, 1),
        (Phase::Playing, 1),
        (Phase::Over, 1),
        (Phase::Countdown, 2),
    ];
    assert_eq!(phases(&history(&mut world)), expected);
    live(&mut world, &devices, 7 * SECOND_MS, &mut random);
    let over = history(&mut world).pop().expect("a room");
    assert_eq!(over.state().phase, Phase::Over);
    let last = over.state().last;
    // All leave; all hosts are gone; a day passes.
    let leaving: Vec<_> = devices
        .iter()
        .map(|raw| raw.but(Presence::Leaving))
        .collect();
    at_once(&mut world, &leaving, &mut random);
    world.settle();
    let idle = history(&mut world).pop().expect("a room");
    assert_eq!(idle.state().phase, Phase::Idle);
    let (frames, new_match) = (world.head().v, idle.state().match_id + 1);
    for host in 0..4 {
        world.replace(host);
    }
    world.pass(86_400 * SECOND_MS);
    let mut next = Raw::new("next");
    next.join(&mut world, 3);
    let rooms = history(&mut world);
    let state = rooms.last().expect("a room").state();
    assert_eq!((state.phase, state.match_id), (Phase::Countdown, new_match));
    assert_eq!(state.last, last, "what was played is not forgotten");
    assert_eq!(state.field.zombies.len(), 0, "from the initial state");
    assert_eq!(state.field.figures.len(), 1);
    assert_eq!(state.field.played_ms, 0);
    assert!(
        rooms.len() as u64 > frames,
        "and everything is still in the log"
    );
    world.audit();
}

/// Results that wait to be delivered: target, place in the order there, match.
fn results(room: &Room<Contagion>) -> Vec<(String, u64, u32)> {
    let mut results: Vec<(String, u64, u32)> = Vec::new();
    for (target, _, body) in room.sends() {
        let Award::Match(result) = postcard::from_bytes(body).expect("an award");
        let before = results.last().filter(|(last, ..)| last == target);
        let place = before.map_or(1, |(_, place, _)| place + 1);
        results.push((target.clone(), place, result.match_id));
    }
    results
}

#[test]
fn every_player_of_a_match_is_sent_one_result_whoever_leads_and_whatever_is_forgotten() {
    let mut random = Random::from_seed(6);
    let calm = Config {
        zombies_at_start: 0,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        ..short()
    };
    let mut world = World::<Contagion>::with(4, |_| {}, calm);
    let mut devices = crowd(5);
    // Four play; one of them is gone before the end. The fifth comes when it is over.
    at_once(&mut world, &devices[..4], &mut random);
    live(&mut world, &devices[..4], 4 * SECOND_MS, &mut random);
    devices[3]
        .but(Presence::Leaving)
        .say(&mut world, 2, &[])
        .expect("taken");
    let late = devices.pop().expect("five");
    devices.pop();
    live(&mut world, &devices, 1_500, &mut random);
    assert_eq!(results(&world.audit().room), [], "nothing before the end");
    live(&mut world, &devices, SECOND_MS, &mut random);
    devices.push(late);
    live(&mut world, &devices, SECOND_MS, &mut random);
    let rooms = history(&mut world);
    let over = rooms.last().expect("a room");
    assert_eq!(over.state().phase, Phase::Over);
    let once = |match_id| (0..4).map(move |user| (format!("account/user{user}"), 1_u64, match_id));
    assert_eq!(results(over), once(1).collect::<Vec<_>>());
    // Hosts forget everything, one after the other; the next match is led by whoever is left.
    for host in 0..4 {
        world.replace(host);
        live(&mut world, &devices, 2 * SECOND_MS, &mut random);
    }
    let rooms = history(&mut world);
    let next = rooms.last().expect("a room");
    assert_eq!(
        (next.state().match_id, next.state().phase),
        (2, Phase::Over)
    );
    let mut expected: Vec<_> = once(1).collect();
    expected.extend([0, 1, 2].map(|user| (format!("account/user{user}"), 2, 2)));
    expected.push(("account/user4".into(), 1, 2));
    expected.sort();
    assert_eq!(results(next), expected);
    // What a cold instance starts from says the same.
    let cold = Room::<Contagion>::restore(&next.snapshot()).expect("it is sound");
    assert_eq!(results(&cold), expected);
    let writers: Vec<_> = world.frames().iter().map(|frame| frame.writer).collect();
    assert!(
        writers.windows(2).any(|pair| pair[0] != pair[1]),
        "leaders changed"
    );
    world.audit();
}

/// What a game was, seen from its store: every frame that was accepted, in order.
struct Game {
    accepted: Vec<Vec<u8>>,
}

const PLAYERS: usize = 4;

/// Plays the same inputs on so many hosts: four players come one by one, steer and ask; every
/// 100 ms either one of them says something, or all ask all hosts at once.
fn game(hosts: usize, seed: u64, coordinated: bool) -> Game {
    let quick = |settings: &mut baton::SettingsInput| {
        // A lease ends between two inputs; two do not, or hosts would note what they are about to do.
        (settings.frame_ms, settings.lease_ms, settings.idle_ms) = (20, 60, 70);
    };
    let config = Config {
        countdown_ms: 2_000,
        play_ms: 20_000,
        zombies_at_start: 12,
        spawns_per_minute: 90,
        ..Config::default()
    };
    let mut world = World::<Contagion>::with(hosts, quick, config);
    world.nonce_by_time = true;
    world.forks = (!coordinated).then(Forks::default);
    let mut order = Random::from_seed(seed);
    let mut players = crowd(PLAYERS);
    let mut seqs = [0; PLAYERS];
    for round in 0..230_usize {
        world.pass(100);
        let host = round % hosts;
        if round % 2 == 0 {
            let who = round / 2 % PLAYERS;
            let player = &mut players[who];
            let action = match round / 8 % 5 {
                0 => Action::Strike,
                1 => Action::Lure,
                2 => Action::Heal,
                _ => Action::Steer((round * 7 % 64) as u8),
            };
            let actions = match player.hail.number {
                Some(_) => vec![(seqs[who] + 1, baton::wire::write(&action))],
                None => Vec::new(),
            };
            // Without coordination a host may not know the player.
            if let Ok(reply) = player.say(&mut world, host, &actions)
                && let Some(standing) = reply.device
            {
                player.hail.number = Some(standing.number);
                seqs[who] = standing.mark;
            }
            continue;
        }
        let askers =
            (0..hosts.max(PLAYERS)).map(|index| (index % hosts, (index + round) % PLAYERS));
        let mut flights: Vec<_> = askers
            .filter(|(_, who)| players[*who].hail.number.is_some())
            .map(|(host, who)| Flight::begin(&mut world, host, vec![players[who].arrival(&[])]))
            .collect();
        while flights.iter().any(|flight| flight.outcomes().is_none()) {
            let chosen = order.below(flights.len() as u32) as usize;
            flights[chosen].step(&mut world);
        }
    }
    let accepted = match world.forks {
        Some(forks) => forks.accepted,
        None => world.log().frames().map(<[u8]>::to_vec).collect(),
    };
    Game { accepted }
}

impl Game {
    /// How many zombies all accepted frames made together.
    fn zombies_made(&self) -> u32 {
        let mut all: Vec<(Hash, Room<Contagion>)> = Vec::new();
        let mut made = 0;
        for bytes in &self.accepted {
            let frame = Frame::decode(bytes).expect("a frame");
            let before = all.iter().rev().find(|(hash, _)| *hash == frame.previous);
            let (room, had) = match before {
                None => (Room::genesis(bytes).expect("a first frame"), 0),
                Some((_, room)) => {
                    let mut next = room.clone();
                    next.replay(bytes).expect("it follows the frame it names");
                    (next, room.state().field.next_zombie)
                }
            };
            made += u32::from(room.state().field.next_zombie.saturating_sub(had));
            all.push((Hash::of(bytes), room));
            // Only the newest of each fork is needed.
            if all.len() > 64 {
                all.remove(0);
            }
        }
        made
    }

    /// Tick, zombies, and hash of the game after each frame.
    fn timeline(&self) -> Vec<(u64, usize, Hash)> {
        let mut room: Option<Room<Contagion>> = None;
        let mut timeline = Vec::new();
        for bytes in &self.accepted {
            match &mut room {
                None => room = Some(Room::genesis(bytes).expect("a first frame")),
                Some(room) => drop(room.replay(bytes)),
            }
            let room = room.as_ref().expect("set above");
            let state = room.state();
            let hash = Hash::of(&baton::wire::write(state));
            timeline.push((room.tick(), state.field.zombies.len(), hash));
        }
        timeline
    }
}

/// The assertion: a game on many hosts is the game on one.
fn is_the_same_game(many: &Game, one: &Game) -> Result<(), String> {
    let mut versions = BTreeMap::<u64, usize>::new();
    for bytes in &many.accepted {
        let v = Frame::decode(bytes).map_err(|_| "not a frame")?.v;
        *versions.entry(v).or_default() += 1;
    }
    let (made, expected) = (many.zombies_made(), one.zombies_made());
    if made != expected {
        return Err(format!("{made} zombies instead of {expected}"));
    }
    if let Some((v, count)) = versions.iter().find(|(_, count)| **count != 1) {
        return Err(format!("{count} frames at version {v}"));
    }
    match many.timeline() == one.timeline() {
        true => Ok(()),
        false => Err("another state at some tick".into()),
    }
}

#[test]
fn j08_the_same_zombies_at_every_tick_on_one_two_and_sixteen_hosts() {
    let one = game(1, 1, true);
    assert!(one.zombies_made() > 30, "{}", one.zombies_made());
    assert!(one.accepted.len() > 200, "{}", one.accepted.len());
    for (hosts, seed) in [(2, 2), (16, 3), (16, 4)] {
        let many = game(hosts, seed, true);
        assert_eq!(is_the_same_game(&many, &one), Ok(()), "{hosts} hosts");
        let frames = many.accepted.iter().map(|bytes| Frame::decode(bytes));
        let mut writers: Vec<_> = frames.map(|frame| frame.expect("a frame").writer).collect();
        writers.sort_unstable();
        writers.dedup();
        assert_eq!(writers.len(), hosts, "every host led");
    }
}

#[test]
fn j08_without_coordination_zombies_multiply_and_the_assertion_fails() {
    let one = game(1, 1, true);
    let many = game(16, 3, false);
    let verdict = is_the_same_game(&many, &one).expect_err("the control must fail");
    let (made, expected) = (many.zombies_made(), one.zombies_made());
    println!("without coordination: {verdict}");
    assert!(verdict.contains("zombies instead of"), "{verdict}");
    assert!(made > 10 * expected, "{made} instead of {expected}");
}
