//! `cargo run -p baton-sim --bin rivals`: the table of the plans, and their pictures, into `diagrams/`.

use baton_sim::rivals::draw::drawings;
use baton_sim::rivals::explore;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("diagrams");
    std::fs::create_dir_all(&directory)?;
    println!(
        "{:<24} | {:>6} | {:>5} | broken",
        "trace", "states", "steps"
    );
    for drawing in drawings() {
        let explored = explore(&drawing.rivals);
        let file = directory.join(drawing.name).with_extension("svg");
        std::fs::write(file, drawing.diagram().svg())?;
        println!(
            "{:<24} | {:>6} | {:>5} | {}",
            drawing.name,
            explored.states,
            drawing.trace().len(),
            explored.broken.join("; ")
        );
    }
    Ok(())
}
