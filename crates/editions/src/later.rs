//! Rules of an account as later versions might be: the second words a look anew, knows a motto and no contrast any
//! more; the third counts mottos. What servers do keeps its bytes, as every version's must.

use alloc::string::String;

use account::{Account, Goal, Item, Legacy, Preference, State, reject};
use baton::{By, Ctx, Player, Reject, Rolling, Rules};
use contagion::{Inputs, MatchResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The second version.
#[derive(Clone, Copy, Debug)]
pub struct Second;

/// The third.
#[derive(Clone, Copy, Debug)]
pub struct Third;

/// A build that has the first two.
pub type Two = Rolling<Account, Second>;
/// A build that has all three.
pub type All = Rolling<Two, Third>;

/// The motto is longer than it may be; since the third version, much longer ones may be.
pub const LONG: Reject = Reject(40);
/// Bytes of a motto of the second version.
pub const MOTTO: usize = 16;

/// What is done since the second version.
#[allow(missing_docs, reason = "as in `account::Action`, but for two")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Match(MatchResult),
    Run {
        seed: u64,
        inputs: Inputs,
    },
    Buy(Item),
    /// With a shade, which nobody had before.
    Look {
        look: u8,
        shade: u8,
    },
    Prefer(Preference, u8),
    Reward(Goal),
    Deal,
    Check,
    Purchase(Item),
    Grant {
        coins: i64,
        scrap: i64,
    },
    Import(Legacy),
    /// What a player lives by.
    Motto(String),
}

impl Action {
    /// What it was called in the first version, if it was there.
    fn before(self) -> Option<account::Action> {
        use account::Action as First;
        Some(match self {
            Self::Match(result) => First::Match(result),
            Self::Run { seed, inputs } => First::Run { seed, inputs },
            Self::Buy(item) => First::Buy(item),
            Self::Look { look, .. } => First::Look(look),
            Self::Prefer(preference, value) => First::Prefer(preference, value),
            Self::Reward(goal) => First::Reward(goal),
            Self::Deal => First::Deal,
            Self::Check => First::Check,
            Self::Purchase(item) => First::Purchase(item),
            Self::Grant { coins, scrap } => First::Grant { coins, scrap },
            Self::Import(legacy) => First::Import(legacy),
            Self::Motto(_) => return None,
        })
    }
}

impl From<account::Action> for Action {
    fn from(first: account::Action) -> Self {
        use account::Action as First;
        match first {
            First::Match(result) => Self::Match(result),
            First::Run { seed, inputs } => Self::Run { seed, inputs },
            First::Buy(item) => Self::Buy(item),
            First::Look(look) => Self::Look { look, shade: 0 },
            First::Prefer(preference, value) => Self::Prefer(preference, value),
            First::Reward(goal) => Self::Reward(goal),
            First::Deal => Self::Deal,
            First::Check => Self::Check,
            First::Purchase(item) => Self::Purchase(item),
            First::Grant { coins, scrap } => Self::Grant { coins, scrap },
            First::Import(legacy) => Self::Import(legacy),
        }
    }
}

/// What is remembered since the second version: what was, and more.
#[allow(missing_docs, reason = "named by what sets them")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wider {
    pub was: State,
    pub shade: u8,
    pub motto: String,
}

/// Since the third.
#[allow(missing_docs, reason = "named by what sets them")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Widest {
    pub wider: Wider,
    pub mottos: u32,
}

impl Rules for Second {
    type Config = ();
    type State = Wider;
    type Action = Action;
    const KIND: &'static str = Account::KIND;
    const VERSION: u32 = 2;
    const PERSONAL: bool = true;
    const QUEUE: usize = Account::QUEUE;

    fn setup(ctx: &mut Ctx<'_, Self>) -> Wider {
        let was = Account::setup(ctx);
        Wider {
            was,
            ..Wider::default()
        }
    }

    fn validate(state: &Wider, by: By, action: &Action, ctx: &Ctx<'_, Self>) -> Result<(), Reject> {
        match (action, action.clone().before()) {
            (_, Some(first)) => Account::validate(&state.was, by, &first, ctx),
            (_, None) if by == By::Server => Err(reject::PLAYER_ONLY),
            (Action::Motto(motto), None) if motto.len() > MOTTO => Err(LONG),
            (_, None) => Ok(()),
        }
    }

    fn apply(state: &mut Wider, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        match &action {
            Action::Look { shade, .. } => state.shade = *shade,
            Action::Motto(motto) => state.motto.clone_from(motto),
            _ => {}
        }
        if let Some(first) = action.before() {
            Account::apply(&mut state.was, by, first, ctx);
        }
    }

    fn due(state: &Wider, ctx: &Ctx<'_, Self>) -> Option<Action> {
        Account::due(&state.was, ctx).map(Action::from)
    }

    /// What an old client knows is where it was.
    fn view(state: &Wider, who: Option<Player>) -> Value {
        let mut view = Account::view(&state.was, who);
        view["shade"] = state.shade.into();
        view["motto"] = state.motto.as_str().into();
        view
    }

    fn upcast(version: u32, bytes: &[u8]) -> Option<Action> {
        if version != Account::VERSION {
            return None;
        }
        match whole(bytes)? {
            // Every look has strong contrast now.
            account::Action::Prefer(Preference::Contrast, _) => None,
            first => Some(first.into()),
        }
    }

    fn migrate(version: u32, _: &[u8], state: &[u8]) -> Option<((), Wider)> {
        let was = (version == Account::VERSION).then(|| whole(state))??;
        let wider = Wider {
            was,
            ..Wider::default()
        };
        Some(((), wider))
    }
}

impl Rules for Third {
    type Config = ();
    type State = Widest;
    type Action = Action;
    const KIND: &'static str = Account::KIND;
    const VERSION: u32 = 3;
    const PERSONAL: bool = true;
    const QUEUE: usize = Account::QUEUE;

    fn setup(ctx: &mut Ctx<'_, Self>) -> Widest {
        let wider = Second::setup(ctx);
        Widest { wider, mottos: 0 }
    }

    fn validate(
        state: &Widest,
        by: By,
        action: &Action,
        ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match action {
            Action::Motto(motto) if by != By::Server && motto.len() <= 4 * MOTTO => Ok(()),
            _ => Second::validate(&state.wider, by, action, ctx),
        }
    }

    fn apply(state: &mut Widest, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        state.mottos += u32::from(matches!(action, Action::Motto(_)));
        Second::apply(&mut state.wider, by, action, ctx);
    }

    fn due(state: &Widest, ctx: &Ctx<'_, Self>) -> Option<Action> {
        Second::due(&state.wider, ctx)
    }

    fn view(state: &Widest, who: Option<Player>) -> Value {
        let mut view = Second::view(&state.wider, who);
        view["mottos"] = state.mottos.into();
        view
    }

    fn upcast(version: u32, bytes: &[u8]) -> Option<Action> {
        match version {
            Second::VERSION => whole(bytes),
            older => Second::upcast(older, bytes),
        }
    }

    fn migrate(version: u32, config: &[u8], state: &[u8]) -> Option<((), Widest)> {
        let wider = match version {
            Second::VERSION => whole(state)?,
            older => Second::migrate(older, config, state)?.1,
        };
        Some(((), Widest { wider, mottos: 0 }))
    }
}

fn whole<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}
