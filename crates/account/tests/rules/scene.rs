//! An account alone in memory.

use account::{Account, Action, Judged};
use baton::{By, Reject, Solo};
use contagion::Run;

use crate::samples::{handed_in, played};

/// When every account begins, in milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_790_000_000_000;
/// The account's own player.
pub(crate) const OWNER: By = By::Player(0);

/// A new account, with seeds in hand.
pub(crate) fn account() -> Solo<Account> {
    let mut solo = Solo::new((), 7);
    solo.set_time(START_MS);
    serve(&mut solo);
    solo
}

/// Everything that is due happens. How often something was.
pub(crate) fn serve(solo: &mut Solo<Account>) -> usize {
    const MOST: usize = 1_000;
    let done = solo.serve_due(MOST);
    assert!(done < MOST, "what is due has an end");
    done
}

/// The player does something.
pub(crate) fn act(solo: &mut Solo<Account>, action: Action) -> Result<(), Reject> {
    solo.act(OWNER, action)
}

/// The server does something that it may.
pub(crate) fn server(solo: &mut Solo<Account>, action: Action) {
    let done = solo.act(By::Server, action);
    done.expect("the server may");
}

/// A seed in hand.
pub(crate) fn seed(solo: &Solo<Account>) -> u64 {
    solo.state().seeds.first().expect("seeds in hand").seed
}

/// As much time passes as a run takes whose seed was given now.
pub(crate) fn pass(solo: &mut Solo<Account>, run: &Run) {
    let given = solo.state().seeds.iter().map(|held| held.dealt_ms).max();
    solo.set_time(given.expect("seeds in hand") + run.lasted_ms());
}

/// Plays a run with a seed in hand and hands it in; what became of it.
pub(crate) fn run(
    solo: &mut Solo<Account>,
    wish: impl FnMut(u64) -> Option<contagion::Action>,
) -> Judged {
    let seed = seed(solo);
    let run = played(seed, wish);
    pass(solo, &run);
    act(solo, handed_in(seed, &run)).expect("a run with a seed in hand");
    serve(solo);
    let judged = solo.state().judged.back();
    *judged.expect("what was handed in is judged")
}
