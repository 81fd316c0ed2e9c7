//! Recorded behaviour: scripts that rules without frames perform, for tests, benches and the identity of rules. Knows
//! nothing of frames, stores or devices.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::rules::{By, Reject, Rules};
use crate::solo::Solo;

/// Performs a script for the rules that its first line names, as in `kind contagion`: what [`probe`](crate::probe)
/// exports. What comes back is the recorded script without that line, or why it could not be performed.
pub fn record_of_kind(kinds: &[(&str, Recorder)], input: &str) -> String {
    let (first, script) = input.split_once('\n').unwrap_or((input, ""));
    let named = first.strip_prefix("kind ").unwrap_or_default();
    match kinds.iter().find(|(kind, _)| *kind == named) {
        Some((_, record)) => record(script).unwrap_or_else(|bad| bad.to_string()),
        None => format!("no rules are called {named:?}"),
    }
}

/// [`record`] for some rules.
pub type Recorder = fn(&str) -> Result<String, BadLine>;

/// A line of a script that cannot be performed. Nothing after it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: cannot perform {:?}", self.number, self.text)
    }
}

impl core::error::Error for BadLine {}

/// Performs a script and returns it with every verdict and hash as they came out. A script that
/// comes back unchanged is recorded behaviour: what [`Rules::GOLDEN`] should hold.
///
/// One command a line, numbers decimal, bytes in hexadecimal:
///
/// ```text
/// # a comment, kept; so are empty lines
/// room 7 -                      a new room: seed, encoded config (- for the default)
/// join 3                        player 3 comes
/// leave 3
/// act 3 0005 ok                 player 3's encoded action, and its verdict (filled in)
/// act server 02 rejected 4
/// ticks 150                     lets time pass
/// time 1790000000000            sets the time of rules without ticks
/// due 50 3                      does what is due by itself, up to 50 times; how often it did (filled in)
/// hash 151 2f…                  the tick and the hash of the state (filled in)
/// state 0102…                   the encoded state (filled in), to see where two of them differ
/// ```
pub fn record<R: Rules>(script: &str) -> Result<String, BadLine> {
    let mut solo: Option<Solo<R>> = None;
    let mut recorded = String::new();
    for (index, line) in script.lines().enumerate() {
        let line = perform(&mut solo, line).ok_or_else(|| BadLine {
            number: index + 1,
            text: line.to_string(),
        })?;
        recorded.push_str(&line);
        recorded.push('\n');
    }
    Ok(recorded)
}

fn perform<R: Rules>(solo: &mut Option<Solo<R>>, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let kept = Some(line.to_string());
    match *words.as_slice() {
        [] => return kept,
        [first, ..] if first.starts_with('#') => return kept,
        ["room", seed, config] => {
            let config = match config {
                "-" => R::Config::default(),
                hex => postcard::from_bytes(&from_hex(hex)?).ok()?,
            };
            *solo = Some(Solo::new(config, seed.parse().ok()?));
            return kept;
        }
        _ => {}
    }
    let solo = solo.as_mut()?;
    match *words.as_slice() {
        ["join", who] => solo.join(who.parse().ok()?),
        ["leave", who] => solo.leave(who.parse().ok()?),
        ["ticks", count] => solo.ticks(count.parse().ok()?),
        ["time", time_ms] => solo.set_time(time_ms.parse().ok()?),
        ["due", most, ..] => {
            let done = solo.serve_due(most.parse().ok()?);
            return Some(format!("due {most} {done}"));
        }
        ["act", who, hex, ..] => {
            let by = match who {
                "server" => By::Server,
                player => By::Player(player.parse().ok()?),
            };
            let action = postcard::from_bytes(&from_hex(hex)?).ok()?;
            return Some(match solo.act(by, action) {
                Ok(()) => format!("act {who} {hex} ok"),
                Err(Reject(code)) => format!("act {who} {hex} rejected {code}"),
            });
        }
        ["hash", ..] => return Some(format!("hash {} {}", solo.now(), solo.hash())),
        ["state", ..] => return Some(format!("state {}", to_hex(&solo.bytes()))),
        _ => return None,
    }
    kept
}

/// Two digits a byte.
fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    let pairs = bytes
        .iter()
        .map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    pairs.flatten().collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solo::tests::Counter;

    #[test]
    fn a_script_comes_back_with_verdicts_and_hashes_and_then_unchanged() {
        let script = "# scene\nroom 1 03\njoin 1\n\nact 1 07\nact 1 0b\nact server 01\nticks 2\ntime 9\ndue 4\nhash\n";
        let recorded = record::<Counter>(script).expect("every line can be performed");
        assert!(recorded.starts_with(
            "# scene\nroom 1 03\njoin 1\n\nact 1 07 ok\nact 1 0b rejected 1\nact server 01 rejected 2\nticks 2\ntime 9\ndue 4 0\nhash 2 "
        ));
        assert_eq!(record::<Counter>(&recorded).as_deref(), Ok(&*recorded));
        let forged = recorded.replace("room 1 03", "room 1 04");
        assert_ne!(record::<Counter>(&forged).as_deref(), Ok(&*forged));
    }

    #[test]
    fn a_script_is_performed_for_the_kind_that_it_names() {
        let kinds = [(Counter::KIND, record::<Counter> as Recorder)];
        let recorded = record_of_kind(&kinds, "kind counter\nroom 1 03\nstate\n");
        assert_eq!(recorded, "room 1 03\nstate 0300\n");
        assert!(record_of_kind(&kinds, "kind other\nroom 1 -\n").contains("other"));
        assert!(record_of_kind(&kinds, "kind counter\nfly\n").contains("line 1"));
    }

    #[test]
    fn a_line_that_cannot_be_performed_is_named() {
        for bad in [
            "join 1",
            "room x -",
            "room 1 0g",
            "room 1 -\nfly",
            "room 1 -\nact 1 0",
        ] {
            let number = bad.lines().count();
            let error = record::<Counter>(bad).expect_err(bad);
            assert_eq!(error.number, number, "{bad}");
        }
    }
}
