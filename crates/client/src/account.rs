//! A client's copy of its user's account. What is shown is the predicted account; seeds are those that the server gave.

use account::{Account, Action, Item, Preference, Seed};
use baton::wire::{self, OrderFate};
use baton::{Reject, Replica as Core, Rules};
use contagion::Inputs;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use crate::connects::connects;
use crate::number;

/// A client's copy of its user's account. All times are the page's own clock, in milliseconds.
#[wasm_bindgen]
pub struct AccountReplica {
    core: Core<Account>,
}

connects!(AccountReplica);

#[wasm_bindgen]
impl AccountReplica {
    fn of(core: Core<Account>) -> Self {
        Self { core }
    }

    /// Hands in a run. Returns the action's number, from 1, which its `answer` note will name; or why it was not taken,
    /// below 0: -1 nothing is known of the account yet, -2 too much without an answer, -1000 less the rules' code.
    ///
    /// # Errors
    /// The seed is not a number of 64 bits.
    pub fn run(&mut self, seed: &str, inputs: Vec<u8>, now_ms: f64) -> Result<f64, JsError> {
        let seed = seed.parse();
        let seed = seed.map_err(|_| JsError::new("a seed is a number of 64 bits"))?;
        let inputs = Inputs(inputs);
        Ok(self.act(Action::Run { seed, inputs }, now_ms))
    }

    /// Buys with scrap, by the item's name in [`Self::account`]. Returns as [`Self::run`].
    ///
    /// # Errors
    /// There is no such item.
    pub fn buy(&mut self, item: &str, now_ms: f64) -> Result<f64, JsError> {
        Ok(self.act(Action::Buy(named::<Item>(item)?), now_ms))
    }

    /// Takes on a look. Returns as [`Self::run`].
    pub fn look(&mut self, look: u8, now_ms: f64) -> f64 {
        self.act(Action::Look(look), now_ms)
    }

    /// Sets a preference, by its name. Returns as [`Self::run`].
    ///
    /// # Errors
    /// There is no such preference.
    pub fn prefer(&mut self, preference: &str, value: u8, now_ms: f64) -> Result<f64, JsError> {
        let preference = named::<Preference>(preference)?;
        Ok(self.act(Action::Prefer(preference, value), now_ms))
    }

    /// The body of an order: a purchase with coins, by the item's name in [`Self::account`]. `number` is above that of every
    /// order of this device before; one that was not answered is sent again as it is. Nothing before the device has joined.
    ///
    /// # Errors
    /// There is no such item.
    pub fn order(&self, item: &str, number: f64) -> Result<Option<Vec<u8>>, JsError> {
        let purchase = Action::Purchase(named::<Item>(item)?);
        Ok(self.core.order(&purchase, number as u64))
    }

    /// What became of an order, of the body of its answer: `[0, 0]` done, `[1, code]` refused with the rules' code, `[2, ms]`
    /// it waits and is to be sent again after so long, `[3, mark]` its number, or a higher one, was used for something else.
    /// Nothing if it is no such answer.
    pub fn ordered(answer: &[u8]) -> Option<Vec<f64>> {
        let told = match wire::read_ordered(answer)?.fate {
            OrderFate::Done => [0.0, 0.0],
            OrderFate::Refused(Reject(code)) => [1.0, f64::from(code)],
            OrderFate::Waits { ask_ms } => [2.0, f64::from(ask_ms)],
            OrderFate::Taken { mark } => [3.0, mark as f64],
        };
        Some(told.into())
    }

    fn act(&mut self, action: Action, now_ms: f64) -> f64 {
        number(self.core.act(&action, now_ms as u64))
    }

    /// Whether the server has something to do by itself: then it is asked again soon.
    pub fn owed(&self, now_ms: f64) -> bool {
        self.core.owed(now_ms as u64)
    }

    /// The account with what is pending, as JSON: the rules' view. `seeds`: those that a run may be played with now, in this
    /// device's order.
    pub fn account(&self) -> Option<String> {
        let room = self.core.predicted()?;
        let mut shown = Account::view(room.state(), self.core.player());
        shown["seeds"] = self.seeds().iter().map(account::seed_shown).collect();
        shown["pending"] = json!(self.core.pending());
        Some(shown.to_string())
    }

    /// Seeds that the server gave and that no run of this device has used; none before it may hand in any. Devices that are
    /// offline should not take the same: those of even numbers begin at the front, the others at the end, each a step further than the one before.
    fn seeds(&self) -> Vec<Seed> {
        let shown = (self.core.synced(), self.core.predicted());
        let joined = self.core.player().and(self.core.number());
        let ((Some(synced), Some(predicted)), Some(device)) = (shown, joined) else {
            return Vec::new();
        };
        let mut seeds = synced.state().seeds.clone();
        let device = device as usize;
        if device % 2 == 1 {
            seeds.reverse();
        }
        if !seeds.is_empty() {
            let begin = device / 2 % seeds.len();
            seeds.rotate_left(begin);
        }
        seeds.retain(|seed| predicted.state().seeds.contains(seed));
        seeds
    }
}

fn named<T: DeserializeOwned>(name: &str) -> Result<T, JsError> {
    let found = serde_json::from_value(Value::from(name));
    found.map_err(|_| JsError::new("nothing has this name"))
}
