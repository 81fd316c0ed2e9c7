//! Rules at fault: what breaks them is set aside, alone and after more than one try; what breaks
//! on time halts the room. Nobody else's action is lost or blamed.

use baton::effect::{Arrival, Call, Effect, Fed, Outcome};
use baton::frame::{Entry, Frame};
use baton::wire::Presence;
use baton::{Before, Code, Status, limits};

use crate::support::brittle::{Brittle, BrittleAction, BrittleConfig, act};
use crate::support::host::{Host, Landing};
use crate::support::scene::{FAULTED, PACE_MS, Scene, bound_ms};
use crate::support::{Client, Flight, IDLE_MS, LEASE_MS, Raw, World, refusal, reply_of};

#[test]
fn b29_an_action_that_breaks_the_rules_is_set_aside_and_everybody_goes_on() {
    for poison in [
        BrittleAction::BreakValidate,
        BrittleAction::BreakApply,
        BrittleAction::Draw,
        BrittleAction::Grow,
        BrittleAction::Send,
    ] {
        let mut scene = Scene::new(3, 4);
        scene.break_with(
            "mallory",
            &[BrittleAction::Add(5), poison.clone(), BrittleAction::Add(7)],
        );
        let took_ms = scene.until_settled();
        assert_eq!(scene.verdicts(0), [Some(0), FAULTED, Some(0)], "{poison:?}");
        assert!(
            scene.host.traps <= 5,
            "{poison:?}: {} traps",
            scene.host.traps
        );
        let bound = bound_ms(5, 5);
        assert!(took_ms <= bound, "{poison:?}: {took_ms} of {bound} ms");
        scene.assert_honest();
        println!("{poison:?}: {} traps, {took_ms} ms", scene.host.traps);
    }
}

#[test]
fn l06_hosts_that_die_without_a_word_set_the_action_aside_as_well() {
    let mut scene = Scene::new(3, 4);
    scene.host.dies = true;
    scene.break_with(
        "mallory",
        &[BrittleAction::BreakApply, BrittleAction::Add(7)],
    );
    let took_ms = scene.until_settled();
    assert_eq!(scene.verdicts(0), [FAULTED, Some(0)]);
    assert!(scene.host.traps <= 16, "{} deaths", scene.host.traps);
    // Until the room counts as one of which nothing was heard, then a lease or two for each try; and until nobody can come
    // back from the last.
    let tries_ms = bound_ms(5, 2 * u64::from(limits::MAX_BEGUN) + 4);
    let bound = 2 * IDLE_MS + tries_ms + limits::COMES_BACK_MS;
    assert!(took_ms <= bound, "{took_ms} of {bound} ms");
    scene.assert_honest();
    println!("{} deaths, {took_ms} ms", scene.host.traps);
}

#[test]
fn two_broken_actions_of_two_devices_at_once_are_both_set_aside() {
    for dies in [false, true] {
        let mut scene = Scene::new(2, 3);
        scene.break_with(
            "mallory",
            &[BrittleAction::BreakApply, BrittleAction::Add(1)],
        );
        scene.break_with("trudy", &[BrittleAction::Draw, BrittleAction::Add(1)]);
        scene.host.dies = dies;
        scene.until_settled();
        for device in 0..2 {
            assert_eq!(scene.verdicts(device), [FAULTED, Some(0)]);
        }
        scene.assert_honest();
    }
}

/// Who broke the rules by coming is not let in; the others play.
#[test]
fn somebody_on_whose_coming_the_rules_break_stays_out() {
    let config = BrittleConfig {
        joins_badly: Some(2),
        leaves_badly: None,
    };
    let mut scene = Scene::with(2, 2, config);
    let raw = Raw::new("mallory");
    scene.breaking.push((raw, Vec::new()));
    for _ in 0..40 {
        scene.round(true);
    }
    scene.breaking.clear();
    scene.assert_honest();
    assert_eq!(scene.world.audit().room.present(), [0, 1]);
}

