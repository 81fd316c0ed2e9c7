//! What devices really made: every body by user, device and number, as it was kept before it was
//! sent. The one witness of what may be in a log. Knows nothing of logs.

use std::collections::{BTreeMap, BTreeSet};

use baton::{BodyHash, DeviceId, Lineage};

use crate::rules::Wire;

/// A device of a user.
pub type Owner = (String, DeviceId);

/// An action's body, and the version of the rules that it was written by.
pub type Written = (u32, Vec<u8>);

/// What the devices of one room made.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// More than one body under a number only where storage was copied, lost or not kept in time.
    made: BTreeMap<Owner, BTreeMap<u64, Vec<Written>>>,
    /// Devices of which a copy exists, or whose storage fell back: numbers may mean two things.
    doubled: BTreeSet<Owner>,
    /// Devices that were told that what they had pending is lost.
    given_up: BTreeSet<Owner>,
    /// Devices that act by hand.
    forgers: BTreeSet<Owner>,
    /// What was sent to this room, by its tag, and by which.
    wired: BTreeMap<u64, (String, Wire)>,
    /// Rooms whose store lost something: what was sent then may be done again, and sent again.
    lossy: BTreeSet<String>,
    /// What was ordered by registration and number: who made it does not matter, a copy of a device may.
    ordered: BTreeMap<(Lineage, u64), Vec<Vec<u8>>>,
}

impl Ledger {
    /// A device keeps an action.
    pub fn keep(&mut self, owner: &Owner, seq: u64, body: Written) {
        let bodies = self
            .made
            .entry(owner.clone())
            .or_default()
            .entry(seq)
            .or_default();
        if !bodies.contains(&body) {
            bodies.push(body);
        }
    }

    /// A device's storage exists twice.
    pub fn double(&mut self, owner: &Owner) {
        self.doubled.insert(owner.clone());
    }

    /// Whether a device's numbers may mean two things.
    pub fn is_doubled(&self, owner: &Owner) -> bool {
        self.doubled.contains(owner)
    }

    /// A device was told that it lost what was pending.
    pub fn give_up(&mut self, owner: &Owner) {
        self.given_up.insert(owner.clone());
    }

    /// Whether a device lost what was pending, and knows.
    pub fn gave_up(&self, owner: &Owner) -> bool {
        self.given_up.contains(owner)
    }

    /// A device whose actions are made up.
    pub fn forge(&mut self, owner: &Owner) {
        self.forgers.insert(owner.clone());
    }

    /// The bodies made under a number.
    pub fn bodies(&self, owner: &Owner, seq: u64) -> &[Written] {
        let of_owner = self.made.get(owner);
        of_owner
            .and_then(|made| made.get(&seq))
            .map_or(&[], Vec::as_slice)
    }

    /// What was made under a number with a body of this hash: more than one only by hand.
    pub fn of_hash(
        &self,
        owner: &Owner,
        seq: u64,
        hash: BodyHash,
    ) -> impl Iterator<Item = &Written> {
        let bodies = self.bodies(owner, seq).iter();
        bodies.filter(move |(_, body)| BodyHash::of(body) == hash)
    }

    /// A device of the room `from` sends something to this one.
    pub fn wire(&mut self, from: String, wire: Wire) {
        self.wired.insert(wire.tag, (from, wire));
    }

    /// Whether a device of that room sent this.
    pub fn is_wired(&self, from: &str, wire: Wire) -> bool {
        let known = self.wired.get(&wire.tag);
        known.is_some_and(|(sender, known)| sender == from && *known == wire)
    }

    /// The store of that room lost something.
    pub fn loses(&mut self, from: &str) {
        self.lossy.insert(from.to_owned());
    }

    /// Whether it did.
    pub fn is_lossy(&self, from: &str) -> bool {
        self.lossy.contains(from)
    }

    /// All that was sent to this room.
    pub fn wires(&self) -> impl Iterator<Item = Wire> {
        self.wired.values().map(|(_, wire)| *wire)
    }

    /// Something is ordered. Whether it was ordered before, under this number.
    pub fn order(&mut self, lineage: Lineage, number: u64, body: Vec<u8>) -> bool {
        let bodies = self.ordered.entry((lineage, number)).or_default();
        let again = bodies.contains(&body);
        if !again {
            bodies.push(body);
        }
        again
    }

    /// The bodies that were ordered under a number.
    pub fn ordered(&self, lineage: Lineage, number: u64) -> &[Vec<u8>] {
        let bodies = self.ordered.get(&(lineage, number));
        bodies.map_or(&[], Vec::as_slice)
    }

    /// Everybody's numbers.
    pub fn owners(&self) -> impl Iterator<Item = (&Owner, &BTreeMap<u64, Vec<Written>>)> {
        self.made
            .iter()
            .filter(|(owner, _)| !self.forgers.contains(*owner))
    }
}
