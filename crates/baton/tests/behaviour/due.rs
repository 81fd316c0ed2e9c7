//! What a room does by itself: entries that its rules ask for, made by whoever leads, predicted by nobody, bounded per frame.

use baton::frame::Entry;
use baton::limits::MAX_DUE;
use baton::{ActError, By, Ctx, Player, Reject, Rules, Status};

use crate::support::brittle::{Brittle, BrittleAction};
use crate::support::host::{Host, Landing};
use crate::support::purse::{Purse, PurseAction, SERVER_ONLY, STEPS};
use crate::support::scene::Scene;
use crate::support::{Client, LEASE_MS, Raw, START_MS, World};

/// The owner of the room that every test is about.
const OWNER: &str = "test";

fn act(world: &World<Purse>, client: &mut Client<Purse>, action: PurseAction) {
    let done = client.replica.act(&action, world.since_ms());
    done.expect("it may");
}

/// Everybody asks until nobody waits for anything.
fn settle(world: &mut World<Purse>, clients: &mut [Client<Purse>]) {
    for _ in 0..40 {
        world.pass(LEASE_MS + 1);
        for client in &mut *clients {
            world.exchange(0, client);
        }
    }
}

#[test]
fn b14_b25_a_reward_is_an_entry_of_the_server_once_for_all_devices_and_predicted_by_none() {
    let mut world = World::<Purse>::new(3);
    let mut devices = [1, 2].map(|device| Client::<Purse>::on(OWNER, device));
    for device in &mut devices {
        world.join(0, device);
    }
    settle(&mut world, &mut devices);
    // Nine together, then both make the tenth, offline.
    for _ in 0..9 {
        act(&world, &mut devices[0], PurseAction::Earn);
    }
    settle(&mut world, &mut devices);
    for device in &mut devices {
        act(&world, device, PurseAction::Earn);
        let shown = device.replica.predicted().expect("a room").state();
        assert_eq!((shown.coins, shown.rewards), (10, 0), "never predicted");
        let wish = device.replica.can(&PurseAction::Reward);
        assert_eq!(wish, Err(ActError::Rejected(SERVER_ONLY)));
    }
    settle(&mut world, &mut devices);
    for device in &devices {
        let state = device.replica.synced().expect("a room").state();
        assert_eq!((state.coins, state.rewards), (11, 1));
    }
    let frames = world.frames().into_iter();
    let due = frames
        .flat_map(|frame| frame.entries)
        .filter(|entry| *entry == Entry::Due);
    assert_eq!(due.count(), 1);
    world.audit();
}

#[test]
fn long_work_is_split_over_frames_and_its_time_is_the_logs() {
    let mut world = World::<Purse>::new(2);
    let mut ann = Client::<Purse>::on(OWNER, 1);
    world.join(0, &mut ann);
    act(&world, &mut ann, PurseAction::Order);
    let mut asked = 0;
    while ann.replica.pending() > 0 || ann.replica.synced().expect("a room").state().work > 0 {
        let now_ms = world.since_ms();
        let wait_ms = ann.replica.ask_at(false, now_ms).saturating_sub(now_ms);
        assert!(wait_ms <= 200, "asks again soon, not in {wait_ms} ms");
        world.pass(wait_ms);
        world.exchange(asked % 2, &mut ann);
        let works = ann.replica.synced().expect("a room").state().work > 0;
        assert_eq!(ann.replica.owed(world.since_ms()), works);
        asked += 1;
        assert!(asked < 40, "it ends");
    }
    let frames = world.frames();
    let pieces = frames.iter().map(|frame| {
        let due = frame.entries.iter().filter(|entry| **entry == Entry::Due);
        (frame.time_ms, due.count())
    });
    let pieces: Vec<_> = pieces.filter(|(_, count)| *count > 0).collect();
    assert!(pieces.iter().all(|(_, count)| *count <= MAX_DUE));
    assert!(pieces.len() >= STEPS as usize / MAX_DUE);
    let times = pieces
        .iter()
        .flat_map(|(time_ms, count)| vec![*time_ms; *count]);
    let audit = world.audit();
    assert_eq!(audit.room.state().done_ms, times.collect::<Vec<_>>());
    assert!(audit.room.state().done_ms[0] > START_MS);
    // Nothing is left to do, and nothing is done.
    let head = world.head();
    world.pass(60_000);
    world.exchange(0, &mut ann);
    assert_eq!(world.head(), head);
}

