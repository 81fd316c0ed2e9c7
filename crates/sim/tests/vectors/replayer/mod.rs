//! The replayer: the handler and the memory store, taken through a trace line by line.
//!
//! Decides what a line means for them and whether they agree with it. Knows nothing of the model but the lines.

mod compare;
mod diary;
mod mishaps;
mod words;

use baton::effect::{Append, Arrival, Call, Content, Effect, Fed, Found, Moment, Outcome, Read};
use baton::frame::Frame;
use baton::limits::SEGMENT;
use baton::wire::{News, Presence, read_reply};
use baton::{DeviceId, Head, Identity, Instance, Invocation, Memory, Nonce, Settings, Writer};
use serde_json::Value;
use std::collections::BTreeMap;

use compare::unvouched;
use diary::Diary;
use words::{action, expect, hail, number, play, sent, text, texts};

const ROOM: &str = "diary/room";
/// Frames before the model's first: the model's second ends a segment.
const BEFORE: u64 = SEGMENT - 2;
/// More than ten leases: for how long an instance remembers that others take part.
const COMPANY_MS: u64 = 2_500;

/// The kind of an inbox item that is a device's hail: its first byte.
const HAILS: u8 = 0;

/// What went wrong.
type Wrong = String;

/// A host process.
struct Host {
    instance: Instance<Diary>,
    writer: Writer,
    mono_ms: u64,
    flight: Option<Flight>,
}

/// A request on its way.
struct Flight {
    play: Arrival,
    invocation: Option<Invocation<Diary>>,
    effect: Option<Effect>,
    cursor: Head,
}

struct World {
    store: Memory,
    hosts: Vec<Host>,
    devices: Vec<(Identity, DeviceId, u32)>,
    /// The model's histories and the code's heads.
    heads: BTreeMap<String, Head>,
    /// The model's writers, by letter.
    writers: BTreeMap<char, Writer>,
    late: BTreeMap<String, Vec<Append>>,
    drawn: u64,
}

/// Replays a trace: its head, then its steps.
pub(crate) fn replay(trace: &[Value]) -> Result<(), Wrong> {
    let (head, steps) = trace.split_first().ok_or("no head")?;
    let mut world = World::new(number(head, "instances")?, number(head, "devices")?)?;
    for (index, line) in steps.iter().enumerate() {
        let step = || format!("step {}, {}: ", index + 1, line["step"]);
        world.step(line).map_err(|why| step() + &why)?;
        world.compare(&line["after"]).map_err(|why| step() + &why)?;
    }
    Ok(())
}

impl World {
    fn new(instances: u64, devices: u64) -> Result<Self, Wrong> {
        let mut world = World {
            store: Memory::new(1_790_000_000_000),
            hosts: Vec::new(),
            devices: Vec::new(),
            heads: BTreeMap::new(),
            writers: BTreeMap::new(),
            late: BTreeMap::new(),
            drawn: 0,
        };
        world.prepare(devices)?;
        for _ in 0..instances {
            let host = world.host();
            world.hosts.push(host);
        }
        Ok(world)
    }

    fn draw(&mut self) -> [u8; 8] {
        self.drawn += 1;
        self.drawn.to_le_bytes()
    }

    fn host(&mut self) -> Host {
        let writer = Writer(self.draw());
        Host {
            instance: Instance::new(writer, Settings::default(), ()),
            writer,
            mono_ms: 0,
            flight: None,
        }
    }

