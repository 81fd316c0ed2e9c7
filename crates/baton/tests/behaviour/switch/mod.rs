//! A change of rules in a rolling deploy: instances that have only the old rules, both, or only the
//! new ones, and pages of both, over one store.

mod deploys;
mod pages;

use std::panic::{AssertUnwindSafe, catch_unwind};

use baton::effect::{Arrival, Effect};
use baton::frame::{Entry, Frame};
use baton::wire::{self, News, Presence};
use baton::{Code, DeviceStanding, Hash, Head, ReplayError, Room, Rules, Status};

use crate::support::fleet::{Build, Fleet, ROOM};
use crate::support::flock::{
    BRITTLE, BROKEN_TICK, Both, FENCED, One, OneAction, Two, TwoAction, TwoConfig,
};
use crate::support::host::quietly;
use crate::support::{
    Audit, Client, FRAME_MS, Fault, LEASE_MS, Raw, START_MS, audit, head_at, refusal, reply_of,
    watcher,
};

const OLD: (Build, u32) = (Build::Old, 1);
/// Has both, and leaves rooms where they are.
const READY: (Build, u32) = (Build::Both, 1);
/// Has both, and brings rooms to the new ones.
const EAGER: (Build, u32) = (Build::Both, 2);
const NEW: (Build, u32) = (Build::New, 2);

fn exchange<R: baton::Kind>(fleet: &mut Fleet, machine: usize, client: &mut Client<R>) -> u16 {
    let arrival = client.arrival(fleet.now_ms);
    let outcome = fleet.ask(machine, arrival);
    client.take(&outcome, fleet.now_ms);
    outcome.status
}

/// Asks until a client is a player.
fn join<R: baton::Kind>(fleet: &mut Fleet, machine: usize, client: &mut Client<R>) {
    for _ in 0..10 {
        exchange(fleet, machine, client);
        if client.replica.player().is_some() {
            return;
        }
        fleet.pass(LEASE_MS + 1);
    }
    panic!("the client could not join");
}

/// Asks until nothing is without an answer.
fn drain<R: baton::Kind>(fleet: &mut Fleet, machine: usize, client: &mut Client<R>) {
    for _ in 0..10 {
        fleet.pass(LEASE_MS + 1);
        exchange(fleet, machine, client);
        if client.replica.pending() == 0 {
            return;
        }
    }
    panic!("something is never answered");
}

fn act_one(fleet: &Fleet, client: &mut Client<One>, action: &OneAction) {
    let since_ms = fleet.now_ms - START_MS;
    client.replica.act(action, since_ms).expect("predicted");
}

fn act_two(fleet: &Fleet, client: &mut Client<Two>, amount: i64) {
    let since_ms = fleet.now_ms - START_MS;
    let action = TwoAction::Add {
        late: false,
        amount,
    };
    client.replica.act(&action, since_ms).expect("predicted");
}

fn switches(frames: &[Frame]) -> Vec<u64> {
    let switches = |frame: &&Frame| {
        let of = |entry: &Entry| matches!(entry, Entry::Switch { .. });
        let (first, rest) = frame
            .entries
            .split_first()
            .map_or((false, &[][..]), |(first, rest)| (of(first), rest));
        assert!(!rest.iter().any(of), "only as a frame's first entry");
        first
    };
    frames
        .iter()
        .filter(switches)
        .map(|frame| frame.v)
        .collect()
}

fn history(fleet: &mut Fleet) -> Audit<Both> {
    audit::<Both>(fleet.log().frames())
}

/// Player, amount, whether it came by the new encoding.
fn applied(fleet: &mut Fleet) -> Vec<(u32, i64, bool)> {
    match history(fleet).room.state() {
        baton::Era::New(state) => state.log.clone(),
        baton::Era::Old(state) => {
            let log = state.log.iter();
            log.map(|(who, amount)| (*who, *amount, false)).collect()
        }
    }
}

/// Ann plays by the old rules: 5 was added.
fn old_room(machines: &[(Build, u32)]) -> (Fleet, Client<One>) {
    old_room_of(machines, 3)
}

