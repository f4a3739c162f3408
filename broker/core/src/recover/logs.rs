//! Logs that a start finds, and the partitions they belong to.
//!
//! Owns what becomes of a log that Kafka wrote: a topic for it if there is none, its producers, and ids for ours that are not theirs.
//! Leaves its files to `broker_store::recover`. Invariant: a log gets one partition, or the start ends with the reason.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use broker_store::{entry::PartitionId, log::LogState, recover::TakenOver};

use super::RecoverError;
use crate::{Broker, Damaged, limits::PARTITIONS_PER_TOPIC, record::Record};

/// Logs that are in the data folder, and have no partition yet.
pub(super) type Logs = BTreeMap<PartitionId, Found>;

pub(super) enum Found {
    /// A checkpoint knows it.
    Ours(LogState),
    /// Kafka wrote it.
    Kafkas(TakenOver),
}

impl Found {
    pub fn into_state(self) -> LogState {
        match self {
            Found::Ours(state) => state,
            Found::Kafkas(log) => log.log,
        }
    }

    /// The topic's name if Kafka wrote it.
    fn kafkas(&self) -> Option<&String> {
        match self {
            Found::Ours(_) => None,
            Found::Kafkas(log) => Some(&log.topic),
        }
    }
}

impl Broker {
    /// A topic made after the snapshot may have a log already: in the checkpoint, because its segments were written before that was, or
    /// one that Kafka wrote.
    pub(super) fn adopt(&mut self, logs: &mut Logs) -> Result<(), Damaged> {
        let known: Vec<PartitionId> = logs.keys().filter(|id| self.partitions.contains_key(id)).copied().collect();
        for id in known {
            let found = logs.remove(&id).expect("its key was just there");
            let (state, batches) = match found {
                Found::Ours(state) => (state, None),
                Found::Kafkas(log) => (log.log, Some(log.batches)),
            };
            let mut partition = self.open(id, Some(state)).expect("its topic was just made");
            match batches {
                // The journal has its batches.
                None => partition.next_offset = 0,
                Some(batches) => partition.replay_all(&batches)?,
            }
            self.partitions.insert(id, partition);
        }
        Ok(())
    }

    /// Producers of logs that Kafka wrote have ids that Kafka gave them: ours are to be others.
    pub(super) fn pass_over_producer_ids(&mut self, logs: &Logs) {
        let ids = logs.values().flat_map(|found| match found {
            Found::Ours(_) => &[][..],
            Found::Kafkas(log) => &log.batches[..],
        });
        let last = ids.map(|(info, _)| info.producer_id).max().unwrap_or(-1);
        if last >= self.producer_ids.block_end() {
            self.append_record(&Record::ProducerIds { next: last.saturating_add(1) });
        }
    }

    /// Topics for logs that Kafka wrote. A checkpoint is to know them soon: until one does, each start looks at all of their batches.
    pub(super) fn take_over(&mut self, logs: &mut Logs) -> Result<(), RecoverError> {
        let left: Vec<_> = logs.iter().filter_map(|(id, found)| Some((*id, found.kafkas()?.clone()))).collect();
        for (PartitionId { topic: id, partition }, name) in left {
            let (id, partitions) = (uuid::Uuid::from_bytes(id), partition.saturating_add(1));
            let refuse = |why: &str| {
                let folder = alloc::format!("{name}-{partition}");
                Err(RecoverError::Foreign { folder, why: why.into() })
            };
            let record = match self.topics.get(&name) {
                _ if partitions > PARTITIONS_PER_TOPIC => return refuse("has a number that is too large"),
                Some(topic) if topic.id != id => {
                    return refuse("was written by Apache Kafka for another topic of this name");
                }
                Some(topic) if topic.partitions >= partitions => continue,
                Some(_) => Record::PartitionsAdded { topic: id, partitions },
                None => Record::TopicCreated { id, name, partitions, configs: Vec::new() },
            };
            self.append_record(&record);
            self.keeper.checkpoint_soon();
        }
        self.adopt(logs)?;
        Ok(())
    }
}
