//! Source and sink tasks of the file connectors, with the memory that the runtime would give them.
//!
//! Owns the commit: offsets and state of a poll or a pre-commit are kept together, or not at all ([`FileSource::crash`]).

use crate::config;
use runtime_core::exchange::{Polled, SourceBatch, TopicPartition, TpOffset};
use runtime_core::record::{Batch, Blobs, Format};
use runtime_core::scalar::ScalarMap;
use runtime_host::{Env, FileGrant, FileMode, HostError, Plugin, Request, SinkTask, SourceTask};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is durable of a task.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Source offsets.
    pub offsets: BTreeMap<ScalarMap, ScalarMap>,
    /// State.
    pub state: BTreeMap<String, Vec<u8>>,
}

impl Committed {
    fn change(&mut self, changes: BTreeMap<String, Option<Vec<u8>>>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
    }
}

fn env(path: &Path, mode: FileMode, committed: &Committed) -> Env {
    Env {
        connector: "test".to_owned(),
        files: vec![FileGrant { key: "file".to_owned(), path: path.to_owned(), mode, root: None }],
        offsets: committed.offsets.clone(),
        state: committed.state.clone(),
        ..Env::default()
    }
}

/// A file source task.
pub struct FileSource {
    plugin: Plugin,
    path: PathBuf,
    settings: Vec<(String, String)>,
    /// What is durable of it.
    pub committed: Committed,
    /// The running task.
    pub task: SourceTask,
}

impl FileSource {
    /// Starts a task that reads `path`, with further settings.
    pub async fn start(plugin: &Plugin, path: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_from(plugin, path, settings, Committed::default()).await
    }

    /// The same, from what is durable.
    pub async fn start_from(plugin: &Plugin, path: &Path, settings: &[(&str, &str)], committed: Committed) -> Self {
        let mut settings = config(settings);
        settings.extend(config(&[("topic", "t"), ("file", &path.display().to_string())]));
        let task = Self::task(plugin, path, &settings, &committed).await;
        Self { plugin: plugin.clone(), path: path.to_owned(), settings, committed, task }
    }

    async fn task(plugin: &Plugin, path: &Path, settings: &[(String, String)], committed: &Committed) -> SourceTask {
        let mut task = plugin.source_task(env(path, FileMode::Read, committed)).await.expect("it instantiates");
        task.start(settings).await.expect("it starts");
        task
    }

    /// Ends the task at once and starts it again from what is durable.
    pub async fn crash(&mut self) {
        self.task = Self::task(&self.plugin, &self.path, &self.settings, &self.committed).await;
    }

    /// One poll, committed.
    pub async fn poll(&mut self) -> Result<Polled, HostError> {
        let polled = self.task.poll(0, 10_000, 1 << 20).await?;
        if let Polled::Records(batch) = &polled {
            self.commit(batch);
        }
        Ok(polled)
    }

    fn commit(&mut self, batch: &SourceBatch) {
        for mark in &batch.checkpoints {
            let partition = batch.partitions[mark.partition as usize].clone();
            self.committed.offsets.insert(partition, mark.offset.clone());
        }
        self.committed.change(self.task.take_state_changes());
    }

    /// Polls until the task says that there is nothing now (it wants to wait for a second), and returns all values. Waits
    /// while the task wants to look again soon.
    pub async fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            assert!(Instant::now() < patience, "the source does not come to rest");
            match self.poll().await.expect("the poll succeeds") {
                Polled::Records(batch) => lines.extend(values(&batch.records)),
                Polled::Idle(0) => {}
                Polled::Idle(ms) if ms < 1000 => tokio::time::sleep(Duration::from_millis(ms.into())).await,
                Polled::Idle(_) | Polled::Finished => return lines,
            }
        }
    }
}

/// The values of a batch, as text.
pub fn values(batch: &Batch) -> Vec<String> {
    let text = |index| String::from_utf8(batch.values.get(index).expect("a line is not null").to_vec()).expect("UTF-8");
    (0..batch.count as usize).map(text).collect()
}

/// A file sink task that gets the lines of a list.
pub struct FileSink {
    plugin: Plugin,
    path: PathBuf,
    /// What is durable of it.
    pub committed: Committed,
    /// How many lines of the list are committed.
    pub offset: i64,
    put: i64,
    task: Option<SinkTask>,
}

impl FileSink {
    /// Starts a task that writes `path`.
    pub async fn start(plugin: &Plugin, path: &Path) -> Result<Self, HostError> {
        let committed = Committed::default();
        let task = Self::begin(plugin, path, &committed).await?;
        let (plugin, path) = (plugin.clone(), path.to_owned());
        let mut this = Self { plugin, path, committed, offset: 0, put: 0, task: Some(task) };
        this.obey().await?;
        Ok(this)
    }

    async fn begin(plugin: &Plugin, path: &Path, committed: &Committed) -> Result<SinkTask, HostError> {
        let mut task = plugin.sink_task(env(path, FileMode::Append, committed)).await?;
        task.start(&config(&[("file", &path.display().to_string())])).await?;
        task.open(&[partition()]).await?;
        Ok(task)
    }

    /// Ends the task at once and starts it again from what is durable.
    pub async fn crash(&mut self) -> Result<(), HostError> {
        self.task = None;
        self.task = Some(Self::begin(&self.plugin, &self.path, &self.committed).await?);
        self.put = self.offset;
        self.obey().await
    }

    /// Puts lines of the list, up to line `until`.
    pub async fn put(&mut self, lines: &[String], until: usize) -> Result<(), HostError> {
        let batch = batch(&lines[self.put as usize..until]);
        let failures = self.task().put(&batch).await?;
        assert!(failures.is_empty(), "{failures:?}");
        self.put = until as i64;
        self.obey().await
    }

    /// Commits what was put.
    pub async fn commit(&mut self) -> Result<(), HostError> {
        let current = [TpOffset { tp: partition(), offset: self.put }];
        let offsets = self.task().pre_commit(&current).await?;
        assert_eq!(offsets, current);
        self.offset = self.put;
        let changes = self.task().take_state_changes();
        self.committed.change(changes);
        Ok(())
    }

    /// The running task.
    pub fn task(&mut self) -> &mut SinkTask {
        self.task.as_mut().expect("a crash that failed is the end of the test")
    }

    async fn obey(&mut self) -> Result<(), HostError> {
        if self.task().take_requests().contains(&Request::Commit) {
            self.commit().await?;
        }
        Ok(())
    }
}

fn partition() -> TopicPartition {
    TopicPartition { topic: "t".to_owned(), partition: 0 }
}

/// A batch of texts for a sink.
pub fn batch(lines: &[impl AsRef<str>]) -> Batch {
    let mut values = Blobs::default();
    lines.iter().for_each(|line| values.push(Some(line.as_ref().as_bytes())));
    Batch {
        count: lines.len() as u32,
        topics: vec!["t".to_owned()],
        key_format: Format::Text,
        value_format: Format::Text,
        values,
        ..Batch::default()
    }
}