fn old_room_of(machines: &[(Build, u32)], level: u8) -> (Fleet, Client<One>) {
    let mut fleet = Fleet::with(machines, level);
    let mut ann = Client::new("ann");
    join(&mut fleet, 0, &mut ann);
    act_one(&fleet, &mut ann, &OneAction::Add(5));
    drain(&mut fleet, 0, &mut ann);
    (fleet, ann)
}

#[test]
fn b31_the_switch_is_one_recorded_frame_and_the_log_replays_over_it_from_the_first() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    let before = history(&mut fleet).room;
    fleet.pass(LEASE_MS + 1);
    exchange(&mut fleet, 1, &mut ann);
    for _ in 0..20 {
        fleet.pass(LEASE_MS + 1);
        fleet.ask(1, watcher(Head::default()));
        exchange(&mut fleet, 1, &mut ann);
    }
    let frames = fleet.frames();
    let at = before.head().v + 1;
    assert_eq!(switches(&frames), [at], "once, by the first who may");
    let after = history(&mut fleet).room;
    let (baton::Era::Old(old), baton::Era::New(new)) = (before.state(), after.state()) else {
        panic!("before by the old rules, after by the new");
    };
    assert_eq!(new.log, [(0, 5, false)]);
    assert_eq!(new.ticks.0, old.ticks);
    assert_eq!(
        new.ticks.0 + new.ticks.1,
        after.tick(),
        "no tick twice or never"
    );
    let config = TwoConfig {
        name: "flock".into(),
        level: 3,
    };
    assert_eq!(after.config(), &baton::Era::New(config));
    assert_eq!(after.lineage(), before.lineage());
    let mark = |room: &Room<Both>| {
        let standing = room.standing("ann", ann.replica.device());
        standing.map(|standing: DeviceStanding<'_>| (standing.number, standing.mark()))
    };
    assert_eq!(mark(&after), mark(&before));
    assert_eq!((after.version_at(at - 1), after.version_at(at)), (1, 2));
    // Who has only the new rules begins with the snapshot of the switch.
    let last = frames.last().expect("frames").v;
    let found = fleet
        .store
        .clone()
        .log(crate::support::fleet::ROOM)
        .read(&baton::effect::Read::default(), fleet.now_ms);
    let snapshot = found.snapshot.expect("kept with the switch");
    let mut room = Room::<Two>::restore(&snapshot).expect("of the new rules");
    assert_eq!(room.head().v, at);
    let log: Vec<Vec<u8>> = fleet.log().frames().map(<[u8]>::to_vec).collect();
    for bytes in &log[at as usize..] {
        room.replay(bytes).expect("replays");
    }
    assert_eq!(room.head().v, last);
    assert_eq!(room.state_hash(), after.state_hash());
    // Who has only the old ones stops before it, unharmed.
    let mut room = Room::<One>::genesis(&log[0]).expect("old rules");
    for bytes in &log[1..at as usize - 1] {
        room.replay(bytes).expect("replays");
    }
    let refused = room
        .replay(&log[at as usize - 1])
        .expect_err("not its rules");
    assert!(matches!(refused, ReplayError::Rules(to) if to.version == 2 && to.rules == Two::id()));
    assert_eq!(room.head().v, at - 1);
    assert!(Room::<One>::restore(&snapshot).is_none(), "never misread");
    assert!(Room::<Two>::restore(&room.snapshot()).is_none());
}

