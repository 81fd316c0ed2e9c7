//! The rules of Contagion as a wasm that performs scripts: what the determinism check compares with the native build.

baton::probe!(contagion::Contagion);
