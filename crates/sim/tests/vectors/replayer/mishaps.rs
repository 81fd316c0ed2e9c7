//! What befalls the store: a late append, a snapshot, a roll-back.

use baton::effect::{Append, Read};
use baton::frame::Frame;
use baton::wire::{Presence, write};
use serde_bytes::ByteBuf;
use serde_json::Value;

use super::words::{action, expect, hail, number, sent, text, texts};
use super::{HAILS, ROOM, World, Wrong};

impl World {
    pub(super) fn late_append(&mut self, line: &Value) -> Result<(), Wrong> {
        let history = text(line, "frame")?;
        let append = self
            .late
            .get_mut(history)
            .and_then(Vec::pop)
            .ok_or("no late append")?;
        let frame = Frame::decode(&append.frame).map_err(|why| format!("{why:?}"))?;
        let taken = self.store.log(ROOM).append(&append, frame.time_ms);
        expect("taken", Some(taken), line["taken"].as_bool())
    }

    pub(super) fn snapshot(&mut self) -> Result<(), Wrong> {
        let found = self.look(&Read::default());
        found.snapshot.map(|_| ()).ok_or("no snapshot".into())
    }

    pub(super) fn roll_back(&mut self, line: &Value) -> Result<(), Wrong> {
        let head = self.store.log(ROOM).head().v;
        self.store
            .log(ROOM)
            .roll_back(head - number(line, "frames")?);
        if text(line, "inbox")? != "Kept" {
            self.empty_inbox();
            for name in texts(&line["after"]["inbox"])? {
                let (device, sequence, floor) = action(name)?;
                let (who, id, own) = &self.devices[device];
                let mut hail = hail(*id, Some(*own), Presence::Unsaid);
                hail.kept_from = if floor { sequence } else { 1 };
                hail.actions.push(sent(sequence));
                let item = ByteBuf::from(write(&(HAILS, who, hail)));
                let now_ms = self.store.clock_ms();
                self.store.log(ROOM).push(&[item], now_ms);
            }
        }
        Ok(())
    }

    /// A frame that takes all items, and is gone again.
    pub(super) fn empty_inbox(&mut self) {
        let found = self.look(&Read::default());
        let log = self.store.log(ROOM);
        log.append_unchecked(&Append {
            v: found.head.v + 1,
            previous: found.head.hash,
            hash: found.head.hash,
            frame: ByteBuf::new(),
            published: ByteBuf::new(),
            lease_ms: 0,
            framed: found.inbox.iter().map(|item| item.id).collect(),
            snapshot: None,
            note: None,
        });
        log.roll_back(found.head.v);
    }
}
