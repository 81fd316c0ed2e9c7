//! Randomness for rules: integers only, from a vetted generator whose state is part of the room.
//! Knows no entropy: seeds come from frames' nonces.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::id::Nonce;

/// Where rules draw from during one call.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// The room's own stream.
    Stream(&'a mut Random),
    /// The stream of one entry, made when it is first drawn from: most actions never do.
    Entry(Nonce, u64, Option<Random>),
}

impl<'a> Source<'a> {
    pub(crate) fn entry(nonce: Nonce, index: u64) -> Self {
        Self::Entry(nonce, index, None)
    }

    pub(crate) fn draw(&mut self) -> &mut Random {
        match self {
            Self::Stream(random) => random,
            Self::Entry(nonce, index, made) => {
                made.get_or_insert_with(|| Random::of_entry(*nonce, *index))
            }
        }
    }
}

/// A stream of random integers, the same on every host.
///
/// The generator is xoshiro256++ (Blackman and Vigna); the reduction to a range is Lemire's, here
/// so that no library update can change a recorded game.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[u64; 4]", into = "[u64; 4]")]
pub struct Random(Xoshiro256PlusPlus);

// The generator's own `serde` feature would bring the standard library into every wasm.
impl From<Random> for [u64; 4] {
    fn from(random: Random) -> Self {
        let bytes = random.0.state();
        let (words, _) = bytes.as_chunks();
        core::array::from_fn(|index| u64::from_le_bytes(words[index]))
    }
}

impl TryFrom<[u64; 4]> for Random {
    type Error = &'static str;

    fn try_from(words: [u64; 4]) -> Result<Self, Self::Error> {
        if words == [0; 4] {
            return Err("a generator is never at zero: it would stay there");
        }
        let mut state = [0; 32];
        let (bytes, _) = state.as_chunks_mut();
        for (bytes, word) in bytes.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        Ok(Self(Xoshiro256PlusPlus::from_seed(state)))
    }
}

impl Random {
    /// The stream of one entry of a frame.
    pub(crate) fn of_entry(nonce: Nonce, index: u64) -> Self {
        Self::from_parts(&[&nonce.0, &index.to_le_bytes()])
    }

    /// This stream, continued from a frame's nonce: what follows cannot be known before it.
    pub(crate) fn reseed(&mut self, nonce: Nonce) {
        let state = self.0.next_u64().to_le_bytes();
        *self = Self::from_parts(&[&state, &nonce.0]);
    }

    /// A stream from a number, for games that make a map from a seed they keep.
    pub fn from_seed(seed: u64) -> Self {
        Self::from_parts(&[&seed.to_le_bytes()])
    }

    fn from_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        Self(Xoshiro256PlusPlus::from_seed(*hasher.finalize().as_bytes()))
    }

    /// A number in `0..=u32::MAX`.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in `0..=u64::MAX`.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        // Lemire, "Fast random integer generation in an interval" (2019).
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            let (high, low) = ((product >> 32) as u32, product as u32);
            if low >= threshold {
                return high;
            }
        }
    }

    /// True `part` times in `whole`.
    pub fn chance(&mut self, part: u32, whole: u32) -> bool {
        self.below(whole) < part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_stream_goes_on_where_it_was() {
        let mut random = Random::from_seed(7);
        random.next_u64();
        let bytes = postcard::to_allocvec(&random).expect("four numbers");
        let mut read: Random = postcard::from_bytes(&bytes).expect("it was just written");
        assert_eq!(read, random);
        assert_eq!(read.next_u64(), random.next_u64());
    }

    #[test]
    fn the_state_that_no_stream_reaches_is_refused() {
        assert!(postcard::from_bytes::<Random>(&[0; 4]).is_err());
        assert!(postcard::from_bytes::<Random>(&[0, 0, 0, 1]).is_ok());
    }
}
