//! What a task's calls take and give, as the machines and the host both see it.
//!
//! Owns the types (they mirror the WIT interfaces `source-task` and `sink-task`). Leaves the packed columns to `record`, and
//! all decisions to the machines. Invariant: everything here is data, moved and never converted at the sandbox's border.

use crate::record::Batch;
use crate::scalar::ScalarMap;
use alloc::{string::String, vec::Vec};

/// How the runtime is to act on a connector's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Try the same again (Connect's `RetriableException`).
    Retriable,
    /// The task cannot go on (`ConnectException`).
    Fatal,
    /// The configuration is at fault (`ConfigException`).
    BadConfig,
    /// A record is at fault (`DataException`).
    BadData,
}

/// An error that a connector reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorError {
    /// What to do about it.
    pub class: ErrorClass,
    /// Which error it is, in the connector's own words: `file.full`, `http.429`.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// Wait so long before trying again, in milliseconds.
    pub retry_after_ms: Option<u32>,
    /// Everything else.
    pub attrs: Vec<(String, String)>,
}

impl core::fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
}

/// A partition and an offset in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TpOffset {
    /// The partition.
    pub tp: TopicPartition,
    /// The offset: of the next record, where it is to be committed.
    pub offset: i64,
}

/// Whether a source can promise that nothing comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EosSupport {
    /// It does not know.
    Unsupported,
    /// Records may come twice.
    AtLeastOnce,
    /// Nothing comes twice if its offsets are committed with its records.
    ExactlyOnce,
}

/// A source's answer to `poll`.
// Most answers are records; a box would only be one more thing to follow.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    /// Records and the offsets that go with them.
    Records(SourceBatch),
    /// Nothing now: call again after so many milliseconds, or sooner if something it watches changed.
    Idle(u32),
    /// Nothing, ever again.
    Finished,
}

/// Records from a source, and the offsets that may be committed after them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SourceBatch {
    /// The records.
    pub records: Batch,
    /// Source partitions, for the checkpoints to point to.
    pub partitions: Vec<ScalarMap>,
    /// In the order of `after`.
    pub checkpoints: Vec<Checkpoint>,
    /// Transaction boundaries, in the order of `after`; only if the connector defines them.
    pub txn: Vec<TxnMark>,
}

impl SourceBatch {
    /// True if there is nothing in it to be written.
    pub fn is_empty(&self) -> bool {
        self.records.count == 0 && self.checkpoints.is_empty()
    }
}

/// Once records `0..=after` are acknowledged, `offset` of `partitions[partition]` may be committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Index of the last record that must be acknowledged.
    pub after: u32,
    /// Index into [`SourceBatch::partitions`].
    pub partition: u32,
    /// The source offset.
    pub offset: ScalarMap,
}

/// The connector ends a transaction after record `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnMark {
    /// Index of the last record of the transaction.
    pub after: u32,
    /// True to commit, false to abort.
    pub commit: bool,
}

/// What became of the records of one poll.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ack {
    /// Number of the poll.
    pub seq: u64,
    /// Records in the topic.
    pub delivered: u32,
    /// Records dropped by a transform.
    pub filtered: u32,
    /// Indexes of records that failed and were skipped.
    pub failed: Vec<u32>,
}

/// A record that a sink could not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFailure {
    /// Its index in the batch.
    pub index: u32,
    /// Why.
    pub error: ConnectorError,
}

/// Offsets that somebody alters over REST; `None`: forget it.
#[derive(Clone, Debug, PartialEq)]
pub enum AlteredOffsets {
    /// Of a source.
    Source(Vec<(ScalarMap, Option<ScalarMap>)>),
    /// Of a sink.
    Sink(Vec<(TopicPartition, Option<i64>)>),
}
