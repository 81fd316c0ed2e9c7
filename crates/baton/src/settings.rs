//! Settings of an instance: how often it frames, how long a lease lasts, what it keeps. They
//! change what the work costs, never what is true, so instances may differ in them.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Checked settings. Build them from [`Settings::default`] or from JSON; a bad one cannot be built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Input", into = "Input")]
pub struct Settings(Input);

/// Settings as they are written down. Every field may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The least time between two frames of one room, in milliseconds, 10 to 10,000. Until then
    /// actions gather in the inbox.
    pub frame_ms: u32,
    /// How long a frame keeps other instances from leading, in milliseconds, from `frame_ms` to
    /// 60,000.
    pub lease_ms: u32,
    /// When nothing but time passes, a frame is made at most this often, in milliseconds, from
    /// `frame_ms` to 60,000.
    pub idle_ms: u32,
    /// How often a client without a live socket asks, in milliseconds, 20 to 60,000.
    pub poll_ms: u32,
    /// N: how many frames a client may lack and still get frames rather than a snapshot, 1 to 512.
    pub recent: u32,
    /// Ticks that one request may catch up, 1 to 100,000.
    pub catch_up_ticks: u32,
    /// Bytes of warm rooms that an instance keeps, per kind. All kinds together leave room for the work in its 64 MiB.
    pub cache_bytes: u32,
    /// Whether the host performs [`Effect::Deliver`](crate::effect::Effect::Deliver), as all of ours do. Without it what
    /// rules send waits until it expires.
    pub deliver: bool,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            frame_ms: 100,
            lease_ms: 200,
            idle_ms: 2_000,
            poll_ms: 500,
            recent: 256,
            catch_up_ticks: 200,
            cache_bytes: 20 * 1024 * 1024,
            deliver: true,
        }
    }
}

impl core::ops::Deref for Settings {
    type Target = Input;

    fn deref(&self) -> &Input {
        &self.0
    }
}

/// The setting that is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSetting(pub &'static str);

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the setting {} is out of its range", self.0)
    }
}

impl core::error::Error for BadSetting {}

impl TryFrom<Input> for Settings {
    type Error = BadSetting;

    fn try_from(input: Input) -> Result<Self, BadSetting> {
        let checks = [
            ("frame_ms", (10..=10_000).contains(&input.frame_ms)),
            (
                "lease_ms",
                (input.frame_ms..=60_000).contains(&input.lease_ms),
            ),
            (
                "idle_ms",
                (input.frame_ms..=60_000).contains(&input.idle_ms),
            ),
            ("poll_ms", (20..=60_000).contains(&input.poll_ms)),
            ("recent", (1..=512).contains(&input.recent)),
            (
                "catch_up_ticks",
                (1..=100_000).contains(&input.catch_up_ticks),
            ),
        ];
        match checks.iter().find(|(_, fits)| !fits) {
            Some((name, _)) => Err(BadSetting(name)),
            None => Ok(Self(input)),
        }
    }
}

impl From<Settings> for Input {
    fn from(settings: Settings) -> Self {
        settings.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_tell_what_they_were_made_of() {
        let input = Input {
            frame_ms: 70,
            recent: 9,
            ..Input::default()
        };
        let settings = Settings::try_from(input).expect("in range");
        let back = Input::from(settings);
        assert_eq!((back.frame_ms, back.recent), (70, 9));
    }
}
