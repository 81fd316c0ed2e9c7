//! What people and renderers are shown.

use baton::Rules;
use contagion::{
    Action, BITE_COOLDOWN_MS, BITE_DAMAGE, Contagion, FULL_HEALTH, Hud, INFECTION_MS, LURE_MS,
    Mine, Phase, Role, STRIKE_COOLDOWN_MS, Score, Standing, TICK_MS, TILE, TURNED_HEALTH, Thing,
    Winner, Zombies, hud, mine, points, sprite, sprites,
};
use serde_json::json;

use crate::scene::{
    PLAY, Room, calm, does, figure, haunt, infect, lay, make_turned, playing, put, put_off, set,
    ticks, tile, until,
};

/// The rows of a room, each of one stride.
fn rows(room: &Room) -> Vec<[i32; sprite::STRIDE]> {
    let mut rows = vec![7; 3];
    sprites(room.state(), &mut rows);
    let (rows, rest) = rows.as_chunks();
    assert!(rest.is_empty());
    rows.to_vec()
}

/// The row of a player.
fn row(room: &Room, player: i32) -> [i32; sprite::STRIDE] {
    let mut rows = rows(room).into_iter();
    let own = rows.find(|row| (row[sprite::KIND], row[sprite::ID]) == (sprite::PLAYER, player));
    own.expect("the player is on the field")
}

#[test]
fn the_view_is_for_people() {
    let mut room = playing(calm(), [3, 5, 6]);
    put(&mut room, 3, 10, 20);
    put(&mut room, 5, 40, 30);
    put(&mut room, 6, 60, 30);
    make_turned(&mut room, 5);
    infect(&mut room, 6, 90);
    haunt(&mut room, 1, 1);
    room.ticks(10);
    let five = json!({
        "player": 5, "role": "turned", "health": TURNED_HEALTH, "score": 0, "tile": [40, 30],
    });
    let person = |player: u32, role: &str, tile: [i32; 2]| {
        json!({
            "player": player, "role": role, "health": FULL_HEALTH, "score": points::SECOND, "tile": tile,
        })
    };
    let mut expected = json!({
        "kind": "contagion", "phase": "playing", "ms_left": (PLAY - 10) * TICK_MS, "match": 1,
        "survivors": 2, "infected": 1, "turned": 1, "zombies": 1,
        "players": [person(3, "survivor", [10, 20]), five, person(6, "infected", [60, 30])],
        "you": null, "last": null,
    });
    assert_eq!(Contagion::view(room.state(), None), expected);
    assert_eq!(
        Contagion::view(room.state(), Some(4)),
        expected,
        "somebody who watches"
    );
    expected["you"] = five;
    assert_eq!(Contagion::view(room.state(), Some(5)), expected);

    room.state_mut().field.zombies = Zombies::default();
    room.ticks(PLAY - 10);
    let view = Contagion::view(room.state(), None);
    let last = json!({
        "match_id": 1, "winner": "survivors", "survivors": 1, "players": 3,
        "played_ms": PLAY * TICK_MS,
    });
    assert_eq!((&view["phase"], &view["last"]), (&json!("over"), &last));
}

#[test]
fn the_hud_counts_and_lists_everybody_best_first() {
    let mut room = playing(calm(), [3, 5, 6, 7]);
    make_turned(&mut room, 5);
    infect(&mut room, 6, 90);
    set(&mut room, 6).tally.cures = 2;
    set(&mut room, 7).tally.struck = 1;
    haunt(&mut room, 1, 1);
    room.leave(7);
    room.ticks(10);
    let shown = hud(room.state());
    let score = |player, score, role| Score {
        player,
        score,
        role,
        away: false,
        survived_ms: 1_000,
        struck: 0,
        cures: 0,
        infected: 0,
    };
    let expected = Hud {
        phase: Phase::Playing,
        ms_left: (PLAY - 10) * TICK_MS,
        match_id: 1,
        players: 3,
        survivors: 2,
        infected: 1,
        turned: 1,
        zombies: 1,
        last: None,
        scores: vec![
            Score {
                cures: 2,
                ..score(6, 1 + 2 * points::CURE, Standing::Infected)
            },
            Score {
                away: true,
                survived_ms: 0,
                struck: 1,
                ..score(7, points::STRUCK, Standing::Survivor)
            },
            score(3, 1, Standing::Survivor),
            Score {
                survived_ms: 0,
                ..score(5, 0, Standing::Turned)
            },
        ],
        feed: Vec::new(),
    };
    assert_eq!(shown, expected);
    until(&mut room, Phase::Over);
    let last = hud(room.state()).last.expect("it has ended");
    assert_eq!(last.winner, Winner::Survivors);
}

#[test]
fn everybody_whom_the_match_knew_stays_on_the_scoreboard() {
    let mut room = playing(calm(), [0, 1, 2]);
    room.leave(1);
    until(&mut room, Phase::Over);
    room.leave(2);
    room.join(3);
    let shown = hud(room.state());
    let listed: Vec<_> = shown
        .scores
        .iter()
        .map(|score| (score.player, score.away))
        .collect();
    assert_eq!(listed, [(0, false), (2, true), (1, true)]);
}

