//! From a face crate to the three files a host loads: glue, types, wasm.
//!
//! cargo → wasm-bindgen → wasm-opt. Knows nothing of what the faces export.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::glue;
use crate::project::{self, cargo, program};
use crate::stamp::{Inputs, Stamp};
use crate::step::{Outcome, output, run};

/// The target of everything that runs in workers and browsers.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// How much the build does for speed and size.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Quick to build; large and slow; checks its own assumptions.
    Debug,
    /// What ships.
    Release,
}

impl Profile {
    /// As the option and the environment variable spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// One wasm that the hosts or the page load.
pub(crate) struct Face {
    /// The cargo package.
    pub(crate) package: &'static str,
    /// The directory below `dist/wasm`.
    pub(crate) directory: &'static str,
    /// A cargo feature to switch on.
    pub(crate) feature: Option<&'static str>,
    /// Whether wasm-opt goes over it.
    pub(crate) optimised: bool,
}

/// The handler, for the hosts.
pub(crate) const SERVER: Face = Face {
    package: "baton-server",
    directory: "server",
    feature: Some("bare"),
    optimised: true,
};
/// The handler with errands for a store of single keys, for Devvit.
pub(crate) const SLOTS: Face = Face {
    package: "baton-server",
    directory: "server-slots",
    feature: Some("slots"),
    optimised: true,
};
/// The replica, for the page.
pub(crate) const CLIENT: Face = Face {
    package: "baton-client",
    directory: "client",
    feature: None,
    optimised: true,
};
/// The replica with one rule changed, for the test that a desync is seen.
pub(crate) const ALTERED: Face = Face {
    package: "baton-client",
    directory: "client-altered",
    feature: Some("altered"),
    optimised: true,
};
/// The handler with rules that break beside the game, with later ones of accounts, and with gardens, for tests of what becomes
/// of their rooms.
pub(crate) const ALTERED_SERVER: Face = Face {
    package: "baton-server",
    directory: "server-altered",
    feature: Some("altered"),
    optimised: true,
};
/// The handler with a fault in the rules of accounts, and its repair, for the test of that: one story, which half a
/// minute of wasm-opt would not tell better.
pub(crate) const DOUBLED_SERVER: Face = Face {
    package: "baton-server",
    directory: "server-doubled",
    feature: Some("doubled"),
    optimised: false,
};
/// The replica with bots in it, for load and for company.
pub(crate) const BOTS: Face = Face {
    package: "baton-client",
    directory: "client-bots",
    feature: Some("bots"),
    optimised: true,
};

impl Face {
    /// The name cargo and wasm-bindgen give to files.
    fn stem(&self) -> String {
        self.package.replace('-', "_")
    }

    /// Where the three files are.
    pub(crate) fn out(&self) -> PathBuf {
        project::dist().join("wasm").join(self.directory)
    }

