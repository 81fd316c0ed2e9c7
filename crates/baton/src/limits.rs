//! Every limit of the protocol, in one place. Raising one is a change of protocol for old peers.

/// The version of requests and replies. A host answers a request of another version with
/// [`Code::Protocol`](crate::Code::Protocol).
pub const PROTOCOL: u8 = 1;

/// K: how many of a device's last verdicts a room remembers, and so how many of its actions may
/// be unanswered at once, and how many a request may carry.
pub const WINDOW: usize = 32;

/// The highest sequence number that a device may use: far beyond what anybody sends, and small
/// enough that what comes after it can be counted, in JavaScript too.
pub const MAX_SEQUENCE: u64 = 1 << 52;

/// What a room does by itself in one frame, at most: see [`Rules::due`](crate::Rules::due).
pub const MAX_DUE: usize = 8;

/// Bytes of a request's body.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Bytes of one encoded action.
pub const MAX_ACTION_BYTES: usize = 4 * 1024;
/// Bytes of a user's id.
pub const MAX_USER_BYTES: usize = 64;
/// Bytes of a user's name.
pub const MAX_NAME_BYTES: usize = 64;

/// Entries of one frame; what does not fit waits in the inbox.
pub const MAX_FRAME_ENTRIES: usize = 2_048;
/// Bytes of one frame's entries.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// Bytes of a snapshot: an object's row holds 2 MB. A room that outgrows it goes on from its frames
/// alone: no snapshot of it is kept, none can be read by who comes anew, and each cold start replays
/// from the last that fitted. What bounds such a room is the memory of the wasm: where a frame no
/// longer fits into that, it traps, and what grew is at fault.
pub const MAX_SNAPSHOT_BYTES: usize = 2_000_000;

/// Items of a room's inbox; a follower beyond it answers [`Code::Busy`](crate::Code::Busy).
pub const MAX_INBOX_ITEMS: usize = 4_096;
/// Requests that one invocation answers.
pub const MAX_BATCH: usize = 256;
/// Different cursors, older than the frames at hand, that one invocation looks up in the store. Who brings one
/// more is answered [`Code::Retry`](crate::Code::Retry), and served by a later one.
pub const MAX_OLD_CURSORS: usize = 8;
/// Registered devices of a room.
pub const MAX_DEVICES: usize = 1_024;
/// Registered devices of one user in a room.
pub const MAX_USER_DEVICES: usize = 8;
/// A device silent for longer may be evicted to make room; clients keep acknowledged actions for
/// half of it, so an evicted device has nothing left to send again.
pub const RESEND_GRACE_MS: u64 = 120_000;

/// Sends that a room keeps for other rooms, together. Beyond it the newest is given up, and counted:
/// rules that must not lose one ask [`Context::may_send`](crate::Context::may_send) before they
/// accept what would send it.
pub const MAX_OUTBOX_SENDS: usize = 512;
/// Bytes of one encoded send; a longer one is given up.
pub const MAX_SEND_BYTES: usize = 1024;
/// Sends that are delivered together.
pub const MAX_PARCEL_SENDS: usize = 32;
/// Rooms that one request delivers to; the others' turn comes with the next.
pub const MAX_DELIVERIES: usize = 4;
/// A warm instance delivers a room's sends at most this often.
pub const DELIVER_EVERY_MS: u64 = 500;
/// A target that does not answer is asked again after twice as long each time, but at least this often.
pub const DELIVER_AGAIN_MS: u64 = 30_000;
/// A send that its target's log was not seen to hold for this long is given up, and counted.
pub const SEND_EXPIRY_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Marks of sending rooms that a room keeps; beyond it a new sender's sends wait with the sender.
pub const MAX_SENDERS: usize = 1_024;
/// A sender's mark may be forgotten after this long: its last send has expired, whichever of the two
/// stores' clocks is asked.
pub const SENDER_MARK_MS: u64 = SEND_EXPIRY_MS + 24 * 60 * 60 * 1000;

/// Steps that one call of the rules may take, unless they say otherwise: see
/// [`Rules::FUEL`](crate::Rules::FUEL). A million draws take some milliseconds.
pub const FUEL: u64 = 1_000_000;
/// Steps that a send costs, beside one for each byte of it: by default a call sends at most 1,000.
pub const FUEL_PER_SEND: u64 = 1_000;

/// How often an entry, or time, traps alone before it is at fault.
pub const MAX_TRAPS: u8 = 2;
/// How often it is begun alone without anybody coming back to tell, before it is at fault.
pub const MAX_BEGUN: u8 = 6;
/// And for so long after the last of them nobody comes back, in milliseconds: two calls to a store that does not answer, of hosts
/// that stop waiting after five seconds.
pub const COMES_BACK_MS: u64 = 10_000;
/// What is tried alone in one request, at most, while entries are suspected: each is a note and an
/// append.
pub const MAX_TRIES: u8 = 8;

/// Frames per segment: a snapshot is kept at each multiple, and blocks of frames are this long.
pub const SEGMENT: u64 = 64;
/// For how long caches may hand out a public room's tail, in milliseconds, whole seconds: spectators ask no sooner.
pub const TAIL_MS: u32 = 1_000;

/// The length of a room's name and of a kind, in bytes.
pub const MAX_ROOM_NAME_BYTES: usize = 64;

/// Kinds that no room is of: what an operator or a user has a server do is in logs as if a room of these had sent it.
pub const RESERVED_KINDS: [&str; 2] = ["operator", "order"];

/// Whether a kind or a room's name is `[A-Za-z0-9_-]{1,64}`, so that keys made of it cannot
/// collide or escape.
pub fn valid_name(name: &str) -> bool {
    (1..=MAX_ROOM_NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a room's id is a valid kind, a slash, and a valid name.
pub fn valid_room(id: &str) -> bool {
    id.split_once('/')
        .is_some_and(|(kind, name)| valid_name(kind) && valid_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_underscores_and_hyphens_and_no_longer_than_64() {
        let long = "x".repeat(MAX_ROOM_NAME_BYTES);
        for name in ["a", "7", "_", "-", "Az_09-z", &long] {
            assert!(valid_name(name), "{name}");
        }
        let longer = "x".repeat(MAX_ROOM_NAME_BYTES + 1);
        for name in ["", &longer, "a b", "a/b", "a:b", "{a}", "é", "a\n"] {
            assert!(!valid_name(name), "{name}");
        }
    }

    #[test]
    fn a_room_is_a_kind_a_slash_and_a_name() {
        assert!(valid_room("herd/ann_1"));
        for id in [
            "herd",
            "/ann",
            "herd/",
            "herd/ann/x",
            "he rd/ann",
            "herd/a nn",
        ] {
            assert!(!valid_room(id), "{id}");
        }
    }
}
