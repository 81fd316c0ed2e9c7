//! Refusals: stable codes for programs, a sentence for people, and what each did to the room.
//! Knows nothing of what was refused.

use alloc::{format, string::String};
use core::fmt;

use serde::{Deserialize, Serialize};

/// Why a request was refused. Unless its text says otherwise, nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    /// The bytes are not a request: cut, corrupt, too long inside, or with bytes left over.
    Malformed,
    /// The request, an action in it, or their number is over a limit.
    TooLarge,
    /// The request is of another protocol version. Reload.
    Protocol,
    /// No such kind, room or block, or the caller may not know of it.
    NotFound,
    /// The caller may not do this.
    Forbidden,
    /// Actions need a verified user.
    Unauthorized,
    /// Actions came before the device was registered: join first, then send them again.
    Unregistered,
    /// The room forgot this device: its unsent actions are lost, take a new id.
    Evicted,
    /// The first action is beyond the device's next number, which is given.
    Gap,
    /// A sequence number came a second time with another body.
    Conflict,
    /// The user has too many devices here, or the room is full.
    DeviceLimit,
    /// The inbox is full. Ask again later.
    Busy,
    /// The outcome is unknown: actions may have been taken. Send the same again.
    Retry,
    /// The room is of rules that this instance does not have. Ask again: another one has them.
    Rules,
    /// What the store holds does not replay. Nothing was changed; the room needs repair.
    Corrupt,
    /// The rules broke on the passing of time: the room stands still until it gets other rules.
    Halted,
}

impl Code {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::TooLarge,
        Self::Protocol,
        Self::NotFound,
        Self::Forbidden,
        Self::Unauthorized,
        Self::Unregistered,
        Self::Evicted,
        Self::Gap,
        Self::Conflict,
        Self::DeviceLimit,
        Self::Busy,
        Self::Retry,
        Self::Rules,
        Self::Corrupt,
        Self::Halted,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::Unregistered => "unregistered",
            Self::Evicted => "evicted",
            Self::Gap => "gap",
            Self::Conflict => "conflict_body",
            Self::DeviceLimit => "device_limit",
            Self::Busy => "busy",
            Self::Retry => "retry",
            Self::Rules => "rules",
            Self::Corrupt => "corrupt",
            Self::Halted => "halted",
        }
    }

    /// The status of an HTTP reply.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Unregistered | Self::Gap | Self::Conflict => 409,
            Self::Evicted | Self::Protocol => 410,
            Self::TooLarge => 413,
            Self::DeviceLimit => 429,
            Self::Corrupt => 500,
            Self::Busy | Self::Retry | Self::Rules | Self::Halted => 503,
        }
    }

    /// A sentence for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "The bytes are not a request. Nothing changed.",
            Self::TooLarge => "The request is over a limit. Nothing changed.",
            Self::Protocol => "The client is of another version. Nothing changed; reload.",
            Self::NotFound => "There is no such room.",
            Self::Forbidden => "Not allowed. Nothing changed.",
            Self::Unauthorized => "Sign in first. Nothing changed.",
            Self::Unregistered => "Join first, then send the same again. Nothing changed.",
            Self::Evicted => "The room forgot this device. Nothing changed; take a new id.",
            Self::Gap => "An earlier action is missing. Nothing changed; send from `expected` on.",
            Self::Conflict => "This sequence number was used for something else. Nothing changed.",
            Self::DeviceLimit => "Too many devices. Nothing changed.",
            Self::Busy => "The room is busy. Nothing changed; ask again.",
            Self::Retry => "The outcome is unknown. Send the same again.",
            Self::Rules => {
                "The room is of other rules than this instance. Nothing changed; ask again."
            }
            Self::Corrupt => "What is stored does not replay. Nothing changed.",
            Self::Halted => "The room broke and stands still until it is mended. Nothing changed.",
        }
    }
}

/// A refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// With [`Code::Gap`]: the number that should come first.
    pub expected: Option<u64>,
}

impl Refusal {
    /// The body of an HTTP reply: `{"code","message"}` and, with a gap, `"expected"`.
    pub fn json(self) -> String {
        let (code, message) = (self.code.name(), self.code.message());
        match self.expected {
            Some(expected) => {
                format!(r#"{{"code":"{code}","message":"{message}","expected":{expected}}}"#)
            }
            None => format!(r#"{{"code":"{code}","message":"{message}"}}"#),
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self {
            code,
            expected: None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())
    }
}

impl core::error::Error for Refusal {}
