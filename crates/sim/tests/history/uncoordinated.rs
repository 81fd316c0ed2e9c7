//! The control: the same handler on a store that does not coordinate leaves a history that both checkers refuse.

use baton_sim::history::check::check;
use baton_sim::history::general;
use baton_sim::history::record::Recorder;
use baton_sim::history::rule::Rule;

use crate::support::rules::{Herd, add};
use crate::support::{Forks, ROOM, Raw, World};

#[test]
fn b35_hosts_that_do_not_coordinate_leave_a_history_that_is_refused() {
    let mut world = World::<Herd>::new(2);
    world.forks = Some(Forks::default());
    let mut recorder = Recorder::default();
    let mut users: Vec<Raw> = (0..2)
        .map(|user| Raw::new(&format!("user{user}")))
        .collect();
    for turn in 0..24_u64 {
        let index = turn as usize % 2;
        let user = &mut users[index];
        // Four turns to join.
        let seq = (turn / 2).saturating_sub(1);
        let sends = user
            .hail
            .number
            .filter(|_| seq > 0)
            .map(|_| (seq, add(seq as i64)));
        let arrival = user.arrival(sends.as_slice());
        let baton::effect::Call::Play(request) = &arrival.call else {
            panic!("a device plays");
        };
        let op = recorder
            .sent(&user.who.user, ROOM, request, world.now_ms)
            .expect("a request");
        let outcome = world.ask(index, vec![arrival.clone()]).remove(0);
        recorder.answered(op, &outcome, world.now_ms);
        if let Ok(reply) = crate::support::reply_of(&outcome) {
            user.cursor = reply.head;
            user.hail.number = reply
                .device
                .map(|standing| standing.number)
                .or(user.hail.number);
        }
        world.pass(250);
    }
    let forks = world.forks.take().expect("set above");
    recorder.log(ROOM, forks.accepted.iter().map(Vec::as_slice));
    let report = check(recorder.lines()).expect("a history");
    let count = |rule| {
        report
            .violations
            .iter()
            .filter(|found| found.rule == rule)
            .count()
    };
    assert!(count(Rule::OneFrame) > 10, "{:?}", report.violations);
    let windows = general::check(recorder.lines(), 1_000).expect("a history");
    assert!(
        windows.iter().any(|window| !window.linearisable),
        "{windows:?}"
    );
}
