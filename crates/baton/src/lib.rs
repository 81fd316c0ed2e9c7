//! **The log slot is the lock.** A room is a log of frames; its state changes only by replaying
//! the next one; whoever appends frame `v` on top of frame `v - 1` has led.
#![no_std]

extern crate alloc;

pub mod effect;
mod error;
pub mod frame;
mod handler;
pub mod harness;
mod id;
mod lease;
pub mod limits;
mod memory;
mod random;
mod replica;
mod room;
mod rules;
mod settings;
mod table;
pub mod wire;

pub use error::{Code, Refusal};
pub use handler::{BadBytes, Instance, Invocation, Serve, Setup};
pub use id::{BodyHash, DeviceId, Hash, Head, Identity, Lineage, Nonce, Writer};
pub use memory::{Log, Memory};
pub use random::Random;
pub use replica::{ActError, Desync, Note, PREDICT_MS, Replica, Status};
pub use room::{DeviceStanding, Person, ReplayError, Room};
pub use rules::{Access, By, Context, Ctx, Player, Reject, Rules, Silence};
pub use settings::{BadSetting, Input as SettingsInput, Settings};
pub use table::Table;
