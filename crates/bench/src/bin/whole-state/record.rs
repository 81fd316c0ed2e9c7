//! The players: what two devices of one account do, drawn from a seed. They are played through our way once, which records
//! what happened; the peer is given the recording. Decides what is drawn, and what the recording comes to if each thing counts
//! once, told without log or merging.

use account::{Action, Goal, Item, Mode, Preference, State, coins_of, scrap_of};
use baton::{Memory, Random, Room};
use contagion::{MatchResult, Run};

use crate::host::{Bytes, Device, Fate, Host};
use crate::whole_state::{self, Retry, Server};

/// What a device does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Plays a run: what is handed in of it, and what it was worth.
    Run(Action, MatchResult),
    Buy(Item),
    Look(u8),
    Prefer(Preference, u8),
}

impl Deed {
    fn action(&self) -> Action {
        match self {
            Self::Run(run, _) => run.clone(),
            Self::Buy(item) => Action::Buy(*item),
            Self::Look(look) => Action::Look(*look),
            Self::Prefer(preference, value) => Action::Prefer(*preference, *value),
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Act(usize, Deed),
    Sync(usize, Fate),
    /// A match was played; the server is told so often.
    Award(MatchResult, u32),
}

/// What was recorded of our way, and the account by a replay of its log.
pub(crate) struct Recording {
    pub(crate) events: Vec<Event>,
    pub(crate) ours: State,
    /// What both devices sent and got, with what they asked while runs were replayed.
    pub(crate) bytes: Bytes,
}

/// Scrap that the account has at the start: enough for all that is bought.
const SCRAP: u64 = 1_000;
/// What may wait on a device, below what one request carries.
const PENDING: usize = 20;
/// What each of the two devices buys: never the same, so that neither purchase is refused.
const WANTED: [Item; 2] = [Item::Raincoat, Item::Welder];
const SETTABLE: [Preference; 4] = [
    Preference::Volume,
    Preference::LeftHanded,
    Preference::Contrast,
    Preference::Calm,
];

struct Play {
    host: Host<Memory>,
    devices: [Device; 2],
    random: Random,
    events: Vec<Event>,
}

/// Plays so many stretches: a device is offline, does something, and comes back to a network that loses requests and answers.
pub(crate) fn record(seed: u64, stretches: usize) -> Recording {
    let mut host = Host::in_memory();
    let grant = Action::Grant {
        coins: 0,
        scrap: SCRAP as i64,
    };
    let first = Device::join(&mut host, 1);
    host.deliver(&grant, 1);
    let devices = [first, Device::join(&mut host, 2)];
    let mut play = Play {
        host,
        devices,
        random: Random::from_seed(seed),
        events: Vec::new(),
    };
    play.settle();
    for _ in 0..stretches {
        play.stretch();
    }
    play.settle();
    let ours = replayed(&mut play.host);
    for device in &play.devices {
        let same = baton::wire::write(device.synced()) == baton::wire::write(&ours);
        assert!(same, "both devices show what the log says");
    }
    let bytes = Bytes::of(play.devices.iter().map(|device| device.bytes));
    Recording {
        events: play.events,
        ours,
        bytes,
    }
}

fn replayed(host: &mut Host<Memory>) -> State {
    let mut frames = host.frames();
    let first = frames.next().expect("it has begun");
    let mut room: Room<account::Account> = Room::genesis(first).expect("the first frame");
    for frame in frames {
        room.replay(frame).expect("the next frame");
    }
    room.state().clone()
}

impl Play {
    fn stretch(&mut self) {
        if self.random.chance(1, 4) {
            self.award();
        }
        let device = self.random.below(2) as usize;
        for _ in 0..=self.random.below(4) {
            if let Some(deed) = self.deed(device) {
                let done = self.devices[device].act(&self.host, &deed.action());
                assert!(done, "only what may be done was drawn");
                self.events.push(Event::Act(device, deed));
            }
        }
        loop {
            let fate = match self.random.below(10) {
                0..2 => Fate::RequestLost,
                2..4 => Fate::AnswerLost,
                _ => Fate::Answered,
            };
            self.sync(device, fate);
            let waits = self.devices[device].replica.pending();
            // Some go offline again with what they could not send.
            let gives_up = waits < PENDING && self.random.chance(1, 3);
            if fate == Fate::Answered || gives_up {
                return;
            }
        }
    }

    fn award(&mut self) {
        let score = self.random.below(900);
        let result = MatchResult {
            match_id: self.random.next_u32(),
            won: score > 450,
            score,
            survived_ms: 1_000 * (1 + self.random.below(180)),
            struck: self.random.below(12) as u16,
            cures: self.random.below(2) as u16,
            infected: self.random.below(3) as u16,
        };
        // At least once, like all that is delivered.
        let copies = 1 + u32::from(self.random.chance(1, 5));
        self.host.deliver(&Action::Match(result), copies);
        self.events.push(Event::Award(result, copies));
    }

    fn deed(&mut self, device: usize) -> Option<Deed> {
        Some(match self.random.below(10) {
            0..2 => self.run(device)?,
            2 => {
                let item = Deed::Buy(WANTED[device]);
                let may = self.devices[device].replica.can(&item.action());
                may.is_ok().then_some(item)?
            }
            3..6 => Deed::Look(self.random.below(account::FREE_LOOKS.into()) as u8),
            _ => {
                let which = self.random.below(SETTABLE.len() as u32) as usize;
                Deed::Prefer(SETTABLE[which], self.random.below(100) as u8)
            }
        })
    }

    /// With a seed that the other device leaves alone, if there is one in hand. It takes its time.
    fn run(&mut self, device: usize) -> Option<Deed> {
        let shown = self.devices[device].replica.predicted()?.state();
        let own = |seed: &u64| seed % 2 == device as u64;
        let seed = shown.seeds.iter().map(|held| held.seed).find(own)?;
        let mut run = Run::new(seed);
        run.finish();
        self.host.pass(run.lasted_ms());
        let inputs = run.inputs().clone();
        let result = run.result().expect("it is over");
        Some(Deed::Run(Action::Run { seed, inputs }, result))
    }

    fn sync(&mut self, device: usize, fate: Fate) {
        self.host.pause();
        self.devices[device].sync(&mut self.host, fate);
        self.events.push(Event::Sync(device, fate));
        if fate == Fate::Answered {
            self.go_on(device);
        }
    }

    /// While the server replays a run, it asks its devices to come again.
    fn go_on(&mut self, device: usize) {
        for _ in 0..1_000 {
            let it = &mut self.devices[device];
            let waits = it.replica.pending() > 0 || !it.synced().claims.is_empty();
            if !waits {
                return;
            }
            self.host.pause();
            it.sync(&mut self.host, Fate::Answered);
        }
        panic!("it is never quiet");
    }

    /// The network is there again, for both, until both have everything.
    fn settle(&mut self) {
        for device in [0, 1, 0, 1] {
            self.sync(device, Fate::Answered);
        }
    }
}

impl Recording {
    /// The account if each thing that was done counts once, in the order in which the server first heard of it.
    pub(crate) fn truth(&self) -> State {
        let mut truth = start();
        let mut waiting = [Vec::new(), Vec::new()];
        for event in &self.events {
            match event {
                Event::Act(device, deed) => waiting[*device].push(deed),
                Event::Sync(_, Fate::RequestLost) => {}
                Event::Sync(device, _) => {
                    for deed in waiting[*device].drain(..) {
                        count(&mut truth, deed);
                    }
                }
                Event::Award(result, _) => {
                    truth.matches.count(result);
                    truth.coins += coins_of(result);
                    truth.last = Some((Mode::Match, 0));
                }
            }
        }
        for goal in Goal::ALL {
            if goal.is_reached(&truth) {
                truth.goals.insert(goal);
                truth.coins += goal.coins();
            }
        }
        truth
    }

    /// The same events by way of the peer.
    pub(crate) fn by_peer(&self, retry: Retry) -> (State, Bytes) {
        let mut server = Server::new(&start());
        let mut devices = [0, 1].map(|_| whole_state::Device::new(&server, retry));
        for (now_ms, event) in (0..).zip(&self.events) {
            match event {
                Event::Act(device, deed) => devices[*device].act(deed, now_ms),
                Event::Sync(device, fate) => devices[*device].sync(&mut server, *fate),
                Event::Award(result, copies) => {
                    for _ in 0..*copies {
                        server.award(result, now_ms);
                    }
                }
            }
        }
        for device in [0, 1] {
            devices[device].sync(&mut server, Fate::Answered);
        }
        let bytes = Bytes::of(devices.iter().map(|device| device.bytes));
        (server.account(), bytes)
    }
}

fn start() -> State {
    State {
        scrap: SCRAP,
        ..State::default()
    }
}

fn count(truth: &mut State, deed: &Deed) {
    match deed {
        Deed::Run(_, result) => {
            truth.runs.count(result);
            truth.scrap += u64::from(scrap_of(result));
            truth.last = Some((Mode::Run, 0));
        }
        Deed::Buy(item) => {
            truth.scrap -= item.price().1;
            truth.items.insert(*item);
        }
        Deed::Look(look) => truth.look = *look,
        Deed::Prefer(preference, value) => {
            truth.preferences.insert(*preference, *value);
        }
    }
}

/// Where an account is not what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Games that count more than once.
    pub(crate) doubled: u64,
    /// Games that do not count, purchases that are gone, settings that are not the last.
    pub(crate) lost: u64,
    /// By how much balances are wrong.
    pub(crate) coins: u64,
    pub(crate) scrap: u64,
}

impl Faults {
    pub(crate) fn of(got: &State, truth: &State) -> Self {
        let mut faults = Self {
            coins: got.coins.abs_diff(truth.coins),
            scrap: got.scrap.abs_diff(truth.scrap),
            ..Self::default()
        };
        for (got, truth) in [(got.matches, truth.matches), (got.runs, truth.runs)] {
            faults.doubled += u64::from(got.played.saturating_sub(truth.played));
            faults.lost += u64::from(truth.played.saturating_sub(got.played));
        }
        faults.lost += truth.items.difference(&got.items).count() as u64;
        faults.lost += truth.goals.difference(&got.goals).count() as u64;
        faults.lost += u64::from(got.look != truth.look);
        let mode = |state: &State| state.last.map(|(mode, _)| mode);
        faults.lost += u64::from(mode(got) != mode(truth));
        let set = SETTABLE.iter();
        let wrong = set.filter(|which| got.preferences.get(which) != truth.preferences.get(which));
        faults.lost += wrong.count() as u64;
        faults
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.coins += other.coins;
        self.scrap += other.scrap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b33_on_the_same_players_the_old_way_doubles_and_loses_and_baton_does_not() {
        let mut resent = Faults::default();
        let mut forgot = Faults::default();
        for seed in 0..3 {
            let recording = record(seed, 40);
            let truth = recording.truth();
            assert!(truth.runs.played > 3 && truth.matches.played > 3);
            // Not only what is counted as a fault: all statistics, too.
            let ours = &recording.ours;
            assert_eq!((ours.runs, ours.matches), (truth.runs, truth.matches));
            assert_eq!(Faults::of(ours, &truth), Faults::default(), "seed {seed}");
            let by_peer = |retry| Faults::of(&recording.by_peer(retry).0, &truth);
            resent.add(by_peer(Retry::Resend));
            forgot.add(by_peer(Retry::Forget));
        }
        println!("resent {resent:?}, forgot {forgot:?}");
        assert!(
            resent.doubled > 0,
            "an answer is lost, a packet counts twice"
        );
        assert!(resent.lost > 0, "a device replaces what the other did");
        assert!(forgot.lost > 0, "a packet is lost with all that is in it");
    }

    /// Without trouble the peer does what it should, else the comparison is void.
    #[test]
    fn b33_one_device_whose_network_never_fails_is_served_well_by_both() {
        for retry in [Retry::Resend, Retry::Forget] {
            let mut recording = record(7, 30);
            recording.events.retain_mut(|event| match event {
                Event::Act(device, _) => *device == 0,
                Event::Sync(device, fate) => {
                    *fate = Fate::Answered;
                    *device == 0
                }
                Event::Award(_, copies) => {
                    *copies = 1;
                    true
                }
            });
            let truth = recording.truth();
            assert!(truth.games() > 5);
            let faults = Faults::of(&recording.by_peer(retry).0, &truth);
            assert_eq!(faults, Faults::default());
        }
    }
}