    /// Registers the devices and lets time pass, by a host that has no part in the trace.
    fn prepare(&mut self, devices: u64) -> Result<(), Wrong> {
        let mut host = self.host();
        for index in 0..devices {
            let who = Identity {
                user: format!("user-{index}"),
                name: "somebody".into(),
            };
            self.devices.push((who, DeviceId([index as u8 + 1; 16]), 0));
        }
        while self.store.log(ROOM).head().v < BEFORE {
            let after_ms = u64::from(Settings::default().idle_ms) * 2;
            self.store.set_clock(self.store.clock_ms() + after_ms);
            let arrivals: Vec<Arrival> = self
                .devices
                .iter()
                .map(|(who, id, _)| play(who, Head::default(), hail(*id, None, Presence::Here)))
                .collect();
            host.instance.forget();
            let moment = self.moment(0);
            let (mut invocation, mut effect) = host.instance.begin(ROOM, arrivals, moment);
            let outcomes = loop {
                match self.store.perform(ROOM, &effect) {
                    Some(fed) => effect = invocation.resume(&mut host.instance, fed, moment),
                    None => break effect,
                }
            };
            let Effect::Reply(outcomes) = outcomes else {
                return Err("no reply".into());
            };
            for (device, outcome) in self.devices.iter_mut().zip(&outcomes) {
                let standing = read_reply(&outcome.body).and_then(|reply| reply.device);
                device.2 = standing.ok_or("not registered")?.number;
            }
        }
        let head = self.store.log(ROOM).head();
        self.heads.insert("0".into(), head);
        expect("frames before", head.v, BEFORE)
    }

    fn moment(&mut self, mono_ms: u64) -> Moment {
        Moment {
            wall_ms: self.store.clock_ms(),
            mono_ms,
            nonce: Nonce(self.draw()),
        }
    }

    fn frames(&mut self) -> Vec<Frame> {
        let frames = self.store.log(ROOM).frames();
        frames
            .map(|bytes| Frame::decode(bytes).expect("the store holds frames"))
            .collect()
    }

    fn frame_ms(&mut self) -> u64 {
        self.frames().last().map_or(0, |frame| frame.time_ms)
    }

    fn step(&mut self, line: &Value) -> Result<(), Wrong> {
        match text(line, "step")? {
            "send" => self.send(line),
            "read" => self.read(line),
            "lead from cache" => self.lead_from_cache(line),
            "append" => self.append(line),
            "push" => self.push(line),
            "reply" => self.reply(line, true),
            "drop reply" => self.reply(line, false),
            "snapshot" => self.snapshot(),
            "drop cache" => {
                let place = self.place(line)?;
                self.hosts[place].instance.forget();
                Ok(())
            }
            "crash" => {
                let place = self.place(line)?;
                self.hosts[place] = self.host();
                Ok(())
            }
            "late append" => self.late_append(line),
            "roll back" => self.roll_back(line),
            "grace ends" => Ok(()),
            other => Err(format!("an unknown step, {other}")),
        }
    }

    fn place(&self, line: &Value) -> Result<usize, Wrong> {
        let place = number(line, "instance")? as usize;
        (place < self.hosts.len())
            .then_some(place)
            .ok_or("no such instance".into())
    }

    fn send(&mut self, line: &Value) -> Result<(), Wrong> {
        let place = self.place(line)?;
        let (who, id, own) = &self.devices[number(line, "device")? as usize];
        let cursor = *self
            .heads
            .get(text(line, "cursor")?)
            .ok_or("an unknown cursor")?;
        let mut hail = hail(*id, Some(*own), Presence::Unsaid);
        hail.answered = number(line, "answered")?;
        hail.kept_from = number(line, "kept_from")?;
        for name in texts(&line["actions"])? {
            hail.actions.push(sent(action(name)?.1));
        }
        self.hosts[place].flight = Some(Flight {
            play: play(who, cursor, hail),
            invocation: None,
            effect: None,
            cursor,
        });
        Ok(())
    }

    fn begin(&mut self, place: usize, reads_first: bool) -> Result<(), Wrong> {
        let moment = self.moment(self.hosts[place].mono_ms);
        let host = &mut self.hosts[place];
        let flight = host.flight.as_mut().ok_or("no request")?;
        if flight.invocation.is_some() {
            return Ok(());
        }
        let view = Arrival {
            who: None,
            call: Call::View,
        };
        let arrivals = [flight.play.clone()]
            .into_iter()
            .chain(reads_first.then_some(view));
        let (invocation, effect) = host.instance.begin(ROOM, arrivals.collect(), moment);
        flight.invocation = Some(invocation);
        flight.effect = Some(effect);
        Ok(())
    }

    fn effect(&mut self, place: usize) -> Result<Effect, Wrong> {
        let flight = self.hosts[place].flight.as_ref();
        flight
            .and_then(|flight| flight.effect.clone())
            .ok_or("no effect".into())
    }

