//! Where things lie: the names of a room's keys, and how frames, segments, snapshots, items and
//! leases become text. Decides no order of calls and believes nothing that it reads.

use alloc::{format, string::String, vec::Vec};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde_bytes::ByteBuf;

use super::chain::{Link, Place};
use crate::id::{Hash, Head, Nonce, Writer};
use crate::limits::SEGMENT;
use crate::mutant::{self, Mutant};

/// What is left of a segment that was trimmed.
pub(super) const TOMBSTONE: &str = "-";
/// Bytes of a snapshot's header: format, place, place before, hash of the body.
const HEADER_BYTES: usize = 75;
/// Its text: no rest, so that the body's text begins where this ends.
pub(super) const HEADER_CHARS: usize = 100;
/// The layout of a snapshot's header.
const HEADER_FORMAT: u8 = 1;
/// Bits of an item's id below its time: JavaScript can count to the rest until the year 2109.
const ITEM_BITS: u32 = 11;
/// Numbers of the inbox's hash below this are the attempt record's, counted up with each note; items
/// are of later times than the first second of 1970.
pub(super) const FIRST_ITEM: u64 = 1 << (ITEM_BITS + 10);

/// The segment of a slot. Slots count from 1, segments from 0.
pub(super) fn segment_of(slot: u64) -> u64 {
    slot.saturating_sub(1) / SEGMENT
}

/// The slots of a segment.
pub(super) fn slots_of(segment: u64) -> core::ops::RangeInclusive<u64> {
    segment * SEGMENT + 1..=(segment + 1) * SEGMENT
}

/// The keys of one room. Names of rooms have no colon, so no two rooms share a key.
#[derive(Clone, Debug)]
pub(super) struct Layout(String);

impl Layout {
    pub(super) fn of(room: &str) -> Self {
        Self(format!("{{{room}}}"))
    }

    /// A hash, slot by slot; once sealed, a text.
    pub(super) fn log(&self, segment: u64) -> String {
        format!("{}:log:{segment}", self.0)
    }

    /// The snapshot at version `number * SEGMENT`.
    pub(super) fn snapshot(&self, number: u64) -> String {
        format!("{}:snapshot:{number}", self.0)
    }

    pub(super) fn inbox(&self) -> String {
        format!("{}:inbox", self.0)
    }

    pub(super) fn lease(&self) -> String {
        format!("{}:lease", self.0)
    }

    pub(super) fn hint(&self) -> String {
        format!("{}:hint", self.0)
    }
}

/// Bytes as text. No text is empty: some stores take that for nothing.
pub(super) fn to_text(bytes: &[u8]) -> String {
    match bytes {
        [] => "=".into(),
        bytes => BASE64.encode(bytes),
    }
}

pub(super) fn from_text(text: &str) -> Option<Vec<u8>> {
    match text {
        "=" => Some(Vec::new()),
        "" => None,
        text => BASE64.decode(text).ok(),
    }
}

/// A sealed segment: the frames of its slots in order, a void one as nothing.
pub(super) fn to_archive(frames: &[ByteBuf]) -> String {
    to_text(&crate::wire::write(&frames))
}

pub(super) fn from_archive(text: &str) -> Option<Vec<ByteBuf>> {
    let bytes = from_text(text)?;
    let (frames, rest) = postcard::take_from_bytes::<Vec<ByteBuf>>(&bytes).ok()?;
    (rest.is_empty() && frames.len() as u64 == SEGMENT).then_some(frames)
}

/// A snapshot's text: its header, then its body.
pub(super) fn to_snapshot(at: Link, before: Link, body: &[u8]) -> String {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.push(HEADER_FORMAT);
    for link in [at, before] {
        header.extend_from_slice(&link.slot.to_le_bytes());
        header.extend_from_slice(&link.hash.0);
    }
    header.extend_from_slice(&at.v.to_le_bytes());
    header.extend_from_slice(&Hash::of(body).0);
    header.resize(HEADER_BYTES, 0);
    format!("{}{}", BASE64.encode(&header), to_text(body))
}

