//! Rules to test with: balances that must never fall below zero, refusals with codes, rolls, a timer
//! that fires once, a herd that grows with time, and in a room of one's own a purse for what is ordered, and amounts that rooms send each other. Small and simple,
//! so that a failure is the engine's and so that the oracle in `check` can say without them what they must come to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use baton::{By, Ctx, Player, Reject, Rules, Silence};
use serde::{Deserialize, Serialize};

/// The rules under one policy for silence: [`PAUSE`], [`SKIP`], [`CATCH_UP`], or [`STILL`] without ticks; with [`OWN`] beside
/// it, of a room that is one user's own.
#[derive(Clone, Copy, Debug)]
pub struct Bank<const POLICY: u8>;

/// Time stops when nobody is present.
pub const PAUSE: u8 = 0;
/// Time beyond the grace time is cut.
pub const SKIP: u8 = 1;
/// Up to [`CATCH_UP_MS`] of a silence is lived through.
pub const CATCH_UP: u8 = 2;
/// No ticks at all, as an account has it.
pub const STILL: u8 = 3;
/// A room is one user's own, and takes orders.
pub const OWN: u8 = 4;

/// How much of a silence a [`CATCH_UP`] room lives through.
pub const CATCH_UP_MS: u32 = 60_000;
/// Of the rooms that tick.
pub const TICK_MS: u32 = 100;
/// Who is silent for longer has left.
pub const GRACE_MS: u32 = 6_000;
/// The herd grows with every tick that is a multiple of this.
pub const HERD_TICKS: u64 = 10;
/// The largest amount that may be added, taken or given at once.
pub const MOST: i64 = 1_000;

/// The longest that a curse takes, in ticks.
pub const CURSE_TICKS: u64 = 300;

/// More than [`MOST`], or less than nothing.
pub const TOO_MUCH: Reject = Reject(7);
/// More than the player has.
pub const TOO_POOR: Reject = Reject(8);
/// The timer runs already.
pub const ARMED: Reject = Reject(9);
/// What only the server does.
pub const NOT_YOURS: Reject = Reject(10);
/// What another room sent, and this one does not take.
pub const RETURNED: Reject = Reject(11);
/// Of what rooms send each other, one in so many is not taken.
pub const RETURNS: u64 = 8;

/// What [`BankState::order`] has of an order, which is no player's.
pub const ORDERED: u64 = u64::MAX;

/// What the rules remember.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankState {
    /// What each player has. Never below zero.
    pub balances: BTreeMap<Player, i64>,
    /// What each player has rolled, in all.
    pub luck: BTreeMap<Player, u64>,
    /// All that was added and not spent or taken: the sum of the balances.
    pub total: i64,
    /// One more with every tenth tick.
    pub herd: u64,
    /// Ticks that were run, to be compared with the number that the room tells.
    pub ticks: u64,
    /// When the timer fires.
    pub due: Option<u64>,
    /// How often it did.
    pub fired: u64,
    /// Who came, less who left.
    pub here: i64,
    /// Of every action in its order: two orders differ.
    pub order: u64,
    /// The tick that breaks the rules.
    pub cursed: Option<u64>,
    /// What was added in a room of one's own and not spent by orders. Never below zero.
    pub coins: i64,
    /// What other rooms sent.
    pub received: i64,
    /// What time it was at the last tick, and when somebody came or went.
    pub told_ms: u64,
}

/// What a player does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BankAction {
    /// Adds to the player's balance.
    Add(i64),
    /// Takes away, if there is enough.
    Spend(i64),
    /// Takes away what there is: a balance that would be negative is zero.
    Fine(i64),
    /// Moves from the player to another, if there is enough.
    Give(Player, i64),
    /// Rolls a die.
    Roll,
    /// Starts the timer, to fire after so many ticks, if it does not run.
    Arm(u64),
    /// Says something, of any length.
    Say(String),
    /// Breaks the rules, in a handler.
    Break(Fault),
    /// Has time break them, in a handler, after so many ticks, at most [`CURSE_TICKS`].
    Curse(u64),
    /// Takes so many coins, if there are enough. Only the server does; the room's user may order it.
    Buy(i64),
    /// Takes from the player, if there is enough, and sends it to another room.
    Wire(Wire),
    /// The same as it arrives there. Only the server does.
    Credit(Wire),
}

