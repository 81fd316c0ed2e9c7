//! Replays the model's vectors through the product's handler on the memory store: after each step both must agree on
//! the log, the inbox, the marks, which effect the handler asks for next, and what each client is told.
//!
//! `cargo run -p baton-sim --bin vectors > tests/golden/traces/compare.jsonl` writes them anew. The replayer knows the
//! vectors and the handler, not the model. Where the two are not step for step the same:
//! - The model's room begins empty. Here frames before it register the devices and bring the version to two short of a
//!   segment, so that the model's frame 2 ends one.
//! - The lease says what the model chose, by the store's clock: just after the head's frame somebody holds it, a lease
//!   later nobody does, an idle time later a frame of nothing but time is due.
//! - A request that should read first comes together with a view, since with one the handler never guesses. One that
//!   leads from the cache comes alone, when its own lease is old enough; its instance has seen nobody else for ten leases,
//!   since every append takes that long by the instance's own clock.
//! - A read that meets a break costs the handler a second one: nothing comes between.
//! - An append and a push answer with a read, so the step and the read after it are one, as in the model.
//! - The handler stores a snapshot with the frame that ends a segment: the model's step only checks that it is there.
//! - A refusal as a gap carries no news; in the model the reply does. The client goes on as the model's.
//! - Beats, joins and resets are entries too, of which the model knows nothing: only actions are compared.

#[path = "vectors/replayer/mod.rs"]
mod replayer;

use baton_sim::vectors::{STEPS, vectors};
use replayer::replay;
use serde_json::Value;

const STORED: &str = include_str!("golden/traces/compare.jsonl");

/// Traces: the head and the steps of each.
fn traces(lines: &str) -> Vec<Vec<Value>> {
    let mut traces: Vec<Vec<Value>> = Vec::new();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        match value.get("trace") {
            Some(_) => traces.push(vec![value]),
            None => traces.last_mut().expect("a trace has a head").push(value),
        }
    }
    traces
}

#[test]
fn x5_every_vector_of_the_model_is_what_the_handler_does() {
    let mut steps = 0;
    for trace in traces(STORED) {
        steps += trace.len() - 1;
        if let Err(why) = replay(&trace) {
            panic!("{}: {why}", trace[0]);
        }
    }
    println!("{} traces, {steps} steps", traces(STORED).len());
}

#[test]
fn x5_the_vectors_take_every_kind_of_step() {
    let (lines, coverage) = vectors();
    for (label, times) in &coverage {
        println!("{times:>5}  {label}");
    }
    // A new kind of step, or another way to end, changes what the model writes.
    assert!(lines == STORED, "write the vectors anew, as this file says");
    for name in STEPS {
        let times = traces(STORED)
            .iter()
            .flatten()
            .filter(|line| line["step"] == name)
            .count();
        assert!(times > 0, "no vector has the step {name}");
    }
    let known = |line: &Value| {
        line["step"]
            .as_str()
            .is_none_or(|step| STEPS.contains(&step))
    };
    assert!(traces(STORED).iter().flatten().all(known));
}

/// The control: of each trace, copies with one step left out or changed.
#[test]
fn x5_a_vector_with_one_step_edited_fails() {
    let mut edited = 0;
    for trace in traces(STORED) {
        let last = trace.len() - 1;
        for index in 1..=last {
            let mut copy = trace.clone();
            let line = &mut copy[index];
            match line["step"].as_str() {
                // Of the last step nothing follows that could miss it.
                Some("append" | "late append") if line["taken"] == true && index == last => {
                    line["taken"] = false.into();
                }
                Some("append" | "late append") if line["taken"] == true => {
                    copy.remove(index);
                }
                Some("push") if index < last => {
                    copy.remove(index);
                }
                Some("reply") if line["told"]["says"] == "news" => {
                    line["told"]["says"] = "reset".into();
                }
                Some("read" | "lead from cache") if line["next"] == "append" => {
                    line["frame"]["entries"] = serde_json::json!(["p9"]);
                }
                _ => continue,
            }
            edited += 1;
            assert!(
                replay(&copy).is_err(),
                "step {index} edited, and still replayed: {}",
                trace[0]
            );
        }
    }
    assert!(edited > 60, "{edited} edits");
}
