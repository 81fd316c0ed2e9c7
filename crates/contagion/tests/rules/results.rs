//! Points, and what accounts are sent.

use baton::By;
use contagion::{ACCOUNT, Action, Award, MatchResult, Phase, Tally, points};

use crate::scene::{
    OVER, PLAY, Room, awards, calm, figure, infect, make_turned, playing, set, until,
};

#[test]
fn points_are_counted_from_what_was_done() {
    assert_eq!(
        [
            points::SECOND,
            points::STRUCK,
            points::CURE,
            points::INFECTED
        ],
        [1, 5, 25, 40]
    );
    let tally = Tally {
        survived_ms: 12_999,
        struck: 3,
        cures: 2,
        infected: 4,
    };
    assert_eq!(tally.score(), 12 + 3 * 5 + 2 * 25 + 4 * 40);
    let most = Tally {
        survived_ms: u32::MAX,
        struck: u16::MAX,
        cures: u16::MAX,
        infected: u16::MAX,
    };
    assert!(most.score() > tally.score(), "and never wrap");
}

#[test]
fn a_second_counts_for_who_is_on_the_field_and_has_not_turned() {
    let mut room = playing(calm(), [0, 1, 2, 3]);
    make_turned(&mut room, 1);
    infect(&mut room, 2, 10);
    room.ticks(30);
    room.leave(3);
    room.ticks(20);
    let everybody = room.state().field.everybody();
    let mut survived: Vec<_> = everybody
        .map(|figure| (figure.player, figure.tally.survived_ms))
        .collect();
    survived.sort_unstable();
    // In the tick in which it turned it did not survive.
    assert_eq!(survived, [(0, 5_000), (1, 0), (2, 900), (3, 3_000)]);
}

#[test]
fn at_the_end_everybody_who_played_is_sent_one_result() {
    let mut room = playing(calm(), [4, 1, 2]);
    room.ticks(50);
    make_turned(&mut room, 2);
    set(&mut room, 2).tally.infected = 2;
    room.leave(1);
    set(&mut room, 4).tally.cures = 1;
    set(&mut room, 4).tally.struck = 7;
    assert_eq!(awards(&room), []);
    until(&mut room, Phase::Over);
    let seconds = PLAY / 10;
    let result = |won, score, survived_ms| MatchResult {
        match_id: 1,
        won,
        score,
        survived_ms,
        struck: 0,
        cures: 0,
        infected: 0,
    };
    let expected = [
        // Who left is not rescued.
        (1, result(false, 5, 5_000)),
        (
            2,
            MatchResult {
                infected: 2,
                ..result(false, 5 + 2 * points::INFECTED, 5_000)
            },
        ),
        (
            4,
            MatchResult {
                cures: 1,
                struck: 7,
                ..result(
                    true,
                    seconds + points::CURE + 7 * points::STRUCK,
                    seconds * 1_000,
                )
            },
        ),
    ];
    let expected = expected.map(|(player, result)| (format!("{ACCOUNT}/{player}"), result));
    assert_eq!(awards(&room), expected);
    // Once: neither the scoreboard nor the next countdown sends anything.
    room.ticks(OVER + 2);
    assert_eq!(awards(&room).len(), 3);
}

#[test]
fn who_had_turned_has_won_when_the_contagion_has() {
    let mut room = playing(calm(), [0, 1, 2]);
    make_turned(&mut room, 1);
    room.leave(2);
    infect(&mut room, 0, 3);
    until(&mut room, Phase::Over);
    let won: Vec<_> = awards(&room).iter().map(|(_, result)| result.won).collect();
    // Who was the last to turn belongs to the contagion as well; who deserted does not.
    assert_eq!(won, [true, true, false]);
}

#[test]
fn without_play_there_is_no_result() {
    let mut room = Room::new(calm(), 1);
    room.join(0);
    room.join(1);
    room.leave(1);
    room.ticks(1);
    room.leave(0);
    assert_eq!(awards(&room), [], "a countdown is no match");
    room.join(0);
    until(&mut room, Phase::Over);
    room.join(7);
    until(&mut room, Phase::Countdown);
    let sent: Vec<_> = awards(&room)
        .into_iter()
        .map(|(target, _)| target)
        .collect();
    assert_eq!(sent, ["account/0"], "who came after the end has none");
}

#[test]
fn who_only_watched_has_no_result() {
    let mut room = playing(contagion::Config { seats: 2, ..calm() }, [0, 1, 2]);
    until(&mut room, Phase::Over);
    let sent: Vec<_> = awards(&room)
        .into_iter()
        .map(|(target, _)| target)
        .collect();
    assert_eq!(sent, ["account/0", "account/1"]);
}

#[test]
fn a_match_ended_by_the_server_sends_results_once_also_when_nobody_is_present() {
    for empty in [false, true] {
        let mut room = playing(calm(), [0, 1]);
        room.ticks(25);
        if empty {
            room.leave(0);
            room.leave(1);
        }
        assert_eq!(room.act(By::Server, Action::CallTime), Ok(()));
        assert!(room.act(By::Server, Action::CallTime).is_err());
        room.ticks(40);
        let sent = awards(&room);
        assert_eq!(sent.len(), 2, "{empty}");
        assert!(sent.iter().all(|(_, result)| result.score == 2));
    }
}

#[test]
fn each_match_sends_results_under_its_own_number() {
    let mut room = playing(calm(), [0]);
    until(&mut room, Phase::Over);
    until(&mut room, Phase::Playing);
    assert_eq!(figure(&room, 0).tally, Tally::default());
    until(&mut room, Phase::Over);
    let ids: Vec<_> = awards(&room)
        .iter()
        .map(|(_, result)| result.match_id)
        .collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn an_award_is_encoded_in_this_order() {
    let award = Award::Match(MatchResult {
        match_id: 3,
        won: true,
        score: 130,
        survived_ms: 5,
        struck: 1,
        cures: 2,
        infected: 4,
    });
    let bytes = [0, 3, 1, 0x82, 1, 5, 1, 2, 4];
    assert_eq!(postcard::to_allocvec(&award).as_deref(), Ok(&bytes[..]));
}
