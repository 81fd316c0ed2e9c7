//! A history sorted by rooms: operations from their sending to their end, and each room's log. Decides what is no history at
//! all; must not know what a history must keep.

use std::collections::BTreeMap;

use super::log::Log;
use super::{Answer, Invoke, Line, Unreadable};

/// All that happened in one room.
#[derive(Clone, Debug, Default)]
pub struct RoomStory<'a> {
    /// In the order of sending.
    pub ops: Vec<Op<'a>>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The log, in all its eras.
    pub log: Log,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Op<'a> {
    /// The line of its sending, from 0.
    pub begun: usize,
    /// What was asked.
    pub invoke: &'a Invoke,
    /// The line of its end, and what it says.
    pub end: Option<(usize, &'a Line)>,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The operation of this index is sent.
    Invoke(usize),
    /// It ends.
    End(usize),
    /// The store loses frames.
    Loss,
}

impl<'a> Op<'a> {
    /// The reply and its line.
    pub fn answer(&self) -> Option<(usize, &'a Answer)> {
        match self.end {
            Some((line, Line::Ok(answer))) => Some((line, answer)),
            _ => None,
        }
    }

    /// The line that says that it was certainly not done.
    pub fn failed(&self) -> Option<usize> {
        match self.end {
            Some((line, Line::Fail(_))) => Some(line),
            _ => None,
        }
    }
}

/// Sorts a history by rooms. Fails if an operation begins or ends twice, or ends without a beginning.
pub fn sort(lines: &[Line]) -> Result<BTreeMap<&str, RoomStory<'_>>, Unreadable> {
    let mut rooms: BTreeMap<&str, RoomStory<'_>> = BTreeMap::new();
    let mut ops: BTreeMap<u64, (&str, usize)> = BTreeMap::new();
    for (line, said) in lines.iter().enumerate() {
        let unreadable = |why: String| Unreadable {
            line: line + 1,
            why,
        };
        match said {
            Line::Invoke(invoke) => {
                let room = rooms.entry(&invoke.room).or_default();
                let index = room.ops.len();
                room.ops.push(Op {
                    begun: line,
                    invoke,
                    end: None,
                });
                room.events.push(Event::Invoke(index));
                if ops.insert(invoke.op, (&invoke.room, index)).is_some() {
                    return Err(unreadable(format!("operation {} begins twice", invoke.op)));
                }
            }
            Line::Ok(Answer { op, .. })
            | Line::Fail(super::End { op, .. })
            | Line::Info(super::End { op, .. }) => {
                let begun = ops.get(op).copied();
                let found = begun.and_then(|(room, index)| Some((rooms.get_mut(room)?, index)));
                let Some((room, index)) = found else {
                    return Err(unreadable(format!("operation {op} ends and never began")));
                };
                if room.ops[index].end.is_some() {
                    return Err(unreadable(format!("operation {op} ends twice")));
                }
                room.ops[index].end = Some((line, said));
                room.events.push(Event::End(index));
            }
            Line::Frame(framed) => rooms
                .entry(&framed.room)
                .or_default()
                .log
                .enter(line, framed),
            Line::Loss(loss) => {
                let room = rooms.entry(&loss.room).or_default();
                room.log.lose(line, loss.kept);
                room.events.push(Event::Loss);
            }
        }
    }
    Ok(rooms)
}
