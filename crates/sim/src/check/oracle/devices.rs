//! Who is registered, and who is there.

use baton::frame::Frame;
use baton::{DeviceId, limits};

use super::{Device, Oracle};
use crate::check::ledger::Owner;
use crate::check::{Checked, hold};

impl Oracle {
    /// The session that a device has open.
    pub fn open_session(&self, owner: &Owner) -> Option<u32> {
        let (_, device) = self.device(owner)?;
        device.open.then_some(device.session)
    }

    pub(super) fn register(&mut self, user: &str, id: DeviceId, frame: &Frame) -> Checked {
        let owner = (user.to_owned(), id);
        hold(
            self.device(&owner).is_none(),
            "S3: a device is registered once",
            || format!("frame {}: {user} {id}", frame.v),
        )?;
        let player = *self.players.entry(user.to_owned()).or_insert_with(|| {
            self.next_player += 1;
            self.next_player - 1
        });
        let device = Device {
            owner,
            since_v: frame.v,
            player,
            mark: 0,
            verdicts: Vec::new(),
            vouched: 0,
            vouched_v: 0,
            session: 0,
            open: false,
            closed: false,
            beat: 0,
            seen_ms: frame.time_ms,
        };
        self.devices.insert(self.next_device, device);
        self.next_device += 1;
        let own = self
            .devices
            .values()
            .filter(|device| device.owner.0 == user);
        let own = own.count();
        hold(
            self.devices.len() <= limits::MAX_DEVICES && own <= limits::MAX_USER_DEVICES,
            "S18: devices within their limits",
            || format!("frame {}: {}, {own} of {user}", frame.v, self.devices.len()),
        )
    }

    pub(super) fn evict(&mut self, number: u32, frame: &Frame) -> Checked {
        let seen_ms = self.devices.get(&number).map_or(0, |device| device.seen_ms);
        hold(
            seen_ms + limits::RESEND_GRACE_MS < frame.time_ms,
            "S18: nobody is evicted whose actions may be under way",
            || format!("frame {}: device {number}, seen at {seen_ms}", frame.v),
        )?;
        let device = self.device_of(number, frame)?.clone();
        self.devices.remove(&number);
        if self
            .devices
            .values()
            .all(|other| other.player != device.player)
        {
            self.players.remove(&device.owner.0);
        }
        hold(!device.open, "S18: nobody present is evicted", || {
            format!("frame {}: device {number}", frame.v)
        })
    }

    pub(super) fn present(
        &mut self,
        number: u32,
        session: u32,
        tick: u64,
        frame: &Frame,
        joins: bool,
    ) -> Checked {
        self.reach(tick, frame)?;
        let device = self.device_of(number, frame)?;
        let fits = match joins {
            true => {
                session > device.session
                    || (session == device.session && !device.open && !device.closed)
            }
            false => device.open && session == device.session,
        };
        device.session = session;
        device.open = true;
        device.closed = false;
        device.beat = tick;
        let player = device.player;
        if self.here.insert(player) {
            self.told_ms = self.lived_ms();
        }
        hold(
            fits,
            "6: a session opens once, and beats while it is open",
            || format!("frame {}: device {number}, session {session}", frame.v),
        )
    }

    pub(super) fn leave(&mut self, number: u32, session: u32, tick: u64, frame: &Frame) -> Checked {
        self.reach(tick, frame)?;
        let device = self.device_of(number, frame)?;
        let fits = session > device.session || (session == device.session && !device.closed);
        device.session = session;
        device.open = false;
        device.closed = true;
        let before = self.here.len();
        self.see_who_is_here();
        if self.here.len() < before {
            self.told_ms = self.lived_ms();
        }
        hold(fits, "6: a session closes once", || {
            format!("frame {}: device {number}, session {session}", frame.v)
        })
    }
}
