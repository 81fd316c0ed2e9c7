//! A model of Baton's protocol, explored exhaustively by stateright.
//!
//! **The log slot is the lock: whatever the interleaving, one valid frame per version.**
//!
//! Modelled: append on both kinds of store; frames with previous hash, writer, epoch and nonce; marks; the inbox;
//! refused and unanswered appends (carried out, not carried out, or later); warm caches, shared by the concurrent
//! requests of an instance; snapshots per segment; one roll-back of the store's last frames; devices that send,
//! resend, poll, lose replies and keep acknowledged actions for a grace time; crashes. A pause is a step not taken:
//! every request stops between any two of its store calls for as long as the model likes.
//!
//! Abstract: a hash is the history itself ([`chain::Chain`]). The lease is a free choice at each READ between lead and
//! follow, so no property can rest on a clock. Requests go straight from a device to an instance: a lost one is not
//! sent, a late one waits in the instance.
//!
//! Models of their own, in [`parts`]: sealing and trimming, the outbox and with it the lineage, registration and eviction,
//! the change of rules.
//!
//! Not modelled: what entries mean to the game, time and ticks, rejected actions, stale reads, transactions of more than
//! one store call, rules at fault. Those are the simulator's.

pub mod cases;
pub mod chain;
pub mod client;
pub mod config;
pub mod instance;
pub mod mutants;
pub mod parts;
pub mod properties;
pub mod report;
pub mod request;
mod steps;
pub mod store;

use chain::Chain;
use client::{Batch, Client};
use config::Config;
use instance::{Context, Instance, Outcome, Then};
use mutants::Mutant;
use request::{Notes, Phase, Request};
use stateright::{Model, Property};
use store::{InboxLoss, SEGMENT, Store};

/// Everything there is at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// What all share.
    pub store: Store,
    /// Sorted, since an instance is known by what it holds and not by its place: this is the symmetry reduction.
    pub instances: Vec<Instance>,
    /// By device number.
    pub clients: Vec<Client>,
    /// The next writer id.
    pub next_writer: u8,
    /// Faults that are left.
    pub budget: Budget,
    /// Ghost: frames that their writers hold for lost and that somebody still has.
    pub held_for_lost: Vec<Chain>,
    /// Ghost: the valid chain changed by something else than one more frame.
    pub log_was_rewritten: bool,
    /// Ghost: a READ returned something else than a replay from 0.
    pub read_was_wrong: bool,
}

/// Faults and idle frames that are left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Budget {
    /// Appends without an answer.
    pub unknowns: u8,
    /// Crashes.
    pub crashes: u8,
    /// Dropped caches.
    pub cache_drops: u8,
    /// Frames without entries.
    pub idle_frames: u8,
}

/// One step of anybody. Numbers are places in the state's lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A device sends a request to an instance.
    Send(usize, usize, Batch),
    /// A request reads, settles a doubt, and leads or follows.
    Read(usize, usize, Then),
    /// A request leads from the cache.
    LeadFromCache(usize, usize),
    /// A request appends.
    Append(usize, usize, Outcome),
    /// A request reads the slot before its own.
    Check(usize, usize),
    /// A request removes the settled inbox items.
    Remove(usize, usize),
    /// A request pushes to the inbox.
    Push(usize, usize),
    /// A request's reply arrives.
    Reply(usize, usize),
    /// A request's reply is lost.
    DropReply(usize, usize),
    /// An instance stores its cache as a snapshot.
    Snapshot(usize),
    /// An instance drops its cache.
    DropCache(usize),
    /// An instance dies; another comes up cold.
    Crash(usize),
    /// A write that was reported unknown is carried out.
    LateAppend(usize),
    /// The store loses its last frames.
    RollBack(u8, InboxLoss),
    /// A device's acknowledged actions are dropped.
    GraceEnds(usize),
}

impl State {
    /// Before the first request.
    pub fn new(config: &Config) -> Self {
        State {
            store: Store::default(),
            instances: vec![Instance::default(); config.instances],
            clients: (0..config.actions.len())
                .map(|device| Client::new(device as u8, config.sends, config.lost_replies))
                .collect(),
            next_writer: 0,
            budget: Budget {
                unknowns: config.unknowns,
                crashes: config.crashes,
                cache_drops: config.cache_drops,
                idle_frames: config.idle_frames,
            },
            held_for_lost: Vec::new(),
            log_was_rewritten: false,
            read_was_wrong: false,
        }
    }

