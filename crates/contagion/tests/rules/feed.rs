//! What players are told.

use contagion::{Action, MAX_TOLD, Phase, What, hud};

use crate::scene::{Room, calm, does, infect, make_turned, playing, put, set, told, until};

fn seqs(room: &Room) -> Vec<u32> {
    let feed = room.state().field.feed.told();
    feed.iter().map(|told| told.seq).collect()
}

#[test]
fn numbers_rise_by_one_and_the_last_few_are_kept() {
    let mut room = playing(calm(), 0..20);
    assert!(seqs(&room).is_empty());
    for player in 0..12 {
        infect(&mut room, player, 1);
        room.tick();
        let told = seqs(&room);
        let first = (player + 2).saturating_sub(MAX_TOLD as u32).max(1);
        assert_eq!(told, (first..=player + 1).collect::<Vec<_>>());
    }
    let who: Vec<_> = told(&room).iter().map(|told| told.1).collect();
    assert_eq!(who, (12 - MAX_TOLD as u32..12).collect::<Vec<_>>());
}

#[test]
fn many_in_one_tick_are_told_in_the_order_of_players() {
    let mut room = playing(calm(), 0..20);
    (0..12).for_each(|player| infect(&mut room, player, 1));
    room.tick();
    assert_eq!(seqs(&room), (5..=12).collect::<Vec<_>>());
    assert_eq!(told(&room)[7], (What::Turned, 11, None));
}

#[test]
fn who_joins_late_is_told_the_same_and_a_new_match_begins_at_one() {
    let mut room = playing(calm(), [0, 1, 2]);
    put(&mut room, 0, 40, 30);
    put(&mut room, 1, 40, 30);
    put(&mut room, 2, 80, 50);
    infect(&mut room, 1, 100);
    set(&mut room, 0).kit.medkits = 1;
    assert_eq!(does(&mut room, 0, Action::Heal), Ok(()));
    make_turned(&mut room, 1);
    set(&mut room, 1).health = 1;
    assert_eq!(does(&mut room, 0, Action::Strike), Ok(()));
    let before = told(&room);
    assert_eq!(
        before,
        [(What::Cured, 1, Some(0)), (What::Felled, 1, Some(0))]
    );
    room.join(9);
    room.reload().expect("it decodes what it encoded");
    assert_eq!(told(&room), before);
    assert_eq!(hud(room.state()).feed, room.state().field.feed.told());
    until(&mut room, Phase::Over);
    assert_eq!(told(&room), before, "still there on the scoreboard");
    until(&mut room, Phase::Playing);
    assert!(seqs(&room).is_empty());
    infect(&mut room, 0, 1);
    room.tick();
    assert_eq!(seqs(&room), [1]);
}
