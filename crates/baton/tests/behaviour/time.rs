//! Time in a room: what silence does to it, exact ticks, and the account of what was left out.

use baton::frame::{Cut, Entry};
use baton::{By, Ctx, Player, Random, Reject, Rules};

use crate::support::rules::{
    CATCH_UP, CATCH_UP_MS, GRACE_MS, GRACE_TICKS, Herd, HerdWith, PAUSE, Purse, SKIP, TICK_MS, add,
};
use crate::support::{Audit, FRAME_MS, IDLE_MS, LEASE_MS, Raw, START_MS, World};

const HOUR_MS: u64 = 3_600_000;

fn cuts<R: Rules>(audit: &Audit<R>) -> Vec<(Cut, u64)> {
    let entries = audit.frames.iter().flat_map(|frame| &frame.entries);
    let cut = |entry: &Entry| match entry {
        Entry::Cut { why, skip_ms } => Some((*why, *skip_ms)),
        _ => None,
    };
    entries.filter_map(cut).collect()
}

/// A player joins at tick 0 and is silent for an hour; then the player asks again, of an instance
/// that knows nothing, until the room has caught up.
fn an_hour_of_silence<const POLICY: u8>(instance: usize) -> (World<HerdWith<POLICY>>, u64) {
    let mut world = World::new(4);
    world.nonce_by_time = true;
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(HOUR_MS);
    for gone in 0..4 {
        world.replace(gone);
    }
    let mut requests = 0;
    loop {
        requests += 1;
        ann.say(&mut world, instance, &[]).expect("answered");
        if world.audit().ticks_behind() < IDLE_MS / TICK_MS {
            return (world, requests);
        }
        assert!(requests < 100, "it never catches up");
        world.pass(FRAME_MS);
    }
}

#[test]
fn j19_a_room_that_pauses_stops_at_the_tick_at_which_the_last_player_leaves() {
    let (mut world, requests) = an_hour_of_silence::<PAUSE>(1);
    let audit = world.audit();
    let state = audit.room.state();
    let gone = GRACE_TICKS + 1;
    assert_eq!(requests, 1);
    assert_eq!(audit.room.tick(), gone);
    assert_eq!(state.ticks, gone, "every tick was run, none twice");
    assert_eq!(
        state.doors,
        [(0, 0, true), (gone, 0, false), (gone, 0, true)],
        "the player was gone, and is back"
    );
    assert_eq!(cuts(&audit), [(Cut::Pause, HOUR_MS - gone * TICK_MS)]);
}

/// Rules that keep what time they were told.
#[derive(Clone, Copy, Debug)]
struct Diary;

impl Rules for Diary {
    type Config = ();
    type State = Vec<(u64, u64)>;
    type Action = ();
    const KIND: &'static str = "diary";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = TICK_MS as u32;
    const GRACE_MS: u32 = GRACE_MS as u32;

    fn setup(_: &mut Ctx<'_, Self>) -> Self::State {
        Vec::new()
    }