/// What a snapshot says of itself: the frame it is of, the one before, the hash of its body.
pub(super) fn read_header(text: &str) -> Option<(Link, Link, Hash)> {
    let bytes = BASE64.decode(text.get(..HEADER_CHARS)?).ok()?;
    let (format, rest) = bytes.split_first()?;
    let (at_slot, rest) = rest.split_first_chunk::<8>()?;
    let (at_hash, rest) = rest.split_first_chunk::<16>()?;
    let (before_slot, rest) = rest.split_first_chunk::<8>()?;
    let (before_hash, rest) = rest.split_first_chunk::<16>()?;
    let (v, rest) = rest.split_first_chunk::<8>()?;
    let (body, _) = rest.split_first_chunk::<16>()?;
    let v = u64::from_le_bytes(*v);
    let at = Link {
        slot: u64::from_le_bytes(*at_slot),
        v,
        hash: Hash(*at_hash),
    };
    let before = Link {
        slot: u64::from_le_bytes(*before_slot),
        v: v.checked_sub(1)?,
        hash: Hash(*before_hash),
    };
    let ordered = before.slot < at.slot && before.v <= before.slot && at.slot <= 1 << 52;
    (*format == HEADER_FORMAT && ordered).then_some((at, before, Hash(*body)))
}

/// The body of a snapshot, if it is whole.
pub(super) fn read_body(text: &str, hash: Hash) -> Option<Vec<u8>> {
    let body = from_text(text.get(HEADER_CHARS..)?)?;
    let whole = Hash::of(&body) == hash || mutant::on(Mutant::DamageBelieved);
    whole.then_some(body)
}

/// The lease: the version that renewed it, and how long it was meant to last, in milliseconds. The
/// key itself lives for whole seconds.
pub(super) fn to_lease(v: u64, lease_ms: u32) -> String {
    format!("{v} {lease_ms}")
}

pub(super) fn from_lease(text: &str) -> Option<(u64, u32)> {
    let (v, lease_ms) = text.split_once(' ')?;
    Some((v.parse().ok()?, lease_ms.parse().ok()?))
}

/// Where to begin to look. Nothing is true because it stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// The number of the newest snapshot.
    pub(super) snapshot: u64,
    /// The lowest segment that is perhaps not sealed.
    pub(super) sealed: u64,
    /// The lowest segment that is perhaps not trimmed.
    pub(super) trimmed: u64,
    /// The number of the oldest snapshot that is perhaps not deleted.
    pub(super) oldest: u64,
}

pub(super) fn to_hint(hint: Hint) -> String {
    let Hint {
        snapshot,
        sealed,
        trimmed,
        oldest,
    } = hint;
    format!("{snapshot} {sealed} {trimmed} {oldest}")
}

pub(super) fn from_hint(text: &str) -> Option<Hint> {
    // A number that no room reaches is no hint, and could not be counted on from.
    let mut numbers = text
        .split(' ')
        .map(|number| number.parse().ok().filter(|number| *number < 1 << 40));
    let mut next = || numbers.next().flatten();
    Some(Hint {
        snapshot: next()?,
        sealed: next()?,
        trimmed: next()?,
        oldest: next()?,
    })
}

/// The id of an item received at `received_ms`: it rises with time, and `random` keeps apart what
/// two hosts receive in the same millisecond.
pub(super) fn item_id(received_ms: u64, random: u32) -> u64 {
    let least_ms = FIRST_ITEM >> ITEM_BITS;
    let received_ms = received_ms.clamp(least_ms, (1 << (53 - ITEM_BITS)) - 1);
    received_ms << ITEM_BITS | u64::from(random % (1 << ITEM_BITS))
}

/// When an item was received.
pub(super) fn received_ms(id: u64) -> u64 {
    id >> ITEM_BITS
}

