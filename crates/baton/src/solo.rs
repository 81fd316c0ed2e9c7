//! Rules without frames: one room in memory that one program drives, as a run that somebody plays alone, a test or a
//! bench. It decides when the rules are called, as a room would; it knows nothing of frames, stores or devices.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::id::{Hash, Nonce};
use crate::random::{Random, Source};
use crate::rules::{By, Context, Ctx, Fuel, Player, Reject, Rules, Send, Silence, Target};

/// One room of rules `R` in memory, the same for the same seed and calls.
///
/// As in a room: a joiner is present when `joined` runs, a leaver is absent when `left` runs, an
/// action is validated and then applied, and with [`Silence::Pause`] no tick passes while nobody
/// is present. Entries draw from a stream of their own, ticks from the room's.
///
/// It may be part of another room's state: what it has sent is then not kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "",
    deserialize = "R::Config: DeserializeOwned, R::State: DeserializeOwned"
))]
pub struct Solo<R: Rules> {
    config: R::Config,
    state: R::State,
    stream: Random,
    seed: u64,
    entries: u64,
    tick: u64,
    present: Vec<Player>,
    /// What rules without ticks are told of time.
    time_ms: u64,
    #[serde(skip)]
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
            time_ms: self.time_ms,
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
            now_ms: 0,
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
            time_ms: 0,
            sends,
        }
    }

    /// Sets the time, in milliseconds, for rules without ticks; it never goes back. With ticks they are the time.
    pub fn set_time(&mut self, time_ms: u64) {
        self.time_ms = self.time_ms.max(time_ms);
    }

    fn now_ms(&self) -> u64 {
        match R::TICK_MS {
            0 => self.time_ms,
            tick_ms => self.tick * u64::from(tick_ms),
        }
    }

    /// Does what is due by itself, see [`Rules::due`], up to `most` times. How often it did.
    pub fn serve_due(&mut self, most: usize) -> usize {
        for done in 0..most {
            let due = self.entry(|state, ctx| R::due(state, ctx));
            let Some(action) = due else { return done };
            if self.act(By::Server, action).is_err() {
                return done;
            }
        }
        most
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
            now_ms: self.now_ms(),
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
            now_ms: self.now_ms(),
            present: &self.present,
            random,
            sends: &mut self.sends,
            sends_left: usize::MAX,
            fuel: Fuel::of(R::FUEL),
        };
        run(&mut self.state, &mut ctx)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Counts ticks and what players add; refuses more than 9 at once.
    #[derive(Debug)]
    pub(crate) struct Counter;

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
}
