//! Who watches by what caches hold: tails, full blocks named by their hash, the room as it is; and a store that loses
//! writes under them.

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call};
use baton::limits::{SEGMENT, TAIL_MS};
use baton::wire::{News, read_reply, write};
use baton::{Code, Head, Lineage, Next, Note, Replica};

use crate::support::rooms::Vault;
use crate::support::rules::{Herd, add};
use crate::support::{FRAME_MS, Flight, LEASE_MS, Raw, World, head_at, reply_of, watcher};

/// A cache before the hosts: what it holds for ever, and what for a second.
#[derive(Default)]
struct Cache {
    blocks: BTreeMap<(u64, [u8; 16]), Vec<u8>>,
    tail: Option<(u64, Vec<u8>)>,
    snapshot: Option<(u64, Vec<u8>)>,
    /// Requests that went on to a host.
    passed: usize,
}

impl Cache {
    fn get(&mut self, world: &mut World<Herd>, call: Call) -> Vec<u8> {
        let now_ms = world.now_ms;
        let kept = match call {
            Call::Tail => &mut self.tail,
            _ => &mut self.snapshot,
        };
        if let Some((since_ms, body)) = kept
            && now_ms < *since_ms + u64::from(TAIL_MS)
        {
            return body.clone();
        }
        let body = passed(world, call.clone());
        *kept = Some((now_ms, body.clone()));
        self.passed += 1;
        body
    }

    fn block(&mut self, world: &mut World<Herd>, end: Head) -> Vec<u8> {
        let passed = &mut self.passed;
        let kept = self.blocks.entry((end.v, end.hash.0));
        let body = kept.or_insert_with(|| {
            *passed += 1;
            self::passed(world, block(end))
        });
        body.clone()
    }
}

fn passed(world: &mut World<Herd>, call: Call) -> Vec<u8> {
    let outcome = world.ask(1, vec![Arrival { who: None, call }]).remove(0);
    assert_eq!(outcome.status, 200);
    outcome.body.into_vec()
}

fn block(end: Head) -> Call {
    Call::Block {
        first: end.v + 1 - SEGMENT,
        last: end.v,
        hash: format!("{}", end.hash),
    }
}

/// One look of a spectator, as a program makes it.
fn look(replica: &mut Replica<Herd>, world: &mut World<Herd>, cache: &mut Cache) -> Vec<Next> {
    let tail = cache.get(world, Call::Tail);
    let mut took = Vec::new();
    loop {
        let next = replica.tail(&tail, world.now_ms);
        took.push(next);
        match next {
            Next::Block(end) => {
                let block = cache.block(world, end);
                if !replica.block(&block, world.now_ms) {
                    return took;
                }
            }
            Next::Snapshot => {
                let snapshot = cache.get(world, Call::Snapshot);
                replica.snapshot(&snapshot, world.now_ms);
                return took;
            }
            Next::Nothing => return took,
        }
    }
}

struct Room {
    world: World<Herd>,
    ann: Raw,
    seq: u64,
}

impl Room {
    fn new() -> Self {
        let mut world = World::<Herd>::new(2);
        let ann = Raw::joined(&mut world, 0, "ann");
        Self { world, ann, seq: 0 }
    }

    fn grow(&mut self, versions: u64) {
        while self.world.head().v < versions {
            self.seq += 1;
            self.world.pass(FRAME_MS + 1);
            let act = [(self.seq, add(1))];
            self.ann.say(&mut self.world, 0, &act).expect("taken");
        }
    }

    /// Its last frames are lost, and others take their places, up to as many versions.
    fn lose(&mut self, lost: u64, versions: u64) {
        let head = self.world.head().v;
        self.world.log().roll_back(head - lost);
        self.world.pass(LEASE_MS + 1);
        self.seq = self.ann.standing(&mut self.world, 0).0;
        self.grow(versions);
    }
}

#[test]
fn x8_a_spectator_gets_every_frame_from_what_caches_hold() {
    let mut room = Room::new();
    let mut cache = Cache::default();
    let mut first: Replica<Herd> = Replica::spectator();
    for _ in 0..24 {
        let versions = room.world.head().v + 9;
        room.grow(versions);
        look(&mut first, &mut room.world, &mut cache);
    }
    // Later ones take what is there.
    room.world.pass(u64::from(TAIL_MS));
    look(&mut first, &mut room.world, &mut cache);
    let passed = cache.passed;
    for _ in 0..100 {
        let mut other: Replica<Herd> = Replica::spectator();
        assert_eq!(
            look(&mut other, &mut room.world, &mut cache)[0],
            Next::Snapshot
        );
        assert_eq!(other.head(), first.head());
    }
    assert_eq!(
        cache.passed,
        passed + 1,
        "the room as it is, once for all of them"
    );
    assert_eq!(first.head(), room.world.head());
    assert_eq!(first.notes(), []);
    // Frame by frame, from its first on.
    assert_eq!(first.trail().count() as u64, first.head().v);
    assert_eq!(cache.blocks.len() as u64, first.head().v / SEGMENT);
}

