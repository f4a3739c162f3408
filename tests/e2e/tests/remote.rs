//! A worker beside a running broker: the tutorial's four terminals, each with a process of its own.

use e2e::{Folder, Running, Worker, folder::binary, free_port, until, wait::PATIENCE};
use std::io::Write;
use std::process::{Command, Stdio};

/// A broker in a process of its own, which can be started again.
struct Broker {
    folder: Folder,
    port: u16,
}

impl Broker {
    fn new(name: &str) -> Broker {
        let (folder, port) = (Folder::new(name), free_port());
        let data = folder.join("data").display().to_string();
        folder.write("server.properties", format!("listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={data}\n"));
        Broker { folder, port }
    }

    fn start(&self) -> Running {
        let mut command = Command::new(binary());
        command.arg("broker").arg(self.folder.join("server.properties")).current_dir(self.folder.path());
        let running = Running::start(&mut command, &self.folder.join("broker.log")).expect("the binary starts");
        until("the broker to listen", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok());
        running
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn worker(&self, name: &str) -> Worker {
        Worker::new(name).set("bootstrap.servers", &self.address())
    }

    /// Runs one of Kafka's tools with this input: its stdout and exit code.
    fn tool(&self, name: &str, input: &str, args: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(binary());
        command.arg(name).args(["--bootstrap-server", &self.address()]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("the tool reads");
        let output = child.wait_with_output().expect("the tool ends");
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    }
}

#[test]
fn four_terminals() {
    let broker = Broker::new("four-broker");
    let _running = broker.start();
    assert_eq!(broker.tool("kafka-console-producer", "a\nb\n", &["--topic", "hand"]), (String::new(), Some(0)));
    let read = ["--topic", "hand", "--from-beginning", "--max-messages", "2"];
    assert_eq!(broker.tool("kafka-console-consumer", "", &read), ("a\nb\n".into(), Some(0)));

    let worker = broker.worker("four-worker").pipe();
    worker.folder.write("test.txt", "foo\nbar\n");
    let connectd = worker.start();
    worker.expect_file("test.sink.txt", "foo\nbar\n");
    worker.folder.append("test.txt", "another line\n");
    worker.expect_file("test.sink.txt", "foo\nbar\nanother line\n");
    let log = connectd.running.log();
    assert!(log.contains("another process; this one runs no broker"), "{log}");
    let read = ["--topic", "connect-test", "--from-beginning", "--max-messages", "3"];
    assert_eq!(broker.tool("kafka-console-consumer", "", &read).0, "foo\nbar\nanother line\n");

    // Stopped and started again, it goes on where it was, both of its connectors.
    assert_eq!(connectd.stop().code(), Some(130));
    worker.folder.append("test.txt", "while it was away\n");
    let connectd = worker.start();
    worker.expect_file("test.sink.txt", "foo\nbar\nanother line\nwhile it was away\n");
    drop(connectd);
}

#[test]
fn a_broker_that_goes_away_and_comes_back() {
    let broker = Broker::new("away-broker");
    let mut running = broker.start();
    let worker = broker.worker("away-worker").pipe();
    worker.folder.write("test.txt", "before\n");
    let connectd = worker.start();
    worker.expect_file("test.sink.txt", "before\n");
    running.kill();
    worker.folder.append("test.txt", "meanwhile\n");
    until("the log to say it", PATIENCE, || {
        connectd.running.log().contains("the cluster cannot be reached").then_some(())
    });
    connectd.expect_states("local-file-source", "RUNNING [RUNNING]");
    let _running = broker.start();
    worker.expect_file("test.sink.txt", "before\nmeanwhile\n");
}

#[test]
fn nobody_is_moved_to_another_broker_in_silence() {
    let broker = Broker::new("moved-broker");
    let running = broker.start();
    let worker = broker.worker("moved-worker").pipe();
    worker.folder.write("test.txt", "one\n");
    let connectd = worker.start();
    worker.expect_file("test.sink.txt", "one\n");
    connectd.stop();
    drop(running);
    let (status, output) = worker.refused();
    assert_eq!(status.code(), Some(2), "{output}");
    assert!(output.contains("broker.embedded=always") && output.contains(&broker.address()), "{output}");
    // Asked for, there is a broker here, with offsets of its own: the file is read from its beginning.
    let worker = worker.set("broker.embedded", "always");
    let _connectd = worker.start();
    worker.expect_file("test.sink.txt", "one\none\n");
}

#[test]
fn offsets_of_kafkas_own_worker_are_gone_on_from() {
    let broker = Broker::new("offsets-broker");
    let _running = broker.start();
    let worker = broker.worker("offsets-worker").pipe();
    // As Connect 4.3 wrote it after twelve bytes of test.txt.
    worker.folder.write("connect.offsets", include_bytes!("../../../runtime/core/src/offset_file/kafka-4.3.offsets"));
    worker.folder.write("test.txt", "hello\nworld\nnew\n");
    let _connectd = worker.start();
    worker.expect_file("test.sink.txt", "new\n");
}
