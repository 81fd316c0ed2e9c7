//! What a room shows: to the handler, to clients, to tools. Changes nothing.

use super::marks::Device;
use super::{DeviceStanding, Person, Room};
use crate::delta::Base;
use crate::id::{DeviceId, Hash, Head, Lineage, Writer};
use crate::kind::Kind;
use crate::rules::{Access, Player, Silence};
use crate::table::Table;

impl<R: Kind> Room<R> {
    /// The version and hash of the newest frame.
    pub fn head(&self) -> Head {
        Head {
            v: self.v,
            hash: self.hash,
        }
    }

    pub(crate) fn set_hash(&mut self, hash: Hash) {
        self.hash = hash;
    }

    /// The unbroken history this room belongs to.
    pub fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// The writer of the newest frame.
    pub fn writer(&self) -> Writer {
        self.writer
    }

    /// How often leadership has changed hands, from 1.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What the newest frame makes known of the next.
    pub(crate) fn base(&self) -> Base {
        Base {
            hash: self.hash,
            v: self.v,
            writer: self.writer,
            epoch: self.epoch,
            rules: self.newest_rules(),
            tick: self.tick,
            time_ms: self.time_ms,
        }
    }

    /// The number of the rules that replay the next frame.
    pub(super) fn newest_rules(&self) -> u8 {
        u8::try_from(self.rules.len() - 1).unwrap_or(u8::MAX)
    }

    /// The highest number of a device's actions that has a verdict.
    pub(crate) fn mark(&self, device: u32) -> u64 {
        self.devices.get(&device).map_or(0, Device::mark)
    }

    /// Ticks lived through.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// The time of the newest frame, in milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The rules' state.
    pub fn state(&self) -> &R::State {
        &self.state
    }

    /// What the room was told at its start.
    pub fn config(&self) -> &R::Config {
        &self.config
    }

    /// Who is present, in rising order.
    pub fn present(&self) -> &[Player] {
        &self.present
    }

    /// Everyone who is registered.
    pub fn people(&self) -> &Table<Player, Person> {
        &self.players
    }

    /// The player number of a user.
    pub fn player(&self, user: &str) -> Option<Player> {
        let found = self.players.iter().find(|(_, person)| person.user == user);
        found.map(|(number, _)| *number)
    }

    /// The standing of a device, by the verified user and the device's id.
    pub fn standing(&self, user: &str, id: DeviceId) -> Option<DeviceStanding<'_>> {
        let player = self.player(user)?;
        let found = self
            .devices
            .iter()
            .find(|(_, device)| device.player == player && device.id == id);
        found.map(|(number, device)| DeviceStanding {
            number: *number,
            device,
        })
    }

    /// What a user may do here.
    pub fn access(&self, user: Option<&str>) -> Access {
        if R::PERSONAL {
            // Nobody but its user gets as far as this.
            let own = user.is_some();
            return Access {
                read: own,
                act: own,
            };
        }
        R::access(&self.state, user.and_then(|user| self.player(user)))
    }

    /// Whether time stands still: nobody is present and the rules pause then, or they broke.
    pub fn paused(&self) -> bool {
        let pace = self.pace();
        let empty = pace.silence == Silence::Pause && self.present.is_empty();
        pace.tick_ms != 0 && (empty || self.halted)
    }

    /// Whether the rules broke on the passing of time: the room shows what it was and takes nothing
    /// until it gets other rules.
    pub fn halted(&self) -> bool {
        self.halted
    }

    /// The tick that belongs to a time.
    pub fn tick_at(&self, now_ms: u64) -> u64 {
        match u64::from(self.pace().tick_ms) {
            0 => 0,
            tick_ms => now_ms.saturating_sub(self.base_ms) / tick_ms,
        }
    }

    /// When a tick happens.
    pub fn time_of(&self, tick: u64) -> u64 {
        let since = tick.saturating_mul(u64::from(self.pace().tick_ms));
        self.base_ms.saturating_add(since)
    }
}
