//! What an instance answers: only what is committed, as fresh as its reads, and the device's own
//! standing as the log has it. Seen where the reply leaves the instance.

use baton::wire::{News, Reply};
use baton::{BodyHash, Code, Hash, Head, Lineage, limits};

use super::book::{Book, Leaf, Tree, descends};
use super::ledger::{Ledger, Owner};
use super::{Checked, hold};
use crate::later::Game;

/// How many frames every kind of store has at hand (keys: 256, others more); of older ones nobody can
/// tell whether they were lost.
pub const RING: u64 = 256;

/// Before a snapshot's canonical bytes; after them is a hash.
const HEADER_BYTES: usize = 38;

/// What an answered request had asked, and what the store held when it was taken up.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request's cursor.
    pub cursor: Head,
    /// Whether it wanted frames.
    pub frames: bool,
    /// The rules that its page has.
    pub rules: u32,
    /// Whether instances may lack the rules of a room.
    pub mixed: bool,
    /// The device that asked, and the highest number whose verdict it knew.
    pub device: Option<(Owner, u64)>,
    /// The number that it says the room gave it.
    pub number: Option<u32>,
    /// The store's version when the invocation began.
    pub began_v: u64,
    /// How often the store had lost writes by then.
    pub began_losses: u64,
    /// Different cursors of the requests that its invocation answers.
    pub cursors: usize,
}

impl Asked {
    /// What somebody asks who has nothing yet and is no device of the room's.
    pub fn of_nobody(frames: bool, rules: u32, mixed: bool) -> Self {
        Self {
            cursor: Head::default(),
            frames,
            rules,
            mixed,
            device: None,
            number: None,
            began_v: 0,
            began_losses: 0,
            cursors: 1,
        }
    }
}

/// Checks a reply against the books. `losses`: how often the store has lost writes by now.
pub fn reply<R: Game>(
    reply: &Reply,
    asked: &Asked,
    book: &Book<R>,
    tree: &Tree,
    losses: u64,
) -> Checked {
    let head = reply.head;
    let leaf = tree.get(&head.hash).filter(|leaf| leaf.v == head.v);
    hold(
        head.v == 0 || leaf.is_some(),
        "2: a reply shows committed frames only",
        || format!("version {}", head.v),
    )?;
    let calm = losses == asked.began_losses;
    hold(
        !calm || head.v >= asked.began_v,
        "S15: a reply is as fresh as its request",
        || format!("version {} when {} was there before", head.v, asked.began_v),
    )?;
    let lineage = leaf.map(|leaf| leaf.lineage).unwrap_or_default();
    // Who lacks the room's rules cannot read it.
    let foreign = asked.mixed && reply.lineage == Lineage::default();
    hold(
        foreign || reply.lineage == lineage,
        "S9: the lineage is its head's",
        || format!("{} at version {}, not {lineage}", reply.lineage, head.v),
    )?;
    news(reply, asked, book.head().v, tree, losses)?;
    if let Some((owner, answered)) = &asked.device
        && book.has(head)
    {
        standing(reply, owner, *answered, book)?;
    }
    Ok(())
}

/// `newest`: the store's version by now.
fn news(reply: &Reply, asked: &Asked, newest: u64, tree: &Tree, losses: u64) -> Checked {
    let (head, cursor) = (reply.head, asked.cursor);
    match &reply.news {
        News::Frames(frames) => {
            let mut at = cursor;
            for bytes in frames {
                let hash = Hash::of(bytes);
                let follows = tree
                    .get(&hash)
                    .is_some_and(|leaf| leaf.previous == at.hash && leaf.v == at.v + 1);
                hold(
                    follows,
                    "2: a reply's frames are committed, and follow its cursor",
                    || format!("after {} of {}", at.v, cursor.v),
                )?;
                at = Head { v: at.v + 1, hash };
            }
            // Who has later rules only waits until the room has them.
            let silent = frames.is_empty() && (!asked.frames || reply.rules < asked.rules);
            hold(
                silent || at == head,
                "J3: a reply's frames reach its head",
                || format!("from {} to {}, head {}", cursor.v, at.v, head.v),
            )
        }
        News::Snapshot(bytes) => {
            snapshot(bytes, head, asked, tree)?;
            // What a slow instance answers may be older than what it looked the cursor up in.
            let trimmed = cursor.v + RING <= head.v.max(newest);
            hold(
                trimmed || descends(tree, head, cursor),
                "S10: another history only as a reset",
                || format!("a snapshot of {} for {}", head.v, cursor.v),
            )
        }
        News::Reset(bytes) => {
            hold(losses > 0, "S9: a reset only after a loss", || {
                format!("at version {}", head.v)
            })?;
            hold(
                !descends(tree, head, cursor),
                "S9: a reset only for who has lost frames",
                || format!("at version {} for {}", head.v, cursor.v),
            )?;
            match head.v {
                0 => Ok(()),
                _ => snapshot(bytes, head, asked, tree),
            }
        }
    }
}

