//! The broker from what is on disk: a checkpoint's snapshot, then every journal entry after it, through the same `replay`.
//!
//! Owns the snapshot's bytes. Leaves the reading to `broker_store::recover`. Invariant: a broker recovered from entries 1..n equals
//! one that decided them, in everything a client can observe.

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
    vec::Vec,
};
use broker_store::{
    batch::{self, BatchInfo},
    entry::{Item, PartitionId},
    log::{Log, LogState, Tail},
    recover::{Missing, Recovered},
};

use crate::{
    Broker, Damaged, Room, Seq,
    admin::{Entropy, ProducerIds, log_settings, rules},
    codec::{Reader, Writer},
    compaction::Compaction,
    configs::Defaults,
    group::{GroupRecord, Groups},
    keeper::Keeper,
    limits::{OFFSET_EXPIRY_MS, TAIL_BYTES},
    offsets::{OffsetRecord, Offsets},
    partition::Partition,
    pipeline::Pipeline,
    producer::Producers,
    record::Record,
    retention::Retention,
    sessions::Sessions,
    settings::Settings,
    stable::Stability,
    tables::Tables,
    tasks::Tasks,
    time::{Now, Wall},
    topics::{CONSUMER_OFFSETS, TRANSACTION_STATE, Topics},
    txn::{Transactions, marker::Marker, transaction::Transaction},
};

mod logs;

use logs::{Found, Logs};

const SNAPSHOT_VERSION: u8 = 4;

/// Why the broker cannot go on from what is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverError {
    /// A checkpoint's snapshot or a journal record is not readable though its checksum holds.
    Damaged(Damaged),
    /// A file that the checkpoint knows is not as it should be.
    Lost {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A log that Kafka wrote does not fit the topics there are.
    Foreign {
        /// The folder.
        folder: String,
        /// Why not.
        why: String,
    },
    /// A partition's log ends before an offset that was acknowledged.
    Missing {
        /// `topic-partition`.
        log: String,
        /// Where it should go on.
        expected: i64,
        /// Where it goes on.
        found: i64,
    },
}

impl core::fmt::Display for RecoverError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RecoverError::Damaged(what) => write!(f, "{what}"),
            RecoverError::Lost { file, why } => {
                write!(
                    f,
                    "{file} {why}, and acknowledged records were in it; nothing was changed: put the file back from a copy"
                )
            }
            RecoverError::Foreign { folder, why } => {
                write!(f, "{folder} {why}; nothing was changed in it: move it away, or delete the topic first")
            }
            RecoverError::Missing { log, expected, found } => {
                write!(f, "the log {log} ends at offset {found}, but records up to {expected} were acknowledged")
            }
        }
    }
}

impl From<Damaged> for RecoverError {
    fn from(damaged: Damaged) -> Self {
        RecoverError::Damaged(damaged)
    }
}

impl Broker {
    /// A broker that goes on after what was recovered. Drain [`Broker::poll_output`] before the first input.
    pub fn recover(settings: Settings, now: Now, recovered: Recovered) -> Result<Broker, RecoverError> {
        let mut broker = Broker::empty(settings, now, &recovered);
        let mut logs: Logs = BTreeMap::new();
        if let Some(checkpoint) = recovered.checkpoint {
            logs = checkpoint.logs.into_iter().map(|log| (log.partition, Found::Ours(log))).collect();
            broker.restore(now, &checkpoint.snapshot, &mut logs)?;
        }
        logs.extend(recovered.taken_over.into_iter().map(|log| (log.log.partition, Found::Kafkas(log))));
        for item in recovered.items {
            broker.replay_item(now, item, &mut logs)?;
        }
        broker.pass_over_producer_ids(&logs);
        broker.take_over(&mut logs)?;
        broker.groups.resume(now)?;
        broker.move_log_starts(broker.pipeline.durable());
        if broker.partitions.values().any(|partition| partition.log.wants_checkpoint()) {
            broker.keeper.segment_left();
        }
        broker.check_missing(&recovered.missing)?;
        broker.check_ends()?;
        broker.producer_ids = ProducerIds::resume(broker.producer_ids.block_end());
        Ok(broker)
    }

