//! What is printed: a line now and then, the table at the end, and the same as JSON. Measures nothing.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::ledger::Faults;
use super::measure::Counts;

/// All that was found out.
pub(super) struct Report {
    pub(super) clients: u32,
    pub(super) joined: u32,
    pub(super) rooms: u32,
    pub(super) seconds: f64,
    pub(super) counts: Counts,
    /// Bytes on the wire during the measurement, of all clients.
    pub(super) up: u64,
    pub(super) down: u64,
    pub(super) unanswered: u64,
    pub(super) resets: u64,
    /// Frames that the logs' readers replayed, and those that they did not see one by one.
    pub(super) frames: u64,
    pub(super) unseen: u64,
    pub(super) faults: Faults,
}

/// How a run goes, in a line.
pub(super) fn progress(seconds: f64, before: &Counts, now: &Counts, passed_s: f64) -> String {
    let rate = |new: u64, old: u64| (new - old) as f64 / passed_s;
    format!(
        "{seconds:5.0} s  {:6.0} requests/s  {:6.0} actions/s  p99 {:7.1} ms, to the log {:7.1} ms  refused {}, unanswered requests {}",
        rate(now.requests, before.requests),
        rate(now.in_time, before.in_time),
        ms(&now.request_us, 99.0),
        ms(&now.shown_us, 99.0),
        now.refused.values().sum::<u64>(),
        now.failed,
    )
}

fn ms(histogram: &Histogram<u64>, percentile: f64) -> f64 {
    histogram.value_at_percentile(percentile) as f64 / 1_000.0
}

impl Report {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value, unit) in self.rows() {
            let value = match value {
                value if value >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
                value => format!("{value:.1}"),
            };
            text += &format!("{:<44} {value:>10} {unit}\n", name.replace('_', " "));
        }
        for (code, count) in &self.counts.refused {
            text += &format!("{:<44} {count:>10}\n", format!("refused: {code}"));
        }
        for example in &self.faults.examples {
            text += &format!("  {example}\n");
        }
        text + if self.faults.none() {
            "nothing was lost, doubled or forked\n"
        } else {
            "SOMETHING WAS LOST, DOUBLED OR FORKED\n"
        }
    }

    /// For programs: times in milliseconds, rates per second.
    pub(super) fn json(&self) -> String {
        let mut object = Map::new();
        for (name, value, _) in self.rows() {
            object.insert(name.to_owned(), value.into());
        }
        object.insert("refused".to_owned(), json!(self.counts.refused));
        object.insert("examples".to_owned(), json!(self.faults.examples));
        object.insert("good".to_owned(), self.faults.none().into());
        Value::from(object).to_string()
    }

    fn rows(&self) -> Vec<(&'static str, f64, &'static str)> {
        let counts = &self.counts;
        let per_s = |count: u64| count as f64 / self.seconds.max(0.001);
        let per_client = |bytes: u64| per_s(bytes) / f64::from(self.joined.max(1));
        let whole = |count: u64| count as f64;
        let (request, shown) = (&counts.request_us, &counts.shown_us);
        vec![
            ("clients", f64::from(self.clients), ""),
            ("clients_joined", f64::from(self.joined), ""),
            ("rooms", f64::from(self.rooms), ""),
            ("measured", self.seconds, "s"),
            ("requests", per_s(counts.requests), "1/s"),
            ("request_p50", ms(request, 50.0), "ms"),
            ("request_p90", ms(request, 90.0), "ms"),
            ("request_p99", ms(request, 99.0), "ms"),
            ("request_max", request.max() as f64 / 1_000.0, "ms"),
            ("actions", per_s(counts.in_time), "1/s"),
            ("action_to_log_p50", ms(shown, 50.0), "ms"),
            ("action_to_log_p90", ms(shown, 90.0), "ms"),
            ("action_to_log_p99", ms(shown, 99.0), "ms"),
            ("action_to_log_max", shown.max() as f64 / 1_000.0, "ms"),
            ("actions_made", whole(counts.made), ""),
            ("actions_accepted", whole(counts.accepted), ""),
            ("actions_rejected", whole(counts.rejected), ""),
            ("actions_without_an_answer", whole(self.unanswered), ""),
            ("not_made_by_the_rules", whole(counts.forbidden), ""),
            ("not_made_too_many_open", whole(counts.full), ""),
            ("bytes_up_per_client", per_client(self.up), "B/s"),
            ("bytes_down_per_client", per_client(self.down), "B/s"),
            ("requests_without_an_answer", whole(counts.failed), ""),
            ("retries", whole(counts.retries), ""),
            ("frames_replayed_from_the_logs", whole(self.frames), ""),
            ("frames_not_seen_one_by_one", whole(self.unseen), ""),
            ("resets", whole(self.resets), ""),
            ("lost", whole(self.faults.lost), ""),
            ("doubled", whole(self.faults.doubled), ""),
            ("forked", whole(self.faults.forked), ""),
        ]
    }
}
