//! What of a batch stays.
//!
//! Owns the rules of Kafka's `Cleaner.shouldRetainRecord`, `checkBatchRetention` and `CleanedTransactionMetadata`. Leaves the bytes to
//! [`super::rebatch`]. Invariant: batches are shown from the first of the log on, in order: what became of a transaction's records
//! decides about its marker.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{AbortedTxn, CleanOrder, LastOfProducer, map::OffsetMap, rebatch::Kept};
use crate::batch::{self, BadBatch, BatchInfo, Record};

/// A marker's key is its version and its kind, of which 0 is an abort (`ControlRecordType`).
const ABORT_MARKER: [u8; 2] = [0, 0];

pub(super) struct Filter {
    now: i64,
    delete_retention_ms: i64,
    /// Offset after the last batch of what is compacted.
    end: i64,
    producers: BTreeMap<i64, LastOfProducer>,
    /// Not yet begun where we are, the next one last.
    aborted: Vec<AbortedTxn>,
    /// All of them.
    all_aborted: Vec<AbortedTxn>,
    /// Producers of those that have begun and not ended where we are.
    aborting: BTreeSet<i64>,
    /// Producers with records of a transaction that is not aborted, and whose marker comes later.
    committing: BTreeSet<i64>,
}

impl Filter {
    pub fn new(order: &CleanOrder, end: i64) -> Self {
        let mut aborted = order.aborted.clone();
        aborted.sort_by_key(|aborted| core::cmp::Reverse(aborted.first_offset));
        Self {
            now: order.now,
            delete_retention_ms: order.delete_retention_ms,
            end,
            producers: order.producers.clone(),
            all_aborted: aborted.clone(),
            aborted,
            aborting: BTreeSet::new(),
            committing: BTreeSet::new(),
        }
    }

    /// True if the batch belongs to a transaction that was aborted.
    pub fn is_aborted(&self, info: &BatchInfo) -> bool {
        let holds = |aborted: &AbortedTxn| {
            aborted.producer_id == info.producer_id
                && (aborted.first_offset..=aborted.last_offset).contains(&info.base_offset)
        };
        info.is_transactional() && self.all_aborted.iter().any(holds)
    }

    /// What stays of a batch, given its records before compression.
    pub fn batch<'a>(&mut self, map: &OffsetMap, info: &BatchInfo, records: &'a [u8]) -> Result<Kept<'a>, BadBatch> {
        let records = batch::records_of(info, records).collect::<Result<Vec<_>, _>>()?;
        let discardable = self.discardable(info, &records);
        let horizon = info.delete_horizon();
        let is_over = horizon.is_some_and(|horizon| horizon <= self.now);
        let discard = discardable && (!info.is_control() || is_over);
        if info.last_offset() >= map.end() {
            return Ok(Kept::all());
        }
        let count = records.len();
        let stays = |record: &Record<'_>| {
            let offset = info.base_offset + i64::from(record.offset_delta);
            let latest = || record.key.is_some_and(|key| map.is_latest(key, offset));
            !discard && (info.is_control() || (latest() && (record.value.is_some() || !is_over)))
        };
        let records: Vec<_> = records.into_iter().filter(stays).collect();
        let tombstones = records.iter().any(|record| record.value.is_none()) || (discardable && info.is_control());
        let new_horizon = (tombstones && horizon.is_none()).then(|| self.now.saturating_add(self.delete_retention_ms));
        Ok(if records.is_empty() {
            Kept::empty(self.keeps_header(info))
        } else if records.len() == count && new_horizon.is_none() {
            Kept::all()
        } else {
            Kept::some(records, new_horizon.or(horizon))
        })
    }

    /// A producer's last batch, and the last of all.
    fn keeps_header(&self, info: &BatchInfo) -> bool {
        let last = |last: &LastOfProducer| match last.data {
            Some(offset) => info.last_offset() == offset,
            None => info.is_control() && info.producer_epoch == last.epoch,
        };
        self.producers.get(&info.producer_id).is_some_and(last) || info.last_offset() + 1 == self.end
    }

    /// True for a batch of an aborted transaction, and for a commit's marker whose transaction has no batch left.
    fn discardable(&mut self, info: &BatchInfo, records: &[Record<'_>]) -> bool {
        if !info.is_transactional() {
            return false;
        }
        while let Some(next) = self.aborted.pop_if(|next| next.first_offset <= info.last_offset()) {
            self.aborting.insert(next.producer_id);
        }
        if !info.is_control() {
            if self.aborting.contains(&info.producer_id) {
                return true;
            }
            self.committing.insert(info.producer_id);
            return false;
        }
        let Some(marker) = records.first() else { return true };
        if marker.key.is_some_and(|key| key.get(2..4) == Some(&ABORT_MARKER)) {
            // It stays for good: readers are told of the transaction, and drop what the producer wrote until they see its marker.
            self.aborting.remove(&info.producer_id);
            false
        } else {
            !self.committing.remove(&info.producer_id)
        }
    }
}
