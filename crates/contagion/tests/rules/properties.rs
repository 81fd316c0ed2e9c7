//! Whatever players do, in any order: nothing panics, bounds hold, nothing is doubled, and the
//! same inputs give the same state, also through its encoding.

use baton::{By, Player, Rules};
use contagion::{
    ANGLES, Action, Arena, Config, Contagion, FULL_HEALTH, Field, Figure, INFECTION_MS, Kit,
    MAX_AMMUNITION, MAX_ITEMS, MAX_KNOWN, MAX_LURES, MAX_MEDKITS, MAX_NOISES, MAX_PLAYERS,
    MAX_TOLD, MAX_ZOMBIES, Phase, State, TICK_MS, TURNED_HEALTH, Thing, hud, mine, sprite, sprites,
};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use crate::scene::{Room, awards, infect, make_turned, playing, set};

#[derive(Clone, Debug)]
enum Step {
    Join(Player),
    Leave(Player),
    Crowd(bool),
    Act(By, Action),
    Ticks(u32),
    /// Everybody is put on one place, so that something happens between them.
    Gather,
    /// A player who is on the field is about to turn.
    Infect(Player, u32),
    Turn(Player),
    Equip(Player),
}

fn step() -> impl Strategy<Value = Step> {
    let player = || 0..12_u32;
    let anybody = || 0..70_u32;
    let action = prop_oneof![
        4 => any::<u8>().prop_map(|angle| Action::Steer(angle % (ANGLES + 8))),
        1 => Just(Action::Stop),
        1 => Just(Action::CallTime),
        8 => Just(Action::Strike),
        4 => Just(Action::Heal),
        2 => Just(Action::Lure),
    ];
    let by = prop_oneof![19 => player().prop_map(By::Player), 1 => Just(By::Server)];
    prop_oneof![
        6 => player().prop_map(Step::Join),
        2 => anybody().prop_map(Step::Join),
        3 => player().prop_map(Step::Leave),
        1 => anybody().prop_map(Step::Leave),
        1 => any::<bool>().prop_map(Step::Crowd),
        16 => (by, action).prop_map(|(by, action)| Step::Act(by, action)),
        8 => (1..40_u32).prop_map(Step::Ticks),
        2 => Just(Step::Gather),
        2 => (player(), 1..INFECTION_MS / TICK_MS).prop_map(|(who, ticks)| Step::Infect(who, ticks)),
        2 => player().prop_map(Step::Turn),
        2 => player().prop_map(Step::Equip),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let rate = || prop_oneof![9 => 0..1_000_u32, 1 => Just(u32::MAX)];
    let zombies = prop_oneof![9 => 0..60_u16, 1 => 590..700_u16];
    let items = || prop_oneof![2 => Just(0), 1 => 0..600_u32, 1 => Just(u32::MAX)];
    let lengths = (0..3_000_u32, 0..30_000_u32, 0..2_000_u32);
    let seats = prop_oneof![4 => Just(64), 1 => any::<u16>()];
    (
        lengths,
        seats,
        any::<bool>(),
        (zombies, rate(), rate(), rate()),
        (0..50_u16, items(), items()),
    )
        .prop_map(|(lengths, seats, city, zombies, items)| Config {
            countdown_ms: lengths.0,
            play_ms: lengths.1,
            over_ms: lengths.2,
            seats,
            city,
            zombies_at_start: zombies.0,
            spawns_per_minute: zombies.1,
            spawns_per_minute_and_player: zombies.2,
            spawn_growth_percent: zombies.3,
            items_at_start: items.0,
            items_per_minute: items.1,
            items_per_minute_and_player: items.2,
        })
}

fn perform(room: &mut Room, step: &Step) {
    let on_field = |room: &Room, who| room.state().field.figure(who).is_some();
    match *step {
        Step::Join(player) => room.join(player),
        Step::Leave(player) => room.leave(player),
        Step::Crowd(true) => (0..70).for_each(|player| room.join(player)),
        Step::Crowd(false) => (0..70).for_each(|player| room.leave(player)),
        Step::Act(by, action) => {
            let _verdict = room.act(by, action);
        }
        Step::Ticks(count) => room.ticks(count),
        Step::Gather => gather(room),
        Step::Infect(who, ticks) if on_field(room, who) && figure(room, who).survives() => {
            infect(room, who, ticks);
        }
        // Who lies has turned: the rules turn nobody twice.
        Step::Turn(who) if on_field(room, who) && figure(room, who).survives() => {
            make_turned(room, who);
        }
        Step::Equip(who) if on_field(room, who) && figure(room, who).survives() => {
            let kit = &mut set(room, who).kit;
            // Not more medkits and lures than there are: those are counted.
            kit.ammunition = MAX_AMMUNITION;
        }
        Step::Infect(..) | Step::Turn(_) | Step::Equip(_) => {}
    }
}

fn figure(room: &Room, who: Player) -> Figure {
    crate::scene::figure(room, who).clone()
}

fn gather(room: &mut Room) {
    let figures = &mut room.state_mut().field.figures;
    let place = figures.first().map(|figure| figure.at);
    for figure in figures {
        figure.at = place.unwrap_or(figure.at);
    }
}

/// What holds in every state.
fn check(room: &Room, config: &Config) {
    let State {
        phase,
        ticks_left,
        field,
        ..
    } = room.state();
    let (figures, away) = (&field.figures, &field.away);
    let seats = MAX_PLAYERS.min(config.seats.into());
    assert!(figures.len() <= seats && figures.len() + away.len() <= MAX_KNOWN);
    let rising = |figures: &[Figure]| figures.is_sorted_by(|one, next| one.player < next.player);
    assert!(rising(figures) && rising(away));
    for figure in figures {
        assert!(room.present().contains(&figure.player));
        check_figure(figure, field.played_ms);
    }
    for figure in away {
        assert!(!figure.walks && field.figure(figure.player).is_none());
        assert_eq!(figure.kit, Kit::default(), "left behind");
        check_figure(figure, field.played_ms);
    }
    assert_eq!(*phase == Phase::Idle, *ticks_left == 0);
    if room.present().is_empty() {
        assert!(
            matches!(phase, Phase::Idle | Phase::Playing),
            "{phase:?} of nobody"
        );
    } else {
        assert_ne!(*phase, Phase::Idle);
    }
    if matches!(phase, Phase::Countdown | Phase::Playing) && room.present().len() <= seats {
        assert_eq!(figures.len(), room.present().len(), "everybody has a seat");
    }
    check_ground(field, config);
    check_shown(room);
}

fn check_figure(figure: &Figure, played_ms: u32) {
    assert!(figure.health <= FULL_HEALTH);
    assert!(u32::from(figure.infection) * TICK_MS <= INFECTION_MS);
    assert!(figure.tally.survived_ms <= played_ms);
    let kit = figure.kit;
    assert!(kit.medkits <= MAX_MEDKITS && kit.ammunition <= MAX_AMMUNITION);
    assert!(kit.lures <= MAX_LURES);
    if figure.survives() {
        assert!(figure.health > 0 && !figure.is_down());
    } else {
        assert_eq!((figure.infection, kit), (0, Kit::default()));
        assert!(figure.health <= TURNED_HEALTH);
        assert_eq!(figure.is_down(), figure.health == 0);
        assert!(!figure.is_down() || !figure.walks);
    }
}

fn check_ground(field: &Field, config: &Config) {
    assert!(field.zombies.len() <= MAX_ZOMBIES);
    let ground = &field.ground;
    assert!(ground.items.len() <= MAX_ITEMS && ground.noises.len() <= MAX_NOISES);
    assert!(ground.noises.iter().all(|noise| noise.left > 0));
    assert!(ground.items.is_sorted_by(|one, next| one.id < next.id));
    assert!(
        field
            .zombies
            .places()
            .is_sorted_by(|one, next| one.0 < next.0)
    );
    let told = field.feed.told();
    assert!(told.len() <= MAX_TOLD);
    assert!(told.is_sorted_by(|one, next| one.seq + 1 == next.seq));
    if config.city {
        let arena = Arena::new(field.seed, true);
        assert!(field.zombies.places().all(|(_, at)| !arena.is_solid(at)));
        assert!(ground.noises.iter().all(|noise| !arena.is_solid(noise.at)));
        assert!(ground.items.iter().all(|item| !arena.is_solid(item.at)));
        assert!(field.everybody().all(|figure| !arena.is_solid(figure.at)));
    }
}

fn check_shown(room: &Room) {
    let field = &room.state().field;
    let shown = hud(room.state());
    assert_eq!(shown.players, shown.survivors + shown.turned);
    assert!(shown.infected <= shown.survivors);
    assert_eq!(shown.scores.len(), field.figures.len() + field.away.len());
    assert!(
        shown
            .scores
            .is_sorted_by(|better, worse| better.score >= worse.score)
    );
    let mut rows = Vec::new();
    sprites(room.state(), &mut rows);
    let ground = &field.ground;
    let things =
        field.figures.len() + field.zombies.len() + ground.items.len() + ground.noises.len();
    assert_eq!(rows.len(), things * sprite::STRIDE);
    for player in 0..3 {
        assert_eq!(
            mine(room.state(), player).is_some(),
            field.figure(player).is_some()
        );
    }
    let view = Contagion::view(room.state(), Some(0));
    assert_eq!(
        view["players"].as_array().map(Vec::len),
        Some(field.figures.len())
    );
}

/// Medkits and lures, wherever they are; crates on the ground.
fn things(field: &Field) -> [usize; 3] {
    let lying = |thing| {
        let items = field.ground.items.iter();
        items.filter(|item| item.thing == thing).count()
    };
    let carried = |of: fn(&Kit) -> u8| -> usize {
        let figures = field.figures.iter().chain(&field.away);
        figures.map(|figure| usize::from(of(&figure.kit))).sum()
    };
    [
        lying(Thing::Medkit) + carried(|kit| kit.medkits),
        lying(Thing::Lure) + carried(|kit| kit.lures),
        lying(Thing::Ammunition),
    ]
}

/// What holds from one state to the next.
fn compare(before: &State, after: &State, config: &Config) {
    assert!(after.match_id >= before.match_id);
    if after.match_id != before.match_id || after.phase == Phase::Idle {
        return;
    }
    assert!(after.phase >= before.phase, "a match goes one way");
    let (old, new) = (&before.field, &after.field);
    assert!(new.next_zombie >= old.next_zombie && new.played_ms >= old.played_ms);
    if before.phase == after.phase && after.phase != Phase::Playing {
        assert_eq!(new.zombies, old.zombies, "zombies come only during play");
    }
    let items_come = (config.items_per_minute, config.items_per_minute_and_player) != (0, 0);
    if before.phase == Phase::Playing && !items_come {
        let known = |field: &Field| field.figures.len() + field.away.len();
        let came = known(new).saturating_sub(known(old));
        let [medkits, lures, _] = things(old);
        let [now_medkits, now_lures, _] = things(new);
        assert!(now_medkits <= medkits, "medkits do not multiply");
        assert!(now_lures <= lures + came, "lures do not multiply");
    }
    for figure in old.everybody() {
        let known = new.everybody().find(|known| known.player == figure.player);
        let Some(known) = known else { continue };
        assert!(figure.survives() || !known.survives(), "nobody turns back");
        assert!(known.tally.score() >= figure.tally.score());
        if after.phase == Phase::Over && before.phase == Phase::Over {
            assert_eq!(known.tally, figure.tally, "what is over is over");
        }
    }
}

/// The layout of a state's bytes, without what the types promise.
type Parts = (
    (u8, u32, u32, Option<u8>, u64),
    (Vec<Body>, Vec<Body>),
    [ByteBuf; 5],
    (Vec<(u16, Place, u8)>, Vec<(u16, Place, u8)>, u16),
    (u32, Vec<(u32, u8, Player, Option<Player>)>),
    (u16, u32, u64, u64, u16),
    [(Vec<u16>, Vec<u16>); 2],
);
type Place = (u16, u16);
type Body = (
    (Player, Place, u8, bool, u8),
    [u8; 4],
    u8,
    [u8; 3],
    (u32, u16, u16, u16),
);

fn place() -> impl Strategy<Value = Place> {
    let coordinate = || prop_oneof![300 => 200..16_000_u16, 1 => any::<u16>()];
    (coordinate(), coordinate())
}

fn body() -> impl Strategy<Value = Body> {
    (
        (0..20_u32, place(), any::<u8>(), any::<bool>(), 0..2_u8),
        any::<[u8; 4]>(),
        // A shot has a length, too.
        0..2_u8,
        any::<[u8; 3]>(),
        any::<(u32, u16, u16, u16)>(),
    )
}

/// States as often sound as not: columns of the same length or nearly, places in the arena or not.
fn parts() -> impl Strategy<Value = Parts> {
    let zombie = (place(), any::<u8>(), any::<u8>());
    let column = prop_oneof![9 => Just(None), 1 => (0..5_usize).prop_map(Some)];
    let zombies = (prop::collection::vec(zombie, 0..20), column).prop_map(|(zombies, column)| {
        let words = |words: Vec<u16>| words.into_iter().flat_map(u16::to_le_bytes).collect();
        let bytes = |byte: fn(&(Place, u8, u8)) -> u8| zombies.iter().map(byte).collect();
        let mut columns: [Vec<u8>; 5] = [
            words((0..zombies.len() as u16).collect()),
            words(zombies.iter().map(|zombie| zombie.0.0).collect()),
            words(zombies.iter().map(|zombie| zombie.0.1).collect()),
            bytes(|zombie| zombie.1),
            bytes(|zombie| zombie.2),
        ];
        if let Some(column) = column {
            columns[column].truncate(2);
        }
        columns.map(ByteBuf::from)
    });
    let bodies = || prop::collection::vec(body(), 0..6);
    let lying = || prop::collection::vec((any::<u16>(), place(), 0..3_u8), 0..15);
    let told = (any::<u32>(), 0..4_u8, any::<u32>(), any::<Option<u32>>());
    let tiles = || prop::collection::vec(prop_oneof![0..6_600_u16, any::<u16>()], 0..6);
    let sources = || (tiles(), tiles());
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
        (lying(), lying(), any::<u16>()),
        (any::<u32>(), prop::collection::vec(told, 0..12)),
        any::<(u16, u32, u64, u64, u16)>(),
        [sources(), sources()],
    )
}

