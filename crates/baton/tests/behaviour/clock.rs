//! What time it is in a room, as its pages know it.

use baton::{PREDICT_MS, Room};

use crate::replica::joined;
use crate::support::rules::{Herd, TICK_MS};
use crate::support::{Client, LEASE_MS, World};

/// The store's time as the client estimates it, by the tick that it shows.
#[test]
fn b23_the_clock_is_estimated_within_half_a_round_trip_whatever_the_devices_clock_says() {
    const TEN_YEARS_MS: u64 = 315_360_000_000;
    for (there_ms, back_ms) in [(0, 0), (80, 80), (0, 400), (400, 0), (30, 1_500)] {
        for own_ms in [0, 5, TEN_YEARS_MS] {
            let mut world = World::<Herd>::new(1);
            let mut ann = Client::<Herd>::new("ann");
            let own = |world: &World<Herd>| world.since_ms() + own_ms;
            for _ in 0..8 {
                let sent_ms = own(&world);
                let request = ann.replica.request(false, sent_ms);
                world.pass(there_ms);
                let outcome = world.ask(0, vec![ann.arrive(request)]).remove(0);
                world.pass(back_ms);
                ann.replica.receive(&outcome.body, sent_ms, own(&world));
                world.pass(250);
            }
            ann.replica.predict(own(&world));
            let shown = ann.replica.predicted().expect("shown").tick() * TICK_MS;
            let now_ms = world.since_ms();
            let wrong_ms = now_ms.abs_diff(shown);
            let most_ms = (there_ms + back_ms) / 2 + TICK_MS;
            assert!(
                wrong_ms <= most_ms,
                "{there_ms}+{back_ms}: {wrong_ms} ms wrong"
            );
        }
    }
}

#[test]
fn a_round_trip_that_ends_before_it_began_is_survived() {
    let (mut world, mut ann) = joined(1);
    let arrival = ann.arrival(world.now_ms);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    assert!(ann.replica.receive(&outcome.body, 10_000, 0));
    for now_ms in [0, 1, u64::MAX / 4] {
        ann.replica.predict(now_ms);
        let ahead = ann.replica.predicted().expect("shown").tick();
        let synced = ann.replica.synced().expect("synced").tick();
        assert!(ahead <= synced + PREDICT_MS / TICK_MS);
    }
}

/// What a screen draws between two ticks: the next one, and how far now is into it.
#[test]
fn between_two_ticks_the_next_is_known_and_how_far_now_is_into_it() {
    let (mut world, mut ann) = joined(1);
    world.pass(LEASE_MS + 1);
    world.exchange(0, &mut ann);
    let now_ms = world.since_ms();
    ann.replica.predict(now_ms);
    let tick = ann.replica.predicted().expect("joined").tick();
    let ahead = ann.replica.ahead().expect("joined");
    assert_eq!(ahead.tick(), tick + 1);
    assert_eq!(
        ann.replica.predicted().map(Room::tick),
        Some(tick),
        "as it was"
    );
    let start = ann.replica.fraction(now_ms);
    assert!(start < 1_000, "{start}");
    for part in 1..4 {
        let later = ann.replica.fraction(now_ms + part * TICK_MS / 4);
        let expected = u64::from(start) + part * 250;
        assert_eq!(u64::from(later), expected.min(1_000));
    }
    assert_eq!(
        ann.replica.fraction(now_ms + 10 * TICK_MS),
        1_000,
        "not beyond it"
    );
    let nobody = Client::<Herd>::new("bob");
    assert_eq!(
        (
            nobody.replica.ahead().is_none(),
            nobody.replica.fraction(now_ms)
        ),
        (true, 0)
    );
}
