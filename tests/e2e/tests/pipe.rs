//! A line from a file, through a topic, to a file: what the README promises, and what editors and log rotation do to files.

use e2e::connectd::JSON;
use e2e::wire::{Record, Wire};
use e2e::{Connectd, Worker};
use std::fs;
use std::time::Duration;

fn worker(name: &str) -> Worker {
    Worker::new(name).pipe()
}

fn topic(worker: &Worker) -> Vec<Record> {
    Wire::connect(worker.kafka_port)
        .and_then(|mut wire| wire.read_all("connect-test", 0))
        .expect("the topic can be read")
}

fn values(worker: &Worker) -> Vec<String> {
    topic(worker).into_iter().map(|record| String::from_utf8(record.value.expect("a value")).expect("text")).collect()
}

#[test]
fn a_line_reaches_the_topic_and_the_sink() {
    let worker = worker("line").set("key.converter", JSON).set("value.converter", JSON);
    let _connectd = worker.start();
    worker.folder.append("test.txt", "test\n");
    worker.expect_file("test.sink.txt", "test\n");
    let envelope = br#"{"schema":{"type":"string","optional":false},"payload":"test"}"#;
    assert_eq!(topic(&worker), [Record { offset: 0, key: None, value: Some(envelope.to_vec()) }]);
}

#[test]
fn lines_end_as_they_do_in_kafka_connect() {
    let worker = worker("endings");
    let connectd = worker.start();
    worker.folder.append("test.txt", "unix\nwindows\r\n\nold\rmac\nno end yet");
    worker.expect_file("test.sink.txt", "unix\nwindows\n\nold\nmac\n");
    worker.folder.append("test.txt", ", now it has\n");
    worker.expect_file("test.sink.txt", "unix\nwindows\n\nold\nmac\nno end yet, now it has\n");
    assert_eq!(values(&worker), ["unix", "windows", "", "old", "mac", "no end yet, now it has"]);
    drop(connectd);
}

#[test]
fn an_editor_that_renames_adds_only_its_line() {
    let worker = worker("rename-save");
    let _connectd = worker.start();
    worker.folder.append("test.txt", "one\ntwo\n");
    worker.expect_file("test.sink.txt", "one\ntwo\n");
    worker.folder.write("test.txt~", "one\ntwo\nthree\n");
    fs::rename(worker.folder.join("test.txt~"), worker.folder.join("test.txt")).unwrap();
    worker.expect_file("test.sink.txt", "one\ntwo\nthree\n");
    worker.folder.append("test.txt", "four\n");
    worker.expect_file("test.sink.txt", "one\ntwo\nthree\nfour\n");
    assert_eq!(values(&worker), ["one", "two", "three", "four"]);
}

#[test]
fn an_editor_that_writes_in_place_adds_only_its_line() {
    let worker = worker("in-place-save");
    let _connectd = worker.start();
    worker.folder.append("test.txt", "one\ntwo\n");
    worker.expect_file("test.sink.txt", "one\ntwo\n");
    worker.folder.write("test.txt", "one\ntwo\nthree\n");
    worker.expect_file("test.sink.txt", "one\ntwo\nthree\n");
}

#[test]
fn a_rotated_file_is_followed() {
    let worker = worker("rotated");
    let _connectd = worker.start();
    worker.folder.append("test.txt", "old one\nold two\n");
    worker.expect_file("test.sink.txt", "old one\nold two\n");
    fs::rename(worker.folder.join("test.txt"), worker.folder.join("test.txt.1")).unwrap();
    worker.folder.append("test.txt", "new one\n");
    worker.expect_file("test.sink.txt", "old one\nold two\nnew one\n");
}

#[test]
fn a_truncated_file_starts_over() {
    let worker = worker("truncated");
    let _connectd = worker.start();
    worker.folder.append("test.txt", "a long first line\nanother one\n");
    worker.expect_file("test.sink.txt", "a long first line\nanother one\n");
    worker.folder.write("test.txt", "fresh\n");
    worker.expect_file("test.sink.txt", "a long first line\nanother one\nfresh\n");
}

