//! The herder's vocabulary: what is put in, what comes out, what REST asks and is answered.
//!
//! Owns these types. Leaves every decision to the other files of this folder. Invariant: nothing here names HTTP; a refusal
//! says what kind it is, and REST has one match that turns kinds into codes.

use alloc::{collections::BTreeMap, collections::BTreeSet, string::String, vec::Vec};

use crate::config::ConfigMap;
use crate::rest::{ConnectorInfo, ConnectorStatus, InitialState};

pub use crate::rest::TaskId;

pub use crate::time::Now;

/// Which way records go through a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Into a topic.
    Source,
    /// Out of topics.
    Sink,
}

/// What the herder has to know of a connector class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Source or sink.
    pub direction: Direction,
    /// Version, as status and info show it.
    pub version: String,
    /// What a task's config names as `task.class`.
    pub task_class: String,
}

/// Every connector class the worker can run, by every name and alias that `connector.class` may use for it; its versions, the latest
/// first.
pub type Catalogue = BTreeMap<String, Vec<Class>>;

/// What is fixed for a worker's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `<advertised host>:<advertised port>`, as status shows it.
    pub worker_id: String,
    /// The classes it can run.
    pub catalogue: Catalogue,
    /// Milliseconds after which a request is answered "timed out", though its work goes on; Kafka's is 90,000.
    pub request_timeout_ms: u64,
}

impl core::fmt::Display for TaskId {
    /// As Kafka writes it: `local-file-source-0`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// One run of a connector or task, from its start to its end; never used twice. An input about another run than the
/// present one is stale and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run(pub u64);

/// A question of REST's, to which the one [`Output::Reply`] with the same number belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// One write to `connect-configs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WriteId(pub u64);

/// What a connector shall do (`TargetState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TargetState {
    /// Run.
    #[default]
    Started,
    /// Keep its tasks, idle.
    Paused,
    /// Keep its config and offsets, nothing else.
    Stopped,
}

impl From<InitialState> for TargetState {
    fn from(state: InitialState) -> Self {
        match state {
            InitialState::Running => TargetState::Started,
            InitialState::Paused => TargetState::Paused,
            InitialState::Stopped => TargetState::Stopped,
        }
    }
}

/// What a connector or task does (`AbstractStatus.State`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody runs it (yet).
    Unassigned,
    /// Started.
    Running,
    /// Idle by request.
    Paused,
    /// Ended by an error; its trace says which.
    Failed,
    /// Restart asked for, not yet begun.
    Restarting,
    /// Connector only: no tasks by request.
    Stopped,
}

impl State {
    /// Kafka's word for it.
    pub fn name(self) -> &'static str {
        match self {
            State::Unassigned => "UNASSIGNED",
            State::Running => "RUNNING",
            State::Paused => "PAUSED",
            State::Failed => "FAILED",
            State::Restarting => "RESTARTING",
            State::Stopped => "STOPPED",
        }
    }
}

