//! What can go wrong with a guest, told apart.
//!
//! Owns the errors of loading and of calling, and the reading of wasmtime's. Invariant: every [`HostError`] but
//! [`HostError::Connector`] and [`HostError::BadBatch`] means that the instance is gone.

use crate::allowance::Exceeded;
use crate::store::TaskData;
use runtime_core::exchange::ConnectorError;
use runtime_core::record::BadBatch;
use std::fmt;
use std::time::Duration;
use wasmtime::{Trap, WasmBacktrace};

/// A call that did not give what it should.
#[derive(Debug)]
pub enum HostError {
    /// The connector answered with an error; its instance lives on.
    Connector(ConnectorError),
    /// It trapped: a panic, an abort, an access out of bounds.
    Trap {
        /// The function that was called.
        call: &'static str,
        /// What happened, with what the guest wrote to its standard error last.
        message: String,
        /// Frames of the guest, innermost first.
        backtrace: String,
    },
    /// It took too long.
    Deadline {
        /// The function that was called.
        call: &'static str,
        /// The time it had.
        after: Duration,
        /// Where it was; empty if that was in the host.
        backtrace: String,
    },
    /// It wanted more memory than it may have, and gave up.
    Memory {
        /// The function that was called.
        call: &'static str,
        /// The limit.
        limit_bytes: usize,
        /// Where it was.
        backtrace: String,
    },
    /// It handed over more bytes in one call than it may.
    TooMuch {
        /// The function that was called.
        call: &'static str,
        /// The limit.
        limit_bytes: usize,
    },
    /// It returned something that contradicts itself. The instance lives on.
    BadBatch(BadBatch),
    /// The instance ended with an earlier error, or while a call was given up.
    Gone,
}

impl HostError {
    /// The backtrace, if there is one.
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Self::Trap { backtrace, .. } | Self::Deadline { backtrace, .. } | Self::Memory { backtrace, .. } => {
                Some(backtrace.as_str()).filter(|text| !text.is_empty())
            }
            _ => None,
        }
    }

    /// Message and backtrace, as a status shows them.
    pub fn trace(&self) -> String {
        match self.backtrace() {
            Some(backtrace) => format!("{self}\n{backtrace}"),
            None => self.to_string(),
        }
    }

    /// Reads the error of a call, while the store is still there.
    pub(crate) fn of_call(call: &'static str, error: &wasmtime::Error, data: &TaskData) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(backtrace_text).unwrap_or_default();
        let trap = error.downcast_ref::<Trap>();
        if data.budget.is_spent() && trap == Some(&Trap::Interrupt) {
            return Self::Deadline { call, after: data.budget.time(), backtrace };
        }
        if data.limits.refused() && trap.is_some() {
            return Self::Memory { call, limit_bytes: data.limits.memory_bytes(), backtrace };
        }
        let root = error.root_cause().to_string();
        // wasmtime keeps the type of its own error to itself.
        if error.downcast_ref::<Exceeded>().is_some()
            || root.contains("fuel allocated for hostcalls has been exhausted")
        {
            return Self::TooMuch { call, limit_bytes: data.batch_bytes };
        }
        let said = data.stderr.tail();
        let message = if said.is_empty() { root } else { format!("{root}; it said: {said}") };
        Self::Trap { call, message, backtrace }
    }
}

/// Most bytes of a backtrace: the names of functions are the component's own words, too.
const MOST_BACKTRACE: usize = 16 << 10;

fn backtrace_text(backtrace: &WasmBacktrace) -> String {
    let text = backtrace.to_string();
    text[..text.floor_char_boundary(MOST_BACKTRACE)].trim_end().to_owned()
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connector(error) => write!(f, "{error}"),
            Self::Trap { call, message, .. } => write!(f, "The connector trapped in `{call}`: {message}"),
            Self::Deadline { call, after, .. } => {
                write!(f, "The connector did not come back from `{call}` within {after:?} and was stopped.")
            }
            Self::Memory { call, limit_bytes, .. } => {
                write!(f, "The connector wanted more than its {limit_bytes} bytes of memory in `{call}`.")
            }
            Self::TooMuch { call, limit_bytes } => write!(
                f,
                "The connector handed over more than {limit_bytes} bytes in `{call}`; it must make smaller batches."
            ),
            Self::BadBatch(bad) => write!(f, "The connector returned a damaged batch: {bad}."),
            Self::Gone => write!(f, "The connector's instance has ended; start the task again."),
        }
    }
}

impl std::error::Error for HostError {}

impl From<ConnectorError> for HostError {
    fn from(error: ConnectorError) -> Self {
        Self::Connector(error)
    }
}

/// A component that cannot be used.
#[derive(Debug)]
pub enum LoadError {
    /// Not WebAssembly, or a core module.
    NotAComponent(&'static str),
    /// Larger than a component may be.
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// It needs interfaces of a later `connect:connector`.
    NewerWit {
        /// The version that it needs, as `0.2`.
        needs: String,
    },
    /// It lacks what makes a connector, or wants what no worker has.
    NotAConnector(String),
    /// It does not compile; wasmtime's reason.
    Invalid(String),
    /// It could not even describe itself.
    Describe(HostError),
    /// The worker itself could not do it.
    Worker(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAComponent(why) => write!(f, "This is not a WebAssembly component: {why}"),
            Self::TooLarge { limit_bytes } => {
                write!(f, "The component is larger than {limit_bytes} bytes; build it in release mode.")
            }
            Self::NewerWit { needs } => write!(
                f,
                "The component needs connect:connector >= {needs}, this worker serves {}; update the worker.",
                crate::check::SERVED
            ),
            Self::NotAConnector(why) => write!(f, "The component is not a connector: {why}"),
            Self::Invalid(why) => write!(f, "The component is damaged: {why}"),
            Self::Describe(error) => write!(f, "The component could not describe itself: {error}"),
            Self::Worker(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for LoadError {}
