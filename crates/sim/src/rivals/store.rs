//! What two hosts share: who leads, and what was written. Each call is atomic.
//!
//! Decides what a call does and answers. Knows nothing of why it is made. It keeps every write that was taken, which a
//! real store of the first two plans would not: that is how a double write is seen.

/// Who leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holder {
    /// A host that died before the trace begins.
    Dead,
    /// The host with this number.
    Host(u8),
}

/// The record, lock or lease of whoever leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Leader {
    /// Whose it is.
    pub holder: Holder,
    /// It was renewed within the timeout.
    pub fresh: bool,
}

/// A write that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Write {
    /// Of the state that it wrote.
    pub version: u8,
    /// The host.
    pub by: u8,
}

/// What a host asks of the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// Reads who leads.
    ReadLeader,
    /// Writes itself down as leader, whoever was.
    SetLeader,
    /// Removes the lock, whosever it is.
    DeleteLock,
    /// Sets the lock if there is none.
    SetLockIfAbsent,
    /// Says that the leader lives.
    Renew,
    /// Reads the state.
    Load,
    /// Writes the state of this version over whatever is there.
    Write(u8),
    /// Reads the state and who leads, at once.
    Read,
    /// Writes the state of this version if the last one is the version before; this also leads.
    Append(u8),
}

/// What the store answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// To a read of who leads.
    Leader(Option<Leader>),
    /// To a load.
    Version(u8),
    /// To a read of both.
    Room(u8, Option<Leader>),
    /// To a call that cannot be refused.
    Done,
    /// To a condition that held.
    Taken,
    /// To one that did not: nothing changed.
    Refused,
}

/// All keys of one room.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Store {
    /// Who leads, if anybody.
    pub leader: Option<Leader>,
    /// What was written, in order. The last one is the state.
    pub writes: Vec<Write>,
}

impl Store {
    /// The version of the state; 0 before the first write.
    pub fn version(&self) -> u8 {
        self.writes.last().map_or(0, |write| write.version)
    }

    /// Performs a call of the host with number `by`.
    pub fn perform(&mut self, by: u8, call: Call) -> Answer {
        match call {
            Call::ReadLeader => Answer::Leader(self.leader),
            Call::SetLeader => {
                self.leads(by);
                Answer::Done
            }
            Call::DeleteLock => {
                self.leader = None;
                Answer::Done
            }
            Call::SetLockIfAbsent if self.leader.is_some() => Answer::Refused,
            Call::SetLockIfAbsent => {
                self.leads(by);
                Answer::Taken
            }
            Call::Renew => {
                if let Some(leader) = &mut self.leader {
                    leader.fresh = true;
                }
                Answer::Done
            }
            Call::Load => Answer::Version(self.version()),
            Call::Write(version) => {
                self.writes.push(Write { version, by });
                Answer::Done
            }
            Call::Read => Answer::Room(self.version(), self.leader),
            Call::Append(version) if self.version() + 1 != version => Answer::Refused,
            Call::Append(version) => {
                self.writes.push(Write { version, by });
                self.leads(by);
                Answer::Taken
            }
        }
    }

    fn leads(&mut self, by: u8) {
        self.leader = Some(Leader {
            holder: Holder::Host(by),
            fresh: true,
        });
    }
}
