//! Old cursors of clients: whether they are in the past of what the store has now.

use super::invocation::{Invocation, Phase};
use super::reply;
use crate::effect::{Effect, Fed, Moment, NEWEST, Read};
use crate::error::Code;
use crate::id::Head;
use crate::kind::Kind;
use crate::limits::MAX_OLD_CURSORS;
use crate::mutant::{self, Mutant};

impl<R: Kind> Invocation<R> {
    /// Whoever gets a snapshot in place of frames must be told if theirs are not in its past: only
    /// the store can tell, if they are older than what is at hand here.
    pub(super) fn check(&mut self) -> Option<Effect> {
        let known = |cursor: &Head| self.checked.iter().any(|(head, _)| head == cursor);
        let old = self
            .asked
            .iter()
            .filter_map(|asked| reply::unchecked(asked, &self.warm));
        let cursor = old.into_iter().find(|cursor| !known(cursor))?;
        if self.checked.len() < MAX_OLD_CURSORS {
            self.phase = Phase::Checking(cursor);
            return Some(Effect::Read(Read {
                known: cursor,
                since: NEWEST,
                block: None,
            }));
        }
        for asked in &mut self.asked {
            let cursor = reply::unchecked(asked, &self.warm);
            if cursor.is_some_and(|cursor| self.checked.iter().all(|(head, _)| *head != cursor)) {
                asked.refuse(Code::Retry);
            }
        }
        None
    }

    pub(super) fn checked(&mut self, cursor: Head, fed: Fed, moment: &Moment) -> Effect {
        // If the store lost what we read before, what we have is of that past, and no news.
        let anyhow = mutant::on(Mutant::CursorOfElsewhere);
        let there = match &fed {
            Fed::Read(found) if anyhow || found.holds(self.warm.head()) => {
                let known = found.known.map(|hash| hash == cursor.hash);
                Some(known.unwrap_or(found.trimmed))
            }
            _ => None,
        };
        match there {
            Some(there) => self.checked.push((cursor, there)),
            None => {
                for asked in &mut self.asked {
                    if reply::unchecked(asked, &self.warm) == Some(cursor) {
                        asked.refuse(Code::Retry);
                    }
                }
            }
        }
        self.reply(moment)
    }
}
