//! What a player looks like, and has set.

use account::{Action, FREE_LOOKS, Item, LOOKS, Preference, reject};

use crate::scene::{account, act, server};

#[test]
fn everybody_has_the_first_looks_and_the_others_who_bought_them() {
    let mut solo = account();
    for look in 0..LOOKS {
        let expected = match look < FREE_LOOKS {
            true => Ok(()),
            false => Err(reject::LOCKED),
        };
        assert_eq!(act(&mut solo, Action::Look(look)), expected, "look {look}");
    }
    assert_eq!(solo.state().look, FREE_LOOKS - 1, "the last that could be");
    server(
        &mut solo,
        Action::Grant {
            coins: 9_999,
            scrap: 9_999,
        },
    );
    act(&mut solo, Action::Buy(Item::Welder)).expect("it is rich");
    act(&mut solo, Action::Look(Item::Welder.look())).expect("it was bought");
    let other = Action::Look(Item::Raincoat.look());
    assert_eq!(act(&mut solo, other), Err(reject::LOCKED));
    let looks = Item::ALL.map(Item::look);
    assert_eq!(looks.to_vec(), (FREE_LOOKS..LOOKS).collect::<Vec<_>>());
}

#[test]
fn the_last_value_of_each_preference_counts() {
    let mut solo = account();
    for (preference, value) in [
        (Preference::Volume, 3),
        (Preference::Calm, 1),
        (Preference::Volume, 80),
    ] {
        act(&mut solo, Action::Prefer(preference, value)).expect("a player may");
    }
    let set = &solo.state().preferences;
    assert_eq!((set[&Preference::Volume], set[&Preference::Calm]), (80, 1));
    assert_eq!(set.len(), 2);
}
