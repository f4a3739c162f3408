//! How far a partition is stable: which transactions are still open on it, and which were aborted.
//!
//! Owns the last stable offset and the aborted transactions that a reader of committed records must skip (`AbortedTxn`,
//! `TransactionIndex`). Leaves who writes what to `producer`. Invariant: a transaction counts as open until its marker is durable,
//! so nothing is served as committed or aborted that a crash could undo.

use alloc::{collections::BTreeMap, vec::Vec};
use broker_store::segment::TxnEntry;
use core::ops::Range;

use crate::codec::{Damaged, Reader, Writer};

/// An aborted transaction, as Kafka's `.txnindex` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
    /// The last stable offset once it was aborted: every aborted one that begins before it is in the index by then.
    pub last_stable_offset: i64,
}

impl Aborted {
    /// As the index has it.
    pub fn entry(&self) -> TxnEntry {
        TxnEntry {
            producer_id: self.producer_id,
            first_offset: self.first_offset,
            last_offset: self.last_offset,
            last_stable_offset: self.last_stable_offset,
        }
    }
}

/// One partition's.
#[derive(Debug, Default)]
pub(crate) struct Stability {
    /// By first offset: those without a durable marker, with its offset where there is one.
    unstable: BTreeMap<i64, Option<i64>>,
    /// In the order of their markers.
    aborted: Vec<Aborted>,
}

impl Stability {
    /// A transaction begins at this offset.
    pub fn open(&mut self, first_offset: i64) {
        self.unstable.insert(first_offset, None);
    }

    /// The one that began at `first_offset` is ended by the marker at `last_offset`.
    pub fn close(&mut self, producer_id: i64, first_offset: i64, last_offset: i64, commit: bool) {
        self.unstable.insert(first_offset, Some(last_offset));
        if !commit {
            let open = self.unstable.iter().find(|(_, marker)| marker.is_none());
            let last_stable_offset = open.map_or(last_offset + 1, |(first, _)| *first);
            self.aborted.push(Aborted { producer_id, first_offset, last_offset, last_stable_offset });
        }
    }

    /// Everything below `end` is durable.
    pub fn settle(&mut self, end: i64) {
        self.unstable.retain(|_, marker| marker.is_none_or(|marker| marker >= end));
    }

    /// Forgets aborted transactions that ended before `start`: their records cannot be read, or compaction has removed them.
    pub fn forget_before(&mut self, start: i64) {
        let gone = self.aborted.partition_point(|aborted| aborted.last_offset < start);
        self.aborted.drain(..gone);
    }

    /// First offset of the oldest open transaction, or `end`.
    pub fn last_stable_offset(&self, end: i64) -> i64 {
        self.unstable.first_key_value().map_or(end, |(first, _)| end.min(*first))
    }

    /// The aborted transactions with records from `from` up to before `to`: all of them, and perhaps a few more.
    pub fn aborted(&self, from: i64, to: i64) -> Vec<Aborted> {
        let mut found = Vec::new();
        let first = self.aborted.partition_point(|aborted| aborted.last_offset < from);
        for aborted in &self.aborted[first..] {
            if aborted.first_offset < to {
                found.push(*aborted);
            }
            if aborted.last_stable_offset >= to {
                break;
            }
        }
        found
    }

    /// True if there are no aborted transactions at all.
    pub fn is_without_aborted(&self) -> bool {
        self.aborted.is_empty()
    }

    /// The aborted transactions whose markers are at these offsets.
    pub fn ended_in(&self, offsets: Range<i64>) -> &[Aborted] {
        let at = |offset| self.aborted.partition_point(|aborted| aborted.last_offset < offset);
        &self.aborted[at(offsets.start)..at(offsets.end)]
    }

    /// The aborted transaction whose marker is at this offset.
    #[cfg(test)]
    pub fn aborted_at(&self, last_offset: i64) -> Option<&Aborted> {
        let at = self.aborted.binary_search_by_key(&last_offset, |aborted| aborted.last_offset).ok()?;
        Some(&self.aborted[at])
    }

    /// Only the aborted ones: those that are open are the producers' to tell.
    pub fn encode(&self, out: &mut Writer) {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Bug::AbortedForgotten) {
            return Self::default().encode_all(out);
        }
        self.encode_all(out);
    }

    fn encode_all(&self, out: &mut Writer) {
        out.list(self.aborted.iter(), |out, aborted| {
            out.i64(aborted.producer_id).i64(aborted.first_offset);
            out.i64(aborted.last_offset).i64(aborted.last_stable_offset);
        });
    }

    /// Reads back what `encode` wrote; `open` are the first offsets of the open ones.
    pub fn decode(from: &mut Reader<'_>, open: impl Iterator<Item = i64>) -> Result<Self, Damaged> {
        let one = |from: &mut Reader<'_>| {
            Ok(Aborted {
                producer_id: from.i64()?,
                first_offset: from.i64()?,
                last_offset: from.i64()?,
                last_stable_offset: from.i64()?,
            })
        };
        Ok(Self { aborted: from.list(one)?, unstable: open.map(|first| (first, None)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_open_until_its_marker_is_durable() {
        let mut stable = Stability::default();
        stable.open(5);
        stable.open(7);
        assert_eq!(stable.last_stable_offset(10), 5);
        stable.close(1, 5, 10, true);
        assert_eq!(stable.last_stable_offset(10), 5, "its marker is not durable");
        stable.settle(10);
        assert_eq!(stable.last_stable_offset(10), 5);
        stable.settle(11);
        assert_eq!(stable.last_stable_offset(11), 7);
        stable.close(2, 7, 11, false);
        stable.settle(12);
        assert_eq!(stable.last_stable_offset(12), 12);
    }

    #[test]
    fn every_aborted_transaction_of_a_range_is_told() {
        let mut stable = Stability::default();
        // Producer 1: 0..=4, producer 2: 2..=6 and 8..=9; producer 3 stays open from 3 to 20.
        [0, 2, 3].into_iter().for_each(|first| stable.open(first));
        stable.close(1, 0, 4, false);
        stable.close(2, 2, 6, false);
        stable.open(8);
        stable.close(2, 8, 9, false);
        stable.close(3, 3, 20, false);
        let told = |from, to| stable.aborted(from, to).iter().map(|a| a.first_offset).collect::<Vec<_>>();
        assert_eq!(told(0, 2), [0]);
        assert_eq!(told(0, 3), [0, 2]);
        assert_eq!(told(5, 7), [2, 3]);
        assert_eq!(told(7, 21), [8, 3]);
        assert_eq!(told(10, 21), [3]);
        assert!(told(21, 30).is_empty());
        assert_eq!(stable.aborted_at(4).unwrap().last_stable_offset, 2);
        assert_eq!(stable.aborted_at(20).unwrap().last_stable_offset, 21);
    }
}
