//! A cluster elsewhere: Apache Kafka, or whatever speaks its protocol, through librdkafka.
//!
//! Owns which client answers which request, and what a worker knows by itself: the incarnations of its tasks and, in Kafka's standalone
//! file, source offsets. Leaves producing to `producer`, membership and fetching to `member`, the file to `offsets`. Invariant: a source's
//! offset is known here only when all records before it are acknowledged. There is no atomicity with a cluster: what a sink remembers of
//! its file is not kept, so that lines may come twice, as with Kafka, and never be missing.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use broker_core::{
    error::Error,
    request::{AtomicAppend, Fetch, Reply, Request, TaskStarted},
};
use bytes::Bytes;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use runtime_core::{client_settings::Client, consumer::Fetched, herder::TopicRecord, worker_config::WorkerConfig};

use super::{Answer, Caller, Cluster, Pace, Who};
use crate::client::{self, Talk};

mod admin;
mod asks;
mod member;
mod offsets;
mod producer;

use member::Member;
use offsets::Offsets;
pub use offsets::Unusable;
use producer::Producer;

/// A caller that is closed has this long to say goodbye to its group.
const GOODBYE: Duration = Duration::from_secs(3);

/// Why the cluster at `bootstrap.servers` cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No client can be made of these settings: there is no use in trying again.
    Settings(String),
    /// Nobody answers, or not yet.
    Silent(String),
}

/// A cluster elsewhere.
pub struct Remote {
    shared: Arc<Shared>,
    id: String,
}

/// What all callers know.
struct Shared {
    config: WorkerConfig,
    offsets: Offsets,
    tasks: Mutex<BTreeMap<String, Task>>,
}

/// A task's incarnation, and what it remembers while the worker runs.
#[derive(Clone, Debug, Default)]
struct Task {
    incarnation: u64,
    state: BTreeMap<String, Bytes>,
}

impl Remote {
    /// Reads the offset file.
    ///
    /// # Errors
    /// A file that is not what Kafka's worker writes, or a folder that is not there.
    pub fn open(config: &WorkerConfig, cluster_id: String) -> Result<Self, Unusable> {
        let interval = Duration::from_millis(config.offset_flush_interval_ms);
        let offsets = Offsets::open(PathBuf::from(&config.offset_storage_file), interval)?;
        let shared = Shared { config: config.clone(), offsets, tasks: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), id: cluster_id })
    }

    /// Asks who the cluster is. Blocks for up to `patience`.
    ///
    /// # Errors
    /// Settings that no client can be made of, or nobody there.
    pub fn identify(config: &WorkerConfig, patience: Duration) -> Result<String, Unreachable> {
        let admin = admin_config(config, "admin", &Default::default()).map_err(Unreachable::Settings)?;
        let client: BaseConsumer<Talk> =
            rdkafka::config::FromClientConfigAndContext::from_config_and_context(&admin, Talk::new("the worker"))
                .map_err(|error| Unreachable::Settings(error.to_string()))?;
        client.client().fetch_metadata(None, patience).map_err(|error| Unreachable::Silent(reason(&error)))?;
        Ok(client.client().fetch_cluster_id(patience).unwrap_or_default())
    }

    /// The cluster's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// An error of librdkafka in its own words, without Rust's around them.
fn reason(error: &rdkafka::error::KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}

/// The worker's own clients have all unprefixed keys of its file, and `admin.` before them (contract 2.5).
fn admin_config(
    worker: &WorkerConfig,
    name: &str,
    overrides: &runtime_core::config::ConfigMap,
) -> Result<ClientConfig, String> {
    let known =
        ["security.protocol", "client.dns.lookup", "request.timeout.ms", "retry.backoff.ms", "metadata.max.age.ms"];
    let servers = worker.bootstrap_servers.join(",");
    let admin = worker.raw.under("admin.");
    let own = worker.raw.iter().filter(|(key, _)| {
        known.contains(key) || key.starts_with("sasl.") || (key.starts_with("ssl.") && *key != "ssl.client.auth")
    });
    let own =
        [("bootstrap.servers", servers.as_str())].into_iter().chain(own).chain(admin.iter()).chain(overrides.iter());
    client::config(Client::Admin, name, own)
}

