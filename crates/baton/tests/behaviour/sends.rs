//! What rules send to other rooms waits in the outbox: once, in order, under the names of users,
//! whoever leads and whatever was forgotten.

use baton::{By, Ctx, Player, Reject, Room, Rules, limits::SEGMENT};
use serde::{Deserialize, Serialize};

use crate::support::{LEASE_MS, Raw, World};

/// Sends at every occasion that rules have.
#[derive(Clone, Copy, Debug)]
struct Post;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Letter {
    /// To the account of a player.
    To(Player, u32),
    /// To a room by its name.
    Bank(u32),
    /// Refused, so nothing is sent.
    Refused,
}

/// What was sent when a player came, and went; and every hundredth tick.
const CAME: u32 = 1_000_000;
const WENT: u32 = 2_000_000;
const TICKED: u32 = 3_000_000;

impl Rules for Post {
    type Config = ();
    type State = u32;
    type Action = Letter;
    const KIND: &'static str = "post";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;
    const GRACE_MS: u32 = 60_000;

    fn setup(ctx: &mut Ctx<'_, Self>) -> u32 {
        ctx.send("bank/main", &0_u32);
        // Nobody is registered yet: nowhere to send it.
        ctx.send_to(0, "account", &0_u32);
        0
    }

    fn validate(_: &u32, _: By, letter: &Letter, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match letter {
            Letter::Refused => Err(Reject(1)),
            _ => Ok(()),
        }
    }

    fn apply(sent: &mut u32, _: By, letter: Letter, ctx: &mut Ctx<'_, Self>) {
        *sent += 1;
        match letter {
            Letter::To(player, amount) => ctx.send_to(player, "account", &amount),
            Letter::Bank(amount) => ctx.send("bank/main", &amount),
            Letter::Refused => {}
        }
    }

    fn tick(_: &mut u32, ctx: &mut Ctx<'_, Self>) {
        if ctx.tick().is_multiple_of(100) {
            ctx.send_to(0, "account", &TICKED);
        }
    }

    fn joined(_: &mut u32, who: Player, ctx: &mut Ctx<'_, Self>) {
        ctx.send_to(who, "account", &CAME);
    }

    fn left(_: &mut u32, who: Player, ctx: &mut Ctx<'_, Self>) {
        ctx.send_to(who, "account", &WENT);
    }

    fn view(sent: &u32, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(sent)
    }
}

/// A target, the place in the order of what is sent there, and what is sent.
type Item = (String, u64, u32);

fn outbox(room: &Room<Post>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut before = 0;
    for (target, number, body) in room.sends() {
        let amount = postcard::from_bytes(body).expect("a number");
        let place = match items.last() {
            Some((last, place, _)) if last == target => {
                assert!(number > before, "numbers rise");
                place + 1
            }
            _ => 1,
        };
        before = number;
        items.push((target.clone(), place, amount));
    }
    items
}

/// What the log holds, replayed from its first frame.
fn posted(world: &mut World<Post>) -> Vec<Item> {
    outbox(&world.audit().room)
}

fn item(target: &str, number: u64, amount: u32) -> Item {
    (target.into(), number, amount)
}

fn letter(letter: Letter) -> Vec<u8> {
    baton::wire::write(&letter)
}

/// Two players on two hosts, their arrivals sent.
fn room() -> (World<Post>, Raw, Raw) {
    let mut world = World::<Post>::new(2);
    let ann = Raw::joined(&mut world, 0, "ann");
    world.pass(LEASE_MS + 1);
    let bob = Raw::joined(&mut world, 1, "bob");
    world.pass(LEASE_MS + 1);
    (world, ann, bob)
}

#[test]
fn a_send_to_a_player_goes_to_the_room_named_as_its_user() {
    let (mut world, ann, bob) = room();
    ann.say(&mut world, 0, &[(1, letter(Letter::To(1, 7)))])
        .expect("taken");
    world.pass(LEASE_MS + 1);
    bob.say(&mut world, 1, &[(1, letter(Letter::To(0, 8)))])
        .expect("taken");
    world.settle();
    let expected = [
        item("account/ann", 1, CAME),
        item("account/ann", 2, 8),
        item("account/bob", 1, CAME),
        item("account/bob", 2, 7),
        item("bank/main", 1, 0),
    ];
    assert_eq!(posted(&mut world), expected);
}

