//! `cargo xtask soak`: the long versions of the tests: the model searched deep, more seeds, more faults.

use anyhow::Result;

use crate::sections::Settings;
use crate::verbs::test;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these of the sections that have a long version: model, sim, deliberate, rust, js, e2e; and mutants, which runs only if named.
    sections: Vec<String>,
    /// Of the section mutants, only this part: 0/8 to 7/8.
    #[arg(long)]
    shard: Option<String>,
    /// Only tests whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

/// Runs every section that has a long version, with `BATON_SOAK=1`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let all = ["model", "sim", "deliberate", "rust", "js", "e2e"].map(str::to_owned);
    let names = if options.sections.is_empty() {
        &all[..]
    } else {
        &options.sections
    };
    test::run_with(
        names,
        &Settings {
            filter: options.filter.clone(),
            soak: true,
            shard: options.shard.clone(),
        },
    )
}
