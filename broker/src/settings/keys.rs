//! The settings that are honoured: one row says all there is to know of one.
//!
//! Owns names, types, meanings, how a value is read and how it is shown. Leaves the settings from which topics take their defaults to
//! `broker_core::config_keys`. Invariant: names are in order, and whatever is shown can be given.

use super::{
    Flush, Settings,
    given::Given,
    listener::{Listener, listeners},
};

/// Type numbers of DescribeConfigs (`ConfigEntry.ConfigType`).
const BOOLEAN: i8 = 1;
const STRING: i8 = 2;
pub(super) const INT: i8 = 3;
const LONG: i8 = 5;
const LIST: i8 = 7;

/// The largest value of Kafka's INT.
const INT_MAX: i64 = i32::MAX as i64;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

type Set = fn(&mut Settings, &Given<'_>) -> Result<(), String>;
type Show = fn(&Settings) -> String;

/// A setting.
pub struct Key {
    /// Its name in `server.properties`.
    pub name: &'static str,
    /// Kafka's type number.
    pub kind: i8,
    /// What it means, in a line.
    pub doc: &'static str,
    /// Takes a value.
    pub(super) set: Set,
    /// Shows it; `None` for what has no value of its own, but is another name or another unit of something.
    pub(super) show: Option<Show>,
}

impl Key {
    /// Its default as it would be written; `None` if there is none.
    pub fn default(&self) -> Option<String> {
        self.show.map(|show| show(&Settings::default()))
    }
}

fn node_id(settings: &mut Settings, given: &Given<'_>) -> Result<(), String> {
    given.number(0..=INT_MAX).map(|id| settings.node_id = id as i32)
}

fn log_dir(settings: &mut Settings, given: &Given<'_>) -> Result<(), String> {
    let mut dirs = given.value.split(',').map(str::trim).filter(|dir| !dir.is_empty());
    settings.log_dir = dirs.next().ok_or(format!("{} is empty: name the folder for the data", given.key))?.into();
    match dirs.next() {
        Some(_) => Err(format!(
            "{}={} names several folders: connectd keeps its data in one; name that",
            given.key, given.value
        )),
        None => Ok(()),
    }
}

/// Every setting, by name.
pub const KEYS: &[Key] = &[
    Key {
        name: "advertised.listeners",
        kind: LIST,
        doc: "Host and port to tell clients; each is told the address it connected to if this is unset.",
        set: |s, given| {
            let first = listeners(given.key, given.value)?.into_iter().next();
            s.advertised = first.map(|listener| (listener.host, listener.port)).filter(|(host, _)| !host.is_empty());
            Ok(())
        },
        show: None,
    },
    Key {
        name: "auto.create.topics.enable",
        kind: BOOLEAN,
        doc: "Whether a missing topic is made when it is used.",
        set: |s, given| given.boolean().map(|yes| s.auto_create_topics = yes),
        show: Some(|s| s.auto_create_topics.to_string()),
    },
    Key {
        name: "broker.id",
        kind: INT,
        doc: "The id of this node, by its older name.",
        set: node_id,
        show: Some(|s| s.node_id.to_string()),
    },
    Key {
        name: "connections.max.idle.ms",
        kind: LONG,
        doc: "A connection idle for longer is closed.",
        set: |s, given| given.number(1..=i64::MAX).map(|ms| s.max_idle_ms = ms as u64),
        show: Some(|s| s.max_idle_ms.to_string()),
    },
    Key {
        name: "delete.topic.enable",
        kind: BOOLEAN,
        doc: "Whether topics can be deleted.",
        set: |s, given| given.boolean().map(|yes| s.delete_topics = yes),
        show: Some(|s| s.delete_topics.to_string()),
    },
    Key {
        name: "group.initial.rebalance.delay.ms",
        kind: INT,
        doc: "How long a new group waits for more members.",
        set: |s, given| given.number(0..=INT_MAX).map(|ms| s.groups.initial_rebalance_delay_ms = ms as u64),
        show: Some(|s| s.groups.initial_rebalance_delay_ms.to_string()),
    },
    Key {
        name: "group.max.session.timeout.ms",
        kind: INT,
        doc: "The longest session a member may ask for.",
        set: |s, given| given.number(1..=INT_MAX).map(|ms| s.groups.max_session_timeout_ms = ms as i32),
        show: Some(|s| s.groups.max_session_timeout_ms.to_string()),
    },
    Key {
        name: "group.max.size",
        kind: INT,
        doc: "Members one group may have.",
        set: |s, given| given.number(1..=INT_MAX).map(|most| s.groups.max_size = most as usize),
        show: Some(|s| s.groups.max_size.to_string()),
    },
    Key {
        name: "group.min.session.timeout.ms",
        kind: INT,
        doc: "The shortest session a member may ask for.",
        set: |s, given| given.number(1..=INT_MAX).map(|ms| s.groups.min_session_timeout_ms = ms as i32),
        show: Some(|s| s.groups.min_session_timeout_ms.to_string()),
    },
    Key {
        name: "insecure.listen",
        kind: BOOLEAN,
        doc: "Listen on addresses that other machines reach, though nothing authenticates clients.",
        set: |s, given| given.boolean().map(|yes| s.insecure_listen = yes),
        show: Some(|s| s.insecure_listen.to_string()),
    },
    Key {
        name: "listeners",
        kind: LIST,
        doc: "Where clients connect.",
        set: |s, given| listeners(given.key, given.value).map(|all| s.listeners = all),
        show: Some(|s| s.listeners.iter().map(Listener::to_string).collect::<Vec<_>>().join(",")),
    },
    Key {
        name: "log.cleaner.backoff.ms",
        kind: LONG,
        doc: "Between two looks for something to compact.",
        set: |s, given| given.number(1..=i64::MAX).map(|ms| s.cleaner.backoff_ms = ms as u64),
        show: Some(|s| s.cleaner.backoff_ms.to_string()),
    },
    Key {
        name: "log.cleaner.dedupe.buffer.size",
        kind: LONG,
        doc: "Memory for the keys of what is being compacted, bytes.",
        set: |s, given| given.number(1024..=INT_MAX).map(|bytes| s.cleaner.dedupe_bytes = bytes as usize),
        show: Some(|s| s.cleaner.dedupe_bytes.to_string()),
    },
    Key {
        name: "log.cleaner.enable",
        kind: BOOLEAN,
        doc: "Whether topics with cleanup.policy=compact are compacted.",
        set: |s, given| given.boolean().map(|yes| s.cleaner.enable = yes),
        show: Some(|s| s.cleaner.enable.to_string()),
    },
    Key { name: "log.dir", kind: STRING, doc: "The data folder, by its older name.", set: log_dir, show: None },
    Key {
        name: "log.dirs",
        kind: LIST,
        doc: "The data folder.",
        set: log_dir,
        show: Some(|s| s.log_dir.display().to_string()),
    },
    Key {
        name: "log.flush",
        kind: STRING,
        doc: "fsync: an acknowledged record is on the disk. os: the operating system has it, as with Kafka.",
        set: |s, given| {
            s.flush = match given.value {
                "fsync" => Flush::Fsync,
                "os" => Flush::Os,
                _ => {
                    return Err(given.bad("neither fsync (the default: an acknowledged record is on the disk) nor os"));
                }
            };
            Ok(())
        },
        show: Some(|s| if s.flush == Flush::Fsync { "fsync" } else { "os" }.to_owned()),
    },
    Key {
        name: "log.large.io",
        kind: STRING,
        doc: "direct: large reads and writes of logs go past the page cache. cached: they do not.",
        set: |s, given| {
            s.large_direct = match given.value {
                "direct" => true,
                "cached" => false,
                _ => return Err(given.bad("neither direct (the default) nor cached")),
            };
            Ok(())
        },
        show: Some(|s| if s.large_direct { "direct" } else { "cached" }.to_owned()),
    },
    Key {
        name: "log.retention.check.interval.ms",
        kind: LONG,
        doc: "Between two looks for segments that are too old or too many.",
        set: |s, given| given.number(1..=i64::MAX).map(|ms| s.retention_check_ms = ms as u64),
        show: Some(|s| s.retention_check_ms.to_string()),
    },
    Key {
        name: "log.retention.hours",
        kind: INT,
        doc: "How long records are kept; retention.ms of topics that have none, in hours.",
        set: |s, given| s.topic_default_in("retention.ms", given, HOUR_MS),
        show: None,
    },
    Key {
        name: "log.retention.minutes",
        kind: INT,
        doc: "The same in minutes; it wins over hours.",
        set: |s, given| s.topic_default_in("retention.ms", given, MINUTE_MS),
        show: None,
    },
    Key {
        name: "log.roll.hours",
        kind: INT,
        doc: "The age at which a new segment is begun, in hours.",
        set: |s, given| s.topic_default_in("segment.ms", given, HOUR_MS),
        show: None,
    },
    Key {
        name: "max.connections",
        kind: INT,
        doc: "Connections at once.",
        set: |s, given| given.number(1..=INT_MAX).map(|most| s.max_connections = most.min(1_000_000) as usize),
        show: Some(|s| s.max_connections.to_string()),
    },
    Key {
        name: "max.connections.per.ip",
        kind: INT,
        doc: "Connections at once from one address.",
        set: |s, given| given.number(0..=INT_MAX).map(|most| s.max_connections_per_ip = most as usize),
        show: Some(|s| s.max_connections_per_ip.min(INT_MAX as usize).to_string()),
    },
    Key {
        name: "max.incremental.fetch.session.cache.slots",
        kind: INT,
        doc: "Fetch sessions that are remembered (KIP-227).",
        set: |s, given| given.number(0..=100_000).map(|most| s.fetch_sessions = most as usize),
        show: Some(|s| s.fetch_sessions.to_string()),
    },
    Key {
        name: "node.id",
        kind: INT,
        doc: "The id of this node.",
        set: node_id,
        show: Some(|s| s.node_id.to_string()),
    },
    Key {
        name: "num.partitions",
        kind: INT,
        doc: "Partitions of a topic made without saying.",
        set: |s, given| given.number(1..=10_000).map(|count| s.num_partitions = count as i32),
        show: Some(|s| s.num_partitions.to_string()),
    },
    Key {
        name: "offset.metadata.max.bytes",
        kind: INT,
        doc: "The longest note with a committed offset.",
        set: |s, given| given.number(0..=32_000).map(|bytes| s.offsets.metadata_max = bytes as usize),
        show: Some(|s| s.offsets.metadata_max.to_string()),
    },
    Key {
        name: "offsets.retention.minutes",
        kind: INT,
        doc: "How long offsets outlive the last member of their group.",
        set: |s, given| given.number(1..=INT_MAX).map(|minutes| s.offsets.retention_ms = (minutes * MINUTE_MS) as u64),
        show: Some(|s| (s.offsets.retention_ms as i64 / MINUTE_MS).to_string()),
    },
    Key {
        name: "port",
        kind: INT,
        doc: "The port of the one listener, by a name from before listeners.",
        set: |s, given| {
            let port = given.number(0..=65_535)? as u16;
            s.listeners = vec![Listener { host: String::new(), port }];
            Ok(())
        },
        show: None,
    },
    Key {
        name: "producer.id.expiration.ms",
        kind: INT,
        doc: "How long a producer that sends nothing is remembered.",
        set: |s, given| given.number(1..=INT_MAX).map(|ms| s.transactions.producer_id_expiration_ms = ms),
        show: Some(|s| s.transactions.producer_id_expiration_ms.to_string()),
    },
    Key {
        name: "queued.max.request.bytes",
        kind: LONG,
        doc: "Bytes of unanswered requests of all connections.",
        set: |s, given| {
            s.queued_max_bytes = match given.number(-1..=i64::MAX)? {
                // Kafka's "no limit"; there is none that memory could not reach.
                ..=0 => Settings::default().queued_max_bytes,
                bytes => bytes as usize,
            };
            Ok(())
        },
        show: Some(|s| s.queued_max_bytes.to_string()),
    },
    Key {
        name: "socket.request.max.bytes",
        kind: INT,
        doc: "The largest request.",
        set: |s, given| given.number(1024..=104_857_600).map(|bytes| s.max_request_bytes = bytes as usize),
        show: Some(|s| s.max_request_bytes.to_string()),
    },
    Key {
        name: "transaction.max.timeout.ms",
        kind: INT,
        doc: "The longest transaction a producer may ask for.",
        set: |s, given| given.number(1..=INT_MAX).map(|ms| s.transactions.max_timeout_ms = ms as i32),
        show: Some(|s| s.transactions.max_timeout_ms.to_string()),
    },
    Key {
        name: "transactional.id.expiration.ms",
        kind: INT,
        doc: "How long a transactional id that is not used is remembered.",
        set: |s, given| given.number(1..=INT_MAX).map(|ms| s.transactions.id_expiration_ms = ms),
        show: Some(|s| s.transactions.id_expiration_ms.to_string()),
    },
];
