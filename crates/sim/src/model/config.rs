//! How large a model is: who takes part, and how often each fault may strike.
//!
//! Decides bounds only. Every bound is a number in the state that runs out, so every configuration is finite
//! without cutting any interleaving short.

use super::mutants::Mutant;
use super::store::Kind;

/// One configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Shown in tables.
    pub name: &'static str,
    /// How the store appends.
    pub kind: Kind,
    /// The rule that is switched off.
    pub mutant: Mutant,
    /// Host processes.
    pub instances: usize,
    /// Requests that one process may have under way at once.
    pub requests_per_instance: usize,
    /// Actions of each device; its length is the number of devices.
    pub actions: &'static [u8],
    /// Requests that each device may send.
    pub sends: u8,
    /// Requests that a device may have under way at once.
    pub sends_at_once: usize,
    /// Devices also send single actions, out of order.
    pub split_batches: bool,
    /// Replies that each device may lose.
    pub lost_replies: u8,
    /// Requests may follow (push to the inbox).
    pub follow: bool,
    /// Requests may lead from the cache without a READ.
    pub lead_from_cache: bool,
    /// Frames that may be made though nothing but time has passed.
    pub idle_frames: u8,
    /// Appends that may end without an answer.
    pub unknowns: u8,
    /// The transport may repeat an append that had no answer, though it was carried out.
    pub repeats: bool,
    /// Crashes of instances.
    pub crashes: u8,
    /// Caches that may be dropped.
    pub cache_drops: u8,
    /// The most frames that the store may lose, once; 0: it never does.
    pub roll_back: u8,
    /// Snapshots are made.
    pub snapshots: bool,
    /// The grace time of acknowledged actions may end.
    pub grace_ends: bool,
}

impl Config {
    /// Two instances, one device with two actions, no faults.
    pub const fn small(name: &'static str, kind: Kind) -> Self {
        Config {
            name,
            kind,
            mutant: Mutant::None,
            instances: 2,
            requests_per_instance: 1,
            actions: &[2],
            sends: 3,
            sends_at_once: 2,
            split_batches: false,
            lost_replies: 1,
            follow: false,
            lead_from_cache: false,
            idle_frames: 0,
            unknowns: 0,
            repeats: false,
            crashes: 0,
            cache_drops: 0,
            roll_back: 0,
            snapshots: false,
            grace_ends: false,
        }
    }
}
