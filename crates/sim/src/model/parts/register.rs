//! Registration and eviction: a device gets a number that is never used again, and acts under it alone.
//!
//! Modelled: requests that are answered, not answered, or come once more, late; leading and the inbox; a device that
//! falls silent and comes back; eviction; the loss of the store's last frame. Abstract: a frame is one atomic step (its
//! races are the whole model's), and eviction is a free choice among the silent, as if others needed the place.

use super::super::cases::{Case, MutantCase};
use super::super::report::Shown;
use super::Part;
use stateright::{Model, Property};

/// Which rule is switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// None.
    None,
    /// The lowest free number is given.
    NumberReused,
    /// A request acts under whatever number its id has now.
    MatchedById,
    /// A device is evicted though the inbox holds something of it.
    BusyEvicted,
    /// A second copy of a registration gets a number of its own.
    RepeatGetsNew,
    /// Whether the number is evicted is asked only when its id has no other.
    StandingAskedFirst,
}

/// The bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    name: &'static str,
    mutant: Mutant,
    devices: u8,
    actions: u8,
    sends: u8,
    copies: u8,
    lost_replies: u8,
    evictions: u8,
    roll_back: bool,
}

/// The part in one configuration.
#[derive(Clone)]
pub struct Register {
    config: Config,
}

/// What a device sends: a registration without a number, actions with one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    user: u8,
    id: u8,
    number: Option<u8>,
    first: u8,
    last: u8,
    /// Ghost: the user's actions before this id's first.
    base: u8,
    /// A copy that nobody waits for.
    copy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Device {
    user: u8,
    id: u8,
    number: u8,
    mark: u8,
}

/// An action that took effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Applied {
    user: u8,
    id: u8,
    action: u8,
    meant: u8,
    under: u8,
}

/// The room by its log.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Room {
    given: Vec<u8>,
    devices: Vec<Device>,
    applied: Vec<Applied>,
}

/// What a request is answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Answer {
    Standing { number: u8, mark: u8 },
    Evicted,
    Unregistered,
    Waits,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Client {
    id: u8,
    number: Option<u8>,
    base: u8,
    mark: u8,
    made: u8,
    away: bool,
    was_away: bool,
    told_evicted: bool,
    sends_left: u8,
    drops_left: u8,
}

/// What the last step met.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Met {
    Nothing,
    LateCopyRefused,
    RegisteredAgain,
    SameNumber,
    FromInbox,
}

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    room: Room,
    /// The room before its last frame.
    before: Option<Room>,
    inbox: Vec<Request>,
    flying: Vec<Request>,
    clients: Vec<Client>,
    copies: u8,
    evictions: u8,
    lost: bool,
    /// Ghost: a device was evicted while something of it was under way.
    evicted_busy: bool,
    met: Met,
}

/// One step of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A user does something.
    Act(usize),
    /// A device sends its registration or its actions.
    Send(usize),
    /// A request is led: the inbox and it become a frame. Whether its answer arrives, whether a copy stays behind.
    Lead(usize, bool, bool),
    /// A request is pushed to the inbox. The same.
    Push(usize, bool, bool),
    /// The inbox becomes a frame.
    FrameInbox,
    /// A device falls silent, or comes back.
    Turn(usize),
    /// A silent device's number is forgotten.
    Evict(u8),
    /// The store loses its last frame.
    RollBack,
}

impl Room {
    fn standing(&self, user: u8, id: u8) -> Option<&Device> {
        let own = |device: &&Device| device.user == user && device.id == id;
        self.devices.iter().find(own)
    }

    fn was_evicted(&self, number: u8) -> bool {
        self.given.contains(&number) && self.devices.iter().all(|device| device.number != number)
    }

