//! What a room's clients made, what they were told, what they were shown, and what its log holds: and whether these agree.
//! Knows no clients, hosts or clocks.
//!
//! An action counts as acknowledged as soon as any reply or frame said so to its device. Then it is in the log at the
//! end, once, with the verdict that was told.

use std::collections::{BTreeMap, BTreeSet};

use baton::{BodyHash, DeviceId, Hash, Head, Lineage};

/// Sentences that are kept of what went wrong.
const EXAMPLES: usize = 5;

/// One room's.
#[derive(Default)]
pub(crate) struct Ledger {
    devices: BTreeMap<DeviceId, Device>,
    users: BTreeSet<String>,
    /// The hash that was first shown of each version.
    shown: BTreeMap<(Lineage, u64), Hash>,
    /// The newest version that was shown of each history.
    newest: BTreeMap<Lineage, u64>,
    resets: u64,
    faults: Faults,
}

/// What must not happen, counted; and the first of it in words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Acknowledged actions that the log does not hold, or holds with another verdict.
    pub(crate) lost: u64,
    /// Actions in the log that nobody made, or that are in it twice.
    pub(crate) doubled: u64,
    /// Versions that were shown with two hashes, and states that do not follow from their frames.
    pub(crate) forked: u64,
    pub(crate) examples: Vec<String>,
}

/// An action in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    /// 0 accepted, else the rules' code.
    pub(crate) code: u16,
    pub(crate) body: BodyHash,
}

struct Device {
    user: String,
    /// By sequence, from 1.
    actions: Vec<Action>,
    /// What the log's reader did not see itself is in it up to here, by the room's own mark.
    vouched: u64,
}

struct Action {
    body: BodyHash,
    /// What was acknowledged: 0 accepted, else the rules' code; `Some(None)` is too long ago to tell.
    told: Option<Option<u16>>,
    logged: Option<Logged>,
}

impl Faults {
    pub(crate) fn none(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.forked == 0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.forked += other.forked;
        other.examples.iter().for_each(|example| self.say(example));
    }

    pub(crate) fn say(&mut self, example: &str) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(example.to_owned());
        }
    }
}

impl Ledger {
    /// A device of ours is about to take part.
    pub(crate) fn enrol(&mut self, user: &str, id: DeviceId) {
        self.users.insert(user.to_owned());
        let device = Device {
            user: user.to_owned(),
            actions: Vec::new(),
            vouched: 0,
        };
        self.devices.insert(id, device);
    }

    /// A device made its next action.
    pub(crate) fn made(&mut self, id: DeviceId, body: BodyHash) {
        let action = Action {
            body,
            told: None,
            logged: None,
        };
        if let Some(device) = self.devices.get_mut(&id) {
            device.actions.push(action);
        }
    }

    /// A device was told that an action was taken, with its verdict where that is still known.
    pub(crate) fn told(&mut self, id: DeviceId, seq: u64, code: Option<u16>) {
        let action = self
            .devices
            .get_mut(&id)
            .and_then(|device| device.action(seq));
        match action {
            // The first word counts.
            Some(action) => {
                let known = action.told.flatten();
                action.told = Some(known.or(code));
            }
            None => {
                self.faults.doubled += 1;
                let sentence = format!("{id} was told of action {seq}, which it never made");
                self.faults.say(&sentence);
            }
        }
    }

    /// A client has a room at this head.
    pub(crate) fn shown(&mut self, lineage: Lineage, head: Head) {
        let first = *self.shown.entry((lineage, head.v)).or_insert(head.hash);
        if first != head.hash {
            self.fork(&format!(
                "version {} was shown as {first} and as {}",
                head.v, head.hash
            ));
        }
        let newest = self.newest.entry(lineage).or_default();
        *newest = head.v.max(*newest);
    }

    /// A state that does not follow from its frame, or a frame that does not follow.
    pub(crate) fn fork(&mut self, sentence: &str) {
        self.faults.forked += 1;
        self.faults.say(sentence);
    }

