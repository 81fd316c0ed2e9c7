//! What a tick of Contagion costs, beside the obvious way to write it: the same scenes for the
//! native program (`bin/tick.rs`) and, over the C ABI without wasm-bindgen, for wasm in Node
//! (`js-host/bench/tick.bench.ts`). Knows no clock: who calls measures.

mod obvious;
mod scene;

use std::cell::RefCell;

pub use obvious::Obvious;
pub use scene::{Scene, Version, scene};

thread_local! {
    static SCENE: RefCell<Option<Box<dyn Scene>>> = RefCell::default();
    static ROWS: RefCell<Vec<i32>> = RefCell::default();
}

fn with<T: Default>(work: impl FnOnce(&mut (dyn Scene + 'static)) -> T) -> T {
    SCENE.with_borrow_mut(|scene| scene.as_deref_mut().map(work).unwrap_or_default())
}

/// Sets a scene, see [`scene`]. 0 if there is no such one.
#[unsafe(no_mangle)]
pub extern "C" fn open(name: u32, version: u32) -> u32 {
    SCENE.with_borrow_mut(|slot| *slot = scene(name, version));
    with(|_| 1)
}

/// See [`Scene::prepare`].
#[unsafe(no_mangle)]
pub extern "C" fn prepare() {
    with(|scene| scene.prepare());
}

/// See [`Scene::act`].
#[unsafe(no_mangle)]
pub extern "C" fn act() {
    with(|scene| scene.act());
}

/// See [`Scene::tick`].
#[unsafe(no_mangle)]
pub extern "C" fn tick() {
    with(|scene| scene.tick());
}

/// The length of the encoded state.
#[unsafe(no_mangle)]
pub extern "C" fn encode() -> usize {
    with(|scene| scene.bytes().len())
}

/// How many numbers are drawn; 0 for what is not the rules' own state.
#[unsafe(no_mangle)]
pub extern "C" fn draw() -> usize {
    ROWS.with_borrow_mut(|rows| {
        rows.clear();
        with(|scene| {
            if let Some(state) = scene.state() {
                contagion::sprites(state, rows);
            }
        });
        rows.len()
    })
}

/// See [`Scene::fingerprint`].
#[unsafe(no_mangle)]
pub extern "C" fn fingerprint() -> u64 {
    with(|scene| scene.fingerprint())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody would believe a comparison with something that does less.
    #[test]
    fn the_obvious_version_comes_to_the_same_bytes() {
        for name in 0..3 {
            let mut both = [0, 1].map(|version| scene(name, version).expect("there is one"));
            for tick in 0..150 {
                for scene in &mut both {
                    scene.prepare();
                    scene.act();
                    scene.tick();
                }
                let [ours, obvious] = &both;
                assert!(
                    ours.bytes() == obvious.bytes(),
                    "scene {name} differs after tick {tick}"
                );
            }
        }
    }
}
