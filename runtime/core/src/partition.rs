//! Which partition a record goes to.
//!
//! Owns Kafka's default: murmur2 of the key's bytes (source: `Utils.murmur2`, `BuiltInPartitioner`), so that a key goes where
//! Kafka's own producers send it. Invariant: the result is a partition of the topic.

/// The partition of `key` in a topic of `partitions` partitions, which must be at least one.
pub fn of_key(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has partitions");
    ((murmur2(key) & 0x7fff_ffff) % partitions as u32) as i32
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_are_kafkas() {
        let check = |key: &str, expected: i32| assert_eq!(murmur2(key.as_bytes()) as i32, expected, "{key}");
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("a-little-bit-longer-string", -1_486_304_829);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
    }

    #[test]
    fn every_key_has_a_partition() {
        for key in 0..1000u32 {
            assert!((0..7).contains(&of_key(&key.to_be_bytes(), 7)));
        }
        assert_eq!(of_key(b"", 1), 0);
    }
}
