//! A kind of room as rooms, handlers and replicas see it: rules of one version, or of two that
//! follow each other ([`Rolling`](crate::Rolling)). Authors write [`Rules`]; every `Rules` is a
//! kind. Knows nothing of frames, stores or clients.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::id::Hash;
use crate::room::Room;
use crate::rules::{Access, By, Context, Player, Reject, Rules, Silence};

/// One version of a kind's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Identity of the rules.
    pub rules: Hash,
    /// Their version; 0 if nothing is known of it.
    pub version: u32,
}

/// How time passes under rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds per tick; 0 without ticks.
    pub tick_ms: u32,
    /// A player who was not heard of for this long has left.
    pub grace_ms: u32,
    /// What silence does to time.
    pub silence: Silence,
    /// Steps that one call of the rules may take.
    pub fuel: u64,
}

impl Pace {
    /// The grace time in ticks.
    pub(crate) fn grace_ticks(self) -> u64 {
        u64::from(self.grace_ms / self.tick_ms.max(1))
    }
}

/// What a room plays by. Not to be written by authors, who write [`Rules`].
///
/// A room's config and state are always of the same edition.
pub trait Kind: Sized + 'static {
    /// What a room is told at its start.
    type Config: Clone + Serialize;
    /// Everything the rules remember.
    type State: Clone + Serialize;
    /// What a player, or the server, does.
    type Action: Clone + Serialize;

    /// The kind of room.
    const NAME: &'static str;
    /// The lowest version that it can play.
    const FIRST: u32;
    /// The highest version that it can play.
    const LAST: u32;
    /// [`Rules::PERSONAL`]
    const PERSONAL: bool;
    /// [`Rules::QUEUE`]
    const QUEUE: usize;
    /// [`Rules::WARM_BYTES`]
    const WARM_BYTES: usize;

    /// Whether it can play by these rules.
    fn knows(rules: Hash) -> bool;

    /// The edition that a config, and the room that has it, is of.
    fn edition(config: &Self::Config) -> Edition;

    /// How time passes in a room.
    fn pace(config: &Self::Config) -> Pace;

    /// The config for rooms that begin while the operator wants them on version `wanted`, from JSON
    /// or the default.
    fn configure(
        json: Option<&serde_json::Value>,
        wanted: u32,
    ) -> Result<Self::Config, serde_json::Error>;

    /// Reads a first frame's config, all of it. `None` if it is not one of these rules.
    fn read_config(rules: Hash, bytes: &[u8]) -> Option<Self::Config>;

    /// Reads an action that a device wrote by the rules of `version`, for a room that plays by the
    /// same or later ones.
    fn read_action(
        config: &Self::Config,
        version: u32,
        bytes: &[u8],
    ) -> Result<Self::Action, Reject>;

    /// The version by whose rules an action is encoded.
    fn version_of(action: &Self::Action) -> u32;

    /// The rules that a room should change to next, if the operator wants it on version `wanted`.
    fn next(config: &Self::Config, wanted: u32) -> Option<Edition>;

    /// The room's config and state under later rules; `None` if those refuse, or are not here.
    fn switch(
        to: Edition,
        config: &Self::Config,
        state: &Self::State,
    ) -> Option<(Self::Config, Self::State)>;

    /// Reads a room's canonical bytes, all of them, which are of the rules named.
    fn restore(rules: Hash, canonical: &[u8]) -> Option<Room<Self>>;

    /// [`Rules::setup`]
    fn setup(ctx: Context<'_, Self::Config>) -> Self::State;

    /// [`Rules::validate`]
    fn validate(
        state: &Self::State,
        by: By,
        action: &Self::Action,
        ctx: Context<'_, Self::Config>,
    ) -> Result<(), Reject>;

    /// [`Rules::apply`]
    fn apply(state: &mut Self::State, by: By, action: Self::Action, ctx: Context<'_, Self::Config>);

    /// [`Rules::due`]
    fn due(state: &Self::State, ctx: Context<'_, Self::Config>) -> Option<Self::Action>;

    /// [`Rules::orders`]
    fn orders(action: &Self::Action) -> bool;

    /// [`Rules::tick`]
    fn tick(state: &mut Self::State, ctx: Context<'_, Self::Config>);

    /// [`Rules::joined`]
    fn joined(state: &mut Self::State, who: Player, ctx: Context<'_, Self::Config>);

    /// [`Rules::left`]
    fn left(state: &mut Self::State, who: Player, ctx: Context<'_, Self::Config>);

    /// [`Rules::access`]
    fn access(state: &Self::State, who: Option<Player>) -> Access;

    /// [`Rules::view`]
    fn view(state: &Self::State, who: Option<Player>) -> serde_json::Value;
}

/// Rules of one version.
impl<R: Rules> Kind for R {
    type Config = R::Config;
    type State = R::State;
    type Action = R::Action;

    const NAME: &'static str = R::KIND;
    const FIRST: u32 = R::VERSION;
    const LAST: u32 = R::VERSION;
    const PERSONAL: bool = R::PERSONAL;
    const QUEUE: usize = R::QUEUE;
    const WARM_BYTES: usize = R::WARM_BYTES;

    fn knows(rules: Hash) -> bool {
        rules == R::id()
    }

    fn edition(_: &R::Config) -> Edition {
        Edition {
            rules: R::id(),
            version: R::VERSION,
        }
    }

    fn pace(_: &R::Config) -> Pace {
        Pace {
            tick_ms: R::TICK_MS,
            grace_ms: R::GRACE_MS,
            silence: R::SILENCE,
            fuel: R::FUEL,
        }
    }

    fn configure(json: Option<&serde_json::Value>, _: u32) -> Result<R::Config, serde_json::Error> {
        json.map_or_else(|| Ok(R::Config::default()), R::Config::deserialize)
    }

    fn read_config(rules: Hash, bytes: &[u8]) -> Option<R::Config> {
        whole(bytes).filter(|_| Self::knows(rules))
    }

    fn read_action(_: &R::Config, version: u32, bytes: &[u8]) -> Result<R::Action, Reject> {
        if version == R::VERSION {
            return whole(bytes).ok_or(Reject::MALFORMED);
        }
        R::upcast(version, bytes).ok_or(Reject::OUTDATED)
    }

    fn version_of(_: &R::Action) -> u32 {
        R::VERSION
    }

    fn next(_: &R::Config, _: u32) -> Option<Edition> {
        None
    }

    fn switch(_: Edition, _: &R::Config, _: &R::State) -> Option<(R::Config, R::State)> {
        None
    }

    fn restore(rules: Hash, canonical: &[u8]) -> Option<Room<R>> {
        whole(canonical).filter(|_| Self::knows(rules))
    }

    fn setup(mut ctx: Context<'_, R::Config>) -> R::State {
        <R as Rules>::setup(&mut ctx)
    }

    fn validate(
        state: &R::State,
        by: By,
        action: &R::Action,
        ctx: Context<'_, R::Config>,
    ) -> Result<(), Reject> {
        <R as Rules>::validate(state, by, action, &ctx)
    }

    fn apply(state: &mut R::State, by: By, action: R::Action, mut ctx: Context<'_, R::Config>) {
        <R as Rules>::apply(state, by, action, &mut ctx);
    }

    fn due(state: &R::State, ctx: Context<'_, R::Config>) -> Option<R::Action> {
        <R as Rules>::due(state, &ctx)
    }

    fn orders(action: &R::Action) -> bool {
        <R as Rules>::orders(action)
    }

    fn tick(state: &mut R::State, mut ctx: Context<'_, R::Config>) {
        <R as Rules>::tick(state, &mut ctx);
    }

    fn joined(state: &mut R::State, who: Player, mut ctx: Context<'_, R::Config>) {
        <R as Rules>::joined(state, who, &mut ctx);
    }

    fn left(state: &mut R::State, who: Player, mut ctx: Context<'_, R::Config>) {
        <R as Rules>::left(state, who, &mut ctx);
    }

    fn access(state: &R::State, who: Option<Player>) -> Access {
        <R as Rules>::access(state, who)
    }

    fn view(state: &R::State, who: Option<Player>) -> serde_json::Value {
        <R as Rules>::view(state, who)
    }
}

fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// The encoding of a config or a state.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Made of integers and collections of known length; see `Rules::State`.
    postcard::to_allocvec(value).expect("no lengths unknown beforehand")
}
