//! What one instance may see and touch.
//!
//! Owns the grants and what the runtime hands in. Leaves deciding them to the runtime. Invariant: a guest reaches nothing
//! that is not in its [`Env`].

use runtime_core::exchange::{ConnectorError, TopicPartition, TpOffset};
use runtime_core::scalar::ScalarMap;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::stdin::Stdin;

/// The surroundings of a task (or, mostly empty, of a connector).
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Name of the connector.
    pub connector: String,
    /// Number of the task.
    pub task: u32,
    /// Its configuration.
    pub config: Vec<(String, String)>,
    /// Source offsets committed last, by partition.
    pub offsets: BTreeMap<ScalarMap, ScalarMap>,
    /// State committed last.
    pub state: BTreeMap<String, Vec<u8>>,
    /// Files it may open.
    pub files: Vec<FileGrant>,
    /// The standard input, if it may read that.
    pub stdin: Option<Stdin>,
    /// Whether it may write to the standard output.
    pub stdout: bool,
    /// For a sink: its partitions.
    pub assignment: Vec<TopicPartition>,
    /// Set it to ask the task to stop.
    pub stop: StopFlag,
}

/// A file that a guest may open, by the config key that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileGrant {
    /// The config key.
    pub key: String,
    /// Where the file is; absolute.
    pub path: PathBuf,
    /// What it may do with it.
    pub mode: FileMode,
    /// The folder that the path must not leave, by `..` or a symbolic link; none: the operator named the path himself.
    pub root: Option<PathBuf>,
}

/// What a guest may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// Read it.
    Read,
    /// Create it, append to it, cut it.
    Append,
}

/// A flag that many hold and a guest can look at.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True if somebody asked.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something a guest asked of the runtime during a call; see `take_requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Wait so many milliseconds before putting again.
    RetryAfter(u32),
    /// Commit offsets soon.
    Commit,
    /// Fetch no more from these.
    Pause(Vec<TopicPartition>),
    /// Fetch from these again.
    Resume(Vec<TopicPartition>),
    /// Go on from these offsets.
    Seek(Vec<TpOffset>),
    /// Record `index` of the batch is to be reported as failed.
    Errant {
        /// Its index.
        index: u32,
        /// Why.
        error: ConnectorError,
    },
    /// Ask for task configurations again.
    ReconfigureTasks,
    /// The connector cannot go on.
    Raise(ConnectorError),
}

impl Request {
    /// About what it takes to keep it.
    pub(crate) fn bytes(&self) -> usize {
        let tp = |tp: &TopicPartition| size_of::<TopicPartition>() + tp.topic.len();
        let more = match self {
            Self::RetryAfter(_) | Self::Commit | Self::ReconfigureTasks => 0,
            Self::Pause(tps) | Self::Resume(tps) => tps.iter().map(tp).sum(),
            Self::Seek(offsets) => offsets.iter().map(|offset| tp(&offset.tp) + size_of::<i64>()).sum(),
            Self::Errant { error, .. } | Self::Raise(error) => error_bytes(error),
        };
        size_of::<Self>() + more
    }
}

fn error_bytes(error: &ConnectorError) -> usize {
    let attrs = error.attrs.iter().map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len());
    error.code.len() + error.message.len() + attrs.sum::<usize>()
}
