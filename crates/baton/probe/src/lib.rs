//! The purity probe: handler and replay over plain linear memory, without wasm-bindgen. Built for
//! wasm32 it must import nothing, which proves on the artefact that the pure crates call nobody.
//! Decides nothing.

use std::cell::RefCell;

use baton::effect::Moment;
use baton::{Nonce, Room, Serve, Setup, Writer};
use contagion::Contagion;
use serde_bytes::ByteBuf;

#[derive(Default)]
struct Probe {
    served: Option<Box<dyn Serve>>,
    /// Where the caller puts input, and then finds output.
    bytes: Vec<u8>,
}

thread_local! {
    static PROBE: RefCell<Probe> = RefCell::default();
}

/// The one invocation that the probe runs at a time.
const INVOCATION: u32 = 1;

/// Makes room for `length` bytes of input and says where.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    PROBE.with_borrow_mut(|probe| {
        probe.bytes = vec![0; length];
        probe.bytes.as_mut_ptr()
    })
}

/// Takes settings, as JSON, from the input. 0 if they are good.
#[unsafe(no_mangle)]
pub extern "C" fn configure() -> usize {
    PROBE.with_borrow_mut(|probe| {
        let json = String::from_utf8_lossy(&probe.bytes);
        let setup = Setup::from_json(&json);
        probe.served = setup
            .and_then(|setup| setup.serve::<Contagion>(Writer([1; 8])))
            .ok();
        usize::from(probe.served.is_none())
    })
}

/// Begins an invocation with the arrivals in the input. The length of the effect, which takes the
/// input's place; 0 if the input is not of the contract.
#[unsafe(no_mangle)]
pub extern "C" fn begin(wall_ms: u64, mono_ms: u64, nonce: u64) -> usize {
    let moment = moment(wall_ms, mono_ms, nonce);
    step(|served, input| served.begin(INVOCATION, "probe", input, moment).ok())
}

/// Goes on with the result in the input, as [`begin`].
#[unsafe(no_mangle)]
pub extern "C" fn resume(wall_ms: u64, mono_ms: u64, nonce: u64) -> usize {
    let moment = moment(wall_ms, mono_ms, nonce);
    step(|served, input| served.resume(INVOCATION, input, moment).ok())
}

/// Replays the frames in the input, an encoded list, from the first. The length of the state hash,
/// which takes the input's place; 0 if they do not replay.
#[unsafe(no_mangle)]
pub extern "C" fn replay() -> usize {
    PROBE.with_borrow_mut(|probe| {
        let hash = state_hash(&probe.bytes);
        probe.bytes = hash.unwrap_or_default();
        probe.bytes.len()
    })
}

fn state_hash(input: &[u8]) -> Option<Vec<u8>> {
    let frames: Vec<ByteBuf> = postcard::from_bytes(input).ok()?;
    let (first, rest) = frames.split_first()?;
    let mut room = Room::<Contagion>::genesis(first).ok()?;
    for frame in rest {
        room.replay(frame).ok()?;
    }
    Some(room.state_hash().0.to_vec())
}

fn step(work: impl FnOnce(&mut dyn Serve, &[u8]) -> Option<Vec<u8>>) -> usize {
    PROBE.with_borrow_mut(|probe| {
        let served = probe.served.as_deref_mut();
        let output = served.and_then(|served| work(served, &probe.bytes));
        probe.bytes = output.unwrap_or_default();
        probe.bytes.len()
    })
}

fn moment(wall_ms: u64, mono_ms: u64, nonce: u64) -> Moment {
    Moment {
        wall_ms,
        mono_ms,
        nonce: Nonce(nonce.to_le_bytes()),
    }
}
