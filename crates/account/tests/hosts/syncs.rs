//! What a sync brings: actions while few are missing, else the state; and how long a device may have been away.

use account::{Account, Action, Preference};
use baton::Code;
use baton::effect::Outcome;
use baton::limits::WINDOW;
use baton::wire::{self, News};

use crate::scene::{OWNER, act, by_hand, replayed, settle, shown, synced};
use crate::support::{Client, LEASE_MS, Raw, World, reply_of};

/// How many frames may be missing.
const N: u64 = 10;

/// An account on one host that keeps [`N`] frames at hand, and its user's device.
fn account() -> (World<Account>, Client<Account>, Raw) {
    let mut world = World::with(1, |settings| settings.recent = N as u32, ());
    let mut phone = Client::on(OWNER, 1);
    world.join(0, &mut phone);
    let laptop = by_hand(&mut world, 2);
    (world, phone, laptop)
}

/// The laptop makes so many frames.
fn grow(world: &mut World<Account>, laptop: &Raw, frames: u64) {
    let until = world.head().v + frames;
    while world.head().v < until {
        let (mark, _) = laptop.standing(world, 0);
        world.pass(LEASE_MS + 1);
        let action = Action::Prefer(Preference::Volume, mark as u8);
        let sent = [(mark + 1, wire::write(&action))];
        laptop.say(world, 0, &sent).expect("taken");
    }
    assert_eq!(world.head().v, until);
}

fn sync(world: &mut World<Account>, phone: &mut Client<Account>) -> Outcome {
    // A request that brings news of its own would make a frame too.
    let arrival = phone.arrival(world.now_ms);
    let outcome = world.ask(0, vec![arrival]).remove(0);
    phone.take(&outcome, world.now_ms);
    outcome
}

#[test]
fn b17_b33_up_to_n_missing_frames_come_as_actions_and_one_more_as_the_state() {
    for missing in [1, N - 1, N, N + 1, 4 * N] {
        let (mut world, mut phone, laptop) = account();
        sync(&mut world, &mut phone);
        sync(&mut world, &mut phone);
        assert_eq!(phone.replica.head(), world.head());
        grow(&mut world, &laptop, missing);
        let lacks = world.head().v - phone.replica.head().v;
        assert_eq!(lacks, missing);
        let arrival = phone.arrival(world.now_ms);
        let outcome = world.ask(0, vec![arrival]).remove(0);
        let reply = reply_of(&outcome).expect("an answer");
        let brought = reply.head.v - phone.replica.head().v;
        let state = replayed(&mut world);
        match reply.news {
            News::Frames(frames) => {
                assert!(brought <= N);
                assert_eq!(frames.len() as u64, brought);
                // Not one byte of the state: each is an entry or two.
                let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
                assert!(bytes < 200 * frames.len(), "{bytes} bytes");
                println!("{missing} missing: {bytes} bytes of frames");
            }
            News::Snapshot(snapshot) => {
                assert!(brought > N);
                println!("{missing} missing: {} bytes of state", snapshot.len());
            }
            News::Reset(_) => panic!("nothing was lost"),
        }
        assert_eq!(
            brought > N,
            missing > N,
            "{missing} missing, {brought} brought"
        );
        phone.take(&outcome, world.now_ms);
        assert_eq!(wire::write(synced(&phone)), wire::write(&state));
    }
}

#[test]
fn b20_a_device_with_a_long_queue_syncs_after_others_did_much_and_downloads_the_state_once() {
    let (own, foreign) = (10_000, 100_000);
    let (mut world, mut phone, laptop) = account();
    settle(&mut world, std::slice::from_mut(&mut phone));
    for count in 0..own {
        let action = Action::Prefer(Preference::Contrast, count as u8);
        act(&world, &mut phone, &action).expect("it is kept");
    }
    // The page dies with all of it in the queue.
    phone.reload();
    assert_eq!(phone.replica.pending(), own);
    let mut next = 1;
    while next <= foreign {
        let last = foreign.min(next + WINDOW as u64 - 1);
        let action = |seq| wire::write(&Action::Prefer(Preference::Volume, seq as u8));
        let sent: Vec<_> = (next..=last).map(|seq| (seq, action(seq))).collect();
        world.pass(LEASE_MS + 1);
        laptop.say(&mut world, 0, &sent).expect("taken");
        next = last + 1;
    }
    world.pass(LEASE_MS + 1);
    let outcome = sync(&mut world, &mut phone);
    let download = outcome.body.len();
    let reply = reply_of(&outcome).expect("an answer");
    assert!(
        matches!(reply.news, News::Snapshot(_)),
        "the state, not all those actions"
    );
    let state = phone.replica.save_room().expect("synced").len();
    assert!(
        download < state + 1_024,
        "{download} bytes for a state of {state}"
    );
    // What waits is shown on top of it.
    assert_eq!(
        shown(&phone).preferences[&Preference::Contrast],
        (own - 1) as u8
    );
    let mut requests = 0;
    while phone.replica.pending() > 0 {
        world.pass(LEASE_MS + 1);
        assert_ne!(world.exchange(0, &mut phone), Code::Gap.status());
        requests += 1;
        assert!(requests < 2 * own / WINDOW, "it ends");
    }
    println!("{own} own and {foreign} foreign: {download} bytes down, {requests} requests");
    let audit = world.audit();
    assert_eq!(audit.accepted.len() as u64, own as u64 + foreign);
    let answers = phone.answers();
    assert_eq!(answers.len(), own);
    assert!(answers.iter().all(|(_, code)| *code == Some(0)));
}
