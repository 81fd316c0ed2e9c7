//! What really happened in a run: each fault of the list by its number, and what was done. A fault
//! that a suite never saw was not tested. Knows nothing of how a fault is made.

/// How many faults the list has; numbers start at 1.
pub const FAULTS: usize = 43;

/// The faults by number: what they are called, and whether the simulator makes them. Of those that it does not, in brackets,
/// who does, or why none of our stores has them.
pub const NAMES: [(&str, bool); FAULTS] = [
    ("request lost before the server", true),
    ("reply lost after the commit", true),
    ("duplicate delivery, concurrent", true),
    ("a device's requests reordered", true),
    ("very late request", true),
    ("pause between read and append", true),
    (
        "pause between append and store, longer than the lease",
        true,
    ),
    ("pause between append and reply", true),
    ("instance killed at an await", true),
    ("killed in the middle of pure code", true),
    ("the lease's holder dies for ever", true),
    ("clock skew, drift, steps", true),
    ("clock goes back, or stands still in a request", true),
    ("store latency 10 ms to 30 s", true),
    ("store fails, write not done", true),
    ("store fails, write done", true),
    ("write done after the failure was seen", true),
    ("append refused: another came first", true),
    ("queued command error (no: one script, not a queue)", false),
    ("failover loses the last writes", true),
    ("split brain, the last writer wins", true),
    ("stale read (stores of keys)", true),
    ("keys gone early: lease, snapshots, inbox, the room", true),
    ("lease without an end", true),
    ("lease shorter than asked for", true),
    ("read of several keys not in one moment", true),
    ("calls that belong together cut in the middle", true),
    ("store full", true),
    ("connection reused after WATCH (no: nothing watches)", false),
    ("too many open transactions (no: none is opened)", false),
    ("overloaded: not to be tried again", true),
    (
        "exception after the write (js-host/test/stores.test.ts)",
        false,
    ),
    ("job run twice, late", true),
    ("instance forgets between requests", true),
    ("two requests interleaved in one instance", true),
    ("trap", true),
    ("two versions of rules together", true),
    ("snapshot corrupt", true),
    ("device id used twice, storage cloned or lost", true),
    ("same number, other body", true),
    ("pushed frames dropped, doubled, reordered", true),
    ("hundred arrivals at once", true),
    ("untyped failure of any call", true),
];

/// What goes wrong beside the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// An instance stands still as a whole.
    Stop,
    /// An instance is replaced when it has answered.
    Rotate,
    /// Some clients and some instances do not hear each other.
    Part,
    /// An instance does not reach the store.
    CutOff,
    /// Everybody is away.
    Night,
    /// A device is offline.
    Offline,
    /// A page is loaded again: the tab was killed.
    Reload,
    /// An action is lost with its tab before it was kept.
    Unsaved,
    /// A page is closed on purpose.
    Leave,
    /// An invocation is never gone on with, and its instance is.
    Dropped,
    /// Who only watches gets an answer of before from a cache.
    Cached,
}

impl Other {
    /// All of them.
    pub const ALL: [Other; 11] = [
        Self::Stop,
        Self::Rotate,
        Self::Part,
        Self::CutOff,
        Self::Night,
        Self::Offline,
        Self::Reload,
        Self::Unsaved,
        Self::Leave,
        Self::Dropped,
        Self::Cached,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "an instance stands still as a whole",
            Self::Rotate => "an instance is replaced in good order",
            Self::Part => "clients and instances do not hear each other",
            Self::CutOff => "an instance does not reach the store",
            Self::Night => "everybody is away, up to 30 days",
            Self::Offline => "a device is offline",
            Self::Reload => "a page is loaded again",
            Self::Unsaved => "an action is lost before it was kept",
            Self::Leave => "a page is closed on purpose",
            Self::Dropped => "an invocation is dropped, its instance lives",
            Self::Cached => "who watches gets an answer of before",
        }
    }
}

/// What happened in a run, or in many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    faults: [u64; FAULTS],
    others: [u64; Other::ALL.len()],
    /// Requests that clients made.
    pub requests: u64,
    /// Answers that reached them.
    pub replies: u64,
    /// Invocations begun.
    pub invocations: u64,
    /// Steps of the handler: begun or resumed.
    pub steps: u64,
    /// Frames appended.
    pub frames: u64,
    /// Appends that lost a race.
    pub lost: u64,
    /// Pushes to the inbox.
    pub pushes: u64,
    /// Actions that clients made.
    pub actions: u64,
    /// Actions with an answer.
    pub answers: u64,
    /// Times that a client was told of a loss.
    pub resets: u64,
    /// Times that the store lost frames.
    pub losses: u64,
    /// Events of the scheduler.
    pub events: u64,
    /// Steps in which the rules broke.
    pub broke: u64,
    /// Actions that were set aside for it.
    pub faulted: u64,
    /// Rooms that were halted for it.
    pub halts: u64,
    /// Changes of rules.
    pub switches: u64,
    /// Parcels that rooms handed over to each other.
    pub parcels: u64,
    /// What other rooms sent, in a frame: taken, or not as the rules say.
    pub credited: u64,
    /// The latter.
    pub returned: u64,
    /// Orders, and how they ended.
    pub orders: Orders,
}

