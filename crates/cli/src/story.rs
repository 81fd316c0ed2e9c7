//! A fault that was found late, as a story: rules of an account that pay every reward twice, the rules that mend it (both are in
//! `crates/editions`), and three players who meet both. Plays it on a host in memory, with the handler and the replicas that ship. Told in the README;
//! `tests/repair.rs` checks each sentence of it.

use std::collections::BTreeMap;

use account::{Account, Action, Item};
use baton::effect::{Arrival, Call, Effect, Moment, Outcome};
use baton::limits::PROTOCOL;
use baton::parcel::{Parcel, Posted};
use baton::{
    DeviceId, Identity, Instance, Lineage, Memory, Nonce, Replica, Rules, Settings, Writer,
};
use contagion::MatchResult;
use editions::doubled::{Both, Doubled, Mended};
use serde_bytes::ByteBuf;

use crate::history::Log;

const START_MS: u64 = 1_790_000_000_000;
/// Longer than a lease.
const PAUSE_MS: u64 = 500;

/// A host with the accounts of three players.
pub struct Story {
    store: Memory,
    instance: Instance<Both>,
    now_ms: u64,
    nonce: u64,
    /// Parcels that were sent to each account by each sender.
    sent: BTreeMap<(String, &'static str), u64>,
    /// Each player's page, as long as it is the old one.
    old: BTreeMap<&'static str, Replica<Doubled>>,
    /// And the new one.
    new: BTreeMap<&'static str, Replica<Both>>,
}

/// The players: who could never have bought what she has, whom the fault never met, and who spent what was his and more.
pub const PLAYERS: [&str; 3] = ["ann", "ben", "cam"];

impl Story {
    /// Plays until the day on which somebody notices.
    pub fn play() -> Self {
        let mut story = Self {
            store: Memory::new(START_MS),
            instance: Instance::new(Writer([1; 8]), Settings::default(), baton::Era::Old(())),
            now_ms: START_MS,
            nonce: 0,
            sent: BTreeMap::new(),
            old: BTreeMap::new(),
            new: BTreeMap::new(),
        };
        for (index, user) in (1..).zip(PLAYERS) {
            story
                .old
                .insert(user, Replica::new(user, DeviceId([index; 16]), 7));
            story.sync(user);
        }
        // Ten matches each are worth 200 coins, and 150 of rewards: 350. She has 500, which buys the nurse's dress.
        for user in ["ann", "cam"] {
            (0..10).for_each(|_| story.play_match(user, 400));
        }
        story.shop("ann", Item::Nurse);
        // He looks on: no goal is reached without a match.
        story.act("ben", Action::Look(2));
        // 400 more make it 750 that are right and 900 that he has. He buys the dress as well.
        (0..10).for_each(|_| story.play_match("cam", 800));
        story.shop("cam", Item::Nurse);
        story.act("cam", Action::Look(6));
        PLAYERS.iter().for_each(|user| story.sync(user));
        story
    }

    /// The operator wants the mended rules: the next frame of each account changes to them.
    pub fn mend(&mut self) {
        self.instance = Instance::new(Writer([2; 8]), Settings::default(), baton::Era::Old(()))
            .wanting(Mended::VERSION);
        for user in PLAYERS {
            // Pages reload, and keep what they had.
            let saved = self.old.remove(user).map(|page| page.save());
            let page = saved.and_then(|saved| Replica::resume(user, &saved, 8));
            self.new.insert(user, page.expect("what it saved itself"));
            self.sync(user);
        }
    }

    /// An action of the operator.
    pub fn operate(&mut self, user: &'static str, action: &Action) {
        self.deliver(user, "operator/cli", action);
        self.sync(user);
    }

    /// A match of a player is over.
    pub fn play_match(&mut self, user: &'static str, score: u32) {
        let result = MatchResult {
            match_id: 1,
            won: false,
            score,
            survived_ms: 60_000,
            struck: 0,
            cures: 0,
            infected: 0,
        };
        self.deliver(user, "contagion/town", &Action::Match(result));
        self.sync(user);
    }

