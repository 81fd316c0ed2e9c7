//! A recorded account, loaded by the program: `tests/golden/account.jsonl` was exported from a process of Node on which
//! several devices, an operator and a page that played a run had been at work (`tests/e2e/account-recorded.test.ts`). What the
//! verbs say of it is in `tests/golden/account.*.txt`.
//!
//! `BATON_WRITE_GOLDEN=1 cargo test -p baton-cli --test recorded` writes what they say anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use baton_cli::history::{Registry, Told, read};
use serde_json::Value;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

/// The program on files of that directory: its exit code, and what it prints.
fn baton(directory: &Path, words: &[&str]) -> (Option<i32>, String) {
    let program = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(words)
        .current_dir(directory)
        .output()
        .expect("the program runs");
    let said = [program.stdout, program.stderr].concat();
    (
        program.status.code(),
        String::from_utf8(said).expect("text"),
    )
}

/// The last sequence of the recorded log.
fn last() -> u64 {
    let logs = read(&golden().join("account.jsonl")).expect("a file of logs");
    let mut ignored = |_: &Told, _: &dyn Fn() -> Value| {};
    let trace = Registry::built_in().replay(&logs[0], &mut ignored);
    trace.expect("sound").sequence
}

#[test]
fn b37_the_tools_say_of_a_recorded_account_what_they_said_when_it_was_recorded() {
    let end = last().to_string();
    let cases: [(&str, &[&str]); 4] = [
        ("history", &["history", "account.jsonl"]),
        ("state", &["history", "account.jsonl", "--at", &end]),
        ("diff", &["diff", "account.jsonl", "3", &end]),
        (
            "replay",
            &["replay", "account.jsonl", "--rules", "account@1"],
        ),
    ];
    for (name, words) in cases {
        let (code, said) = baton(&golden(), words);
        assert_eq!(code, Some(0), "{name}: {said}");
        let file = golden().join(format!("account.{name}.txt"));
        if env::var_os("BATON_WRITE_GOLDEN").is_some() {
            fs::write(&file, &said).expect("the source tree can be written");
        }
        let then = fs::read_to_string(&file).expect("the golden file is there");
        for (now, then) in said.lines().zip(then.lines()) {
            assert_eq!(now, then, "{name}");
        }
        assert_eq!(said, then, "{name}");
    }
}

#[test]
fn b37_a_recorded_account_holds_every_kind_of_entry_and_one_bit_of_it_is_missed() {
    let (code, said) = baton(&golden(), &["history", "account.jsonl", "--json"]);
    assert_eq!(code, Some(0));
    let lines = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut devices = std::collections::BTreeSet::new();
    let mut entries = std::collections::BTreeSet::new();
    for line in lines.filter(|line| line["told"].is_object()) {
        entries.insert(line["told"]["entry"].as_str().expect("a name").to_owned());
        devices.extend(line["told"]["device"].as_u64());
    }
    for entry in ["setup", "register", "act", "reject", "receive", "due"] {
        assert!(entries.contains(entry), "{entry}: {entries:?}");
    }
    assert!(devices.len() >= 3, "{devices:?}");
    // One bit in the middle of the file: the verbs say which frame, and nothing else of it.
    let text =
        fs::read_to_string(golden().join("account.jsonl")).expect("the golden file is there");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let middle = lines.len() / 2;
    let at = lines[middle].len() - 4;
    let other = if lines[middle].as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    lines[middle].replace_range(at..=at, other);
    let scratch = env::temp_dir().join(format!("baton-recorded-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a directory");
    fs::write(scratch.join("forged.jsonl"), lines.join("\n")).expect("a file");
    let (code, said) = baton(&scratch, &["replay", "forged.jsonl"]);
    fs::remove_dir_all(&scratch).expect("removed");
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("NOT SOUND: frame {middle}")),
        "{said}"
    );
}
