//! `server.properties` as Kafka knows it, turned into complete settings.
//!
//! Owns the settings, their defaults, and what is told of a file. Leaves single settings to [`KEYS`], and the parsing of the file to
//! the caller. Invariant: after [`Settings::parse`] there is nothing left to decide or default.

use std::{collections::BTreeMap, path::PathBuf};

use broker_core::{
    config_keys,
    group::GroupSettings,
    offsets::OffsetSettings,
    settings::{CleanerSettings, Described},
    txn::TransactionSettings,
};

mod given;
mod keys;
mod listener;
mod unused;

use given::Given;
pub use keys::{KEYS, Key};
pub use listener::{Listener, is_loopback};
pub use unused::WITHOUT_EFFECT;

/// When a write counts as done (`log.flush`, ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// When the disk has it.
    Fsync,
    /// When the operating system has it, as Kafka does.
    Os,
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
            match unused::is_without_effect(key) {
                true => unused.push(key.as_str()),
                false => notes.push(unused::remark(key)),
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
        let kafkas = Settings { log_dir: "/tmp/kafka-logs".into(), ..Settings::default() };
        let one = |key: &Key| {
            let show = key.show?;
            let value = show(self);
            let is_default = key.name != "node.id" && value == show(&kafkas);
            Some(Described { name: key.name, value, is_default, kind: key.kind, doc: key.doc })
        };
        KEYS.iter().filter_map(one).chain([replication_factor()]).collect()
    }

    /// False if there is no such setting.
    fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) => (key.set)(self, &Given { key: name, value }).map(|()| true),
            None => self.set_topic_default(name, value),
        }
    }

    fn topic_default_in(&mut self, config: &str, given: &Given<'_>, unit_ms: i64) -> Result<(), String> {
        let units = given.number(-1..=i64::from(i32::MAX))?;
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

/// It cannot be set, but is asked for: replicas of a topic made without saying.
fn replication_factor() -> Described {
    Described {
        name: "default.replication.factor",
        value: "1".into(),
        is_default: true,
        kind: keys::INT,
        doc: "Replicas of a topic made without saying; one node has one.",
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
    fn what_is_shown_can_be_given() {
        assert!(KEYS.is_sorted_by_key(|key| key.name));
        let pairs = KEYS.iter().filter_map(|key| Some((key.name.to_string(), key.default()?))).collect();
        let (settings, notes) = Settings::default().parse(&pairs).unwrap();
        assert_eq!((settings.described(), notes), (Settings::default().described(), Vec::new()));
        assert!(KEYS.iter().all(|key| !WITHOUT_EFFECT.contains(&key.name)));
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
