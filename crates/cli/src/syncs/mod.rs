//! `baton syncs`: many users with several devices each sync their accounts on processes that share a store, while packets,
//! answers and connections go wrong; then every log is read from its first frame on, and judged.
//!
//! Decides the course of a run: joining, syncing, settling, looking, reading, judging. What became of actions is in the words
//! of `load`'s ledger.
//!
//! | file | decides |
//! |---|---|
//! | `options` | what a run may be told |
//! | `draw` | what is drawn from the seed: actions, faults, processes |
//! | `device` | what a device makes, and when it asks |
//! | `work` | whose turn it is, what becomes of a request on its way |
//! | `server` | what the server sends, twice |
//! | `book` | what an account comes to by its entries alone |
//! | `check` | whether a log is right |
//! | `report` | how that is shown |

mod book;
mod check;
mod device;
mod draw;
mod options;
mod report;
mod server;
mod work;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use account::State;
use anyhow::{Context, Result, bail, ensure};
use baton::Head;

use crate::history::write;
use crate::load::host;
use crate::load::ledger::Faults;
use crate::load::site::{Caller, Site};
use crate::operator::{KEY, Operator};
use check::{Found, check};
pub(crate) use options::Options;
use report::Report;
use server::Send;
use work::{Goal, Work};

/// How long the first session may take.
const ANSWERS: Duration = Duration::from_secs(10);
/// How long joining may take, beside a second for so many devices; and so with settling, and looking.
const JOIN: Duration = Duration::from_secs(120);
const DEVICES_PER_SECOND: usize = 20;
/// Syncs come to an end at this rate at the latest, after a minute.
const SYNCS_PER_SECOND: u64 = 20;
/// Who settles, looks and joins does so many at once.
const CALM: u32 = 64;

/// Syncs and judges. Whether every action is in the log once.
pub(crate) fn run(options: &Options) -> Result<bool> {
    ensure!(
        std::env::var_os(KEY).is_some(),
        "{KEY} is not set: logs are read with the key of the host"
    );
    let sites = options
        .urls
        .iter()
        .map(|url| Ok(Arc::new(Site::parse(url)?)));
    let sites = sites.collect::<Result<Vec<_>>>()?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => {
            let mut random = [0; 4];
            getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no entropy: {error}"))?;
            u32::from_le_bytes(random).into()
        }
    };
    println!("seed {seed}: --seed {seed} draws the same again");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (work, report) = runtime.block_on(sync(options, sites, seed))?;
    let report = judge(options, &work, report)?;
    print!("\n{}", report.text(&work.mishaps));
    if let Some(file) = &options.json {
        std::fs::write(file, report.json(&work.mishaps) + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(report.is_good())
}

/// What is left to judge when nothing is on its way any more.
struct Synced {
    seed: u64,
    steps: Vec<work::Step>,
    sends: Arc<Vec<Send>>,
}

async fn sync(options: &Options, sites: Vec<Arc<Site>>, seed: u64) -> Result<(Arc<Work>, Synced)> {
    let first = async {
        let mut caller = Caller::new(&sites, 0, &Arc::default());
        host::session(&mut caller, |_| {}).await
    };
    if tokio::time::timeout(ANSWERS, first).await.is_err() {
        bail!("{} gives no session", options.urls[0]);
    }
    let Options {
        users,
        devices,
        faults,
        ..
    } = *options;
    let work = Arc::new(Work::begin(sites, users, devices, CALM, faults, seed).await);
    let names: Vec<&str> = work
        .users
        .iter()
        .map(|user| user.session.user.as_str())
        .collect();
    let sends = server::plan(&names, options.sends, seed, options.urls.len());
    let senders = server::begin(&options.urls, &sends)?;
    let all = Duration::from_secs((work.devices.len() / DEVICES_PER_SECOND) as u64);
    let joined = work.stage(Goal::Join, CALM, JOIN + all).await;
    ensure!(
        joined.rest < work.devices.len(),
        "nobody could join; refused: {:?}",
        joined.counts.refused
    );
    let mut steps = Vec::new();
    for clients in &options.clients {
        println!("{clients} clients");
        let goal = match options.seconds {
            Some(seconds) => Goal::Time(Duration::from_secs(seconds.into())),
            None => Goal::Syncs(options.syncs / options.clients.len() as u64),
        };
        let at_most = Duration::from_secs(60 + options.syncs / SYNCS_PER_SECOND);
        steps.push(work.stage(goal, *clients, at_most).await);
    }
    println!("settling");
    // It waits for what it sends by itself, on threads of its own.
    tokio::task::spawn_blocking(move || senders.into_iter().for_each(|sender| drop(sender.join())))
        .await?;
    let patience = Duration::from_secs(options.settle.into()) + all;
    work.stage(Goal::Settle, CALM, patience).await;
    work.stage(Goal::Look, CALM, patience).await;
    Ok((work, Synced { seed, steps, sends }))
}

/// Reads all logs, by way of all processes, and checks each.
fn judge(options: &Options, work: &Work, synced: Synced) -> Result<Report> {
    println!("reading {} logs", work.users.len());
    let Synced { seed, steps, sends } = synced;
    let wishes = draw::wishes();
    let mut shown: Vec<Vec<(Head, Option<State>)>> = vec![Vec::new(); work.users.len()];
    let mut over = Vec::new();
    for index in 0..work.devices.len() {
        let device = work.device(index);
        let (head, state) = device.shown();
        shown[device.user].push((head, state.cloned()));
        over.extend(device.over());
    }
    let mut sent: Vec<Vec<&Send>> = vec![Vec::new(); work.users.len()];
    for send in sends.iter() {
        sent[send.user].push(send);
    }
    let out = options.export.as_ref().map(File::create).transpose()?;
    let out = Mutex::new(out.map(BufWriter::new));
    let next = AtomicUsize::new(0);
    let read = |url: &String| -> Result<Vec<(u64, Found)>> {
        let mut operator = Operator::of(url)?;
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some(user) = work.users.get(at) else {
                return Ok(found);
            };
            let room = server::room(&user.session.user);
            let log = server::patiently(|| operator.log(&room))?;
            if let Some(out) = &mut *out.lock().expect("no holder panics") {
                write(&log, out)?;
            }
            let mut ledger = user.ledger.lock().expect("no holder panics");
            let checked = check(&log, &mut ledger, &shown[at], &sent[at], &wishes);
            found.push((log.frames.len() as u64, checked));
        }
    };
    let read = &read;
    let all: Result<Vec<_>> = std::thread::scope(|scope| {
        let readers: Vec<_> = options
            .urls
            .iter()
            .map(|url| scope.spawn(move || read(url)))
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().expect("no reader panics"))
            .collect()
    });
    let mut report = Report {
        seed,
        processes: options.urls.len(),
        users: work.users.len(),
        devices: work.devices.len(),
        steps,
        sends: sends.len(),
        frames: 0,
        accounts: Vec::new(),
        over,
        faults: Faults::default(),
    };
    for (frames, found) in all?.into_iter().flatten() {
        report.frames += frames;
        report.faults.add(&found.faults);
        report.accounts.push(found);
    }
    if let Some(mut out) = out.into_inner().expect("no holder panics") {
        out.flush()?;
    }
    Ok(report)
}
