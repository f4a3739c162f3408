//! Starts that cannot succeed, with Kafka's `connect-standalone` and with ours: the same files, the same exit code, and the same thing named.
//!
//! Owns the cases. Leaves the processes to `e2e` and `kafka`. Invariant: each start has a folder of its own, and both see the same broker.

use super::report;
use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::Result;
use e2e::{Running, free_port};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A start of Java takes seconds, and here are many at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts of Kafka's that run side by side.
const SIDE_BY_SIDE: usize = 3;

/// Its name, what the worker file says beyond a good one (a key with nothing behind it is left out; more lines may follow it), connector
/// files with their texts, the exit code, and what both name.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], i32, &'static str);

const GOOD: (&str, &str) =
    ("good.properties", "name=good\nconnector.class=FileStreamSink\ntopics=good\nfile=good.txt\n");

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("no worker file", "MISSING", &[], 2, "missing.properties"),
    ("no converter", "key.converter", &[], 2, "key.converter"),
    ("a class that is not there", "value.converter=org.example.Converter", &[], 2, "org.example.Converter"),
    ("no offset file", "offset.storage.file.filename", &[], 2, "offset.storage.file.filename"),
    ("a number that is none", "offset.flush.interval.ms=soon", &[], 2, "offset.flush.interval.ms"),
    ("a boolean that is none", "topic.creation.enable=perhaps", &[], 2, "topic.creation.enable"),
    ("a listener that is none", "listeners=ftp://127.0.0.1:1", &[], 2, "ftp"),
    ("a port in use", "listeners=http://127.0.0.1:TAKEN", &[], 2, "TAKEN"),
    ("a cluster that does not answer", "bootstrap.servers=127.0.0.1:1\nrequest.timeout.ms=2000\ndefault.api.timeout.ms=2000", &[], 2, "127.0.0.1:1"),
    ("a damaged offset file", "offset.storage.file.filename=damaged.offsets", &[], 3, "damaged.offsets"),
    ("a connector file that is not there", "", &[GOOD, ("MISSING", "")], 3, "nowhere.properties"),
    ("a connector without a name", "", &[("c.properties", "connector.class=FileStreamSink\ntopics=t\n")], 3, "name"),
    ("a connector class that is not there", "", &[("c.properties", "name=c\nconnector.class=Nowhere\n")], 3, "Nowhere"),
    ("a connector's bad value", "", &[GOOD, ("c.properties", "name=c\nconnector.class=FileStreamSink\ntopics=t\ntasks.max=none\n")], 3, "tasks.max"),
    ("the same connector twice", "", &[GOOD, GOOD], 3, "good"),
    ("JSON that is no connector", "", &[("c.json", "[1]")], 3, "name"),
];

/// All cases, with Kafka's broker at this port.
///
/// # Errors
/// When a file cannot be written, or Java not be started.
pub fn suite(home: &Path, broker: u16) -> Result<Score> {
    let kafka = Kafka::fetch()?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let ports = Ports { broker, taken: taken.local_addr()?.port() };
    let mut score = Score::default();
    for cases in CASES.chunks(SIDE_BY_SIDE) {
        let mut started = Vec::new();
        for case in cases {
            let folder = home.join("starts").join(case.0.replace(' ', "-"));
            let theirs = Files::write(
                &folder.join("kafka"),
                case,
                ports,
                &[("plugin.path", kafka.plugin_path().display().to_string())],
            )?;
            let java = kafka.connect(&theirs.arguments(), &folder.join("kafka/log.txt"))?;
            let ours = Files::write(&folder.join("ours"), case, ports, &[("broker.embedded", "never".to_owned())])?;
            let mut command = Command::new(repo::connectd());
            command.arg("standalone").args(ours.arguments()).current_dir(folder.join("ours"));
            started.push((case, java, Running::start(&mut command, &folder.join("ours/log.txt"))?));
        }
        for (case, theirs, ours) in started {
            score.add(report(&format!("a start with {}", case.0), compare(case, ports, theirs, ours)));
        }
    }
    Ok(score)
}

#[derive(Clone, Copy)]
struct Ports {
    broker: u16,
    taken: u16,
}

/// The same code on both sides, and the same name in both logs.
fn compare((_, _, _, code, says): &Case, ports: Ports, mut theirs: Running, mut ours: Running) -> Result<(), String> {
    let says = says.replace("TAKEN", &ports.taken.to_string());
    for (who, running) in [("Kafka", &mut theirs), ("ours", &mut ours)] {
        let status = running.wait(PATIENCE);
        let log = running.log();
        let last: Vec<&str> = log.lines().rev().take(15).collect();
        if status.code() != Some(*code) || !log.contains(&says) {
            return Err(format!("{who}: {status}, expected {code} and {says:?} in\n{}", last.join("\n")));
        }
    }
    Ok(())
}

/// The files of one start.
struct Files {
    worker: PathBuf,
    connectors: Vec<PathBuf>,
}

impl Files {
    fn write(
        folder: &Path,
        (_, change, connectors, ..): &Case,
        ports: Ports,
        more: &[(&str, String)],
    ) -> Result<Files> {
        const CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        fs::write(folder.join("damaged.offsets"), "no offsets")?;
        let mut lines: Vec<(&str, String)> = vec![
            ("bootstrap.servers", format!("127.0.0.1:{}", ports.broker)),
            ("listeners", format!("http://127.0.0.1:{}", free_port())),
            ("key.converter", CONVERTER.to_owned()),
            ("value.converter", CONVERTER.to_owned()),
            ("offset.storage.file.filename", "connect.offsets".to_owned()),
        ];
        lines.extend(more.iter().cloned());
        let (key, value) = change.split_once('=').unwrap_or((change, ""));
        lines.retain(|(name, _)| *name != key);
        if !value.is_empty() {
            let value = value.replace("TAKEN", &ports.taken.to_string());
            lines.push((key, value));
        }
        let text: String = lines.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        let worker = folder.join(if *change == "MISSING" { "missing.properties" } else { "worker.properties" });
        if *change != "MISSING" {
            fs::write(&worker, text)?;
        }
        let mut paths = Vec::new();
        for (name, text) in *connectors {
            let path = folder.join(if *name == "MISSING" { "nowhere.properties" } else { name });
            if *name != "MISSING" {
                fs::write(&path, text)?;
            }
            paths.push(path);
        }
        Ok(Files { worker, connectors: paths })
    }

    fn arguments(&self) -> Vec<PathBuf> {
        [std::slice::from_ref(&self.worker), &self.connectors].concat()
    }
}
