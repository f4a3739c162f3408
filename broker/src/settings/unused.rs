//! Settings of Kafka's brokers that change nothing here, and what to say of names that nobody knows.

use broker_core::config_keys;

use super::KEYS;

/// Keys of Kafka's brokers that mean nothing on one node, or nothing yet; named at start when somebody sets them.
pub const WITHOUT_EFFECT: &[&str] = &[
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

/// Beginnings of such names.
const FAMILIES: &[&str] = &["sasl.", "ssl.", "listener.name.", "remote.log.", "quota."];

/// True for a setting of Kafka's that changes nothing here.
pub(super) fn is_without_effect(name: &str) -> bool {
    WITHOUT_EFFECT.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// What to say of a name that nobody knows.
pub(super) fn remark(name: &str) -> String {
    let names = KEYS
        .iter()
        .map(|key| key.name)
        .chain(config_keys::KEYS.iter().map(|row| row.broker_setting).filter(|setting| !setting.is_empty()))
        .chain(WITHOUT_EFFECT.iter().copied());
    match names.map(|known| (strsim::damerau_levenshtein(known, name), known)).min() {
        Some((distance, known)) if distance <= 3 => format!("{name} is not a setting; did you mean {known}?"),
        _ => format!("{name} is not a setting of Kafka's brokers nor of connectd's; it changes nothing"),
    }
}
