//! What must hold, whatever went wrong. Named after the invariants S1 to S21 and L1 to L8, the design's
//! nine and the requirements' rows, from L9 on by itself (tests of the stores look at S22, S2 is S1's chain); each file checks one place where they can be seen. None of it asks the code under
//! test for a verdict where an oracle of its own can tell.

pub mod book;
pub mod client;
pub mod end;
pub mod ledger;
pub mod oracle;
pub mod order;
pub mod orders;
pub mod reply;

/// Something that must hold does not: which invariant, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The invariant.
    pub check: &'static str,
    /// What was seen.
    pub seen: String,
}

/// Whether something holds.
pub type Checked = Result<(), Broken>;

/// It holds, or this was seen.
pub fn hold(holds: bool, check: &'static str, seen: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Broken {
            check,
            seen: seen(),
        }),
    }
}
