//! The two workers: Kafka's broker and `connect-standalone`, and connectd, with the same settings.
//!
//! Invariant: both are gone when this is dropped; each has a folder of its own, and relative file names mean that folder.

use crate::kafka::Kafka;
use crate::repo;
use anyhow::{Context, Result};
use e2e::{Rest, Running, free_port};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);

const CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";

/// Where to ask.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Kafka's worker.
    pub kafka: u16,
    /// Ours.
    pub ours: u16,
}

/// Both, running.
pub struct Pair {
    kafka: PathBuf,
    ours: PathBuf,
    ports: Ports,
    /// The port of Kafka's broker, if it is ours to use.
    broker: Option<u16>,
    /// In the order in which they are stopped.
    _running: Vec<Running>,
}

impl Pair {
    /// Starts both and waits until they answer. `running` is the port and the folder of a worker of Kafka's that is there already.
    ///
    /// # Errors
    /// When one of them ends, or does not come up.
    pub fn start(running: Option<(u16, &Path)>) -> Result<Pair> {
        let home = Self::home();
        let _ = fs::remove_dir_all(&home);
        let ours = home.join("ours");
        fs::create_dir_all(&ours)?;
        let mut processes = Vec::new();
        let port = free_port();
        let data = format!("broker.log.dirs={}", ours.join("data").display());
        let mut command = Command::new(repo::connectd());
        command.arg("standalone").arg(worker(&ours, free_port(), port, &[data])?).current_dir(&ours);
        let started = Running::start(&mut command, &ours.join("connectd.log"));
        processes.push(started.with_context(|| format!("cannot start {}", repo::connectd().display()))?);
        let (kafka, kafka_port, broker) = match running {
            Some((port, folder)) => (folder.to_path_buf(), port, None),
            None => {
                let folder = home.join("kafka");
                let (port, broker) = start_kafka(&folder, &mut processes)?;
                (folder, port, Some(broker))
            }
        };
        for port in [port, kafka_port] {
            let (rest, start) = (Rest::new(port), Instant::now());
            while !rest.is_up() {
                anyhow::ensure!(start.elapsed() < PATIENCE, "nothing answers at port {port}; see {}", home.display());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(Pair { kafka, ours, ports: Ports { kafka: kafka_port, ours: port }, broker, _running: processes })
    }

    /// The folder of everything that a run writes.
    pub fn home() -> PathBuf {
        repo::target_dir().join("connect")
    }

    /// The port of Kafka's broker; none if Kafka's worker was there already.
    pub fn broker(&self) -> Option<u16> {
        self.broker
    }

    /// Where to ask.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Appends a line to a file beside each.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &str, line: &str) -> Result<()> {
        for folder in [&self.kafka, &self.ours] {
            let mut file = File::options().create(true).append(true).open(folder.join(file))?;
            writeln!(file, "{line}")?;
        }
        Ok(())
    }

    /// Waits until both show these states. The error says who did not, and what it shows.
    pub fn wait(&self, connector: &str, states: &str) -> Result<(), String> {
        for (who, port) in [("Kafka", self.ports.kafka), ("ours", self.ports.ours)] {
            let (rest, start) = (Rest::new(port), Instant::now());
            while rest.states(connector) != states {
                if start.elapsed() > PATIENCE / 4 {
                    return Err(format!("{who} shows {}", rest.states(connector)));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }
}

/// REST port of the worker, port of the broker.
fn start_kafka(folder: &Path, processes: &mut Vec<Running>) -> Result<(u16, u16)> {
    let kafka = Kafka::fetch()?;
    fs::create_dir_all(folder)?;
    let (broker, port) = (free_port(), free_port());
    processes.push(kafka.broker(&folder.join("broker"), broker)?.start()?);
    let plugins = format!("plugin.path={}", kafka.plugin_path().display());
    let file = worker(folder, broker, port, &[plugins])?;
    // The worker goes before its broker.
    processes.insert(0, kafka.connect(&[file], &folder.join("connect.log"))?);
    Ok((port, broker))
}

fn worker(folder: &Path, kafka_port: u16, rest_port: u16, more: &[String]) -> Result<PathBuf> {
    let mut lines = vec![
        format!("bootstrap.servers=127.0.0.1:{kafka_port}"),
        format!("listeners=http://127.0.0.1:{rest_port}"),
        format!("key.converter={CONVERTER}"),
        format!("value.converter={CONVERTER}"),
        format!("offset.storage.file.filename={}", folder.join("connect.offsets").display()),
        "offset.flush.interval.ms=1000".to_owned(),
        "access.control.allow.origin=http://example.com".to_owned(),
        "access.control.allow.methods=GET,PUT".to_owned(),
        "response.http.headers.config=set X-Frame-Options:DENY".to_owned(),
    ];
    lines.extend_from_slice(more);
    let path = folder.join("worker.properties");
    fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}
