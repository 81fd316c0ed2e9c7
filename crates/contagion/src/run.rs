//! A run: a match that somebody plays alone, without a host. What is kept of it is a seed and what the player did; whoever
//! replays it through the same rules sees what it was worth, so nobody has to be believed.

use alloc::vec::Vec;

use baton::{By, Hash, Reject, Rules, Solo, wire};
use serde::{Deserialize, Serialize};

use crate::award::MatchResult;
use crate::phase::{Phase, Winner};
use crate::{Action, Config, Contagion, State, TICK_MS};

/// Bytes of what a player did in a run, at most: two for an input, three if the one before was long ago.
pub const MAX_RUN_BYTES: usize = 2_048;
/// The longest an input may take.
const MAX_INPUT_BYTES: usize = 6;
/// The player of a run.
const PLAYER: u32 = 0;

/// The match of a run: shorter than that of a room, and of one seat.
pub const RUN: Config = Config {
    countdown_ms: 3_000,
    play_ms: 120_000,
    over_ms: 10_000,
    seats: 1,
    city: true,
    zombies_at_start: 9,
    spawns_per_minute: 16,
    spawns_per_minute_and_player: 8,
    spawn_growth_percent: 60,
    items_at_start: 14,
    items_per_minute: 8,
    items_per_minute_and_player: 3,
};

/// What is written down of a run: `(ticks since the input before, action)` as a varint and a byte, again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// A run while it is played.
#[derive(Clone, Debug)]
pub struct Run {
    room: Solo<Contagion>,
    inputs: Inputs,
    /// The tick of the last input.
    last: u64,
}

/// Why something is not done in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunError {
    /// No more can be written down: the run goes on to its end without the player.
    Full,
    /// The rules say no.
    Rejected(Reject),
}

impl Run {
    /// A new run: the countdown begins.
    pub fn new(seed: u64) -> Self {
        Self {
            room: begin(seed),
            inputs: Inputs::default(),
            last: 0,
        }
    }

    /// A run that was left in the middle, `ticks` after its beginning: what was written down until then happens again. So
    /// whatever is handed in of it in the end is what somebody would find who replays all of it.
    ///
    /// # Errors
    /// It never happened; [`Flaw::TooLate`]: not in so many ticks.
    pub fn resume(seed: u64, inputs: Inputs, ticks: u32) -> Result<Self, Flaw> {
        if inputs.0.len() > MAX_RUN_BYTES {
            return Err(Flaw::Malformed);
        }
        let mut trial = Trial::new(seed);
        match trial.go_on(&inputs, ticks) {
            Progress::Invalid(flaw) => return Err(flaw),
            Progress::Over(_) => {}
            // What was done since the last tick.
            Progress::Running => trial.act(&inputs)?,
        }
        if inputs.0.len() > trial.next as usize {
            return Err(Flaw::TooLate);
        }
        let Trial { room, last, .. } = trial;
        Ok(Self { room, inputs, last })
    }

    /// What a run follows from beside its seed and its inputs: the identity of its rules and of its match.
    pub fn rules() -> Hash {
        Hash::of(&wire::write(&(Contagion::id(), RUN)))
    }

    /// Does something now, and writes it down.
    ///
    /// # Errors
    /// Nothing was changed or written down.
    pub fn act(&mut self, action: Action) -> Result<(), RunError> {
        if self.inputs.0.len() + MAX_INPUT_BYTES > MAX_RUN_BYTES {
            return Err(RunError::Full);
        }
        let done = self.room.act(By::Player(PLAYER), action);
        done.map_err(RunError::Rejected)?;
        let now = self.room.now();
        write_varint(&mut self.inputs.0, now - self.last);
        self.inputs.0.push(action.number());
        self.last = now;
        Ok(())
    }

    /// Lets one tick happen; nothing once the run is over.
    pub fn tick(&mut self) {
        if !self.is_over() {
            self.room.tick();
        }
    }

