//! Histories of rooms: read from an exported file, told entry by entry, compared between two points, replayed from the first
//! frame, and replayed under other rules. No host is needed for any of it, and none is asked.
//!
//! | file | decides |
//! |---|---|
//! | `file` | the format of an exported log |
//! | `rules` | which rules logs are replayed by, and under which names they are asked for |
//! | `trace` | what a history tells of each entry |
//! | `compare` | who would change under other rules, and from which entry on |
//! | `differ` | the difference of two states |

pub mod compare;
pub mod differ;
pub mod file;
pub mod rules;
pub mod trace;

pub use compare::{Change, Fate, Verdict, compare};
pub use differ::{Difference, difference};
pub use file::{Log, read, write};
pub use rules::Registry;
pub use trace::{Flaw, Told, Trace};
