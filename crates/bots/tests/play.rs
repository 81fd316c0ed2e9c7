//! Bots in scenes and in matches: what they do, and the limits they keep.

use baton::Solo;
use baton::{By, Player};
use bots::{Brain, Skill};
use contagion::{Action, Config, Contagion, Figure, Phase, Point, Role, TILE, heading};

type Room = Solo<Contagion>;

/// Open ground, to which nothing comes by itself.
fn calm() -> Config {
    Config {
        countdown_ms: 100,
        city: false,
        zombies_at_start: 0,
        spawns_per_minute: 0,
        spawns_per_minute_and_player: 0,
        items_at_start: 0,
        items_per_minute: 0,
        items_per_minute_and_player: 0,
        ..Config::default()
    }
}

/// A room in its first tick of play.
fn playing(config: Config, players: Player, seed: u64) -> Room {
    let mut room = Room::new(config, seed);
    (0..players).for_each(|player| room.join(player));
    while room.state().phase != Phase::Playing {
        room.tick();
    }
    room
}

fn at(column: i32, row: i32) -> Point {
    Point::nearest(column * TILE + TILE / 2, row * TILE + TILE / 2)
}

fn figure(room: &mut Room, player: usize) -> &mut Figure {
    &mut room.state_mut().field.figures[player]
}

fn haunt(room: &mut Room, place: Point) {
    let field = &mut room.state_mut().field;
    assert!(field.zombies.push(field.next_zombie, place));
    field.next_zombie += 1;
}

/// Lets bots play for some ticks; what each did, with the tick at which it did.
fn play(
    room: &mut Room,
    config: &Config,
    brains: &mut [Brain],
    ticks: u32,
) -> Vec<Vec<(u32, Action)>> {
    let mut done = vec![Vec::new(); brains.len()];
    for tick in 0..ticks {
        for (player, brain) in brains.iter_mut().enumerate() {
            let who = player as Player;
            if let Some(action) = brain.decide(room.state(), config, who) {
                done[player].push((tick, action));
                let _refused_is_allowed = room.act(By::Player(who), action);
            }
        }
        room.tick();
    }
    done
}

/// A whole match of bots of one skill; how long each survived, in milliseconds.
fn survived(skill: Skill, players: Player, seed: u64) -> Vec<u32> {
    let config = Config::default();
    let mut room = playing(config, players, seed);
    let brain = |player| Brain::new(skill, seed * 100 + u64::from(player));
    let mut brains: Vec<Brain> = (0..players).map(brain).collect();
    while room.state().phase == Phase::Playing {
        play(&mut room, &config, &mut brains, 1);
    }
    let everybody = room.state().field.everybody();
    everybody.map(|figure| figure.tally.survived_ms).collect()
}

#[test]
fn skill_shows_in_the_same_matches() {
    let mean = |skill| {
        let all: Vec<u32> = (1..=4).flat_map(|seed| survived(skill, 4, seed)).collect();
        all.iter().sum::<u32>() / all.len() as u32
    };
    let means = Skill::ALL.map(mean);
    assert!(
        means[0] + 20_000 < means[1] && means[1] + 10_000 < means[2],
        "{means:?}"
    );
}

#[test]
fn in_a_corner_it_turns_round_and_strikes() {
    for skill in [Skill::Fair, Skill::Skilled] {
        let config = calm();
        let mut room = playing(config, 1, 1);
        // Its back to what comes.
        figure(&mut room, 0).at = at(0, 0);
        figure(&mut room, 0).facing = 20;
        for place in [at(4, 1), at(1, 4), at(5, 5)] {
            haunt(&mut room, place);
        }
        let mut brains = [Brain::new(skill, 3)];
        let done = play(&mut room, &config, &mut brains, 100);
        let first = done[0]
            .iter()
            .find(|(_, action)| matches!(action, Action::Steer(_)));
        let Some((_, Action::Steer(angle))) = first else {
            panic!("{skill:?} never turned");
        };
        let towards = heading(at(0, 0), at(5, 5));
        assert!(angle.abs_diff(towards) <= 8, "{skill:?} turned to {angle}");
        let figure = figure(&mut room, 0);
        assert_eq!(figure.tally.struck, 3, "{skill:?}");
        assert!(figure.survives());
    }
}

