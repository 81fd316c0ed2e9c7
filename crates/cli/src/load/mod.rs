//! `baton load`: clients as they are in browsers, without the browsers, on a host that runs; and a reader of each room's
//! log, which is checked against what the clients made, were told and were shown.
//!
//! Decides the course of a run: coming, playing, settling, reading the logs to their ends, judging.
//!
//! | file | decides |
//! |---|---|
//! | `options` | what a run may be told |
//! | `player` | what a client wants to do and when; the one file that knows the game |
//! | `witness` | what a replica made, was told and was shown |
//! | `seat` | a client without its connections: what it makes, what is measured of it |
//! | `client` | in which order a client waits for things |
//! | `reading` | what a frame holds of devices' actions |
//! | `auditor` | what a room's log holds |
//! | `ledger` | whether all of that agrees |
//! | `site`, `host`, `line` | connections and bytes; requests and answers; live lines |
//! | `measure`, `report`, `clock` | what counts as measured, how it is shown |

mod auditor;
mod client;
pub(crate) mod clock;
pub(crate) mod host;
pub(crate) mod ledger;
mod line;
pub(crate) mod measure;
mod options;
mod player;
pub(crate) mod reading;
mod report;
mod seat;
pub(crate) mod site;
pub(crate) mod witness;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use baton::Kind;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use auditor::Auditor;
use client::{Client, Company, Stage, until};
use clock::Clock;
use host::Session;
use ledger::{Faults, Ledger};
use measure::{Counts, Measure};
pub(crate) use options::Options;
use player::Game;
use report::Report;
use site::{Caller, Site, Traffic};

/// Clients that come in a second, unless told otherwise.
const PER_SECOND: u32 = 50;
/// How long a room may take until there is something to do in it, beside the time in which clients come.
const READY: Duration = Duration::from_secs(60);
/// How long the first session may take.
const ANSWERS: Duration = Duration::from_secs(5);
/// How often a log is read; less often where there are many, but before a host has no longer at hand what is new.
const EVERY: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(10);
/// Between two lines of progress.
const TELL: Duration = Duration::from_secs(5);
/// How long clients may take to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// Plays, measures and judges. Whether nothing was lost, doubled or forked.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let sites = options
        .urls
        .iter()
        .map(|url| Ok(Arc::new(Site::parse(url)?)));
    let sites = sites.collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(play(options.clone(), sites))?;
    print!("\n{}", report.text());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json() + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(report.faults.none())
}

/// What is kept of one room.
struct Watched {
    /// Where it is asked for, at least one.
    sites: Vec<Arc<Site>>,
    path: String,
    ledger: Arc<Mutex<Ledger>>,
}

async fn play(options: Options, sites: Vec<Arc<Site>>) -> Result<Report> {
    let clock = Clock::start();
    let (stage, told) = watch::channel(Stage::Coming);
    let rooms = rooms(&options, &sites)?;
    let company = Arc::new(Company {
        clock,
        measure: Arc::new(Measure::new(clock)),
        traffic: Arc::default(),
        stage: told,
        joined: 0.into(),
        ready: 0.into(),
        settled: 0.into(),
        over: Mutex::default(),
        options,
    });
    let session = first_session(&company, &sites).await?;
    let logs = read_logs(&company, &rooms, &session);
    let mut clients = come(&company, &rooms);
    let joined = gather(&company).await?;

    stage.send_replace(Stage::Playing);
    let (up, down) = measure(&company).await;
    stage.send_replace(Stage::Settling);
    let settled = || company.settled.load(Relaxed) >= joined;
    until(settled, Duration::from_secs(company.options.settle.into())).await;

    stage.send_replace(Stage::Reading);
    let mut report = Report {
        clients: company.options.clients,
        joined,
        rooms: company.options.rooms,
        seconds: company.measure.seconds(),
        counts: company.measure.counts(),
        up,
        down,
        unanswered: 0,
        resets: 0,
        frames: 0,
        unseen: 0,
        faults: Faults::default(),
    };
    for (log, room) in logs.into_iter().zip(&rooms) {
        let auditor = log.await?;
        let ledger = room.ledger.lock().expect("no holder panics");
        report.frames += auditor.frames;
        report.unseen += auditor.unseen;
        report.unanswered += ledger.unanswered();
        report.resets += ledger.resets();
        report.faults.add(&ledger.judge());
    }
    stage.send_replace(Stage::Leaving);
    let leaving = async { while clients.join_next().await.is_some() {} };
    // Who does not get away leaves by the grace time.
    let _ = tokio::time::timeout(LEAVE, leaving).await;
    Ok(report)
}

