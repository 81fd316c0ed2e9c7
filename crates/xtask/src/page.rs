//! Bundles the page. Vite does it: vitest brings it anyway, and it hashes names and leaves wasm a file of its own.

use anyhow::{Result, bail};

use crate::project::{self, js_host, program};
use crate::stamp::{Inputs, Stamp};
use crate::step::{Outcome, run};
use crate::wasm::Face;

/// Bundles the page around a face into `dist/<name>`, if anything it depends on changed.
pub(crate) fn build(name: &str, face: &Face) -> Result<Outcome> {
    let source = js_host().join("src/client/index.html");
    if !source.exists() {
        bail!("the page is missing: {}", source.display());
    }
    let out = project::dist().join(name);
    let mut inputs = Inputs::default().path(&face.out())?;
    for input in ["src", "vite.config.ts", "package-lock.json", "package.json"] {
        inputs = inputs.path(&js_host().join(input))?;
    }
    let stamp = Stamp::new(name, &inputs);
    if stamp.holds(&[out.join("index.html")]) {
        return Ok(Outcome::UpToDate);
    }
    let vite = js_host().join("node_modules/vite/bin/vite.js");
    let mut command = program("node");
    command.current_dir(js_host()).arg(vite).args([
        "build",
        "--logLevel",
        "warn",
        "--emptyOutDir",
        "--outDir",
    ]);
    run(command.arg(&out).env("BATON_CLIENT_WASM", face.out()))?;
    stamp.set()?;
    Ok(Outcome::Done)
}
