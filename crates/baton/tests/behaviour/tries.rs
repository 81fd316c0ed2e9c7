//! Tries of what is suspected that end neither in a frame nor in a trap: whoever comes back from one
//! takes it back, so that only what nobody comes back from counts. And who else is tried: what other
//! rooms send, on every kind of store.

use std::panic::{AssertUnwindSafe, catch_unwind};

use baton::effect::{Append, Arrival, Call, Effect, Fed, Note, Outcome};
use baton::frame::Entry;
use baton::parcel::{Parcel, Posted};
use baton::{Before, Lineage, limits, wire};
use serde_bytes::ByteBuf;

use crate::support::brittle::{Brittle, BrittleAction, BrittleConfig, SERVER, act};
use crate::support::host::quietly;
use crate::support::scene::{FAULTED, PACE_MS, Scene};
use crate::support::{FRAME_MS, Fault, Flight, IDLE_MS, LEASE_MS, Raw, Shelf, World, audit};

/// More tries than an entry, or time, may have that nobody comes back from.
const MANY: usize = 4 * limits::MAX_BEGUN as usize;

/// Whoever wakes a room notes that; a store that then takes no frame, however long, makes nobody suspect.
#[test]
fn a_store_that_takes_notes_and_fails_appends_halts_no_healthy_room() {
    let mut scene = Scene::new(2, 2);
    scene.host.appends_fail = true;
    for round in 0..MANY {
        scene.world.pass(IDLE_MS + 2 * LEASE_MS + 1);
        scene.world.replace(round % 2);
        scene.round(true);
        assert_eq!(scene.world.found_now().attempt, None, "it was taken back");
    }
    scene.host.appends_fail = false;
    scene.assert_honest();
    assert!(!scene.halted());
    assert_eq!(scene.host.traps, 0);
}

/// The same where something is suspected: the innocent are accepted, the guilty set aside, by traps alone.
#[test]
fn a_store_that_fails_appends_while_something_is_suspected_blames_nobody() {
    for dies in [false, true] {
        let mut scene = Scene::new(2, 2);
        scene.host.dies = dies;
        scene.break_with("mallory", &[BrittleAction::BreakApply]);
        // Everybody's next actions are in the inbox, and one of them was met.
        while scene.world.found_now().attempt.is_none() {
            scene.round(true);
        }
        scene.host.appends_fail = true;
        // Only the honest ask, so nothing new traps; what waits is tried again and again.
        let breaking = std::mem::take(&mut scene.breaking);
        for round in 0..MANY {
            scene.world.pass(2 * LEASE_MS + 1);
            scene.world.replace(round % 2);
            scene.round(true);
        }
        assert!(!scene.halted());
        scene.host.appends_fail = false;
        scene.breaking = breaking;
        scene.until_settled();
        assert_eq!(scene.verdicts(0), [FAULTED]);
        scene.assert_honest();
    }
}

/// What waits is halved until it is found what breaks, and what went well is followed by more (found by seed
/// 1795782485001129 of the simulator: two thousand actions were tried one by one, and the room stood still for minutes).
#[test]
fn one_broken_action_among_hundreds_that_wait_is_found_in_a_few_frames() {
    for place in [0, 7, 20, 39] {
        let mut scene = Scene::new(2, 0);
        for user in 0..40 {
            let raw = Raw::joined(&mut scene.world, 0, &format!("user{user}"));
            scene.breaking.push((raw, Vec::new()));
        }
        // Somebody leads, so all that follows waits in the inbox.
        scene.world.pass(LEASE_MS + 1);
        let leads = Raw::joined(&mut scene.world, 0, "leads");
        for (index, (raw, _)) in scene.breaking.iter().enumerate() {
            let body = |seq: u64| match index == place && seq == 9 {
                true => act(BrittleAction::BreakApply),
                false => act(BrittleAction::Add(1)),
            };
            let actions: Vec<_> = (1..=16).map(|seq| (seq, body(seq))).collect();
            raw.say(&mut scene.world, 1, &actions).expect("handed on");
        }
        assert!(scene.world.found_now().inbox.len() >= 40);
        let (before, notes) = (scene.world.head().v, scene.world.count.notes);
        for turn in 0..60 {
            scene.world.pass(LEASE_MS);
            let asks = vec![leads.arrival(&[])];
            scene.host.serve(&mut scene.world, turn % 2, asks);
            if scene.world.found_now().inbox.is_empty() {
                break;
            }
        }
        let notes = scene.world.count.notes - notes;
        let frames = scene.world.head().v - before;
        println!(
            "{place}: {notes} notes, {frames} frames, {} traps",
            scene.host.traps
        );
        assert!(notes <= 60, "{place}: {notes} notes");
        let room = scene.world.audit().room;
        for (index, (raw, _)) in scene.breaking.iter().enumerate() {
            let standing = room.standing(&raw.who.user, raw.hail.id).expect("here");
            let expected = if index == place { FAULTED } else { Some(0) };
            let found = (standing.mark(), standing.verdict(9));
            assert_eq!(found, (16, expected), "{index}");
        }
    }
}

