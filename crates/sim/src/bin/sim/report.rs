//! What many runs came to: sums, spreads, the slowest and the longest of them, and what was never seen that has to be.

use std::time::Duration;

use baton_sim::counters::{Counters, NAMES};
use baton_sim::{Outcome, Verdict};

/// Half of all runs have so many requests, or a run says little.
const MEDIAN_REQUESTS: u64 = 1_000;
/// From so many seeds on everything is seen.
const SEES_ALL: u64 = 400;

/// What many runs came to.
#[derive(Default)]
pub(crate) struct Sum {
    counters: Counters,
    requests: Vec<u64>,
    settled_ms: Vec<u64>,
    answer_ms: Vec<u64>,
    takeover_ms: Vec<u64>,
    slowest: Option<(Duration, Outcome)>,
    longest: Option<(u64, Outcome)>,
}

/// Which runs they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// How many were asked for.
    pub(crate) seeds: u64,
    /// Whether something is changed in every plan: only a part of everything can be seen then.
    pub(crate) changed: bool,
}

impl Sum {
    /// Takes in a run, and how long it really took.
    pub(crate) fn add(&mut self, outcome: &Outcome, took: Duration) {
        self.counters.add(&outcome.counters);
        self.requests.push(outcome.counters.requests);
        if outcome.verdict == Verdict::Held {
            self.settled_ms.push(outcome.healed.settled_ms);
            self.answer_ms.extend(outcome.healed.answer_ms);
            self.takeover_ms.extend(outcome.healed.takeover_ms);
        }
        if self.slowest.as_ref().is_none_or(|(most, _)| took > *most) {
            self.slowest = Some((took, outcome.clone()));
        }
        let lasted_ms = outcome.lasted_ms;
        if self
            .longest
            .as_ref()
            .is_none_or(|(most, _)| lasted_ms > *most)
        {
            self.longest = Some((lasted_ms, outcome.clone()));
        }
    }

    /// How many runs.
    pub(crate) fn runs(&self) -> usize {
        self.requests.len()
    }

    /// What was never seen and has to be.
    pub(crate) fn unseen(&self, kind: Kind) -> Option<String> {
        if kind.seeds < SEES_ALL {
            return None;
        }
        let counters = &self.counters;
        if counters.orders.lack_an_end() {
            return Some("an end that orders may have".into());
        }
        let mut requests = self.requests.clone();
        requests.sort_unstable();
        let half = requests.get(requests.len() / 2).copied();
        if half.is_none_or(|half| half < MEDIAN_REQUESTS) {
            return Some(format!("{MEDIAN_REQUESTS} requests in half of all runs"));
        }
        if kind.changed {
            return None;
        }
        let (faults, others) = (counters.not_seen(), counters.others_not_seen());
        if !(faults.is_empty() && others.is_empty()) {
            return Some(format!("faults {faults:?} {others:?} never happened"));
        }
        if counters.faulted == 0 || counters.halts == 0 {
            return Some("rules that break on an action, and on time".into());
        }
        let unsent = counters.credited == 0 || counters.returned == 0 || counters.switches == 0;
        unsent.then(|| {
            "sends between rooms, taken and returned, and rooms that change their rules".into()
        })
    }

    /// Prints it.
    pub(crate) fn print(&mut self, jobs: u64, took: Duration) {
        let seconds = took.as_secs_f64();
        let runs = self.runs();
        let counters = &self.counters;
        print!("{}", counters.table());
        println!(
            "\n{runs} runs in {seconds:.1} s by {jobs} threads: {:.0} seeds/s, {:.0} handler steps/s a thread",
            runs as f64 / seconds,
            counters.steps as f64 / seconds / jobs as f64,
        );
        println!(
            "{} requests, {} actions, {} frames, {} appends lost, {} pushes, {} losses of the store, {} resets told",
            counters.requests,
            counters.actions,
            counters.frames,
            counters.lost,
            counters.pushes,
            counters.losses,
            counters.resets,
        );
        println!(
            "the rules broke {} times: {} actions set aside, {} rooms halted",
            counters.broke, counters.faulted, counters.halts,
        );
        let orders = &counters.orders;
        println!(
            "{} orders, asked for {} times: {} done, {} refused, {} not done, {} unknown; {} waited, {} numbers taken; {} forged; {} framed",
            orders.made,
            orders.asked,
            orders.done,
            orders.refused,
            orders.failed,
            orders.unknown,
            orders.waited,
            orders.taken,
            orders.forged,
            orders.framed,
        );
        println!(
            "{} rooms changed their rules; {} parcels between rooms: {} sends taken, {} returned",
            counters.switches, counters.parcels, counters.credited, counters.returned,
        );
        println!("requests a run: {}", spread(&mut self.requests));
        println!(
            "settled after the faults, ms: {}",
            spread(&mut self.settled_ms)
        );
        println!(
            "an action of a healthy room, ms: {}",
            spread(&mut self.answer_ms)
        );
        println!(
            "the same after the leader died, ms: {}",
            spread(&mut self.takeover_ms)
        );
        if let Some((took, outcome)) = &self.slowest {
            println!(
                "slowest: seed {} took {:.0} ms: {}",
                outcome.seed,
                took.as_secs_f64() * 1_000.0,
                account(outcome)
            );
        }
        if let Some((ms, outcome)) = &self.longest {
            println!(
                "longest: seed {} lasted {} virtual s: {}",
                outcome.seed,
                ms / 1_000,
                account(outcome)
            );
        }
    }
}

