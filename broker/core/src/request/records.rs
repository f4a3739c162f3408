//! Produce, Fetch, ListOffsets: what is asked of partitions, and what they answer.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;

use super::TopicReply;
use crate::error::Error;

/// A checked batch as it came: one Kafka record batch (magic 2) whose length and CRC the edge has verified.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its header fields.
    pub info: broker_store::batch::BatchInfo,
    /// All of its bytes, header included.
    pub bytes: Bytes,
}

/// Produce.
#[derive(Clone, Debug)]
pub struct Produce {
    /// 0, 1 or -1 (all); with 0 no reply is made unless something failed.
    pub acks: i16,
    /// Transactional id of the producer, if it has one.
    pub transactional_id: Option<String>,
    /// Topic, then partition and batch, or the error the edge found while checking it.
    pub topics: Vec<(String, Vec<(i32, Result<Batch, Error>)>)>,
}

/// One partition's outcome of a produce.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Partition index.
    pub partition: i32,
    /// Base offset given to the batch, log start offset, and log append time (-1 with CreateTime).
    pub outcome: Result<ProducedAt, (Error, String)>,
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedAt {
    /// Offset of its first record.
    pub base_offset: i64,
    /// The partition's log start offset.
    pub log_start_offset: i64,
    /// Milliseconds since 1970 with LogAppendTime, else -1.
    pub log_append_time: i64,
}

/// Fetch.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// How long to wait for `min_bytes`, milliseconds.
    pub max_wait_ms: u32,
    /// Bytes that make the answer worth sending.
    pub min_bytes: u32,
    /// Most bytes of records in the whole answer (the first batch is always whole, KIP-74).
    pub max_bytes: u32,
    /// Stop at the last stable offset.
    pub read_committed: bool,
    /// Topic, partitions.
    pub topics: Vec<(String, Vec<FetchPartition>)>,
}

/// A fetch that begins, continues or ends a session.
#[derive(Clone, Debug)]
pub struct SessionFetch {
    /// The session, 0 for none.
    pub session: i32,
    /// 0 to begin one, -1 to end it, else the number of this fetch in it.
    pub epoch: i32,
    /// Topics and partitions that the session shall read no more.
    pub forgotten: Vec<(String, Vec<i32>)>,
    /// What is new or has changed; all of it at the beginning.
    pub fetch: Fetch,
}

/// The answer to it.
#[derive(Clone, Debug)]
pub struct SessionFetched {
    /// The session, 0 for none.
    pub session: i32,
    /// All partitions, or those that have news.
    pub topics: Vec<TopicReply<Fetched>>,
}

/// One partition of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchPartition {
    /// Partition index.
    pub partition: i32,
    /// First offset wanted; the answer starts with the batch that holds it.
    pub offset: i64,
    /// Most bytes from this partition.
    pub max_bytes: u32,
    /// The leader epoch the client believes in, -1 for none.
    pub current_leader_epoch: i32,
}

/// One partition's records.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Partition index.
    pub partition: i32,
    /// Why there are none.
    pub error: Option<Error>,
    /// First offset not yet committed.
    pub high_watermark: i64,
    /// First offset of the oldest open transaction, or the high watermark.
    pub last_stable_offset: i64,
    /// First offset that can be read.
    pub log_start_offset: i64,
    /// Aborted transactions in the range: producer id and first offset.
    pub aborted: Vec<(i64, i64)>,
    /// Where the record bytes are: in memory, or to be read by the edge from a segment.
    pub records: broker_store::log::Read,
}

/// ListOffsets.
#[derive(Clone, Debug)]
pub struct ListOffsets {
    /// Answer the last stable offset for `latest`.
    pub read_committed: bool,
    /// Topic, then partition, leader epoch (-1: none) and timestamp (-1 latest, -2 earliest, -3 max timestamp).
    pub topics: Vec<(String, Vec<(i32, i32, i64)>)>,
}

/// One partition's offset by timestamp.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Partition index.
    pub partition: i32,
    /// What was found.
    pub outcome: Result<ListedOffset, Error>,
}

/// An offset found by timestamp.
#[derive(Clone, Debug)]
pub enum ListedOffset {
    /// Known at once: timestamp, offset (-1, -1: none matches) and leader epoch.
    At {
        /// Milliseconds since 1970, -1 for a special query.
        timestamp: i64,
        /// The offset.
        offset: i64,
        /// Leader epoch of it.
        leader_epoch: i32,
    },
    /// The first record at or after `timestamp` among these batches; the edge decodes them to find it.
    In {
        /// The timestamp asked for.
        timestamp: i64,
        /// The batch that holds it.
        records: broker_store::log::Read,
        /// Records before this offset are deleted.
        start: i64,
        /// A record at or above this offset does not count.
        end: i64,
        /// Leader epoch to answer.
        leader_epoch: i32,
    },
}