    fn validate(_: &Self::State, _: By, (): &(), _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(_: &mut Self::State, _: By, (): (), _: &mut Ctx<'_, Self>) {}

    fn left(state: &mut Self::State, _: Player, ctx: &mut Ctx<'_, Self>) {
        state.push((ctx.tick(), ctx.now_ms()));
    }

    fn tick(state: &mut Self::State, ctx: &mut Ctx<'_, Self>) {
        state.push((ctx.tick(), ctx.now_ms()));
    }

    fn view(_: &Self::State, _: Option<Player>) -> serde_json::Value {
        serde_json::Value::Null
    }
}

#[test]
fn j19_a_room_that_pauses_tells_its_rules_the_time_that_it_was_also_when_it_is_replayed() {
    let mut world = World::<Diary>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(HOUR_MS);
    ann.say(&mut world, 0, &[]).expect("answered");
    world.replace(1);
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 1, &[]).expect("replayed");
    let audit = world.audit();
    assert_eq!(cuts(&audit).len(), 1, "it paused");
    let gone = GRACE_TICKS + 1;
    let told = audit.room.state();
    assert_eq!(
        told[gone as usize - 1],
        told[gone as usize],
        "who left at that tick"
    );
    for (tick, now_ms) in told.iter().filter(|(tick, _)| *tick <= gone) {
        assert_eq!(*now_ms, START_MS + tick * TICK_MS, "at tick {tick}");
    }
}

#[test]
fn j19_a_room_that_skips_lives_through_the_grace_time_only() {
    let (mut world, requests) = an_hour_of_silence::<SKIP>(1);
    let audit = world.audit();
    assert_eq!(requests, 1);
    assert_eq!(audit.room.tick(), GRACE_TICKS);
    assert_eq!(audit.room.state().ticks, GRACE_TICKS);
    assert_eq!(cuts(&audit), [(Cut::Cap, HOUR_MS - GRACE_MS)]);
    assert_eq!(audit.room.present(), [0], "nobody was away for longer");
}

#[test]
fn j19_a_room_that_catches_up_splits_the_work_over_requests() {
    let (mut world, requests) = an_hour_of_silence::<CATCH_UP>(1);
    let audit = world.audit();
    let due = u64::from(CATCH_UP_MS) / TICK_MS;
    assert_eq!(audit.room.tick(), due);
    assert_eq!(audit.room.state().ticks, due);
    let ticks: Vec<u64> = audit.frames.iter().map(|frame| frame.tick).collect();
    let budget = 200;
    for pair in ticks.windows(2) {
        assert!(pair[1] - pair[0] <= budget, "{pair:?}");
    }
    assert_eq!(requests, due / budget);
    assert_eq!(cuts(&audit), [(Cut::Cap, HOUR_MS - u64::from(CATCH_UP_MS))]);
    let doors = &audit.room.state().doors;
    assert_eq!(doors[..2], [(0, 0, true), (GRACE_TICKS + 1, 0, false)]);
    assert_eq!(doors.len(), 3, "back once the room has caught up");
}

#[test]
fn j19_a_room_that_is_asked_rarely_is_never_further_behind_than_its_cap() {
    let mut world = World::<HerdWith<CATCH_UP>>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    for _ in 0..60 {
        world.pass(100_000);
        ann.say(&mut world, 0, &[]).expect("answered");
    }
    let behind = world.audit().ticks_behind();
    assert!(behind <= u64::from(CATCH_UP_MS) / TICK_MS, "{behind}");
}

#[test]
fn j19_every_host_treats_the_time_that_passed_alike() {
    fn same<const POLICY: u8>() {
        let state = |instance| {
            let audit = an_hour_of_silence::<POLICY>(instance).0.audit();
            let room = audit.room;
            (
                room.tick(),
                room.time_ms(),
                room.state().clone(),
                audit.cut_ms,
            )
        };
        let first = state(0);
        assert_eq!(first, state(2));
        assert_eq!(first, state(3));
    }
    same::<PAUSE>();
    same::<SKIP>();
    same::<CATCH_UP>();
}

#[test]
fn actions_wait_until_the_room_has_caught_up_and_then_are_applied_at_the_tick_of_now() {
    let mut world = World::<HerdWith<CATCH_UP>>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(60_000);
    ann.say(&mut world, 0, &[(1, add(5))]).expect("taken in");
    assert_eq!(
        world.log().waiting(),
        1,
        "600 ticks are more than one frame"
    );
    assert_eq!(world.audit().accepted.len(), 0);
    for _ in 0..3 {
        world.pass(FRAME_MS);
        world.watch(0);
    }
    let audit = world.audit();
    assert_eq!(world.log().waiting(), 0);
    assert_eq!(audit.ticks_behind(), 0);
    let (tick, _, amount) = audit.room.state().log[0];
    assert_eq!(amount, 5);
    assert!(tick >= 600, "not in the past: {tick}");
}

/// Found by seed 7001124 of the simulator: what waits for its turn was taken for a beat in every frame.
#[test]
fn j19_an_action_that_waited_through_a_silence_does_not_keep_a_room_that_pauses_awake() {
    let mut world = World::<Herd>::with(2, |settings| settings.catch_up_ticks = 30, ());
    let ann = Raw::joined(&mut world, 0, "ann");
    let bob = Raw::joined(&mut world, 0, "bob");
    world.pass(GRACE_MS / 2);
    bob.say(&mut world, 0, &[]).expect("a beat, by the leader");
    world.pass(FRAME_MS / 2);
    ann.say(&mut world, 1, &[(1, add(5))])
        .expect("a beat and an action, by a follower");
    let received = world.since_ms() / TICK_MS;
    world.pass(HOUR_MS);
    for _ in 0..4 {
        world.pass(FRAME_MS);
        world.watch(0);
    }
    let audit = world.audit();
    assert_eq!(audit.room.state().amounts(), [5]);
    assert_eq!(world.log().waiting(), 0);
    let left = received + GRACE_TICKS + 1;
    assert_eq!(audit.room.tick(), left, "a grace time after its receipt");
    assert!(audit.room.state().doors.contains(&(left, 0, false)));
}

/// Requests at random times, with silences of every length.
fn random_days<const POLICY: u8>(seed: u64) {
    let mut random = Random::from_seed(seed);
    let mut world = World::<HerdWith<POLICY>>::new(3);
    let mut devices = [Raw::new("ann"), Raw::new("bob")];
    devices[0].join(&mut world, 0);
    devices[1].join(&mut world, 1);
    for _ in 0..120 {
        let scale = [50, 500, 5_000, 500_000][random.below(4) as usize];
        world.pass(u64::from(random.below(scale)));
        let who = random.below(2) as usize;
        let instance = random.below(3) as usize;
        devices[who]
            .say(&mut world, instance, &[])
            .expect("answered");
    }
    let mut audit = world.audit();
    while audit.ticks_behind() > 0 {
        for _ in 0..=audit.ticks_behind() / 200 {
            world.pass(LEASE_MS + FRAME_MS);
            devices[0].say(&mut world, 0, &[]).expect("answered");
        }
        audit = world.audit();
    }
    assert_eq!(audit.room.state().ticks, audit.room.tick(), "none twice");
    assert_eq!(audit.ticks_behind(), 0, "none skipped but what was cut");
    let lived_ms = audit.room.time_ms() - START_MS - audit.cut_ms;
    assert_eq!(lived_ms / TICK_MS, audit.room.tick());
    assert!(audit.cut_ms > 0);
}

#[test]
fn ticks_and_cuts_add_up_to_the_time_that_passed() {
    for seed in 0..12 {
        random_days::<PAUSE>(seed);
        random_days::<SKIP>(seed);
        random_days::<CATCH_UP>(seed);
    }
}

#[test]
fn a_year_of_silence_costs_one_bounded_request() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(365 * 24 * HOUR_MS);
    ann.say(&mut world, 0, &[]).expect("answered");
    assert_eq!(world.audit().room.tick(), GRACE_TICKS + 1);
}

