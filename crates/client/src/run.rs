//! A match that somebody plays alone, without a host: drawn and steered as a room's, a tick whenever the page says so.

use contagion::{Action, Inputs, RUN, RunError};
use js_sys::Int32Array;
use wasm_bindgen::prelude::*;

use crate::draws::{self, Drawing};
use crate::refused;

/// The number of who plays a run.
const PLAYER: u32 = 0;

/// A run while it is played.
#[wasm_bindgen]
pub struct Run {
    core: contagion::Run,
    name: String,
    drawing: Drawing,
}

#[wasm_bindgen]
impl Run {
    /// A new run, by somebody of this name. The seed is written as a number: it may be more than JavaScript's hold.
    ///
    /// # Errors
    /// Not a number of 64 bits.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: &str, name: &str) -> Result<Self, JsError> {
        let seed = seed.parse();
        let seed = seed.map_err(|_| JsError::new("a seed is a number of 64 bits"))?;
        Ok(Self {
            core: contagion::Run::new(seed),
            name: name.to_owned(),
            drawing: Drawing::default(),
        })
    }

    /// A run that was left in the middle, so many ticks after its beginning, with what was done until then. Nothing if it
    /// never was like that, by these rules.
    pub fn resume(seed: &str, name: &str, inputs: Vec<u8>, ticks: u32) -> Option<Self> {
        let core = contagion::Run::resume(seed.parse().ok()?, Inputs(inputs), ticks);
        Some(Self {
            core: core.ok()?,
            name: name.to_owned(),
            drawing: Drawing::default(),
        })
    }

    /// Of which rules a run is: one that was begun by others cannot go on.
    pub fn rules() -> String {
        contagion::Run::rules().to_string()
    }

    /// Walk at an angle of 32, clockwise from the right; `undefined` stops. Returns 0; or why it was not done, below 0:
    /// -2 no more can be written down, -1000 less the rules' code.
    pub fn steer(&mut self, angle: Option<u8>) -> f64 {
        self.act(angle.map_or(Action::Stop, Action::Steer))
    }

    /// Swing or shoot. Returns as [`Self::steer`].
    pub fn strike(&mut self) -> f64 {
        self.act(Action::Strike)
    }

    /// Use a medkit. Returns as [`Self::steer`].
    pub fn heal(&mut self) -> f64 {
        self.act(Action::Heal)
    }

    /// Throw a lure. Returns as [`Self::steer`].
    pub fn lure(&mut self) -> f64 {
        self.act(Action::Lure)
    }

    fn act(&mut self, action: Action) -> f64 {
        match self.core.act(action) {
            Ok(()) => 0.0,
            Err(RunError::Full) => -2.0,
            Err(RunError::Rejected(reject)) => refused(reject),
        }
    }

    /// Lets one tick happen; nothing once it is over.
    pub fn advance(&mut self) {
        self.core.tick();
    }

    /// Lets it end, with a player who does nothing more.
    pub fn finish(&mut self) {
        self.core.finish();
    }

    /// Whether it has ended.
    #[wasm_bindgen(js_name = isOver)]
    pub fn is_over(&self) -> bool {
        self.core.is_over()
    }

    /// What it was worth, as the JSON of `contagion::MatchResult`; nothing before it is over.
    pub fn result(&self) -> Option<String> {
        let result = self.core.result()?;
        serde_json::to_string(&result).ok()
    }

    /// What the player did, to be handed in.
    pub fn inputs(&self) -> Vec<u8> {
        self.core.inputs().0.clone()
    }

    /// Ticks that have passed.
    pub fn tick(&self) -> f64 {
        self.core.now() as f64
    }

    /// As `Replica::sprites`.
    pub fn sprites(&mut self) -> Int32Array {
        self.drawing.sprites(Some(self.core.state()))
    }

    /// As `Replica::ahead`.
    pub fn ahead(&mut self) -> Int32Array {
        let mut ahead = self.core.clone();
        ahead.tick();
        self.drawing.sprites(Some(ahead.state()))
    }

    /// As `Replica::map`.
    pub fn map(&self) -> Vec<u8> {
        draws::ground(Some((self.core.state(), &RUN)))
    }

    /// As `Replica::map_of`.
    #[wasm_bindgen(js_name = mapOf)]
    pub fn map_of(&self) -> f64 {
        draws::ground_of(self.core.state())
    }

    /// As `Replica::hud`.
    pub fn hud(&self) -> String {
        let here = core::iter::once((PLAYER, Some(self.name.as_str())));
        draws::hud(self.core.state(), Some(PLAYER), here)
    }
}
