//! Two versions of a kind's rules in one build, for the time in which rooms change from one to the
//! other. Decides which of the two a call is for, by the room; knows nothing of when to change.

use core::marker::PhantomData;

use serde::{Serialize, Serializer};

use crate::id::Hash;
use crate::kind::{Edition, Kind, Pace, encode};
use crate::room::Room;
use crate::rules::{Access, By, Context, Player, Reject, Rules};

/// A kind whose rooms play by `Old` until the operator's setting, or the log, says `New`.
///
/// Three versions are `Rolling<Rolling<One, Two>, Three>`. A room of it replays any history of these
/// versions from its first frame, and so does a replica. That `New` is a later version of the same
/// kind is checked when it is compiled. What to do in which order: see [`Rules`].
///
/// ```
/// use baton::{Rolling, Setup, Writer};
/// # use baton::{By, Ctx, Player, Reject, Rules};
/// # macro_rules! sheep { ($name:ident, $version:literal, $state:ty) => {
/// #     struct $name;
/// #     impl Rules for $name {
/// #         type Config = ();
/// #         type State = $state;
/// #         type Action = u8;
/// #         const KIND: &'static str = "sheep";
/// #         const VERSION: u32 = $version;
/// #         fn setup(_: &mut Ctx<'_, Self>) -> $state { 0 }
/// #         fn validate(_: &$state, _: By, _: &u8, _: &Ctx<'_, Self>) -> Result<(), Reject> { Ok(()) }
/// #         fn apply(_: &mut $state, _: By, _: u8, _: &mut Ctx<'_, Self>) {}
/// #         fn view(_: &$state, _: Option<Player>) -> serde_json::Value { serde_json::Value::Null }
/// #     }
/// # } }
/// # sheep!(Sheep1, 1, u32);
/// # sheep!(Sheep2, 2, u64);
///
/// let setup = Setup::from_json(r#"{"rules": {"sheep": 2}}"#)?;
/// let served = setup.serve::<Rolling<Sheep1, Sheep2>>(Writer([1; 8]))?;
/// assert_eq!(served.kind(), "sheep");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Rolling<Old, New>(PhantomData<(Old, New)>);

/// Something of the one version or of the other. Encoded as what it holds: a room has the same bytes
/// whether the build knows one version or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era<Old, New> {
    /// Of the earlier rules.
    Old(Old),
    /// Of the later rules.
    New(New),
}

impl<Old: Serialize, New: Serialize> Serialize for Era<Old, New> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Old(old) => old.serialize(serializer),
            Self::New(new) => new.serialize(serializer),
        }
    }
}

impl<Old, New> Era<Old, New> {
    /// The same, borrowed.
    pub fn as_ref(&self) -> Era<&Old, &New> {
        match self {
            Self::Old(old) => Era::Old(old),
            Self::New(new) => Era::New(new),
        }
    }

    /// The same, borrowed to be changed.
    pub fn as_mut(&mut self) -> Era<&mut Old, &mut New> {
        match self {
            Self::Old(old) => Era::Old(old),
            Self::New(new) => Era::New(new),
        }
    }
}

/// A state with the context that belongs to it.
fn pair<'a, Old, New, C, D>(
    state: Era<Old, New>,
    ctx: Context<'a, Era<C, D>>,
) -> Era<(Old, Context<'a, C>), (New, Context<'a, D>)> {
    match (state, ctx.config) {
        (Era::Old(state), Era::Old(config)) => Era::Old((state, ctx.with(config))),
        (Era::New(state), Era::New(config)) => Era::New((state, ctx.with(config))),
        _ => unreachable!("a room's config and state change together"),
    }
}

const fn follows(old: (&str, u32), new: (&str, u32)) -> bool {
    let (a, b) = (old.0.as_bytes(), new.0.as_bytes());
    let mut same = a.len() == b.len();
    let mut at = 0;
    while same && at < a.len() {
        same = a[at] == b[at];
        at += 1;
    }
    same && old.1 < new.1
}

impl<Old: Kind, New: Rules> Kind for Rolling<Old, New> {
    type Config = Era<Old::Config, New::Config>;
    type State = Era<Old::State, New::State>;
    type Action = Era<Old::Action, New::Action>;

