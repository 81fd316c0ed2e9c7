//! When a bot thinks and when it acts: after a human's reaction time, a few times a second, with
//! an unsteady hand. What it wants is not decided here.

use alloc::{collections::VecDeque, vec::Vec};

use baton::{Player, Random};
use contagion::{ANGLES, Action, Config, Figure, Phase, Point, State, TICK_MS, heading};

use crate::hunter;
use crate::map::Map;
use crate::sight::Sight;
use crate::skill::{Limits, Skill};
use crate::survivor;
use crate::ways::Ways;

/// A player that is a program.
#[derive(Clone, Debug)]
pub struct Brain {
    pub(crate) limits: Limits,
    pub(crate) random: Random,
    pub(crate) ways: Ways,
    /// Where it goes while nothing else is of interest, and until which tick.
    pub(crate) errand: Option<(Point, u32)>,
    map: Option<Map>,
    /// What it will do, each with the tick of play at which it does.
    plan: VecDeque<(u32, Action)>,
    /// The tick of play at which it looks again.
    thinks: u32,
    match_id: u32,
}

/// What a bot wants to do, in order, each with the ticks from now before which it is too soon.
pub(crate) type Wish = Vec<(u32, Action)>;

impl Brain {
    /// A player of some skill; the same seed plays in the same way.
    pub fn new(skill: Skill, seed: u64) -> Self {
        Self {
            limits: skill.limits(),
            random: Random::from_seed(seed),
            ways: Ways::default(),
            errand: None,
            map: None,
            plan: VecDeque::new(),
            thinks: 0,
            match_id: 0,
        }
    }

    /// What the player does now, at most one thing. To be asked once per tick; if less often, it
    /// is only slower. The action may be refused, since it was decided a reaction time ago.
    pub fn decide(&mut self, state: &State, config: &Config, player: Player) -> Option<Action> {
        if state.phase != Phase::Playing {
            self.plan.clear();
            return None;
        }
        let now = state.field.played_ms / TICK_MS;
        if self.match_id != state.match_id {
            self.match_id = state.match_id;
            self.plan.clear();
            self.errand = None;
            // Not all in the same tick.
            self.thinks = now + self.random.below(self.limits.reaction);
        }
        if self.plan.is_empty() && now >= self.thinks {
            self.think(state, config, player, now);
        }
        let (at, _) = self.plan.front()?;
        if *at > now {
            return None;
        }
        self.plan.pop_front().map(|(_, action)| action)
    }

    fn think(&mut self, state: &State, config: &Config, player: Player, now: u32) {
        let limits = self.limits;
        let Some(sight) = Sight::new(state, player, &limits) else {
            self.thinks = now + limits.reaction;
            return;
        };
        let map = match self.map.take() {
            Some(map) if map.is_of(state, config) => map,
            _ => Map::new(state, config),
        };
        let wish = if sight.me.is_down() {
            Wish::new()
        } else if sight.me.survives() {
            survivor::wish(self, &sight, &map, now)
        } else {
            hunter::wish(self, &sight, &map)
        };
        self.map = Some(map);
        let reaction = limits.reaction + self.random.below(2);
        // At most a handful.
        let count = wish.len() as u32;
        let mut free = now + reaction;
        for (soonest, action) in wish {
            let at = free.max(now + soonest);
            self.plan.push_back((at, action));
            free = at + limits.spacing;
        }
        self.thinks = now + (count * limits.pace / 10).max(reaction + 1);
    }

    /// Walking towards a place, as exactly as this player does; nothing if it does so already.
    pub(crate) fn walk(&mut self, me: &Figure, to: Point) -> Option<(u32, Action)> {
        let angle = self.off(heading(me.at, to), self.limits.aim / 2);
        let same = me.walks && gap(me.facing, heading(me.at, to)) <= self.limits.aim / 2;
        (!same && me.at != to).then_some((0, Action::Steer(angle)))
    }

    /// Facing a place, as exactly as this player does; nothing if it does so well enough.
    pub(crate) fn face(
        &mut self,
        me: &Figure,
        at: Point,
        well_enough: u8,
    ) -> Option<(u32, Action)> {
        let angle = heading(me.at, at);
        if gap(me.facing, angle) <= well_enough {
            return None;
        }
        Some((0, Action::Steer(self.off(angle, self.limits.aim))))
    }

    /// An angle that is missed by up to some steps.
    fn off(&mut self, angle: u8, by: u8) -> u8 {
        // Below 2 · ANGLES.
        let drawn = self.random.below(2 * u32::from(by) + 1) as u8;
        (angle + ANGLES - by + drawn) % ANGLES
    }

    /// True so many times in a hundred.
    pub(crate) fn perhaps(&mut self, percent: u32) -> bool {
        self.random.chance(percent, 100)
    }
}

/// Steps between two angles, the shorter way.
pub(crate) fn gap(one: u8, other: u8) -> u8 {
    let steps = (one % ANGLES).abs_diff(other % ANGLES);
    steps.min(ANGLES - steps)
}
