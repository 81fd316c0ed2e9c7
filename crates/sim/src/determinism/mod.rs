//! Are an author's rules deterministic? Finds the first step at which they are not, and shows both states.
//!
//! ```
//! use baton_sim::determinism::{Script, check};
//! # use baton::{By, Ctx, Player, Reject, Rules};
//! # struct Game;
//! # impl Rules for Game {
//! #     type Config = ();
//! #     type State = u32;
//! #     type Action = u8;
//! #     const KIND: &'static str = "game";
//! #     const VERSION: u32 = 1;
//! #     const TICK_MS: u32 = 100;
//! #     fn setup(_: &mut Ctx<'_, Self>) -> u32 { 0 }
//! #     fn validate(_: &u32, _: By, _: &u8, _: &Ctx<'_, Self>) -> Result<(), Reject> { Ok(()) }
//! #     fn apply(sum: &mut u32, _: By, add: u8, _: &mut Ctx<'_, Self>) { *sum += u32::from(add); }
//! #     fn view(sum: &u32, _: Option<Player>) -> serde_json::Value { (*sum).into() }
//! # }
//! // A hundred steps from seed 7: players come, leave, and do what the closure draws.
//! let script = Script::draw::<Game>(7, 100, |random| random.below(10) as u8);
//! check::<Game>(&script).unwrap_or_else(|difference| panic!("{difference}"));
//! ```
//!
//! That is within one process, and takes milliseconds. What differs between machines is found by comparing with
//! wasm: a crate of one line, [`baton::probe!`], and
//!
//! ```no_run
//! # use baton_sim::determinism::{Probe, Script, check_wasm};
//! # use contagion::Contagion as Game;
//! # let script = Script::of_bytes::<Game>(7, 100);
//! let probe = Probe::build("my-game-probe").expect("it compiles");
//! check_wasm::<Game>(&script, &probe).unwrap_or_else(|difference| panic!("{difference}"));
//! ```
//!
//! The model is the sync test of [GGRS](https://docs.rs/ggrs). It runs rules as they are, without frames: that frames
//! and replicas keep order and time is what the simulator checks.

mod native;
mod script;
mod wasm;

use baton::{Rules, Solo};
use std::fmt;

pub use script::{Script, Step};
pub use wasm::{Broken, Probe};

/// Ways to come to a state, each beside the plain one: step by step in one room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Some steps back, and the same steps again: a rebase.
    Rewound,
    /// The same step from the same state.
    Twice,
    /// The same step from what the encoded state decodes to.
    Snapshot,
    /// A refused action, which should change nothing.
    Refused,
    /// In turns with another room.
    Beside,
    /// As wasm, in Node.
    Wasm,
}

impl Check {
    /// Those that need nothing but this process.
    pub const NATIVE: [Self; 5] = [
        Self::Rewound,
        Self::Twice,
        Self::Snapshot,
        Self::Refused,
        Self::Beside,
    ];
}

/// A state, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// As it is hashed; none if there is no state.
    pub bytes: Vec<u8>,
    /// As JSON, or as Rust prints it where JSON has no such keys.
    pub text: String,
}

/// The first step at which two ways come to different states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The other way.
    pub check: Check,
    /// The place of the step; none if the rooms differ before the first.
    pub place: Option<usize>,
    /// The step, as a line of a script.
    pub step: String,
    /// All until and with it, to be given to [`baton::harness::record`].
    pub script: String,
    /// By the plain way.
    pub plain: Shown,
    /// By the other.
    pub other: Shown,
}

/// Runs the native checks over `script`.
pub fn check<R: Rules>(script: &Script) -> Result<(), Box<Difference>> {
    let mut checks = Check::NATIVE.into_iter();
    checks.try_for_each(|check| check_one::<R>(check, script))
}

/// Runs one native check over `script`; [`Check::Wasm`] is [`check_wasm`].
pub fn check_one<R: Rules>(check: Check, script: &Script) -> Result<(), Box<Difference>> {
    native::pass::<R>(check, script)
}

/// Performs `script` natively and in the probe's wasm, and compares verdicts and states.
pub fn check_wasm<R: Rules>(script: &Script, probe: &Probe) -> Result<(), Box<Difference>> {
    wasm::compare::<R>(script, probe)
}

impl Shown {
    fn of<R: Rules>(room: &Solo<R>) -> Self {
        let bytes = room.bytes();
        let text = state_told::<R>(room.state());
        Self { bytes, text }
    }
}

fn state_told<R: Rules>(state: &R::State) -> String {
    serde_json::to_string_pretty(state).unwrap_or_else(|_| format!("{state:#?}"))
}

/// What encoded bytes are, if they are a state.
fn told<R: Rules>(bytes: &[u8]) -> String {
    let state = postcard::from_bytes::<R::State>(bytes);
    state.map_or_else(|error| error.to_string(), |state| state_told::<R>(&state))
}

impl Difference {
    fn new(check: Check, script: &Script, place: usize, plain: Shown, other: Shown) -> Box<Self> {
        Box::new(Self {
            check,
            place: Some(place),
            step: script.steps[place].to_string(),
            script: script.lines(place + 1, "hash"),
            plain,
            other,
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plain, other) = (&self.plain, &self.other);
        let place = self.place.map_or("the beginning".to_owned(), |place| {
            format!("step {place}, `{}`", self.step)
        });
        writeln!(f, "not deterministic ({:?}): {place}", self.check)?;
        let mut pairs = plain.bytes.iter().zip(&other.bytes);
        let shorter = plain.bytes.len().min(other.bytes.len());
        let at = pairs.position(|(one, two)| one != two).unwrap_or(shorter);
        writeln!(
            f,
            "the states, of {} and {} bytes, differ from byte {at} on:",
            plain.bytes.len(),
            other.bytes.len()
        )?;
        for state in [plain, other] {
            let some = &state.bytes[at.saturating_sub(4)..(at + 12).min(state.bytes.len())];
            writeln!(f, "  …{}…", script::hex(some))?;
        }
        let lines = plain.text.lines().zip(other.text.lines()).enumerate();
        for (number, (one, two)) in lines.filter(|(_, (one, two))| one != two).take(8) {
            writeln!(f, "  line {number}: {} | {}", one.trim(), two.trim())?;
        }
        if plain.text.lines().count() != other.text.lines().count() {
            writeln!(f, "  one: {}\n  two: {}", plain.text, other.text)?;
        }
        Ok(())
    }
}