#[test]
fn the_parts_are_those_of_a_state() {
    let config = Config {
        zombies_at_start: 40,
        items_at_start: 20,
        ..Config::default()
    };
    let mut room = playing(config, 0..5);
    let _verdict = room.act(By::Player(1), Action::Lure);
    infect(&mut room, 2, 3);
    room.ticks(50);
    room.leave(4);
    let parts: Parts = postcard::from_bytes(&room.bytes()).expect("the same layout");
    assert_eq!(postcard::to_allocvec(&parts), Ok(room.bytes()));
}

/// Everything a room may be asked for.
fn exercise(room: &mut Room) {
    for player in 0..4 {
        for action in [
            Action::Strike,
            Action::Heal,
            Action::Lure,
            Action::Steer(1),
            Action::Stop,
        ] {
            let _verdict = room.act(By::Player(player), action);
            room.tick();
        }
    }
    room.leave(0);
    room.join(0);
    room.ticks(3);
    sprites(room.state(), &mut Vec::new());
    let _shown = (hud(room.state()), mine(room.state(), 1));
    let _view = Contagion::view(room.state(), Some(1));
    room.reload().expect("it decodes what it encoded");
    let _verdict = room.act(By::Server, Action::CallTime);
}

proptest! {
    // A case is a long story: a quarter as many as usual. PROPTEST_CASES sets what is usual.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bounds_hold_whatever_happens(
        config in config(), seed: u64, steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut room = Room::new(config, seed);
        for step in &steps {
            let before = room.state().clone();
            perform(&mut room, step);
            check(&room, &config);
            compare(&before, room.state(), &config);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_state_also_through_its_encoding(
        config in config(), seed: u64, steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        let mut one = Room::new(config, seed);
        let mut two = Room::new(config, seed);
        let mut cold = Room::new(config, seed);
        for (step, reload) in &steps {
            perform(&mut one, step);
            perform(&mut two, step);
            perform(&mut cold, step);
            if *reload {
                cold.reload().expect("it decodes what it encoded");
            }
            prop_assert_eq!(one.hash(), two.hash());
            prop_assert_eq!(one.hash(), cold.hash());
        }
        prop_assert_eq!(one.state(), cold.state());
        prop_assert_eq!(awards(&one), awards(&cold));
    }

    #[test]
    fn no_bytes_make_a_state_that_panics(parts in parts(), city: bool) {
        // Nothing but its own bytes reaches a room in earnest: this is about corrupt stores.
        let bytes = postcard::to_allocvec(&parts).expect("it encodes");
        if let Ok(state) = postcard::from_bytes::<State>(&bytes) {
            let mut room = playing(Config { city, ..Config::default() }, 0..3);
            *room.state_mut() = state;
            exercise(&mut room);
        }
    }
}
