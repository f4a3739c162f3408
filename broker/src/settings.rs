//! `server.properties` as Kafka knows it, turned into complete settings.
//!
//! Owns the table of keys we honour, those we know and do not honour, and the sentences about the rest. Leaves the parsing of the
//! file to the caller. Invariant: after [`Settings::parse`] there is nothing left to decide or default.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use broker_core::{
    config_keys,
    group::GroupSettings,
    offsets::OffsetSettings,
    settings::{CleanerSettings, Described},
    txn::TransactionSettings,
};

/// When a write counts as done (`log.flush`, ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// When the disk has it.
    Fsync,
    /// When the operating system has it, as Kafka does.
    Os,
}

/// One plaintext listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Host as written; empty means loopback, v4 and v6.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
}

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PLAINTEXT://{}:{}", self.host, self.port)
    }
}

/// Everything the broker can be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `log.dirs` (the first of them).
    pub log_dir: PathBuf,
    /// `listeners`.
    pub listeners: Vec<Listener>,
    /// `advertised.listeners`: host and port to tell clients; `None` tells each the address it connected to.
    pub advertised: Option<(String, u16)>,
    /// `log.flush`.
    pub flush: Flush,
    /// `log.large.io`, ours: large reads and writes of logs go past the page cache.
    pub large_direct: bool,
    /// `node.id` (or `broker.id`).
    pub node_id: i32,
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `socket.request.max.bytes`.
    pub max_request_bytes: usize,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_sessions: usize,
    /// `queued.max.request.bytes`: of unanswered requests of all connections.
    pub queued_max_bytes: usize,
    /// `max.connections`: more wait to be accepted.
    pub max_connections: usize,
    /// `max.connections.per.ip`: more are closed.
    pub max_connections_per_ip: usize,
    /// `connections.max.idle.ms`.
    pub max_idle_ms: u64,
    /// Topic config defaults that differ from Kafka's, by topic config name.
    pub topic_defaults: BTreeMap<String, String>,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// Compaction.
    pub cleaner: CleanerSettings,
    /// Group coordinator.
    pub groups: GroupSettings,
    /// Committed offsets.
    pub offsets: OffsetSettings,
    /// Transaction coordinator.
    pub transactions: TransactionSettings,
    /// `--insecure-listen`: listen beyond loopback though nothing authenticates clients.
    pub insecure_listen: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_dir: PathBuf::from("./connectd-data"),
            listeners: vec![Listener { host: String::new(), port: 9092 }],
            advertised: None,
            flush: Flush::Fsync,
            large_direct: true,
            node_id: 1,
            num_partitions: 1,
            auto_create_topics: true,
            delete_topics: true,
            max_request_bytes: 104_857_600,
            max_idle_ms: 600_000,
            fetch_sessions: 1000,
            queued_max_bytes: 256 << 20,
            max_connections: 20_000,
            max_connections_per_ip: usize::MAX,
            topic_defaults: BTreeMap::new(),
            retention_check_ms: 300_000,
            cleaner: CleanerSettings::default(),
            // As Kafka's own sample file: nobody waits for members that are not there.
            groups: GroupSettings { initial_rebalance_delay_ms: 0, ..GroupSettings::default() },
            offsets: OffsetSettings::default(),
            transactions: TransactionSettings::default(),
            insecure_listen: false,
        }
    }
}

