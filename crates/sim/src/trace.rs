//! The trace of a run: one line of JSON for each thing that happened, for people, and a digest of
//! all of it, so that two runs of one seed can be told to be the same without keeping either.

use serde_json::{Map, Value};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Kept only if asked for: it is most of the work of a run.
    lines: Option<Vec<String>>,
    digest: u64,
}

impl Trace {
    /// A trace; its lines are kept if `keep`.
    pub fn new(keep: bool) -> Self {
        Self {
            lines: keep.then(Vec::new),
            digest: 0,
        }
    }

    /// Whether lines are kept.
    pub fn keeps(&self) -> bool {
        self.lines.is_some()
    }

    /// Something happened: time, what, and two numbers that tell it from others of its kind.
    pub fn mix(&mut self, at_ms: u64, what: &str, one: u64, two: u64) {
        let kind = what.bytes().fold(0_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        for word in [at_ms, kind, one, two] {
            self.digest = (self.digest ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
    }

    /// Writes a line, if lines are kept: virtual time in milliseconds, who, what, and its fields.
    pub fn line(&mut self, at_ms: u64, who: &str, what: &str, fields: impl FnOnce() -> Value) {
        let Some(lines) = &mut self.lines else { return };
        let mut line = Map::new();
        line.insert("ms".into(), at_ms.into());
        line.insert("who".into(), who.into());
        line.insert("what".into(), what.into());
        if let Value::Object(fields) = fields() {
            line.extend(fields);
        }
        lines.push(Value::Object(line).to_string());
    }

    /// Of all that happened.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The lines that were kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
