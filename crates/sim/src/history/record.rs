//! The recorder: turns requests, outcomes and frames into the lines of a history. Whoever simulates calls it when a request
//! is sent, when its answer arrives or never will, when the store loses frames, and at the end with the log. Decides which
//! refusals are certain; must not know how anything was carried.

use std::collections::BTreeMap;

use baton::effect::Outcome;
use baton::frame::{self, Frame};
use baton::wire::{self, Hail};
use baton::{BodyHash, Hash, Head};

use super::{
    Answer, At, Body, End, Entry, Framed, Hailed, Hex, Invoke, Line, Loss, News, Presence, Standing,
};

/// Writes a history down while it happens.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    lines: Vec<Line>,
    ops: u64,
    /// By room: how many frames of its log are written down.
    written: BTreeMap<String, u64>,
}

impl Recorder {
    /// A request leaves its client, or the network delivers a copy of it. Returns the operation's number.
    /// What cannot be read is none, and nobody is told anything by it.
    pub fn sent(&mut self, process: &str, room: &str, request: &[u8], time_ms: u64) -> Option<u64> {
        let request = wire::read_request(request).ok()?;
        self.ops += 1;
        self.lines.push(Line::Invoke(Invoke {
            op: self.ops,
            time_ms,
            process: process.into(),
            room: room.into(),
            cursor: at(request.cursor),
            frames: request.frames,
            device: request.device.as_ref().map(hailed),
        }));
        Some(self.ops)
    }

    /// The answer arrived at its client.
    pub fn answered(&mut self, op: u64, outcome: &Outcome, time_ms: u64) {
        let reply = (outcome.status == 200)
            .then(|| wire::read_reply(&outcome.body))
            .flatten();
        let line = match reply {
            Some(reply) => Line::Ok(answer(op, &reply, time_ms)),
            None => {
                let code = code(&outcome.body);
                let end = End {
                    op,
                    time_ms,
                    code: code.clone(),
                };
                match code {
                    Some(code) if certain(&code) => Line::Fail(end),
                    _ => Line::Info(end),
                }
            }
        };
        self.lines.push(line);
    }

    /// No answer will arrive.
    pub fn unanswered(&mut self, op: u64, time_ms: u64) {
        let code = None;
        self.lines.push(Line::Info(End { op, time_ms, code }));
    }

    /// The store took the next frame of a room in.
    pub fn appended(&mut self, room: &str, bytes: &[u8]) {
        let written = self.written.entry(room.into()).or_default();
        *written += 1;
        if let Ok(frame) = Frame::decode(bytes) {
            let framed = framed(room, &frame, Hash::of(bytes));
            self.lines.push(Line::Frame(framed));
        }
    }

    /// The store is about to lose all frames after version `kept`; `log` is what it has, of which what was written
    /// down before is left out.
    pub fn loses<'a>(
        &mut self,
        room: &str,
        log: impl Iterator<Item = &'a [u8]>,
        kept: u64,
        time_ms: u64,
    ) {
        self.log(room, log);
        self.written.insert(room.into(), kept);
        self.lines.push(Line::Loss(Loss {
            room: room.into(),
            time_ms,
            kept,
        }));
    }

    /// The log of a room, from the first frame on. What was written down before is left out.
    pub fn log<'a>(&mut self, room: &str, log: impl Iterator<Item = &'a [u8]>) {
        let written = self.written.get(room).copied().unwrap_or_default();
        let skip = usize::try_from(written).unwrap_or(usize::MAX);
        for bytes in log.skip(skip) {
            self.appended(room, bytes);
        }
    }

    /// What was written down so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The same, once nothing more will happen.
    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }
}

/// Whether a refusal says for certain that the request changed nothing. Of a code that is not known here nothing is certain.
fn certain(code: &str) -> bool {
    let names = baton::Code::ALL.into_iter().map(baton::Code::name);
    let uncertain = baton::Code::Retry.name();
    names
        .into_iter()
        .any(|name| name == code && name != uncertain)
}

fn code(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get("code")?.as_str()?.to_owned())
}

fn at(head: Head) -> At {
    At(head.v, Hex::of(&head.hash.0))
}

fn hailed(hail: &Hail) -> Hailed {
    let action = |sent: &wire::Sent| (sent.seq, body(BodyHash::of(&sent.body)));
    Hailed {
        id: Hex::of(&hail.id.0),
        number: hail.number,
        answered: hail.answered,
        kept_from: hail.kept_from,
        presence: match hail.presence {
            wire::Presence::Unsaid => Presence::Unsaid,
            wire::Presence::Here => Presence::Here,
            wire::Presence::Leaving => Presence::Leaving,
        },
        actions: hail.actions.iter().map(action).collect(),
    }
}

fn answer(op: u64, reply: &wire::Reply, time_ms: u64) -> Answer {
    let news = match &reply.news {
        wire::News::Frames(frames) => News::Frames(
            frames
                .iter()
                .map(|bytes| {
                    let v = Frame::decode(bytes).map_or(0, |frame| frame.v);
                    At(v, Hex::of(&Hash::of(bytes).0))
                })
                .collect(),
        ),
        wire::News::Snapshot(room) => News::Snapshot(snapshot(room)),
        wire::News::Reset(room) => News::Reset(snapshot(room)),
    };
    let standing = reply.device.as_ref().map(|standing| Standing {
        number: standing.number,
        mark: standing.mark,
        verdicts: standing.verdicts.clone(),
    });
    Answer {
        op,
        time_ms,
        lineage: Hex::of(&reply.lineage.0),
        head: at(reply.head),
        news,
        device: standing,
    }
}

/// The hash of the frame that a snapshot is of: after the byte of its format. Zeros for the empty room.
fn snapshot(room: &[u8]) -> Hex {
    Hex::of(room.get(1..9).unwrap_or_default())
}

fn body(hash: BodyHash) -> Body {
    Body::of(&hash.0)
}

fn framed(room: &str, frame: &Frame, hash: Hash) -> Framed {
    Framed {
        room: room.into(),
        at: At(frame.v, Hex::of(&hash.0)),
        previous: Hex::of(&frame.previous.0),
        writer: Hex::of(&frame.writer.0),
        epoch: frame.epoch,
        nonce: Hex::of(&frame.nonce.0),
        entries: frame.entries.iter().filter_map(entry).collect(),
    }
}

fn entry(entry: &frame::Entry) -> Option<Entry> {
    Some(match entry {
        frame::Entry::Act {
            device,
            seq,
            body: bytes,
        } => Entry::Act(*device, *seq, 0, body(BodyHash::of(bytes))),
        frame::Entry::Reject {
            device,
            seq,
            code,
            body: hash,
        } => Entry::Act(*device, *seq, *code, body(*hash)),
        frame::Entry::Vouch { device, mark } => Entry::Vouch(*device, *mark),
        frame::Entry::Evict { device } => Entry::Evict(*device),
        frame::Entry::Reset { lost } => Entry::Reset(Hex::of(&lost.0)),
        _ => return None,
    })
}
