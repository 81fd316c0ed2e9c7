//! How many rooms an instance remembers.

use baton::effect::{Arrival, Effect};
use baton::wire::Reply;
use baton::{By, Ctx, Instance, Memory, Player, Reject, Rules, Settings, SettingsInput, Writer};

use crate::support::{FRAME_MS, Raw, World, reply_of};

const CACHE_BYTES: u32 = 1024 * 1024;

/// A state of a given size, and actions that leave it alone. So many bytes are derived from it.
#[derive(Clone, Copy, Debug)]
struct Chest<const DERIVED: usize>;

impl<const DERIVED: usize> Rules for Chest<DERIVED> {
    /// The state's size.
    type Config = u32;
    type State = String;
    type Action = String;
    const KIND: &'static str = "chest";
    const VERSION: u32 = 1;
    const WARM_BYTES: usize = DERIVED;

    fn setup(ctx: &mut Ctx<'_, Self>) -> String {
        "x".repeat(*ctx.config() as usize)
    }

    fn validate(_: &String, _: By, _: &String, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(_: &mut String, _: By, _: String, _: &mut Ctx<'_, Self>) {}

    fn view(_: &String, _: Option<Player>) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct Rooms<const DERIVED: usize> {
    /// For its clock and nonces.
    world: World<Chest<DERIVED>>,
    store: Memory,
    instance: Instance<Chest<DERIVED>>,
}

impl<const DERIVED: usize> Rooms<DERIVED> {
    fn new(state_bytes: u32, recent: u32) -> Self {
        let world = World::new(1);
        let input = SettingsInput {
            cache_bytes: CACHE_BYTES,
            recent,
            deliver: false,
            ..SettingsInput::default()
        };
        let settings = Settings::try_from(input).expect("in range");
        Self {
            store: Memory::new(world.now_ms),
            instance: Instance::new(Writer([7; 8]), settings, state_bytes),
            world,
        }
    }

    /// Whether the instance had to read the room from nothing, and what it says.
    fn ask(&mut self, room: &str, arrival: Arrival) -> (bool, Reply) {
        self.world.pass(FRAME_MS + 1);
        self.store.set_clock(self.world.now_ms);
        let moment = self.world.moment(0);
        let (mut invocation, mut effect) = self.instance.begin(room, vec![arrival], moment);
        let mut cold = false;
        while let Some(fed) = self.store.perform(room, &effect) {
            cold |= matches!(&effect, Effect::Read(read) if read.known.v == 0);
            let moment = self.world.moment(0);
            effect = invocation.resume(&mut self.instance, fed, moment);
        }
        let Effect::Reply(outcomes) = effect else {
            panic!("it ends with a reply");
        };
        (cold, reply_of(&outcomes[0]).expect("answered"))
    }

    /// Whether the instance had forgotten a room that somebody joins.
    fn open(&mut self, room: &str) -> bool {
        self.ask(room, Raw::new("ann").arrival(&[])).0
    }
}

#[test]
fn an_instance_keeps_the_rooms_used_last_that_its_cache_holds() {
    // A room counts twice: as it is, and as it is written.
    let mut rooms = Rooms::<0>::new(100_000, 64);
    let warm: Vec<usize> = ["one", "two", "three", "four", "five", "six"]
        .iter()
        .map(|room| {
            if *room == "six" {
                assert!(!rooms.open("one"), "it is used again");
            }
            assert!(rooms.open(room));
            rooms.instance.warm_rooms()
        })
        .collect();
    assert_eq!(warm, [1, 2, 3, 4, 5, 5]);
    for room in ["one", "three", "four", "five", "six"] {
        assert!(!rooms.open(room), "{room}");
    }
    assert!(rooms.open("two"), "it was used longest ago");
}

#[test]
fn frames_of_a_room_count_as_long_as_they_are_kept() {
    const ROOMS: usize = 20;
    const RECENT: u64 = 4;
    let mut rooms = Rooms::<0>::new(0, RECENT as u32);
    let said = baton::wire::write(&"x".repeat(2_000));
    for room in 0..ROOMS {
        let room = room.to_string();
        let mut raw = Raw::new("ann");
        let (_, reply) = rooms.ask(&room, raw.arrival(&[]));
        raw.hail.number = reply.device.map(|standing| standing.number);
        for seq in 1..=10 * RECENT {
            rooms.ask(&room, raw.arrival(&[(seq, said.clone())]));
        }
        assert!(rooms.store.log(&room).head().v > 10 * RECENT);
    }
    // Of all frames they are more than a cache holds.
    assert!(ROOMS * 10 * RECENT as usize * said.len() > CACHE_BYTES as usize);
    assert_eq!(rooms.instance.warm_rooms(), ROOMS);
}

#[test]
fn what_is_derived_from_a_state_counts_too() {
    let mut rooms = Rooms::<400_000>::new(0, 64);
    let warm = ["one", "two", "three"].map(|room| {
        assert!(rooms.open(room));
        rooms.instance.warm_rooms()
    });
    assert_eq!(warm, [1, 2, 2]);
}