/// A frame's place, from the first fields of its envelope; `None` if these are no frame's.
pub(super) fn envelope(frame: &[u8]) -> Option<Place> {
    // Format, version, the hash before, writer, epoch, nonce, rules, tick, time: as `Frame` has them.
    type Envelope = (u8, u64, Hash, Writer, u64, Nonce, u8, u64, u64);
    let (envelope, _) = postcard::take_from_bytes::<Envelope>(frame).ok()?;
    let (_, v, hash, _, _, _, _, _, time_ms) = envelope;
    let before = Head {
        v: v.checked_sub(1)?,
        hash,
    };
    Some(Place { v, before, time_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Link = Link {
        slot: 70,
        v: 64,
        hash: Hash([7; 16]),
    };
    const BEFORE: Link = Link {
        slot: 66,
        v: 63,
        hash: Hash([6; 16]),
    };

    #[test]
    fn no_two_things_share_a_key() {
        let keys = Layout::of("kind/room");
        let all = [
            keys.log(3),
            keys.snapshot(3),
            keys.inbox(),
            keys.lease(),
            keys.hint(),
        ];
        let names = ["log:3", "snapshot:3", "inbox", "lease", "hint"];
        assert_eq!(all, names.map(|name| format!("{{kind/room}}:{name}")));
    }

    #[test]
    fn an_archive_is_all_of_a_segment_and_nothing_after_it() {
        let frames: Vec<ByteBuf> = (0..SEGMENT)
            .map(|slot| ByteBuf::from([1, slot as u8]))
            .collect();
        assert_eq!(from_archive(&to_archive(&frames)).as_ref(), Some(&frames));
        for count in [0, 1, SEGMENT as usize - 1] {
            assert_eq!(from_archive(&to_archive(&frames[..count])), None);
        }
        let longer = [&frames[..], &frames[..1]].concat();
        assert_eq!(from_archive(&to_archive(&longer)), None);
        let mut bytes = crate::wire::write(&frames);
        bytes.push(0);
        assert_eq!(from_archive(&to_text(&bytes)), None);
        for text in ["", "=", TOMBSTONE, "no base64"] {
            assert_eq!(from_archive(text), None, "{text}");
        }
    }

    #[test]
    fn a_snapshot_says_what_it_is_of_and_its_body_is_what_it_says() {
        for body in [&b""[..], b"a room"] {
            let text = to_snapshot(AT, BEFORE, body);
            let (at, before, hash) = read_header(&text).expect("as it was written");
            assert_eq!((at, before, hash), (AT, BEFORE, Hash::of(body)));
            assert_eq!(read_body(&text, hash).as_deref(), Some(body));
            assert_eq!(read_body(&text, AT.hash), None, "of another room");
            assert_eq!(read_header(&text[..HEADER_CHARS - 1]), None);
        }
        // Only the header is there: a range of the text that some stores can give.
        let text = to_snapshot(AT, BEFORE, b"a room");
        assert!(read_header(&text[..HEADER_CHARS]).is_some());
    }

    #[test]
    fn a_header_that_cannot_be_true_is_none() {
        let header = |at: Link, before: Link| read_header(&to_snapshot(at, before, b""));
        assert!(header(AT, BEFORE).is_some());
        // In the slot right after it; and every frame before it in the slot of its own number.
        for slot in [67, 1 << 52] {
            assert!(header(Link { slot, ..AT }, BEFORE).is_some(), "{slot}");
        }
        let (slot, v) = (64, 64);
        assert!(header(Link { slot, v, ..AT }, Link { slot: 63, ..BEFORE }).is_some());
        for slot in [0, 1, 65, 66, (1 << 52) + 1, u64::MAX] {
            assert!(header(Link { slot, ..AT }, BEFORE).is_none(), "{slot}");
        }
        let early = Link { slot: 62, ..BEFORE };
        assert!(header(AT, early).is_none(), "more frames than slots");
        assert!(header(Link { v: 0, ..AT }, BEFORE).is_none());
        // Of another layout.
        let mut bytes = BASE64
            .decode(&to_snapshot(AT, BEFORE, b"")[..HEADER_CHARS])
            .expect("its header");
        bytes[0] += 1;
        assert_eq!(read_header(&BASE64.encode(&bytes)), None);
    }

    #[test]
    fn an_item_tells_when_it_was_received_and_two_of_one_millisecond_differ() {
        for time_ms in [1_024, 1_790_000_000_000, (1 << 42) - 1] {
            for random in [0, 1, 700, (1 << ITEM_BITS) - 1] {
                let id = item_id(time_ms, random);
                assert_eq!(received_ms(id), time_ms);
                assert_eq!(id - item_id(time_ms, 0), u64::from(random));
                assert_eq!(id, item_id(time_ms, random + (1 << ITEM_BITS)));
            }
            assert!(item_id(time_ms, 0) >= FIRST_ITEM && item_id(time_ms, 0) < 1 << 53);
        }
        // Whatever a host takes for the time, it is an item, and one that JavaScript can count to.
        assert_eq!(item_id(0, 0), FIRST_ITEM);
        assert_eq!(received_ms(item_id(u64::MAX, 0)), (1 << 42) - 1);
    }

    #[test]
    fn a_lease_is_two_numbers() {
        assert_eq!(from_lease(&to_lease(7, 200)), Some((7, 200)));
        for text in ["", "7", "7 ", " 200", "7 -1", "7 200 1"] {
            assert_eq!(from_lease(text), None, "{text}");
        }
    }

    #[test]
    fn slots_count_from_one_and_segments_from_none() {
        for (slot, segment) in [(0, 0), (1, 0), (SEGMENT, 0), (SEGMENT + 1, 1)] {
            assert_eq!(segment_of(slot), segment, "{slot}");
        }
        assert_eq!(slots_of(2), 2 * SEGMENT + 1..=3 * SEGMENT);
    }
}
