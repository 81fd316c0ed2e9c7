//! Rooms that send each other: matches that pay into accounts, on several instances over one store.
//! Every call of every invocation, the target's own included, can be made to fail.

use std::collections::BTreeMap;

use baton::effect::{Arrival, Call, Effect, Fed, Moment, Outcome};
use baton::{
    Access, By, Ctx, Instance, Invocation, Memory, Nonce, Player, Reject, Room, Rules, Settings,
    SettingsInput, Writer,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Audit, FRAME_MS, LEASE_MS, Raw, START_MS, audit, reply_of};

/// A payment: who it is for (`kind/name`), what it is known by, how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    pub to: String,
    pub id: u32,
    pub amount: u32,
}

/// Pays what its players ask for.
#[derive(Clone, Copy, Debug)]
pub struct Match;

/// The outbox takes no more.
pub const FULL: Reject = Reject(3);

impl Rules for Match {
    type Config = ();
    /// Paid, by receiver.
    type State = BTreeMap<String, u64>;
    type Action = Pay;
    const KIND: &'static str = "match";
    const VERSION: u32 = 1;

    fn setup(_: &mut Ctx<'_, Self>) -> Self::State {
        BTreeMap::new()
    }

    fn validate(_: &Self::State, _: By, _: &Pay, ctx: &Ctx<'_, Self>) -> Result<(), Reject> {
        ctx.may_send(1).then_some(()).ok_or(FULL)
    }

    fn apply(state: &mut Self::State, _: By, pay: Pay, ctx: &mut Ctx<'_, Self>) {
        *state.entry(pay.to.clone()).or_default() += u64::from(pay.amount);
        ctx.send(&pay.to, &Credit(pay.id, pay.amount));
    }

    fn view(state: &Self::State, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state)
    }
}

/// What an account takes from a server: a payment's id, and the amount.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Credit(pub u32, pub u32);

pub const NOT_YOURS: Reject = Reject(1);
pub const TOO_MUCH: Reject = Reject(2);
/// The largest amount that an account takes.
pub const MOST: u32 = 1_000;

/// Takes payments, from servers alone. An account that is not `OPEN` shows itself to nobody.
#[derive(Clone, Copy, Debug)]
pub struct AccountWith<const OPEN: bool>;
pub type Account = AccountWith<true>;
pub type Vault = AccountWith<false>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub sum: u64,
    /// Ids of payments, in order.
    pub paid: Vec<u32>,
}

impl<const OPEN: bool> Rules for AccountWith<OPEN> {
    type Config = ();
    type State = Balance;
    type Action = Credit;
    const KIND: &'static str = if OPEN { "account" } else { "vault" };
    const VERSION: u32 = 1;

    fn setup(_: &mut Ctx<'_, Self>) -> Balance {
        Balance::default()
    }

    fn validate(_: &Balance, by: By, credit: &Credit, _: &Ctx<'_, Self>) -> Result<(), Reject> {
        match by {
            By::Player(_) => Err(NOT_YOURS),
            By::Server if credit.1 > MOST => Err(TOO_MUCH),
            By::Server => Ok(()),
        }
    }

    fn apply(state: &mut Balance, _: By, credit: Credit, _: &mut Ctx<'_, Self>) {
        state.sum += u64::from(credit.1);
        state.paid.push(credit.0);
    }

    fn access(_: &Balance, _: Option<Player>) -> Access {
        Access {
            read: OPEN,
            act: OPEN,
        }
    }

