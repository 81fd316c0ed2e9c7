//! A fleet in a rolling deploy: instances of several builds over one store, each behind bytes as a
//! host drives it. Requests can be stopped at every effect, go wrong, or die with their instance.

use baton::effect::{Arrival, Effect, Fed, Moment, Outcome};
use baton::frame::Frame;
use baton::{Log, Memory, Nonce, Serve, Setup, Writer, wire};

use serde_json::json;

use super::flock::{All, Both, KIND, One, Two};
use super::{FRAME_MS, Fault, LEASE_MS, START_MS};

pub const ROOM: &str = "flock/test";

/// Which rules a build has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    Old,
    Both,
    New,
    /// All three.
    All,
}

pub struct Fleet {
    pub store: Memory,
    pub machines: Vec<Machine>,
    pub now_ms: u64,
    started: u64,
    nonce: u64,
    level: u8,
}

pub struct Machine {
    pub build: Build,
    pub writer: Writer,
    pub wanted: u32,
    serve: Box<dyn Serve>,
}

/// A request on its way.
pub struct Trip {
    pub machine: usize,
    id: u32,
    pub effect: Effect,
}

impl Fleet {
    /// Instances by build and the version that their settings want rooms on.
    pub fn new(machines: &[(Build, u32)]) -> Self {
        Self::with(machines, 3)
    }

    /// The same with rooms of this level.
    pub fn with(machines: &[(Build, u32)], level: u8) -> Self {
        let mut fleet = Self {
            level,
            store: Memory::new(START_MS),
            machines: Vec::new(),
            now_ms: START_MS,
            started: 0,
            nonce: 0,
        };
        for (build, wanted) in machines {
            let machine = fleet.machine(*build, *wanted);
            fleet.machines.push(machine);
        }
        fleet
    }

    fn machine(&mut self, build: Build, wanted: u32) -> Machine {
        self.started += 1;
        let writer = Writer(self.started.to_le_bytes());
        let config = match (build, wanted) {
            (Build::New, _) | (Build::Both | Build::All, 2..) => {
                json!({ "name": "new", "level": self.level })
            }
            _ => json!(self.level),
        };
        let json = json!({
            "frame_ms": FRAME_MS,
            "lease_ms": LEASE_MS,
            "rooms": { KIND: config },
            "rules": { KIND: wanted },
        });
        let setup = Setup::from_json(&json.to_string()).expect("settings");
        let serve = match build {
            Build::Old => setup.serve::<One>(writer),
            Build::Both => setup.serve::<Both>(writer),
            Build::New => setup.serve::<Two>(writer),
            Build::All => setup.serve::<All>(writer),
        };
        Machine {
            build,
            writer,
            wanted,
            serve: serve.expect("a config"),
        }
    }

    /// The instance is gone; one of this build takes its place.
    pub fn deploy(&mut self, machine: usize, build: Build, wanted: u32) {
        self.machines[machine] = self.machine(build, wanted);
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    pub fn log(&mut self) -> &mut Log {
        self.store.log(ROOM)
    }

    pub fn frames(&mut self) -> Vec<Frame> {
        let decode = |bytes| Frame::decode(bytes).expect("the log holds frames");
        self.log().frames().map(decode).collect()
    }

    fn moment(&mut self) -> Moment {
        self.nonce += 1;
        Moment {
            wall_ms: self.now_ms,
            mono_ms: self.now_ms - START_MS,
            nonce: Nonce(self.nonce.to_le_bytes()),
        }
    }

    pub fn begin(&mut self, machine: usize, arrivals: &[Arrival]) -> Trip {
        let moment = self.moment();
        let id = self.nonce as u32;
        let serve = &mut self.machines[machine].serve;
        let effect = serve.begin(id, ROOM, &wire::write(&arrivals), moment);
        Trip {
            machine,
            id,
            effect: read(&effect.expect("begun")),
        }
    }

    /// Performs the effect that the trip asks for and feeds back its result. An effect that will be
    /// done late is returned.
    pub fn step(&mut self, trip: &mut Trip, fault: Fault) -> Option<Effect> {
        let fed = match fault {
            Fault::None => self.perform(&trip.effect),
            Fault::Done => self.perform(&trip.effect).map(|_| Fed::Failed),
            Fault::NotDone | Fault::Late => Some(Fed::Failed),
        };
        let fed = fed?;
        let moment = self.moment();
        let serve = &mut self.machines[trip.machine].serve;
        let next = serve.resume(trip.id, &wire::write(&fed), moment);
        let asked = std::mem::replace(&mut trip.effect, read(&next.expect("resumed")));
        (fault == Fault::Late).then_some(asked)
    }

    pub fn perform(&mut self, effect: &Effect) -> Option<Fed> {
        if let Effect::Append(append, _) = effect {
            let frame = Frame::decode(&append.frame).expect("a frame");
            let written = |machine: &&Machine| machine.writer == frame.writer;
            let old = self.machines.iter().find(written);
            if old.is_some_and(|machine| machine.build == Build::Old) {
                assert_eq!(frame.rules, 0, "an old build made a frame of new rules");
            }
        }
        self.store.perform(ROOM, effect)
    }

    /// To the end, without a fault.
    pub fn finish(&mut self, mut trip: Trip) -> Vec<Outcome> {
        for _ in 0..40 {
            if let Effect::Reply(outcomes) = trip.effect {
                self.machines[trip.machine].serve.release(trip.id);
                return outcomes;
            }
            self.step(&mut trip, Fault::None);
        }
        panic!("a request does not end");
    }

    pub fn ask(&mut self, machine: usize, arrival: Arrival) -> Outcome {
        let trip = self.begin(machine, &[arrival]);
        self.finish(trip).remove(0)
    }
}

fn read(bytes: &[u8]) -> Effect {
    postcard::from_bytes(bytes).expect("an effect")
}
