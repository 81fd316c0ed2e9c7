//! The dependency rule of crates/README.md: who may know whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::holds;
use crate::project;

/// The outside world: what no pure crate may reach, directly or through others.
const OUTSIDE: [&str; 8] = [
    "wasm-bindgen",
    "js-sys",
    "web-sys",
    "getrandom",
    "tokio",
    "mio",
    "chrono",
    "rand",
];

/// What a crate may name among its normal dependencies.
const ALLOWED: [(&str, &[&str]); 6] = [
    // The rules of a game know the library and how to be encoded.
    (
        "contagion",
        &["baton", "serde", "serde_bytes", "serde_json"],
    ),
    // An account is paid for matches, and replays runs.
    (
        "account",
        &["baton", "contagion", "serde", "serde_bytes", "serde_json"],
    ),
    // Other versions of them know the same, and how states and actions of the versions before were encoded.
    (
        "editions",
        &[
            "baton",
            "contagion",
            "account",
            "postcard",
            "serde",
            "serde_json",
        ],
    ),
    // A bot knows what a player knows; the JSON is its program's.
    ("bots", &["baton", "contagion", "serde_json"]),
    // The faces hand in clock and entropy, translate bytes, and list the kinds: no logic.
    ("baton-server", FACE),
    ("baton-client", FACE),
];
const FACE: &[&str] = &[
    "baton",
    "contagion",
    "account",
    "bots",
    // Behind features that only tests turn on.
    "brittle",
    "editions",
    "wasm-bindgen",
    "js-sys",
    "getrandom",
    "dlmalloc",
    "serde",
    "serde_json",
];

/// Crates that must compute the same everywhere.
const PURE: [&str; 5] = ["baton", "contagion", "account", "editions", "bots"];

/// The names of a crate's normal dependencies: not those of its tests or its build.
fn direct<'a>(metadata: &'a Value, package: &str) -> Vec<&'a str> {
    let all = metadata["packages"].as_array().into_iter().flatten();
    // A name of ours may also be somebody else's on the registry.
    let ours =
        all.filter(|candidate| candidate["name"] == package && candidate["source"].is_null());
    let dependencies =
        ours.flat_map(|found| found["dependencies"].as_array().into_iter().flatten());
    let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
    normal
        .filter_map(|dependency| dependency["name"].as_str())
        .collect()
}

/// Everything that a crate compiles in, as cargo resolved it.
fn reached(metadata: &Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let name_of = |id: &Value| {
        let mut found = packages.clone().filter(|candidate| candidate["id"] == *id);
        found
            .next()
            .and_then(|found| found["name"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let nodes = || {
        metadata["resolve"]["nodes"]
            .as_array()
            .into_iter()
            .flatten()
    };
    let start = packages
        .clone()
        .filter(|candidate| candidate["name"] == package && candidate["source"].is_null());
    let mut open: Vec<&Value> = start.map(|found| &found["id"]).collect();
    let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id.as_str().unwrap_or_default()) {
            continue;
        }
        names.insert(name_of(id));
        let node = nodes().filter(|node| node["id"] == *id);
        for dependency in node.flat_map(|node| node["deps"].as_array().into_iter().flatten()) {
            let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            if kinds.into_iter().any(|kind| kind["kind"].is_null()) {
                open.push(&dependency["pkg"]);
            }
        }
    }
    names.remove(package);
    names
}

fn complaints(metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in PURE {
        for name in reached(metadata, package)
            .iter()
            .filter(|name| OUTSIDE.contains(&name.as_str()))
        {
            complaints.push(format!("{package} is pure and reaches {name}"));
        }
    }
    for (package, allowed) in ALLOWED {
        for name in direct(metadata, package)
            .into_iter()
            .filter(|name| !allowed.contains(name))
        {
            complaints.push(format!("{package} must not depend on {name}"));
        }
    }
    let library = direct(metadata, "baton");
    for name in library
        .into_iter()
        .filter(|name| ["contagion", "account", "baton-sim"].contains(name))
    {
        complaints.push(format!("baton must not know {name}"));
    }
    complaints
}

#[test]
fn crates_know_only_what_they_may() {
    holds(complaints(
        project::metadata().expect("cargo describes the workspace"),
    ));

    let package = |name: &str, dependencies: &[&str]| {
        let all: Vec<Value> = dependencies
            .iter()
            .map(|name| json!({ "name": name, "kind": null }))
            .collect();
        json!({ "name": name, "id": name, "source": null, "dependencies": all })
    };
    let node = |name: &str, dependencies: &[&str]| {
        let all: Vec<Value> = dependencies
            .iter()
            .map(|name| json!({ "pkg": name, "dep_kinds": [{ "kind": null }] }))
            .collect();
        json!({ "id": name, "deps": all })
    };
    let broken = json!({
        "packages": [package("baton", &["hash"]), package("hash", &[]), package("getrandom", &[]), package("contagion", &["rayon"])],
        "resolve": { "nodes": [node("baton", &["hash"]), node("hash", &["getrandom"]), node("contagion", &["rayon"])] },
    });
    assert_eq!(
        complaints(&broken),
        [
            "baton is pure and reaches getrandom",
            "contagion must not depend on rayon"
        ]
    );
}
