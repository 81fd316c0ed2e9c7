//! **The log slot is the lock.** A room is a log of frames; its state changes only by replaying
//! the next one; whoever appends frame `v` on top of frame `v - 1` has led.
//!
//! The loop of every host, here with a map as the store:
//!
//! 1. Begin with the requests that arrived together; time and entropy are inputs.
//! 2. Perform the effect that is asked for, feed back its result.
//! 3. Until `Reply`: one outcome for each request.
//!
//! ```
//! use baton::effect::{Arrival, Call, Effect, Moment};
//! use baton::{DeviceId, Identity, Instance, Memory, Nonce, Replica, Settings, Writer};
//! # use baton::{By, Ctx, Player, Reject, Rules};
//! # struct Quiet;
//! # impl Rules for Quiet {
//! #     type Config = ();
//! #     type State = u32;
//! #     type Action = u32;
//! #     const KIND: &'static str = "quiet";
//! #     const VERSION: u32 = 1;
//! #     const TICK_MS: u32 = 100;
//! #     fn setup(_: &mut Ctx<'_, Self>) -> u32 { 0 }
//! #     fn validate(_: &u32, _: By, _: &u32, _: &Ctx<'_, Self>) -> Result<(), Reject> { Ok(()) }
//! #     fn apply(sum: &mut u32, _: By, add: u32, _: &mut Ctx<'_, Self>) { *sum += add; }
//! #     fn view(sum: &u32, _: Option<Player>) -> serde_json::Value { (*sum).into() }
//! # }
//!
//! let mut instance = Instance::<Quiet>::new(Writer([1; 8]), Settings::default(), ());
//! let mut store = Memory::new(1_790_000_000_000);
//! let mut client = Replica::<Quiet>::new("ann", DeviceId([7; 16]), 1);
//!
//! let who = Identity { user: "ann".into(), name: "Ann".into() };
//! let call = Call::Play(client.request(false, 0).into());
//! let arrivals = vec![Arrival { who: Some(who), call }];
//! let moment = Moment { wall_ms: 0, mono_ms: 0, nonce: Nonce([3; 8]) };
//!
//! let (mut invocation, mut effect) = instance.begin("quiet/lobby", arrivals, moment);
//! let outcomes = loop {
//!     effect = match effect {
//!         Effect::Reply(outcomes) => break outcomes,
//!         asked => {
//!             let fed = store.perform("quiet/lobby", &asked).expect("not a reply");
//!             invocation.resume(&mut instance, fed, moment)
//!         }
//!     };
//! };
//!
//! assert_eq!(outcomes[0].status, 200);
//! assert!(client.receive(&outcomes[0].body, 0, 0));
//! assert_eq!(client.head().v, 1);
//! assert_eq!(client.synced().expect("a room").present(), [0]);
//! ```
#![no_std]

extern crate alloc;

mod delta;
pub mod effect;
mod error;
pub mod frame;
mod handler;
pub mod harness;
mod id;
mod kind;
mod lease;
pub mod limits;
mod memory;
#[doc(hidden)]
pub mod mutant;
pub mod parcel;
mod probe;
mod random;
mod replica;
mod rolling;
mod room;
mod rules;
mod settings;
pub mod slots;
mod solo;
mod table;
pub mod wire;

pub use error::{Code, Refusal};
pub use handler::{BadBytes, Before, Instance, Invocation, Serve, Setup};
pub use id::{BodyHash, DeviceId, Hash, Head, Identity, Lineage, Nonce, Writer};
pub use kind::{Edition, Kind, Pace};
pub use memory::{Log, Memory};
pub use random::Random;
pub use replica::{ActError, Desync, Next, Note, PREDICT_MS, Replica, Status};
pub use rolling::{Era, Rolling};
pub use room::{DeviceStanding, Person, ReplayError, Room, history};
pub use rules::{Access, By, Context, Ctx, Player, Reject, Rules, Silence};
pub use settings::{BadSetting, Input as SettingsInput, Settings};
pub use solo::Solo;
pub use table::Table;

/// The game of the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