/// A store that does not compare the head in the same step may take a note after another frame: that is no try
/// (found by seed 70002649 of the simulator, in which time was cut in a halted room).
#[test]
fn a_note_that_is_taken_after_another_frame_is_no_try() {
    let mut scene = Scene::new(3, 1);
    let mallory = Raw::joined(&mut scene.world, 0, "mallory");
    let world = &mut scene.world;
    let broken = mallory.arrival(&[(1, act(BrittleAction::BreakApply))]);
    world.pass(LEASE_MS + 1);
    scene.host.serve(world, 0, vec![broken.clone()]);
    world.pass(LEASE_MS + 1);
    let mut slow = Flight::begin(world, 1, vec![mallory.arrival(&[])]);
    slow.fly_until(world, Flight::asks_note);
    let Some(Effect::Note(note, read)) = slow.asks().cloned() else {
        unreachable!("it asks to note");
    };
    scene.breaking.push((mallory, Vec::new()));
    for _ in 0..20 {
        scene.round(true);
    }
    let world = &mut scene.world;
    let now_ms = world.now_ms;
    world.log().note(&Note {
        was: None,
        now: note.now,
    });
    let found = world.log().read(&read, now_ms);
    assert!(found.attempt.is_some() && found.head.v > read.known.v);
    slow.feed(world, Fed::Noted(found));
    assert!(!slow.asks_append(), "it decides anew");
    slow.finish(world);
    scene.assert_honest();
}

/// A store that does not take frame and note in one step may keep the record of what halted the room: who halts it tries
/// nothing more (found by seed 1795786146001598 of the simulator, in which time was cut in a halted room).
#[test]
fn who_halts_a_room_tries_nothing_more_though_the_store_keeps_the_record() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(IDLE_MS + 2 * LEASE_MS + 1);
    let head = world.head();
    // Time, which trapped as often as it may, and whatever waits after it.
    let (time, begun, since_ms) = (1_u8, limits::MAX_BEGUN, 0_u64);
    let suspect = (u64::MAX, 0_u16, 0_u16, time, begun, limits::MAX_TRAPS);
    let record = wire::write(&([7_u8; 8], head.v, suspect, since_ms));
    world.log().note(&Note {
        was: None,
        now: Some(record.into()),
    });
    let arrival = ann.arrival(&[(1, act(BrittleAction::Add(1)))]);
    let mut flight = Flight::begin(&mut world, 0, vec![arrival]);
    flight.fly_until(&mut world, Flight::asks_append);
    let Some(Effect::Append(append, read)) = flight.asks().cloned() else {
        unreachable!("it asks to append");
    };
    let now_ms = world.now_ms;
    let halt = Append {
        note: None,
        ..append
    };
    assert!(world.log().append(&halt, now_ms));
    assert_eq!(world.last_frame().entries, [Entry::Halt]);
    let found = world.log().read(&read, now_ms);
    assert!(found.attempt.is_some(), "the record is kept");
    flight.feed(&mut world, Fed::Appended(true, found));
    assert!(flight.outcomes().is_some(), "and nothing is tried");
}

