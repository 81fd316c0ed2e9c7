//! Who is here: registration, sessions, beats, and time, since people leave at exact ticks.

use alloc::vec::Vec;

use super::{Device, NotHere, Opened, Person, Room};
use crate::error::Code;
use crate::id::DeviceId;
use crate::kind::Kind;
use crate::limits::{
    MAX_DEVICES, MAX_NAME_BYTES, MAX_USER_BYTES, MAX_USER_DEVICES, RESEND_GRACE_MS,
};
use crate::mutant::{self, Mutant};
use crate::random::Source;
use crate::rules::{Context, Fuel, Player};
use crate::wire::Presence;

/// Who did something may have more to send when it is back, while many only look and never come again: where a browser keeps
/// nothing, each load is a device.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// What it does to hear of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// It opens, or resumes.
    Join,
    /// It is still there.
    Beat,
    /// It closes.
    Leave,
}

impl Device {
    /// What it does to hear of a session at a tick, if anything.
    pub(crate) fn door(
        &self,
        session: u32,
        presence: Presence,
        tick: u64,
        grace_ticks: u64,
    ) -> Option<Door> {
        let newer = session > self.session;
        let same = session == self.session && !self.closed;
        let last = self.beat.unwrap_or(0);
        match presence {
            Presence::Leaving if newer || same => Some(Door::Leave),
            Presence::Here if newer || (same && !self.open && tick > last) => Some(Door::Join),
            Presence::Here if same && tick > last + grace_ticks / 3 => Some(Door::Beat),
            _ => None,
        }
    }
}

impl<R: Kind> Room<R> {
    pub(super) fn register(
        &mut self,
        user: &str,
        name: &str,
        id: DeviceId,
        client: u16,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        let fits = user.len() <= MAX_USER_BYTES && name.len() <= MAX_NAME_BYTES;
        if !fits
            || self.devices.len() >= MAX_DEVICES
            || self.standing(user, id).is_some() && !mutant::on(Mutant::RegisteredTwice)
        {
            return Err(NotHere);
        }
        let player = match self.player(user) {
            Some(player) => player,
            None => {
                let player = self.next_player;
                self.next_player = player.checked_add(1).ok_or(NotHere)?;
                let person = Person {
                    user: user.into(),
                    name: name.into(),
                };
                self.players.insert(player, person);
                player
            }
        };
        let number = self.next_device;
        self.next_device = number.checked_add(1).ok_or(NotHere)?;
        let device = Device::new(player, id, client, opened.time_ms);
        self.devices.insert(number, device);
        Ok(())
    }

    /// Which device, if any, must be forgotten so that another one of a user can be registered: the
    /// longest silent one, but none of those in `heard`; who did something counts as heard of for `KEPT_MS` longer. It is
    /// decided by the room alone, so that every instance can tell a device that there is no place for it.
    ///
    /// # Errors
    /// [`Code::DeviceLimit`]: there is no place, and nobody was silent for long enough.
    pub(crate) fn gives_way(
        &self,
        user: &str,
        heard: &[u32],
        now_ms: u64,
    ) -> Result<Option<u32>, Code> {
        let player = self.player(user);
        let own = |device: &Device| Some(device.player) == player;
        let own_count = self.devices.values().filter(|device| own(device)).count();
        let only_own = own_count >= MAX_USER_DEVICES;
        if !only_own && self.devices.len() < MAX_DEVICES {
            return Ok(None);
        }
        let silent = |device: &Device| {
            let early = mutant::on(Mutant::EvictedEarly);
            !device.open && (early || device.seen_ms.saturating_add(RESEND_GRACE_MS) < now_ms)
        };
        let candidates = self.devices.iter().filter(|(number, device)| {
            silent(device) && !heard.contains(number) && (!only_own || own(device))
        });
        let heard_ms = |device: &Device| {
            let did = device.mark() > 0 || device.last_order().is_some();
            device.seen_ms.saturating_add(if did { KEPT_MS } else { 0 })
        };
        let oldest = candidates.min_by_key(|(number, device)| (heard_ms(device), **number));
        oldest.map_or(Err(Code::DeviceLimit), |(number, _)| Ok(Some(*number)))
    }

    pub(super) fn evict(&mut self, number: u32) -> Result<(), NotHere> {
        if self.devices.get(&number).is_none_or(|device| device.open) {
            return Err(NotHere);
        }
        let gone = self.devices.remove(&number).ok_or(NotHere)?;
        let others = self.devices.values().any(|d| d.player == gone.player);
        if !others {
            self.players.remove(&gone.player);
        }
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        number: u32,
        session: u32,
        at: u32,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        self.reach(at, opened)?;
        let tick = self.tick;
        let device = self.device_at(number, opened)?;
        let newer = session > device.session;
        let resumes = session == device.session && !device.open && !device.closed;
        if !newer && !resumes {
            return Err(NotHere);
        }
        device.session = session;
        device.open = true;
        device.closed = false;
        device.beat = Some(tick);
        let player = device.player;
        if insert(&mut self.present, player) {
            self.run(|state, ctx| R::joined(state, player, ctx));
        }
        Ok(())
    }

    pub(super) fn beat(
        &mut self,
        number: u32,
        session: u32,
        at: u32,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        self.reach(at, opened)?;
        let tick = self.tick;
        let device = self.device_at(number, opened)?;
        if !device.open || session != device.session {
            return Err(NotHere);
        }
        device.beat = Some(tick);
        Ok(())
    }