/// An amount on its way to another room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// The room's number.
    pub to: u32,
    /// How much.
    pub amount: i64,
    /// By which it is told apart from all others.
    pub tag: u64,
}

/// How an action breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Panics when half of it is done.
    Panic,
    /// Never ends.
    Endless,
    /// Grows without end.
    Grow,
}

impl<const POLICY: u8> Rules for Bank<POLICY> {
    type Config = ();
    type State = BankState;
    type Action = BankAction;
    const KIND: &'static str = "bank";
    const VERSION: u32 = POLICY as u32 + 1;
    const PERSONAL: bool = POLICY & OWN != 0;
    const TICK_MS: u32 = if POLICY & !OWN == STILL { 0 } else { TICK_MS };
    const GRACE_MS: u32 = GRACE_MS;
    const SILENCE: Silence = match POLICY & !OWN {
        SKIP => Silence::Skip,
        CATCH_UP => Silence::CatchUp {
            max_ms: CATCH_UP_MS,
        },
        _ => Silence::Pause,
    };

    fn setup(_: &mut Ctx<'_, Self>) -> BankState {
        BankState::default()
    }

    fn validate(
        state: &BankState,
        by: By,
        action: &BankAction,
        ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        let endless = || {
            while breaks() {
                ctx.step(1_000);
            }
        };
        let fair = |amount: i64| match (0..=MOST).contains(&amount) {
            true => Ok(()),
            false => Err(TOO_MUCH),
        };
        let By::Player(who) = by else {
            return match action {
                BankAction::Buy(price) if state.coins >= *price => fair(*price),
                BankAction::Buy(price) => fair(*price).and(Err(TOO_POOR)),
                BankAction::Break(Fault::Endless) => {
                    endless();
                    Ok(())
                }
                BankAction::Credit(wire) if wire.tag % RETURNS == 0 => Err(RETURNED),
                _ => Ok(()),
            };
        };
        let rich = |amount: i64| match state.of(who) >= amount {
            true => Ok(()),
            false => Err(TOO_POOR),
        };
        match action {
            BankAction::Add(amount) | BankAction::Fine(amount) => fair(*amount),
            BankAction::Spend(amount)
            | BankAction::Give(_, amount)
            | BankAction::Wire(Wire { amount, .. }) => fair(*amount).and_then(|()| rich(*amount)),
            BankAction::Arm(_) if state.due.is_some() => Err(ARMED),
            BankAction::Buy(_) | BankAction::Credit(_) => Err(NOT_YOURS),
            BankAction::Break(Fault::Endless) => {
                endless();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn apply(state: &mut BankState, by: By, action: BankAction, ctx: &mut Ctx<'_, Self>) {
        let (who, mark) = match by {
            By::Player(who) => (who, u64::from(who) + 1),
            // What may be ordered touches no player's balance.
            By::Server => (Player::MAX, ORDERED),
        };
        state.order = state.order.rotate_left(7) ^ mark;
        match action {
            BankAction::Add(amount) => {
                state.pay(who, amount);
                state.coins += if Self::PERSONAL { amount } else { 0 };
            }
            BankAction::Buy(price) => state.coins -= price,
            BankAction::Wire(wire) => {
                state.pay(who, -wire.amount);
                ctx.send(
                    &room_name(Self::PERSONAL, wire.to),
                    &BankAction::Credit(wire),
                );
            }
            BankAction::Credit(wire) => state.received += wire.amount,
            BankAction::Spend(amount) => state.pay(who, -amount),
            BankAction::Fine(amount) => state.pay(who, -amount.min(state.of(who))),
            BankAction::Give(to, amount) => {
                state.pay(who, -amount);
                state.pay(to, amount);
            }
            BankAction::Roll => {
                *state.luck.entry(who).or_default() += u64::from(ctx.random().below(6)) + 1;
            }
            BankAction::Arm(after) => state.due = Some(ctx.tick() + after.max(1)),
            BankAction::Say(_) => {}
            BankAction::Break(fault) => {
                state.total += 1;
                let mut grows: Vec<[u64; 8]> = Vec::new();
                while breaks() && fault == Fault::Grow {
                    grows.push([0; 8]);
                    ctx.step(64);
                }
                assert!(!breaks(), "an action that breaks the rules");
            }
            BankAction::Curse(after) => {
                let at = ctx.tick() + after.clamp(1, CURSE_TICKS);
                state.cursed = Some(state.cursed.map_or(at, |cursed| cursed.min(at)));
            }
        }
    }

    fn orders(action: &BankAction) -> bool {
        Self::PERSONAL && is_ordered(action)
    }

    fn tick(state: &mut BankState, ctx: &mut Ctx<'_, Self>) {
        let cursed = state.cursed.is_some_and(|at| ctx.tick() >= at);
        assert!(!(cursed && breaks()), "time that breaks the rules");
        state.ticks += 1;
        state.told_ms = ctx.now_ms();
        if ctx.tick().is_multiple_of(HERD_TICKS) {
            state.herd += 1;
        }
        if state.due.is_some_and(|due| ctx.tick() >= due) {
            state.due = None;
            state.fired += 1;
        }
    }

    fn joined(state: &mut BankState, _: Player, ctx: &mut Ctx<'_, Self>) {
        state.here += 1;
        state.told_ms = ctx.now_ms();
    }

    fn left(state: &mut BankState, _: Player, ctx: &mut Ctx<'_, Self>) {
        state.here -= 1;
        state.told_ms = ctx.now_ms();
    }

    fn view(state: &BankState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "total": state.total, "herd": state.herd })
    }
}

/// What a room is called.
pub fn room_name(personal: bool, number: u32) -> String {
    let user = if personal { "u" } else { "" };
    format!("bank/{user}{number}")
}

/// What the user of a room may order.
pub fn is_ordered(action: &BankAction) -> bool {
    matches!(action, BankAction::Buy(_) | BankAction::Break(_))
}

impl BankState {
    /// What a player has.
    pub fn of(&self, who: Player) -> i64 {
        self.balances.get(&who).copied().unwrap_or_default()
    }

