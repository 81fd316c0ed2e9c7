//! Bots for Contagion: they look at a room's state as a player looks at the screen, and do what a
//! player may do. For the game's balance, for load, and for company. This file says what they
//! are; they know no frames, stores or hosts, and decide the same for the same seed and states.
//!
//! ```
//! use baton::{By, Solo};
//! use bots::{Brain, Skill};
//! use contagion::{Config, Contagion};
//!
//! let mut room = Solo::<Contagion>::new(Config::default(), 1);
//! let mut brain = Brain::new(Skill::Fair, 1);
//! room.join(0);
//! for _ in 0..300 {
//!     if let Some(action) = brain.decide(room.state(), &Config::default(), 0) {
//!         let _refused_if_too_late = room.act(By::Player(0), action);
//!     }
//!     room.tick();
//! }
//! assert!(room.state().field.figure(0).is_some());
//! ```
//!
//! | file | decides |
//! |---|---|
//! | `skill` | the limits of a novice, a fair and a skilled player |
//! | `brain` | when a bot thinks and when it acts |
//! | `sight` | what of the state it notices |
//! | `survivor`, `hunter` | what it then wants |
//! | `map`, `ways` | walls, and the way round them |
#![no_std]

extern crate alloc;

mod brain;
mod hunter;
mod map;
mod sight;
mod skill;
mod survivor;
mod ways;

pub use brain::Brain;
pub use skill::Skill;
