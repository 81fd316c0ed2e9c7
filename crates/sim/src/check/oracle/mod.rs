//! What a log must come to, told without the library's rooms and rules: frames are read entry by
//! entry, and every mark, verdict, tick, cut, presence and balance follows by hand. Where the library
//! and this disagree, one of them is wrong.

pub(super) mod bank;
mod devices;
pub mod orders;
mod time;
pub mod wires;

use std::collections::{BTreeMap, BTreeSet};

use baton::frame::{Entry, Frame};
use baton::{BodyHash, Hash, Lineage, Writer, limits};

use super::book::Witness;
use super::ledger::{Ledger, Owner, Written};
use super::{Checked, hold};
use crate::later::LATER;
use crate::rules::{OWN, PAUSE, STILL, TICK_MS, Wire};
use orders::Ordered;
use time::{is_of_nobody, is_switch};
use wires::Wired;

/// The verdict that a body which is no action gets.
const MALFORMED: u16 = 0xff00;
/// The verdict on an action of rules that mean nothing here any more.
const OUTDATED: u16 = 0xff02;
/// The verdict on what breaks the rules.
pub const FAULTED: u16 = 0xff01;

/// A registered device as the log has it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Whose.
    pub owner: Owner,
    /// The version that it was registered in.
    pub since_v: u64,
    /// The user's number.
    pub player: u32,
    /// The highest number with a verdict.
    pub mark: u64,
    /// Version, number, body hash and verdict of each action, oldest first.
    pub verdicts: Vec<(u64, u64, BodyHash, u16)>,
    /// The highest number that the device vouched for.
    pub vouched: u64,
    /// The version in which it did: of the verdicts before, nothing is kept.
    pub vouched_v: u64,
    session: u32,
    open: bool,
    closed: bool,
    beat: u64,
    seen_ms: u64,
}

/// The log so far.
#[derive(Clone, Debug)]
pub struct Oracle {
    policy: u8,
    own: bool,
    catch_up_ticks: u64,
    v: u64,
    hash: Hash,
    writer: Writer,
    epoch: u64,
    /// The tick of the newest frame.
    pub tick: u64,
    /// The time of the newest frame.
    pub time_ms: u64,
    /// The history's name.
    pub lineage: Lineage,
    start_ms: u64,
    cut_ms: u64,
    players: BTreeMap<String, u32>,
    next_player: u32,
    /// Devices by number.
    pub devices: BTreeMap<u32, Device>,
    next_device: u32,
    here: BTreeSet<u32>,
    balances: BTreeMap<u32, i64>,
    rolls: BTreeMap<u32, u64>,
    due: Option<u64>,
    fired: u64,
    order: u64,
    /// The tick that breaks the rules.
    pub cursed: Option<u64>,
    /// Time has broken them, and the log says so.
    pub halted: bool,
    /// It is on the later rules.
    pub later: bool,
    /// And began on those before.
    migrated: bool,
    coins: i64,
    /// Every order of this log by its registration, in order: of those that are gone too.
    pub orders: BTreeMap<Lineage, Vec<Ordered>>,
    /// What its players sent to other rooms, in order, and when by the room's time.
    pub sent: Vec<(Wire, u64)>,
    /// What other rooms sent, by them and by their history, in order.
    pub wired: BTreeMap<(String, Lineage), Vec<Wired>>,
    received: i64,
    told_ms: u64,
}

impl Oracle {
    /// Before the first frame.
    pub fn new(policy: u8, own: bool, catch_up_ticks: u32) -> Self {
        Self {
            policy,
            own,
            catch_up_ticks: u64::from(catch_up_ticks),
            v: 0,
            hash: Hash::default(),
            writer: Writer::default(),
            epoch: 0,
            tick: 0,
            time_ms: 0,
            lineage: Lineage::default(),
            start_ms: 0,
            cut_ms: 0,
            players: BTreeMap::new(),
            next_player: 0,
            devices: BTreeMap::new(),
            next_device: 0,
            here: BTreeSet::new(),
            balances: BTreeMap::new(),
            rolls: BTreeMap::new(),
            due: None,
            fired: 0,
            order: 0,
            cursed: None,
            halted: false,
            later: false,
            migrated: false,
            coins: 0,
            orders: BTreeMap::new(),
            sent: Vec::new(),
            wired: BTreeMap::new(),
            received: 0,
            told_ms: 0,
        }
    }

