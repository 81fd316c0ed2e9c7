//! The rules that this program has: by what logs say of themselves, and by the names under which other rules are asked for.
//! The one table of kinds; knows nothing of what they do.

use anyhow::{Context, Result, bail};
use baton::frame::{Entry, Frame};
use baton::{Hash, Kind, ReplayError, Rolling, Rules};
use editions::doubled::{Doubled, Mended};
use serde_json::Value;

use super::compare::{self, Again, Seen};
use super::file::Log;
use super::trace::{Flaw, Listener, Trace, replay};

/// Rules by what logs say, and by name.
#[derive(Default)]
pub struct Registry {
    played: Vec<Played>,
    named: Vec<Named>,
}

/// What logs are replayed by.
struct Played {
    kind: &'static str,
    knows: fn(Hash) -> bool,
    replay: fn(&Log, &mut dyn Listener) -> Result<Trace, Flaw>,
}

/// What logs can be replayed by instead.
pub(super) struct Named {
    name: &'static str,
    kind: &'static str,
    pub(super) begin: Begin,
    encode: fn(&Value) -> Result<Vec<u8>>,
}

/// Begins a log again under other rules; `None` if it is none of theirs.
pub(super) type Begin = fn(&Frame, usize, &mut dyn FnMut(Seen<'_>)) -> Option<Box<dyn Again>>;

impl Registry {
    /// What ships, and the rules of the story in the README.
    pub fn built_in() -> Self {
        Self::default()
            .plays::<contagion::Contagion>()
            .named::<contagion::Contagion>("contagion@1")
            .plays::<account::Account>()
            .named::<account::Account>("account@1")
            .plays::<Rolling<Doubled, Mended>>()
            .named::<Doubled>("account-doubled@1")
            .named::<Mended>("account-mended@2")
    }

    /// Replays logs by this kind, where they say that they are of it.
    pub fn plays<R: Kind>(mut self) -> Self {
        self.played.push(Played {
            kind: R::NAME,
            knows: R::knows,
            replay: replay::<R>,
        });
        self
    }

    /// Can replay logs by these rules instead of their own.
    pub fn named<R: Rules>(mut self, name: &'static str) -> Self {
        self.named.push(Named {
            name,
            kind: R::KIND,
            begin: compare::begin::<R>,
            encode: encode::<R>,
        });
        self
    }

    /// The names, for people.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.named.iter().map(|named| named.name).collect();
        names.join(", ")
    }

    /// Replays a log by its own rules. See [`Trace`].
    pub fn replay(&self, log: &Log, listener: &mut dyn Listener) -> Result<Trace, Flaw> {
        let first = log.frames.first().map(|bytes| Frame::decode(bytes));
        let flaw = |why, entries| Flaw {
            v: 1,
            index: None,
            sequence: 0,
            why,
            entries,
        };
        let frame = match first {
            None => {
                return Err(flaw(
                    ReplayError::NotNext {
                        expected: 1,
                        found: 0,
                    },
                    Vec::new(),
                ));
            }
            Some(Err(error)) => return Err(flaw(ReplayError::Frame(error), Vec::new())),
            Some(Ok(frame)) => frame,
        };
        let Some(Entry::Setup {
            kind,
            rules,
            version,
            ..
        }) = frame.entries.first()
        else {
            return Err(flaw(ReplayError::Entry(0), Vec::new()));
        };
        let played = self
            .played
            .iter()
            .find(|played| played.kind == kind && (played.knows)(*rules));
        match played {
            Some(played) => (played.replay)(log, listener),
            None => {
                let edition = baton::Edition {
                    rules: *rules,
                    version: *version,
                };
                Err(flaw(
                    ReplayError::Rules(edition),
                    vec![format!("{:?}", frame.entries[0])],
                ))
            }
        }
    }

    /// Rules by their name.
    pub(super) fn by_name(&self, name: &str) -> Result<&Named> {
        let found = self.named.iter().find(|named| named.name == name);
        found.with_context(|| {
            format!(
                "no rules are called {name:?} here; there are {}",
                self.names()
            )
        })
    }

    /// An action as the rules that ship for a kind encode it.
    pub fn encode(&self, kind: &str, action: &Value) -> Result<Vec<u8>> {
        match self.named.iter().find(|named| named.kind == kind) {
            Some(named) => (named.encode)(action),
            None => bail!("no rules of kind {kind:?} are here"),
        }
    }
}

impl Named {
    pub(super) fn is_of(&self, room: &str) -> bool {
        room.split_once('/')
            .is_some_and(|(kind, _)| kind == self.kind)
    }
}

fn encode<R: Rules>(action: &Value) -> Result<Vec<u8>> {
    let action: R::Action =
        serde_json::from_value(action.clone()).context("not an action of these rules")?;
    Ok(postcard::to_allocvec(&action)?)
}
