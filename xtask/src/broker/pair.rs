//! The two brokers: Kafka's and connectd's, started from the same settings.
//!
//! Invariant: both are gone when this is dropped, and so are their folders.

use super::groups;
use crate::kafka::Kafka;
use anyhow::{Context, Result, ensure};
use e2e::wire::Wire;
use e2e::{Folder, Running, free_port};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);

/// Both, running.
pub struct Pair {
    /// The port of Kafka's.
    pub kafka: u16,
    /// The port of ours.
    pub ours: u16,
    _running: [Running; 2],
    _folder: Folder,
}

impl Pair {
    /// Starts both with these lines in their `server.properties`, and waits until they answer.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub fn start(kafka: &Kafka, settings: &[&str]) -> Result<Pair> {
        let folder = Folder::new("brokers");
        let [kafka_port, port] = [free_port(), free_port()];
        let data = folder.join("connectd");
        let own = format!("listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}", data.display());
        let file = folder.write("server.properties", format!("{}\n{own}\n", settings.join("\n")));
        let mut command = Command::new(e2e::folder::binary());
        let ours = Running::start(command.arg("broker").arg(file), &folder.join("connectd.log"))?;
        let theirs = kafka.broker_with(&folder.join("kafka"), kafka_port, settings)?.start()?;
        let pair = Pair { kafka: kafka_port, ours: port, _running: [theirs, ours], _folder: folder };
        pair.wait()?;
        Ok(pair)
    }

    fn wait(&self) -> Result<()> {
        for (port, running) in [self.kafka, self.ours].into_iter().zip(&self._running) {
            let start = Instant::now();
            while let Err(error) = Wire::connect(port).and_then(|mut wire| wire.topics()) {
                ensure!(start.elapsed() < PATIENCE, "no answer at port {port}: {error}\n{}", running.log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        groups::warm(self.kafka).context("Kafka's broker does not coordinate groups")
    }
}
