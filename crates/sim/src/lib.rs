//! Baton's evidence.
//!
//! Decides whether the protocol keeps its invariants: in a model that knows nothing of the product's code, in the product
//! itself under every fault, and in recorded histories of it.

pub mod check;
pub mod clock;
pub mod counters;
pub mod determinism;
pub mod diagram;
pub mod history;
pub mod later;
pub mod model;
mod outcome;
pub mod page;
pub mod plan;
pub mod rivals;
pub mod rules;
pub mod store;
pub mod trace;
pub mod vectors;
pub mod waiting;
pub mod world;

pub use outcome::{
    Failure, Keep, Outcome, Verdict, run, run_drawn, run_seed, run_shared, run_undamaged,
    run_undeployed,
};
pub use plan::Plan;
