//! The brokers that are compared, each started on an empty folder and stopped again.
//!
//! Invariant: each has its own defaults for everything but what its name says.

use crate::bench::floor;
use crate::kafka::{Kafka, VERSION};
use crate::repo;
use anyhow::{Context, Result, bail};
use e2e::{Running, free_port};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Which broker, and when it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// connectd, when the disk has it.
    Durable,
    /// connectd with `log.flush=os`.
    Written,
    /// Kafka as it comes, which does not sync.
    Kafka,
    /// Kafka with `log.flush.interval.messages=1`, which syncs each append.
    KafkaSynced,
    /// No broker at all: what the bytes themselves cost.
    Floor,
}

impl Kind {
    /// What the table calls it.
    pub fn name(self) -> String {
        match self {
            Kind::Durable => "connectd".to_owned(),
            Kind::Written => "connectd os".to_owned(),
            Kind::Kafka => format!("Kafka {VERSION}"),
            Kind::KafkaSynced => "Kafka flush=1".to_owned(),
            Kind::Floor => "floor".to_owned(),
        }
    }

    /// True if it is a broker: with topics, and something to read.
    pub fn is_broker(self) -> bool {
        self != Kind::Floor
    }
}

/// A broker that runs.
pub struct Server {
    /// Its process.
    pub running: Running,
    /// Where it listens on the loopback address.
    pub port: u16,
}

impl Server {
    /// Starts one on an empty folder, and waits until it accepts connections.
    pub fn start(kind: Kind, kafka: Option<&Kafka>, dir: &Path) -> Result<Server> {
        fs::create_dir_all(dir)?;
        let port = free_port();
        let running = match (kind, kafka) {
            (Kind::Durable, _) => connectd(dir, port, "fsync")?,
            (Kind::Written, _) => connectd(dir, port, "os")?,
            (Kind::Floor, _) => {
                let mut command = Command::new(std::env::current_exe()?);
                Running::start(command.args(floor::command(port, dir)), &dir.join("floor.log"))?
            }
            (Kind::Kafka, Some(kafka)) => kafka.broker(dir, port)?.start()?,
            (Kind::KafkaSynced, Some(kafka)) => {
                kafka.broker_with(dir, port, &["log.flush.interval.messages=1"])?.start()?
            }
            (Kind::Kafka | Kind::KafkaSynced, None) => bail!("the real Kafka was not fetched"),
        };
        let server = Server { running, port };
        server.wait()
    }

    fn wait(mut self) -> Result<Server> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if self.running.ended().is_some() || start.elapsed() > Duration::from_secs(60) {
                bail!("it did not come up:\n{}", self.running.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(self)
    }

    /// Its process, for the meter.
    pub fn pids(&self) -> [u32; 1] {
        [self.running.pid()]
    }
}

fn connectd(dir: &Path, port: u16, flush: &str) -> Result<Running> {
    let config = dir.join("server.properties");
    let lines = [
        format!("listeners=PLAINTEXT://127.0.0.1:{port}"),
        format!("log.dirs={}", dir.join("data").display()),
        format!("log.flush={flush}"),
    ];
    fs::write(&config, lines.join("\n") + "\n")?;
    let mut command = Command::new(repo::connectd());
    let running = Running::start(command.arg("broker").arg(&config), &dir.join("connectd.log"));
    running.with_context(|| format!("cannot start {}", repo::connectd().display()))
}
