//! Kafka's own tool reads every file of a log that was written, compacted and closed here.
//!
//! Needs Java and the real Kafka's jars (`cargo xtask kafka` brings them); says `skipped` without.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use broker::{Handle, Node, settings::Settings};
use broker_core::{
    request::{Batch, ConnId, CreateTopics, NewTopic, Produce, Reply, Request},
    settings::CleanerSettings,
};
use broker_store::batch::BatchInfo;
use broker_wire::{builder::BatchBuilder, codec::Codec};

const BATCHES: usize = 120;
const KEYS: usize = 7;

fn settings(dir: &Path) -> Settings {
    let defaults = [("segment.bytes", "3000"), ("index.interval.bytes", "300"), ("min.cleanable.dirty.ratio", "0")];
    let mut settings = Settings { log_dir: dir.into(), ..Settings::default() };
    settings.listeners.iter_mut().for_each(|listener| listener.port = 0);
    settings.topic_defaults.extend(defaults.map(|(key, value)| (key.to_owned(), value.to_owned())));
    settings.cleaner = CleanerSettings { backoff_ms: 100, ..CleanerSettings::default() };
    settings
}

async fn ask(handle: &Handle, conn: ConnId, request: Request) -> Reply {
    handle.request(conn, request).await.expect("a broker")
}

async fn create(handle: &Handle, conn: ConnId, name: &str, policy: &str) {
    let new = NewTopic {
        name: name.into(),
        partitions: 1,
        replication_factor: -1,
        assignments: Vec::new(),
        configs: vec![("cleanup.policy".into(), Some(policy.into()))],
    };
    let reply =
        ask(handle, conn, Request::CreateTopics(CreateTopics { topics: vec![new], validate_only: false })).await;
    assert!(matches!(&reply, Reply::CreateTopics(topics) if topics[0].outcome.is_ok()), "{reply:?}");
}

async fn fill(handle: &Handle, conn: ConnId, topic: &str) {
    for number in 0..BATCHES {
        let mut builder = BatchBuilder::new(Codec::ALL[number % Codec::ALL.len()]);
        for record in 0..3 {
            let (key, value) = (format!("key-{}", (number + record) % KEYS), format!("value-{number}-{record}"));
            // Some are tombstones.
            let value = Some(value.as_bytes()).filter(|_| number < BATCHES / 2 || record > 0);
            let timestamp = 1_700_000_000_000 + number as i64;
            builder.append(timestamp, Some(key.as_bytes()), value, &[("h", Some(b"1"))]);
        }
        let bytes = builder.finish(None).expect("it is not too large").expect("it has records");
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        let topics = vec![(topic.into(), vec![(0, Ok(Batch { info, bytes }))])];
        let reply = ask(handle, conn, Request::Produce(Produce { acks: -1, transactional_id: None, topics })).await;
        assert!(matches!(&reply, Reply::Produce(topics) if topics[0].partitions[0].outcome.is_ok()), "{reply:?}");
    }
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a log's folder");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    found
}

/// What the tool says of these files.
fn dump(libs: &Path, files: &[PathBuf], more: &[&str]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let output = Command::new("java")
        .args(["-Xmx256M", "-cp"])
        .arg(libs.join("*"))
        .args(["org.apache.kafka.tools.DumpLogSegments", "--files", &files.join(",")])
        .args(more)
        .output()
        .expect("java");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_own_tool_reads_every_file() {
    let libs = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("kafka/libs");
    if !libs.is_dir() || Command::new("java").arg("-version").output().is_err() {
        println!("skipped: needs java and {}", libs.display());
        return;
    }
    let data = tempfile::tempdir().expect("a folder");
    let node = Node::start(settings(data.path())).await.expect("a broker");
    let handle = node.handle();
    let conn = handle.connect();
    for (topic, policy) in [("plain", "delete"), ("table", "compact")] {
        create(&handle, conn, topic, policy).await;
        fill(&handle, conn, topic).await;
    }
    let (plain, table) = (data.path().join("plain-0"), data.path().join("table-0"));
    // It has been compacted when new files wait to take the place of the old.
    let patience = Instant::now() + Duration::from_secs(60);
    while !table.is_dir() || files(&table, ".swap").is_empty() || !files(&table, ".cleaned").is_empty() {
        assert!(Instant::now() < patience, "nothing is compacted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(handle);
    node.stop().await.expect("a clean stop");
    // The next start finishes the swap.
    let node = Node::start(settings(data.path())).await.expect("a broker");
    node.stop().await.expect("a clean stop");

    for dir in [&plain, &table] {
        assert!(files(dir, ".swap").is_empty() && files(dir, ".cleaned").is_empty(), "{:?}", files(dir, ""));
        let text = dump(&libs, &files(dir, ".log"), &["--deep-iteration", "--print-data-log"]);
        assert!(text.contains("baseOffset") && text.contains("payload: value-119-2"), "{text}");
        assert!(!text.contains("isvalid: false"), "{text}");
        let indexes = [files(dir, ".index"), files(dir, ".timeindex")].concat();
        let text = dump(&libs, &indexes, &["--index-sanity-check"]);
        assert!(text.contains("passed sanity check") && !text.contains("mismatch"), "{text}");
        let text = dump(&libs, &indexes, &[]);
        assert!(!text.contains("mismatch") && !text.contains("out of order"), "{text}");
    }
    let count = |dir: &Path| {
        let text = dump(&libs, &files(dir, ".log"), &["--deep-iteration", "--print-data-log"]);
        text.lines().filter(|line| line.contains("keySize")).count()
    };
    assert_eq!(count(&plain), 3 * BATCHES, "nothing of it is gone");
    let left = count(&table);
    assert!((KEYS..3 * BATCHES / 2).contains(&left), "{left} records are left");
}
