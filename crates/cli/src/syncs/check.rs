//! Whether an account is right: its log, from the first frame on, beside what its devices made, were told and have, and what
//! the server sent. Decides what is wrong; must not know how the log was read.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use account::{Account, Action, State};
use baton::frame::Frame;
use baton::{BodyHash, Head, Room, wire};

use super::book::Book;
use super::server::Send;
use crate::history::Log;
use crate::load::ledger::{Faults, Ledger};
use crate::load::reading::Reading;

/// What was found.
pub(super) struct Found {
    pub(super) room: String,
    /// The end of the log, as replay has it.
    pub(super) head: Head,
    /// Actions of devices that have no answer, and sends that nobody said the log has.
    pub(super) unanswered: u64,
    pub(super) resets: u64,
    pub(super) faults: Faults,
}

/// Checks one account. `shown`: what its devices have; `sends`: what the server sent to it.
pub(super) fn check(
    log: &Log,
    ledger: &mut Ledger,
    shown: &[(Head, Option<State>)],
    sends: &[&Send],
    wishes: &BTreeMap<BodyHash, Action>,
) -> Found {
    let (mut reading, mut book) = (Reading::default(), Book::default());
    let mut room: Option<Room<Account>> = None;
    for (v, bytes) in (1_u64..).zip(&log.frames) {
        let Ok(frame) = Frame::decode(bytes) else {
            ledger.fork(&format!("frame {v} of {} cannot be read", log.room));
            break;
        };
        reading.enter(&frame, ledger);
        book.enter(&frame, wishes);
        let replayed = match &mut room {
            Some(room) => room.replay(bytes).map(|_| ()),
            None => Room::genesis(bytes).map(|begun| room = Some(begun)),
        };
        if let Err(error) = replayed {
            ledger.fork(&format!(
                "frame {v} of {} does not follow: {error:?}",
                log.room
            ));
            break;
        }
        if let Some(room) = &room {
            reading.learn(&frame, room);
        }
    }
    let head = room.as_ref().map(Room::head).unwrap_or_default();
    if let Some(room) = &room {
        book.close(room.state());
        ledger.shown(room.lineage(), head);
    }
    for (of_device, state) in shown {
        if *of_device != head {
            let sentence = format!("a device has {of_device:?}, the log ends with {head:?}");
            ledger.fork(&sentence);
        } else if let (Some(room), Some(state)) = (&room, state)
            && wire::write(room.state()) != wire::write(state)
        {
            ledger.fork("a device has another state than the log comes to");
        }
    }
    let mut faults = ledger.judge();
    for sentence in &book.wrong {
        faults.forked += 1;
        faults.say(&format!("{}: {sentence}", log.room));
    }
    let mut unanswered = ledger.unanswered();
    for send in sends {
        let count = book.received.remove(&send.lineage).unwrap_or(0);
        match (count, send.told.load(Relaxed)) {
            (1, _) => {}
            (0, false) => unanswered += 1,
            (0, true) => {
                faults.lost += 1;
                faults.say(&format!("{} lacks what was sent to it", log.room));
            }
            _ => {
                faults.doubled += 1;
                faults.say(&format!("{} has {count} times what was sent", log.room));
            }
        }
    }
    for lineage in book.received.keys() {
        faults.doubled += 1;
        faults.say(&format!("nobody sent {lineage} to {}", log.room));
    }
    Found {
        room: log.room.clone(),
        head,
        unanswered,
        resets: ledger.resets(),
        faults,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use baton::effect::{Arrival, Call, Effect, Moment, Outcome};
    use baton::frame::Entry;
    use baton::limits::PROTOCOL;
    use baton::parcel::{Parcel, Posted};
    use baton::{Identity, Instance, Memory, Nonce, Settings, Writer};
    use serde_bytes::ByteBuf;

    use super::super::device::Device;
    use super::super::draw::{Draw, wishes};
    use super::super::server::plan;
    use super::*;
    use crate::load::clock::Clock;
    use crate::load::host::Heard;
    use crate::load::measure::Measure;

    const USER: &str = "ann";
    const ROOM: &str = "account/ann";
    const START_MS: u64 = 1_700_000_000_000;
    /// Longer than a lease.
    const PAUSE_MS: u64 = 1_000;

    /// An account on a host in memory, what its devices made and were told, and what the server sent.
    struct Scene {
        store: Memory,
        instance: Instance<Account>,
        now_ms: u64,
        ledger: Arc<Mutex<Ledger>>,
        devices: Vec<Device>,
        sends: Arc<Vec<Send>>,
    }

    impl Scene {
        /// Two devices sync until the log has some length.
        fn play(seed: u64) -> Self {
            let ledger = Arc::default();
            let device = |device| Device::new(0, USER, Draw::of(seed, 0, device), &ledger);
            let devices = [0, 1].map(device).into();
            let mut scene = Self {
                store: Memory::new(START_MS),
                instance: Instance::new(Writer([1; 8]), Settings::default(), ()),
                now_ms: START_MS,
                ledger,
                devices,
                sends: plan(&[USER], 3, seed, 2),
            };
            for turn in 0..40 {
                scene.turn(turn % 2, turn < 30);
                if let Some(send) = Arc::clone(&scene.sends).get(turn / 8) {
                    scene.send(send);
                }
            }
            assert!(scene.devices.iter().all(Device::is_free));
            scene
        }

        fn turn(&mut self, index: usize, acts: bool) {
            let since_ms = self.now_ms - START_MS;
            let device = &mut self.devices[index];
            if acts && device.has_joined() {
                device.act(since_ms * 1_000);
            }
            let call = Call::Play(device.request(since_ms).into());
            let (user, name) = (USER.to_owned(), USER.to_owned());
            let who = Some(Identity { user, name });
            let outcome = self.ask(Arrival { who, call });
            assert_eq!(outcome.status, 200);
            let measure = Measure::new(Clock::start());
            let heard = Heard::Reply(outcome.body.to_vec());
            self.devices[index].heard(&heard, since_ms * 1_000, since_ms, &measure);
        }

        /// As the operator's route does; once or again.
        fn send(&mut self, send: &Send) {
            let parcel = Parcel {
                protocol: PROTOCOL,
                sender: "operator/admin".to_owned(),
                lineage: send.lineage,
                after: 0,
                sends: vec![Posted {
                    seq: 1,
                    body: ByteBuf::from(wire::write(&send.action)),
                }],
            };
            let call = Call::Deliver(wire::write(&parcel).into());
            assert_eq!(self.ask(Arrival { who: None, call }).status, 200);
            send.told.store(true, Relaxed);
        }

        fn ask(&mut self, arrival: Arrival) -> Outcome {
            self.now_ms += PAUSE_MS;
            self.store.set_clock(self.now_ms);
            let moment = Moment {
                wall_ms: self.now_ms,
                mono_ms: self.now_ms - START_MS,
                nonce: Nonce(self.now_ms.to_le_bytes()),
            };
            let (mut invocation, mut effect) = self.instance.begin(ROOM, vec![arrival], moment);
            loop {
                effect = match effect {
                    Effect::Reply(outcomes) => {
                        return outcomes.into_iter().next().expect("one for each");
                    }
                    asked => {
                        let fed = self.store.perform(ROOM, &asked).expect("the store's");
                        invocation.resume(&mut self.instance, fed, moment)
                    }
                };
            }
        }

        fn log(&mut self) -> Log {
            let frames = self.store.log(ROOM).frames().map(<[u8]>::to_vec);
            Log {
                room: ROOM.to_owned(),
                frames: frames.collect(),
            }
        }

        /// Checks the log after a change; lost, doubled, forked, without an answer.
        fn found(mut self, change: impl FnOnce(&mut Log), sends: &[&Send]) -> [u64; 4] {
            // The one who was not the last to ask has not seen all.
            (0..2).for_each(|index| self.turn(index, false));
            let mut log = self.log();
            change(&mut log);
            let shown = self.devices.iter().map(Device::shown);
            let shown: Vec<_> = shown.map(|(head, state)| (head, state.cloned())).collect();
            let mut ledger = self.ledger.lock().expect("no holder panics");
            let found = check(&log, &mut ledger, &shown, sends, &wishes());
            let Faults {
                lost,
                doubled,
                forked,
                examples,
            } = found.faults;
            assert_eq!(lost + doubled + forked == 0, examples.is_empty());
            [lost, doubled, forked, found.unanswered]
        }
    }

    fn found(seed: u64, change: impl FnOnce(&mut Log)) -> [u64; 4] {
        let scene = Scene::play(seed);
        let sends = Arc::clone(&scene.sends);
        let sends: Vec<&Send> = sends.iter().collect();
        scene.found(change, &sends)
    }

    #[test]
    fn b38_a_log_in_which_everything_counts_once_is_right() {
        for seed in 0..20 {
            assert_eq!(found(seed, |_| ()), [0; 4], "seed {seed}");
        }
    }

    #[test]
    fn b38_a_frame_too_few_or_twice_or_in_another_place_is_found() {
        let length = Scene::play(1).log().frames.len();
        assert!(length > 20);
        for at in (1..length).step_by(6).chain([length - 1]) {
            let without = found(1, |log| drop(log.frames.remove(at)));
            assert!(without[0] > 0 || without[2] > 0, "{at}: {without:?}");
            let twice = found(1, |log| log.frames.insert(at, log.frames[at].clone()));
            assert!(twice[1] + twice[2] > 0, "{at}: {twice:?}");
            let swapped = found(1, |log| log.frames.swap(at - 1, at));
            assert!(swapped[2] > 0, "{at}: {swapped:?}");
        }
    }

    #[test]
    fn b38_actions_that_a_log_lacks_are_lost_and_those_that_it_has_twice_are_doubled() {
        let acts = |bytes: &Vec<u8>| {
            let frame = Frame::decode(bytes).expect("a frame");
            let mut entries = frame.entries.iter();
            entries.any(|entry| matches!(entry, Entry::Act { .. }))
        };
        let [lost, ..] = found(1, |log| {
            let at = log.frames.iter().position(acts).expect("somebody acts");
            log.frames.truncate(at);
        });
        assert!(lost > 0);
        let [_, doubled, ..] = found(1, |log| {
            let at = log.frames.iter().position(acts).expect("somebody acts");
            log.frames.insert(at + 1, log.frames[at].clone());
        });
        assert!(doubled > 0);
    }

    #[test]
    fn b38_what_the_server_sent_is_in_the_log_once() {
        let scene = Scene::play(3);
        let sends = Arc::clone(&scene.sends);
        let few: Vec<&Send> = sends.iter().skip(1).collect();
        assert_eq!(scene.found(|_| (), &few), [0, 1, 0, 0], "nobody sent one");
        let more = plan(&[USER], 1, 99, 2);
        let all: Vec<&Send> = sends.iter().chain(more.iter()).collect();
        assert_eq!(Scene::play(3).found(|_| (), &all), [0, 0, 0, 1]);
        more[0].told.store(true, Relaxed);
        assert_eq!(Scene::play(3).found(|_| (), &all), [1, 0, 0, 0]);
        // Twice is once.
        let mut again = Scene::play(3);
        let own = Arc::clone(&again.sends);
        own.iter().for_each(|send| again.send(send));
        assert_eq!(again.found(|_| (), &own.iter().collect::<Vec<_>>()), [0; 4]);
    }

    #[test]
    fn b38_verdicts_and_balances_are_counted_apart_from_the_rules() {
        let mut scene = Scene::play(5);
        let frames = scene.log().frames;
        let (head, state) = scene.devices[1].shown();
        let state = state.expect("it has joined").clone();
        let count = |change: &dyn Fn(&mut Frame)| {
            let mut book = Book::default();
            for bytes in frames.iter().take(head.v as usize) {
                let mut frame = Frame::decode(bytes).expect("a frame");
                change(&mut frame);
                book.enter(&frame, &wishes());
            }
            book.close(&state);
            book.wrong
        };
        assert_eq!(count(&|_| ()), Vec::<String>::new());
        let refused = count(&|frame| {
            for entry in &mut frame.entries {
                if let Entry::Act { device, seq, body } = entry {
                    let body = BodyHash::of(body);
                    let (device, seq, code) = (*device, *seq, 8);
                    *entry = Entry::Reject {
                        device,
                        seq,
                        code,
                        body,
                    };
                }
            }
        });
        assert!(refused.iter().any(|wrong| wrong.contains("has verdict 8")));
        let ungranted = count(&|frame| {
            frame
                .entries
                .retain(|entry| !matches!(entry, Entry::Receive { .. }));
        });
        assert!(ungranted.iter().any(|wrong| wrong.starts_with("coins: ")));
        let twice = count(&|frame| {
            let again: Vec<_> = frame.entries.clone();
            frame.entries.extend(again);
        });
        assert!(twice.iter().any(|wrong| wrong.starts_with("coins: ")));
    }
}
