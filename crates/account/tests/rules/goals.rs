//! Goals: each is rewarded once, by the account itself.

use account::{Action, Goal, reject};
use baton::By;

use crate::samples::{lost, wander, won};
use crate::scene::{OWNER, account, run, serve, server};

#[test]
fn b25_the_hundredth_game_is_rewarded_once_whatever_comes_after() {
    let mut solo = account();
    for game in 1..100 {
        server(&mut solo, Action::Match(lost()));
        serve(&mut solo);
        assert!(
            !solo.state().goals.contains(&Goal::HundredGames),
            "{game} games"
        );
    }
    let before = solo.state().coins;
    run(&mut solo, wander);
    assert_eq!(solo.state().games(), 100);
    assert_eq!(solo.state().coins, before + Goal::HundredGames.coins());
    // Once, though more games come, and though it is asked for again.
    server(&mut solo, Action::Match(lost()));
    assert_eq!(serve(&mut solo), 0);
    let again = Action::Reward(Goal::HundredGames);
    assert_eq!(solo.act(By::Server, again), Err(reject::NOT_EARNED));
    assert_eq!(solo.state().coins, before + Goal::HundredGames.coins());
}

#[test]
fn b25_every_goal_can_be_reached_is_rewarded_once_and_by_no_player() {
    let mut solo = account();
    let mut coins = 0;
    for _ in 0..100 {
        server(&mut solo, Action::Match(won(0)));
        coins += 50;
        for goal in Goal::ALL {
            let forged = solo.act(OWNER, Action::Reward(goal));
            assert_eq!(forged, Err(reject::SERVER_ONLY));
        }
        serve(&mut solo);
    }
    assert_eq!(solo.state().goals, Goal::ALL.into());
    coins += Goal::ALL.iter().map(|goal| goal.coins()).sum::<u64>();
    assert_eq!(solo.state().coins, coins);
}

#[test]
fn b25_what_was_bought_with_a_reward_does_not_bring_it_again() {
    let mut solo = account();
    server(&mut solo, Action::Match(lost()));
    serve(&mut solo);
    assert_eq!(solo.state().coins, Goal::FirstMatch.coins());
    server(
        &mut solo,
        Action::Grant {
            coins: i64::MIN,
            scrap: 0,
        },
    );
    assert_eq!(serve(&mut solo), 0);
    assert_eq!(solo.state().coins, 0);
}
