//! Keys in memory, with the semantics of Devvit's Redis as far as [`Call`] goes: for tests and the
//! simulator. Its clock is injected. It can lose its last writes and answer a plain get from an old
//! copy; which call fails, and how, is for its wrapper to say. Knows nothing of what the keys mean.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;

use super::call::{Answer, Call};

/// How many writes can be taken back.
const JOURNAL: usize = 4_096;

/// A store of keys.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    entries: BTreeMap<String, Entry>,
    /// What each text was before its last write.
    copies: BTreeMap<String, Option<Entry>>,
    journal: VecDeque<Undo>,
    clock_ms: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    /// When it ends.
    until_ms: Option<u64>,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Hash(BTreeMap<u64, String>),
}

/// What a write changed, as it was before.
#[derive(Clone, Debug)]
enum Undo {
    Key(String, Option<Entry>),
    Field(String, u64, Option<String>),
}

impl Keys {
    /// An empty store whose clock shows `clock_ms`.
    pub fn new(clock_ms: u64) -> Self {
        Self {
            clock_ms,
            ..Self::default()
        }
    }

    /// Sets the clock, in milliseconds since 1970: keys whose time is over are gone.
    pub fn set_clock(&mut self, clock_ms: u64) {
        self.clock_ms = clock_ms;
        self.entries
            .retain(|_, entry| entry.until_ms.is_none_or(|until_ms| until_ms > clock_ms));
    }

    /// Performs a call.
    pub fn perform(&mut self, call: &Call) -> Answer {
        match call {
            Call::Get { key } => text_of(self.entries.get(key), usize::MAX),
            Call::Start { key, bytes } => text_of(self.entries.get(key), *bytes as usize),
            Call::Set {
                key,
                value,
                absent_only,
                expire_seconds,
            } => self.set(key, value, *absent_only, *expire_seconds),
            Call::Delete { keys } => {
                for key in keys {
                    self.write(key, None);
                }
                Answer::Done
            }
            Call::FieldSet { key, field, value } => self.set_field(key, *field, value),
            Call::Fields { key, fields } => match self.hash(key) {
                None => Answer::WrongType,
                Some(hash) => {
                    let text = |field| hash.and_then(|hash| hash.get(field).cloned());
                    Answer::Texts(fields.iter().map(text).collect())
                }
            },
            Call::AllFields { key } => match self.hash(key) {
                None => Answer::WrongType,
                Some(hash) => {
                    let fields = hash.into_iter().flatten();
                    Answer::Hash(fields.map(|(field, text)| (*field, text.clone())).collect())
                }
            },
            Call::FieldsDelete { key, fields } => {
                if self.hash(key).is_none() {
                    return Answer::WrongType;
                }
                for field in fields {
                    self.write_field(key, *field, None);
                }
                Answer::Done
            }
            Call::FieldCount { key } => match self.hash(key) {
                None => Answer::WrongType,
                Some(hash) => Answer::Length(hash.map_or(0, BTreeMap::len) as u64),
            },
        }
    }

    /// Performs a plain get on a copy that lags one write behind; any other call as ever.
    pub fn perform_stale(&mut self, call: &Call) -> Answer {
        let (key, bytes) = match call {
            Call::Get { key } => (key, usize::MAX),
            Call::Start { key, bytes } => (key, *bytes as usize),
            other => return self.perform(other),
        };
        let copy = self.copies.get(key).map(Option::as_ref);
        text_of(copy.unwrap_or_else(|| self.entries.get(key)), bytes)
    }

    /// Loses the last writes, as a store does that fails over to an older copy. Returns how many
    /// there were to lose.
    pub fn roll_back(&mut self, writes: usize) -> usize {
        let mut lost = 0;
        while lost < writes
            && let Some(undo) = self.journal.pop_back()
        {
            lost += 1;
            match undo {
                Undo::Key(key, Some(entry)) => {
                    self.entries.insert(key, entry);
                }
                Undo::Key(key, None) => {
                    self.entries.remove(&key);
                }
                Undo::Field(key, field, text) => self.change_field(&key, field, text),
            }
        }
        self.set_clock(self.clock_ms);
        lost
    }

    /// The keys there are, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Characters of all keys and values: what the store's quota counts, but for its overhead.
    pub fn size(&self) -> usize {
        let value = |entry: &Entry| match &entry.value {
            Value::Text(text) => text.len(),
            Value::Hash(hash) => hash.values().map(|text| text.len() + 8).sum(),
        };
        let sizes = self
            .entries
            .iter()
            .map(|(key, entry)| key.len() + value(entry));
        sizes.sum()
    }

    /// `None` if it is no hash; an absent one has no fields.
    fn hash(&self, key: &str) -> Option<Option<&BTreeMap<u64, String>>> {
        match self.entries.get(key).map(|entry| &entry.value) {
            Some(Value::Text(_)) => None,
            Some(Value::Hash(hash)) => Some(Some(hash)),
            None => Some(None),
        }
    }

    fn set(
        &mut self,
        key: &str,
        value: &str,
        absent_only: bool,
        expire_seconds: Option<u32>,
    ) -> Answer {
        if absent_only && self.entries.contains_key(key) {
            return Answer::Refused;
        }
        // Redis knows no expiry of nothing; Devvit makes it one second.
        let expire_ms = expire_seconds.map(|seconds| u64::from(seconds.max(1)) * 1_000);
        let entry = Entry {
            value: Value::Text(value.to_owned()),
            until_ms: expire_ms.map(|ms| self.clock_ms + ms),
        };
        self.write(key, Some(entry));
        Answer::Done
    }

