//! `cargo run -p baton-sim --bin vectors > tests/golden/traces/compare.jsonl`: writes the vectors anew, and to the error
//! stream what they cover.

fn main() {
    let (lines, coverage) = baton_sim::vectors::vectors();
    print!("{lines}");
    for (label, times) in coverage {
        eprintln!("{times:>5}  {label}");
    }
}
