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
/// Bytes of a snapshot: an object's row holds 2 MB.
pub const MAX_SNAPSHOT_BYTES: usize = 2_000_000;

/// Items of a room's inbox; a follower beyond it answers [`Code::Busy`](crate::Code::Busy).
pub const MAX_INBOX_ITEMS: usize = 4_096;
/// Requests that one invocation answers.
pub const MAX_BATCH: usize = 256;
/// Registered devices of a room.
pub const MAX_DEVICES: usize = 1_024;
/// Registered devices of one user in a room.
pub const MAX_USER_DEVICES: usize = 8;
/// A device silent for longer may be evicted to make room; clients keep acknowledged actions for
/// half of it, so an evicted device has nothing left to send again.
pub const RESEND_GRACE_MS: u64 = 120_000;

/// Frames per segment: a snapshot is kept at each multiple, and blocks of frames are this long.
pub const SEGMENT: u64 = 64;

/// The length of a room's name and of a kind, in bytes.
pub const MAX_ROOM_NAME_BYTES: usize = 64;

/// Whether a kind or a room's name is `[A-Za-z0-9_-]{1,64}`, so that keys made of it cannot
/// collide or escape.
pub fn valid_name(name: &str) -> bool {
    (1..=MAX_ROOM_NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
