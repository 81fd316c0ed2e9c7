//! The JavaScript around a wasm: wasm-bindgen's, wrapped so that it can be instantiated again.
//!
//! A trap poisons an instance (borrows stay held, the shadow stack leaks), so hosts throw it away and make another.
//! wasm-bindgen keeps its instance, cached memory views and table of JavaScript values in variables of the module:
//! with target `web` a second `initSync` returns the first instance, unchanged. Its reset function (0.2.130:
//! `reset_state_function`, experimental) replaces the one instance in place: never two at once, so that a trap in one
//! room takes every room of the isolate with it, and what still holds an old object is told by an id check.
//! Target `no-modules` is one function expression without any outer variable. Put inside a function of ours, each call
//! gives glue and instance of its own; the old ones are garbage once nobody holds them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

/// The files of a face, in the order they are put in place: the glue is last, since it names the others.
pub(crate) fn files(stem: &str) -> [String; 5] {
    [
        format!("{stem}_face.d.ts"),
        format!("{stem}_bg.wasm"),
        format!("{stem}_bg.d.wasm.ts"),
        format!("{stem}.d.ts"),
        format!("{stem}.js"),
    ]
}

/// Writes all files of a face into `out`. Returns the wasm.
pub(crate) fn generate(raw: &Path, stem: &str, debug: bool, out: &Path) -> Result<PathBuf> {
    let [face_types, wasm, wasm_types, types, glue] = files(stem).map(|file| out.join(file));

    // The types of the exports come from target `web`: those of `no-modules` are a global namespace.
    let web = out.join("web");
    bindgen(raw, stem, debug)
        .typescript(true)
        .web(true)?
        .generate(&web)?;
    std::fs::copy(web.join(format!("{stem}.d.ts")), face_types)?;

    bindgen(raw, stem, debug)
        .typescript(false)
        .no_modules(true)?
        .generate(out)?;
    let body = std::fs::read_to_string(&glue)?;
    std::fs::write(&glue, wrapped(&body))?;
    std::fs::write(types, types_of(stem))?;
    std::fs::write(wasm_types, WASM_TYPES)?;
    Ok(wasm)
}

fn bindgen(raw: &Path, stem: &str, debug: bool) -> Bindgen {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(raw)
        .out_name(stem)
        .debug(debug)
        .remove_name_section(!debug)
        .remove_producers_section(!debug);
    bindgen
}

fn wrapped(body: &str) -> String {
    format!(
        "/** A new instance of a compiled module, with glue of its own. */
export function instantiate(module) {{
{body}
  const {{ memory }} = wasm_bindgen.initSync({{ module }});
  return {{ ...wasm_bindgen, memory }};
}}
"
    )
}

fn types_of(stem: &str) -> String {
    format!(
        "import type * as face from './{stem}_face.js';

/** What the wasm exports, and its memory. The memory's buffer is another one whenever it has grown. */
export type Instance = Omit<typeof face, 'default' | 'initSync'> & {{ readonly memory: WebAssembly.Memory }};

/**
 * A new instance of a compiled module, with glue of its own: nothing is shared with the others.
 * After a trap drop the instance with all its objects and make another.
 */
export function instantiate(module: WebAssembly.Module): Instance;

export type * from './{stem}_face.js';
"
    )
}

/// Hosts import the wasm as a compiled module (Workers refuse to compile bytes). TypeScript looks for the types of
/// `x.wasm` in `x.d.wasm.ts`.
const WASM_TYPES: &str = "declare const module: WebAssembly.Module;
export default module;
";
