//! The house rules that a machine can check, as ordinary tests. A rule is a function from text to complaints, and each
//! rule has a test that sees it complain.

mod crates;
mod manifests;
mod sources;

use std::path::{Path, PathBuf};

use crate::project;

/// Directories that nobody wrote.
const MADE: [&str; 7] = [
    "target",
    "node_modules",
    "dist",
    "output",
    ".git",
    ".wrangler",
    "golden",
];

/// A file and what is in it.
struct Text {
    /// Relative to the top, with forward slashes.
    path: String,
    content: String,
}

/// All files of the work tree whose name ends so.
fn files(endings: &[&str]) -> Vec<Text> {
    let mut paths = Vec::new();
    collect(project::root(), &mut paths);
    paths.sort();
    let named = |path: &PathBuf| {
        endings
            .iter()
            .any(|ending| path.to_string_lossy().ends_with(ending))
    };
    let found: Vec<Text> = paths.into_iter().filter(named).map(read).collect();
    assert!(!found.is_empty(), "the work tree has no {endings:?}");
    found
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the work tree can be read") {
        let path = entry.expect("the work tree can be read").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !MADE.contains(&name.as_str()) {
                collect(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}

fn read(path: PathBuf) -> Text {
    let relative = path.strip_prefix(project::root()).unwrap_or(&path);
    let relative = relative.to_string_lossy().replace('\\', "/");
    let content = std::fs::read(&path).expect("the file can be read");
    Text {
        path: relative,
        content: String::from_utf8_lossy(&content).into_owned(),
    }
}

/// Fails with all complaints at once.
fn holds(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// A made-up file for the tests of the rules.
fn sample(path: &str, content: &str) -> Text {
    Text {
        path: path.to_owned(),
        content: content.to_owned(),
    }
}
