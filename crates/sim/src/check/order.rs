//! In which order a frame holds what devices did: what waited in the inbox first, in the order of its
//! receipt, then what the leader was asked itself. Seen where the store appends, which knows both.

use std::collections::{BTreeMap, BTreeSet};

use baton::Identity;
use baton::effect::{Append, Item};
use baton::frame::{Entry, Frame};
use baton::wire::Hail;
use serde::Deserialize;

use super::{Checked, hold};

/// What an item of the inbox is, as far as it holds actions.
#[derive(Deserialize)]
enum Pushed {
    Hail { who: Identity, hail: Hail },
}

/// Checks a frame that was appended. `inbox` is what waited then; `number`: a device's.
pub fn receipt(
    append: &Append,
    inbox: &[Item],
    number: impl Fn(&Identity, &Hail) -> Option<u32>,
) -> Checked {
    // Something of it was taken out by a frame that the store has lost since: where it stood cannot be told any more.
    let waits = |id: &u64| inbox.iter().any(|item| item.id == *id);
    if !append.framed.iter().all(waits) {
        return Ok(());
    }
    let mut items: BTreeMap<(u32, u64), BTreeSet<u64>> = BTreeMap::new();
    for item in inbox.iter().filter(|item| append.framed.contains(&item.id)) {
        let Ok((Pushed::Hail { who, hail }, _)) = postcard::take_from_bytes(&item.bytes) else {
            continue;
        };
        // What was said under an older number does not count.
        let Some(device) = number(&who, &hail).filter(|number| hail.number == Some(*number)) else {
            continue;
        };
        for sent in &hail.actions {
            items.entry((device, sent.seq)).or_default().insert(item.id);
        }
    }
    let Ok(frame) = Frame::decode(&append.frame) else {
        return Ok(());
    };
    let (mut last, mut begun) = (0, BTreeSet::new());
    for entry in &frame.entries {
        let (Entry::Act { device, seq, .. } | Entry::Reject { device, seq, .. }) = entry else {
            continue;
        };
        // The later ones of a device may have waited for the one before, which came elsewhere.
        let first = begun.insert(*device);
        let waited = items.get(&(*device, *seq));
        let next = waited.map_or(Some(u64::MAX), |ids| ids.range(last..).next().copied());
        hold(
            next.is_some() || !first,
            "3: actions in the order of their receipt, the inbox first",
            || format!("frame {}: device {device}, {seq}", frame.v),
        )?;
        last = next.unwrap_or(last);
    }
    Ok(())
}