#[test]
fn x8_who_lacks_more_than_a_block_gets_the_room() {
    let mut room = Room::new();
    let mut cache = Cache::default();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(SEGMENT + 3);
    look(&mut replica, &mut room.world, &mut cache);
    for (versions, expected) in [
        (2 * SEGMENT + 5, "block"),
        (2 * SEGMENT + 60, "nothing"),
        (4 * SEGMENT + 1, "snapshot"),
        (5 * SEGMENT, "block"),
        (6 * SEGMENT, "block"),
    ] {
        room.grow(versions);
        room.world.pass(u64::from(TAIL_MS));
        let first = match look(&mut replica, &mut room.world, &mut cache)[0] {
            Next::Nothing => "nothing",
            Next::Block(_) => "block",
            Next::Snapshot => "snapshot",
        };
        assert_eq!(
            (first, replica.head()),
            (expected, room.world.head()),
            "{versions}"
        );
    }
    assert_eq!(replica.notes(), [], "nothing was lost");
    let mut late: Replica<Herd> = Replica::spectator();
    let first = look(&mut late, &mut room.world, &mut cache)[0];
    assert_eq!((first, late.head()), (Next::Snapshot, room.world.head()));
    assert_eq!(late.notes(), [], "who had nothing lost nothing");
}

#[test]
fn x8_after_a_loss_no_block_of_before_is_taken_for_one_of_after() {
    for (before, lost) in [(100, 40), (130, 70), (64, 10), (190, 130), (100, 99)] {
        let mut room = Room::new();
        let mut cache = Cache::default();
        let mut replica: Replica<Herd> = Replica::spectator();
        for versions in [before / 2, before] {
            room.grow(versions);
            room.world.pass(u64::from(TAIL_MS));
            look(&mut replica, &mut room.world, &mut cache);
        }
        assert_eq!(replica.head(), room.world.head());
        room.lose(lost, before + 7);
        for _ in 0..4 {
            look(&mut replica, &mut room.world, &mut cache);
            room.world.pass(u64::from(TAIL_MS));
        }
        assert_eq!(replica.head(), room.world.head(), "{before}, {lost} lost");
        assert_eq!(replica.notes(), [Note::Reset], "told, once");
        assert!(replica.desync().is_none());
    }
}

#[test]
fn x8_a_shorter_log_than_ours_is_a_loss_if_the_answer_is_newer_and_old_if_it_is_older() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(30);
    let old = passed(&mut room.world, Call::Tail);
    room.world.pass(5);
    room.grow(40);
    let now_ms = room.world.now_ms;
    let new = passed(&mut room.world, Call::Tail);
    assert_eq!(replica.tail(&new, now_ms), Next::Nothing);
    let head = replica.head();
    assert_eq!(
        (replica.tail(&old, now_ms), replica.head()),
        (Next::Nothing, head)
    );
    room.world.log().roll_back(35);
    room.world.pass(5);
    let shorter = passed(&mut room.world, Call::Tail);
    assert_eq!(replica.tail(&shorter, now_ms), Next::Snapshot);
    let whole = passed(&mut room.world, Call::Snapshot);
    assert!(replica.snapshot(&whole, now_ms));
    assert_eq!(replica.notes(), [Note::Reset]);
    assert_eq!(replica.head(), room.world.head());
    // What caches still hold of before.
    for body in [&old, &new] {
        assert_eq!(
            (replica.tail(body, now_ms), replica.head()),
            (Next::Nothing, room.world.head())
        );
    }
}

/// Of the same moment are the answers from before and after a loss, and of the same version.
#[test]
fn x8_another_history_as_long_as_ours_and_of_the_same_moment_is_a_loss() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(40);
    let now_ms = room.world.now_ms;
    let tail = passed(&mut room.world, Call::Tail);
    assert_eq!(replica.tail(&tail, now_ms), Next::Nothing);
    room.world.log().roll_back(39);
    let seq = room.ann.standing(&mut room.world, 1).0 + 1;
    room.ann
        .say(&mut room.world, 1, &[(seq, add(2))])
        .expect("taken");
    assert_eq!((room.world.head().v, room.world.now_ms), (40, now_ms));
    assert_ne!(room.world.head(), replica.head());
    let tail = passed(&mut room.world, Call::Tail);
    assert_eq!(replica.tail(&tail, now_ms), Next::Snapshot);
    let whole = passed(&mut room.world, Call::Snapshot);
    assert!(replica.snapshot(&whole, now_ms));
    assert_eq!(replica.head(), room.world.head());
}

