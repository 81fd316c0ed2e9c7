//! Hosts of both kinds that are really served, over one store: matches of Contagion, and accounts.

use account::Account;
use baton::Instance;
use baton::effect::{Arrival, Outcome};
use contagion::{Config, Contagion};

use crate::support::rooms::{Kind, RoomsOf, Served, Trouble};

/// All that can go wrong with a call.
pub(crate) const TROUBLES: [Trouble; 4] = [
    Trouble::NotDone,
    Trouble::LostAnswer,
    Trouble::DiesBefore,
    Trouble::DiesAfter,
];

/// The kinds that are really served.
#[derive(Default)]
pub(crate) struct Games {
    matches: Vec<Instance<Contagion>>,
    accounts: Vec<Instance<Account>>,
}

impl Served for Games {
    fn start(rooms: &mut RoomsOf<Self>) {
        rooms.start::<Contagion>();
        rooms.start::<Account>();
    }

    fn take(
        rooms: &mut RoomsOf<Self>,
        target: &str,
        arrivals: Vec<Arrival>,
    ) -> Option<Vec<Outcome>> {
        let at = rooms.target;
        let outcomes = match target.split_once('/') {
            Some(("contagion", _)) => rooms.ask::<Contagion>(at, target, arrivals),
            Some(("account", _)) => rooms.ask::<Account>(at, target, arrivals),
            _ => return None,
        };
        outcomes.ok()
    }
}

impl Kind<Games> for Contagion {
    fn instances(served: &mut Games) -> &mut Vec<Instance<Self>> {
        &mut served.matches
    }

    fn told() -> Config {
        Config {
            countdown_ms: 500,
            play_ms: 1_500,
            over_ms: 60_000,
            city: false,
            zombies_at_start: 0,
            spawns_per_minute: 0,
            spawns_per_minute_and_player: 0,
            ..Config::default()
        }
    }
}

impl Kind<Games> for Account {
    fn instances(served: &mut Games) -> &mut Vec<Instance<Self>> {
        &mut served.accounts
    }
}
