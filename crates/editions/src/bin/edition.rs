//! Whoever has rules that do not ship, as a process of lines: a page, whose requests and answers somebody else carries, or
//! a reader of logs. Decides which rules are meant; must not know hosts or what is tested.
//!
//! `edition RULES page USER new ID` and `edition RULES page USER saved QUEUE` take an [`Ask`] a line and answer each with a
//! line; `edition RULES replay` takes a frame a line, from the first one on, and tells what they come to. Bytes are in hexadecimal.

use std::io::{BufRead, stdin};

use account::Account;
use baton::{Code, DeviceId, Kind, Replica, Room};
use editions::doubled::{Both, Doubled};
use editions::garden::Gardens;
use editions::later::All;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is registered of this page.
const CLIENT: u16 = 9;
const USAGE: &str =
    "edition account|later|doubled|mended|garden (page USER (new ID | saved QUEUE) | replay)";

/// What a page is asked. Times are its own, in milliseconds.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    /// To do something, as the rules of this version encode it.
    Act {
        version: u32,
        body: String,
        now_ms: u64,
    },
    /// For its next request.
    Request { now_ms: u64 },
    /// To take in the body of a reply.
    Receive { reply: String, now_ms: u64 },
    /// To take in that there was none.
    Refused {
        code: Option<String>,
        expected: Option<u64>,
        now_ms: u64,
    },
    /// For its queue, as it is kept.
    Save,
    /// For what it shows.
    Look { now_ms: u64 },
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (rules, rest) = words.split_first().expect(USAGE);
    match rules.as_str() {
        "account" => run::<Account>(rest),
        "later" => run::<All>(rest),
        "doubled" => run::<Doubled>(rest),
        "mended" => run::<Both>(rest),
        "garden" => run::<Gardens>(rest),
        _ => panic!("{USAGE}"),
    }
}

fn run<R: Kind>(words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["page", user, "new", id] => {
            let id = bytes(id).try_into().expect("16 bytes");
            page::<R>(Replica::new(user, DeviceId(id), CLIENT));
        }
        ["page", user, "saved", queue] => {
            let saved = Replica::resume(user, &bytes(queue), CLIENT);
            page::<R>(saved.expect("what a page saved"));
        }
        ["replay"] => println!("{}", replay::<R>(lines())),
        _ => panic!("{USAGE}"),
    }
}

fn page<R: Kind>(mut page: Replica<R>) {
    for line in lines() {
        let ask = serde_json::from_str(&line).expect("what a page can be asked");
        println!("{}", answer(&mut page, ask));
    }
}

fn answer<R: Kind>(page: &mut Replica<R>, ask: Ask) -> Value {
    match ask {
        Ask::Act {
            version,
            body,
            now_ms,
        } => {
            let room = page.predicted().expect("a page acts once it has joined");
            let action = R::read_action(room.config(), version, &bytes(&body));
            let action = action.expect("an action of rules that are here");
            match page.act(&action, now_ms) {
                Ok(seq) => json!({ "seq": seq }),
                Err(error) => json!({ "error": format!("{error:?}") }),
            }
        }
        Ask::Request { now_ms } => hex(&page.request(false, now_ms)).into(),
        Ask::Receive { reply, now_ms } => page.receive(&bytes(&reply), now_ms, now_ms).into(),
        Ask::Refused {
            code,
            expected,
            now_ms,
        } => {
            let named = |known: &Code| code.as_deref() == Some(known.name());
            page.refused(Code::ALL.into_iter().find(named), expected, now_ms);
            Value::Null
        }
        Ask::Save => hex(&page.save()).into(),
        Ask::Look { now_ms } => json!({
            "v": page.head().v,
            "hash": page.head().hash.to_string(),
            "rules": page.rules(),
            "status": format!("{:?}", page.status(now_ms)),
            "pending": page.pending(),
            "number": page.number(),
            "shown": page.predicted().map(|room| R::view(room.state(), page.player())),
            "notes": page.notes(),
        }),
    }
}

/// Each change of rules, and where it all ends; or the first frame that these rules cannot replay.
fn replay<R: Kind>(mut frames: impl Iterator<Item = String>) -> Value {
    let first = frames.next().expect("a first frame");
    let mut room = match Room::<R>::genesis(&bytes(&first)) {
        Ok(room) => room,
        Err(error) => return json!({ "refuses": 1, "why": format!("{error:?}") }),
    };
    let mut versions = vec![(1, room.edition().version)];
    for (v, frame) in (2_u64..).zip(frames) {
        if let Err(error) = room.replay(&bytes(&frame)) {
            return json!({ "refuses": v, "why": format!("{error:?}") });
        }
        let version = room.edition().version;
        if versions.last().is_some_and(|(_, last)| *last != version) {
            versions.push((v, version));
        }
    }
    json!({
        "v": room.head().v,
        "hash": room.head().hash.to_string(),
        "versions": versions,
        "shown": R::view(room.state(), None),
    })
}

fn lines() -> impl Iterator<Item = String> {
    stdin().lock().lines().map(|line| line.expect("text"))
}

fn bytes(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
