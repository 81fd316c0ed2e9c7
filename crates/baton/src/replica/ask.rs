//! When a client asks: at once when it has something to say, soon when it waits for an answer,
//! rarely when frames come by themselves, later and later when nobody answers.

/// Between two requests, at least.
const LEAST_MS: u64 = 30;
/// How long a frame may take by socket after a reply named it.
const SOCKET_MS: u64 = 400;
/// The longest pause after failures.
const MOST_MS: u64 = 10_000;
/// Without any word from the host, and with a live socket.
const IDLE_MS: u64 = 2_000;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asking {
    /// The last request.
    sent_ms: Option<u64>,
    /// The highest sequence in it.
    last_sent: u64,
    /// The last reply or frame.
    heard_ms: u64,
    /// The last reply, and the pause that it asked for. Frames that come by socket do not move it.
    replied_ms: u64,
    ask_ms: u64,
    failures: u32,
    /// The last failure. Frames that come by socket do not move it.
    failed_ms: u64,
    /// The version that is known to be there but not here, and since when.
    missing: Option<u64>,
    missing_since_ms: u64,
    /// The newest version that was heard of, and when: missed in its turn once that one is here.
    newest: (u64, u64),
    /// A pushed frame is of another history than ours.
    doubt: bool,
}

impl Asking {
    pub(super) fn sent(&mut self, last: u64, now_ms: u64) {
        self.sent_ms = Some(now_ms);
        self.last_sent = last;
    }

    pub(super) fn last_sent(&self) -> u64 {
        self.last_sent
    }

    pub(super) fn answered(&mut self, ask_ms: u32, now_ms: u64) {
        self.ask_ms = u64::from(ask_ms);
        self.replied_ms = now_ms;
        self.heard_ms = now_ms;
        self.failures = 0;
        self.doubt = false;
    }