#[test]
fn an_instance_that_lacks_the_new_rules_passes_bytes_and_pushes_and_never_leads() {
    for cold in [false, true] {
        let (mut fleet, _) = old_room(&[OLD, EAGER, OLD]);
        fleet.pass(LEASE_MS + 1);
        let mut bob = Client::<Two>::new("bob");
        join(&mut fleet, 1, &mut bob);
        if cold {
            fleet.deploy(0, Build::Old, 1);
        }
        fleet.pass(LEASE_MS + 1);
        act_two(&fleet, &mut bob, 9);
        let head = fleet.log().head();
        assert_eq!(exchange(&mut fleet, 0, &mut bob), 200);
        assert_eq!(
            (fleet.log().head(), fleet.log().waiting()),
            (head, 1),
            "pushed"
        );
        exchange(&mut fleet, 0, &mut bob);
        assert_eq!(fleet.log().waiting(), 1, "once");
        fleet.pass(FRAME_MS);
        fleet.ask(1, watcher(Head::default()));
        assert_eq!(exchange(&mut fleet, 0, &mut bob), 200);
        assert_eq!(bob.replica.head(), fleet.log().head(), "passed");
        assert_eq!(bob.replica.pending(), 0);
        // Who is there is handed on; who says nothing is not.
        assert_eq!(fleet.log().waiting(), 1);
        let silent = Raw::new("carl").but(Presence::Unsaid);
        fleet.ask(0, silent.arrival(&[]));
        assert_eq!(fleet.log().waiting(), 1);
        // Time alone never makes it lead either; and it says what it cannot do.
        fleet.pass(60_000);
        let head = fleet.log().head();
        exchange(&mut fleet, 0, &mut bob);
        let view = Arrival {
            who: None,
            call: baton::effect::Call::View,
        };
        let outcome = fleet.ask(0, view.clone());
        assert_eq!(refusal(&outcome).0, Some(Code::Rules));
        assert_eq!(fleet.log().head(), head);
        let shown = fleet.ask(1, view);
        let shown: serde_json::Value = serde_json::from_slice(&shown.body).expect("JSON");
        assert_eq!(
            (&shown["version"], shown["game"]["wolves"].is_u64()),
            (&2.into(), true)
        );
        // A page that has nothing yet gets what there is.
        let outcome = fleet.ask(0, watcher(Head::default()));
        match reply_of(&outcome) {
            Ok(reply) => assert!(matches!(reply.news, News::Snapshot(_))),
            Err((code, _)) => assert_eq!((code, cold), (Code::Rules, false)),
        }
        // Nor does it hand on what follows another history than the one that it reads.
        let other = Head {
            hash: Hash([7; 16]),
            ..fleet.log().head()
        };
        let outcome = fleet.ask(0, watcher(other));
        assert_eq!(refusal(&outcome).0, Some(Code::Rules));
        // Nor frames of rules that the page does not have.
        let switched = switches(&fleet.frames())[0];
        let page = |v| {
            let request = wire::Request {
                protocol: baton::limits::PROTOCOL,
                cursor: head_at(fleet.store.clone().log(ROOM), v),
                rules: 2,
                frames: true,
                device: None,
            };
            Arrival {
                who: None,
                call: baton::effect::Call::Play(wire::write(&request).into()),
            }
        };
        let [old, new] = [page(1), page(switched)];
        // Who comes cold cannot tell which rules they are of.
        assert_eq!(fleet.ask(0, old).status == 200, cold);
        assert_eq!(fleet.ask(0, new).status, 200);
        // Caches get the tail, if it has all of it; who comes cold has what the log's end brought.
        let tail = Arrival {
            who: None,
            call: baton::effect::Call::Tail,
        };
        let reply = reply_of(&fleet.ask(0, tail)).expect("everybody may read it");
        let News::Frames(frames) = reply.news else {
            panic!("{:?}", reply.news);
        };
        assert_eq!(frames.len() as u64, fleet.log().head().v);
    }
}

#[test]
fn a_room_that_only_players_may_read_is_not_passed_on_by_who_cannot_tell_them() {
    for cold in [false, true] {
        let (mut fleet, mut ann) = old_room_of(&[OLD, EAGER], FENCED);
        fleet.pass(LEASE_MS + 1);
        fleet.ask(1, watcher(Head::default()));
        if cold {
            fleet.deploy(0, Build::Old, 1);
        }
        for arrival in [watcher(Head::default()), ann.arrival(fleet.now_ms)] {
            let outcome = fleet.ask(0, arrival.clone());
            assert_eq!(refusal(&outcome).0, Some(Code::Rules), "cold: {cold}");
        }
        assert_eq!(fleet.log().waiting(), 0);
        let outcome = fleet.ask(1, watcher(Head::default()));
        assert_eq!(
            refusal(&outcome).0,
            Some(Code::NotFound),
            "who has them can tell"
        );
        ann.replica.refused(Some(Code::Rules), None, 0);
        let since_ms = fleet.now_ms - START_MS;
        assert_ne!(
            ann.replica.status(since_ms),
            Status::Reload,
            "another may answer"
        );
    }
}

