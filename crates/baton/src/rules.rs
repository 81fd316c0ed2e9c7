//! What an author writes: a deterministic state machine, the same on servers and in browsers.
//! Knows nothing of frames, stores or time other than ticks.

use alloc::{string::String, vec::Vec};
use core::cell::Cell;
use core::fmt::Debug;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::id::Hash;
use crate::limits::{FUEL, FUEL_PER_SEND, WINDOW};
use crate::random::{Random, Source};

/// A player's number in a room: given at registration, never reused, in order of arrival from 0.
pub type Player = u32;

/// The context of rules `R`.
pub type Ctx<'a, R> = Context<'a, <R as Rules>::Config>;

/// The rules of a game or of an account.
///
/// Deterministic by construction: integers or fixed point only, ordered maps, no clock, no I/O,
/// randomness only from `ctx`. The same code runs in the server's wasm and in the browser's, and
/// the state's hash is compared at every frame.
///
/// # Changing the rules of a live game
///
/// What was released is never edited: its part of every log replays by it.
///
/// 1. Copy the rules, raise `VERSION`, write [`migrate`](Self::migrate) and [`upcast`](Self::upcast).
/// 2. Serve both, as [`Rolling<Old, New>`](crate::Rolling), with the page as it was, and wait until
///    every instance has this build. Rooms stay on the old rules, new rooms too.
/// 3. Deploy the new page and the setting `"rules": {"<kind>": <version>}` (see
///    [`Setup::from_json`](crate::Setup::from_json)). Each room changes in the next frame that an
///    instance with that setting makes; its log records where. Old pages are still answered, and told
///    to reload; a new page in a room that has not changed yet waits. An instance without the new
///    rules hands bytes on, of rooms that everybody may read, and leads no room that has changed.
/// 4. Take the old rules out when no room is on them any more. A room that nobody asks for does not
///    change; a build without its rules answers [`Code::Rules`](crate::Code::Rules). On a store of
///    single keys a room has no snapshot of its change: until the next frame whose version 64
///    divides, it needs a build with both too.
///
/// A room never goes back. Everything but config and state stays: players, marks, sends, tick. Ticks
/// may become longer or shorter, not begin or end. What other rooms send is read by the rules that the
/// room is on when it arrives, so actions of the server only grow by variants at the end; and the kind
/// that gets a new one changes its rules, on every instance, before the kind that sends it: what cannot
/// be read is declined, for good.
pub trait Rules: Sized + 'static {
    /// What a room is told at its start; recorded in its first frame.
    type Config: Clone + Debug + Default + Serialize + DeserializeOwned;
    /// Everything the rules remember. Its encoding is what is hashed, so it must not depend on
    /// anything but its value.
    type State: Clone + Debug + Serialize + DeserializeOwned;
    /// What a player, or the server, does.
    type Action: Clone + Debug + Serialize + DeserializeOwned;

    /// The kind of room, `[A-Za-z0-9_-]{1,64}`.
    const KIND: &'static str;
    /// Rises with every change of behaviour.
    const VERSION: u32;
    /// Milliseconds per tick; 0 for rules without ticks.
    const TICK_MS: u32 = 0;
    /// A player who was not heard of for this long has left.
    const GRACE_MS: u32 = 15_000;
    /// What silence does to time.
    const SILENCE: Silence = Silence::Pause;
    /// Steps that one call of these rules may take: a draw is one, a send costs
    /// [`FUEL_PER_SEND`](crate::limits::FUEL_PER_SEND) and a step a byte, loops count their own
    /// with [`Context::step`]. A call that takes more panics, on every host alike, and what caused
    /// it is set aside as any that panics. A change is a change of behaviour.
    const FUEL: u64 = FUEL;
    /// Whether a room is one user's own, as an account is: its name is the user's id. Anybody else is told that it does
    /// not exist, whatever [`access`](Self::access) says, and its frames are published nowhere. Other rooms, and the
    /// operator, send to it as to any.
    ///
    /// An app with several games has a kind for each: a user has a room of each kind under one id, with a log, rules and a
    /// version of its own, and what one game earns in another it sends there ([`Context::send_to`]).
    const PERSONAL: bool = false;
    /// How many actions a device may keep without an answer: what it does while it is offline. At most
    /// [`WINDOW`](crate::limits::WINDOW) of them travel at once.
    const QUEUE: usize = WINDOW;
    /// What a state holds in memory beside what is encoded of it, at most: what is derived from it and kept. By this an
    /// instance counts how many rooms it can remember.
    const WARM_BYTES: usize = 0;
    /// Recorded behaviour (see [`harness::record`](crate::harness::record)) that pins this version; part of the
    /// rules' identity.
    const GOLDEN: &'static str = "";

    /// The state of a new room.
    fn setup(ctx: &mut Ctx<'_, Self>) -> Self::State;

    /// Whether `by` may do `action` now. Reads only; a client asks it before it predicts.
    fn validate(
        state: &Self::State,
        by: By,
        action: &Self::Action,
        ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject>;

    /// Does a validated action. Cannot fail.
    fn apply(state: &mut Self::State, by: By, action: Self::Action, ctx: &mut Ctx<'_, Self>);

    /// What the room itself does next, if anything: rewards that were earned, a piece of work that is too long for one
    /// call. It is an action of [`By::Server`], made by the rules from what is committed, and never predicted by a
    /// client: each is an entry of the log, after what the frame brings otherwise, at most
    /// [`MAX_DUE`](crate::limits::MAX_DUE) a frame. While something is due, clients ask again soon.
    ///
    /// Doing it must change what is due, or it is done for ever. One that breaks the rules halts the room, as time does.
    fn due(_state: &Self::State, _ctx: &Ctx<'_, Self>) -> Option<Self::Action> {
        None
    }

    /// Whether the user of a [personal](Self::PERSONAL) room may order this action, which is otherwise the server's alone: a
    /// purchase, which must not be done on a device that is offline. It is then validated and done as an action of
    /// [`By::Server`], once; who does not wait for the answer may find it done later. Nothing else of the server's is let in from outside.
    fn orders(_action: &Self::Action) -> bool {
        false
    }

    /// Lets one tick of time happen.
    fn tick(_state: &mut Self::State, _ctx: &mut Ctx<'_, Self>) {}

    /// A player is here: the first session of any of the player's devices opened.
    fn joined(_state: &mut Self::State, _who: Player, _ctx: &mut Ctx<'_, Self>) {}

    /// A player is gone: closed the last session, or was silent for longer than the grace time.
    fn left(_state: &mut Self::State, _who: Player, _ctx: &mut Ctx<'_, Self>) {}

    /// What `who` (`None`: somebody who never joined) may do.
    fn access(_state: &Self::State, who: Option<Player>) -> Access {
        Access {
            read: true,
            act: who.is_some(),
        }
    }

    /// The room for people, other programs and old clients.
    fn view(state: &Self::State, who: Option<Player>) -> serde_json::Value;

    /// What an action of an earlier version means under these rules: a device may send it for as
    /// long as it was offline. `None`: nothing, and it is rejected as [`Reject::OUTDATED`]. It is
    /// read again in every replay, so what it means must never change.
    fn upcast(_version: u32, _action: &[u8]) -> Option<Self::Action> {
        None
    }

    /// What a room of an earlier version is under these rules: its encoded config and state, as
    /// they become these rules' own. `None`: it cannot be, and the room stays on its rules. It is
    /// done again in every replay, so what it does must never change.
    fn migrate(
        _version: u32,
        _config: &[u8],
        _state: &[u8],
    ) -> Option<(Self::Config, Self::State)> {
        None
    }

    /// Identity of the rules: kind, version and recorded behaviour, not the build.
    fn id() -> Hash {
        let mut text = Vec::new();
        text.extend_from_slice(Self::KIND.as_bytes());
        text.push(0);
        text.extend_from_slice(&Self::VERSION.to_le_bytes());
        text.extend_from_slice(Self::GOLDEN.as_bytes());
        Hash::of(&text)
    }
}

/// Who does an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A player, verified by the host.
    Player(Player),
    /// The server: another room, an operator, or an order of the room's own user that the rules let in
    /// ([`Rules::orders`]). No client can be this otherwise.
    Server,
}

/// Why rules refuse an action; the number is the rules' own and stable. It is recorded, and every
/// retry is answered with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject(pub u16);

impl Reject {
    /// The body is not an action of these rules. Numbers from here on are Baton's.
    pub const MALFORMED: Self = Self(0xff00);
    /// The rules broke on the action, alone and more than once: it was set aside.
    pub const FAULTED: Self = Self(0xff01);
    /// The body is of an earlier version, and means nothing under these rules.
    pub const OUTDATED: Self = Self(0xff02);
}

/// What somebody may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// See the room, its frames included. Without it the room looks as if it did not exist.
    pub read: bool,
    /// Send actions.
    pub act: bool,
}

/// What happens to time while nobody asks. Bounds what a long sleep costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Time stops when nobody is present.
    Pause,
    /// At most this much time after the last frame is lived through, in milliseconds; the rest is
    /// cut.
    CatchUp {
        /// Milliseconds.
        max_ms: u32,
    },
    /// Time beyond the grace time after the last frame is cut.
    Skip,
}

impl Silence {
    /// The longest time after a frame that is lived through, if there is a bound.
    pub(crate) fn cap_ms(self, grace_ms: u32) -> Option<u64> {
        match self {
            Self::Pause => None,
            Self::CatchUp { max_ms } => Some(u64::from(max_ms)),
            Self::Skip => Some(u64::from(grace_ms)),
        }
    }
}

/// What rules may use beside their state.
#[derive(Debug)]
pub struct Context<'a, C> {
    pub(crate) config: &'a C,
    pub(crate) tick: u64,
    pub(crate) now_ms: u64,
    pub(crate) present: &'a [Player],
    pub(crate) random: Source<'a>,
    pub(crate) sends: &'a mut Vec<Send>,
    pub(crate) sends_left: usize,
    pub(crate) fuel: Fuel,
}

/// Steps that are left to one call of the rules. A cell, since `validate` only reads.
#[derive(Debug)]
pub(crate) struct Fuel(Cell<u64>);

impl Fuel {
    /// What a call begins with.
    pub(crate) fn of(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    fn burn(&self, steps: u64) {
        let left = self.0.get().checked_sub(steps);
        // A panic, so that no end costs what any other fault of the rules costs, by the same path.
        self.0
            .set(left.expect("the rules took more steps than a call of them may"));
    }
}

/// An action for another room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) target: Target,
    pub(crate) body: Vec<u8>,
}

/// Where a send goes. Rules know players by number; the room knows their users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `kind/name`.
    Room(String),
    /// The room of this kind that is named as the player's user.
    Of(Player, &'static str),
}

impl<'a, C> Context<'a, C> {
    /// The same context for rules that know the config under another type.
    pub(crate) fn with<D>(self, config: &'a D) -> Context<'a, D> {
        Context {
            config,
            tick: self.tick,
            now_ms: self.now_ms,
            present: self.present,
            random: self.random,
            sends: self.sends,
            sends_left: self.sends_left,
            fuel: self.fuel,
        }
    }

    /// What the room was told at its start.
    pub fn config(&self) -> &'a C {
        self.config
    }

    /// Ticks since the room began; while a tick is run, its number.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// The store's time in milliseconds since 1970, as the log has it: of the tick, or without ticks of the frame that is
    /// being made. A client that predicts knows the newest frame's.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Who is present, in rising order.
    pub fn present(&self) -> &'a [Player] {
        self.present
    }

    /// Random integers. In `apply`, nobody could know them before the frame was made. Takes a step.
    pub fn random(&mut self) -> &mut Random {
        self.fuel.burn(1);
        self.random.draw()
    }

    /// Puts a server action into another room, `kind/name`, exactly once, in the order of sending.
    /// `action` is of the receiving rules, at most
    /// [`MAX_SEND_BYTES`](crate::limits::MAX_SEND_BYTES) encoded; they validate it as done by
    /// [`By::Server`], and may reject it.
    ///
    /// It is kept until the target's log was seen to hold it, and a grace time longer. It is given up,
    /// and counted, if the room keeps too many, see [`Self::may_send`], or could not deliver it for
    /// [`SEND_EXPIRY_MS`](crate::limits::SEND_EXPIRY_MS). Should the room's own store lose a send that
    /// was delivered, the target keeps it, and what the room does in its stead is sent too.
    pub fn send<A: Serialize>(&mut self, target: &str, action: &A) {
        self.put(Target::Room(target.into()), action);
    }

    /// The same, into a player's own room of a kind: its name is the id of the player's user.
    pub fn send_to<A: Serialize>(&mut self, player: Player, kind: &'static str, action: &A) {
        self.put(Target::Of(player, kind), action);
    }

    /// Whether this many more sends are sure to be taken. Rules that must not lose a send ask here,
    /// in `validate`, before they accept the action that would send it.
    pub fn may_send(&self, count: usize) -> bool {
        self.sends.len().saturating_add(count) <= self.sends_left
    }

    /// Counts `steps` of a loop whose end the state decides, so that it has one: see
    /// [`Rules::FUEL`].
    pub fn step(&self, steps: u64) {
        self.fuel.burn(steps);
    }

    fn put<A: Serialize>(&mut self, target: Target, action: &A) {
        if let Ok(body) = postcard::to_allocvec(action) {
            self.fuel.burn(FUEL_PER_SEND + body.len() as u64);
            self.sends.push(Send { target, body });
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::id::Nonce;

    /// What a call with so many steps leaves in the outbox; `None` if it takes more.
    fn sends(steps: u64, call: impl Fn(&mut Context<'_, ()>)) -> Option<usize> {
        let (mut random, mut sends) = (Random::of_entry(Nonce::default(), 0), Vec::new());
        let mut ctx = Context {
            config: &(),
            tick: 0,
            now_ms: 0,
            present: &[],
            random: Source::Stream(&mut random),
            sends: &mut sends,
            sends_left: 2,
            fuel: Fuel::of(steps),
        };
        let done = catch_unwind(AssertUnwindSafe(|| call(&mut ctx)));
        done.is_ok().then_some(sends.len())
    }

    #[test]
    fn a_send_takes_steps_and_one_for_each_byte() {
        let five = |ctx: &mut Context<'_, ()>| ctx.send("kind/name", &[1_u8; 5]);
        let steps = FUEL_PER_SEND + 5;
        assert_eq!(sends(steps, five), Some(1));
        assert_eq!(sends(steps - 1, five), None);
        let twice = |ctx: &mut Context<'_, ()>| {
            five(ctx);
            ctx.send_to(3, "kind", &[1_u8; 5]);
        };
        assert_eq!(sends(2 * steps, twice), Some(2));
        assert_eq!(sends(2 * steps - 1, twice), None);
    }

    #[test]
    fn steps_are_counted_over_the_call() {
        let steps = |ctx: &mut Context<'_, ()>| (0..10).for_each(|_| ctx.step(10));
        assert_eq!(sends(100, steps), Some(0));
        assert_eq!(sends(99, steps), None);
    }

    #[test]
    fn what_may_be_sent_is_what_the_outbox_has_room_for() {
        let check = |ctx: &mut Context<'_, ()>| {
            let may = |ctx: &Context<'_, ()>| [1, 2, 3].map(|count| ctx.may_send(count));
            assert_eq!(may(ctx), [true, true, false]);
            ctx.send("kind/name", &());
            assert_eq!(may(ctx), [true, false, false]);
            ctx.send("kind/name", &());
            assert_eq!(may(ctx), [false; 3]);
        };
        assert_eq!(sends(FUEL, check), Some(2));
    }
}
