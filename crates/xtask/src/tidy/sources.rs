//! Rules about what a source file says.

use super::{Text, files, holds, sample};
use crate::project;

/// Crates that must compute the same everywhere.
const PURE: [&str; 4] = [
    "crates/baton/src/",
    "crates/contagion/src/",
    "crates/account/src/",
    "crates/bots/src/",
];

/// Every file starts with what it decides and what it must not know.
fn header(text: &Text) -> Option<String> {
    let wanted = if text.path.ends_with(".rs") {
        "//!"
    } else {
        "/**"
    };
    let content = text.content.trim_start();
    let content = content.strip_prefix("#!").map_or(content, |shebang| {
        shebang.split_once('\n').map_or("", |rest| rest.1)
    });
    (!content.starts_with(wanted)).then(|| format!("{}: does not start with {wanted}", text.path))
}

/// What is put off, skipped or silenced has no place in a source.
fn banned(text: &Text) -> Vec<String> {
    // In two parts, so that this file does not contain what it bans.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["#[ign", "ore"],
        ["unimplemented", "!"],
        ["to", "do!("],
        ["it.sk", "ip"],
        ["test.sk", "ip"],
        ["describe.sk", "ip"],
        ["it.on", "ly"],
        ["test.on", "ly"],
        ["describe.on", "ly"],
        ["@ts-ig", "nore"],
        ["@ts-no", "check"],
        ["biome-ignore-", "all"],
    ];
    let mut complaints = Vec::new();
    for (number, line) in text.content.lines().enumerate() {
        for word in words
            .iter()
            .map(|parts| parts.concat())
            .filter(|word| line.contains(word.as_str()))
        {
            complaints.push(format!("{}:{}: contains {word}", text.path, number + 1));
        }
    }
    complaints
}

/// A pure crate has no floating-point numbers: their rounding is not the same everywhere.
fn floats(text: &Text) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in text.content.lines().enumerate() {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        if words.any(|word| {
            ["f32", "f64"]
                .iter()
                .any(|float| word == *float || word.ends_with(&format!("_{float}")))
        }) {
            complaints.push(format!(
                "{}:{}: a floating-point number in a pure crate",
                text.path,
                number + 1
            ));
        }
    }
    complaints
}

/// Names in REQUIREMENTS.md that look like tests: `j01_one_match`.
fn named_tests(requirements: &str) -> Vec<&str> {
    let is_test = |name: &&str| {
        let digits = name.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
        let tail = digits.trim_start_matches(|letter: char| letter.is_ascii_digit());
        digits.len() < name.len() && tail.len() < digits.len() && tail.starts_with('_')
    };
    requirements
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_test)
        .collect()
}

fn missing_tests(requirements: &str, sources: &[Text]) -> Vec<String> {
    let exists = |name: &str| {
        sources.iter().any(|text| {
            let rust = format!("fn {name}(");
            if text.path.ends_with(".rs") {
                text.content.contains(&rust)
            } else {
                text.content.contains(name)
            }
        })
    };
    let missing = named_tests(requirements)
        .into_iter()
        .filter(|name| !exists(name));
    missing
        .map(|name| format!("tests/REQUIREMENTS.md names {name}, which no test is called"))
        .collect()
}

#[test]
fn every_source_starts_with_what_it_decides() {
    let sources = files(&[".rs", ".ts", ".mts"]);
    holds(
        sources
            .iter()
            .filter(|text| !text.path.ends_with(".d.ts"))
            .filter_map(header)
            .collect(),
    );
    assert!(header(&sample("a.rs", "use std::fmt;\n")).is_some());
    assert!(header(&sample("a.ts", "/** Decides nothing. */\n")).is_none());
}

#[test]
fn nothing_is_put_off_skipped_or_silenced() {
    holds(
        files(&[".rs", ".ts", ".mts", ".html", ".css", ".toml"])
            .iter()
            .flat_map(banned)
            .collect(),
    );
    assert_eq!(
        banned(&sample(
            "a.ts",
            &["// TO", "DO later\n", "it.sk", "ip()"].concat()
        ))
        .len(),
        2
    );
}

#[test]
fn pure_crates_have_no_floating_point_numbers() {
    let sources = files(&[".rs"]);
    let pure = sources
        .iter()
        .filter(|text| PURE.iter().any(|pure| text.path.starts_with(pure)));
    holds(pure.flat_map(floats).collect());
    assert_eq!(
        floats(&sample(
            "a.rs",
            "let a: f64 = 1.0_f32 as _; // f64\n// f32 is banned\n"
        ))
        .len(),
        1
    );
}

#[test]
fn requirements_name_only_tests_that_exist() {
    let sources = files(&[".rs", ".ts"]);
    if let Ok(requirements) = std::fs::read_to_string(project::root().join("tests/REQUIREMENTS.md"))
    {
        holds(missing_tests(&requirements, &sources));
    }
    let there = [
        sample("a.rs", "fn j01_one_match() {}"),
        sample("b.ts", "test('b22_reload', …"),
    ];
    let requirements = "| J1 | `j01_one_match` `b22_reload` | `j02_gone` | `cargo xtask` |";
    assert_eq!(missing_tests(requirements, &there).len(), 1);
}