#[test]
fn who_wrote_and_then_met_other_rules_says_retry_and_not_that_nothing_changed() {
    let (mut fleet, mut ann) = old_room_of(&[OLD, EAGER], FENCED);
    act_one(&fleet, &mut ann, &OneAction::Add(7));
    fleet.pass(LEASE_MS + 1);
    let mut trip = fleet.begin(0, &[ann.arrival(fleet.now_ms)]);
    while !matches!(trip.effect, Effect::Append(..)) {
        fleet.step(&mut trip, Fault::None);
    }
    // The frame is in the log, its writer is not told, and another switches the room.
    fleet.step(&mut trip, Fault::Done);
    fleet.pass(2 * LEASE_MS + 1);
    fleet.ask(1, watcher(Head::default()));
    assert_eq!(switches(&fleet.frames()).len(), 1);
    let outcome = fleet.finish(trip).remove(0);
    assert_eq!(refusal(&outcome).0, Some(Code::Retry));
    assert_eq!(applied(&mut fleet), [(0, 5, false), (0, 7, false)]);
}

#[test]
fn what_a_user_may_not_do_is_not_done_whoever_pushed_it() {
    let mut world = crate::support::World::<crate::support::rules::Purse>::new(1);
    let ann = crate::support::Raw::joined(&mut world, 0, "ann");
    // The second may not even look, the third may look and not act.
    let second = crate::support::Raw::new("bob").say(&mut world, 0, &[]);
    assert!(second.is_ok() || world.log().waiting() > 0);
    world.pass(LEASE_MS + 1);
    world.watch(0);
    let bob = crate::support::Raw::joined(&mut world, 0, "carl");
    world.pass(LEASE_MS + 1);
    let push = |raw: &crate::support::Raw| {
        let hail = baton::wire::Hail {
            actions: vec![baton::wire::Sent {
                seq: 1,
                version: 1,
                body: wire::write(&5_i64).into(),
            }],
            ..raw.hail.clone()
        };
        wire::write(&(0_u8, raw.who.clone(), hail)).into()
    };
    let items = [push(&bob), push(&ann)];
    let now_ms = world.now_ms;
    assert!(world.log().push(&items, now_ms));
    world.watch(0);
    let audit = world.audit();
    assert_eq!((audit.accepted.len(), *audit.room.state()), (1, 5));
    assert_eq!(world.log().waiting(), 0);
}

