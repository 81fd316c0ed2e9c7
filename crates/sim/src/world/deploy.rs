//! A rolling deploy: which build each place runs when, and which pages are handed out. The operator goes
//! from step to step as the rules' documentation says; what happens in between is left to chance.

use super::host::machine::Build;
use super::{Event, World};
use crate::later::Game;
use crate::page::Edition;
use crate::plan::Rollout;

impl<R: Game> World<R> {
    pub(super) fn plan_rollout(&mut self) {
        let Some(rollout) = self.plan.rollout else {
            return;
        };
        let Rollout {
            ready_ms,
            eager_ms,
            strip_ms,
            ..
        } = rollout;
        for (at_ms, build) in [
            (ready_ms, Build::Ready),
            (eager_ms.max(ready_ms + rollout.spread_ms), Build::Eager),
            (strip_ms + 2 * rollout.spread_ms, Build::New),
        ] {
            for host in 0..self.plan.instances {
                let in_ms = self.between(0, rollout.spread_ms);
                self.at(at_ms + in_ms, Event::Deploy { host, build });
            }
        }
    }

    /// A build is deployed at a place: the process there answers what it has, and is replaced.
    pub(super) fn deploy(&mut self, host: usize, build: Build) {
        if build <= self.builds[host] || build == Build::New && !self.may_strip() {
            return;
        }
        if build >= Build::Eager {
            self.hand_out_pages();
        }
        self.counters.saw(37);
        self.builds[host] = build;
        self.hosts[host].closing = true;
        self.note(
            &format!("host {host}"),
            "deploy",
            (host as u64, build as u64),
            || serde_json::json!({ "build": format!("{build:?}") }),
        );
        self.retire(host);
    }

    /// Once nothing goes wrong any more the deploy is finished everywhere.
    pub(super) fn finish_rollout(&mut self) {
        if self.plan.rollout.is_none() {
            return;
        }
        for host in 0..self.hosts.len() {
            self.deploy(host, Build::Eager);
        }
    }

    fn hand_out_pages(&mut self) {
        let both = self.plan.rollout.is_some_and(|rollout| rollout.both);
        self.pages = if both { Edition::Both } else { Edition::New };
    }

    /// Whether every room is on the later rules, and nothing can take that or its snapshot back. Stores of keys keep
    /// a snapshot apart from its frame, and may not have it (seed 310000046).
    fn may_strip(&self) -> bool {
        let mut rooms = self.accounts.iter();
        self.keeps && rooms.all(|accounts| accounts.book.oracle.later)
    }
}
