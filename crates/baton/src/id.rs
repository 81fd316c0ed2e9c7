//! Identities and hashes: fixed-size byte strings that never shrink or grow on the wire.
//! Knows nothing of where they come from: entropy is an input of the library.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub [u8; $size]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl $name {
            /// Reads the lower-case or upper-case hexadecimal form; anything else is `None`.
            pub fn from_hex(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                if digits.len() != $size * 2 {
                    return None;
                }
                let mut bytes = [0; $size];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    *byte = u8::try_from(high * 16 + low).ok()?;
                }
                Some(Self(bytes))
            }
        }
    };
}

bytes_type!(
    /// The first 16 bytes of BLAKE3: of a frame's bytes, or of a room's canonical bytes.
    Hash, 16
);
bytes_type!(
    /// The instance that wrote a frame: 8 random bytes drawn when it started.
    Writer, 8
);
bytes_type!(
    /// 8 random bytes drawn by the writer of a frame. Nobody can know them beforehand, and no two
    /// attempts share them, so they also tell a writer whether an uncertain append was its own.
    Nonce, 8
);
bytes_type!(
    /// One unbroken history of a room: the nonce of its first frame, or of the frame that recorded
    /// a break.
    Lineage, 8
);
bytes_type!(
    /// One installation of a client: 16 random bytes that it keeps before it first sends them.
    DeviceId, 16
);
bytes_type!(
    /// The first 4 bytes of the hash of an action's body: enough to notice that a device used one
    /// sequence number for two bodies.
    BodyHash, 4
);

impl Hash {
    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(hash)
    }
}

impl Nonce {
    /// A number to spread clients in time with.
    pub(crate) fn spread(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d]) >> 1
    }
}

impl BodyHash {
    /// Hashes an action's body.
    pub fn of(body: &[u8]) -> Self {
        let mut hash = [0; 4];
        hash.copy_from_slice(&blake3::hash(body).as_bytes()[..4]);
        Self(hash)
    }
}

/// A point of a room's history: a version and the hash of the frame there. Version 0 is the empty
/// room, before its first frame, with the hash of zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The frame's version; the first frame is 1.
    pub v: u64,
    /// The hash of that frame's bytes.
    pub hash: Hash,
}

/// Who is asking, as the host verified it. Never read from a request's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The host's id of the user, at most [`MAX_USER_BYTES`](crate::limits::MAX_USER_BYTES).
    pub user: String,
    /// The name that others see, at most [`MAX_NAME_BYTES`](crate::limits::MAX_NAME_BYTES).
    pub name: String,
}
