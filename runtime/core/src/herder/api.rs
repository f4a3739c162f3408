//! The herder's vocabulary: what is put in, what comes out, what REST asks and is answered.
//!
//! Owns these types. Leaves every decision to the other files of this folder. Invariant: nothing here names HTTP; a refusal
//! says what kind it is, and REST has one match that turns kinds into codes.

mod input;
mod output;
mod request;

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::rest::InitialState;

pub use crate::{rest::TaskId, time::Now};
pub use {
    input::Input,
    output::{Output, StartTask, TopicRecord},
    request::{Answer, OffsetsAction, Operation, Refusal, RefusalKind},
};

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

impl TaskId {
    /// The name under which the cluster knows it: `local-file-source/0`.
    pub fn cluster_name(&self) -> String {
        format!("{}/{}", self.connector, self.task)
    }
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
