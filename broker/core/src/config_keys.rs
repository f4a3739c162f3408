//! The configs of a topic: names, types, defaults, one line of doc each. Validation and DescribeConfigs read this table.
//!
//! Source: Kafka 4.3's `TopicConfig`; defaults are those of `LogConfig` (broker-contract 2.7).

use alloc::{
    format,
    string::{String, ToString},
};

/// What a value must look like. The numbers are Kafka's `ConfigDef.Type` as DescribeConfigs sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// One of the words after the key's default in [`KEYS`].
    Word(&'static [&'static str]),
    /// 32 bits, at least this.
    Int(i32),
    /// 64 bits, at least this.
    Long(i64),
    /// A fraction between 0 and 1.
    Ratio,
    /// Words, separated by commas, of the given ones; of any if none are given.
    List(&'static [&'static str]),
}

/// One row of the table.
#[derive(Debug)]
pub struct Key {
    /// Topic config.
    pub name: &'static str,
    /// Its type and range.
    pub kind: Kind,
    /// Kafka's default.
    pub default: &'static str,
    /// Broker setting that changes the default, if there is one.
    pub broker_setting: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    broker_setting: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, kind, default, broker_setting, doc }
}

use Kind::{Boolean, Int, List, Long, Ratio, Word};

/// The table, by name.
pub const KEYS: &[Key] = &[
    key(
        "cleanup.policy",
        List(&["compact", "delete"]),
        "delete",
        "log.cleanup.policy",
        "What becomes of old segments: deleted, or compacted to the last record per key.",
    ),
    key(
        "compression.gzip.level",
        Int(-1),
        "-1",
        "compression.gzip.level",
        "Level for gzip when the broker compresses.",
    ),
    key("compression.lz4.level", Int(1), "9", "compression.lz4.level", "Level for lz4 when the broker compresses."),
    key(
        "compression.type",
        Word(&["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]),
        "producer",
        "compression.type",
        "How batches are stored; producer keeps what came.",
    ),
    key(
        "compression.zstd.level",
        Int(-131_072),
        "3",
        "compression.zstd.level",
        "Level for zstd when the broker compresses.",
    ),
    key(
        "delete.retention.ms",
        Long(0),
        "86400000",
        "log.cleaner.delete.retention.ms",
        "How long a compacted topic keeps tombstones.",
    ),
    key(
        "file.delete.delay.ms",
        Long(0),
        "60000",
        "log.segment.delete.delay.ms",
        "How long a deleted segment stays on disk.",
    ),
    key(
        "flush.messages",
        Long(1),
        "9223372036854775807",
        "log.flush.interval.messages",
        "Records between syncs in Kafka; here every acknowledged record is synced.",
    ),
    key(
        "flush.ms",
        Long(0),
        "9223372036854775807",
        "log.flush.interval.ms",
        "Time between syncs in Kafka; here every acknowledged record is synced.",
    ),
    key(
        "follower.replication.throttled.replicas",
        List(&[]),
        "",
        "",
        "Replicas whose replication is throttled; there are none on one node.",
    ),
    key("index.interval.bytes", Int(0), "4096", "log.index.interval.bytes", "Bytes of log per index entry."),
    key(
        "leader.replication.throttled.replicas",
        List(&[]),
        "",
        "",
        "Replicas whose replication is throttled; there are none on one node.",
    ),
    key(
        "local.retention.bytes",
        Long(-2),
        "-2",
        "log.local.retention.bytes",
        "Size kept locally with tiered storage, which is not served.",
    ),
    key(
        "local.retention.ms",
        Long(-2),
        "-2",
        "log.local.retention.ms",
        "Time kept locally with tiered storage, which is not served.",
    ),
    key(
        "max.compaction.lag.ms",
        Long(1),
        "9223372036854775807",
        "log.cleaner.max.compaction.lag.ms",
        "Longest time a record may wait for compaction.",
    ),
    key("max.message.bytes", Int(0), "1048588", "message.max.bytes", "Largest record batch, as it is stored."),
    key(
        "message.timestamp.after.max.ms",
        Long(0),
        "3600000",
        "log.message.timestamp.after.max.ms",
        "How far in the future a record's timestamp may lie.",
    ),
    key(
        "message.timestamp.before.max.ms",
        Long(0),
        "9223372036854775807",
        "log.message.timestamp.before.max.ms",
        "How far in the past a record's timestamp may lie.",
    ),
    key(
        "message.timestamp.type",
        Word(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
        "log.message.timestamp.type",
        "Whose time a record carries: its producer's or the log's.",
    ),
    key(
        "min.cleanable.dirty.ratio",
        Ratio,
        "0.5",
        "log.cleaner.min.cleanable.ratio",
        "Share of uncleaned log that makes compaction worthwhile.",
    ),
    key(
        "min.compaction.lag.ms",
        Long(0),
        "0",
        "log.cleaner.min.compaction.lag.ms",
        "Shortest time a record stays uncompacted.",
    ),
    key(
        "min.insync.replicas",
        Int(1),
        "1",
        "min.insync.replicas",
        "In-sync replicas that acks=all needs; one node has one.",
    ),
    key("preallocate", Boolean, "false", "log.preallocate", "Whether segment files are made at full size."),
    key("remote.log.copy.disable", Boolean, "false", "", "Tiered storage, which is not served."),
    key("remote.log.delete.on.disable", Boolean, "false", "", "Tiered storage, which is not served."),
    key("remote.storage.enable", Boolean, "false", "", "Tiered storage, which is not served."),
    key(
        "retention.bytes",
        Long(-1),
        "-1",
        "log.retention.bytes",
        "Size of a partition beyond which its oldest segments go; -1 for no limit.",
    ),
    key("retention.ms", Long(-1), "604800000", "log.retention.ms", "Age at which a segment goes; -1 for never."),
    key("segment.bytes", Int(1_048_576), "1073741824", "log.segment.bytes", "Size at which a new segment is begun."),
    key(
        "segment.index.bytes",
        Int(4),
        "10485760",
        "log.index.size.max.bytes",
        "Size of an offset index at which a new segment is begun.",
    ),
    key("segment.jitter.ms", Long(0), "0", "log.roll.jitter.ms", "Random share taken off segment.ms."),
    key("segment.ms", Long(1), "604800000", "log.roll.ms", "Age at which a new segment is begun."),
    key(
        "unclean.leader.election.enable",
        Boolean,
        "false",
        "unclean.leader.election.enable",
        "Whether a replica that lags may lead; one node always leads.",
    ),
];

impl Key {
    /// Kafka's type number in DescribeConfigs.
    pub fn type_number(&self) -> i8 {
        match self.kind {
            Boolean => 1,
            Word(_) => 2,
            Int(_) => 3,
            Long(_) => 5,
            Ratio => 6,
            List(_) => 7,
        }
    }

    /// Whether `value` may be set; the error is Kafka's sentence.
    pub fn check(&self, value: &str) -> Result<(), String> {
        self.check_as(self.name, value)
    }

    /// The same under another name, the broker's.
    pub fn check_as(&self, name: &str, value: &str) -> Result<(), String> {
        let value = value.trim();
        let wrong =
            |why: &dyn core::fmt::Display| Err(format!("Invalid value {value} for configuration {name}: {why}"));
        let at_least = |least: &dyn core::fmt::Display| wrong(&format!("Value must be at least {least}"));
        match self.kind {
            Boolean if matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => Ok(()),
            Boolean => wrong(&"Expected value to be either true or false"),
            Word(words) if words.contains(&value) => Ok(()),
            Word(words) => wrong(&format!("String must be one of: {}", words.join(", "))),
            Int(least) => match value.parse::<i32>() {
                Ok(number) if number >= least => Ok(()),
                Ok(_) => at_least(&least),
                Err(_) => wrong(&"Not a number of type INT"),
            },
            Long(least) => match value.parse::<i64>() {
                Ok(number) if number >= least => Ok(()),
                Ok(_) => at_least(&least),
                Err(_) => wrong(&"Not a number of type LONG"),
            },
            Ratio => match value.parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => Ok(()),
                Ok(number) if number > 1.0 => wrong(&"Value must be no more than 1"),
                Ok(_) => at_least(&0),
                Err(_) => wrong(&"Not a number of type DOUBLE"),
            },
            List([]) => Ok(()),
            List(words) if value.split(',').all(|word| words.contains(&word.trim())) => Ok(()),
            List(words) => wrong(&format!("String must be one of: {}", words.join(", "))),
        }
    }
}

/// The row of a topic config.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.binary_search_by(|key| key.name.cmp(name)).ok().map(|index| &KEYS[index])
}

/// Checks a topic's configs as CreateTopics brings them; the error is a sentence for the client.
pub fn check_all(configs: &[(String, Option<String>)]) -> Result<(), String> {
    for (name, value) in configs {
        let key = find(name).ok_or_else(|| format!("Unknown topic config name: {name}"))?;
        let value = value.as_ref().ok_or_else(|| format!("Null value not supported for topic configs: {name}"))?;
        key.check(value)?;
    }
    Ok(())
}

/// A number from a topic's configs or the defaults, which have been checked.
pub(crate) fn number(value: &str) -> i64 {
    value.trim().parse().unwrap_or_else(|_| panic!("config value {:?} was checked when it was set", value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_defaults_pass_their_own_check() {
        assert!(KEYS.is_sorted_by_key(|key| key.name));
        for key in KEYS {
            assert_eq!(key.check(key.default), Ok(()), "{}", key.name);
        }
    }

    #[test]
    fn values_are_checked() {
        let rows = [
            ("retention.ms", "-1", true),
            ("retention.ms", "-2", false),
            ("retention.ms", "a week", false),
            ("cleanup.policy", "compact, delete", true),
            ("cleanup.policy", "compress", false),
            ("compression.type", "LZ4", false),
            ("preallocate", "TRUE", true),
            ("min.cleanable.dirty.ratio", "1.5", false),
        ];
        for (name, value, good) in rows {
            assert_eq!(find(name).unwrap().check(value).is_ok(), good, "{name}={value}");
        }
        assert!(find("retention.msec").is_none());
    }
}
