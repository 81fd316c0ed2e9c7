//! Reads a room's log from its first frame on, as anybody may who watches it, replays it, and tells the ledger what it
//! holds. Decides what is in the log; must not know who plays.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton::frame::Frame;
use baton::limits::PROTOCOL;
use baton::wire::{self, News, Request};
use baton::{DeviceId, Head, Kind, Room};
use tokio::sync::watch;

use super::client::Stage;
use super::host::{self, Heard, Session};
use super::ledger::Ledger;
use super::player::Game;
use super::reading::Reading;
use super::site::Caller;

/// Between two looks at a log's end, and how long that may take to come.
const AGAIN: Duration = Duration::from_millis(100);
const AT_MOST: Duration = Duration::from_secs(30);

/// The reader of one room's log.
pub(super) struct Auditor {
    path: String,
    caller: Caller,
    session: Session,
    ledger: Arc<Mutex<Ledger>>,
    room: Option<Room<Game>>,
    reading: Reading,
    /// What keeps it from reading on.
    broken: bool,
    /// Frames that it did not see one by one.
    pub(super) unseen: u64,
    /// Frames that it replayed.
    pub(super) frames: u64,
}

impl Auditor {
    pub(super) fn new(
        path: String,
        caller: Caller,
        session: Session,
        ledger: Arc<Mutex<Ledger>>,
    ) -> Self {
        Self {
            path,
            caller,
            session,
            ledger,
            room: None,
            reading: Reading::default(),
            broken: false,
            unseen: 0,
            frames: 0,
        }
    }

    /// Reads now and then, and from [`Stage::Reading`] on until it has what the clients were shown. Tells the ledger if that
    /// does not come.
    pub(super) async fn follow(
        mut self,
        mut stage: watch::Receiver<Stage>,
        every: Duration,
    ) -> Self {
        while *stage.borrow() < Stage::Reading {
            self.read().await;
            let _ =
                tokio::time::timeout(every, stage.wait_for(|stage| *stage >= Stage::Reading)).await;
        }
        // Once in any case: what was appended last may not have been shown to anybody.
        self.read().await;
        let reading = async {
            while !self.broken && !self.is_level() {
                tokio::time::sleep(AGAIN).await;
                self.read().await;
            }
        };
        if tokio::time::timeout(AT_MOST, reading).await.is_err() {
            self.stop("a log could not be read up to what was shown of it");
        }
        self
    }

    fn is_level(&self) -> bool {
        let ledger = self.ledger.lock().expect("no holder panics");
        let room = self.room.as_ref();
        room.is_some_and(|room| room.head().v >= ledger.newest(room.lineage()))
    }

    /// Asks once for what is new.
    async fn read(&mut self) {
        if self.broken {
            return;
        }
        let request = Request {
            protocol: PROTOCOL,
            cursor: self.head(),
            rules: <Game as Kind>::FIRST,
            frames: true,
            device: None,
        };
        let body = wire::write(&request);
        let heard = host::ask(&mut self.caller, &self.path, &self.session.token, body).await;
        let Heard::Reply(bytes) = heard else {
            return;
        };
        match wire::read_reply(&bytes).map(|reply| reply.news) {
            Some(News::Frames(frames)) => {
                for frame in frames {
                    self.take(&frame);
                }
            }
            Some(News::Snapshot(room)) => self.begin_at(&room),
            Some(News::Reset(room)) => {
                self.ledger.lock().expect("no holder panics").reset();
                self.begin_at(&room);
            }
            None => {}
        }
        if let Some(room) = &self.room {
            let mut ledger = self.ledger.lock().expect("no holder panics");
            ledger.shown(room.lineage(), room.head());
        }
    }

    fn head(&self) -> Head {
        self.room.as_ref().map(Room::head).unwrap_or_default()
    }

    /// A frame that should be the next.
    fn take(&mut self, bytes: &[u8]) {
        let Ok(frame) = Frame::decode(bytes) else {
            return self.stop("a frame of the log cannot be read");
        };
        if self.broken || frame.v != self.head().v + 1 {
            return;
        }
        let (before, v) = (self.head().v, frame.v);
        let mut ledger = self.ledger.lock().expect("no holder panics");
        self.reading.enter(&frame, &mut ledger);
        drop(ledger);
        let replayed = match &mut self.room {
            Some(room) => room.replay(bytes).map(|_| ()),
            None => Room::genesis(bytes).map(|room| self.room = Some(room)),
        };
        match replayed {
            Ok(()) => self.frames += v - before,
            Err(error) => self.stop(&format!("frame {v} of the log does not follow: {error:?}")),
        }
        if let Some(room) = &self.room {
            self.reading.learn(&frame, room);
        }
    }

    /// More was missing than the host had at hand, or the store lost frames: a snapshot has to do.
    fn begin_at(&mut self, snapshot: &[u8]) {
        let room = Room::<Game>::restore(snapshot);
        if room.is_none() && !snapshot.is_empty() {
            return self.stop("a snapshot of the room cannot be read");
        }
        let standing = |user: &str, id: DeviceId| room.as_ref()?.standing(user, id);
        let mut ledger = self.ledger.lock().expect("no holder panics");
        ledger.vouched(|user, id| standing(user, id).map(|standing| standing.mark()));
        let number =
            |(user, id): (String, DeviceId)| Some((standing(&user, id)?.number, (user, id)));
        let devices = ledger.devices().filter_map(number).collect();
        drop(ledger);
        self.reading = Reading::of(devices);
        let v = room.as_ref().map_or(0, |room| room.head().v);
        self.unseen += v.saturating_sub(self.head().v);
        self.room = room;
    }

    fn stop(&mut self, sentence: &str) {
        self.broken = true;
        let mut ledger = self.ledger.lock().expect("no holder panics");
        ledger.fork(sentence);
    }
}
