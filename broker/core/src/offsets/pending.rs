//! Offsets committed in transactions that are still open.
//!
//! Owns them until the marker comes. Leaves what they become to the table. Invariant: `replay` and the marker are all that moves them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::Committed;
use crate::{
    codec::{Damaged, Reader, Writer},
    offsets::kafka_format,
};

/// A group, topic and partition.
pub(super) type Key = (String, String, i32);

/// By producer id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    by_producer: BTreeMap<i64, BTreeMap<Key, Committed>>,
    by_key: BTreeMap<Key, BTreeSet<i64>>,
}

impl Pending {
    pub fn insert(&mut self, producer_id: i64, key: Key, committed: Committed) {
        self.by_key.entry(key.clone()).or_default().insert(producer_id);
        self.by_producer.entry(producer_id).or_default().insert(key, committed);
    }

    /// All that a producer's transaction has, which is over.
    pub fn take(&mut self, producer_id: i64) -> BTreeMap<Key, Committed> {
        let taken = self.by_producer.remove(&producer_id).unwrap_or_default();
        for key in taken.keys() {
            self.unlink(key, producer_id);
        }
        taken
    }

    /// Forgets what any transaction has for this key.
    pub fn remove(&mut self, key: &Key) {
        for producer_id in self.by_key.remove(key).unwrap_or_default() {
            if let Some(offsets) = self.by_producer.get_mut(&producer_id) {
                offsets.remove(key);
            }
        }
        self.by_producer.retain(|_, offsets| !offsets.is_empty());
    }

    fn unlink(&mut self, key: &Key, producer_id: i64) {
        if let Some(producers) = self.by_key.get_mut(key) {
            producers.remove(&producer_id);
            if producers.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    /// Whether an open transaction may change the offset of this key.
    pub fn contains(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.by_key.keys()
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.by_producer.iter(), |out, (producer_id, offsets)| {
            out.i64(*producer_id).list(offsets.iter(), |out, ((group, topic, partition), committed)| {
                out.str(group).str(topic).i32(*partition);
                out.i64(committed.record_offset).bytes(&kafka_format::value(committed));
            });
        });
    }

    pub fn decode(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let one = |from: &mut Reader<'_>| {
            let key = (from.str()?, from.str()?, from.i32()?);
            let record_offset = from.i64()?;
            Ok((key, Committed { record_offset, ..kafka_format::decode_value(from.bytes()?)? }))
        };
        let producer = |from: &mut Reader<'_>| Ok((from.i64()?, from.list(one)?));
        let mut pending = Self::default();
        for (producer_id, offsets) in from.list(producer)? {
            for (key, committed) in offsets {
                pending.insert(producer_id, key, committed);
            }
        }
        Ok(pending)
    }
}

/// The keys of a topic in a list of them.
pub(super) fn of_topic<'a>(keys: impl Iterator<Item = &'a Key>, topic: &str) -> Vec<Key> {
    keys.filter(|(_, of, _)| of == topic).cloned().collect()
}
