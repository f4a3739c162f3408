//! Bad input: one clear message that says what to do, Kafka Connect's exit codes, and nothing lost.

use e2e::connectd::refused;
use e2e::{Folder, Worker, until};
use rustix::process::Signal;
use std::net::TcpListener;
use std::process::Command;

/// It must end with this code and say all of these things.
#[track_caller]
fn check(outcome: (std::process::ExitStatus, String), code: i32, says: &[&str]) {
    let (status, output) = outcome;
    assert_eq!(status.code(), Some(code), "{output}");
    for fragment in says {
        assert!(output.contains(fragment), "it does not say {fragment:?}:\n{output}");
    }
    assert!(!output.contains("panicked"), "{output}");
}

fn standalone(folder: &Folder, args: &[&str]) -> (std::process::ExitStatus, String) {
    let mut command = Command::new(e2e::folder::binary());
    refused(command.arg("standalone").args(args).current_dir(folder.path()), &folder.join("refused.log"))
}

fn file_connector(worker: Worker, file: &str, content: &[u8]) -> Worker {
    let path = worker.folder.write(file, content);
    worker.file(path)
}

#[test]
fn the_command_line() {
    let folder = Folder::new("command-line");
    check(standalone(&folder, &[]), 1, &["standalone"]);
    check(standalone(&folder, &["--help"]), 1, &["standalone"]);
    let (status, output) = refused(Command::new(e2e::folder::binary()).arg("standalon"), &folder.join("typo.log"));
    assert_ne!(status.code(), Some(0));
    assert!(output.contains("standalone"), "{output}");
}

#[test]
fn the_workers_file() {
    let folder = Folder::new("worker-file");
    check(standalone(&folder, &["missing.properties"]), 2, &["missing.properties"]);
    folder.write("bad.properties", "bootstrap.servers=localhost:1\nkey.converter=\\u00zz\n");
    check(standalone(&folder, &["bad.properties"]), 2, &["bad.properties", "\\u"]);
    folder.write("empty.properties", "");
    check(standalone(&folder, &["empty.properties"]), 2, &["bootstrap.servers"]);
    let without = Worker::new("without").set("value.converter", "");
    check(without.refused(), 2, &["value.converter"]);
    let unknown = Worker::new("unknown").set("value.converter", "org.apache.kafka.connect.json.JsonConvertor");
    check(unknown.refused(), 2, &["JsonConvertor", "JsonConverter"]);
    let interval = Worker::new("interval").set("offset.flush.interval.ms", "soon");
    check(interval.refused(), 2, &["offset.flush.interval.ms", "soon"]);
    let flush = Worker::new("flush").set("broker.log.flush", "sometimes");
    check(flush.refused(), 2, &["broker.log.flush", "sometimes", "fsync"]);
}

#[test]
fn a_connectors_file() {
    let missing = Worker::new("missing");
    let path = missing.folder.join("nowhere.properties");
    check(missing.file(path).refused(), 3, &["nowhere.properties"]);
    check(file_connector(Worker::new("nameless"), "c.properties", b"file=x\n").refused(), 3, &["c.properties", "name"]);
    check(file_connector(Worker::new("empty"), "c.properties", b"").refused(), 3, &["c.properties"]);
    check(file_connector(Worker::new("array"), "c.json", b"[1]").refused(), 3, &["c.json"]);
    check(file_connector(Worker::new("escape"), "c.properties", b"name=\\u12\n").refused(), 3, &["c.properties"]);
    let mismatch = br#"{"name":"a","config":{"name":"b","connector.class":"FileStreamSink","topics":"t"}}"#;
    check(file_connector(Worker::new("mismatch"), "c.json", mismatch).refused(), 3, &["c.json", "name"]);
}

#[test]
fn a_connectors_settings() {
    let class =
        |class: &str| Worker::new("class").connector("it", class, &[("topics", "t"), ("topic", "t"), ("file", "x")]);
    check(class("FileStreamSorce").refused(), 3, &["FileStreamSorce", "FileStreamSource"]);
    check(class("filestreamsink").refused(), 3, &["filestreamsink", "FileStreamSink"]);
    check(class("org.apache.kafka.connect.file.FileStreamSnikConnector").refused(), 3, &["FileStreamSinkConnector"]);
    let no_topic = Worker::new("no-topic").connector("it", "FileStreamSource", &[("file", "x")]);
    check(no_topic.refused(), 3, &["topic"]);
    let tasks = Worker::new("tasks").connector("it", "FileStreamSink", &[("topics", "t"), ("tasks.max", "none")]);
    check(tasks.refused(), 3, &["tasks.max"]);
    let twice = Worker::new("twice").pipe();
    let again = twice.folder.join("local-file-sink.properties");
    check(twice.file(again).refused(), 3, &["local-file-sink"]);
}

#[test]
fn a_port_in_use() {
    let worker = Worker::new("rest-port");
    let _taken = TcpListener::bind(("127.0.0.1", worker.rest_port)).unwrap();
    check(worker.refused(), 2, &[&worker.rest_port.to_string(), &std::process::id().to_string()]);
    let worker = Worker::new("kafka-port");
    let _taken = TcpListener::bind(("127.0.0.1", worker.kafka_port)).unwrap();
    check(worker.refused(), 2, &[&worker.kafka_port.to_string(), &std::process::id().to_string()]);
}