    /// Carries out `step`; false if it does not apply. Leaves the lists unsorted.
    pub fn take(&mut self, step: Step, config: &Config) -> bool {
        let State {
            store,
            instances,
            clients,
            next_writer,
            budget,
            held_for_lost,
            read_was_wrong,
            ..
        } = self;
        let mut context = Context {
            config,
            store,
            next_writer,
            held_for_lost,
            read_was_wrong,
        };
        match step {
            Step::Send(client, instance, batch) => {
                let body = clients[client].body(batch, config.actions[client]);
                let request = Request {
                    phase: Phase::Arrived,
                    body,
                    attempts: 0,
                    notes: Notes::default(),
                };
                instances[instance].requests.push(request);
                clients[client].sends_left = clients[client].sends_left.saturating_sub(1);
            }
            Step::Read(instance, request, then) => {
                instances[instance].read(request, then, &mut context);
                if then == Then::LeadIdle
                    && matches!(
                        instances[instance].requests[request].phase,
                        Phase::Appending(_)
                    )
                {
                    budget.idle_frames = budget.idle_frames.saturating_sub(1);
                }
            }
            Step::LeadFromCache(instance, request) => {
                return instances[instance].lead_from_cache(request, &mut context);
            }
            Step::Append(instance, request, outcome) => {
                if outcome != Outcome::Answered {
                    budget.unknowns -= 1;
                }
                return instances[instance].append(request, outcome, &mut context);
            }
            Step::Check(instance, request) => instances[instance].check(request, &mut context),
            Step::Remove(instance, request) => instances[instance].remove(request, context.store),
            Step::Push(instance, request) => instances[instance].push(request, &mut context),
            Step::Reply(instance, request) => {
                let request = instances[instance].requests.remove(request);
                if let Phase::Replying(view) = &request.phase {
                    clients[usize::from(request.body.device)].receive(
                        &request.body,
                        view,
                        config.mutant,
                    );
                }
            }
            Step::DropReply(instance, request) => {
                let request = instances[instance].requests.remove(request);
                clients[usize::from(request.body.device)].drops_left -= 1;
            }
            Step::Snapshot(instance) => {
                let view = instances[instance].cache.unwrap_or_default();
                context.store.snapshots[usize::from(view.chain.version() / SEGMENT) - 1] =
                    Some(view);
            }
            Step::DropCache(instance) => {
                budget.cache_drops -= 1;
                instances[instance].cache = None;
            }
            Step::Crash(instance) => {
                budget.crashes -= 1;
                instances[instance] = Instance::default();
            }
            Step::LateAppend(index) => {
                let late = context.store.late.remove(index);
                context.store.append(
                    config.kind,
                    late.slot,
                    late.frame,
                    &late.taken,
                    config.mutant,
                );
            }
            Step::RollBack(frames, inbox) => return context.store.roll_back(frames, inbox),
            Step::GraceEnds(client) => return clients[client].grace_ends(),
        }
        true
    }

    /// Sorts what has no order, and forgets ghosts that can no longer matter.
    fn settle(&mut self) {
        for instance in &mut self.instances {
            instance.requests.sort();
        }
        self.instances.sort();
        self.store.late.sort();
        let store = &self.store;
        self.held_for_lost.retain(|chain| {
            store.late.iter().any(|late| late.frame.chain() == *chain)
                || store
                    .slots
                    .iter()
                    .flatten()
                    .any(|frame| frame.chain() == *chain)
        });
        self.held_for_lost.sort();
        self.held_for_lost.dedup();
    }
}

/// The protocol in one configuration.
#[derive(Clone)]
pub struct Protocol {
    /// Its bounds and its mutant.
    pub config: Config,
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.config)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.log_was_rewritten || state.read_was_wrong {
            return;
        }
        self.client_steps(state, steps);
        for (place, instance) in state.instances.iter().enumerate() {
            if place > 0 && *instance == state.instances[place - 1] {
                continue;
            }
            self.instance_steps(state, place, instance, steps);
        }
        steps.extend((0..state.store.late.len()).map(Step::LateAppend));
        if state.store.lost.is_none() {
            for frames in 1..=self.config.roll_back.min(state.store.slots.len() as u8) {
                for inbox in [InboxLoss::Kept, InboxLoss::Emptied, InboxLoss::Restored] {
                    steps.push(Step::RollBack(frames, inbox));
                }
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        if !next.take(step, &self.config) {
            return None;
        }
        if !matches!(step, Step::RollBack(..)) && next.store.slots != state.store.slots {
            next.log_was_rewritten |=
                [Mutant::None, self.config.mutant]
                    .into_iter()
                    .any(|reader| {
                        !next
                            .store
                            .replayed(reader)
                            .chain
                            .descends_from(state.store.replayed(reader).chain)
                    });
        }
        next.settle();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
