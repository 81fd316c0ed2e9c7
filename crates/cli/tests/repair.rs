//! The story of a repair (B28), as the README tells it: a fault doubled rewards, the history shows where, other rules show
//! whom it met, a frame switches the rules, an action of the operator mends what was spent, devices follow.

use account::Action;
use baton_cli::history::{Change, Fate, Log, Registry, Told, Trace, compare, difference};
use baton_cli::story::{PLAYERS, Story};
use serde_json::{Value, json};

fn history(log: &Log) -> (Vec<(Told, Value)>, Trace) {
    let mut told = Vec::new();
    let trace = Registry::built_in().replay(log, &mut |entry: &Told, state: &dyn Fn() -> Value| {
        told.push((entry.clone(), state()));
    });
    (told, trace.expect("a sound log"))
}

fn under(log: &Log, rules: &str) -> Change {
    let compared = compare(&Registry::built_in(), log, rules).expect("rules that are here");
    compared.expect("a sound log").1
}

fn who_changes(logs: &[Log], rules: &str) -> Vec<String> {
    let changes = logs
        .iter()
        .map(|log| under(log, rules))
        .filter(|change| !change.is_none());
    changes.map(|change| change.room).collect()
}

#[test]
fn b28_a_fault_is_found_its_users_listed_the_rules_switched_and_what_was_spent_mended() {
    let mut story = Story::play();
    let [ann, _, cam] = PLAYERS.map(|user| story.log(user));

    // The history shows it: a reward of 50 coins, and 100 more than before.
    let (told, _) = history(&cam);
    let at = told
        .iter()
        .position(|(entry, _)| entry.action == Some(json!({ "reward": "first_match" })));
    let at = at.expect("he reached it");
    let paid = difference(&told[at - 1].1, &told[at].1);
    let coins = paid
        .iter()
        .find(|difference| difference.path == "coins")
        .expect("it pays coins");
    assert_eq!(
        (&coins.before, &coins.after),
        (&Some(json!(20)), &Some(json!(120)))
    );

    // Whom it met, under the rules as they were meant.
    assert_eq!(
        who_changes(&story.logs(), "account@1"),
        ["account/ann", "account/cam"]
    );
    let change = under(&ann, "account@1");
    let refused: Vec<_> = change
        .verdicts
        .iter()
        .map(|verdict| (&verdict.told.action, verdict.would))
        .collect();
    assert_eq!(
        refused,
        [(&Some(json!({ "purchase": "nurse" })), Fate::Rejected(8))]
    );
    assert_eq!(
        change.first.expect("an entry").action,
        Some(json!({ "reward": "first_match" }))
    );
    let change = under(&cam, "account@1");
    assert_eq!(change.verdicts, [], "he could have bought it anyway");
    let state: Vec<String> = change.state.iter().map(ToString::to_string).collect();
    assert_eq!(state, ["coins: 400 -> 250"]);

    // The mended rules come by a frame; nothing else changes by it.
    let before = story.states("cam");
    story.mend();
    let after = story.states("cam");
    assert_eq!(before[1], after[1]);
    let (told, trace) = history(&story.log("cam"));
    let switches = told.iter().filter(|(entry, _)| entry.entry == "switch");
    assert_eq!(
        switches.map(|(entry, _)| entry.rules).collect::<Vec<_>>(),
        [Some(2)]
    );
    assert_eq!(trace.state["coins"], 400);

    // What he had too much is taken back, and his device follows.
    story.operate(
        "cam",
        &Action::Grant {
            coins: -150,
            scrap: 0,
        },
    );
    story.operate(
        "ann",
        &Action::Grant {
            coins: -150,
            scrap: 0,
        },
    );
    let [page, log] = story.states("cam");
    assert_eq!(page, log);
    assert_eq!(log["coins"], 250);
    assert_eq!(log["items"], json!(["nurse"]));
    // She spent it all: what is not there is not taken.
    assert_eq!(story.states("ann")[1]["coins"], 0);

    // From here on a reward is paid once: 80 more matches make a hundred games of his.
    (0..80).for_each(|_| story.play_match("cam", 0));
    let [page, log] = story.states("cam");
    assert_eq!(page, log);
    assert_eq!(log["coins"], 250 + 1_000);
    assert_eq!(story.states("ben")[0], story.states("ben")[1]);
}

#[test]
fn b28_under_its_own_rules_nobody_changes() {
    let mut story = Story::play();
    assert_eq!(who_changes(&story.logs(), "account-doubled@1"), [""; 0]);
    // Also for the mended rules there is nothing to say of who never had a reward.
    assert_eq!(
        who_changes(&[story.log("ben")], "account-mended@2"),
        [""; 0]
    );
    let error =
        compare(&Registry::built_in(), &story.log("ben"), "account@9").expect_err("no such rules");
    assert!(error.to_string().contains("account@1"), "{error}");
}

#[test]
fn b13_b27_the_sequence_counts_accepted_actions_and_each_entry_names_its_device_and_client() {
    let mut story = Story::play();
    story.mend();
    for user in PLAYERS {
        let (told, trace) = history(&story.log(user));
        let mut sequence = 0;
        for (entry, _) in &told {
            sequence += u64::from(entry.action.is_some());
            assert_eq!(entry.sequence, sequence);
        }
        assert_eq!((told[0].0.sequence, trace.sequence), (0, sequence));
        let registered: Vec<_> = told
            .iter()
            .filter(|(entry, _)| entry.entry == "register")
            .collect();
        assert_eq!(registered.len(), 1);
        assert_eq!(
            (registered[0].0.user.as_deref(), registered[0].0.client),
            (Some(user), Some(7))
        );
    }
    let (told, _) = history(&story.log("cam"));
    let look = told
        .iter()
        .find(|(entry, _)| entry.entry == "act")
        .expect("he chose a look");
    let Told {
        action,
        device,
        user,
        client,
        number,
        ..
    } = &look.0;
    assert_eq!(action, &Some(json!({ "look": 6 })));
    assert_eq!(
        (*device, user.as_deref(), *client, *number),
        (Some(0), Some("cam"), Some(7), Some(1))
    );
    assert_eq!(look.1["look"], 6);
}

#[test]
fn x4_the_first_entry_that_is_not_sound_is_named() {
    let mut story = Story::play();
    let log = story.log("cam");
    let replay =
        |log: &Log| Registry::built_in().replay(log, &mut |_: &Told, _: &dyn Fn() -> Value| {});
    let whole = replay(&log).expect("sound");
    assert_eq!(whole.v, log.frames.len() as u64);
    for at in [0, 5, log.frames.len() - 1] {
        // The last byte is of the state's hash.
        let mut forged = log.clone();
        *forged.frames[at].last_mut().expect("a frame") ^= 1;
        let flaw = replay(&forged).expect_err("a state that does not follow");
        assert_eq!(flaw.v, at as u64 + 1);
        assert!(flaw.to_string().contains("the log says state"), "{flaw}");
        assert!(flaw.sequence <= whole.sequence);
    }
    let mut cut = log.clone();
    cut.frames.remove(3);
    assert_eq!(replay(&cut).expect_err("a hole").v, 4);
}