/// The same for the last request of somebody on whose going the rules break; when the grace time
/// is over, that is time's fault, and the room halts.
#[test]
fn somebody_on_whose_going_the_rules_break_halts_the_room_when_silence_says_so() {
    let config = BrittleConfig {
        joins_badly: None,
        leaves_badly: Some(1),
    };
    let mut scene = Scene::with(2, 0, config);
    scene.break_with("ann", &[]);
    let raw = Raw::joined(&mut scene.world, 0, "mallory");
    scene
        .breaking
        .push((raw.but(Presence::Leaving), Vec::new()));
    for _ in 0..20 {
        scene.round(false);
    }
    assert_eq!(scene.world.audit().room.present(), [0, 1], "still here");
    scene.breaking.pop();
    for _ in 0..300 {
        scene.round(false);
        if scene.halted() {
            return;
        }
    }
    panic!("the room did not halt");
}

/// A session has no number that tells a copy, as an action has: what is at fault goes with its copies, and with nothing else.
#[test]
fn copies_of_a_going_that_breaks_the_rules_go_with_it_and_who_waits_beside_them_comes_in() {
    let config = BrittleConfig {
        joins_badly: None,
        leaves_badly: Some(1),
    };
    let mut scene = Scene::with(2, 1, config);
    let mallory = Raw::joined(&mut scene.world, 0, "mallory");
    let going = mallory.but(Presence::Leaving).item();
    // Who comes, of whom nothing more is heard.
    let bob = Raw::new("bob");
    let now_ms = scene.world.now_ms;
    let items = [going.clone(), going.clone(), bob.item(), going];
    scene.world.log().push(&items, now_ms);
    for _ in 0..20 {
        scene.round(true);
    }
    let traps = scene.host.traps;
    assert!(traps <= 4, "{traps} traps: each copy was tried");
    let room = scene.world.audit().room;
    assert_eq!(room.present(), [0, 1, 2]);
    assert!(room.standing("bob", bob.hail.id).is_some());
    scene.assert_honest();
}

#[test]
fn time_that_breaks_the_rules_halts_the_room_and_says_so() {
    for dies in [false, true] {
        // Devices that predict nothing: their own rules would break as well.
        let mut scene = Scene::new(3, 0);
        scene.break_with("mallory", &[BrittleAction::Fuse(12)]);
        scene.break_with("ann", &[]);
        scene.until_settled();
        let broke = scene.world.audit().room.state().fuse.expect("it burns");
        scene.host.dies = dies;
        let began_ms = scene.world.now_ms;
        for _ in 0..600 {
            scene.round(false);
            if scene.halted() {
                break;
            }
        }
        assert!(scene.halted(), "the room did not halt");
        println!(
            "{} traps, {} ms",
            scene.host.traps,
            scene.world.now_ms - began_ms
        );
        let frame = scene.world.last_frame();
        assert_eq!(frame.entries, [Entry::Halt], "alone");
        assert!(frame.tick < broke, "as far as it went");
        // Whoever only reads is answered, and told; nothing is taken, nothing moves.
        let (head, traps) = (scene.world.head(), scene.host.traps);
        for _ in 0..30 {
            scene.round(false);
        }
        assert_eq!((scene.world.head(), scene.host.traps), (head, traps));
        let view = Arrival {
            who: None,
            call: Call::View,
        };
        let Landing::Answered(outcomes) = scene.host.serve(&mut scene.world, 0, vec![view]) else {
            panic!("a view is answered");
        };
        let view: serde_json::Value = serde_json::from_slice(&outcomes[0].body).expect("JSON");
        assert_eq!((outcomes[0].status, &view["halted"]), (200, &true.into()));
        let ann = scene.breaking[0].0.clone();
        let said = ann.say(&mut scene.world, 1, &[(2, act(BrittleAction::Add(1)))]);
        assert_eq!(said, Err((Code::Halted, None)));
        assert!(scene.world.audit().room.halted());
        let mut bob = Client::<Brittle>::new("bob");
        assert_eq!(scene.world.exchange(0, &mut bob), 200);
        let since_ms = scene.world.since_ms();
        assert_eq!(bob.replica.status(since_ms), Status::Halted);
        let pause_ms = bob.replica.ask_at(false, since_ms) - since_ms;
        assert!(pause_ms >= 400, "{pause_ms} ms: no frame takes it up");
    }
}