/// Orders of devices, and how they ended for who waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Made.
    pub made: u64,
    /// Requests with them.
    pub asked: u64,
    /// Told to be done.
    pub done: u64,
    /// Told to be refused by the rules.
    pub refused: u64,
    /// Told that their number was used for something else.
    pub taken: u64,
    /// Told that they wait.
    pub waited: u64,
    /// Ended without certainty.
    pub unknown: u64,
    /// Ended, certainly not done.
    pub failed: u64,
    /// Made up by hand.
    pub forged: u64,
    /// In a frame, whoever made them, done or refused.
    pub framed: u64,
}

impl Orders {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.asked += other.asked;
        self.done += other.done;
        self.refused += other.refused;
        self.taken += other.taken;
        self.waited += other.waited;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.forged += other.forged;
        self.framed += other.framed;
    }

    /// Whether some end that orders may have was never seen.
    pub fn lack_an_end(&self) -> bool {
        [
            self.done,
            self.refused,
            self.taken,
            self.waited,
            self.unknown,
            self.failed,
        ]
        .contains(&0)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            faults: [0; FAULTS],
            others: [0; Other::ALL.len()],
            requests: 0,
            replies: 0,
            invocations: 0,
            steps: 0,
            frames: 0,
            lost: 0,
            pushes: 0,
            actions: 0,
            answers: 0,
            resets: 0,
            losses: 0,
            events: 0,
            broke: 0,
            faulted: 0,
            halts: 0,
            switches: 0,
            parcels: 0,
            credited: 0,
            returned: 0,
            orders: Orders::default(),
        }
    }
}

impl Counters {
    /// Fault `number` of the list happened.
    pub fn saw(&mut self, number: usize) {
        self.faults[number - 1] += 1;
    }

    /// Something beside the list happened.
    pub fn saw_other(&mut self, other: Other) {
        self.others[other as usize] += 1;
    }

    /// How often fault `number` happened.
    pub fn of(&self, number: usize) -> u64 {
        self.faults[number - 1]
    }

    /// How often that happened.
    pub fn of_other(&self, other: Other) -> u64 {
        self.others[other as usize]
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.faults.iter_mut().zip(&other.faults) {
            *sum += count;
        }
        for (sum, count) in self.others.iter_mut().zip(&other.others) {
            *sum += count;
        }
        self.requests += other.requests;
        self.replies += other.replies;
        self.invocations += other.invocations;
        self.steps += other.steps;
        self.frames += other.frames;
        self.lost += other.lost;
        self.pushes += other.pushes;
        self.actions += other.actions;
        self.answers += other.answers;
        self.resets += other.resets;
        self.losses += other.losses;
        self.events += other.events;
        self.broke += other.broke;
        self.faulted += other.faulted;
        self.halts += other.halts;
        self.switches += other.switches;
        self.parcels += other.parcels;
        self.credited += other.credited;
        self.returned += other.returned;
        self.orders.add(&other.orders);
    }

    /// The faults that the simulator makes and that never happened.
    pub fn not_seen(&self) -> Vec<usize> {
        let made = |number: &usize| NAMES[number - 1].1 && self.of(*number) == 0;
        (1..=FAULTS).filter(made).collect()
    }

    /// What is beside the list and never happened.
    pub fn others_not_seen(&self) -> Vec<Other> {
        let never = |other: &Other| self.of_other(*other) == 0;
        Other::ALL.into_iter().filter(never).collect()
    }

    /// The table of faults.
    pub fn table(&self) -> String {
        let mut table =
            String::from("   fault                                                        seen\n");
        for (index, (name, made)) in NAMES.iter().enumerate() {
            let count = match made {
                true => self.faults[index].to_string(),
                false => "–".to_owned(),
            };
            table.push_str(&format!("{:>2} {name:<58} {count:>9}\n", index + 1));
        }
        for other in Other::ALL {
            let (name, count) = (other.name(), self.of_other(other));
            table.push_str(&format!("   {name:<58} {count:>9}\n"));
        }
        table
    }
}