/// An instance that has only the room at hand answers with that, whatever was asked.
#[test]
fn x8_another_history_as_long_as_ours_that_came_as_a_room_is_a_loss() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(40);
    let tail = passed(&mut room.world, Call::Tail);
    replica.tail(&tail, room.world.now_ms);
    // Nobody who could tell saw the frame that is lost: the history keeps its name.
    room.world.log().roll_back(39);
    for instance in 0..2 {
        room.world.instances[instance].forget();
    }
    room.world.pass(LEASE_MS + 1);
    let ann = Raw::joined(&mut room.world, 1, "ann");
    while room.world.head().v < 40 {
        room.world.pass(FRAME_MS + 1);
        ann.say(&mut room.world, 1, &[]).expect("taken");
    }
    assert_ne!(room.world.head(), replica.head());
    assert_eq!(room.world.head().v, replica.head().v);
    let whole = passed(&mut room.world, Call::Snapshot);
    assert!(replica.snapshot(&whole, room.world.now_ms));
    assert_eq!(replica.notes(), [Note::Reset]);
}

/// An instance that lacks the room's rules has a room of before the newest frames, and cannot tell its history's name.
#[test]
fn x8_an_old_room_that_is_passed_on_takes_nothing_back() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(20);
    let mut old = read_reply(&passed(&mut room.world, Call::Snapshot)).expect("a reply");
    room.grow(30);
    let new = passed(&mut room.world, Call::Tail);
    assert_eq!(replica.tail(&new, room.world.now_ms), Next::Nothing);
    room.grow(33);
    (old.head, old.lineage) = (room.world.head(), Lineage::default());
    old.now_ms = room.world.now_ms;
    let (own, old) = (replica.head(), write(&old));
    assert_eq!(replica.tail(&old, room.world.now_ms), Next::Nothing);
    assert!(!replica.snapshot(&old, room.world.now_ms));
    assert_eq!((replica.head(), replica.notes()), (own, vec![]));
    // Who has nothing takes it.
    let mut other: Replica<Herd> = Replica::spectator();
    assert!(!other.snapshot(&old, room.world.now_ms));
    assert_eq!((other.head().v, other.notes()), (20, vec![]));
    room.world.pass(u64::from(TAIL_MS));
    let tail = passed(&mut room.world, Call::Tail);
    for replica in [&mut replica, &mut other] {
        assert_eq!(replica.tail(&tail, room.world.now_ms), Next::Nothing);
        assert_eq!(
            (replica.head(), replica.notes()),
            (room.world.head(), vec![])
        );
    }
}

/// Where no store tells the time, instances' clocks do.
#[test]
fn x8_an_answer_of_an_instance_whose_clock_is_ahead_stops_nothing() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    let ahead = |body: &[u8]| {
        let mut reply = read_reply(body).expect("a reply");
        reply.now_ms += 600_000;
        write(&reply)
    };
    for versions in [30, SEGMENT + 3, 2 * SEGMENT + 5] {
        room.grow(versions);
        let now_ms = room.world.now_ms;
        let tail = passed(&mut room.world, Call::Tail);
        let tail = if versions == 30 { ahead(&tail) } else { tail };
        let next = replica.tail(&tail, now_ms);
        if let Next::Block(end) = next {
            let block = passed(&mut room.world, block(end));
            assert!(replica.block(&block, now_ms));
            assert_eq!(replica.tail(&tail, now_ms), Next::Nothing);
        }
        assert_eq!(replica.head(), room.world.head(), "{versions}");
    }
    assert_eq!(replica.notes(), []);
    // What speaks against it is believed once no cache can hold it any more.
    room.lose(20, 2 * SEGMENT + 7);
    let mut looks = 0;
    while replica.head() != room.world.head() {
        looks += 1;
        assert!(looks <= 12, "{:?}", replica.head());
        room.world.pass(u64::from(TAIL_MS));
        let now_ms = room.world.now_ms;
        let tail = passed(&mut room.world, Call::Tail);
        if replica.tail(&tail, now_ms) == Next::Snapshot {
            let whole = passed(&mut room.world, Call::Snapshot);
            replica.snapshot(&whole, now_ms);
        }
    }
    assert!(looks > 9, "an older answer may come out of a cache");
    assert_eq!(replica.notes(), [Note::Reset]);
}