impl Shared {
    /// Settings of a caller's client: the worker's with their prefix, then the connector's.
    fn config(&self, who: &Who, client: Client) -> Result<ClientConfig, String> {
        let (prefix, kind, other) = match client {
            Client::Producer => ("producer.", "producer", "producer.override."),
            Client::Consumer => ("consumer.", "consumer", "consumer.override."),
            Client::Admin => ("admin.", "adminclient", "admin.override."),
        };
        let name = format!("connector-{kind}-{}-{}", who.task.connector, who.task.task);
        let (worker, connector) = (self.config.raw.under(prefix), who.connector.under(other));
        if client == Client::Admin {
            return admin_config(&self.config, &name, &connector);
        }
        let servers = self.config.bootstrap_servers.join(",");
        let own = [("bootstrap.servers", servers.as_str()), ("client.id", name.as_str())];
        client::config(client, &name, own.into_iter().chain(worker.iter()).chain(connector.iter()))
    }

    fn start_task(&self, task: &str) -> TaskStarted {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tasks.entry(task.to_owned()).or_default();
        known.incarnation += 1;
        let state = known.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        TaskStarted { incarnation: known.incarnation, state }
    }

    /// False if the task was started again since.
    fn is_current(&self, task: Option<&(String, u64)>) -> bool {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        task.is_none_or(|(name, incarnation)| tasks.get(name).is_some_and(|known| known.incarnation == *incarnation))
    }

    fn save(&self, task: Option<(String, u64)>, changes: Vec<(String, Option<Bytes>)>) {
        let Some((name, _)) = task else { return };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut tasks.entry(name).or_default().state;
        for (key, value) in changes {
            match value {
                Some(value) => drop(state.insert(key, value)),
                None => drop(state.remove(&key)),
            }
        }
    }
}

impl Cluster for Remote {
    fn caller(&self, who: Who) -> Arc<dyn Caller> {
        let (producer, member) = Default::default();
        Arc::new(There(Arc::new(Clients { shared: self.shared.clone(), who, producer, member })))
    }

    /// Configurations and states of connectors are in memory alone, as in Kafka's standalone worker.
    fn create_tables(&self, _: &[&str]) -> Answer<()> {
        Box::pin(async { Ok(()) })
    }

    fn read_table(&self, topic: &str) -> Answer<Vec<TopicRecord>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let record = |(key, value): (Bytes, Bytes)| TopicRecord { key: text(&key), value: Some(text(&value)) };
        let records = match topic == self.shared.config.offset_storage_topic {
            true => self.shared.offsets.table().into_iter().map(record).collect(),
            false => Vec::new(),
        };
        Box::pin(async { Ok(records) })
    }

    fn write_table(&self, _: &str, _: Vec<TopicRecord>) -> Answer<()> {
        Box::pin(async { Ok(()) })
    }

    fn pace(&self) -> Pace {
        // A heartbeat costs nothing here: it looks at what librdkafka knows.
        Pace { heartbeat_ms: Some(250), metadata_ms: 10_000, fetch_wait_ms: 500 }
    }

    fn close(&self) -> Answer<()> {
        let shared = self.shared.clone();
        Box::pin(async move { shared.offsets.close().await.context("the offsets could not be written") })
    }
}

/// A caller's clients, made when they are needed.
struct Clients {
    shared: Arc<Shared>,
    who: Who,
    producer: Mutex<Option<Arc<Producer>>>,
    member: Mutex<Option<Arc<Member>>>,
}

#[derive(Clone)]
struct There(Arc<Clients>);

impl Caller for There {
    fn request(&self, request: Request) -> Answer<Reply> {
        let clients = self.0.clone();
        Box::pin(async move { clients.request(request).await })
    }

    fn fetch(&self, fetch: Fetch) -> Answer<Result<Fetched, String>> {
        let clients = self.0.clone();
        Box::pin(async move {
            let member = clients.member()?;
            blocking(move || member.fetch(&fetch)).await
        })
    }

    fn fetcher(&self) -> Arc<dyn Caller> {
        Arc::new(self.clone())
    }
}

/// librdkafka's calls wait in the caller's thread: one that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a call of the Kafka client ended")
}

