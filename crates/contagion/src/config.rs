//! What a room is told at its start. Any value gives a game that begins and ends; the limits of
//! the field hold whatever it says.

use serde::{Deserialize, Serialize};

/// Lengths and numbers of a room's matches. The default is the real game; tests shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Milliseconds from the first join to play. Lengths are rounded up to ticks, at least one.
    pub countdown_ms: u32,
    /// Milliseconds that survivors must last until rescue.
    pub play_ms: u32,
    /// Milliseconds that the result is shown before the next countdown.
    pub over_ms: u32,
    /// Players on the field at once, at most [`MAX_PLAYERS`](crate::MAX_PLAYERS); who comes later
    /// watches until a seat is free.
    pub seats: u16,
    /// Whether there are streets, buildings and trees; else the arena is open.
    pub city: bool,
    /// Zombies on the field when play starts, at most [`MAX_ZOMBIES`](crate::MAX_ZOMBIES).
    pub zombies_at_start: u16,
    /// Zombies that come per minute at the start of play.
    pub spawns_per_minute: u32,
    /// As many more per minute for each player on the field.
    pub spawns_per_minute_and_player: u32,
    /// By how much the rate rises with every minute of play, in hundredths of what it was at the
    /// start.
    pub spawn_growth_percent: u32,
    /// Items on the field when play starts, at most [`MAX_ITEMS`](crate::MAX_ITEMS).
    pub items_at_start: u16,
    /// Items that come per minute.
    pub items_per_minute: u32,
    /// As many more per minute for each player on the field.
    pub items_per_minute_and_player: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            countdown_ms: 15_000,
            play_ms: 180_000,
            over_ms: 10_000,
            seats: 64,
            city: true,
            zombies_at_start: 9,
            spawns_per_minute: 9,
            spawns_per_minute_and_player: 7,
            spawn_growth_percent: 36,
            items_at_start: 14,
            items_per_minute: 8,
            items_per_minute_and_player: 3,
        }
    }
}
