//! What must hold in every state, what must be reachable, and that no state is a dead end.
//!
//! Judges states by a replay from 0 under the rules as they are, never by what an instance believes.

use super::chain::DEVICES;
use super::client::{Batch, is_reset};
use super::instance::{Outcome, Then};
use super::request::{Note, Phase, Request};
use super::store::Kind;
use super::{Protocol, State, Step};
use stateright::Property;

/// At most one valid frame per version, an unbroken chain, and bytes that never change.
pub const ONE_CHAIN: &str = "one frame per version, chain unbroken";
/// The valid chain changes by one more frame at its head only: a stale claim never appends.
pub const ONLY_EXTENDED: &str = "a stale claim never appends";
/// Dense order, each once.
pub const EXACTLY_ONCE: &str = "each action once, in dense order";
/// Epochs never decrease, and one writer per epoch.
pub const EPOCHS_RISE: &str = "epochs rise with each writer";
/// A reply's frames are in the log, or were until the store lost them.
pub const REPLIES_COMMITTED: &str = "no reply shows an uncommitted frame";
/// So are a client's, and its acknowledged actions.
pub const ACKNOWLEDGED_LOGGED: &str = "what is acknowledged is in the log";
/// A reply that leaves the client's history says so.
pub const RESET_TOLD: &str = "new history is shown as a reset only";
/// Every READ, from a cache, a snapshot or from 0, agrees with a replay from 0.
pub const READERS_AGREE: &str = "caches and snapshots equal replay";
/// What a writer holds for lost is not in the log.
pub const LOST_IS_LOST: &str = "what counts as lost is not in the log";
/// If faults stop now, every action that a device still keeps gets framed and every client converges.
pub const NEVER_WEDGED: &str = "every action ends framed once faults stop";

/// All properties of the model. What is reachable depends on the configuration: see `cases`.
pub fn all() -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(ONE_CHAIN, |model, state: &State| one_chain(model, state)),
        Property::always(ONLY_EXTENDED, |_, state: &State| !state.log_was_rewritten),
        Property::always(EXACTLY_ONCE, |_, state: &State| exactly_once(state)),
        Property::always(EPOCHS_RISE, |_, state: &State| epochs_rise(state)),
        Property::always(REPLIES_COMMITTED, |_, state: &State| {
            replies_committed(state)
        }),
        Property::always(ACKNOWLEDGED_LOGGED, |_, state: &State| {
            acknowledged_logged(state)
        }),
        Property::always(RESET_TOLD, |model, state: &State| reset_told(model, state)),
        Property::always(READERS_AGREE, |_, state: &State| !state.read_was_wrong),
        Property::always(LOST_IS_LOST, |_, state: &State| lost_is_lost(state)),
        Property::always(NEVER_WEDGED, |model, state: &State| {
            never_wedged(model, state)
        }),
    ];
    all.extend(reachable());
    all
}

/// The names of what `reachable` lists, with the reason why it is worth reaching.
pub mod reach {
    /// Another writer's frame follows: epoch + 1.
    pub const TAKEOVER: &str = "a takeover";
    /// A refused append.
    pub const LOST_RACE: &str = "a lost race";
    /// No answer, and the frame is found.
    pub const UNKNOWN_FOUND: &str = "unknown, found in the log";
    /// No answer, and another's frame is found.
    pub const UNKNOWN_LOST: &str = "unknown, another's frame in its place";
    /// No answer, reply `retry`, and the frame is in the log all the same.
    pub const RETRY_YET_LOGGED: &str = "told retry, and logged later";
    /// An action framed from the inbox.
    pub const VIA_INBOX: &str = "an action framed from the inbox";
    /// A duplicate that was left out.
    pub const DEDUPED: &str = "a duplicate left out";
    /// A gap that was refused.
    pub const GAP: &str = "a gap refused";
    /// A cache whose frame is gone.
    pub const BREAK: &str = "a break met by a warm instance";
    /// A client that is told to reset.
    pub const RESET: &str = "a client told to reset";
    /// All devices' actions framed and acknowledged.
    pub const DONE: &str = "all framed and acknowledged";
    /// The same after a roll-back that lost acknowledged actions.
    pub const RECOVERED: &str = "recovered from a roll-back";
    /// A snapshot used.
    pub const SNAPSHOT: &str = "a snapshot used";
    /// A snapshot of a lost chain passed over.
    pub const LOST_SNAPSHOT: &str = "a lost chain's snapshot passed over";
    /// A frame with a wrong previous hash in a slot.
    pub const VOID: &str = "a void frame";
    /// An absent slot before a filled one.
    pub const HOLE: &str = "a hole in the log";
    /// A void frame with a valid one behind it.
    pub const BEHIND_VOID: &str = "a valid frame behind a void one";
    /// A vouched gap taken.
    pub const FLOOR: &str = "a vouched gap taken";
}

