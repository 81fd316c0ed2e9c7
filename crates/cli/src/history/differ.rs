//! The difference of two states as JSON, by path. Must not know what they are of.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One place where two states differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where, as `coins` or `matches.played` or `seeds[2]`.
    pub path: String,
    /// What was there; `None`: nothing.
    pub before: Option<Value>,
    /// What is there; `None`: nothing.
    pub after: Option<Value>,
}

/// Where two states differ, in order of the fields.
pub fn difference(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), Some(before), Some(after), &mut found);
    found
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let new = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(new) {
                let dot = if path.is_empty() { "" } else { "." };
                walk(
                    format!("{path}{dot}{key}"),
                    before.get(key),
                    after.get(key),
                    found,
                );
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                walk(
                    format!("{path}[{index}]"),
                    before.get(index),
                    after.get(index),
                    found,
                );
            }
        }
        (before, after) => found.push(Difference {
            path,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |value: &Option<Value>| value.as_ref().map_or("nothing".into(), Value::to_string);
        write!(
            f,
            "{}: {} -> {}",
            self.path,
            text(&self.before),
            text(&self.after)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_named_once_with_both_values() {
        let before =
            json!({ "coins": 5, "items": ["a"], "stats": { "won": 1, "best": 3 }, "gone": true });
        let after = json!({ "coins": 7, "items": ["a", "b"], "stats": { "won": 1, "best": 4 } });
        let told: Vec<String> = difference(&before, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        let paths = [
            "coins: 5 -> 7",
            "gone: true -> nothing",
            "items[1]: nothing -> \"b\"",
            "stats.best: 3 -> 4",
        ];
        assert_eq!(told, paths);
        assert_eq!(difference(&after, &after), []);
    }
}
