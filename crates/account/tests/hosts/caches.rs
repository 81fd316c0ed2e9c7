//! What is no log is a cache: memory of hosts, snapshots, the recent frames, hints. Without any of it an account is what it
//! was, and the whole log says so.

use account::{Account, Action, Preference};
use baton::effect::{Arrival, Call};
use baton::limits::WINDOW;
use baton::wire::{self, News, Request};
use baton::{Head, Room, limits};

use crate::scene::OWNER;
use crate::seas::{Compare, Keys, Sea};
use crate::support::{Audit, Client, LEASE_MS, START_MS, audit, reply_of};

/// More than are at hand.
const FRAMES: u64 = 300;

fn exchange(sea: &mut impl Sea, host: usize, page: &mut Client<Account>) {
    sea.pass(LEASE_MS + 1);
    let arrival = page.arrival(sea.now_ms());
    let outcome = sea.ask(host, arrival);
    page.take(&outcome, sea.now_ms());
}

/// A device says so much, one thing after the other, and asks until all of it is answered.
fn does(sea: &mut impl Sea, page: &mut Client<Account>, volumes: std::ops::Range<u64>) {
    for volume in volumes {
        let action = Action::Prefer(Preference::Volume, volume as u8);
        let since_ms = sea.now_ms() - START_MS;
        page.replica.act(&action, since_ms).expect("it may");
        for host in 0.. {
            exchange(sea, host % 2, page);
            if page.replica.pending() == 0 {
                break;
            }
        }
    }
}

/// What somebody is answered who has this frame and no device.
fn lacks(sea: &mut impl Sea, cursor: Head) -> News {
    sea.pass(LEASE_MS + 1);
    let request = Request {
        protocol: limits::PROTOCOL,
        cursor,
        rules: 1,
        frames: true,
        device: None,
    };
    let arrival = Arrival {
        who: Some(crate::support::client::identity(OWNER)),
        call: Call::Play(wire::write(&request).into()),
    };
    reply_of(&sea.ask(0, arrival))
        .expect("its own account")
        .news
}

fn survives(mut sea: impl Sea) {
    let (mut phone, mut away) = (
        Client::<Account>::on(OWNER, 1),
        Client::<Account>::on(OWNER, 2),
    );
    for page in [&mut phone, &mut away] {
        (0..4).for_each(|host| exchange(&mut sea, host % 2, page));
        assert!(page.replica.player().is_some());
    }
    // It goes offline, with something that it has not sent.
    let old = away.replica.head();
    let since_ms = sea.now_ms() - START_MS;
    away.replica
        .act(&Action::Look(3), since_ms)
        .expect("it may");
    does(&mut sea, &mut phone, 0..FRAMES);
    assert!(sea.found().snapshot.is_some(), "there is one to lose");

    sea.lose_caches();
    // Everything but the log is gone, and the account is what it was: what is missing comes as the state.
    let snapshot = match lacks(&mut sea, old) {
        News::Snapshot(snapshot) => snapshot,
        News::Frames(frames) => panic!("{} frames since {}", frames.len(), old.v),
        News::Reset(_) => panic!("nothing was lost"),
    };
    let room = Room::<Account>::restore(&snapshot).expect("a state");
    let log = sea.log();
    let whole: Audit<Account> = audit(log.iter().map(Vec::as_slice));
    assert_eq!(room.head(), whole.room.head());
    assert_eq!(
        room.state_hash(),
        whole.room.state_hash(),
        "a replay from 0"
    );
    assert_eq!(
        whole.room.state().preferences[&Preference::Volume],
        (FRAMES - 1) as u8
    );

    // Again and again, between any two requests, while both go on.
    for round in 0..6 {
        sea.lose_caches();
        exchange(&mut sea, round % 2, &mut away);
        sea.lose_caches();
        does(&mut sea, &mut phone, FRAMES..FRAMES + 2);
    }
    assert_eq!(away.answers(), [(1, Some(0))]);
    assert_eq!(phone.answers().len() as u64, FRAMES + 12);
    for page in [&mut phone, &mut away] {
        (0..2).for_each(|host| exchange(&mut sea, host, page));
    }
    let log = sea.log();
    let whole: Audit<Account> = audit(log.iter().map(Vec::as_slice));
    for page in [&phone, &away] {
        let synced = page.replica.synced().expect("joined");
        assert_eq!(synced.state_hash(), whole.room.state_hash());
    }
    assert_eq!(whole.accepted.len() as u64, FRAMES + 12 + 1, "each once");
    assert!(WINDOW < FRAMES as usize && whole.resets == 0);
}

#[test]
fn b18_b19_without_memory_and_snapshots_an_account_is_what_its_whole_log_says() {
    survives(Compare::new(2));
}

#[test]
fn b18_b19_the_same_on_a_store_of_keys_without_snapshots_and_hints() {
    survives(Keys::new(2));
}
