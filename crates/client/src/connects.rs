//! What every face of a replica has, whatever its rules: the queue on disk, requests and their answers. Written once.

/// Gives a face with a `core` and a constructor `of` the methods by which a page keeps it and connects it.
macro_rules! connects {
    ($face:ident) => {
        #[wasm_bindgen]
        impl $face {
            /// A replica for a user on a device of 16 bytes.
            ///
            /// # Errors
            /// Not 16 bytes.
            #[wasm_bindgen(constructor)]
            pub fn new(user: &str, id: &[u8]) -> Result<Self, JsError> {
                let core = baton::Replica::new(user, $crate::device(id)?, $crate::CLIENT);
                Ok(Self::of(core))
            }

            /// Goes on from what [`Self::save`] returned, with a new session; nothing if it is not
            /// readable.
            pub fn resume(user: &str, saved: &[u8]) -> Option<Self> {
                baton::Replica::resume(user, saved, $crate::CLIENT).map(Self::of)
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

            /// Takes in the body of a reply; whether it was one.
            pub fn receive(&mut self, reply: &[u8], sent_ms: f64, now_ms: f64) -> bool {
                self.core.receive(reply, sent_ms as u64, now_ms as u64)
            }

            /// A request was refused with a stable code, or failed without (`undefined`).
            pub fn refused(&mut self, code: Option<String>, expected: Option<f64>, now_ms: f64) {
                let all = baton::Code::ALL.into_iter();
                let code = code.and_then(|name| all.clone().find(|code| code.name() == name));
                let expected = expected.map(|expected| expected as u64);
                self.core.refused(code, expected, now_ms as u64);
            }

            /// When to ask next. `live`: frames come by a socket.
            #[wasm_bindgen(js_name = askAt)]
            pub fn ask_at(&self, live: bool, now_ms: f64) -> f64 {
                self.core.ask_at(live, now_ms as u64) as f64
            }

            /// `joining`, `live`, `stalled`, `desync`, `reload`, `waiting` or `halted`.
            pub fn status(&self, now_ms: f64) -> String {
                let name = match self.core.status(now_ms as u64) {
                    baton::Status::Joining => "joining",
                    baton::Status::Live => "live",
                    baton::Status::Stalled => "stalled",
                    baton::Status::Desync => "desync",
                    baton::Status::Reload => "reload",
                    baton::Status::Waiting => "waiting",
                    baton::Status::Halted => "halted",
                };
                name.to_owned()
            }

            /// What happened since the last call, as a JSON list of `{note, …}`.
            pub fn notes(&mut self) -> String {
                serde_json::to_string(&self.core.notes()).unwrap_or_default()
            }

            /// The rules trapped in a prediction (`true`): nothing is predicted, or (`false`) all is again.
            #[wasm_bindgen(js_name = setCautious)]
            pub fn set_cautious(&mut self, cautious: bool, now_ms: f64) {
                self.core.set_cautious(cautious, now_ms as u64);
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

            /// The device's id.
            pub fn device(&self) -> Vec<u8> {
                self.core.device().0.to_vec()
            }

            /// Takes a new device id after an `evicted` note; returns how many actions were lost.
            ///
            /// # Errors
            /// Not 16 bytes.
            pub fn renew(&mut self, id: &[u8], now_ms: f64) -> Result<usize, JsError> {
                Ok(self.core.renew($crate::device(id)?, now_ms as u64))
            }
        }
    };
}

pub(crate) use connects;
