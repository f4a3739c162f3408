//! Producer ids and transactions.

use alloc::{string::String, vec::Vec};

use super::{OffsetCommit, TopicReply};
use crate::error::Error;

/// Partitions by topic name.
pub type PartitionsByTopic = Vec<(String, Vec<i32>)>;

/// Per partition of each topic, in the request's order, what became of it.
pub type PartitionOutcomes = Vec<TopicReply<(i32, Result<(), Error>)>>;

/// InitProducerId.
#[derive(Clone, Debug)]
pub struct InitProducerId {
    /// Transactional id, if the producer has one.
    pub transactional_id: Option<String>,
    /// After how long an open transaction is aborted, milliseconds.
    pub timeout_ms: i32,
    /// Producer id and epoch to go on with (KIP-360), or -1 and -1.
    pub current: (i64, i16),
}

/// The producer of a transaction, as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionalProducer {
    /// Transactional id.
    pub transactional_id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// What concerns transactions alone.
#[derive(Clone, Debug)]
pub enum TransactionRequest {
    /// AddPartitionsToTxn: the transaction is about to write to these.
    AddPartitions {
        /// Whose transaction.
        producer: TransactionalProducer,
        /// The partitions.
        topics: PartitionsByTopic,
    },
    /// AddOffsetsToTxn: the transaction is about to commit offsets of a group.
    AddOffsets {
        /// Whose transaction.
        producer: TransactionalProducer,
        /// The group.
        group: String,
    },
    /// TxnOffsetCommit: offsets that count once the transaction is committed.
    CommitOffsets {
        /// Whose transaction.
        producer: TransactionalProducer,
        /// The offsets; generation -1 and an empty member where the client does not say.
        commit: OffsetCommit,
    },
    /// EndTxn.
    End {
        /// Whose transaction.
        producer: TransactionalProducer,
        /// Commit it, or abort it.
        commit: bool,
    },
    /// WriteTxnMarkers: end what a producer has open on these partitions, whatever its coordinator knows.
    WriteMarkers(Vec<MarkersToWrite>),
    /// DescribeTransactions: transactional ids.
    Describe(Vec<String>),
    /// ListTransactions.
    List(ListTransactions),
    /// DescribeProducers.
    DescribeProducers(PartitionsByTopic),
}

/// The reply to each, in the same order.
#[derive(Clone, Debug)]
pub enum TransactionReply {
    /// To `AddPartitions`, in its order.
    AddPartitions(PartitionOutcomes),
    /// To `AddOffsets`.
    AddOffsets(Result<(), Error>),
    /// To `CommitOffsets`, in its order.
    CommitOffsets(PartitionOutcomes),
    /// To `End`.
    End(Result<(), Error>),
    /// To `WriteMarkers`: producer id and what became of each partition.
    WriteMarkers(Vec<(i64, PartitionOutcomes)>),
    /// To `Describe`, in its order: the id and what is known.
    Describe(Vec<(String, Result<TransactionDescription, Error>)>),
    /// To `List`.
    List(ListedTransactions),
    /// To `DescribeProducers`, in its order: partition and its producers.
    DescribeProducers(Vec<TopicReply<(i32, Result<Vec<ProducerDescription>, Error>)>>),
}

/// One producer's markers.
#[derive(Clone, Debug)]
pub struct MarkersToWrite {
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Epoch of the coordinator that asks.
    pub coordinator_epoch: i32,
    /// Commit or abort.
    pub commit: bool,
    /// Where.
    pub topics: PartitionsByTopic,
}

/// One transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDescription {
    /// State as Kafka writes it: `Empty`, `Ongoing`, `CompleteCommit`, `CompleteAbort`.
    pub state: &'static str,
    /// After how long it is aborted, milliseconds.
    pub timeout_ms: i32,
    /// When the open transaction began, milliseconds since 1970; -1 if none is open.
    pub started: i64,
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Partitions of the open transaction.
    pub topics: PartitionsByTopic,
}

/// ListTransactions; what is empty or `None` filters nothing.
#[derive(Clone, Debug, Default)]
pub struct ListTransactions {
    /// State names as Kafka writes them.
    pub states: Vec<String>,
    /// Producer ids.
    pub producer_ids: Vec<i64>,
    /// Only open ones that began longer ago than this, milliseconds.
    pub longer_than_ms: Option<i64>,
}

/// Transactional ids by name.
#[derive(Clone, Debug, Default)]
pub struct ListedTransactions {
    /// Names asked for that are no states.
    pub unknown_states: Vec<String>,
    /// Transactional id, producer id and state.
    pub transactions: Vec<(String, i64, &'static str)>,
}

/// A producer as a partition remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerDescription {
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Its last sequence, -1 if no batch of this epoch is known.
    pub last_sequence: i32,
    /// When it last wrote, milliseconds since 1970.
    pub last_timestamp: i64,
    /// Epoch of the coordinator that wrote its last marker, -1 for none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction here, -1 for none.
    pub open_since_offset: i64,
}
