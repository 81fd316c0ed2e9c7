//! Rules without frames: a driver for tests, benches and recorded behaviour. It decides when the
//! rules are called, as a room would; it knows nothing of frames, stores or devices.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::id::{Hash, Nonce};
use crate::random::{Random, Source};
use crate::rules::{By, Context, Ctx, Fuel, Player, Reject, Rules, Send, Silence, Target};

/// One room of rules `R` in memory, the same for the same seed and calls.
///
/// As in a room: a joiner is present when `joined` runs, a leaver is absent when `left` runs, an
/// action is validated and then applied, and with [`Silence::Pause`] no tick passes while nobody
/// is present. Entries draw from a stream of their own, ticks from the room's.
#[derive(Debug)]
pub struct Solo<R: Rules> {
    config: R::Config,
    state: R::State,
    stream: Random,
    seed: u64,
    entries: u64,
    tick: u64,
    present: Vec<Player>,
    sends: Vec<Send>,
}

// A derived one would ask the same of `R`, of which there is never a value.
impl<R: Rules> Clone for Solo<R> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            state: self.state.clone(),
            stream: self.stream.clone(),
            seed: self.seed,
            entries: self.entries,
            tick: self.tick,
            present: self.present.clone(),
            sends: self.sends.clone(),
        }
    }
}

impl<R: Rules> Solo<R> {
    /// A new room at tick 0, with nobody present.
    pub fn new(config: R::Config, seed: u64) -> Self {
        let mut stream = Random::from_seed(seed);
        let mut sends = Vec::new();
        let state = R::setup(&mut Context {
            config: &config,
            tick: 0,
            present: &[],
            random: Source::Stream(&mut stream),
            sends: &mut sends,
            sends_left: usize::MAX,
            fuel: Fuel::of(R::FUEL),
        });
        Self {
            config,
            state,
            stream,
            seed,
            entries: 0,
            tick: 0,
            present: Vec::new(),
            sends,
        }
    }

    /// Makes `who` present. Nothing happens if `who` already is.
    pub fn join(&mut self, who: Player) {
        if let Err(position) = self.present.binary_search(&who) {
            self.present.insert(position, who);
            self.entry(|state, ctx| R::joined(state, who, ctx));
        }
    }

    /// Makes `who` absent. Nothing happens if `who` already is.
    pub fn leave(&mut self, who: Player) {
        if let Ok(position) = self.present.binary_search(&who) {
            self.present.remove(position);
            self.entry(|state, ctx| R::left(state, who, ctx));
        }
    }

    /// Validates an action and applies it; a rejected one changes nothing.
    pub fn act(&mut self, by: By, action: R::Action) -> Result<(), Reject> {
        self.entry(|state, ctx| {
            R::validate(state, by, &action, ctx)?;
            R::apply(state, by, action, ctx);
            Ok(())
        })
    }

    /// Lets one tick happen; says whether it did, see [`Solo`].
    pub fn tick(&mut self) -> bool {
        if matches!(R::SILENCE, Silence::Pause) && self.present.is_empty() {
            return false;
        }
        self.tick += 1;
        let mut ctx = Context {
            config: &self.config,
            tick: self.tick,
            present: &self.present,
            random: Source::Stream(&mut self.stream),
            sends: &mut self.sends,
            sends_left: usize::MAX,
            fuel: Fuel::of(R::FUEL),
        };
        R::tick(&mut self.state, &mut ctx);
        true
    }

