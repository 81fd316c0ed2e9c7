//! The wasm face of the replica, for the game Contagion: bytes, typed arrays and JSON across the
//! line. Time is handed in by the page. Decides nothing.
#![allow(
    clippy::disallowed_types,
    reason = "JavaScript's numbers are floats; none reaches the rules"
)]

use baton::limits::SEGMENT;
use baton::{ActError, Code, DeviceId, Next, Replica as Core, Status};
use contagion::{Action, Arena, Contagion, Phase, State};
use js_sys::Int32Array;
use wasm_bindgen::prelude::*;

#[cfg(feature = "bots")]
mod bot;

/// The version of this client, recorded with its registration.
const CLIENT: u16 = 1;

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
    sprites: Vec<i32>,
    #[cfg(feature = "bots")]
    bot: Option<bot::Bot>,
}

#[wasm_bindgen]
impl Replica {
    /// A replica for a user on a device of 16 bytes.
    ///
    /// # Errors
    /// Not 16 bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(user: &str, id: &[u8]) -> Result<Self, JsError> {
        Ok(Self::of(Core::new(user, device(id)?, CLIENT)))
    }

    /// Goes on from what [`Self::save`] returned, with a new session; nothing if it is not
    /// readable.
    pub fn resume(user: &str, saved: &[u8]) -> Option<Self> {
        Core::resume(user, saved, CLIENT).map(Self::of)
    }

    fn of(core: Core<Contagion>) -> Self {
        Self {
            core,
            sprites: Vec::new(),
            #[cfg(feature = "bots")]
            bot: None,
        }
    }

    /// What must be kept before anything that follows is sent.
    pub fn save(&self) -> Vec<u8> {
        self.core.save()
    }

    /// The synced room, to be kept for a faster start.
    #[wasm_bindgen(js_name = saveRoom)]
    pub fn save_room(&self) -> Option<Vec<u8>> {
        self.core.save_room()
    }

    /// Starts from a kept room; whether it could be used.
    #[wasm_bindgen(js_name = warmUp)]
    pub fn warm_up(&mut self, room: &[u8], now_ms: f64) -> bool {
        self.core.warm_up(room, now_ms as u64)
    }

    /// The body of the next request. `live`: frames come by a socket.
    pub fn request(&mut self, live: bool, now_ms: f64) -> Vec<u8> {
        self.core.request(live, now_ms as u64)
    }

    /// The body of the last request, which closes the session.
    pub fn leave(&mut self, now_ms: f64) -> Vec<u8> {
        self.core.leave(now_ms as u64)
    }

    /// Takes in the body of a reply; whether it was one.
    pub fn receive(&mut self, reply: &[u8], sent_ms: f64, now_ms: f64) -> bool {
        self.core.receive(reply, sent_ms as u64, now_ms as u64)
    }

    /// A request was refused with a stable code, or failed without (`undefined`).
    pub fn refused(&mut self, code: Option<String>, expected: Option<f64>, now_ms: f64) {
        let known = |name: String| Code::ALL.into_iter().find(|code| code.name() == name);
        let expected = expected.map(|expected| expected as u64);
        self.core
            .refused(code.and_then(known), expected, now_ms as u64);
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

    /// When to ask next.
    #[wasm_bindgen(js_name = askAt)]
    pub fn ask_at(&self, live: bool, now_ms: f64) -> f64 {
        self.core.ask_at(live, now_ms as u64) as f64
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
        match self.core.act(&action, now_ms as u64) {
            Ok(seq) => seq as f64,
            Err(ActError::Joining) => -1.0,
            Err(ActError::Full | ActError::TooLarge) => -2.0,
            Err(ActError::Rejected(reject)) => -1_000.0 - f64::from(reject.0),
        }
    }

    /// Nobody looks (`true`), so that the player leaves by the grace time; or somebody does again.
    #[wasm_bindgen(js_name = setAway)]
    pub fn set_away(&mut self, away: bool) {
        self.core.set_away(away);
    }

    /// The rules trapped in a prediction (`true`): nothing is predicted, or (`false`) all is again.
    #[wasm_bindgen(js_name = setCautious)]
    pub fn set_cautious(&mut self, cautious: bool, now_ms: f64) {
        self.core.set_cautious(cautious, now_ms as u64);
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
        self.sprites.clear();
        if let Some(room) = self.core.predicted() {
            contagion::sprites(room.state(), &mut self.sprites);
        }
        self.view()
    }

    /// The same one tick later, if nothing changes until then: where to move during
    /// [`Self::fraction`].
    pub fn ahead(&mut self) -> Int32Array {
        self.sprites.clear();
        if let Some(room) = self.core.ahead() {
            contagion::sprites(room.state(), &mut self.sprites);
        }
        self.view()
    }

    fn view(&self) -> Int32Array {
        // SAFETY: the view is of `self.sprites`, which lives as long as this object and changes
        // only in the next call; the page reads it before it calls again.
        unsafe { Int32Array::view(&self.sprites) }
    }

    /// The ground, one byte per tile, row by row: `contagion::terrain`. Ask again when
    /// [`Self::map_of`] returns another number.
    pub fn map(&self) -> Vec<u8> {
        let (seed, city) = self.core.predicted().map_or((0, false), |room| {
            let idle = room.state().phase == Phase::Idle;
            (room.state().field.seed, room.config().city && !idle)
        });
        Arena::new(seed, city).terrain().to_vec()
    }

    /// Which ground it is: another number for each match and while idle.
    #[wasm_bindgen(js_name = mapOf)]
    pub fn map_of(&self) -> f64 {
        let Some(room) = self.core.predicted() else {
            return 0.0;
        };
        let State {
            phase, match_id, ..
        } = room.state();
        let idle = i64::from(*phase == Phase::Idle);
        (2 * i64::from(*match_id) + idle) as f64
    }

    /// What is shown beside the field, as JSON: the rules' `Hud`, our player number, the rules'
    /// `Mine` of our own figure, who is here.
    pub fn hud(&self) -> Option<String> {
        let room = self.core.predicted()?;
        let name = |player| room.people().get(player).map(|person| &person.name);
        let here: Vec<_> = room
            .present()
            .iter()
            .map(|player| serde_json::json!({ "player": player, "name": name(player) }))
            .collect();
        let me = self.core.player();
        let hud = serde_json::json!({
            "hud": contagion::hud(room.state()),
            "me": me,
            "mine": me.and_then(|me| contagion::mine(room.state(), me)),
            "here": here,
        });
        Some(hud.to_string())
    }

    /// `joining`, `live`, `stalled`, `desync`, `reload`, `waiting` or `halted`.
    pub fn status(&self, now_ms: f64) -> String {
        let name = match self.core.status(now_ms as u64) {
            Status::Joining => "joining",
            Status::Live => "live",
            Status::Stalled => "stalled",
            Status::Desync => "desync",
            Status::Reload => "reload",
            Status::Waiting => "waiting",
            Status::Halted => "halted",
        };
        name.to_owned()
    }

    /// What happened since the last call, as a JSON list of `{note, …}`.
    pub fn notes(&mut self) -> String {
        serde_json::to_string(&self.core.notes()).unwrap_or_default()
    }

    /// The report of a desync, as JSON.
    pub fn desync(&self) -> Option<String> {
        let desync = self.core.desync()?;
        serde_json::to_string(desync).ok()
    }

    /// How many actions are without an answer.
    pub fn pending(&self) -> usize {
        self.core.pending()
    }

    /// The newest version that was replayed.
    pub fn version(&self) -> f64 {
        self.core.head().v as f64
    }

    /// The hash of the frame at that version, which covers the whole history and state.
    pub fn hash(&self) -> String {
        self.core.head().hash.to_string()
    }

    /// The newest frames that were replayed one by one, oldest first: JSON list of version and hash.
    pub fn trail(&self) -> String {
        let heads = self.core.trail();
        let heads: Vec<_> = heads.map(|head| (head.v, head.hash.to_string())).collect();
        serde_json::json!(heads).to_string()
    }

    /// The device's id.
    pub fn device(&self) -> Vec<u8> {
        self.core.device().0.to_vec()
    }

    /// Takes a new device id after an `evicted` note; returns how many actions were lost.
    ///
    /// # Errors
    /// Not 16 bytes.
    pub fn renew(&mut self, id: &[u8], now_ms: f64) -> Result<usize, JsError> {
        Ok(self.core.renew(device(id)?, now_ms as u64))
    }
}
