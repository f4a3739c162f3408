//! A broker in this process: recovery, threads, listeners, and a stop in the right order.
//!
//! Owns their life. Invariant: a stop returns only when everything acknowledged is in a checkpoint or the journal.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    thread,
    time::Instant,
};

use anyhow::{Context, anyhow};
use base64::Engine as _;
use broker_core::{Broker, settings::Settings as CoreSettings, time::Now};
use broker_store::{
    entry::Pool,
    journal::{Journal, Sizes},
    recover::{self, Recovered},
    segment::SegmentReader,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    disk::RealDisk,
    drive::Drive,
    handle::{Command, Handle, QUEUE},
    journal, listen,
    read::Reader,
    segments,
    settings::{Flush, Settings},
};

/// A running broker.
pub struct Node {
    handle: Handle,
    addresses: Vec<SocketAddr>,
    notes: Vec<String>,
    listeners: listen::Listeners,
    threads: Vec<thread::JoinHandle<anyhow::Result<()>>>,
    failed: Option<oneshot::Receiver<()>>,
    cluster_id: String,
}

impl Node {
    /// Recovers the data folder, binds the listeners and begins to serve. Needs a tokio runtime for the connections.
    ///
    /// # Errors
    /// A folder that is not ours or is in use, damage, a port in use: each says what to do.
    pub async fn start(settings: Settings) -> anyhow::Result<Node> {
        let bound = listen::bind(&settings).await?;
        let disk = RealDisk::lock(&settings.log_dir, settings.flush, settings.large_direct)?;
        let started = Instant::now();
        let (recovered, journal) =
            recover::recover(&disk, start(&settings)).map_err(|error| in_folder(&settings, &error))?;
        let notes = notes(&settings, &disk, &recovered);
        let cluster_id = recovered.identity.cluster_id.clone();
        let (handle, threads, failed) = start_threads(&settings, disk, recovered, journal, started)?;
        let addresses = bound.addresses();
        let listeners = bound.serve(handle.clone(), &settings, &cluster_id);
        Ok(Node { handle, addresses, notes, listeners, threads, failed: Some(failed), cluster_id })
    }

    /// The way to ask this broker from inside the process.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where clients can connect.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the operator should know about this start.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The cluster id of the data folder.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Resolves when the broker has stopped by itself, which only a failing disk makes it do; [`Node::stop`] then says why.
    pub async fn failed(&mut self) {
        if let Some(failed) = &mut self.failed {
            // An error means the same: the core loop is gone.
            let _ = failed.await;
            self.failed = None;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Stops: no new connections, what is decided becomes durable, a checkpoint is made.
    ///
    /// # Errors
    /// The disk's, if that is why the broker stopped.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.listeners.stop().await;
        // The core loop may be gone already; the threads below say why.
        let _ = self.handle.commands.send(Command::Stop).await;
        drop(self.handle);
        let threads = self.threads;
        tokio::task::spawn_blocking(move || join(threads)).await?
    }
}

/// Waits for every thread, also behind one that failed, and gives the first error.
fn join(threads: Threads) -> anyhow::Result<()> {
    let mut result = Ok(());
    for thread in threads {
        result = result.and(thread.join().unwrap_or_else(|_| Err(anyhow!("a thread of the broker panicked"))));
    }
    result
}

type Threads = Vec<thread::JoinHandle<anyhow::Result<()>>>;

fn in_folder(settings: &Settings, error: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("the data folder {}: {error}", settings.log_dir.display())
}

fn start(settings: &Settings) -> recover::Start {
    let id = || base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<16>());
    recover::Start {
        identity: recover::Identity { cluster_id: id(), node_id: settings.node_id, directory_id: id() },
        salt: u64::from_le_bytes(random()),
        sizes: Sizes::STANDARD,
        pool: Pool::new(),
    }
}

fn notes(settings: &Settings, disk: &RealDisk, recovered: &Recovered) -> Vec<String> {
    let torn = recovered.torn.as_ref().map(|torn| {
        format!(
            "{} ends at byte {} in the middle of a write that nobody was told of; it was cut there",
            torn.file, torn.offset
        )
    });
    let os = (settings.flush == Flush::Os).then(|| {
        "log.flush=os: records are acknowledged before they are on the disk, as Kafka does; a power cut may lose some".to_string()
    });
    let taken_over = recovered.taken_over.iter().map(|log| {
        let end = format!(
            "{}-{} was written by Apache Kafka and is served from now on, up to offset {}",
            log.topic, log.log.partition.partition, log.log.next_offset
        );
        if log.cut > 0 { format!("{end}; {} bytes after that were no whole batch and were cut", log.cut) } else { end }
    });
    torn.into_iter().chain(taken_over).chain(disk.lacks()).chain(os).collect()
}

fn start_threads(
    settings: &Settings,
    disk: RealDisk,
    recovered: Recovered,
    journal: Journal<RealDisk>,
    started: Instant,
) -> anyhow::Result<(Handle, Threads, oneshot::Receiver<()>)> {
    let (commands, commands_in) = mpsc::channel(QUEUE);
    let (finished, finished_in) = mpsc::unbounded_channel();
    let pool = recovered.pool.clone();
    let core_settings = core_settings(settings, &recovered.identity.cluster_id);
    let broker = Broker::recover(core_settings, Now(0), recovered).map_err(|error| in_folder(settings, &error))?;
    let (journal, journal_thread) = journal::start(journal, finished.clone());
    let (segments, segment_thread) =
        segments::start(disk.clone(), SegmentReader::new(disk.clone(), pool.clone()), journal.clone(), finished);
    let drive = Drive::new(broker, commands_in, finished_in, journal, segments, started);
    let (over, failed) = oneshot::channel();
    let core = thread::Builder::new().name("core".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .context("the core loop cannot start")?;
        runtime.block_on(drive.run());
        // Nobody may be left who wants to know.
        let _ = over.send(());
        Ok(())
    })?;
    let reader = Reader::new(SegmentReader::new(disk, pool));
    let handle = Handle { commands, reader, next_conn: Arc::new(AtomicU64::new(1)) };
    Ok((handle, vec![core, segment_thread, journal_thread], failed))
}

fn core_settings(settings: &Settings, cluster_id: &str) -> CoreSettings {
    CoreSettings {
        cluster_id: cluster_id.into(),
        node_id: settings.node_id,
        num_partitions: settings.num_partitions,
        auto_create_topics: settings.auto_create_topics,
        delete_topics: settings.delete_topics,
        topic_defaults: settings.topic_defaults.clone(),
        described: settings.described(),
        retention_check_ms: settings.retention_check_ms,
        fetch_sessions: settings.fetch_sessions,
        cleaner: settings.cleaner,
        decompress: crate::codecs::decompress,
        groups: settings.groups.clone(),
        offsets: settings.offsets.clone(),
        transactions: settings.transactions.clone(),
        max_request_bytes: settings.max_request_bytes,
        entropy: u64::from_le_bytes(random()),
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
