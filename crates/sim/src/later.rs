//! The rules that a rolling deploy brings, for rooms of any bank: another state, another encoding of
//! actions, a smaller amount allowed, another way to tell orders apart. Whatever is replayed by the
//! wrong rules, or migrated twice or never, comes to another state than the oracle says.

use std::marker::PhantomData;

use baton::{By, Ctx, Era, Player, Reject, Rolling, Rules, Silence};
use serde::{Deserialize, Serialize};

use crate::rules::{BankAction, BankState, ORDERED, TOO_MUCH, Wire};

/// Rules that the simulator can run: the same state and actions under any policy.
pub trait Game: Rules<State = BankState, Action = BankAction, Config = ()> {}
impl<R: Rules<State = BankState, Action = BankAction, Config = ()>> Game for R {}

/// What follows the rules `R`.
#[derive(Clone, Copy, Debug)]
pub struct Later<R>(PhantomData<R>);

/// A build, or a page, that has both.
pub type Both<R> = Rolling<R, Later<R>>;

/// The state of a room under the one or the other.
pub type EitherState = Era<BankState, LaterState>;

/// How much higher the version is than that of the rules before.
pub const LATER: u32 = 10;
/// The largest amount that may be added, taken or given at once: honest devices try more.
pub const LATER_MOST: i64 = 60;
/// How far an action turns [`BankState::order`].
pub const LATER_TURN: u32 = 11;

/// What the later rules remember.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterState {
    /// Whether the room began on the rules before.
    pub migrated: bool,
    /// As those have it.
    pub bank: BankState,
}

/// What a player does, as pages of the later rules encode it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterAction {
    /// The deed.
    pub what: BankAction,
    /// Whether it was written by the rules before. What comes from a device never says so.
    pub upcast: bool,
}

/// A state under the one or the other.
pub trait Banked {
    /// Its bank, and whether it is of the later rules.
    fn bank(&self) -> (&BankState, bool);
}

impl Banked for BankState {
    fn bank(&self) -> (&BankState, bool) {
        (self, false)
    }
}

impl Banked for LaterState {
    fn bank(&self) -> (&BankState, bool) {
        (&self.bank, true)
    }
}

impl Banked for EitherState {
    fn bank(&self) -> (&BankState, bool) {
        match self {
            Era::Old(bank) => bank.bank(),
            Era::New(later) => later.bank(),
        }
    }
}

/// Whether an amount is more than the later rules allow.
pub fn is_too_much(action: &BankAction) -> bool {
    match action {
        BankAction::Add(amount)
        | BankAction::Fine(amount)
        | BankAction::Spend(amount)
        | BankAction::Buy(amount)
        | BankAction::Give(_, amount)
        | BankAction::Wire(Wire { amount, .. }) => !(0..=LATER_MOST).contains(amount),
        _ => false,
    }
}

impl<R: Game> Rules for Later<R> {
    type Config = ();
    type State = LaterState;
    type Action = LaterAction;
    const KIND: &'static str = R::KIND;
    const VERSION: u32 = R::VERSION + LATER;
    const TICK_MS: u32 = R::TICK_MS;
    const GRACE_MS: u32 = R::GRACE_MS;
    const SILENCE: Silence = R::SILENCE;
    const PERSONAL: bool = R::PERSONAL;

    fn setup(_: &mut Ctx<'_, Self>) -> LaterState {
        LaterState::default()
    }

    fn validate(
        state: &LaterState,
        by: By,
        action: &LaterAction,
        ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match is_too_much(&action.what) {
            true => Err(TOO_MUCH),
            false => R::validate(&state.bank, by, &action.what, ctx),
        }
    }

    fn apply(state: &mut LaterState, by: By, action: LaterAction, ctx: &mut Ctx<'_, Self>) {
        let mark = match by {
            By::Player(who) => u64::from(who) + 1,
            By::Server => ORDERED,
        };
        let order = state.bank.order.rotate_left(LATER_TURN) ^ mark;
        R::apply(&mut state.bank, by, action.what, ctx);
        state.bank.order = order;
    }

    fn orders(action: &LaterAction) -> bool {
        R::orders(&action.what)
    }

    fn tick(state: &mut LaterState, ctx: &mut Ctx<'_, Self>) {
        R::tick(&mut state.bank, ctx);
    }

    fn joined(state: &mut LaterState, who: Player, ctx: &mut Ctx<'_, Self>) {
        R::joined(&mut state.bank, who, ctx);
    }

    fn left(state: &mut LaterState, who: Player, ctx: &mut Ctx<'_, Self>) {
        R::left(&mut state.bank, who, ctx);
    }

    fn view(state: &LaterState, who: Option<Player>) -> serde_json::Value {
        R::view(&state.bank, who)
    }

    fn upcast(version: u32, action: &[u8]) -> Option<LaterAction> {
        let (what, rest) = postcard::take_from_bytes(action).ok()?;
        let whole = version == R::VERSION && rest.is_empty();
        whole.then_some(LaterAction { what, upcast: true })
    }

    fn migrate(version: u32, _: &[u8], state: &[u8]) -> Option<((), LaterState)> {
        let bank = postcard::from_bytes(state).ok()?;
        let migrated = true;
        (version == R::VERSION).then_some(((), LaterState { migrated, bank }))
    }
}
