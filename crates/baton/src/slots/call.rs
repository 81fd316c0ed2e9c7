//! The single calls that a key-value store performs, and its answers: the whole contract between
//! [`Slots`](super::Slots) and a store that can do no more than this. Each call is one round trip
//! of its own. Knows nothing of what the keys mean.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// One call. Keys are ASCII; values are ASCII too, since what a store keeps as UTF-8 text would
/// destroy bytes. Fields of a hash are numbers, in decimal on the wire of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// The text under a key. Answered by [`Answer::Text`], [`Answer::Nil`] or
    /// [`Answer::WrongType`]. May be served by a stale replica: nothing here rests on it.
    Get {
        /// The key.
        key: String,
    },
    /// The first bytes of the text under a key, fewer if it is shorter. Answered like a `Get`;
    /// an empty text is `Nil`.
    Start {
        /// The key.
        key: String,
        /// How many bytes.
        bytes: u32,
    },
    /// Writes a text, over whatever is there, of whatever type. Answered by [`Answer::Done`] or, with
    /// `absent_only`, [`Answer::Refused`].
    Set {
        /// The key.
        key: String,
        /// The text.
        value: String,
        /// Only if there is nothing under the key.
        absent_only: bool,
        /// When the key ends, in whole seconds, at least 1; `None` is never. A store that rounds
        /// down is asked for half a second more (`seconds * 1000 + 500` ms).
        expire_seconds: Option<u32>,
    },
    /// Removes keys. Answered by [`Answer::Done`].
    Delete {
        /// The keys.
        keys: Vec<String>,
    },
    /// Writes a field of a hash if it is absent: the one call that decides. Answered by
    /// [`Answer::Done`], [`Answer::Refused`] or [`Answer::WrongType`].
    FieldSet {
        /// The hash's key.
        key: String,
        /// The field.
        field: u64,
        /// The text.
        value: String,
    },
    /// Fields of a hash. Answered by [`Answer::Texts`], one for each field, or
    /// [`Answer::WrongType`]. An absent hash has no fields.
    Fields {
        /// The hash's key.
        key: String,
        /// The fields.
        fields: Vec<u64>,
    },
    /// A whole hash. Answered by [`Answer::Hash`] or [`Answer::WrongType`].
    AllFields {
        /// The hash's key.
        key: String,
    },
    /// Removes fields of a hash. Answered by [`Answer::Done`] or [`Answer::WrongType`].
    FieldsDelete {
        /// The hash's key.
        key: String,
        /// The fields.
        fields: Vec<u64>,
    },
    /// How many fields a hash has. Answered by [`Answer::Length`] or [`Answer::WrongType`].
    FieldCount {
        /// The hash's key.
        key: String,
    },
}

impl Call {
    /// Whether it changes the store, so that a failure of it is an unknown outcome.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::Set { .. }
                | Self::Delete { .. }
                | Self::FieldSet { .. }
                | Self::FieldsDelete { .. }
        )
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Written or removed.
    Done,
    /// Something is there already; nothing was written.
    Refused,
    /// Nothing is there.
    Nil,
    /// A text.
    Text(String),
    /// The texts of the fields that were asked for, in that order.
    Texts(Vec<Option<String>>),
    /// Fields and texts, in any order.
    Hash(Vec<(u64, String)>),
    /// A number of fields.
    Length(u64),
    /// The key holds a value of another type. A write did nothing that this answer proves.
    WrongType,
    /// No answer, or any other error: a write may have been done, or may be done later.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_store_is_known() {
        let key = || String::from("key");
        let reads = [
            Call::Get { key: key() },
            Call::Fields {
                key: key(),
                fields: Vec::new(),
            },
            Call::AllFields { key: key() },
            Call::FieldCount { key: key() },
        ];
        let writes = [
            Call::Set {
                key: key(),
                value: key(),
                absent_only: false,
                expire_seconds: None,
            },
            Call::Delete { keys: Vec::new() },
            Call::FieldSet {
                key: key(),
                field: 1,
                value: key(),
            },
            Call::FieldsDelete {
                key: key(),
                fields: Vec::new(),
            },
        ];
        assert!(reads.iter().all(|call| !call.writes()));
        assert!(writes.iter().all(Call::writes));
    }
}
