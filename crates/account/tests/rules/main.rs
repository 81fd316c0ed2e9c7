//! What the rules of an account do, without frames and hosts. One behaviour per test; `bNN` is the row of
//! `tests/REQUIREMENTS.md`, as far as rules alone can show it. Prices and rewards are named, never written out, so that a
//! change of them changes no test.

#[path = "../samples/mod.rs"]
mod samples;

mod actions;
mod balances;
mod cheats;
mod goals;
mod legacy;
mod looks;
mod random;
mod scene;
mod seeds;
