//! A bot that plays through the replica, for the feature `bots`. Hands over what the replica shows
//! and does what the bot wants; decides nothing.

use baton::DeviceId;
use bots::{Brain, Skill};
use wasm_bindgen::prelude::*;

use crate::Replica;

/// A brain, and the number of its skill.
pub(crate) struct Bot {
    skill: u8,
    brain: Brain,
}

#[wasm_bindgen]
impl Replica {
    /// Lets a bot do what it wants now: to be called about once per tick. `skill` is 0 for a novice,
    /// 1 for a fair and 2 for a skilled player. Returns 0 if it wants nothing, else as
    /// [`Self::steer`]. Bots of different devices play differently.
    #[wasm_bindgen(js_name = botMove)]
    pub fn bot_move(&mut self, skill: u8, now_ms: f64) -> f64 {
        self.predict(now_ms);
        let Some(me) = self.core.player() else {
            return 0.0;
        };
        let kept = self.bot.take().filter(|bot| bot.skill == skill);
        let mut bot = kept.unwrap_or_else(|| {
            let DeviceId(id) = self.core.device();
            let eight = id.iter().take(8);
            let seed = eight.fold(0, |seed, &byte| seed << 8 | u64::from(byte));
            let last = Skill::ALL.len() - 1;
            let brain = Brain::new(Skill::ALL[usize::from(skill).min(last)], seed);
            Bot { skill, brain }
        });
        let room = self.core.predicted();
        let wish = room.and_then(|room| bot.brain.decide(room.state(), room.config(), me));
        self.bot = Some(bot);
        wish.map_or(0.0, |action| self.act(action, now_ms))
    }
}