    /// What of a request may not enter; `None` if it may.
    fn refuses(&self, request: &Request, mutant: Mutant) -> Option<Answer> {
        let number = request.number?;
        let standing = self.standing(request.user, request.id);
        let own = standing.is_some_and(|device| device.number == number);
        let evicted = self.was_evicted(number);
        match mutant {
            _ if own => None,
            Mutant::MatchedById if standing.is_some() => None,
            Mutant::StandingAskedFirst if standing.is_some() => Some(Answer::Unregistered),
            _ if evicted => Some(Answer::Evicted),
            _ => Some(Answer::Unregistered),
        }
    }

    fn enter(&mut self, request: &Request, mutant: Mutant) -> Met {
        let Some(meant) = request.number else {
            return self.register(request, mutant);
        };
        let own = |device: &&mut Device| device.user == request.user && device.id == request.id;
        let Some(device) = self.devices.iter_mut().find(own) else {
            return Met::LateCopyRefused;
        };
        if device.number != meant && mutant != Mutant::MatchedById {
            return Met::LateCopyRefused;
        }
        for sequence in request.first..=request.last {
            if sequence == device.mark + 1 {
                device.mark = sequence;
                self.applied.push(Applied {
                    user: request.user,
                    id: request.id,
                    action: request.base + sequence,
                    meant,
                    under: device.number,
                });
            }
        }
        Met::Nothing
    }

    fn register(&mut self, request: &Request, mutant: Mutant) -> Met {
        let known = self.standing(request.user, request.id).is_some();
        if known && mutant != Mutant::RepeatGetsNew {
            return Met::SameNumber;
        }
        let free = |number: &u8| self.devices.iter().all(|device| device.number != *number);
        let number = match mutant {
            Mutant::NumberReused => (1..).find(free).unwrap_or(0),
            _ => self.given.iter().max().unwrap_or(&0) + 1,
        };
        self.given.push(number);
        self.devices.push(Device {
            user: request.user,
            id: request.id,
            number,
            mark: 0,
        });
        Met::Nothing
    }
}

impl Client {
    fn request(&self, user: u8) -> Request {
        Request {
            user,
            id: self.id,
            number: self.number,
            first: self.mark + 1,
            last: match self.number {
                Some(_) => self.made - self.base,
                None => 0,
            },
            base: self.base,
            copy: false,
        }
    }

    fn pending(&self) -> bool {
        self.made - self.base > self.mark
    }

    fn receive(&mut self, request: &Request, answer: Answer) {
        if request.id != self.id {
            return;
        }
        match answer {
            Answer::Standing { number, mark } => {
                self.number = Some(number);
                self.mark = mark;
            }
            // The same id registers again, and all that is kept is sent again.
            Answer::Unregistered => {
                self.number = None;
                self.mark = 0;
            }
            // What was pending is dropped, never renumbered.
            Answer::Evicted => {
                self.id += 1;
                self.base = self.made;
                (self.number, self.mark) = (None, 0);
                self.told_evicted = true;
            }
            Answer::Waits => {}
        }
    }
}

impl State {
    fn lead(&mut self, request: Option<&Request>, mutant: Mutant) -> Answer {
        let before = self.room.clone();
        let refused = request.and_then(|request| self.room.refuses(request, mutant));
        if !self.inbox.is_empty() {
            self.met = Met::FromInbox;
        }
        for item in std::mem::take(&mut self.inbox) {
            if self.room.enter(&item, mutant) == Met::LateCopyRefused {
                self.met = Met::LateCopyRefused;
            }
        }
        if let (Some(request), None) = (request, refused) {
            match self.room.enter(request, mutant) {
                Met::Nothing => {}
                met => self.met = met,
            }
        }
        if self.room != before {
            self.before = Some(before);
        }
        self.answer(request, refused)
    }

    fn answer(&mut self, request: Option<&Request>, refused: Option<Answer>) -> Answer {
        let Some(request) = request else {
            return Answer::Waits;
        };
        if refused.is_some() && request.copy {
            self.met = Met::LateCopyRefused;
        }
        refused.unwrap_or_else(|| {
            let standing = self.room.standing(request.user, request.id);
            standing.map_or(Answer::Waits, |device| Answer::Standing {
                number: device.number,
                mark: device.mark,
            })
        })
    }