/// Keys of Kafka's brokers that mean nothing on one node, or nothing yet; named at start when somebody sets them.
const KNOWN: &[&str] = &[
    "advertised.host.name",
    "alter.config.policy.class.name",
    "authorizer.class.name",
    "auto.leader.rebalance.enable",
    "background.threads",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "controlled.shutdown.enable",
    "default.replication.factor",
    "fetch.max.bytes",
    "fetch.purgatory.purge.interval.requests",
    "inter.broker.listener.name",
    "inter.broker.protocol.version",
    "kafka.metrics.reporters",
    "leader.imbalance.check.interval.seconds",
    "listener.security.protocol.map",
    "log.cleaner.threads",
    "log.flush.offset.checkpoint.interval.ms",
    "log.flush.scheduler.interval.ms",
    "log.flush.start.offset.checkpoint.interval.ms",
    "log.message.format.version",
    "metadata.log.dir",
    "metric.reporters",
    "metrics.num.samples",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "offsets.commit.required.acks",
    "offsets.commit.timeout.ms",
    "offsets.load.buffer.size",
    "offsets.retention.check.interval.ms",
    "offsets.topic.compression.codec",
    "offsets.topic.num.partitions",
    "offsets.topic.replication.factor",
    "offsets.topic.segment.bytes",
    "principal.builder.class",
    "process.roles",
    "queued.max.requests",
    "rack",
    "broker.rack",
    "replica.fetch.max.bytes",
    "replica.lag.time.max.ms",
    "request.timeout.ms",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms",
    "transaction.partition.verification.enable",
    "transaction.remove.expired.transaction.cleanup.interval.ms",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "transaction.state.log.replication.factor",
    "zookeeper.connect",
    "zookeeper.connection.timeout.ms",
];

/// Keys honoured here, beside the broker synonyms of topic configs.
const HONOURED: &[&str] = &[
    "advertised.listeners",
    "auto.create.topics.enable",
    "broker.id",
    "connections.max.idle.ms",
    "delete.topic.enable",
    "group.initial.rebalance.delay.ms",
    "group.max.session.timeout.ms",
    "group.max.size",
    "group.min.session.timeout.ms",
    "insecure.listen",
    "listeners",
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.enable",
    "log.dir",
    "log.dirs",
    "log.flush",
    "log.large.io",
    "log.retention.check.interval.ms",
    "log.retention.hours",
    "log.retention.minutes",
    "log.roll.hours",
    "max.connections",
    "max.connections.per.ip",
    "max.incremental.fetch.session.cache.slots",
    "node.id",
    "num.partitions",
    "offset.metadata.max.bytes",
    "offsets.retention.minutes",
    "port",
    "producer.id.expiration.ms",
    "queued.max.request.bytes",
    "socket.request.max.bytes",
    "transaction.max.timeout.ms",
    "transactional.id.expiration.ms",
];

impl Settings {
    /// Settings from the pairs of a `server.properties`, and what to tell the operator about keys that change nothing here.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what would do.
    pub fn parse(mut self, pairs: &BTreeMap<String, String>) -> Result<(Self, Vec<String>), String> {
        let mut notes = Vec::new();
        let mut unused = Vec::new();
        for (key, value) in pairs {
            if self.set(key, value.trim())? {
                continue;
            }
            match is_known(key) {
                true => unused.push(key.as_str()),
                false => notes.push(remark(key)),
            }
        }
        if !unused.is_empty() {
            notes.push(format!("these settings of Kafka's change nothing here: {}", unused.join(", ")));
        }
        if self.listeners.is_empty() {
            return Err("listeners names no listener: give one, for instance listeners=PLAINTEXT://:9092".into());
        }
        self.refuse_open_listeners()?;
        Ok((self, notes))
    }

