//! A device that was away while its account went on without it.

use crate::support::{Client, FRAME_MS, Raw, World, reply_of};
use baton::limits::WINDOW;
use baton::wire::News;
use baton::{Code, Player};
use baton_sim::rules::{Bank, BankAction, STILL};

const OWN: u64 = 10_000;
const FOREIGN: u64 = 100_000;

type Account = Bank<STILL>;

fn of(world: &World<Account>, client: &Client<Account>, who: Player) -> i64 {
    let room = client.replica.synced();
    let room = room.unwrap_or_else(|| panic!("no state at {}", world.now_ms));
    room.state().of(who)
}

/// As many actions of 1 as a request may carry, until there were so many.
fn others(world: &mut World<Account>, bob: &Raw, count: u64) {
    let body = postcard::to_allocvec(&BankAction::Add(1)).expect("an action");
    let mut next = 1;
    while next <= count {
        let last = count.min(next + WINDOW as u64 - 1);
        let actions: Vec<_> = (next..=last).map(|seq| (seq, body.clone())).collect();
        world.pass(FRAME_MS + 1);
        bob.say(world, 0, &actions).expect("taken");
        next = last + 1;
    }
}

#[test]
fn b20_ten_thousand_own_and_a_hundred_thousand_foreign_actions_sync() {
    let mut world = World::<Account>::new(1);
    let mut ann = Client::new("ann");
    world.join(0, &mut ann);
    let bob = Raw::joined(&mut world, 0, "bob");
    world.exchange(0, &mut ann);
    let (ann_is, before) = (ann.replica.player().expect("joined"), world.head().v);
    // The device makes what fits into its queue, and its host has no answer for a long time.
    let act = |ann: &mut Client<Account>, world: &World<Account>| {
        ann.replica
            .act(&BankAction::Add(1), world.since_ms())
            .is_ok()
    };
    let mut made = 0;
    while made < OWN && act(&mut ann, &world) {
        made += 1;
    }
    others(&mut world, &bob, FOREIGN);
    assert!(world.head().v > before + 1_000, "in many frames");

    let arrival = ann.arrival(world.now_ms);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    let reply = reply_of(&outcome).expect("an answer");
    assert!(
        matches!(reply.news, News::Snapshot(_)),
        "the state, not a hundred thousand actions"
    );
    ann.take(&outcome, world.now_ms);
    let state = ann.replica.synced().map_or(0, |room| room.snapshot().len());
    let download = outcome.body.len();
    assert!(
        download < state + 1_024,
        "{download} bytes for a state of {state}"
    );
    while made < OWN || ann.replica.pending() > 0 {
        while made < OWN && act(&mut ann, &world) {
            made += 1;
        }
        world.pass(FRAME_MS + 1);
        assert_ne!(world.exchange(0, &mut ann), Code::Gap.status());
    }
    world.settle();
    world.exchange(0, &mut ann);
    assert_eq!(of(&world, &ann, ann_is), OWN as i64);
    let total = ann.replica.synced().map(|room| room.state().total);
    assert_eq!(total, Some((OWN + FOREIGN) as i64));
    let answers = ann.answers();
    assert!(
        answers
            .iter()
            .zip(1..)
            .all(|(answer, seq)| *answer == (seq, Some(0)))
    );
    assert_eq!(answers.len() as u64, OWN);
}