    fn view(state: &Balance, _: Option<Player>) -> serde_json::Value {
        serde_json::json!(state.sum)
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It fails, and was not done.
    NotDone,
    /// It was done; the answer is lost.
    LostAnswer,
    /// The instance that asks ends before it is done.
    DiesBefore,
    /// The instance that asks ends after it was done.
    DiesAfter,
}

/// An instance ended.
pub struct Died;

/// Matches that pay into accounts.
pub type Rooms = RoomsOf<Payments>;

/// One store, several instances of each kind that is served, one clock.
pub struct RoomsOf<S> {
    pub store: Memory,
    pub now_ms: u64,
    pub served: S,
    /// The instance that takes deliveries.
    pub target: usize,
    /// By the number of the call.
    pub troubles: BTreeMap<u64, Trouble>,
    /// Calls so far.
    pub calls: u64,
    /// Every parcel that was delivered, or should have been.
    pub letters: Vec<(String, ByteBuf)>,
    settings: Settings,
    count: u64,
    /// Deliveries that are under way, one inside the other.
    hops: usize,
}

/// How far a delivery may set off others.
pub const MAX_HOPS: usize = 2;

/// The instances of every kind that is served.
pub trait Served: Default + Sized {
    /// Starts one instance of each kind.
    fn start(rooms: &mut RoomsOf<Self>);

    /// Asks the room that is a delivery's target; `None` if its kind is not served, or who was asked died.
    fn take(
        rooms: &mut RoomsOf<Self>,
        target: &str,
        arrivals: Vec<Arrival>,
    ) -> Option<Vec<Outcome>>;
}

/// A kind that is served here.
pub trait Kind<S>: Rules {
    fn instances(served: &mut S) -> &mut Vec<Instance<Self>>;

    /// What new rooms are told.
    fn told() -> Self::Config {
        Self::Config::default()
    }
}

/// The kinds of this file.
#[derive(Default)]
pub struct Payments {
    matches: Vec<Instance<Match>>,
    accounts: Vec<Instance<Account>>,
    vaults: Vec<Instance<Vault>>,
}

impl Served for Payments {
    fn start(rooms: &mut Rooms) {
        rooms.start::<Match>();
        rooms.start::<Account>();
        rooms.start::<Vault>();
    }

    fn take(rooms: &mut Rooms, target: &str, arrivals: Vec<Arrival>) -> Option<Vec<Outcome>> {
        let at = rooms.target;
        let outcomes = match target.split_once('/') {
            Some(("match", _)) => rooms.ask::<Match>(at, target, arrivals),
            Some(("account", _)) => rooms.ask::<Account>(at, target, arrivals),
            Some(("vault", _)) => rooms.ask::<Vault>(at, target, arrivals),
            _ => return None,
        };
        outcomes.ok()
    }
}

impl Kind<Payments> for Match {
    fn instances(served: &mut Payments) -> &mut Vec<Instance<Self>> {
        &mut served.matches
    }
}

impl Kind<Payments> for Account {
    fn instances(served: &mut Payments) -> &mut Vec<Instance<Self>> {
        &mut served.accounts
    }
}

impl Kind<Payments> for Vault {
    fn instances(served: &mut Payments) -> &mut Vec<Instance<Self>> {
        &mut served.vaults
    }
}

/// An invocation that is stopped before each of its calls.
pub struct Voyage<K: Rules> {
    pub instance: usize,
    room: String,
    invocation: Invocation<K>,
    pub asks: Effect,
}

impl<K: Rules> Voyage<K> {
    pub fn begin<S: Served>(
        rooms: &mut RoomsOf<S>,
        instance: usize,
        room: &str,
        arrivals: Vec<Arrival>,
    ) -> Self
    where
        K: Kind<S>,
    {
        let moment = rooms.moment(instance);
        let instances = K::instances(&mut rooms.served);
        let (invocation, asks) = instances[instance].begin(room, arrivals, moment);
        Self {
            instance,
            room: room.into(),
            invocation,
            asks,
        }
    }

    /// Performs the call and goes on to the next.
    pub fn step<S: Served>(&mut self, rooms: &mut RoomsOf<S>) -> Result<(), Died>
    where
        K: Kind<S>,
    {
        let fed = rooms.perform(&self.room, &self.asks)?;
        self.feed(rooms, fed);
        Ok(())
    }

