//! One game in two versions that have nothing in common but its name: another state, other
//! encodings of actions and config, other verdicts.

use std::collections::BTreeMap;

use baton::{Access, By, Ctx, Player, Reject, Rolling, Rules};
use serde::{Deserialize, Serialize};

/// The first version.
#[derive(Clone, Copy, Debug)]
pub struct One;

/// The second.
#[derive(Clone, Copy, Debug)]
pub struct Two;

/// The third, which differs from the second in its pace alone: twice as many ticks.
#[derive(Clone, Copy, Debug)]
pub struct Three;

/// A build that has both.
pub type Both = Rolling<One, Two>;

/// A build that has all three.
pub type All = Rolling<Both, Three>;

pub const KIND: &str = "flock";
pub const TOO_MUCH: Reject = Reject(7);
pub const TOO_MUCH_NOW: Reject = Reject(9);
/// The largest amount that may be added by the first rules; the second allow a tenth of it.
pub const MOST: i64 = 1_000_000;
/// The level at which the second rules show a room to its players only.
pub const FENCED: u8 = 13;
/// The level at which the first rules break on a tick.
pub const BRITTLE: u8 = 66;
/// That tick.
pub const BROKEN_TICK: u64 = 20;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneState {
    pub sums: BTreeMap<Player, i64>,
    /// Player, amount of everything that was applied.
    pub log: Vec<(Player, i64)>,
    pub ticks: u64,
    /// How many came and went.
    pub doors: (u32, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum OneAction {
    Add(i64),
    /// Which the second rules no longer have.
    Bleat,
}

impl Rules for One {
    type Config = u8;
    type State = OneState;
    type Action = OneAction;
    const KIND: &'static str = KIND;
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;
    const GRACE_MS: u32 = 6_000;

    fn setup(_: &mut Ctx<'_, Self>) -> OneState {
        OneState::default()
    }

    fn validate(_: &OneState, _: By, action: &OneAction, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match action {
            OneAction::Add(amount) if *amount > MOST => Err(TOO_MUCH),
            _ => Ok(()),
        }
    }

    fn apply(state: &mut OneState, by: By, action: OneAction, _: &mut Ctx<'_, Self>) {
        if let (By::Player(who), OneAction::Add(amount)) = (by, action) {
            *state.sums.entry(who).or_default() += amount;
            state.log.push((who, amount));
        }
    }

    fn tick(state: &mut OneState, ctx: &mut Ctx<'_, Self>) {
        assert!(
            *ctx.config() != BRITTLE || ctx.tick() < BROKEN_TICK,
            "brittle"
        );
        state.ticks += 1;
    }

    fn joined(state: &mut OneState, _: Player, _: &mut Ctx<'_, Self>) {
        state.doors.0 += 1;
    }

    fn left(state: &mut OneState, _: Player, _: &mut Ctx<'_, Self>) {
        state.doors.1 += 1;
    }

    fn view(state: &OneState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "ticks": state.ticks })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoState {
    /// Ticks under the first rules, and under these.
    pub ticks: (u64, u64),
    /// Player, amount, whether it came by these rules' encoding.
    pub log: Vec<(Player, i64, bool)>,
    pub wolves: Vec<u32>,
    /// How many came and went under the first rules, and under these.
    pub doors: [(u32, u32); 2],
    /// Only players may read the room.
    pub fenced: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum TwoAction {
    Howl,
    Add { late: bool, amount: i64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoConfig {
    pub name: String,
    pub level: u8,
}

impl Rules for Two {
    type Config = TwoConfig;
    type State = TwoState;
    type Action = TwoAction;
    const KIND: &'static str = KIND;
    const VERSION: u32 = 2;
    const TICK_MS: u32 = 100;
    const GRACE_MS: u32 = 3_000;

    fn setup(_: &mut Ctx<'_, Self>) -> TwoState {
        TwoState {
            ticks: (0, 0),
            log: Vec::new(),
            wolves: Vec::new(),
            doors: [(0, 0); 2],
            fenced: false,
        }
    }

    fn validate(_: &TwoState, _: By, action: &TwoAction, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match action {
            TwoAction::Add { amount, .. } if *amount > MOST / 10 => Err(TOO_MUCH_NOW),
            _ => Ok(()),
        }
    }

    fn apply(state: &mut TwoState, by: By, action: TwoAction, ctx: &mut Ctx<'_, Self>) {
        match (by, action) {
            (By::Player(who), TwoAction::Add { late, amount }) => {
                state.log.push((who, amount, !late));
            }
            _ => state.wolves.push(ctx.random().next_u32()),
        }
    }

    fn tick(state: &mut TwoState, ctx: &mut Ctx<'_, Self>) {
        state.ticks.1 += 1;
        if ctx.tick().is_multiple_of(10) {
            state.wolves.push(ctx.random().next_u32());
        }
    }

    fn joined(state: &mut TwoState, _: Player, _: &mut Ctx<'_, Self>) {
        state.doors[1].0 += 1;
    }

    fn left(state: &mut TwoState, _: Player, _: &mut Ctx<'_, Self>) {
        state.doors[1].1 += 1;
    }

    fn access(state: &TwoState, who: Option<Player>) -> Access {
        Access {
            read: who.is_some() || !state.fenced,
            act: who.is_some(),
        }
    }

    fn view(state: &TwoState, _: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "wolves": state.wolves.len() })
    }

    fn upcast(version: u32, action: &[u8]) -> Option<TwoAction> {
        match (version, postcard::from_bytes(action).ok()?) {
            (1, OneAction::Add(amount)) => Some(TwoAction::Add { late: true, amount }),
            _ => None,
        }
    }

    fn migrate(version: u32, config: &[u8], state: &[u8]) -> Option<(TwoConfig, TwoState)> {
        if version != One::VERSION {
            return None;
        }
        let state: OneState = postcard::from_bytes(state).ok()?;
        let config = TwoConfig {
            name: "flock".into(),
            level: postcard::from_bytes(config).ok()?,
        };
        let log = state.log.iter();
        let state = TwoState {
            ticks: (state.ticks, 0),
            log: log.map(|(who, amount)| (*who, *amount, false)).collect(),
            wolves: Vec::new(),
            doors: [state.doors, (0, 0)],
            fenced: config.level == FENCED,
        };
        Some((config, state))
    }
}

impl Rules for Three {
    type Config = TwoConfig;
    type State = TwoState;
    type Action = TwoAction;
    const KIND: &'static str = KIND;
    const VERSION: u32 = 3;
    const TICK_MS: u32 = 50;

    fn setup(_: &mut Ctx<'_, Self>) -> TwoState {
        unreachable!("these tests begin no room by the third rules")
    }

    fn validate(_: &TwoState, _: By, _: &TwoAction, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(_: &mut TwoState, _: By, _: TwoAction, _: &mut Ctx<'_, Self>) {}

    fn tick(state: &mut TwoState, _: &mut Ctx<'_, Self>) {
        state.ticks.1 += 1;
    }

    fn view(_: &TwoState, _: Option<Player>) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn migrate(version: u32, config: &[u8], state: &[u8]) -> Option<(TwoConfig, TwoState)> {
        let two = version == Two::VERSION;
        two.then(|| {
            Some((
                postcard::from_bytes(config).ok()?,
                postcard::from_bytes(state).ok()?,
            ))
        })?
    }
}
