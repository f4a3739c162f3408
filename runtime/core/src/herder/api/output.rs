//! What the herder wants done.

use alloc::{string::String, vec::Vec};

use super::{Answer, Direction, OffsetsAction, Refusal, RequestId, Run, TaskId, WriteId};
use crate::config::ConfigMap;

/// Something to do. Those about the same connector's instance, the same task, or `connect-status` are done in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Check a whole connector config as Kafka's `validate` does (the connector's own keys too); then say `Validated`.
    Validate {
        /// To echo.
        id: RequestId,
        /// Name of the connector.
        connector: String,
        /// The config.
        config: ConfigMap,
    },
    /// Append these records to `connect-configs`, all or nothing; then say `Written` or `WriteFailed`. At most one is out.
    WriteConfigs {
        /// To echo.
        write: WriteId,
        /// Key, and value (`None` is a tombstone).
        records: Vec<TopicRecord>,
    },
    /// Append these records to `connect-status`, in this order. Nobody waits.
    WriteStatus(Vec<TopicRecord>),
    /// Start the connector's instance and ask it for its task configs.
    StartConnector {
        /// Name.
        connector: String,
        /// To echo.
        run: Run,
        /// Its config.
        config: ConfigMap,
        /// How many tasks it may have.
        max_tasks: u32,
        /// Its task configs of before.
        previous: Vec<ConfigMap>,
    },
    /// Stop the instance; then say `ConnectorStopped`.
    StopConnector {
        /// Name.
        connector: String,
        /// Which run.
        run: Run,
    },
    /// Start a task. No other run of it exists.
    StartTask(StartTask),
    /// Stop a task, in the time `task.shutdown.graceful.timeout.ms` leaves; then say `TaskStopped`.
    StopTask {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// Let a task idle; then say `TaskPaused`.
    PauseTask {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// Let a task go on; then say `TaskRunning`.
    ResumeTask {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// Read, alter or reset a connector's offsets; then say `Offsets`.
    Offsets {
        /// To echo.
        id: RequestId,
        /// Name of the connector.
        connector: String,
        /// Source or sink.
        direction: Direction,
        /// Its config.
        config: ConfigMap,
        /// What to do.
        action: OffsetsAction,
    },
    /// The answer to a request.
    Reply {
        /// Which request.
        id: RequestId,
        /// What to say.
        outcome: Result<Answer, Refusal>,
    },
}

/// What a new task gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartTask {
    /// Which task.
    pub task: TaskId,
    /// Which run.
    pub run: Run,
    /// Source or sink.
    pub direction: Direction,
    /// The connector's config: converters, topics, error handling.
    pub connector: ConfigMap,
    /// The task's own.
    pub config: ConfigMap,
    /// Begin paused.
    pub paused: bool,
}

/// A record of an internal topic: key, and value (`None` is a tombstone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// The key, e.g. `connector-local-file-source`.
    pub key: String,
    /// The value, JSON.
    pub value: Option<String>,
}
