//! The wasm face of the replica, for the game Contagion and the account of who plays it: bytes, typed arrays and JSON
//! across the line. Time is handed in by the page. Decides nothing.
#![allow(
    clippy::disallowed_types,
    reason = "JavaScript's numbers are floats; none reaches the rules"
)]

use baton::limits::SEGMENT;
use baton::{ActError, DeviceId, Next, Reject, Replica as Core};
use contagion::{Action, Contagion};
use js_sys::Int32Array;
use wasm_bindgen::prelude::*;

mod account;
#[cfg(feature = "bots")]
mod bot;
mod connects;
mod draws;
mod run;

pub use account::AccountReplica;
use connects::connects;
use draws::Drawing;
pub use run::Run;

/// The version of this client, recorded with its registration.
const CLIENT: u16 = 1;

/// The number of an action that was taken; or why it was not, below 0.
fn number(acted: Result<u64, ActError>) -> f64 {
    match acted {
        Ok(seq) => seq as f64,
        Err(ActError::Joining) => -1.0,
        Err(ActError::Full | ActError::TooLarge) => -2.0,
        Err(ActError::Rejected(reject)) => refused(reject),
    }
}

/// What is returned for what the rules refuse.
fn refused(reject: Reject) -> f64 {
    -1_000.0 - f64::from(reject.0)
}

fn device(bytes: &[u8]) -> Result<DeviceId, JsError> {
    let id = bytes.try_into();
    Ok(DeviceId(
        id.map_err(|_| JsError::new("a device id has 16 bytes"))?,
    ))
}

/// 16 random bytes for a new device.
///
/// # Errors
/// The browser has no entropy.
#[wasm_bindgen(js_name = newDevice)]
pub fn new_device() -> Result<Vec<u8>, JsError> {
    let mut id = vec![0; 16];
    getrandom::fill(&mut id).map_err(|error| JsError::new(&error.to_string()))?;
    Ok(id)
}

/// The measures of the game that a page needs to draw it, as JSON: lengths in units.
#[wasm_bindgen]
pub fn measures() -> String {
    serde_json::json!({
        "tile": contagion::TILE,
        "width": contagion::WIDTH,
        "height": contagion::HEIGHT,
        "angles": contagion::ANGLES,
        "stride": contagion::sprite::STRIDE,
        "health": contagion::FULL_HEALTH,
        "strike_reach": contagion::STRIKE_REACH,
        "shot_reach": contagion::SHOT_REACH,
        "heal_reach": contagion::HEAL_REACH,
        "infection_ms": contagion::INFECTION_MS,
        "cooldown_ms": contagion::STRIKE_COOLDOWN_MS,
        "lure_ms": contagion::LURE_MS,
        "down_ms": contagion::DOWN_MS,
        "max_medkits": contagion::MAX_MEDKITS,
        "max_ammunition": contagion::MAX_AMMUNITION,
        "max_lures": contagion::MAX_LURES,
    })
    .to_string()
}

/// A client's copy of a room. All times are the page's own clock, in milliseconds, as of
/// `performance.now()`.
#[wasm_bindgen]
pub struct Replica {
    core: Core<Contagion>,
    drawing: Drawing,
    #[cfg(feature = "bots")]
    bot: Option<bot::Bot>,
}

#[wasm_bindgen]
impl Replica {
    fn of(core: Core<Contagion>) -> Self {
        Self {
            core,
            drawing: Drawing::default(),
            #[cfg(feature = "bots")]
            bot: None,
        }
    }

    /// The body of the last request, which closes the session.
    pub fn leave(&mut self, now_ms: f64) -> Vec<u8> {
        self.core.leave(now_ms as u64)
    }

    /// Takes in a pushed frame.
    pub fn frame(&mut self, frame: &[u8], now_ms: f64) {
        self.core.frame(frame, now_ms as u64);
    }

    /// A replica that only watches, fed by [`Self::tail`], [`Self::block`] and [`Self::snapshot`] with what caches hold.
    pub fn spectator() -> Self {
        Self::of(Core::spectator())
    }

    /// Takes in a room's tail; what to get next, as a path below the room's, or nothing until it is time to ask.
    pub fn tail(&mut self, tail: &[u8], now_ms: f64) -> Option<String> {
        match self.core.tail(tail, now_ms as u64) {
            Next::Nothing => None,
            Next::Block(end) => {
                let first = end.v + 1 - SEGMENT;
                Some(format!("frames/{first}-{}/{}", end.v, end.hash))
            }
            Next::Snapshot => Some("snapshot".to_owned()),
        }
    }

