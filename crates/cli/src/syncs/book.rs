//! What an account comes to by its entries alone, counted by hand: balances, what is owned, worn and set, and which verdict
//! each action must have. Written after the rules' own words, without their code. Must not know rooms or hosts.

use std::collections::{BTreeMap, BTreeSet};

use account::{Action, Item, Preference, State};
use baton::frame::{Entry, Frame};
use baton::{BodyHash, Lineage};
use contagion::MatchResult;

const OWNED: u16 = 7;
const POOR: u16 = 8;
const LOCKED: u16 = 10;
/// How much scrap may be overspent.
const TOLERANCE: u64 = 400;

/// An account, counted.
#[derive(Default)]
pub(super) struct Book {
    coins: u64,
    scrap: u64,
    most: u64,
    overspent: u64,
    items: BTreeSet<Item>,
    look: u8,
    preferences: BTreeMap<Preference, u8>,
    played: u32,
    won: u32,
    /// How often something of the server is in it.
    pub(super) received: BTreeMap<Lineage, u32>,
    /// What is not as it must be.
    pub(super) wrong: Vec<String>,
}

impl Book {
    /// Counts what a frame holds. `wishes`: what rejected bodies stood for.
    pub(super) fn enter(&mut self, frame: &Frame, wishes: &BTreeMap<BodyHash, Action>) {
        for entry in &frame.entries {
            match entry {
                Entry::Act { device, seq, body } => match postcard::from_bytes(body) {
                    Ok(action) => self.player(&action, 0, *device, *seq),
                    Err(_) => self.wrong.push(format!("action {seq} cannot be read")),
                },
                Entry::Reject {
                    device,
                    seq,
                    code,
                    body,
                } => match wishes.get(body) {
                    Some(action) => self.player(action, *code, *device, *seq),
                    None => self.wrong.push(format!("nobody wished for action {seq}")),
                },
                Entry::Receive { lineage, body, .. } => {
                    *self.received.entry(*lineage).or_default() += 1;
                    match postcard::from_bytes(body) {
                        Ok(action) => self.server(&action),
                        Err(_) => self.wrong.push(format!("{lineage} cannot be read")),
                    }
                }
                Entry::Decline { lineage, code, .. } => {
                    self.wrong
                        .push(format!("{lineage} was declined with {code}"));
                }
                _ => {}
            }
        }
    }

    fn player(&mut self, action: &Action, code: u16, device: u32, seq: u64) {
        let right = self.verdict(action);
        if code != right {
            let sentence = format!(
                "action {seq} of device {device}, {action:?}, has verdict {code} where {right} is right"
            );
            self.wrong.push(sentence);
        }
        match action {
            _ if code != 0 => {}
            Action::Buy(item) => {
                let price = price(*item);
                self.overspent += price.saturating_sub(self.scrap);
                self.scrap = self.scrap.saturating_sub(price);
                self.items.insert(*item);
            }
            Action::Look(look) => self.look = *look,
            Action::Prefer(which, value) => drop(self.preferences.insert(*which, *value)),
            _ => self.wrong.push(format!("no player does {action:?}")),
        }
    }

    /// 0, or why it is refused. Whoever saw enough scrap once may buy, on a device that does not know better; how much is
    /// missing then is bounded.
    fn verdict(&self, action: &Action) -> u16 {
        match action {
            Action::Buy(item) if self.items.contains(item) => OWNED,
            Action::Buy(item) => {
                let most = (self.scrap + TOLERANCE.saturating_sub(self.overspent)).min(self.most);
                if price(*item) > most { POOR } else { 0 }
            }
            Action::Look(0..=3) | Action::Prefer(..) => 0,
            Action::Look(4) if self.items.contains(&Item::Raincoat) => 0,
            Action::Look(5) if self.items.contains(&Item::Welder) => 0,
            _ => LOCKED,
        }
    }

    fn server(&mut self, action: &Action) {
        match action {
            Action::Grant { coins, scrap } => {
                self.coins += coins.unsigned_abs();
                self.scrap += scrap.unsigned_abs();
                self.most = self.most.max(self.scrap);
            }
            Action::Match(MatchResult { won, score, .. }) => {
                self.played += 1;
                self.won += u32::from(*won);
                self.coins += u64::from(score / 20) + if *won { 50 } else { 0 };
            }
            _ => self
                .wrong
                .push(format!("the server did not send {action:?}")),
        }
    }

    /// What of a state is not what the entries come to.
    pub(super) fn close(&mut self, state: &State) {
        // A first match, a first one won, ten of them: each pays once.
        let goals = [
            (self.played >= 1, 50),
            (self.won >= 1, 100),
            (self.played >= 10, 100),
        ];
        let goals: u64 = goals
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, pays)| pays)
            .sum();
        let mut compare = |name: &str, counted: String, found: String| {
            if counted != found {
                let sentence = format!("{name}: {found} where the entries come to {counted}");
                self.wrong.push(sentence);
            }
        };
        let numbers = [
            ("coins", self.coins + goals, state.coins),
            ("scrap", self.scrap, state.scrap),
            ("overspent", self.overspent, state.overspent),
            ("played", self.played.into(), state.matches.played.into()),
            ("won", self.won.into(), state.matches.won.into()),
            ("look", self.look.into(), state.look.into()),
        ];
        for (name, counted, found) in numbers {
            compare(name, counted.to_string(), found.to_string());
        }
        let debug = |of: &dyn std::fmt::Debug| format!("{of:?}");
        compare("items", debug(&self.items), debug(&state.items));
        compare(
            "preferences",
            debug(&self.preferences),
            debug(&state.preferences),
        );
    }
}

fn price(item: Item) -> u64 {
    match item {
        Item::Raincoat => 150,
        Item::Welder => 400,
        // Not for scrap.
        Item::Nurse | Item::Astronaut => u64::MAX,
    }
}
