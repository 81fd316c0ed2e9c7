//! Orders: what a room's own user has its server do. In the log an order is what `order/<user>` sends, its lineage being the
//! registration that it is of. Its mark and verdict are kept with the device, and forgotten with it: so there are never more
//! of them than devices, and no late copy finds its mark gone and its device still there.

use super::marks::Device;
use super::senders::Brought;
use super::{NotHere, Opened, Room};
use crate::id::{BodyHash, Lineage};
use crate::kind::Kind;
use crate::wire;

impl<R: Kind> Room<R> {
    /// The registered device that an order of a user is of, by the lineage under which it travels.
    pub(crate) fn orderer(&self, user: &str, lineage: Lineage) -> Option<u32> {
        let player = self.player(user)?;
        let mut own = self.devices.iter();
        let found = own.find(|(number, device)| {
            device.player == player && wire::registration(device.id, **number) == lineage
        });
        found.map(|(number, _)| *number)
    }

    /// Notes what became of an order.
    pub(super) fn note_order(
        &mut self,
        user: &str,
        lineage: Lineage,
        brought: Brought,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        let device = self.orderer(user, lineage).ok_or(NotHere)?;
        self.device_at(device, opened)?.note_order(brought)
    }

    /// The highest number that was ordered, and the hash of its body; nothing of who is not registered.
    pub(super) fn last_order(&self, user: &str, lineage: Lineage) -> Option<(u64, BodyHash)> {
        let device = self.orderer(user, lineage)?;
        self.devices.get(&device).and_then(Device::last_order)
    }
}