fn reachable() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(reach::TAKEOVER, |_, state: &State| {
            state
                .store
                .slots
                .iter()
                .flatten()
                .any(|frame| frame.epoch > 1)
        }),
        Property::sometimes(reach::LOST_RACE, |_, state: &State| {
            any_request(state, |request| request.attempts > 0)
        }),
        Property::sometimes(reach::UNKNOWN_FOUND, |_, state: &State| {
            noted(state, Note::UnknownFound)
        }),
        Property::sometimes(reach::UNKNOWN_LOST, |_, state: &State| {
            noted(state, Note::UnknownLost)
        }),
        Property::sometimes(reach::RETRY_YET_LOGGED, |_, state: &State| {
            any_request(
                state,
                |request| matches!(request.phase, Phase::Retrying(chain) if state.store.truth().chain.descends_from(chain)),
            )
        }),
        Property::sometimes(reach::VIA_INBOX, |_, state: &State| {
            noted(state, Note::FromInbox)
        }),
        Property::sometimes(reach::DEDUPED, |_, state: &State| {
            noted(state, Note::Duplicate)
        }),
        Property::sometimes(reach::GAP, |_, state: &State| noted(state, Note::Gap)),
        Property::sometimes(reach::BREAK, |_, state: &State| noted(state, Note::Break)),
        Property::sometimes(reach::RESET, |model, state: &State| {
            any_request(
                state,
                |request| matches!(&request.phase, Phase::Replying(view) if is_reset(&request.body, view, model.config.mutant)),
            )
        }),
        Property::sometimes(reach::DONE, done),
        Property::sometimes(reach::RECOVERED, |model, state: &State| {
            let truth = state.store.truth();
            done(model, state)
                && state
                    .store
                    .lost
                    .is_some_and(|lost| !truth.chain.descends_from(lost.chain))
        }),
        Property::sometimes(reach::SNAPSHOT, |_, state: &State| {
            noted(state, Note::FromSnapshot)
        }),
        Property::sometimes(reach::LOST_SNAPSHOT, |_, state: &State| {
            noted(state, Note::PassedOver)
        }),
        Property::sometimes(reach::VOID, |_, state: &State| {
            valid_count(state) < consecutive(state)
        }),
        Property::sometimes(reach::HOLE, |_, state: &State| {
            consecutive(state) < state.store.slots.len()
        }),
        Property::sometimes(reach::BEHIND_VOID, |_, state: &State| {
            let truth = state.store.truth();
            truth.slot > truth.chain.version()
        }),
        Property::sometimes(reach::FLOOR, |_, state: &State| {
            noted(state, Note::FloorTaken)
        }),
    ]
}

fn any_request(state: &State, is: impl Fn(&Request) -> bool) -> bool {
    state
        .instances
        .iter()
        .flat_map(|instance| &instance.requests)
        .any(is)
}

fn noted(state: &State, note: Note) -> bool {
    any_request(state, |request| request.notes.has(note))
}

fn valid_count(state: &State) -> usize {
    state.store.valid_frames().count()
}

fn consecutive(state: &State) -> usize {
    state
        .store
        .slots
        .iter()
        .take_while(|slot| slot.is_some())
        .count()
}

fn one_chain(model: &Protocol, state: &State) -> bool {
    model.config.kind == Kind::CreateIfAbsent || valid_count(state) == state.store.slots.len()
}

fn exactly_once(state: &State) -> bool {
    let mut marks = [0; DEVICES];
    state
        .store
        .valid_frames()
        .flat_map(|frame| frame.entries.iter())
        .all(|entry| {
            let mark = &mut marks[entry.device()];
            let next = entry.sequence() == *mark + 1;
            let vouched =
                entry.is_floor() && entry.sequence() > *mark && state.store.lost.is_some();
            *mark = entry.sequence();
            next || vouched
        })
}

