//! Which steps are possible in a state.
//!
//! Decides only what is possible, never what is wise: everything that the bounds allow may happen. Of places that hold
//! the same, one is as good as another.

use super::client::Batch;
use super::config::Config;
use super::instance::{Instance, Outcome, Then};
use super::request::Phase;
use super::store::SEGMENT;
use super::{Budget, Protocol, State, Step};

impl Protocol {
    /// What the devices may do next.
    pub(super) fn client_steps(&self, state: &State, steps: &mut Vec<Step>) {
        let config = &self.config;
        for (index, client) in state.clients.iter().enumerate() {
            if config.grace_ends && client.kept_from <= client.acknowledged {
                steps.push(Step::GraceEnds(index));
            }
            let under_way = state
                .instances
                .iter()
                .flat_map(|instance| &instance.requests);
            if client.sends_left == 0
                || under_way
                    .filter(|request| usize::from(request.body.device) == index)
                    .count()
                    >= config.sends_at_once
            {
                continue;
            }
            for (place, instance) in state.instances.iter().enumerate() {
                let twin = place > 0 && *instance == state.instances[place - 1];
                if twin || instance.requests.len() >= config.requests_per_instance {
                    continue;
                }
                steps.push(Step::Send(index, place, Batch::All));
                if config.split_batches && client.acknowledged + 1 < config.actions[index] {
                    steps.push(Step::Send(index, place, Batch::First));
                    steps.push(Step::Send(index, place, Batch::Last));
                }
            }
        }
    }

    /// What `instance`, in its place, and its requests may do next.
    pub(super) fn instance_steps(
        &self,
        state: &State,
        place: usize,
        instance: &Instance,
        steps: &mut Vec<Step>,
    ) {
        let (config, budget) = (&self.config, &state.budget);
        for (index, request) in instance.requests.iter().enumerate() {
            if index > 0 && *request == instance.requests[index - 1] {
                continue;
            }
            request_steps(config, budget, place, index, &request.phase, steps);
            let replying = matches!(request.phase, Phase::Replying(_) | Phase::Retrying(_));
            if replying && state.clients[usize::from(request.body.device)].drops_left > 0 {
                steps.push(Step::DropReply(place, index));
            }
            if config.lead_from_cache && request.phase == Phase::Arrived && instance.cache.is_some()
            {
                steps.push(Step::LeadFromCache(place, index));
            }
        }
        if let Some(view) = instance.cache {
            let version = view.chain.version();
            let due = config.snapshots && version > 0 && version.is_multiple_of(SEGMENT);
            let segment = usize::from(version / SEGMENT);
            if due && state.store.snapshots.get(segment - 1) == Some(&None) {
                steps.push(Step::Snapshot(place));
            }
            if budget.cache_drops > 0 {
                steps.push(Step::DropCache(place));
            }
        }
        if budget.crashes > 0 && *instance != Instance::default() {
            steps.push(Step::Crash(place));
        }
    }
}

/// What a request in `phase` may do next.
fn request_steps(
    config: &Config,
    budget: &Budget,
    place: usize,
    index: usize,
    phase: &Phase,
    steps: &mut Vec<Step>,
) {
    match phase {
        Phase::Arrived | Phase::Resolving(..) => {
            steps.push(Step::Read(place, index, Then::Lead));
            if config.follow {
                steps.push(Step::Read(place, index, Then::Follow));
            }
            if budget.idle_frames > 0 {
                steps.push(Step::Read(place, index, Then::LeadIdle));
            }
        }
        Phase::Appending(_) => {
            steps.push(Step::Append(place, index, Outcome::Answered));
            if budget.unknowns > 0 {
                for outcome in [
                    Outcome::UnknownDone,
                    Outcome::UnknownNotDone,
                    Outcome::UnknownLate,
                ] {
                    steps.push(Step::Append(place, index, outcome));
                }
                if config.repeats {
                    steps.push(Step::Append(place, index, Outcome::UnknownTwice));
                }
            }
        }
        Phase::Checking(_) => steps.push(Step::Check(place, index)),
        Phase::Removing(..) => steps.push(Step::Remove(place, index)),
        Phase::Pushing(_) => steps.push(Step::Push(place, index)),
        Phase::Replying(_) | Phase::Retrying(_) => steps.push(Step::Reply(place, index)),
    }
}
