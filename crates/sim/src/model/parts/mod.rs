//! Parts of the protocol as models of their own, where one model of all would explode.
//!
//! Each says what it leaves out. What they share with the whole is the judge: properties in every state, what must be
//! reachable, mutants that must be found, and that no state is a dead end.

pub mod outbox;
pub mod register;
pub mod seal;
pub mod switch;

use super::cases::{Case, MutantCase};

/// A part's configurations.
pub struct Part<M> {
    /// For every run of the tests.
    pub reduced: Vec<Case<M>>,
    /// For `soak`.
    pub deep: Vec<Case<M>>,
    /// Every rule switched off, where it is looked for, and what it breaks.
    pub mutants: Vec<MutantCase<M>>,
}
