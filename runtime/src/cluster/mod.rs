//! The one port through which the runtime reaches a cluster.
//!
//! Owns its shape. Behind it: the broker in this process ([`Embedded`]); remote clusters come later. What goes through are the
//! broker's typed requests, with one difference: fetched records come as columns, whatever they were compressed with.
//! Invariant: a caller asks one thing after another in each lane, and what it holds in the cluster ends with it.

use std::{future::Future, pin::Pin, sync::Arc};

use broker_core::request::{Fetch, Reply, Request};
use runtime_core::{consumer::Fetched, herder::TopicRecord};

mod embedded;
mod fetch;

pub use embedded::Embedded;
pub(crate) use embedded::wall_ms;

/// The answer to a question, in its time.
pub type Answer<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send>>;

/// A cluster.
pub trait Cluster: Send + Sync {
    /// A new caller. Its group memberships and waiting requests end when the last clone of it is dropped.
    fn caller(&self) -> Arc<dyn Caller>;

    /// Creates those of Connect's internal topics that are missing: compacted, one partition.
    fn create_tables(&self, topics: &[&str]) -> Answer<()>;

    /// The latest value per key of an internal topic, in the order of the keys.
    fn read_table(&self, topic: &str) -> Answer<Vec<TopicRecord>>;

    /// Appends records to an internal topic, all or nothing; they are durable when it returns.
    fn write_table(&self, topic: &str, records: Vec<TopicRecord>) -> Answer<()>;
}

/// Somebody who asks a cluster.
pub trait Caller: Send + Sync {
    /// Asks. The error says that the cluster cannot be asked any more.
    fn request(&self, request: Request) -> Answer<Reply>;

    /// Fetches, and reads the records. The outer error says that the cluster cannot be asked any more; the inner one that the
    /// records cannot be read.
    fn fetch(&self, fetch: Fetch) -> Answer<Result<Fetched, String>>;
}
