//! Promise: a compacted partition still has the latest record of every key, at its offset, unless it was deleted.
//!
//! Owns what producers were told of keys. Leaves batches and offsets to `log`. Invariant: a record once known is never another.

use std::collections::BTreeMap;

use broker_store::batch::{self, BatchInfo};

use super::{Checked, log::Partition};
use crate::broken;

/// Key and value.
type Record = (Vec<u8>, Option<Vec<u8>>);

/// The checker.
#[derive(Default)]
pub struct TableCheck {
    known: BTreeMap<Partition, BTreeMap<i64, Record>>,
    /// Keys that may be deleted, by a batch that was sent and not answered (yet); the last such batch.
    doubts: BTreeMap<(Partition, Vec<u8>), Sent>,
    last: Sent,
}

/// A batch that was sent, by its place among all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent(u64);

impl TableCheck {
    /// A producer sends a batch. Those with the same keys come from it alone, and are appended in the order in which it sends them.
    pub fn sends(&mut self, partition: &Partition, batch: &[u8]) -> Result<Sent, String> {
        self.last.0 += 1;
        for (_, (key, _)) in records(batch)?.into_iter().filter(|(_, (_, value))| value.is_none()) {
            self.doubts.insert((partition.clone(), key), self.last);
        }
        Ok(self.last)
    }

    /// It was told that these records, as they were sent, begin at `base_offset`.
    pub fn acknowledged(&mut self, partition: &Partition, sent: Sent, base_offset: i64, batch: &[u8]) -> Checked {
        let known = self.known.entry(partition.clone()).or_default();
        for (offset, record) in records(batch)? {
            let key = (partition.clone(), record.0.clone());
            if self.doubts.get(&key).is_some_and(|doubt| *doubt <= sent) {
                self.doubts.remove(&key);
            }
            known.insert(base_offset + offset, record);
        }
        Ok(())
    }

    /// All that a partition has from `start` on, read after a restart.
    pub fn all(&mut self, partition: &Partition, start: i64, bytes: &[u8]) -> Checked {
        let Some(known) = self.known.get(partition) else { return Ok(()) };
        let found: BTreeMap<i64, Record> = records(bytes)?.into_iter().collect();
        if let Some((offset, _)) = found.iter().find(|(offset, record)| known.get(offset).is_some_and(|k| k != *record))
        {
            broken!("{partition:?}: the record at {offset} is not the one that was acknowledged");
        }
        let latest = |records: &BTreeMap<i64, Record>| -> BTreeMap<Vec<u8>, i64> {
            records.iter().map(|(offset, (key, _))| (key.clone(), *offset)).collect()
        };
        let there = latest(&found);
        for (key, offset) in latest(known) {
            let in_doubt = self.doubts.contains_key(&(partition.clone(), key.clone()));
            let deleted = offset < start || known[&offset].1.is_none() || in_doubt;
            if !deleted && there.get(&key).is_none_or(|found| *found < offset) {
                broken!("{partition:?}: the latest record of key {key:?}, at {offset}, is lost");
            }
        }
        Ok(())
    }

    /// The topic is gone.
    pub fn forget(&mut self, topic: &str) {
        self.known.retain(|(name, _), _| name != topic);
        self.doubts.retain(|((name, _), _), _| name != topic);
    }
}

/// The records of batches, with their offsets.
fn records(mut bytes: &[u8]) -> Result<Vec<(i64, Record)>, String> {
    let mut all = Vec::new();
    while let Ok(info) = BatchInfo::parse(bytes) {
        let (one, rest) = bytes.split_at(info.length as usize);
        for record in batch::records(one) {
            let record = record.map_err(|bad| format!("a record cannot be read: {bad}"))?;
            let pair = (record.key.unwrap_or_default().to_vec(), record.value.map(<[u8]>::to_vec));
            all.push((info.base_offset + i64::from(record.offset_delta), pair));
        }
        bytes = rest;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(offset: i64, records: &[(&str, Option<&str>)]) -> Vec<u8> {
        let mut builder = batch::Builder::new();
        records.iter().for_each(|(key, value)| builder.push(5, Some(key.as_bytes()), value.map(str::as_bytes), &[]));
        let mut bytes = builder.finish();
        batch::stamp(&mut bytes, offset, 0);
        bytes
    }

    #[test]
    fn a_lost_key_and_a_wrong_value_are_noticed() {
        let partition = ("t".to_string(), 0);
        let mut table = TableCheck::default();
        for (offset, key, value) in [(0, "a", Some("1")), (1, "b", Some("1")), (2, "a", Some("2")), (3, "c", None)] {
            let batch = batch(0, &[(key, value)]);
            let sent = table.sends(&partition, &batch).unwrap();
            table.acknowledged(&partition, sent, offset, &batch).unwrap();
        }
        let mut check = |start, bytes: &[u8], expected: &str| {
            let told = table.all(&partition, start, bytes).err().unwrap_or_default();
            assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told:?} is not {expected:?}");
        };
        let (b, a) = (batch(1, &[("b", Some("1"))]), batch(2, &[("a", Some("2"))]));
        check(0, &[&b[..], &a].concat(), "");
        check(0, &b, "is lost");
        check(3, &[], "");
        check(0, &[&b[..], &a, &batch(9, &[("a", Some("not told of"))])].concat(), "");
        check(0, &[&batch(1, &[("b", Some("2"))])[..], &a].concat(), "not the one");
    }

    #[test]
    fn a_delete_that_was_not_answered_may_have_happened_until_something_later_is() {
        let (partition, mut table) = (("t".to_string(), 0), TableCheck::default());
        let [first, delete, second] = [Some("1"), None, Some("2")].map(|value| batch(0, &[("a", value)]));
        let sent = table.sends(&partition, &first).unwrap();
        table.sends(&partition, &delete).unwrap();
        table.acknowledged(&partition, sent, 0, &first).unwrap();
        assert_eq!(table.all(&partition, 0, &[]), Ok(()), "it may be gone");
        let sent = table.sends(&partition, &second).unwrap();
        table.acknowledged(&partition, sent, 2, &second).unwrap();
        assert!(table.all(&partition, 0, &[]).is_err_and(|told| told.contains("at 2, is lost")));
    }
}
