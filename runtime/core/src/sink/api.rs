//! What goes into and comes out of a sink task's loop.

use alloc::{string::String, sync::Arc, vec::Vec};
use broker_core::request::{Fetch, Reply, Request};
use bytes::Bytes;

use crate::{
    config::settings::DeadLetterQueue,
    consumer::{self, FetchId, Fetched},
    errors::Policy,
    exchange::{ConnectorError, PutFailure, TopicPartition, TpOffset},
    herder::TaskId,
    record::{Batch, Format},
    task::{CallError, Ended, Said, StateChange},
    transform::{Chain, Converters},
};

/// What is fixed for a task's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which task.
    pub task: TaskId,
    /// What happens to records after they are converted.
    pub transforms: Chain,
    /// For keys, values and headers.
    pub converters: Converters,
    /// What happens to records that fail on the way.
    pub errors: Policy,
    /// Where records go that fail.
    pub dead_letters: Option<DeadLetterQueue>,
    /// Most bytes of one batch of them (`max.message.bytes` of the topic).
    pub max_batch_bytes: usize,
    /// Formats that the connector reads; empty: all.
    pub accepts: Vec<Format>,
    /// Milliseconds between two commits (`offset.flush.interval.ms`).
    pub commit_ms: u64,
    /// Begin paused.
    pub paused: bool,
    /// The group and its topics.
    pub consumer: consumer::Settings,
}

/// A call into the connector's task.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Its `start`, after it was given its saved state.
    Start {
        /// Key and value.
        state: Vec<(String, Bytes)>,
    },
    /// Its `open`: these partitions are its own now.
    Open(Vec<TopicPartition>),
    /// Its `put`.
    Put(Arc<Batch>),
    /// Its `pre-commit`, with the offsets after the last records put.
    PreCommit(Vec<TpOffset>),
    /// Its `close`: these partitions are its own no more.
    Close(Vec<TopicPartition>),
    /// Its `stop`.
    Stop,
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing but that it is done.
    Done,
    /// To `put`: the records it could not take.
    Put(Vec<PutFailure>),
    /// To `pre-commit`: what is safe to commit.
    PreCommit(Vec<TpOffset>),
}

/// What the connector asked for during a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Give it nothing of these.
    Pause(Vec<TopicPartition>),
    /// Give it these again.
    Resume(Vec<TopicPartition>),
    /// Go on from here.
    Seek(Vec<TpOffset>),
    /// Commit soon.
    RequestCommit,
    /// If this call fails, wait so many milliseconds before the next try.
    RetryAfter(u32),
    /// Record `index` of the batch is at fault; it was skipped.
    Errant(u32, ConnectorError),
}

/// Which of the requests that may be out side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// About the group. All of these are asked as one caller, with whom the membership ends.
    Group,
    /// About the task: its start, its commits.
    Task,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The reply to the request that is out on a lane.
    Reply(Lane, Reply),
    /// The cluster cannot be asked any more.
    Gone(String),
    /// What a fetch brought; `Err` if its records cannot be read.
    Fetched(FetchId, Result<Fetched, String>),
    /// The call that is out has returned.
    Called {
        /// What it answered.
        outcome: Result<Answer, CallError>,
        /// What it changed of the task's state.
        state: Vec<StateChange>,
        /// What else it asked for, in order.
        effects: Vec<Effect>,
    },
    /// Idle from now on.
    Pause,
    /// Go on.
    Resume,
    /// Come to an end.
    Stop,
    /// Time has passed, and nothing else happened.
    Tick,
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Ask the cluster.
    Request(Lane, Request),
    /// Fetch; then say `Fetched`.
    Fetch(FetchId, Fetch),
    /// The fetch that is out is not needed any more.
    CancelFetch,
    /// Call the connector.
    Call(Call),
    /// Tell the herder or the log.
    Say(Said),
    /// The task is over; drop its instance. The last output.
    End(Ended),
}
