//! Recorded histories: what real runs leave behind is accepted, and what must not happen is refused, for its own reason.

#[path = "../../../baton/tests/behaviour/support/mod.rs"]
mod support;

mod corrupted;
mod forged;
mod recorded;
mod runs;
mod simulated;
mod uncoordinated;
