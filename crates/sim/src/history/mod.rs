//! Histories: what clients of a room asked, what they were told, and what the store's log held in the end. The format is
//! documented here and nowhere else. Must not know which host, store or simulator was recorded.
//!
//! A file holds one JSON object per line, a [`Line`], in the order in which a recorder saw things happen; nothing but that
//! order is time. The words are Jepsen's: a request begins with `invoke` and ends with `ok` (answered), `fail` (certainly
//! not done) or `info` (nobody knows: no answer, or `retry`); without an end it is like `info`. One process, a client, may
//! have several requests on their way. A history must hold every request that could write to its rooms.
//!
//! The log comes as `frame` lines in its order, wherever they stand in the file. `loss` says that the store lost all after
//! a version; the frames that it lost stand before it, those that came after behind it.
//!
//! Hashes, ids and lineages are cut to 16 hexadecimal digits, the hash of an action's body has 8: enough to notice, and a
//! history of 100,000 requests stays under 50 MB.
//!
//! ```text
//! {"type":"invoke","op":7,"time_ms":1210,"process":"ann","room":"kind/a","cursor":[3,"9f…"],"frames":true,
//!  "device":{"id":"61…","number":0,"answered":1,"kept_from":2,"presence":"here","actions":[[2,"0c9a11f3"]]}}
//! {"type":"ok","op":7,"time_ms":1215,"lineage":"01…","head":[4,"c2…"],"news":{"frames":[[4,"c2…"]]},
//!  "device":{"number":0,"mark":2,"verdicts":[0]}}
//! {"type":"frame","room":"kind/a","at":[4,"c2…"],"previous":"9f…","writer":"01…","epoch":1,"nonce":"77…",
//!  "entries":[{"act":[0,2,0,"0c9a11f3"]}]}
//! ```

pub mod check;
mod compare;
pub mod general;
pub mod log;
pub mod record;
pub mod rule;
pub mod story;

use std::fmt;

use serde::{Deserialize, Serialize};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Line {
    /// A client sends a request.
    Invoke(Invoke),
    /// Its reply arrived.
    Ok(Answer),
    /// It was refused, and nothing changed.
    Fail(End),
    /// It ended without an answer that says whether it was done.
    Info(End),
    /// A frame of the log.
    Frame(Framed),
    /// The store lost frames.
    Loss(Loss),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoke {
    /// Names the request in this history.
    pub op: u64,
    /// The recorder's clock; for people.
    pub time_ms: u64,
    /// The client.
    pub process: String,
    /// The room's id.
    pub room: String,
    /// The newest frame that the client has.
    pub cursor: At,
    /// Whether it asked for frames. If not, a few may be left to its socket.
    pub frames: bool,
    /// The device, if this is more than watching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Hailed>,
}

/// What a device says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hailed {
    /// Its id.
    pub id: Hex,
    /// Its number in the room, as far as it was told.
    pub number: Option<u32>,
    /// The highest sequence whose verdict it knows.
    pub answered: u64,
    /// The lowest sequence that it still has.
    pub kept_from: u64,
    /// `unsaid`, `here` or `leaving`.
    pub presence: Presence,
    /// Sequence and hash of the body of each action.
    pub actions: Vec<(u64, Body)>,
}

/// What a request says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "as on the wire")]
pub enum Presence {
    Unsaid,
    Here,
    Leaving,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request.
    pub op: u64,
    /// The recorder's clock; for people.
    pub time_ms: u64,
    /// The lineage that was told; zeros before the room has begun.
    pub lineage: Hex,
    /// The newest frame that was told.
    pub head: At,
    /// What was told of what the client lacks.
    pub news: News,
    /// The device's standing, if it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Standing>,
}

/// What a client lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// Frames in their order.
    Frames(Vec<At>),
    /// The state after the frame of this hash.
    Snapshot(Hex),
    /// The same, and that the client's cursor is lost.
    Reset(Hex),
}

/// A device's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its number in the room.
    pub number: u32,
    /// The highest sequence accepted or rejected.
    pub mark: u64,
    /// The verdicts of the sequences that end with the mark: 0 accepted, else the rules' code.
    pub verdicts: Vec<u16>,
}

/// The end of a request without a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The request.
    pub op: u64,
    /// The recorder's clock; for people.
    pub time_ms: u64,
    /// The refusal's code, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A frame of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Framed {
    /// The room's id.
    pub room: String,
    /// Version and hash.
    pub at: At,
    /// Hash of the frame before.
    pub previous: Hex,
    /// Who made it.
    pub writer: Hex,
    /// How often leadership has changed hands.
    pub epoch: u64,
    /// Names the lineage that the first frame and a reset begin.
    pub nonce: Hex,
    /// What of it concerns marks and lineages, in order.
    pub entries: Vec<Entry>,
}

/// One thing that a frame says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// Device, sequence, verdict (0 accepted), hash of the body.
    Act(u32, u64, u16, Body),
    /// Device and the mark it vouches for.
    Vouch(u32, u64),
    /// A device's mark is forgotten.
    Evict(u32),
    /// The lineage that was broken.
    Reset(Hex),
}

/// The store lost frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The room's id.
    pub room: String,
    /// The recorder's clock; for people.
    pub time_ms: u64,
    /// The newest version that is left.
    pub kept: u64,
}

/// A version and the hash of the frame there: `[12,"00c0ffee00c0ffee"]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At(pub u64, pub Hex);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.1)
    }
}

macro_rules! hex_type {
    ($(#[$doc:meta])* $name:ident, $of:ty, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub $of);

        impl $name {
            /// The first bytes of a hash or an id; what is missing is zeros.
            pub fn of(bytes: &[u8]) -> Self {
                const BYTES: usize = $digits / 2;
                let start = bytes.iter().copied().chain(std::iter::repeat(0)).take(BYTES);
                Self(start.fold(0, |sum, byte| sum << 8 | <$of>::from(byte)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl From<$name> for String {
            fn from(hex: $name) -> Self {
                hex.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                match <$of>::from_str_radix(&text, 16) {
                    Ok(number) if text.len() == $digits => Ok(Self(number)),
                    _ => Err(format!(concat!("{:?} is not ", $digits, " hexadecimal digits"), text)),
                }
            }
        }
    };
}

hex_type!(
    /// The first 8 bytes of a hash, an id, a nonce or a lineage, in hexadecimal.
    Hex, u64, 16
);
hex_type!(
    /// The first 4 bytes of the hash of an action's body, in hexadecimal.
    Body, u32, 8
);

/// Why a file is no history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a history.
pub fn read(text: &str) -> Result<Vec<Line>, Unreadable> {
    let read = |(index, line)| {
        serde_json::from_str(line).map_err(|error| Unreadable {
            line: index + 1,
            why: error.to_string(),
        })
    };
    text.lines().enumerate().map(read).collect()
}

/// Writes a history, with a line break after each line.
pub fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        // Its types have only text for keys, the one thing JSON could not write.
        text += &serde_json::to_string(line).expect("keys are text");
        text.push('\n');
    }
    text
}
