//! What a line says, and what it says as requests.

use baton::effect::{Arrival, Call};
use baton::limits::PROTOCOL;
use baton::wire::{Hail, Presence, Request, Sent, write};
use baton::{DeviceId, Head, Identity, Rules};
use serde_bytes::ByteBuf;
use serde_json::Value;

use super::Wrong;
use super::diary::Diary;

pub(super) fn text<'a>(line: &'a Value, key: &str) -> Result<&'a str, Wrong> {
    line[key].as_str().ok_or(format!("no text {key}"))
}

pub(super) fn number(line: &Value, key: &str) -> Result<u64, Wrong> {
    line[key].as_u64().ok_or(format!("no number {key}"))
}

pub(super) fn texts(line: &Value) -> Result<Vec<&str>, Wrong> {
    let list = line.as_array().ok_or("no list")?;
    list.iter()
        .map(|item| item.as_str().ok_or("no text".into()))
        .collect()
}

pub(super) fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    model: T,
) -> Result<(), Wrong> {
    if found == model {
        return Ok(());
    }
    Err(format!(
        "{what}: the handler {found:?}, the model {model:?}"
    ))
}

/// `p2!`: device 0, sequence 2, and nothing is kept below it.
pub(super) fn action(of: &str) -> Result<(usize, u64, bool), Wrong> {
    let device = usize::from(of.starts_with('q'));
    let sequence = of[1..].trim_end_matches('!').parse();
    let sequence = sequence.map_err(|_| format!("no action: {of}"))?;
    Ok((device, sequence, of.ends_with('!')))
}

pub(super) fn shown(device: usize, sequence: u64, floor: bool) -> String {
    let name = if device == 0 { 'p' } else { 'q' };
    format!("{name}{sequence}{}", if floor { "!" } else { "" })
}

pub(super) fn sent(sequence: u64) -> Sent {
    // The same number is always the same action.
    Sent {
        seq: sequence,
        version: Diary::VERSION,
        body: ByteBuf::from(vec![sequence as u8]),
    }
}

pub(super) fn hail(id: DeviceId, number: Option<u32>, presence: Presence) -> Hail {
    Hail {
        id,
        number,
        session: 1,
        client: 0,
        presence,
        answered: 0,
        kept_from: 1,
        actions: Vec::new(),
    }
}

pub(super) fn play(who: &Identity, cursor: Head, hail: Hail) -> Arrival {
    let request = Request {
        protocol: PROTOCOL,
        cursor,
        rules: Diary::VERSION,
        frames: true,
        device: Some(hail),
    };
    Arrival {
        who: Some(who.clone()),
        call: Call::Play(ByteBuf::from(write(&request))),
    }
}