impl Clients {
    async fn request(&self, request: Request) -> anyhow::Result<Reply> {
        Ok(match request {
            Request::StartTask { task } => {
                let mut started = self.shared.start_task(&task);
                if self.who.group.is_some() {
                    started.state.clear();
                }
                Reply::StartTask(started)
            }
            Request::ReadTable { .. } => Reply::ReadTable(Ok(self.shared.offsets.table())),
            Request::Metadata(asked) => {
                let own = self.shared.config.offset_storage_topic.clone();
                match self.who.group {
                    // A producer's question makes a topic that is not there, and a sink's consumer is set to do the same.
                    _ if asked.topics.is_some() && !asked.allow_auto_topic_creation => {
                        let config = self.shared.config(&self.who, Client::Admin).map_err(anyhow::Error::msg)?;
                        let looks = move || asks::look(&config, asked, &own);
                        Reply::Metadata(blocking(looks).await??)
                    }
                    Some(_) => {
                        let member = self.member()?;
                        Reply::Metadata(blocking(move || member.topics(asked, &own)).await?)
                    }
                    None => {
                        let producer = self.producer()?;
                        Reply::Metadata(blocking(move || producer.topics(asked, &own)).await?)
                    }
                }
            }
            Request::AtomicAppend(append) => Reply::AtomicAppend(self.append(append).await?),
            Request::CreateTopics(create) => Reply::CreateTopics(self.create_topics(create).await?),
            Request::DeleteGroups(groups) => Reply::DeleteGroups(self.delete_groups(groups).await?),
            Request::JoinGroup(join) => {
                let member = self.member()?;
                Reply::JoinGroup(blocking(move || member.join(&join)).await?)
            }
            Request::SyncGroup(_) => {
                let member = self.member()?;
                Reply::SyncGroup(blocking(move || member.sync()).await?)
            }
            Request::Heartbeat(_) => {
                let member = self.member()?;
                Reply::Heartbeat(blocking(move || member.beat()).await?)
            }
            Request::LeaveGroup { .. } => {
                let member = self.member.lock().unwrap_or_else(PoisonError::into_inner).take();
                // A cluster that does not answer is not waited for.
                let leaving = blocking(move || member.inspect(|member| member.leave()).is_some());
                let _ = tokio::time::timeout(GOODBYE, leaving).await;
                Reply::LeaveGroup(Ok(Vec::new()))
            }
            Request::OffsetFetch { topics, .. } => {
                let member = self.member()?;
                Reply::OffsetFetch(blocking(move || member.committed(topics)).await?)
            }
            Request::ListOffsets(list) => {
                let member = self.member()?;
                Reply::ListOffsets(blocking(move || member.list_offsets(list)).await?)
            }
            other => bail!("a remote cluster is not asked this: {other:?}"),
        })
    }

    /// Records first; when all of them are acknowledged, the source offsets; then a sink's commit.
    async fn append(&self, append: AtomicAppend) -> anyhow::Result<Result<Vec<i64>, (Error, String)>> {
        if !self.shared.is_current(append.task.as_ref()) {
            return Ok(Err((Error::InvalidProducerEpoch, "the task was started again".into())));
        }
        let own = &self.shared.config.offset_storage_topic;
        let (offsets, records): (Vec<_>, Vec<_>) = append.batches.into_iter().partition(|(topic, _, _)| topic == own);
        if !records.is_empty()
            && let Err(refused) = self.producer()?.append(records).await?
        {
            return Ok(Err(refused));
        }
        if let Err(why) = self.shared.offsets.apply(&offsets) {
            return Ok(Err((Error::CorruptMessage, why)));
        }
        if let Some(commit) = append.offsets {
            let member = self.member()?;
            let committing = blocking(move || member.commit(commit));
            let late = || (Error::CoordinatorNotAvailable, "the cluster does not answer".to_owned());
            let outcome = tokio::time::timeout(Duration::from_secs(5), committing).await;
            if let Err(refused) = outcome.unwrap_or_else(|_| Ok(Err(late())))? {
                return Ok(Err(refused));
            }
        }
        if self.who.group.is_none() {
            self.shared.save(append.task, append.state);
        }
        Ok(Ok(Vec::new()))
    }

    fn producer(&self) -> anyhow::Result<Arc<Producer>> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*producer {
            return Ok(producer.clone());
        }
        let config = self.shared.config(&self.who, Client::Producer).map_err(anyhow::Error::msg)?;
        Ok(producer.insert(Arc::new(Producer::new(config)?)).clone())
    }

    fn member(&self) -> anyhow::Result<Arc<Member>> {
        let mut member = self.member.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = &*member {
            return Ok(member.clone());
        }
        let config = self.shared.config(&self.who, Client::Consumer).map_err(anyhow::Error::msg)?;
        let group = self.who.group.clone().context("only a sink has a group")?;
        Ok(member.insert(Arc::new(Member::new(config, &group)?)).clone())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let member = self.member.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let producer = self.producer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Their ends wait for answers of the cluster.
        std::thread::spawn(move || {
            if let Some(member) = member {
                member.leave();
            }
            drop(producer);
        });
    }
}
