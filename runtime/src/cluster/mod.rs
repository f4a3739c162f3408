//! The one port through which the runtime reaches a cluster.
//!
//! Owns its shape. Behind it: the broker in this process ([`Embedded`]), or a cluster of Kafka's elsewhere ([`Remote`]). What goes
//! through are the broker's typed requests, with one difference: fetched records come as columns, whatever they were compressed with.
//! Invariant: a caller asks one thing after another in each lane, and what it holds in the cluster ends with it.

use std::{future::Future, pin::Pin, sync::Arc};

use broker_core::request::{Fetch, Reply, Request};
use runtime_core::{
    config::ConfigMap,
    consumer::Fetched,
    herder::{TaskId, TopicRecord},
};

mod embedded;
mod fetch;
mod remote;

pub use embedded::Embedded;
pub(crate) use embedded::wall_ms;
pub use remote::{Remote, Unreachable, Unusable};

/// The answer to a question, in its time.
pub type Answer<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send>>;

/// Who asks: a cluster elsewhere knows its callers by name.
#[derive(Clone, Debug)]
pub struct Who {
    /// The task; for somebody who asks about a connector, its task 0.
    pub task: TaskId,
    /// The connector's configuration: its client overrides count.
    pub connector: ConfigMap,
    /// The consumer group of a sink.
    pub group: Option<String>,
}

/// A cluster.
pub trait Cluster: Send + Sync {
    /// A new caller. Its group memberships and waiting requests end when the last clone of it is dropped.
    fn caller(&self, who: Who) -> Arc<dyn Caller>;

    /// Creates those of Connect's internal topics that are missing: compacted, one partition.
    fn create_tables(&self, topics: &[&str]) -> Answer<()>;

    /// The latest value per key of an internal topic, in the order of the keys.
    fn read_table(&self, topic: &str) -> Answer<Vec<TopicRecord>>;

    /// Appends records to an internal topic, all or nothing; they are durable when it returns.
    fn write_table(&self, topic: &str, records: Vec<TopicRecord>) -> Answer<()>;

    /// How often it should be asked.
    fn pace(&self) -> Pace {
        // Asking the broker in this process costs next to nothing, and new topics are to be seen soon.
        Pace { heartbeat_ms: None, metadata_ms: 1_000, fetch_wait_ms: 5_000 }
    }

    /// What is known is written down; the last that is asked of a cluster. Without it: nothing is acknowledged that is not written.
    fn close(&self) -> Answer<()> {
        Box::pin(async { Ok(()) })
    }
}

/// How often a cluster should be asked, unless the configuration says.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two heartbeats of a group's member; `None`: as configured.
    pub heartbeat_ms: Option<u64>,
    /// Between two looks for new topics and partitions.
    pub metadata_ms: u64,
    /// How long a fetch waits for records.
    pub fetch_wait_ms: u32,
}

/// Somebody who asks a cluster.
pub trait Caller: Send + Sync {
    /// Asks. The error says that the cluster cannot be asked any more.
    fn request(&self, request: Request) -> Answer<Reply>;

    /// Fetches, and reads the records. The outer error says that the cluster cannot be asked any more; the inner one that the
    /// records cannot be read.
    fn fetch(&self, fetch: Fetch) -> Answer<Result<Fetched, String>>;

    /// Another who fetches for this one: when it is dropped its fetch ends, and the membership stays.
    fn fetcher(&self) -> Arc<dyn Caller>;
}
