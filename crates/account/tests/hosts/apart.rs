//! One app with several games: each is a room of the user's own, with rules, version and history of its own. What they have
//! in common is the user, and what they send each other.

use account::Account;
use baton::effect::{Arrival, Call};
use baton::{Era, Kind, Rules, Setup, Writer};
use serde_json::json;

use crate::builds::{Build, Builds, own, serve};
use crate::scene::OWNER;
use crate::support::{Client, client, refusal};
use editions::garden::{BARE, Chore, Garden, Gardens};
use editions::later::{Action, Two};

/// Both games, each with the rules before and after a change.
const BOTH: Build = |setup: &Setup, writer: Writer| {
    vec![serve::<Two>(setup, writer), serve::<Gardens>(setup, writer)]
};
/// A build of the time before, which has the first rules of both.
const FIRST: Build = |setup: &Setup, writer: Writer| {
    vec![
        serve::<Account>(setup, writer),
        serve::<Garden>(setup, writer),
    ]
};

/// What the owner has in the account, whichever rules it is on.
fn scrap(builds: &mut Builds) -> u64 {
    match builds.audit::<Two>().room.state() {
        Era::Old(state) => state.scrap,
        Era::New(state) => state.was.scrap,
    }
}

/// Sows and harvests, and lets what is on its way arrive.
fn harvests(builds: &mut Builds, garden: &mut Client<Gardens>, chores: &[Chore]) {
    let room = garden.replica.predicted().expect("joined");
    let old = matches!(room.state(), Era::Old(_));
    for chore in chores {
        let chore = if old {
            Era::Old(*chore)
        } else {
            Era::New(*chore)
        };
        builds.act(garden, &chore);
    }
    builds.sync(0, garden);
    for _ in 0..8 {
        builds.exchange(0, garden);
    }
}

#[test]
fn b36_several_games_of_one_user_change_their_rules_independently_and_pay_into_one_account() {
    let mut builds = Builds::new(&[(BOTH, json!({}))]);
    let mut phone = Client::<Two>::on(OWNER, 1);
    let mut garden = Client::<Gardens>::on(OWNER, 1);
    builds.sync(0, &mut phone);
    builds.sync(0, &mut garden);
    harvests(&mut builds, &mut garden, &[Chore::Sow(5), Chore::Harvest]);
    assert_eq!(scrap(&mut builds), 5);

    // The garden's rules change: not a frame of the account says so, or is made for it.
    let frames = builds.store.log(&own::<Two>()).head().v;
    builds.deploy(0, BOTH, &json!({ "garden": 2 }));
    builds.sync(0, &mut garden);
    assert_eq!(builds.switches::<Gardens>().len(), 1);
    assert_eq!(builds.store.log(&own::<Two>()).head().v, frames);
    builds.sync(0, &mut phone);
    assert_eq!(builds.switches::<Two>(), []);
    harvests(
        &mut builds,
        &mut garden,
        &[Chore::Sow(5), Chore::Water, Chore::Harvest],
    );
    assert_eq!(
        scrap(&mut builds),
        5 + 10,
        "by the new rules of the garden, into the old account"
    );

    // Then the account's; the garden stays as it is.
    builds.deploy(0, BOTH, &json!({ "garden": 2, "account": 2 }));
    builds.sync(0, &mut phone);
    let switches = [
        builds.switches::<Two>().len(),
        builds.switches::<Gardens>().len(),
    ];
    assert_eq!(switches, [1, 1]);
    builds.act(&mut phone, &Era::New(Action::Motto("both".into())));
    builds.sync(0, &mut phone);
    harvests(&mut builds, &mut garden, &[Chore::Sow(7), Chore::Harvest]);
    assert_eq!(scrap(&mut builds), 15 + 7);

    // Each log replays from its first frame by its own versions, and each page is where its log is.
    let (account, bed) = (builds.audit::<Two>(), builds.audit::<Gardens>());
    assert_eq!((account.room.version_at(1), bed.room.version_at(1)), (1, 1));
    let ends = [account.room.head().v, bed.room.head().v];
    assert_eq!(
        (
            account.room.version_at(ends[0]),
            bed.room.version_at(ends[1])
        ),
        (2, 2)
    );
    builds.sync(0, &mut phone);
    let account = builds.audit::<Two>();
    let page = phone.replica.synced().expect("joined");
    assert_eq!(page.state_hash(), account.room.state_hash());
    let page = garden.replica.synced().expect("joined");
    assert_eq!(
        page.state_hash(),
        builds.audit::<Gardens>().room.state_hash()
    );
    assert!(bed.rejected.is_empty());

    // The numbers of one game's device are not the other's.
    let device = garden.replica.device();
    assert_eq!(phone.replica.device(), device, "one installation");
    let marks = [
        account.room.standing(OWNER, device).expect("there").mark(),
        bed.room.standing(OWNER, device).expect("there").mark(),
    ];
    assert_eq!(marks, [1, 7]);
}

#[test]
fn b36_what_an_old_build_lacks_of_one_game_does_not_keep_it_from_the_other() {
    let mut builds = Builds::new(&[(BOTH, json!({ "garden": 2 })), (FIRST, json!({}))]);
    let mut garden = Client::<Gardens>::on(OWNER, 1);
    builds.sync(0, &mut garden);
    let mut phone = Client::<Account>::on(OWNER, 1);
    // The account is led by the old build, beside a garden that it cannot even show.
    builds.sync(1, &mut phone);
    builds.act(&mut phone, &account::Action::Look(2));
    builds.sync(1, &mut phone);
    let view = |builds: &mut Builds, process, kind: &str| {
        let who = Some(client::identity(OWNER));
        builds.ask(
            process,
            &format!("{kind}/{OWNER}"),
            Arrival {
                who,
                call: Call::View,
            },
        )
    };
    let refused = view(&mut builds, 1, Gardens::NAME);
    assert_eq!(refusal(&refused).0, Some(baton::Code::Rules));
    assert_eq!(view(&mut builds, 1, Account::KIND).status, 200);
    // In a garden of nobody else anything is as if it were not there.
    let outcome = builds.ask(
        0,
        &own::<Gardens>(),
        Arrival {
            who: Some(client::identity("mallory")),
            call: Call::View,
        },
    );
    assert_eq!(refusal(&outcome).0, Some(baton::Code::NotFound));
    // A refusal of the one game is no matter of the other.
    builds.act(&mut garden, &Era::New(Chore::Sow(1)));
    builds.act(&mut garden, &Era::New(Chore::Harvest));
    let since_ms = builds.now_ms - crate::support::START_MS;
    let again = garden.replica.act(&Era::New(Chore::Harvest), since_ms);
    assert_eq!(again, Err(baton::ActError::Rejected(BARE)));
    builds.sync(0, &mut garden);
    for _ in 0..8 {
        builds.exchange(0, &mut garden);
    }
    builds.sync(1, &mut phone);
    let state = phone.replica.synced().expect("joined").state();
    assert_eq!((state.scrap, state.look), (1, 2));
}
