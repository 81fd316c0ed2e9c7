//! What `baton load` may be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where to play, with how many, for how long.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// Where the host is, as a page would reach it. Of several, each client asks one after the other: processes that share a
    /// store, without a front before them.
    #[arg(required = true, value_name = "URL")]
    pub(super) urls: Vec<String>,
    /// Of several URLs, all requests to a room go to one: a front that chooses by path.
    #[arg(long)]
    pub(super) sticky: bool,
    /// Clients, spread over the rooms.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) clients: u32,
    /// Rooms.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) rooms: u32,
    /// What the rooms' names begin with; the default is new each time.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// How long to measure, in seconds, once everybody plays.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) seconds: u32,
    /// Over how many seconds the clients come, one after the other; the default is 50 a second.
    #[arg(long)]
    pub(super) ramp: Option<u32>,
    /// How long answers may take once nothing more is made, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(super) settle: u32,
    /// Steady inputs instead of bots: so many actions a second from each client.
    #[arg(long, conflicts_with = "hot")]
    pub(super) rate: Option<f64>,
    /// As many actions as the rooms take: every client always has as many without an answer as it may.
    #[arg(long)]
    pub(super) hot: bool,
    /// How frames come: a WebSocket, server-sent events, only when asked for; or the first of these that the host has.
    #[arg(long, value_enum, default_value_t = Push::Auto)]
    pub(super) push: Push,
    /// Writes what was measured to a file, as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

/// How frames come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Push {
    /// What the host has.
    Auto,
    /// A WebSocket.
    Ws,
    /// Server-sent events.
    Sse,
    /// They are asked for.
    None,
}
