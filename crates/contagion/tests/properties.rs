//! Whatever players do, in any order: nothing panics, bounds hold, and the same inputs give the
//! same state, also through its encoding.

mod common;

use baton::{By, Player, Rules};
use common::Room;
use contagion::{
    Action, Config, Contagion, FULL_HEALTH, Figure, MAX_KNOWN, MAX_PLAYERS, MAX_ZOMBIES, Phase,
    State, hud, sprite, sprites,
};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

#[derive(Clone, Debug)]
enum Step {
    Join(Player),
    Leave(Player),
    Crowd(bool),
    Act(By, Action),
    Ticks(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let player = 0..70_u32;
    let action = prop_oneof![
        8 => any::<u8>().prop_map(|angle| Action::Steer(angle % 40)),
        2 => Just(Action::Stop),
        1 => Just(Action::CallTime),
    ];
    let by = prop_oneof![9 => (0..12_u32).prop_map(By::Player), 1 => Just(By::Server)];
    prop_oneof![
        6 => (0..12_u32).prop_map(Step::Join),
        2 => player.clone().prop_map(Step::Join),
        4 => (0..12_u32).prop_map(Step::Leave),
        1 => player.prop_map(Step::Leave),
        1 => any::<bool>().prop_map(Step::Crowd),
        12 => (by, action).prop_map(|(by, action)| Step::Act(by, action)),
        10 => (1..40_u32).prop_map(Step::Ticks),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let rate = || prop_oneof![9 => 0..1_000_u32, 1 => Just(u32::MAX)];
    let zombies = prop_oneof![9 => 0..60_u16, 1 => 590..700_u16];
    (
        0..3_000_u32,
        0..20_000_u32,
        0..2_000_u32,
        zombies,
        rate(),
        rate(),
        rate(),
    )
        .prop_map(
            |(countdown_ms, play_ms, over_ms, zombies_at_start, base, player, growth)| Config {
                countdown_ms,
                play_ms,
                over_ms,
                zombies_at_start,
                spawns_per_minute: base,
                spawns_per_minute_and_player: player,
                spawn_growth_per_minute: growth,
            },
        )
}

fn perform(room: &mut Room, step: &Step) {
    match *step {
        Step::Join(player) => room.join(player),
        Step::Leave(player) => room.leave(player),
        Step::Crowd(true) => (0..70).for_each(|player| room.join(player)),
        Step::Crowd(false) => (0..70).for_each(|player| room.leave(player)),
        Step::Act(by, action) => {
            let _verdict = room.act(by, action);
        }
        Step::Ticks(count) => room.ticks(count),
    }
}

fn rising(figures: &[Figure]) -> bool {
    figures.is_sorted_by(|one, next| one.player < next.player)
}

/// What holds in every state.
fn check(room: &Room) {
    let State {
        phase,
        ticks_left,
        field,
        ..
    } = room.state();
    let (figures, away) = (&field.figures, &field.away);
    assert!(figures.len() <= MAX_PLAYERS && figures.len() + away.len() <= MAX_KNOWN);
    assert!(rising(figures) && rising(away));
    assert!(
        figures
            .iter()
            .chain(away)
            .all(|figure| figure.health <= FULL_HEALTH)
    );
    assert!(
        figures
            .iter()
            .all(|figure| room.present().contains(&figure.player))
    );
    assert!(
        away.iter()
            .all(|figure| !figure.walks && field.figure(figure.player).is_none())
    );
    assert!(figures.iter().all(|figure| figure.alive() || !figure.walks));
    assert!(field.zombies.len() <= MAX_ZOMBIES);
    assert_eq!(*phase == Phase::Idle, *ticks_left == 0);
    if room.present().is_empty() {
        assert!(
            matches!(phase, Phase::Idle | Phase::Playing),
            "{phase:?} of nobody"
        );
    } else {
        assert_ne!(*phase, Phase::Idle);
    }
    if matches!(phase, Phase::Countdown | Phase::Playing) && room.present().len() <= MAX_PLAYERS {
        assert_eq!(figures.len(), room.present().len(), "everybody has a seat");
    }
    let shown = hud(room.state());
    assert!(shown.alive <= shown.players);
    let mut rows = Vec::new();
    sprites(room.state(), &mut rows);
    assert_eq!(
        rows.len(),
        (figures.len() + field.zombies.len()) * sprite::STRIDE
    );
    let view = Contagion::view(room.state(), Some(0));
    assert_eq!(
        view["players"].as_array().map(Vec::len),
        Some(figures.len())
    );
}

/// What holds from one state to the next.
fn compare(before: &State, after: &State) {
    assert!(after.match_id >= before.match_id);
    if after.match_id != before.match_id || after.phase == Phase::Idle {
        return;
    }
    assert!(after.phase >= before.phase, "a match goes one way");
    let (old, new) = (before.field.zombies.len(), after.field.zombies.len());
    assert!(new >= old, "zombies do not vanish");
    if before.phase == after.phase && after.phase != Phase::Playing {
        assert_eq!(new, old, "zombies come only during play");
    }
    for figure in before.field.figures.iter().chain(&before.field.away) {
        let known = after.field.figures.iter().chain(&after.field.away);
        let known = known.filter(|known| known.player == figure.player);
        assert!(
            known.into_iter().all(|known| known.health <= figure.health),
            "nothing heals"
        );
    }
}

/// The layout of a state's bytes, without what the types promise.
type Parts = (
    (u8, u32, u32, Option<u8>, u64),
    (Vec<Body>, Vec<Body>),
    [ByteBuf; 5],
    (u16, u32, u64, u16),
);
type Body = (Player, (u16, u16), u8, bool, u8);

/// States as often sound as not: columns of the same length or nearly, places in the arena or not.
fn parts() -> impl Strategy<Value = Parts> {
    let coordinate = || prop_oneof![30 => 200..16_000_u16, 1 => any::<u16>()];
    let body = (
        0..20_u32,
        (coordinate(), coordinate()),
        any::<u8>(),
        any::<bool>(),
        any::<u8>(),
    );
    let zombie = (coordinate(), coordinate(), any::<u8>(), any::<u8>());
    let column = prop_oneof![3 => Just(None), 1 => (0..5_usize).prop_map(Some)];
    let zombies = (prop::collection::vec(zombie, 0..20), column).prop_map(|(zombies, column)| {
        let words = |words: Vec<u16>| words.into_iter().flat_map(u16::to_le_bytes).collect();
        let bytes = |byte: fn(&(u16, u16, u8, u8)) -> u8| zombies.iter().map(byte).collect();
        let mut columns: [Vec<u8>; 5] = [
            words((0..zombies.len() as u16).collect()),
            words(zombies.iter().map(|zombie| zombie.0).collect()),
            words(zombies.iter().map(|zombie| zombie.1).collect()),
            bytes(|zombie| zombie.2),
            bytes(|zombie| zombie.3),
        ];
        if let Some(column) = column {
            columns[column].truncate(2);
        }
        columns.map(ByteBuf::from)
    });
    let bodies = || prop::collection::vec(body.clone(), 0..6);
    (
        (
            prop_oneof![3 => Just(Phase::Playing as u8), 1 => 0..4_u8],
            any::<u32>(),
            any::<u32>(),
            Just(None),
            any::<u64>(),
        ),
        (bodies(), bodies()),
        zombies,
        any::<(u16, u32, u64, u16)>(),
    )
}

proptest! {
    // A case is a long story: a quarter as many as usual. PROPTEST_CASES sets what is usual.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bounds_hold_whatever_happens(
        config in config(), seed: u64, steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut room = Room::new(config, seed);
        for step in &steps {
            let before = room.state().clone();
            perform(&mut room, step);
            check(&room);
            compare(&before, room.state());
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_state_also_through_its_encoding(
        config in config(), seed: u64, steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut one = Room::new(config, seed);
        let mut two = Room::new(config, seed);
        let mut cold = Room::new(config, seed);
        for step in &steps {
            perform(&mut one, step);
            perform(&mut two, step);
            perform(&mut cold, step);
            cold.reload().expect("it decodes what it encoded");
            prop_assert_eq!(one.hash(), two.hash());
            prop_assert_eq!(one.hash(), cold.hash());
        }
        prop_assert_eq!(one.state(), cold.state());
    }

    #[test]
    fn no_bytes_make_a_state_that_panics(parts in parts()) {
        // Nothing but its own bytes reaches a room in earnest: this is about corrupt stores.
        let bytes = postcard::to_allocvec(&parts).expect("it encodes");
        if let Ok(state) = postcard::from_bytes::<State>(&bytes) {
            let mut room = common::playing(Config::default(), 0..3);
            *room.state_mut() = state;
            room.ticks(3);
            let _verdict = room.act(By::Player(0), Action::Steer(1));
            room.leave(0);
            room.join(0);
            room.ticks(3);
            sprites(room.state(), &mut Vec::new());
        }
    }
}
