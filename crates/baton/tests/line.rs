//! The line, once through: join, act, let time pass, and agree.

mod support;

use support::{Client, Herd, HerdAction, World};

#[test]
fn two_clients_on_two_instances_see_one_room() {
    let mut world = World::<Herd>::new(2);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(1, &mut bob);
    for round in 0..50 {
        let now = world.now_ms - support::START_MS;
        ann.replica.act(&HerdAction::Add(1), now).expect("accepted");
        world.exchange(round % 2, &mut ann);
        world.pass(60);
        world.exchange((round + 1) % 2, &mut bob);
        world.pass(70);
    }
    world.pass(300);
    world.exchange(0, &mut ann);
    world.exchange(0, &mut bob);
    assert_eq!(ann.replica.head(), bob.replica.head());
    assert_eq!(ann.replica.pending(), 0);
    let room = bob.replica.synced().expect("a room");
    assert_eq!(room.state().counters[&0], 50);
    assert!(room.state().herd.len() >= 6, "{:?}", room.state().herd);
    assert_eq!(room.present(), [0, 1]);
    println!(
        "{} frames, {} effects, {} lost",
        world.appends, world.effects, world.lost
    );
}