#[test]
fn a_send_to_nobody_is_sent_nowhere_and_a_refused_action_sends_nothing() {
    let (mut world, ann, _) = room();
    let before = posted(&mut world);
    let batch = [(1, letter(Letter::To(2, 7))), (2, letter(Letter::Refused))];
    ann.say(&mut world, 0, &batch).expect("taken");
    world.settle();
    assert_eq!(posted(&mut world), before);
    assert_eq!(*world.audit().room.state(), 1, "it was applied");
}

#[test]
fn who_has_left_is_still_sent_to_and_ticks_send_too() {
    let (mut world, ann, bob) = room();
    let leaving = bob.but(baton::wire::Presence::Leaving);
    leaving.say(&mut world, 1, &[]).expect("taken");
    world.pass(LEASE_MS + 1);
    ann.say(&mut world, 0, &[(1, letter(Letter::To(1, 9)))])
        .expect("taken");
    world.pass(20_000);
    world.settle();
    let posted = posted(&mut world);
    let to_bob: Vec<_> = posted
        .iter()
        .filter(|item| item.0 == "account/bob")
        .collect();
    assert_eq!(
        to_bob,
        [
            &item("account/bob", 1, CAME),
            &item("account/bob", 2, WENT),
            &item("account/bob", 3, 9)
        ]
    );
    let ticked = posted.iter().filter(|item| item.2 == TICKED).count() as u64;
    assert_eq!(ticked, world.audit().room.tick() / 100);
    assert!(ticked >= 2);
}

#[test]
fn each_target_counts_for_itself_in_the_order_of_sending() {
    let (mut world, ann, _) = room();
    let batch: Vec<_> = (1..=8_u32)
        .map(|seq| {
            let what = match seq % 2 {
                0 => Letter::Bank(seq),
                _ => Letter::To(1, seq),
            };
            (u64::from(seq), letter(what))
        })
        .collect();
    ann.say(&mut world, 0, &batch).expect("taken");
    world.settle();
    let posted = posted(&mut world);
    let of = |target: &str| -> Vec<(u64, u32)> {
        let own = posted.iter().filter(|item| item.0 == target);
        own.map(|item| (item.1, item.2)).collect()
    };
    assert_eq!(
        of("account/bob"),
        [(1, CAME), (2, 1), (3, 3), (4, 5), (5, 7)]
    );
    assert_eq!(of("bank/main"), [(1, 0), (2, 2), (3, 4), (4, 6), (5, 8)]);
}

#[test]
fn what_is_sent_outlives_takeovers_lost_memory_and_snapshots_and_is_never_doubled() {
    let (mut world, ann, bob) = room();
    ann.say(&mut world, 0, &[(1, letter(Letter::To(1, 7)))])
        .expect("taken");
    world.settle();
    let expected = posted(&mut world);
    // The same packet again, by way of both hosts; the leader is replaced each time.
    for instance in [1, 0, 1] {
        world.pass(LEASE_MS + 1);
        ann.say(&mut world, instance, &[(1, letter(Letter::To(1, 7)))])
            .expect("known");
        world.replace(instance);
    }
    world.settle();
    // Ann falls silent and leaves meanwhile, and ticks pass.
    let mine = |posted: Vec<Item>| -> Vec<Item> {
        let said = posted.into_iter().filter(|item| item.2 < WENT);
        said.collect()
    };
    assert_eq!(mine(posted(&mut world)), mine(expected.clone()));
    // Past a snapshot, from which a new instance starts and goes on.
    while world.head().v < SEGMENT + 6 {
        world.pass(2_001);
        let _reply = bob.say(&mut world, 1, &[]).expect("answered");
    }
    let bytes = world.found().snapshot.expect("there is a snapshot");
    let restored = Room::<Post>::restore(&bytes).expect("it is sound");
    assert_eq!(mine(outbox(&restored)), mine(expected.clone()));
    world.replace(0);
    world.replace(1);
    world.pass(LEASE_MS + 1);
    bob.say(&mut world, 0, &[(1, letter(Letter::To(0, 8)))])
        .expect("taken");
    world.settle();
    let mut more = mine(expected);
    more.push(item("account/ann", 0, 8));
    let mut found = mine(posted(&mut world));
    assert_eq!(found.len(), more.len());
    // Its number follows those of ticks, which are as many as there were.
    let last = found
        .iter_mut()
        .find(|item| item.2 == 8)
        .expect("it was sent");
    assert!(last.1 > 1);
    last.1 = 0;
    found.sort();
    more.sort();
    assert_eq!(found, more);
}
