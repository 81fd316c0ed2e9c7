//! A fault, and its repair: rules of an account that pay every reward twice, and those that pay it once, as the next version.

use account::{Account, Action};
use baton::{By, Ctx, Player, Reject, Rolling, Rules};

/// The rules of an account, but for one slip: a reward is paid twice.
#[derive(Clone, Copy, Debug)]
pub struct Doubled;

/// The rules as they should have been, as the next version.
#[derive(Clone, Copy, Debug)]
pub struct Mended;

/// What a build serves while accounts change from the one to the other.
pub type Both = Rolling<Doubled, Mended>;

macro_rules! as_account {
    () => {
        type Config = ();
        type State = account::State;
        type Action = Action;
        const KIND: &'static str = Account::KIND;
        const PERSONAL: bool = true;
        const QUEUE: usize = Account::QUEUE;

        fn setup(ctx: &mut Ctx<'_, Self>) -> account::State {
            Account::setup(ctx)
        }

        fn validate(
            state: &account::State,
            by: By,
            action: &Action,
            ctx: &Ctx<'_, Self>,
        ) -> Result<(), Reject> {
            Account::validate(state, by, action, ctx)
        }

        fn due(state: &account::State, ctx: &Ctx<'_, Self>) -> Option<Action> {
            Account::due(state, ctx)
        }

        fn view(state: &account::State, who: Option<Player>) -> serde_json::Value {
            Account::view(state, who)
        }
    };
}

impl Rules for Doubled {
    as_account!();
    const VERSION: u32 = 1;
    const GOLDEN: &'static str = "every reward twice";

    fn apply(state: &mut account::State, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        if let Action::Reward(goal) = &action {
            state.coins = state.coins.saturating_add(goal.coins());
        }
        Account::apply(state, by, action, ctx);
    }
}

impl Rules for Mended {
    as_account!();
    const VERSION: u32 = 2;
    const GOLDEN: &'static str = "every reward once";

    fn apply(state: &mut account::State, by: By, action: Action, ctx: &mut Ctx<'_, Self>) {
        Account::apply(state, by, action, ctx);
    }

    fn upcast(version: u32, bytes: &[u8]) -> Option<Action> {
        (version == Doubled::VERSION)
            .then(|| postcard::from_bytes(bytes).ok())
            .flatten()
    }

    fn migrate(version: u32, _: &[u8], state: &[u8]) -> Option<((), account::State)> {
        let state = (version == Doubled::VERSION).then(|| postcard::from_bytes(state).ok());
        state.flatten().map(|state| ((), state))
    }
}
