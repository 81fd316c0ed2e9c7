//! Explores Baton: every interleaving of a small model of its protocol.
//!
//! Decides whether the protocol keeps its invariants, in a model that knows nothing of the product's code, and in recorded
//! histories of the product.

pub mod determinism;
pub mod diagram;
pub mod history;
pub mod model;
pub mod rivals;
pub mod vectors;
