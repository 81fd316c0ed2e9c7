//! Every child that runs is known by its id, so that Ctrl-C or a termination ends exactly those.

use std::process::{Child, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long children may take to end before they are killed.
const GRACE: Duration = Duration::from_secs(8);
/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED_STATUS: i32 = 130;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// From now on an interruption ends the children, then this program.
pub(crate) fn end_with_us() -> Result<()> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        for id in running() {
            ask_to_end(id);
        }
        let start = Instant::now();
        while !running().is_empty() && start.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(50));
        }
        for id in running() {
            kill(id);
        }
        std::process::exit(INTERRUPTED_STATUS);
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether the children are being ended: what they then report is no failure.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Waits for a child, which an interruption meanwhile ends.
pub(crate) fn wait(child: &mut Child) -> Result<ExitStatus> {
    let id = watch(child);
    let status = child.wait();
    forget(id);
    Ok(status?)
}

/// An interruption ends this child from now on.
pub(crate) fn watch(child: &Child) -> u32 {
    RUNNING
        .lock()
        .expect("no holder of the list panics")
        .push(child.id());
    child.id()
}

/// This child has ended.
pub(crate) fn forget(id: u32) {
    RUNNING
        .lock()
        .expect("no holder of the list panics")
        .retain(|other| *other != id);
}

fn running() -> Vec<u32> {
    RUNNING
        .lock()
        .expect("no holder of the list panics")
        .clone()
}

#[cfg(unix)]
fn signal(id: u32, signal: nix::sys::signal::Signal) {
    if let Ok(id) = i32::try_from(id) {
        // An error means that it has ended already.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal);
    }
}

#[cfg(unix)]
fn ask_to_end(id: u32) {
    signal(id, nix::sys::signal::Signal::SIGTERM);
}

#[cfg(unix)]
fn kill(id: u32) {
    signal(id, nix::sys::signal::Signal::SIGKILL);
}

/// Windows has no request to end: the console sends Ctrl-C to the children itself, and this ends what is left.
#[cfg(windows)]
fn ask_to_end(id: u32) {
    kill(id);
}

#[cfg(windows)]
fn kill(id: u32) {
    let _ = std::process::Command::new("taskkill")
        .args(["/pid", &id.to_string(), "/t", "/f"])
        .status();
}