    fn set_field(&mut self, key: &str, field: u64, value: &str) -> Answer {
        match self.hash(key) {
            None => Answer::WrongType,
            Some(Some(hash)) if hash.contains_key(&field) => Answer::Refused,
            Some(_) => {
                self.write_field(key, field, Some(value.to_owned()));
                Answer::Done
            }
        }
    }

    fn write(&mut self, key: &str, entry: Option<Entry>) {
        let before = match entry {
            Some(entry) => self.entries.insert(key.to_owned(), entry),
            None => self.entries.remove(key),
        };
        self.copies.insert(key.to_owned(), before.clone());
        self.note(Undo::Key(key.to_owned(), before));
    }

    fn write_field(&mut self, key: &str, field: u64, text: Option<String>) {
        let hash = self.hash(key).flatten();
        let before = hash.and_then(|hash| hash.get(&field).cloned());
        if before == text {
            return;
        }
        self.change_field(key, field, text);
        self.note(Undo::Field(key.to_owned(), field, before));
    }

    /// A hash without fields is no key.
    fn change_field(&mut self, key: &str, field: u64, text: Option<String>) {
        let empty = Entry {
            value: Value::Hash(BTreeMap::new()),
            until_ms: None,
        };
        let entry = self.entries.entry(key.to_owned()).or_insert(empty);
        let Value::Hash(hash) = &mut entry.value else {
            return;
        };
        match text {
            Some(text) => hash.insert(field, text),
            None => hash.remove(&field),
        };
        if hash.is_empty() {
            self.entries.remove(key);
        }
    }

    fn note(&mut self, undo: Undo) {
        self.journal.push_back(undo);
        if self.journal.len() > JOURNAL {
            self.journal.pop_front();
        }
    }
}

fn text_of(entry: Option<&Entry>, bytes: usize) -> Answer {
    match entry.map(|entry| &entry.value) {
        None => Answer::Nil,
        Some(Value::Hash(_)) => Answer::WrongType,
        Some(Value::Text(text)) => {
            let start = text.get(..bytes.min(text.len())).unwrap_or(text);
            match start {
                "" => Answer::Nil,
                start => Answer::Text(start.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str, absent_only: bool, expire_seconds: Option<u32>) -> Call {
        Call::Set {
            key: key.into(),
            value: value.into(),
            absent_only,
            expire_seconds,
        }
    }

    fn field(key: &str, field: u64, value: &str) -> Call {
        Call::FieldSet {
            key: key.into(),
            field,
            value: value.into(),
        }
    }

    fn get(key: &str) -> Call {
        Call::Get { key: key.into() }
    }

    fn text(text: &str) -> Answer {
        Answer::Text(text.into())
    }

    #[test]
    fn a_field_is_set_once_and_never_in_a_text() {
        let mut keys = Keys::new(0);
        assert_eq!(keys.perform(&field("a", 1, "x")), Answer::Done);
        assert_eq!(keys.perform(&field("a", 1, "y")), Answer::Refused);
        assert_eq!(keys.perform(&get("a")), Answer::WrongType);
        assert_eq!(keys.perform(&set("a", "s", true, None)), Answer::Refused);
        assert_eq!(keys.perform(&set("a", "s", false, None)), Answer::Done);
        assert_eq!(keys.perform(&field("a", 2, "z")), Answer::WrongType);
        let count = Call::FieldCount { key: "a".into() };
        assert_eq!(keys.perform(&count), Answer::WrongType);
    }

    #[test]
    fn a_key_ends_after_whole_seconds_and_at_least_one() {
        let mut keys = Keys::new(500);
        keys.perform(&set("a", "x", false, Some(0)));
        keys.set_clock(1_499);
        assert_eq!(keys.perform(&get("a")), text("x"));
        keys.set_clock(1_500);
        assert_eq!(keys.perform(&get("a")), Answer::Nil);
    }

    #[test]
    fn the_last_writes_can_be_lost() {
        let mut keys = Keys::new(0);
        keys.perform(&field("a", 1, "x"));
        keys.perform(&field("a", 2, "y"));
        keys.perform(&set("a", "sealed", false, None));
        assert_eq!(keys.roll_back(2), 2);
        let count = Call::FieldCount { key: "a".into() };
        assert_eq!(keys.perform(&count), Answer::Length(1));
        assert_eq!(keys.roll_back(9), 1);
        assert_eq!(keys.names().count(), 0);
    }

    #[test]
    fn a_plain_get_can_be_one_write_behind_and_a_hash_cannot() {
        let mut keys = Keys::new(0);
        keys.perform(&set("a", "old", false, None));
        keys.perform(&set("a", "new", false, None));
        assert_eq!(keys.perform_stale(&get("a")), text("old"));
        assert_eq!(keys.perform(&get("a")), text("new"));
        let start = Call::Start {
            key: "a".into(),
            bytes: 2,
        };
        assert_eq!(keys.perform(&start), text("ne"));
        keys.perform(&field("h", 1, "x"));
        let all = Call::AllFields { key: "h".into() };
        assert_eq!(
            keys.perform_stale(&all),
            Answer::Hash([(1, "x".into())].into())
        );
    }
}
