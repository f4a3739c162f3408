//! The worker file's keys: Kafka's (contract 2.1 to 2.4) and ours, one table.
//!
//! Owns names, types, defaults and rules. Leaves what a value means to `worker_config`, and the keys under `broker.` to the
//! broker. Invariant: every name that Kafka documents for a worker is here or under a prefix of [`PREFIXES`].

use crate::plugin::{Kind, Rule};
use Kind::{Boolean, ClassName, Int, List, Long, Text};
use alloc::{string::String, vec, vec::Vec};

/// What a worker file that leaves a key out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// An error.
    Required,
    /// Kafka's null.
    Null,
    /// This text.
    Value(&'static str),
}

use Unset::{Null, Required, Value};

/// Name, type, default.
pub type Row = (&'static str, Kind, Unset);

/// Keys whose values are checked.
pub const KEYS: &[Row] = &[
    ("bootstrap.servers", List, Required),
    ("client.dns.lookup", Text, Value("use_all_dns_ips")),
    ("key.converter", ClassName, Required),
    ("key.converter.plugin.version", Text, Null),
    ("value.converter", ClassName, Required),
    ("value.converter.plugin.version", Text, Null),
    ("default.api.timeout.ms", Int, Value("60000")),
    ("task.shutdown.graceful.timeout.ms", Long, Value("5000")),
    ("offset.flush.interval.ms", Long, Value("60000")),
    ("offset.flush.timeout.ms", Long, Value("5000")),
    ("plugin.path", List, Null),
    ("plugin.discovery", Text, Value("hybrid_warn")),
    ("metrics.sample.window.ms", Long, Value("30000")),
    ("metrics.num.samples", Int, Value("2")),
    ("metrics.recording.level", Text, Value("INFO")),
    ("metric.reporters", List, Value("org.apache.kafka.common.metrics.JmxReporter")),
    ("header.converter", ClassName, Value("org.apache.kafka.connect.storage.SimpleHeaderConverter")),
    ("header.converter.plugin.version", Text, Null),
    ("config.providers", List, Value("")),
    ("connector.client.config.override.policy", Text, Value("All")),
    ("connector.client.config.override.allowlist", List, Value("")),
    ("topic.creation.enable", Boolean, Value("true")),
    ("topic.tracking.enable", Boolean, Value("true")),
    ("topic.tracking.allow.reset", Boolean, Value("true")),
    ("listeners", List, Value("http://:8083")),
    ("admin.listeners", List, Null),
    ("rest.advertised.host.name", Text, Null),
    ("rest.advertised.port", Int, Null),
    ("rest.advertised.listener", Text, Null),
    ("rest.extension.classes", List, Value("")),
    ("access.control.allow.origin", Text, Value("")),
    ("access.control.allow.methods", Text, Value("")),
    ("response.http.headers.config", Text, Value("")),
    ("ssl.client.auth", Text, Value("none")),
    ("offset.storage.file.filename", Text, Required),
    ("config.storage.topic", Text, Value("connect-configs")),
    ("offset.storage.topic", Text, Value("connect-offsets")),
    ("status.storage.topic", Text, Value("connect-status")),
    ("connectd.grants.files", List, Value(".")),
    ("broker.embedded", Text, Value("auto")),
];

/// Keys that are Kafka's but decide nothing here: of distributed mode, or of clients to a remote cluster.
pub const ACCEPTED: &[&str] = &[
    "client.id",
    "config.storage.replication.factor",
    "connect.protocol",
    "connections.max.idle.ms",
    "exactly.once.source.support",
    "group.id",
    "heartbeat.interval.ms",
    "inter.worker.key.generation.algorithm",
    "inter.worker.key.size",
    "inter.worker.key.ttl.ms",
    "inter.worker.signature.algorithm",
    "inter.worker.verification.algorithms",
    "internal.key.converter",
    "internal.value.converter",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "offset.storage.partitions",
    "offset.storage.replication.factor",
    "rebalance.timeout.ms",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "scheduled.rebalance.max.delay.ms",
    "security.protocol",
    "send.buffer.bytes",
    "session.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
    "status.storage.partitions",
    "status.storage.replication.factor",
    "worker.sync.timeout.ms",
    "worker.unsync.backoff.ms",
];

/// Whatever begins so is somebody's: a converter's, a client's, the broker's.
pub const PREFIXES: &[&str] = &[
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "internal.key.converter.",
    "internal.value.converter.",
    "producer.",
    "consumer.",
    "admin.",
    "config.providers.",
    "config.storage.",
    "offset.storage.",
    "status.storage.",
    "listeners.https.",
    "admin.listeners.https.",
    "metrics.context.",
    "ssl.",
    "sasl.",
    "broker.",
];

/// True for a list in which nothing may stand between two commas (KIP-1161).
pub fn has_no_gaps(name: &str) -> bool {
    matches!(name, "bootstrap.servers" | "plugin.path" | "admin.listeners")
}

/// Rules of the key `name`.
pub fn rules(name: &str) -> Vec<Rule> {
    let words = |words: &str| words.split(' ').map(String::from).collect::<Vec<_>>();
    match name {
        "bootstrap.servers" | "plugin.path" | "connectd.grants.files" => vec![Rule::NonEmpty],
        "config.storage.topic" | "offset.storage.topic" | "status.storage.topic" | "offset.storage.file.filename" => {
            vec![Rule::NonEmpty]
        }
        "client.dns.lookup" => vec![Rule::OneOf(words("use_all_dns_ips resolve_canonical_bootstrap_servers_only"))],
        "plugin.discovery" => vec![Rule::OneOfCi(words("ONLY_SCAN SERVICE_LOAD HYBRID_WARN HYBRID_FAIL"))],
        "metrics.recording.level" => vec![Rule::OneOf(words("INFO DEBUG"))],
        "default.api.timeout.ms" | "metrics.sample.window.ms" => vec![Rule::Range(Some(0.0), None)],
        "metrics.num.samples" | "offset.flush.interval.ms" => vec![Rule::Range(Some(1.0), None)],
        "ssl.client.auth" => vec![Rule::OneOf(words("required requested none"))],
        "rest.advertised.port" => vec![Rule::Range(Some(0.0), Some(65535.0))],
        "broker.embedded" => vec![Rule::OneOf(words("auto always never"))],
        _ => Vec::new(),
    }
}
