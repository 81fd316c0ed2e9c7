//! What the server does in accounts: each thing is sent twice, to two processes, at any times, until the log has it. Decides
//! who sends what; must not know whether it counted once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use account::{Account, Action};
use anyhow::Result;
use baton::{Lineage, Rules, wire};

use super::draw::Draw;
use crate::operator::Operator;

/// Where devices are counted from, the server is none of them.
const SERVER: u32 = u32::MAX;
/// How long a process that is replaced may be away: longer than an operator waits for an answer.
const AWAY: Duration = Duration::from_secs(120);

/// Something that the server does.
pub(super) struct Send {
    /// The account: its place among the users.
    pub(super) user: usize,
    room: String,
    pub(super) lineage: Lineage,
    pub(super) action: Action,
    /// The processes that are told.
    to: [usize; 2],
    /// Whether one of them has said that the log has it.
    pub(super) told: AtomicBool,
}

/// What is sent to accounts, by their names.
pub(super) fn plan(names: &[&str], each: u32, seed: u64, processes: usize) -> Arc<Vec<Send>> {
    let mut sends = Vec::new();
    for (user, name) in (0_u32..).zip(names) {
        let mut draw = Draw::of(seed, user, SERVER);
        for count in 0..each {
            let first = draw.one(processes);
            sends.push(Send {
                user: user as usize,
                room: room(name),
                lineage: draw.lineage(),
                action: draw.send(count),
                to: [first, first + 1 + draw.one(processes.max(2) - 1)].map(|at| at % processes),
                told: false.into(),
            });
        }
    }
    Arc::new(sends)
}

/// Asks again what a process that is being replaced cannot answer.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        let answer = ask();
        if answer.is_ok() || began.elapsed() > AWAY {
            return answer;
        }
    }
}

/// The room of an account.
pub(super) fn room(name: &str) -> String {
    format!("{}/{name}", Account::KIND)
}

/// Begins to send: a thread for each process.
pub(super) fn begin(urls: &[String], sends: &Arc<Vec<Send>>) -> Result<Vec<JoinHandle<()>>> {
    let senders = urls.iter().enumerate().map(|(process, url)| {
        let (mut operator, sends) = (Operator::of(url)?, Arc::clone(sends));
        Ok(std::thread::spawn(move || {
            for send in sends.iter() {
                let body = wire::write(&send.action);
                let copies = send.to.iter().filter(|to| **to == process);
                for _ in copies {
                    let sent = patiently(|| operator.deliver(&send.room, send.lineage, &body));
                    send.told.fetch_or(sent.is_ok(), Relaxed);
                }
            }
        }))
    });
    senders.collect()
}
