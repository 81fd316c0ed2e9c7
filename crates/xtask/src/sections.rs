//! The sections of `cargo xtask test`: which tool checks what, in which order.

use std::process::Command;

use anyhow::Result;

use crate::project::{self, cargo, js_host, program};
use crate::system::Need;
use crate::tally::{Tally, cargo_tests, check, vitest};
use crate::verbs::{self, build};
use crate::wasm::{Profile, TARGET};
use crate::{probe, system, wasm};

/// What all sections of a run share.
pub(crate) struct Settings {
    /// Only tests whose name contains this.
    pub(crate) filter: Option<String>,
    /// The long versions: the test runners see `BATON_SOAK=1`.
    pub(crate) soak: bool,
    /// One part of several, as `0/8`, of a section that has parts.
    pub(crate) shard: Option<String>,
}

/// A part of the tests that can be asked for by name.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What it needs from the system.
    pub(crate) needs: &'static [Need],
    /// What to do when it fails.
    pub(crate) advice: &'static str,
    pub(crate) run: fn(&Settings) -> Result<Tally>,
}

/// All sections, the quick and telling ones first.
pub(crate) const SECTIONS: [Section; 16] = [
    Section {
        name: "format",
        title: "rustfmt",
        needs: &[],
        advice: "run `cargo fmt`",
        run: |_| check(&mut cargo(&["fmt", "--all", "--check"])),
    },
    Section {
        name: "clippy",
        title: "clippy, native and wasm32, warnings are errors",
        needs: &[],
        advice: "mend what clippy names; clippy.toml says why a type is banned",
        run: clippy,
    },
    Section {
        name: "tidy",
        title: "the dependency rule and other house rules; the tests of xtask",
        needs: &[],
        advice: "the failed test names file and rule; crates/README.md explains the rule",
        run: |settings| {
            cargo_tests(
                tests(&["--profile", "xtask", "--package", "xtask"], settings)
                    .env("RUST_BACKTRACE", "0"),
            )
        },
    },
    Section {
        name: "rust",
        title: "Rust tests, native",
        needs: &[],
        advice: "the failure prints the seed and the command that repeats it",
        run: rust,
    },
    Section {
        name: "model",
        title: "the model of the protocol, and its mutants",
        needs: &[],
        advice: "the model prints the path to the state that breaks the property",
        run: model,
    },
    Section {
        name: "sim",
        title: "the simulator: new seeds, every fault seen",
        needs: &[],
        advice: "the last lines name the check, the seed and the command that repeats it",
        run: sim,
    },
    Section {
        name: "deliberate",
        title: "deliberate faults of the library: each must be found",
        needs: &[],
        advice: "a row that says NOTHING needs a check, or a world in which the fault shows; crates/sim/src/bin/mutants/cases.rs",
        run: deliberate,
    },
    Section {
        name: "probe",
        title: "the pure crates as wasm import nothing",
        needs: &[],
        advice: "an import means that a pure crate reaches for the outside: find which by `cargo tree -p baton`",
        run: |_| probe::run("baton-probe"),
    },
    Section {
        name: "wasm-node",
        title: "wasm tests of both faces in Node",
        needs: &[],
        advice: "run one crate: `cargo test --target wasm32-unknown-unknown -p baton-server`",
        run: |settings| cargo_tests(&mut faces(settings)?),
    },
    Section {
        name: "wasm-browser",
        title: "wasm tests of both faces in Chromium",
        needs: &[Need::Chromium, Need::ChromiumDriver],
        advice: "if the driver does not start, `chromedriver --version` and the browser's must agree",
        run: |settings| cargo_tests(in_browser(&mut faces(settings)?)?),
    },
    Section {
        name: "types",
        title: "TypeScript types",
        needs: &[],
        advice: "run `npm run types` in js-host",
        run: types,
    },
    Section {
        name: "lint",
        title: "TypeScript lint and format",
        needs: &[],
        advice: "run `npm run fix` in js-host",
        run: |_| {
            check(node("@biomejs/biome/bin/biome").args([
                "check",
                "--error-on-warnings",
                ".",
                "../tests",
            ]))
        },
    },
    Section {
        name: "js",
        title: "TypeScript tests",
        needs: &[Need::Redis],
        advice: "run `npm test` in js-host",
        run: |settings| typescript("unit", settings),
    },
    Section {
        name: "stores",
        title: "stores over real servers: Redis, a cluster of it, and over HTTP",
        needs: &[Need::Redis],
        advice: "the failed case names the promise of js-host/src/store.ts",
        run: |settings| vitest_project("stores", settings),
    },
    Section {
        name: "devvit",
        title: "the app for Devvit: the unmodified packages on a real redis-server, framed as Reddit frames it",
        needs: &[Need::Redis, Need::Chromium],
        advice: "what the local Devvit emulates is in js-host/devvit/local/README.md; one file: `npx vitest run --project devvit <name>` in js-host",
        run: |settings| typescript("devvit", settings),
    },
    Section {
        name: "e2e",
        title: "end-to-end tests: wrangler, Node and Chromium",
        needs: &[Need::Chromium, Need::Redis, Need::Nginx],
        advice: "tests/output holds logs and screenshots",
        run: |settings| typescript("e2e", settings),
    },
];