fn rooms(options: &Options, sites: &[Arc<Site>]) -> Result<Vec<Watched>> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).expect("the system has entropy");
    let new = format!("load-{:08x}", u32::from_le_bytes(random));
    let prefix = options.name.as_ref().unwrap_or(&new);
    let name = |index| match options.rooms {
        1 => prefix.clone(),
        _ => format!("{prefix}-{index}"),
    };
    (0..options.rooms)
        .map(|index| {
            let name = name(index);
            let sound = baton::limits::valid_name(&name);
            ensure!(sound, "a room cannot be called {name}");
            let own = &sites[index as usize % sites.len()];
            Ok(Watched {
                sites: match options.sticky {
                    true => vec![Arc::clone(own)],
                    false => sites.to_vec(),
                },
                path: host::room_path(<Game as Kind>::NAME, &name),
                ledger: Arc::default(),
            })
        })
        .collect()
}

/// A guest who reads the logs; it also shows whether there is a host.
async fn first_session(company: &Company, sites: &[Arc<Site>]) -> Result<Session> {
    let mut caller = Caller::new(sites, 0, &Arc::default());
    let mut last = String::new();
    let asking = host::session(&mut caller, |code| last = code.to_owned());
    match tokio::time::timeout(ANSWERS, asking).await {
        Ok(session) => Ok(session),
        Err(_) => bail!("{} gives no session: {last}", company.options.urls[0]),
    }
}

/// One reader for each room, from before anybody comes.
fn read_logs(company: &Company, rooms: &[Watched], session: &Session) -> Vec<JoinHandle<Auditor>> {
    // Not of the clients.
    let traffic = Arc::new(Traffic::default());
    let every = EVERY * (1 + company.options.rooms / 10);
    let follow = |room: &Watched| {
        let caller = Caller::new(&room.sites, 0, &traffic);
        let ledger = Arc::clone(&room.ledger);
        let auditor = Auditor::new(room.path.clone(), caller, session.clone(), ledger);
        tokio::spawn(auditor.follow(company.stage.clone(), every.min(SELDOM)))
    };
    rooms.iter().map(follow).collect()
}

/// All clients, one after the other.
fn come(company: &Arc<Company>, rooms: &[Watched]) -> JoinSet<()> {
    let count = company.options.clients;
    let mut clients = JoinSet::new();
    for index in 0..count {
        let room = &rooms[index as usize % rooms.len()];
        let client = Client {
            company: Arc::clone(company),
            index,
            sites: room.sites.clone(),
            path: room.path.clone(),
            ledger: Arc::clone(&room.ledger),
        };
        let wait = ramp(&company.options) * index / count;
        clients.spawn(client.live(wait));
    }
    clients
}

fn ramp(options: &Options) -> Duration {
    let seconds = options.ramp.unwrap_or(options.clients.div_ceil(PER_SECOND));
    Duration::from_secs(seconds.into())
}

/// Waits until all are there and have something to do, or no longer. How many are part of their rooms.
async fn gather(company: &Company) -> Result<u32> {
    let count = company.options.clients;
    println!("{count} clients come to {}", company.options.urls.join(" "));
    let over = || {
        company
            .over
            .lock()
            .expect("no holder panics")
            .first()
            .copied()
    };
    let ready = || over().is_some() || company.ready.load(Relaxed) >= count;
    until(ready, ramp(&company.options) + READY).await;
    if let Some(why) = over() {
        bail!("a client cannot play: {why}");
    }
    let (joined, ready) = (company.joined.load(Relaxed), company.ready.load(Relaxed));
    let refused = company.measure.counts().refused;
    ensure!(joined > 0, "nobody could join; refused: {refused:?}");
    ensure!(
        ready > 0,
        "there is nothing to do in the rooms: no match is played"
    );
    if ready < count {
        println!(
            "{joined} of {count} have joined, {ready} have something to do; refused: {refused:?}"
        );
    }
    if refused.contains_key("rate_limited") {
        println!(
            "the host limits rates: BATON_RATE_GUEST, BATON_RATE_ADDRESS and BATON_RATE_USER set them, 0/0 is no limit"
        );
    }
    println!("{joined} play");
    Ok(joined)
}

/// Measures, and tells how it goes. Bytes up and down.
async fn measure(company: &Company) -> (u64, u64) {
    let measure = &company.measure;
    let bytes = || {
        let traffic = &company.traffic;
        (traffic.up.load(Relaxed), traffic.down.load(Relaxed))
    };
    let (up, down) = bytes();
    measure.begin();
    let (mut before, mut then_s) = (Counts::default(), 0.0);
    let whole_s = f64::from(company.options.seconds);
    while then_s < whole_s {
        let rest = Duration::from_secs_f64(whole_s - then_s);
        tokio::time::sleep(rest.min(TELL)).await;
        let (now, now_s) = (measure.counts(), measure.seconds());
        println!("{}", report::progress(now_s, &before, &now, now_s - then_s));
        (before, then_s) = (now, now_s);
    }
    measure.end();
    let (up_now, down_now) = bytes();
    (up_now - up, down_now - down)
}