#[test]
fn a_switch_that_no_honest_writer_makes_is_refused() {
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    let before = history(&mut fleet).room;
    act_one(&fleet, &mut ann, &OneAction::Add(7));
    fleet.pass(LEASE_MS + 1);
    exchange(&mut fleet, 1, &mut ann);
    let frame = fleet.frames().pop().expect("the switch");
    assert!(matches!(frame.entries[..], [Entry::Switch { .. }, ..]) && frame.entries.len() > 1);
    let replay = |change: &dyn Fn(&mut Frame)| {
        let mut forged = frame.clone();
        change(&mut forged);
        before.clone().replay(&forged.encode()).expect_err("forged")
    };
    let edit = |edit: fn(&mut u32, &mut bool)| {
        move |frame: &mut Frame| {
            if let Some(Entry::Switch { version, open, .. }) = frame.entries.first_mut() {
                edit(version, open);
            }
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Frame);
    type Expected = fn(&ReplayError) -> bool;
    let cases: [(&str, Change<'_>, Expected); 6] = [
        ("back", &edit(|version, _| *version = 1), |e| {
            *e == ReplayError::Entry(0)
        }),
        ("another number", &edit(|version, _| *version = 3), |e| {
            *e == ReplayError::Entry(0)
        }),
        ("closed", &edit(|_, open| *open = false), |e| {
            *e == ReplayError::Entry(0)
        }),
        ("by the old rules", &|frame| frame.rules = 0, |e| {
            matches!(e, ReplayError::Rules(_))
        }),
        (
            "twice",
            &|frame| frame.entries.insert(1, frame.entries[0].clone()),
            |e| *e == ReplayError::Entry(1),
        ),
        (
            "not first",
            &|frame| {
                frame.entries.rotate_left(1);
                frame.rules = 0;
            },
            |e| matches!(e, ReplayError::Entry(_)),
        ),
    ];
    for (name, change, expected) in cases {
        let error = replay(change);
        assert!(expected(&error), "{name}: {error:?}");
    }
    before
        .clone()
        .replay(&frame.encode())
        .expect("what the writer made");
}

/// A room whose time the old rules broke stands still until the new ones are there; then it goes on from
/// the tick that it had, however long that took.
#[test]
fn b29_a_halted_room_goes_on_under_other_rules_and_its_time_is_cut() {
    let (mut fleet, ann) = old_room_of(&[OLD, READY], BRITTLE);
    for _ in 0..200 {
        fleet.pass(LEASE_MS + 1);
        let ask = || fleet.ask(0, watcher(Head::default()));
        if quietly(|| catch_unwind(AssertUnwindSafe(ask))).is_err() {
            fleet.deploy(0, OLD.0, OLD.1);
        }
    }
    let halted = history(&mut fleet).room;
    assert!(halted.halted(), "six hosts died of it");
    assert!(halted.tick() < BROKEN_TICK);
    // The new rules alone do not wake it, the operator's word does.
    let head = halted.head();
    for machine in [0, 1] {
        fleet.pass(10 * 60 * 1_000);
        fleet.ask(machine, watcher(Head::default()));
    }
    assert_eq!(history(&mut fleet).room.head(), head);
    fleet.deploy(1, EAGER.0, EAGER.1);
    fleet.ask(1, watcher(Head::default()));
    let woken = history(&mut fleet).room;
    assert!(!woken.halted());
    assert_eq!(switches(&fleet.frames()), [head.v + 1]);
    assert_eq!(woken.tick(), halted.tick(), "no time passed meanwhile");
    for _ in 0..10 {
        fleet.pass(LEASE_MS + 1);
        fleet.ask(1, watcher(Head::default()));
    }
    let room = history(&mut fleet).room;
    let passed = room.tick() - halted.tick();
    let silent = u64::from(Two::GRACE_MS / Two::TICK_MS);
    assert!((10..=silent).contains(&passed), "{passed} ticks");
    let standing = room.standing("ann", ann.replica.device());
    assert_eq!(standing.map(|standing| standing.mark()), Some(1));
}

/// A next frame of such entries, as nobody writes it.
fn forged(fleet: &mut Fleet, entries: Vec<Entry>) -> Result<(), ReplayError> {
    let mut room = history(fleet).room;
    let mut frame = fleet.frames().pop().expect("there are some");
    (frame.v, frame.previous) = (room.head().v + 1, room.head().hash);
    frame.rules += u8::from(matches!(entries[0], Entry::Switch { .. }));
    frame.entries = entries;
    room.replay(&frame.encode()).map(|_| ())
}

#[test]
fn a_switch_to_what_the_room_is_on_or_behind_something_else_is_refused() {
    let switch = Entry::Switch {
        rules: Two::id(),
        version: 2,
        open: true,
    };
    let (mut fleet, mut ann) = old_room(&[OLD, EAGER]);
    let good = forged(&mut fleet, vec![switch.clone()]);
    assert!(matches!(good, Err(ReplayError::State { .. })), "{good:?}");
    let vouch = Entry::Vouch { device: 0, mark: 9 };
    let second = forged(&mut fleet, vec![vouch, switch.clone()]);
    assert_eq!(second, Err(ReplayError::Entry(1)));
    fleet.pass(LEASE_MS + 1);
    exchange(&mut fleet, 1, &mut ann);
    assert_eq!(switches(&fleet.frames()).len(), 1);
    assert_eq!(forged(&mut fleet, vec![switch]), Err(ReplayError::Entry(0)));
}
