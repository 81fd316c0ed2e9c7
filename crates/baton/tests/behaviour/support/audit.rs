//! What a log must be, whoever wrote it: checked frame by frame, apart from the library where that
//! is possible, and by a replay from the first frame.

use std::collections::BTreeMap;

use baton::frame::{Entry, Frame};
use baton::{Hash, Kind, Room};

/// What a log holds.
pub struct Audit<R: Kind> {
    /// The room, replayed from the first frame.
    pub room: Room<R>,
    pub frames: Vec<Frame>,
    /// Device number, sequence, body of every accepted action, in order.
    pub accepted: Vec<(u32, u64, Vec<u8>)>,
    /// Device number, sequence, code.
    pub rejected: Vec<(u32, u64, u16)>,
    /// Milliseconds that were cut.
    pub cut_ms: u64,
    pub resets: usize,
    pub vouches: usize,
}

/// Replays a log and checks invariants 1, 3, 4, 5 and 6 of the design on it.
pub fn audit<'a, R: Kind>(log: impl Iterator<Item = &'a [u8]>) -> Audit<R> {
    let mut rooms: Option<Room<R>> = None;
    let mut ledger = Ledger::default();
    let mut frames = Vec::new();
    for bytes in log {
        let frame = Frame::decode(bytes).expect("the log holds frames");
        ledger.enter(&frame, bytes);
        match &mut rooms {
            Some(room) => {
                room.replay(bytes).expect("every frame replays");
            }
            None => rooms = Some(Room::genesis(bytes).expect("the first frame replays")),
        }
        let room = rooms.as_ref().expect("set above");
        assert_eq!(
            room.state_hash(),
            frame.state,
            "what was hashed is what is there"
        );
        ledger.tell_time(&frame, tick_ms(room));
        frames.push(frame);
    }
    Audit {
        room: rooms.expect("the room has begun"),
        frames,
        accepted: ledger.accepted,
        rejected: ledger.rejected,
        cut_ms: ledger.cut_ms,
        resets: ledger.resets,
        vouches: ledger.vouches,
    }
}

fn tick_ms<R: Kind>(room: &Room<R>) -> u64 {
    u64::from(R::pace(room.config()).tick_ms)
}

#[derive(Default)]
struct Ledger {
    previous: Option<Frame>,
    hash: Hash,
    start_ms: u64,
    cut_ms: u64,
    marks: BTreeMap<u32, u64>,
    accepted: Vec<(u32, u64, Vec<u8>)>,
    rejected: Vec<(u32, u64, u16)>,
    resets: usize,
    vouches: usize,
}

impl Ledger {
    fn enter(&mut self, frame: &Frame, bytes: &[u8]) {
        assert_eq!(frame.previous, self.hash, "the chain is unbroken");
        match &self.previous {
            None => {
                assert_eq!((frame.v, frame.epoch, frame.tick), (1, 1, 0));
                assert!(matches!(frame.entries[0], Entry::Setup { .. }));
                self.start_ms = frame.time_ms;
            }
            Some(before) => {
                assert_eq!(frame.v, before.v + 1, "versions are dense");
                assert!(frame.tick >= before.tick && frame.time_ms >= before.time_ms);
                let same = frame.writer == before.writer;
                let epoch = before.epoch + u64::from(!same);
                assert_eq!(frame.epoch, epoch, "one writer per epoch, rising by one");
            }
        }
        for entry in &frame.entries {
            self.note(entry);
        }
        self.hash = Hash::of(bytes);
        self.previous = Some(frame.clone());
    }

    fn note(&mut self, entry: &Entry) {
        match entry {
            Entry::Act { device, seq, body }
            | Entry::Upcast {
                device, seq, body, ..
            } => {
                self.advance(*device, *seq);
                self.accepted.push((*device, *seq, body.to_vec()));
            }
            Entry::Reject {
                device, seq, code, ..
            } => {
                self.advance(*device, *seq);
                self.rejected.push((*device, *seq, *code));
            }
            Entry::Vouch { device, mark } => {
                self.marks.insert(*device, *mark);
                self.vouches += 1;
            }
            Entry::Cut { skip_ms, .. } => self.cut_ms += skip_ms,
            Entry::Reset { .. } => self.resets += 1,
            _ => {}
        }
    }

    fn advance(&mut self, device: u32, seq: u64) {
        let mark = self.marks.entry(device).or_default();
        assert_eq!(seq, *mark + 1, "numbers of a device are dense");
        *mark = seq;
    }

    /// Ticks match the time that passed and was not cut. A room that catches up may be behind,
    /// never ahead.
    fn tell_time(&self, frame: &Frame, tick_ms: u64) {
        let Some(possible) = self.ticks_possible(frame, tick_ms) else {
            assert_eq!(frame.tick, 0, "rules without ticks have none");
            return;
        };
        assert!(frame.tick <= possible, "ticks that never had their time");
    }

    fn ticks_possible(&self, frame: &Frame, tick_ms: u64) -> Option<u64> {
        let lived_ms = frame.time_ms - self.start_ms - self.cut_ms;
        lived_ms.checked_div(tick_ms)
    }
}

impl<R: Kind> Audit<R> {
    /// Ticks that are due at the newest frame and were not run: 0 unless the room catches up.
    pub fn ticks_behind(&self) -> u64 {
        let last = self.frames.last().expect("the room has begun");
        let lived_ms = last.time_ms - self.frames[0].time_ms - self.cut_ms;
        lived_ms / tick_ms(&self.room) - last.tick
    }

    /// The bodies of accepted actions of a device, in order.
    pub fn bodies(&self, device: u32) -> Vec<Vec<u8>> {
        let own = self.accepted.iter().filter(|(by, ..)| *by == device);
        own.map(|(_, _, body)| body.clone()).collect()
    }
}
