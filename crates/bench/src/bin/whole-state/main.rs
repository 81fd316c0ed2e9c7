//! What a sync of an account costs, beside the way of before: the account's rules on the library (`host`) and a small
//! synchronisation of whole states (`whole_state`), in one process without a network. On the same players (`record`) what is
//! lost and doubled; by length of history (`history`) times and bytes. Prints a figure a line, as `cargo xtask bench` reads
//! them. Decides what is measured, and the aims.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a bench reads a clock and prints fractions; the rules do neither"
)]

mod history;
mod host;
#[cfg(test)]
mod keys;
mod record;
mod whole_state;

use std::time::Instant;

use account::State;
use baton::Memory;
use baton::limits::SEGMENT;

use history::{Account, FIRST, ROUND};
use host::Bytes;
use record::{Deed, Event, Faults, Recording, record};
use whole_state::Retry;

/// Frames of a history; nearly each is an action.
const LENGTHS: [(u64, &str); 4] = [
    (FIRST, "10"),
    (SEGMENT * 16 + FIRST, "10^3"),
    (SEGMENT * 1_563 + FIRST, "10^5"),
    (SEGMENT * 15_625 + FIRST, "10^6"),
];
/// How much a longer history may add to what 99 of 100 syncs take.
const GROWTH_AIM: f64 = 1.2;
/// Percentiles are those of a turn, and of the turns the middle one counts.
const TURNS: usize = 5;
const ROUNDS_OF_A_TURN: u64 = 12;
const SEEDS: u64 = 8;
const STRETCHES: usize = 60;

fn main() {
    players();
    let mut accounts: Vec<_> = LENGTHS
        .iter()
        .map(|(frames, _)| Account::in_memory(*frames))
        .collect();
    bytes(&mut accounts);
    for (actions, cold) in [(1, false), (20, false), (1, true)] {
        times(&mut accounts, actions, cold);
    }
}

fn print(name: &str, value: f64, unit: &str, aim: Option<f64>) {
    let ok = aim.map(|aim| value <= aim);
    let line =
        serde_json::json!({ "name": name, "value": value, "unit": unit, "aim": aim, "ok": ok });
    println!("{line}");
}

/// What the same players lose.
fn players() {
    let recordings: Vec<_> = (0..SEEDS).map(|seed| record(seed, STRETCHES)).collect();
    let truths: Vec<_> = recordings.iter().map(Recording::truth).collect();
    let games = truths.iter().map(|truth| truth.games()).sum::<u32>();
    let sync = |event: &&Event| matches!(event, Event::Sync(..));
    let events = recordings.iter().flat_map(|recording| &recording.events);
    let syncs = events.filter(sync).count() as f64;
    print(
        "players with two devices: games",
        f64::from(games),
        "",
        None,
    );
    print("  syncs, some lost on the way", syncs, "", None);
    let ours = |recording: &Recording| (recording.ours.clone(), recording.bytes);
    let peer = |retry| move |recording: &Recording| recording.by_peer(retry);
    let told = |who: &str, plays: &dyn Fn(&Recording) -> (State, Bytes), aim| {
        let mut faults = Faults::default();
        let mut bytes = Vec::new();
        for (recording, truth) in recordings.iter().zip(&truths) {
            let (account, sent) = plays(recording);
            faults.add(Faults::of(&account, truth));
            bytes.push(sent);
        }
        tell(who, &faults, aim);
        let Bytes { up, down } = Bytes::of(bytes.into_iter());
        print(
            &format!("  {who}: up per sync"),
            up as f64 / syncs,
            "bytes",
            None,
        );
        print(
            &format!("  {who}: down per sync"),
            down as f64 / syncs,
            "bytes",
            None,
        );
    };
    told("ours", &ours, Some(0.0));
    told("peer, resends", &peer(Retry::Resend), None);
    told("peer, sends once", &peer(Retry::Forget), None);
}

fn tell(who: &str, faults: &Faults, aim: Option<f64>) {
    let rows = [
        ("games doubled", faults.doubled),
        ("games, purchases, settings lost", faults.lost),
        ("coins wrong", faults.coins),
        ("scrap wrong", faults.scrap),
    ];
    for (what, count) in rows {
        print(&format!("  {who}: {what}"), count as f64, "", aim);
    }
}

