//! A room: what its frames amount to. Decides what each entry does; [`Room::replay`] and the
//! [`Draft`] that writes a frame both go through [`Room::enter`], the one function that changes
//! state. Knows nothing of stores, hosts or leadership.

mod calls;
mod draft;
pub mod history;
mod look;
mod marks;
mod orders;
mod outbox;
mod presence;
mod replay;
mod senders;
mod snapshot;
mod switch;

use alloc::{collections::VecDeque, string::String, vec::Vec};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use draft::{Aim, Draft, Drafted, Fate, Sighting};
pub use marks::Standing as DeviceStanding;
pub(crate) use marks::{Device, Known};
use outbox::Kept;
pub(crate) use presence::Door;
pub use replay::ReplayError;
use senders::{Brought, Sender};
pub(crate) use snapshot::{SNAPSHOT_EXTRA_BYTES, foreign};
use switch::Adopted;

use crate::frame::{Entry, Frame};
use crate::id::{BodyHash, Hash, Lineage, Nonce, Writer};
use crate::kind::{Edition, Kind};
use crate::limits::{MAX_OUTBOX_SENDS, SEGMENT};
use crate::mutant::{self, Mutant};
use crate::random::{Random, Source};
use crate::rules::{By, Context, Fuel, Player, Reject, Send};
use crate::table::Table;

/// The state of a room at a version.
///
/// Its canonical bytes are its encoding without the hash of its newest frame (which covers them).
#[derive(Serialize, Deserialize)]
#[serde(bound(
    serialize = "",
    deserialize = "R::Config: DeserializeOwned, R::State: DeserializeOwned"
))]
pub struct Room<R: Kind> {
    #[serde(skip)]
    hash: Hash,
    /// Length of the canonical bytes when they were last made.
    #[serde(skip)]
    size: usize,
    v: u64,
    lineage: Lineage,
    writer: Writer,
    epoch: u64,
    tick: u64,
    time_ms: u64,
    /// Tick 0 happened at this time, counting only time that was not cut.
    base_ms: u64,
    /// The rules that ever replayed this room, in order of adoption.
    rules: Vec<Adopted>,
    config: R::Config,
    state: R::State,
    random: Random,
    next_player: u32,
    next_device: u32,
    players: Table<Player, Person>,
    devices: Table<u32, Device>,
    outbox: Table<String, VecDeque<Kept>>,
    given_up: u64,
    senders: Table<(String, Lineage), Sender>,
    /// The time of the frame that is being entered.
    #[serde(skip)]
    opened_ms: u64,
    /// The rules broke on the passing of time.
    halted: bool,
    /// Derived from the devices.
    #[serde(skip)]
    present: Vec<Player>,
    /// Filled by the rules during one call, emptied after it.
    #[serde(skip)]
    sends: Vec<Send>,
}

impl<R: Kind> Clone for Room<R> {
    fn clone(&self) -> Self {
        Self {
            hash: self.hash,
            size: self.size,
            v: self.v,
            lineage: self.lineage,
            writer: self.writer,
            epoch: self.epoch,
            tick: self.tick,
            time_ms: self.time_ms,
            base_ms: self.base_ms,
            rules: self.rules.clone(),
            config: self.config.clone(),
            state: self.state.clone(),
            random: self.random.clone(),
            next_player: self.next_player,
            next_device: self.next_device,
            players: self.players.clone(),
            devices: self.devices.clone(),
            outbox: self.outbox.clone(),
            given_up: self.given_up,
            senders: self.senders.clone(),
            opened_ms: self.opened_ms,
            halted: self.halted,
            present: self.present.clone(),
            sends: Vec::new(),
        }
    }
}

/// Who a player number is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The host's id of the user.
    pub user: String,
    /// The name that others see.
    pub name: String,
}

/// The part of a frame that entries need while they are entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    nonce: Nonce,
    from_tick: u64,
    time_ms: u64,
    index: u64,
}

impl<R: Kind> Room<R> {
    /// The room before the rest of its first frame: what `Setup` does.
    pub(crate) fn new(config: R::Config, writer: Writer, nonce: Nonce, time_ms: u64) -> Self {
        let mut random = Random::of_entry(nonce, 0);
        let mut sends = Vec::new();
        let state = R::setup(Context {
            config: &config,
            tick: 0,
            now_ms: time_ms,
            present: &[],
            random: Source::Stream(&mut random),
            sends: &mut sends,
            sends_left: MAX_OUTBOX_SENDS,
            fuel: Fuel::of(R::pace(&config).fuel),
        });
        let first = Adopted {
            edition: R::edition(&config),
            from_v: 1,
        };
        let mut room = Self {
            hash: Hash::default(),
            size: 0,
            v: 0,
            lineage: Lineage(nonce.0),
            writer,
            epoch: 1,
            tick: 0,
            time_ms,
            base_ms: time_ms,
            rules: alloc::vec![first],
            config,
            state,
            random,
            next_player: 0,
            next_device: 0,
            players: Table::default(),
            devices: Table::default(),
            outbox: Table::default(),
            given_up: 0,
            senders: Table::default(),
            opened_ms: time_ms,
            halted: false,
            present: Vec::new(),
            sends,
        };
        room.post();
        room
    }

