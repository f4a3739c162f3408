//! What the herder is told.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::{Answer, Catalogue, Operation, Refusal, RequestId, Run, TaskId, WriteId};
use crate::config::ConfigMap;

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
    /// Time has passed, and nothing else happened: said when [`Herder::poll_timeout`](crate::herder::Herder::poll_timeout) is due.
    Tick,
    /// The worker shuts down: stop everything. [`Herder::is_idle`](crate::herder::Herder::is_idle) says when that is done.
    Stop,
}
