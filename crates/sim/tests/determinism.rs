//! The determinism check: honest rules and Contagion pass, each cheat is caught. The table of who catches what:
//! `cargo test -p baton-sim --test determinism -- --nocapture`.

use account::{Account, Item, Preference};
use baton::Random;
use baton::Solo;
use baton_cheats::{
    Address, Cheat, Clock, Counter, Float, HighWater, Honest, KeptOrder, Memo, Order, Peek,
    Skipped, Way, Width,
};
use baton_sim::determinism::{
    Check, Difference, Probe, Script, Step, check, check_one, check_wasm,
};
use contagion::{Action, Config, Contagion, Phase};
use std::sync::LazyLock;

/// Built once, though tests run side by side.
static CHEATS: LazyLock<Probe> =
    LazyLock::new(|| Probe::build("baton-cheats").unwrap_or_else(|broken| panic!("{broken}")));

fn script<W: Way>() -> Script {
    Script::draw::<Cheat<W>>(7, 200, |random| random.below(256) as u8)
}

/// Which checks catch a cheat; each found difference is one.
fn caught<W: Way>() -> Vec<Check> {
    let script = script::<W>();
    let native = Check::NATIVE.map(|check| check_one::<Cheat<W>>(check, &script));
    let wasm = check_wasm::<Cheat<W>>(&script, &CHEATS);
    let all: Vec<Difference> = native
        .into_iter()
        .chain([wasm])
        .filter_map(|found| found.err().map(|found| *found))
        .collect();
    for found in &all {
        assert_ne!(found.plain, found.other, "{found}");
        assert!(!found.to_string().is_empty());
    }
    let named = all.iter().map(|found| {
        let place = found.place.map_or(0, |place| place + 1);
        format!("{:?} (step {place})", found.check)
    });
    println!("{:<12} {}", W::KIND, named.collect::<Vec<_>>().join(", "));
    all.into_iter().map(|found| found.check).collect()
}

#[test]
fn x1_honest_rules_pass_every_check() {
    assert_eq!(caught::<Honest>(), []);
}

#[test]
fn x1_each_cheat_is_caught_by_the_check_that_is_made_for_it() {
    for (found, by) in [
        (caught::<Clock>(), Check::Twice),
        (caught::<Counter>(), Check::Twice),
        (caught::<Address>(), Check::Twice),
        (caught::<Order>(), Check::Twice),
        (caught::<KeptOrder>(), Check::Snapshot),
        (caught::<Skipped>(), Check::Snapshot),
        (caught::<Peek>(), Check::Refused),
    ] {
        assert!(found.contains(&by), "{found:?} without {by:?}");
    }
}

#[test]
fn x1_what_only_one_check_can_see_is_seen() {
    // Rooms of different age are like a long way back.
    assert_eq!(caught::<HighWater>(), [Check::Rewound, Check::Beside]);
    assert_eq!(caught::<Memo>(), [Check::Beside]);
    assert_eq!(caught::<Float>(), [Check::Wasm]);
    assert_eq!(caught::<Width>(), [Check::Wasm]);
}

#[test]
fn p05_the_report_names_the_first_step_that_differs_with_both_states() {
    let script = script::<Width>();
    let found = check_wasm::<Cheat<Width>>(&script, &CHEATS).expect_err("it is wide");
    let place = found.place.expect("an empty room is the same everywhere");
    let mut before = script.clone();
    before.steps.truncate(place);
    check_wasm::<Cheat<Width>>(&before, &CHEATS).expect("until there they agree");
    let text = found.to_string();
    for part in [
        "Wasm",
        &format!("step {place}"),
        &script.steps[place].to_string(),
        "sum",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let native = baton::harness::record::<Cheat<Width>>(&found.script);
    let last = native
        .expect("it is a script")
        .lines()
        .last()
        .map(String::from);
    let hash = baton::Hash::of(&found.plain.bytes).to_string();
    assert!(last.is_some_and(|line| line.ends_with(&hash)));
}

fn act(random: &mut Random) -> Action {
    match random.below(16) {
        0..6 => Action::Steer(random.below(u32::from(contagion::ANGLES) + 8) as u8),
        6 => Action::Stop,
        7 => Action::CallTime,
        8..12 => Action::Strike,
        12..15 => Action::Heal,
        _ => Action::Lure,
    }
}

/// Matches from several seeds, long enough to be played.
fn contagions() -> impl Iterator<Item = Script> {
    (0..4).map(|seed| {
        let script = Script::draw::<Contagion>(seed, 250, act);
        let (mut room, mut played) = (Solo::<Contagion>::new(Config::default(), seed), 0);
        for step in &script.steps {
            step.perform(&mut room).unwrap_or_default();
            played += usize::from(matches!(room.state().phase, Phase::Playing));
        }
        assert!(played > 100, "seed {seed} plays {played} steps only");
        script
    })
}

#[test]
fn x1_contagion_comes_to_the_same_state_in_every_way() {
    for script in contagions() {
        check::<Contagion>(&script).unwrap_or_else(|found| panic!("{found}"));
    }
}

/// What an account's player and its server do; who may not is refused, and of that nothing may be seen.
fn live(random: &mut Random) -> account::Action {
    let item =
        [Item::Raincoat, Item::Welder, Item::Nurse, Item::Astronaut][random.below(4) as usize];
    match random.below(8) {
        0 => account::Action::Deal,
        1 => account::Action::Check,
        2 => account::Action::Buy(item),
        3 => account::Action::Purchase(item),
        4 => account::Action::Look(random.below(10) as u8),
        5 => account::Action::Prefer(Preference::Volume, random.below(120) as u8),
        _ => account::Action::Grant {
            coins: i64::from(random.below(300)) - 50,
            scrap: i64::from(random.below(3_000)) - 500,
        },
    }
}

#[test]
fn x1_an_account_comes_to_the_same_state_in_every_way() {
    for seed in 0..4 {
        let script = Script::draw::<Account>(seed, 400, live);
        let mut room = Solo::<Account>::new((), seed);
        let lived = |step: &&Step| step.perform(&mut room).is_ok();
        let taken = script.steps.iter().filter(lived).count();
        assert!(taken > 100, "seed {seed}: {taken} of 400 are taken");
        assert!(
            room.state().most_scrap > 0,
            "seed {seed}: nothing was earned"
        );
        check::<Account>(&script).unwrap_or_else(|found| panic!("{found}"));
    }
}

#[test]
fn x1_contagion_comes_to_the_same_state_natively_and_in_wasm() {
    let probe = Probe::build("contagion-probe").unwrap_or_else(|broken| panic!("{broken}"));
    for script in contagions() {
        check_wasm::<Contagion>(&script, &probe).unwrap_or_else(|found| panic!("{found}"));
    }
    let other = probe.record("other", "room 1 -\n");
    assert!(other.is_ok_and(|said| said.contains("no rules are called")));
}
