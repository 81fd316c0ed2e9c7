//! Processes of several builds over one store. Each serves several kinds behind bytes, as a host drives them: a request goes
//! to the kind of its room, and what a room sends goes to the kind of its target, on the same process.

use baton::effect::{Arrival, Call, Effect, Fed, Moment, Outcome};
use baton::frame::{Entry, Frame};
use baton::{Kind, Memory, Nonce, Serve, Setup, Writer, wire};
use serde_json::{Value, json};

use crate::scene::OWNER;
use crate::support::{Audit, Client, FRAME_MS, LEASE_MS, START_MS, audit};

/// The kinds that a build serves.
pub(crate) type Build = fn(&Setup, Writer) -> Vec<Box<dyn Serve>>;

/// One kind of a build.
pub(crate) fn serve<R: Kind>(setup: &Setup, writer: Writer) -> Box<dyn Serve> {
    setup.serve::<R>(writer).expect("a config")
}

/// The processes, their store, and the clock.
pub(crate) struct Builds {
    pub(crate) store: Memory,
    pub(crate) now_ms: u64,
    processes: Vec<Vec<Box<dyn Serve>>>,
    started: u64,
    moments: u64,
}

impl Builds {
    /// Processes by build, and the versions that their settings want rooms on, by kind.
    pub(crate) fn new(processes: &[(Build, Value)]) -> Self {
        let mut builds = Self {
            store: Memory::new(START_MS),
            now_ms: START_MS,
            processes: Vec::new(),
            started: 0,
            moments: 0,
        };
        for (build, wanted) in processes {
            let process = builds.start(*build, wanted);
            builds.processes.push(process);
        }
        builds
    }

    fn start(&mut self, build: Build, wanted: &Value) -> Vec<Box<dyn Serve>> {
        self.started += 1;
        let json = json!({ "frame_ms": FRAME_MS, "lease_ms": LEASE_MS, "rules": wanted });
        let setup = Setup::from_json(&json.to_string()).expect("settings");
        build(&setup, Writer(self.started.to_le_bytes()))
    }

    /// A process is gone; one of this build takes its place.
    pub(crate) fn deploy(&mut self, process: usize, build: Build, wanted: &Value) {
        self.processes[process] = self.start(build, wanted);
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    fn moment(&mut self) -> Moment {
        self.moments += 1;
        Moment {
            wall_ms: self.now_ms,
            mono_ms: self.now_ms - START_MS,
            nonce: Nonce(
                self.moments
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .to_le_bytes(),
            ),
        }
    }

    /// A whole invocation.
    pub(crate) fn ask(&mut self, process: usize, room: &str, arrival: Arrival) -> Outcome {
        let (kind, name) = room.split_once('/').expect("a room");
        let moment = self.moment();
        let id = self.moments as u32;
        let at = self.processes[process]
            .iter()
            .position(|served| served.kind() == kind);
        let at = at.expect("a kind that is served");
        let begun =
            self.processes[process][at].begin(id, name, &wire::write(&vec![arrival]), moment);
        let mut asked = begun.expect("begun");
        for _ in 0..60 {
            let effect = postcard::from_bytes(&asked).expect("an effect");
            let fed = match effect {
                Effect::Reply(mut outcomes) => {
                    self.processes[process][at].release(id);
                    return outcomes.remove(0);
                }
                Effect::Deliver { target, parcel } => {
                    let call = Call::Deliver(parcel);
                    let outcome = self.ask(process, &target, Arrival { who: None, call });
                    match outcome.status {
                        200 => Fed::Delivered(outcome.body),
                        _ => Fed::Failed,
                    }
                }
                effect => self
                    .store
                    .perform(room, &effect)
                    .expect("a call of the store"),
            };
            let moment = self.moment();
            let next = self.processes[process][at].resume(id, &wire::write(&fed), moment);
            asked = next.expect("resumed");
        }
        panic!("an invocation does not end");
    }

    /// One request of a page in its user's room of a kind.
    pub(crate) fn exchange<R: Kind>(&mut self, process: usize, page: &mut Client<R>) -> u16 {
        self.pass(LEASE_MS + 1);
        let arrival = page.arrival(self.now_ms);
        let outcome = self.ask(process, &own::<R>(), arrival);
        page.take(&outcome, self.now_ms);
        outcome.status
    }

    /// Asks until a page is a player and nothing of it is without an answer.
    pub(crate) fn sync<R: Kind>(&mut self, process: usize, page: &mut Client<R>) {
        for round in 0..20 {
            self.exchange(process, page);
            let replica = &page.replica;
            if round > 2 && replica.player().is_some() && replica.pending() == 0 {
                return;
            }
        }
        panic!("something is never answered");
    }

    pub(crate) fn act<R: Kind>(&self, page: &mut Client<R>, action: &R::Action) {
        let since_ms = self.now_ms - START_MS;
        page.replica.act(action, since_ms).expect("it may");
    }

    /// The whole log of the owner's room of a kind, replayed.
    pub(crate) fn audit<R: Kind>(&mut self) -> Audit<R> {
        audit(self.store.log(&own::<R>()).frames())
    }

    /// The versions at which the rules of the owner's room changed, and to which.
    pub(crate) fn switches<R: Kind>(&mut self) -> Vec<(u64, u32)> {
        let frames = self.store.log(&own::<R>()).frames();
        let switch = |bytes| {
            let frame = Frame::decode(bytes).expect("a frame");
            match frame.entries.first() {
                Some(Entry::Switch { version, .. }) => Some((frame.v, *version)),
                _ => None,
            }
        };
        frames.filter_map(switch).collect()
    }

    /// What the owner's room of a kind shows of itself to programs and old clients of its user.
    pub(crate) fn view<R: Kind>(&mut self, process: usize) -> Value {
        let who = Some(crate::support::client::identity(OWNER));
        let outcome = self.ask(
            process,
            &own::<R>(),
            Arrival {
                who,
                call: Call::View,
            },
        );
        assert_eq!(outcome.status, 200);
        serde_json::from_slice(&outcome.body).expect("JSON")
    }
}

/// The owner's room of a kind.
pub(crate) fn own<R: Kind>() -> String {
    format!("{}/{OWNER}", R::NAME)
}
