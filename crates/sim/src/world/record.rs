//! Writes a run's history down, if that is asked for: what reaches instances, what comes back from them, the frames that the
//! store takes in and loses. A request begins when it reaches an instance, each copy by itself. Must not change the run.

use baton::effect::{Arrival, Call, Outcome as Answer};
use baton::{Hash, Head};

use super::{Slip, World};
use crate::later::Game;

impl Slip {
    /// Whose request it is, for people.
    pub(super) fn process(&self) -> String {
        match (self.client, self.forger) {
            (Some((client, ..)), _) => format!("client {client}"),
            (_, Some(forger)) => format!("forger {forger}"),
            _ => "watcher".into(),
        }
    }
}

impl<R: Game> World<R> {
    /// A process sends a request. Its number in the history; `None` if none is kept, or the request says nothing there.
    pub(super) fn record_sent(
        &mut self,
        process: impl FnOnce() -> String,
        room: usize,
        arrival: &Arrival,
    ) -> Option<u64> {
        let (history, Call::Play(request)) = (self.history.as_mut()?, &arrival.call) else {
            return None;
        };
        history.sent(&process(), &Self::room_name(room), request, self.now_ms)
    }

    /// Its answer arrives, whether anybody still waits for it or not.
    pub(super) fn record_answer(&mut self, op: Option<u64>, answer: &Answer) {
        if let (Some(history), Some(op)) = (&mut self.history, op) {
            history.answered(op, answer, self.now_ms);
        }
    }

    /// The store took a frame in.
    pub(super) fn record_frame(&mut self, room: usize, bytes: &[u8]) {
        if let Some(history) = &mut self.history {
            history.appended(&Self::room_name(room), bytes);
        }
    }

    /// The store lost frames, and has these; the books are still those of before.
    pub(super) fn record_loss(&mut self, room: usize, frames: &[Vec<u8>]) {
        let Some(history) = &mut self.history else {
            return;
        };
        let book = &self.accounts[room].book;
        let kept = frames.iter().zip(1..).take_while(|(bytes, v)| {
            book.has(Head {
                v: *v,
                hash: Hash::of(bytes),
            })
        });
        let (name, kept) = (Self::room_name(room), kept.count() as u64);
        history.loses(&name, std::iter::empty(), kept, self.now_ms);
        history.log(&name, frames.iter().map(Vec::as_slice));
    }
}