    /// Takes in a block; whether it brought us on: then hand over the tail again that named it.
    pub fn block(&mut self, block: &[u8], now_ms: f64) -> bool {
        self.core.block(block, now_ms as u64)
    }

    /// Takes in the room as it is; whether that is what is shown now.
    pub fn snapshot(&mut self, snapshot: &[u8], now_ms: f64) -> bool {
        self.core.snapshot(snapshot, now_ms as u64)
    }

    /// Walk at an angle of 32, clockwise from the right; `undefined` stops. Returns the action's
    /// number, from 1, which its `answer` note will name; or why it was not taken, below 0: -1 not
    /// yet in the room, -2 too much without an answer, -1000 less the rules' code.
    pub fn steer(&mut self, angle: Option<u8>, now_ms: f64) -> f64 {
        self.act(angle.map_or(Action::Stop, Action::Steer), now_ms)
    }

    /// Swing, shoot, or bite as one who has turned. Returns as [`Self::steer`].
    pub fn strike(&mut self, now_ms: f64) -> f64 {
        self.act(Action::Strike, now_ms)
    }

    /// Use a medkit. Returns as [`Self::steer`].
    pub fn heal(&mut self, now_ms: f64) -> f64 {
        self.act(Action::Heal, now_ms)
    }

    /// Throw a lure. Returns as [`Self::steer`].
    pub fn lure(&mut self, now_ms: f64) -> f64 {
        self.act(Action::Lure, now_ms)
    }

    fn act(&mut self, action: Action, now_ms: f64) -> f64 {
        number(self.core.act(&action, now_ms as u64))
    }

    /// Nobody looks (`true`), so that the player leaves by the grace time; or somebody does again.
    #[wasm_bindgen(js_name = setAway)]
    pub fn set_away(&mut self, away: bool) {
        self.core.set_away(away);
    }

    /// Lets the predicted state live up to now.
    pub fn predict(&mut self, now_ms: f64) {
        self.core.predict(now_ms as u64);
    }

    /// How far now is into the tick after the predicted one, 0 to 1.
    pub fn fraction(&self, now_ms: f64) -> f64 {
        f64::from(self.core.fraction(now_ms as u64)) / 1_000.0
    }

    /// The predicted tick.
    pub fn tick(&self) -> f64 {
        self.core.predicted().map_or(0, |room| room.tick()) as f64
    }

    /// What to draw, as of the predicted tick: rows of `contagion::sprite::STRIDE` integers. A view
    /// of wasm memory: use it before the next call, or copy it.
    pub fn sprites(&mut self) -> Int32Array {
        let room = self.core.predicted();
        self.drawing.sprites(room.map(|room| room.state()))
    }

    /// The same one tick later, if nothing changes until then: where to move during
    /// [`Self::fraction`].
    pub fn ahead(&mut self) -> Int32Array {
        let room = self.core.ahead();
        self.drawing.sprites(room.as_ref().map(|room| room.state()))
    }

    /// The ground, one byte per tile, row by row: `contagion::terrain`. Ask again when
    /// [`Self::map_of`] returns another number.
    pub fn map(&self) -> Vec<u8> {
        let room = self.core.predicted();
        draws::ground(room.map(|room| (room.state(), room.config())))
    }

    /// Which ground it is: another number for each match and while idle.
    #[wasm_bindgen(js_name = mapOf)]
    pub fn map_of(&self) -> f64 {
        let room = self.core.predicted();
        room.map_or(0.0, |room| draws::ground_of(room.state()))
    }

    /// What is shown beside the field, as JSON: the rules' `Hud`, our player number, the rules'
    /// `Mine` of our own figure, who is here.
    pub fn hud(&self) -> Option<String> {
        let room = self.core.predicted()?;
        let name = |player| Some(room.people().get(player)?.name.as_str());
        let here = room.present().iter();
        let here = here.map(|player| (*player, name(player)));
        Some(draws::hud(room.state(), self.core.player(), here))
    }

    /// The report of a desync, as JSON.
    pub fn desync(&self) -> Option<String> {
        let desync = self.core.desync()?;
        serde_json::to_string(desync).ok()
    }

    /// The newest frames that were replayed one by one, oldest first: JSON list of version and hash.
    pub fn trail(&self) -> String {
        let heads = self.core.trail();
        let heads: Vec<_> = heads.map(|head| (head.v, head.hash.to_string())).collect();
        serde_json::json!(heads).to_string()
    }
}

connects!(Replica);
