//! One file per verb of `cargo xtask`.

pub(crate) mod bench;
pub(crate) mod bots;
pub(crate) mod build;
pub(crate) mod dev;
pub(crate) mod load;
pub(crate) mod sim;
pub(crate) mod soak;
pub(crate) mod test;
