//! What only callers in this process ask: the tasks of connectors.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;

use super::{Batch, OffsetCommit};

/// Records, offsets and a task's state, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct AtomicAppend {
    /// The task and its incarnation from `StartTask`; an older incarnation is fenced.
    pub task: Option<(String, u64)>,
    /// Topic, partition and batch; a partition may occur several times.
    pub batches: Vec<(String, i32, Batch)>,
    /// Offsets of a consumer group, checked as `OffsetCommit` is.
    pub offsets: Option<OffsetCommit>,
    /// Changes to the task's state: key and value, `None` to remove. Needs `task`.
    pub state: Vec<(String, Option<Bytes>)>,
}

/// A started task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStarted {
    /// Its incarnation: larger than every one before, also over restarts.
    pub incarnation: u64,
    /// Its saved state in key order.
    pub state: Vec<(String, Bytes)>,
}