    /// A request in hand: taken out of the network, unless a copy stays behind.
    fn arrive(&mut self, index: usize, copied: bool) -> Request {
        let request = self.flying.remove(index);
        if copied {
            self.copies -= 1;
            self.flying.push(Request {
                copy: true,
                ..request
            });
        }
        request
    }

    fn reply(&mut self, request: &Request, answer: Answer, arrives: bool) {
        let client = &mut self.clients[usize::from(request.user)];
        if arrives {
            if answer == Answer::Unregistered {
                self.met = Met::RegisteredAgain;
            }
            client.receive(request, answer);
        } else if !request.copy && !client.away {
            client.drops_left -= 1;
        }
    }

    fn evict(&mut self, number: u8, mutant: Mutant) -> bool {
        let Some(place) = self
            .room
            .devices
            .iter()
            .position(|device| device.number == number)
        else {
            return false;
        };
        let device = self.room.devices[place];
        let under_way = self.inbox.iter().any(|item| {
            item.user == device.user && item.number == Some(number) && item.last > device.mark
        });
        let silent = self.clients[usize::from(device.user)].away;
        if !silent || under_way && mutant != Mutant::BusyEvicted {
            return false;
        }
        self.evicted_busy |= under_way;
        self.before = Some(self.room.clone());
        self.room.devices.remove(place);
        self.evictions -= 1;
        true
    }

    /// Carries out `step`; false if it does not apply.
    fn take(&mut self, step: Step, mutant: Mutant) -> bool {
        self.met = Met::Nothing;
        match step {
            Step::Act(client) => self.clients[client].made += 1,
            Step::Send(index) => {
                let client = &mut self.clients[index];
                client.sends_left = client.sends_left.saturating_sub(1);
                self.flying.push(client.request(index as u8));
            }
            Step::Lead(index, arrives, copied) => {
                let request = self.arrive(index, copied);
                let answer = self.lead(Some(&request), mutant);
                self.reply(&request, answer, arrives);
            }
            Step::Push(index, arrives, copied) => {
                let request = self.arrive(index, copied);
                let refused = self.room.refuses(&request, mutant);
                if refused.is_none() {
                    self.inbox.push(request);
                }
                let answer = self.answer(Some(&request), refused);
                self.reply(&request, answer, arrives);
            }
            Step::FrameInbox => {
                self.lead(None, mutant);
            }
            Step::Turn(client) => {
                let client = &mut self.clients[client];
                client.away = !client.away;
                client.was_away = true;
            }
            Step::Evict(number) => return self.evict(number, mutant),
            Step::RollBack => {
                let Some(before) = self.before.take() else {
                    return false;
                };
                self.room = before;
                self.lost = true;
            }
        }
        self.flying.sort_unstable_by_key(|request| {
            (
                request.copy,
                request.user,
                request.id,
                request.number,
                request.last,
            )
        });
        true
    }
}