    pub fn feed<S: Served>(&mut self, rooms: &mut RoomsOf<S>, fed: Fed)
    where
        K: Kind<S>,
    {
        let moment = rooms.moment(self.instance);
        let instance = &mut K::instances(&mut rooms.served)[self.instance];
        self.asks = self.invocation.resume(instance, fed, moment);
    }

    pub fn delivers(&self) -> bool {
        matches!(self.asks, Effect::Deliver { .. })
    }

    pub fn finish<S: Served>(mut self, rooms: &mut RoomsOf<S>) -> Result<Vec<Outcome>, Died>
    where
        K: Kind<S>,
    {
        for _ in 0..100 {
            if let Effect::Reply(outcomes) = self.asks {
                return Ok(outcomes);
            }
            self.step(rooms)?;
        }
        panic!("an invocation does not end");
    }
}

impl<S: Served> RoomsOf<S> {
    pub fn new(instances: usize) -> Self {
        Self::with(instances, true)
    }

    pub fn with(instances: usize, deliver: bool) -> Self {
        let input = SettingsInput {
            frame_ms: FRAME_MS as u32,
            lease_ms: LEASE_MS as u32,
            deliver,
            ..SettingsInput::default()
        };
        let mut rooms = Self {
            store: Memory::new(START_MS),
            now_ms: START_MS,
            served: S::default(),
            target: 0,
            troubles: BTreeMap::new(),
            calls: 0,
            letters: Vec::new(),
            settings: Settings::try_from(input).expect("the settings are in range"),
            count: 0,
            hops: 0,
        };
        for _ in 0..instances {
            S::start(&mut rooms);
        }
        rooms
    }

    fn instance<K: Kind<S>>(&mut self) -> Instance<K> {
        super::switch_off();
        self.count += 1;
        Instance::new(Writer(self.count.to_le_bytes()), self.settings, K::told())
    }

    /// Starts another instance of a kind.
    pub fn start<K: Kind<S>>(&mut self) {
        let instance = self.instance();
        K::instances(&mut self.served).push(instance);
    }

    /// Ends an instance for ever; another takes its place.
    pub fn replace<K: Kind<S>>(&mut self, index: usize) {
        let instance = self.instance();
        K::instances(&mut self.served)[index] = instance;
    }

    /// Ends all instances of a kind.
    pub fn replace_all<K: Kind<S>>(&mut self) {
        for index in 0..K::instances(&mut self.served).len() {
            self.replace::<K>(index);
        }
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.store.set_clock(self.now_ms);
    }

    fn moment(&mut self, instance: usize) -> Moment {
        self.count += 1;
        Moment {
            wall_ms: self.now_ms,
            mono_ms: self.now_ms - START_MS + 1_000_000 * instance as u64,
            nonce: Nonce(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()),
        }
    }

    /// A whole invocation. If the instance dies, another takes its place.
    pub fn ask<K: Kind<S>>(
        &mut self,
        instance: usize,
        room: &str,
        arrivals: Vec<Arrival>,
    ) -> Result<Vec<Outcome>, Died> {
        let voyage = Voyage::<K>::begin(self, instance, room, arrivals);
        let landed = voyage.finish(self);
        if landed.is_err() {
            self.replace::<K>(instance);
        }
        landed
    }

    /// Performs a call, or what goes wrong with it.
    fn perform(&mut self, room: &str, effect: &Effect) -> Result<Fed, Died> {
        let trouble = self.troubles.get(&self.calls).copied();
        self.calls += 1;
        match trouble {
            Some(Trouble::DiesBefore) => return Err(Died),
            Some(Trouble::NotDone) => return Ok(Fed::Failed),
            _ => {}
        }
        let fed = match effect {
            Effect::Deliver { target, parcel } => self.deliver(target, parcel),
            effect => self.store.perform(room, effect),
        };
        match trouble {
            Some(Trouble::DiesAfter) => Err(Died),
            Some(_) => Ok(Fed::Failed),
            None => Ok(fed.expect("a reply is not performed")),
        }
    }

