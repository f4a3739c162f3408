//! The files of `examples/` do what the README says, under both names. Only the ports are others here.

use e2e::folder::repo_dir;
use e2e::wire::Wire;
use e2e::{Folder, Rest, Running, free_port, until};
use std::process::Command;

struct Example {
    folder: Folder,
    rest: Rest,
    kafka_port: u16,
    running: Running,
}

/// Starts connectd on copies of these files, the first of which is the worker's.
fn start(files: &[&str]) -> Example {
    let folder = Folder::new("examples");
    let (kafka_port, rest_port) = (free_port(), free_port());
    for (at, name) in files.iter().enumerate() {
        let text =
            std::fs::read_to_string(repo_dir().join("examples").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut text = text.replace("localhost:9092", &format!("localhost:{kafka_port}"));
        if at == 0 {
            text += &format!("\nlisteners=http://localhost:{rest_port}\n");
        }
        folder.write(name, text);
    }
    let mut command = Command::new(e2e::folder::binary());
    command.arg("standalone").args(files).current_dir(folder.path());
    let running = Running::start(&mut command, &folder.join("connectd.log")).expect("the binary starts");
    let mut example = Example { folder, rest: Rest::new(rest_port), kafka_port, running };
    until("the REST API to answer", e2e::wait::PATIENCE, || {
        assert!(example.running.ended().is_none(), "it ended at start:\n{}", example.running.log());
        example.rest.is_up().then_some(())
    });
    example
}

impl Example {
    fn sees(&self, file: &str, expected: &str) {
        until(&format!("{expected:?} in {file}; log:\n{}", self.running.log()), e2e::wait::PATIENCE, || {
            (self.folder.read(file) == expected).then_some(())
        });
    }
}

const ENVELOPE: &str = r#"{"schema":{"type":"string","optional":false},"payload":"test"}"#;

#[test]
fn the_tutorial() {
    let example =
        start(&["connect.properties", "file-source.properties", "file-sink.properties", "echo-sink.properties"]);
    example.folder.append("test.txt", "test\n");
    example.sees("test.sink.txt", "test\n");
    let records = Wire::connect(example.kafka_port).unwrap().read_all("connect-test", 0).unwrap();
    assert_eq!(records[0].value.as_deref(), Some(ENVELOPE.as_bytes()));
    let log = example.running.log();
    for text in [example.kafka_port.to_string(), "connectd-data".to_owned()] {
        assert!(log.contains(&text), "the banner does not say {text}:\n{log}");
    }
    assert!(example.folder.join("connectd-data").is_dir());
}

#[test]
fn kafkas_own_names() {
    let example =
        start(&["connect-standalone.properties", "connect-file-source.properties", "connect-file-sink.properties"]);
    example.folder.append("test.txt", "test\n");
    example.sees("test.sink.txt", "test\n");
}

#[test]
fn the_echo_source_and_the_json_forms() {
    let example = start(&["connect.properties", "echo-source.properties", "file-source.properties"]);
    until("a record of the echo source", e2e::wait::PATIENCE, || {
        let mut wire = Wire::connect(example.kafka_port).ok()?;
        wire.end_offset("echo-test", 0).ok().filter(|end| *end > 0)
    });
    example.folder.append("test.txt", "test\n");
    for name in ["echo-source.json", "file-sink.json"] {
        let body = std::fs::read_to_string(repo_dir().join("examples").join(name)).unwrap();
        let answer = example.rest.ask("POST", "/connectors", &body);
        assert_eq!(answer.status, 201, "{name}: {answer:?}");
    }
    example.sees("second.sink.txt", "test\n");
    until("a record of the source made over REST", e2e::wait::PATIENCE, || {
        let mut wire = Wire::connect(example.kafka_port).ok()?;
        wire.end_offset("hello", 0).ok().filter(|end| *end > 0)
    });
}