    fn shop(&mut self, user: &'static str, item: Item) {
        self.deliver(user, "shop/town", &Action::Purchase(item));
        self.sync(user);
    }

    fn act(&mut self, user: &'static str, action: Action) {
        let since_ms = self.now_ms - START_MS;
        let page = self.old.get_mut(user).expect("before its rules change");
        page.act(&action, since_ms).expect("it may");
        self.sync(user);
    }

    /// Lets a page ask until it has nothing to say and nothing to hear.
    pub fn sync(&mut self, user: &'static str) {
        let who = Identity {
            user: user.into(),
            name: user.into(),
        };
        for _ in 0..8 {
            self.pass();
            let since_ms = self.now_ms - START_MS;
            let request = match (self.old.get_mut(user), self.new.get_mut(user)) {
                (Some(page), _) => page.request(false, since_ms),
                (None, Some(page)) => page.request(false, since_ms),
                (None, None) => return,
            };
            let call = Call::Play(request.into());
            let outcome = self.ask(
                user,
                Arrival {
                    who: Some(who.clone()),
                    call,
                },
            );
            match (self.old.get_mut(user), self.new.get_mut(user)) {
                (Some(page), _) => page.receive(&outcome.body, since_ms, since_ms),
                (None, Some(page)) => page.receive(&outcome.body, since_ms, since_ms),
                (None, None) => return,
            };
        }
    }

    /// The state that a player's page has, and that of the log, as JSON.
    pub fn states(&mut self, user: &str) -> [serde_json::Value; 2] {
        let page = match (self.old.get(user), self.new.get(user)) {
            (Some(page), _) => serde_json::to_value(page.synced().expect("a room").state()),
            (None, Some(page)) => serde_json::to_value(page.synced().expect("a room").state()),
            (None, None) => panic!("{user} does not play"),
        };
        let log = self.log(user);
        let trace =
            crate::history::Registry::built_in().replay(&log, &mut |_: &_, _: &dyn Fn() -> _| {});
        [page.expect("as JSON"), trace.expect("a sound log").state]
    }

    /// A player's log, as it would be exported.
    pub fn log(&mut self, user: &str) -> Log {
        let room = format!("{}/{user}", Account::KIND);
        let frames = self.store.log(&room).frames().map(<[u8]>::to_vec).collect();
        Log { room, frames }
    }

    /// All three.
    pub fn logs(&mut self) -> Vec<Log> {
        PLAYERS.iter().map(|user| self.log(user)).collect()
    }

    fn pass(&mut self) {
        self.now_ms += PAUSE_MS;
        self.store.set_clock(self.now_ms);
    }

    fn deliver(&mut self, user: &'static str, sender: &'static str, action: &Action) {
        let number = self.sent.entry((user.into(), sender)).or_default();
        *number += 1;
        let parcel = Parcel {
            protocol: PROTOCOL,
            sender: sender.into(),
            lineage: Lineage([9; 8]),
            after: *number - 1,
            sends: vec![Posted {
                seq: *number,
                body: ByteBuf::from(postcard::to_allocvec(action).expect("an action")),
            }],
        };
        let call = Call::Deliver(postcard::to_allocvec(&parcel).expect("a parcel").into());
        self.pass();
        let outcome = self.ask(user, Arrival { who: None, call });
        assert_eq!(outcome.status, 200, "an account takes what is sent to it");
    }

    fn ask(&mut self, user: &str, arrival: Arrival) -> Outcome {
        let room = format!("{}/{user}", Account::KIND);
        self.nonce += 1;
        let moment = Moment {
            wall_ms: self.now_ms,
            mono_ms: self.now_ms - START_MS,
            nonce: Nonce(self.nonce.to_le_bytes()),
        };
        let (mut invocation, mut effect) = self.instance.begin(&room, vec![arrival], moment);
        loop {
            effect = match effect {
                Effect::Reply(outcomes) => {
                    return outcomes.into_iter().next().expect("one for each");
                }
                asked => {
                    let fed = self.store.perform(&room, &asked).expect("the store's");
                    invocation.resume(&mut self.instance, fed, moment)
                }
            };
        }
    }
}