/// What only `soak` runs, and only when asked to: it takes hours.
pub(crate) const LONG: [Section; 1] = [Section {
    name: "mutants",
    title: "cargo-mutants: small changes of the library, which its tests must notice",
    needs: &[],
    advice: "a missed change needs a test, or a reason in .cargo/mutants.toml",
    run: crate::mutants::run,
}];

fn clippy(_: &Settings) -> Result<Tally> {
    wasm::add_target()?;
    let deny = ["--", "--deny", "warnings"];
    let native = [
        "clippy",
        "--locked",
        "--workspace",
        "--exclude",
        "xtask",
        "--all-targets",
    ];
    let tool = [
        "clippy",
        "--locked",
        "--profile",
        "xtask",
        "--package",
        "xtask",
        "--all-targets",
    ];
    let faces = [
        &["clippy", "--locked", "--target", TARGET, "--all-targets"][..],
        &FACES,
    ]
    .concat();
    // What ships of the server is compiled without the standard library, which its tests need.
    let bare = [
        "clippy",
        "--locked",
        "--target",
        TARGET,
        "--lib",
        "--package",
        "baton-server",
        "--features",
        "bare",
    ];
    // The library with its switch.
    let switch = [
        "clippy",
        "--locked",
        "--package",
        "baton-sim",
        "--features",
        "mutants",
        "--bin",
        "mutants",
    ];
    let mut tally = Tally::default();
    for arguments in [&native[..], &tool[..], &faces, &bare, &switch] {
        tally = tally.plus(check(cargo(arguments).args(deny))?);
    }
    Ok(tally)
}

const FACES: [&str; 4] = ["--package", "baton-server", "--package", "baton-client"];

fn rust(settings: &Settings) -> Result<Tally> {
    let all = [
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "baton-server",
        "--exclude",
        "baton-client",
        // A section of its own.
        "--exclude",
        "baton-sim",
    ];
    // The long versions are bound by computing, the short ones by compiling.
    let release = ["--release"];
    let arguments = if settings.soak {
        [&all[..], &release].concat()
    } else {
        all.to_vec()
    };
    cargo_tests(&mut tests(&arguments, settings))
}

fn tests(arguments: &[&str], settings: &Settings) -> Command {
    let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
    command.args(arguments);
    soaked(&mut command, settings);
    command.args(settings.filter.iter().flat_map(|filter| ["--", filter]));
    command
}

fn soaked<'a>(command: &'a mut Command, settings: &Settings) -> &'a mut Command {
    if settings.soak {
        command.env("BATON_SOAK", "1")
    } else {
        command
    }
}

/// The model's tests, with their tables; the long version searches further than a test can wait for.
fn model(settings: &Settings) -> Result<Tally> {
    // Rules are compared with their wasm.
    wasm::add_target()?;
    if settings.soak {
        let deep = ["run", "--locked", "--release", "--package", "baton-sim"];
        return check(cargo(&deep).args(["--bin", "model", "--", "--deep"]));
    }
    let mut command = cargo(&["test", "--locked", "--package", "baton-sim", "--"]);
    command.arg("--nocapture").args(&settings.filter);
    cargo_tests(&mut command)
}

