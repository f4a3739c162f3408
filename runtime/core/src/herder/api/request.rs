//! What REST and the command line ask of the herder, and are answered.

use alloc::{string::String, vec::Vec};

use super::{Origin, TargetState, TaskId};
use crate::{
    config::ConfigMap,
    rest::{ConnectorInfo, ConnectorStatus},
};

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
