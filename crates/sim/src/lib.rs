//! Explores Baton: every interleaving of a small model of its protocol.
//!
//! Decides whether the protocol keeps its invariants. The model knows nothing of the product's code.

pub mod determinism;
pub mod diagram;
pub mod model;
pub mod rivals;
