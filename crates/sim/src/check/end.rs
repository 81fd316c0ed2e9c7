//! What must hold when all is quiet: everybody agrees with a replay from the log alone, every promise
//! was kept, and everything that was made is there.

use baton::{BodyHash, limits};

use super::book::Book;
use super::client::{Answered, Told};
use super::ledger::{Ledger, Owner};
use super::{Checked, hold};
use crate::later::Game;
use crate::page::Page;

/// A client has the log's head, its state byte for byte, and nothing left to say, unless the room is halted.
pub fn agrees<R: Game>(replica: &Page<R>, alone: &Book<R>) -> Checked {
    let state = replica.state_hash();
    let replayed = alone.room.as_ref().map(baton::Room::state_hash);
    hold(
        replica.head() == alone.head()
            && state == replayed
            && (replica.pending() == 0 || alone.oracle.halted),
        "S12: after all is quiet everybody agrees with the log alone",
        || {
            let (v, at) = (replica.head().v, alone.head().v);
            format!("at version {v} of {at}, {} pending", replica.pending())
        },
    )
}

/// What a client was told by a frame that is in the log is there as it was told. Every other frame was
/// lost by the store: that it was committed is checked where it is told.
pub fn keeps_its_word<R: Game>(told: &Told, alone: &Book<R>) -> Checked {
    for ((owner, seq), Answered { code, by, .. }) in &told.answers {
        let Some(code) = code.filter(|_| alone.has(*by)) else {
            continue;
        };
        // Who vouched for later numbers, after a loss, has none of the verdicts before.
        let Some((_, device)) = alone.oracle.device(owner) else {
            continue;
        };
        // Nor has who was evicted since, and came back under its old id (seed 60057026).
        if *seq <= device.vouched || by.v < device.since_v {
            continue;
        }
        let logged = device.verdicts.iter().find(|(_, at, ..)| at == seq);
        hold(
            logged.is_some_and(|(.., logged)| *logged == code),
            "S9: what was acknowledged is in the log",
            || format!("{} {seq}: told {code}, the log has {logged:?}", owner.0),
        )?;
    }
    Ok(())
}

/// What a page was told so lately that it must have kept it is in the log, also if the store lost it since: nothing of what
/// was acknowledged is lost for good. Not of a device whose numbers may mean two things, nor in a halted room.
pub fn comes_again<R: Game>(
    told: &Told,
    owner: &Owner,
    ledger: &Ledger,
    alone: &Book<R>,
    now_ms: u64,
) -> Checked {
    if ledger.is_doubled(owner) || alone.oracle.halted {
        return Ok(());
    }
    let verdicts = alone
        .oracle
        .device(owner)
        .map_or(&[][..], |(_, device)| &device.verdicts);
    for ((who, seq), answered) in &told.answers {
        let lately = answered.at_ms + limits::RESEND_GRACE_MS / 2 > now_ms;
        if who != owner || !lately || answered.code.is_none() {
            continue;
        }
        let logged = verdicts.iter().find(|(_, at, ..)| at == seq);
        let same = logged.is_some_and(|(_, _, hash, _)| {
            let bodies = ledger.bodies(owner, *seq);
            bodies.iter().any(|(_, body)| BodyHash::of(body) == *hash)
        });
        hold(
            same,
            "P7: what was acknowledged lately comes again after a loss",
            || format!("{} {seq}: {answered:?}, the log has {logged:?}", owner.0),
        )?;
    }
    Ok(())
}

/// What a device kept and was never told anything of is in the log, also where the store lost something. `own`: its numbers.
pub fn forgets_nothing<R: Game>(
    told: &Told,
    owner: &Owner,
    own: impl Iterator<Item = u64>,
    ledger: &Ledger,
    alone: &Book<R>,
) -> Checked {
    if ledger.is_doubled(owner) || ledger.gave_up(owner) || alone.oracle.halted {
        return Ok(());
    }
    let device = alone.oracle.device(owner).map(|(_, device)| device);
    let verdicts = device.map_or(&[][..], |device| &device.verdicts);
    for seq in own {
        let logged = verdicts.iter().any(|(_, at, ..)| *at == seq);
        hold(
            logged || told.answers.contains_key(&(owner.clone(), seq)),
            "S3: what a device was never told of is in the log",
            || {
                format!(
                    "{} {seq}, its mark is {:?}",
                    owner.0,
                    device.map(|device| device.mark)
                )
            },
        )?;
    }
    Ok(())
}

/// Where no store lost anything, every action that a device kept has its verdict, in order.
pub fn holds_all<R: Game>(ledger: &Ledger, alone: &Book<R>, losses: u64) -> Checked {
    for (owner, made) in ledger.owners() {
        if losses > 0 || ledger.gave_up(owner) || ledger.is_doubled(owner) {
            continue;
        }
        let device = alone.oracle.device(owner).map(|(_, device)| device);
        let verdicts = device.map_or(&[][..], |device| &device.verdicts);
        let same = (verdicts.len() == made.len() || alone.oracle.halted)
            && verdicts
                .iter()
                .zip(made)
                .all(|((_, seq, hash, _), (made, bodies))| {
                    seq == made && bodies.iter().any(|(_, body)| BodyHash::of(body) == *hash)
                });
        hold(
            same,
            "S3: each kept action once, in order, none lost",
            || {
                format!(
                    "{}: {} made, {} in the log",
                    owner.0,
                    made.len(),
                    verdicts.len()
                )
            },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use baton::DeviceId;

    use super::*;
    use crate::check::oracle::Oracle;
    use crate::rules::{Bank, STILL};

    #[test]
    fn what_a_device_kept_and_was_never_told_of_must_be_in_the_log() {
        let alone = Book::<Bank<STILL>>::new(Oracle::new(STILL, false, 30));
        let owner = ("u0".to_owned(), DeviceId([1; 16]));
        let ledger = Ledger::default();
        let mut told = Told::default();
        let looks = |told: &Told| {
            let own = [7].into_iter();
            forgets_nothing(told, &owner, own, &ledger, &alone).is_ok()
        };
        assert!(!looks(&told), "it is nowhere");
        let answered = Answered {
            code: None,
            by: baton::Head::default(),
            at_ms: 0,
        };
        told.answers.insert((owner.clone(), 7), answered);
        assert!(looks(&told), "lost, but it was told of it");
    }
}