    /// The version of the rules before.
    fn first_version(&self) -> u32 {
        u32::from(self.policy) + 1 + if self.own { u32::from(OWN) } else { 0 }
    }

    /// The device with this owner.
    pub fn device(&self, owner: &Owner) -> Option<(u32, &Device)> {
        let found = self
            .devices
            .iter()
            .find(|(_, device)| device.owner == *owner);
        found.map(|(number, device)| (*number, device))
    }

    /// Whether a number was given out and its device is gone.
    pub fn was_evicted(&self, number: u32) -> bool {
        number < self.next_device && !self.devices.contains_key(&number)
    }

    /// Whether a user has all the devices that the room takes, and if `now_ms` is given, whether none of
    /// them may be forgotten by then.
    pub fn has_no_place(&self, user: &str, now_ms: Option<u64>) -> bool {
        let own = |device: &&Device| device.owner.0 == user;
        let only_own = self.devices.values().filter(own).count() >= limits::MAX_USER_DEVICES;
        let silent = |device: &Device| {
            let until_ms = device.seen_ms + limits::RESEND_GRACE_MS;
            !device.open && now_ms.is_some_and(|now_ms| until_ms < now_ms)
        };
        let mut all = self
            .devices
            .values()
            .filter(|device| !only_own || own(device));
        (only_own || self.devices.len() >= limits::MAX_DEVICES) && !all.any(silent)
    }

    /// Whether time stands still.
    pub fn is_paused(&self) -> bool {
        self.policy == PAUSE && self.here.is_empty()
    }

    /// The time that the room has lived up to.
    pub fn lived_ms(&self) -> u64 {
        self.start_ms + self.cut_ms + self.tick * u64::from(TICK_MS)
    }

    /// Whether the newest frame left the room behind its time, as a long catch-up does: what is asked for
    /// waits until it is done.
    pub fn lags(&self) -> bool {
        let reached_ms = self.lived_ms() + u64::from(TICK_MS);
        self.policy != STILL && !self.halted && !self.is_paused() && reached_ms <= self.time_ms
    }

    /// Takes in the next frame.
    pub fn enter(&mut self, frame: &Frame, bytes: &[u8], witness: &Witness<'_>) -> Checked {
        let (ledger, lossy) = (witness.ledger, witness.lossy);
        self.envelope(frame, bytes)?;
        let from = self.tick;
        // A change of rules ends it.
        let mut before = frame.entries.iter().take_while(|entry| !is_switch(entry));
        hold(
            !self.halted || before.all(is_of_nobody),
            "L6: a halted room stands still",
            || format!("frame {}: {:?}", frame.v, frame.entries),
        )?;
        for entry in &frame.entries {
            self.entry(entry, frame, from, ledger, lossy)?;
        }
        self.advance(frame.tick);
        hold(
            self.tick == frame.tick,
            "S7: no tick is run while time stands still",
            || {
                format!(
                    "frame {} says tick {}, time stopped at {}",
                    frame.v, frame.tick, self.tick
                )
            },
        )?;
        self.time(frame, from, witness.tries.contains(&Hash::of(bytes)))?;
        hold(
            self.cursed.is_none_or(|at| self.tick < at) || self.policy == STILL,
            "S19: time that breaks the rules is in no frame",
            || format!("frame {}: tick {}", frame.v, frame.tick),
        )?;
        self.v = frame.v;
        self.hash = Hash::of(bytes);
        self.writer = frame.writer;
        self.epoch = frame.epoch;
        self.time_ms = frame.time_ms;
        Ok(())
    }