/// Who asked for a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// REST: it stays until it is deleted.
    Rest,
    /// A file on the command line: it stays as long as it is named there at each start.
    File,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Once, after every record of the internal topics was replayed: begin. Connectors that came from a file and are not in
    /// `named` are removed (their offsets stay); those in `named` wait for their [`Operation::Put`]; all others are started.
    Start {
        /// Names of the connectors whose files are on the command line.
        named: BTreeSet<String>,
    },
    /// REST or the command line wants something.
    Request {
        /// Echoed in the reply.
        id: RequestId,
        /// What.
        operation: Operation,
    },
    /// To [`Output::Validate`].
    Validated {
        /// Its request.
        id: RequestId,
        /// `Err` with the message for the user if the config is not valid.
        outcome: Result<(), Refusal>,
    },
    /// To [`Output::WriteConfigs`]: the records are durable.
    Written(WriteId),
    /// To [`Output::WriteConfigs`]: they are not, and never will be.
    WriteFailed {
        /// Which write.
        write: WriteId,
        /// Why.
        reason: String,
    },
    /// To [`Output::StartConnector`]: it runs, and these shall be its tasks. Said again when a running connector asks for
    /// its tasks to be configured anew.
    ConnectorStarted {
        /// Name.
        connector: String,
        /// Which run.
        run: Run,
        /// Task configs as the connector gave them.
        tasks: Vec<ConfigMap>,
    },
    /// The connector could not start, or raised an error later. The instance is gone; a `StopConnector` on its way is
    /// answered all the same.
    ConnectorFailed {
        /// Name.
        connector: String,
        /// Which run.
        run: Run,
        /// Reason and backtrace, for the status.
        trace: String,
    },
    /// To [`Output::StopConnector`], always, whether in time or not: nothing of the run is left.
    ConnectorStopped {
        /// Name.
        connector: String,
        /// Which run.
        run: Run,
    },
    /// A task moves data (or would, if there were any).
    TaskRunning {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// A task noticed that it shall pause.
    TaskPaused {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// A task ended with an error. Nothing of the run is left; a `StopTask` on its way is answered all the same.
    TaskFailed {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
        /// Reason and backtrace, for the status.
        trace: String,
    },
    /// To [`Output::StopTask`], always: nothing of the run is left, and every append of it is decided.
    TaskStopped {
        /// Which task.
        task: TaskId,
        /// Which run.
        run: Run,
    },
    /// A task sent records to, or got records from, a topic. Told again and again, it is written once.
    TopicUsed {
        /// Which task.
        task: TaskId,
        /// The topic.
        topic: String,
        /// When, milliseconds since 1970.
        at: i64,
    },
    /// To [`Output::Offsets`].
    Offsets {
        /// Its request.
        id: RequestId,
        /// The answer.
        outcome: Result<Answer, Refusal>,
    },
    /// What the worker can run has changed.
    Catalogue(Catalogue),
    /// Time has passed, and nothing else happened: said when [`Herder::poll_timeout`](super::Herder::poll_timeout) is due.
    Tick,
    /// The worker shuts down: stop everything. [`Herder::is_idle`](super::Herder::is_idle) says when that is done.
    Stop,
}

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

/// What to do with a connector's offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OffsetsAction {
    /// Say them.
    Read,
    /// Set those that are named: JSON in REST's shape, `{"offsets":[{"partition":{…},"offset":{…}|null}]}`, shape checked.
    Alter(String),
    /// Forget all.
    Reset,
}

/// What can be asked that changes something, or has to wait for something.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Create a connector, or (with `replace`) give it a new config.
    Put {
        /// Name.
        connector: String,
        /// The whole config; `name` is set to `connector`.
        config: ConfigMap,
        /// REST or a file.
        origin: Origin,
        /// False: refuse with [`RefusalKind::Conflict`] if it exists.
        replace: bool,
        /// What a new connector shall do, started if not given; an existing one keeps its target state.
        initial_state: Option<TargetState>,
    },
    /// Change some keys; `None` removes one.
    Patch {
        /// Name.
        connector: String,
        /// Keys and values.
        patch: Vec<(String, Option<String>)>,
    },
    /// Delete a connector; its offsets stay.
    Delete(String),
    /// Set the target state.
    SetTarget {
        /// Name.
        connector: String,
        /// Started: resume. Paused: pause. Stopped: stop; answered when nothing of it runs.
        target: TargetState,
    },
    /// Restart a connector's instance, or its tasks too.
    Restart {
        /// Name.
        connector: String,
        /// Its tasks too.
        include_tasks: bool,
        /// Only what has failed.
        only_failed: bool,
    },
    /// Restart one task.
    RestartTask(TaskId),
    /// Read, alter or reset offsets.
    Offsets {
        /// Name.
        connector: String,
        /// What.
        action: OffsetsAction,
    },
    /// Forget the topics a connector has used.
    ResetTopics(String),
}

/// What can be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Done; there is nothing to say about it.
    Done,
    /// To Put and Patch.
    Connector {
        /// It did not exist before.
        created: bool,
        /// What it is now.
        info: ConnectorInfo,
    },
    /// To Restart with `include_tasks` or `only_failed`: what will be restarted is shown as RESTARTING.
    Restarting(ConnectorStatus),
    /// To Offsets/Read: the whole JSON body, `{"offsets":[…]}`.
    Offsets(String),
    /// To Offsets/Alter and /Reset: the sentence for the user.
    Message(String),
}

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of which kind.
    pub kind: RefusalKind,
    /// For the user, in Kafka's words where Kafka has some.
    pub message: String,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such connector or task (404).
    NotFound,
    /// It exists already, or cannot be changed now (409).
    Conflict,
    /// The request makes no sense (400).
    BadRequest,
    /// Something failed (500).
    Failed,
    /// Not done yet (500, "Request timed out").
    TimedOut,
}

impl Refusal {
    /// A refusal of `kind` that says `message`.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// How a connector or task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it does.
    pub state: State,
    /// Who runs it.
    pub worker_id: String,
    /// Why it failed.
    pub trace: Option<String>,
    /// Version of its class; `None` if that is not known here.
    pub version: Option<String>,
}
