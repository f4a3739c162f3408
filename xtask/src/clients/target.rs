//! What the clients talk to: a fresh worker with the examples' pipe and JSON converters, ours or Kafka's.
//!
//! Invariant: when it is there, the topic `connect-test` holds one record, which the file source made of the line `test`.

use crate::kafka::Kafka;
use anyhow::{Context, Result, bail};
use e2e::connectd::JSON;
use e2e::rest::Rest;
use e2e::wire::Wire;
use e2e::{Folder, Running, Worker, free_port};
use std::time::{Duration, Instant};

/// What Kafka Connect's JSON converter writes for the line `test`.
pub const CONNECT_TEST: &str = r#"{"schema":{"type":"string","optional":false},"payload":"test"}"#;

/// A running broker and worker; both end when it is dropped.
pub struct Target {
    /// Where it answers, as `host:port`.
    pub bootstrap: String,
    /// The port of its broker.
    pub kafka_port: u16,
    /// The port of its REST API.
    pub rest_port: u16,
    _running: Vec<Running>,
    _files: Files,
}

/// What must stay on disk as long as the processes run.
enum Files {
    None,
    Connectd(#[expect(dead_code)] Worker),
    Kafka(#[expect(dead_code)] Folder),
}

impl Target {
    /// A fresh connectd.
    pub fn connectd() -> Result<Target> {
        let worker = Worker::new("clients").set("key.converter", JSON).set("value.converter", JSON).pipe();
        worker.folder.write("test.txt", "test\n");
        let connectd = worker.start();
        let (port, rest_port) = (worker.kafka_port, worker.rest_port);
        wait_for_record(port)?;
        Ok(Target {
            bootstrap: format!("127.0.0.1:{port}"),
            kafka_port: port,
            rest_port,
            _running: vec![connectd.running],
            _files: Files::Connectd(worker),
        })
    }

    /// A broker that runs already; the tutorial's record is written to it where it is missing.
    pub fn running(port: u16) -> Result<Target> {
        let mut wire = Wire::connect(port)?;
        while wire.touch("connect-test")? != 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        if wire.end_offset("connect-test", 0)? == 0 {
            wire.produce("connect-test", 0, &[CONNECT_TEST.as_bytes()])?;
        }
        let bootstrap = format!("127.0.0.1:{port}");
        Ok(Target { bootstrap, kafka_port: port, rest_port: 8083, _running: Vec::new(), _files: Files::None })
    }

    /// A fresh Kafka with its standalone worker.
    pub fn kafka() -> Result<Target> {
        let kafka = Kafka::fetch()?;
        let folder = Folder::new("clients-kafka");
        let (port, rest_port) = (free_port(), free_port());
        let broker = kafka.broker(&folder.join("broker"), port)?.start()?;
        let lines = [
            format!("bootstrap.servers=127.0.0.1:{port}"),
            format!("listeners=http://127.0.0.1:{rest_port}"),
            format!("key.converter={JSON}\nvalue.converter={JSON}"),
            format!("offset.storage.file.filename={}", folder.join("connect.offsets").display()),
            "offset.flush.interval.ms=1000".to_owned(),
            format!("plugin.path={}", kafka.plugin_path().display()),
        ];
        let worker = folder.write("worker.properties", lines.join("\n"));
        let text = folder.write("test.txt", "test\n");
        let pipe = "tasks.max=1\nconnector.class=FileStream";
        let source = format!("name=local-file-source\n{pipe}Source\nfile={}\ntopic=connect-test\n", text.display());
        let sink = format!(
            "name=local-file-sink\n{pipe}Sink\nfile={}\ntopics=connect-test\n",
            folder.join("test.sink.txt").display()
        );
        let files = [worker, folder.write("source.properties", source), folder.write("sink.properties", sink)];
        let connect = kafka.connect(&files, &folder.join("connect.log"))?;
        let rest = Rest::new(rest_port);
        let start = Instant::now();
        while !rest.is_up() {
            if start.elapsed() > Duration::from_secs(60) {
                bail!("Kafka's worker did not come up:\n{}", connect.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        wait_for_record(port)?;
        Ok(Target {
            bootstrap: format!("127.0.0.1:{port}"),
            kafka_port: port,
            rest_port,
            _running: vec![connect, broker],
            _files: Files::Kafka(folder),
        })
    }
}

fn wait_for_record(port: u16) -> Result<()> {
    let start = Instant::now();
    loop {
        let end = Wire::connect(port).and_then(|mut wire| wire.end_offset("connect-test", 0));
        match end {
            Ok(1..) => return Ok(()),
            other if start.elapsed() > Duration::from_secs(60) => {
                return other.map(|_| ()).context("the line of test.txt did not reach the topic connect-test");
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
