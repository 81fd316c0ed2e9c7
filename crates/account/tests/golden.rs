//! Recorded behaviour: the rules still do what `golden/v1.txt` says.
//!
//! A change of behaviour needs a new version and a new file. To write it:
//! `BATON_WRITE_GOLDEN=1 cargo test -p account --test golden`

#[path = "samples/mod.rs"]
mod samples;

use account::{Account, Action};
use baton::Rules;
use baton::harness::record;
use samples::{KINDS, kind_of, one_of_each};

#[test]
fn golden() {
    let recorded = record::<Account>(Account::GOLDEN).expect("every line can be performed");
    if std::env::var_os("BATON_WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/v1.txt");
        std::fs::write(path, recorded).expect("the source tree can be written");
        return;
    }
    for (now, then) in recorded.lines().zip(Account::GOLDEN.lines()) {
        assert_eq!(now, then, "what the rules do has changed");
    }
    assert_eq!(recorded, Account::GOLDEN);
}

/// The action of a line, and whether it was accepted.
fn acted(line: &str) -> Option<(Action, bool)> {
    let mut words = line.strip_prefix("act ")?.split(' ');
    let hex = words.nth(1)?;
    let action = postcard::from_bytes(&from_hex(hex)?).ok()?;
    Some((action, words.next()? == "ok"))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

#[test]
fn what_is_recorded_covers_every_kind_accepted_and_refused_and_what_is_due() {
    let acted: Vec<_> = Account::GOLDEN.lines().filter_map(acted).collect();
    for accepted in [true, false] {
        let of = acted.iter().filter(|(_, ok)| *ok == accepted);
        let kinds: std::collections::BTreeSet<_> = of.map(|(action, _)| kind_of(action)).collect();
        // What is due is done by `due`: as an action of somebody else it is nearly always refused.
        let by_itself = if accepted {
            ["check", "deal", "reward"].len()
        } else {
            0
        };
        assert!(kinds.len() >= KINDS - by_itself, "{accepted}: {kinds:?}");
    }
    let due = Account::GOLDEN
        .lines()
        .filter_map(|line| line.strip_prefix("due ")?.split(' ').nth(1));
    let done: usize = due
        .map(|count| count.parse::<usize>().expect("a number"))
        .sum();
    assert!(done > 50, "{done}");
}

/// Bytes of every kind that a device of version 1 may have kept, or another room sent: they are read as what they meant, for
/// ever. New kinds are added to the file; what is in it never changes.
#[test]
fn b30_recorded_bytes_of_version_1_are_read_as_what_they_meant() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/actions-account-v1.json"
    );
    if std::env::var_os("BATON_WRITE_GOLDEN").is_some() {
        let of = |action: &Action| {
            let bytes = postcard::to_allocvec(action).expect("an action");
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("  {}", serde_json::json!({ "bytes": hex, "means": action }))
        };
        let actions: Vec<String> = one_of_each().iter().map(of).collect();
        let text = format!("[\n{}\n]\n", actions.join(",\n"));
        std::fs::write(path, text).expect("the source tree can be written");
    }
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let recorded: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let mut kinds = std::collections::BTreeSet::new();
    for one in &recorded {
        let bytes = from_hex(one["bytes"].as_str().expect("hex")).expect("hex");
        let (action, rest) = postcard::take_from_bytes::<Action>(&bytes).expect("it is read");
        assert!(rest.is_empty());
        assert_eq!(serde_json::json!(action), one["means"]);
        let means: Action = serde_json::from_value(one["means"].clone()).expect("JSON is read too");
        assert_eq!(postcard::to_allocvec(&means).expect("an action"), bytes);
        kinds.insert(kind_of(&action));
    }
    assert_eq!(kinds.len(), KINDS, "every kind is there");
}