#[test]
fn whoever_is_asked_goes_on_with_what_is_due_also_cold() {
    let mut world = World::<Purse>::new(1);
    let mut ann = Client::<Purse>::on(OWNER, 1);
    world.join(0, &mut ann);
    act(&world, &mut ann, PurseAction::Order);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    for _ in 0..30 {
        world.replace(0);
        world.pass(3 * LEASE_MS);
        // Only somebody who reads.
        world.exchange(0, &mut ann);
    }
    assert_eq!(world.audit().room.state().work, 0);
}

#[test]
fn what_the_room_does_by_itself_and_breaks_the_rules_halts_it() {
    halts_after(BrittleAction::Owe);
}

#[test]
fn a_room_that_breaks_the_rules_when_it_is_asked_what_it_does_is_halted_and_can_be_read() {
    halts_after(BrittleAction::BreakDue);
}

/// Rules without ticks that break when they are asked what is due, once somebody has acted.
#[derive(Clone, Copy, Debug)]
struct Debtor;

impl Rules for Debtor {
    type Config = ();
    type State = bool;
    type Action = bool;
    const KIND: &'static str = "debtor";
    const VERSION: u32 = 1;

    fn setup(_: &mut Ctx<'_, Self>) -> bool {
        false
    }

    fn validate(_: &bool, _: By, _: &bool, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(state: &mut bool, _: By, action: bool, _: &mut Ctx<'_, Self>) {
        *state = action;
    }

    fn due(state: &bool, _: &Ctx<'_, Self>) -> Option<bool> {
        assert!(!state, "it cannot say");
        None
    }

    fn view(state: &bool, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}

#[test]
fn the_same_where_no_time_passes_and_the_question_alone_breaks_the_rules() {
    let mut world = World::<Debtor>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    let mallory = Raw::joined(&mut world, 0, "mallory");
    let body = baton::wire::write(&true);
    let mut host = Host::default();
    let mut halts = |world: &mut World<Debtor>, raw: &Raw, actions: &[(u64, Vec<u8>)]| {
        (0..40).any(|turn| {
            world.pass(LEASE_MS + 1);
            let instance = turn % 2;
            host.serve(world, instance, vec![raw.arrival(actions)]);
            world.last_frame().entries == [Entry::Halt]
        })
    };
    assert!(halts(&mut world, &mallory, &[(1, body)]), "it did not halt");
    // Each question that broke, once untold, and the two tries.
    assert!(host.traps <= 8, "{} traps", host.traps);
    let standing = world.audit().room;
    let standing = standing.standing("mallory", mallory.hail.id);
    let verdict = standing.and_then(|standing| standing.verdict(1));
    assert_eq!(verdict, Some(0), "nobody is blamed for what the room did");
    let traps = host.traps;
    let landing = host.serve(&mut world, 1, vec![ann.arrival(&[])]);
    let Landing::Answered(outcomes) = landing else {
        panic!("it is read");
    };
    assert_eq!((outcomes[0].status, host.traps), (200, traps));
}

fn halts_after(action: BrittleAction) {
    let mut scene = Scene::new(2, 0);
    scene.break_with("mallory", &[action]);
    for _ in 0..400 {
        scene.round(false);
        if scene.halted() {
            break;
        }
    }
    assert!(scene.halted(), "the room did not halt");
    assert_eq!(scene.world.last_frame().entries, [Entry::Halt], "alone");
    // The action that set it off is in the log, and nobody is blamed for what the room did.
    let answers = scene.breaking[0].0.clone();
    let (mark, verdicts) = answers.standing(&mut scene.world, 1);
    assert_eq!((mark, verdicts.as_slice()), (1, &[0][..]));
    let mut bob = Client::<Brittle>::new("bob");
    assert_eq!(scene.world.exchange(0, &mut bob), 200);
    let since_ms = scene.world.since_ms();
    assert_eq!(bob.replica.status(since_ms), Status::Halted);
}
