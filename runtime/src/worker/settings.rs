//! From configs to the machines' settings.
//!
//! Owns the numbers that no config names, and the client settings that a connector may override (contract 2.5).

use runtime_core::{
    config::{ConfigMap, ConnectorSettings},
    consumer,
    herder::StartTask,
    plugin::{PluginInfo, Role},
    sink, source,
    worker_config::WorkerConfig,
};

use crate::cluster::Pace;

/// Most records that a source may give at once.
const POLL_RECORDS: u32 = 10_000;
/// About so many bytes.
const POLL_BYTES: u32 = 1 << 20;
/// Under the broker's `message.max.bytes`, 1,048,588.
const BATCH_BYTES: usize = 1_000_000;
/// What may gather behind an append that is being written, before the source is held back.
const APPEND_BYTES: usize = 2 << 20;
/// Most bytes of a partition in a fetch: a put takes all of a fetch.
const PARTITION_BYTES: u32 = 1 << 20;
const FETCH_BYTES: u32 = 2 << 20;

/// Settings of a source task. The error is for the status.
pub(super) fn source(worker: &WorkerConfig, start: &StartTask, role: Role) -> Result<source::Settings, String> {
    let connector = connector(worker, start, role)?;
    let client = Client::new(worker, start, "producer");
    Ok(source::Settings {
        task: start.task.clone(),
        transforms: connector.transforms,
        converters: connector.converters,
        errors: connector.errors.into(),
        topic_creation: connector.topic_creation.filter(|_| worker.topic_creation_enable),
        offsets_topic: worker.offset_storage_topic.clone(),
        max_records: POLL_RECORDS,
        max_bytes: POLL_BYTES,
        most: source::MostBytes(client.number("max.request.size", 1 << 20)?),
        max_batch_bytes: BATCH_BYTES,
        max_append_bytes: APPEND_BYTES,
        paused: start.paused,
    })
}

/// Settings of a sink task. The error is for the status.
pub(super) fn sink(
    worker: &WorkerConfig,
    start: &StartTask,
    role: Role,
    info: &PluginInfo,
    pace: Pace,
) -> Result<sink::Settings, String> {
    let connector = connector(worker, start, role)?;
    let client = Client::new(worker, start, "consumer");
    let reset = client.text("auto.offset.reset", "earliest");
    let task = &start.task;
    Ok(sink::Settings {
        task: task.clone(),
        transforms: connector.transforms,
        converters: connector.converters,
        errors: connector.errors.into(),
        dead_letters: connector.dead_letter_queue,
        max_batch_bytes: BATCH_BYTES,
        accepts: info.accepts.clone(),
        commit_ms: worker.offset_flush_interval_ms,
        paused: start.paused,
        consumer: consumer::Settings {
            group: group(&start.connector, &task.connector),
            client_id: client.text("client.id", &format!("connector-consumer-{}-{}", task.connector, task.task)),
            topics: connector.topics,
            session_timeout_ms: client.number("session.timeout.ms", 45_000)?,
            heartbeat_ms: match pace.heartbeat_ms {
                Some(ms) => ms,
                None => client.number("heartbeat.interval.ms", 3_000)?,
            },
            rebalance_timeout_ms: client.number("max.poll.interval.ms", 300_000)?,
            metadata_ms: client.number("metadata.max.age.ms", pace.metadata_ms)?,
            max_wait_ms: client.number("fetch.max.wait.ms", pace.fetch_wait_ms)?,
            max_bytes: client.number("fetch.max.bytes", FETCH_BYTES)?,
            max_partition_bytes: client.number("max.partition.fetch.bytes", PARTITION_BYTES)?,
            read_committed: client.text("isolation.level", "read_uncommitted") == "read_committed",
            from_earliest: reset != "latest",
        },
    })
}

/// The consumer group of a sink.
pub(super) fn group(config: &ConfigMap, connector: &str) -> String {
    let own = config.get("consumer.override.group.id").map(str::trim).filter(|group| !group.is_empty());
    own.map_or_else(|| format!("connect-{connector}"), str::to_owned)
}

/// The framework's settings of a task's connector. The error is for the status.
pub(super) fn connector(worker: &WorkerConfig, start: &StartTask, role: Role) -> Result<ConnectorSettings, String> {
    let WorkerConfig { key_converter, value_converter, header_converter, .. } = worker;
    ConnectorSettings::new(&start.connector, role, key_converter, value_converter, header_converter)
}

/// Client settings: the connector's before the worker's.
struct Client {
    which: &'static str,
    worker: ConfigMap,
    connector: ConfigMap,
}

impl Client {
    fn new(worker: &WorkerConfig, start: &StartTask, which: &'static str) -> Self {
        let connector = start.connector.under(&format!("{which}.override."));
        Self { which, worker: worker.raw.under(&format!("{which}.")), connector }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.connector.get(key).or_else(|| self.worker.get(key)).map(str::trim).filter(|value| !value.is_empty())
    }

    fn text(&self, key: &str, default: &str) -> String {
        self.get(key).unwrap_or(default).to_owned()
    }

    fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> Result<T, String> {
        let which = self.which;
        let wrong =
            |text: &str| format!("Invalid value {text} for configuration {which}.{key}: a whole number is needed");
        self.get(key).map_or(Ok(default), |text| text.parse().map_err(|_| wrong(text)))
    }
}
