//! Sends to other rooms, numbered per target, kept until the target's log was seen to hold them.

use alloc::{collections::VecDeque, format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{NotHere, Room};
use crate::rules::{Rules, Target};

/// What is on its way to one room.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// Highest number acknowledged by the target's log.
    acknowledged: u64,
    /// Numbered from `acknowledged` + 1.
    pending: VecDeque<ByteBuf>,
}

impl<R: Rules> Room<R> {
    /// Takes what the rules sent during the last call.
    pub(super) fn post(&mut self) {
        for send in self.sends.drain(..) {
            let target = match send.target {
                Target::Room(target) => target,
                Target::Of(player, kind) => match self.players.get(&player) {
                    Some(person) => format!("{kind}/{}", person.user),
                    // Not a player of this room.
                    None => continue,
                },
            };
            let outgoing = self.outbox.entry(target);
            outgoing.pending.push_back(ByteBuf::from(send.body));
        }
    }

    pub(super) fn acknowledge(&mut self, target: &str, upto: u64) -> Result<(), NotHere> {
        let outgoing = self.outbox.get_mut(&String::from(target)).ok_or(NotHere)?;
        let count = upto
            .checked_sub(outgoing.acknowledged)
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| (1..=outgoing.pending.len()).contains(count))
            .ok_or(NotHere)?;
        outgoing.pending.drain(..count);
        outgoing.acknowledged = upto;
        Ok(())
    }

    /// What is on its way: target, number, encoded action.
    pub fn sends(&self) -> Vec<(&String, u64, &[u8])> {
        let mut sends = Vec::new();
        for (target, outgoing) in self.outbox.iter() {
            for (number, body) in (outgoing.acknowledged + 1..).zip(&outgoing.pending) {
                sends.push((target, number, body.as_slice()));
            }
        }
        sends
    }
}
