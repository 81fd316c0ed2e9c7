//! What of the state a bot notices: what a player would have on the screen and look at. Decides
//! nothing about what to do.

use alloc::vec::Vec;

use baton::Player;
use contagion::{Figure, Point, State, TILE};

use crate::map::distance;
use crate::skill::Limits;

/// Threats that anybody keeps in mind at once.
const THREATS: usize = 24;

/// Something that bites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threat {
    /// Units from the bot.
    pub(crate) far: i32,
    pub(crate) at: Point,
}

/// What is noticed in one look.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) state: &'a State,
    pub(crate) me: &'a Figure,
    /// The nearest first.
    pub(crate) threats: Vec<Threat>,
}

impl<'a> Sight<'a> {
    /// What a survivor notices; `None` without a figure on the field.
    pub(crate) fn new(state: &'a State, player: Player, limits: &Limits) -> Option<Self> {
        let me = state.field.figure(player)?;
        let sight = limits.threats * TILE;
        let zombies = state.field.zombies.places().map(|(_, at)| at);
        let turned = state.field.figures.iter();
        let turned = turned.filter(|figure| !figure.survives() && !figure.is_down());
        let mut threats: Vec<Threat> = zombies
            .chain(turned.map(|figure| figure.at))
            .filter(|at| at.distance_squared(me.at) <= sight * sight)
            .map(|at| Threat {
                far: distance(at, me.at),
                at,
            })
            .collect();
        threats.sort_unstable_by_key(|threat| (threat.far, threat.at.x(), threat.at.y()));
        threats.truncate(THREATS);
        Some(Self { state, me, threats })
    }

    /// Other survivors within some units, by rising player number.
    pub(crate) fn friends(&self, within: i32) -> impl Iterator<Item = &'a Figure> {
        let (state, me) = (self.state, self.me);
        state.field.figures.iter().filter(move |friend| {
            friend.player != me.player
                && friend.survives()
                && friend.at.distance_squared(me.at) <= within * within
        })
    }

    /// How many threats are within some units.
    pub(crate) fn threats_within(&self, units: i32) -> usize {
        self.threats.partition_point(|threat| threat.far <= units)
    }
}
