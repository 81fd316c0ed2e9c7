//! Where things are, and how a program of this project is started.
//!
//! Knows paths and environments only; what a program does is its caller's business.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The top of the work tree that the user is in: not the one this program was compiled in, since clones may share a
/// target directory.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = std::env::current_dir().unwrap_or_default();
        let compiled = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors()
            .chain(compiled.ancestors())
            .find(is_root)
            .unwrap_or(&here)
            .to_owned()
    })
}

fn is_root(path: &&Path) -> bool {
    path.join("wrangler.toml").exists() && path.join("crates/xtask").exists()
}

/// The npm project.
pub(crate) fn js_host() -> PathBuf {
    root().join("js-host")
}

/// What the build writes for wrangler and the page's bundler.
pub(crate) fn dist() -> PathBuf {
    js_host().join("dist")
}

/// A program with the npm project's binaries (a new enough Node among them) first on its PATH.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).env("PATH", path_variable());
    command
}

/// The `cargo` that runs this program, without what it set for this program alone: build scripts would see a change.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.args(arguments);
    command
}

/// What `cargo metadata` says of the whole dependency graph.
pub(crate) fn metadata() -> Result<&'static Value> {
    static METADATA: OnceLock<Value> = OnceLock::new();
    if let Some(known) = METADATA.get() {
        return Ok(known);
    }
    let output = cargo(&["metadata", "--format-version", "1"])
        .output()
        .context("cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let value = serde_json::from_slice(&output.stdout).context("cargo metadata prints JSON")?;
    Ok(METADATA.get_or_init(|| value))
}

/// Cargo's target directory, wherever the user put it.
pub(crate) fn target_directory() -> Result<PathBuf> {
    Ok(PathBuf::from(
        metadata()?["target_directory"]
            .as_str()
            .context("metadata names a target directory")?,
    ))
}

fn path_variable() -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let first = js_host().join("node_modules/.bin");
    let all = std::iter::once(first.clone())
        .chain(std::env::split_paths(&old).filter(|path| *path != first));
    std::env::join_paths(all).unwrap_or(old)
}
