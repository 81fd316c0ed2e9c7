//! The handler: one request, or a batch that arrived together, from begin to reply. Sans-IO: it
//! never calls out, time and entropy arrive as inputs, and it asks for one effect after another.
//!
//! host adapter → begin → READ → replay → lead or follow → APPEND or PUSH → reply
//!
//! Here: the instance, its identity and its warm rooms. The decisions are in `invocation`.

mod arrivals;
mod attempt;
mod cursors;
mod deliver;
mod invocation;
mod ladder;
mod lead;
mod orders;
mod reply;
mod served;
mod warm;
mod writing;

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::mem;

use arrivals::Asked;
pub use invocation::Invocation;
pub use ladder::Before;
use ladder::Trap;
pub(crate) use served::whole;
pub use served::{BadBytes, Serve, Setup};
use warm::Warm;

use crate::effect::{Arrival, Effect, Moment};
use crate::id::Writer;
use crate::kind::Kind;
use crate::settings::Settings;
use crate::table::Table;

/// One host process or isolate, for rooms of one kind: its identity, its settings, its warm rooms.
pub struct Instance<R: Kind> {
    writer: Writer,
    settings: Settings,
    config: R::Config,
    /// The version of the rules that rooms should be on.
    wanted: u32,
    warm: Table<String, Warm<R>>,
}

impl<R: Kind> Instance<R> {
    /// An instance that writes as `writer`, random bytes drawn when it started. `config` is for
    /// the rooms that it begins.
    pub fn new(writer: Writer, settings: Settings, config: R::Config) -> Self {
        Self {
            writer,
            settings,
            config,
            wanted: R::FIRST,
            warm: Table::default(),
        }
    }

    /// The same instance, which brings every room it leads to this version of the rules, as far as it
    /// has them. Never back: a room that is on a later version stays there. Instances may differ in
    /// it: whoever has both versions follows the log.
    #[must_use]
    pub fn wanting(mut self, version: u32) -> Self {
        self.wanted = version;
        self
    }

    /// Begins to answer requests to one room, `kind/name`, that arrived together, at most
    /// [`MAX_BATCH`](crate::limits::MAX_BATCH). Perform the effect, feed its result to
    /// [`Invocation::resume`], until `Reply`.
    pub fn begin(
        &mut self,
        room: &str,
        arrivals: Vec<Arrival>,
        moment: Moment,
    ) -> (Invocation<R>, Effect) {
        self.set_out(room, arrivals, |_| {}, moment)
    }

    /// Begins again with requests whose first invocation ended with its instance of the wasm, this one
    /// being new. What trapped leads nothing: it hands on what is new, and tells the store of the trap.
    pub fn begin_again(
        &mut self,
        room: &str,
        arrivals: Vec<Arrival>,
        before: Before<'_>,
        moment: Moment,
    ) -> (Invocation<R>, Effect) {
        let set_out = |invocation: &mut Invocation<R>| {
            invocation.asked.iter_mut().for_each(Asked::was_begun);
            match before {
                Before::Trapped { noted } => invocation.trap = Some(Trap::after(noted)),
                Before::Dropped { noted } => invocation.take_place(noted),
            }
        };
        self.set_out(room, arrivals, set_out, moment)
    }

    fn set_out(
        &mut self,
        room: &str,
        arrivals: Vec<Arrival>,
        set_out: impl FnOnce(&mut Invocation<R>),
        moment: Moment,
    ) -> (Invocation<R>, Effect) {
        // Taken out while it is in use: a second invocation of the room starts cold, and safe.
        let warm = self.warm.remove(&room.to_owned());
        let warm = warm.unwrap_or_else(|| Warm::new(moment.mono_ms));
        let mut invocation = Invocation::new(self, room.to_owned(), arrivals, warm);
        set_out(&mut invocation);
        let effect = invocation.start(&moment);
        self.keep_if_done(&mut invocation, &effect, &moment);
        (invocation, effect)
    }

    /// Forgets all rooms. Always allowed.
    pub fn forget(&mut self) {
        self.warm = Table::default();
    }

    /// How many rooms are warm.
    pub fn warm_rooms(&self) -> usize {
        self.warm.len()
    }

    fn keep_if_done(&mut self, invocation: &mut Invocation<R>, effect: &Effect, moment: &Moment) {
        if !matches!(effect, Effect::Reply(_)) {
            return;
        }
        let mut warm = mem::replace(&mut invocation.warm, Warm::new(0));
        warm.used_ms = moment.mono_ms;
        let newer = |held: &Warm<R>| held.head().v >= warm.head().v;
        if self
            .warm
            .get(&invocation.name)
            .is_none_or(|held| !newer(held))
        {
            self.warm.insert(invocation.name.clone(), warm);
        }
        let limit = usize::try_from(self.settings.cache_bytes).unwrap_or(usize::MAX);
        let mut bytes: usize = self.warm.values().map(Warm::bytes).sum();
        while bytes > limit {
            let oldest = self.warm.iter().min_by_key(|(_, warm)| warm.used_ms);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            bytes -= self.warm.remove(&name).map_or(0, |warm| warm.bytes());
        }
    }
}
