//! The line, once through: join, act, let time pass, and agree.

use crate::support::rules::{Herd, HerdAction};
use crate::support::{Client, World};

#[test]
fn two_clients_on_two_instances_see_one_room() {
    let mut world = World::<Herd>::new(2);
    let (mut ann, mut bob) = (Client::new("ann"), Client::new("bob"));
    world.join(0, &mut ann);
    world.join(1, &mut bob);
    for round in 0..50 {
        let since_ms = world.since_ms();
        let acted = ann.replica.act(&HerdAction::Add(1), since_ms);
        acted.expect("the rules allow it");
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
    assert_eq!(room.state().of(0), 50);
    assert!(room.state().herd.len() >= 6, "{:?}", room.state().herd);
    assert_eq!(room.present(), [0, 1]);
    assert_eq!(world.count.lost, 0, "one at a time, nobody loses");
}
