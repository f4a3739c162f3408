//! Writes to `connect-status`: what was said last of each connector and task.
//!
//! Owns what is still to be written. Invariant: it is bounded by the number of keys, and the last word about a key reaches the topic,
//! however long the cluster takes; only what has been overtaken is left out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runtime_core::herder::TopicRecord;
use tokio::{sync::Notify, task::JoinHandle};

use crate::cluster::Cluster;

/// Between two tries of a write that failed.
const RETRY: Duration = Duration::from_secs(1);

/// The way in.
pub(super) struct StatusWriter {
    waiting: Arc<Waiting>,
    writer: JoinHandle<()>,
}

#[derive(Default)]
struct Waiting {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    values: BTreeMap<String, Option<String>>,
    closed: bool,
}

impl StatusWriter {
    /// Begins to write to `topic`.
    pub fn start(cluster: Arc<dyn Cluster>, topic: String) -> Self {
        Self::with_retry(cluster, topic, RETRY)
    }

    fn with_retry(cluster: Arc<dyn Cluster>, topic: String, retry: Duration) -> Self {
        let waiting = Arc::<Waiting>::default();
        let writer = tokio::spawn(write(cluster, topic, waiting.clone(), retry));
        Self { waiting, writer }
    }

    /// Takes records in; never waits.
    pub fn write(&self, records: Vec<TopicRecord>) {
        self.waiting.state().values.extend(records.into_iter().map(|record| (record.key, record.value)));
        self.waiting.changed.notify_one();
    }

    /// Returns when all is written, or cannot be.
    pub async fn close(self) {
        self.waiting.state().closed = true;
        self.waiting.changed.notify_one();
        // A writer that panicked has said so.
        let _ = self.writer.await;
    }
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(cluster: Arc<dyn Cluster>, topic: String, waiting: Arc<Waiting>, retry: Duration) {
    loop {
        let (values, closed) = {
            let mut state = waiting.state();
            (std::mem::take(&mut state.values), state.closed)
        };
        if values.is_empty() {
            match closed {
                true => return,
                false => waiting.changed.notified().await,
            }
            continue;
        }
        let records = values.iter().map(|(key, value)| TopicRecord { key: key.clone(), value: value.clone() });
        let Err(error) = cluster.write_table(&topic, records.collect()).await else { continue };
        tracing::warn!("the status of {} connectors and tasks could not be written: {error:#}", values.len());
        if closed {
            return;
        }
        {
            let mut state = waiting.state();
            for (key, value) in values {
                // What was said since then counts more.
                state.values.entry(key).or_insert(value);
            }
        }
        tokio::time::sleep(retry).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Answer, Caller, Who};

    /// Fails once, then keeps what is written.
    #[derive(Default)]
    struct Fails {
        failed: std::sync::atomic::AtomicBool,
        kept: Arc<Mutex<Vec<TopicRecord>>>,
    }

    impl Cluster for Fails {
        fn caller(&self, _: Who) -> Arc<dyn Caller> {
            unreachable!("nobody asks")
        }

        fn create_tables(&self, _: &[&str]) -> Answer<()> {
            unreachable!("nobody asks")
        }

        fn read_table(&self, _: &str) -> Answer<Vec<TopicRecord>> {
            unreachable!("nobody asks")
        }

        fn write_table(&self, _: &str, records: Vec<TopicRecord>) -> Answer<()> {
            let first = !self.failed.swap(true, std::sync::atomic::Ordering::Relaxed);
            let kept = self.kept.clone();
            Box::pin(async move {
                anyhow::ensure!(!first, "the cluster is away");
                kept.lock().unwrap().extend(records);
                Ok(())
            })
        }
    }

    #[tokio::test]
    async fn the_last_word_about_each_key_is_written_though_a_write_fails() {
        let cluster = Fails::default();
        let kept = cluster.kept.clone();
        let writer = StatusWriter::with_retry(Arc::new(cluster), "connect-status".into(), Duration::from_millis(1));
        let say =
            |key: &str, value: &str| writer.write(vec![TopicRecord { key: key.into(), value: Some(value.into()) }]);
        (0..5_000).for_each(|i| say("a", &i.to_string()));
        say("b", "1");
        tokio::task::yield_now().await;
        say("a", "last");
        while kept.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        writer.close().await;
        let mut last = BTreeMap::new();
        last.extend(kept.lock().unwrap().drain(..).map(|record| (record.key, record.value)));
        assert_eq!(last, [("a".into(), Some("last".into())), ("b".into(), Some("1".into()))].into());
    }
}