    /// Actions that will never arrive, by the client's own word.
    pub(crate) fn gave_up(&mut self, id: DeviceId, count: u64) {
        self.faults.lost += count;
        let sentence = format!("{id} was evicted with {count} actions without an answer");
        self.faults.say(&sentence);
    }

    /// A client was told that the store lost frames. What was acknowledged has to come back.
    pub(crate) fn reset(&mut self) {
        self.resets += 1;
    }

    pub(crate) fn resets(&self) -> u64 {
        self.resets
    }

    /// The newest version of a history that a client was shown.
    pub(crate) fn newest(&self, lineage: Lineage) -> u64 {
        self.newest.get(&lineage).copied().unwrap_or(0)
    }

    /// The log holds an action, in a frame that was read.
    pub(crate) fn logged(&mut self, user: &str, id: DeviceId, seq: u64, logged: Logged) {
        if !self.users.contains(user) {
            return;
        }
        let action = self
            .devices
            .get_mut(&id)
            .and_then(|device| device.action(seq));
        let sentence = match action {
            None => format!("the log has action {seq} of {id}, which nobody made"),
            Some(action) if action.logged.is_some() => {
                format!("the log has action {seq} of {id} twice")
            }
            Some(action) if action.body != logged.body => {
                format!("the log has action {seq} of {id} with another body")
            }
            Some(action) => {
                action.logged = Some(logged);
                return;
            }
        };
        self.faults.doubled += 1;
        self.faults.say(&sentence);
    }

    /// The log could not be read frame by frame up to here: the room's marks have to do. What was read before may have
    /// been of a history that was lost.
    pub(crate) fn vouched(&mut self, mark: impl Fn(&str, DeviceId) -> Option<u64>) {
        for (id, device) in &mut self.devices {
            device.vouched = mark(&device.user, *id).unwrap_or(0);
            for action in &mut device.actions {
                action.logged = None;
            }
        }
    }

    /// Our devices, with their users.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (String, DeviceId)> {
        let devices = self.devices.iter();
        devices.map(|(id, device)| (device.user.clone(), *id))
    }

    /// Actions without an answer.
    pub(crate) fn unanswered(&self) -> u64 {
        let actions = self.devices.values().flat_map(|device| &device.actions);
        actions.filter(|action| action.told.is_none()).count() as u64
    }

    /// What went wrong, now that the log was read to its end.
    pub(crate) fn judge(&self) -> Faults {
        let mut faults = self.faults.clone();
        // A history ends where a client was told that it did; else two went on side by side.
        let histories = self.newest.len() as u64;
        if histories > 1 + self.resets {
            faults.forked += histories - 1 - self.resets;
            faults.say(&format!("the room had {histories} histories"));
        }
        for (id, device) in &self.devices {
            for (seq, action) in (1..).zip(&device.actions) {
                let (Some(told), false) = (action.told, seq <= device.vouched) else {
                    continue;
                };
                let sentence = match (told, action.logged) {
                    (_, None) => format!("action {seq} of {id} was acknowledged, the log lacks it"),
                    // After a loss it was taken a second time, into another state.
                    (Some(code), Some(logged)) if code != logged.code && self.resets == 0 => {
                        let in_log = logged.code;
                        format!("action {seq} of {id} was told {code}, the log says {in_log}")
                    }
                    _ => continue,
                };
                faults.lost += 1;
                faults.say(&sentence);
            }
        }
        faults
    }
}

impl Device {
    fn action(&mut self, seq: u64) -> Option<&mut Action> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.actions.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DeviceId = DeviceId([7; 16]);
    const COPY: DeviceId = DeviceId([8; 16]);

    fn body(byte: u8) -> BodyHash {
        BodyHash::of(&[byte])
    }

    fn taken(byte: u8) -> Logged {
        Logged {
            code: 0,
            body: body(byte),
        }
    }

