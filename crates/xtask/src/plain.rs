//! The production bundle under plain `workerd serve`, for benches: `wrangler dev` costs ten times the request.
//!
//! Writes one configuration per mode. Socket address and storage directory are the bench's to choose:
//! `workerd serve <config> --socket-addr http=127.0.0.1:<port> --directory-path storage=<empty directory>`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::project::{self, js_host, program};
use crate::step::{Outcome, output, run, step};
use crate::wrangler::wrangler;

/// The modes of `BATON_MODE`.
const MODES: [&str; 2] = ["embedded", "stateless"];
/// The name of the entry in the bundle: that of `main` in wrangler.toml.
const ENTRY: &str = "workers.js";
/// Signs the sessions of a bench; nothing else ever trusts it.
const KEYS: &str = "bench:YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU";

/// The production bundle on disk, with a configuration per mode.
pub(crate) struct Bundle {
    directory: PathBuf,
}

/// Makes the production bundle as a deployment would, without deploying, and the configurations beside it.
pub(crate) fn bundle() -> Result<Bundle> {
    let bundle = Bundle {
        directory: project::target_directory()?.join("xtask/bundle"),
    };
    step("production bundle", || {
        let _ = std::fs::remove_dir_all(&bundle.directory);
        run(wrangler("deploy")
            .args(["--dry-run", "--outdir"])
            .arg(&bundle.directory))?;
        let modules = bundle.modules()?;
        for mode in MODES {
            std::fs::write(bundle.configuration(mode), configuration(mode, &modules)?)?;
        }
        Ok(Outcome::Done)
    })?;
    Ok(bundle)
}

/// What a bench script finds in its environment.
pub(crate) fn environment(bundle: &Bundle) -> Result<[(&'static str, String); 4]> {
    let print_path = "process.stdout.write(require('workerd').default)";
    let workerd = output(
        program("node")
            .current_dir(js_host())
            .args(["-e", print_path]),
    )?;
    let path = |mode: &str| bundle.configuration(mode).display().to_string();
    Ok([
        ("BATON_WORKERD", workerd),
        ("BATON_CONFIG_EMBEDDED", path("embedded")),
        ("BATON_CONFIG_STATELESS", path("stateless")),
        ("BATON_KEYS", KEYS.to_owned()),
    ])
}

impl Bundle {
    /// The configuration of a mode.
    fn configuration(&self, mode: &str) -> PathBuf {
        self.directory.join(format!("{mode}.capnp"))
    }

    /// The wasm files that wrangler put beside the entry.
    fn modules(&self) -> Result<Vec<String>> {
        ensure!(
            self.directory.join(ENTRY).exists(),
            "the bundle has no {ENTRY}"
        );
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".wasm") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn configuration(mode: &str, modules: &[String]) -> Result<String> {
    let wasm: String = modules
        .iter()
        .map(|name| format!("    (name = \"{name}\", wasm = embed \"{name}\"),\n"))
        .collect();
    let date = setting("compatibility_date")?;
    let page = project::dist().join("page");
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "baton", worker = .baton),
    (name = "page", disk = (path = "{page}")),
    (name = "storage", disk = (path = "storage", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "baton")],
);

const baton :Workerd.Worker = (
  modules = [
    (name = "{ENTRY}", esModule = embed "{ENTRY}"),
{wasm}  ],
  compatibilityDate = "{date}",
  bindings = [
    (name = "ROOMS", durableObjectNamespace = "{class}"),
    (name = "ASSETS", service = "page"),
    (name = "BATON_MODE", text = "{mode}"),
    (name = "BATON_KEYS", fromEnvironment = "BATON_KEYS"),
  ],
  durableObjectNamespaces = [(className = "{class}", uniqueKey = "rooms", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
"#,
        page = page.display(),
        class = setting("class_name")?,
    ))
}

/// A text setting of wrangler.toml, where its name is unique.
fn setting(name: &str) -> Result<String> {
    let text = std::fs::read_to_string(project::root().join("wrangler.toml"))?;
    let mut values = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='));
    let value = values
        .next()
        .with_context(|| format!("wrangler.toml sets no {name}"))?;
    Ok(value.trim().trim_matches('"').to_owned())
}