/// In the frame of a try no time passes. It passes with the next request, by any clock (found by seed 100020045 of the
/// simulator, where a clock behind the room's let it stand for minutes).
#[test]
fn a_room_that_a_try_left_behind_its_own_time_catches_up_with_the_next_request() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let items_up_to = (2_u8, u64::MAX);
    let suspect = (u64::MAX, 1_u16, 0_u16, items_up_to, 0_u8, 0_u8, 0_u64);
    let record = wire::write(&([7_u8; 8], world.head().v, suspect));
    world.log().note(&Note {
        was: None,
        now: Some(record.into()),
    });
    let arrival = ann.arrival(&[(1, act(BrittleAction::Add(1)))]);
    let mut tries = Flight::begin(&mut world, 0, vec![arrival]);
    tries.finish(&mut world);
    assert_eq!(world.found_now().attempt, None, "it went well");
    let room = world.audit().room;
    assert_eq!(room.state().counters.get(&0), Some(&1));
    let due = room.tick_at(room.time_ms());
    assert!(room.tick() < due, "no time passed");
    world.pass(FRAME_MS);
    let mut next = Flight::begin(&mut world, 0, vec![ann.arrival(&[])]);
    next.finish(&mut world);
    assert!(world.audit().room.tick() >= due);
}

/// A store may do late what it failed to do. By then there are newer frames: whatever was begun so often went
/// well since (found by seed 712467 of the simulator, in which it halted a healthy room).
#[test]
fn a_record_that_a_store_makes_late_blames_nobody() {
    let mut scene = Scene::new(2, 2);
    let ann = Raw::joined(&mut scene.world, 0, "ann");
    // A record that nobody can read is a suspicion of time; then one host after the other dies of it.
    let mut record: Option<ByteBuf> = Some(vec![0xff; 40].into());
    let world = &mut scene.world;
    world.log().note(&Note {
        was: None,
        now: record.clone(),
    });
    for _ in 0..limits::MAX_BEGUN {
        world.pass(IDLE_MS + 2 * LEASE_MS + 1);
        let mut flight = Flight::begin(world, 0, vec![ann.arrival(&[])]);
        flight.fly_until(world, Flight::asks_append);
        record = world.found_now().attempt;
        world.replace(0);
    }
    world.log().note(&Note {
        was: record.clone(),
        now: None,
    });
    scene.round(true);
    scene.world.log().note(&Note {
        was: None,
        now: record,
    });
    for _ in 0..10 {
        scene.round(true);
    }
    assert!(!scene.world.audit().room.halted());
    scene.assert_honest();
}

/// A store that is slow, and fails now and then, is no reason to think that nobody comes back: whoever does, however late,
/// knows that what was tried ran (found by seed 1795897720011670 of the simulator, in which it set an innocent action aside).
#[test]
fn who_comes_back_late_takes_back_all_tries_but_the_one_under_way() {
    const LAST: usize = limits::MAX_BEGUN as usize;
    for late in [false, true] {
        let mut world = World::<Brittle>::with(LAST + 1, |_| {}, BrittleConfig::default());
        let ann = Raw::joined(&mut world, 0, "ann");
        world.log().note(&Note {
            was: None,
            now: Some(vec![0xff; 40].into()),
        });
        let mut flights = Vec::new();
        for host in 0..LAST {
            world.pass(IDLE_MS + 2 * LEASE_MS + 1);
            let mut flight = Flight::begin(&mut world, host, vec![ann.arrival(&[])]);
            flight.fly_until(&mut world, Flight::asks_append);
            flights.push(flight);
        }
        if late {
            world.pass(IDLE_MS + 2 * LEASE_MS + 1);
        }
        let mut slow = flights.swap_remove(0);
        slow.feed(&mut world, Fed::Failed);
        slow.finish(&mut world);
        world.pass(IDLE_MS + 2 * LEASE_MS + 1);
        world.ask(LAST, vec![ann.arrival(&[])]);
        assert!(!world.audit().room.halted());
        assert_eq!(world.found_now().attempt, None, "it went well");
    }
}

/// A store that answers nobody for seconds is no death either: who hangs in the note of a try is waited for, and takes that
/// one back, whatever was noted since (found by seed 1795906546045662 of the simulator). Nobody comes back: it is at fault.
#[test]
fn who_hangs_in_a_note_is_waited_for_and_takes_its_try_back() {
    const LAST: usize = limits::MAX_BEGUN as usize;
    for comes_back in [true, false] {
        let mut world = World::<Brittle>::with(LAST + 1, |_| {}, BrittleConfig::default());
        let ann = Raw::joined(&mut world, 0, "ann");
        world.log().note(&Note {
            was: None,
            now: Some(vec![0xff; 40].into()),
        });
        world.pass(IDLE_MS);
        let mut flights = Vec::new();
        for host in 0..LAST {
            world.pass(2 * LEASE_MS + 1);
            let mut flight = Flight::begin(&mut world, host, vec![ann.arrival(&[])]);
            flight.fly_until(&mut world, Flight::asks_note);
            flight.step_with(&mut world, Fault::Done);
            flights.push(flight);
        }
        world.pass(2 * LEASE_MS + 1);
        let head = world.head();
        world.ask(LAST, vec![ann.arrival(&[])]);
        assert_eq!(world.head(), head, "they may come back");
        if comes_back {
            // The last never does.
            for flight in &mut flights[..LAST - 1] {
                flight.finish(&mut world);
            }
        }
        world.pass(limits::COMES_BACK_MS);
        world.ask(LAST, vec![ann.arrival(&[])]);
        assert_eq!(world.audit().room.halted(), !comes_back);
        assert_eq!(world.found_now().attempt, None, "it is settled");
    }
}

