//! Which ticks a frame runs, and what happens by time alone.

use baton::frame::{Cut, Entry, Frame};
use baton::limits;

use super::Oracle;
use crate::check::{Checked, hold};
use crate::rules::{CATCH_UP, CATCH_UP_MS, GRACE_MS, SKIP, STILL, TICK_MS};

impl Oracle {
    pub(super) fn reach(&mut self, tick: u64, frame: &Frame) -> Checked {
        let before = self.tick;
        self.advance(tick);
        hold(
            tick >= before && self.tick == tick && tick <= frame.tick,
            "6: whoever comes or goes does so at a tick of this frame",
            || format!("frame {}: tick {tick} after {before}", frame.v),
        )
    }

    pub(super) fn see_who_is_here(&mut self) {
        let open = self.devices.values().filter(|device| device.open);
        self.here = open.map(|device| device.player).collect();
    }

    /// Lets time pass: who was silent for longer than the grace time leaves at the exact tick; the
    /// timer fires; a room that pauses stops.
    pub(super) fn advance(&mut self, tick: u64) {
        let grace = u64::from(GRACE_MS / TICK_MS);
        while self.tick < tick && self.policy != STILL && !self.is_paused() {
            let open = self.devices.values().filter(|device| device.open);
            let next = open.map(|device| device.beat + grace + 1).min();
            self.tick = next.map_or(tick, |next| next.max(self.tick + 1).min(tick));
            let now = self.tick;
            for device in self.devices.values_mut() {
                device.open &= device.beat + grace >= now;
            }
            self.see_who_is_here();
            self.told_ms = self.lived_ms();
            if self.due.is_some_and(|due| due <= now) {
                self.due = None;
                self.fired += 1;
            }
        }
    }

    pub(super) fn cut(&mut self, why: Cut, skip_ms: u64, frame: &Frame) -> Checked {
        let tick_ms = u64::from(TICK_MS);
        let since_ms = frame.time_ms.saturating_sub(self.start_ms + self.cut_ms);
        let fits = match why {
            Cut::Pause => {
                let stood_ms = since_ms.saturating_sub(skip_ms);
                self.advance(stood_ms / tick_ms);
                stood_ms.is_multiple_of(tick_ms)
                    && self.tick == stood_ms / tick_ms
                    && self.is_paused()
            }
            Cut::Cap => {
                let cap_ms = match self.policy {
                    SKIP => GRACE_MS,
                    CATCH_UP => CATCH_UP_MS,
                    _ => u32::MAX,
                };
                let silent_ms = since_ms.saturating_sub(self.tick * tick_ms);
                silent_ms.checked_sub(u64::from(cap_ms)) == Some(skip_ms)
            }
        };
        self.cut_ms += skip_ms;
        hold(
            fits,
            "S7: time is cut as the policy says, and no further",
            || {
                format!(
                    "frame {}: {why:?} of {skip_ms} ms at tick {}",
                    frame.v, self.tick
                )
            },
        )
    }

    /// Ticks match the time that passed and was not cut. Only what one request may catch up bounds
    /// them otherwise; and what is tried alone after a trap is tried without time: that is due at the
    /// next frame still.
    pub(super) fn time(&self, frame: &Frame, from: u64, tried: bool) -> Checked {
        if self.policy == STILL {
            return hold(frame.tick == 0, "S7: rules without ticks have none", || {
                format!("frame {}: tick {}", frame.v, frame.tick)
            });
        }
        let lived_ms = frame.time_ms.saturating_sub(self.start_ms + self.cut_ms);
        let due = lived_ms / u64::from(TICK_MS);
        let split = frame.tick < due && frame.tick - from >= self.catch_up_ticks;
        let alone = tried && frame.tick == from;
        // Time alone is tried in smaller steps where nobody came back from a larger.
        let steps =
            (0..u32::from(limits::MAX_BEGUN)).map(|begun| self.catch_up_ticks >> (2 * begun));
        let timely = tried
            && frame.tick < due
            && steps
                .map(|ticks| ticks.max(1))
                .any(|ticks| frame.tick - from == ticks)
            && frame.entries.iter().all(is_of_nobody);
        hold(
            frame.tick - from <= self.catch_up_ticks,
            "S18: a long catch-up is split",
            || format!("frame {}: {} ticks", frame.v, frame.tick - from),
        )?;
        hold(
            frame.tick == due || split || alone || timely,
            "S7: no tick is lost or run twice",
            || {
                format!(
                    "frame {}: tick {} from {from}, {due} are due",
                    frame.v, frame.tick
                )
            },
        )
    }
}

/// What a frame of nothing but time may have.
pub(super) fn is_of_nobody(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::Cut { .. } | Entry::Reset { .. } | Entry::Switch { .. }
    )
}

/// Other rules, by which a halted room goes on.
pub(super) fn is_switch(entry: &Entry) -> bool {
    matches!(entry, Entry::Switch { .. })
}