impl Model for Register {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let config = &self.config;
        let client = Client {
            id: 0,
            number: None,
            base: 0,
            mark: 0,
            made: 0,
            away: false,
            was_away: false,
            told_evicted: false,
            sends_left: config.sends,
            drops_left: config.lost_replies,
        };
        vec![State {
            room: Room::default(),
            before: None,
            inbox: Vec::new(),
            flying: Vec::new(),
            clients: vec![client; usize::from(config.devices)],
            copies: config.copies,
            evictions: config.evictions,
            lost: false,
            evicted_busy: false,
            met: Met::Nothing,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let config = &self.config;
        for (index, client) in state.clients.iter().enumerate() {
            if client.made < config.actions {
                steps.push(Step::Act(index));
            }
            let flies = state
                .flying
                .iter()
                .any(|it| usize::from(it.user) == index && !it.copy);
            if !client.away
                && !flies
                && client.sends_left > 0
                && (client.number.is_none() || client.pending() || state.lost)
            {
                steps.push(Step::Send(index));
            }
            if client.away || config.evictions > 0 && !client.was_away && client.number.is_some() {
                steps.push(Step::Turn(index));
            }
        }
        for (index, request) in state.flying.iter().enumerate() {
            let client = &state.clients[usize::from(request.user)];
            let waits = !request.copy && !client.away;
            for arrives in [true, false] {
                if arrives && !waits || !arrives && waits && client.drops_left == 0 {
                    continue;
                }
                for copied in [false, true] {
                    if copied && (state.copies == 0 || request.copy) {
                        continue;
                    }
                    steps.push(Step::Lead(index, arrives, copied));
                    steps.push(Step::Push(index, arrives, copied));
                }
            }
        }
        if !state.inbox.is_empty() {
            steps.push(Step::FrameInbox);
        }
        if state.evictions > 0 {
            steps.extend(
                state
                    .room
                    .devices
                    .iter()
                    .map(|device| Step::Evict(device.number)),
            );
        }
        if self.config.roll_back && !state.lost && state.before.is_some() {
            steps.push(Step::RollBack);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        next.take(step, self.config.mutant).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &State| once(&state.room)),
            Property::always(UNDER_ITS_NUMBER, |_, state: &State| {
                state.room.applied.iter().all(|it| it.meant == it.under)
            }),
            Property::always(ONE_NUMBER, |_, state: &State| one_number(&state.room)),
            Property::always(ONLY_SILENT, |_, state: &State| !state.evicted_busy),
            Property::always(TOLD, |_, state: &State| {
                let honest = |client: &Client| client.was_away || !client.told_evicted;
                state.lost || state.clients.iter().all(honest)
            }),
            Property::always(NEVER_WEDGED, |model: &Self, state: &State| {
                heals(state, model.config.mutant)
            }),
            Property::sometimes(TOLD_EVICTED, |_, state: &State| {
                state.clients.iter().any(|client| client.told_evicted)
            }),
            Property::sometimes(LATE_COPY, |_, state: &State| {
                state.met == Met::LateCopyRefused
            }),
            Property::sometimes(AGAIN, |_, state: &State| state.met == Met::RegisteredAgain),
            Property::sometimes(SAME, |_, state: &State| state.met == Met::SameNumber),
            Property::sometimes(VIA_INBOX, |_, state: &State| state.met == Met::FromInbox),
            Property::sometimes(AFTER_EVICTION, |_, state: &State| {
                let under = |it: &Applied| state.room.was_evicted(1) && it.under > 1;
                state.room.applied.iter().any(under)
            }),
        ]
    }
}

const ONCE: &str = "each action once, in order";
const UNDER_ITS_NUMBER: &str = "an action acts under the number it names";
const ONE_NUMBER: &str = "one number per device, never used again";
const ONLY_SILENT: &str = "nothing under way is evicted";
const TOLD: &str = "only a device that was silent is told evicted";
const NEVER_WEDGED: &str = "every action ends framed, or told evicted";
const TOLD_EVICTED: &str = "a device told evicted";
const LATE_COPY: &str = "a late copy refused";
const AGAIN: &str = "registered again after a roll-back";
const SAME: &str = "a repeated registration got the same number";
const VIA_INBOX: &str = "framed from the inbox";
const AFTER_EVICTION: &str = "acts again after an eviction";

fn once(room: &Room) -> bool {
    room.applied.iter().enumerate().all(|(index, it)| {
        let mut earlier = room.applied[..index].iter();
        earlier.all(|other| {
            let same_device = (other.user, other.id) == (it.user, it.id);
            let same = (other.user, other.action) == (it.user, it.action);
            !same && (!same_device || other.action < it.action)
        })
    })
}

fn one_number(room: &Room) -> bool {
    let again = |number: &u8| room.given.iter().filter(|given| *given == number).count() > 1;
    let twins = room.devices.iter().enumerate().any(|(index, device)| {
        let mut earlier = room.devices[..index].iter();
        earlier.any(|other| (other.user, other.id) == (device.user, device.id))
    });
    !twins && !room.given.iter().any(again)
}