    /// What DescribeConfigs shows of these settings, beside the defaults of topics.
    pub fn described(&self) -> Vec<Described> {
        const BOOLEAN: i8 = 1;
        const INT: i8 = 3;
        const LONG: i8 = 5;
        const LIST: i8 = 7;
        let kafkas = Settings { log_dir: "/tmp/kafka-logs".into(), ..Settings::default() };
        let rows: [(&'static str, i8, fn(&Settings) -> String, &'static str); 19] = [
            ("node.id", INT, |s| s.node_id.to_string(), "The id of this node."),
            ("broker.id", INT, |s| s.node_id.to_string(), "The id of this node, by its older name."),
            (
                "listeners",
                LIST,
                |s| s.listeners.iter().map(Listener::to_string).collect::<Vec<_>>().join(","),
                "Where clients connect.",
            ),
            ("log.dirs", LIST, |s| s.log_dir.display().to_string(), "The data folder."),
            ("num.partitions", INT, |s| s.num_partitions.to_string(), "Partitions of a topic made without saying."),
            (
                "default.replication.factor",
                INT,
                |_| "1".into(),
                "Replicas of a topic made without saying; one node has one.",
            ),
            (
                "auto.create.topics.enable",
                BOOLEAN,
                |s| s.auto_create_topics.to_string(),
                "Whether a missing topic is made when it is used.",
            ),
            ("delete.topic.enable", BOOLEAN, |s| s.delete_topics.to_string(), "Whether topics can be deleted."),
            ("socket.request.max.bytes", INT, |s| s.max_request_bytes.to_string(), "The largest request."),
            (
                "queued.max.request.bytes",
                LONG,
                |s| s.queued_max_bytes.to_string(),
                "Bytes of unanswered requests of all connections.",
            ),
            ("max.connections", INT, |s| s.max_connections.to_string(), "Connections at once."),
            (
                "max.connections.per.ip",
                INT,
                |s| s.max_connections_per_ip.min(i32::MAX as usize).to_string(),
                "Connections at once from one address.",
            ),
            ("connections.max.idle.ms", LONG, |s| s.max_idle_ms.to_string(), "A connection idle for longer is closed."),
            (
                "group.min.session.timeout.ms",
                INT,
                |s| s.groups.min_session_timeout_ms.to_string(),
                "The shortest session a member may ask for.",
            ),
            (
                "group.max.session.timeout.ms",
                INT,
                |s| s.groups.max_session_timeout_ms.to_string(),
                "The longest session a member may ask for.",
            ),
            (
                "group.initial.rebalance.delay.ms",
                INT,
                |s| s.groups.initial_rebalance_delay_ms.to_string(),
                "How long a new group waits for more members.",
            ),
            ("group.max.size", INT, |s| s.groups.max_size.to_string(), "Members one group may have."),
            (
                "offset.metadata.max.bytes",
                INT,
                |s| s.offsets.metadata_max.to_string(),
                "The longest note with a committed offset.",
            ),
            (
                "offsets.retention.minutes",
                INT,
                |s| (s.offsets.retention_ms / 60_000).to_string(),
                "How long offsets outlive the last member of their group.",
            ),
        ];
        let one = |(name, kind, value, doc): (&'static str, i8, fn(&Settings) -> String, &'static str)| {
            let is_default = name != "node.id" && value(self) == value(&kafkas);
            Described { name, value: value(self), is_default, kind, doc }
        };
        rows.into_iter().map(one).collect()
    }

    fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "log.dirs" | "log.dir" => {
                let mut dirs = value.split(',').map(str::trim).filter(|dir| !dir.is_empty());
                self.log_dir = dirs.next().ok_or(format!("{key} is empty: name the folder for the data"))?.into();
                if dirs.next().is_some() {
                    return Err(format!(
                        "{key}={value} names several folders: connectd keeps its data in one; name that"
                    ));
                }
            }
            "listeners" => self.listeners = listeners(key, value)?,
            "port" => {
                self.listeners = vec![Listener { host: String::new(), port: number(key, value, 0..=65535)? as u16 }]
            }
            "advertised.listeners" => {
                let first = listeners(key, value)?.into_iter().next();
                self.advertised =
                    first.map(|listener| (listener.host, listener.port)).filter(|(host, _)| !host.is_empty());
            }
            "log.flush" => {
                self.flush = match value {
                    "fsync" => Flush::Fsync,
                    "os" => Flush::Os,
                    _ => {
                        return Err(format!(
                            "log.flush={value} is neither fsync (the default: an acknowledged record is on the disk) nor os"
                        ));
                    }
                }
            }
            "log.large.io" => {
                self.large_direct = match value {
                    "direct" => true,
                    "cached" => false,
                    _ => return Err(format!("log.large.io={value} is neither direct (the default) nor cached")),
                }
            }
            "node.id" | "broker.id" => self.node_id = number(key, value, 0..=i64::from(i32::MAX))? as i32,
            "num.partitions" => self.num_partitions = number(key, value, 1..=10_000)? as i32,
            "auto.create.topics.enable" => self.auto_create_topics = boolean(key, value)?,
            "delete.topic.enable" => self.delete_topics = boolean(key, value)?,
            "insecure.listen" => self.insecure_listen = boolean(key, value)?,
            "socket.request.max.bytes" => self.max_request_bytes = number(key, value, 1024..=104_857_600)? as usize,
            "max.incremental.fetch.session.cache.slots" => {
                self.fetch_sessions = number(key, value, 0..=100_000)? as usize
            }
            "queued.max.request.bytes" => {
                self.queued_max_bytes = match number(key, value, -1..=i64::MAX)? {
                    // Kafka's "no limit"; there is none that memory could not reach.
                    ..=0 => Settings::default().queued_max_bytes,
                    bytes => bytes as usize,
                }
            }
            "max.connections" => {
                self.max_connections = number(key, value, 1..=i64::from(i32::MAX))?.min(1_000_000) as usize
            }
            "max.connections.per.ip" => {
                self.max_connections_per_ip = number(key, value, 0..=i64::from(i32::MAX))? as usize
            }
            "connections.max.idle.ms" => self.max_idle_ms = number(key, value, 1..=i64::MAX)? as u64,
            "group.min.session.timeout.ms" => {
                self.groups.min_session_timeout_ms = number(key, value, 1..=i64::from(i32::MAX))? as i32
            }
            "group.max.session.timeout.ms" => {
                self.groups.max_session_timeout_ms = number(key, value, 1..=i64::from(i32::MAX))? as i32
            }
            "group.initial.rebalance.delay.ms" => {
                self.groups.initial_rebalance_delay_ms = number(key, value, 0..=i64::from(i32::MAX))? as u64
            }
            "group.max.size" => self.groups.max_size = number(key, value, 1..=i64::from(i32::MAX))? as usize,
            "offset.metadata.max.bytes" => self.offsets.metadata_max = number(key, value, 0..=32_000)? as usize,
            "offsets.retention.minutes" => {
                self.offsets.retention_ms = number(key, value, 1..=i64::from(i32::MAX))? as u64 * 60_000
            }
            "log.cleaner.enable" => self.cleaner.enable = boolean(key, value)?,
            "log.cleaner.backoff.ms" => self.cleaner.backoff_ms = number(key, value, 1..=i64::MAX)? as u64,
            "log.cleaner.dedupe.buffer.size" => {
                self.cleaner.dedupe_bytes = number(key, value, 1024..=i64::from(i32::MAX))? as usize
            }
            "log.retention.check.interval.ms" => self.retention_check_ms = number(key, value, 1..=i64::MAX)? as u64,
            "producer.id.expiration.ms" => {
                self.transactions.producer_id_expiration_ms = number(key, value, 1..=i64::from(i32::MAX))?
            }
            "transaction.max.timeout.ms" => {
                self.transactions.max_timeout_ms = number(key, value, 1..=i64::from(i32::MAX))? as i32
            }
            "transactional.id.expiration.ms" => {
                self.transactions.id_expiration_ms = number(key, value, 1..=i64::from(i32::MAX))?
            }
            "log.retention.hours" => self.set_default_ms("retention.ms", key, value, 3_600_000)?,
            "log.retention.minutes" => self.set_default_ms("retention.ms", key, value, 60_000)?,
            "log.roll.hours" => self.set_default_ms("segment.ms", key, value, 3_600_000)?,
            _ => return self.set_topic_default(key, value),
        }
        Ok(true)
    }

    fn set_default_ms(&mut self, config: &str, key: &str, value: &str, unit_ms: i64) -> Result<(), String> {
        let units = number(key, value, -1..=i64::from(i32::MAX))?;
        // A finer unit given beside it wins, as in Kafka; keys come in alphabetical order, so the hours are seen first.
        let ms = if units < 0 { -1 } else { units * unit_ms };
        self.topic_defaults.insert(config.into(), ms.to_string());
        Ok(())
    }

    fn set_topic_default(&mut self, key: &str, value: &str) -> Result<bool, String> {
        let Some(config) =
            config_keys::KEYS.iter().find(|row| !row.broker_setting.is_empty() && row.broker_setting == key)
        else {
            return Ok(false);
        };
        config.check(value).map_err(|why| format!("{key}={value}: {why}"))?;
        self.topic_defaults.insert(config.name.into(), value.into());
        Ok(true)
    }

    fn refuse_open_listeners(&self) -> Result<(), String> {
        let open = self.listeners.iter().find(|listener| !is_loopback(&listener.host));
        match open {
            Some(listener) if !self.insecure_listen => Err(format!(
                "listeners names {}:{}, which other machines can reach, and connectd does not authenticate clients yet: \
                 leave the host empty to listen on this machine alone, or say --insecure-listen",
                listener.host, listener.port
            )),
            _ => Ok(()),
        }
    }
}

