//! The three plans, as what a host asks for next. Decides nothing else; sees only what the store answers.
//!
//! The rivals get the better of every doubt: their record and its heartbeat are one key, a takeover loads the state
//! after it leads, and a look never sets the record back.

use super::store::{Answer, Call, Holder, Leader};

/// How the hosts of a room agree on who runs its game.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Plan {
    /// Reads a stale record, sets itself leader, loads, writes, and looks at the record now and then.
    CheckNowAndThen {
        /// Writes between two looks; 0 looks before each write.
        writes_between: u8,
    },
    /// The same, but a stale lock is deleted and then set if absent.
    DeleteThenSet {
        /// Writes between two looks.
        writes_between: u8,
    },
    /// Ours: the write names the version that it follows. There is no lock.
    Append,
}

/// What a host remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Host {
    /// What it asks next.
    pub next: Call,
    /// It believes that it leads.
    pub leads: bool,
    /// Of the state that it has.
    pub version: u8,
    /// Writes since it looked.
    pub unlooked: u8,
    /// Its clock is ahead by more than the timeout: the record of any other host looks stale to it.
    pub ahead: bool,
    /// Ghost: another host took over, and it has neither taken over since nor learned of it.
    pub deposed: bool,
}

impl Host {
    /// Whether the record looks to this host as if its holder were dead.
    pub fn is_stale(&self, me: u8, leader: Option<Leader>) -> bool {
        leader
            .is_none_or(|leader| !leader.fresh || (self.ahead && leader.holder != Holder::Host(me)))
    }
}

impl Plan {
    /// What a host asks first.
    pub fn first(self) -> Call {
        match self {
            Self::CheckNowAndThen { .. } | Self::DeleteThenSet { .. } => Call::ReadLeader,
            Self::Append => Call::Read,
        }
    }

    /// What a leader asks that has just written.
    pub fn onward(self, host: &Host) -> Call {
        match self {
            Self::CheckNowAndThen { writes_between } | Self::DeleteThenSet { writes_between }
                if host.unlooked >= writes_between =>
            {
                Call::ReadLeader
            }
            Self::CheckNowAndThen { .. } | Self::DeleteThenSet { .. } => {
                Call::Write(host.version + 1)
            }
            Self::Append => Call::Append(host.version + 1),
        }
    }

    /// What the answer to `host.next` makes of the host with number `me`.
    pub fn hear(self, host: &mut Host, me: u8, answer: Answer) {
        host.next = match (host.next, answer) {
            (Call::ReadLeader, Answer::Leader(leader)) if host.leads => {
                host.leads = leader.is_some_and(|leader| leader.holder == Holder::Host(me));
                if host.leads {
                    Call::Renew
                } else {
                    Call::ReadLeader
                }
            }
            (Call::ReadLeader, Answer::Leader(leader)) if host.is_stale(me, leader) => {
                self.take_over(leader)
            }
            (Call::Renew, _) => {
                host.unlooked = 0;
                Call::Write(host.version + 1)
            }
            (Call::DeleteLock, _) => Call::SetLockIfAbsent,
            (Call::SetLeader, _) | (Call::SetLockIfAbsent, Answer::Taken) => Call::Load,
            (Call::Load, Answer::Version(version)) => {
                host.leads = true;
                host.version = version;
                host.unlooked = 0;
                self.onward(host)
            }
            (Call::Write(version), _) => {
                host.version = version;
                host.unlooked += 1;
                self.onward(host)
            }
            (Call::Read, Answer::Room(version, leader)) => {
                host.version = version;
                host.leads = leader.is_some_and(|leader| leader.holder == Holder::Host(me));
                if host.leads || host.is_stale(me, leader) {
                    Call::Append(version + 1)
                } else {
                    Call::Read
                }
            }
            (Call::Append(version), Answer::Taken) => {
                host.leads = true;
                host.version = version;
                Call::Append(version + 1)
            }
            _ => {
                host.leads = false;
                self.first()
            }
        };
    }

    fn take_over(self, leader: Option<Leader>) -> Call {
        match self {
            Self::DeleteThenSet { .. } if leader.is_none() => Call::SetLockIfAbsent,
            Self::DeleteThenSet { .. } => Call::DeleteLock,
            _ => Call::SetLeader,
        }
    }
}