/// One to learn of a loss or an eviction, one to register, one to send again, one to spare.
const ROUNDS: usize = 4;

/// Late copies go, who is away comes back, and each asks until it knows.
fn heals(state: &State, mutant: Mutant) -> bool {
    let mut state = state.clone();
    state.flying.clear();
    for index in 0..state.clients.len() {
        state.clients[index].away = false;
        for _ in 0..ROUNDS {
            state.take(Step::Send(index), mutant);
            state.take(Step::Lead(0, true, false), mutant);
        }
    }
    state.clients.iter().enumerate().all(|(user, client)| {
        let framed = |action| {
            let own = |it: &&Applied| usize::from(it.user) == user && it.action == action;
            state.room.applied.iter().filter(own).count() == 1
        };
        !client.pending() && (client.base + 1..=client.made).all(framed)
    })
}

impl Shown for Register {
    fn part(&self) -> String {
        "register".into()
    }

    fn name(&self) -> &'static str {
        self.config.name
    }

    fn mutant(&self) -> String {
        format!("{:?}", self.config.mutant)
    }

    fn tell(&self, before: &State, step: &Step, after: &State) -> String {
        let what = match step {
            Step::Lead(index, ..) | Step::Push(index, ..) => {
                format!("{step:?} of {:?}", before.flying[*index])
            }
            _ => format!("{step:?}"),
        };
        format!("{what} room {:?}", after.room)
    }
}

const ALL: Config = Config {
    name: "silent and back",
    mutant: Mutant::None,
    devices: 1,
    actions: 2,
    sends: 4,
    copies: 2,
    lost_replies: 1,
    evictions: 1,
    roll_back: false,
};

const LOSS: Config = Config {
    name: "silent, back, roll-back",
    copies: 1,
    roll_back: true,
    ..ALL
};

const TWO: Config = Config {
    name: "two devices",
    devices: 2,
    actions: 1,
    sends: 2,
    copies: 1,
    lost_replies: 0,
    ..ALL
};

/// What is explored.
pub fn part() -> Part<Register> {
    let case = |config, reaches: &[&'static str]| Case {
        model: Register { config },
        reaches: reaches.to_vec(),
    };
    let mutant = |mutant, config, breaks| MutantCase {
        model: Register {
            config: Config { mutant, ..config },
        },
        breaks,
    };
    Part {
        reduced: vec![
            case(
                ALL,
                &[TOLD_EVICTED, LATE_COPY, SAME, VIA_INBOX, AFTER_EVICTION],
            ),
            case(LOSS, &[TOLD_EVICTED, AGAIN, SAME, VIA_INBOX]),
            case(TWO, &[TOLD_EVICTED, LATE_COPY, SAME, VIA_INBOX]),
        ],
        deep: vec![
            case(
                Config {
                    sends: 5,
                    evictions: 2,
                    ..ALL
                },
                &[AFTER_EVICTION],
            ),
            case(
                Config {
                    copies: 2,
                    sends: 5,
                    ..LOSS
                },
                &[AGAIN],
            ),
            case(
                Config {
                    sends: 3,
                    lost_replies: 1,
                    ..TWO
                },
                &[LATE_COPY],
            ),
        ],
        mutants: vec![
            mutant(Mutant::NumberReused, ALL, ONCE),
            mutant(Mutant::MatchedById, ALL, UNDER_ITS_NUMBER),
            mutant(Mutant::BusyEvicted, ALL, ONLY_SILENT),
            mutant(Mutant::RepeatGetsNew, ALL, ONE_NUMBER),
            mutant(
                Mutant::StandingAskedFirst,
                Config {
                    actions: 1,
                    sends: 5,
                    copies: 1,
                    ..ALL
                },
                ONCE,
            ),
        ],
    }
}
