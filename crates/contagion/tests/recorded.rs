//! A recorded match, and that it replays to the same hashes. The same files are replayed in Node
//! and in Chromium.
//!
//! - `tests/golden/match.frames`: an encoded list of frames: their number, then each frame after
//!   its length; numbers are varints, as everywhere (postcard).
//! - `tests/golden/match.json`: `kind`; `frames`, how many; `checkpoints`, at some versions and at
//!   the last: `v`, `tick`, `zombies`, the `frame`'s hash and the `state`'s hash in hexadecimal.
//!
//! `BATON_WRITE_GOLDEN=1 cargo test -p contagion --test recorded a_recorded` records it anew, after
//! `--test golden` if that changed: several players
//! on three hosts, whose joins, leaves and actions went through the handler.

#[path = "../../baton/tests/behaviour/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use baton::wire::Presence;
use baton::{Hash, Random, ReplayError, Room, Rules, wire};
use contagion::{ANGLES, Action, Config, Contagion};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use support::{Raw, World};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(name)
}

/// Ninety seconds: a countdown, a match until all have turned, the next one; five players who come,
/// walk, strike, heal, throw, fall silent, leave and come back.
fn play() -> Vec<ByteBuf> {
    let config = Config {
        countdown_ms: 5_000,
        play_ms: 60_000,
        over_ms: 5_000,
        zombies_at_start: 80,
        spawns_per_minute: 120,
        items_at_start: 40,
        ..Config::default()
    };
    let mut world = World::<Contagion>::with(3, |_| {}, config);
    let mut random = Random::from_seed(2026);
    let mut players: Vec<_> = ["ann", "bob", "cyd", "dot", "eve"].map(Raw::new).into();
    let mut seqs = [0_u64; 5];
    while world.since_ms() < 90_000 {
        world.pass(60 + u64::from(random.below(120)));
        let second = world.since_ms() / 1_000;
        let who = random.below(5) as usize;
        let here = match who {
            0 | 1 => true,
            2 => second > 3,
            // Silent for longer than the grace time, and back.
            3 => second > 12 && !(25..50).contains(&second),
            _ => second > 30 && !(55..65).contains(&second),
        };
        let leaves = who == 4 && second == 55;
        if !here && !leaves {
            continue;
        }
        let presence = if leaves {
            Presence::Leaving
        } else {
            Presence::Here
        };
        let mut player = players[who].but(presence);
        if second > 60 {
            player.hail.session = 2;
        }
        let action = match random.below(16) {
            0 => Action::Stop,
            // No such angle: rejected, and recorded as that.
            1 => Action::Steer(200),
            2..6 => Action::Strike,
            6..8 => Action::Heal,
            8 => Action::Lure,
            _ => Action::Steer(random.below(u32::from(ANGLES)) as u8),
        };
        let acts = player.hail.number.is_some() && random.chance(2, 3);
        let actions: Vec<_> = acts
            .then(|| (seqs[who] + 1, wire::write(&action)))
            .into_iter()
            .collect();
        let host = random.below(3) as usize;
        let reply = player.say(&mut world, host, &actions).expect("taken in");
        if let Some(standing) = reply.device {
            players[who].hail.number = Some(standing.number);
            seqs[who] += actions.len() as u64;
        }
    }
    let audit = world.audit();
    assert!(audit.accepted.len() > 100 && audit.rejected.len() > 20);
    let frames = world.log().frames();
    frames.map(|bytes| ByteBuf::from(bytes.to_vec())).collect()
}

fn checkpoint(room: &Room<Contagion>) -> Value {
    json!({
        "v": room.head().v,
        "tick": room.tick(),
        "zombies": room.state().field.zombies.len(),
        "frame": format!("{}", room.head().hash),
        "state": format!("{}", room.state_hash()),
    })
}

/// Replays and notes a checkpoint every so often, and at the end.
fn replay(frames: &[ByteBuf]) -> Result<Value, ReplayError> {
    const EVERY: u64 = 50;
    let mut room: Option<Room<Contagion>> = None;
    let mut checkpoints = Vec::new();
    for bytes in frames {
        match &mut room {
            None => room = Some(Room::genesis(bytes)?),
            Some(room) => drop(room.replay(bytes)?),
        }
        let room = room.as_ref().expect("set above");
        let v = room.head().v;
        if v.is_multiple_of(EVERY) || v == frames.len() as u64 {
            checkpoints.push(checkpoint(room));
        }
    }
    Ok(json!({
        "kind": Contagion::KIND,
        "frames": frames.len(),
        "checkpoints": checkpoints,
    }))
}

#[test]
fn a_recorded_match_replays_to_the_same_hash() {
    let altered = cfg!(feature = "altered");
    if std::env::var_os("BATON_WRITE_GOLDEN").is_some() && !altered {
        let frames = play();
        let recorded = replay(&frames).expect("what was just played");
        fs::write(file("match.frames"), wire::write(&frames)).expect("writable");
        let text = serde_json::to_string_pretty(&recorded).expect("JSON");
        fs::write(file("match.json"), text + "\n").expect("writable");
    }
    let bytes = fs::read(file("match.frames")).expect("the recording is there");
    let (frames, rest): (Vec<ByteBuf>, _) = postcard::take_from_bytes(&bytes).expect("a list");
    assert!(rest.is_empty() && frames.len() > 300, "{}", frames.len());
    let text = fs::read_to_string(file("match.json")).expect("the hashes are there");
    let recorded: Value = serde_json::from_str(&text).expect("JSON");
    match replay(&frames) {
        Ok(replayed) => {
            assert!(!altered, "a changed rule must show");
            assert_eq!(replayed, recorded);
        }
        Err(error) => {
            assert!(altered, "{error:?}");
            assert!(matches!(error, ReplayError::State { .. }), "{error:?}");
        }
    }
    let checkpoints = recorded["checkpoints"].as_array().expect("a list");
    let zombies = checkpoints.iter().map(|at| at["zombies"].as_u64());
    assert!(zombies.max() >= Some(Some(50)), "worth recording");
}

#[test]
fn a_changed_bit_anywhere_in_the_recording_is_noticed() {
    let bytes = fs::read(file("match.frames")).expect("the recording is there");
    let (frames, _): (Vec<ByteBuf>, _) = postcard::take_from_bytes(&bytes).expect("a list");
    let frames = &frames[..12];
    if cfg!(feature = "altered") {
        assert!(replay(frames).is_err(), "a changed rule must show");
        return;
    }
    replay(frames).expect("unchanged, they replay");
    for (index, frame) in frames[..11].iter().enumerate() {
        for bit in (0..frame.len() * 8).step_by(5) {
            let mut changed = frames.to_vec();
            changed[index][bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Hash::of(&changed[index]), Hash::of(frame));
            assert!(replay(&changed).is_err(), "frame {index}, bit {bit}");
        }
    }
}
