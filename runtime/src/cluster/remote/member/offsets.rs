//! Committed offsets of the group, and offsets by timestamp.
//!
//! Invariant: a commit is said to be done only when the cluster has said so.

use std::{collections::BTreeMap, time::Instant};

use broker_core::{
    error::Error,
    request::{CommittedOffset, ListOffsets, Listed, ListedOffset, OffsetCommit, TopicReply},
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use runtime_core::exchange::TopicPartition;

use super::{Member, PATIENCE, POLL, group::Phase};

impl Member {
    /// Committed offsets: of these partitions, or of all partitions of all topics.
    pub fn committed(
        &self,
        topics: Option<Vec<(String, Vec<i32>)>>,
    ) -> Result<Vec<TopicReply<CommittedOffset>>, Error> {
        let known = {
            let state = self.state();
            let same = topics.as_ref().is_some_and(|topics| {
                state.phase == Phase::Active && topics.iter().cloned().eq(state.assigned.clone())
            });
            same.then(|| state.committed.clone())
        };
        let committed: BTreeMap<TopicPartition, i64> = match known {
            Some(known) => known,
            None => {
                let wanted = self.wanted(topics).ok_or(Error::CoordinatorNotAvailable)?;
                let found =
                    self.consumer.committed_offsets(wanted, PATIENCE).map_err(|_| Error::CoordinatorNotAvailable)?;
                positions(&found).collect()
            }
        };
        let mut by_topic: BTreeMap<String, Vec<CommittedOffset>> = BTreeMap::new();
        for (tp, offset) in committed {
            let (partition, leader_epoch, metadata) = (tp.partition, -1, String::new());
            by_topic.entry(tp.topic).or_default().push(CommittedOffset {
                partition,
                error: None,
                offset,
                leader_epoch,
                metadata,
            });
        }
        Ok(by_topic.into_iter().map(|(topic, partitions)| TopicReply { topic, partitions }).collect())
    }

    fn wanted(&self, topics: Option<Vec<(String, Vec<i32>)>>) -> Option<TopicPartitionList> {
        let mut wanted = TopicPartitionList::new();
        match topics {
            Some(topics) => topics.iter().for_each(|(topic, partitions)| {
                for partition in partitions {
                    wanted.add_partition(topic, *partition);
                }
            }),
            None => {
                let all = self.consumer.client().fetch_metadata(None, PATIENCE).ok()?;
                for topic in all.topics().iter().filter(|topic| !topic.partitions().is_empty()) {
                    wanted.add_partition_range(topic.name(), 0, topic.partitions().len() as i32 - 1);
                }
            }
        }
        Some(wanted)
    }

    /// Offsets by timestamp.
    pub fn list_offsets(&self, asked: ListOffsets) -> Vec<TopicReply<Listed>> {
        let mut wanted = TopicPartitionList::new();
        for (topic, partitions) in &asked.topics {
            for (partition, _, timestamp) in partitions {
                // A timestamp is any number; an error would be one of an offset.
                let _ = wanted.add_partition_offset(topic, *partition, Offset::from_raw(*timestamp));
            }
        }
        let found = self.consumer.offsets_for_times(wanted, PATIENCE);
        let found: BTreeMap<TopicPartition, i64> = found.iter().flat_map(positions).collect();
        let listed = |topic: &str, partition: i32| {
            let tp = TopicPartition { topic: topic.to_owned(), partition };
            let outcome = match found.get(&tp) {
                Some(offset) => Ok(ListedOffset::At { timestamp: -1, offset: *offset, leader_epoch: -1 }),
                None => Err(Error::CoordinatorNotAvailable),
            };
            Listed { partition, outcome }
        };
        let topic = |(topic, partitions): (String, Vec<(i32, i32, i64)>)| {
            let partitions = partitions.into_iter().map(|(partition, _, _)| listed(&topic, partition)).collect();
            TopicReply { topic, partitions }
        };
        asked.topics.into_iter().map(topic).collect()
    }

    /// Commits, as the member that this is, or as nobody's if it never joined.
    pub fn commit(&self, commit: OffsetCommit) -> Result<(), (Error, String)> {
        let mut list = TopicPartitionList::new();
        for (topic, offsets) in &commit.topics {
            for offset in offsets {
                list.add_partition_offset(topic, offset.partition, Offset::Offset(offset.offset))
                    .map_err(|error| (Error::InvalidRequest, error.to_string()))?;
            }
        }
        use RDKafkaErrorCode as Code;
        let refused = |error: KafkaError| {
            let code = error.rdkafka_error_code();
            let kind = match code {
                Some(Code::RebalanceInProgress) => Error::RebalanceInProgress,
                Some(Code::UnknownMemberId | Code::AssignmentLost) => Error::UnknownMemberId,
                Some(Code::IllegalGeneration) => Error::IllegalGeneration,
                Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed) => Error::UnknownServerError,
                _ => Error::CoordinatorNotAvailable,
            };
            (kind, code.map_or_else(|| error.to_string(), |code| code.to_string()))
        };
        let began = Instant::now();
        loop {
            match self.consumer.commit(&list, CommitMode::Sync).map_err(refused) {
                // Nobody asks again for a commit that is outside of any generation.
                Err((Error::CoordinatorNotAvailable, _))
                    if commit.who.member.is_empty() && began.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(POLL * 4);
                }
                outcome => {
                    if outcome.is_ok() {
                        self.consumer.context().talk.answered();
                    }
                    return outcome;
                }
            }
        }
    }
}

/// Partitions of a list that have an offset, and it.
pub(super) fn positions(list: &TopicPartitionList) -> impl Iterator<Item = (TopicPartition, i64)> {
    let all: Vec<_> = list
        .elements()
        .iter()
        .filter_map(|element| match element.offset() {
            Offset::Offset(offset) => {
                Some((TopicPartition { topic: element.topic().to_owned(), partition: element.partition() }, offset))
            }
            _ => None,
        })
        .collect();
    all.into_iter()
}
