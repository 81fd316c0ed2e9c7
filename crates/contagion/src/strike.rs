//! What players do to others and for each other: strikes, shots, bites, medkits, lures. Knows
//! nothing of who may: that was checked before.

use baton::Player;

use crate::arena::Arena;
use crate::feed::What;
use crate::field::Field;
use crate::figure::{Blow, FULL_HEALTH, Figure};
use crate::geometry::{Point, TILE, heading, turn};
use crate::ticks;

/// How far a survivor's strike reaches, in units: 1.6 tiles.
pub const STRIKE_REACH: i32 = 410;
/// Steps to either side of where a figure faces that its strike or bite covers: 62 degrees.
pub const STRIKE_ARC: u8 = 5;
/// What is this near is hit wherever a figure faces, in units: who runs into each other would else
/// miss by the way a message takes.
pub const TOUCH: i32 = TILE * 3 / 4;
/// What one strike hits, at most.
pub const STRIKE_TARGETS: usize = 3;
/// From one strike or shot of a survivor to the next, in milliseconds.
pub const STRIKE_COOLDOWN_MS: u32 = 600;
/// What a strike or shot takes of a turned player's health.
pub const STRIKE_DAMAGE: u8 = 30;
/// How far a shot flies, in units: 9 tiles.
pub const SHOT_REACH: i32 = 9 * TILE;
/// Steps to either side within which a shot finds its target: 17 degrees.
pub const SHOT_ARC: u8 = 1;

/// How far a turned player's bite reaches, in units: 1.1 tiles.
pub const TURNED_REACH: i32 = 282;
/// What a turned player's bite takes of a survivor's health.
pub const TURNED_DAMAGE: u8 = 15;
/// From one bite of a turned player to the next, in milliseconds.
pub const TURNED_COOLDOWN_MS: u32 = 1_000;

/// How near a friend must be to be healed, in units: 2 tiles.
pub const HEAL_REACH: i32 = 2 * TILE;
/// What a medkit gives back of somebody's health.
pub const MEDKIT_HEALTH: u8 = 50;
/// How far a lure is thrown, in units: 6 tiles.
pub const THROW: i32 = 6 * TILE;

/// Something that can be struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// With its place among the zombies.
    Zombie(usize),
    /// With the seat of a player.
    Player(usize),
}

impl Field {
    /// A survivor swings or shoots, a turned player bites. A miss costs the time as well.
    pub(crate) fn strike(&mut self, player: Player, arena: &Arena) {
        let Ok(seat) = self.seat_of(player) else {
            return;
        };
        if self.figures[seat].survives() {
            self.swing_or_shoot(seat, arena);
        } else {
            self.bite_ahead(seat, arena);
        }
    }

    fn swing_or_shoot(&mut self, seat: usize, arena: &Arena) {
        let figure = &self.figures[seat];
        let (from, facing, armed) = (figure.at, figure.facing, figure.kit.ammunition > 0);
        let mut blow = Blow::Swing;
        let mut hit = self.targets(from, facing, STRIKE_REACH, STRIKE_ARC, arena);
        if hit.iter().all(Option::is_none) && armed {
            let aim = self.targets(from, facing, SHOT_REACH, SHOT_ARC, arena)[0];
            if let Some((distance, target)) = aim {
                hit[0] = aim;
                let figure = &mut self.figures[seat];
                figure.kit.ammunition -= 1;
                // At most SHOT_REACH.
                blow = Blow::Shot(distance.isqrt() as u16);
                let at = self.place_of(target);
                self.figures[seat].facing = heading(from, at);
            }
        }
        let mut struck = 0;
        // From the last place to the first, so that none moves before it is taken.
        hit.sort_unstable_by_key(|hit| hit.map(|(_, target)| target));
        for (_, target) in hit.into_iter().rev().flatten() {
            struck += u16::from(self.hit(target, player_of(&self.figures, seat)));
        }
        let figure = &mut self.figures[seat];
        figure.blow = blow;
        figure.cooldown = ticks(STRIKE_COOLDOWN_MS) as u8;
        figure.tally.struck = figure.tally.struck.saturating_add(struck);
    }

    /// Whether it fell.
    fn hit(&mut self, target: Target, by: Option<Player>) -> bool {
        match target {
            Target::Zombie(index) => {
                self.zombies.remove(index);
                true
            }
            Target::Player(seat) => {
                let figure = &mut self.figures[seat];
                let fell = figure.fell(STRIKE_DAMAGE);
                if fell {
                    let who = figure.player;
                    self.feed.tell(What::Felled, who, by);
                }
                fell
            }
        }
    }

