//! A store that can only create a key if it is absent, as Devvit's: the library's keys in memory, by way of its slots. Decides
//! what of its calls is counted.

use baton::Nonce;
use baton::effect::{Effect, Fed, Moment};
use baton::slots::{Answer, Call, Keys, Slots, Step};

use crate::host::{ROOM, START_MS, Store, Work};

/// Segments whose frames are kept.
const KEPT_SEGMENTS: u64 = 16;
/// Longer than the key of a lease lives, whose end is told in whole seconds.
pub(crate) const PAUSE_MS: u64 = 1_500;

/// A store that can only create a key if it is absent, and all that is remembered of it.
pub(crate) struct KeyStore {
    keys: Keys,
    slots: Slots,
}

impl KeyStore {
    pub(crate) fn new() -> Self {
        Self {
            keys: Keys::new(START_MS),
            slots: Slots::new(KEPT_SEGMENTS),
        }
    }
}

impl Store for KeyStore {
    fn perform(&mut self, effect: &Effect, mut moment: Moment, work: &mut Work) -> Fed {
        let begun = self.slots.begin(ROOM, effect, moment);
        let (mut errand, mut step) = begun.expect("an effect of a store");
        loop {
            let calls = match step {
                Step::Done(fed) => {
                    if let Fed::Read(found) | Fed::Appended(_, found) = &fed {
                        work.frames += found.frames.len() as u64;
                    }
                    return fed;
                }
                Step::Perform(calls) => calls,
            };
            let mut answers = Vec::new();
            for call in &calls {
                let answer = self.keys.perform(call);
                work.calls += 1;
                work.bytes += written(call) + told(&answer);
                answers.push(answer);
            }
            moment.nonce = Nonce((u64::from_le_bytes(moment.nonce.0) ^ work.calls).to_le_bytes());
            step = errand.resume(&mut self.slots, answers, moment);
        }
    }

    fn set_clock(&mut self, now_ms: u64) {
        self.keys.set_clock(now_ms);
    }

    fn forget(&mut self) {
        self.slots.forget();
    }
}

fn written(call: &Call) -> u64 {
    match call {
        Call::Set { value, .. } | Call::FieldSet { value, .. } => value.len() as u64,
        _ => 0,
    }
}

fn told(answer: &Answer) -> u64 {
    let bytes: usize = match answer {
        Answer::Text(text) => text.len(),
        Answer::Texts(texts) => texts.iter().flatten().map(String::len).sum(),
        Answer::Hash(fields) => fields.iter().map(|(_, text)| text.len()).sum(),
        _ => 0,
    };
    bytes as u64
}