/// Another room's traps end this one's invocations, over and over: they begin again in place of those,
/// at once, and blame nobody.
#[test]
fn invocations_that_others_end_begin_again_at_once_and_blame_nobody() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(IDLE_MS + 2 * LEASE_MS + 1);
    world.replace(0);
    let arrivals = vec![ann.arrival(&[(1, act(BrittleAction::Add(1)))])];
    let mut flight = Flight::begin(&mut world, 0, arrivals.clone());
    for _ in 0..MANY {
        flight.fly_until(&mut world, |flight| {
            flight.asks_append() || flight.outcomes().is_some()
        });
        assert!(flight.asks_append(), "it does not wait");
        let record = world.found_now().attempt.unwrap_or_default();
        world.pass(PACE_MS);
        world.replace(0);
        let before = Before::Dropped { noted: &record };
        flight = Flight::begin_again(&mut world, 0, arrivals.clone(), before);
    }
    flight.finish(&mut world);
    assert_eq!(world.audit().room.state().counters.get(&0), Some(&1));
    assert!(!world.audit().room.halted());
    assert_eq!(world.found_now().attempt, None);
}

/// On a store without a clock, hosts that forget everything see nothing stand still: by their own clocks
/// somebody goes on all the same, when the one that began a try is gone.
#[test]
fn where_nobody_remembers_and_no_store_tells_the_time_a_try_does_not_stay_open() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.clockless = true;
    world.pass(IDLE_MS + 10 * LEASE_MS + 1);
    world.replace(0);
    let arrivals = vec![ann.arrival(&[(1, act(BrittleAction::Add(1)))])];
    let mut flight = Flight::begin(&mut world, 0, arrivals.clone());
    flight.fly_until(&mut world, Flight::asks_append);
    let head = world.head();
    world.pass(1);
    world.replace(0);
    world.ask(0, arrivals.clone());
    assert_eq!(world.head(), head, "somebody may be at it");
    for _ in 0..40 {
        world.pass(2 * LEASE_MS);
        world.replace(0);
        world.ask(0, arrivals.clone());
    }
    assert_eq!(world.audit().room.state().counters.get(&0), Some(&1));
    assert_eq!(world.found_now().attempt, None);
}

/// A parcel of another room, numbered from 1.
fn parcel(actions: &[BrittleAction]) -> Arrival {
    let sends = (1..).zip(actions).map(|(seq, action)| Posted {
        seq,
        body: act(action.clone()).into(),
    });
    let parcel = Parcel {
        protocol: limits::PROTOCOL,
        sender: "brittle/other".into(),
        lineage: Lineage([1; 8]),
        after: 0,
        sends: sends.collect(),
    };
    Arrival {
        who: None,
        call: Call::Deliver(wire::write(&parcel).into()),
    }
}

#[test]
fn b29_what_another_room_sends_and_breaks_the_rules_is_declined_and_the_rest_is_received() {
    for dies in [false, true] {
        let mut scene = Scene::new(2, 2);
        scene.host.dies = dies;
        let sent = parcel(&[
            BrittleAction::Add(1),
            BrittleAction::BreakApply,
            BrittleAction::Add(2),
        ]);
        for round in 0..200 {
            scene.world.pass(PACE_MS);
            let delivery = vec![sent.clone()];
            scene.host.serve(&mut scene.world, round % 2, delivery);
            scene.round(true);
        }
        scene.assert_honest();
        let entries = scene.world.frames().into_iter();
        let entries = entries.flat_map(|frame| frame.entries);
        let verdicts = entries.filter_map(|entry| match entry {
            Entry::Receive { number, .. } => Some((number, None)),
            Entry::Decline { number, code, .. } => Some((number, Some(code))),
            _ => None,
        });
        let verdicts: Vec<_> = verdicts.collect();
        assert_eq!(verdicts, [(1, None), (2, FAULTED), (3, None)]);
        let room = scene.world.audit().room;
        assert_eq!(room.state().counters.get(&SERVER), Some(&3));
    }
}

