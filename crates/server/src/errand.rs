//! The wasm face of what performs effects on a store of single keys: bytes in, bytes out.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use wasm_bindgen::prelude::*;

use crate::HOST;

/// An effect on its way through single calls of a store, from begin to its result.
#[wasm_bindgen]
pub struct Errand {
    id: u32,
    room: String,
    /// The effect, until it begins.
    effect: Option<Vec<u8>>,
}

#[wasm_bindgen]
impl Errand {
    /// To perform an encoded effect on a room, `kind/name`.
    #[wasm_bindgen(constructor)]
    pub fn new(room: &str, effect: Vec<u8>) -> Self {
        Self {
            id: HOST.with_borrow_mut(crate::Host::next_id),
            room: room.to_owned(),
            effect: Some(effect),
        }
    }

    /// The next step, encoded. Feed nothing the first time, then the encoded answers to the calls of
    /// the step before, until it is the result.
    ///
    /// # Errors
    /// Bytes that are not of the contract, or an effect that is not for a store; nothing changed.
    pub fn resume(&mut self, answers: &[u8]) -> Result<Vec<u8>, JsError> {
        HOST.with_borrow_mut(|host| {
            let moment = host.moment()?;
            let errands = host.errands.get_or_insert_default();
            Ok(match self.effect.take() {
                Some(effect) => errands.begin(self.id, &self.room, &effect, moment),
                None => errands.resume(self.id, answers, moment),
            }?)
        })
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        HOST.with_borrow_mut(|host| {
            if let Some(errands) = &mut host.errands {
                errands.release(self.id);
            }
        });
    }
}
