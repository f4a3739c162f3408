//! The broker in this process.
//!
//! Owns the passing on of requests. Invariant: no bytes of the wire are made; what a TCP client gets refused is refused here.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use broker::Handle;
use broker_core::{
    error::Error,
    request::{AtomicAppend, ConnId, CreateTopics, Fetch, Metadata, NewTopic, Reply, Request, TopicRef},
};
use runtime_core::{batches, consumer::Fetched, herder::TopicRecord};

use super::{Answer, Caller, Cluster, Who, fetch};

/// Times that a write to an internal topic is tried while the journal is full.
const WRITE_TRIES: u32 = 20;
const WRITE_AGAIN: Duration = Duration::from_millis(250);

/// A cluster of one: the broker in this process.
pub struct Embedded {
    own: Arc<Conn>,
}

impl Embedded {
    /// Reaches the broker through `handle`.
    pub fn new(handle: Handle) -> Self {
        Self { own: Arc::new(Conn::new(handle)) }
    }
}

impl Cluster for Embedded {
    fn caller(&self, _: Who) -> Arc<dyn Caller> {
        Arc::new(CallerHere(Arc::new(Conn::new(self.own.handle.clone()))))
    }

    fn create_tables(&self, topics: &[&str]) -> Answer<()> {
        let (conn, topics) = (self.own.clone(), topics.iter().map(|topic| table(topic)).collect());
        Box::pin(async move {
            let request = Request::CreateTopics(CreateTopics { topics, validate_only: false });
            let Reply::CreateTopics(created) = conn.request(request).await? else {
                bail!("an answer to another question")
            };
            for topic in created {
                match topic.outcome {
                    Ok(_) | Err((Error::TopicAlreadyExists, _)) => {}
                    Err((error, why)) => bail!("topic {} cannot be created: {} {why}", topic.name, error.message()),
                }
            }
            Ok(())
        })
    }

    fn read_table(&self, topic: &str) -> Answer<Vec<TopicRecord>> {
        let (conn, topic) = (self.own.clone(), topic.to_owned());
        Box::pin(async move {
            let reply = conn.request(Request::ReadTable { topic: topic.clone() }).await?;
            let Reply::ReadTable(table) = reply else { bail!("an answer to another question") };
            let table = table.map_err(|error| anyhow::anyhow!("topic {topic} cannot be read: {}", error.message()))?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok(table.iter().map(|(key, value)| TopicRecord { key: text(key), value: Some(text(value)) }).collect())
        })
    }

    fn write_table(&self, topic: &str, records: Vec<TopicRecord>) -> Answer<()> {
        let (conn, topic) = (self.own.clone(), topic.to_owned());
        Box::pin(async move {
            let partitions = conn.partitions(&topic).await?;
            let records =
                records.into_iter().map(|record| (record.key.into_bytes(), record.value.map(String::into_bytes)));
            let batches = batches::keyed(&topic, partitions, records, wall_ms());
            let append = AtomicAppend { task: None, batches, offsets: None, state: Vec::new() };
            for _ in 1..WRITE_TRIES {
                match conn.append(append.clone()).await? {
                    Err((Error::KafkaStorageError, _)) => tokio::time::sleep(WRITE_AGAIN).await,
                    outcome => return outcome.map_err(|(_, why)| anyhow::anyhow!("topic {topic}: {why}")),
                }
            }
            conn.append(append).await?.map_err(|(_, why)| anyhow::anyhow!("topic {topic}: {why}"))
        })
    }
}

struct CallerHere(Arc<Conn>);

impl Caller for CallerHere {
    fn request(&self, request: Request) -> Answer<Reply> {
        let conn = self.0.clone();
        Box::pin(async move { conn.request(request).await })
    }

    fn fetch(&self, fetch: Fetch) -> Answer<Result<Fetched, String>> {
        let conn = self.0.clone();
        Box::pin(async move {
            let reply = conn.request(Request::Fetch(fetch.clone())).await?;
            let Reply::Fetch(topics) = reply else { bail!("an answer to another question") };
            Ok(fetch::read(&conn.handle, &fetch, topics).await)
        })
    }

    fn fetcher(&self) -> Arc<dyn Caller> {
        Arc::new(CallerHere(Arc::new(Conn::new(self.0.handle.clone()))))
    }
}

/// A caller's identity in the broker, and its end.
struct Conn {
    handle: Handle,
    id: ConnId,
}

impl Conn {
    fn new(handle: Handle) -> Self {
        Self { id: handle.connect(), handle }
    }

    async fn request(&self, request: Request) -> anyhow::Result<Reply> {
        self.handle.request(self.id, request).await.context("the broker has stopped")
    }

    async fn append(&self, append: AtomicAppend) -> anyhow::Result<Result<(), (Error, String)>> {
        match self.request(Request::AtomicAppend(append)).await? {
            Reply::AtomicAppend(outcome) => Ok(outcome.map(|_| ())),
            _ => bail!("an answer to another question"),
        }
    }

    async fn partitions(&self, topic: &str) -> anyhow::Result<i32> {
        let topics = Some(vec![TopicRef::Name(topic.to_owned())]);
        let metadata = Metadata { topics, allow_auto_topic_creation: false };
        let Reply::Metadata(found) = self.request(Request::Metadata(metadata)).await? else {
            bail!("an answer to another question")
        };
        let found = found.topics.into_iter().next().context("an answer without the topic")?;
        found.partitions.map_err(|error| anyhow::anyhow!("topic {topic}: {}", error.message()))
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let (handle, id) = (self.handle.clone(), self.id);
        // Without a runtime the process is ending, and the broker with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { handle.disconnect(id).await });
        }
    }
}

fn table(topic: &str) -> NewTopic {
    NewTopic {
        name: topic.to_owned(),
        partitions: 1,
        replication_factor: 1,
        assignments: Vec::new(),
        // Only segments that are closed are compacted, and at a gigabyte none of these would ever be.
        configs: [("cleanup.policy", "compact"), ("segment.bytes", "16777216")]
            .map(|(key, value)| (key.into(), Some(value.into())))
            .into(),
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