fn epochs_rise(state: &State) -> bool {
    let (mut epoch, mut writer) = (0, None);
    state.store.valid_frames().all(|frame| {
        let same = writer == Some(frame.tag.writer());
        let right = frame.epoch == epoch + u8::from(!same);
        (epoch, writer) = (frame.epoch, Some(frame.tag.writer()));
        right
    })
}

fn replies_committed(state: &State) -> bool {
    !any_request(
        state,
        |request| matches!(&request.phase, Phase::Replying(view) if !state.store.was_committed(view.chain)),
    )
}

fn acknowledged_logged(state: &State) -> bool {
    let highest = state.store.highest_marks();
    state.clients.iter().all(|client| {
        client.acknowledged <= highest[usize::from(client.device)]
            && state.store.was_committed(client.cursor)
    })
}

fn reset_told(model: &Protocol, state: &State) -> bool {
    !any_request(state, |request| match &request.phase {
        Phase::Replying(view) => {
            !view.chain.descends_from(request.body.cursor)
                && !is_reset(&request.body, view, model.config.mutant)
        }
        _ => false,
    })
}

fn lost_is_lost(state: &State) -> bool {
    let truth = state.store.truth().chain;
    state.store.lost.is_some()
        || !state
            .held_for_lost
            .iter()
            .any(|chain| truth.descends_from(*chain))
}

fn done(model: &Protocol, state: &State) -> bool {
    let truth = state.store.truth();
    state.clients.iter().all(|client| {
        let (device, actions) = (
            usize::from(client.device),
            model.config.actions[usize::from(client.device)],
        );
        let framed = client.acknowledged == actions && truth.marks[device] == actions;
        let dropped = model.config.grace_ends && client.kept_from > actions;
        (framed || dropped) && truth.chain.descends_from(client.cursor)
    })
}

/// Stops all faults, forgets the requests under way, and lets every device ask each of the instances in turn until it
/// has its verdicts: once for each instance that might be asked, warm or cold, since routing may always pick that one.
fn never_wedged(model: &Protocol, state: &State) -> bool {
    (0..state.instances.len()).all(|place| {
        let instance = &state.instances[place];
        let seen = state.instances[..place]
            .iter()
            .any(|other| other.cache == instance.cache && other.writer == instance.writer);
        seen || heals(model, state, place)
    })
}

/// At most so many rounds: one to learn of a roll-back, one to send again, one to spare.
const ROUNDS: usize = 3;

fn heals(model: &Protocol, state: &State, place: usize) -> bool {
    let mut state = state.clone();
    for instance in &mut state.instances {
        instance.requests.clear();
    }
    for _ in 0..ROUNDS {
        for client in 0..state.clients.len() {
            state.take(Step::Send(client, place, Batch::All), &model.config);
            if model.config.lead_from_cache {
                state.take(Step::LeadFromCache(place, 0), &model.config);
            }
            while let Some(step) = fault_free(place, &state.instances[place].requests) {
                state.take(step, &model.config);
            }
        }
        if done(model, &state) {
            return all_framed(model, &state);
        }
    }
    false
}

fn fault_free(place: usize, requests: &[Request]) -> Option<Step> {
    Some(match requests.first()?.phase {
        Phase::Arrived | Phase::Resolving(..) => Step::Read(place, 0, Then::Lead),
        Phase::Appending(_) => Step::Append(place, 0, Outcome::Answered),
        Phase::Checking(_) => Step::Check(place, 0),
        Phase::Removing(..) => Step::Remove(place, 0),
        Phase::Pushing(_) => Step::Push(place, 0),
        Phase::Replying(_) | Phase::Retrying(_) => Step::Reply(place, 0),
    })
}

/// Every action is in the log, but for what a device dropped after the grace time: the store may have lost that.
fn all_framed(model: &Protocol, state: &State) -> bool {
    state.clients.iter().all(|client| {
        let framed = |sequence| {
            let mut entries = state
                .store
                .valid_frames()
                .flat_map(|frame| frame.entries.iter());
            entries.any(|entry| {
                entry.device() == usize::from(client.device) && entry.sequence() == sequence
            })
        };
        let first = if model.config.grace_ends {
            client.kept_from
        } else {
            1
        };
        (first..=client.acknowledged).all(framed)
    })
}
