//! A kind behind bytes: what a host that knows no rules drives. Bytes in, bytes out, so the wasm
//! face and the purity probe add nothing.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use serde::Deserialize;

use super::{Before, Instance, Invocation};
use crate::effect::{Effect, Fed, Moment};
use crate::id::Writer;
use crate::kind::Kind;
use crate::limits::RESERVED_KINDS;
use crate::settings::Settings;
use crate::table::Table;
use crate::wire;

/// One kind of room on one instance. Invocations are numbered by the caller.
pub trait Serve {
    /// The kind.
    fn kind(&self) -> &'static str;

    /// Whether its rooms are users' own, see [`Rules::PERSONAL`](crate::Rules::PERSONAL).
    fn personal(&self) -> bool;

    /// Begins an invocation for the room of this name; `arrivals` is an encoded list of [`Arrival`](crate::effect::Arrival). Returns an encoded
    /// [`Effect`](crate::effect::Effect).
    fn begin(
        &mut self,
        id: u32,
        room: &str,
        arrivals: &[u8],
        moment: Moment,
    ) -> Result<Vec<u8>, BadBytes>;

    /// Begins an invocation again, see [`Instance::begin_again`]. Returns an encoded effect.
    fn begin_again(
        &mut self,
        id: u32,
        room: &str,
        arrivals: &[u8],
        before: Before<'_>,
        moment: Moment,
    ) -> Result<Vec<u8>, BadBytes>;

    /// Goes on with an invocation; `fed` is an encoded [`Fed`]. Returns an encoded effect.
    fn resume(&mut self, id: u32, fed: &[u8], moment: Moment) -> Result<Vec<u8>, BadBytes>;

    /// Ends an invocation, finished or not.
    fn release(&mut self, id: u32);

    /// How many rooms are warm.
    fn warm_rooms(&self) -> usize;
}

/// The host fed bytes that are not what it should feed, or resumed what it never began. Nothing
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBytes;

impl fmt::Display for BadBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host fed bytes that are not of the contract")
    }
}

impl core::error::Error for BadBytes {}

/// What a host is configured with: [`Settings`], and by kind the rooms' `Config` and the version of
/// the rules that rooms should be on.
#[derive(Debug, Default)]
pub struct Setup {
    /// How the instance works.
    pub settings: Settings,
    rooms: serde_json::Map<String, serde_json::Value>,
    rules: Table<String, u32>,
}

impl Setup {
    /// Reads `{"frame_ms": …, "rooms": {"kind": {…}}, "rules": {"kind": 2}}`; every field may be left
    /// out, none may be unknown. The error says which is wrong.
    ///
    /// A kind that is not in `rules` stays on the earliest version that the build has. A version that
    /// the build does not have is no error: the same settings reach builds of different age.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let text = |error: serde_json::Error| alloc::format!("{error}");
        let mut object: serde_json::Map<_, _> = serde_json::from_str(json).map_err(text)?;
        let rooms = match object.remove("rooms") {
            Some(serde_json::Value::Object(rooms)) => rooms,
            Some(_) => return Err(String::from("`rooms` must be an object")),
            None => serde_json::Map::new(),
        };
        let mut rules = Table::default();
        if let Some(versions) = object.remove("rules") {
            let versions: serde_json::Map<String, serde_json::Value> =
                serde_json::from_value(versions).map_err(|_| "`rules` must be an object")?;
            for (kind, version) in versions {
                let number = version
                    .as_u64()
                    .and_then(|version| u32::try_from(version).ok());
                let number = number.ok_or_else(|| alloc::format!("{kind}: not a version"))?;
                rules.insert(kind, number);
            }
        }
        let settings = Settings::deserialize(serde_json::Value::Object(object)).map_err(text)?;
        Ok(Self {
            settings,
            rooms,
            rules,
        })
    }

    /// One kind, ready to be served: rules of one version, or
    /// [`Rolling`](crate::Rolling) of two.
    ///
    /// # Errors
    /// A setting that is wrong, or a kind that is one of [`RESERVED_KINDS`](crate::limits::RESERVED_KINDS): what its rooms
    /// send could not be told from what an operator or a user orders.
    pub fn serve<R: Kind>(&self, writer: Writer) -> Result<Box<dyn Serve>, String> {
        if RESERVED_KINDS.contains(&R::NAME) {
            return Err(alloc::format!("{}: no kind has this name", R::NAME));
        }
        let wanted = self.rules.get(&String::from(R::NAME)).copied();
        let wanted = wanted.unwrap_or(R::FIRST);
        let config = R::configure(self.rooms.get(R::NAME), wanted)
            .map_err(|error| alloc::format!("{}: {error}", R::NAME))?;
        Ok(Box::new(Served::<R> {
            instance: Instance::new(writer, self.settings, config).wanting(wanted),
            running: Table::default(),
        }))
    }

    /// The kinds that are named here, to be compared with those that are served.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.rooms
            .keys()
            .chain(self.rules.keys())
            .map(String::as_str)
    }
}

struct Served<R: Kind> {
    instance: Instance<R>,
    running: Table<u32, Invocation<R>>,
}

impl<R: Kind> Served<R> {
    /// Keeps an invocation that has begun. Its first effect, encoded.
    fn run(&mut self, id: u32, (invocation, effect): (Invocation<R>, Effect)) -> Vec<u8> {
        self.running.insert(id, invocation);
        wire::write(&effect)
    }
}

fn full_name<R: Kind>(room: &str) -> String {
    alloc::format!("{}/{room}", R::NAME)
}

impl<R: Kind> Serve for Served<R> {
    fn kind(&self) -> &'static str {
        R::NAME
    }

    fn personal(&self) -> bool {
        R::PERSONAL
    }

    fn begin(
        &mut self,
        id: u32,
        room: &str,
        arrivals: &[u8],
        moment: Moment,
    ) -> Result<Vec<u8>, BadBytes> {
        let (arrivals, room) = (whole(arrivals)?, full_name::<R>(room));
        let begun = self.instance.begin(&room, arrivals, moment);
        Ok(self.run(id, begun))
    }

    fn begin_again(
        &mut self,
        id: u32,
        room: &str,
        arrivals: &[u8],
        before: Before<'_>,
        moment: Moment,
    ) -> Result<Vec<u8>, BadBytes> {
        let (arrivals, room) = (whole(arrivals)?, full_name::<R>(room));
        let begun = self.instance.begin_again(&room, arrivals, before, moment);
        Ok(self.run(id, begun))
    }

    fn resume(&mut self, id: u32, fed: &[u8], moment: Moment) -> Result<Vec<u8>, BadBytes> {
        let fed: Fed = whole(fed)?;
        let invocation = self.running.get_mut(&id).ok_or(BadBytes)?;
        Ok(wire::write(&invocation.resume(
            &mut self.instance,
            fed,
            moment,
        )))
    }

    fn release(&mut self, id: u32) {
        self.running.remove(&id);
    }

    fn warm_rooms(&self) -> usize {
        self.instance.warm_rooms()
    }
}

/// Reads all of the bytes.
pub(crate) fn whole<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, BadBytes> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(BadBytes),
    }
}
