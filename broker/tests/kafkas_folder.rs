//! A folder that the real Kafka wrote, copied into ours: the same records, offsets and transactions come out of both.
//!
//! Needs Java and the real Kafka's jars (`cargo xtask kafka` brings them); says `skipped` without.

mod kafka;

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use broker::{Node, settings::Settings};
use rustix::process::{Pid, Signal, kill_process};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// Kafka's jars, and a folder of its own.
struct Kafka {
    libs: PathBuf,
    home: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl Kafka {
    fn new(libs: &Path, home: &Path) -> Kafka {
        let (port, controller) = (free_port(), free_port());
        let lines = [
            "process.roles=broker,controller".to_owned(),
            "node.id=1".to_owned(),
            format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
            format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
            "controller.listener.names=CONTROLLER".to_owned(),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned(),
            format!("log.dirs={}", home.join("data").display()),
            "offsets.topic.replication.factor=1".to_owned(),
            "transaction.state.log.replication.factor=1".to_owned(),
            "transaction.state.log.min.isr=1".to_owned(),
        ];
        fs::write(home.join("server.properties"), lines.join("\n")).expect("a file");
        let kafka = Kafka { libs: libs.into(), home: home.into(), port, running: None };
        let config = home.join("server.properties").display().to_string();
        kafka.java("kafka.tools.StorageTool", &["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", &config]);
        kafka
    }

    /// What a program prints.
    fn java(&self, class: &str, args: &[&str]) -> String {
        let [text, _] = kafka::printed(kafka::java(&self.libs, class).args(args));
        text
    }

    fn start(&mut self) {
        let log = fs::File::create(self.home.join("broker.log")).expect("a file");
        let mut java = kafka::java(&self.libs, "kafka.Kafka");
        java.arg(self.home.join("server.properties")).stdout(log).stderr(Stdio::null());
        self.running = Some(java.spawn().expect("java"));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(120), "Kafka does not start");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop(&mut self, signal: Signal) {
        let mut running = self.running.take().expect("it runs");
        kill_process(Pid::from_child(&running), signal).expect("it runs");
        running.wait().expect("it ends");
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.stop(Signal::KILL);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
    }
}

async fn start(data: &Path, port: u16) -> Node {
    let mut settings = Settings { log_dir: data.into(), ..Settings::default() };
    settings.listeners.iter_mut().for_each(|listener| listener.port = port);
    Node::start(settings).await.expect("a broker")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_wrote_is_served_as_kafka_serves_it() {
    let Some(libs) = kafka::libs() else { return };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients/java/Folder.java").display().to_string();
    let home = tempfile::tempdir().expect("a folder");
    let mut kafka = Kafka::new(&libs, home.path());
    let theirs = format!("127.0.0.1:{}", kafka.port);
    // A clean stop leaves whole files, and the next leader epoch; a kill leaves indexes that end in zeros.
    kafka.start();
    kafka.java(&program, &["write", &theirs, "one"]);
    kafka.stop(Signal::TERM);
    kafka.start();
    kafka.java(&program, &["write", &theirs, "two"]);
    let expected = kafka.java(&program, &["read", &theirs]);
    kafka.stop(Signal::KILL);

    let (data, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let ours = format!("127.0.0.1:{port}");
    start(data.path(), port).await.stop().await.expect("a clean stop");
    for name in ["folder-0", "folder-1"] {
        copy(&home.path().join("data").join(name), &data.path().join(name));
    }
    let node = start(data.path(), port).await;
    let notes = node.notes().join("\n");
    assert!(notes.contains("folder-0 was written by Apache Kafka") && notes.contains("folder-1"), "{notes}");
    let found = kafka.java(&program, &["read", &ours]);
    assert!(expected == found, "{} lines of Kafka's, {} of ours", expected.lines().count(), found.lines().count());
    // It goes on as a topic like any other, over a restart too.
    kafka.java(&program, &["write", &ours, "three"]);
    let longer = kafka.java(&program, &["read", &ours]);
    node.stop().await.expect("a clean stop");
    let node = start(data.path(), port).await;
    assert_eq!(node.notes(), [""; 0]);
    assert!(kafka.java(&program, &["read", &ours]) == longer && longer.lines().count() > found.lines().count() + 8_000);
    node.stop().await.expect("a clean stop");
}