/// True for a host that only this machine reaches; empty means loopback here.
pub fn is_loopback(host: &str) -> bool {
    host.is_empty() || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn listeners(key: &str, value: &str) -> Result<Vec<Listener>, String> {
    let mut found = Vec::new();
    for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let bad =
            || format!("{key}={value}: '{text}' is not of the form PLAINTEXT://host:port (the host may be empty)");
        let (name, address) = text.split_once("://").ok_or_else(bad)?;
        // A controller listener of a KRaft file has no use here: this one node is its own quorum.
        if name.eq_ignore_ascii_case("CONTROLLER") {
            continue;
        }
        if name.to_ascii_uppercase().contains("SSL") {
            return Err(format!("{key}={value}: {name} listeners are not served yet; use PLAINTEXT"));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
        found.push(Listener { host, port: port.parse().map_err(|_| bad())? });
    }
    Ok(found)
}

fn number(key: &str, value: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
    let parsed = value.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| format!("{key}={value} is not a number from {} to {}", range.start(), range.end()))
}

fn boolean(key: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{key}={value} is neither true nor false")),
    }
}

/// A setting of Kafka's that means nothing on one node, or nothing yet.
/// Keys that are honoured, beside the settings from which topics take their defaults.
pub fn honoured() -> &'static [&'static str] {
    HONOURED
}

/// Keys of Kafka's that change nothing here.
pub fn without_effect() -> &'static [&'static str] {
    KNOWN
}

fn is_known(key: &str) -> bool {
    KNOWN.contains(&key)
        || ["sasl.", "ssl.", "listener.name.", "remote.log.", "quota."].iter().any(|prefix| key.starts_with(prefix))
}

/// What to say of a key that nobody knows.
fn remark(key: &str) -> String {
    let names = HONOURED
        .iter()
        .copied()
        .chain(config_keys::KEYS.iter().map(|row| row.broker_setting))
        .chain(KNOWN.iter().copied());
    let nearest =
        names.filter(|name| !name.is_empty()).map(|name| (strsim::damerau_levenshtein(name, key), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 3 => format!("{key} is not a setting; did you mean {name}?"),
        _ => format!("{key} is not a setting of Kafka's brokers nor of connectd's; it changes nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Settings, Vec<String>), String> {
        let pairs = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        Settings::default().parse(&pairs)
    }

    #[test]
    fn kafkas_own_server_properties_start_a_broker() {
        let (settings, notes) = parse(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
             listeners=PLAINTEXT://:9092,CONTROLLER://:9093\nadvertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
             log.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\nlog.retention.hours=168\nlog.segment.bytes=1073741824",
        )
        .unwrap();
        assert_eq!(settings.listeners, [Listener { host: String::new(), port: 9092 }]);
        assert_eq!(settings.advertised, Some(("localhost".into(), 9092)));
        assert_eq!(settings.topic_defaults["retention.ms"], "604800000");
        assert_eq!(
            notes,
            ["these settings of Kafka's change nothing here: controller.quorum.bootstrap.servers, process.roles"]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let rows = [
            ("num.partitions=0", "num.partitions=0 is not a number from 1"),
            ("log.flush=never", "neither fsync"),
            ("listeners=9092", "PLAINTEXT://host:port"),
            ("listeners=PLAINTEXT://0.0.0.0:9092", "--insecure-listen"),
            ("log.dirs=/a,/b", "names several folders"),
            ("log.retention.ms=soon", "Not a number"),
        ];
        for (text, expected) in rows {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let (_, notes) = parse("num.partition=3").unwrap();
        assert_eq!(notes, ["num.partition is not a setting; did you mean num.partitions?"]);
    }
}