/// One batch on a store that can only create what is absent, as [`crate::support::host::Host::serve`]. `None`: the host died.
fn serve(
    shelf: &mut Shelf<Brittle>,
    instance: usize,
    arrivals: &[Arrival],
    dies: bool,
) -> Option<Vec<Outcome>> {
    let mut noted = ByteBuf::new();
    for again in [false, true] {
        let run = |shelf: &mut Shelf<Brittle>, noted: &mut ByteBuf| {
            let moment = shelf.moment(instance);
            let told = noted.clone();
            let host = &mut shelf.instances[instance];
            let (room, arrivals) = (crate::support::ROOM, arrivals.to_vec());
            let (mut invocation, mut effect) = match again {
                false => host.begin(room, arrivals, moment),
                true => {
                    let before = Before::Trapped { noted: &told };
                    host.begin_again(room, arrivals, before, moment)
                }
            };
            loop {
                noted.clear();
                if let Effect::Reply(outcomes) = effect {
                    return outcomes;
                }
                let fed = shelf.perform(instance, &effect);
                if let Effect::Note(note, _) = &effect {
                    noted.clone_from(note.now.as_ref().unwrap_or(&ByteBuf::new()));
                }
                let moment = shelf.moment(instance);
                effect = invocation.resume(&mut shelf.instances[instance], fed, moment);
            }
        };
        match quietly(|| catch_unwind(AssertUnwindSafe(|| run(shelf, &mut noted)))) {
            Ok(outcomes) => return Some(outcomes),
            Err(_) => shelf.replace(instance),
        }
        if dies {
            return None;
        }
    }
    None
}

/// Rounds of two devices on two hosts until both have all their verdicts, or the log ends in a halt.
fn play(dies: bool, mallory: BrittleAction) -> (Shelf<Brittle>, bool) {
    let mut shelf = Shelf::<Brittle>::new(2);
    let mut devices = [Raw::new("ann"), Raw::new("mallory")];
    let actions = [BrittleAction::Add(1), mallory];
    for round in 0..600_usize {
        shelf.pass(PACE_MS);
        let index = round % 2;
        let sent = match devices[index].hail.number {
            Some(_) => vec![(1, act(actions[index].clone()))],
            None => Vec::new(),
        };
        let arrival = devices[index].arrival(&sent);
        serve(&mut shelf, round / 2 % 2, &[arrival], dies);
        let log = shelf.log();
        if log.is_empty() {
            continue;
        }
        let room = audit::<Brittle>(log.iter().map(Vec::as_slice)).room;
        let mut settled = true;
        for device in &mut devices {
            let standing = room.standing(&device.who.user, device.hail.id);
            settled &= standing.as_ref().is_some_and(|there| there.mark() == 1);
            device.hail.number = standing.map(|there| there.number);
        }
        let found = shelf.found_cold(0);
        let rests = found.attempt.is_none() && found.inbox.is_empty();
        if room.halted() || settled && rests {
            return (shelf, room.halted());
        }
    }
    panic!("the room did not get over it");
}

#[test]
fn b29_where_a_store_can_only_create_what_is_absent_the_record_is_kept_too() {
    for dies in [false, true] {
        let (mut shelf, halted) = play(dies, BrittleAction::BreakApply);
        assert!(!halted);
        let log = shelf.log();
        let room = audit::<Brittle>(log.iter().map(Vec::as_slice)).room;
        let mallory = Raw::new("mallory");
        let standing = room.standing(&mallory.who.user, mallory.hail.id);
        assert_eq!(standing.and_then(|standing| standing.verdict(1)), FAULTED);
        assert_eq!(room.state().counters.get(&0), Some(&1));

        let (mut shelf, _) = play(dies, BrittleAction::Fuse(12));
        for round in 0..800 {
            shelf.pass(PACE_MS);
            let arrival = Raw::new("ann").arrival(&[]);
            serve(&mut shelf, round % 2, &[arrival], dies);
        }
        let log = shelf.log();
        let room = audit::<Brittle>(log.iter().map(Vec::as_slice)).room;
        assert!(room.halted(), "time broke the rules");
    }
}
