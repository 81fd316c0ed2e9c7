//! What the tests need from the system: browsers and stores that npm and cargo do not bring.
//!
//! Installs with apt-get where it may, else says the exact command.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::project::program;
use crate::step::{command_line, output, run};

/// A program that a section of the tests cannot do without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// The browser of the end-to-end tests.
    Chromium,
    /// Drives the browser for the wasm tests.
    ChromiumDriver,
    /// The store of the tests over Redis.
    Redis,
    /// The caching proxy before the hosts.
    Nginx,
}

impl Need {
    /// Where it is. `BATON_CHROMIUM` names another browser.
    pub(crate) fn find(self) -> Option<PathBuf> {
        match self {
            Self::Chromium => chromium(),
            Self::ChromiumDriver => on_path(&["chromedriver"]),
            Self::Redis => on_path(&["redis-server"]),
            Self::Nginx => on_path(&["nginx"]),
        }
    }

    fn debian_package(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::ChromiumDriver => "chromium-driver",
            Self::Redis => "redis-server",
            Self::Nginx => "nginx",
        }
    }
}

/// Installs what is missing.
///
/// # Errors
/// Holds the command to type when this program may not run it.
pub(crate) fn provide(needs: &[Need]) -> Result<()> {
    let missing: Vec<Need> = needs
        .iter()
        .copied()
        .filter(|need| need.find().is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.debian_package()).collect();
    let packages = packages.join(" ");
    if on_path(&["apt-get"]).is_none() {
        bail!(
            "missing: {packages}. Install them as your system does (macOS: `brew install chromium chromedriver redis nginx`)"
        );
    }
    let prefix = match (
        is_root(),
        output(program("sudo").args(["-n", "true"])).is_ok(),
    ) {
        (true, _) => "",
        (false, true) => "sudo -n ",
        (false, false) => bail!(
            "missing: {packages}. Type this, then try again:\n\n    sudo apt-get update && sudo apt-get install -y {packages}\n"
        ),
    };
    for arguments in [
        "update".to_owned(),
        format!("install -y --no-install-recommends {packages}"),
    ] {
        let line = format!("{prefix}apt-get {arguments}");
        let mut words = line.split(' ');
        let mut command = program(words.next().unwrap_or_default());
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        println!("▸ {}", command_line(&command));
        run(&mut command)?;
    }
    match missing.iter().find(|need| need.find().is_none()) {
        Some(need) => bail!(
            "{} was installed and is still not found",
            need.debian_package()
        ),
        None => Ok(()),
    }
}

/// Whether Chromium needs `--no-sandbox`: it refuses its sandbox to root, as in most containers.
pub(crate) fn is_root() -> bool {
    cfg!(unix) && output(program("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn chromium() -> Option<PathBuf> {
    const ELSEWHERE: [&str; 3] = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    ];
    std::env::var_os("BATON_CHROMIUM")
        .map(PathBuf::from)
        .or_else(|| {
            on_path(&[
                "chromium",
                "chromium-browser",
                "google-chrome-stable",
                "google-chrome",
            ])
        })
        .or_else(|| {
            ELSEWHERE
                .iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
        })
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path)
        .chain([Path::new("/usr/sbin").into()])
        .collect();
    let candidates = names.iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
    });
    candidates
        .flat_map(|path| [path.clone(), path.with_extension("exe")])
        .find(|path| path.is_file())
}
