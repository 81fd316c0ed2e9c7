//! The scenes of the bench, timed natively, in turns with the wasm in Node, which asks for them:
//! `tick <scene> <version> <ticks before> <ticks timed>` prints one JSON line with the nanoseconds
//! of each step. Decides nothing about the game.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a bench reads a clock; the rules do not"
)]

use std::hint::black_box;
use std::time::Instant;

/// The steps by the names of the wasm's exports; all but the first two leave the scene as it is.
type Step = (&'static str, fn());
const STEPS: [Step; 5] = [
    ("act", || baton_bench::act()),
    ("tick", || baton_bench::tick()),
    ("encode", || {
        black_box(baton_bench::encode());
    }),
    ("fingerprint", || {
        black_box(baton_bench::fingerprint());
    }),
    ("draw", || {
        black_box(baton_bench::draw());
    }),
];

fn main() {
    let arguments: Vec<u32> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("numbers"))
        .collect();
    let [scene, version, before, timed] = arguments[..] else {
        panic!("usage: tick <scene> <version> <ticks before> <ticks timed>");
    };
    assert!(baton_bench::open(scene, version) > 0, "no such scene");
    let mut times = STEPS.map(|_| Vec::new());
    for tick in 0..before + timed {
        baton_bench::prepare();
        for ((_, step), times) in STEPS.iter().zip(&mut times) {
            let start = Instant::now();
            step();
            let time = start.elapsed();
            if tick >= before {
                times.push(time.as_nanos());
            }
        }
    }
    let lists = STEPS.iter().zip(&times);
    let lists: Vec<String> = lists
        .map(|((name, _), times)| format!(r#""{name}":{times:?}"#))
        .collect();
    println!(
        r#"{{{},"length":{},"fingerprint_hex":"{:016x}"}}"#,
        lists.join(","),
        baton_bench::encode(),
        baton_bench::fingerprint()
    );
}
