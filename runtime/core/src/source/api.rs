//! What goes into and comes out of a source task's loop.

use alloc::{string::String, vec::Vec};
use broker_core::request::{Reply, Request};
use bytes::Bytes;

use super::MostBytes;
use crate::{
    config::TopicCreation,
    errors::Policy,
    exchange::{Ack, Polled},
    herder::TaskId,
    scalar::ScalarMap,
    task::{CallError, Ended, Said, StateChange},
    transform::{Chain, Converters},
};

/// What is fixed for a task's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which task.
    pub task: TaskId,
    /// What happens to records before they are converted.
    pub transforms: Chain,
    /// For keys, values and headers.
    pub converters: Converters,
    /// What happens to records that fail on the way.
    pub errors: Policy,
    /// How missing topics are created; `None`: as the cluster does it by itself.
    pub topic_creation: Option<TopicCreation>,
    /// Where source offsets are kept: `connect-offsets`.
    pub offsets_topic: String,
    /// Most records of one poll.
    pub max_records: u32,
    /// Most bytes of one poll.
    pub max_bytes: u32,
    /// Most bytes of one record (`max.request.size` of the producer).
    pub most: MostBytes,
    /// Most bytes of one record batch (`max.message.bytes` of the topics).
    pub max_batch_bytes: usize,
    /// Polls go on behind an append until so many bytes wait for the next one; 1 lets one poll wait.
    pub max_append_bytes: usize,
    /// Begin paused.
    pub paused: bool,
}

/// A call into the connector's task.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Its `start`, after it was given its saved state and the offsets committed last.
    Start {
        /// Key and value.
        state: Vec<(String, Bytes)>,
        /// Source partition and offset.
        offsets: Vec<(ScalarMap, ScalarMap)>,
    },
    /// Its `poll`.
    Poll {
        /// Number of this poll.
        seq: u64,
        /// Most records.
        max_records: u32,
        /// Most bytes.
        max_bytes: u32,
    },
    /// Its `on-ack`. The offsets of the poll are what it may ask for now.
    OnAck {
        /// What became of the records.
        acks: Vec<Ack>,
        /// Source partitions whose offset has moved.
        offsets: Vec<(ScalarMap, ScalarMap)>,
    },
    /// Its `commit`.
    Commit,
    /// Its `stop`.
    Stop,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The reply to the request that is out.
    Reply(Reply),
    /// The cluster cannot be asked any more.
    Gone(String),
    /// The call that is out has returned; `poll`'s goes into `Polled`.
    Called(Result<(), CallError>),
    /// A poll has returned.
    Polled {
        /// What it answered.
        outcome: Result<Polled, CallError>,
        /// What it changed of the task's state.
        state: Vec<StateChange>,
        /// Milliseconds since 1970, for records without a timestamp.
        wall: i64,
    },
    /// Something the task watches has changed.
    Wake,
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
    Request(Request),
    /// Call the connector.
    Call(Call),
    /// Tell the herder or the log.
    Say(Said),
    /// The task is over; drop its instance. The last output.
    End(Ended),
}
