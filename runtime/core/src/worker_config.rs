//! The worker's settings: what `connect-standalone.properties` says, complete and typed.
//!
//! Owns Kafka's worker keys with their defaults and errors (contract 2.1 to 2.3), ours (`broker.*`, `connectd.*`), and the
//! notes that a user should see at the start. Leaves the keys under `broker.` to the broker, reading the file to the edge.
//! Invariant: nothing in a [`WorkerConfig`] is left to decide.

use crate::config::settings::ConverterSettings;
use crate::config::{ConfigMap, Defaults, OverridePolicy, nearest::nearest, variables::Provider};
use crate::properties;
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use reader::Reader;

mod headers;
pub mod keys;
pub mod listener;
mod reader;
pub mod tls;

pub use headers::{HeaderRule, HeaderText};
pub use listener::{Listener, is_loopback};
use tls::TlsConfig;

/// Exit code of the worker when its file cannot be used (contract 1.2).
pub const EXIT_CODE: u8 = 2;

/// Whether the broker is in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Unless `bootstrap.servers` is answered, or is another machine.
    Auto,
    /// Yes.
    Always,
    /// No: `bootstrap.servers` is a cluster.
    Never,
}

/// Who serves `/admin/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminListeners {
    /// The main listeners.
    Main,
    /// Nobody.
    Off,
    /// These, and nothing else.
    Separate(Vec<Listener>),
}

/// Settings of the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestConfig {
    /// `listeners`, at least one.
    pub listeners: Vec<Listener>,
    /// `admin.listeners`.
    pub admin: AdminListeners,
    /// TLS of `listeners`, if one of them is https.
    pub tls: Option<TlsConfig>,
    /// TLS of `admin.listeners`.
    pub admin_tls: Option<TlsConfig>,
    /// `rest.advertised.host.name`; else the first listener's host.
    pub advertised_host: Option<String>,
    /// `rest.advertised.port`; else the port that is bound.
    pub advertised_port: Option<u16>,
    /// `access.control.allow.origin`; empty for none.
    pub allow_origin: String,
    /// `access.control.allow.methods`; empty for the usual ones.
    pub allow_methods: String,
    /// `response.http.headers.config`: what every answer gets.
    pub response_headers: Vec<HeaderRule>,
}

/// Everything the worker can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// `host:port` of brokers, at least one.
    pub bootstrap_servers: Vec<String>,
    /// Converter of connectors that name none for keys.
    pub key_converter: ConverterSettings,
    /// Converter of connectors that name none for values.
    pub value_converter: ConverterSettings,
    /// Header converter; headers cross the runtime as they are.
    pub header_converter: ConverterSettings,
    /// The REST API.
    pub rest: RestConfig,
    /// `offset.storage.file.filename`: used against a remote cluster only.
    pub offset_storage_file: String,
    /// Milliseconds between commits of offsets; at least 1.
    pub offset_flush_interval_ms: u64,
    /// Milliseconds that a commit may take.
    pub offset_flush_timeout_ms: u64,
    /// Milliseconds that a cluster elsewhere has to answer at the start.
    pub default_api_timeout_ms: u64,
    /// Milliseconds that all tasks together have to stop.
    pub task_shutdown_graceful_timeout_ms: u64,
    /// Whether sources may create topics by `topic.creation.*`.
    pub topic_creation_enable: bool,
    /// Whether the topics that a connector uses are remembered.
    pub topic_tracking_enable: bool,
    /// Whether REST may forget them.
    pub topic_tracking_allow_reset: bool,
    /// Which client settings connectors may override.
    pub override_policy: OverridePolicy,
    /// Topic of connector configurations.
    pub config_storage_topic: String,
    /// Topic of source offsets.
    pub offset_storage_topic: String,
    /// Topic of states.
    pub status_storage_topic: String,
    /// Where components are looked for, beside those that are built in.
    pub plugin_path: Vec<String>,
    /// Folders in which a configuration over REST may name files.
    pub grants_files: Vec<String>,
    /// `config.providers`.
    pub providers: Vec<Provider>,
    /// `broker.embedded`.
    pub embedded: Embedded,
    /// The broker's settings as its `server.properties` would have them: every `broker.*` key but `broker.embedded`, without
    /// the prefix; `log.dirs` and `listeners` always.
    pub broker: BTreeMap<String, String>,
    /// The whole file, for clients of a remote cluster.
    pub raw: ConfigMap,
}

impl WorkerConfig {
    /// Reads a worker file. Beside the settings come notes to print. The error names the file, every setting at fault and
    /// what to do; the worker stops with [`EXIT_CODE`]. `resolve` puts values in place of references.
    pub fn from_file(
        path: &str,
        file: &[u8],
        resolve: impl FnOnce(&ConfigMap) -> Result<ConfigMap, String>,
    ) -> Result<(Self, Vec<String>), String> {
        let raw = properties::parse(file).map_err(|bad| format!("Worker file {path}, {bad}"))?;
        let raw = resolve(&raw).map_err(|why| format!("Worker file {path} cannot be used:\n{why}"))?;
        Self::new(raw).map_err(|errors| format!("Worker file {path} cannot be used:\n{}", errors.join("\n")))
    }

    /// Reads the worker's settings. The errors are sentences, one per setting at fault.
    pub fn new(raw: ConfigMap) -> Result<(Self, Vec<String>), Vec<String>> {
        let mut reader = Reader::new(&raw);
        let mut notes = unknown_keys(&raw);
        let config = reader.build(&mut notes);
        if reader.errors.is_empty() { Ok((config, notes)) } else { Err(reader.errors) }
    }

    /// What connectors take from the worker when their configuration is judged.
    pub fn defaults(&self) -> Defaults {
        Defaults {
            key_converter: self.key_converter.class.clone(),
            value_converter: self.value_converter.class.clone(),
            header_converter: self.header_converter.class.clone(),
            override_policy: self.override_policy.clone(),
        }
    }

    /// `host:port` under which status shows this worker, given the port that the first listener got.
    pub fn worker_id(&self, bound_port: u16) -> String {
        let listener = self.rest.listeners.first().map_or("", |listener| listener.host.as_str());
        let host = self.rest.advertised_host.as_deref().unwrap_or(listener);
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        let port = self.rest.advertised_port.unwrap_or(bound_port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// True if every bootstrap server is this machine.
    pub fn bootstrap_is_loopback(&self) -> bool {
        self.bootstrap_servers.iter().all(|server| server.rsplit_once(':').is_some_and(|(host, _)| is_loopback(host)))
    }
}

/// A note for each key that nobody reads, with the name that may have been meant.
fn unknown_keys(raw: &ConfigMap) -> Vec<String> {
    let known = || keys::KEYS.iter().map(|row| row.0).chain(keys::ACCEPTED.iter().copied());
    let read =
        |key: &str| known().any(|name| name == key) || keys::PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    let note = |key: &str| match (key, nearest(key, known())) {
        ("rest.host.name" | "rest.port", _) => {
            format!("{key} is gone since Kafka 3.0 and is ignored; use listeners=http://host:port")
        }
        (_, Some(name)) => format!("{key} is not a setting of the worker and is ignored; did you mean {name}?"),
        (_, None) => format!("{key} is not a setting of the worker and is ignored"),
    };
    raw.iter().map(|(key, _)| key).filter(|key| !read(key)).map(note).collect()
}

#[cfg(test)]
mod tests;