    fn envelope(&mut self, frame: &Frame, bytes: &[u8]) -> Checked {
        hold(
            frame.v == self.v + 1 && frame.previous == self.hash,
            "S1: one frame per version, its chain unbroken",
            || format!("frame {} after {}", frame.v, self.v),
        )?;
        if self.v == 0 {
            self.start_ms = frame.time_ms;
            self.writer = frame.writer;
            self.epoch = 1;
            self.lineage = Lineage(frame.nonce.0);
        }
        let epoch = self.epoch + u64::from(frame.writer != self.writer);
        hold(
            frame.epoch == epoch,
            "5: epochs never fall, and rise with each writer",
            || format!("frame {} has epoch {}, not {epoch}", frame.v, frame.epoch),
        )?;
        hold(
            frame.time_ms >= self.time_ms && frame.tick >= self.tick,
            "S8: time and ticks never go back",
            || {
                format!(
                    "frame {}: {} ms, tick {}",
                    frame.v, frame.time_ms, frame.tick
                )
            },
        )?;
        hold(
            bytes.len() <= limits::MAX_FRAME_BYTES + 256
                && frame.entries.len() <= limits::MAX_FRAME_ENTRIES,
            "S18: a frame within its limits",
            || format!("frame {}: {} bytes", frame.v, bytes.len()),
        )
    }

    fn entry(
        &mut self,
        entry: &Entry,
        frame: &Frame,
        from: u64,
        ledger: &Ledger,
        lossy: bool,
    ) -> Checked {
        match entry {
            Entry::Setup { version, .. } => {
                self.later = *version > self.first_version();
                hold(frame.v == 1, "S1: a room begins once", || {
                    format!("a setup in frame {}", frame.v)
                })
            }
            Entry::Switch { version, .. } => {
                let was = std::mem::replace(&mut self.later, true);
                self.migrated = true;
                self.halted = false;
                hold(
                    !was && *version == self.first_version() + LATER,
                    "B31: a room changes its rules once, to the next",
                    || format!("frame {}: to {version}", frame.v),
                )
            }
            Entry::Register { user, id, .. } => self.register(user, *id, frame),
            Entry::Evict { device } => self.evict(*device, frame),
            Entry::Join {
                device,
                session,
                at,
            } => self.present(*device, *session, from + u64::from(*at), frame, true),
            Entry::Beat {
                device,
                session,
                at,
            } => self.present(*device, *session, from + u64::from(*at), frame, false),
            Entry::Leave {
                device,
                session,
                at,
            } => self.leave(*device, *session, from + u64::from(*at), frame),
            Entry::Act { device, seq, body } => {
                self.advance(frame.tick);
                let own = self.first_version() + if self.later { LATER } else { 0 };
                self.act(*device, *seq, (own, body), frame, ledger)
            }
            Entry::Upcast {
                device,
                seq,
                version,
                body,
            } => {
                self.advance(frame.tick);
                self.act(*device, *seq, (*version, body), frame, ledger)
            }
            Entry::Reject {
                device,
                seq,
                code,
                body,
            } => {
                self.advance(frame.tick);
                self.reject(*device, *seq, *code, *body, frame, ledger)
            }
            Entry::Vouch { device, mark } => {
                self.advance(frame.tick);
                let known = self.device_of(*device, frame)?;
                let rises = *mark > known.mark;
                known.mark = *mark;
                known.vouched = *mark;
                known.vouched_v = frame.v;
                known.verdicts.clear();
                hold(
                    rises && lossy,
                    "S4: numbers are skipped only after a loss",
                    || format!("frame {}: device {device} vouches for {mark}", frame.v),
                )
            }
            Entry::Receive {
                sender,
                lineage,
                number,
                body,
            } => {
                self.advance(frame.tick);
                let posted = (sender.as_str(), *lineage, *number);
                if wires::is_room(sender) {
                    return self.credited(posted, body, frame, ledger);
                }
                self.ordered(posted, BodyHash::of(body), 0, frame, ledger)?;
                self.buy(body);
                Ok(())
            }
            Entry::Decline {
                sender,
                lineage,
                number,
                code,
                body,
            } => {
                self.advance(frame.tick);
                let posted = (sender.as_str(), *lineage, *number);
                match wires::is_room(sender) {
                    true => self.returned(posted, *body, *code, frame, ledger),
                    false => self.ordered(posted, *body, *code, frame, ledger),
                }
            }
            Entry::Cut { why, skip_ms } => self.cut(*why, *skip_ms, frame),
            Entry::Halt => {
                self.halted = true;
                let next = from + self.catch_up_ticks;
                hold(
                    self.cursed.is_some_and(|at| at <= next) && self.policy != STILL,
                    "L6: a room is halted only where its time breaks the rules",
                    || format!("frame {} at tick {from}: {:?}", frame.v, self.cursed),
                )
            }
            Entry::Reset { lost } => {
                let was = std::mem::replace(&mut self.lineage, Lineage(frame.nonce.0));
                hold(
                    was == *lost && lossy,
                    "S9: a reset only after a loss, of this history",
                    || format!("frame {}: {lost}, but the history was {was}", frame.v),
                )
            }
            _ => Ok(()),
        }
    }