    /// Two actions, both acknowledged; the first is in the log.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.enrol("ann", ID);
        ledger.made(ID, body(1));
        ledger.made(ID, body(2));
        ledger.told(ID, 1, Some(0));
        ledger.told(ID, 2, Some(0));
        ledger.logged("ann", ID, 1, taken(1));
        ledger
    }

    fn counts(ledger: &Ledger) -> [u64; 3] {
        let faults = ledger.judge();
        assert_eq!(faults.none(), faults.examples.is_empty());
        [faults.lost, faults.doubled, faults.forked]
    }

    #[test]
    fn what_was_acknowledged_and_is_in_the_log_once_is_no_fault() {
        let mut ledger = ledger();
        ledger.logged("ann", ID, 2, taken(2));
        ledger.logged("ben", COPY, 1, taken(9));
        assert_eq!(counts(&ledger), [0, 0, 0]);
        assert_eq!(ledger.unanswered(), 0);
    }

    #[test]
    fn what_the_log_lacks_is_lost_unless_nobody_was_told_of_it() {
        let mut ledger = ledger();
        ledger.made(ID, body(3));
        assert_eq!(counts(&ledger), [1, 0, 0]);
        assert_eq!(ledger.unanswered(), 1);
    }

    #[test]
    fn a_verdict_other_than_the_one_told_is_lost() {
        let mut ledger = ledger();
        ledger.logged(
            "ann",
            ID,
            2,
            Logged {
                code: 4,
                ..taken(2)
            },
        );
        assert_eq!(counts(&ledger), [1, 0, 0]);
        // The store lost it, and it came again.
        ledger.reset();
        assert_eq!(counts(&ledger), [0, 0, 0]);
    }

    #[test]
    fn what_is_in_the_log_twice_or_was_never_made_is_doubled() {
        let whole = || {
            let mut ledger = ledger();
            ledger.logged("ann", ID, 2, taken(2));
            ledger
        };
        let mut twice = whole();
        twice.logged("ann", ID, 2, taken(2));
        let mut under_another_device = whole();
        under_another_device.logged("ann", COPY, 1, taken(1));
        let mut beyond = whole();
        beyond.logged("ann", ID, 3, taken(1));
        for ledger in [twice, under_another_device, beyond] {
            assert_eq!(counts(&ledger), [0, 1, 0]);
        }
    }

    fn head(v: u64, byte: u8) -> Head {
        let hash = Hash([byte; 16]);
        Head { v, hash }
    }

    #[test]
    fn two_hashes_of_one_version_are_a_fork() {
        let mut ledger = Ledger::default();
        let lineage = Lineage([1; 8]);
        ledger.shown(lineage, head(5, 1));
        ledger.shown(lineage, head(4, 7));
        ledger.shown(lineage, head(5, 1));
        assert_eq!((counts(&ledger), ledger.newest(lineage)), ([0, 0, 0], 5));
        ledger.shown(lineage, head(5, 2));
        assert_eq!(counts(&ledger), [0, 0, 1]);
    }

    #[test]
    fn two_histories_are_a_fork_unless_the_first_was_told_to_have_ended() {
        let mut ledger = Ledger::default();
        ledger.shown(Lineage([1; 8]), head(5, 1));
        ledger.shown(Lineage([2; 8]), head(5, 2));
        assert_eq!(counts(&ledger), [0, 0, 1]);
        ledger.reset();
        assert_eq!(counts(&ledger), [0, 0, 0]);
    }

    #[test]
    fn what_was_not_read_is_vouched_for_by_the_mark_alone() {
        let mut ledger = ledger();
        ledger.vouched(|user, id| (user == "ann" && id == ID).then_some(1));
        assert_eq!(counts(&ledger), [1, 0, 0]);
        ledger.vouched(|_, _| Some(2));
        assert_eq!(counts(&ledger), [0, 0, 0]);
    }
}
