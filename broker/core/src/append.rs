//! Appending: produce, the internal topics' own records, and the all-or-nothing append of the Connect runtime.
//!
//! Owns what must hold before a batch gets its offset. Everything judged here and everything it changes goes into the entry being
//! filled, so one call is one atomic step. Invariant: nothing is put into the entry before all of the call's checks have passed.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use broker_store::{
    batch::{self, BatchInfo},
    entry::{ENTRY_MOST_BYTES, PartitionId},
};
use bytes::Bytes;

use crate::{
    Broker,
    error::Error,
    offsets::OffsetRecord,
    partition::LEADER_EPOCH,
    producer::Verdict,
    record::Record,
    request::{AtomicAppend, Batch, Produce, Produced, ProducedAt, Reply, TopicReply, TransactionalProducer},
    tables::Tables,
    time::Wall,
    topics::{CONSUMER_OFFSETS, is_internal},
    txn::marker::Marker,
};

type Refusal = (Error, String);

/// Room kept for what an entry holds beside a batch: its header and directory.
const ENTRY_FRAME_BYTES: usize = 64 << 10;

/// Room kept for the offsets and task state of an atomic append.
const STATE_MOST_BYTES: usize = 4 << 20;

impl Broker {
    pub(crate) fn produce(&mut self, wall: Wall, produce: Produce) -> Reply {
        let mut reply = Vec::with_capacity(produce.topics.len());
        for (topic, partitions) in produce.topics {
            let mut outcomes = Vec::with_capacity(partitions.len());
            for (partition, batch) in partitions {
                let checked = batch.map_err(plain).and_then(|batch| {
                    self.check_transaction(produce.transactional_id.as_deref(), &topic, partition, &batch)?;
                    Ok(batch)
                });
                let outcome = checked.and_then(|batch| self.produce_one(wall, &topic, partition, &batch));
                outcomes.push(Produced { partition, outcome });
            }
            reply.push(TopicReply { topic, partitions: outcomes });
        }
        Reply::Produce(reply)
    }

    fn produce_one(&mut self, wall: Wall, topic: &str, partition: i32, batch: &Batch) -> Result<ProducedAt, Refusal> {
        let id = self.writable(topic, partition)?;
        if let Err(full) = self.check_journal().and_then(|()| self.check_room(1, batch.bytes.len())) {
            self.partitions.get_mut(&id).expect("a writable partition exists").producers.turned_away(&batch.info);
            return Err(full);
        }
        let verdict = self.check_batch(wall, topic, id, batch)?;
        let base_offset = match verdict {
            Verdict::Duplicate { base_offset } => base_offset,
            Verdict::Append => self.append_batch(wall, topic, id, batch),
        };
        let partition = &self.partitions[&id];
        let log_append_time = if partition.rules.log_append_time { wall.0 } else { -1 };
        Ok(ProducedAt { base_offset, log_start_offset: partition.log.start_offset(), log_append_time })
    }

    /// A transactional batch belongs to the open transaction that its partition was added to, or nowhere.
    fn check_transaction(&self, id: Option<&str>, topic: &str, partition: i32, batch: &Batch) -> Result<(), Refusal> {
        if !batch.info.is_transactional() || batch.info.is_control() {
            return Ok(());
        }
        let id = id.ok_or(plain(Error::TransactionalIdAuthorizationFailed))?;
        self.writable(topic, partition)?;
        let (producer_id, epoch) = (batch.info.producer_id, batch.info.producer_epoch);
        let producer = TransactionalProducer { transactional_id: id.to_string(), producer_id, epoch };
        self.transactions.check_write(&producer, topic, partition).map_err(plain)
    }

    /// The partition, if a client may write to it.
    fn writable(&self, topic: &str, partition: i32) -> Result<PartitionId, Refusal> {
        let id = self.partition_id(topic, partition).ok_or(plain(Error::UnknownTopicOrPartition))?;
        if is_internal(topic) {
            return Err((Error::InvalidTopicException, format!("{topic} is internal: the broker alone writes to it.")));
        }
        Ok(id)
    }

    fn check_journal(&self) -> Result<(), Refusal> {
        if self.journal_is_filling() {
            let why = "The journal is three quarters full and waits for the disk; try again.";
            return Err((Error::KafkaStorageError, why.into()));
        }
        Ok(())
    }

