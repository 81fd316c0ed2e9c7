//! Accounts on several instances and several devices over the memory store: one history, whoever is asked and whatever is
//! lost. One row of `tests/REQUIREMENTS.md` per test.

#[path = "../../../baton/tests/behaviour/support/mod.rs"]
mod support;

#[path = "../samples/mod.rs"]
mod samples;

mod apart;
mod awards;
mod builds;
mod caches;
mod cheats;
mod devices;
mod games;
mod hundred;
mod kills;
mod orders;
mod packets;
mod scene;
mod seas;
mod storm;
mod syncs;
mod versions;
