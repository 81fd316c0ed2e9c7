//! The wasm face of the handler: bytes in, bytes out. It lists the kinds it serves, reads the clock
//! and entropy, and decides nothing. After a trap the whole instance must be thrown away.
#![allow(
    clippy::disallowed_types,
    reason = "JavaScript's numbers are floats; none reaches the rules"
)]
#![cfg_attr(feature = "bare", no_std)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
#[cfg(feature = "slots")]
mod errand;

use alloc::{
    borrow::ToOwned,
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
#[cfg(not(feature = "bare"))]
use std::cell::RefCell;

use baton::effect::Moment;
use baton::{Before, Nonce, Serve, Setup, Writer};
use wasm_bindgen::prelude::*;

/// Accounts, by what ships or as tests want them.
#[cfg(not(any(feature = "altered", feature = "doubled")))]
type Account = account::Account;
#[cfg(feature = "altered")]
type Account = editions::later::All;
#[cfg(feature = "doubled")]
type Account = editions::doubled::Both;

/// The kinds this build serves. While rooms change from one version to the next it is
/// `setup.serve::<Rolling<Old, New>>(writer)`.
fn kinds_of(setup: &Setup, writer: Writer) -> Result<Vec<Box<dyn Serve>>, String> {
    Ok(Vec::from([
        setup.serve::<contagion::Contagion>(writer)?,
        setup.serve::<Account>(writer)?,
        #[cfg(feature = "altered")]
        setup.serve::<brittle::Brittle>(writer)?,
        #[cfg(feature = "altered")]
        setup.serve::<editions::garden::Gardens>(writer)?,
    ]))
}

struct Host {
    /// Entropy that was drawn and not yet used: a draw costs more than the rest of a small request.
    pool: Vec<u8>,
    kinds: Vec<Box<dyn Serve>>,
    last_id: u32,
    #[cfg(feature = "slots")]
    errands: Option<baton::slots::Errands>,
}

/// Bytes of entropy per draw.
const POOL_BYTES: usize = 256;

impl Host {
    const fn new() -> Self {
        Self {
            pool: Vec::new(),
            kinds: Vec::new(),
            last_id: 0,
            #[cfg(feature = "slots")]
            errands: None,
        }
    }

    fn moment(&mut self) -> Result<Moment, JsError> {
        if self.pool.is_empty() {
            self.pool.extend(random::<POOL_BYTES>()?);
        }
        let mut nonce = Nonce::default();
        let unused = self.pool.len() - nonce.0.len();
        nonce.0.copy_from_slice(&self.pool[unused..]);
        self.pool.truncate(unused);
        Ok(Moment {
            wall_ms: date_now() as u64,
            mono_ms: performance_now() as u64,
            nonce,
        })
    }

    fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    fn served(&mut self, kind: &str) -> Option<&mut Box<dyn Serve>> {
        self.kinds.iter_mut().find(|served| served.kind() == kind)
    }
}

#[cfg(not(feature = "bare"))]
thread_local! {
    static HOST: RefCell<Host> = const { RefCell::new(Host::new()) };
}
#[cfg(feature = "bare")]
static HOST: bare::Local<Host> = bare::Local::new(Host::new());

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

fn random<const N: usize>() -> Result<[u8; N], JsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| JsError::new(&error.to_string()))?;
    Ok(bytes)
}

/// Draws this instance's identity and takes its settings: JSON, `{"frame_ms": …, "rooms": {kind:
/// {…}}, "rules": {kind: version}}`, every field optional. Call it once, before anything else.
///
/// # Errors
/// A setting that is unknown or out of its range; nothing changed.
#[wasm_bindgen]
pub fn configure(settings: &str) -> Result<(), JsError> {
    let setup = Setup::from_json(settings).map_err(|error| JsError::new(&error))?;
    let kinds = kinds_of(&setup, Writer(random()?)).map_err(|error| JsError::new(&error))?;
    let served = |name: &&str| kinds.iter().any(|kind| kind.kind() == *name);
    if let Some(unknown) = setup.kinds().find(|name| !served(name)) {
        return Err(JsError::new(&format!("unknown kind `{unknown}`")));
    }
    HOST.with_borrow_mut(|host| host.kinds = kinds);
    Ok(())
}

/// The kinds this build serves, once it is configured.
#[wasm_bindgen]
pub fn kinds() -> Vec<String> {
    HOST.with_borrow(|host| {
        host.kinds
            .iter()
            .map(|kind| kind.kind().to_owned())
            .collect()
    })
}

/// Of these, the kinds whose rooms are users' own.
#[wasm_bindgen(js_name = personalKinds)]
pub fn personal_kinds() -> Vec<String> {
    HOST.with_borrow(|host| {
        let personal = host.kinds.iter().filter(|kind| kind.personal());
        personal.map(|kind| kind.kind().to_owned()).collect()
    })
}

/// How many rooms are warm, of all kinds.
#[wasm_bindgen(js_name = warmRooms)]
pub fn warm_rooms() -> usize {
    HOST.with_borrow(|host| host.kinds.iter().map(|kind| kind.warm_rooms()).sum())
}

/// A batch of requests to one room that arrived together, from begin to reply.
#[wasm_bindgen]
pub struct Invocation {
    kind: String,
    id: u32,
    /// The first effect, until it is asked for.
    first: Option<Vec<u8>>,
}

#[wasm_bindgen]
impl Invocation {
    /// Begins. `arrivals` is an encoded list of arrivals. `noted` is given if they were in an invocation
    /// that ended with another instance of this wasm, and is a record, or empty: see [`Before`], of
    /// which `trapped` says one.
    ///
    /// # Errors
    /// An unknown kind, or bytes that are not of the contract; nothing changed.
    #[wasm_bindgen(constructor)]
    pub fn new(
        kind: &str,
        room: &str,
        arrivals: &[u8],
        noted: Option<Vec<u8>>,
        trapped: Option<bool>,
    ) -> Result<Self, JsError> {
        HOST.with_borrow_mut(|host| {
            let moment = host.moment()?;
            let id = host.next_id();
            let served = host.served(kind);
            let served = served.ok_or_else(|| JsError::new("unknown kind"))?;
            let first = match &noted {
                None => served.begin(id, room, arrivals, moment),
                Some(noted) => {
                    let before = match trapped {
                        Some(true) => Before::Trapped { noted },
                        _ => Before::Dropped { noted },
                    };
                    served.begin_again(id, room, arrivals, before, moment)
                }
            }?;
            Ok(Self {
                kind: kind.to_owned(),
                id,
                first: Some(first),
            })
        })
    }

    /// The next effect, encoded. Feed nothing the first time, then the encoded result of the
    /// effect before, until it is `Reply`.
    ///
    /// # Errors
    /// Bytes that are not of the contract; nothing changed.
    pub fn resume(&mut self, result: &[u8]) -> Result<Vec<u8>, JsError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        HOST.with_borrow_mut(|host| {
            let moment = host.moment()?;
            match host.served(&self.kind) {
                Some(served) => Ok(served.resume(self.id, result, moment)?),
                None => Err(JsError::new("unknown kind")),
            }
        })
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        HOST.with_borrow_mut(|host| {
            if let Some(served) = host.served(&self.kind) {
                served.release(self.id);
            }
        });
    }
}
