//! What an operator can set for the broker, complete and typed: no options left to decide.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

/// Settings of the core. The edge parses `server.properties` into this.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `cluster.id` of the data folder.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: i32,
    /// `num.partitions`: of a topic made without saying.
    pub num_partitions: i32,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// Topic config defaults that the settings file changes (`log.retention.ms` and its like), by topic config name; checked.
    pub topic_defaults: BTreeMap<String, String>,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// Compaction.
    pub cleaner: CleanerSettings,
    /// What `codec` (1 to 4) compressed into records, appended to a buffer: compacted topics need to see the keys.
    pub decompress: fn(codec: u8, records: &[u8], to: &mut Vec<u8>) -> Result<(), String>,
    /// Group coordinator.
    pub groups: crate::group::GroupSettings,
    /// Committed offsets.
    pub offsets: crate::offsets::OffsetSettings,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_sessions: usize,
    /// Settings of the file that DescribeConfigs shows beside the defaults of topics.
    pub described: Vec<Described>,
    /// Transaction coordinator.
    pub transactions: crate::txn::TransactionSettings,
    /// Largest request a client may send, bytes; an entry must hold one.
    pub max_request_bytes: usize,
    /// Randomness for topic ids and member ids, drawn once per start.
    pub entropy: u64,
}

/// A setting as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Kafka's name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Whether that is Kafka's default.
    pub is_default: bool,
    /// Kafka's type number (`ConfigEntry.kind`).
    pub kind: i8,
    /// One line of documentation.
    pub doc: &'static str,
}

/// Settings of compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanerSettings {
    /// `log.cleaner.enable`.
    pub enable: bool,
    /// `log.cleaner.backoff.ms`: time between two looks when nothing was dirty.
    pub backoff_ms: u64,
    /// `log.cleaner.dedupe.buffer.size`: memory for the latest offset of each key, bytes.
    pub dedupe_bytes: usize,
}

impl Default for CleanerSettings {
    fn default() -> Self {
        Self { enable: true, backoff_ms: 15_000, dedupe_bytes: 16 << 20 }
    }
}
