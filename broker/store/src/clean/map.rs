//! The latest offset of each key in what is new, in bounded memory.
//!
//! Owns the hashing: keys are known by 16 bytes of their SHA-256 (Kafka: by their MD5), so a clash would have to be searched for.
//! Invariant: it holds every key of every batch before [`OffsetMap::end`] that it was shown.

use alloc::collections::BTreeMap;
use sha2::{Digest, Sha256};

/// What an entry of the tree takes, nodes that are not full included.
const ENTRY_BYTES: usize = 40;

/// Offsets by key.
pub(super) struct OffsetMap {
    offsets: BTreeMap<[u8; 16], i64>,
    most: usize,
    end: i64,
}

impl OffsetMap {
    /// One that takes about this much memory when it is full.
    pub fn new(bytes: usize) -> Self {
        Self { offsets: BTreeMap::new(), most: (bytes / ENTRY_BYTES).max(1), end: 0 }
    }

    /// True if a batch of so many records may not fit; an empty one takes any batch, or nothing would ever be done.
    pub fn is_full_for(&self, records: i32) -> bool {
        !self.offsets.is_empty() && self.offsets.len() + usize::try_from(records).unwrap_or(0) > self.most
    }

    /// Takes note of a key; offsets come in their order.
    pub fn put(&mut self, key: &[u8], offset: i64) {
        self.offsets.insert(hash(key), offset);
    }

    /// Everything before this offset was put.
    pub fn mapped_to(&mut self, offset: i64) {
        self.end = self.end.max(offset);
    }

    /// Offset after the last one that was looked at, 0 if there is none.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// True if there is no later record with this key.
    pub fn is_latest(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&hash(key)).is_none_or(|latest| offset >= *latest)
    }
}

fn hash(key: &[u8]) -> [u8; 16] {
    *Sha256::digest(key).first_chunk().expect("a digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_offset_of_a_key_counts_and_memory_has_an_end() {
        let mut map = OffsetMap::new(3 * ENTRY_BYTES);
        assert!(!map.is_full_for(1000), "one batch always fits");
        map.put(b"a", 1);
        map.put(b"b", 2);
        map.put(b"a", 5);
        map.mapped_to(6);
        assert_eq!([1, 5, 7].map(|offset| map.is_latest(b"a", offset)), [false, true, true]);
        assert!(map.is_latest(b"never seen", 0));
        assert_eq!([1, 2].map(|records| map.is_full_for(records)), [false, true]);
        assert_eq!(map.end(), 6);
    }
}
