//! Runs to be recorded: the handler on the memory store, with concurrent clients and all that may go wrong.

use std::collections::BTreeMap;

use baton_sim::history::Line;
use baton_sim::history::record::Recorder;

use crate::support::ROOM;
use crate::support::traffic::{Event, Odds, Traffic};

/// Plays a seed to its end, and writes down what its clients see.
pub(crate) fn run(
    instances: usize,
    users: usize,
    odds: Odds,
    seed: u64,
    steps: usize,
) -> Vec<Line> {
    let mut traffic = Traffic::new(instances, users, odds, seed);
    traffic.journal = Some(Vec::new());
    for _ in 0..steps {
        traffic.step();
    }
    traffic.drain();
    let events = traffic.journal.take().expect("set above");
    let log: Vec<Vec<u8>> = traffic.world.log().frames().map(<[u8]>::to_vec).collect();
    record(&events, &log)
}

fn record(events: &[Event], log: &[Vec<u8>]) -> Vec<Line> {
    let mut recorder = Recorder::default();
    let mut ops = BTreeMap::new();
    for event in events {
        match event {
            Event::Sent {
                flight,
                client,
                request,
                now_ms,
            } => {
                let op = recorder.sent(&format!("user{client}"), ROOM, request, *now_ms);
                ops.insert(*flight, op.expect("an honest client's request"));
            }
            Event::Landed {
                flight,
                outcome: Some(outcome),
                now_ms,
            } => recorder.answered(ops[flight], outcome, *now_ms),
            Event::Landed { flight, now_ms, .. } => recorder.unanswered(ops[flight], *now_ms),
            Event::Loses { log, kept, now_ms } => {
                recorder.loses(ROOM, log.iter().map(Vec::as_slice), *kept, *now_ms);
            }
        }
    }
    recorder.log(ROOM, log.iter().map(Vec::as_slice));
    recorder.lines().to_vec()
}
