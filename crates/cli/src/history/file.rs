//! The format of exported logs: JSON lines, so that files can be joined, cut and looked at.
//!
//! ```text
//! {"baton":"log","format":1,"room":"account/alice"}
//! {"v":1,"frame":"<the frame as it is stored, in base64>"}
//! {"v":2,"frame":"…"}
//! {"baton":"log","format":1,"room":"account/ben"}
//! …
//! ```
//!
//! A header begins a room; its frames follow from version 1 on without a hole. A file holds any number of rooms, and a
//! directory any number of files (`*.jsonl`). A format above 1 is refused; fields that are not here are refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// The newest format.
pub const FORMAT: u32 = 1;

/// The whole log of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `kind/name`.
    pub room: String,
    /// Its frames as they are stored, from version 1 on.
    pub frames: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    baton: String,
    format: u32,
    room: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u64,
    frame: String,
}

/// Reads a file, or all `*.jsonl` of a directory in the order of their names. The error names file and line.
pub fn read(path: &Path) -> Result<Vec<Log>> {
    if !path.is_dir() {
        let file =
            fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        return parse(BufReader::new(file)).with_context(|| path.display().to_string());
    }
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    let mut logs = Vec::new();
    for file in files {
        logs.extend(read(&file)?);
    }
    Ok(logs)
}

/// Reads lines.
pub fn parse(lines: impl BufRead) -> Result<Vec<Log>> {
    let mut logs: Vec<Log> = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        take(&mut logs, &line).with_context(|| format!("line {number}"))?;
    }
    Ok(logs)
}

fn take(logs: &mut Vec<Log>, line: &str) -> Result<()> {
    if line.contains("\"baton\"") {
        let header: Header = serde_json::from_str(line)?;
        ensure!(header.baton == "log", "not a log but {:?}", header.baton);
        ensure!(
            header.format == FORMAT,
            "format {} is not known here",
            header.format
        );
        ensure!(
            baton::limits::valid_room(&header.room),
            "{:?} is no room",
            header.room
        );
        logs.push(Log {
            room: header.room,
            frames: Vec::new(),
        });
        return Ok(());
    }
    let Line { v, frame } = serde_json::from_str(line)?;
    let Some(log) = logs.last_mut() else {
        bail!("a frame before any header");
    };
    let next = log.frames.len() as u64 + 1;
    ensure!(
        v == next,
        "frame {v} of {} where {next} should be",
        log.room
    );
    log.frames
        .push(STANDARD.decode(frame).ok().context("not base64")?);
    Ok(())
}

/// Writes a log after what is there.
pub fn write(log: &Log, out: &mut impl Write) -> Result<()> {
    let header = Header {
        baton: "log".into(),
        format: FORMAT,
        room: log.room.clone(),
    };
    writeln!(out, "{}", serde_json::to_string(&header)?)?;
    for (v, frame) in (1..).zip(&log.frames) {
        let frame = STANDARD.encode(frame);
        writeln!(out, "{}", serde_json::to_string(&Line { v, frame })?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(room: &str, frames: usize) -> Log {
        Log {
            room: room.into(),
            frames: (0..frames).map(|at| vec![1, at as u8]).collect(),
        }
    }

    #[test]
    fn rooms_of_one_file_come_back_as_they_were() {
        let logs = [
            log("account/ann", 3),
            log("account/ben", 0),
            log("contagion/r_1", 1),
        ];
        let mut bytes = Vec::new();
        for log in &logs {
            write(log, &mut bytes).expect("to memory");
        }
        assert_eq!(parse(&bytes[..]).expect("what was written"), logs);
        let first = String::from_utf8(bytes).expect("text");
        let first: Vec<&str> = first.lines().take(2).collect();
        // As documented.
        assert_eq!(
            first[0],
            r#"{"baton":"log","format":1,"room":"account/ann"}"#
        );
        assert_eq!(first[1], r#"{"v":1,"frame":"AQA="}"#);
    }

    #[test]
    fn what_is_cut_joined_wrongly_or_of_a_later_format_is_refused_by_line() {
        let header = r#"{"baton":"log","format":1,"room":"account/ann"}"#;
        for (bad, says) in [
            (
                r#"{"v":1,"frame":"AQA="}"#.to_owned(),
                "line 1: a frame before any header",
            ),
            (
                format!("{header}\n{}", r#"{"v":2,"frame":"AQA="}"#),
                "line 2: frame 2 of account/ann where 1 should be",
            ),
            (
                header.replace(":1,", ":2,"),
                "line 1: format 2 is not known here",
            ),
            (
                header.replace("account/ann", "ann"),
                "line 1: \"ann\" is no room",
            ),
            (
                format!("{header}\n{}", r#"{"v":1,"frame":"?"}"#),
                "line 2: not base64",
            ),
        ] {
            let error = parse(bad.as_bytes()).expect_err(&bad);
            assert!(format!("{error:#}").starts_with(says), "{error:#}");
        }
    }
}
