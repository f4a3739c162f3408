//! What the host offers to a running task: logs, time, state, files, the standard streams.
//!
//! Owns pleasant names for the imports. Invariant: nothing here waits; to wait, a task answers [`crate::Poll::Idle`].

use crate::bindings::base::connect::connector::{log as wit_log, task_context};
use crate::bindings::source::connect::connector::{source_context, state as wit_state};
use crate::{Error, RawConfig, ScalarMap};

/// Files that the operator granted, by the config key that names them.
pub mod files {
    pub use crate::bindings::source::connect::connector::files::{Appender, Identity, Reader, Stat};
}

/// The worker's standard streams.
pub mod stdio {
    pub use crate::bindings::source::connect::connector::stdio::{Input, read, write};
}

/// Lines in the worker's log.
pub mod log {
    use super::wit_log::{self, Level};

    /// For people who look for a fault.
    pub fn debug(message: &str) {
        if wit_log::enabled(Level::Debug) {
            wit_log::write(Level::Debug, message, &[]);
        }
    }

    /// Something worth to know.
    pub fn info(message: &str) {
        wit_log::write(Level::Info, message, &[]);
    }

    /// Something that may need a person.
    pub fn warn(message: &str) {
        wit_log::write(Level::Warn, message, &[]);
    }

    /// Something that needs a person.
    pub fn error(message: &str) {
        wit_log::write(Level::Error, message, &[]);
    }
}

/// Small durable state of this task, committed with its offsets.
pub mod state {
    use super::{Error, wit_state};

    /// The value of `key`, as it was put last.
    pub fn get(key: &str) -> Option<Vec<u8>> {
        wit_state::get(key)
    }

    /// Sets a value; fails if it is larger than the host keeps.
    pub fn put(key: &str, value: &[u8]) -> Result<(), Error> {
        wit_state::put(key, Some(value))
    }

    /// Removes a value.
    pub fn remove(key: &str) -> Result<(), Error> {
        wit_state::put(key, None)
    }
}

/// For a sink: its partitions, and what it wants of the consumer behind it.
pub mod sink {
    pub use crate::bindings::sink::connect::connector::sink_context::{
        assignment, pause, report_errant, request_commit, resume, retry_after, seek,
    };
}

/// For a connector: what it wants of the worker.
pub mod connector {
    pub use crate::bindings::base::connect::connector::connector_context::{raise, request_task_reconfiguration};
}

/// Name of the connector.
pub fn connector_name() -> String {
    task_context::connector_name()
}

/// Number of the task.
pub fn task_id() -> u32 {
    task_context::task_id()
}

/// Configuration of the task.
pub fn config() -> RawConfig {
    task_context::current_config()
}

/// The task is asked to stop: leave long loops.
pub fn stopping() -> bool {
    task_context::stopping()
}

/// Milliseconds since the task started; never goes back.
pub fn clock_ms() -> u64 {
    task_context::clock_ms()
}

/// For a source: the offset of `partition` that was committed last.
pub fn source_offset(partition: &ScalarMap) -> Option<ScalarMap> {
    source_context::offsets(std::slice::from_ref(partition)).pop().flatten()
}