/// Ordinary deaths, wherever they come, are nobody's fault: an honest action beside a broken one
/// has its own verdict in the end.
#[test]
fn deaths_of_hosts_blame_nobody() {
    for steps in 1..24 {
        let mut scene = Scene::new(2, 2);
        scene.break_with("mallory", &[BrittleAction::BreakApply]);
        for round in 0..12_usize {
            scene.round(true);
            // Every fourth request ends early, at each of its effects in turn.
            scene.world.pass(PACE_MS);
            let now_ms = scene.world.now_ms;
            let arrival = scene.honest[round % 2].arrival(now_ms);
            scene
                .host
                .serve_until(&mut scene.world, round % 2, vec![arrival], steps);
        }
        scene.until_settled();
        assert_eq!(
            scene.verdicts(0),
            [FAULTED],
            "killed after {steps} half steps"
        );
        scene.assert_honest();
    }
}

/// Luck decides: what breaks by chance alone goes through unless it broke twice.
#[test]
fn what_breaks_by_chance_is_tried_again() {
    let mut verdicts = Vec::new();
    for seed in 0..24 {
        let mut scene = Scene::new(2, 1);
        for _ in 0..seed {
            scene.world.moment(0);
        }
        scene.break_with("mallory", &[BrittleAction::Gamble]);
        scene.until_settled();
        verdicts.extend(scene.verdicts(0));
        scene.assert_honest();
    }
    let accepted = verdicts.iter().filter(|verdict| **verdict == Some(0));
    assert!(accepted.count() > 12, "{verdicts:?}");
}

/// A room in which something is suspected: the broken action of a device waits in the inbox.
fn suspicious() -> (World<Brittle>, Raw, Raw) {
    let mut world = World::with(3, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    let mallory = Raw::joined(&mut world, 0, "mallory");
    world.pass(LEASE_MS + 1);
    let mut host = Host::default();
    let broken = mallory.arrival(&[(1, act(BrittleAction::BreakApply))]);
    let landing = host.serve(&mut world, 0, vec![broken]);
    assert!(matches!(landing, Landing::Answered(_)), "it is handed on");
    assert_eq!(host.traps, 1);
    assert!(world.found_now().attempt.is_some());
    (world, ann, mallory)
}

#[test]
fn s19_a_request_that_traps_is_handed_on_and_the_next_is_answered_from_the_same_state() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let head = world.head();
    let mut host = Host::default();
    let both = vec![
        ann.arrival(&[(1, act(BrittleAction::BreakApply))]),
        Raw::new("bob").but(Presence::Unsaid).arrival(&[]),
    ];
    let Landing::Answered(outcomes) = host.serve(&mut world, 0, both) else {
        panic!("both are answered");
    };
    let heads = outcomes
        .iter()
        .map(|outcome| reply_of(outcome).expect("200").head);
    assert_eq!(heads.collect::<Vec<_>>(), [head, head]);
    assert_eq!(world.head(), head, "nothing was appended");
}

#[test]
fn of_two_that_try_at_once_one_notes_and_the_other_waits() {
    let (mut world, ann, _) = suspicious();
    world.pass(LEASE_MS + 1);
    let ask = |world: &mut World<Brittle>, instance| {
        let mut flight = Flight::begin(world, instance, vec![ann.arrival(&[])]);
        flight.fly_until(world, |flight| {
            flight.asks_note() || flight.outcomes().is_some()
        });
        flight
    };
    let mut first = ask(&mut world, 1);
    let mut second = ask(&mut world, 2);
    assert!(first.asks_note() && second.asks_note(), "both would");
    first.step(&mut world);
    let record = world.found_now().attempt;
    second.step(&mut world);
    assert_eq!(world.found_now().attempt, record, "the second is too late");
    second.finish(&mut world);
    assert_eq!(world.count.notes, 3, "it does not try");
}

