//! Rules that break, as a crate: what a server that is built for the tests of real hosts serves beside the game.
//! The rules are those of the library's own tests.
#![no_std]

#[path = "../../baton/tests/behaviour/support/brittle.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "shared with tests, which use all of it"
)]
mod rules;

pub use rules::Brittle;
