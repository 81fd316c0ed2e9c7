//! What `baton syncs` may be told.

use std::path::PathBuf;

use clap::Args;

/// Where, how many, for how long, and what goes wrong meanwhile.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// Processes on one store, whose operator's key is in BATON_ADMIN_KEY. Any request goes to any of them.
    #[arg(required = true, value_name = "URL")]
    pub(super) urls: Vec<String>,
    /// Users, each with an account.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) users: u32,
    /// Devices of each user.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(super) devices: u32,
    /// Syncs, in all: requests of a device with actions that it did not send before.
    #[arg(long, default_value_t = 10_000, conflicts_with = "seconds")]
    pub(super) syncs: u64,
    /// Or as many as there are in so many seconds, for each number of clients.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) seconds: Option<u32>,
    /// Requests under way at once; or several numbers, with commas between, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "32", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) clients: Vec<u32>,
    /// Of a thousand requests, so many go wrong on their way: an answer is lost, a connection cut, a packet comes twice at
    /// once to two processes, or late, after newer ones.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=900))]
    pub(super) faults: u32,
    /// What the server does in each account, sent twice to two processes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=9))]
    pub(super) sends: u32,
    /// Of what is drawn: actions, faults, processes. The default is new each time, and printed.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How long answers may take once nothing more is made, in seconds, beside one for each twenty devices.
    #[arg(long, default_value_t = 120)]
    pub(super) settle: u32,
    /// Writes what was found to a file, as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Writes the logs to a file, as `baton replay` reads them.
    #[arg(long, value_name = "FILE")]
    pub(super) export: Option<PathBuf>,
}