    fn pay(&mut self, who: Player, amount: i64) {
        *self.balances.entry(who).or_default() += amount;
        self.total += amount;
    }
}

thread_local! {
    /// Whether a handler runs the rules on this thread, and whether they have broken in it.
    static HANDLER: Cell<(bool, bool)> = const { Cell::new((false, false)) };
}

/// Whether the rules are to break now. They do in a handler alone: what a page would break on too, it would never send.
fn breaks() -> bool {
    let (inside, broke) = HANDLER.get();
    HANDLER.set((inside, broke || inside));
    inside
}

/// A million panics that are meant would hide the one that is not, and its seed.
fn hush() {
    let before = take_hook();
    set_hook(Box::new(move |panic| {
        let (_, broke) = HANDLER.get();
        if !broke {
            before(panic);
        }
    }));
}

/// Runs a step of a handler. `None` if the rules broke in it, as they are made to; it takes its instance with it. Any
/// other panic is the product's.
pub fn step<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HUSH: Once = Once::new();
    HUSH.call_once(hush);
    HANDLER.set((true, false));
    let done = catch_unwind(AssertUnwindSafe(work));
    let (_, broke) = HANDLER.replace((false, false));
    match done {
        Ok(done) => Some(done),
        Err(_) if broke => None,
        Err(panic) => resume_unwind(panic),
    }
}
