//! What source and sink tasks have in common: their ends, their errors, what they say.
//!
//! Owns these types and the back-off. Leaves the two loops to `source` and `sink`.

use alloc::{format, string::String};
use broker_core::{
    error::Error,
    request::{ClusterMetadata, Metadata, Request, TopicRef},
};

use crate::exchange::{ConnectorError, ErrorClass};

/// A call into the connector that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The connector answered with an error.
    Connector(ConnectorError),
    /// It trapped, ran out of time or memory: its instance is gone. Reason and backtrace.
    Trap(String),
}

impl CallError {
    /// True if the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self, CallError::Connector(error) if error.class == ErrorClass::Retriable)
    }

    /// What the connector asked to wait before the next try, milliseconds; not less than the shortest wait.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            CallError::Connector(error) => error.retry_after_ms.map(at_least_the_shortest),
            CallError::Trap(_) => None,
        }
    }

    /// For the status: what failed and why, then whatever else is known, one thing a line. (A trap says itself in which call.)
    pub fn trace(&self, call: &str) -> String {
        match self {
            CallError::Connector(error) => {
                let mut trace = format!("{}\n\tin {call}\n\tcode: {}", error.message, error.code);
                error.attrs.iter().for_each(|(name, value)| trace.push_str(&format!("\n\t{name}: {value}")));
                trace
            }
            CallError::Trap(trace) => trace.clone(),
        }
    }
}

/// A change of the task's small durable state: key and value, `None` to remove it.
pub type StateChange = (String, Option<bytes::Bytes>);

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As it was told.
    Stopped,
    /// With an error.
    Failed {
        /// Reason and backtrace, for the status.
        trace: String,
    },
}

/// What a task has to say on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It works.
    Running,
    /// It idles, as it was told.
    Paused,
    /// It sent to, or got from, this topic for the first time.
    TopicUsed(String),
    /// Something is wrong that may pass; for the log.
    Warning(String),
    /// A record has failed (`errors.log.enable`); for the log.
    Error(String),
    /// For the metrics alone.
    Counted(Count),
}

/// What is counted on the way (`task-error-metrics`, `sink-task-metrics`; contract 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Records that a transform or a converter could not process.
    Failed {
        /// How many.
        records: u64,
        /// They are left out, and the task goes on.
        tolerated: bool,
    },
    /// Records that failed outside those: the sink reported them, or a topic cannot take them.
    Reported {
        /// How many.
        records: u64,
        /// They are left out, and the task goes on.
        tolerated: bool,
    },
    /// So many records of a sink were dropped by a transform.
    Filtered(u64),
    /// A call into the connector, or an append, is tried again.
    Retried,
    /// Records on their way to the dead letter queue.
    DeadLetters(u64),
    /// Of those, so many could not be written.
    DeadLettersLost(u64),
    /// The sink found nothing safe to commit.
    CommitSkipped,
}

/// Longer and longer waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

/// A wait that a connector asked for: one that asks for none is not to keep a core and the log busy.
pub(crate) fn at_least_the_shortest(ms: u32) -> u64 {
    u64::from(ms).max(FIRST_MS)
}

/// The first wait, as Kafka's source tasks have it.
const FIRST_MS: u64 = 100;
/// No wait is longer.
const LONGEST_MS: u64 = 5_000;

impl Backoff {
    /// The next wait, milliseconds.
    pub fn next_ms(&mut self) -> u64 {
        let wait = (FIRST_MS << self.tries.min(6)).min(LONGEST_MS);
        self.tries += 1;
        wait
    }

    /// It went well: begin again with the shortest.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// Asks for topics by name; with `create` the missing ones are made, as a producer's or consumer's metadata request does.
pub(crate) fn ask_topics(topics: impl IntoIterator<Item = String>, create: bool) -> Request {
    let topics = topics.into_iter().map(TopicRef::Name).collect();
    Request::Metadata(Metadata { topics: Some(topics), allow_auto_topic_creation: create })
}

/// The named topics of an answer that are not internal: partitions, or why there are none.
pub(crate) fn topics_of(metadata: ClusterMetadata) -> impl Iterator<Item = (String, Result<i32, Error>)> {
    let own = metadata.topics.into_iter().filter(|topic| !topic.internal);
    own.filter_map(|topic| Some((topic.name?, topic.partitions)))
}
