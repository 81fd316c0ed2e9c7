//! A world to test in: one store, several instances, devices, and a clock that only tests move.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use baton::effect::{Arrival, Call, Effect, Fed, Moment, Outcome};
use baton::{
    By, Code, Ctx, DeviceId, Identity, Instance, Memory, Nonce, Player, Reject, Replica, Rules,
    Settings, Writer,
};
use serde::{Deserialize, Serialize};

/// Rules made to be looked at: every player has a counter; a herd grows by one every tenth tick.
#[derive(Debug)]
pub struct Herd;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HerdState {
    pub counters: std::collections::BTreeMap<Player, i64>,
    pub herd: Vec<u32>,
    pub log: Vec<(u64, Player, i64)>,
    pub here: Vec<Player>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum HerdAction {
    Add(i64),
    Roll,
}

pub const TOO_MUCH: Reject = Reject(7);

impl Rules for Herd {
    type Config = ();
    type State = HerdState;
    type Action = HerdAction;
    const KIND: &'static str = "herd";
    const VERSION: u32 = 1;
    const TICK_MS: u32 = 100;
    const GRACE_MS: u32 = 15_000;

    fn setup(_ctx: &mut Ctx<'_, Self>) -> HerdState {
        HerdState::default()
    }

    fn validate(
        _state: &HerdState,
        _by: By,
        action: &HerdAction,
        _ctx: &Ctx<'_, Self>,
    ) -> Result<(), Reject> {
        match action {
            HerdAction::Add(amount) if *amount > 1_000 => Err(TOO_MUCH),
            _ => Ok(()),
        }
    }

    fn apply(state: &mut HerdState, by: By, action: HerdAction, ctx: &mut Ctx<'_, Self>) {
        let By::Player(who) = by else { return };
        let amount = match action {
            HerdAction::Add(amount) => amount,
            HerdAction::Roll => i64::from(ctx.random().below(6)) + 1,
        };
        *state.counters.entry(who).or_default() += amount;
        state.log.push((ctx.tick(), who, amount));
    }

    fn tick(state: &mut HerdState, ctx: &mut Ctx<'_, Self>) {
        if ctx.tick().is_multiple_of(10) {
            let at = ctx.random().next_u32();
            state.herd.push(at);
        }
    }

    fn joined(state: &mut HerdState, who: Player, _ctx: &mut Ctx<'_, Self>) {
        state.here.push(who);
    }

    fn left(state: &mut HerdState, who: Player, _ctx: &mut Ctx<'_, Self>) {
        state.here.retain(|here| *here != who);
    }

    fn view(state: &HerdState, _who: Option<Player>) -> serde_json::Value {
        serde_json::json!({ "herd": state.herd.len() })
    }
}

pub const START_MS: u64 = 1_790_000_000_000;

/// One store, several instances, one clock.
pub struct World<R: Rules> {
    pub store: Memory,
    pub instances: Vec<Instance<R>>,
    pub now_ms: u64,
    pub skews_ms: Vec<i64>,
    nonce: u64,
    pub appends: u64,
    pub lost: u64,
    pub effects: u64,
}

pub const ROOM: &str = "herd/test";

impl<R: Rules> World<R> {
    pub fn new(instances: usize) -> Self {
        Self::with(instances, Settings::default(), R::Config::default())
    }

    pub fn with(instances: usize, settings: Settings, config: R::Config) -> Self {
        let instance = |index: usize| {
            let mut writer = [0; 8];
            writer[0] = index as u8 + 1;
            Instance::new(Writer(writer), settings, config.clone())
        };
        Self {
            store: Memory::new(START_MS),
            instances: (0..instances).map(instance).collect(),
            now_ms: START_MS,
            skews_ms: vec![0; instances],
            nonce: 0,
            appends: 0,
            lost: 0,
            effects: 0,
        }
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    pub fn moment(&mut self, instance: usize) -> Moment {
        self.nonce += 1;
        Moment {
            wall_ms: self.now_ms.saturating_add_signed(self.skews_ms[instance]),
            mono_ms: self.now_ms - START_MS + 1_000_000 * instance as u64,
            nonce: Nonce(self.nonce.to_le_bytes()),
        }
    }

    /// Performs an effect on the store, counting.
    pub fn perform(&mut self, effect: &Effect) -> Option<Fed> {
        self.effects += 1;
        let fed = self.store.perform(ROOM, effect);
        if let Some(Fed::Appended(done, _)) = &fed {
            self.appends += u64::from(*done);
            self.lost += u64::from(!*done);
        }
        fed
    }

    /// A whole invocation, without interruption.
    pub fn ask(&mut self, instance: usize, arrivals: Vec<Arrival>) -> Vec<Outcome> {
        let moment = self.moment(instance);
        let (mut invocation, mut effect) = self.instances[instance].begin(ROOM, arrivals, moment);
        loop {
            if let Effect::Reply(outcomes) = effect {
                return outcomes;
            }
            let fed = self.perform(&effect).expect("not a reply");
            let moment = self.moment(instance);
            effect = invocation.resume(&mut self.instances[instance], fed, moment);
        }
    }

    /// One request of a client by way of an instance; its reply is taken in.
    pub fn exchange(&mut self, instance: usize, client: &mut Client<R>) -> u16 {
        let arrival = client.arrival(self.now_ms);
        let outcomes = self.ask(instance, vec![arrival]);
        client.take(&outcomes[0], self.now_ms);
        outcomes[0].status
    }

    /// Asks until the client is a registered, present player.
    pub fn join(&mut self, instance: usize, client: &mut Client<R>) {
        for _ in 0..20 {
            self.exchange(instance, client);
            if client.replica.player().is_some() {
                return;
            }
            self.pass(120);
        }
        panic!("the client could not join");
    }
}

/// A device of a user.
pub struct Client<R: Rules> {
    pub who: Identity,
    pub replica: Replica<R>,
}

impl<R: Rules> Client<R> {
    pub fn new(user: &str) -> Self {
        Self::on(user, 1)
    }

    pub fn on(user: &str, device: u8) -> Self {
        let mut id = [device; 16];
        id[..user.len().min(8)].copy_from_slice(&user.as_bytes()[..user.len().min(8)]);
        Self {
            who: Identity {
                user: user.into(),
                name: format!("the {user}"),
            },
            replica: Replica::new(user, DeviceId(id), 1),
        }
    }

    pub fn arrival(&mut self, now_ms: u64) -> Arrival {
        let request = self.replica.request(false, now_ms - START_MS);
        self.arrive(request)
    }

    pub fn arrive(&self, request: Vec<u8>) -> Arrival {
        Arrival {
            who: Some(self.who.clone()),
            call: Call::Play(request.into()),
        }
    }

    pub fn take(&mut self, outcome: &Outcome, now_ms: u64) {
        let now_ms = now_ms - START_MS;
        if outcome.status == 200 {
            assert!(self.replica.receive(&outcome.body, now_ms, now_ms));
        } else {
            let (code, expected) = refusal(outcome);
            self.replica.refused(code, expected, now_ms);
        }
    }
}

/// The code of a refused request, and the expected number of a gap.
pub fn refusal(outcome: &Outcome) -> (Option<Code>, Option<u64>) {
    let body: serde_json::Value = serde_json::from_slice(&outcome.body).expect("JSON");
    let name = body["code"].as_str().expect("a code");
    let code = Code::ALL.into_iter().find(|code| code.name() == name);
    (code, body["expected"].as_u64())
}
