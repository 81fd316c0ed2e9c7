//! From a fuzzer's bytes to a decoder's input: something real, with a few bytes changed. Random bytes alone would seldom
//! pass the first check of any decoder.

/// Changes of one input, at most.
const MOST: u8 = 8;

/// The input that `fuzz` stands for. Its first byte chooses: 0 takes the rest as it is, any other one of `samples`. The
/// second says how many changes follow, of four bytes each: where (two), how, and a value.
pub(crate) fn damaged(fuzz: &[u8], samples: &[Vec<u8>]) -> Vec<u8> {
    let Some((which, rest)) = fuzz.split_first() else {
        return Vec::new();
    };
    let Some(sample) = usize::from(*which).checked_sub(1) else {
        return rest.to_vec();
    };
    let mut bytes = samples[sample % samples.len()].clone();
    let Some((count, changes)) = rest.split_first() else {
        return bytes;
    };
    let (changes, _) = changes.as_chunks::<4>();
    for [low, high, how, value] in changes.iter().take(usize::from(count % (MOST + 1))) {
        let at = usize::from(u16::from_le_bytes([*low, *high])) % (bytes.len() + 1);
        match how % 5 {
            0 | 1 if at < bytes.len() => bytes[at] = *value,
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            3 if value % 4 == 0 => bytes.truncate(at),
            4 if at < bytes.len() => bytes[at] ^= 1 << (value % 8),
            _ => bytes.insert(at, *value),
        }
    }
    bytes
}

/// The fuzzer's bytes that stand for exactly `bytes`.
pub(crate) fn verbatim(bytes: &[u8]) -> Vec<u8> {
    [&[0], bytes].concat()
}
