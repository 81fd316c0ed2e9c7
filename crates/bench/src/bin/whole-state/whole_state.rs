//! The peer: how the article on accounts says it was done before. A device holds the whole account, and what it did since:
//! numbers that add up (the delta), and values that replace (the update). A sync sends both; the server merges them into what
//! it has stored and sends all of that back. Knows no actions and no log, and must not be made clever.
//!
//! Where the article leaves a choice it is made in the peer's favour: a best score is merged as a maximum, nothing is refused,
//! and its requests are handled without a store to wait for.

use std::collections::{BTreeMap, BTreeSet};

use account::{Goal, Item, Mode, Preference, State, Stats, coins_of, scrap_of};
use contagion::MatchResult;
use serde::{Deserialize, Serialize};

use crate::host::{Bytes, Fate};
use crate::record::Deed;

/// What adds up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Delta {
    #[serde(skip_serializing_if = "is_none")]
    coins: i64,
    #[serde(skip_serializing_if = "is_none")]
    scrap: i64,
    #[serde(skip_serializing_if = "is_none")]
    matches: Stats,
    #[serde(skip_serializing_if = "is_none")]
    runs: Stats,
}

/// What replaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Update {
    #[serde(skip_serializing_if = "is_none")]
    last: Option<(Mode, u64)>,
    #[serde(skip_serializing_if = "is_none")]
    goals: Option<BTreeSet<Goal>>,
    #[serde(skip_serializing_if = "is_none")]
    items: Option<BTreeSet<Item>>,
    #[serde(skip_serializing_if = "is_none")]
    look: Option<u8>,
    #[serde(skip_serializing_if = "is_none")]
    preferences: Option<BTreeMap<Preference, u8>>,
}

/// What a sync sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Packet {
    #[serde(skip_serializing_if = "is_none")]
    delta: Delta,
    #[serde(skip_serializing_if = "is_none")]
    update: Update,
}

fn is_none<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn merge(state: &mut State, Packet { delta, update }: &Packet) {
    state.coins = state.coins.saturating_add_signed(delta.coins);
    state.scrap = state.scrap.saturating_add_signed(delta.scrap);
    state.matches.add(&delta.matches);
    state.runs.add(&delta.runs);
    if let Some(last) = update.last {
        state.last = Some(last);
    }
    if let Some(goals) = &update.goals {
        state.goals.clone_from(goals);
    }
    if let Some(items) = &update.items {
        state.items.clone_from(items);
    }
    if let Some(look) = update.look {
        state.look = look;
    }
    if let Some(preferences) = &update.preferences {
        state.preferences.clone_from(preferences);
    }
}

/// The server: one account, as its database holds it.
pub(crate) struct Server {
    stored: String,
}

impl Server {
    pub(crate) fn new(account: &State) -> Self {
        Self {
            stored: to_json(account),
        }
    }

    /// A sync: merges a packet, answers with everything.
    pub(crate) fn sync(&mut self, packet: &str) -> String {
        let packet: Packet = serde_json::from_str(packet).expect("a packet");
        let mut account = self.account();
        merge(&mut account, &packet);
        self.stored = to_json(&account);
        self.stored.clone()
    }

    /// A match was played, as its host tells; as often as it is told.
    pub(crate) fn award(&mut self, result: &MatchResult, now_ms: u64) {
        let mut account = self.account();
        account.matches.count(result);
        account.last = Some((Mode::Match, now_ms));
        account.coins += coins_of(result);
        self.stored = to_json(&account);
    }

    pub(crate) fn account(&self) -> State {
        serde_json::from_str(&self.stored).expect("it was stored")
    }
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("it has a form in JSON")
}

/// What a device does with a packet that was not answered. It cannot know whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Sends it again, with what came since.
    Resend,
    /// Lets go of it when it is sent.
    Forget,
}

/// A device.
pub(crate) struct Device {
    retry: Retry,
    synced: State,
    packet: Packet,
    pub(crate) bytes: Bytes,
}

impl Device {
    /// One that knows the account.
    pub(crate) fn new(server: &Server, retry: Retry) -> Self {
        Self {
            retry,
            synced: server.account(),
            packet: Packet::default(),
            bytes: Bytes::default(),
        }
    }

    /// What is on the screen.
    pub(crate) fn shown(&self) -> State {
        let mut shown = self.synced.clone();
        merge(&mut shown, &self.packet);
        shown
    }

    pub(crate) fn act(&mut self, deed: &Deed, now_ms: u64) {
        let mut shown = self.shown();
        let Packet { delta, update } = &mut self.packet;
        match deed {
            Deed::Run(_, result) => {
                delta.runs.count(result);
                delta.scrap += i64::from(scrap_of(result));
                update.last = Some((Mode::Run, now_ms));
            }
            Deed::Buy(item) => {
                delta.scrap -= item.price().1 as i64;
                shown.items.insert(*item);
                update.items = Some(shown.items);
            }
            Deed::Look(look) => update.look = Some(*look),
            Deed::Prefer(preference, value) => {
                shown.preferences.insert(*preference, *value);
                update.preferences = Some(shown.preferences);
            }
        }
        self.reward();
    }

    /// Nobody else does it: the server only merges.
    fn reward(&mut self) {
        let shown = self.shown();
        for goal in Goal::ALL {
            if goal.is_reached(&shown) && !shown.goals.contains(&goal) {
                self.packet.delta.coins += goal.coins() as i64;
                let goals = &mut self.packet.update.goals;
                let goals = goals.get_or_insert_with(|| shown.goals.clone());
                goals.insert(goal);
            }
        }
    }

    /// What it would send.
    pub(crate) fn packet(&self) -> String {
        to_json(&self.packet)
    }

    pub(crate) fn take(&mut self, answer: &str) {
        self.bytes.down += answer.len() as u64;
        self.synced = serde_json::from_str(answer).expect("an account");
        self.packet = Packet::default();
    }

    pub(crate) fn sync(&mut self, server: &mut Server, fate: Fate) {
        let packet = self.packet();
        self.bytes.up += packet.len() as u64;
        let answer = match fate {
            Fate::RequestLost => None,
            Fate::Answered | Fate::AnswerLost => Some(server.sync(&packet)),
        };
        match (fate, answer) {
            (Fate::Answered, Some(answer)) => {
                self.take(&answer);
                self.reward();
            }
            _ if self.retry == Retry::Forget => {
                self.synced = self.shown();
                self.packet = Packet::default();
            }
            _ => {}
        }
    }
}
