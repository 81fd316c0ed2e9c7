//! What is drawn from the seed: what devices and the server do, which process is asked, what goes wrong on the way. Decides
//! nothing else; must not know how anything is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use account::{Action, Item, Preference};
use baton::{BodyHash, DeviceId, Hash, Lineage, Random, wire};
use contagion::MatchResult;

const PREFERENCES: [Preference; 4] = [
    Preference::Volume,
    Preference::LeftHanded,
    Preference::Contrast,
    Preference::Calm,
];
/// What devices buy.
const ITEMS: [Item; 2] = [Item::Raincoat, Item::Welder];
/// A connection that is cut lives for so many milliseconds at most.
const CUT_MS: u32 = 20;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// The host answers, and nobody hears it.
    AnswerLost,
    /// The connection ends after so long.
    Cut(Duration),
    /// It comes twice, at once, to two processes.
    Twice,
    /// It comes late, after newer ones.
    HeldBack,
}

/// One device's, or one account's.
pub(super) struct Draw(Random);

impl Draw {
    /// Of a seed, for a device of a user.
    pub(super) fn of(seed: u64, user: u32, device: u32) -> Self {
        let hash = Hash::of(&wire::write(&(seed, user, device)));
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        Self(Random::from_seed(u64::from_le_bytes([
            a, b, c, d, e, f, g, h,
        ])))
    }

    pub(super) fn chance(&mut self, part: u32, whole: u32) -> bool {
        self.0.chance(part, whole)
    }

    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0.below(bound)
    }

    /// One of several.
    pub(super) fn one(&mut self, count: usize) -> usize {
        self.below(u32::try_from(count).unwrap_or(u32::MAX)) as usize
    }

    pub(super) fn device(&mut self) -> DeviceId {
        let mut id = DeviceId::default();
        for part in id.0.chunks_exact_mut(8) {
            part.copy_from_slice(&self.0.next_u64().to_le_bytes());
        }
        id
    }

    pub(super) fn lineage(&mut self) -> Lineage {
        Lineage(self.0.next_u64().to_le_bytes())
    }

    /// What a player does.
    pub(super) fn wish(&mut self) -> Action {
        match self.below(8) {
            0 => Action::Buy(ITEMS[self.one(ITEMS.len())]),
            1 | 2 => Action::Look(self.below(u32::from(account::LOOKS)) as u8),
            _ => self.preference(),
        }
    }

    /// What a player may do in any case.
    pub(super) fn preference(&mut self) -> Action {
        let which = PREFERENCES[self.one(PREFERENCES.len())];
        Action::Prefer(which, self.below(256) as u8)
    }

    /// What the server does: scrap to buy with first, then matches.
    pub(super) fn send(&mut self, count: u32) -> Action {
        if count == 0 {
            return Action::Grant {
                coins: i64::from(self.below(50)),
                scrap: i64::from(100 + self.below(900)),
            };
        }
        Action::Match(MatchResult {
            match_id: count,
            won: self.chance(1, 2),
            score: self.below(900),
            survived_ms: 1_000,
            struck: 0,
            cures: 0,
            infected: 0,
        })
    }

    /// Of a thousand requests, `faults` go wrong.
    pub(super) fn fate(&mut self, faults: u32) -> Fate {
        if !self.chance(faults, 1_000) {
            return Fate::Arrives;
        }
        match self.below(4) {
            0 => Fate::AnswerLost,
            1 => Fate::Cut(Duration::from_millis(self.below(CUT_MS).into())),
            2 => Fate::Twice,
            _ => Fate::HeldBack,
        }
    }
}

/// All that a device may wish, by what logs keep of what was rejected.
pub(super) fn wishes() -> BTreeMap<BodyHash, Action> {
    let looks = (0..account::LOOKS).map(Action::Look);
    let values = PREFERENCES
        .iter()
        .flat_map(|which| (0..=255).map(|value| Action::Prefer(*which, value)));
    let all = ITEMS.map(Action::Buy).into_iter().chain(looks);
    all.chain(values)
        .map(|action| (BodyHash::of(&wire::write(&action)), action))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_for_each_device_something_else() {
        let drawn = |user, device| {
            let mut draw = Draw::of(7, user, device);
            let fates = [(); 40].map(|()| draw.fate(300));
            (fates, [(); 40].map(|()| draw.wish()))
        };
        assert_eq!(drawn(3, 1), drawn(3, 1));
        assert_ne!(drawn(3, 1), drawn(3, 0));
        assert_ne!(drawn(3, 1), drawn(4, 1));
    }

    #[test]
    fn every_wish_is_found_by_its_body_and_no_two_share_one() {
        let wishes = wishes();
        assert_eq!(
            wishes.len(),
            ITEMS.len() + usize::from(account::LOOKS) + 4 * 256
        );
        let mut draw = Draw::of(1, 0, 0);
        for _ in 0..1_000 {
            let wish = draw.wish();
            assert_eq!(wishes[&BodyHash::of(&wire::write(&wish))], wish);
        }
    }

    #[test]
    fn without_faults_everything_arrives_and_with_them_each_kind_happens() {
        let mut draw = Draw::of(1, 0, 0);
        assert!((0..1_000).all(|_| draw.fate(0) == Fate::Arrives));
        let fates: Vec<_> = (0..1_000).map(|_| draw.fate(500)).collect();
        let cut = |fate: &Fate| matches!(fate, Fate::Cut(_));
        assert!(fates.iter().any(cut));
        for fate in [Fate::Arrives, Fate::AnswerLost, Fate::Twice, Fate::HeldBack] {
            assert!(fates.contains(&fate), "{fate:?}");
        }
    }
}
