//! A replica and what it was told and shown, in the ledger. Decides what counts as made, told and shown, whatever is played;
//! must not know how requests and frames travel, or when.

use std::sync::{Arc, Mutex, MutexGuard};

use baton::{ActError, BodyHash, Code, DeviceId, Kind, Note, Replica, wire};

use super::host::Heard;
use super::ledger::Ledger;

/// The version of this client, recorded with its registration.
pub(crate) const CLIENT: u16 = 1;

/// A device that is watched.
pub(crate) struct Witness<R: Kind> {
    pub(crate) replica: Replica<R>,
    ledger: Arc<Mutex<Ledger>>,
    /// The highest sequence that a reply spoke of.
    told: u64,
    shown: u64,
    over: Option<&'static str>,
}

impl<R: Kind> Witness<R> {
    /// A new device of a user.
    pub(crate) fn new(user: &str, id: DeviceId, ledger: Arc<Mutex<Ledger>>) -> Self {
        ledger.lock().expect("no holder panics").enrol(user, id);
        Self {
            replica: Replica::new(user, id, CLIENT),
            ledger,
            told: 0,
            shown: 0,
            over: None,
        }
    }

    /// Why it takes part no more, if so.
    pub(crate) fn over(&self) -> Option<&'static str> {
        self.over
    }

    /// Does an action. Its number.
    pub(crate) fn act(&mut self, action: &R::Action, now_ms: u64) -> Result<u64, ActError> {
        let seq = self.replica.act(action, now_ms)?;
        let body = BodyHash::of(&wire::write(action));
        let id = self.replica.device();
        self.ledger().made(id, body);
        Ok(seq)
    }

    /// What came of a request. Whether it was a reply.
    pub(crate) fn heard(&mut self, heard: &Heard, sent_ms: u64, now_ms: u64) -> bool {
        match heard {
            Heard::Reply(bytes) => {
                let understood = self.replica.receive(bytes, sent_ms, now_ms);
                self.mark(bytes);
                understood
            }
            Heard::Refused { code, expected } => {
                let known = Code::ALL.into_iter().find(|known| known.name() == code);
                self.replica.refused(known, *expected, now_ms);
                false
            }
            Heard::Failed => {
                self.replica.refused(None, None, now_ms);
                false
            }
        }
    }

    /// What a reply says of the device's actions, which counts as told whatever its frames say.
    fn mark(&mut self, bytes: &[u8]) {
        let standing = wire::read_reply(bytes).and_then(|reply| reply.device);
        let Some(standing) = standing.filter(|standing| standing.mark > self.told) else {
            return;
        };
        let id = self.replica.device();
        let mut ledger = self.ledger.lock().expect("no holder panics");
        for seq in self.told + 1..=standing.mark {
            ledger.told(id, seq, standing.verdict(seq));
        }
        self.told = standing.mark;
    }

    /// Takes note of what came in: the actions that have their answers since this was last called, by number, with 0 or the
    /// rules' code where that is still known.
    pub(crate) fn answers(&mut self) -> Vec<(u64, Option<u16>)> {
        let notes = self.replica.notes();
        let answers = notes.iter().filter_map(|note| self.read(note)).collect();
        let head = self.replica.head();
        if head.v != self.shown
            && let Some(room) = self.replica.synced()
        {
            self.shown = head.v;
            let lineage = room.lineage();
            self.ledger().shown(lineage, head);
        }
        answers
    }

    fn read(&mut self, note: &Note) -> Option<(u64, Option<u16>)> {
        let id = self.replica.device();
        match note {
            Note::Answer { seq, code } => {
                self.ledger().told(id, *seq, *code);
                return Some((*seq, *code));
            }
            Note::Reset => self.ledger().reset(),
            Note::Evicted { lost } => {
                self.ledger().gave_up(id, *lost as u64);
                self.over = Some("evicted");
            }
            Note::Desync => {
                let v = self.replica.desync().map_or(0, |desync| desync.v);
                let sentence = format!("the state after version {} is not its frame's", v + 1);
                self.ledger().fork(&sentence);
                self.over = Some("desync");
            }
            Note::Reload => self.over = Some("the room plays by rules that this program lacks"),
        }
        None
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no holder panics")
    }
}
