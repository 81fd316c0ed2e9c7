//! A device of a user, as the library's replica plays it.

use baton::effect::{Arrival, Call, Outcome};
use baton::{DeviceId, Identity, Kind, Note, Replica};

use super::{START_MS, refusal};

pub struct Client<R: Kind> {
    pub who: Identity,
    pub replica: Replica<R>,
    /// Every note so far.
    pub notes: Vec<Note>,
}

impl<R: Kind> Client<R> {
    pub fn new(user: &str) -> Self {
        Self::on(user, 1)
    }

    pub fn on(user: &str, device: u8) -> Self {
        super::switch_off();
        let replica = Replica::new(user, device_id(user, device), 1);
        Self {
            who: identity(user),
            replica,
            notes: Vec::new(),
        }
    }

    /// The page is loaded again: only what was saved is left.
    pub fn reload(&mut self) {
        self.replica = self.resumed();
    }

    /// The same page by other rules.
    pub fn reload_as<S: Kind>(self) -> Client<S> {
        Client {
            replica: self.resumed(),
            who: self.who,
            notes: self.notes,
        }
    }

    fn resumed<S: Kind>(&self) -> Replica<S> {
        let saved = self.replica.save();
        Replica::resume(&self.who.user, &saved, 1).expect("what was saved")
    }

    pub fn arrival(&mut self, now_ms: u64) -> Arrival {
        let request = self.replica.request(false, now_ms - START_MS);
        self.arrive(request)
    }

    pub fn arrive(&self, request: Vec<u8>) -> Arrival {
        Arrival {
            who: Some(self.who.clone()),
            call: Call::Play(request.into()),
        }
    }

    pub fn take(&mut self, outcome: &Outcome, now_ms: u64) {
        let now_ms = now_ms - START_MS;
        if outcome.status == 200 {
            assert!(self.replica.receive(&outcome.body, now_ms, now_ms));
        } else {
            let (code, expected) = refusal(outcome);
            self.replica.refused(code, expected, now_ms);
        }
        self.notes.extend(self.replica.notes());
    }

    /// The codes of the answers so far: 0 is accepted.
    pub fn answers(&self) -> Vec<(u64, Option<u16>)> {
        let answer = |note: &Note| match note {
            Note::Answer { seq, code } => Some((*seq, *code)),
            _ => None,
        };
        self.notes.iter().filter_map(answer).collect()
    }

    /// How often the client was told that the store lost what it had seen.
    pub fn resets(&self) -> usize {
        let resets = self.notes.iter().filter(|note| **note == Note::Reset);
        resets.count()
    }
}

pub fn identity(user: &str) -> Identity {
    Identity {
        user: user.into(),
        name: format!("the {user}"),
    }
}

/// The id of a user's n-th device.
pub fn device_id(user: &str, device: u8) -> DeviceId {
    let mut id = [device; 16];
    let start = user.len().min(12);
    id[..start].copy_from_slice(&user.as_bytes()[..start]);
    DeviceId(id)
}