    fn check_room(&self, batches: usize, bytes: usize) -> Result<(), Refusal> {
        if self.pipeline.building.has_room(batches, bytes) {
            return Ok(());
        }
        if bytes > ENTRY_MOST_BYTES - ENTRY_FRAME_BYTES {
            // However often it is tried: a retriable error would be tried for ever.
            let most = ENTRY_MOST_BYTES - ENTRY_FRAME_BYTES;
            let why =
                format!("The record batch size is {bytes} bytes, and {most} is the most that can be written as one.");
            return Err((Error::MessageTooLarge, why));
        }
        let why = format!(
            "{bytes} bytes do not fit beside what is being written: an entry of the journal holds {ENTRY_MOST_BYTES}."
        );
        Err((Error::KafkaStorageError, why))
    }

    fn check_batch(&self, wall: Wall, topic: &str, id: PartitionId, batch: &Batch) -> Result<Verdict, Refusal> {
        let verdict = self.partitions[&id].check(&batch.info, wall)?;
        if Tables::covers(topic) {
            Tables::check(batch)?;
        } else if self.partitions[&id].rules.compact {
            self.check_keys(batch)?;
        }
        Ok(verdict)
    }

    /// A record without a key could never be replaced: compacted topics take none (Kafka's `LogValidator`).
    fn check_keys(&self, batch: &Batch) -> Result<(), Refusal> {
        let bytes = &batch.bytes[batch::HEADER_BYTES..];
        let mut buffer = Vec::new();
        let records = if batch.info.codec() == 0 {
            bytes
        } else {
            let decompress = self.settings.decompress;
            decompress(batch.info.codec(), bytes, &mut buffer).map_err(|why| (Error::CorruptMessage, why))?;
            &buffer[..]
        };
        for record in batch::records_of(&batch.info, records) {
            let record = record.map_err(|bad| (Error::CorruptMessage, format!("{bad}")))?;
            if record.key.is_none() {
                return Err((Error::InvalidRecord, "Compacted topic cannot accept message without key.".into()));
            }
        }
        Ok(())
    }

    /// Puts a checked batch into the entry and moves all state that follows from it; returns its base offset.
    pub(crate) fn append_batch(&mut self, wall: Wall, topic: &str, id: PartitionId, batch: &Batch) -> i64 {
        let base_offset = if self.partitions[&id].rules.log_append_time {
            let mut bytes = batch.bytes.to_vec();
            let info = batch::set_log_append_time(&mut bytes, wall.0);
            self.push_batch(id, &info, &bytes, None)
        } else {
            self.push_batch(id, &batch.info, &batch.bytes, None)
        };
        self.tables.replay(topic, &batch.bytes).expect("a batch for a table was checked");
        base_offset
    }

    /// Puts a batch into the entry and moves its partition by it, and by the marker it is if it is one; returns its base offset.
    pub(crate) fn push_batch(
        &mut self,
        id: PartitionId,
        info: &BatchInfo,
        bytes: &[u8],
        marker: Option<&Marker>,
    ) -> i64 {
        let partition = self.partitions.get_mut(&id).expect("who pushes has looked");
        let base_offset = partition.next_offset;
        self.pipeline.building.push_batch(id, info, base_offset, LEADER_EPOCH, partition.position(), bytes);
        partition.decided(bytes.len());
        partition.replay(info, base_offset, marker);
        base_offset
    }

    /// Puts one of the core's own records into the entry and moves state by it.
    pub(crate) fn append_record(&mut self, record: &Record) {
        self.pipeline.building.push_record(&record.encode());
        self.replay(record);
    }

    /// Writes offset records to `__consumer_offsets` and moves the committed offsets by them; those of a transaction (producer id and
    /// epoch) count once it is committed.
    pub(crate) fn append_offsets(&mut self, wall: Wall, records: &[OffsetRecord], transaction: Option<(i64, i16)>) {
        if records.is_empty() {
            return;
        }
        #[cfg(feature = "planted-bugs")]
        let transaction = transaction.filter(|_| !crate::planted::is(crate::planted::Bug::OffsetsBeforeCommit));
        let id = self.consumer_offsets_partition();
        let mut builder = batch::Builder::new();
        if let Some((producer_id, epoch)) = transaction {
            builder = builder.producer(producer_id, epoch, -1).attributes(batch::TRANSACTIONAL);
        }
        for record in records {
            let (key, value) = (record.encode_key(), record.encode_value());
            builder.push(wall.0, Some(&key), value.as_deref(), &[]);
        }
        let base_offset = self.append_built(wall, id, builder);
        let producer_id = transaction.map(|(producer_id, _)| producer_id);
        for (record, offset) in records.iter().zip(base_offset..) {
            self.offsets.replay(record, offset, producer_id);
        }
    }