    /// What every frame does before its entries.
    pub(crate) fn open(&mut self, v: u64, nonce: Nonce, time_ms: u64) -> Opened {
        if v.is_multiple_of(SEGMENT) {
            self.random.reseed(nonce);
        }
        self.opened_ms = time_ms;
        self.expire_sends(time_ms);
        Opened {
            nonce,
            from_tick: self.tick,
            time_ms,
            index: 0,
        }
    }

    /// Takes over what only the envelope says.
    pub(crate) fn settle(&mut self, frame: &Frame) {
        self.epoch = frame.epoch;
        self.writer = frame.writer;
        self.time_ms = frame.time_ms;
        self.v = frame.v;
    }

    /// The epoch of a next frame by `writer`: one more if leadership changes hands.
    pub(crate) fn epoch_of(&self, writer: Writer) -> u64 {
        if self.v == 0 || writer == self.writer || mutant::on(Mutant::EpochKept) {
            self.epoch
        } else {
            self.epoch + 1
        }
    }

    /// Does one entry. The only function that changes a room's state.
    pub(crate) fn enter(&mut self, entry: &Entry, opened: &Opened) -> Result<(), NotHere> {
        if self.halted
            && !matches!(
                entry,
                Entry::Cut { .. } | Entry::Reset { .. } | Entry::Switch { .. }
            )
        {
            return Err(NotHere);
        }
        match entry {
            Entry::Setup { .. } => Err(NotHere),
            Entry::Register {
                user,
                name,
                id,
                client,
            } => self.register(user, name, *id, *client, opened),
            Entry::Join {
                device,
                session,
                at,
            } => self.join(*device, *session, *at, opened),
            Entry::Beat {
                device,
                session,
                at,
            } => self.beat(*device, *session, *at, opened),
            Entry::Leave {
                device,
                session,
                at,
            } => self.leave(*device, *session, *at, opened),
            Entry::Act { device, seq, body } => {
                self.act(*device, *seq, self.edition().version, body, opened)
            }
            Entry::Upcast {
                device,
                seq,
                version,
                body,
            } if *version < self.edition().version => {
                self.act(*device, *seq, *version, body, opened)
            }
            Entry::Upcast { .. } => Err(NotHere),
            Entry::Reject {
                device,
                seq,
                code,
                body,
            } => self
                .device_at(*device, opened)?
                .reject(*seq, Reject(*code), *body),
            Entry::Acknowledge {
                target,
                lineage,
                upto,
                read_ms,
            } if *read_ms <= opened.time_ms => self.acknowledge(target, *lineage, *upto, *read_ms),
            Entry::Acknowledge { .. } => Err(NotHere),
            Entry::Cut { skip_ms, .. } => {
                self.base_ms = self.base_ms.checked_add(*skip_ms).ok_or(NotHere)?;
                Ok(())
            }
            Entry::Reset { lost } => {
                if *lost != self.lineage {
                    return Err(NotHere);
                }
                self.lineage = Lineage(opened.nonce.0);
                Ok(())
            }
            Entry::Vouch { device, mark } => self.device_at(*device, opened)?.vouch(*mark),
            Entry::Evict { device } => self.evict(*device),
            Entry::Receive {
                sender,
                lineage,
                number,
                body,
            } => {
                let version = self.edition().version;
                let action = R::read_action(&self.config, version, body).map_err(|_| NotHere)?;
                let brought = Brought {
                    number: *number,
                    body: BodyHash::of(body),
                    rejected: None,
                };
                self.heed(sender, *lineage, brought, opened)?;
                let random = Source::entry(opened.nonce, opened.index);
                self.apply(By::Server, action, random);
                Ok(())
            }
            Entry::Decline {
                sender,
                lineage,
                number,
                code,
                body,
            } => match code {
                0 => Err(NotHere),
                _ => {
                    let brought = Brought {
                        number: *number,
                        body: *body,
                        rejected: Some(Reject(*code)),
                    };
                    self.heed(sender, *lineage, brought, opened)
                }
            },
            Entry::Switch {
                rules,
                version,
                open,
            } => {
                let to = Edition {
                    rules: *rules,
                    version: *version,
                };
                self.switch(to, *open, opened)
            }
            Entry::Halt => {
                self.halted = true;
                Ok(())
            }
            Entry::Due => {
                let action = self.due(self.now_ms()).ok_or(NotHere)?;
                let random = Source::entry(opened.nonce, opened.index);
                self.apply(By::Server, action, random);
                Ok(())
            }
        }
    }

    /// An action that a device wrote by the rules of `version`.
    fn act(
        &mut self,
        device: u32,
        seq: u64,
        version: u32,
        body: &[u8],
        opened: &Opened,
    ) -> Result<(), NotHere> {
        let by = self.device_at(device, opened)?.accept(seq, body)?;
        let action = R::read_action(&self.config, version, body).map_err(|_| NotHere)?;
        let random = Source::entry(opened.nonce, opened.index);
        self.apply(By::Player(by), action, random);
        Ok(())
    }

    fn device_at(&mut self, number: u32, opened: &Opened) -> Result<&mut Device, NotHere> {
        let device = self.devices.get_mut(&number).ok_or(NotHere)?;
        device.seen_ms = opened.time_ms;
        Ok(device)
    }
}

/// An entry that makes no sense where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotHere;
