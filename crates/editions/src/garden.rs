//! A second game of the same users: each has a garden of their own, whose harvests pay into their account. Its
//! rules have two versions, which know nothing of those of accounts but what a server may do there.

use account::Account;
use baton::{By, Ctx, Player, Reject, Rolling, Rules};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The first version: a harvest pays one scrap for each that was sown.
#[derive(Clone, Copy, Debug)]
pub struct Garden;

/// The second: twice as much, for who has watered.
#[derive(Clone, Copy, Debug)]
pub struct Watered;

/// A build that has both.
pub type Gardens = Rolling<Garden, Watered>;

/// There is nothing to harvest.
pub const BARE: Reject = Reject(1);
/// The server does nothing in gardens.
const PLAYER_ONLY: Reject = Reject(2);

/// What a gardener does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Chore {
    /// So many.
    Sow(u8),
    /// All that was sown.
    Harvest,
    /// Since the second version.
    Water,
}

/// What the first version remembers.
#[allow(missing_docs, reason = "named by what is counted")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bed {
    pub sown: u32,
    pub harvests: u32,
}

/// And the second.
#[allow(missing_docs, reason = "named by what happened to it")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WateredBed {
    pub bed: Bed,
    pub wet: bool,
}

fn may(bed: &Bed, by: By, chore: Chore) -> Result<(), Reject> {
    match (by, chore) {
        (By::Server, _) => Err(PLAYER_ONLY),
        (_, Chore::Harvest) if bed.sown == 0 => Err(BARE),
        _ => Ok(()),
    }
}

fn chore<C>(bed: &mut Bed, by: By, chore: Chore, each: u32, ctx: &mut baton::Context<'_, C>) {
    match (by, chore) {
        (_, Chore::Sow(count)) => bed.sown += u32::from(count),
        (By::Player(who), Chore::Harvest) => {
            let scrap = i64::from(bed.sown * each);
            ctx.send_to(
                who,
                Account::KIND,
                &account::Action::Grant { coins: 0, scrap },
            );
            *bed = Bed {
                sown: 0,
                harvests: bed.harvests + 1,
            };
        }
        _ => {}
    }
}

impl Rules for Garden {
    type Config = ();
    type State = Bed;
    type Action = Chore;
    const KIND: &'static str = "garden";
    const VERSION: u32 = 1;
    const PERSONAL: bool = true;

    fn setup(_: &mut Ctx<'_, Self>) -> Bed {
        Bed::default()
    }

    fn validate(bed: &Bed, by: By, chore: &Chore, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match chore {
            Chore::Water => Err(Reject::MALFORMED),
            chore => may(bed, by, *chore),
        }
    }

    fn apply(bed: &mut Bed, by: By, action: Chore, ctx: &mut Ctx<'_, Self>) {
        chore(bed, by, action, 1, ctx);
    }

    fn view(bed: &Bed, _: Option<Player>) -> Value {
        json!({ "sown": bed.sown })
    }
}

impl Rules for Watered {
    type Config = ();
    type State = WateredBed;
    type Action = Chore;
    const KIND: &'static str = "garden";
    const VERSION: u32 = 2;
    const PERSONAL: bool = true;

    fn setup(_: &mut Ctx<'_, Self>) -> WateredBed {
        WateredBed::default()
    }

    fn validate(
        state: &WateredBed,
        by: By,
        chore: &Chore,
        _: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        may(&state.bed, by, *chore)
    }

    fn apply(state: &mut WateredBed, by: By, action: Chore, ctx: &mut Ctx<'_, Self>) {
        let each = 1 + u32::from(state.wet);
        state.wet = matches!(action, Chore::Water);
        chore(&mut state.bed, by, action, each, ctx);
    }

    fn view(state: &WateredBed, _: Option<Player>) -> Value {
        json!({ "sown": state.bed.sown, "wet": state.wet })
    }

    fn upcast(_: u32, bytes: &[u8]) -> Option<Chore> {
        postcard::from_bytes(bytes).ok()
    }

    fn migrate(_: u32, _: &[u8], state: &[u8]) -> Option<((), WateredBed)> {
        let bed = postcard::from_bytes(state).ok()?;
        Some(((), WateredBed { bed, wet: false }))
    }
}