    /// Lets up to `count` ticks happen.
    pub fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.tick();
        }
    }

    /// Replaces the state and the stream by what their encoding decodes to, as a cold instance
    /// does. The error is of the decoder; nothing was changed then.
    pub fn reload(&mut self) -> Result<(), postcard::Error> {
        let stream = postcard::from_bytes(&postcard::to_allocvec(&self.stream)?)?;
        self.state = postcard::from_bytes(&self.bytes())?;
        self.stream = stream;
        Ok(())
    }

    /// The game's state.
    pub fn state(&self) -> &R::State {
        &self.state
    }

    /// The game's state, for a test that sets a scene.
    pub fn state_mut(&mut self) -> &mut R::State {
        &mut self.state
    }

    /// The encoded state.
    pub fn bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.state).expect("a state has no lengths unknown beforehand")
    }

    /// The hash of the encoded state. Of the game alone: no marks, no stream.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.bytes())
    }

    /// Ticks that have passed.
    pub fn now(&self) -> u64 {
        self.tick
    }

    /// Who is present, in rising order.
    pub fn present(&self) -> &[Player] {
        &self.present
    }

    /// What the rules have sent to other rooms: target and encoded action, in order. Without
    /// users, a player's own room is named by the player's number.
    pub fn sent(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.sends.iter().map(|send| {
            let target = match &send.target {
                Target::Room(target) => target.clone(),
                Target::Of(player, kind) => format!("{kind}/{player}"),
            };
            (target, send.body.as_slice())
        })
    }

    fn entry<T>(&mut self, run: impl FnOnce(&mut R::State, &mut Ctx<'_, R>) -> T) -> T {
        let random = Source::entry(Nonce(self.seed.to_le_bytes()), self.entries);
        self.entries += 1;
        let mut ctx = Context {
            config: &self.config,
            tick: self.tick,
            present: &self.present,
            random,
            sends: &mut self.sends,
            sends_left: usize::MAX,
            fuel: Fuel::of(R::FUEL),
        };
        run(&mut self.state, &mut ctx)
    }
}

/// Performs a script for the rules that its first line names, as in `kind contagion`: what [`probe`](crate::probe)
/// exports. What comes back is the recorded script without that line, or why it could not be performed.
pub fn record_of_kind(kinds: &[(&str, Recorder)], input: &str) -> String {
    let (first, script) = input.split_once('\n').unwrap_or((input, ""));
    let named = first.strip_prefix("kind ").unwrap_or_default();
    match kinds.iter().find(|(kind, _)| *kind == named) {
        Some((_, record)) => record(script).unwrap_or_else(|bad| bad.to_string()),
        None => format!("no rules are called {named:?}"),
    }
}

/// [`record`] for some rules.
pub type Recorder = fn(&str) -> Result<String, BadLine>;

/// A line of a script that cannot be performed. Nothing after it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: cannot perform {:?}", self.number, self.text)
    }
}

impl core::error::Error for BadLine {}

/// Performs a script and returns it with every verdict and hash as they came out. A script that
/// comes back unchanged is recorded behaviour: what [`Rules::GOLDEN`] should hold.
///
/// One command a line, numbers decimal, bytes in hexadecimal:
///
/// ```text
/// # a comment, kept; so are empty lines
/// room 7 -                      a new room: seed, encoded config (- for the default)
/// join 3                        player 3 comes
/// leave 3
/// act 3 0005 ok                 player 3's encoded action, and its verdict (filled in)
/// act server 02 rejected 4
/// ticks 150                     lets time pass
/// hash 151 2f…                  the tick and the hash of the state (filled in)
/// state 0102…                   the encoded state (filled in), to see where two of them differ
/// ```
pub fn record<R: Rules>(script: &str) -> Result<String, BadLine> {
    let mut solo: Option<Solo<R>> = None;
    let mut recorded = String::new();
    for (index, line) in script.lines().enumerate() {
        let line = perform(&mut solo, line).ok_or_else(|| BadLine {
            number: index + 1,
            text: line.to_string(),
        })?;
        recorded.push_str(&line);
        recorded.push('\n');
    }
    Ok(recorded)
}

fn perform<R: Rules>(solo: &mut Option<Solo<R>>, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let kept = Some(line.to_string());
    match *words.as_slice() {
        [] => return kept,
        [first, ..] if first.starts_with('#') => return kept,
        ["room", seed, config] => {
            let config = match config {
                "-" => R::Config::default(),
                hex => postcard::from_bytes(&from_hex(hex)?).ok()?,
            };
            *solo = Some(Solo::new(config, seed.parse().ok()?));
            return kept;
        }
        _ => {}
    }
    let solo = solo.as_mut()?;
    match *words.as_slice() {
        ["join", who] => solo.join(who.parse().ok()?),
        ["leave", who] => solo.leave(who.parse().ok()?),
        ["ticks", count] => solo.ticks(count.parse().ok()?),
        ["act", who, hex, ..] => {
            let by = match who {
                "server" => By::Server,
                player => By::Player(player.parse().ok()?),
            };
            let action = postcard::from_bytes(&from_hex(hex)?).ok()?;
            return Some(match solo.act(by, action) {
                Ok(()) => format!("act {who} {hex} ok"),
                Err(Reject(code)) => format!("act {who} {hex} rejected {code}"),
            });
        }
        ["hash", ..] => return Some(format!("hash {} {}", solo.now(), solo.hash())),
        ["state", ..] => return Some(format!("state {}", to_hex(&solo.bytes()))),
        _ => return None,
    }
    kept
}

