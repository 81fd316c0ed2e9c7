//! A replica as one page has it: of the rules before, of the later ones, or of both. Decides nothing.

use baton::{
    ActError, Code, DeviceId, Era, Hash, Head, Note, Player, Replica, Room, Rules, Status, wire,
};

use crate::later::{Banked, Both, Game, Later, LaterAction};
use crate::rules::{BankAction, BankState};

/// The rules that a page was loaded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// Those before.
    Old,
    /// Both.
    Both,
    /// The later ones.
    New,
}

/// A page's replica.
pub enum Page<R: Game> {
    /// Of the rules before.
    Old(Replica<R>),
    /// Of both.
    Both(Replica<Both<R>>),
    /// Of the later ones.
    New(Replica<Later<R>>),
}

/// An action as it was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The device's number.
    pub seq: u64,
    /// The version of the rules that it was written by.
    pub version: u32,
    /// What it is encoded as.
    pub body: Vec<u8>,
}

macro_rules! with {
    ($page:expr, $replica:ident => $work:expr) => {
        match $page {
            Page::Old($replica) => $work,
            Page::Both($replica) => $work,
            Page::New($replica) => $work,
        }
    };
}

/// The same of whatever replica it is.
macro_rules! each {
    ($($(#[$doc:meta])* $name:ident(&self $(, $argument:ident: $of:ty)*) $(-> $to:ty)?;)*) => {
        $($(#[$doc])* pub fn $name(&self $(, $argument: $of)*) $(-> $to)? {
            with!(self, replica => replica.$name($($argument),*))
        })*
    };
    ($($(#[$doc:meta])* $name:ident(&mut self $(, $argument:ident: $of:ty)*) $(-> $to:ty)?;)*) => {
        $($(#[$doc])* pub fn $name(&mut self $(, $argument: $of)*) $(-> $to)? {
            with!(self, replica => replica.$name($($argument),*))
        })*
    };
}

impl<R: Game> Page<R> {
    each! {
        /// [`Replica::save`]
        save(&self) -> Vec<u8>;
        /// [`Replica::save_room`]
        save_room(&self) -> Option<Vec<u8>>;
        /// [`Replica::player`]
        player(&self) -> Option<Player>;
        /// [`Replica::pending`]
        pending(&self) -> usize;
        /// [`Replica::device`]
        device(&self) -> DeviceId;
        /// [`Replica::head`]
        head(&self) -> Head;
        /// [`Replica::status`]
        status(&self, now_ms: u64) -> Status;
        /// [`Replica::ask_at`]
        ask_at(&self, live: bool, now_ms: u64) -> u64;
        /// [`Replica::rules`]
        rules(&self) -> u32;
    }
    each! {
        /// [`Replica::request`]
        request(&mut self, live: bool, now_ms: u64) -> Vec<u8>;
        /// [`Replica::leave`]
        leave(&mut self, now_ms: u64) -> Vec<u8>;
        /// [`Replica::receive`]
        receive(&mut self, bytes: &[u8], sent_ms: u64, now_ms: u64) -> bool;
        /// [`Replica::refused`]
        refused(&mut self, code: Option<Code>, expected: Option<u64>, now_ms: u64);
        /// [`Replica::frame`]
        frame(&mut self, bytes: &[u8], now_ms: u64);
        /// [`Replica::notes`]
        notes(&mut self) -> Vec<Note>;
        /// [`Replica::renew`]
        renew(&mut self, id: DeviceId, now_ms: u64) -> usize;
        /// [`Replica::warm_up`]
        warm_up(&mut self, snapshot: &[u8], now_ms: u64) -> bool;
    }

    /// [`Replica::new`]
    pub fn new(edition: Edition, user: &str, id: DeviceId) -> Self {
        match edition {
            Edition::Old => Self::Old(Replica::new(user, id, 1)),
            Edition::Both => Self::Both(Replica::new(user, id, 1)),
            Edition::New => Self::New(Replica::new(user, id, 1)),
        }
    }

    /// [`Replica::resume`]
    pub fn resume(edition: Edition, user: &str, saved: &[u8]) -> Option<Self> {
        Some(match edition {
            Edition::Old => Self::Old(Replica::resume(user, saved, 1)?),
            Edition::Both => Self::Both(Replica::resume(user, saved, 1)?),
            Edition::New => Self::New(Replica::resume(user, saved, 1)?),
        })
    }

    /// Does an action as the page's rules write it; a page of both writes it as the room's.
    ///
    /// # Errors
    /// [`Replica::act`]
    pub fn act(&mut self, what: &BankAction, now_ms: u64) -> Result<Made, ActError> {
        let later = || LaterAction {
            what: what.clone(),
            upcast: false,
        };
        let is_later = self.predicted().is_none_or(|(_, later)| later);
        let (seq, version, body) = match self {
            Self::Old(replica) => (replica.act(what, now_ms)?, R::VERSION, wire::write(what)),
            Self::Both(replica) if !is_later => {
                let seq = replica.act(&Era::Old(what.clone()), now_ms)?;
                (seq, R::VERSION, wire::write(what))
            }
            Self::Both(replica) => {
                let seq = replica.act(&Era::New(later()), now_ms)?;
                (seq, Later::<R>::VERSION, wire::write(&later()))
            }
            Self::New(replica) => {
                let seq = replica.act(&later(), now_ms)?;
                (seq, Later::<R>::VERSION, wire::write(&later()))
            }
        };
        Ok(Made { seq, version, body })
    }

    /// The bytes of an order, as the page's rules write it, and its body. `None`: it is no part of the room.
    pub fn order(&self, what: &BankAction, number: u64) -> Option<(Vec<u8>, Vec<u8>)> {
        let later = || LaterAction {
            what: what.clone(),
            upcast: false,
        };
        let is_later = self.predicted().is_none_or(|(_, later)| later);
        Some(match self {
            Self::Old(replica) => (replica.order(what, number)?, wire::write(what)),
            Self::Both(replica) if !is_later => {
                let bytes = replica.order(&Era::Old(what.clone()), number)?;
                (bytes, wire::write(what))
            }
            Self::Both(replica) => {
                let bytes = replica.order(&Era::New(later()), number)?;
                (bytes, wire::write(&later()))
            }
            Self::New(replica) => (replica.order(&later(), number)?, wire::write(&later())),
        })
    }

    /// The rules that it was loaded with.
    pub fn edition(&self) -> Edition {
        match self {
            Self::Old(_) => Edition::Old,
            Self::Both(_) => Edition::Both,
            Self::New(_) => Edition::New,
        }
    }

    /// A device's number and mark as the synced room has them.
    pub fn standing(&self, user: &str, id: DeviceId) -> Option<(u32, u64)> {
        with!(self, replica => {
            let standing = replica.synced()?.standing(user, id)?;
            Some((standing.number, standing.mark()))
        })
    }

    /// Of the synced room.
    pub fn state_hash(&self) -> Option<Hash> {
        with!(self, replica => replica.synced().map(Room::state_hash))
    }

    /// The synced bank, and whether it is of the later rules.
    pub fn synced(&self) -> Option<(&BankState, bool)> {
        with!(self, replica => replica.synced().map(|room| room.state().bank()))
    }

    /// The predicted bank, and whether it is of the later rules.
    pub fn predicted(&self) -> Option<(&BankState, bool)> {
        with!(self, replica => replica.predicted().map(|room| room.state().bank()))
    }

    /// The version at which it came to another state than the writer.
    pub fn desync_v(&self) -> Option<u64> {
        with!(self, replica => replica.desync().map(|desync| desync.v))
    }
}
