//! The account for people and other programs, as JSON.

use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::shop::{Item, Price};
use crate::state::State;

pub(crate) fn view(state: &State) -> Value {
    let sold: Vec<Value> = Item::ALL
        .iter()
        .map(|item| {
            let (currency, price) = item.price();
            let currency = match currency {
                Price::Scrap => "scrap",
                Price::Coins => "coins",
            };
            json!({ "item": item, "look": item.look(), "currency": currency, "price": price })
        })
        .collect();
    let waiting: Vec<u64> = state.claims.iter().map(|claim| claim.seed).collect();
    json!({
        "coins": state.coins,
        "scrap": state.scrap,
        "matches": state.matches,
        "runs": state.runs,
        "last": state.last.map(|(mode, time_ms)| json!({ "mode": mode, "time_ms": time_ms })),
        "goals": state.goals,
        "items": state.items,
        "look": state.look,
        "preferences": state.preferences,
        "seeds": state.seeds,
        "waiting": waiting,
        "judged": state.judged,
        "imported": state.imported,
        "sold": sold,
    })
}
