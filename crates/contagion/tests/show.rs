//! What people and renderers are shown.

mod common;

use baton::Rules;
use common::{calm, does, haunt, hurt, playing, put, until};
use contagion::{Action, Contagion, Hud, Phase, TILE, Winner, hud, sprite, sprites};
use serde_json::json;

#[test]
fn the_view_is_for_people() {
    let mut room = playing(calm(), [3, 5]);
    put(&mut room, 3, 10, 20);
    put(&mut room, 5, 40, 30);
    hurt(&mut room, 5, 0);
    haunt(&mut room, 1, 1);
    room.ticks(10);
    let five = json!({"player": 5, "alive": false, "health": 0, "tile": [40, 30]});
    let mut expected = json!({
        "kind": "contagion", "phase": "playing", "ms_left": 9_000, "match": 1, "alive": 1,
        "zombies": 1, "players": [
            {"player": 3, "alive": true, "health": 100, "tile": [10, 20]}, five,
        ],
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

    until(&mut room, Phase::Over);
    let view = Contagion::view(room.state(), None);
    let last = json!({
        "match_id": 1, "winner": "survivors", "survivors": 1, "players": 2, "played_ms": 10_000,
    });
    assert_eq!((&view["phase"], &view["last"]), (&json!("over"), &last));
}

#[test]
fn the_hud_counts() {
    let mut room = playing(calm(), [3, 5]);
    hurt(&mut room, 5, 0);
    haunt(&mut room, 1, 1);
    room.tick();
    let expected = Hud {
        phase: Phase::Playing,
        ms_left: 9_900,
        match_id: 1,
        players: 2,
        alive: 1,
        zombies: 1,
        last: None,
    };
    assert_eq!(hud(room.state()), expected);
    until(&mut room, Phase::Over);
    let last = hud(room.state()).last.expect("it has ended");
    assert_eq!(last.winner, Winner::Survivors);
}

#[test]
fn sprites_are_rows_of_one_stride_and_keep_their_ids() {
    let mut room = playing(calm(), [3, 5]);
    put(&mut room, 3, 10, 20);
    haunt(&mut room, 10, 20);
    haunt(&mut room, 30, 20);
    assert_eq!(does(&mut room, 5, Action::Steer(9)), Ok(()));
    room.ticks(10);
    let mut rows = vec![7; 3];
    sprites(room.state(), &mut rows);
    let rows: Vec<&[i32]> = rows.chunks_exact(sprite::STRIDE).collect();
    assert_eq!(rows.len(), 4);
    let column = |offset: usize| rows.iter().map(|row| row[offset]).collect::<Vec<_>>();
    let (player, zombie) = (sprite::PLAYER, sprite::ZOMBIE);
    assert_eq!(column(sprite::KIND), [zombie, zombie, player, player]);
    assert_eq!(column(sprite::ID), [0, 1, 3, 5]);
    assert_eq!(
        column(sprite::X)[..3],
        [10 * TILE, rows[1][sprite::X], 10 * TILE]
    );
    assert!(
        (20 * TILE..30 * TILE).contains(&rows[1][sprite::X]),
        "it walks"
    );
    assert_eq!(column(sprite::Y)[..3], [20 * TILE; 3]);
    assert_eq!(column(sprite::FACING), [0, 16, 0, 9]);
    assert_eq!(column(sprite::HEALTH), [1, 1, 90, 100]);
    assert_eq!(column(sprite::FLAGS), [sprite::BITES, 0, 0, sprite::WALKS]);
}
