//! One worker: its files on disk, its process, and how to know that it is up.
//!
//! Owns: the worker's properties file and the command line. Leaves to others: what the connectors are.
//! Invariant: a worker's folder, ports and data stay the same over as many starts as a test makes.

use crate::folder::{Folder, binary};
use crate::rest::Rest;
use crate::running::Running;
use crate::wait::{PATIENCE, free_port, until};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// The class names that Kafka's own examples use.
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
/// Kafka's JSON converter, with schemas unless told otherwise.
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// A worker that can be started any number of times.
pub struct Worker {
    /// Where its files are; the process's current folder too.
    pub folder: Folder,
    /// The port of its broker.
    pub kafka_port: u16,
    /// The port of its REST API.
    pub rest_port: u16,
    settings: Vec<(String, String)>,
    files: Vec<PathBuf>,
}

impl Worker {
    /// A worker with string converters, free ports and an empty data folder.
    pub fn new(name: &str) -> Worker {
        let folder = Folder::new(name);
        let (kafka_port, rest_port) = (free_port(), free_port());
        let settings = [
            ("bootstrap.servers", format!("127.0.0.1:{kafka_port}")),
            ("listeners", format!("http://127.0.0.1:{rest_port}")),
            ("key.converter", STRING.to_owned()),
            ("value.converter", STRING.to_owned()),
            ("offset.storage.file.filename", folder.join("connect.offsets").display().to_string()),
            ("broker.log.dirs", folder.join("data").display().to_string()),
        ];
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Worker { folder, kafka_port, rest_port, settings, files: Vec::new() }
    }

    /// Sets a key of the worker's file, in place of an earlier value.
    pub fn set(mut self, key: &str, value: &str) -> Worker {
        self.settings.retain(|(k, _)| k != key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a connector's file `<name>.properties` to the command line.
    pub fn connector(mut self, name: &str, class: &str, entries: &[(&str, &str)]) -> Worker {
        let mut text = format!("name={name}\nconnector.class={class}\ntasks.max=1\n");
        for (key, value) in entries {
            text.push_str(&format!("{key}={value}\n"));
        }
        let file = self.folder.write(&format!("{name}.properties"), text);
        self.files.push(file);
        self
    }

    /// Adds a file of any content to the command line.
    pub fn file(mut self, path: PathBuf) -> Worker {
        self.files.push(path);
        self
    }

    /// The pipe of the tutorial: `test.txt` to the topic `connect-test` to `test.sink.txt`.
    pub fn pipe(self) -> Worker {
        self.connector("local-file-source", "FileStreamSource", &[("file", "test.txt"), ("topic", "connect-test")])
            .connector("local-file-sink", "FileStreamSink", &[("file", "test.sink.txt"), ("topics", "connect-test")])
    }

    /// The command `connectd standalone worker.properties ...`, its settings written out.
    pub fn command(&self) -> Command {
        let text: String = self.settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        let file = self.folder.write("worker.properties", text);
        let mut command = Command::new(binary());
        command.arg("standalone").arg(file).args(&self.files).current_dir(self.folder.path());
        command
    }

    /// Starts it without waiting for anything.
    pub fn spawn(&self) -> Running {
        Running::start(&mut self.command(), &self.folder.join("connectd.log")).expect("the binary starts")
    }

    /// Starts it and waits until its REST API answers.
    ///
    /// # Panics
    /// When it ends before, or does not come up; the message holds its log.
    pub fn start(&self) -> Connectd {
        let mut running = self.spawn();
        let rest = Rest::new(self.rest_port);
        until("the REST API to answer", PATIENCE, || {
            if let Some(status) = running.ended() {
                panic!("connectd ended with {status} at start:\n{}", running.log());
            }
            rest.is_up().then_some(())
        });
        Connectd { running, rest }
    }

    /// Runs it where it is expected to refuse: its exit status and all it printed.
    pub fn refused(&self) -> (ExitStatus, String) {
        refused(&mut self.command(), &self.folder.join("refused.log"))
    }

    /// Waits until a file of its folder holds exactly `expected`, and gives it a moment to grow past that.
    pub fn expect_file(&self, name: &str, expected: &str) {
        let start = std::time::Instant::now();
        while self.folder.read(name) != expected {
            if start.elapsed() > PATIENCE {
                assert_eq!(
                    self.folder.read(name),
                    expected,
                    "{name} after {PATIENCE:?}; log:\n{}",
                    self.folder.read("connectd.log")
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(self.folder.read(name), expected, "{name} grew past what was expected");
    }
}

/// Runs a command to its end: its exit status and all it printed.
pub fn refused(command: &mut Command, log: &Path) -> (ExitStatus, String) {
    let mut running = Running::start(command, log).expect("the binary starts");
    let status = running.wait(PATIENCE);
    (status, running.log())
}

/// A worker that is up.
pub struct Connectd {
    /// Its process.
    pub running: Running,
    /// Its REST API.
    pub rest: Rest,
}

impl Connectd {
    /// Ctrl-C; its exit status.
    pub fn stop(mut self) -> ExitStatus {
        self.running.interrupt(PATIENCE)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.running.kill();
    }

    /// Waits until a connector and its tasks are in these states, such as `RUNNING [RUNNING]`.
    pub fn expect_states(&self, connector: &str, expected: &str) {
        let start = std::time::Instant::now();
        while self.rest.states(connector) != expected {
            if start.elapsed() > PATIENCE {
                assert_eq!(
                    self.rest.states(connector),
                    expected,
                    "{connector} after {PATIENCE:?}; log:\n{}",
                    self.running.log()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