    /// The wasm that ships.
    pub(crate) fn wasm(&self) -> PathBuf {
        self.out().join(format!("{}_bg.wasm", self.stem()))
    }
}

/// Adds the wasm target to the tool chain if it is not there.
pub(crate) fn add_target() -> Result<Outcome> {
    let library = output(program("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(&library).exists() {
        return Ok(Outcome::UpToDate);
    }
    if program("rustup").arg("--version").output().is_err() {
        bail!(
            "this Rust lacks {TARGET} and rustup is missing: install it (https://rustup.rs), or add the target as your system does"
        );
    }
    run(program("rustup").args(["target", "add", TARGET]))?;
    Ok(Outcome::Done)
}

/// What a wasm's memory may grow to: then what grows without end traps, and costs its room, instead of the isolate with
/// all others. Workers end an isolate at 128 MB, in which JavaScript has to fit as well.
const MAX_MEMORY_BYTES: u32 = 64 * 1024 * 1024;

/// The flags of the user, a bound on memory, and: panics name files without the directories of whoever built this, which are nobody's
/// business in a browser and cost kilobytes.
fn flags() -> String {
    let user = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut flags: Vec<String> = user.split_whitespace().map(str::to_owned).collect();
    let home = std::env::var("HOME").or_else(|_| std::env::var("USERPROFILE"));
    let cargo_home = std::env::var("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|_| home.map(|home| Path::new(&home).join(".cargo")));
    let registries = cargo_home.map(|home| home.join("registry/src"));
    let registry = registries.ok().and_then(|all| {
        let mut entries = std::fs::read_dir(all).ok()?;
        Some(entries.next()?.ok()?.path())
    });
    for directory in registry.into_iter().chain([project::root().to_owned()]) {
        flags.push(format!("--remap-path-prefix={}=", directory.display()));
    }
    flags.push(format!("-Clink-arg=--max-memory={MAX_MEMORY_BYTES}"));
    flags.join("\x1f")
}

/// Compiles a package for wasm32. Returns the file.
pub(crate) fn compile(package: &str, feature: Option<&str>, profile: Profile) -> Result<PathBuf> {
    let (profile, directory) = match profile {
        Profile::Debug => ("dev", "debug"),
        Profile::Release => ("wasm", "wasm"),
    };
    let mut command = cargo(&[
        "rustc",
        "--locked",
        "--package",
        package,
        "--lib",
        // Alone: beside an rlib, which the faces' tests link, cargo leaves link-time optimisation out without a word.
        "--crate-type",
        "cdylib",
        "--target",
        TARGET,
        "--profile",
        profile,
    ]);
    command.args(feature.iter().flat_map(|feature| ["--features", feature]));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags());
    run(&mut command)?;
    let name = format!("{}.wasm", package.replace('-', "_"));
    let file = project::target_directory()?
        .join(TARGET)
        .join(directory)
        .join(name);
    anyhow::ensure!(
        file.exists(),
        "{package} made no {}: is its crate-type cdylib?",
        file.display()
    );
    Ok(file)
}

/// Compiles a face and writes its files, if anything they depend on changed.
pub(crate) fn build(face: &Face, profile: Profile) -> Result<Outcome> {
    let outputs = glue::files(&face.stem()).map(|file| face.out().join(file));
    // Cargo would find out itself, but the builds of the browser's wasm share its target directory and would link
    // again each time they take turns.
    let sources = Stamp::new(&format!("{}-sources", face.directory), &sources(profile)?);
    if sources.holds(&outputs) {
        return Ok(Outcome::UpToDate);
    }
    let raw = compile(face.package, face.feature, profile)?;
    let inputs = Inputs::default()
        .path(&raw)?
        .path(&project::js_host().join("package-lock.json"))?
        .path(&project::root().join("crates/xtask/src"))?
        .word(profile.name());
    let bound = Stamp::new(&format!("{}-wasm", face.directory), &inputs);
    if !bound.holds(&outputs) {
        bind(face, profile, &raw, &outputs)?;
        bound.set()?;
    }
    sources.set()?;
    Ok(Outcome::Done)
}

/// Whatever cargo reads to make a wasm.
fn sources(profile: Profile) -> Result<Inputs> {
    let mut inputs = Inputs::default().word(profile.name());
    for path in ["crates", "Cargo.toml", "Cargo.lock", ".cargo/config.toml"] {
        inputs = inputs.path(&project::root().join(path))?;
    }
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let compiler = output(program("rustc").arg("-vV"))?;
    Ok(inputs.word(&flags).word(&compiler))
}

/// Runs wasm-bindgen and wasm-opt, and puts the files in place.
fn bind(face: &Face, profile: Profile, raw: &Path, outputs: &[PathBuf]) -> Result<()> {
    // Made beside, moved at the end: whoever watches dist/ never sees half of it.
    let work = project::target_directory()?
        .join("xtask")
        .join(face.directory);
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    let bound = glue::generate(raw, &face.stem(), profile == Profile::Debug, &work)?;
    if profile == Profile::Release && face.optimised {
        optimise(&bound)?;
    }
    std::fs::create_dir_all(face.out())?;
    for (name, output) in glue::files(&face.stem()).iter().zip(outputs) {
        // Copied, not renamed: the target directory may be on another disk.
        let beside = output.with_extension("new");
        std::fs::copy(work.join(name), &beside)
            .with_context(|| format!("missing after wasm-bindgen: {name}"))?;
        std::fs::rename(&beside, output)?;
    }
    Ok(())
}

/// Makes a wasm smaller and faster, in place.
pub(crate) fn optimise(wasm: &Path) -> Result<()> {
    // The features that rustc switches on by default for this target, plus multivalue: binaryen validates against them.
    const FEATURES: [&str; 7] = [
        "bulk-memory",
        "call-indirect-overlong",
        "multivalue",
        "mutable-globals",
        "nontrapping-float-to-int",
        "reference-types",
        "sign-ext",
    ];
    let mut command = program("node");
    command.arg(project::js_host().join("node_modules/binaryen/bin/wasm-opt"));
    command.args(FEATURES.map(|feature| format!("--enable-{feature}")));
    // -Oz, or repeating until nothing changes, gains less than 0.3 % and takes twice as long.
    command.args([
        "-O3",
        "--strip-debug",
        "--strip-producers",
        "--strip-target-features",
    ]);
    run(command.arg(wasm).arg("-o").arg(wasm))
}
