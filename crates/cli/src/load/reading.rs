//! What frames hold of devices' actions, for the ledger. Decides which entry is whose; must not know where frames come from.

use std::collections::BTreeMap;

use baton::frame::{Entry, Frame};
use baton::{BodyHash, DeviceId, Kind, Room};

use super::ledger::{Ledger, Logged};

/// A log that is read frame by frame: its devices by number.
#[derive(Default)]
pub(crate) struct Reading {
    devices: BTreeMap<u32, (String, DeviceId)>,
}

impl Reading {
    /// Devices that are known otherwise than by frames.
    pub(crate) fn of(devices: BTreeMap<u32, (String, DeviceId)>) -> Self {
        Self { devices }
    }

    /// Tells the ledger what a frame holds, before it is replayed: whether that is right is not left to the same code alone.
    pub(crate) fn enter(&self, frame: &Frame, ledger: &mut Ledger) {
        for entry in &frame.entries {
            let (device, seq, logged) = match entry {
                Entry::Act { device, seq, body } => (device, seq, accepted(body)),
                Entry::Upcast {
                    device, seq, body, ..
                } => (device, seq, accepted(body)),
                Entry::Reject {
                    device,
                    seq,
                    code,
                    body,
                } => {
                    let (code, body) = (*code, *body);
                    (device, seq, Logged { code, body })
                }
                _ => continue,
            };
            if let Some((user, id)) = self.devices.get(device) {
                ledger.logged(user, *id, *seq, logged);
            }
        }
    }

    /// Which devices have which numbers, now that a frame was replayed.
    pub(crate) fn learn<R: Kind>(&mut self, frame: &Frame, room: &Room<R>) {
        for entry in &frame.entries {
            if let Entry::Register { user, id, .. } = entry
                && let Some(standing) = room.standing(user, *id)
            {
                self.devices.insert(standing.number, (user.clone(), *id));
            }
        }
    }
}

fn accepted(body: &[u8]) -> Logged {
    Logged {
        code: 0,
        body: BodyHash::of(body),
    }
}