/// What a run did.
fn account(outcome: &Outcome) -> String {
    let (plan, counters) = (&outcome.plan, &outcome.counters);
    let mut seen: Vec<(u64, &str)> = (1..=NAMES.len())
        .map(|number| (counters.of(number), NAMES[number - 1].0))
        .filter(|(count, _)| *count > 0)
        .collect();
    seen.sort_unstable_by_key(|(count, _)| std::cmp::Reverse(*count));
    seen.truncate(4);
    let seen: Vec<String> = seen
        .into_iter()
        .map(|(count, name)| format!("{name} ({count})"))
        .collect();
    format!(
        "{} {} on a store {}, {} clients, {} instances; {} requests, {} frames, {} handler steps, {} events; mostly {}",
        plan.rooms,
        match (plan.own, plan.rooms) {
            (false, 1) => "room",
            (false, _) => "rooms",
            (true, 1) => "user's own room",
            (true, _) => "users' own rooms",
        },
        match plan.keys {
            true => "of keys",
            false => "that compares",
        },
        plan.clients,
        plan.instances,
        counters.requests,
        counters.frames,
        counters.steps,
        counters.events,
        seen.join(", "),
    )
}

fn spread(values: &mut [u64]) -> String {
    values.sort_unstable();
    let at = |part: usize| {
        values
            .get(values.len().saturating_sub(1) * part / 100)
            .copied()
            .unwrap_or(0)
    };
    format!(
        "p50 {}, p90 {}, p99 {}, most {}",
        at(50),
        at(90),
        at(99),
        at(100)
    )
}

#[cfg(test)]
mod tests {
    use baton_sim::counters::{FAULTS, Orders, Other};

    use super::*;

    const ALL: Kind = Kind {
        seeds: SEES_ALL,
        changed: false,
    };

    /// Runs in which everything was seen.
    fn whole() -> Sum {
        let mut sum = Sum {
            requests: vec![1, MEDIAN_REQUESTS, MEDIAN_REQUESTS],
            ..Sum::default()
        };
        let counters = &mut sum.counters;
        for count in [
            &mut counters.faulted,
            &mut counters.halts,
            &mut counters.credited,
            &mut counters.returned,
            &mut counters.switches,
        ] {
            *count = 1;
        }
        counters.orders = Orders {
            done: 1,
            refused: 1,
            taken: 1,
            waited: 1,
            unknown: 1,
            failed: 1,
            ..Orders::default()
        };
        (1..=FAULTS).for_each(|number| counters.saw(number));
        Other::ALL
            .iter()
            .for_each(|other| counters.saw_other(*other));
        sum
    }

    #[test]
    fn what_was_never_seen_and_has_to_be_is_told() {
        assert_eq!(whole().unseen(ALL), None, "all was seen");
        let lacks = |change: fn(&mut Sum)| {
            let mut sum = whole();
            change(&mut sum);
            sum
        };
        let lacking: [fn(&mut Sum); 8] = [
            |sum| sum.counters.faulted = 0,
            |sum| sum.counters.halts = 0,
            |sum| sum.counters.credited = 0,
            |sum| sum.counters.returned = 0,
            |sum| sum.counters.switches = 0,
            |sum| sum.counters.orders.unknown = 0,
            |sum| sum.requests = vec![MEDIAN_REQUESTS, 1, 1],
            |sum| sum.requests.clear(),
        ];
        for (index, change) in lacking.into_iter().enumerate() {
            assert!(lacks(change).unseen(ALL).is_some(), "{index}");
            let few = Kind { seeds: 399, ..ALL };
            assert_eq!(lacks(change).unseen(few), None, "{index}: of so few seeds");
        }
    }

    #[test]
    fn a_fault_that_never_happened_is_told_by_its_number() {
        let mut nothing = whole();
        nothing.counters = Counters::default();
        nothing.counters.orders = whole().counters.orders;
        let told = nothing.unseen(ALL).unwrap_or_default();
        let numbers = format!("{:?}", nothing.counters.not_seen());
        assert!(told.contains(&numbers), "{told}");
        for number in (1..=FAULTS).filter(|number| NAMES[number - 1].1) {
            assert!(nothing.counters.not_seen().contains(&number), "{number}");
        }
        assert!(told.contains("Night") && told.contains("Cached"), "{told}");
        let part = Kind {
            changed: true,
            ..ALL
        };
        assert_eq!(nothing.unseen(part), None, "not of a part of all worlds");
    }
}
