//! The store that does not coordinate: the append's check is switched off, and nothing else. Every
//! instance believes that its append succeeded, and goes on from what it last wrote; one that has
//! written nothing yet reads what was written last. As a game does that was ported to many hosts
//! as if they were one.

use std::collections::BTreeMap;

use baton::Memory;
use baton::effect::{Effect, Fed};

use super::ROOM;

/// What each instance takes for the log, and all that was accepted, in order.
#[derive(Default)]
pub struct Forks {
    views: BTreeMap<usize, View>,
    newest: Memory,
    pub accepted: Vec<Vec<u8>>,
}

#[derive(Default)]
struct View {
    store: Memory,
    /// It has written: from then on it sees what it wrote.
    own: bool,
}

impl Forks {
    pub fn perform(&mut self, instance: usize, effect: &Effect, now_ms: u64) -> Option<Fed> {
        let view = self.views.entry(instance).or_default();
        if !view.own && matches!(effect, Effect::Read(_)) {
            view.store = self.newest.clone();
        }
        view.store.set_clock(now_ms);
        let Effect::Append(append, read) = effect else {
            return view.store.perform(ROOM, effect);
        };
        view.store.log(ROOM).append_unchecked(append);
        view.own = true;
        self.newest = view.store.clone();
        self.accepted.push(append.frame.to_vec());
        let found = view.store.log(ROOM).read(read, now_ms);
        Some(Fed::Appended(true, found))
    }
}