    pub(super) fn leave(
        &mut self,
        number: u32,
        session: u32,
        at: u32,
        opened: &Opened,
    ) -> Result<(), NotHere> {
        self.reach(at, opened)?;
        let device = self.device_at(number, opened)?;
        if session < device.session || (session == device.session && device.closed) {
            return Err(NotHere);
        }
        device.session = session;
        device.open = false;
        device.closed = true;
        let player = device.player;
        self.gone_if_alone(player);
        Ok(())
    }

    /// Lets time happen up to a presence entry's tick.
    fn reach(&mut self, at: u32, opened: &Opened) -> Result<(), NotHere> {
        let tick = opened.from_tick + u64::from(at);
        (tick >= self.tick && self.advance_to(tick))
            .then_some(())
            .ok_or(NotHere)
    }

    /// Lets ticks happen until `tick`, or until the room pauses. Whether it got there.
    pub(crate) fn advance_to(&mut self, tick: u64) -> bool {
        while self.tick < tick {
            if self.pace().tick_ms == 0 || self.paused() {
                return false;
            }
            self.tick += 1;
            if self.tick == tick || !mutant::on(Mutant::LeavesAtFrameEnd) {
                self.expire();
            }
            self.run(R::tick);
        }
        self.tick == tick
    }

    /// Those who were silent for longer than the grace time leave at this very tick.
    fn expire(&mut self) {
        let (tick, grace) = (self.tick, self.pace().grace_ticks());
        let silent = |device: &Device| {
            let heard = device.beat.unwrap_or(0);
            device.open && heard + grace < tick
        };
        if !self.devices.values().any(silent) {
            return;
        }
        let mut gone = Vec::new();
        for device in self.devices.values_mut().filter(|device| silent(device)) {
            device.open = false;
            insert(&mut gone, device.player);
        }
        for player in gone {
            self.gone_if_alone(player);
        }
    }

    /// A player is gone when none of their devices is here.
    fn gone_if_alone(&mut self, player: Player) {
        let here = |device: &Device| device.player == player && device.open;
        if self.devices.values().any(here) {
            return;
        }
        if let Ok(place) = self.present.binary_search(&player) {
            self.present.remove(place);
            self.run(|state, ctx| R::left(state, player, ctx));
        }
    }

    /// Lets the rules change the state by what is no entry's action, drawing from the room's stream.
    fn run(&mut self, work: impl FnOnce(&mut R::State, Context<'_, R::Config>)) {
        let (sends_left, now_ms) = (self.sends_left(), self.now_ms());
        let fuel = self.pace().fuel;
        let ctx = Context {
            config: &self.config,
            tick: self.tick,
            now_ms,
            present: &self.present,
            random: Source::Stream(&mut self.random),
            sends: &mut self.sends,
            sends_left,
            fuel: Fuel::of(fuel),
        };
        work(&mut self.state, ctx);
        self.post();
    }

    /// Whether a number was handed out in this history and its device is gone.
    pub(crate) fn was_evicted(&self, number: u32) -> bool {
        number < self.next_device && !self.devices.contains_key(&number)
    }

    /// Whether a session's committed beat is missing or older than a third of the grace time.
    pub(crate) fn wants_beat(&self, user: &str, id: DeviceId, session: u32, now_ms: u64) -> bool {
        let Some(standing) = self.standing(user, id) else {
            return true;
        };
        let device = standing.device;
        let never = mutant::on(Mutant::BeatNeverDue);
        if self.pace().tick_ms == 0 || session < device.session || never {
            return false;
        }
        let tick = self.tick_at(now_ms).max(self.tick);
        let young = device
            .beat
            .is_some_and(|beat| tick.saturating_sub(beat) <= self.pace().grace_ticks() / 3);
        let same = session == device.session;
        !(same && (device.closed || (device.open && young)))
    }

    /// Whether a session could still be closed: it is open, or could open.
    pub(crate) fn wants_leave(&self, user: &str, id: DeviceId, session: u32) -> bool {
        self.standing(user, id).is_some_and(|standing| {
            let Device {
                session: newest,
                closed,
                ..
            } = *standing.device;
            session > newest || (session == newest && !closed)
        })
    }

    pub(super) fn who_is_present(&self) -> Vec<Player> {
        let mut present = Vec::new();
        for device in self.devices.values().filter(|device| device.open) {
            insert(&mut present, device.player);
        }
        present
    }
}

/// Puts a player into a rising list. Whether they were not there.
fn insert(players: &mut Vec<Player>, player: Player) -> bool {
    match players.binary_search(&player) {
        Ok(_) => false,
        Err(place) => {
            players.insert(place, player);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_counts_of_the_open_session_and_once_in_a_third_of_the_grace_time() {
        const GRACE: u64 = 60;
        let mut device = Device::new(0, DeviceId([1; 16]), 1, 0);
        (device.session, device.open, device.beat) = (5, true, Some(100));
        let door = |device: &Device, session, tick| {
            [Presence::Here, Presence::Leaving, Presence::Unsaid]
                .map(|presence| device.door(session, presence, tick, GRACE))
        };
        let (join, beat, leave) = (Some(Door::Join), Some(Door::Beat), Some(Door::Leave));
        assert_eq!(door(&device, 5, 120), [None, leave, None]);
        assert_eq!(door(&device, 5, 121), [beat, leave, None]);
        assert_eq!(door(&device, 4, 1_000), [None; 3], "a session of before");
        assert_eq!(door(&device, 6, 100), [join, leave, None]);
        // Silent for too long: it resumes, in a tick after its last.
        device.open = false;
        assert_eq!(door(&device, 5, 100), [None, leave, None]);
        assert_eq!(door(&device, 5, 101), [join, leave, None]);
        device.closed = true;
        assert_eq!(door(&device, 5, 1_000), [None; 3], "closed for ever");
        assert_eq!(door(&device, 6, 1_000), [join, leave, None]);
    }
}