    fn deliver(&mut self, target: &str, parcel: &ByteBuf) -> Option<Fed> {
        if self.hops == MAX_HOPS {
            return Some(Fed::Failed);
        }
        self.letters.push((target.into(), parcel.clone()));
        self.hops += 1;
        let outcome = self.redeliver(target, parcel);
        self.hops -= 1;
        Some(match outcome {
            Some(outcome) if outcome.status == 200 => Fed::Delivered(outcome.body),
            _ => Fed::Failed,
        })
    }

    /// Hands a parcel to its target, as a host does; `None` if that one dies over it.
    pub fn redeliver(&mut self, target: &str, parcel: &ByteBuf) -> Option<Outcome> {
        let call = Call::Deliver(parcel.clone());
        let arrivals = vec![Arrival { who: None, call }];
        S::take(self, target, arrivals)?.pop()
    }

    /// Replays a room's whole log, checking all that a log must be.
    pub fn audit<K: Rules>(&mut self, room: &str) -> Audit<K> {
        audit(self.store.log(room).frames())
    }

    /// The room as its log has it.
    pub fn room<K: Rules>(&mut self, room: &str) -> Room<K> {
        self.audit(room).room
    }
}

impl Rooms {
    /// What an account has taken, in order; nothing if it has not begun.
    pub fn paid(&mut self, room: &str) -> Vec<u32> {
        match self.store.log(room).head().v {
            0 => Vec::new(),
            _ => self.room::<Account>(room).state().paid.clone(),
        }
    }
}

/// A player of a match who asks for payments, and sends all of them again until they are answered.
pub struct Payer {
    pub raw: Raw,
    pub room: String,
    pub pays: Vec<Pay>,
}

impl Payer {
    pub fn new(room: &str) -> Self {
        Self {
            raw: Raw::new("payer"),
            room: room.into(),
            pays: Vec::new(),
        }
    }

    /// Wants a payment; its id is its number.
    pub fn pay(&mut self, to: &str, amount: u32) {
        let id = self.pays.len() as u32 + 1;
        let to = to.into();
        self.pays.push(Pay { to, id, amount });
    }

    pub fn arrival(&self) -> Arrival {
        let acts = self.raw.hail.number.is_some();
        let numbered = self.pays.iter().filter(|_| acts).zip(1_u64..);
        let newest = self.pays.len().saturating_sub(32);
        let sent = numbered.skip(newest);
        let sent: Vec<_> = sent
            .map(|(pay, seq)| (seq, baton::wire::write(pay)))
            .collect();
        self.raw.arrival(&sent)
    }

    /// Asks once. Whether all payments were answered.
    pub fn ask(&mut self, rooms: &mut Rooms, instance: usize) -> bool {
        let (room, arrival) = (self.room.clone(), self.arrival());
        let Ok(outcomes) = rooms.ask::<Match>(instance, &room, vec![arrival]) else {
            return false;
        };
        match reply_of(&outcomes[0]) {
            Ok(reply) => {
                let standing = reply.device.as_ref();
                self.raw.hail.number = standing.map(|standing| standing.number);
                standing.is_some_and(|standing| standing.mark == self.pays.len() as u64)
            }
            Err((baton::Code::Unregistered, _)) => {
                self.raw.hail.number = None;
                false
            }
            Err(_) => false,
        }
    }

    /// Asks now and then until the outbox is empty.
    pub fn settle(&mut self, rooms: &mut Rooms) {
        let room = self.room.clone();
        for round in 0..100 {
            let done = self.ask(rooms, round % rooms.served.matches.len());
            // A replay is dear: look now and then.
            if done && round % 10 == 9 && rooms.room::<Match>(&room).sends().is_empty() {
                return;
            }
            rooms.pass(7_001);
        }
        panic!("the outbox is never empty");
    }
}
