//! How long an action waits, and how soon a room goes on after its leader is gone: the library's own
//! handler and replica in virtual time, where nothing goes wrong but what is measured, or a share of all
//! connections and store calls.
//!
//! Here: what a point of a sweep is. It knows none of the protocol's decisions, and checks none: the
//! simulator in `world` does.

pub mod draw;
pub mod figures;
mod host;
mod page;
mod pictures;
mod stage;
pub mod sweep;

pub use figures::Figures;
pub use stage::run;

use baton::SettingsInput;

/// Which instance a request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// A client's always the same, until it is gone.
    Sticky,
    /// Any.
    Random,
    /// Each in turn.
    RoundRobin,
}

/// The store between the instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Compares, has a clock, and answers a write with a read: Redis, a Durable Object.
    Compare,
    /// Can only create keys if absent, in single calls, without a clock: Devvit.
    Keys,
}

/// What happens to the leader now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Nothing, and no interval between frames is noted.
    Never,
    /// Nothing: the interval between frames around a random moment, to compare with.
    Watch,
    /// Killed at a random moment.
    Between,
    /// Killed while its append is on the way, which is carried out or is not.
    Appending,
    /// Killed before it learns that its frame was appended.
    Unanswered,
    /// Replaced as planned: it takes no new requests and finishes those it has.
    HandOver,
}

/// One point of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The instances' settings.
    pub settings: SettingsInput,
    /// How many instances.
    pub instances: usize,
    /// How many clients.
    pub clients: usize,
    /// A client acts this often, in milliseconds, within half of it more or less.
    pub act_every_ms: u64,
    /// Which instance a request reaches.
    pub routing: Routing,
    /// Frames come by socket, not with polls.
    pub live: bool,
    /// Instances forget their rooms before each request.
    pub cold: bool,
    /// The store.
    pub store: Store,
    /// The policy that this library does not have: while a lease lives nobody but its holder takes
    /// actions, neither into a frame nor into the inbox. Everybody else is told to come again.
    pub exclusive: bool,
    /// What happens to the leader.
    pub strike: Strike,
    /// Of a hundred requests so many do not arrive, of a hundred answers so many are lost; who asked learns of
    /// it at once. Of a hundred calls to a store that compares so many fail, half of them carried out.
    pub broken_percent: u32,
    /// How long it is measured, in milliseconds.
    pub run_ms: u64,
}

impl Default for Point {
    /// The default settings, four instances, eight clients, random routing.
    fn default() -> Self {
        Self {
            settings: SettingsInput::default(),
            instances: 4,
            clients: 8,
            act_every_ms: 1_000,
            routing: Routing::Random,
            live: false,
            cold: false,
            store: Store::Compare,
            exclusive: false,
            strike: Strike::Never,
            broken_percent: 0,
            run_ms: 60_000,
        }
    }
}

impl Point {
    /// What no more than one in a hundred actions may wait for, in milliseconds: the lease and two
    /// polls.
    pub fn bound_ms(&self) -> u64 {
        u64::from(self.settings.lease_ms) + 2 * u64::from(self.settings.poll_ms)
    }

    /// The same for a room whose leader was killed: the lease, one poll, and the start of an instance.
    pub fn recovery_ms(&self) -> u64 {
        u64::from(self.settings.lease_ms) + u64::from(self.settings.poll_ms) + host::BIRTH_MS
    }
}
