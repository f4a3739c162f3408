//! The transaction coordinator in its place: ids from `txn`, the logs its markers go to, and the offsets that wait for them.
//!
//! Owns only the joining of these. Invariant: whatever ends a transaction is in one entry: a marker in each of its partitions, what
//! became of its offsets, and its new state.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use broker_store::{
    batch::{self, BatchInfo},
    entry::PartitionId,
};
use bytes::Bytes;

use super::{
    Ending,
    marker::{MARKER_BYTES, Marker},
    transaction::{State, Transaction},
};
use crate::{
    Broker,
    error::Error,
    request::{
        Batch, InitProducerId, MarkersToWrite, OffsetCommit, PartitionOutcomes, PartitionsByTopic, TopicReply,
        TransactionReply, TransactionRequest, TransactionalProducer,
    },
    time::{Now, Wall},
    topics::{CONSUMER_OFFSETS, TRANSACTION_STATE},
};

/// The epoch of this coordinator: there has never been another.
const COORDINATOR_EPOCH: i32 = 0;

/// Most bytes of a transaction's state, with its key.
const STATE_MOST_BYTES: usize = 4 << 20;

impl Broker {
    pub(crate) fn transaction(&mut self, now: Now, wall: Wall, request: TransactionRequest) -> TransactionReply {
        match request {
            TransactionRequest::AddPartitions { producer, topics } => {
                TransactionReply::AddPartitions(self.add_partitions(now, wall, &producer, topics))
            }
            TransactionRequest::AddOffsets { producer, group } => {
                TransactionReply::AddOffsets(self.add_offsets(now, wall, &producer, &group))
            }
            TransactionRequest::CommitOffsets { producer, commit } => {
                TransactionReply::CommitOffsets(self.commit_offsets_in_transaction(now, wall, &producer, &commit))
            }
            TransactionRequest::End { producer, commit } => {
                TransactionReply::End(self.end_transaction(now, wall, &producer, commit))
            }
            TransactionRequest::WriteMarkers(markers) => {
                let one = |markers: MarkersToWrite| (markers.producer_id, self.write_markers(wall, markers));
                TransactionReply::WriteMarkers(markers.into_iter().map(one).collect())
            }
            TransactionRequest::Describe(ids) => {
                let one = |id: String| (id.clone(), self.transactions.describe(&id));
                TransactionReply::Describe(ids.into_iter().map(one).collect())
            }
            TransactionRequest::List(filters) => TransactionReply::List(self.transactions.list(wall, &filters)),
            TransactionRequest::DescribeProducers(topics) => {
                TransactionReply::DescribeProducers(self.describe_producers(topics))
            }
        }
    }

    /// A producer id and epoch for a transactional id; what its last producer had open is aborted.
    pub(crate) fn init_transactional(
        &mut self,
        now: Now,
        wall: Wall,
        id: &str,
        asked: &InitProducerId,
    ) -> Result<(i64, i16), Error> {
        let super::Initialised { abort, mut next } = self.transactions.decide_init(wall, id, asked)?;
        if let Some(ending) = abort {
            self.end(now, wall, ending)?;
        }
        if next.producer_id < 0 {
            next.producer_id = self.take_producer_id();
        }
        let given = (next.producer_id, next.epoch);
        self.append_transaction(now, wall, id, Some(next));
        Ok(given)
    }

    /// All partitions or none, as in Kafka.
    fn add_partitions(
        &mut self,
        now: Now,
        wall: Wall,
        producer: &TransactionalProducer,
        topics: PartitionsByTopic,
    ) -> PartitionOutcomes {
        let exists = |topic: &str, partition| self.partition_id(topic, partition).is_some();
        let all_exist = topics.iter().all(|(topic, partitions)| partitions.iter().all(|index| exists(topic, *index)));
        if !all_exist {
            return outcomes(topics, |topic, index| match exists(topic, index) {
                true => Err(Error::OperationNotAttempted),
                false => Err(Error::UnknownTopicOrPartition),
            });
        }
        let named = topics.iter().flat_map(|(topic, all)| all.iter().map(move |index| (topic.clone(), *index)));
        let outcome = self.transactions.decide_add(wall, producer, named.collect::<Vec<_>>());
        let outcome = outcome.and_then(|next| self.append_open(now, wall, producer, next));
        outcomes(topics, |_, _| outcome)
    }

    fn add_offsets(
        &mut self,
        now: Now,
        wall: Wall,
        producer: &TransactionalProducer,
        group: &str,
    ) -> Result<(), Error> {
        if group.is_empty() {
            return Err(Error::InvalidGroupId);
        }
        let next = self.transactions.decide_add(wall, producer, [(CONSUMER_OFFSETS.to_string(), 0)])?;
        self.consumer_offsets_partition();
        self.append_open(now, wall, producer, next)
    }

    fn append_open(
        &mut self,
        now: Now,
        wall: Wall,
        producer: &TransactionalProducer,
        next: Option<Transaction>,
    ) -> Result<(), Error> {
        let Some(next) = next else { return Ok(()) };
        if !self.pipeline.building.has_room(2, STATE_MOST_BYTES) {
            return Err(Error::ConcurrentTransactions);
        }
        self.append_transaction(now, wall, &producer.transactional_id, Some(next));
        Ok(())
    }

