//! The client's wasm face, run where it ships: whole exchanges with a handler and a store beside it,
//! in Node and in a browser. Time is made up, so nothing waits.
#![allow(
    clippy::disallowed_types,
    reason = "JavaScript's numbers are floats; none reaches the rules"
)]

use baton::effect::{Arrival, Call, Content, Effect, Fed, Moment};
use baton::{Identity, Instance, Memory, Nonce, Settings, Writer};
use baton_client::{Replica, measures, new_device};
use contagion::{Contagion, sprite};
use wasm_bindgen_test::wasm_bindgen_test;

/// 2025, in milliseconds since 1970.
const BEGAN_MS: u64 = 1_735_689_600_000;
/// A host that answers at once is asked as often as a page may.
const STEP_MS: u64 = 50;

/// A host in the same wasm: handler, store and clock.
struct Host {
    instance: Instance<Contagion>,
    store: Memory,
    /// Milliseconds since it began: the pages' clock.
    now_ms: u64,
    nonce: u64,
}

impl Host {
    fn new() -> Self {
        let config = contagion::Config {
            countdown_ms: 1_000,
            zombies_at_start: 60,
            ..contagion::Config::default()
        };
        Self {
            instance: Instance::new(Writer([7; 8]), Settings::default(), config),
            store: Memory::new(BEGAN_MS),
            now_ms: 0,
            nonce: 0,
        }
    }

    fn now(&self) -> f64 {
        self.now_ms as f64
    }

    /// Lets time pass.
    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(BEGAN_MS + self.now_ms);
    }

    fn moment(&mut self) -> Moment {
        self.nonce += 1;
        Moment {
            wall_ms: BEGAN_MS + self.now_ms,
            mono_ms: self.now_ms,
            nonce: Nonce(self.nonce.to_le_bytes()),
        }
    }

    /// Status and body of the answer to a request.
    fn answer(&mut self, user: &str, request: Vec<u8>) -> (u16, Vec<u8>) {
        let arrival = Arrival {
            who: Some(Identity {
                user: user.into(),
                name: format!("{user} itself"),
            }),
            call: Call::Play(request.into()),
        };
        let moment = self.moment();
        let (mut invocation, mut effect) =
            self.instance.begin("contagion/test", vec![arrival], moment);
        loop {
            if let Effect::Reply(outcomes) = &effect {
                let [outcome] = &outcomes[..] else {
                    panic!("one arrival, {} outcomes", outcomes.len());
                };
                assert_eq!(outcome.content == Content::Reply, outcome.status == 200);
                return (outcome.status, outcome.body.to_vec());
            }
            let fed = match &effect {
                // No account is here.
                Effect::Deliver { .. } => Fed::Failed,
                other => self
                    .store
                    .perform("contagion/test", other)
                    .expect("a reply ended the loop"),
            };
            let moment = self.moment();
            effect = invocation.resume(&mut self.instance, fed, moment);
        }
    }

    /// One request of a page, with its reply.
    fn ask(&mut self, user: &str, page: &mut Replica) {
        let request = page.request(false, self.now());
        let (status, reply) = self.answer(user, request);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&reply));
        assert!(page.receive(&reply, self.now(), self.now()));
    }

    /// Time passes, and all pages ask whenever they want to.
    fn play(&mut self, pages: &mut [(&str, Replica)], ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.pass(STEP_MS);
            for (user, page) in &mut *pages {
                if page.ask_at(false, self.now()) <= self.now() {
                    self.ask(user, page);
                }
                page.predict(self.now());
            }
        }
    }
}

fn page(user: &str) -> Replica {
    let id = new_device().expect("the platform has entropy");
    Replica::new(user, &id).expect("16 bytes")
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("the face writes JSON")
}

fn hud(page: &Replica) -> serde_json::Value {
    json(&page.hud().expect("the room is known"))
}