#[test]
fn time_in_a_room_never_goes_back_though_the_stores_clock_does() {
    let mut world = World::<Herd>::new(2);
    world.pass(100_000);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(1_000);
    ann.say(&mut world, 0, &[(1, add(1))]).expect("taken");
    let before = world.last_frame();
    // The clock falls by a minute; the instance that is asked knows nothing of it.
    world.now_ms -= 60_000;
    world.store.set_clock(world.now_ms);
    world.replace(1);
    for seq in 2..5 {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, 1, &[(seq, add(1))]).expect("taken in");
    }
    world.pass(61_000);
    ann.say(&mut world, 1, &[]).expect("answered");
    // The audit checks that neither time nor ticks fall.
    let audit = world.audit();
    assert!(audit.room.time_ms() > before.time_ms);
    assert_eq!(audit.accepted.len(), 4, "nothing is stuck");
    assert_eq!(audit.room.state().ticks, audit.room.tick());
}

#[test]
fn rules_without_ticks_need_no_frames_of_time_and_no_beats() {
    let mut world = World::<Purse>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    let frames = world.head().v;
    for _ in 0..20 {
        world.pass(IDLE_MS * 3);
        ann.say(&mut world, 0, &[]).expect("answered");
    }
    assert_eq!(world.head().v, frames);
    let body = baton::wire::write(&7_i64);
    ann.say(&mut world, 0, &[(1, body)]).expect("taken");
    let audit = world.audit();
    assert_eq!((*audit.room.state(), audit.room.tick()), (7, 0));
}

#[test]
fn nothing_is_framed_while_nobody_is_present() {
    let mut world = World::<Herd>::new(1);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(GRACE_MS * 2);
    world.watch(0);
    let head = world.head();
    assert!(world.audit().room.paused());
    for _ in 0..20 {
        world.pass(IDLE_MS * 3);
        world.watch_from(0, head);
    }
    assert_eq!(world.head(), head, "idle costs nothing");
    ann.say(&mut world, 0, &[]).expect("answered");
    let audit = world.audit();
    assert_eq!(audit.room.tick(), GRACE_TICKS + 1, "time stood still");
    assert_eq!(audit.room.present(), [0]);
}