#[test]
fn sprites_are_rows_of_one_stride_and_keep_their_ids() {
    let mut room = playing(calm(), [3, 5]);
    put(&mut room, 3, 10, 20);
    put(&mut room, 5, 80, 50);
    haunt(&mut room, 10, 20);
    haunt(&mut room, 14, 20);
    for (x, thing) in [
        (60, Thing::Medkit),
        (62, Thing::Ammunition),
        (64, Thing::Lure),
    ] {
        lay(&mut room, tile(x, 5), thing);
    }
    assert_eq!(does(&mut room, 5, Action::Lure), Ok(()));
    assert_eq!(does(&mut room, 5, Action::Steer(9)), Ok(()));
    let passed = ticks(BITE_COOLDOWN_MS);
    room.ticks(passed);
    let rows = rows(&room);
    let column = |offset: usize| rows.iter().map(|row| row[offset]).collect::<Vec<_>>();
    let (player, zombie, item) = (sprite::PLAYER, sprite::ZOMBIE, sprite::ITEM);
    assert_eq!(
        column(sprite::KIND),
        [
            item,
            item,
            item,
            sprite::LURE,
            zombie,
            zombie,
            player,
            player
        ],
        "the order in which they are drawn"
    );
    assert_eq!(column(sprite::ID)[..3], [0, 1, 2]);
    assert_eq!(column(sprite::ID)[4..], [0, 1, 3, 5]);
    assert_eq!(column(sprite::X)[..3], [60, 62, 64].map(|x| x * TILE));
    assert_eq!(column(sprite::X)[4], 10 * TILE);
    assert!(
        (10 * TILE..14 * TILE).contains(&rows[5][sprite::X]),
        "it walks"
    );
    assert_eq!(column(sprite::Y)[4..7], [20 * TILE; 3]);
    assert_eq!(column(sprite::FACING)[4..], [0, 16, 0, 9]);
    let health = i32::from(FULL_HEALTH);
    let bitten = health - i32::from(BITE_DAMAGE);
    assert_eq!(column(sprite::HEALTH), [1, 1, 1, 1, 1, 1, bitten, health]);
    assert_eq!(column(sprite::FLAGS)[..4], [0; 4]);
    assert_eq!(column(sprite::FLAGS)[4], sprite::BITES);
    assert_eq!(column(sprite::FLAGS)[6..], [0, sprite::WALKS]);
    let extra = [sprite::MEDKIT, sprite::AMMUNITION, sprite::LURE_ITEM];
    assert_eq!(column(sprite::EXTRA)[..3], extra);
    let noise = (LURE_MS - passed * TICK_MS) as i32;
    assert_eq!(column(sprite::EXTRA)[3..6], [noise, 0, 0]);
    assert_eq!(column(sprite::EXTRA)[6..], [INFECTION_MS as i32, 0]);
    assert_eq!(column(sprite::SHOT), [0; 8]);
}

#[test]
fn a_strike_a_shot_and_a_bite_are_seen_for_two_ticks() {
    let mut room = playing(calm(), [0, 1, 2]);
    for (player, x) in [(0, 10), (1, 40), (2, 70)] {
        put(&mut room, player, x, 32);
    }
    set(&mut room, 1).kit.ammunition = 1;
    haunt(&mut room, 46, 32);
    make_turned(&mut room, 2);
    for player in 0..3 {
        assert_eq!(does(&mut room, player, Action::Strike), Ok(()));
    }
    let (strikes, shoots) = (sprite::STRIKES, sprite::SHOOTS);
    let bites = sprite::TURNED | sprite::BITES;
    let seen = |room: &Room| {
        [0, 1, 2].map(|player| {
            (
                row(room, player)[sprite::FLAGS],
                row(room, player)[sprite::SHOT],
            )
        })
    };
    let fresh = [(strikes, 0), (shoots, 6 * TILE), (bites, 0)];
    assert_eq!(seen(&room), fresh);
    room.tick();
    assert_eq!(seen(&room), fresh);
    room.tick();
    assert_eq!(seen(&room), [(0, 0), (0, 0), (sprite::TURNED, 0)]);
}

#[test]
fn who_has_just_turned_or_lies_down_is_not_seen_striking() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 10, 10);
    put(&mut room, 1, 50, 32);
    infect(&mut room, 1, 1);
    assert_eq!(does(&mut room, 1, Action::Strike), Ok(()));
    room.tick();
    assert_eq!(
        row(&room, 1)[sprite::FLAGS],
        sprite::TURNED,
        "turned while striking"
    );
    assert_eq!(row(&room, 1)[sprite::HEALTH], i32::from(TURNED_HEALTH));
    put_off(&mut room, 0, (50, 32), (-100, 0));
    set(&mut room, 1).health = 1;
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    room.tick();
    assert_eq!(row(&room, 1)[sprite::FLAGS], sprite::TURNED | sprite::DOWN);
    assert_eq!(row(&room, 1)[sprite::HEALTH], 0);
}

#[test]
fn a_player_is_told_of_the_own_figure_and_who_watches_of_none() {
    let mut room = playing(calm(), [0, 1]);
    put(&mut room, 0, 10, 10);
    infect(&mut room, 0, 50);
    let own = set(&mut room, 0);
    own.health = 70;
    own.kit.medkits = 1;
    own.kit.ammunition = 5;
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    let expected = Mine {
        role: Role::Survivor,
        health: 70,
        infection_ms: 50 * TICK_MS,
        ammunition: 5,
        medkits: 1,
        lures: 1,
        cooldown_ms: STRIKE_COOLDOWN_MS,
        down_ms: 0,
        score: 0,
    };
    assert_eq!(mine(room.state(), 0), Some(expected));
    assert_eq!(mine(room.state(), 7), None);
    make_turned(&mut room, 1);
    set(&mut room, 1).down = 12;
    let other = mine(room.state(), 1).expect("on the field");
    assert_eq!((other.role, other.down_ms), (Role::Turned, 12 * TICK_MS));
    room.leave(0);
    assert_eq!(mine(room.state(), 0), None);
    assert!(figure(&room, 1).is_down());
}