    fn commit_offsets_in_transaction(
        &mut self,
        now: Now,
        wall: Wall,
        producer: &TransactionalProducer,
        commit: &OffsetCommit,
    ) -> PartitionOutcomes {
        let allowed = self.transactions.check_write(producer, CONSUMER_OFFSETS, 0);
        let allowed = allowed.and_then(|()| self.groups.check_transactional_commit(&self.offsets, commit));
        if let Err(error) = allowed {
            let topic = |(topic, offsets): &(String, Vec<crate::request::OffsetToCommit>)| TopicReply {
                topic: topic.clone(),
                partitions: offsets.iter().map(|offset| (offset.partition, Err(error))).collect(),
            };
            return commit.topics.iter().map(topic).collect();
        }
        self.append_commit(now, wall, commit, Some((producer.producer_id, producer.epoch)))
    }

    fn end_transaction(
        &mut self,
        now: Now,
        wall: Wall,
        producer: &TransactionalProducer,
        commit: bool,
    ) -> Result<(), Error> {
        match self.transactions.decide_end(producer, commit)? {
            Some(ending) => self.end(now, wall, ending),
            None => Ok(()),
        }
    }

    /// Ends a transaction. Error: `ConcurrentTransactions` if the entry being filled has no room; the client asks again.
    fn end(&mut self, now: Now, wall: Wall, ending: Ending) -> Result<(), Error> {
        let Ending { id, open, epoch, commit } = ending;
        let markers = open.partitions.len();
        if !self.pipeline.building.has_room(markers + 1, markers * MARKER_BYTES + STATE_MOST_BYTES) {
            return Err(Error::ConcurrentTransactions);
        }
        let marker = Marker { producer_id: open.producer_id, epoch, commit, coordinator_epoch: COORDINATOR_EPOCH };
        for (topic, partition) in &open.partitions {
            // A topic deleted meanwhile needs no marker.
            if let Some(id) = self.partition_id(topic, *partition) {
                self.append_marker(wall, topic, id, &marker);
            }
        }
        let state = if commit { State::CompleteCommit } else { State::CompleteAbort };
        let ended = Transaction { epoch, state, partitions: BTreeSet::new(), updated: wall.0, ..open };
        self.append_transaction(now, wall, &id, Some(ended));
        Ok(())
    }

    fn append_marker(&mut self, wall: Wall, topic: &str, id: PartitionId, marker: &Marker) {
        let bytes = marker.encode(wall);
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        self.push_batch(id, &info, &bytes, Some(marker));
        if topic == CONSUMER_OFFSETS {
            self.offsets.end_transaction(marker.producer_id, marker.commit);
        }
    }

    /// Writes an id's new state, `None` to forget it, and moves it there.
    fn append_transaction(&mut self, now: Now, wall: Wall, id: &str, state: Option<Transaction>) {
        let partition = self.internal_partition(TRANSACTION_STATE);
        let mut builder = batch::Builder::new();
        let value = state.as_ref().map(Transaction::encode);
        builder.push(wall.0, Some(&Transaction::key(id)), value.as_deref(), &[]);
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        self.append_batch(wall, TRANSACTION_STATE, partition, &Batch { info, bytes });
        self.transactions.replay(now, id, state);
    }

    /// Markers as an administrator wants them, where a coordinator has lost track (`kafka-transactions abort`).
    fn write_markers(&mut self, wall: Wall, asked: MarkersToWrite) -> PartitionOutcomes {
        let MarkersToWrite { producer_id, epoch, coordinator_epoch, commit, topics } = asked;
        let marker = Marker { producer_id, epoch, commit, coordinator_epoch };
        outcomes(topics, |topic, index| {
            let id = self.partition_id(topic, index).ok_or(Error::UnknownTopicOrPartition)?;
            self.partitions[&id].producers.check_marker(&marker)?;
            if !self.pipeline.building.has_room(1, MARKER_BYTES) {
                return Err(Error::KafkaStorageError);
            }
            self.append_marker(wall, topic, id, &marker);
            Ok(())
        })
    }

    /// Aborts transactions that have been open for longer than their timeout.
    pub(crate) fn transactions_timeout(&mut self, now: Now) {
        let Some(wall) = self.wall(now) else { return };
        while let Some(ending) = self.transactions.overdue(now) {
            // With a full entry, later: there is a next one as soon as this one is at the journal.
            if self.end(now, wall, ending).is_err() {
                return;
            }
        }
    }

    /// Forgets transactional ids that nobody uses, and producers that write no more.
    pub(crate) fn expire_producers(&mut self, now: Now, wall: Wall) {
        for id in self.transactions.expired(wall) {
            if !self.pipeline.building.has_room(2, STATE_MOST_BYTES) {
                return;
            }
            self.append_transaction(now, wall, &id, None);
        }
        let before = wall.0.saturating_sub(self.settings.transactions.producer_id_expiration_ms);
        for partition in self.partitions.values_mut() {
            partition.producers.forget_older(before);
            partition.stable.forget_before(partition.log.start_offset());
        }
    }
}

/// A reply with what `one` says of each partition.
fn outcomes(topics: PartitionsByTopic, mut one: impl FnMut(&str, i32) -> Result<(), Error>) -> PartitionOutcomes {
    let topic = |(topic, partitions): (String, Vec<i32>)| {
        let partitions = partitions.into_iter().map(|index| (index, one(&topic, index))).collect();
        TopicReply { topic, partitions }
    };
    topics.into_iter().map(topic).collect()
}