    fn feed(&mut self, place: usize, fed: Fed) -> Result<(), Wrong> {
        let moment = self.moment(self.hosts[place].mono_ms);
        let host = &mut self.hosts[place];
        let flight = host.flight.as_mut().ok_or("no request")?;
        let invocation = flight.invocation.as_mut().ok_or("not begun")?;
        flight.effect = Some(invocation.resume(&mut host.instance, fed, moment));
        Ok(())
    }

    fn perform(&mut self, place: usize) -> Result<(), Wrong> {
        let effect = self.effect(place)?;
        if matches!(effect, Effect::Append(..)) {
            self.hosts[place].mono_ms += COMPANY_MS;
        }
        let fed = self.store.perform(ROOM, &effect).ok_or("already a reply")?;
        self.feed(place, fed)
    }

    /// READ, as often as it takes: a break costs a second one.
    fn reads(&mut self, place: usize, mut met: Vec<&str>) -> Result<(), Wrong> {
        let mut snapshot = false;
        for _ in 0..3 {
            let Effect::Read(read) = self.effect(place)? else {
                break;
            };
            let found = self.look(&read);
            snapshot |= found.snapshot.is_some();
            if read.known.v > 0 && found.known != Some(read.known.hash) {
                met.retain(|note| *note != "Break");
            }
            self.perform(place)?;
        }
        if met.contains(&"Break") {
            return Err("the model met a break, the handler none".into());
        }
        if met.contains(&"FromSnapshot") && !snapshot {
            return Err("the model read a snapshot, the handler none".into());
        }
        Ok(())
    }

    fn look(&mut self, read: &Read) -> Found {
        let now_ms = self.store.clock_ms();
        self.store.log(ROOM).read(read, now_ms)
    }

    fn read(&mut self, line: &Value) -> Result<(), Wrong> {
        let place = self.place(line)?;
        let settings = Settings::default();
        let leads = text(line, "next")? == "append";
        let later_ms = match text(line, "then")? {
            "LeadIdle" if leads => settings.idle_ms + settings.lease_ms,
            _ if leads => settings.lease_ms + 1,
            _ => 0,
        };
        let frame_ms = self.frame_ms();
        self.store.set_clock(frame_ms + u64::from(later_ms));
        self.begin(place, true)?;
        if !matches!(self.effect(place)?, Effect::Read(_)) {
            return Err("the handler does not read".into());
        }
        let met = text(line, "met")?.trim_matches(['[', ']']);
        self.reads(place, met.split(", ").collect())?;
        if matches!(self.effect(place)?, Effect::Note(..)) {
            // Beside the log: the model knows no rules that break.
            self.perform(place)?;
        }
        self.next(place, line)
    }

    /// From its cache an instance leads that for ten leases saw nobody else take part.
    fn lead_from_cache(&mut self, line: &Value) -> Result<(), Wrong> {
        let place = self.place(line)?;
        let settings = Settings::default();
        self.hosts[place].mono_ms += u64::from(settings.frame_ms);
        let frame_ms = self.frame_ms();
        self.store
            .set_clock(frame_ms + u64::from(settings.frame_ms));
        self.begin(place, false)?;
        self.next(place, line)
    }

    /// What the handler asks for next must be what the model's request does next.
    fn next(&mut self, place: usize, line: &Value) -> Result<(), Wrong> {
        let model = text(line, "next")?;
        match self.effect(place)? {
            Effect::Read(_) if matches!(model, "refused" | "unknown") => Ok(()),
            Effect::Reply(_) if matches!(model, "reply" | "retry") => Ok(()),
            Effect::Push(items, _) if model == "push" => {
                let found: Vec<String> = items.iter().flat_map(|item| self.item(item)).collect();
                expect(
                    "pushes",
                    found,
                    texts(&line["items"])?
                        .iter()
                        .map(|item| item.to_string())
                        .collect(),
                )
            }
            Effect::Append(append, _) if model == "append" => {
                self.built(place, &append, &line["frame"])
            }
            other => Err(format!(
                "the handler asks for {other:?}, the model for {model}"
            )),
        }
    }