/// Two pages in a match.
fn match_of_two() -> (Host, [(&'static str, Replica); 2]) {
    let mut host = Host::new();
    let mut pages = [("ada", page("ada")), ("bob", page("bob"))];
    host.play(&mut pages, 2_000);
    for (_, page) in &pages {
        assert_eq!(page.status(host.now()), "live");
        assert_eq!(hud(page)["hud"]["phase"], "playing");
    }
    (host, pages)
}

#[wasm_bindgen_test]
fn two_pages_join_walk_and_agree() {
    let (mut host, mut pages) = match_of_two();
    for turn in 0..40_u8 {
        let now = host.now();
        for (_, page) in &mut pages {
            assert!(page.steer(Some(turn % 32), now) >= 1.0);
        }
        host.play(&mut pages, 200);
    }
    host.pass(1_000);
    for (user, page) in &mut pages {
        host.ask(user, page);
    }
    let [(_, ada), (_, bob)] = &pages;
    assert!(ada.version() >= 40.0, "{}", ada.version());
    assert_eq!((ada.version(), ada.hash()), (bob.version(), bob.hash()));
    assert!(hud(ada)["hud"]["zombies"].as_u64() >= Some(50));
    // The same versions, one by one.
    let (one, other) = (json(&ada.trail()), json(&bob.trail()));
    let same = |head| other.as_array().is_some_and(|all| all.contains(head));
    let shared = one
        .as_array()
        .into_iter()
        .flatten()
        .filter(|head| same(head));
    assert!(shared.count() >= 40);
    let names: Vec<_> = hud(ada)["here"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|person| person["name"].clone())
        .collect();
    assert_eq!(names, ["ada itself", "bob itself"]);
}

#[wasm_bindgen_test]
fn every_action_gets_its_answer_once() {
    let (mut host, mut pages) = match_of_two();
    let (_, ada) = &mut pages[0];
    let _ = ada.notes();
    let numbers = [Some(3), None, Some(31)].map(|angle| ada.steer(angle, host.now()));
    assert_eq!(numbers, [1.0, 2.0, 3.0]);
    assert_eq!(ada.pending(), 3);
    host.play(&mut pages, 1_000);
    let (_, ada) = &mut pages[0];
    let answers: Vec<_> = json(&ada.notes())
        .as_array()
        .into_iter()
        .flatten()
        .map(|note| {
            (
                note["note"].clone(),
                note["seq"].clone(),
                note["code"].clone(),
            )
        })
        .collect();
    let accepted = |seq: u64| ("answer".into(), seq.into(), 0.into());
    assert_eq!(answers, [accepted(1), accepted(2), accepted(3)]);
    assert_eq!((ada.pending(), ada.notes().as_str()), (0, "[]"));
}

#[wasm_bindgen_test]
fn what_is_not_allowed_is_not_taken_and_says_why() {
    let mut ada = page("ada");
    assert_eq!(ada.steer(Some(0), 0.0), -1.0, "not yet in the room");
    let mut host = Host::new();
    let mut pages = [("ada", ada)];
    host.play(&mut pages, 500);
    let (_, ada) = &mut pages[0];
    let not_playing = -1_000.0 - f64::from(contagion::reject::NOT_PLAYING.0);
    assert_eq!(ada.steer(Some(0), host.now()), not_playing);
    host.play(&mut pages, 1_500);
    let (_, ada) = &mut pages[0];
    let bad_angle = -1_000.0 - f64::from(contagion::reject::BAD_ANGLE.0);
    assert_eq!(ada.steer(Some(32), host.now()), bad_angle);
    let taken = (0..100)
        .take_while(|turn| ada.steer(Some(turn % 2), host.now()) > 0.0)
        .count();
    assert_eq!(taken, baton::limits::WINDOW);
    assert_eq!(
        ada.steer(None, host.now()),
        -2.0,
        "too much without an answer"
    );
}

#[wasm_bindgen_test]
fn sprites_are_a_view_until_the_next_call() {
    let (mut host, mut pages) = match_of_two();
    let (_, ada) = &mut pages[0];
    let rows = ada.sprites();
    let count = rows.length() as usize / sprite::STRIDE;
    assert_eq!(rows.length() as usize, count * sprite::STRIDE);
    // A copy of a view is ours; the view itself may be detached when the memory grows.
    let copy = rows.to_vec();
    let kinds: Vec<i32> = copy
        .chunks_exact(sprite::STRIDE)
        .map(|row| row[sprite::KIND])
        .collect();
    let zombies = kinds.iter().filter(|&&kind| kind == sprite::ZOMBIE).count();
    assert!(zombies >= 60);
    assert_eq!(
        kinds.iter().filter(|&&kind| kind == sprite::PLAYER).count(),
        2
    );
    assert!(kinds.contains(&sprite::ITEM));
    let grown = vec![1_u8; 8 << 20];
    assert_eq!(
        rows.length(),
        0,
        "a detached view is empty, never of other memory"
    );
    drop(grown);
    assert_eq!(ada.sprites().to_vec(), copy);
    // One tick on, everything that hunts has moved, and nothing became another thing.
    let ahead = ada.ahead().to_vec();
    assert_ne!(ahead, copy);
    assert_eq!(
        ahead[sprite::KIND..sprite::X],
        copy[sprite::KIND..sprite::X]
    );
    host.play(&mut pages, 100);
    let (_, ada) = &mut pages[0];
    let now = ada.sprites().to_vec();
    let zombies = |rows: &[i32]| {
        let rows = rows.chunks_exact(sprite::STRIDE);
        let zombies = rows.filter(|row| row[sprite::KIND] == sprite::ZOMBIE);
        let places = zombies.map(|row| row[sprite::ID..=sprite::Y].to_vec());
        places.collect::<Vec<_>>()
    };
    assert_eq!(zombies(&now), zombies(&ahead));
    assert_ne!(zombies(&now), zombies(&copy));
}

#[wasm_bindgen_test]
fn pushed_frames_do_what_replies_do() {
    let (mut host, mut pages) = match_of_two();
    let known = host.store.log("contagion/test").head().v;
    let [(_, ada), (_, bob)] = &mut pages;
    assert!(ada.steer(Some(5), host.now()) > 0.0);
    host.pass(500);
    host.ask("ada", ada);
    let log = host.store.log("contagion/test");
    let frames: Vec<Vec<u8>> = log.frames().map(<[u8]>::to_vec).collect();
    let now = host.now();
    let skip = usize::try_from(known).expect("few frames");
    assert!(frames.len() > skip, "ada's action is in a frame");
    for frame in &frames[skip..] {
        bob.frame(frame, now);
        // The socket may bring it twice.
        bob.frame(frame, now);
    }
    assert_eq!((ada.version(), ada.hash()), (bob.version(), bob.hash()));
    // Cut bytes are no frame: nothing changes but that the page asks to be loaded again.
    let (hash, last) = (bob.hash(), frames.last().expect("there are frames"));
    bob.frame(&last[..last.len() / 2], now);
    assert_eq!(bob.hash(), hash);
}

#[wasm_bindgen_test]
fn a_saved_page_goes_on_with_its_device_and_its_queue() {
    let (mut host, mut pages) = match_of_two();
    let (_, ada) = &mut pages[0];
    let me = hud(ada)["me"].clone();
    assert_eq!(ada.steer(Some(9), host.now()), 1.0);
    let (saved, room) = (ada.save(), ada.save_room().expect("the room is known"));
    let mut again = Replica::resume("ada", &saved).expect("its own bytes");
    assert_eq!(again.device(), ada.device());
    assert!(again.warm_up(&room, host.now()));
    assert_eq!(again.version(), ada.version());
    pages[0] = ("ada", again);
    host.play(&mut pages, 1_000);
    let (_, ada) = &mut pages[0];
    assert_eq!(hud(ada)["me"], me);
    assert_eq!(ada.pending(), 0, "what was not sent before is sent now");
    assert!(json(&ada.notes()).to_string().contains(r#""seq":1"#));
    for unreadable in [&saved[..saved.len() - 1], &[][..], &[0xff; 40][..]] {
        assert!(Replica::resume("ada", unreadable).is_none());
    }
    assert!(!page("cleo").warm_up(&room[..room.len() / 2], 0.0));
}

#[wasm_bindgen_test]
fn a_device_id_has_16_bytes() {
    for length in [0, 15, 17, 64] {
        assert!(Replica::new("ada", &vec![1; length]).is_err());
        assert!(page("ada").renew(&vec![1; length], 0.0).is_err());
    }
    assert_ne!(new_device().ok(), new_device().ok());
}

#[wasm_bindgen_test]
fn bytes_that_are_no_reply_change_nothing() {
    let (mut host, mut pages) = match_of_two();
    let (_, ada) = &mut pages[0];
    let before = (ada.version(), ada.hash(), ada.save());
    let request = ada.request(false, host.now());
    let (_, reply) = host.answer("ada", request);
    let now = host.now();
    assert!(!ada.receive(&reply[..reply.len() - 1], now, now));
    assert!(!ada.receive(&[], now, now));
    assert!(!ada.receive(b"<html>", now, now));
    assert_eq!((ada.version(), ada.hash(), ada.save()), before);
    assert!(
        ada.ask_at(false, now) > now,
        "it does not ask again at once"
    );
    assert!(ada.receive(&reply, now, now));
}

#[wasm_bindgen_test]
fn who_looks_away_says_nothing_and_leaves_by_the_grace_time() {
    let (mut host, mut pages) = match_of_two();
    let (_, ada) = &mut pages[0];
    ada.set_away(true);
    host.play(&mut pages, 20_000);
    let (_, bob) = &pages[1];
    assert_eq!(hud(bob)["here"].as_array().map(Vec::len), Some(1));
    let (_, ada) = &mut pages[0];
    ada.set_away(false);
    assert!(ada.ask_at(false, host.now()) <= host.now() + 50.0);
    host.play(&mut pages, 1_000);
    let (_, bob) = &pages[1];
    assert_eq!(hud(bob)["here"].as_array().map(Vec::len), Some(2));
}

#[wasm_bindgen_test]
fn silence_becomes_stalled_and_an_answer_ends_it() {
    let (mut host, mut pages) = match_of_two();
    let (user, ada) = &mut pages[0];
    host.pass(7_000);
    assert_eq!(ada.status(host.now()), "stalled");
    let tick = {
        ada.predict(host.now());
        ada.tick()
    };
    host.pass(5_000);
    ada.predict(host.now());
    assert_eq!(ada.tick(), tick, "what is stalled stands still");
    for _ in 0..20 {
        host.pass(100);
        host.ask(user, ada);
    }
    assert_eq!(ada.status(host.now()), "live");
}

#[wasm_bindgen_test]
fn the_measures_are_those_of_the_rules() {
    let measures = json(&measures());
    assert_eq!(measures["stride"], sprite::STRIDE);
    assert_eq!(measures["width"], contagion::WIDTH);
    // The page reads rows by these places.
    let places = [
        sprite::KIND,
        sprite::ID,
        sprite::X,
        sprite::Y,
        sprite::FACING,
        sprite::HEALTH,
        sprite::FLAGS,
        sprite::EXTRA,
        sprite::SHOT,
    ];
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let kinds = [sprite::PLAYER, sprite::ZOMBIE, sprite::ITEM, sprite::LURE];
    assert_eq!(kinds, [1, 2, 3, 4]);
    let flags = [
        sprite::WALKS,
        sprite::BITES,
        sprite::STRIKES,
        sprite::SHOOTS,
        sprite::TURNED,
        sprite::DOWN,
    ];
    assert_eq!(flags, [1, 2, 4, 8, 16, 32]);
    let items = [sprite::MEDKIT, sprite::AMMUNITION, sprite::LURE_ITEM];
    assert_eq!(items, [1, 2, 3]);
    use contagion::terrain;
    let ground = [
        terrain::GRASS,
        terrain::STREET,
        terrain::FLOOR,
        terrain::DOOR,
        terrain::WALL,
        terrain::TREE,
    ];
    assert_eq!((ground, terrain::SOLID), ([0, 1, 2, 3, 4, 5], 4));
    use contagion::reject;
    let codes = [
        reject::NOT_PLAYING,
        reject::DOWN,
        reject::BAD_ANGLE,
        reject::SERVER_ONLY,
        reject::PLAYERS_ONLY,
        reject::NO_FIGURE,
        reject::COOLING,
        reject::EMPTY,
        reject::NO_USE,
        reject::TURNED,
    ];
    assert_eq!(
        codes.map(|reject| reject.0),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    );
}