/// New seeds each time, since what held once proves little. The first is printed, and named again by
/// whatever fails.
fn sim(settings: &Settings) -> Result<Tally> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let from = since.map_or(0, |since| since.as_secs()) * 1_000_000;
    let seeds = if settings.soak { "100000" } else { "2000" };
    println!("  {seeds} seeds from {from}");
    let mut command = cargo(&["run", "--quiet"]);
    command.args(verbs::sim::PROGRAM);
    // A minute to compile, and half as many seeds again in each second.
    command.args(
        settings
            .soak
            .then_some(["--profile", "load"])
            .into_iter()
            .flatten(),
    );
    check(command.args(["--", "--seeds", seeds, "--from", &from.to_string()]))
}

/// The library with one rule switched off, many times over. It is compiled with its switch here and nowhere else.
fn deliberate(settings: &Settings) -> Result<Tally> {
    let mut command = cargo(&["run", "--quiet", "--locked", "--package", "baton-sim"]);
    command.args(["--features", "mutants", "--bin", "mutants", "--"]);
    check(command.args(settings.soak.then_some("--soak")))
}

fn faces(settings: &Settings) -> Result<Command> {
    wasm::add_target()?;
    let mut command = tests(
        &[&["--target", TARGET, "--tests"][..], &FACES].concat(),
        settings,
    );
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    Ok(command)
}

fn in_browser(command: &mut Command) -> Result<&mut Command> {
    let directory = project::target_directory()?.join("xtask");
    std::fs::create_dir_all(&directory)?;
    let file = directory.join("webdriver.json");
    let mut arguments = vec![
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ];
    arguments.extend(["--disable-component-update", "--disable-sync"]);
    if system::is_root() {
        arguments.push("--no-sandbox");
    }
    let options = serde_json::json!({ "args": arguments, "binary": Need::Chromium.find() });
    std::fs::write(
        &file,
        serde_json::json!({ "goog:chromeOptions": options }).to_string(),
    )?;
    command
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", file);
    command.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    command.envs(
        Need::ChromiumDriver
            .find()
            .map(|driver| ("CHROMEDRIVER", driver)),
    );
    Ok(command)
}

fn types(_: &Settings) -> Result<Tally> {
    // The types of the glue are among what is checked.
    build::run(&build::Options {
        profile: Profile::Release,
        altered: true,
        devvit: true,
        // Only the tests in browsers have a use for it.
        bots: false,
    })?;
    let mut tally = Tally::default();
    for part in ["workers", "client", "node"] {
        let project = format!("tsconfig.{part}.json");
        tally = tally.plus(check(
            node("typescript/bin/tsc").args(["--noEmit", "-p", &project]),
        )?);
    }
    Ok(tally)
}

fn typescript(project: &str, settings: &Settings) -> Result<Tally> {
    build::run(&build::Options {
        profile: Profile::Release,
        altered: project != "devvit",
        devvit: project != "unit",
        bots: project == "e2e",
    })?;
    vitest_project(project, settings)
}

/// Tests in Node for which nothing has to be built.
fn vitest_project(project: &str, settings: &Settings) -> Result<Tally> {
    let report = project::target_directory()?
        .join("xtask")
        .join(format!("vitest-{project}.json"));
    let mut command = node("vitest/vitest.mjs");
    command.args(["run", "--project", project]);
    command.args(
        settings
            .filter
            .iter()
            .flat_map(|filter| ["--testNamePattern", filter]),
    );
    command.envs(
        Need::Chromium
            .find()
            .map(|browser| ("BATON_CHROMIUM", browser)),
    );
    vitest(
        soaked(&mut command, settings),
        &report,
        settings.filter.is_some(),
    )
}

/// A script of an npm package, run by the Node that is new enough for it, in js-host.
fn node(script: &str) -> Command {
    let mut command = program("node");
    command
        .current_dir(js_host())
        .arg(js_host().join("node_modules").join(script));
    command
}
