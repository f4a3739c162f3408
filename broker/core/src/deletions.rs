//! Logs whose deletion is decided and not durable yet.
//!
//! Owns them in between: for clients they are gone, for a crash they are not. Batches that were decided before the deletion still
//! arrive from the journal, and a checkpoint of an earlier entry still has to hold them. Leaves the removal of folders to the edge.
//!
//! Invariant: a log is here or in its partition until its deletion is durable, and never afterwards.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use broker_store::{
    entry::PartitionId,
    log::{Log, LogDir},
};

use crate::pipeline::Seq;

/// The logs, by the entry that deletes them.
#[derive(Default)]
pub(crate) struct Deletions(VecDeque<(Seq, BTreeMap<PartitionId, Log>)>);

impl Deletions {
    /// Takes over logs that entry `seq` deletes.
    pub fn push(&mut self, seq: Seq, logs: BTreeMap<PartitionId, Log>) {
        self.0.push_back((seq, logs));
    }

    /// The log of a partition that is to go.
    pub fn get_mut(&mut self, id: PartitionId) -> Option<&mut Log> {
        self.0.iter_mut().find_map(|(_, logs)| logs.get_mut(&id))
    }

    /// The folders of the next logs that may be removed now that entry `durable` is.
    pub fn next(&mut self, durable: Seq) -> Option<Vec<LogDir>> {
        let (_, logs) = self.0.pop_front_if(|(seq, _)| *seq <= durable)?;
        Some(logs.values().map(Log::dir).collect())
    }

    /// The logs that a crash would bring back, entry `durable` being the last that is.
    pub fn undecided(&mut self, durable: Seq) -> impl Iterator<Item = &mut Log> {
        self.0.iter_mut().filter(move |(seq, _)| *seq > durable).flat_map(|(_, logs)| logs.values_mut())
    }
}