/// The control: caches that name a block by its versions alone would hand out the one that was lost.
#[test]
fn x8_a_block_of_a_lost_history_is_refused_though_its_versions_are_right() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(SEGMENT - 20);
    let now_ms = room.world.now_ms;
    let tail = passed(&mut room.world, Call::Tail);
    replica.tail(&tail, now_ms);
    room.grow(SEGMENT + 2);
    let lost = head_at(room.world.log(), SEGMENT);
    let stale = passed(&mut room.world, block(lost));
    room.lose(12, SEGMENT + 2);
    let tail = passed(&mut room.world, Call::Tail);
    let end = head_at(room.world.log(), SEGMENT);
    assert_eq!(replica.tail(&tail, now_ms), Next::Block(end));
    assert_ne!(end.hash, lost.hash);
    assert!(replica.block(&stale, now_ms), "its beginning is common");
    assert_eq!(replica.head(), lost, "a history that the store lost");
    assert_eq!(replica.tail(&tail, now_ms), Next::Snapshot, "and found out");
    let whole = passed(&mut room.world, Call::Snapshot);
    assert!(replica.snapshot(&whole, now_ms));
    assert_eq!(replica.notes(), [Note::Reset]);
    assert_eq!(replica.head(), room.world.head());
}

#[test]
fn x8_an_instance_that_has_only_a_snapshot_at_hand_reads_the_tail_or_gives_the_room() {
    let mut room = Room::new();
    room.grow(2 * SEGMENT + 20);
    for _ in 0..2 {
        room.world.instances[1].forget();
        let arrival = |call| Arrival { who: None, call };
        let batch = vec![
            arrival(Call::Tail),
            arrival(Call::View),
            arrival(Call::Snapshot),
        ];
        let outcomes = room.world.ask(1, batch);
        let tail = reply_of(&outcomes[0]).expect("a tail");
        let News::Frames(frames) = tail.news else {
            panic!("they are at hand");
        };
        assert_eq!(frames.len() as u64, tail.head.v - 2 * SEGMENT);
        assert!(matches!(
            reply_of(&outcomes[2]).expect("a room").news,
            News::Snapshot(_)
        ));
        assert!(tail.ask_ms >= TAIL_MS && tail.device.is_none());
    }
}

#[test]
fn x8_a_room_that_is_not_there_has_an_empty_tail_and_asking_makes_none() {
    let mut world = World::<Herd>::new(2);
    let mut replica: Replica<Herd> = Replica::spectator();
    let now_ms = world.now_ms;
    for call in [Call::Tail, Call::Snapshot] {
        let body = passed(&mut world, call);
        assert_eq!(replica.tail(&body, now_ms), Next::Nothing);
    }
    assert_eq!((world.head().v, replica.head().v), (0, 0));
}

#[test]
fn x8_what_not_everybody_may_read_has_no_tail() {
    let mut world = World::<Vault>::new(1);
    // Its first frame is made, and even who made it may not look.
    let ann = Raw::new("ann");
    ann.say(&mut world, 0, &[]).expect_err("may not look");
    assert_eq!(world.head().v, 1);
    for call in [Call::Tail, Call::Snapshot] {
        let who = None;
        let refused = world.ask(0, vec![Arrival { who, call }]).remove(0);
        let (code, _) = reply_of(&refused).expect_err("may not look");
        assert_eq!((code, refused.status), (Code::NotFound, 404));
    }
}

/// While it looks up where another client is from its clock goes on: by the time of its answer it would look newer than what
/// was read after it.
#[test]
fn x8_an_instance_that_answers_late_says_when_it_read() {
    let mut room = Room::new();
    let mut replica: Replica<Herd> = Replica::spectator();
    room.grow(5 * SEGMENT + 10);
    room.world.instances[1].forget();
    passed(&mut room.world, Call::Tail);
    room.world.pass(LEASE_MS + 1);
    let cursor = head_at(room.world.log(), 10);
    let tail = Arrival {
        who: None,
        call: Call::Tail,
    };
    let mut slow = Flight::begin(&mut room.world, 1, vec![tail, watcher(cursor)]);
    for read in ["the log", "the cursor"] {
        assert!(slow.outcomes().is_none(), "{read} is read");
        let effect = slow.asks().expect("a read").clone();
        let found = room.world.perform(&effect).expect("a read");
        if read == "the cursor" {
            room.grow(5 * SEGMENT + 20);
            let new = passed(&mut room.world, Call::Snapshot);
            assert!(replica.snapshot(&new, room.world.now_ms));
            room.world.pass(500);
        }
        slow.feed(&mut room.world, found);
    }
    let old = slow.outcomes().expect("no third read")[0].body.clone();
    let head = replica.head();
    assert!(read_reply(&old).expect("a reply").head.v < head.v);
    let next = replica.tail(&old, room.world.now_ms);
    assert_eq!((next, replica.head()), (Next::Nothing, head));
    assert_eq!(replica.notes(), []);
}