/// What is on record is moot once somebody else has led; what breaks the rules then is a new suspicion.
#[test]
fn what_breaks_the_rules_after_a_record_that_is_moot_is_found_out_too() {
    let mut world = World::<Brittle>::with(3, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    let mallory = Raw::joined(&mut world, 0, "mallory");
    world.pass(2 * IDLE_MS + 2 * LEASE_MS + 1_000);
    let mut leader = Flight::begin(&mut world, 0, vec![ann.arrival(&[])]);
    leader.fly_until(&mut world, Flight::asks_append);
    let mut cold = Flight::begin(&mut world, 1, vec![ann.arrival(&[])]);
    cold.fly_until(&mut world, Flight::asks_note);
    cold.step(&mut world);
    leader.step(&mut world);
    // Both die, and the record stays.
    drop((leader, cold));
    world.replace(0);
    world.replace(1);
    assert!(world.found_now().attempt.is_some());
    let broken = mallory.arrival(&[(1, act(BrittleAction::BreakApply))]);
    let mut host = Host::default();
    for _ in 0..20 {
        world.pass(LEASE_MS);
        host.serve(&mut world, 2, vec![broken.clone()]);
    }
    let room = world.audit().room;
    let standing = room.standing(&mallory.who.user, mallory.hail.id);
    assert_eq!(standing.expect("here").verdict(1), FAULTED);
    assert_eq!(world.found_now().attempt, None);
}

/// The same of a record of something that waited, and is gone.
#[test]
fn what_breaks_the_rules_after_what_was_suspected_is_gone_is_found_out_too() {
    let (mut world, ann, mallory) = suspicious();
    let mut host = Host::default();
    let timely = world.found_now().attempt;
    world.pass(LEASE_MS + 1);
    host.serve(&mut world, 1, vec![ann.arrival(&[])]);
    let record = world.found_now().attempt;
    assert!(record.is_some() && record != timely, "time did no harm");
    world.log().empty_inbox();
    let broken = mallory.arrival(&[(1, act(BrittleAction::BreakApply))]);
    for _ in 0..20 {
        world.pass(LEASE_MS);
        host.serve(&mut world, 2, vec![broken.clone()]);
    }
    let room = world.audit().room;
    let standing = room.standing(&mallory.who.user, mallory.hail.id);
    assert_eq!(standing.expect("here").verdict(1), FAULTED);
    assert_eq!(world.found_now().attempt, None);
}

/// The append decides: whoever was slow and whoever began again both did right.
#[test]
fn a_slow_try_whose_append_comes_late_counts_once_and_blames_nobody() {
    for slow_first in [false, true] {
        let mut world = World::<Brittle>::with(3, |_| {}, BrittleConfig::default());
        let ann = Raw::joined(&mut world, 0, "ann");
        let mallory = Raw::joined(&mut world, 0, "mallory");
        for (raw, action) in [
            (&ann, BrittleAction::Add(1)),
            (&mallory, BrittleAction::BreakApply),
        ] {
            raw.say(&mut world, 1, &[(1, act(action))])
                .expect("handed on");
        }
        world.pass(LEASE_MS + 1);
        let mut host = Host::default();
        host.serve(&mut world, 0, vec![ann.arrival(&[])]);
        assert_eq!(host.traps, 1, "together they break");
        let acts = |flight: &Flight<Brittle>| match flight.asks() {
            Some(Effect::Append(append, _)) => {
                let frame = Frame::decode(&append.frame).expect("a frame");
                matches!(frame.entries[..], [Entry::Act { device: 0, .. }])
            }
            _ => false,
        };
        let mut slow = Flight::begin(&mut world, 1, vec![ann.arrival(&[])]);
        slow.fly_until(&mut world, acts);
        world.pass(2 * LEASE_MS + 1);
        let mut quick = Flight::begin(&mut world, 2, vec![ann.arrival(&[])]);
        quick.fly_until(&mut world, acts);
        let before = world.head().v;
        let (one, other) = match slow_first {
            true => (&mut slow, &mut quick),
            false => (&mut quick, &mut slow),
        };
        one.step(&mut world);
        other.step(&mut world);
        assert_eq!(world.head().v, before + 1, "one of them");
        for _ in 0..40 {
            world.pass(PACE_MS);
            host.serve(&mut world, 0, vec![ann.arrival(&[])]);
        }
        let room = world.audit().room;
        assert_eq!(room.state().counters.get(&0), Some(&1));
        let verdict = |raw: &Raw| {
            room.standing(&raw.who.user, raw.hail.id)
                .expect("here")
                .verdict(1)
        };
        assert_eq!((verdict(&ann), verdict(&mallory)), (Some(0), FAULTED));
        assert!(world.found_now().attempt.is_none());
    }
}

/// Who plays in a healthy room pays nothing for the ladder, once every instance knows the room.
#[test]
fn in_a_healthy_room_nothing_is_ever_noted() {
    let mut scene = Scene::new(4, 8);
    assert!(
        scene.world.count.notes <= 4,
        "one for each that met it cold"
    );
    for round in 0..200 {
        scene.round(round % 5 == 0);
    }
    scene.assert_honest();
    assert!(scene.world.count.notes <= 4, "{:?}", scene.world.count);
    assert_eq!(scene.host.traps, 0);
}

/// A cold instance that wakes a room pays one round trip, and what it found is framed at once.
#[test]
fn a_cold_instance_that_wakes_a_room_notes_once_what_it_is_about_to_do() {
    let mut scene = Scene::new(1, 1);
    scene.world.pass(2 * IDLE_MS + 2 * LEASE_MS + 1_000);
    scene.world.replace(0);
    let before = scene.world.count;
    scene.round(true);
    let count = scene.world.count;
    assert_eq!(
        (count.reads - before.reads, count.notes, count.pushes),
        (1, 1, before.pushes)
    );
    assert_eq!(count.appends - before.appends, 1);
    scene.assert_honest();
    assert_eq!(scene.world.count.notes, 1);
}

/// A record that nobody can read is a suspicion, not an end.
#[test]
fn a_record_of_another_layout_is_a_suspicion() {
    let mut scene = Scene::new(2, 2);
    let note = baton::effect::Note {
        was: None,
        now: Some(vec![0xff; 40].into()),
    };
    scene.world.log().note(&note);
    for _ in 0..5 {
        scene.round(true);
    }
    scene.assert_honest();
}

/// An outcome that a store does not tell is no verdict.
#[test]
fn a_note_without_an_answer_leaves_everything_to_the_next_request() {
    let (mut world, ann, _) = suspicious();
    world.pass(LEASE_MS + 1);
    let mut flight = Flight::begin(&mut world, 1, vec![ann.arrival(&[])]);
    flight.fly_until(&mut world, Flight::asks_note);
    flight.feed(&mut world, Fed::Failed);
    let outcomes: Vec<Outcome> = flight.finish(&mut world);
    assert_eq!(refusal(&outcomes[0]).0, Some(Code::Retry));
    assert!(!matches!(flight.asks(), Some(Effect::Append(..))));
}

/// Where a store does not take what is to be noted, it is said a few times and no more.
#[test]
fn who_cannot_note_a_suspicion_answers_all_the_same() {
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann").but(Presence::Unsaid);
    let before = Before::Trapped { noted: &[] };
    let asks = vec![ann.arrival(&[])];
    let mut flight = Flight::begin_again(&mut world, 0, asks, before);
    let mut noted = 0;
    while flight.outcomes().is_none() {
        if flight.asks_note() {
            noted += 1;
            assert!(noted <= 5, "for ever");
            let found = world.found_now();
            flight.feed(&mut world, Fed::Noted(found));
        } else {
            flight.round(&mut world);
        }
    }
    assert!(noted > 1);
}

/// While something is suspected, what is written is decided by what was read for it, not by what is remembered.
#[test]
fn who_knows_of_a_suspicion_reads_before_it_writes() {
    let (mut world, ann, _) = suspicious();
    let asks = |seq| vec![ann.arrival(&[(seq, act(BrittleAction::Add(1)))])];
    Host::default().serve(&mut world, 0, asks(1));
    let found = world.found_now();
    assert!(found.attempt.is_some() && found.lease.is_some());
    world.watch(1);
    assert!(Flight::begin(&mut world, 1, asks(2)).asks_read());
    // The control: nothing is suspected.
    let mut world = World::<Brittle>::with(1, |_| {}, BrittleConfig::default());
    let ann = Raw::joined(&mut world, 0, "ann");
    let asks = vec![ann.arrival(&[(1, act(BrittleAction::Add(1)))])];
    let flight = Flight::begin(&mut world, 0, asks);
    assert!(flight.asks_append() || flight.asks_push());
}