/// Two digits a byte.
fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    let pairs = bytes
        .iter()
        .map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    pairs.flatten().collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts ticks and what players add; refuses more than 9 at once.
    #[derive(Debug)]
    struct Counter;

    impl Rules for Counter {
        type Config = u8;
        type State = (u64, Vec<Player>);
        type Action = u8;
        const KIND: &'static str = "counter";
        const VERSION: u32 = 1;
        const TICK_MS: u32 = 100;

        fn setup(ctx: &mut Ctx<'_, Self>) -> Self::State {
            (u64::from(*ctx.config()), Vec::new())
        }

        fn validate(_: &Self::State, by: By, action: &u8, _: &Ctx<'_, Self>) -> Result<(), Reject> {
            match (by, action) {
                (By::Server, _) => Err(Reject(2)),
                (_, 10..) => Err(Reject(1)),
                _ => Ok(()),
            }
        }

        fn apply(state: &mut Self::State, _: By, action: u8, ctx: &mut Ctx<'_, Self>) {
            state.0 += u64::from(action);
            ctx.send("account/a", &action);
        }

        fn tick(state: &mut Self::State, _: &mut Ctx<'_, Self>) {
            state.0 += 100;
        }

        fn joined(state: &mut Self::State, _: Player, ctx: &mut Ctx<'_, Self>) {
            state.1 = ctx.present().to_vec();
        }

        fn left(state: &mut Self::State, _: Player, ctx: &mut Ctx<'_, Self>) {
            state.1 = ctx.present().to_vec();
        }

        fn view(_: &Self::State, _: Option<Player>) -> serde_json::Value {
            serde_json::Value::Null
        }
    }

    #[test]
    fn presence_time_and_actions_are_as_in_a_room() {
        let mut solo = Solo::<Counter>::new(5, 1);
        assert!(!solo.tick(), "time stops while nobody is present");
        solo.join(4);
        solo.join(2);
        assert_eq!(*solo.state(), (5, [2, 4].into()));
        solo.leave(2);
        assert_eq!(*solo.state(), (5, [4].into()));
        assert!(solo.tick());
        assert_eq!(solo.act(By::Player(4), 9), Ok(()));
        assert_eq!(solo.act(By::Player(4), 10), Err(Reject(1)));
        assert_eq!((solo.now(), solo.state().0), (1, 114));
        assert_eq!(
            solo.sent().collect::<Vec<_>>(),
            [(String::from("account/a"), &[9][..])]
        );
        let before = solo.hash();
        solo.reload().expect("it decodes what it encoded");
        assert_eq!(solo.hash(), before);
    }

    #[test]
    fn a_script_comes_back_with_verdicts_and_hashes_and_then_unchanged() {
        let script =
            "# scene\nroom 1 03\njoin 1\n\nact 1 07\nact 1 0b\nact server 01\nticks 2\nhash\n";
        let recorded = record::<Counter>(script).expect("every line can be performed");
        assert!(recorded.starts_with(
            "# scene\nroom 1 03\njoin 1\n\nact 1 07 ok\nact 1 0b rejected 1\nact server 01 rejected 2\nticks 2\nhash 2 "
        ));
        assert_eq!(record::<Counter>(&recorded).as_deref(), Ok(&*recorded));
        let forged = recorded.replace("room 1 03", "room 1 04");
        assert_ne!(record::<Counter>(&forged).as_deref(), Ok(&*forged));
    }

    #[test]
    fn a_script_is_performed_for_the_kind_that_it_names() {
        let kinds = [(Counter::KIND, record::<Counter> as Recorder)];
        let recorded = record_of_kind(&kinds, "kind counter\nroom 1 03\nstate\n");
        assert_eq!(recorded, "room 1 03\nstate 0300\n");
        assert!(record_of_kind(&kinds, "kind other\nroom 1 -\n").contains("other"));
        assert!(record_of_kind(&kinds, "kind counter\nfly\n").contains("line 1"));
    }

    #[test]
    fn a_line_that_cannot_be_performed_is_named() {
        for bad in [
            "join 1",
            "room x -",
            "room 1 0g",
            "room 1 -\nfly",
            "room 1 -\nact 1 0",
        ] {
            let number = bad.lines().count();
            let error = record::<Counter>(bad).expect_err(bad);
            assert_eq!(error.number, number, "{bad}");
        }
    }
}
