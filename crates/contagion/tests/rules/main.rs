//! What the rules do, without frames and hosts. One behaviour per test; `jNN` is the row of
//! `tests/REQUIREMENTS.md`, as far as rules alone can show it. Lengths, speeds and damages are
//! named, never written out, so that a change of balance changes no test.

mod actions;
mod bites;
mod cheats;
mod feed;
mod heals;
mod items;
mod lures;
mod phases;
mod properties;
mod results;
mod runs;
mod scene;
mod seats;
mod show;
mod spawns;
mod strikes;
mod turned;
mod walks;
mod zombies;