#[test]
fn a_file_that_comes_later_is_picked_up() {
    let worker = worker("later");
    let connectd = worker.start();
    connectd.expect_states("local-file-source", "RUNNING [RUNNING]");
    std::thread::sleep(Duration::from_millis(300));
    worker.folder.append("test.txt", "at last\n");
    worker.expect_file("test.sink.txt", "at last\n");
}

#[test]
fn ctrl_c_and_a_new_start_neither_lose_nor_repeat() {
    let worker = worker("ctrl-c");
    let mut expected = String::new();
    for round in 0..5 {
        let line = format!("round {round}: é 漢字 🎉\n");
        worker.folder.append("test.txt", &line);
        expected += &line;
        let connectd = worker.start();
        let line = format!("round {round}, while it runs: ü\n");
        worker.folder.append("test.txt", &line);
        expected += &line;
        if round % 2 == 0 {
            worker.expect_file("test.sink.txt", &expected);
        }
        assert_eq!(connectd.stop().code(), Some(130), "Ctrl-C ends it as it ends Kafka's worker");
    }
    let _connectd = worker.start();
    worker.expect_file("test.sink.txt", &expected);
    assert_eq!(values(&worker).len(), 10);
}

#[test]
fn many_lines_arrive_in_order() {
    let worker = worker("many");
    let _connectd = worker.start();
    let lines: String = (0..200_000).map(|n| format!("line number {n}\n")).collect();
    worker.folder.append("test.txt", &lines);
    worker.expect_file("test.sink.txt", &lines);
}

#[test]
fn a_line_longer_than_any_buffer_arrives() {
    let worker = worker("long");
    let _connectd = worker.start();
    let long = "x".repeat(700_000) + "\n";
    worker.folder.append("test.txt", &long[..300_000]);
    std::thread::sleep(Duration::from_millis(100));
    worker.folder.append("test.txt", &long[300_000..]);
    worker.folder.append("test.txt", "short\n");
    worker.expect_file("test.sink.txt", &(long + "short\n"));
}

#[test]
fn the_echo_sink_shows_each_record() {
    let worker = worker("echo-sink").connector("echo-sink", "EchoSink", &[("topics", "connect-test")]);
    let connectd = worker.start();
    worker.folder.append("test.txt", "show me in the log\n");
    shows(&connectd, "show me in the log");
}

#[test]
fn the_echo_source_says_its_message() {
    let settings = [("topic", "hello"), ("message", "hello from echo"), ("interval.ms", "20")];
    let worker = Worker::new("echo-source").connector("echo-source", "EchoSource", &settings).connector(
        "sink",
        "FileStreamSink",
        &[("file", "hello.txt"), ("topics", "hello")],
    );
    let _connectd = worker.start();
    e2e::until("three messages", e2e::wait::PATIENCE, || {
        (worker.folder.read("hello.txt").lines().count() >= 3).then_some(())
    });
    assert!(worker.folder.read("hello.txt").lines().all(|line| line == "hello from echo"));
}

#[test]
fn standard_input_is_the_source_when_no_file_is_named() {
    use std::io::Write;
    use std::process::Stdio;
    let worker = Worker::new("stdin").connector("source", "FileStreamSource", &[("topic", "typed")]).connector(
        "sink",
        "FileStreamSink",
        &[("file", "typed.txt"), ("topics", "typed")],
    );
    let mut child = worker.command().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all("typed by hand\n".as_bytes()).unwrap();
    worker.expect_file("typed.txt", "typed by hand\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn shows(connectd: &Connectd, text: &str) {
    e2e::until(&format!("{text:?} on its output"), e2e::wait::PATIENCE, || {
        connectd.running.log().contains(text).then_some(())
    });
}