    fn empty(settings: Settings, now: Now, recovered: &Recovered) -> Broker {
        let mut keeper = Keeper::default();
        keeper.started(now, recovered.checkpoint.as_ref().map_or(0, |c| c.journal_seq));
        let retention = Retention::started(now, settings.retention_check_ms);
        let compaction = Compaction::started(now, &settings.cleaner);
        Broker {
            groups: Groups::new(settings.groups.clone(), settings.entropy, now),
            offsets: Offsets::new(settings.offsets.clone()),
            transactions: Transactions::new(settings.transactions.clone()),
            entropy: Entropy::new(!settings.entropy),
            pipeline: Pipeline::new(recovered.pool.clone(), recovered.salt, recovered.last_seq),
            journal: Room { used: recovered.journal_bytes, capacity: recovered.journal_capacity },
            defaults: Defaults::new(settings.topic_defaults.clone()),
            sessions: Sessions::new(settings.fetch_sessions),
            settings,
            keeper,
            tail: Tail::new(TAIL_BYTES),
            clock: (now, Wall(0)),
            next_offset_expiry: now.plus(OFFSET_EXPIRY_MS),
            last_entry: now,
            sealed: recovered.last_seq == 0,
            topics: Topics::default(),
            partitions: BTreeMap::new(),
            tables: Tables::default(),
            tasks: Tasks::default(),
            producer_ids: ProducerIds::default(),
            parked: Default::default(),
            held: Default::default(),
            deletions: Default::default(),
            log_starts: Default::default(),
            retention,
            compaction,
            outputs: VecDeque::new(),
            stopping: false,
            #[cfg(feature = "planted-bugs")]
            postponed: Vec::new(),
        }
    }