#[test]
fn a_broker_of_its_own_where_another_one_answers() {
    let first = Worker::new("first-broker");
    let connectd = first.start();
    let port = first.kafka_port.to_string();
    let second = Worker::new("second-broker")
        .set("bootstrap.servers", &format!("127.0.0.1:{port}"))
        .set("broker.embedded", "always");
    check(second.refused(), 2, &[&port, &connectd.running.pid().to_string()]);
    assert!(connectd.rest.is_up());
}

#[test]
fn a_data_folder_in_use() {
    let first = Worker::new("lock-first").pipe();
    let connectd = first.start();
    let second = Worker::new("lock-second").set("broker.log.dirs", &first.folder.join("data").display().to_string());
    check(second.refused(), 2, &["data", &connectd.running.pid().to_string()]);
    first.folder.append("test.txt", "still here\n");
    first.expect_file("test.sink.txt", "still here\n");
    connectd.kill();
    let _connectd = second.start();
}

#[test]
fn a_data_folder_that_is_not_ours() {
    let worker = Worker::new("not-ours");
    std::fs::create_dir(worker.folder.join("data")).unwrap();
    worker.folder.write("data/holiday.jpg", "not a journal");
    check(worker.refused(), 2, &["data"]);
    assert_eq!(worker.folder.read("data/holiday.jpg"), "not a journal");
    let names: Vec<_> = std::fs::read_dir(worker.folder.join("data")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing was written there");

    let kafkas = Worker::new("kafkas");
    std::fs::create_dir(kafkas.folder.join("data")).unwrap();
    kafkas.folder.write("data/meta.properties", "version=1\nnode.id=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\n");
    check(kafkas.refused(), 2, &["data"]);

    let file = Worker::new("data-is-a-file");
    file.folder.write("data", "a file");
    check(file.refused(), 2, &["data"]);
    assert_eq!(file.folder.read("data"), "a file");
}

#[test]
fn an_unreadable_source_waits_and_says_so() {
    let worker = Worker::new("unreadable").pipe();
    std::fs::create_dir(worker.folder.join("test.txt")).unwrap();
    let connectd = worker.start();
    until("it to say why nothing comes", e2e::wait::PATIENCE, || {
        connectd.running.log().contains("test.txt").then_some(())
    });
    connectd.expect_states("local-file-source", "RUNNING [RUNNING]");
    std::fs::remove_dir(worker.folder.join("test.txt")).unwrap();
    worker.folder.append("test.txt", "now it can be read\n");
    worker.expect_file("test.sink.txt", "now it can be read\n");
}

#[test]
fn a_sink_that_cannot_write_fails_and_loses_nothing() {
    let worker = Worker::new("no-folder")
        .connector("source", "FileStreamSource", &[("file", "in.txt"), ("topic", "t")])
        .connector("sink", "FileStreamSink", &[("file", "nowhere/out.txt"), ("topics", "t")]);
    worker.folder.append("in.txt", "kept\n");
    let connectd = worker.start();
    connectd.expect_states("sink", "RUNNING [FAILED]");
    let trace = connectd.rest.get("/connectors/sink/tasks/0/status").json()["trace"].to_string();
    assert!(trace.contains("nowhere/out.txt"), "{trace}");
    std::fs::create_dir(worker.folder.join("nowhere")).unwrap();
    assert_eq!(connectd.rest.ask("POST", "/connectors/sink/tasks/0/restart", "").status, 204);
    worker.expect_file("nowhere/out.txt", "kept\n");
}

#[test]
fn kafkas_jars_are_named_and_not_loaded() {
    let worker = Worker::new("jars").set("plugin.path", "libs/connect-file-4.3.0.jar").pipe();
    let connectd = worker.start();
    let log = connectd.running.log();
    assert!(log.contains("jar plugins are not loaded"), "{log}");
    worker.folder.append("test.txt", "test\n");
    worker.expect_file("test.sink.txt", "test\n");
}

#[test]
fn a_file_that_is_no_component_is_named_and_harms_nobody() {
    let worker = Worker::new("no-component").set("plugin.path", "plugins").pipe();
    std::fs::create_dir(worker.folder.join("plugins")).unwrap();
    worker.folder.write("plugins/notes.wasm", "not WebAssembly at all");
    worker.folder.write("plugins/module.wasm", "\0asm\u{1}\0\0\0");
    let connectd = worker.start();
    let log = connectd.running.log();
    for file in ["plugins/notes.wasm", "plugins/module.wasm"] {
        let line =
            log.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("{file} is not named:\n{log}"));
        assert!(line.contains("is not used") && line.contains("component"), "{line}");
    }
    worker.folder.append("test.txt", "test\n");
    worker.expect_file("test.sink.txt", "test\n");
}

#[test]
fn a_second_ctrl_c_does_not_wait_and_a_first_one_ends_cleanly() {
    let patience = e2e::wait::PATIENCE;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let worker = Worker::new("signals").pipe();
        let mut connectd = worker.start();
        worker.folder.append("test.txt", "before\n");
        worker.expect_file("test.sink.txt", "before\n");
        connectd.running.signal(signal);
        assert_eq!(connectd.running.wait(patience).code(), Some(code));

        let mut again = worker.start();
        worker.folder.append("test.txt", "after\n");
        again.running.signal(signal);
        again.running.signal(signal);
        assert_eq!(again.running.wait(patience).code(), Some(code), "{}", again.running.log());
        let _last = worker.start();
        worker.expect_file("test.sink.txt", "before\nafter\n");
    }
}
