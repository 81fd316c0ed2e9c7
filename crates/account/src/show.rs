//! The account for people and other programs, as JSON. Seeds are texts: they are more than JavaScript's numbers hold.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use crate::runs::{Judged, Seed, Verdict};
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
    let claims = state.claims.iter();
    let waiting: Vec<String> = claims.map(|claim| claim.seed.to_string()).collect();
    let seeds: Vec<Value> = state.seeds.iter().map(seed).collect();
    let judged: Vec<Value> = state.judged.iter().map(judged).collect();
    json!({
        "coins": state.coins,
        "scrap": state.scrap,
        "matches": state.matches,
        "runs": state.runs,
        "games": state.games(),
        "last": state.last.map(|(mode, time_ms)| json!({ "mode": mode, "time_ms": time_ms })),
        "goals": state.goals,
        "items": state.items,
        "look": state.look,
        "preferences": state.preferences,
        "seeds": seeds,
        "waiting": waiting,
        "judged": judged,
        "imported": state.imported,
        "sold": sold,
    })
}

/// A seed in hand.
pub fn seed(seed: &Seed) -> Value {
    let (dealt_ms, until_ms) = (seed.dealt_ms, seed.until_ms());
    json!({ "seed": seed.seed.to_string(), "dealt_ms": dealt_ms, "until_ms": until_ms })
}

fn judged(judged: &Judged) -> Value {
    let seed = judged.seed.to_string();
    match judged.verdict {
        Verdict::Paid { score, scrap } => json!({ "seed": seed, "score": score, "scrap": scrap }),
        Verdict::Invalid(flaw) => json!({ "seed": seed, "flaw": flaw }),
        Verdict::TooSoon => json!({ "seed": seed, "flaw": "too_soon" }),
    }
}