    /// The state as of the entry that was just closed, for a checkpoint.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(SNAPSHOT_VERSION);
        self.topics.encode(&mut out);
        self.tables.encode(&mut out);
        self.tasks.encode(&mut out);
        out.i64(self.producer_ids.block_end());
        out.bytes(&self.offsets.snapshot());
        self.groups.encode(&mut out);
        self.transactions.encode(&mut out);
        out.list(self.partitions.iter(), |out, (id, partition)| {
            out.uuid(uuid::Uuid::from_bytes(id.topic)).i32(id.partition).i64(partition.next_offset);
            partition.producers.encode(out);
            partition.stable.encode(out);
        });
        out.list(self.defaults.records().iter(), |out, record| {
            out.bytes(&record.encode());
        });
        out.0
    }

    fn restore(&mut self, now: Now, snapshot: &[u8], logs: &mut Logs) -> Result<(), Damaged> {
        let mut from = Reader(snapshot);
        if from.u8()? != SNAPSHOT_VERSION {
            return Err(Damaged("the checkpoint is of another version of connectd"));
        }
        self.topics = Topics::decode(&mut from)?;
        self.tables = Tables::decode(&mut from)?;
        self.tasks = Tasks::decode(&mut from)?;
        self.producer_ids = ProducerIds::resume(from.i64()?);
        self.offsets = Offsets::restore(self.settings.offsets.clone(), from.bytes()?)?;
        self.groups.decode(&mut from)?;
        self.transactions = Transactions::decode(self.settings.transactions.clone(), now, &mut from)?;
        let partition = |from: &mut Reader<'_>| {
            let id = PartitionId { topic: from.uuid()?.into_bytes(), partition: from.i32()? };
            let (next_offset, producers) = (from.i64()?, Producers::decode(from)?);
            let stable = Stability::decode(from, producers.open())?;
            Ok((id, next_offset, producers, stable))
        };
        for (id, next_offset, producers, stable) in from.list(partition)? {
            let log = logs.remove(&id).map(Found::into_state);
            let partition = self.open(id, log).ok_or(Damaged("a partition without a topic"))?;
            self.partitions.insert(id, Partition { next_offset, producers, stable, ..partition });
        }
        from.list(|from| Record::decode(from.bytes()?))?.iter().for_each(|record| self.replay(record));
        from.end()
    }

    /// The partition with its log as the checkpoint knows it, or an empty one.
    fn open(&self, id: PartitionId, log: Option<LogState>) -> Option<Partition> {
        let topic = self.topics.by_id(uuid::Uuid::from_bytes(id.topic))?;
        let settings = log_settings(topic, &self.defaults);
        let log = match log {
            Some(state) => Log::restore(state, settings),
            None => Log::new(id, &topic.name, settings),
        };
        Some(Partition::new(log, rules(topic, &self.defaults)))
    }

    fn replay_item(&mut self, now: Now, item: Item, logs: &mut Logs) -> Result<(), Damaged> {
        match item {
            Item::Record(bytes) => {
                self.replay(&Record::decode(&bytes)?);
                self.adopt(logs)?;
            }
            Item::Batch { partition, info, bytes } => self.replay_batch(now, partition, &info, bytes)?,
        }
        Ok(())
    }

    fn replay_batch(
        &mut self,
        now: Now,
        id: PartitionId,
        info: &BatchInfo,
        bytes: bytes::Bytes,
    ) -> Result<(), Damaged> {
        // A batch of a topic that a later entry deletes, whose log may be gone already.
        let Some(partition) = self.partitions.get_mut(&id) else {
            return Ok(());
        };
        let marker = if info.is_control() { Marker::decode(info, &bytes)? } else { None };
        // Of a log that Kafka began, and that no checkpoint knows, what came later may be in its segments too.
        if info.base_offset >= partition.next_offset {
            partition.replay(info, info.base_offset, marker.as_ref());
        }
        if info.base_offset == partition.log.next_offset() {
            self.keeper.appended(now, bytes.len() as u64);
            partition.log.append(info, bytes.clone());
        }
        partition.settle();
        let topic =
            self.topics.by_id(uuid::Uuid::from_bytes(id.topic)).ok_or(Damaged("a partition without a topic"))?;
        let name = topic.name.clone();
        self.tables.replay(&name, &bytes)?;
        match (name.as_str(), marker) {
            (CONSUMER_OFFSETS, Some(marker)) => self.offsets.end_transaction(marker.producer_id, marker.commit),
            (CONSUMER_OFFSETS, None) => self.replay_groups(info, &bytes)?,
            (TRANSACTION_STATE, None) => self.replay_transactions(now, &bytes)?,
            _ => {}
        }
        Ok(())
    }

    fn replay_groups(&mut self, info: &BatchInfo, bytes: &[u8]) -> Result<(), Damaged> {
        let transaction = info.is_transactional().then_some(info.producer_id);
        for (record, offset) in batch::records(bytes).zip(info.base_offset..) {
            let record = record.map_err(|_| Damaged("a batch of committed offsets and groups"))?;
            let (key, value) = (record.key.unwrap_or_default(), record.value);
            if let Some(record) = OffsetRecord::decode(key, value)? {
                self.offsets.replay(&record, offset, transaction);
            } else if let Some(record) = GroupRecord::decode(key, value)? {
                self.groups.replay(&record);
            }
        }
        Ok(())
    }

    fn replay_transactions(&mut self, now: Now, bytes: &[u8]) -> Result<(), Damaged> {
        for record in batch::records(bytes) {
            let record = record.map_err(|_| Damaged("a batch of transactions' states"))?;
            let id = Transaction::decode_key(record.key.unwrap_or_default())?;
            self.transactions.replay(now, &id, record.value.map(Transaction::decode).transpose()?);
        }
        Ok(())
    }

    /// A log that is gone from its folder must be of a topic that is gone too.
    fn check_missing(&self, missing: &[Missing]) -> Result<(), RecoverError> {
        match missing.iter().find(|missing| self.partitions.contains_key(&missing.partition)) {
            Some(Missing { file, why, .. }) => Err(RecoverError::Lost { file: file.clone(), why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Below the checkpoint every byte must be there: each log goes on where its partition does.
    fn check_ends(&self) -> Result<(), RecoverError> {
        for (id, partition) in &self.partitions {
            let (expected, found) = (partition.next_offset, partition.log.next_offset());
            if expected != found {
                let topic =
                    self.topics.by_id(uuid::Uuid::from_bytes(id.topic)).map_or("?", |topic| topic.name.as_str());
                return Err(RecoverError::Missing { log: alloc::format!("{topic}-{}", id.partition), expected, found });
            }
        }
        Ok(())
    }

    /// The last entry that recovery found; later ones are this run's.
    pub fn recovered_to(&self) -> Seq {
        self.pipeline.durable()
    }
}