    /// A frame came by socket: somebody drives the room.
    pub(super) fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
    }

    pub(super) fn failed(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
        self.failed_ms = now_ms;
        self.failures = self.failures.saturating_add(1);
        self.last_sent = 0;
    }

    /// The room is at `head`, we are at `have`.
    pub(super) fn expect(&mut self, have: u64, head: u64) {
        if head > self.newest.0 {
            self.newest = (head, self.heard_ms);
        }
        if head > have && self.missing.is_none() {
            self.missing = Some(head);
            self.missing_since_ms = self.heard_ms;
        }
    }

    /// Another history goes on from here: what was missed is not in it.
    pub(super) fn begin_anew(&mut self) {
        (self.missing, self.newest) = (None, (0, 0));
    }

    /// We are at `have`.
    pub(super) fn reached(&mut self, have: u64) {
        if self.missing.is_some_and(|missing| missing <= have) {
            let (newest, heard_ms) = self.newest;
            self.missing = (newest > have).then_some(newest);
            self.missing_since_ms = heard_ms;
        }
    }

    /// Something came that does not follow what we have.
    pub(super) fn doubt(&mut self) {
        self.doubt = true;
    }

    /// Whether frames must come with the next reply: a socket had its time to bring them.
    pub(super) fn misses(&self, now_ms: u64) -> bool {
        let late = now_ms >= self.missing_since_ms.saturating_add(SOCKET_MS);
        self.doubt || self.failures > 0 || (self.missing.is_some() && late)
    }

    pub(super) fn at(&self, urgent: bool, waits: bool, live: bool) -> u64 {
        let Some(sent_ms) = self.sent_ms else {
            return 0;
        };
        if self.failures > 0 {
            // Doubling, spread by what no two clients share: the time of the failure.
            let pause = LEAST_MS << self.failures.min(9);
            return self.failed_ms + pause.min(MOST_MS) + self.failed_ms % (pause / 2 + 1);
        }
        let least = sent_ms + LEAST_MS;
        if urgent || self.doubt {
            return least;
        }
        let next = match (waits, live) {
            // What it waits for may be lost, whatever else comes.
            (true, _) => self.replied_ms + self.ask_ms,
            (false, false) => self.heard_ms + self.ask_ms,
            (false, true) => self.heard_ms + self.ask_ms.max(IDLE_MS),
        };
        let fetch = match self.missing {
            Some(_) if live => self.missing_since_ms + SOCKET_MS,
            Some(_) => self.missing_since_ms,
            None => u64::MAX,
        };
        next.min(fetch).max(least)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// At version 4 of a live socket, a reply having named 5.
    fn missing_five() -> Asking {
        let mut asking = Asking::default();
        asking.sent(0, 1_000);
        asking.answered(100, 1_020);
        asking.expect(4, 5);
        asking
    }

    /// Found by the simulator (seed 44090422): pushed frames came in the wrong order, and the later one,
    /// with the answer in it, was forgotten when the earlier came.
    #[test]
    fn what_was_heard_of_later_is_missed_once_the_first_is_here() {
        let mut asking = missing_five();
        asking.expect(4, 6);
        asking.reached(5);
        assert_eq!(asking.at(false, false, true), 1_020 + SOCKET_MS);
        assert!(asking.misses(1_020 + SOCKET_MS));
        asking.reached(6);
        assert_eq!(asking.at(false, false, true), 1_020 + IDLE_MS);
        assert!(!asking.misses(1_020 + SOCKET_MS));
    }

    #[test]
    fn what_another_history_does_not_have_is_not_missed() {
        let mut asking = missing_five();
        asking.begin_anew();
        assert_eq!(asking.at(false, false, true), 1_020 + IDLE_MS);
        asking.reached(2);
        assert!(!asking.misses(9_000));
    }

    #[test]
    fn who_is_not_answered_asks_later_and_later_up_to_seconds() {
        let mut asking = Asking::default();
        assert_eq!(asking.at(false, false, true), 0, "nothing was asked yet");
        asking.sent(7, 900);
        let mut at = Vec::new();
        for _ in 0..11 {
            asking.failed(1_000);
            at.push(asking.at(true, true, true));
        }
        let doubling = [1_068, 1_144, 1_272, 1_516, 1_998, 2_959, 5_840, 9_680];
        assert_eq!(at[..8], doubling);
        assert_eq!(at[8..], [12_000; 3], "and no later than that");
        assert_eq!(asking.last_sent(), 0, "all of it goes again");
        assert!(asking.misses(1_000), "nor did frames come");
        asking.answered(100, 2_000);
        assert_eq!(asking.at(false, true, true), 2_100);
        assert!(!asking.misses(2_000));
    }

    #[test]
    fn what_is_said_goes_at_once_what_is_awaited_soon_and_frames_put_off_the_rest() {
        let mut asking = Asking::default();
        asking.sent(3, 1_000);
        asking.answered(500, 1_010);
        assert_eq!(asking.last_sent(), 3);
        asking.heard(1_400);
        let at = |urgent, waits, live| asking.at(urgent, waits, live);
        for live in [false, true] {
            assert_eq!(at(true, true, live), 1_000 + LEAST_MS);
            assert_eq!(at(false, true, live), 1_510);
        }
        assert_eq!(at(false, false, false), 1_900);
        assert_eq!(at(false, false, true), 1_400 + IDLE_MS);
        // A room with less to say.
        asking.answered(3_000, 2_000);
        assert_eq!(asking.at(false, false, true), 5_000);
        // Not before the least pause, whatever is wished.
        asking.sent(3, 2_500);
        asking.answered(1, 2_501);
        assert_eq!(asking.at(false, true, false), 2_530);
        // A frame that does not follow is asked about at once.
        asking.doubt();
        assert_eq!(asking.at(false, false, true), 2_530);
        assert!(asking.misses(0));
    }

    #[test]
    fn what_is_named_and_not_here_is_fetched_once_a_socket_had_its_time() {
        let asking = missing_five();
        assert_eq!(asking.at(false, false, false), 1_000 + LEAST_MS, "at once");
        assert_eq!(asking.at(false, false, true), 1_020 + SOCKET_MS);
        assert!(!asking.misses(1_020 + SOCKET_MS - 1));
        assert!(asking.misses(1_020 + SOCKET_MS));
        // What is here is not missed.
        let mut asking = Asking::default();
        asking.expect(5, 5);
        assert!(!asking.misses(10_000));
    }
}