/// A snapshot is its head's state, byte for byte: checked by the hash in the log. Who lacks the room's rules
/// hands on what the store has, of an earlier frame (seed 1795807966000628).
fn snapshot(bytes: &[u8], head: Head, asked: &Asked, tree: &Tree) -> Checked {
    let of = |(hash, leaf): (&Hash, &Leaf)| {
        let (hash, v) = (*hash, leaf.v);
        (bytes.get(1..17) == Some(&hash.0[..])).then_some(Head { v, hash })
    };
    let found = tree.iter().find_map(of);
    let earlier = found.filter(|at| asked.mixed && descends(tree, head, *at));
    let head = earlier.unwrap_or(head);
    let canonical = bytes
        .get(HEADER_BYTES..bytes.len().saturating_sub(16))
        .unwrap_or_default();
    let state = tree.get(&head.hash).map(|leaf| leaf.state);
    hold(
        bytes.get(1..17) == Some(&head.hash.0[..]) && Some(Hash::of(canonical)) == state,
        "S6: a snapshot equals the replay",
        || format!("at version {}", head.v),
    )
}

fn standing<R: Game>(reply: &Reply, owner: &Owner, answered: u64, book: &Book<R>) -> Checked {
    let v = reply.head.v;
    let known = book.oracle.device(owner);
    let Some(standing) = &reply.device else {
        return Ok(());
    };
    let Some((number, device)) = known else {
        // It may have given way since.
        return hold(
            book.oracle.was_evicted(standing.number),
            "S14: who is not registered is told no number",
            || format!("at version {v}: {standing:?}"),
        );
    };
    // The books may be further than the reply by now: its device may have given way since, and have come
    // back under another number.
    if device.since_v > v {
        return hold(
            book.oracle.was_evicted(standing.number),
            "S14: a device is told the number that the log gave it",
            || {
                format!(
                    "at version {v}: {standing:?}, since {} {number}",
                    device.since_v
                )
            },
        );
    }
    // It has vouched since, and the books have nothing of before (seed 1796300000001215).
    if device.vouched_v > v {
        return Ok(());
    }
    let until = device.verdicts.iter().filter(|(at, ..)| *at <= v);
    let verdicts: Vec<(u64, BodyHash, u16)> = until
        .map(|(_, seq, body, code)| (*seq, *body, *code))
        .collect();
    let told = standing.verdicts.len();
    let expected: Vec<u16> = verdicts
        .iter()
        .filter(|(seq, ..)| *seq > answered)
        .map(|(.., code)| *code)
        .collect();
    let last = &expected[expected.len().saturating_sub(told)..];
    hold(
        told == expected.len().min(limits::WINDOW),
        "B7: a device is told every verdict that is remembered",
        || {
            let all = expected.len();
            format!("at version {v}: {told} of {all} after {answered}")
        },
    )?;
    hold(
        standing.number == number
            && verdicts
                .last()
                .is_none_or(|(seq, ..)| *seq == standing.mark)
            && last == standing.verdicts,
        "S14: a device is told its mark and verdicts as the log has them",
        || format!("at version {v}: {standing:?}, should end in {expected:?}"),
    )
}

/// Who is told to give up loses what waits: only where the log, or a copy of the device, says so.
pub fn gives_up<R: Game>(
    code: Option<Code>,
    asked: &Asked,
    book: &Book<R>,
    ledger: &Ledger,
    losses: u64,
) -> Checked {
    let Some((owner, _)) = &asked.device else {
        return Ok(());
    };
    let calm = losses == asked.began_losses;
    let caused = match code {
        Some(Code::Evicted) => {
            let gone = |number| book.oracle.was_evicted(number);
            !calm || asked.number.is_some_and(gone)
        }
        Some(Code::Conflict) => ledger.is_doubled(owner),
        // It may have come back under another number since.
        Some(Code::Unregistered) => {
            let known = book.oracle.device(owner);
            let same = known.filter(|(number, _)| asked.number == Some(*number));
            !calm || same.is_none_or(|(_, device)| device.since_v > asked.began_v)
        }
        _ => true,
    };
    hold(
        caused,
        "S14: who is told to give up has lost its place, or is a copy",
        || format!("{code:?} to {owner:?}, number {:?}", asked.number),
    )
}

/// Whether an honest client may be refused so. `damaged`: snapshots were.
pub fn refusal(code: Option<Code>, trouble: bool, honest: bool, damaged: bool) -> Checked {
    let fits = match code {
        Some(Code::Corrupt) => trouble && damaged,
        Some(Code::Rules) => trouble,
        Some(Code::Malformed | Code::TooLarge | Code::Protocol | Code::Unauthorized) => !honest,
        Some(Code::Forbidden | Code::NotFound) => !honest,
        _ => trouble || !honest,
    };
    hold(fits, "9: a refusal has a cause", || format!("{code:?}"))
}