    /// Lets it end, with a player who does nothing more.
    pub fn finish(&mut self) {
        while !self.is_over() {
            self.room.tick();
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.room.state().phase == Phase::Over
    }

    /// What it was worth, once it is over.
    pub fn result(&self) -> Option<MatchResult> {
        result(&self.room)
    }

    /// What was written down.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The game's state.
    pub fn state(&self) -> &State {
        self.room.state()
    }

    /// Ticks that have passed.
    pub fn now(&self) -> u64 {
        self.room.now()
    }

    /// How long it has lasted, in milliseconds of who plays it.
    pub fn lasted_ms(&self) -> u64 {
        self.room.now() * u64::from(TICK_MS)
    }
}

/// A run while it is replayed, a piece at a time: part of the state of whoever does that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    room: Solo<Contagion>,
    /// Where the next input begins.
    next: u32,
    /// The tick of the input before.
    last: u64,
}

/// What has become of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more of it.
    Running,
    /// It ended like this.
    Over(MatchResult),
    /// It never happened.
    Invalid(Flaw),
}

/// Why a run never happened. New ones are added at the end: the position is the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its inputs are cut, or are none.
    Malformed,
    /// The rules refuse one of them.
    Refused,
    /// There are some after its end.
    TooLate,
}

impl Trial {
    /// A replay from the beginning.
    pub fn new(seed: u64) -> Self {
        Self {
            room: begin(seed),
            next: 0,
            last: 0,
        }
    }

    /// Replays up to `ticks` more. `inputs` are the same in each call.
    pub fn go_on(&mut self, inputs: &Inputs, ticks: u32) -> Progress {
        for _ in 0..ticks {
            if let Err(flaw) = self.act(inputs) {
                return Progress::Invalid(flaw);
            }
            self.room.tick();
            if let Some(result) = result(&self.room) {
                let more = inputs.0.len() > self.next as usize;
                return match more {
                    true => Progress::Invalid(Flaw::TooLate),
                    false => Progress::Over(result),
                };
            }
        }
        Progress::Running
    }

    /// Ticks that were replayed.
    pub fn now(&self) -> u64 {
        self.room.now()
    }

    /// Does what the player did before the next tick.
    fn act(&mut self, inputs: &Inputs) -> Result<(), Flaw> {
        while let Some(rest) = inputs
            .0
            .get(self.next as usize..)
            .filter(|rest| !rest.is_empty())
        {
            let (wait, length) = read_varint(rest).ok_or(Flaw::Malformed)?;
            let at = self.last.checked_add(wait).ok_or(Flaw::Malformed)?;
            if at > self.room.now() {
                return Ok(());
            }
            let number = *rest.get(length).ok_or(Flaw::Malformed)?;
            let action = Action::try_from(number).map_err(|_| Flaw::Malformed)?;
            let done = self.room.act(By::Player(PLAYER), action);
            done.map_err(|_| Flaw::Refused)?;
            // At most `MAX_RUN_BYTES`.
            self.next += length as u32 + 1;
            self.last = at;
        }
        Ok(())
    }
}

fn begin(seed: u64) -> Solo<Contagion> {
    let mut room = Solo::new(RUN, seed);
    room.join(PLAYER);
    room
}

fn result(room: &Solo<Contagion>) -> Option<MatchResult> {
    let state = room.state();
    let outcome = state.last.as_ref().filter(|_| state.phase == Phase::Over)?;
    let figure = state.field.figures.first()?;
    Some(MatchResult {
        // Alone, who turned has lost, though the contagion has won.
        won: outcome.winner == Winner::Survivors,
        ..MatchResult::of(figure, true, outcome)
    })
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A number of at most five bytes, written as short as it can be, and its length.
fn read_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let shortest = index == 0 || *byte != 0;
            return shortest.then_some((value, index + 1));
        }
    }
    None
}