    /// A frame was built: its entries must agree, and its hash stands for the model's history from now on.
    fn built(&mut self, place: usize, append: &Append, model: &Value) -> Result<(), Wrong> {
        let frame = Frame::decode(&append.frame).map_err(|why| format!("{why:?}"))?;
        let history = text(model, "is")?;
        expect(
            "entries",
            self.actions(&frame),
            unvouched(&model["entries"])?,
        )?;
        let last = history.rsplit('.').next().unwrap_or_default();
        let letter = last.chars().next().ok_or("no writer")?;
        let writer = *self
            .writers
            .entry(letter)
            .or_insert(self.hosts[place].writer);
        expect("writer", frame.writer, writer)?;
        let parent = history.rsplit_once('.').map_or("0", |(parent, _)| parent);
        expect(
            "previous",
            Some(append.previous),
            self.heads.get(parent).map(|head| head.hash),
        )?;
        let head = Head {
            v: append.v,
            hash: append.hash,
        };
        self.heads.insert(history.into(), head);
        Ok(())
    }

    fn append(&mut self, line: &Value) -> Result<(), Wrong> {
        let place = self.place(line)?;
        let effect = self.effect(place)?;
        let Effect::Append(append, _) = &effect else {
            return Err("the handler does not append".into());
        };
        let frame = Frame::decode(&append.frame).map_err(|why| format!("{why:?}"))?;
        self.store.set_clock(frame.time_ms);
        let before = self.store.log(ROOM).head().v;
        let outcome = text(line, "outcome")?;
        if matches!(outcome, "UnknownLate" | "UnknownTwice") {
            let history = self.heads.iter().find(|(_, head)| head.hash == append.hash);
            let history = history
                .map(|(history, _)| history.clone())
                .ok_or("a frame unknown")?;
            self.late.entry(history).or_default().push(append.clone());
        }
        match outcome {
            "Answered" => self.perform(place)?,
            "UnknownDone" | "UnknownTwice" => {
                self.store.perform(ROOM, &effect);
                self.feed(place, Fed::Failed)?;
            }
            "UnknownNotDone" | "UnknownLate" => self.feed(place, Fed::Failed)?,
            other => return Err(format!("an unknown outcome, {other}")),
        }
        let taken = self.store.log(ROOM).head().v > before;
        expect("taken", Some(taken), line["taken"].as_bool())?;
        self.next(place, line)
    }

    fn push(&mut self, line: &Value) -> Result<(), Wrong> {
        let place = self.place(line)?;
        if !matches!(self.effect(place)?, Effect::Push(..)) {
            return Err("the handler does not push".into());
        }
        let frame_ms = self.frame_ms();
        self.store.set_clock(frame_ms);
        self.perform(place)?;
        self.reads(place, Vec::new())?;
        self.next(place, line)
    }

    fn reply(&mut self, line: &Value, arrives: bool) -> Result<(), Wrong> {
        let place = self.place(line)?;
        let Effect::Reply(outcomes) = self.effect(place)? else {
            return Err("the handler does not reply".into());
        };
        let flight = self.hosts[place].flight.take().ok_or("no request")?;
        if !arrives {
            return Ok(());
        }
        let (told, outcome) = (&line["told"], &outcomes[0]);
        match text(told, "says")? {
            "retry" => refusal(outcome, "retry"),
            "gap" => refusal(outcome, "gap"),
            says => {
                let reply = read_reply(&outcome.body).filter(|_| outcome.content == Content::Reply);
                let reply =
                    reply.ok_or_else(|| String::from_utf8_lossy(&outcome.body).into_owned())?;
                expect(
                    "head",
                    Some(&reply.head),
                    self.heads.get(text(told, "head")?),
                )?;
                let reset = matches!(reply.news, News::Reset(_));
                expect("reset", reset, says == "reset")?;
                if let News::Frames(frames) = &reply.news {
                    expect(
                        "frames",
                        frames.len() as u64,
                        reply.head.v - flight.cursor.v,
                    )?;
                }
                let mark = reply.device.ok_or("no standing")?.mark;
                expect("mark", mark, number(told, "mark")?)
            }
        }
    }
}

fn refusal(outcome: &Outcome, code: &str) -> Result<(), Wrong> {
    let body: Value = serde_json::from_slice(&outcome.body).map_err(|_| "no refusal")?;
    expect("refusal", body["code"].as_str(), Some(code))
}
