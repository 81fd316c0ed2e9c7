//! Rules about manifests: a reason for each dependency, and lockfiles that install everywhere.

use serde_json::Value;

use super::{Text, files, holds, sample};
use crate::project::js_host;

/// A dependency has a comment in its block, unless the workspace's manifest gives the reason or it is one of ours.
fn without_reason(text: &Text) -> Vec<String> {
    let (mut in_dependencies, mut has_reason, mut complaints) = (false, false, Vec::new());
    for line in text.content.lines().map(str::trim) {
        if line.starts_with('[') {
            in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
            has_reason = false;
        } else if line.is_empty() {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if in_dependencies && line.contains('=') {
            let known = ["workspace = true", "path = "]
                .iter()
                .any(|known| line.contains(known));
            if !known && !has_reason {
                complaints.push(format!("{}: no reason beside `{line}`", text.path));
            }
        }
    }
    complaints
}

/// The switch of the library's mutants is for one program that looks for them; nothing that ships may have it.
fn with_mutants(text: &Text) -> Vec<String> {
    let allowed = text.path.ends_with("crates/sim/Cargo.toml");
    let lines = text.content.lines().map(str::trim);
    let turns_on = |line: &&str| {
        line.contains("baton/mutants") || line.contains("features") && line.contains("\"mutants\"")
    };
    lines
        .filter(|line| turns_on(line) && !allowed)
        .map(|line| format!("{}: `{line}` switches rules off", text.path))
        .collect()
}

/// Each npm package has its reason under "//"; `node-*` stands for all that start so.
fn npm_without_reason(package: &Value) -> Vec<String> {
    let reasons: Vec<&String> = package["//"]
        .as_object()
        .into_iter()
        .flat_map(|reasons| reasons.keys())
        .collect();
    let explained = |name: &str| {
        reasons.iter().any(|reason| match reason.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == reason.as_str(),
        })
    };
    let kinds = ["dependencies", "devDependencies", "optionalDependencies"];
    let names = kinds.iter().flat_map(|kind| {
        package[*kind]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
    });
    names
        .filter(|name| !explained(name))
        .map(|name| format!("package.json: no reason for {name}"))
        .collect()
}

/// `npm ci` refuses a lockfile that lacks a package which another one names, though it be for another platform; npm
/// writes such a lockfile when a platform's package was never published.
fn not_locked(lockfile: &Value) -> Vec<String> {
    let Some(packages) = lockfile["packages"].as_object() else {
        return vec!["package-lock.json lists no packages".to_owned()];
    };
    let mut complaints = Vec::new();
    for (path, package) in packages {
        for name in package["optionalDependencies"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
        {
            let nested = format!("{path}/node_modules/{name}");
            if !packages.contains_key(&format!("node_modules/{name}"))
                && !packages.contains_key(&nested)
            {
                complaints.push(format!(
                    "package-lock.json: {path} wants {name}, which is not in it"
                ));
            }
        }
        if package["resolved"]
            .as_str()
            .is_some_and(|url| !url.starts_with("https://registry.npmjs.org/"))
        {
            complaints.push(format!(
                "package-lock.json: {path} comes from {}",
                package["resolved"]
            ));
        }
    }
    complaints
}

fn json(name: &str) -> Value {
    let text =
        std::fs::read_to_string(js_host().join(name)).expect("the npm project has this file");
    serde_json::from_str(&text).expect("npm writes JSON")
}

#[test]
fn every_dependency_has_its_reason() {
    holds(
        files(&["Cargo.toml"])
            .iter()
            .flat_map(without_reason)
            .collect(),
    );
    holds(npm_without_reason(&json("package.json")));
    let manifest = "[dependencies]\n# Why.\na = \"1\"\nb = \"1\"\n\nc = \"1\"\nd.workspace = true\n[features]\ne = []\n";
    assert_eq!(
        without_reason(&sample("Cargo.toml", manifest)),
        ["Cargo.toml: no reason beside `c = \"1\"`"]
    );
    let package = serde_json::json!({ "//": { "a": "why", "node-*": "why" }, "dependencies": { "a": "1", "b": "1", "node-x": "1" } });
    assert_eq!(
        npm_without_reason(&package),
        ["package.json: no reason for b"]
    );
}

#[test]
fn nothing_that_ships_has_the_switch_of_the_mutants() {
    holds(
        files(&["Cargo.toml"])
            .iter()
            .flat_map(with_mutants)
            .collect(),
    );
    let manifest = "[dependencies]\nbaton = { workspace = true, features = [\"mutants\"] }\n";
    assert_eq!(
        with_mutants(&sample("crates/server/Cargo.toml", manifest)).len(),
        1
    );
    let manifest = "[features]\nloud = [\"baton/mutants\"]\n";
    assert_eq!(
        with_mutants(&sample("crates/client/Cargo.toml", manifest)).len(),
        1
    );
}

#[test]
fn the_npm_lockfile_installs_on_every_platform() {
    holds(not_locked(&json("package-lock.json")));
    let lockfile = serde_json::json!({ "packages": {
        "node_modules/a": { "optionalDependencies": { "a-linux": "1", "a-darwin": "1" } },
        "node_modules/a-linux": { "resolved": "https://elsewhere.example/a.tgz" },
    } });
    assert_eq!(not_locked(&lockfile).len(), 2);
}