#[test]
fn an_infected_bot_with_a_medkit_is_cured() {
    for skill in Skill::ALL {
        let config = calm();
        let mut room = playing(config, 1, 1);
        figure(&mut room, 0).infection = 150;
        let mut brains = [Brain::new(skill, 1)];
        play(&mut room, &config, &mut brains, 140);
        assert!(figure(&mut room, 0).is_infected(), "without a medkit");
        figure(&mut room, 0).infection = 150;
        figure(&mut room, 0).kit.medkits = 1;
        play(&mut room, &config, &mut brains, 140);
        let figure = figure(&mut room, 0);
        assert!(figure.survives() && !figure.is_infected(), "{skill:?}");
        assert_eq!(figure.kit.medkits, 0);
    }
}

#[test]
fn the_skilled_walk_to_a_friend_and_cure_it_and_novices_do_not() {
    for (skill, cures) in [(Skill::Novice, 0), (Skill::Skilled, 1)] {
        let config = calm();
        let mut room = playing(config, 2, 1);
        figure(&mut room, 0).at = at(40, 32);
        figure(&mut room, 0).kit.medkits = 2;
        figure(&mut room, 1).at = at(48, 32);
        figure(&mut room, 1).infection = 150;
        play(&mut room, &config, &mut [Brain::new(skill, 1)], 100);
        assert_eq!(figure(&mut room, 0).tally.cures, cures, "{skill:?}");
    }
}

#[test]
fn what_lies_about_is_fetched() {
    use contagion::{Item, Thing};
    let config = calm();
    let mut room = playing(config, 1, 1);
    figure(&mut room, 0).at = at(40, 32);
    for (id, thing) in [Thing::Medkit, Thing::Ammunition].into_iter().enumerate() {
        let item = Item {
            id: id as u16,
            at: at(46, 30 + 4 * id as i32),
            thing,
        };
        room.state_mut().field.ground.items.push(item);
    }
    play(&mut room, &config, &mut [Brain::new(Skill::Fair, 1)], 100);
    let kit = figure(&mut room, 0).kit;
    assert!(kit.medkits == 1 && kit.ammunition > 0, "{kit:?}");
}

#[test]
fn who_has_turned_hunts_and_bites() {
    for skill in Skill::ALL {
        let config = calm();
        let mut room = playing(config, 2, 1);
        *figure(&mut room, 0) = Figure {
            role: Role::Turned,
            at: at(30, 30),
            ..figure(&mut room, 0).clone()
        };
        figure(&mut room, 1).at = at(42, 36);
        play(&mut room, &config, &mut [Brain::new(skill, 1)], 150);
        assert_eq!(figure(&mut room, 0).tally.infected, 1, "{skill:?}");
    }
}

#[test]
fn a_bot_reacts_as_late_and_acts_as_seldom_as_a_person() {
    for (skill, reaction, most) in [
        (Skill::Novice, 5, 25),
        (Skill::Fair, 3, 33),
        (Skill::Skilled, 2, 42),
    ] {
        for seed in 0..20 {
            let config = calm();
            let mut room = playing(config, 1, seed);
            figure(&mut room, 0).at = at(40, 32);
            haunt(&mut room, at(42, 32));
            let mut brains = [Brain::new(skill, seed)];
            let done = play(&mut room, &config, &mut brains, 30);
            let first = done[0].first().map_or(0, |(tick, _)| *tick);
            assert!(
                (reaction..reaction + 9).contains(&first),
                "{skill:?}: {first}"
            );
        }
        let config = Config::default();
        let mut room = playing(config, 1, 5);
        let (mut brains, mut ticks, mut actions) = ([Brain::new(skill, 5)], 0, 0);
        while room.state().phase == Phase::Playing {
            actions += play(&mut room, &config, &mut brains, 1)[0].len() as u32;
            ticks += 1;
        }
        let actions = actions * 100 / ticks;
        assert!(
            (3..=most).contains(&actions),
            "{skill:?}: {actions} in ten seconds"
        );
    }
}

#[test]
fn the_same_seed_plays_the_same_and_what_is_far_is_not_noticed() {
    let config = Config::default();
    let run = |seed: u64, extra: Option<Point>| {
        let mut room = playing(calm(), 1, 7);
        figure(&mut room, 0).at = at(40, 32);
        extra.into_iter().for_each(|place| haunt(&mut room, place));
        play(
            &mut room,
            &config,
            &mut [Brain::new(Skill::Skilled, seed)],
            20,
        )
    };
    assert_eq!(run(1, None), run(1, None));
    assert_ne!(run(1, None), run(2, None));
    assert_eq!(run(1, None), run(1, Some(at(75, 32))), "35 tiles away");
    assert_ne!(run(1, None), run(1, Some(at(44, 32))));
}
