//! The two sides of a comparison: a source file, a sink file, and a pipe between them that can be started and stopped.
//!
//! Invariant: both sides get the same lines, the same converters and their own defaults for everything else.

use crate::kafka::{Broker, Kafka, VERSION};
use crate::repo;
use anyhow::{Context, Result};
use e2e::{Running, free_port};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One side.
pub trait Side {
    /// What the table calls it.
    fn name(&self) -> String;
    /// Where its files are.
    fn dir(&self) -> &Path;
    /// Starts the pipe without waiting for it to be ready.
    fn start(&mut self) -> Result<()>;
    /// Stops it in an orderly way.
    fn stop(&mut self) -> Result<()>;
    /// Where its REST API is.
    fn rest_port(&self) -> u16;
    /// Its processes.
    fn running(&mut self) -> Vec<&mut Running>;

    /// The file that is read.
    fn source(&self) -> PathBuf {
        self.dir().join("source.txt")
    }

    /// The file that is written.
    fn sink(&self) -> PathBuf {
        self.dir().join("sink.txt")
    }

    /// Their ids.
    fn pids(&mut self) -> Vec<u32> {
        self.running().iter().map(|running| running.pid()).collect()
    }
}

const STOP: Duration = Duration::from_secs(60);
const CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";

fn write_connectors(dir: &Path) -> Result<Vec<PathBuf>> {
    let (source, sink) = (dir.join("source.properties"), dir.join("sink.properties"));
    let file = |name: &str| dir.join(name).display().to_string();
    let class = "connector.class=FileStream";
    fs::write(&source, format!("name=bench-source\n{class}Source\nfile={}\ntopic=bench\n", file("source.txt")))?;
    fs::write(&sink, format!("name=bench-sink\n{class}Sink\nfile={}\ntopics=bench\n", file("sink.txt")))?;
    Ok(vec![source, sink])
}

fn write_worker(dir: &Path, kafka_port: u16, rest_port: u16, more: &[String]) -> Result<PathBuf> {
    let mut lines = vec![
        format!("bootstrap.servers=127.0.0.1:{kafka_port}"),
        format!("listeners=http://127.0.0.1:{rest_port}"),
        format!("key.converter={CONVERTER}"),
        format!("value.converter={CONVERTER}"),
        format!("offset.storage.file.filename={}", dir.join("connect.offsets").display()),
        "offset.flush.interval.ms=10000".to_owned(),
    ];
    lines.extend_from_slice(more);
    let path = dir.join("worker.properties");
    fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}

/// `connectd standalone`: one process, every record synced before it is acknowledged.
pub struct Ours {
    dir: PathBuf,
    files: Vec<PathBuf>,
    rest_port: u16,
    running: Option<Running>,
}

impl Ours {
    /// A pipe with an empty data folder in `dir`, with `settings` (`key=value`) added to its worker's file.
    pub fn new(dir: &Path, settings: &[String]) -> Result<Ours> {
        let mut ours = Self::without_connectors(dir, settings)?;
        ours.files.extend(write_connectors(dir)?);
        Ok(ours)
    }

    /// The same without connectors.
    pub fn without_connectors(dir: &Path, settings: &[String]) -> Result<Ours> {
        fs::create_dir_all(dir)?;
        let mut more = vec![format!("broker.log.dirs={}", dir.join("data").display())];
        more.extend_from_slice(settings);
        let rest_port = free_port();
        let files = vec![write_worker(dir, free_port(), rest_port, &more)?];
        Ok(Ours { dir: dir.to_path_buf(), files, rest_port, running: None })
    }
}

impl Side for Ours {
    fn name(&self) -> String {
        "connectd".to_owned()
    }

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn start(&mut self) -> Result<()> {
        let mut command = Command::new(repo::connectd());
        command.arg("standalone").args(&self.files).current_dir(&self.dir);
        let running = Running::start(&mut command, &self.dir.join("connectd.log"));
        self.running = Some(running.with_context(|| format!("cannot start {}", repo::connectd().display()))?);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            running.interrupt(STOP);
        }
        Ok(())
    }

    fn rest_port(&self) -> u16 {
        self.rest_port
    }

    fn running(&mut self) -> Vec<&mut Running> {
        self.running.iter_mut().collect()
    }
}

/// Kafka's broker and `connect-standalone`: two JVMs, nothing synced.
pub struct Peer<'a> {
    kafka: &'a Kafka,
    broker: Broker<'a>,
    dir: PathBuf,
    files: Vec<PathBuf>,
    rest_port: u16,
    running: Vec<Running>,
}

impl<'a> Peer<'a> {
    /// A pipe with a freshly formatted broker in `dir`.
    pub fn new(kafka: &'a Kafka, dir: &Path) -> Result<Peer<'a>> {
        let mut peer = Self::without_connectors(kafka, dir)?;
        peer.files.extend(write_connectors(dir)?);
        Ok(peer)
    }

    /// The same without connectors.
    pub fn without_connectors(kafka: &'a Kafka, dir: &Path) -> Result<Peer<'a>> {
        fs::create_dir_all(dir)?;
        let (port, rest_port) = (free_port(), free_port());
        let broker = kafka.broker(&dir.join("broker"), port)?;
        let plugins = format!("plugin.path={}", kafka.plugin_path().display());
        let files = vec![write_worker(dir, port, rest_port, &[plugins])?];
        Ok(Peer { kafka, broker, dir: dir.to_path_buf(), files, rest_port, running: Vec::new() })
    }
}

impl Side for Peer<'_> {
    fn name(&self) -> String {
        format!("Kafka {VERSION}")
    }

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn start(&mut self) -> Result<()> {
        self.running.push(self.broker.start()?);
        self.running.push(self.kafka.connect(&self.files, &self.dir.join("connect.log"))?);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        while let Some(mut running) = self.running.pop() {
            running.signal(Signal::TERM);
            running.wait(STOP);
        }
        Ok(())
    }

    fn rest_port(&self) -> u16 {
        self.rest_port
    }

    fn running(&mut self) -> Vec<&mut Running> {
        self.running.iter_mut().collect()
    }
}