    const NAME: &'static str = {
        assert!(
            follows((Old::NAME, Old::LAST), (New::KIND, New::VERSION)),
            "the second rules are a later version of the same kind"
        );
        New::KIND
    };
    const FIRST: u32 = Old::FIRST;
    const LAST: u32 = New::VERSION;
    const PERSONAL: bool = {
        assert!(
            Old::PERSONAL == New::PERSONAL,
            "a room does not change hands"
        );
        New::PERSONAL
    };
    const QUEUE: usize = New::QUEUE;
    const WARM_BYTES: usize = match Old::WARM_BYTES > New::WARM_BYTES {
        true => Old::WARM_BYTES,
        false => New::WARM_BYTES,
    };

    fn knows(rules: Hash) -> bool {
        Old::knows(rules) || New::knows(rules)
    }

    fn edition(config: &Self::Config) -> Edition {
        match config {
            Era::Old(config) => Old::edition(config),
            Era::New(config) => New::edition(config),
        }
    }

    fn pace(config: &Self::Config) -> Pace {
        match config {
            Era::Old(config) => Old::pace(config),
            Era::New(config) => New::pace(config),
        }
    }

    fn configure(
        json: Option<&serde_json::Value>,
        wanted: u32,
    ) -> Result<Self::Config, serde_json::Error> {
        match wanted < New::VERSION {
            true => Old::configure(json, wanted).map(Era::Old),
            false => New::configure(json, wanted).map(Era::New),
        }
    }

    fn read_config(rules: Hash, bytes: &[u8]) -> Option<Self::Config> {
        match Old::knows(rules) {
            true => Old::read_config(rules, bytes).map(Era::Old),
            false => New::read_config(rules, bytes).map(Era::New),
        }
    }

    fn read_action(
        config: &Self::Config,
        version: u32,
        bytes: &[u8],
    ) -> Result<Self::Action, Reject> {
        match config {
            Era::Old(config) => Old::read_action(config, version, bytes).map(Era::Old),
            Era::New(config) => New::read_action(config, version, bytes).map(Era::New),
        }
    }

    fn version_of(action: &Self::Action) -> u32 {
        match action {
            Era::Old(action) => Old::version_of(action),
            Era::New(_) => New::VERSION,
        }
    }

    fn next(config: &Self::Config, wanted: u32) -> Option<Edition> {
        let Era::Old(config) = config else {
            return None;
        };
        let new = Edition {
            rules: New::id(),
            version: New::VERSION,
        };
        Old::next(config, wanted).or((New::VERSION <= wanted).then_some(new))
    }

    fn switch(
        to: Edition,
        config: &Self::Config,
        state: &Self::State,
    ) -> Option<(Self::Config, Self::State)> {
        let (Era::Old(config), Era::Old(state)) = (config, state) else {
            return None;
        };
        if let Some((config, state)) = Old::switch(to, config, state) {
            return Some((Era::Old(config), Era::Old(state)));
        }
        if to.rules != New::id() {
            return None;
        }
        let version = Old::edition(config).version;
        let (config, state) = New::migrate(version, &encode(config), &encode(state))?;
        Some((Era::New(config), Era::New(state)))
    }

    fn restore(rules: Hash, canonical: &[u8]) -> Option<Room<Self>> {
        match Old::knows(rules) {
            true => Old::restore(rules, canonical)
                .map(|room| room.retyped(|config, state| (Era::Old(config), Era::Old(state)))),
            false => New::restore(rules, canonical)
                .map(|room| room.retyped(|config, state| (Era::New(config), Era::New(state)))),
        }
    }

    fn setup(ctx: Context<'_, Self::Config>) -> Self::State {
        match ctx.config {
            Era::Old(config) => Era::Old(Old::setup(ctx.with(config))),
            Era::New(config) => Era::New(<New as Kind>::setup(ctx.with(config))),
        }
    }

    fn validate(
        state: &Self::State,
        by: By,
        action: &Self::Action,
        ctx: Context<'_, Self::Config>,
    ) -> Result<(), Reject> {
        match (pair(state.as_ref(), ctx), action) {
            (Era::Old((state, ctx)), Era::Old(action)) => Old::validate(state, by, action, ctx),
            (Era::New((state, ctx)), Era::New(action)) => {
                <New as Kind>::validate(state, by, action, ctx)
            }
            // Only a client's own wish can be of the other version: what is sent is read by the
            // room's.
            _ => Err(Reject::OUTDATED),
        }
    }

    fn apply(
        state: &mut Self::State,
        by: By,
        action: Self::Action,
        ctx: Context<'_, Self::Config>,
    ) {
        match (pair(state.as_mut(), ctx), action) {
            (Era::Old((state, ctx)), Era::Old(action)) => Old::apply(state, by, action, ctx),
            (Era::New((state, ctx)), Era::New(action)) => {
                <New as Kind>::apply(state, by, action, ctx);
            }
            // Never validated.
            _ => {}
        }
    }

    fn due(state: &Self::State, ctx: Context<'_, Self::Config>) -> Option<Self::Action> {
        match pair(state.as_ref(), ctx) {
            Era::Old((state, ctx)) => Old::due(state, ctx).map(Era::Old),
            Era::New((state, ctx)) => <New as Kind>::due(state, ctx).map(Era::New),
        }
    }

    fn orders(action: &Self::Action) -> bool {
        match action {
            Era::Old(action) => Old::orders(action),
            Era::New(action) => <New as Kind>::orders(action),
        }
    }

    fn tick(state: &mut Self::State, ctx: Context<'_, Self::Config>) {
        match pair(state.as_mut(), ctx) {
            Era::Old((state, ctx)) => Old::tick(state, ctx),
            Era::New((state, ctx)) => <New as Kind>::tick(state, ctx),
        }
    }

    fn joined(state: &mut Self::State, who: Player, ctx: Context<'_, Self::Config>) {
        match pair(state.as_mut(), ctx) {
            Era::Old((state, ctx)) => Old::joined(state, who, ctx),
            Era::New((state, ctx)) => <New as Kind>::joined(state, who, ctx),
        }
    }

    fn left(state: &mut Self::State, who: Player, ctx: Context<'_, Self::Config>) {
        match pair(state.as_mut(), ctx) {
            Era::Old((state, ctx)) => Old::left(state, who, ctx),
            Era::New((state, ctx)) => <New as Kind>::left(state, who, ctx),
        }
    }

    fn access(state: &Self::State, who: Option<Player>) -> Access {
        match state {
            Era::Old(state) => Old::access(state, who),
            Era::New(state) => <New as Kind>::access(state, who),
        }
    }

    fn view(state: &Self::State, who: Option<Player>) -> serde_json::Value {
        match state {
            Era::Old(state) => Old::view(state, who),
            Era::New(state) => <New as Kind>::view(state, who),
        }
    }
}
