//! Balances: none falls below zero, two of them are apart, and how much may be overspent is bounded.

use account::{Account, Action, Goal, Item, Price, TOLERANCE, reject};
use baton::{By, Solo};
use proptest::prelude::*;

use crate::random;
use crate::samples::{is_players, won};
use crate::scene::{OWNER, account, act, server};

/// What a balance becomes, in numbers that can be negative and cannot overflow.
fn changed(balance: u64, change: i128) -> u64 {
    let next = i128::from(balance) + change;
    next.clamp(0, i128::from(u64::MAX)) as u64
}

/// What an accepted action changes: coins, scrap. A model apart from the rules.
fn change(action: &Action) -> (i128, i128) {
    match action {
        Action::Match(result) => {
            let won = if result.won { 50 } else { 0 };
            (i128::from(result.score / 20) + won, 0)
        }
        Action::Reward(goal) => (i128::from(goal.coins()), 0),
        Action::Buy(item) => (0, -i128::from(item.price().1)),
        Action::Purchase(item) => (-i128::from(item.price().1), 0),
        Action::Grant { coins, scrap } => (i128::from(*coins), i128::from(*scrap)),
        Action::Import(legacy) => (i128::from(legacy.coins), i128::from(legacy.scrap)),
        Action::Run { .. }
        | Action::Look(_)
        | Action::Prefer(..)
        | Action::Deal
        | Action::Check => (0, 0),
    }
}

proptest! {
    #[test]
    fn b24_no_order_of_actions_takes_a_balance_below_zero_or_past_its_end(
        steps in prop::collection::vec(random::action(), 1..60)
    ) {
        let mut solo = account();
        for action in steps {
            let by = if is_players(&action) { OWNER } else { By::Server };
            let before = (solo.state().coins, solo.state().scrap);
            let (coins, scrap) = match solo.act(by, action.clone()) {
                Ok(()) => change(&action),
                Err(_) => (0, 0),
            };
            let after = (changed(before.0, coins), changed(before.1, scrap));
            prop_assert_eq!((solo.state().coins, solo.state().scrap), after, "{:?}", action);
            prop_assert!(solo.state().overspent <= TOLERANCE);
        }
    }

    #[test]
    fn b26_nothing_that_a_player_does_touches_coins(
        coins in any::<u64>(),
        steps in prop::collection::vec(random::action(), 1..60)
    ) {
        let mut solo = account();
        solo.state_mut().coins = coins;
        server(&mut solo, Action::Grant { coins: 0, scrap: 10_000 });
        for action in steps {
            let _ = act(&mut solo, action);
            prop_assert_eq!(solo.state().coins, coins);
        }
    }
}

#[test]
fn b24_what_is_taken_back_stops_at_zero() {
    let mut solo = account();
    for (coins, scrap, left) in [
        (30, 40, (30, 40)),
        (-10, -10, (20, 30)),
        (i64::MIN, -31, (0, 0)),
        (i64::MAX, 0, (i64::MAX as u64, 0)),
        (i64::MAX, 0, (u64::MAX - 1, 0)),
        (i64::MAX, 0, (u64::MAX, 0)),
        (-1, 5, (u64::MAX - 1, 5)),
    ] {
        server(&mut solo, Action::Grant { coins, scrap });
        assert_eq!((solo.state().coins, solo.state().scrap), left);
    }
}

/// An account with scrap that it once had.
fn with_scrap(scrap: i64) -> Solo<Account> {
    let mut solo = account();
    server(&mut solo, Action::Grant { coins: 0, scrap });
    solo
}

#[test]
fn b26_two_devices_may_spend_the_same_scrap_once_and_the_balance_stops_at_zero() {
    let (_, welder) = Item::Welder.price();
    let (_, raincoat) = Item::Raincoat.price();
    let mut solo = with_scrap(welder as i64);
    act(&mut solo, Action::Buy(Item::Welder)).expect("it can be paid");
    assert_eq!((solo.state().scrap, solo.state().overspent), (0, 0));
    // Another device, which had not heard of it.
    act(&mut solo, Action::Buy(Item::Raincoat)).expect("it did nothing wrong");
    assert_eq!((solo.state().scrap, solo.state().overspent), (0, raincoat));
    assert!(solo.state().items.contains(&Item::Raincoat));
    assert!(solo.state().overspent <= TOLERANCE);
}

#[test]
fn b26_who_never_had_so_much_cannot_have_spent_it() {
    for item in [Item::Raincoat, Item::Welder] {
        let (currency, price) = item.price();
        assert_eq!(currency, Price::Scrap);
        let mut poor = with_scrap(price as i64 - 1);
        assert_eq!(act(&mut poor, Action::Buy(item)), Err(reject::POOR));
        // Though nothing is left of it now.
        let mut once = with_scrap(price as i64);
        server(
            &mut once,
            Action::Grant {
                coins: 0,
                scrap: -10_000,
            },
        );
        act(&mut once, Action::Buy(item)).expect("a device may have seen it");
        assert_eq!((once.state().scrap, once.state().overspent), (0, price));
    }
}

#[test]
fn b26_what_may_be_overspent_has_an_end() {
    let (_, price) = Item::Welder.price();
    let mut solo = with_scrap(price as i64);
    server(
        &mut solo,
        Action::Grant {
            coins: 0,
            scrap: -10_000,
        },
    );
    act(&mut solo, Action::Buy(Item::Welder)).expect("within what is tolerated");
    assert_eq!(solo.state().overspent, price);
    assert!(price + Item::Raincoat.price().1 > TOLERANCE);
    assert_eq!(
        act(&mut solo, Action::Buy(Item::Raincoat)),
        Err(reject::POOR)
    );
}

#[test]
fn b26_coins_buy_what_is_sold_for_coins_online_and_only_what_can_be_paid() {
    let (_, price) = Item::Nurse.price();
    let mut solo = account();
    let coins = price as i64;
    server(
        &mut solo,
        Action::Grant {
            coins: coins - 1,
            scrap: 99_999,
        },
    );
    let purchase = Action::Purchase(Item::Nurse);
    assert_eq!(solo.act(By::Server, purchase.clone()), Err(reject::POOR));
    server(&mut solo, Action::Grant { coins: 1, scrap: 0 });
    assert_eq!(act(&mut solo, purchase.clone()), Err(reject::SERVER_ONLY));
    server(&mut solo, purchase);
    assert_eq!((solo.state().coins, solo.state().scrap), (0, 99_999));
}

#[test]
fn what_a_match_pays_is_coins_and_never_scrap() {
    let mut solo = account();
    server(&mut solo, Action::Match(won(640)));
    assert_eq!((solo.state().coins, solo.state().scrap), (640 / 20 + 50, 0));
    crate::scene::serve(&mut solo);
    let goals = Goal::FirstMatch.coins() + Goal::FirstRescue.coins();
    assert_eq!(solo.state().coins, 640 / 20 + 50 + goals);
}
