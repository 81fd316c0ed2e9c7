//! A whole sync, with something wrong at each of its calls: it is all or nothing, and in the end as if nothing had been.

use account::{Account, Action, Goal, Item, Preference, State, Verdict};
use baton::frame::Entry;
use baton::parcel::Receipt;

use crate::games::{Games, TROUBLES};
use crate::samples::{handed_in, played, wander, won};
use crate::scene::{OWNER, parcel, shown, synced};
use crate::support::rooms::RoomsOf;
use crate::support::{Client, LEASE_MS};

const ACCOUNT: &str = "account/test";
/// Runs that are handed in, and with them all that the device does.
const RUNS: usize = 3;
const ACTIONS: usize = RUNS + 3;

/// One request, by way of a host that may fail or die over it.
fn ask(rooms: &mut RoomsOf<Games>, host: usize, client: &mut Client<Account>) {
    rooms.pass(LEASE_MS + 1);
    let arrival = client.arrival(rooms.now_ms);
    let since_ms = rooms.now_ms - crate::support::START_MS;
    match rooms.ask::<Account>(host, ACCOUNT, vec![arrival]) {
        Ok(outcomes) => client.take(&outcomes[0], rooms.now_ms),
        Err(_) => client.replica.refused(None, None, since_ms),
    }
}

/// What the server sends, again until the log has it.
fn send(rooms: &mut RoomsOf<Games>, actions: &[Action]) {
    let parcel = parcel(0, actions).into();
    for host in 0..20 {
        rooms.pass(LEASE_MS + 1);
        rooms.target = host % 2;
        let Some(outcome) = rooms.redeliver(ACCOUNT, &parcel) else {
            continue;
        };
        let receipt = postcard::from_bytes::<Receipt>(&outcome.body);
        if outcome.status == 200 && receipt.is_ok_and(|receipt| receipt.mark == 2) {
            return;
        }
    }
    panic!("it never arrives");
}

/// Scrap and a match come from the server; a device that was offline buys, dresses, sets something and hands in runs; two
/// hosts serve it in turns.
fn sync(rooms: &mut RoomsOf<Games>) -> State {
    let mut client = Client::<Account>::on(OWNER, 1);
    let grant = Action::Grant {
        coins: 0,
        scrap: 500,
    };
    send(rooms, &[grant, Action::Match(won(100))]);
    for host in 0..20 {
        if client.replica.player().is_some() && synced(&client).goals.len() == 2 {
            break;
        }
        ask(rooms, host % 2, &mut client);
    }
    let mut actions = vec![
        Action::Buy(Item::Raincoat),
        Action::Look(Item::Raincoat.look()),
        Action::Prefer(Preference::Calm, 1),
    ];
    for held in &synced(&client).seeds[..RUNS] {
        let run = played(held.seed, wander);
        rooms.pass(run.lasted_ms());
        actions.push(handed_in(held.seed, &run));
    }
    let since_ms = rooms.now_ms - crate::support::START_MS;
    for action in actions {
        client.replica.act(&action, since_ms).expect("it may");
    }
    for host in 0..40 {
        ask(rooms, host % 2, &mut client);
        if client.replica.pending() == 0 && synced(&client).claims.is_empty() {
            break;
        }
        let state = shown(&client);
        assert_eq!(state.look, Item::Raincoat.look(), "shown all the while");
    }
    assert_eq!(client.answers().len(), ACTIONS);
    assert!(client.answers().iter().all(|(_, code)| *code == Some(0)));
    synced(&client).clone()
}

fn check(rooms: &mut RoomsOf<Games>, seen: &State) {
    let audit = rooms.audit::<Account>(ACCOUNT);
    let state = audit.room.state();
    assert_eq!(audit.accepted.len(), ACTIONS, "each once");
    // All of a request, or nothing.
    let acts = audit.frames.iter().map(|frame| {
        let of = |entry: &&Entry| matches!(entry, Entry::Act { .. });
        frame.entries.iter().filter(of).count()
    });
    assert!(acts.into_iter().all(|count| count == 0 || count == ACTIONS));
    let paid = state.judged.iter().map(|judged| match judged.verdict {
        Verdict::Paid { scrap, .. } => u64::from(scrap),
        flawed => panic!("it happened: {flawed:?}"),
    });
    let paid: u64 = paid.sum();
    let (_, price) = Item::Raincoat.price();
    assert_eq!(state.scrap + price, 500 + paid);
    assert_eq!((state.runs.played, state.matches.played), (RUNS as u32, 1));
    let goals = Goal::FirstMatch.coins() + Goal::FirstRescue.coins();
    assert_eq!(state.coins, 100 / 20 + 50 + goals);
    assert_eq!(baton::wire::write(seen), baton::wire::write(state));
}

#[test]
fn b12_whatever_happens_to_any_call_of_a_sync_everything_counts_once_and_whole() {
    let mut rooms = RoomsOf::<Games>::new(2);
    let state = sync(&mut rooms);
    check(&mut rooms, &state);
    let calls = rooms.calls;
    let mut hit = 0;
    for trouble in TROUBLES {
        for call in 0..calls {
            let mut rooms = RoomsOf::<Games>::new(2);
            rooms.troubles.insert(call, trouble);
            let state = sync(&mut rooms);
            check(&mut rooms, &state);
            hit += u64::from(rooms.calls > call);
        }
    }
    assert_eq!(hit, 4 * calls, "every call was hit");
    println!("{calls} calls, each with 4 troubles");
}