    /// Writes what the groups' latest moves ask for to `__consumer_offsets`. Replies to those who made them come after this.
    pub(crate) fn append_groups(&mut self, wall: Wall) {
        let records = self.groups.take_records();
        #[cfg(feature = "planted-bugs")]
        let records = if crate::planted::is(crate::planted::Bug::GroupsForgotten) { Vec::new() } else { records };
        if records.is_empty() {
            return;
        }
        let id = self.consumer_offsets_partition();
        let mut builder = batch::Builder::new();
        for record in &records {
            builder.push(wall.0, Some(&record.encode_key()), record.value.as_deref(), &[]);
        }
        self.append_built(wall, id, builder);
        records.iter().for_each(|record| self.groups.replay(record));
    }

    /// Puts a batch of our own for `__consumer_offsets` into the entry; returns its base offset.
    fn append_built(&mut self, wall: Wall, id: PartitionId, builder: batch::Builder) -> i64 {
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        self.append_batch(wall, CONSUMER_OFFSETS, id, &Batch { info, bytes })
    }

    pub(crate) fn consumer_offsets_partition(&mut self) -> PartitionId {
        self.internal_partition(CONSUMER_OFFSETS)
    }

    /// The one partition of an internal topic, made when it is first needed.
    pub(crate) fn internal_partition(&mut self, topic: &str) -> PartitionId {
        if self.topics.get(topic).is_none() {
            let configs = [("cleanup.policy", "compact"), ("segment.bytes", "104857600")];
            let configs = configs.map(|(key, value)| (key.to_string(), value.to_string())).to_vec();
            self.create_topic(topic, 1, configs);
        }
        self.partition_id(topic, 0).expect("just made")
    }

    pub(crate) fn atomic_append(&mut self, wall: Wall, append: AtomicAppend) -> Result<Vec<i64>, Refusal> {
        if let Some((task, incarnation)) = &append.task
            && !self.tasks.is_current(task, *incarnation)
        {
            let why = format!("Task {task} has been started anew; its incarnation {incarnation} may write no more.");
            return Err((Error::ProducerFenced, why));
        }
        let bytes = append.batches.iter().map(|(_, _, batch)| batch.bytes.len()).sum::<usize>() + STATE_MOST_BYTES;
        self.check_room(append.batches.len() + append.state.len() + 1, bytes)?;
        let targets = self.check_batches(wall, &append)?;
        let offsets = self.check_offsets(wall, &append)?;
        let mut base_offsets = Vec::with_capacity(targets.len());
        for (id, (topic, _, batch)) in targets.into_iter().zip(&append.batches) {
            #[cfg(feature = "planted-bugs")]
            if crate::planted::is(crate::planted::Bug::OffsetsBeforeRecords) && !Tables::covers(topic) {
                self.postponed.push((topic.clone(), id, batch.clone()));
                base_offsets.push(-1);
                continue;
            }
            base_offsets.push(self.append_batch(wall, topic, id, batch));
        }
        self.append_offsets(wall, &offsets, None);
        if let Some((task, _)) = &append.task {
            for (key, value) in &append.state {
                self.append_record(&Record::TaskState { task: task.clone(), key: key.clone(), value: value.clone() });
            }
        }
        Ok(base_offsets)
    }

    fn check_batches(&self, wall: Wall, append: &AtomicAppend) -> Result<Vec<PartitionId>, Refusal> {
        let one = |(topic, partition, batch): &(String, i32, Batch)| {
            let id = self.writable(topic, *partition)?;
            if batch.info.is_transactional() {
                return Err((Error::InvalidTxnState, "An atomic append is no part of a transaction.".into()));
            }
            match self.check_batch(wall, topic, id, batch)? {
                Verdict::Append => Ok(id),
                Verdict::Duplicate { .. } => {
                    Err((Error::InvalidRequest, "An atomic append may not repeat a batch.".into()))
                }
            }
        };
        append.batches.iter().map(one).collect()
    }

    fn check_offsets(&self, wall: Wall, append: &AtomicAppend) -> Result<Vec<OffsetRecord>, Refusal> {
        let Some(commit) = &append.offsets else {
            return Ok(Vec::new());
        };
        self.groups.check_commit(&self.offsets, commit).map_err(plain)?;
        let (records, outcomes) = self.offsets.decide_commit(wall, &commit.who.group, &commit.topics);
        let refused = outcomes.iter().flat_map(|topic| &topic.partitions).find_map(|(_, outcome)| outcome.err());
        refused.map_or(Ok(records), |error| Err(plain(error)))
    }
}

#[cfg(feature = "planted-bugs")]
impl Broker {
    /// The planted mistake's other half: the records go into the entry after the one that has their offsets.
    pub(crate) fn append_postponed(&mut self, wall: Wall) {
        for (topic, id, batch) in core::mem::take(&mut self.postponed) {
            self.append_batch(wall, &topic, id, &batch);
        }
    }
}

pub(crate) fn plain(error: Error) -> Refusal {
    (error, error.message().to_string())
}
