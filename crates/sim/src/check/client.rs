//! What a client shows and is told: one history or a reset, each answer as the log has it, and a
//! prediction that is the synced state with what is pending on top. Seen after whatever came in.

use std::collections::BTreeMap;

use baton::{BodyHash, Head, Note};

use super::book::{Book, Tree, descends};
use super::ledger::{Owner, Written};
use super::oracle::bank::{after, judge, read};
use super::reply::RING;
use super::{Checked, hold};
use crate::later::Game;
use crate::page::{Edition, Page};
use crate::rules::BankAction;

/// What a client was told, to be held against what it is told later.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The newest confirmed frame.
    pub head: Head,
    /// The frame that the last reply spoke of, if the page cannot replay so far: its answers are of that one.
    pub beyond: Option<Head>,
    /// Answers by device and number.
    pub answers: BTreeMap<(Owner, u64), Answered>,
}

/// What a client was told of an action.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// The verdict, if it could still be told.
    pub code: Option<u16>,
    /// The frame whose state said it.
    pub by: Head,
    /// When, by the run's time.
    pub at_ms: u64,
}

/// Checks what came of something that was taken in. `own`: the body that this device made under a
/// number; `losses`: how often the store has lost writes; `switched`: whether the room was ever on the
/// later rules; `now_ms`: the run's time. Returns how many answers there were.
pub fn took<'o, R: Game>(
    told: &mut Told,
    owner: &Owner,
    replica: &Page<R>,
    notes: &[Note],
    books: (&Book<R>, &Tree),
    own: impl Fn(u64) -> Option<&'o Written>,
    (losses, switched, now_ms): (u64, bool, u64),
) -> Result<u64, super::Broken> {
    let (book, tree) = books;
    let head = replica.head();
    let reset = notes.contains(&Note::Reset);
    hold(
        !notes.contains(&Note::Desync),
        "S6: a replica comes to the writer's state",
        || format!("desync at version {:?}", replica.desync_v()),
    )?;
    hold(
        !notes.contains(&Note::Reload) || switched && replica.edition() == Edition::Old,
        "S20: only a page of the rules before is told to load the later ones, once a room has them",
        || format!("at version {}", head.v),
    )?;
    let trimmed = told.head.v + RING <= head.v;
    hold(
        head == told.head || reset || trimmed || descends(tree, head, told.head),
        "S10: another history only after a reset",
        || format!("{} after {}", head.v, told.head.v),
    )?;
    // What a page that cannot replay so far is told of is not its head. A loss that others had renames the history.
    let named = |head: &Head| tree.get(&head.hash).map(|leaf| leaf.lineage);
    let goes_on = told.beyond.is_none()
        && named(&head) == named(&told.head)
        && descends(tree, head, told.head);
    hold(
        !reset || losses > 0 && !goes_on,
        "S9: a reset only after a loss, to who has lost frames",
        || format!("{} after {}", head.v, told.head.v),
    )?;
    told.head = head;
    let beyond = told.beyond.take();
    let said = beyond.unwrap_or(head);
    // The books may be further than what it was told: it may have given way since, and have come back. A page that cannot
    // replay so far has no number to look for.
    let known = book.oracle.device(owner);
    let gone = match known {
        Some((_, device)) => device.since_v > said.v,
        None => beyond.is_some() && said.v < book.head().v,
    };
    let mut answers = 0;
    for note in notes {
        let Note::Answer { seq, code } = note else {
            continue;
        };
        answers += 1;
        let key = (owner.clone(), *seq);
        // Another verdict needs another history: neither of the frames that say them is in the other's past.
        // Counting losses would not do: what was pushed before one may be heard after it.
        let answered = Answered {
            code: *code,
            by: said,
            at_ms: now_ms,
        };
        if let Some(Answered {
            code: before,
            by: then,
            ..
        }) = told.answers.insert(key, answered)
            && before.is_some()
            && code.is_some()
        {
            hold(
                before == *code || !(descends(tree, said, then) || descends(tree, then, said)),
                "S14: the same verdict on every retry",
                || format!("{seq}: {code:?} after {before:?}"),
            )?;
        }
        // A device that was evicted since the frame that said it has no verdicts any more.
        let standing = replica.standing(&owner.0, owner.1);
        let evicted = standing.is_some_and(|(number, _)| book.oracle.was_evicted(number));
        if book.has(said) && !evicted && !gone {
            answer(owner, *seq, *code, book, own(*seq))?;
        }
    }
    Ok(answers)
}

/// An answer is the log's, to this body.
fn answer<R: Game>(
    owner: &Owner,
    seq: u64,
    code: Option<u16>,
    book: &Book<R>,
    own: Option<&Written>,
) -> Checked {
    let device = book.oracle.device(owner).map(|(_, device)| device);
    let verdict = device.and_then(|device| device.verdicts.iter().find(|(_, at, ..)| *at == seq));
    let Some((_, _, hash, logged)) = verdict else {
        // Below a number that was vouched for.
        let below = device.is_some_and(|device| seq <= device.mark);
        return hold(below, "S13: an answer only to what is in the log", || {
            format!("{seq}: {code:?}")
        });
    };
    let own = own.is_some_and(|(_, body)| BodyHash::of(body) == *hash);
    let Some(code) = code else { return Ok(()) };
    hold(
        own && code == *logged,
        "S13: an answer is the log's",
        || format!("{seq}: {code}, the log has {logged}, to this body: {own}"),
    )
}

/// The prediction of balances is what is synced with the pending actions on top, in their order.
/// `pending`: bodies by number, as the device made them.
pub fn predicts<R: Game>(page: &Page<R>, pending: &[Written]) -> Checked {
    let (Some((synced, _)), Some((predicted, later)), Some(player)) =
        (page.synced(), page.predicted(), page.player())
    else {
        return Ok(());
    };
    let mut has = synced.of(player);
    for (version, body) in pending {
        let Ok(action) = read(R::VERSION, later, *version, body) else {
            continue;
        };
        if judge(&action, has, false, later) == 0 {
            has = match action {
                BankAction::Give(to, _) if to == player => has,
                action => after(&action, has),
            };
        }
    }
    let shown = predicted.of(player);
    hold(
        shown == has,
        "S11: what is shown is what is synced and pending",
        || format!("{shown}, should be {has}, {} pending", pending.len()),
    )?;
    let least = predicted.balances.values().min().copied().unwrap_or(0);
    hold(least >= 0, "B24: nobody is shown below zero", || {
        format!("{least}")
    })
}