    /// Zombies and standing turned players in front, with their squared distances: the nearest
    /// first, of equally near ones zombies in order of coming.
    fn targets(
        &self,
        from: Point,
        facing: u8,
        reach: i32,
        arc: u8,
        arena: &Arena,
    ) -> [Option<(i32, Target)>; STRIKE_TARGETS] {
        let zombies = self.zombies.near(from, reach);
        let zombies = zombies.map(|(index, at)| (at, Target::Zombie(index)));
        let turned = self.figures.iter().enumerate();
        let turned = turned.filter(|(_, figure)| !figure.survives() && !figure.is_down());
        let turned = turned.map(|(seat, figure)| (figure.at, Target::Player(seat)));
        let mut best = [None; STRIKE_TARGETS];
        for (at, target) in zombies.chain(turned) {
            let distance = from.distance_squared(at);
            let last = best[STRIKE_TARGETS - 1];
            if distance <= reach * reach
                && last.is_none_or(|(farthest, _)| distance < farthest)
                && covers(from, facing, arc, at)
                && arena.sees(from, at)
            {
                best[STRIKE_TARGETS - 1] = Some((distance, target));
                // Nothing sorts before something, so it is turned round.
                best.sort_unstable_by_key(|found| found.map_or((i32::MAX, target), |found| found));
            }
        }
        best
    }

    fn place_of(&self, target: Target) -> Point {
        match target {
            Target::Zombie(index) => self.zombies.at(index),
            Target::Player(seat) => self.figures[seat].at,
        }
    }

    fn bite_ahead(&mut self, seat: usize, arena: &Arena) {
        let figure = &self.figures[seat];
        let (from, facing, by) = (figure.at, figure.facing, figure.player);
        let victims = self.figures.iter().enumerate();
        let victims = victims.filter(|(_, victim)| victim.survives());
        let victims = victims.map(|(seat, victim)| (from.distance_squared(victim.at), seat));
        let near = victims.filter(|&(distance, _)| distance <= TURNED_REACH * TURNED_REACH);
        let victim = near
            .filter(|&(_, seat)| {
                let at = self.figures[seat].at;
                covers(from, facing, STRIKE_ARC, at) && arena.sees(from, at)
            })
            .min();
        let infects =
            victim.is_some_and(|(_, seat)| self.bite(seat, u32::from(TURNED_DAMAGE), Some(by)));
        let figure = &mut self.figures[seat];
        figure.blow = Blow::Swing;
        figure.cooldown = ticks(TURNED_COOLDOWN_MS) as u8;
        figure.tally.infected = figure.tally.infected.saturating_add(u16::from(infects));
    }

    /// Who would get a medkit of this player now: oneself if infected, else the infected friend in
    /// reach who turns next, else oneself if hurt.
    pub(crate) fn patient(&self, seat: usize) -> Option<usize> {
        let healer = self.figures.get(seat)?;
        if healer.is_infected() {
            return Some(seat);
        }
        let friends = self.figures.iter().enumerate();
        let near = friends.filter(|(_, friend)| {
            friend.is_infected() && friend.at.distance_squared(healer.at) <= HEAL_REACH * HEAL_REACH
        });
        let urgent = near.min_by_key(|(_, friend)| friend.infection);
        urgent
            .map(|(seat, _)| seat)
            .or((healer.health < FULL_HEALTH).then_some(seat))
    }

    pub(crate) fn heal(&mut self, player: Player) {
        let Ok(seat) = self.seat_of(player) else {
            return;
        };
        let Some(patient) = self.patient(seat) else {
            return;
        };
        let healer = &mut self.figures[seat];
        healer.kit.medkits = healer.kit.medkits.saturating_sub(1);
        let cured = &mut self.figures[patient];
        cured.health = cured.health.saturating_add(MEDKIT_HEALTH).min(FULL_HEALTH);
        let was_ill = cured.is_infected();
        cured.infection = 0;
        if was_ill {
            let who = cured.player;
            self.feed.tell(What::Cured, who, Some(player));
        }
        if was_ill && patient != seat {
            let healer = &mut self.figures[seat];
            healer.tally.cures = healer.tally.cures.saturating_add(1);
        }
    }

    pub(crate) fn lure(&mut self, player: Player, arena: &Arena) {
        if let Ok(seat) = self.seat_of(player) {
            let figure = &mut self.figures[seat];
            figure.kit.lures = figure.kit.lures.saturating_sub(1);
            let at = arena.throw(figure.at, figure.facing, THROW);
            self.ground.throw(at);
        }
    }
}

fn player_of(figures: &[Figure], seat: usize) -> Option<Player> {
    figures.get(seat).map(|figure| figure.player)
}

/// Whether a place is in front, or so near that it does not matter.
fn covers(from: Point, facing: u8, arc: u8, at: Point) -> bool {
    from.distance_squared(at) <= TOUCH * TOUCH || turn(heading(from, at), facing) <= arc
}
