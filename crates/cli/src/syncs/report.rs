//! What is printed of a run, and the same as JSON. Measures nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::{Map, Value, json};

use super::check::Found;
use super::work::{Mishaps, Step};
use crate::load::ledger::Faults;

/// All that was found out.
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) processes: usize,
    pub(super) users: usize,
    pub(super) devices: usize,
    pub(super) steps: Vec<Step>,
    /// What the server sent.
    pub(super) sends: usize,
    pub(super) frames: u64,
    pub(super) accounts: Vec<Found>,
    /// Devices that took part no more, and why.
    pub(super) over: Vec<&'static str>,
    pub(super) faults: Faults,
}

impl Report {
    /// Whether every action is in the log once, with its verdict, and nothing else.
    pub(super) fn is_good(&self) -> bool {
        self.faults.none() && self.unanswered() == 0 && self.resets() == 0 && self.over.is_empty()
    }

    fn unanswered(&self) -> u64 {
        self.accounts.iter().map(|found| found.unanswered).sum()
    }

    fn resets(&self) -> u64 {
        self.accounts.iter().map(|found| found.resets).sum()
    }

    /// For people.
    pub(super) fn text(&self, mishaps: &Mishaps) -> String {
        let mut text = String::from(
            "clients  syncs/s  requests/s  request p50 / p99 ms  action to log p50 / p99 ms\n",
        );
        for step in &self.steps {
            let of = figures(step);
            let figure = |name: &str| of[name].as_f64().unwrap_or_default();
            text += &format!(
                "{:7} {:8.0} {:11.0} {:12.1} / {:7.1} {:16.1} / {:7.1}  {}\n",
                step.clients,
                figure("syncs_per_s"),
                figure("requests_per_s"),
                figure("request_p50"),
                figure("request_p99"),
                figure("action_to_log_p50"),
                figure("action_to_log_p99"),
                of["refused"]
            );
        }
        let object = self.object(mishaps);
        for (name, value) in &object {
            if !value.is_array() && !value.is_null() {
                text += &format!("{:<32} {value}\n", name.replace('_', " "));
            }
        }
        for example in &self.faults.examples {
            text += &format!("  {example}\n");
        }
        text + if self.is_good() {
            "every action is in its account's log once, and every log replays to its hash\n"
        } else {
            "SOMETHING WAS LOST, DOUBLED OR FORKED, OR HAS NO ANSWER\n"
        }
    }

    /// For programs: times in milliseconds.
    pub(super) fn json(&self, mishaps: &Mishaps) -> String {
        let mut object = self.object(mishaps);
        let heads = self.accounts.iter().map(
            |Found { room, head, .. }| json!({ "room": room, "v": head.v, "hash": head.hash.to_string() }),
        );
        object.insert("accounts".to_owned(), heads.collect());
        Value::from(object).to_string()
    }

    fn object(&self, mishaps: &Mishaps) -> Map<String, Value> {
        let sum = |of: fn(&Step) -> u64| self.steps.iter().map(of).sum::<u64>();
        let count = |of: &AtomicU64| of.load(Relaxed);
        let value = json!({
            "seed": self.seed,
            "processes": self.processes,
            "users": self.users,
            "devices": self.devices,
            "syncs": sum(|step| step.syncs),
            "actions": sum(|step| step.actions),
            "rejected": sum(|step| step.counts.rejected),
            "requests": sum(|step| step.counts.requests),
            "requests_without_an_answer": sum(|step| step.counts.failed),
            "answers_lost": count(&mishaps.answers_lost),
            "connections_cut": count(&mishaps.connections_cut),
            "packets_twice": count(&mishaps.packets_twice),
            "packets_late": count(&mishaps.packets_late),
            "reloads": count(&mishaps.reloads),
            "sends_of_the_server": self.sends,
            "frames": self.frames,
            "accounts_replayed": self.accounts.len(),
            "without_an_answer": self.unanswered(),
            "resets": self.resets(),
            "lost": self.faults.lost,
            "doubled": self.faults.doubled,
            "forked": self.faults.forked,
            "good": self.is_good(),
            "steps": self.steps.iter().map(figures).collect::<Vec<_>>(),
            "examples": self.faults.examples,
            "over": self.over,
        });
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }
}

fn figures(step: &Step) -> Value {
    let counts = &step.counts;
    let per_s = |count: u64| count as f64 / step.seconds.max(0.001);
    let ms = |of: &hdrhistogram::Histogram<u64>, percent| {
        of.value_at_percentile(percent) as f64 / 1_000.0
    };
    json!({
        "clients": step.clients,
        "seconds": step.seconds,
        "syncs": step.syncs,
        "syncs_per_s": per_s(step.syncs),
        "requests_per_s": per_s(counts.requests),
        "request_p50": ms(&counts.request_us, 50.0),
        "request_p99": ms(&counts.request_us, 99.0),
        "action_to_log_p50": ms(&counts.shown_us, 50.0),
        "action_to_log_p99": ms(&counts.shown_us, 99.0),
        "requests_without_an_answer": counts.failed,
        "refused": counts.refused,
    })
}
