//! One file per verb of `cargo xtask`.

pub(crate) mod build;
