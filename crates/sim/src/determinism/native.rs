//! The checks within one process: a room of the rules against another that should come to the same.
//!
//! Each pass has a thread of its own, so that what rules keep in a thread is new to each.
#![allow(
    clippy::disallowed_methods,
    reason = "a thread is what keeps the passes apart; nothing runs at the same time"
)]

use super::script::Script;
use super::{Check, Difference, Shown};
use baton::{Rules, Solo};

/// A rebase goes back so many steps.
const REBASE_STEPS: usize = 5;
/// What makes another seed of a seed.
const OTHER_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Runs the pass of `check` over all of `script`.
pub(super) fn pass<R: Rules>(check: Check, script: &Script) -> Result<(), Box<Difference>> {
    match check {
        Check::Rewound => on_a_thread(|| rewound::<R>(script)),
        Check::Twice => on_a_thread(|| twice::<R>(script)),
        Check::Snapshot => on_a_thread(|| snapshot::<R>(script)),
        Check::Refused => on_a_thread(|| refused::<R>(script)),
        Check::Beside => beside::<R>(script),
        Check::Wasm => Ok(()),
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(work);
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Every step from the same room twice.
fn twice<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut room = script.room::<R>();
    for place in 0..script.steps.len() {
        let mut again = room.clone();
        let _verdict = script.steps[place].perform(&mut room);
        let _verdict = script.steps[place].perform(&mut again);
        same(Check::Twice, script, place, &room, &again)?;
    }
    Ok(())
}

/// Every step also from what the state's encoding decodes to, as a cold instance does it.
fn snapshot<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut room = script.room::<R>();
    for place in 0..script.steps.len() {
        let mut cold = room.clone();
        let decoded = cold.reload();
        decoded.map_err(|error| {
            let text = format!("the encoded state does not decode: {error}");
            difference(Check::Snapshot, script, place, Shown::of(&room), text)
        })?;
        let _verdict = script.steps[place].perform(&mut room);
        let _verdict = script.steps[place].perform(&mut cold);
        same(Check::Snapshot, script, place, &room, &cold)?;
    }
    Ok(())
}

/// A refused action changes nothing.
fn refused<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut room = script.room::<R>();
    for place in 0..script.steps.len() {
        let before = room.clone();
        // A copy may share what the original changes behind a reference.
        let bytes = before.bytes();
        if script.steps[place].perform(&mut room).is_err() && room.bytes() != bytes {
            return same(Check::Refused, script, place, &before, &room);
        }
    }
    Ok(())
}

/// Every few steps the room goes back, as a replica does, and must come to where it was.
fn rewound<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut room = script.room::<R>();
    let mut places = 0..script.steps.len();
    while !places.is_empty() {
        let mut back = room.clone();
        let some: Vec<usize> = places.by_ref().take(REBASE_STEPS).collect();
        let mut way = Vec::new();
        for place in &some {
            let _verdict = script.steps[*place].perform(&mut room);
            way.push(room.clone());
        }
        for (place, there) in some.iter().zip(&way) {
            let _verdict = script.steps[*place].perform(&mut back);
            same(Check::Rewound, script, *place, there, &back)?;
        }
    }
    Ok(())
}

/// Two rooms in turns come to what each of them comes to alone.
fn beside<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut other = script.clone();
    other.seed ^= OTHER_SEED;
    other.steps.rotate_left(script.steps.len() / 2);
    let alone = [script, &other].map(|script| on_a_thread(|| states::<R>(script)));
    on_a_thread(|| {
        let mut rooms = [script, &other].map(Script::room::<R>);
        for place in 0..script.steps.len() {
            for (which, room) in rooms.iter_mut().enumerate() {
                let script = [script, &other][which];
                let _verdict = script.steps[place].perform(room);
                if room.bytes() != alone[which][place] {
                    let bytes = &alone[which][place];
                    let alone = Shown {
                        bytes: bytes.clone(),
                        text: super::told::<R>(bytes),
                    };
                    let found = Shown::of(room);
                    return Err(Difference::new(Check::Beside, script, place, alone, found));
                }
            }
        }
        Ok(())
    })
}

fn states<R: Rules>(script: &Script) -> Vec<Vec<u8>> {
    let mut room = script.room::<R>();
    let steps = script.steps.iter();
    steps
        .map(|step| {
            let _verdict = step.perform(&mut room);
            room.bytes()
        })
        .collect()
}

fn same<R: Rules>(
    check: Check,
    script: &Script,
    place: usize,
    one: &Solo<R>,
    other: &Solo<R>,
) -> Result<(), Box<Difference>> {
    if one.hash() == other.hash() {
        return Ok(());
    }
    let (one, other) = (Shown::of(one), Shown::of(other));
    Err(Difference::new(check, script, place, one, other))
}

fn difference(
    check: Check,
    script: &Script,
    place: usize,
    one: Shown,
    text: String,
) -> Box<Difference> {
    let other = Shown {
        bytes: Vec::new(),
        text,
    };
    Difference::new(check, script, place, one, other)
}