/// What a sync sends, by length of history.
fn bytes(accounts: &mut [Account<Memory>]) {
    for actions in [1, 20] {
        for (account, (_, length)) in accounts.iter_mut().zip(LENGTHS) {
            let before = account.phone.bytes;
            let arrival = account.phone_asks(actions);
            let outcome = account.host.ask(arrival);
            account.phone_hears(&outcome);
            let name = format!("sync of {actions}, history of {length}");
            let (up, down) = (account.phone.bytes.up, account.phone.bytes.down);
            print(
                &format!("{name}: up"),
                (up - before.up) as f64,
                "bytes",
                None,
            );
            print("  down", (down - before.down) as f64, "bytes", None);
        }
        let mut peer = Peer::new();
        let packet = peer.packet(actions);
        let answer = peer.server.sync(&packet);
        print("  peer: up", packet.len() as f64, "bytes", None);
        print(
            "  peer: down, the whole account",
            answer.len() as f64,
            "bytes",
            None,
        );
    }
    for missing in [100, 1_000] {
        let (account, (_, length)) = (&mut accounts[3], LENGTHS[3]);
        let before = account.phone.bytes.down;
        let frames = account.head() + missing;
        account.grow(frames);
        let name = format!("sync that brings {missing} foreign actions of {length}: down");
        print(
            &name,
            (account.phone.bytes.down - before) as f64,
            "bytes",
            None,
        );
    }
}

/// The peer with as much in its account, and a device that has everything.
struct Peer {
    server: whole_state::Server,
    device: whole_state::Device,
    acted: u64,
}

impl Peer {
    fn new() -> Self {
        let full = account_of(&Account::in_memory(FIRST));
        let server = whole_state::Server::new(&full);
        let device = whole_state::Device::new(&server, Retry::Resend);
        Self {
            server,
            device,
            acted: 0,
        }
    }

    fn packet(&mut self, actions: u64) -> String {
        for _ in 0..actions {
            self.acted += 1;
            let deed = match host::some_action(self.acted) {
                account::Action::Look(look) => Deed::Look(look),
                account::Action::Prefer(preference, value) => Deed::Prefer(preference, value),
                _ => unreachable!("only these are done by the way"),
            };
            self.device.act(&deed, self.acted);
        }
        self.device.packet()
    }
}

fn account_of(account: &Account<Memory>) -> State {
    account.phone.synced().clone()
}

/// What a sync takes on the server, the accounts in turns.
fn times(accounts: &mut [Account<Memory>], actions: u64, cold: bool) {
    let mut peer = Peer::new();
    // Of each turn: of each account, then the peer.
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let mut samples = vec![Vec::new(); accounts.len() + 1];
        for _ in 0..ROUNDS_OF_A_TURN {
            begin_round(accounts);
            for sync in 0..ROUND as usize {
                for nth in 0..accounts.len() {
                    let index = (sync + nth) % accounts.len();
                    samples[index].push(time(&mut accounts[index], actions, cold));
                }
                let packet = peer.packet(actions);
                let began = Instant::now();
                let answer = peer.server.sync(&packet);
                samples[accounts.len()].push(began.elapsed().as_nanos() as f64 / 1_000.0);
                peer.device.take(&answer);
            }
        }
        turns.push(samples);
    }
    let of = |index: usize, percent: usize| {
        let turns = turns.iter().map(|turn| percentile(&turn[index], percent));
        percentile(&turns.collect::<Vec<_>>(), 50)
    };
    let warmth = if cold { "cold" } else { "warm" };
    for (index, (_, length)) in LENGTHS.iter().enumerate() {
        let name = format!("sync of {actions}, {warmth}, history of {length}: p50");
        print(&name, of(index, 50), "us", None);
        print("  p99", of(index, 99), "us", None);
    }
    let growth = |percent| {
        let ratios = turns.iter();
        let ratios =
            ratios.map(|turn| percentile(&turn[3], percent) / percentile(&turn[0], percent));
        percentile(&ratios.collect::<Vec<_>>(), 50)
    };
    print("  p50 at 10^6 / at 10", growth(50), "x", Some(GROWTH_AIM));
    print("  p99 at 10^6 / at 10", growth(99), "x", Some(GROWTH_AIM));
    if !cold {
        print("  peer, in memory: p50", of(accounts.len(), 50), "us", None);
        print("  peer, in memory: p99", of(accounts.len(), 99), "us", None);
    }
}

/// All are at the same place of a segment; the shortest history is short again.
fn begin_round(accounts: &mut [Account<Memory>]) {
    accounts[0] = Account::in_memory(FIRST);
    for account in &mut accounts[1..] {
        let frames = (account.head() - FIRST).next_multiple_of(SEGMENT) + FIRST;
        if frames > account.head() {
            account.grow(frames);
        }
    }
}

fn time(account: &mut Account<Memory>, actions: u64, cold: bool) -> f64 {
    let arrival = account.phone_asks(actions);
    if cold {
        account.host.forget();
    }
    let began = Instant::now();
    let outcome = account.host.ask(arrival);
    let took = began.elapsed();
    account.phone_hears(&outcome);
    took.as_nanos() as f64 / 1_000.0
}

/// What so many percent of the samples are below.
fn percentile(samples: &[f64], percent: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
