//! Bundles the page and the program of the Node host. Vite does it: vitest brings it anyway, and it hashes names and
//! leaves wasm a file of its own.

use std::path::Path;

use anyhow::{Result, bail};

use crate::project::{self, js_host, program};
use crate::stamp::{Inputs, Stamp};
use crate::step::{Outcome, run};
use crate::wasm::Face;

/// Bundles the page around a face into `dist/<name>`, if anything it depends on changed.
pub(crate) fn page(name: &str, face: &Face) -> Result<Outcome> {
    let source = js_host().join("src/client/index.html");
    if !source.exists() {
        bail!("the page is missing: {}", source.display());
    }
    let out = project::dist().join(name);
    vite(name, "vite.config.ts", face, &out, "index.html")
}

/// Bundles the Node host around a face into `dist/node`, if anything it depends on changed.
pub(crate) fn node_host(face: &Face) -> Result<Outcome> {
    let out = project::dist().join("node");
    vite("node", "vite.node.config.ts", face, &out, "server.mjs")
}

/// Bundles the pages of a Reddit post around a face into `devvit/dist/client`, if anything they depend on changed.
pub(crate) fn devvit_page(face: &Face) -> Result<Outcome> {
    let out = js_host().join("devvit/dist/client");
    let config = "vite.devvit.page.config.ts";
    vite("devvit-page", config, face, &out, "splash.html")
}

/// Bundles the server for Devvit around a face into one file in `devvit/dist/server`, if anything it depends on changed.
pub(crate) fn devvit_server(face: &Face) -> Result<Outcome> {
    let out = js_host().join("devvit/dist/server");
    let config = "vite.devvit.server.config.ts";
    vite("devvit-server", config, face, &out, "index.cjs")
}

fn vite(name: &str, config: &str, face: &Face, out: &Path, made: &str) -> Result<Outcome> {
    let mut inputs = Inputs::default().path(&face.out())?;
    // The configuration of the web's page is a part of that of the post's.
    let shared = "vite.config.ts";
    for input in ["src", config, shared, "package-lock.json", "package.json"] {
        inputs = inputs.path(&js_host().join(input))?;
    }
    let stamp = Stamp::new(name, &inputs);
    if stamp.holds(&[out.join(made)]) {
        return Ok(Outcome::UpToDate);
    }
    let vite = js_host().join("node_modules/vite/bin/vite.js");
    let mut command = program("node");
    command.current_dir(js_host()).arg(vite).args([
        "build",
        "--config",
        config,
        "--logLevel",
        "warn",
        "--emptyOutDir",
        "--outDir",
    ]);
    run(command.arg(out).env("BATON_WASM", face.out()))?;
    stamp.set()?;
    Ok(Outcome::Done)
}
