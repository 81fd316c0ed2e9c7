//! Whether the store, the inbox and the room agree with the model's.

use baton::effect::Read;
use baton::frame::{Entry, Frame};
use baton::wire::Hail;
use baton::{Identity, Room};
use serde_json::Value;

use super::diary::Diary;
use super::words::{expect, shown, text, texts};
use super::{BEFORE, ROOM, World, Wrong};

impl World {
    pub(super) fn actions(&self, frame: &Frame) -> Vec<String> {
        let acts = frame.entries.iter().filter_map(|entry| match entry {
            Entry::Act { device, seq, .. } => Some((*device, *seq)),
            _ => None,
        });
        acts.map(|(number, seq)| {
            let device = self.devices.iter().position(|(_, _, own)| *own == number);
            shown(device.unwrap_or(9), seq, false)
        })
        .collect()
    }

    /// The actions of an item of the inbox.
    pub(super) fn item(&self, bytes: &[u8]) -> Vec<String> {
        let (_, who, hail): (u8, Identity, Hail) = postcard::from_bytes(bytes).expect("an item");
        let device = self.devices.iter().position(|(own, ..)| *own == who);
        let actions = hail.actions.iter().map(|sent| {
            let floor = hail.kept_from > 1 && hail.kept_from == sent.seq;
            shown(device.unwrap_or(9), sent.seq, floor)
        });
        actions.collect()
    }

    /// The store as the model sees it.
    pub(super) fn compare(&mut self, after: &Value) -> Result<(), Wrong> {
        let model = after["log"].as_array().ok_or("no log")?;
        let frames = self.frames();
        let own = frames.get(BEFORE as usize..).ok_or("too few frames")?;
        expect("frames", own.len(), model.len())?;
        for (frame, model) in own.iter().zip(model) {
            expect(
                "entries",
                self.actions(frame),
                unvouched(&model["entries"])?,
            )?;
        }
        let history = model.last().map_or(Ok("0"), |last| text(last, "is"))?;
        let head = self.store.log(ROOM).head();
        expect("head", Some(&head), self.heads.get(history))?;
        let mut inbox: Vec<String> = self
            .look(&Read::default())
            .inbox
            .iter()
            .flat_map(|item| self.item(&item.bytes))
            .collect();
        let mut model_inbox = texts(&after["inbox"])?;
        inbox.sort();
        model_inbox.sort_unstable();
        expect(
            "inbox",
            inbox.iter().map(String::as_str).collect(),
            model_inbox,
        )?;
        self.compare_room(after)
    }

    /// A replay of the log from its first frame: marks, and what the rules saw.
    pub(super) fn compare_room(&mut self, after: &Value) -> Result<(), Wrong> {
        let mut frames = self.store.log(ROOM).frames();
        let first = frames.next().ok_or("no frames")?;
        let mut room = Room::<Diary>::genesis(first).map_err(|why| format!("{why:?}"))?;
        for bytes in frames {
            room.replay(bytes).map_err(|why| format!("{why:?}"))?;
        }
        let marks = after["marks"].as_array().ok_or("no marks")?;
        for ((who, id, _), mark) in self.devices.iter().zip(marks) {
            let standing = room.standing(&who.user, *id).ok_or("not registered")?;
            expect("mark", Some(standing.mark()), mark.as_u64())?;
        }
        Ok(())
    }
}

pub(super) fn unvouched(entries: &Value) -> Result<Vec<String>, Wrong> {
    let each = texts(entries)?.into_iter();
    Ok(each
        .map(|entry| entry.trim_end_matches('!').to_string())
        .collect())
}
