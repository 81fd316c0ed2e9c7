//! Accounts with long histories, and devices that have everything and sync a little. Decides where in a segment of the log a
//! sync happens, so that short and long histories are asked for the same work; who calls measures.

use account::{Action, Item, Legacy, Preference};
use baton::Memory;
use baton::effect::{Arrival, Outcome};
use baton::limits::SEGMENT;

use crate::host::{Device, Host, Pen, Store, some_action};

/// Where in a segment a round of syncs begins: as long as the shortest history.
pub(crate) const FIRST: u64 = 10;
/// Syncs of a round: to the end of the segment, where a snapshot is kept, so that each round has one.
pub(crate) const ROUND: u64 = SEGMENT - FIRST;

/// An account, one of its devices, and how its history grows without it.
pub(crate) struct Account<S> {
    pub(crate) host: Host<S>,
    pub(crate) phone: Device,
    pen: Pen,
    acted: u64,
}

impl Account<Memory> {
    pub(crate) fn in_memory(frames: u64) -> Self {
        Self::with(Host::in_memory(), frames)
    }
}

impl<S: Store> Account<S> {
    /// With a history of so many frames, of which nearly each is an action: a multiple of a segment, and [`FIRST`].
    pub(crate) fn with(mut host: Host<S>, frames: u64) -> Self {
        let phone = Device::join(&mut host, 1);
        host.deliver(&Action::Import(much()), 1);
        let pen = Pen::join(&mut host);
        let mut account = Self {
            host,
            phone,
            pen,
            acted: 0,
        };
        account.grow(frames);
        account
    }

    /// Another device makes frames, up to a version; the phone makes the last, and has everything.
    pub(crate) fn grow(&mut self, frames: u64) {
        self.pen.say(&mut self.host);
        let missing = frames.checked_sub(self.pen.head().v + 1);
        self.pen
            .write(&mut self.host, missing.expect("not that long yet"));
        // It may lack much, and the last frame is its own.
        let arrival = self.phone_asks(1);
        let outcome = self.host.ask(arrival);
        self.phone_hears(&outcome);
        assert_eq!(self.head(), frames);
    }

    /// The newest frame that the phone has.
    pub(crate) fn head(&self) -> u64 {
        self.phone.replica.head().v
    }

    /// The phone does something, and asks.
    pub(crate) fn phone_asks(&mut self, actions: u64) -> Arrival {
        for _ in 0..actions {
            self.acted += 1;
            let done = self.phone.act(&self.host, &some_action(self.acted));
            assert!(done, "anybody may");
        }
        self.host.pause();
        self.phone.arrival(&self.host)
    }

    /// What it asked for is done.
    pub(crate) fn phone_hears(&mut self, outcome: &Outcome) {
        self.phone.take(&self.host, outcome);
        assert_eq!(self.phone.replica.pending(), 0, "all is in the log");
    }
}

/// An account with nearly everything in it, as a player has who was there for years.
pub(crate) fn much() -> Legacy {
    let games = account::Stats {
        played: 4_000,
        won: 900,
        best: 1_312,
        survived_ms: 400_000_000,
        struck: 31_000,
        cures: 500,
        infected: 700,
    };
    Legacy {
        coins: 72_000,
        scrap: 9_100,
        matches: games,
        runs: games,
        goals: account::Goal::ALL.into(),
        items: Item::ALL.into(),
        look: Item::Nurse.look(),
        preferences: vec![
            (Preference::Volume, 30),
            (Preference::LeftHanded, 1),
            (Preference::Contrast, 40),
            (Preference::Calm, 1),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Work;
    use crate::keys::{self, KeyStore};

    /// A round of syncs, each on an instance that knows the room or on one that knows nothing.
    fn round<S: Store>(account: &mut Account<S>, cold: bool) -> (Work, u64, u64) {
        account.host.work = Work::default();
        account.phone.bytes = Default::default();
        for _ in 0..ROUND {
            let arrival = account.phone_asks(1);
            if cold {
                account.host.forget();
            }
            let before = account.head();
            let outcome = account.host.ask(arrival);
            account.phone_hears(&outcome);
            assert_eq!(account.head(), before + 1, "a frame each");
        }
        let bytes = account.phone.bytes;
        (account.host.work, bytes.up, bytes.down)
    }

    /// Histories of so many frames, and [`FIRST`].
    fn compare<S: Store>(of: impl Fn() -> Host<S>, short: u64, long: u64, cold: bool) {
        let [short, long] = [short, long].map(|frames| {
            let mut account = Account::with(of(), frames + FIRST);
            assert_eq!(account.head(), frames + FIRST);
            round(&mut account, cold)
        });
        println!("cold {cold}: {short:?} of the short one, {long:?} of the long one");
        let counts =
            |(work, up, down): (Work, u64, u64)| [work.calls, work.bytes, work.frames, up, down];
        for (short, long) in counts(short).into_iter().zip(counts(long)) {
            assert!(short > 0 && 10 * long <= 12 * short, "{long} of {short}");
        }
    }

    #[test]
    fn b32_the_work_of_a_sync_does_not_grow_with_the_history() {
        let long = SEGMENT * 1_563;
        compare(Host::in_memory, 0, long, false);
        // Who knows nothing begins with a snapshot, as soon as there is one.
        compare(Host::in_memory, SEGMENT, long, true);
    }

    /// The short one has begun to seal and to trim, a segment each time one is full; the long one has fewer frames, since
    /// such a store looks at all its keys whenever time passes.
    #[test]
    fn b32_the_work_of_a_sync_on_a_store_of_keys_does_not_grow_with_the_history() {
        for cold in [false, true] {
            let of = || {
                let mut host = Host::on(KeyStore::new());
                host.pause_ms = keys::PAUSE_MS;
                host
            };
            compare(of, SEGMENT * 20, SEGMENT * 157, cold);
        }
    }

    #[test]
    fn b33_a_sync_of_one_action_is_smaller_than_the_account() {
        let mut account = Account::in_memory(FIRST);
        let (_, up, down) = round(&mut account, false);
        let state = account.phone.replica.save_room().expect("synced").len() as u64;
        println!(
            "{} up, {} down, {state} the account",
            up / ROUND,
            down / ROUND
        );
        assert!(up + down < ROUND * state);
    }
}