    fn device_of(&mut self, number: u32, frame: &Frame) -> Result<&mut Device, super::Broken> {
        let device = self.devices.get_mut(&number).ok_or_else(|| super::Broken {
            check: "S4: only a registered device has entries",
            seen: format!("frame {}: device {number}", frame.v),
        })?;
        device.seen_ms = frame.time_ms;
        Ok(device)
    }

    fn act(
        &mut self,
        number: u32,
        seq: u64,
        (version, body): (u32, &[u8]),
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let device = self.next_of(number, seq, BodyHash::of(body), 0, frame)?;
        let (owner, player) = (device.owner.clone(), device.player);
        let is_it = |made: &Written| made.0 == version && made.1 == body;
        let made = ledger.bodies(&owner, seq).iter().any(is_it);
        hold(made, "S16: an action is what its device made", || {
            format!("frame {}: device {number}, {seq}", frame.v)
        })?;
        let judged = self.judge(player, version, body);
        hold(
            judged == 0,
            "S14: accepted only what the rules allow",
            || {
                format!(
                    "frame {}: device {number}, {seq} should be {judged}",
                    frame.v
                )
            },
        )?;
        self.apply(player, version, body, frame.time_ms);
        Ok(())
    }

    fn reject(
        &mut self,
        number: u32,
        seq: u64,
        code: u16,
        hash: BodyHash,
        frame: &Frame,
        ledger: &Ledger,
    ) -> Checked {
        let device = self.next_of(number, seq, hash, code, frame)?;
        let (owner, player) = (device.owner.clone(), device.player);
        let made = ledger.of_hash(&owner, seq, hash);
        let judged: Vec<u16> = made
            .map(|(version, body)| self.judge(player, *version, body))
            .collect();
        hold(
            judged.contains(&code),
            "S14: rejected as the rules say",
            || {
                format!(
                    "frame {}: device {number}, {seq}: {code}, should be {judged:?}",
                    frame.v
                )
            },
        )
    }

    fn next_of(
        &mut self,
        number: u32,
        seq: u64,
        hash: BodyHash,
        code: u16,
        frame: &Frame,
    ) -> Result<&Device, super::Broken> {
        let v = frame.v;
        let device = self.device_of(number, frame)?;
        let mark = device.mark;
        device.mark = seq;
        device.verdicts.push((v, seq, hash, code));
        hold(seq == mark + 1, "S4: a device's numbers are dense", || {
            format!("frame {v}: device {number}: {seq} after {mark}")
        })?;
        Ok(device)
    }
}
