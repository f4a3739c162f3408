//! `.snapshot` and `.txnindex`: when they are written.
//!
//! Owns what of them is there. They go with checkpoints: a snapshot of a partition's producers after each roll and at a clean stop, the
//! last two being kept; a segment's aborted transactions whenever there are more or fewer of them. Leaves the bytes to
//! `broker_store::segment`. Invariant: nothing of ours depends on them.

use alloc::{collections::BTreeMap, vec::Vec};
use broker_store::segment::{SideFile, snapshot, txn_index};

use crate::{Broker, partition::Partition};

/// Snapshots kept of a partition, as Kafka does.
const KEPT: usize = 2;

/// What there is for one partition.
#[derive(Default)]
pub(crate) struct SideFiles {
    /// Base offset of the last segment when snapshots were looked at last.
    rolled: Option<i64>,
    /// Offsets of the last snapshots of this run, the oldest first.
    snapshots: Vec<i64>,
    /// How many aborted transactions are in the index of each segment.
    indexed: BTreeMap<i64, usize>,
}

impl Broker {
    /// Snapshots that are due, as of the entry that was just closed.
    pub(crate) fn snapshots_due(&mut self) -> Vec<SideFile> {
        let stopping = self.stopping;
        self.partitions.values_mut().flat_map(|partition| partition.snapshot_due(stopping)).collect()
    }

    /// Indexes of aborted transactions that are not as they should be.
    pub(crate) fn txn_indexes_due(&mut self) -> Vec<SideFile> {
        self.partitions.values_mut().flat_map(Partition::txn_indexes_due).collect()
    }
}

impl Partition {
    fn snapshot_due(&mut self, stopping: bool) -> Vec<SideFile> {
        let Some(last) = self.log.segments().last().map(|segment| segment.base_offset) else { return Vec::new() };
        let has_rolled = self.side.rolled.replace(last).is_some_and(|before| before != last);
        let producers = self.producers.entries();
        let made = self.side.snapshots.last() == Some(&self.next_offset);
        if !(has_rolled || stopping) || producers.is_empty() || made {
            return Vec::new();
        }
        let mut files = Vec::from([self.side_file(self.next_offset, "snapshot", Some(snapshot(&producers)))]);
        self.side.snapshots.push(self.next_offset);
        if self.side.snapshots.len() > KEPT {
            let oldest = self.side.snapshots.remove(0);
            files.push(self.side_file(oldest, "snapshot", None));
        }
        files
    }

    fn txn_indexes_due(&mut self) -> Vec<SideFile> {
        if self.stable.is_without_aborted() && self.side.indexed.is_empty() {
            return Vec::new();
        }
        let mut now = BTreeMap::new();
        let mut files = Vec::new();
        for segment in self.log.state().segments {
            let aborted = self.stable.ended_in(segment.base_offset..segment.next_offset);
            if aborted.is_empty() {
                continue;
            }
            now.insert(segment.base_offset, aborted.len());
            if self.side.indexed.get(&segment.base_offset) != Some(&aborted.len()) {
                let bytes = txn_index(aborted.iter().map(|aborted| aborted.entry()));
                files.push(self.side_file(segment.base_offset, "txnindex", Some(bytes)));
            }
        }
        let gone = self.side.indexed.keys().filter(|base| !now.contains_key(base));
        files.extend(gone.map(|base| self.side_file(*base, "txnindex", None)));
        self.side.indexed = now;
        files
    }

    fn side_file(&self, offset: i64, what: &str, bytes: Option<Vec<u8>>) -> SideFile {
        let dir = self.log.dir();
        SideFile { partition: dir.partition, path: dir.path(offset, what), bytes }
    }
}
