//! A client's life: it comes, plays when it is told to, stops, and leaves when its actions have their answers. Decides in
//! which order things are waited for; must not know what is asked, or what the answers mean.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::host::{self, Session};
use super::ledger::Ledger;
use super::line::{Event, Kept, Line};
use super::measure::Measure;
use super::options::Options;
use super::player::Player;
use super::seat::Seat;
use super::site::{Caller, Site, Traffic};

/// What all do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// They come and join.
    Coming,
    Playing,
    /// They make nothing more, and wait for what is without an answer.
    Settling,
    /// The logs are read to their ends.
    Reading,
    Leaving,
}

/// What clients share.
pub(super) struct Company {
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) measure: Arc<Measure>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) stage: watch::Receiver<Stage>,
    /// How many are part of their rooms, have something to do there, have all their answers.
    pub(super) joined: AtomicU32,
    pub(super) ready: AtomicU32,
    pub(super) settled: AtomicU32,
    /// Why clients take part no more.
    pub(super) over: Mutex<Vec<&'static str>>,
}

/// One client.
pub(super) struct Client {
    pub(super) company: Arc<Company>,
    pub(super) index: u32,
    /// Where its room is asked for, at least one.
    pub(super) sites: Vec<Arc<Site>>,
    /// Its room: the path, and what is kept of it.
    pub(super) path: String,
    pub(super) ledger: Arc<Mutex<Ledger>>,
}

/// Between two looks at something that nobody tells of.
const LOOK: Duration = Duration::from_millis(50);

impl Client {
    /// Comes after `wait`, and lives until it has left.
    pub(super) async fn live(self, wait: Duration) {
        tokio::time::sleep(wait).await;
        let Self {
            company,
            index,
            sites,
            path,
            ledger,
        } = self;
        let measure = Arc::clone(&company.measure);
        let mut caller = Caller::new(&sites, index as usize, &company.traffic);
        let mut stage = company.stage.clone();
        let session = tokio::select! {
            session = host::session(&mut caller, |code| measure.refused(code)) => session,
            // Too late to play.
            _ = stage.wait_for(|stage| *stage != Stage::Coming) => return,
        };
        let player = Player::new(&company.options, index);
        let seat = Seat::new(company.clock, measure, ledger, &session.user, player);
        let mut visit = Visit {
            company,
            index,
            site: Arc::clone(&sites[index as usize % sites.len()]),
            path,
            session,
            caller,
            seat,
            line: None,
        };
        visit.play(&mut stage).await;
    }
}

/// A client in its room.
struct Visit {
    company: Arc<Company>,
    index: u32,
    /// Of its live line.
    site: Arc<Site>,
    path: String,
    session: Session,
    caller: Caller,
    seat: Seat,
    line: Option<Kept>,
}

impl Visit {
    async fn play(&mut self, stage: &mut watch::Receiver<Stage>) {
        let clock = self.company.clock;
        let (mut joined, mut ready, mut settled) = (false, false, false);
        let mut now = Stage::Coming;
        loop {
            let company = &self.company;
            tell_once(&mut joined, self.seat.has_joined(), &company.joined);
            tell_once(&mut ready, self.seat.is_ready(), &company.ready);
            if let Some(why) = self.seat.over() {
                tell_once(&mut settled, true, &company.settled);
                let mut over = company.over.lock().expect("no holder panics");
                return over.push(why);
            }
            let told = *stage.borrow_and_update();
            if told != now {
                now = told;
                match now {
                    Stage::Coming | Stage::Reading => {}
                    Stage::Playing => self.seat.begin(self.index, company.options.clients),
                    Stage::Settling => self.seat.end(),
                    Stage::Leaving => break,
                }
            }
            if now == Stage::Settling {
                tell_once(&mut settled, self.seat.is_settled(), &company.settled);
            }
            self.seat.act();
            if self.seat.ask_us() <= clock.us() {
                self.ask().await;
                continue;
            }
            let until_us = self.seat.due_us().min(self.seat.ask_us());
            tokio::select! {
                event = next(&mut self.line) => self.seat.event(&event),
                () = clock.sleep_until(until_us) => {}
                _ = stage.changed() => {}
            }
        }
        self.line = None;
        let body = self.seat.leave();
        host::ask(&mut self.caller, &self.path, &self.session.token, body).await;
    }

    /// Asks once. Meanwhile frames come in, and what is due is made.
    async fn ask(&mut self) {
        let clock = self.company.clock;
        let (body, sent_us) = (self.seat.request(), clock.us());
        let answer = host::ask(&mut self.caller, &self.path, &self.session.token, body);
        tokio::pin!(answer);
        let heard = loop {
            tokio::select! {
                heard = &mut answer => break heard,
                event = next(&mut self.line) => self.seat.event(&event),
                () = clock.sleep_until(self.seat.due_us()) => self.seat.act(),
            }
        };
        self.seat.heard(&heard, sent_us);
        // As a page: once the room has answered.
        if self.line.is_none() && matches!(heard, host::Heard::Reply(_)) {
            let line = Line {
                site: Arc::clone(&self.site),
                traffic: Arc::clone(&self.company.traffic),
                path: format!("{}/live", self.path),
                token: self.session.token.clone(),
            };
            self.line = Some(line.keep(self.company.options.push));
        }
    }
}

async fn next(line: &mut Option<Kept>) -> Event {
    match line {
        Some(line) => line.next().await,
        None => std::future::pending().await,
    }
}

fn tell_once(told: &mut bool, so: bool, count: &AtomicU32) {
    if so && !*told {
        *told = true;
        count.fetch_add(1, Relaxed);
    }
}

/// Waits until enough have told so, at most so long. Whether they have.
pub(super) async fn until(so: impl Fn() -> bool, at_most: Duration) -> bool {
    let waited = async {
        while !so() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(at_most, waited).await.is_ok()
}
